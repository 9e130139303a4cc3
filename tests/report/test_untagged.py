"""Tags and topics proposed from what threads say, and put on threads that say them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from projects import Kbgen, SmallForum, build_here, copy_project, forum_post, forum_topic

from kbgen.curate.clusters import head
from kbgen.curate.tagging import tag_by_words, with_learnt
from kbgen.curate.taxonomy import parse_taxonomy
from kbgen.errors import ConfigError
from kbgen.model import Curated, PlainText, Ref, Slug, TagMark, Verdict
from kbgen.report.keyphrases import Said, keyphrases
from kbgen.report.taxonomy import propose, published, tags_of
from kbgen.report.taxonomy_file import yaml_of
from kbgen.report.themes import themes
from kbgen.report.untagged import Grown
from kbgen.search.phrases import Found, PhraseBook, segments
from kbgen.similar.texts import given_tags
from kbgen.store import open_store

THINGS = {
    "kitchen": ("kettle", "toaster", "dishwasher", "oven door"),
    "garden": ("lawn mower", "hedge", "sprinkler", "rain barrel"),
    "bicycle": ("brake pad", "saddle", "pedal", "dynamo"),
}
BESIDE = {
    "kitchen": "It stands beside the sink, where steam and hot water rise from the plates we wash.",
    "garden": "It stands out on the grass, where leaves and soil lie between the roses and the shed.",
    "bicycle": "It sits on the frame, close to the wheel, and I ride ten miles of wet road with it.",
}
TITLES = (
    "How do I clean the {}?", "Why is my {} so loud?", "The {} makes a strange noise", "Where can I buy a {}?",
    "My {} broke after two weeks", "How to repair a {}",
)  # fmt: skip


def household() -> list[Said]:
    """Six questions about each of twelve things, in three rooms."""
    found: list[Said] = []
    for room, things in THINGS.items():
        for thing in things:
            for number, title in enumerate(TITLES):
                text = f"I have had the {thing} for {number + 2} years. {BESIDE[room]} Now the {thing} needs some care."
                found.append(Said(f"forum:{len(found)}", title.format(thing), text, "en"))
    return found


EVERY = {thing for things in THINGS.values() for thing in things}


# --- phrases ---------------------------------------------------------------------------------------------------


def test_a_phrase_is_found_in_any_form() -> None:
    """Stems are compared; punctuation parts words, and the longer of two phrases counts."""
    book = PhraseBook({"lawn mower": "mowing", "mower": "mower", "hedge": "hedge"})
    assert {"mowing": Found("lawn mower", 1), "hedge": Found("hedge", 2)} == book.find(
        "Lawn mowers, and a hedge. Hedges!", "en"
    )
    assert {"mower": Found("mower", 1)} == book.find("On the lawn: mower tracks", "en")


def test_scripts_without_spaces_have_no_phrases() -> None:
    """Where a word ends is not known there, so nothing is cut."""
    assert [["mixer"]] == [[token.text for token in run] for run in segments("搅拌机 mixer", "zh")]


# --- proposals -------------------------------------------------------------------------------------------------


def test_things_are_proposed_and_doings_are_not() -> None:
    """Each thing, as one phrase where it is two words; no verb, no empty word, no part of a phrase."""
    found = {one.text: one.threads for one in keyphrases(household())}
    assert dict.fromkeys(EVERY, 6) == {text: count for text, count in found.items() if text in EVERY}
    assert set() == {"clean", "buy", "repair", "weeks", "mower", "lawn", "way", "noise"} & set(found)


def test_what_is_known_is_not_proposed_again() -> None:
    """Tags there are, and the community's own name."""
    texts = {one.text for one in keyphrases(household(), frozenset({("hedg",)}))}
    assert ({"hedge"} & texts, {"kettle"} & texts) == (set(), {"kettle"})


def test_what_most_questions_speak_of_says_nothing() -> None:
    """A word of some titles that is in nearly all texts, under such a title or not, divides nothing."""
    said = [
        msgspec.structs.replace(
            one,
            title=one.title if number % 4 else f"{one.title} It is in the cottage",
            text=one.text if number % 4 == 1 and number % 3 else f"Our cottage. {one.text}",
        )
        for number, one in enumerate(household())
    ]
    assert "cottage" not in {one.text for one in keyphrases(said)}


