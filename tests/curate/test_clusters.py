"""Which threads share a page, and which of them gives it its address."""

import random
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from near_samples import item

from kbgen.curate.clusters import LEAD_MARGIN, compared, find_clusters, head
from kbgen.model import (
    Cluster,
    Curated,
    CuratedPost,
    Head,
    Overlay,
    Person,
    PlainText,
    Ref,
    SafeHtml,
    Slug,
    TagMark,
    Verdict,
)


def ref(number: int) -> Ref:
    """A ref of the community."""
    return Ref(f"community:{number}")


def one(
    number: int, strength: float = 1.0, print_: str = "", duplicate_of: tuple[int, ...] = (), lang: str = "en"
) -> Head:
    """A head with what matters to the test."""
    return Head(ref(number), PlainText("t"), lang, print_, tuple(map(ref, duplicate_of)), strength)


def over(number: int, *, merge: tuple[int, ...] = (), split: tuple[int, ...] = (), hide: bool = False, pin: bool = False) -> dict[Ref, Overlay]:  # fmt: skip
    """An overlay on one thread."""
    overlay = Overlay(
        ref(number), f"c/{number}.md", merge=tuple(map(ref, merge)), split=tuple(map(ref, split)), hide=hide, pin=pin
    )
    return {ref(number): overlay}


def members(clusters: tuple[Cluster, ...]) -> list[list[int]]:
    """Numbers of each cluster's members."""
    return [[int(member.partition(":")[2]) for member in cluster.members] for cluster in clusters]


@pytest.mark.parametrize(
    ("heads", "overlays", "expected"),
    [
        ([one(10), one(9)], {}, [[9], [10]]),
        ([one(1, 1, "a"), one(2, 5, "a")], {}, [[2, 1]]),
        ([one(1, 1, "a"), one(2, 5, "a", lang="he")], {}, [[1], [2]]),
        ([one(1), one(2, duplicate_of=(1,)), one(3, duplicate_of=(2,))], {}, [[1, 2, 3]]),
        ([one(1), one(2, duplicate_of=(99,))], {}, [[1], [2]]),
        ([one(1, 0), one(2, 9)], over(1, merge=(2,)), [[1, 2]]),
        ([one(1), one(2), one(3, 9)], over(1, merge=(2,)) | over(2, merge=(3,)), [[1, 2, 3]]),
        ([one(1, 1, "a"), one(2, 1, "a")], over(1, split=(2,)), [[1], [2]]),
        ([one(1), one(2)], over(1, merge=(2,)) | over(2, split=(1,)), [[1], [2]]),
        ([one(1), one(2, duplicate_of=(1,)), one(3, duplicate_of=(2,))], over(1, split=(3,)), [[1, 2], [3]]),
        ([one(1, 1, "a"), one(2, 1, "a")], over(2, hide=True), [[1]]),
        ([one(1, 0, "a"), one(2, 9, "a")], over(1, pin=True), [[1, 2]]),
    ],
)
def test_threads_join(heads: list[Head], overlays: dict[Ref, Overlay], expected: list[list[int]]) -> None:
    """Copies, declared duplicates and writers' merges join; a split wins over everything."""
    assert members(find_clusters(heads, overlays)) == expected


def test_every_member_says_why_it_is_here() -> None:
    """The lead leads; the others name the strongest evidence."""
    heads = [one(1, 9, "a"), one(2, 1, "a"), one(3, 1, duplicate_of=(1,)), one(4)]
    (cluster,) = find_clusters(heads, over(1, merge=(4,)))
    assert cluster.evidence == ((ref(1), "lead"), (ref(2), "exact"), (ref(3), "declared"), (ref(4), "overlay:c/1.md"))


def test_a_page_keeps_its_address() -> None:
    """A published lead stays, unless another is clearly stronger."""
    near = [one(1, 5, "a"), one(2, 5 + LEAD_MARGIN, "a")]
    far = [one(1, 5, "a"), one(2, 5.1 + LEAD_MARGIN, "a")]
    assert members(find_clusters(near, {})) == [[2, 1]]
    assert members(find_clusters(near, {}, frozenset((ref(1),)))) == [[1, 2]]
    assert members(find_clusters(far, {}, frozenset((ref(1),)))) == [[2, 1]]


