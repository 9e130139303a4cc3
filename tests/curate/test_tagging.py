"""Placing an item in the vocabulary, and what of the vocabulary that looks at."""

from __future__ import annotations

import msgspec
import pytest

from kbgen.curate.tagging import place, vocabulary_key
from kbgen.curate.taxonomy import parse_taxonomy
from kbgen.model import Curated, CuratedPost, Person, PlainText, Ref, SafeHtml, Taxonomy, Verdict

WHOLE = """\
topics:
  - {slug: home, title: Home, tags: [rooms]}
  - {slug: light, title: Light, parent: home, description: Lamps., icon: material/bulb, tags: [lamps],
     categories: {forum: [Lamps]}}
tags:
  - {slug: rooms, title: Rooms}
  - {slug: lamps, title: Lamps, parent: rooms, synonyms: [bulbs], words: [light bulb], sources: {forum: [l]}}
"""


def item(*tags: str, category: str = "Odds", title: str = "It flickers") -> Curated:
    """A published thread."""
    words = PlainText("The hallway stays dark.")
    post = CuratedPost("1", "https://forum.example.com/1", SafeHtml(f"<p>{words}</p>"), words, Person("1", "Ada"))
    return Curated(
        Ref("forum:1"),
        "thread",
        Verdict("publish", ("accepted",)),
        PlainText(title),
        "https://forum.example.com/1",
        question=post,
        answers=(post,),
        source_tags=tuple(map(PlainText, tags)),
        category=(PlainText(category),),
    )


ITEMS = (
    item("rooms"), item("Bulbs"), item("l"), item("wires"), item("lamps", "rooms"),
    item(category="Lamps"), item(title="My light bulb flickers"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("synonyms: [bulbs]", "synonyms: [bulbs, wires]"),
        ("forum: [l]", "forum: [wires]"),
        ("parent: rooms, ", ""),
        ("tags: [lamps]", "tags: [rooms]"),
        ("categories: {forum: [Lamps]}", "categories: {forum: [Odds]}"),
        ("words: [light bulb]", "words: [flickers]"),
        ("topics:\n", "unmapped: keep\ntopics:\n"),
        ("tags:\n", "tags:\n  - {slug: wires, title: Wires}\n"),
    ],
)
def test_what_moves_an_item_moves_the_key(old: str, new: str) -> None:
    """Every edit that gives some item another place gives the vocabulary another key."""
    before, after = parse_taxonomy(WHOLE), parse_taxonomy(WHOLE.replace(old, new))
    assert [place(one, before) for one in ITEMS] != [place(one, after) for one in ITEMS]
    assert vocabulary_key(before) != vocabulary_key(after)


@pytest.mark.parametrize(("old", "new"), [("Lamps.", "All lamps."), ("material/bulb", "material/lamp")])
def test_what_moves_no_item_leaves_the_key(old: str, new: str) -> None:
    """What stands on a topic's own page alone is no reason to look at every item."""
    after = parse_taxonomy(WHOLE.replace(old, new))
    assert parse_taxonomy(WHOLE).digest != after.digest
    assert vocabulary_key(parse_taxonomy(WHOLE)) == vocabulary_key(after)


def test_every_part_of_the_vocabulary_is_accounted_for() -> None:
    """Whoever adds a field to the taxonomy decides whether items depend on it."""
    known = {"topics", "tags", "synonyms", "mapped", "tag_topics", "category_topics", "said", "open", "digest"}
    assert known == {field.name for field in msgspec.structs.fields(Taxonomy)}


def test_a_place_is_forgotten_when_another_is_found() -> None:
    """Placing twice, with another vocabulary between, is placing once."""
    whole, bare = parse_taxonomy(WHOLE), Taxonomy(open=False)
    for one in ITEMS:
        assert place(place(place(one, whole), bare), whole) == place(one, whole)


def test_what_is_not_published_has_no_place() -> None:
    """A thread that was dropped keeps no tags to look up."""
    dropped = Curated(Ref("forum:2"), "thread", Verdict("drop", ("answered",)), PlainText("x"), None)
    assert place(dropped, parse_taxonomy(WHOLE)) is dropped
