"""Near-duplicates of a large community, run after run: the store holds what a clean run would put there."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from near_samples import OFF, fill, item

from kbgen.codebase import code_digest
from kbgen.config import DuplicatesConfig
from kbgen.curate.near import near_duplicates
from kbgen.model import Article, Curated, PlainText, Ref
from kbgen.similar import candidates, frame, kept, nearest, semantic, sight
from kbgen.similar.kept import pack, unpack
from kbgen.similar.nearest import Nearest
from kbgen.similar.vectors import MODEL
from kbgen.store import Store, open_store

SAID = "oven kettle timer filter door lamp light reset update noise water steam order invoice app network recipe export"
WORDS = SAID.split()
DAY = datetime(2026, 1, 1, tzinfo=UTC)
AUTO = DuplicatesConfig(semantic="auto")
Change = Callable[["Community"], None]


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """A community of forty is a large one: cells of five, lists of six to eight."""
    monkeypatch.setattr(frame, "EXACT", 40)
    monkeypatch.setattr(frame, "_CELL", 5)
    monkeypatch.setattr(sight, "_EXACT", 40)
    monkeypatch.setattr(sight, "_CELL", 20)
    for name, value in {"CANDIDATES": 6, "KEPT": 8}.items():
        for module in (candidates, nearest, kept):
            monkeypatch.setattr(module, name, value, raising=False)


class Community:
    """Threads and articles, some of them asked twice in nearly the same words."""

    def __init__(self, count: int) -> None:
        self.chance = random.Random(5)  # noqa: S311
        self.items: dict[str, Curated] = {}
        self.made = 0
        self.come(count)

    def come(self, count: int) -> None:
        """New threads, of any age; every fourth asks what another one asks, every ninth is an article."""
        for _ in range(count):
            words = self.chance.choices(WORDS, k=12)
            if self.items and self.made % 4 == 0:
                words = [*self.chance.choice(list(self.items.values())).title.split(), "again"]
            made = item(self.made, " ".join(words[:5]), " ".join(words))
            created = DAY + timedelta(minutes=self.chance.randrange(10**6))
            made = msgspec.structs.replace(made, created=created)
            if self.made % 9 == 0:
                text = Article(Ref(f"docs:{self.made}"), made.title, "", " ".join(words))
                made = msgspec.structs.replace(made, ref=text.ref, kind="article", article=text, question=None)
            self.items[made.ref] = made
            self.made += 1

    def pick(self) -> Curated:
        """Some thread or article."""
        return self.items[self.chance.choice(sorted(self.items))]

    def edit(self, **changes: Any) -> None:
        """Fields of one item change."""
        one = self.pick()
        self.items[one.ref] = msgspec.structs.replace(one, **changes)

    def run(self, store: Store, config: DuplicatesConfig, *, clean: bool = False) -> tuple[object, ...]:
        """Compare, and give all that is kept for others."""
        items = list(self.items.values())
        heads = [one for one in fill(store, items) if not one.ref.startswith("docs:")]
        articles = [one for one in items if one.article]
        edges = near_duplicates(store, config, heads, articles, clean=clean)
        vectors = store.vectors
        return edges, vectors.pairs(), vectors.related(), list(store.suggestions.all()), list(vectors.compared())


Open = Callable[[str], Store]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Opens stores by name, and closes them."""
    with ExitStack() as stack:
        yield lambda name: stack.enter_context(closing(open_store(tmp_path / f"{name}.sqlite")))


def copy(store: Store, opened: Open, name: str = "copy") -> Store:
    """The same store once more."""
    with (
        closing(sqlite3.connect(store.path)) as one,
        closing(sqlite3.connect(store.path.with_name(f"{name}.sqlite"))) as other,
    ):
        one.backup(other)
    return opened(name)


def go(community: Community) -> None:
    """Five are withdrawn."""
    for _ in range(5):
        community.items.pop(community.pick().ref)


def translate(community: Community) -> None:
    """Three turn out to be in another language."""
    for _ in range(3):
        community.edit(lang="pl")


