"""Words that were counted in an earlier run make the very index that words counted now make."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from kbgen.search.documents import SearchDoc
from kbgen.search.index import build_index
from kbgen.search.prepared import prepare
from kbgen.search.words import Words, read_words, write_words

CODE = "this code"


def prepared(page: SearchDoc) -> bytes:
    """A page's own words."""
    return prepare(page.title, page.also, page.text, page.lang)


def marks(pages: list[SearchDoc]) -> dict[str, str]:
    """What each page is made from."""
    return {page.path: f"{page.title} {page.text}" for page in pages}


def counted(pages: list[SearchDoc]) -> dict[str, Words]:
    """The words of some pages by language."""
    known: dict[str, Words] = {}
    for page in pages:
        known.setdefault(page.lang, Words()).add(prepared(page), page.path, marks([page])[page.path])
    return known


def index(pages: list[SearchDoc], folder: Path, known: dict[str, Words] | None = None) -> dict[str, bytes]:
    """Every file of the index of some pages."""
    build_index([replace(page, ref=page.path if known else "") for page in pages], folder, known=known)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def changed(pages: list[SearchDoc]) -> list[SearchDoc]:
    """One page says something else, one is gone, one is new, and one has taken the words of the one that is gone."""
    edited = replace(pages[1], text="Unplug the zeppelin first.")
    moved = replace(pages[4], text=f"{pages[4].text} {pages[2].text}")
    fresh = SearchDoc("/q/new-99/", "Where is my zeppelin?", text="Above the harbour.")
    return [pages[0], edited, pages[3], moved, *pages[5:], fresh]


def test_only_pages_that_changed_are_counted(pages: list[SearchDoc], changed: list[SearchDoc], tmp_path: Path) -> None:
    """The index is the same to the byte: a word that only a withdrawn page had is in it no more."""
    write_words(tmp_path / "words", counted(pages), CODE)
    known = read_words(tmp_path / "words", CODE)
    assert [True, False, False, False] == [known[lang].retain(marks(changed)) for lang in ("en", "he", "zh", "it")]
    again = [page for page in changed if page.path not in known[page.lang].refs]
    assert ["/q/hub-offline-2/", "/q/hostile-4/", "/q/new-99/"] == [page.path for page in again]
    for page in again:
        known[page.lang].add(prepared(page), page.path, marks([page])[page.path])
    assert {"wipe", "refund"} & known["en"].ids.keys() == {"wipe", "refund"}
    assert "8883" not in known["en"].ids
    assert index(changed, tmp_path / "clean") == index(changed, tmp_path / "kept", known)


def test_what_was_kept_is_read_as_it_was_written(pages: list[SearchDoc], tmp_path: Path) -> None:
    """Every language with its terms, its pages and their counts, and nothing else lies beside the file."""
    write_words(tmp_path / "words", counted(pages), CODE)
    known = read_words(tmp_path / "words", CODE)
    assert list(counted(pages)) == list(known)
    assert not any(words.retain(marks(pages)) for words in known.values())
    assert index(pages, tmp_path / "clean") == index(pages, tmp_path / "kept", known)
    assert not (tmp_path / "words.new").exists()


def test_what_is_damaged_or_of_other_code_is_counted_anew(pages: list[SearchDoc], tmp_path: Path) -> None:
    """A byte that flipped, a file cut short or grown, another version, and no file at all."""
    file = tmp_path / "words"
    write_words(file, counted(pages), CODE)
    data = file.read_bytes()
    assert {} == read_words(file, "other code")
    assert {} == read_words(tmp_path / "none", CODE)
    for place in (0, 5, 20, 40, len(data) // 2, len(data) - 1):
        file.write_bytes(data[:place] + bytes([data[place] ^ 255]) + data[place + 1 :])
        assert {} == read_words(file, CODE), place
    for wrong in (b"", data[:3], data[:38], data[:-4], data + b"\0\0\0\0"):
        file.write_bytes(wrong)
        assert {} == read_words(file, CODE), len(wrong)
