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


@given(
    st.dictionaries(
        st.tuples(st.integers(0, 7), st.integers(0, 7)).filter(lambda pair: pair[0] < pair[1]),
        st.integers(-2, 16).map(lambda part: part / 16),
        max_size=20,
    ),
    st.integers(4, 14),
    st.sampled_from((-0.25, 0.0, 0.75)),
    st.sampled_from((3, 50)),
)
def test_clusters_are_those_of_looking_at_all_pairs_each_time(
    scores: dict[tuple[int, int], float], least: int, unknown: float, largest: int
) -> None:
    """The two whose mean is best are joined, those that come first among equals, until none reaches the threshold."""
    groups = {one: [one] for pair in scores for one in pair}

    def mean(left: int, right: int) -> float:
        pairs = [(min(a, b), max(a, b)) for a in groups[left] for b in groups[right]]
        known = any(pair in scores for pair in pairs)
        return sum(scores.get(pair, unknown) for pair in pairs) / len(pairs) if known else -1.0

    def best() -> tuple[float, int, int]:
        every = itertools.combinations(sorted(groups), 2)
        few = (pair for pair in every if len(groups[pair[0]]) + len(groups[pair[1]]) <= largest)
        return min(((-mean(*pair), *pair) for pair in few), default=(1.0, 0, 0))

    while -(found := best())[0] >= least / 16:
        groups[found[1]] += groups.pop(found[2])

    expected = sorted(sorted(group) for group in groups.values() if len(group) > 1)
    assert average_linkage(scores, least / 16, largest=largest, unknown=unknown) == expected
