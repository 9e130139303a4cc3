"""Canonical policy row by row; titles and descriptions that no two pages share."""

from __future__ import annotations

from typing import Any

import pytest
from compile_samples import SITE, SOURCES, article, config, inputs, summary
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kbgen.compile.library import compile_library
from kbgen.compile.seo import Canonical, canonical, shorten, unique_descriptions, unique_titles
from kbgen.model import PlainText, Ref, Summary

OWN = f"{SITE}q/x-1/"
THREAD = "https://forum.example.com/t/1"


@pytest.mark.parametrize(
    ("given_one", "expected"),
    [
        (summary("forum:1"), (THREAD, "one-thread")),
        (summary("forum:1", source_url=f"{THREAD}?page=2&u=me#post_3"), (THREAD, "one-thread")),
        (article("docs:1", "Refunds"), (OWN, "self")),
        (article("forum:1", "Refunds", source_url=THREAD), (OWN, "article")),
        (summary("forum:1", threads=2), (OWN, "merged")),
        (summary("forum:1", replaced=True), (OWN, "replaced")),
        (summary("chat:1"), (OWN, "not-crawlable")),
        (summary("forum:1", threads=2, replaced=True), (OWN, "merged")),
        (summary("forum:1", choice="self"), (OWN, "self")),
        (summary("forum:1", choice="source", threads=2, replaced=True), (THREAD, "source")),
        (summary("chat:1", choice="source"), ("https://chat.example.com/t/1", "source")),
        (summary("forum:1", choice="https://docs.example.com/a?b=c"), ("https://docs.example.com/a?b=c", "written")),
    ],
)
def test_the_first_rule_that_fits_chooses(given_one: Summary, expected: tuple[str, str]) -> None:
    """Automatic policy: our own URL for what is ours, merged, rewritten or unreachable; else the live thread."""
    assert Canonical(*expected) == canonical(given_one, OWN, inputs(given_one))


@pytest.mark.parametrize(
    ("page", "source", "site", "expected"),
    [
        (None, None, "self", OWN),
        (None, None, "source", THREAD),
        (None, "source", "self", THREAD),
        (None, "self", "source", OWN),
        ("source", "self", "self", THREAD),
        ("self", "source", "source", OWN),
        ("auto", "self", "self", THREAD),
        (None, "auto", "self", THREAD),
    ],
)
def test_the_narrower_setting_wins(page: str | None, source: str | None, site: str, expected: str) -> None:
    """A page's own choice before its source's, the source's before the site's."""
    one = summary("forum:1", choice=page)
    sources = {"forum": replace(SOURCES["forum"], canonical=source)}
    given_all = inputs(one, sources=sources, config=config(seo={"canonical": site}))
    assert expected == canonical(one, OWN, given_all).url


def test_a_policy_of_source_without_a_thread_is_self() -> None:
    """An article that lives here has no other address to defer to."""
    one = article("docs:1", "Refunds", choice="source")
    assert Canonical(OWN, "self") == canonical(one, OWN, inputs(one, config=config(seo={"canonical": "source"})))


def test_a_deferring_page_is_not_in_the_sitemap_and_may_be_indexed() -> None:
    """Never noindex together with a foreign canonical; the sitemap lists only what is canonical here."""
    one, two = summary("forum:1", "One"), summary("forum:2", "Two", threads=2, refs=("forum:2", "forum:3"))
    library = compile_library(inputs(one, two))
    assert {"/q/one-1/": (False, False, THREAD), "/q/two-2/": (True, False, f"{SITE}q/two-2/")} == {
        path: (page.in_sitemap, page.noindex, page.canonical)
        for path, page in library.pages.items()
        if page.kind == "entry"
    }


@pytest.mark.parametrize("changes", [{}, {"seo": {"canonical": "self"}}, {"pages": {"people": True}}])
def test_no_page_is_noindex_with_a_foreign_canonical(changes: dict[str, Any]) -> None:
    """Whatever the settings: a page that is not to be indexed names itself, and is in no sitemap."""
    library = compile_library(inputs(summary("forum:1", tags=("bulb",)), summary("chat:2"), config=config(**changes)))
    quiet = [page for page in library.pages.values() if page.noindex]
    assert [] == [page.path for page in quiet if page.in_sitemap or not page.canonical.startswith(SITE)]
    assert {"/search/", "/404.html", "/tags/bulb/"} <= {page.path for page in quiet}


def test_a_title_that_stands_twice_names_the_community() -> None:
    """The first by ref keeps its words; the second says where it was asked, or in which language; the third adds its ref."""
    given_all = [summary("stack:1", "Reset"), summary("forum:2", "RESET"), summary("forum:1", "Reset")]
    assert {
        "forum:1": "Reset",
        "forum:2": "RESET (Example forum)",
        "stack:1": "Reset (Example stack)",
    } == unique_titles(given_all, inputs())
    third = summary("forum:3", "reset")
    foreign = summary("forum:4", "Reset", lang="ru")
    assert "Reset (Русский)" == unique_titles([*given_all, foreign], inputs())[Ref("forum:4")]
    assert "reset (forum:3)" == unique_titles([*given_all, third], inputs())[Ref("forum:3")]


def test_short_and_shared_descriptions_are_made_telling() -> None:
    """A description of its own is kept; a short or repeated one is led in by the page's title."""
    long = "The button on the back of the hub has to be held for ten seconds."
    given_all = [
        summary("forum:1", "One", description=long),
        summary("forum:2", "Two", description=long),
        summary("forum:3", "Three", description="Yes."),
        summary("forum:4", "Four", description=""),
    ]
    assert {
        "forum:1": long,
        "forum:2": f"Two: {long}",
        "forum:3": "Three: Yes.",
        "forum:4": "Four",
    } == unique_descriptions(given_all, unique_titles(given_all, inputs()))


WORDS = st.sampled_from(["Reset", "reset", "Reset (Example forum)", "Reset (forum:2)", "A" * 170, "A" * 170 + "b", ""])


@given(st.lists(st.tuples(WORDS, WORDS), max_size=7))
def test_no_two_pages_share_a_title_or_a_description(texts: list[tuple[str, str]]) -> None:
    """Not even when a title looks like the one made for another, or two differ only where they are cut."""
    given_all = [
        summary(f"forum:{number}", title or "Untitled", description=text)
        for number, (title, text) in enumerate(texts, start=1)
    ]
    titles = unique_titles(given_all, inputs())
    descriptions = unique_descriptions(given_all, titles)
    assert len(texts) == len({title.casefold() for title in titles.values()})
    assert len(texts) == len({text.casefold() for text in descriptions.values()})


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("short enough", 12, "short enough"),
        ("one two three four", 12, "one two…"),
        ("one two, three", 10, "one two…"),
        ("averyveryverylongword", 10, "averyvery…"),
        ("一二三四五六七八九十", 5, "一二三四…"),
    ],
)
def test_text_is_cut_at_a_word(text: str, limit: int, expected: str) -> None:
    """No half word where there are spaces, no dangling comma, and never more than the limit."""
    assert expected == shorten(text, limit)
    assert len(shorten(PlainText(text), limit)) <= limit
