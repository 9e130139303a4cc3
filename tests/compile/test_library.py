"""The whole site as one value: what is on it, the faults it must not have, and that it is made the same every time."""

from __future__ import annotations

import random

import msgspec
import pytest
from compile_samples import ANN, SITE, TAXONOMY, article, config, inputs, moment, summary, topic
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from kbgen.compile.inputs import Inputs, Shelf
from kbgen.compile.library import compile_library, faults, lost_sections
from kbgen.model import Crumb, Library, Link, Page, Ref, SafeHtml, Slug, Summary, Taxonomy

RICH = config(pages={"people": True, "per_page": 5})


def sound() -> tuple[Library, Inputs]:
    """A library without faults, and what it was made from."""
    given_all = inputs(
        summary("forum:1", "One", topics=("lights",), tags=("bulb",), people=(ANN,), links=("forum:2",)),
        summary("forum:2", "Two"),
        article("docs:a", "Refunds"),
        taxonomy=TAXONOMY,
    )
    return compile_library(given_all), given_all


def broken(path: str, **changes: object) -> tuple[str, ...]:
    """The faults of a sound library with one page changed."""
    library, given_all = sound()
    pages = {**library.pages, path: replace(library.pages[path], **changes)}
    return faults(replace(library, pages=pages), given_all)


def test_a_sound_library_has_no_faults() -> None:
    """What compiling makes of ordinary input is ready to be rendered."""
    assert () == faults(*sound())


def test_two_that_want_one_address_are_a_fault() -> None:
    """Both are named, and what to do."""
    given_all = inputs(article("content:a", "A", path="/articles/x/"), article("content:b", "B", path="/articles/x/"))
    assert (
        "/articles/x/: both content:a and content:b want this address; give one an `id` or another slug",
    ) == faults(compile_library(given_all), given_all)


@pytest.mark.parametrize(
    "changes",
    [
        {"crumbs": (Crumb("Nowhere", "/nowhere/"), Crumb("One", "/q/one-1/"))},
        {"tags": (Link("Nowhere", "/nowhere/"),)},
        {"links": ((Ref("forum:9"), "/nowhere/"),)},
    ],
)
def test_a_link_to_nowhere_is_a_fault(changes: dict[str, object]) -> None:
    """Breadcrumbs, tags, links in the text: each leads to a page."""
    assert ("/q/one-1/: links to /nowhere/, which is not a page",) == broken("/q/one-1/", **changes)


def test_a_related_or_listed_page_that_is_missing_is_a_fault() -> None:
    """Cards and pagers are links as well."""
    library, given_all = sound()
    pages = {path: page for path, page in library.pages.items() if path != "/q/two-2/"}
    found = faults(replace(library, pages=pages), given_all)
    assert {
        "/questions/: links to /q/two-2/, which is not a page",
        "/: links to /q/two-2/, which is not a page",
        "/q/one-1/: links to /q/two-2/, which is not a page",
    } == set(found)


def test_a_page_nobody_links_to_is_a_fault() -> None:
    """Its own last breadcrumb does not save it; a list that shows it does."""
    library, given_all = sound()
    pages = {path: replace(page, listing=None, related=(), links=()) for path, page in library.pages.items()}
    assert {f"{path}: no other page links to it" for path in ("/q/one-1/", "/q/two-2/", "/articles/refunds/")} == set(
        faults(replace(library, pages=pages), given_all)
    )


def test_a_redirect_to_nowhere_is_a_fault() -> None:
    """Gone and other sites are somewhere; a path that is no page is not."""
    library, given_all = sound()
    redirects = {"/a/": "/nowhere/", "/b/": None, "/c/": "https://elsewhere.example.com/", "/d/": "/q/one-1/"}
    assert ("/a/: redirects to /nowhere/, which is not a page",) == faults(
        replace(library, redirects=redirects), given_all
    )


