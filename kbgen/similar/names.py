"""Which text is which from run to run: refs and keys, kept in one piece and taken apart only where something moved.

Not here: what a key is of (``texts``).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import cached_property
from typing import overload

import numpy as np
import numpy.typing as npt

from kbgen.similar.texts import Text

_KEY = "S32"
Longs = npt.NDArray[np.int64]


class Names(Sequence[str]):
    """Ref and key of each text, parted by a space, by which it is known again; no two are the same.

    Args:
        refs: parted by newlines.
        digests: the keys, 32 bytes each.
    """

    def __init__(self, refs: bytes, digests: npt.NDArray[np.bytes_]) -> None:
        self.refs = refs
        self.digests = digests

    @classmethod
    def of(cls, texts: Sequence[Text]) -> Names:
        """The names of texts."""
        keys = "".join([text.key for text in texts]).encode()
        return cls("\n".join([text.ref for text in texts]).encode(), np.frombuffer(keys, _KEY))

    def pick(self, places: Sequence[int]) -> Names:
        """Those at some places."""
        refs = self._each
        return Names("\n".join([refs[place] for place in places]).encode(), self.digests[list(places)])

    def before(self, old: Names) -> Longs:
        """Where each text stood; -1 if it is new, or stands no more behind those it stood behind."""
        places = self._aligned(old)
        if places is None:
            known = dict(zip(old._each, itertools.count(), strict=False))
            places = np.fromiter(map(known.get, self._each, itertools.repeat(-1)), np.int64, len(self))
        there = np.flatnonzero(places >= 0)
        same = self.digests[there] == old.digests[places[there]]
        places[there[~same]] = -1
        places[places < np.maximum.accumulate(places)] = -1
        return places

    def _aligned(self, old: Names) -> Longs | None:
        """Old places by refs, where all that is new comes at the end: one look at the whole."""
        count = len(old.refs)
        if not len(old) or self.refs[:count] != old.refs or self.refs[count : count + 1] not in (b"", b"\n"):
            return None
        places = np.arange(len(self))
        places[len(old) :] = -1
        return places

    @cached_property
    def _each(self) -> list[str]:
        return self.refs.decode().split("\n") if len(self) else []

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        return f"{self._each[place]} {self.digests[place].decode()}"

    def __len__(self) -> int:
        return len(self.digests)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Names):
            return NotImplemented
        return self.refs == other.refs and np.array_equal(self.digests, other.digests)

    def __hash__(self) -> int:
        return hash(self.refs)
