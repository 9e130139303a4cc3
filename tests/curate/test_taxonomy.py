"""The vocabulary file, the introductions of topics, and how items are placed."""

from pathlib import Path

import pytest

from kbgen.curate.tagging import tag
from kbgen.curate.taxonomy import load_intros, load_taxonomy, parse_taxonomy
from kbgen.errors import ConfigError
from kbgen.model import TagMark, Taxonomy

TOPIC_KEYS = ("slug", "title", "description", "icon", "parent", "tags", "categories", "titles", "was")
GOOD = """\
topics:
  - {slug: devices, title: Devices, tags: [hub]}
  - slug: hubs
    title: Hubs
    description: Everything about hubs.
    icon: material/router
    parent: devices
    tags: [hub, mini-hub]
    categories: {community: [Hubs & Bridges, 12]}
    titles: {he: רכזות}
    was: [gateways]
  - {slug: billing, title: Billing}
tags:
  - {slug: hub, title: Hub, synonyms: [gateway, Bridge], sources: {stack: [hub-2]}}
  - {slug: mini-hub, parent: hub}
  - {slug: refund, title: Refunds, was: [money-back]}
"""


def test_a_vocabulary_is_read() -> None:
    """Synonyms, mappings and places are ready to be looked up."""
    taxonomy = parse_taxonomy(GOOD)
    assert [topic.slug for topic in taxonomy.topics] == ["devices", "hubs", "billing"]
    assert taxonomy.topics[1].titles == (("he", "רכזות"),)
    assert taxonomy.synonyms == {
        "hub": "hub",
        "gateway": "hub",
        "bridge": "hub",
        "mini-hub": "mini-hub",
        "refund": "refund",
        "refunds": "refund",
        "money-back": "refund",
    }
    assert taxonomy.mapped == {"stack": {"hub-2": "hub"}}
    assert taxonomy.tag_topics == {"hub": ("hubs", "devices"), "mini-hub": ("hubs",)}
    assert taxonomy.category_topics == {"community": {"hubs & bridges": "hubs", "12": "hubs"}}
    assert (taxonomy.open, len(taxonomy.digest)) == (False, 32)


def test_every_fault_is_told_with_its_line() -> None:
    """One run names everything that is wrong, where it is, and what was probably meant."""
    text = """\
topcs: []
topics:
  - {slug: hubs, titel: Hubs, parent: devics, tags: [hubb]}
  - {slug: hubs}
  - {slug: devices, parent: boxes}
  - {slug: boxes, parent: devices}
  - {title: No slug}
  - {slug: Big Hubs}
  - word
tags:
  - {slug: hub, synonyms: [bridge]}
  - {slug: bridge}
  - {slug: gate, sources: [x], synonyms: {a: b}}
unmapped: sometimes
"""
    with pytest.raises(ConfigError) as caught:
        parse_taxonomy(text)
    assert sorted(caught.value.faults) == sorted(
        [
            "site_config/taxonomy.yml:1: topcs is not a known key; did you mean topics?",
            "site_config/taxonomy.yml:3: topics[0].titel is not a known key; did you mean title?",
            "site_config/taxonomy.yml:3: topics[0].parent 'devics' is not among the topics; did you mean devices?",
            "site_config/taxonomy.yml:3: topics[0].tags[0] 'hubb' is not among the tags; did you mean hub?",
            "site_config/taxonomy.yml:4: topics[1].slug 'hubs' stands twice; keep one",
            "site_config/taxonomy.yml:5: topics[2].parent goes round in a circle: devices > boxes > devices",
            "site_config/taxonomy.yml:6: topics[3].parent goes round in a circle: boxes > devices > boxes",
            "site_config/taxonomy.yml:7: topics[4].slug is missing",
            "site_config/taxonomy.yml:8: topics[5].slug 'Big Hubs' cannot stand in an address; write big-hubs",
            f"site_config/taxonomy.yml:9: topics[6] must be a block with the keys {', '.join(TOPIC_KEYS)}",
            "site_config/taxonomy.yml:11: tags[0].synonyms 'bridge' belongs to bridge already; keep one",
            "site_config/taxonomy.yml:13: tags[2].sources must name sources: `{community: [one, two]}`",
            "site_config/taxonomy.yml:13: tags[2].synonyms must be a list",
            "site_config/taxonomy.yml:14: unmapped must be report or keep, not 'sometimes'",
        ]
    )


def test_without_a_file_the_vocabulary_is_open(tmp_path: Path) -> None:
    """A new project has no taxonomy, and every source tag is a tag."""
    taxonomy = load_taxonomy(tmp_path)
    assert (taxonomy.open, taxonomy.topics) == (True, ())
    assert tag(["C++"], [], "stack", taxonomy) == ((TagMark("c-plus-plus", "source:c++"),), (), ())  # type: ignore[arg-type]