def test_the_thread_others_point_to_is_the_original() -> None:
    """Each thread closed in favour of another makes that one stronger."""
    heads = [one(1, 2, duplicate_of=(2,)), one(2, 1.5), one(3, 2, duplicate_of=(2,))]
    assert members(find_clusters(heads, {})) == [[2, 1, 3]]


HEADS = st.lists(
    st.tuples(
        st.integers(1, 12),
        st.integers(0, 9),
        st.sampled_from(["", "", "a", "b"]),
        st.lists(st.integers(1, 12), max_size=2),
    ),
    unique_by=lambda row: row[0],
    max_size=12,
)
PAIRS = st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)), max_size=4)


@given(HEADS, PAIRS, PAIRS, st.sets(st.integers(1, 12)), st.randoms(use_true_random=False))
def test_clusters_do_not_depend_on_order(
    rows: list[tuple[int, int, str, list[int]]],
    merges: list[tuple[int, int]],
    splits: list[tuple[int, int]],
    previous: set[int],
    shuffle: random.Random,
) -> None:
    """The same threads in any order give the same clusters; each thread is in one; split threads are apart."""
    heads = [one(number, strength, print_, tuple(others)) for number, strength, print_, others in rows]
    overlays = {
        ref(number): Overlay(
            ref(number),
            "c.md",
            merge=tuple(ref(b) for a, b in merges if a == number),
            split=tuple(ref(b) for a, b in splits if a == number and b != number),
        )
        for number in range(1, 13)
    }
    leads = frozenset(map(ref, previous))
    clusters = find_clusters(heads, overlays, leads)
    mixed = list(heads)
    shuffle.shuffle(mixed)
    assert find_clusters(mixed, overlays, leads) == clusters
    assert sorted(member for cluster in clusters for member in cluster.members) == sorted(head_.ref for head_ in heads)
    for cluster in clusters:
        for left, right in splits:
            assert left == right or not {ref(left), ref(right)} <= set(cluster.members)


def test_a_huge_cluster_is_no_matter() -> None:
    """One cluster of very many copies is found without comparing all with all."""
    heads = [one(number, 1, "a") for number in range(20_000)]
    assert [len(cluster.members) for cluster in find_clusters(heads, {})] == [20_000]


def test_an_item_without_text_has_no_strength() -> None:
    """A head of nothing is weak, and no fault."""
    bare = Curated(ref(1), "thread", Verdict("publish", ("accepted",)), PlainText("t"), None)
    assert head(bare).strength == 0.0


def test_all_that_comparing_reads_is_in_one_digest() -> None:
    """Words, date, and the tags people gave; what an older version made of a thread has no digest yet."""
    plain = item(1, "Oven beeps", "Every minute.")
    others = [
        item(1, "Oven beeps", "Every hour."),
        msgspec.structs.replace(plain, created=datetime(2026, 1, 1, tzinfo=UTC)),
        msgspec.structs.replace(plain, unmapped=("ovens",)),
        msgspec.structs.replace(plain, tags=(TagMark(Slug("kitchen"), "mapped"),)),
    ]
    popular = msgspec.structs.replace(plain, views=900)

    assert len({head(one).compared for one in (plain, popular, *others)}) == 1 + len(others)
    assert compared(msgspec.structs.replace(head(plain), compared="")) == head(plain).compared


def test_a_word_that_became_a_link_is_compared_anew() -> None:
    """What a question borrows is not seen in its words, so the digest that says when to compare again has it, too."""

    def words(html: str) -> str:
        question = CuratedPost(
            "1", "https://forum.example/t/1", SafeHtml(html), PlainText("See the manual"), Person("a", "Ann")
        )
        item = Curated(Ref("forum:1"), "thread", Verdict("publish", ()), PlainText("Lid"), None, question=question)
        return head(item).words

    plain, linked = "<p>See the manual</p>", '<p>See <a href="https://docs.example">the manual</a></p>'
    assert len({words(plain), words(linked), words(f"<em>{plain}</em>")}) == 2
