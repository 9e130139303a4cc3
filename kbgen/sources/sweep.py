"""Keeping up with a platform whose lists are cheap: read the whole list, fetch what it says has changed.

A list shows what no "updated since" does: accepts, un-accepts, new titles, and what is no longer there. What is NOT
here: how a platform lists and fetches (each connector).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from kbgen.model import RawRecord, split_ref
from kbgen.sources.base import MALFORMED, Harvested, unforeseen
from kbgen.sources.http import Unanswered
from kbgen.sources.live import Known, Step, Walk

_SEEN_AT_ONCE = 1_000
_FAILURES = 3

Fetch = Callable[[Sequence[str]], Iterable[tuple[str, Harvested | None]]]
"""Fetches items by native id; None stands for one that no visitor can read."""


def sweep(
    index: Mapping[str, str],
    known: Known | None,
    walk: Walk,
    fetch: Fetch,
    *,
    batch: int,
    mark: str | None = None,
) -> Iterator[Step]:
    """Do one pass over a list and over all that is known beside it.

    Items come in the order of their ids, so that a pass that broke off goes on after the last one stored. A pass over
    changes leaves out what the list says is as it was. What is known and not in the list is asked for: lists skip
    items while they shift, and only the item's own address tells whether it is gone.

    Args:
        index: native id to signature, as the list has them now.
        known: what is stored; None when the list is not the whole one and only what is in it is looked at.
        walk: which pass, and after which id it goes on.
        fetch: gets items.
        batch: how many are fetched and stored at once.
        mark: where the next pass begins, read before the list was; the time by default.
    """
    reached, _, begun = (walk.cursor or "").partition("|")
    # What a resumed pass left behind happened before its own beginning, not before the resumption.
    mark = begun or mark or walk.now.isoformat()
    numbers = [one for one in sorted({*index, *(known.ids() if known else ())}, key=_natural) if _after(one, reached)]
    fetching = _Fetching(fetch)
    wanted: list[str] = []
    seen: list[str] = []
    for number in numbers:
        if not walk.full and known and number in index and known.signature(number) == index[number]:
            seen.append(number)
        else:
            wanted.append(number)
        if len(wanted) >= batch or len(seen) >= _SEEN_AT_ONCE:
            step = fetching.step(wanted, index)
            yield dataclasses.replace(step, seen=seen, cursor=f"{number}|{mark}", mark=mark, total=len(numbers))
            wanted, seen = [], []
    last = numbers[-1] if numbers else reached
    step = fetching.step(wanted, index)
    yield dataclasses.replace(step, seen=seen, cursor=f"{last}|{mark}", mark=mark, total=len(numbers))


def sweep_changes(
    index: Mapping[str, str],
    known: Known,
    walk: Walk,
    fetch: Fetch,
    *,
    batch: int,
    mark: str | None = None,
) -> Iterator[Step]:
    """Do one pass over a list that shows the newest activity alone: what is not in it has not changed.

    Args:
        index: native id to signature, of what was active since the last pass.
        known: what is stored; an item whose signature stands is left out.
        walk: as for ``sweep``, and so are the others.
        fetch: gets items.
        batch: how many are fetched and stored at once.
        mark: where the next pass begins.
    """
    changed = {number: now for number, now in index.items() if known.signature(number) != now}
    yield from sweep(changed, None, walk, fetch, batch=batch, mark=mark)


def _after(number: str, reached: str) -> bool:
    return _natural(number) > _natural(reached)


def _natural(number: str) -> tuple[int, str]:
    return (len(number), number)


class _Fetching:
    """Fetches items, and goes on when one cannot be: it may be broken for ever; several in a row are a host that is.

    Args:
        fetch: gets items.
    """

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._failed = 0

    def step(self, numbers: Sequence[str], index: Mapping[str, str]) -> Step:
        """What became of some items.

        Raises:
            SourceError: too many in a row could not be fetched, or none can be for now.
        """
        items: list[Harvested] = []
        gone: list[str] = []
        broken: dict[str, str] = {}
        for number, item in self._items(numbers, broken):
            if item is None:
                gone.append(number)
            elif isinstance(item, RawRecord):
                items.append(replace(item, signature=index.get(split_ref(item.ref)[1], "")))
            else:
                items.append(item)
        return Step(items=items, gone=gone, broken=broken)

    def _items(self, numbers: Sequence[str], broken: dict[str, str]) -> Iterator[tuple[str, Harvested | None]]:
        done: set[str] = set()
        try:
            for number, item in self._fetch(numbers) if numbers else ():
                done.add(number)
                self._failed = 0
                yield number, item
        except (Unanswered, *MALFORMED):
            # Which of them it was is found out by asking for one at a time.
            for number in numbers:
                if number not in done:
                    yield from self._one(number, broken)

    def _one(self, number: str, broken: dict[str, str]) -> Iterator[tuple[str, Harvested | None]]:
        try:
            yield from list(self._fetch([number]))
        except (Unanswered, *MALFORMED) as error:
            self._failed += 1
            if self._failed == _FAILURES:
                raise
            broken[number] = str(error) if isinstance(error, Unanswered) else unforeseen(error)
        else:
            self._failed = 0
