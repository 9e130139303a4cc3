"""What is known of pairs of threads without reading them: what communities declared, people decided, askers accepted.

Three kinds of evidence. *Together*: declared a duplicate by the community, or merged by a person. *Refused*: kept apart
by a person. *Presumed different*: alike in words, yet each solved by another answer; see ``presumed_different``.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from kbgen.model import Curated, Head, Overlay, Ref
from kbgen.store import Store

Pair = tuple[Ref, Ref]
"""Two refs, the smaller first."""
_SOLVED = frozenset({"accepted", "schema"})
# Two accepted answers with so many words in common may be one answer given twice: they prove nothing.
_SAME_ANSWER = 0.5
_BATCH = 500


class Evidence(Struct, frozen=True):
    """What is known of the pairs of a community.

    Attributes:
        together: pairs somebody said ask the same.
        refused: pairs somebody said do not; they are in no ``together``.
        groups: threads that are together by way of others, each with the number of its group.
        unseen: declared pairs of which a thread is not published.
    """

    together: frozenset[Pair]
    refused: frozenset[Pair]
    groups: Mapping[Ref, int]
    unseen: int

    def is_right(self, pair: Pair) -> bool:
        """Whether two threads are known to ask the same."""
        group = self.groups.get(pair[0])
        return pair not in self.refused and group is not None and group == self.groups.get(pair[1])


def pair_of(left: Ref, right: Ref) -> Pair:
    """Two refs in their order."""
    return (left, right) if left < right else (right, left)


def gather(heads: Iterable[Head], overlays: Mapping[Ref, Overlay]) -> Evidence:
    """Gather what communities and people said.

    Args:
        heads: of every published thread.
        overlays: writers' and reviewers' decisions.
    """
    known = {head.ref: head for head in heads}
    refused = {pair_of(ref, other) for ref, overlay in overlays.items() for other in overlay.split}
    said = [(head.ref, other) for head in known.values() for other in head.duplicate_of]
    said += [(ref, other) for ref, overlay in overlays.items() for other in overlay.merge]
    pairs = {pair_of(left, right) for left, right in said if left != right} - refused
    together = {pair for pair in pairs if pair[0] in known and pair[1] in known}
    seen = {pair for pair in refused if pair[0] in known and pair[1] in known}
    return Evidence(frozenset(together), frozenset(seen), _groups(together), len(pairs) - len(together))


def _groups(pairs: Iterable[Pair]) -> dict[Ref, int]:
    groups: dict[Ref, int] = {}
    members: dict[int, list[Ref]] = {}
    for number, (left, right) in enumerate(sorted(pairs)):
        joined = [groups[ref] for ref in (left, right) if ref in groups]
        together = {left, right, *(ref for group in joined for ref in members.get(group, ()))}
        members[number] = sorted(together)
        groups.update(dict.fromkeys(together, number))
    return groups


class _Solved(NamedTuple):
    """What is compared of a solved thread's solution; ``said`` are hashes of the answer's words, ascending."""

    asker: str
    url: str
    html: str
    said: npt.NDArray[np.uint32]


def presumed_different(store: Store, pairs: Sequence[Pair]) -> frozenset[Pair]:
    """The pairs whose askers each took another answer for the solution.

    A pair is left out, as nothing is known of it, where one person asked both, where one thread links to the other,
    and where the accepted answers have half of their words in common. Some pairs that remain do ask the same, and
    nobody has said so: what is counted by them is a lower bound.

    Args:
        store: the open store.
        pairs: to be judged, near each other in an order that keeps what is read at once small.
    """
    found: set[Pair] = set()
    for start in range(0, len(pairs), _BATCH):
        part = pairs[start : start + _BATCH]
        items = store.curated.get(sorted({ref for pair in part for ref in pair}))
        solved = {item.ref: one for item in items if (one := _solved(item)) is not None}
        found |= {pair for pair in part if pair[0] in solved and pair[1] in solved and _differ(pair, solved)}
    return frozenset(found)


def _solved(item: Curated) -> _Solved | None:
    if item.question is None or not item.answers or item.answers[0].why not in _SOLVED:
        return None
    words = {zlib.crc32(word.encode()) for word in item.answers[0].text.lower().split()}
    author = item.question.author
    html = "".join(post.html for post in (item.question, *item.answers))
    return _Solved(author.id or author.name, item.url or item.ref, html, np.array(sorted(words), np.uint32))


def _differ(pair: Pair, solved: Mapping[Ref, _Solved]) -> bool:
    one, other = solved[pair[0]], solved[pair[1]]
    if one.asker == other.asker and one.asker and pair[0].partition(":")[0] == pair[1].partition(":")[0]:
        return False
    if any(name in one.html for name in (f"kb:{pair[1]}", other.url)):
        return False
    if any(name in other.html for name in (f"kb:{pair[0]}", one.url)):
        return False
    common = len(np.intersect1d(one.said, other.said, assume_unique=True))
    return common < _SAME_ANSWER * max(1, min(len(one.said), len(other.said)))
