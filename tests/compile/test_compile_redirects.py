"""Where old addresses lead: every one that was ever published, and never a live one."""

from __future__ import annotations

import pytest
from compile_samples import TAXONOMY, article, config, inputs, summary, tag, topic
from msgspec.structs import replace

from kbgen.compile.inputs import Inputs
from kbgen.compile.library import compile_library, faults
from kbgen.model import PageKind, Ref, Slug, Taxonomy
from kbgen.site.redirects import flatten


def redirects(given_all: Inputs) -> dict[str, str | None]:
    """Of the compiled site."""
    return compile_library(given_all).redirects


def test_a_merged_thread_leads_to_the_page_that_answers_it() -> None:
    """Its own old address redirects to the lead's page."""
    one = summary("forum:1", "One", refs=("forum:1", "forum:2"), threads=2)
    assigned = {Ref("forum:1"): "/q/one-1/", Ref("forum:2"): "/q/two-2/"}
    assert {"/q/two-2/": "/q/one-1/"} == redirects(inputs(one, assigned=assigned))


def test_a_settled_thread_leads_to_the_article() -> None:
    """An article that answers a thread takes its address."""
    guide = article("docs:a", "Refunds", refs=("docs:a", "forum:1"))
    assert {"/q/one-1/": "/articles/refunds/"} == redirects(inputs(guide, assigned={Ref("forum:1"): "/q/one-1/"}))


def test_a_withdrawn_thread_is_gone() -> None:
    """Nothing answers it now: the address says "gone", it does not pretend."""
    assert {"/q/one-1/": None} == redirects(inputs(assigned={Ref("forum:1"): "/q/one-1/"}))


def test_a_withdrawn_thread_that_returns_is_a_page() -> None:
    """Whatever history says, a path that is a page redirects nowhere."""
    assigned = {Ref("forum:1"): "/q/one-1/"}
    given_all = inputs(summary("forum:1", "One"), assigned=assigned, history={"/q/one-1/": None})
    assert {} == redirects(given_all)


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/topics/home/2/", "/topics/home/"),
        ("/questions/7/", "/questions/"),
        ("/tags/old/", "/tags/"),
        ("/tags/old/2/", "/tags/"),
        ("/people/ann-forum-1/", None),
        ("/languages/he/", None),
    ],
)
def test_a_listing_page_that_vanished_leads_to_its_first_page(path: str, target: str | None) -> None:
    """Page 7 of a list that shrank leads to the list; a tag nobody uses any more to all tags."""
    one = summary("forum:1", "One", tags=("bulb",))
    assert {path: target} == redirects(
        inputs(one, taxonomy=replace(TAXONOMY, tags=(), topics=(topic("home"),)), published={path: "listing"})
    )


def test_renamed_topics_and_tags_lead_on() -> None:
    """``was`` in the taxonomy: the old landing page redirects to the new one."""
    one = summary("forum:1", "One", tags=("hub",), topics=("lights",))
    assert {"/topics/lamps/": "/topics/lights/", "/tags/bridge/": "/tags/hub/"} == redirects(
        inputs(one, taxonomy=TAXONOMY)
    )


def test_a_renamed_tag_nobody_uses_does_not_stop_the_site() -> None:
    """The renamed tag has no page: its old address leads to all tags, or is gone where there are none."""
    given_all = inputs(summary("forum:1", "One", tags=("bulb",)), taxonomy=TAXONOMY)
    library = compile_library(given_all)
    assert ("/tags/", ()) == (library.redirects["/tags/bridge/"], faults(library, given_all))
    bare = inputs(summary("forum:1", "One"), taxonomy=TAXONOMY)
    library = compile_library(bare)
    assert (None, ()) == (library.redirects["/tags/bridge/"], faults(library, bare))


def test_a_tag_renamed_to_and_fro_runs_in_no_circle() -> None:
    """Yesterday's redirect the other way does not meet today's, not even while nobody uses the tag."""
    given_all = inputs(summary("forum:1"), taxonomy=TAXONOMY, history={"/tags/hub/": "/tags/bridge/"})
    assert {"/tags/hub/": None, "/tags/bridge/": None, "/topics/lamps/": "/topics/lights/"} == flatten(
        redirects(given_all)
    )


