"""Words analysed beforehand make the very index that words analysed on the spot make."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from kbgen.search.documents import SearchDoc
from kbgen.search.index import build_index
from kbgen.search.prepared import prepare, read_prepared
from kbgen.search.words import Words


def files(folder: Path) -> dict[str, bytes]:
    """Every file of an index."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_index_is_the_same(pages: list[SearchDoc], tmp_path: Path) -> None:
    """Byte for byte, in every language of the small community."""
    beforehand = [
        replace(page, prepared=prepare(page.title, page.also, page.text, page.lang), also=()) for page in pages
    ]
    build_index(pages, tmp_path / "spot")
    build_index(beforehand, tmp_path / "before")

    assert files(tmp_path / "spot") == files(tmp_path / "before")


def test_words_counted_in_another_order_make_the_same_index(pages: list[SearchDoc], tmp_path: Path) -> None:
    """Who counts them knows neither where the pages are nor in which order they come."""
    named = [replace(page, ref=page.path) for page in pages]
    known: dict[str, Words] = {}
    for page in reversed(named):
        known.setdefault(page.lang, Words()).add(prepare(page.title, page.also, page.text, page.lang), page.ref)
    told = [replace(page, also=()) for page in named]
    build_index(pages, tmp_path / "spot")
    build_index(told, tmp_path / "counted", known=known)

    assert files(tmp_path / "spot") == files(tmp_path / "counted")


def test_words_know_whose_they_are() -> None:
    """One page too many or too few, and they are of other pages."""
    words = Words()
    words.add(prepare("Dim a lamp", (), "", "en"), "forum:1")
    assert (words.number("forum:1"), words.number("forum:2")) == (0, None)
    assert [words.are_of(refs) for refs in ({"forum:1"}, {"forum:2"}, set(), {"forum:1", "forum:2"})] == [
        True,
        False,
        False,
        False,
    ]


def test_common_words_count_in_titles_only() -> None:
    """So that a question made of nothing else still finds its page."""
    found = read_prepared(prepare("What is it", (), "what is a hub hub", "en"))

    assert "what" in found.title.terms
    assert (["hub"], [2]) == (found.text.terms, found.text.counts)


def test_the_same_words_give_the_same_bytes() -> None:
    """What is kept can be compared."""
    assert prepare("Dim a lamp", ("Lamp too bright",), "Turn it.", "en") == prepare(
        "Dim a lamp", ("Lamp too bright",), "Turn it.", "en"
    )
