"""A pass over a list goes on when an item cannot be read, and ends when it is the host that answers nonsense."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import pytest

from kbgen.model import RawRecord, make_ref
from kbgen.sources.live import Walk
from kbgen.sources.sweep import Fetch, sweep

WALK = Walk(full=True, now=datetime(2026, 3, 1, tzinfo=UTC))


def answers(*malformed: str) -> Fetch:
    """Fetches every item but those of which the answer lacks a key."""

    def fetch(numbers: Sequence[str]) -> Iterator[tuple[str, RawRecord]]:
        for number in numbers:
            if number in malformed:
                raise KeyError("posts")
            yield number, RawRecord(make_ref("forum", number), "thread", "", b"{}", number)

    return fetch


def test_one_malformed_item_ends_no_pass() -> None:
    """It is named with the place in the connector, and those around it are stored."""
    (step,) = sweep(dict.fromkeys("1234", ""), None, WALK, answers("2"), batch=5)
    assert ["forum:1", "forum:3", "forum:4"] == [item.ref for item in step.items if isinstance(item, RawRecord)]
    assert ["2"] == list(step.broken)
    assert "test_sweep.py" in step.broken["2"]
    assert "KeyError: 'posts'" in step.broken["2"]


def test_three_malformed_items_in_a_row_end_the_pass() -> None:
    """Then it is the host, or the connector, and asking on would only cost."""
    with pytest.raises(KeyError):
        list(sweep(dict.fromkeys("12345", ""), None, WALK, answers("2", "3", "4"), batch=5))