def test_history_is_kept() -> None:
    """What redirected years ago redirects for ever."""
    given_all = inputs(summary("forum:1", "One"), history={"/q/uno-1/": "/q/one-1/", "/q/x-9/": None})
    assert {"/q/uno-1/": "/q/one-1/", "/q/x-9/": None} == redirects(given_all)


def test_what_an_operator_wrote_wins() -> None:
    """Over history, renamed topics and withdrawn threads, but not over a page that is there."""
    written = {"/q/gone-2/": "/q/one-1/", "/topics/lamps/": "https://elsewhere.example.com/", "/q/one-1/": "/search/"}
    given_all = inputs(
        summary("forum:1", "One"),
        taxonomy=TAXONOMY,
        assigned={Ref("forum:2"): "/q/gone-2/", Ref("forum:1"): "/q/one-1/"},
        history={"/q/gone-2/": None},
        written=written,
    )
    found = redirects(given_all)
    assert ("/q/one-1/", "https://elsewhere.example.com/") == (found["/q/gone-2/"], found["/topics/lamps/"])
    assert "/q/one-1/" not in found


def test_every_published_address_is_a_page_or_a_redirect() -> None:
    """Whatever vanishes between two runs: topics, tags, people, languages, questions."""
    full = tuple(
        summary(f"forum:{number}", tags=("bulb", "hub"), topics=("lights",), lang="he" if number % 2 else "en")
        for number in range(1, 13)
    )
    rich = config(pages={"people": True, "per_page": 5})
    before = compile_library(inputs(*full, taxonomy=TAXONOMY, config=rich))
    published = {path: page.kind for path, page in before.pages.items()}
    after = compile_library(
        inputs(full[0], config=config(), taxonomy=Taxonomy(), assigned=before.permalinks, published=published)
    )
    assert set() == set(published) - set(after.pages) - set(after.redirects)


def test_no_redirect_starts_at_a_page_or_ends_at_itself() -> None:
    """A redirect never shadows a page."""
    given_all = inputs(
        summary("forum:1", "One"), written={"/": "/search/", "/a/": "/a/", "/b/": "/q/one-1/"}, published={"/": "home"}
    )
    assert {"/b/": "/q/one-1/"} == redirects(given_all)


def test_a_renamed_topic_wins_over_its_vanished_pages() -> None:
    """Its old first page leads to the new name, and its old further pages do not dangle."""
    taxonomy = Taxonomy(topics=(topic("new", was=(Slug("old"),)),))
    published = {"/topics/old/": "topic", "/topics/old/2/": "topic"}
    given_all = inputs(summary("forum:1", topics=("new",)), taxonomy=taxonomy, published=published)
    library = compile_library(given_all)
    assert "/topics/new/" == library.redirects["/topics/old/"]
    assert "/topics/new/" == library.redirects["/topics/old/2/"]
    assert () == faults(library, given_all)


def test_further_pages_of_a_renamed_topic_lead_to_their_like() -> None:
    """Page two to page two while there is one, and so do those of a tag."""
    taxonomy = Taxonomy(topics=(topic("new", was=(Slug("old"),)),), tags=(tag("lamp", "Lamp", was=(Slug("bulb"),)),))
    places = [f"/{kind}/{name}/" for kind, name in (("topics", "old"), ("tags", "bulb"))]
    published: dict[str, PageKind] = {f"{place}{more}": "topic" for place in places for more in ("", "2/", "3/")}
    many = [summary(f"forum:{number}", f"Lamp {number}", topics=("new",), tags=("lamp",)) for number in range(8)]
    given_all = inputs(*many, config=config(pages={"per_page": 5}), taxonomy=taxonomy, published=published)
    library = compile_library(given_all)
    assert [library.redirects[f"/topics/old/{more}"] for more in ("", "2/", "3/")] == [
        "/topics/new/",
        "/topics/new/2/",
        "/topics/new/",
    ]
    assert [library.redirects[f"/tags/bulb/{more}"] for more in ("", "2/", "3/")] == [
        "/tags/lamp/",
        "/tags/lamp/2/",
        "/tags/lamp/",
    ]
    assert () == faults(library, given_all)
