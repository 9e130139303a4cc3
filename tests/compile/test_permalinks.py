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
        ("..", "/q/w-x/"),
        ("con", "/q/w-con/"),
        ("a...", "/q/w-a/"),
    ],
)
def test_hostile_ids_make_harmless_paths(native: str, path: str) -> None:
    """Nothing of an id climbs out of its folder, starts a query or breaks the address."""
    assert {f"forum:{native}": path} == assign([summary(f"forum:{native}", "W")], {}).paths


@pytest.mark.parametrize("sign", ["a", "ש", "日", "a-", "a."])
def test_an_id_longer_than_a_name_may_be_is_cut(sign: str) -> None:
    """File systems take 255 bytes; what is cut off is told by a digest, so no two ids meet, whoever else is there."""
    long, other = f"forum:{sign * 300}b", f"forum:{sign * 300}c"
    paths = assign([summary(long, "Reset"), summary(other, "Reset")], {}).paths
    segments = [path.split("/")[2] for path in paths.values()]

    assert 2 == len(set(segments))
    assert all(200 < len(segment.encode()) <= 240 for segment in segments)
    assert paths == {one: assign([summary(one, "Reset")], {}).paths[Ref(one)] for one in (long, other)}
    assert paths[Ref(long)] == assign([summary(long, "Other")], paths).paths[Ref(long)]


def test_an_id_of_a_fitting_length_stays_whole() -> None:
    """Addresses are for ever, so nothing is cut that file systems take."""
    ref = f"forum:{'a' * 234}"
    assert {ref: f"/q/reset-{'a' * 234}/"} == assign([summary(ref, "Reset")], {}).paths


def test_a_source_of_a_long_name_fits() -> None:
    """Also beside a page that has the shorter address."""
    first, second = f"a:{'1' * 150}", f"{'b' * 200}:{'1' * 150}"
    paths = assign([summary(first, "W"), summary(second, "W")], {}).paths
    assert [True, True] == [len(path.split("/")[2].encode()) <= 240 for path in paths.values()]


@pytest.mark.parametrize(("one", "other"), [("AbC", "aBc"), ("가", "\u1100\u1161"), ("ß", "SS")])
def test_ids_that_some_file_systems_take_for_one_do_not_collide(one: str, other: str) -> None:
    """Large and small letters, and two ways to write one, are the same file on many a disk."""
    links = assign([summary(f"forum:{one}", "W"), summary(f"forum:{other}", "W")], {})
    assert 1 == sum(path.startswith("/q/w-forum-") for path in links.paths.values())


def test_addresses_given_before_stay_whatever_disks_take_them_for() -> None:
    """Two of them that differ by the size of letters are published already."""
    assigned = {Ref("forum:A"): "/q/w-A/", Ref("forum:a"): "/q/w-a/"}
    assert assigned == assign([summary("forum:a", "W"), summary("forum:A", "W")], assigned).paths


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
