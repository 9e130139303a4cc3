"""Near-duplicates of a store: what is kept, what is compared again, and what people decided."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from near_samples import OFF, fill, item

from kbgen.curate.clusters import find_clusters, head
from kbgen.curate.near import near_duplicates
from kbgen.model import Curated, Overlay, Ref
from kbgen.similar.texts import text_of
from kbgen.similar.vectors import MODEL
from kbgen.store import Store, open_store

BEEPS = (
    "Since the last update the timer of my oven beeps every minute although no programme runs. I unplugged it twice."
)
OTHERS = (
    "Kettle light stays on",
    "Dishwasher leaves a white film",
    "Vacuum loses suction",
    "Freezer builds up ice",
    "Toaster lever does not stay down",
    "Coffee machine grinds but no water comes",
)


def corpus() -> list[Curated]:
    """Seven questions, one of them asked twice."""
    posted = [item(1, "Oven timer beeps every minute", BEEPS), item(2, "Oven timer is beeping every minute", BEEPS)]
    return posted + [item(number, title) for number, title in enumerate(OTHERS, 10)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    with closing(open_store(tmp_path / "store.sqlite")) as opened:
        yield opened


def test_evidence_of_a_merge_is_kept(store: Store) -> None:
    """A pair comes with its similarity, its rule and the words that matched."""
    edges = near_duplicates(store, OFF, fill(store, corpus()))
    (pair,) = store.vectors.pairs_of("forum:2")

    assert [(left, right) for left, right, _ in edges] == [("forum:1", "forum:2")]
    assert edges[0][2] == f"similar:{pair.similarity:.2f} (alike)"
    assert pair.words.split()[:3] == ["minute", "every", "timer"]
    assert "forum:2" in store.vectors.related()[Ref("forum:1")]


def test_nothing_new_gives_the_same(store: Store) -> None:
    """A second run reads what the first one kept."""
    heads = fill(store, corpus())
    first = near_duplicates(store, OFF, heads)
    kept = store.vectors.neighbours("en")

    assert near_duplicates(store, OFF, heads) == first
    assert store.vectors.neighbours("en") == kept


def test_nothing_is_loaded_for_nothing() -> None:
    """What decides whether there is anything to compare imports none of the heavy packages."""
    code = "import sys, kbgen.curate.near; print(sorted({'scipy', 'sklearn', 'tokenizers'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert done.stdout == "[]\n"


def test_what_is_withdrawn_is_forgotten(store: Store) -> None:
    """A thread that is gone leaves no pair, no vector and no neighbour."""
    items = corpus()
    near_duplicates(store, OFF, fill(store, items))
    key = text_of(items[1]).key
    assert len(store.vectors.get(MODEL, [key])) == 1
    rest = fill(store, [one for one in items if one.ref != "forum:2"])

    assert near_duplicates(store, OFF, rest) == ()
    assert store.vectors.get(MODEL, [key]) == {}
    assert [ref for ref, _, _ in store.vectors.compared()] == sorted(one.ref for one in rest)
    assert all("forum:2" not in near for near in store.vectors.related().values())


def test_step_by_step_is_as_all_at_once(store: Store, tmp_path: Path) -> None:
    """Threads that arrive one by one end in the same pairs as all together."""
    items = corpus()
    for count in range(1, len(items) + 1):
        slowly = near_duplicates(store, OFF, fill(store, items[:count]))
    with closing(open_store(tmp_path / "other.sqlite")) as other:
        assert slowly == near_duplicates(other, OFF, fill(other, items))
        assert store.vectors.pairs() == other.vectors.pairs()
        assert store.vectors.related() == other.vectors.related()


def test_a_tag_no_taxonomy_knows_is_read_again(store: Store) -> None:
    """A tag is part of what is compared, whether the taxonomy knows it or not: a new one moves its thread."""
    near_duplicates(store, OFF, fill(store, corpus()))
    before = {ref: digest for ref, digest, _ in store.vectors.compared()}
    tagged = [msgspec.structs.replace(one, unmapped=("timers",) if one.ref == "forum:1" else ()) for one in corpus()]
    near_duplicates(store, OFF, fill(store, tagged))
    after = {ref: digest for ref, digest, _ in store.vectors.compared()}

    assert [ref for ref in after if after[ref] != before[ref]] == ["forum:1"]


def test_switched_off_it_merges_nothing(store: Store) -> None:
    """``duplicates.enabled: false`` leaves no pair behind."""
    heads = fill(store, corpus())
    near_duplicates(store, OFF, heads)

    assert near_duplicates(store, OFF.model_copy(update={"enabled": False}), heads) == ()
    assert store.vectors.pairs() == ()
    assert list(store.suggestions.all()) == []


def test_between_the_bands_a_person_is_asked(store: Store) -> None:
    """With a stricter threshold the same pair waits in the queue."""
    strict = OFF.model_copy(update={"merge": 1.9})
    assert near_duplicates(store, strict, fill(store, corpus())) == ()
    (suggestion,) = store.suggestions.all()

    assert (suggestion.kind, suggestion.ref, suggestion.other) == ("merge", "forum:1", "forum:2")
    assert "both say: minute every timer" in suggestion.why


NEAR = st.lists(st.tuples(st.integers(1, 8), st.integers(1, 8)).filter(lambda pair: pair[0] != pair[1]), max_size=12)


@given(NEAR, NEAR)
def test_no_pair_undoes_a_split(near: list[tuple[int, int]], splits: list[tuple[int, int]]) -> None:
    """Whatever is found alike, threads a person keeps apart never share a page, through no third one either."""
    heads = [head(item(number, f"Question {number}")) for number in range(1, 9)]
    heads = [msgspec.structs.replace(one, fingerprint="") for one in heads]
    edges = [(Ref(f"forum:{a}"), Ref(f"forum:{b}"), "similar:0.99 (alike)") for a, b in near]
    overlays = {
        Ref(f"forum:{a}"): Overlay(
            Ref(f"forum:{a}"), "c.md", split=tuple(Ref(f"forum:{c}") for one, c in splits if one == a)
        )
        for a, _ in splits
    }
    clusters = find_clusters(heads, overlays, near=edges)

    for left, right in splits:
        assert not any({f"forum:{left}", f"forum:{right}"} <= set(cluster.members) for cluster in clusters)
