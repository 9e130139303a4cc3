"""Related pages: alike in words and tags, of one language, the same every time."""

from __future__ import annotations

import msgspec
from compile_samples import TAXONOMY, config, inputs, summary

from kbgen.compile.library import compile_library
from kbgen.compile.related import related
from kbgen.model import Ref, Summary

# Enough unlike pages that a shared word says something.
CROWD = tuple(summary(f"crowd:{number}", f"Matter{number} thing{number} of kind{number}") for number in range(40))


def alike(*summaries: Summary, count: int = 6) -> dict[str, list[str]]:
    """Ref to the refs of its related pages, for those that have any."""
    cards = compile_library(inputs(*summaries, *CROWD, taxonomy=TAXONOMY)).cards
    found = related([*summaries, *CROWD], cards, count)
    return {ref: [card.ref for card in cards] for ref, cards in found.items() if cards}


def test_pages_that_share_rare_words_are_related() -> None:
    """To each other, never to themselves; a page that shares nothing has none."""
    found = alike(
        summary("forum:1", "Thermostat shows frost"),
        summary("forum:2", "Frost on my thermostat"),
        summary("forum:3", "Invoice"),
    )
    assert {"forum:1": ["forum:2"], "forum:2": ["forum:1"]} == found


def test_inflected_words_are_the_same_word() -> None:
    """Stems are compared, as the search does."""
    assert {"forum:1", "forum:2"} == set(
        alike(summary("forum:1", "Resetting thermostats"), summary("forum:2", "Reset the thermostat"))
    )


def test_a_shared_tag_relates_and_a_shared_topic_decides() -> None:
    """Of two that match alike, the one in the same topic comes first."""
    found = alike(
        summary("forum:3", "Thermostat", topics=("lights",)),
        summary("forum:1", "Thermostat", tags=("hub",)),
        summary("forum:2", "Thermostat", topics=("lights",), tags=("hub",)),
    )
    assert ["forum:2", "forum:1"] == found["forum:3"]
    assert ["forum:1", "forum:3"] == found["forum:2"]


def test_pages_of_different_languages_are_not_related() -> None:
    """The same words in another language are for other readers."""
    assert {} == alike(summary("forum:1", "Router"), summary("forum:2", "Router", lang="it"))


def test_common_words_relate_nothing() -> None:
    """Stop words and words of nearly every page say nothing about any two of them."""
    assert {} == alike(summary("forum:1", "What is it?"), summary("forum:2", "What is it?"))


def test_no_more_than_asked_and_in_a_fixed_order() -> None:
    """Ties go by ref, whatever the order they came in."""
    twins = [summary(f"forum:{number}", "Thermostat frost") for number in range(9, 0, -1)]
    found = alike(*twins, count=3)
    assert ["forum:2", "forum:3", "forum:4"] == found["forum:1"]
    assert found == alike(*reversed(twins), count=3)


def test_none_is_none() -> None:
    """``pages.related: 0`` turns it off."""
    twins = [summary("forum:1", "Thermostat frost"), summary("forum:2", "Thermostat frost")]
    library = compile_library(inputs(*twins, *CROWD, config=config(pages={"related": 0})))
    assert [] == [page.path for page in library.pages.values() if page.related]


def test_a_new_page_leaves_the_links_of_others_alone() -> None:
    """One more unrelated page does not move the related pages of a community."""
    twins = [summary("forum:1", "Thermostat frost"), summary("forum:2", "Frost in the thermostat")]
    assert alike(*twins) == alike(*twins, summary("forum:77", "Zebra crossing"))


def test_what_lies_nearest_by_text_comes_first() -> None:
    """Texts decide before words do; a thread merged elsewhere stands for the page it is on; one page once."""
    pages = (
        summary("forum:1", "Thermostat shows frost"),
        summary("forum:2", "Frost on my thermostat"),
        msgspec.structs.replace(summary("forum:3", "Cold in the hall"), refs=(Ref("forum:3"), Ref("forum:4"))),
        summary("forum:5", "Brina sul termostato", lang="it"),
    )
    cards = compile_library(inputs(*pages, taxonomy=TAXONOMY)).cards
    near = {Ref("forum:1"): tuple(map(Ref, ("forum:4", "forum:3", "forum:5", "forum:1", "gone:9")))}

    found = related([*pages, *CROWD], cards | compile_library(inputs(*CROWD, taxonomy=TAXONOMY)).cards, 6, near)

    assert ["forum:3", "forum:2"] == [card.ref for card in found[Ref("forum:1")]]
