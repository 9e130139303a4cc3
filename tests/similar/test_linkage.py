"""Average linkage: what joins, what stays apart."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from kbgen.similar.linkage import average_linkage

SCORES = st.dictionaries(
    st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda pair: pair[0] < pair[1]),
    st.integers(0, 10).map(lambda tenth: tenth / 10),
    max_size=30,
)


def test_one_bad_pair_does_not_join_two_clusters() -> None:
    """Two triangles with one edge between them stay two: all nine pairs between them have a say."""
    scores = dict.fromkeys(((0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5), (2, 3)), 0.9)

    assert average_linkage(scores, 0.8, largest=50) == [[0, 1, 2], [3, 4, 5]]


def test_a_forbidden_pair_keeps_its_clusters_apart() -> None:
    """What must stay apart does so however alike the others are."""
    scores = {(0, 1): 1.0, (1, 2): 0.9, (0, 2): float("-inf")}

    assert average_linkage(scores, 0.5, largest=50) == [[0, 1]]


def test_a_cluster_stops_at_its_cap() -> None:
    """No cluster grows beyond the largest allowed."""
    scores = dict.fromkeys(itertools.combinations(range(6), 2), 1.0)

    assert max(map(len, average_linkage(scores, 0.5, largest=3))) == 3


@given(SCORES, st.integers(1, 10))
def test_clusters_hold_together(scores: dict[tuple[int, int], float], tenth: int) -> None:
    """Clusters are disjoint, and each has a pair at the threshold or above."""
    groups = average_linkage(scores, tenth / 10, largest=50)

    members = [member for group in groups for member in group]
    assert sorted(members) == sorted(set(members))
    for group in groups:
        assert max(scores.get(pair, 0.0) for pair in itertools.combinations(group, 2)) >= tenth / 10
