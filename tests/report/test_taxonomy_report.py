"""A taxonomy proposed from the tags in use."""

from kbgen.curate.taxonomy import parse_taxonomy
from kbgen.report.taxonomy import propose
from kbgen.report.taxonomy_file import yaml_of

THREADS = [
    *[frozenset({"lamp", "dimmer"})] * 12, *[frozenset({"lamps"})] * 6, *[frozenset({"lamp", "lamp-colour"})] * 4,
    *[frozenset({"billing", "refund"})] * 9, *[frozenset({"billing"})] * 6, *[frozenset({"refunds", "billing"})] * 3,
    *[frozenset({"door-lock", "keypad"})] * 8, *[frozenset({"door-lock"})] * 12, frozenset({"rare"}), frozenset(),
]  # fmt: skip


def test_spellings_of_a_word_become_one_tag() -> None:
    """The most used one stands for them."""
    assert {"lamp": ("lamps",), "refund": ("refunds",)} == propose(THREADS).synonyms


def test_a_tag_that_always_stands_with_a_wider_one_is_its_child() -> None:
    """So is one that has the wider one's name in its own."""
    parents = propose(THREADS).parents
    assert ("lamp", "door-lock") == (parents["lamp-colour"], parents["keypad"])
    assert "refund" not in parents or parents["refund"] == "billing"


def test_topics_are_about_different_things() -> None:
    """Each with the tags that stand together, and every tag in one at most."""
    topics = propose(THREADS).topics
    assert {"lamp", "billing", "door-lock"} == set(topics)
    assert {"lamp", "dimmer", "lamp-colour"} == set(topics["lamp"])
    members = [tag for tags in topics.values() for tag in tags]
    assert len(members) == len(set(members))


def test_the_proposal_is_a_taxonomy() -> None:
    """It is read without a fault, knows every spelling, and leaves out what is rare."""
    taxonomy = parse_taxonomy(yaml_of(propose(THREADS)))
    assert ("refund", "billing") == (taxonomy.synonyms["refunds"], taxonomy.tag_topics[taxonomy.synonyms["refunds"]][0])
    assert "rare" not in taxonomy.synonyms


def test_words_of_any_script_and_punctuation_have_an_address() -> None:
    """C++ and c# are two tags; a Hebrew one keeps its letters."""
    threads = [frozenset({"c++"}), frozenset({"מנורה"})] * 4 + [frozenset({"node.js"})] * 4
    taxonomy = parse_taxonomy(yaml_of(propose(threads)))
    assert {"node-js", "מנורה", "c"} == {tag.slug for tag in taxonomy.tags}


def test_the_same_tags_give_the_same_file() -> None:
    """In whatever order the threads come."""
    assert yaml_of(propose(THREADS)) == yaml_of(propose(THREADS[::-1]))
