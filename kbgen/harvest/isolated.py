"""What a live source's code does wrong with an answer ends that source's pass, and no other's.

A platform may answer tomorrow with what nobody foresaw: the site is published all the same, with the source's last good
content. Files do not change by themselves: what goes wrong with those stops the run (``files``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from kbgen.errors import KbgenError, SourceError
from kbgen.sources.base import unforeseen

_Item = TypeVar("_Item")


def isolated(begin: Callable[[], Iterable[_Item]]) -> Iterator[_Item]:
    """What a source yields.

    Args:
        begin: asks the source; it may read a whole list before it yields anything.

    Raises:
        SourceError: its code failed in a way it does not explain.
        KbgenError: as the source raises it.
    """
    try:
        walk = iter(begin())
        while True:
            try:
                item = next(walk)
            except StopIteration:
                return
            yield item
    except KbgenError:
        raise
    except Exception as error:
        raise SourceError(unforeseen(error)) from error