def test_an_entry_without_its_thread_is_a_fault() -> None:
    """Nobody goes uncredited: no address to link back to, no page. An article needs none."""
    given_all = inputs(summary("forum:1", source_url=None), article("docs:a", "Refunds"))
    assert ("forum:1: an entry without the address of its thread cannot be attributed",) == faults(
        compile_library(given_all), given_all
    )


def test_crumbs_lead_through_the_first_topic_and_those_above_it() -> None:
    """Without a topic, through all questions or all articles."""
    library, _ = sound()
    assert ["/", "/topics/", "/topics/home/", "/topics/lights/", "/q/one-1/"] == [
        crumb.path for crumb in library.pages["/q/one-1/"].crumbs
    ]
    assert ["/", "/questions/", "/q/two-2/"] == [crumb.path for crumb in library.pages["/q/two-2/"].crumbs]
    assert ["/", "/articles/", "/articles/refunds/"] == [
        crumb.path for crumb in library.pages["/articles/refunds/"].crumbs
    ]


def test_links_between_threads_become_addresses_and_dangling_ones_vanish() -> None:
    """A ``kb:`` link to a page is resolved; one to what is not published has no address."""
    given_all = inputs(summary("forum:1", "One", links=("forum:2", "forum:404")), summary("forum:2", "Two"))
    page = compile_library(given_all).pages["/q/one-1/"]
    assert ((Ref("forum:2"), "/q/two-2/"),) == page.links


def test_references_lead_to_every_kind_of_page() -> None:
    """Merged threads, articles, topics and the engine's pages are found, places on them kept; nothing else is."""
    wanted = (
        "forum:3",
        "content:a#why",
        "content:/topics/lights/",
        "content:/imprint/#x",
        "content:/none/",
        "forum:9#a",
    )
    given_all = inputs(
        summary("forum:1", "One", links=tuple(map(Ref, wanted))),
        summary("forum:2", "Two", refs=(Ref("forum:2"), Ref("forum:3"))),
        article("content:a", "A", path="/articles/a/"),
        engine_pages=frozenset({"/imprint/", "/articles/a/"}),
        written_pages={"/imprint/": ("Imprint", "")},
        taxonomy=TAXONOMY,
    )
    library = compile_library(given_all)

    assert library.pages["/q/one-1/"].links == (
        (Ref("forum:3"), "/q/two-2/"),
        (Ref("content:a#why"), "/articles/a/#why"),
        (Ref("content:/topics/lights/"), "/topics/lights/"),
        (Ref("content:/imprint/#x"), "/imprint/#x"),
    )
    assert faults(library, given_all) == ()


def test_an_introduction_has_links() -> None:
    """What a topic's introduction refers to has an address on its landing page, and on no further page of it."""
    intro = SafeHtml('<p><a href="kb:forum:1">One</a></p>')
    pages = compile_library(
        inputs(
            *(summary(f"forum:{number}", f"Q {number}", topics=(Slug("lights"),)) for number in range(1, 8)),
            taxonomy=Taxonomy(topics=(topic("lights", intro=intro),)),
            config=config(pages={"per_page": 5}),
        )
    ).pages

    assert [pages[f"/topics/lights/{part}"].links for part in ("", "2/")] == [((Ref("forum:1"), "/q/q-1-1/"),), ()]


def test_pages_of_the_engine_are_completed_not_poured() -> None:
    """An article whose file the site engine renders is the engine's; so are the home page and the index."""
    given_all = inputs(
        article("content:a", "A", path="/articles/a/"),
        summary("forum:1", "One"),
        engine_pages=frozenset({"/", "/articles/a/", "/articles/"}),
    )
    shells = {path: page.shell for path, page in compile_library(given_all).pages.items()}
    assert ("engine", "engine", "engine", "entry", "listing") == (
        shells["/"],
        shells["/articles/a/"],
        shells["/articles/"],
        shells["/q/one-1/"],
        shells["/questions/"],
    )