def test_plurals_of_names_are_one_tag() -> None:
    """Short names have no stem: ``PCB`` and ``PCBs`` are put together, and shown with their capitals."""
    said = [
        Said(f"f:{number}", f"How do I mount the {name}?", f"The {name} is warm.", "en")
        for number, name in enumerate(["PCB"] * 9 + ["PCBs"] * 5)
    ]
    other = [Said(f"g:{n}", f"Where is the {name}?", "No idea.", "en") for n, name in enumerate(["hall", "roof"] * 20)]
    (board,) = [one for one in keyphrases([*said, *other]) if one.text == "pcb"]
    assert ("PCB", ("pcbs",), 14) == (board.shown, board.variants, board.threads)


def test_things_of_one_room_are_one_topic() -> None:
    """Grouped by the words around them, the same in any order of the threads."""
    said = household()
    phrases = [one for one in keyphrases(said) if one.text in EVERY]
    found = themes(said, phrases)
    assert {frozenset(things) for things in THINGS.values()} == {frozenset(one.phrases) for one in found}
    assert [(24, 3)] * 3 == [(one.threads, len(one.examples)) for one in found]
    assert found == themes(said[::-1], [one for one in keyphrases(said[::-1]) if one.text in EVERY])


def proposed(said: Sequence[Said]) -> Grown:
    """What is proposed for threads without tags."""
    phrases = keyphrases(said)
    return Grown(len(said), len(said), tuple(phrases), tuple(themes(said, phrases)))


def test_the_proposal_is_a_taxonomy() -> None:
    """It is read without a fault; every topic's tags have their words; counts and examples stand in comments."""
    text = yaml_of(propose([frozenset()] * 72), proposed(household()))
    taxonomy = parse_taxonomy(text)
    assert (Slug("lawn-mower"), 3) == (taxonomy.said["lawn mower"], len(taxonomy.topics))
    assert {Slug(thing.replace(" ", "-")) for thing in EVERY} <= set(taxonomy.tag_topics)
    assert "# 6 titles, such as: " in text
    assert "# 24 threads say so in their titles, such as:" in text


def test_a_tag_in_use_gets_the_words_it_is_spoken_of_by() -> None:
    """So untagged threads find their way to it, and it stands in the file once."""
    taxonomy = parse_taxonomy(yaml_of(propose([frozenset({"lawn-mower"})] * 5), proposed(household())))
    assert (1, Slug("lawn-mower")) == (
        sum(tag.slug == "lawn-mower" for tag in taxonomy.tags),
        taxonomy.said["lawn mower"],
    )


def test_a_strangers_title_cannot_leave_its_comment() -> None:
    """Line breaks of every kind are spaces there, and a long title is cut."""
    grown = proposed(household())
    hostile = "How do I clean the kettle?\ntopics: []\u2028tags: []\r- slug: evil" + "x" * 500
    tags = tuple(msgspec.structs.replace(one, examples=(hostile,)) for one in grown.tags)
    topics = tuple(msgspec.structs.replace(one, examples=(hostile,)) for one in grown.topics)
    text = yaml_of(propose([frozenset()]), msgspec.structs.replace(grown, tags=tags, topics=topics))
    assert all(line.startswith("#") for line in text.splitlines() if "slug: evil" in line or "topics: []" in line)
    assert parse_taxonomy(yaml_of(propose([frozenset()]), grown)) == parse_taxonomy(text)


# --- tags by words -----------------------------------------------------------------------------------------------

VOCABULARY = parse_taxonomy("""
topics:
- {slug: garden, tags: [mower]}
tags:
- {slug: tools}
- {slug: mower, words: [lawn mower, mower], parent: tools}
- {slug: hedge, words: [hedge]}
""")