NIGHTS: tuple[Change, ...] = (
    lambda community: community.come(4),
    go,
    lambda community: community.edit(title=PlainText("Kettle timer beeps at night")),
    lambda community: community.edit(created=DAY),
    lambda community: community.edit(unmapped=("2.1",)),
    translate,
    lambda community: community.come(9),
    go,
)


@pytest.mark.parametrize(
    "config",
    [
        OFF.model_copy(update={"suggest": 0.2, "merge": 0.5}),
        pytest.param(
            AUTO.model_copy(update={"suggest": 0.3, "merge": 0.5}),
            marks=pytest.mark.skipif(not semantic.model_of("en"), reason="the extra is not installed"),
        ),
    ],
)
def test_every_night_leaves_what_a_clean_run_leaves(opened: Open, config: DuplicatesConfig) -> None:
    """Pairs with their words, related texts and suggestions; whatever came, went, was edited or changed its language."""
    community = Community(64)
    store = opened("store")
    before = community.run(store, config)
    for number, night in enumerate(NIGHTS):
        night(community)
        found = community.run(store, config)
        assert found != before
        assert found == community.run(copy(store, opened, str(number)), config, clean=True)
        before = found


def stored(store: Store) -> Nearest:
    """The neighbours of the English texts of a store."""
    index = unpack(store.vectors.neighbours("en"), f"{code_digest('similar')} {MODEL}")
    assert index
    return index


def stored_frame(store: Store) -> frame.Frame:
    """How they are measured."""
    return stored(store).frame


def test_a_clean_run_measures_as_the_last_one_did(opened: Open) -> None:
    """Old threads that go do not move the measures, until half of the community is gone."""
    community = Community(80)
    store = opened("store")
    community.run(store, OFF)
    first = stored_frame(store)
    go(community)
    community.run(store, OFF, clean=True)
    second = stored_frame(store)
    anew = opened("anew")
    community.run(anew, OFF)

    assert (first.size, second.size) == (64, 64)
    assert (first.mean == second.mean).all()
    assert (stored_frame(anew).mean != first.mean).any()


def test_a_clean_run_compares_everything(opened: Open) -> None:
    """What got lost of related texts is there again; a run that found nothing new would not look."""
    community = Community(64)
    store = opened("store")
    whole = community.run(store, OFF)
    with store.transaction():
        store.vectors.set_related((), list(community.items))
    community.run(store, OFF)

    assert store.vectors.related() == {}
    assert community.run(store, OFF, clean=True) == whole


def test_thresholds_move_no_neighbour(opened: Open) -> None:
    """Bands are put over what was compared; nothing is compared for them, and the result is a clean run's."""
    community = Community(64)
    store = opened("store")
    community.run(store, OFF)
    before = pack(stored(store), "now")
    low = OFF.model_copy(update={"suggest": 0.1})
    found = community.run(store, low)

    assert pack(stored(store), "now") == before
    assert len(found[1]) > 0  # type: ignore[arg-type]
    assert found == community.run(store, low, clean=True)


def test_a_run_that_fails_half_way_is_made_up_for(opened: Open) -> None:
    """What a run found is kept as a whole or not at all: the next run finds it again."""
    community = Community(64)
    store = opened("store")
    community.run(store, OFF)
    community.come(5)
    with closing(sqlite3.connect(store.path)) as other:
        other.execute("CREATE TRIGGER full BEFORE INSERT ON related BEGIN SELECT RAISE(ABORT, 'full'); END")
        with pytest.raises(sqlite3.IntegrityError):
            community.run(store, OFF)
        other.execute("DROP TRIGGER full")

    assert community.run(store, OFF) == community.run(copy(store, opened), OFF, clean=True)


def test_neighbours_of_an_older_version_are_made_anew(opened: Open) -> None:
    """Bytes that another version kept are no fault: all are compared again."""
    community = Community(64)
    store = opened("store")
    first = community.run(store, OFF)
    with store.transaction():
        store.vectors.set_neighbours("en", (b"\x93NUMPY\x01\x00v\x00{'descr': '<f8'}",))
    community.come(1)
    found = community.run(store, OFF)

    assert found != first
    assert found == community.run(copy(store, opened), OFF, clean=True)