def test_a_writers_own_page_is_on_the_site() -> None:
    """An imprint is a page with a title, in the sitemap; it takes no address of another."""
    given_all = inputs(
        summary("forum:1", "One"),
        written_pages={"/imprint/": ("Imprint", ""), "/q/one-1/": ("Stolen", "Not this one.")},
    )
    pages = compile_library(given_all).pages
    assert ("Imprint", "Imprint: Example help.", "engine", True, f"{SITE}imprint/") == (
        pages["/imprint/"].title,
        pages["/imprint/"].description,
        pages["/imprint/"].shell,
        pages["/imprint/"].in_sitemap,
        pages["/imprint/"].canonical,
    )
    assert "One" == pages["/q/one-1/"].title


def test_dates_are_those_of_the_content() -> None:
    """A listing is as new as the newest thing it shows; nothing is dated by the clock."""
    given_all = inputs(
        summary("forum:1", topics=("home",), updated=moment(5)),
        summary("forum:2", topics=("home",), updated=moment(9)),
        taxonomy=TAXONOMY,
    )
    pages = compile_library(given_all).pages
    assert (moment(9), moment(9), None) == (
        pages["/topics/home/"].updated,
        pages["/"].updated,
        pages["/search/"].updated,
    )


# --- the same every time ---------------------------------------------------------------------------------

SUMMARIES = st.lists(
    st.builds(
        lambda number, title, lang, topics, tags, kind: summary(
            f"forum:{number}",
            title,
            lang=lang,
            topics=topics,
            tags=tags,
            kind=kind,
            created=moment(number % 4) if number % 3 else None,
            updated=moment(number),
            score=float(number % 3),
            people=(ANN,) if number % 2 else (),
            links=(f"forum:{number - 1}",),
        ),
        st.integers(1, 60),
        st.sampled_from(["Reset a hub", "Hub reset", "Dim a lamp", "Invoice"]),
        st.sampled_from(["en", "he"]),
        st.sampled_from([(), ("home",), ("lights",), ("lights", "home"), ("unknown",)]),
        st.lists(st.sampled_from(["bulb", "hub", "loose"]), unique=True).map(tuple),
        st.sampled_from(["entry", "article"]),
    ),
    unique_by=lambda one: one.ref,
    max_size=14,
)


def test_who_asks_is_told_of_the_shelf_before_there_are_pages() -> None:
    """Once, with the cards and tags of the library to come, which is the same whether anybody asks or not."""
    library, given_all = sound()
    shelves: list[Shelf] = []
    assert library == compile_library(given_all, shelves.append)
    assert [(library.cards, library.tags)] == [(shelf.cards, shelf.tag_titles) for shelf in shelves]
    assert library.cards.keys() == {"forum:1", "forum:2", "docs:a"}


@settings(max_examples=40, deadline=None)
@given(summaries=SUMMARIES, seed=st.randoms(use_true_random=False))
def test_the_library_depends_on_its_input_alone(summaries: list[Summary], seed: random.Random) -> None:
    """Compiled twice, or from shuffled summaries: equal pages, redirects, cards and permalinks, and no fault."""
    shuffled = list(summaries)
    seed.shuffle(shuffled)
    given_all = inputs(*summaries, taxonomy=TAXONOMY, config=RICH)
    first = compile_library(given_all)
    assert first == compile_library(given_all)
    assert first == compile_library(replace_summaries(given_all, shuffled))
    assert () == faults(first, given_all)


def replace_summaries(given_all: Inputs, summaries: list[Summary]) -> Inputs:
    """The same inputs with the summaries in another order."""
    return inputs(*summaries, taxonomy=given_all.taxonomy, config=given_all.config)


@settings(max_examples=20, deadline=None)
@given(summaries=SUMMARIES)
def test_pages_and_summaries_survive_json(summaries: list[Summary]) -> None:
    """Workers and caches get them as bytes: nothing is lost on the way, and equal values are equal bytes."""
    library = compile_library(inputs(*summaries, taxonomy=TAXONOMY, config=RICH))
    encoded = msgspec.json.encode(library, order="deterministic")
    assert library == msgspec.json.decode(encoded, type=Library)
    assert encoded == msgspec.json.encode(msgspec.json.decode(encoded, type=Library), order="deterministic")
    assert list(summaries) == msgspec.msgpack.decode(msgspec.msgpack.encode(summaries), type=list[Summary])


