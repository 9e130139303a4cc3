"""A real Askbot forum is harvested whole, within its own limits, and cheaply from then on."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from realforums import Harvest, RealForum, prepared, tell

from kbgen.sources.askbot import AskbotOptions, AskbotSource

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("live")]
LIMIT = 15

CHANGES = """
import django
django.setup()
from askbot.models import Post, User
from django.utils import timezone
staff = User.objects.get(username="staffmember")
accepted = [post.thread.accepted_answer for post in Post.objects.filter(post_type="question", deleted=False).order_by("pk")
            if post.thread.accepted_answer_id]
staff.unaccept_best_answer(answer=accepted[0], force=True)
staff.delete_question(accepted[1].thread._question_post(), timestamp=timezone.now())
staff.edit_answer(accepted[2], body_text="Rewritten since.", force=True)
print(*(answer.thread._question_post().pk for answer in accepted[:3]))
"""


@pytest.fixture(scope="module")
def installed() -> RealForum:
    """An Askbot forum that is not serving yet."""
    return prepared("askbot")


@pytest.fixture
def forum(installed: RealForum) -> Iterator[RealForum]:
    """The same, serving what it was seeded with; what a test changes is undone."""
    database = installed.home / "askbotsite" / "db.sqlite3"
    seeded = database.with_suffix(".seeded")
    if not seeded.exists():
        shutil.copy2(database, seeded)
    with installed.serving():
        yield installed
    shutil.copy2(seeded, database)


def harvest(forum: RealForum, folder: Path) -> Harvest:
    """An empty store for the forum."""
    options = AskbotOptions(name="ask", kind="askbot", url=forum.url)
    return Harvest(forum, AskbotSource(options, folder), folder / "store.db")


def assert_whole(done: Harvest) -> None:
    """Every live question of the seed is there with its title, answers and accepted answer, and no deleted one."""
    live = {str(row["question_id"]): row for row in done.forum.seeded() if not row["deleted"]}
    threads = done.threads()
    assert set(live) == set(threads)
    for number, row in live.items():
        thread = threads[number]
        assert row["title"] == thread.title
        assert sorted(row["tags"]) == sorted(thread.tags)
        assert sorted(map(str, row["answer_ids"])) == sorted(answer.id for answer in thread.answers)
        wanted = [] if row["accepted_answer_id"] is None else [str(row["accepted_answer_id"])]
        assert wanted == [solution.post_id for solution in thread.solved]
        assert thread.warnings == ()
        assert thread.question.author.name == row["author"]


def test_a_forum_is_harvested_whole_and_cheaply_kept_up(forum: RealForum, tmp_path: Path) -> None:
    """All ids and accepted ids; then a second run that costs at most a twentieth of the requests."""
    done = harvest(forum, tmp_path)
    first = done.run()
    assert_whole(done)
    second = done.run()
    tell(f"Askbot: {len(done.records())} questions, {first} requests, then {second}")
    assert second * 20 <= first
    assert_whole(done)


def test_an_interrupted_harvest_goes_on(forum: RealForum, tmp_path: Path) -> None:
    """Ctrl-C in the middle: the next run does not fetch again what is stored."""
    whole = harvest(forum, tmp_path / "whole").run()
    done = harvest(forum, tmp_path / "broken")
    with suppress(KeyboardInterrupt):
        done.run(most=whole // 2)
    kept = len(done.records())
    rest = done.run()
    tell(f"Askbot: broken off after {whole // 2} of {whole} requests with {kept} questions, {rest} more")
    assert kept > 0
    assert rest < whole
    assert_whole(done)


def test_unaccept_edit_and_delete_are_seen(forum: RealForum, tmp_path: Path) -> None:
    """What moderators do is seen by the next full pass: no answer, no page, new words."""
    done = harvest(forum, tmp_path)
    done.run()
    python = forum.home / "venv/bin/python"
    env = {"DJANGO_SETTINGS_MODULE": "kbforum.settings_kb", "PYTHONWARNINGS": "ignore"}
    site = forum.home / "askbotsite"
    # A running server keeps pages it has shown.
    forum.do("stop")
    told = subprocess.run([python, "-c", CHANGES], cwd=site, env=env, capture_output=True, text=True, check=True)
    unaccepted, deleted, edited = told.stdout.split()[-3:]
    forum.do("start")
    done.run(full=True)
    threads = done.threads()
    assert threads[unaccepted].solved == ()
    assert deleted not in threads
    assert any("Rewritten since." in answer.html for answer in threads[edited].answers)


def test_the_forums_own_limit_costs_time_only(installed: RealForum, tmp_path: Path) -> None:
    """With 15 requests a minute, 429 and Retry-After: complete, and nothing lost or doubled."""
    rows = installed.manifest.read_bytes()
    try:
        installed.do("seed", QUESTIONS=0, RATE_LIMIT=LIMIT)
        installed.manifest.write_bytes(rows)
        with installed.serving():
            done = harvest(installed, tmp_path)
            tell(f"Askbot at {LIMIT} requests a minute: {done.run()} requests")
            assert_whole(done)
    finally:
        installed.do("seed", QUESTIONS=0, RATE_LIMIT=0)
        installed.manifest.write_bytes(rows)
