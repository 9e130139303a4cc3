"""Tags learnt from tagged threads: what is learnt from, what is asked, and that a clean run gives the same."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path

import msgspec
import numpy as np
import pytest
from projects import SmallForum, build_here, forum_topic

from kbgen.curate import autotag
from kbgen.curate.autotag import APPLIED_FROM, Learnt, lessons, read_learnt
from kbgen.curate.autotag_model import Lesson, best_f1, load, train
from kbgen.curate.autotag_text import IN_TEXT, IN_TITLE, Names, document
from kbgen.curate.tagging import with_learnt
from kbgen.model import Curated, Head, PlainText, Ref, Slug, TagMark, Taxonomy, Verdict
from kbgen.store import open_store

ABOUT = {
    "lamps": ("lamp flickers", "The lamp flickers when the dimmer is low and the bulb hums."),
    "locks": ("door lock jams", "The lock of the front door jams and the key code is refused."),
    "bills": ("invoice is wrong", "The invoice charges my card twice and the refund is late."),
}


def head(number: int, month: int, tags: tuple[str, ...] = ("lamps",)) -> Head:
    """A tagged thread of 2025."""
    ref = Ref(f"forum:{number}")
    words = tuple(map(Slug, tags))
    created = datetime(2025, month, 3, tzinfo=UTC)
    return Head(ref, PlainText("t"), "en", "", (), 0.0, created, words=str(number), tags=words)


def taught() -> list[Lesson]:
    """Sixty threads about three things."""
    return [
        Lesson(document(f"My {title} {number}", f"{text} Case {number % 7}.", "en"), (place,))
        for number in range(20)
        for place, (title, text) in enumerate(ABOUT.values())
    ]


def test_a_thread_gets_the_tag_of_its_like() -> None:
    """What is asked about was not taught; the surest tag comes first."""
    model = train(taught(), [(name,) for name in ABOUT])
    asked = document("Refund of an invoice", "Why was my card charged twice?", "en")
    (found,) = model.score([asked], 0.5)
    assert [2] == [one.tag for one in found]


def test_a_model_read_from_its_file_says_the_same(tmp_path: Path) -> None:
    """So that a run with a kept model and one that trains give the same site."""
    model = train(taught(), [(name,) for name in ABOUT])
    model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    asked = [document("lock and lamp", text, "en") for _, text in ABOUT.values()]
    assert again is not None
    assert model.score(asked, 0.01) == again.score(asked, 0.01)
    alone = [again.score([one], 0.01)[0] for one in asked]
    assert alone == again.score(asked, 0.01)


def test_a_damaged_model_is_no_model(tmp_path: Path) -> None:
    """It is trained again."""
    (tmp_path / "model").write_bytes(b"PK\x03\x04 cut off")
    assert load(tmp_path / "model") is None
    assert load(tmp_path / "none") is None


@pytest.mark.parametrize("told", [0.0, 0.2, 3.0], ids=["noise", "weak", "strong"])
def test_the_best_cut_is_the_best_of_all_cuts(told: float) -> None:
    """Also where scores tell nothing, so that it lies far down, and where many scores are equal."""
    chance = np.random.default_rng(7)
    given = (chance.random(3000) < 0.04).astype(np.int8)
    scores = np.round(chance.normal(size=3000) + told * given, 1).astype(np.float32)
    order = sorted(range(3000), key=lambda place: (-scores[place], place))
    hits = list(accumulate(int(given[place]) for place in order))
    every = [2 * hit / (count + int(given.sum())) for count, hit in enumerate(hits, start=1)]
    best = max(range(3000), key=every.__getitem__)
    assert pytest.approx((every[best], scores[order[best]])) == best_f1(scores, given)


def test_names_are_found_by_their_stems() -> None:
    """In the title they count for more; a name of several words needs all of them in a row."""
    names = Names([("smart-contract",), ("lock", "bolt"), ("contract law",)])
    one = document("Two smart contracts", "The bolts of the contract.", "en")
    assert {0: IN_TITLE, 1: IN_TEXT} == names.places(one)


def test_chinese_names_are_found_without_spaces() -> None:
    """Terms are pairs of characters there, of names and texts alike."""
    assert {0: IN_TEXT} == Names([("门锁",)]).places(document("问题", "我的门锁坏了", "zh"))


def test_this_month_teaches_next_month() -> None:
    """A night's new threads leave the model as it is; a young community learns from all it has."""
    old = [head(number, 5) for number in range(8)]
    assert {one.ref for one in old} == {one.ref for one in lessons([*old, head(8, 6), head(9, 6)])}
    assert 3 == len(lessons([head(1, 5), head(2, 6), head(3, 6)]))


