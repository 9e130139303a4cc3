"""Permalinks: given once, stable, unique, whatever comes in whatever order."""

from __future__ import annotations

import random

import pytest
from compile_samples import article, summary
from hypothesis import given
from hypothesis import strategies as st

from kbgen.compile.permalinks import assign
from kbgen.model import Ref, Summary


def test_an_entry_is_addressed_by_its_words_and_id() -> None:
    """The id makes it unique, the words make it readable; an article needs no id."""
    links = assign([summary("forum:42", "Reset a hub"), article("docs:x", "Refunds")], {})
    expected = {"forum:42": "/q/reset-a-hub-42/", "docs:x": "/articles/refunds/"}
    assert (expected, expected) == (links.paths, links.new)


def test_a_retitle_moves_nothing() -> None:
    """The path given once stays, whatever the title says now."""
    assigned = {Ref("forum:42"): "/q/reset-a-hub-42/"}
    links = assign([summary("forum:42", "Wipe a hub")], assigned)
    assert (assigned, {}) == (links.paths, links.new)


def test_a_page_of_the_engine_keeps_the_path_of_its_file() -> None:
    """Where a writer put the file is where the page is, also after it was elsewhere."""
    links = assign([article("content:a", "Refunds", path="/articles/a/")], {Ref("content:a"): "/articles/old/"})
    assert {"content:a": "/articles/a/"} == links.paths


def test_equal_words_and_ids_of_two_sources_do_not_collide() -> None:
    """The second names its source; the third wording is numbered."""
    links = assign([summary("stack:42", "Reset"), summary("forum:42", "Reset")], {})
    assert {"forum:42": "/q/reset-42/", "stack:42": "/q/reset-stack-42/"} == links.paths
    taken = {Ref("old:1"): "/q/reset-42/", Ref("old:2"): "/q/reset-stack-42/", Ref("old:3"): "/q/reset-2/"}
    assert {"stack:42": "/q/reset-3/"} == assign([summary("stack:42", "Reset")], taken).new


def test_articles_of_one_title_do_not_collide() -> None:
    """First come by ref; then the source, then a number."""
    links = assign([article("docs:c", "Refunds"), article("docs:a", "Refunds"), article("docs:b", "Refunds")], {})
    assert {
        "docs:a": "/articles/refunds/",
        "docs:b": "/articles/refunds-docs/",
        "docs:c": "/articles/refunds-2/",
    } == links.paths


def test_a_writers_file_has_its_address_whatever_else_is_called_so() -> None:
    """An article of the same title goes beside it, and so does one that had the address before the file came."""
    written = article("content:install", "Install", path="/articles/install/")
    imported = article("z:1", "Install")
    expected = {"content:install": "/articles/install/", "z:1": "/articles/install-z/"}
    assert expected == assign([written, imported], {}).paths
    renamed = article("z:1", "Another title")
    assert expected == assign([written, renamed], {Ref("z:1"): "/articles/install/"}).paths
    first_by_ref = assign([article("a:1", "Install"), written], {}).paths
    assert "/articles/install-a/" == first_by_ref[Ref("a:1")]


def test_an_address_of_a_vanished_page_is_not_given_again() -> None:
    """A withdrawn thread keeps its path: it redirects or is gone, and never becomes another question."""
    links = assign([summary("stack:42", "Reset")], {Ref("forum:42"): "/q/reset-42/"})
    assert {"stack:42": "/q/reset-stack-42/"} == links.paths


@pytest.mark.parametrize(
    ("native", "path"),
    [
        ("C01/p17.5", "/q/w-C01-p17.5/"),
        ("../../etc", "/q/w-etc/"),
        ("a b?c#d%2f", "/q/w-a-b-c-d-2f/"),
        ("///", "/q/w-x/"),
        ("שלום", "/q/w-שלום/"),
    ],
)
def test_hostile_ids_make_harmless_paths(native: str, path: str) -> None:
    """Nothing of an id climbs out of its folder, starts a query or breaks the address."""
    assert {f"forum:{native}": path} == assign([summary(f"forum:{native}", "W")], {}).paths


TITLES = st.sampled_from(["reset", "pair", "reset-2", "x"])
SUMMARIES = st.lists(
    st.builds(
        lambda source, native, title, kind: summary(f"{source}:{native}", title, kind=kind),
        st.sampled_from(["forum", "stack"]),
        st.sampled_from(["1", "2", "1/", "a"]),
        TITLES,
        st.sampled_from(["entry", "article"]),
    ),
    unique_by=lambda one: one.ref,
    max_size=8,
)


@given(summaries=SUMMARIES, seed=st.randoms(use_true_random=False))
def test_paths_are_unique_and_do_not_depend_on_order(summaries: list[Summary], seed: random.Random) -> None:
    """Any community in any order: the same paths, no two alike."""
    first = assign(summaries, {})
    shuffled = list(summaries)
    seed.shuffle(shuffled)
    assert first == assign(shuffled, {})
    assert len(summaries) == len(set(first.paths.values()))


@given(summaries=SUMMARIES, later=SUMMARIES)
def test_what_was_given_stays_given(summaries: list[Summary], later: list[Summary]) -> None:
    """Whoever joins or is retitled later: nobody's path moves, and nobody gets another's."""
    first = assign(summaries, {})
    second = assign(later, first.paths)
    known = first.paths | second.paths
    assert first.paths == {ref: known[ref] for ref in first.paths}
    assert len(known) == len(set(known.values()))
