"""``kbgen promote``, ``forget``, ``report`` and ``taxonomy``, as they are typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from projects import Kbgen, SmallForum, build_here, forum_post, forum_topic

from kbgen.curate.overlays import load_overlays


@pytest.fixture
def small(tmp_path: Path, frames: Path) -> SmallForum:
    """Four topics; in the third, Tomas is named by somebody else."""
    forum = SmallForum(tmp_path / "small", frames=frames)
    topic = forum_topic(3, "Where is Tomas Novak's way to pair a sensor?", slug="where")
    posts = topic["post_stream"]["posts"]
    posts[1] |= {"username": "tomas_n", "name": "Tomas Novak", "user_id": 88}
    posts.append(forum_post(3, 3, "Thank you @tomas_n.Really, as Tomas Novak said, that did it."))
    posts.append(
        forum_post(3, 4, "Hi tomas_n, tomas&nbsp;novak's way is what I look for, and <b>Tomas</b> Novak knows.")
    )
    forum.write(topic)
    return forum


def test_a_forgotten_person_is_nowhere(small: SmallForum, inside: Kbgen) -> None:
    """Handle and full name are gone from store, caches, addresses and site; the answer stays; none of it comes back."""
    build_here(small.folder)
    assert "/q/where-is-tomas-novaks-way-to-pair-a-sensor-3/" in small.paths().values()
    done = inside("-C", small.folder, "forget", "forum:@tomas_n", "--by", "Dana")
    assert (0, True) == (done.code, "1 threads have posts of theirs" in done.out)
    build_here(small.folder)
    assert b"tomas" not in small.everything()
    assert b"settles number 3 for good" in small.everything()
    again = forum_topic(3, "How do I pair a new sensor, Tomas Novak?", slug="where")
    again["post_stream"]["posts"][1] |= {"username": "tomas_n", "name": "Tomas Novak", "user_id": 88}
    small.write(again)
    build_here(small.folder)
    text = small.everything()
    assert (False, True) == (b"tomas" in text, b"pair a new sensor" in text)


def test_a_forgotten_thread_is_withdrawn(small: SmallForum, inside: Kbgen) -> None:
    """Its page is gone, and its words with it."""
    build_here(small.folder)
    inside("-C", small.folder, "forget", "forum:2")
    build_here(small.folder, allow_vanish=True)
    assert ("forum:2" in small.paths(), b"settles number 2 for good" in small.everything()) == (False, False)
    assert "erased" in inside("-C", small.folder, "why", "forum:2").out


def test_an_overlay_is_written_once(small: SmallForum, inside: Kbgen) -> None:
    """It is read without a fault and changes nothing of the words; a second one would overwrite a writer's work."""
    build_here(small.folder)
    assert inside("-C", small.folder, "promote", "forum:1").code == 0
    overlays, faults = load_overlays(small.folder)
    assert (["forum:1"], []) == (list(overlays), faults)
    assert "settles number 1 for good" in (overlays[next(iter(overlays))].body or "")
    assert inside("-C", small.folder, "promote", "forum:1").code == 2


def test_an_overlay_older_than_its_thread_is_named(small: SmallForum, inside: Kbgen) -> None:
    """An update is suggested once question or best answer changed after the writer's day, and not before."""
    folder = small.folder / "content" / "curated"
    folder.mkdir(exist_ok=True)
    said: list[bool] = []
    for day in ("2025-03-01", "2025-03-02"):
        text = f"---\nthread: forum:1\ntitle: Another name\nreviewed: {day}\n---\n"
        (folder / "one.md").write_text(text, encoding="utf-8")
        build_here(small.folder)
        listed = inside("-C", small.folder, "review", "list").out
        said.append(
            "the thread changed on 2025-03-02, after content/curated/one.md was reviewed" in " ".join(listed.split())
        )
    assert [True, False] == said


def test_an_article_settles_its_threads(small: SmallForum, inside: Kbgen) -> None:
    """It begins as a draft, so that nothing is published before somebody has read it."""
    build_here(small.folder)
    inside("-C", small.folder, "promote", "forum:1", "--article")
    text = (small.folder / "content" / "articles" / "how-do-i-rename-a-room.md").read_text(encoding="utf-8")
    assert ("draft: true" in text, "answers: ['forum:1']" in text) == (True, True)


def test_the_report_counts_and_is_a_page(small: SmallForum, inside: Kbgen, tmp_path: Path) -> None:
    """In words, as JSON, and as HTML in which nothing harvested is markup."""
    small.write(forum_topic(8, "Why <b>bold</b>?", accepted=False))
    small.configure(rules={"answered": "hold"})
    build_here(small.folder)
    page = tmp_path / "report.html"
    found = inside("-C", small.folder, "--json", "report", "--html", page).data
    assert ({"held": 1}, 4) == (found["waiting"], found["pages"]["entry"])
    assert "<b>bold" not in page.read_text(encoding="utf-8")
    assert "held 1" in inside("-C", small.folder, "report").out


def test_a_taxonomy_is_written_where_there_is_none(small: SmallForum, inside: Kbgen) -> None:
    """The next run reads it; a second time nothing is overwritten."""
    build_here(small.folder, ["harvest", "curate"])
    assert inside("-C", small.folder, "taxonomy", "suggest", "--write").code == 0
    assert inside("-C", small.folder, "config", "check").code == 0
    assert inside("-C", small.folder, "taxonomy", "suggest", "--write").code == 2
    assert "The taxonomy knows every tag." in inside("-C", small.folder, "taxonomy", "unmapped").out
