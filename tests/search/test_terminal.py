"""The terminal's index: what it finds, what it does again, and what it refuses to open."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from kbgen.errors import LockHeld, StoreError
from kbgen.search.documents import SearchDoc
from kbgen.search.terminal import TerminalIndex


def keyed(pages: list[SearchDoc]) -> list[tuple[str, str, SearchDoc]]:
    """Pages with a key and a digest."""
    return [(page.path, str(hash(page)), page) for page in pages]


@pytest.fixture
def index(tmp_path: Path, pages: list[SearchDoc]) -> TerminalIndex:
    """An index of all pages."""
    made = TerminalIndex(tmp_path / "whoosh")
    made.update(keyed(pages))
    return made


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("resetting hubs", "/q/reset-the-hub-1/"),
        ("wiped base station", "/q/reset-the-hub-1/"),
        ("重置网关", "/q/重置-9/"),
        ("הרשת בבית", "/q/חיבור-7/"),
        ("what is it", "/q/to-be-6/"),
    ],
)
def test_the_same_words_find_as_on_the_site(index: TerminalIndex, query: str, path: str) -> None:
    """Stems, other wordings, pairs of characters, prefixes and common words in titles all find."""
    assert [hit.path for hit in index.search(query)][:1] == [path]


def test_limits_hold(index: TerminalIndex) -> None:
    """Language, topic and number of results limit what is found."""
    assert [hit.path for hit in index.search("rimborso refund", lang="it")] == ["/q/rimborso-11/"]
    assert [hit.path for hit in index.search("hub refund", topic="billing")] == ["/q/refund-3/"]
    assert len(index.search("hub refund", limit=1)) == 1
    assert index.search("xylophone") == []


def test_the_snippet_is_around_the_word(tmp_path: Path) -> None:
    """The snippet is plain text, cut between words, with the word that was asked for in it."""
    index = TerminalIndex(tmp_path)
    index.update(
        keyed([SearchDoc("/q/1/", "Long", text="filler words " * 60 + "the needle lies here " + "more " * 90)])
    )
    (hit,) = index.search("needles")
    assert "needle lies here" in hit.snippet
    assert hit.snippet.startswith("…")
    assert hit.snippet.endswith("…")
    assert len(hit.snippet) <= 162


def test_a_mistyped_word_is_mended(index: TerminalIndex) -> None:
    """An unknown word becomes the nearest word of a title; a good query needs no advice."""
    assert index.did_you_mean("factry settings") == "factory settings"
    assert index.did_you_mean("factory settings") is None


def test_only_what_moved_is_done_again(index: TerminalIndex, pages: list[SearchDoc]) -> None:
    """The same pages change nothing; an edit, an addition and a withdrawal count one each."""
    assert index.update(keyed(pages)) == 0
    edited = msgspec.structs.replace(pages[0], title="Wipe the bridge")
    added = SearchDoc("/q/new/", "Lamp flickers")
    assert index.update(keyed([edited, *pages[2:], added])) == 3
    assert [hit.title for hit in index.search("bridge")] == ["Wipe the bridge"]
    assert index.search("offline") == []


def test_the_index_outlives_the_process(tmp_path: Path, pages: list[SearchDoc]) -> None:
    """A second opening finds what the first one wrote."""
    TerminalIndex(tmp_path / "whoosh").update(keyed(pages))
    assert TerminalIndex(tmp_path / "whoosh").search("refund")[0].path == "/q/refund-3/"


def test_the_folder_is_closed_to_others(index: TerminalIndex, tmp_path: Path) -> None:
    """Nobody else may read or write the index."""
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "whoosh").iterdir() if path.name != "MAIN_WRITELOCK"}
    assert (tmp_path / "whoosh").stat().st_mode & 0o777 == 0o700
    assert modes == {0o600}
    assert index.search("refund")


def test_an_index_others_can_write_is_refused(index: TerminalIndex, tmp_path: Path) -> None:
    """Opening runs code from the files: one that others may change, or a link, is not opened."""
    assert index.search("refund")
    stamp = tmp_path / "whoosh" / "kbgen-search.stamp"
    stamp.chmod(0o620)
    with pytest.raises(StoreError, match="can be written by others"):
        TerminalIndex(tmp_path / "whoosh")
    stamp.chmod(0o600)
    (tmp_path / "whoosh" / "MAIN_9.seg").symlink_to(stamp)
    with pytest.raises(StoreError, match=r"MAIN_9\.seg"):
        TerminalIndex(tmp_path / "whoosh")


def test_an_index_without_our_stamp_is_made_anew(index: TerminalIndex, tmp_path: Path, pages: list[SearchDoc]) -> None:
    """What we did not write is deleted unopened, and so is an index of another version."""
    assert index.search("refund")
    toc = next((tmp_path / "whoosh").glob("*.toc"))
    toc.write_bytes(b"not a table of contents")
    (tmp_path / "whoosh" / "kbgen-search.stamp").write_text("0 other\n", encoding="utf-8")
    again = TerminalIndex(tmp_path / "whoosh")
    assert again.search("refund") == []
    assert again.update(keyed(pages)) == len(pages)


def test_a_second_writer_is_told(index: TerminalIndex, pages: list[SearchDoc], monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes do not write the index at once; the second one is told which index it was."""
    monkeypatch.setattr("kbgen.search.terminal._WAIT", 0.1)
    writer = index._index.writer()
    try:
        with pytest.raises(LockHeld, match="search index"):
            index.update(keyed(pages[:1]))
    finally:
        writer.cancel()


def test_importing_warns_of_nothing() -> None:
    """The warnings of Whoosh's old code stay inside of the one file that imports it."""
    code = "import kbgen.search.terminal"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-B", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
