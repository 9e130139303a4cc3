"""Which threads are one problem: what writers decided, duplicates the community declared, exact copies, and near ones.

How near-duplicates are found is in ``near``. What an entry shows of its threads is decided in ``merge``.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from kbgen.curate.keys import key_of
from kbgen.model import Cluster, Curated, Head, Overlay, Ref
from kbgen.model.curated import INFERRED
from kbgen.similar.texts import borrowed

_NEVER = datetime.max.replace(tzinfo=UTC)
# A published lead keeps its page and so its address: only a thread worth e^1.5 (four) times the votes takes over.
LEAD_MARGIN = 1.5
# Settled threads lead before merely answered ones, whatever their votes.
_TIERS = {"accepted": 100.0, "schema": 100.0, "staff": 100.0, "reaction": 50.0, "tag": 50.0}

Edge = tuple[Ref, Ref, str]


def ref_order(ref: Ref) -> tuple[str, int, str]:
    """Sort key of refs: by source, then by number where the id is one."""
    source, _, native = ref.partition(":")
    return source, int(native) if re.fullmatch(r"[0-9]{1,18}", native) else 0, native


def head(curated: Curated) -> Head:
    """Give what clustering has to know of a published thread.

    Its strength is its tier (100 accepted or answered by staff, 50 marked by a reaction or tag), plus
    ln(1 + question score) + ln(1 + best answer's score) + 0.5 ln(1 + views) + 0.3 per ten years of freshness.
    """
    best = curated.answers[0] if curated.answers else None
    question = curated.question
    strength = _TIERS.get(best.why or "", 0.0) if best else 0.0
    strength += weight(question.score if question else 0) + weight(best.score if best else 0)
    strength += 0.5 * weight(curated.views) + 0.3 * _decades(curated.updated)
    made = Head(
        ref=curated.ref,
        title=curated.title,
        lang=curated.lang,
        fingerprint=curated.fingerprint,
        duplicate_of=curated.duplicate_of,
        strength=round(strength, 6),
        created=curated.created,
        words=_words_digest(curated),
        tags=tuple(mark.tag for mark in curated.tags if not mark.why.startswith(INFERRED)),
        unmapped=curated.unmapped,
        signs=curated.signs,
    )
    return msgspec.structs.replace(made, compared=compared(made))


def compared(one: Head) -> str:
    """Digest of what comparing reads of a thread (``near``)."""
    return one.compared or key_of(one.words, str(one.created), *one.tags, *one.unmapped)


def _words_digest(curated: Curated) -> str:
    question = curated.question
    read = [curated.lang, curated.title, question.text if question else ""]
    if question and borrowed(question.html, question.text):
        read.append("borrowed")
    return hashlib.blake2b("\0".join(read).encode(), digest_size=8).hexdigest()


def weight(count: int | None) -> float:
    """Give ln(1 + count); unknown and negative counts weigh nothing."""
    return math.log1p(max(count or 0, 0))


def _decades(moment: datetime | None) -> float:
    # Counted from a fixed year: with a clock, the same input would not give the same site tomorrow.
    return 0.0 if moment is None else (moment.year + moment.month / 12 - 2000) / 10


def find_clusters(
    heads: Iterable[Head],
    overlays: Mapping[Ref, Overlay],
    previous_leads: frozenset[Ref] = frozenset(),
    *,
    near: Sequence[Edge] = (),
) -> tuple[Cluster, ...]:
    """Put every published thread into exactly one cluster.

    Edges are taken in the order overlay, declared, exact, near; one that would bring two threads together that a
    ``split:`` keeps apart is passed over. The result does not depend on the order of ``heads``; the cost is
    linear but for sorting.

    Args:
        heads: of every published thread.
        overlays: writers' decisions; a thread with ``hide`` is in no cluster.
        previous_leads: threads that had a page when the site was published last.
        near: near-duplicates to merge, the most alike first, each with its evidence.

    Returns:
        Clusters in the order of their leads.
    """
    known = {one.ref: one for one in heads if not _is_hidden(one.ref, overlays)}
    order = {ref: place for place, ref in enumerate(sorted(known, key=ref_order))}
    forest = _Forest(known, _splits(overlays))
    reasons: dict[Ref, str] = {}
    inbound: dict[Ref, int] = {}
    found = ((left, right, why) for left, right, why in near if left in known and right in known)
    for left, right, why in itertools.chain(_edges(known, order, overlays), found):
        if not forest.join(left, right):
            continue
        reasons.setdefault(left, why)
        reasons.setdefault(right, why)
        if why == "declared":
            inbound[right] = inbound.get(right, 0) + 1
    # Nearly all threads are alone.
    clusters = [Cluster(ref, (ref,), ((ref, "lead"),)) for ref in order if forest.is_alone(ref)]
    for members in forest.groups():
        lead = _lead([known[ref] for ref in members], overlays, previous_leads, inbound)
        ordered = (lead, *sorted((ref for ref in members if ref != lead), key=order.__getitem__))
        evidence = tuple((ref, "lead" if ref == lead else reasons[ref]) for ref in ordered)
        clusters.append(Cluster(lead, ordered, evidence))
    return tuple(sorted(clusters, key=lambda cluster: order[cluster.lead]))


def _is_hidden(ref: Ref, overlays: Mapping[Ref, Overlay]) -> bool:
    overlay = overlays.get(ref)
    return overlay is not None and overlay.hide


def _splits(overlays: Mapping[Ref, Overlay]) -> dict[Ref, set[Ref]]:
    apart: dict[Ref, set[Ref]] = {}
    for ref, overlay in overlays.items():
        for other in overlay.split:
            apart.setdefault(ref, set()).add(other)
            apart.setdefault(other, set()).add(ref)
    return apart


def _edges(known: Mapping[Ref, Head], order: Mapping[Ref, int], overlays: Mapping[Ref, Overlay]) -> Iterator[Edge]:
    place = order.__getitem__
    for ref in sorted(overlays.keys() & known.keys(), key=place):
        overlay = overlays[ref]
        for other in sorted(known.keys() & set(overlay.merge), key=place):
            yield other, ref, f"overlay:{overlay.file}"
    for ref in order:
        # Of most threads nothing was declared.
        if known[ref].duplicate_of:
            for other in sorted(known.keys() & set(known[ref].duplicate_of) - {ref}, key=place):
                yield ref, other, "declared"
    first: dict[tuple[str, str], Ref] = {}
    for ref in order:
        one = known[ref]
        original = first.setdefault((one.fingerprint, one.lang), ref) if one.fingerprint else ref
        if original != ref:
            yield ref, original, "exact"


class _Forest:
    """Disjoint sets that refuse to bring split threads together; a thread that was never joined is alone."""

    def __init__(self, refs: Container[Ref], apart: Mapping[Ref, set[Ref]]) -> None:
        self._parent: dict[Ref, Ref] = {}
        self._members: dict[Ref, list[Ref]] = {}
        self._apart = {ref: set(others) for ref, others in apart.items() if ref in refs}

    def _root(self, ref: Ref) -> Ref:
        while self._parent[ref] != ref:
            self._parent[ref] = self._parent[self._parent[ref]]
            ref = self._parent[ref]
        return ref

    def join(self, left: Ref, right: Ref) -> bool:
        """Join two sets; say whether the two threads are together afterwards."""
        for ref in (left, right):
            if ref not in self._parent:
                self._parent[ref], self._members[ref] = ref, [ref]
        small, large = sorted((self._root(left), self._root(right)), key=lambda root: len(self._members[root]))
        if small == large:
            return True
        forbidden = self._apart.get(small, set()), self._apart.get(large, set())
        if not (forbidden[0].isdisjoint(self._members[large]) and forbidden[1].isdisjoint(self._members[small])):
            return False
        self._parent[small] = large
        self._members[large] += self._members.pop(small)
        if forbidden[0]:
            self._apart[large] = forbidden[0] | forbidden[1]
        return True

    def is_alone(self, ref: Ref) -> bool:
        """Whether nothing was ever to be joined with a thread."""
        return ref not in self._parent

    def groups(self) -> Iterable[list[Ref]]:
        """Give the members of each other set; a thread whose joining was refused is a set of its own."""
        return self._members.values()


def _lead(
    members: list[Head], overlays: Mapping[Ref, Overlay], previous: frozenset[Ref], inbound: Mapping[Ref, int]
) -> Ref:
    if len(members) == 1:
        return members[0].ref
    chosen = _chosen(members, overlays)
    ranked = sorted(chosen or members, key=lambda one: _rank(one, inbound))
    strongest = ranked[0]
    kept = next((one for one in ranked if one.ref in previous), strongest)
    beaten = _rank(kept, inbound)[0] - _rank(strongest, inbound)[0] > LEAD_MARGIN
    return strongest.ref if beaten else kept.ref


def _rank(one: Head, inbound: Mapping[Ref, int]) -> tuple[float, datetime, tuple[str, int, str]]:
    # A thread that others were closed in favour of is what the community itself takes for the original.
    return -(one.strength + inbound.get(one.ref, 0)), one.created or _NEVER, ref_order(one.ref)


def _chosen(members: list[Head], overlays: Mapping[Ref, Overlay]) -> list[Head]:
    """Find the threads a writer merged others into; a chain of merges ends in its first link."""
    writing = {one.ref: overlays[one.ref] for one in members if one.ref in overlays}
    merged = {other for overlay in writing.values() for other in overlay.merge}
    pinned = [one for one in members if one.ref in writing and writing[one.ref].pin and one.ref not in merged]
    into = [one for one in members if one.ref in writing and writing[one.ref].merge and one.ref not in merged]
    return into or pinned
