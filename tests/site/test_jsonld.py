"""Structured data: right types, nothing the page does not show, and a script that cannot be closed."""

import json

import pytest
import sample_pages as sample
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from kbgen.model import Crumb
from kbgen.site import jsonld

ABOUT = jsonld.About(sample.SITE, sample.SOURCES, "assets/logo.svg", "Former member")
MIRA = {"@type": "Person", "name": "mira_k", "url": "https://forum.lamplight.example/u/mira_k"}


def test_an_answer_page_is_an_article_based_on_its_threads() -> None:
    """The type is the exact one and the one search engines name, never QAPage; every thread is named."""
    node = jsonld.answer_page(sample.entry_page(), sample.entry(), ABOUT)
    assert node["@type"] == ["TechArticle", "Article"]
    assert node["mainEntityOfPage"] == "https://help.lamplight.example/support/q/bulb-pairs-but-never-answers-42/"
    assert node["isBasedOn"][0] == {
        "@type": "DiscussionForumPosting",
        "url": "https://forum.lamplight.example/t/42",
        "headline": sample.TITLE,
        "author": MIRA,
        "datePublished": "2025-03-01T12:00:00Z",
    }
    assert node["citation"] == ["https://forum.lamplight.example/t/51"]
    assert node["license"] == "https://creativecommons.org/licenses/by-sa/4.0/"
    assert (node["datePublished"], node["dateModified"]) == ("2025-03-01T12:00:00Z", "2025-04-02T12:00:00Z")


def test_every_licence_that_is_shown_is_stated() -> None:
    """A page with answers of several licences names them all, each once."""
    others = tuple(
        sample.post(n, "<p>x</p>", sample.OTTO, licence=f"CC BY-SA {v}") for n, v in ((3, "3.0"), (4, "4.0"))
    )
    node = jsonld.answer_page(sample.entry_page(), sample.entry(others=others), ABOUT)
    assert node["license"] == [f"https://creativecommons.org/licenses/by-sa/{version}/" for version in ("4.0", "3.0")]


def test_each_answerer_is_named_once() -> None:
    """Authors stand in the order of their answers, each once; a closed account has the name the page shows."""
    node = jsonld.answer_page(sample.entry_page(), sample.entry(), ABOUT)
    assert node["author"] == [
        {"@type": "Person", "name": "Otto", "url": "https://forum.lamplight.example/u/otto"},
        {"@type": "Person", "name": "Former member"},
    ]


def test_one_thread_is_not_a_list() -> None:
    """A page of one thread is based on that one and cites no other."""
    node = jsonld.answer_page(sample.entry_page(), sample.entry(threads=(sample.thread(42, "T"),)), ABOUT)
    assert node["isBasedOn"]["url"] == "https://forum.lamplight.example/t/42"
    assert "citation" not in node


def test_a_staff_article_is_based_on_nothing() -> None:
    """The author is the owner, else the publisher; threads it settles are cited, not its base."""
    node = jsonld.staff_article(sample.article_page(), sample.article(), ABOUT)
    assert node["author"] == {"@type": "Person", "name": "Ida"}
    assert "isBasedOn" not in node
    nameless = jsonld.staff_article(sample.article_page(), sample.article(owner=""), ABOUT)
    assert nameless["author"]["@type"] == "Organization"


def test_breadcrumbs_have_position_name_and_address() -> None:
    """Each step is numbered from 1 with an absolute, encoded address; the last one is the page itself."""
    trail = (Crumb("Home", "/"), Crumb("תאורה", "/topics/תאורה/"), Crumb("A lamp", "/q/a-lamp/"))
    node = jsonld.breadcrumbs(trail, sample.SITE)
    assert node["itemListElement"][1:] == [
        {
            "@type": "ListItem",
            "position": 2,
            "name": "תאורה",
            "item": "https://help.lamplight.example/support/topics/%D7%AA%D7%90%D7%95%D7%A8%D7%94/",
        },
        {"@type": "ListItem", "position": 3, "name": "A lamp"},
    ]


def test_home_names_the_site_and_its_publisher() -> None:
    """Only home has WebSite and Organization, joined by id; there is no SearchAction."""
    site, owner = jsonld.website(sample.home_page(), ABOUT)
    assert site["publisher"] == {"@id": owner["@id"]}
    assert owner["logo"] == "https://help.lamplight.example/support/assets/logo.svg"
    assert "potentialAction" not in site


def test_a_listing_is_a_collection_of_what_it_shows() -> None:
    """Items are counted as shown and numbered in their order."""
    node = jsonld.collection(sample.topic_page(), sample.SITE, sample.CARDS)
    assert node["mainEntity"]["numberOfItems"] == len(sample.CARDS)
    assert [item["position"] for item in node["mainEntity"]["itemListElement"]] == [1, 2, 3, 4]
    assert "mainEntity" not in jsonld.collection(sample.topic_page(), sample.SITE, ())


def test_a_person_is_the_same_as_their_profile() -> None:
    """A profile page links the person to the community's own page."""
    page = sample.page("/people/otto/", "person", title="Otto")
    shown = replace(page, listing=replace(sample.topic_page().listing, profile="https://forum.example/u/otto"))  # type: ignore[type-var]
    assert jsonld.profile(shown, sample.SITE)["mainEntity"]["sameAs"] == ["https://forum.example/u/otto"]
    assert "sameAs" not in jsonld.profile(page, sample.SITE)["mainEntity"]


@given(st.text())
@example("</script><!-- &amp; \u2028 \u2029 -->")
def test_the_script_cannot_be_closed(text: str) -> None:
    """Whatever a text says, no character that ends a script or a line stands in it, and it reads back the same."""
    script = jsonld.script([{"name": text}])
    assert not set(script) & set("<>&\u2028\u2029")
    assert json.loads(script)["@graph"] == [{"name": text}]


@pytest.mark.parametrize("nodes", [[], ()])
def test_nothing_to_say_is_no_script(nodes: list[jsonld.Node]) -> None:
    """A page without structured data has no empty graph."""
    assert jsonld.script(nodes) == ""
