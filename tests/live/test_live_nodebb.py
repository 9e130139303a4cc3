"""A real NodeBB forum is harvested whole, and cheaply from then on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from realforums import Harvest, RealForum, prepared, tell

from kbgen.sources.nodebb import NodebbOptions, NodebbSource

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("live")]
WELCOME = "1"
"""The topic every new forum has."""


@pytest.fixture(scope="module")
def forum() -> Iterator[RealForum]:
    """A NodeBB forum, serving."""
    installed = prepared("nodebb")
    with installed.serving():
        yield installed


def harvest(forum: RealForum, folder: Path) -> Harvest:
    """An empty store for the forum."""
    options = NodebbOptions(name="nb", kind="nodebb", url=forum.url)
    return Harvest(forum, NodebbSource(options, folder), folder / "store.db")


def assert_whole(done: Harvest) -> None:
    """Every live topic of the seed is there with its title, answers and accepted answer, and no deleted one."""
    live = {str(row["tid"]): row for row in done.forum.seeded() if not row["deleted"]}
    threads = done.threads()
    assert set(live) == set(threads) - {WELCOME}
    for number, row in live.items():
        thread = threads[number]
        assert row["title"] == thread.title
        assert sorted(row["tags"]) == sorted(thread.tags)
        assert sorted(map(str, row["pids"])) == sorted(answer.id for answer in thread.answers)
        wanted = [str(row["solvedPid"])] if row["solvedPid"] else []
        assert wanted == [solution.post_id for solution in thread.solved]
        assert thread.warnings == ()


def test_a_forum_is_harvested_whole_and_cheaply_kept_up(forum: RealForum, tmp_path: Path) -> None:
    """All ids and accepted ids; then a second run that costs at most a twentieth of the requests."""
    done = harvest(forum, tmp_path)
    first = done.run()
    assert_whole(done)
    second = done.run()
    tell(f"NodeBB: {len(done.records())} topics, {first} requests, then {second}")
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
    tell(f"NodeBB: broken off after {whole // 2} of {whole} requests with {kept} topics, {rest} more")
    assert kept > 0
    assert rest < whole
    assert_whole(done)