def write(project: Path, file: str, text: str) -> None:
    """Write a file of the project."""
    path = project / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_introductions_are_written_by_people(tmp_path: Path) -> None:
    """A topic's file overrides its words and adds text and featured threads; index.md is not one."""
    write(tmp_path, "site_config/taxonomy.yml", GOOD)
    write(
        tmp_path,
        "content/topics/hubs.md",
        "---\ntitle: Our hubs\nfeatured: [community:1, community:2]\n---\n\n# Start\n\n[Docs](https://a.example/)\n",
    )
    write(tmp_path, "content/topics/index.md", "# All topics\n")
    hubs = load_taxonomy(tmp_path).topics[1]
    assert (hubs.title, hubs.description, hubs.featured) == (
        "Our hubs",
        "Everything about hubs.",
        ("community:1", "community:2"),
    )
    assert hubs.intro == '<h3 id="start">Start</h3><p><a href="https://a.example/">Docs</a></p>'
    assert load_taxonomy(tmp_path).digest != parse_taxonomy(GOOD).digest


def test_faults_of_introductions_join_those_of_the_file(tmp_path: Path) -> None:
    """An unknown topic, an unknown key and a bad reference are all told at once."""
    write(tmp_path, "site_config/taxonomy.yml", GOOD)
    write(tmp_path, "content/topics/hub.md", "text\n")
    with pytest.raises(ConfigError) as unknown:
        load_taxonomy(tmp_path)
    assert unknown.value.faults == (
        "content/topics/hub.md: there is no topic hub in site_config/taxonomy.yml; did you mean hubs?",
    )
    write(tmp_path, "content/topics/hubs.md", "---\ntitle: x\nfeatured: [one]\n---\n")
    write(tmp_path, "content/topics/billing.md", "---\nfetured: []\n---\n")
    with pytest.raises(ConfigError) as caught:
        load_intros(tmp_path)
    assert caught.value.faults == (
        "content/topics/billing.md:2: fetured is not a known key; did you mean featured?",
        "content/topics/hubs.md:3: featured holds 'one' is not a reference; write SOURCE:ID, such as community:1234",
    )


def placed(
    tags: list[str], category: list[str] | None = None, source: str = "community", **more: object
) -> tuple[object, ...]:
    """Tags with reasons, topics and unmapped words in the good vocabulary."""
    marks, topics, unmapped = tag(tags, category or [], source, parse_taxonomy(GOOD), **more)  # type: ignore[arg-type]
    return [(mark.tag, mark.why) for mark in marks], list(topics), list(unmapped)


@pytest.mark.parametrize(
    ("tags", "source", "expected"),
    [
        (["Hub"], "community", [("hub", "source:hub")]),
        (["Bridge"], "community", [("hub", "synonym:bridge")]),
        (["hub-2"], "stack", [("hub", "source:hub-2")]),
        (["mini-hub"], "community", [("mini-hub", "source:mini-hub"), ("hub", "parent:mini-hub")]),
        (["hub", "gateway"], "community", [("hub", "source:hub")]),
    ],
)
def test_tags_are_mapped_with_reasons(tags: list[str], source: str, expected: list[tuple[str, str]]) -> None:
    """A source's mapping, synonyms and parents each leave their reason."""
    assert placed(tags, source=source)[0] == expected


def test_unknown_words_are_reported() -> None:
    """A closed vocabulary does not grow by itself: what it lacks is listed."""
    assert placed(["hub-2", "wifi"], topics=["Sensors"]) == ([], [], ["hub-2", "wifi", "topic:Sensors"])


def test_topics_come_from_tags_categories_and_people() -> None:
    """A named topic leads, then the most specific ones."""
    assert placed(["hub"])[1] == ["hubs", "devices"]
    assert placed([], ["Hardware", "Hubs & Bridges"])[1] == ["hubs"]
    assert placed(["hub"], topics=["Billing"])[1] == ["billing", "hubs", "devices"]
    assert placed([], topics=["gateways"])[1] == ["hubs"]


def test_an_open_vocabulary_with_tags_keeps_unknown_ones() -> None:
    """``unmapped: keep`` takes source tags as they are beside the known ones."""
    taxonomy = parse_taxonomy(GOOD + "unmapped: keep\n")
    assert [mark.tag for mark in tag(["Wi Fi", "bridge"], [], "community", taxonomy)[0]] == ["wi-fi", "hub"]
    assert tag([" "], [], "community", Taxonomy()) == ((), (), ())
