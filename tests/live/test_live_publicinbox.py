"""A real public-inbox server is harvested whole, and cheaply from then on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from realforums import Harvest, RealForum, prepared, tell

from kbgen.sources.mail import message_hash
from kbgen.sources.publicinbox import PublicInboxOptions, PublicInboxSource

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("live")]


@pytest.fixture(scope="module")
def server() -> Iterator[RealForum]:
    """A list of a hundred threads, being served."""
    installed = prepared("publicinbox")
    with installed.serving():
        yield installed


def harvest(server: RealForum, folder: Path) -> Harvest:
    """An empty store for the list."""
    block = {"name": "list", "kind": "publicinbox", "url": f"{server.url}/help", "prefix": ["[help]"]}
    return Harvest(server, PublicInboxSource(PublicInboxOptions.model_validate(block), folder), folder / "store.db")


def assert_whole(done: Harvest) -> None:
    """Every thread is there once, with its messages, and the solved ones have the answer the asker spoke of."""
    threads = done.threads()
    assert {message_hash(row["root"]) for row in done.forum.seeded()} == set(threads)
    for row in done.forum.seeded():
        thread = threads[message_hash(row["root"])]
        wanted = [message_hash(row["answer"])] if row["solved"] else []
        assert wanted == [solution.post_id for solution in thread.solved]
        assert thread.title.startswith("The gateway fails after step ")
        assert "page_size=0" in thread.answers[0].html
        assert "@example.com" not in thread.question.html + "".join(answer.html for answer in thread.answers)


def test_a_list_is_harvested_whole_and_cheaply_kept_up(server: RealForum, tmp_path: Path) -> None:
    """All threads and marks of solution; then a second run that costs one request."""
    done = harvest(server, tmp_path)
    first = done.run()
    assert_whole(done)
    second = done.run()
    tell(f"public-inbox: {len(done.records())} threads, {first} requests, then {second}")
    assert second == 1
    before = done.records()
    done.run(full=True)
    assert before == done.records()


def test_a_broken_run_is_taken_up(server: RealForum, tmp_path: Path) -> None:
    """A run that is broken off half way is finished by the next one, with nothing lost or asked for again."""
    whole = harvest(server, tmp_path / "whole")
    (tmp_path / "whole").mkdir()
    requests = whole.run()
    done = harvest(server, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        done.run(most=requests // 2)
    assert 0 < len(done.records()) < len(whole.records())
    done.run()
    assert_whole(done)
    assert whole.records() == done.records()