@pytest.mark.parametrize(
    ("title", "text", "tags"),
    [
        ("My lawn mowers", "The hedge, the hedge.", ["mower", "tools"]),
        ("What is wrong?", "A hedge, then a mower, and a hedge.", ["hedge"]),
        ("What is wrong?", "A hedge, then a mower.", ["hedge", "mower", "tools"]),
        ("What is wrong?", "Nothing." + " " * 600 + "A hedge.", []),
    ],
)
def test_a_thread_nobody_tagged_gets_the_tags_it_speaks_of(title: str, text: str, tags: list[str]) -> None:
    """Those of the title; else what the beginning of the question says most often."""
    marks, topics, unmapped = tag_by_words(title, text, "en", VOCABULARY)
    assert (tags, ()) == ([mark.tag for mark in marks], unmapped)
    assert (("garden",) if "mower" in tags else ()) == topics


def test_tags_by_words_are_nobodys() -> None:
    """They teach no model and are not compared; learnt tags stand beside them."""
    marks = tag_by_words("My lawn mower", "", "en", VOCABULARY)[0]
    item = Curated(Ref("f:1"), "thread", Verdict("publish", ("accepted",)), PlainText("t"), None, tags=marks)
    assert ("words:lawn mower", (), ()) == (marks[0].why, head(item).tags, given_tags(item))
    learnt = with_learnt(item, [TagMark(Slug("hedge"), "learnt:0.91")], VOCABULARY)
    assert ["mower", "tools", "hedge"] == [mark.tag for mark in learnt.tags]


def test_a_phrase_belongs_to_one_tag() -> None:
    """As a synonym does; the fault names the line and the other tag."""
    with pytest.raises(ConfigError, match=r"taxonomy\.yml:3: tags\[1\]\.words 'hedge' belongs to a already"):
        parse_taxonomy("tags:\n- {slug: a, words: [hedge]}\n- {slug: b, words: [Hedge]}\n")


def test_a_community_without_tags_gets_topics(forum: SmallForum, inside: Kbgen) -> None:
    """As it is typed: proposed, written, and with the next run threads stand under topics; then nothing is proposed."""
    for number, one in enumerate(household(), start=100):
        topic = forum_topic(number, one.title, tags=[])
        topic["post_stream"]["posts"][0] = forum_post(number, 1, one.text)
        forum.write(topic)
    build_here(forum.folder, ["harvest", "curate"])
    data = inside("-C", forum.folder, "--json", "taxonomy", "suggest", "--write").data
    assert 76 == data["untagged"]["of"]
    assert 0 == inside("-C", forum.folder, "config", "check").code
    build_here(forum.folder, ["curate"])
    store = open_store(forum.folder / ".kbgen" / "store.sqlite")
    placed = [one for one in store.entries.summaries() if one.topics and int(one.ref.split(":")[1]) >= 100]
    store.close()
    assert 72 == len(placed)
    assert "words:kettle" in inside("-C", forum.folder, "why", "forum:100").out
    again = inside("-C", forum.folder, "--json", "taxonomy", "suggest").data["untagged"]
    assert ([], []) == (again["tags"], again["topics"])


@pytest.mark.realdata
def test_a_real_site_without_its_tags(data_folder: Path, tmp_path: Path) -> None:
    """What a site's own members use as tags is found in their words, in topics a reader would look for."""
    project = copy_project(tmp_path / "site", content=False)
    dump = data_folder / "stackexchange" / "cardano-2021"
    source = {"name": "s", "kind": "stackexchange", "url": "https://s.example.com", "dump": str(dump)}
    settings = {"site": {"name": "S", "url": "https://help.example.com/"}, "sources": [source]}
    (project / "site_config" / "kbgen.yml").write_text(json.dumps(settings), encoding="utf-8")
    build_here(project, ["harvest", "curate"])
    store = open_store(project / ".kbgen" / "store.sqlite")
    items = list(published(store))
    said = [Said(item.ref, item.title, item.question.text if item.question else "", item.lang) for item in items]
    tags = Counter(tag for item in items for tag in tags_of(item))
    store.close()
    grown = proposed(said)
    spoken = {one.text.replace(" ", "-") for one in grown.tags}
    common = [tag for tag, _ in tags.most_common(20) if not tag.startswith("cardano")]
    found = [tag for tag in common if spoken & {tag, tag.removesuffix("s"), f"{tag}s"}]
    assert len(found) >= 0.6 * len(common), sorted(set(common) - set(found))
    assert 5 <= len(grown.topics) <= 10
