"""Average linkage inside connected components, with a cap on the size of a cluster.

One bad pair joins two clusters where components alone decide; here all pairs between two clusters have a say. A pair
that was never scored counts as unlike.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping

Pair = tuple[int, int]


def average_linkage(
    scores: Mapping[Pair, float], threshold: float, *, largest: int, unknown: float = 0.0
) -> list[list[int]]:
    """Join the most alike clusters while the mean score between them stays above a threshold.

    Args:
        scores: of pairs, the smaller number first; ``-inf`` for two that must stay apart.
        threshold: least mean score.
        largest: most members of a cluster.
        unknown: score of a pair that is not in ``scores``.

    Returns:
        Clusters of two and more, members ascending, in the order of their first member.
    """
    members: dict[int, list[int]] = {}
    sums: dict[int, dict[int, tuple[float, int]]] = {}
    # A mean reaches the threshold only where one of its scores does: whoever has none that does joins nobody.
    alike = {one for pair, score in scores.items() if max(score, unknown) >= threshold for one in pair}
    for (left, right), score in scores.items():
        if left not in alike or right not in alike:
            continue
        for one, other in ((left, right), (right, left)):
            members.setdefault(one, [one])
            sums.setdefault(one, {})[other] = (score, 1)
    heap = [(-score, left, right) for (left, right), score in scores.items() if score >= threshold]
    heapq.heapify(heap)
    while heap:
        negative, left, right = heapq.heappop(heap)
        if left not in members or right not in members or _mean(members, sums, (left, right), unknown) != -negative:
            continue
        if len(members[left]) + len(members[right]) > largest:
            continue
        _join(members, sums, left, right)
        for other in sums[left]:
            mean = _mean(members, sums, (left, other), unknown)
            if mean >= threshold:
                heapq.heappush(heap, (-mean, min(left, other), max(left, other)))
    return sorted(sorted(group) for group in members.values() if len(group) > 1)


def _mean(
    members: Mapping[int, list[int]], sums: Mapping[int, Mapping[int, tuple[float, int]]], pair: Pair, unknown: float
) -> float:
    left, right = pair
    total, known = sums[left].get(right, (0.0, 0))
    count = len(members[left]) * len(members[right])
    return (total + unknown * (count - known)) / count


def _join(members: dict[int, list[int]], sums: dict[int, dict[int, tuple[float, int]]], left: int, right: int) -> None:
    """Put the members of ``right`` into ``left``, the smaller name, under which the cluster goes on."""
    members[left] += members.pop(right)
    gone = sums.pop(right)
    sums[left].pop(right, None)
    for other, (total, known) in gone.items():
        if other == left:
            continue
        sums[other].pop(right)
        before, count = sums[left].get(other, (0.0, 0))
        sums[left][other] = sums[other][left] = (before + total, count + known)