@settings(max_examples=20, deadline=None)
@given(summaries=SUMMARIES)
def test_titles_of_pages_of_one_kind_are_unique(summaries: list[Summary]) -> None:
    """Of entries and articles, whatever they are called."""
    pages = compile_library(inputs(*summaries, taxonomy=TAXONOMY)).pages.values()
    own: list[Page] = [page for page in pages if page.kind in {"entry", "article"}]
    assert len(own) == len({page.title.casefold() for page in own}) == len({page.description for page in own})


def test_topic_order_is_the_taxonomys() -> None:
    """The operator's order of topics is the visitor's."""
    taxonomy = Taxonomy(topics=(topic("zebra"), topic("ant"), topic("mouse")))
    listing = compile_library(inputs(taxonomy=taxonomy)).pages["/topics/"].listing
    assert listing is not None
    assert ["Zebra", "Ant", "Mouse"] == [link.title for link in listing.blocks[0].links]


def test_a_link_to_a_section_leads_as_far_as_it_can() -> None:
    """To the section where the article has it, else to the article, which is told; of the engine's pages nothing is known."""
    links = (
        "docs:a#one",
        "docs:a#%D7%90",
        "docs:a#none",
        "docs:a#",
        "docs:a#top",
        "content:e#any",
        "content:e#",
        "forum:1#any",
    )
    reader = replace(article("docs:r", "Reader"), links=tuple(map(Ref, links)))
    told = replace(article("docs:a", "Told"), sections=("one", "א"))
    engine = article("content:e", "Engine", path="/articles/e/")
    library = compile_library(inputs(reader, told, engine, summary("forum:1", "Q"), engine_pages={"/articles/e/"}))
    page = library.pages["/articles/reader/"]
    assert [path for _, path in page.links] == [
        "/articles/told/#one",
        "/articles/told/#%D7%90",
        "/articles/told/",
        "/articles/told/",
        "/articles/told/",
        "/articles/e/#any",
        "/articles/e/",
        "/q/q-1/#any",
    ]
    assert lost_sections(library) == (
        "/articles/reader/: links to the section 'none' of /articles/told/, which has none of that name",
    )


def section_of(ref: str, section: str, *articles: Summary) -> str:
    """What a link to a section of an article names on its page; "" when it leads to the beginning."""
    reader = replace(article("docs:r", "Reader"), links=(Ref(f"{ref}#{section}"),))
    ((_, path),) = compile_library(inputs(reader, *articles)).pages["/articles/reader/"].links
    return path.partition("#")[2]


def test_a_link_may_name_the_section_of_another_language() -> None:
    """The one at the same place is meant, as long as a version has as many; what it has itself comes first."""
    versions = (
        article("docs:a", "Setup", lang="en", family="docs:a", sections=("wifi", "reset", "both")),
        article("docs:b", "התקנה", lang="he", family="docs:a", sections=("אלחוטי", "both", "more")),
        article("docs:c", "Avvio", lang="it", family="docs:a", sections=("rete", "wifi")),
        article("docs:d", "Alone", sections=("x", "y", "z")),
        article("docs:e", "Apart", sections=("u", "v", "w")),
    )
    asked = (
        ("docs:b", "wifi"),
        ("docs:b", "both"),
        ("docs:a", "both"),
        ("docs:a", "more"),
        ("docs:c", "wifi"),
        ("docs:c", "reset"),
        ("docs:d", "wifi"),
        ("docs:d", "u"),
    )
    found = [section_of(ref, section, *versions) for ref, section in asked]
    assert found == ["אלחוטי", "both", "both", "both", "wifi", "", "", ""]