def test_the_sample_is_stable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are more threads than are needed, a new one changes one place at most."""
    monkeypatch.setattr(autotag, "_MOST_LESSONS", 10)
    many = [head(number, 5) for number in range(40)]
    before = {one.ref for one in lessons([*many, head(99, 6)])}
    after = {one.ref for one in lessons([*many, head(41, 5), head(99, 6)])}
    assert (10, True) == (len(before), len(before & after) >= 9)


def test_what_people_tagged_is_left_alone() -> None:
    """A learnt tag stands only where nobody gave one; its topic comes after the category's."""
    taxonomy = Taxonomy(tag_topics={Slug("lamps"): (Slug("lighting"),)})
    item = Curated(Ref("forum:1"), "thread", Verdict("publish", ("accepted",)), PlainText("t"), None)
    mark = Learnt(Slug("lamps"), 0.912, applied=True).mark
    placed = with_learnt(item, [mark], taxonomy)
    assert ((TagMark(Slug("lamps"), "learnt:0.91"),), (Slug("lighting"),)) == (placed.tags, placed.topics)
    tagged = msgspec.structs.replace(item, tags=(mark,))
    assert tagged is with_learnt(tagged, [TagMark(Slug("locks"), "learnt:0.99")], taxonomy)


class Corpus:
    """A small forum of sixty tagged and three untagged topics."""

    def __init__(self, folder: Path) -> None:
        self.forum = SmallForum(folder, topics=0)
        for number, lesson in enumerate(range(60), start=1):
            name = list(ABOUT)[lesson % 3]
            self.write(number, name, tags=[name])
        for number, name in enumerate(ABOUT, start=101):
            self.write(number, name, tags=[])

    def write(self, number: int, name: str, *, tags: list[str]) -> None:
        """Record a topic about one of the three things."""
        title, text = ABOUT[name]
        month = 1 if number < 58 else 3
        topic = forum_topic(number, f"My {title} {number}", tags=tags, created_at=f"2025-0{month}-01T10:00:00.000Z")
        topic["post_stream"]["posts"][0]["cooked"] = f"<p>{text} Case {number % 7}.</p>"
        self.forum.write(topic)

    def curate(self, *, clean: bool = False) -> dict[str, tuple[Learnt, ...]]:
        """Harvest and curate; the learnt tags by thread."""
        build_here(self.forum.folder, ["harvest", "curate"], clean=clean)
        store = open_store(self.forum.folder / ".kbgen" / "store.sqlite")
        try:
            self.entries = dict(store.entries.digests())
            return {str(ref): tags for ref, tags in read_learnt(store).items()}
        finally:
            store.close()


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    """The forum, and a model that asks for fewer lessons than are needed in earnest."""
    monkeypatch.setattr(autotag, "LEAST_LESSONS", 50)
    return Corpus(tmp_path / "small")


def test_untagged_threads_are_tagged_in_a_run(corpus: Corpus) -> None:
    """Each of the three gets its tag, and it stands on the page's content with its confidence."""
    found = corpus.curate()
    assert {f"forum:{number}": [name] for number, name in enumerate(ABOUT, start=101)} == {
        ref: [one.tag for one in tags if one.applied] for ref, tags in found.items()
    }


def test_what_another_community_taught_has_to_be_named(corpus: Corpus, tmp_path: Path) -> None:
    """A desk's threads are asked of the forum's model: where no word is the tag's name, it stays a suggestion."""
    said = {"1": ABOUT["lamps"], "2": ("it flickers", "It flickers when the dimmer is low and the bulb hums.")}
    lines = [
        {
            "kind": "entry",
            "ref": ref,
            "url": f"https://desk.example.com/{ref}",
            "title": f"My {title}",
            "question": {"html": f"<p>{text}</p>", "author": {"name": "Ada"}},
            "best": {
                "html": "<p>Turn the dimmer up until the bulb is quiet.</p>",
                "author": {"name": "Ben"},
                "why": "accepted",
            },
        }
        for ref, (title, text) in said.items()
    ]
    (tmp_path / "desk.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    desk = {"name": "desk", "kind": "jsonl", "path": str(tmp_path / "desk.jsonl")}
    corpus.forum.configure(sources=[*corpus.forum.settings["sources"], desk])
    found = corpus.curate()
    assert [("lamps", True)] == [(one.tag, one.applied) for one in found["desk:1"]]
    assert [("lamps", False)] == [(one.tag, one.applied) for one in found["desk:2"]]
    assert found["desk:2"][0].confidence >= APPLIED_FROM


def test_a_clean_run_tags_alike(corpus: Corpus) -> None:
    """After threads came and went, entries are those of a run that ignores every cache."""
    corpus.curate()
    corpus.write(104, "locks", tags=[])
    corpus.write(102, "bills", tags=[])
    corpus.write(61, "lamps", tags=["lamps"])
    after, entries = corpus.curate(), corpus.entries
    assert (after, entries) == (corpus.curate(clean=True), corpus.entries)


def test_nothing_is_loaded_when_nothing_changed(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model's libraries take a second: a run without an untagged change does not ask for them."""
    corpus.curate()
    monkeypatch.setitem(sys.modules, "kbgen.curate.autotag_model", None)
    corpus.write(101, "lamps", tags=["lamps"])
    assert {"forum:102", "forum:103"} == set(corpus.curate())


def test_a_small_community_learns_nothing(tmp_path: Path) -> None:
    """Under two hundred tagged threads a model would guess."""
    assert {} == Corpus(tmp_path / "small").curate()
