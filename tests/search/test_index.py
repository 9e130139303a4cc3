"""The static index: what is written, and what its reader finds in it."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import msgspec
import numpy as np
import pytest

from kbgen.errors import StoreError
from kbgen.search import index as index_module
from kbgen.search.documents import SearchDoc
from kbgen.search.format import Block, deflate, inflate, pack_block, read_varints, unpack_block, varints
from kbgen.search.index import build_index
from kbgen.search.query import StaticIndex, early_slips, one_slip
from kbgen.search.scoring import steady


def tree(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def paths(folder: Path, query: str, *, lang: str = "en", typing: bool = False) -> list[str]:
    """The paths found."""
    return [path for path, _ in StaticIndex(folder, lang).search(query, typing=typing)]


def test_varints_come_back() -> None:
    """Every length of varint is read as it was written."""
    values = np.array([0, 1, 127, 128, 16383, 16384, 2097151, 2097152, 2**28 - 1], dtype=np.int64)
    assert read_varints(varints(values)).tolist() == values.tolist()
    assert varints(np.array([300])) == b"\xac\x02"


def test_a_block_comes_back() -> None:
    """Terms, counts, scales, ids and impacts survive packing; a lone posting's impact is 63."""
    block = Block(
        ["a", "é", "水"],
        np.array([2, 1, 3]),
        np.array([5, 600, 7]),
        np.array([3, 9, 0, 0, 1, 99]),
        np.array([63, 1, 63, 2, 63, 4]),
    )
    again = unpack_block(pack_block(block))
    assert list(again.terms) == list(block.terms)
    for name in ("counts", "scales", "docs", "impacts"):
        assert getattr(again, name).tolist() == getattr(block, name).tolist()


def test_compression_has_no_time_in_it() -> None:
    """Equal content has equal bytes, and inflating leaves alone what a host inflated already."""
    assert deflate(b"x" * 99)[4:8] == b"\0\0\0\0"
    assert inflate(deflate(b"abc")) == b"abc"
    assert inflate(b"abc") == b"abc"
    assert zlib.decompress(deflate(b"abc"), 31) == b"abc"


def test_any_word_finds_and_more_words_find_better(tmp_path: Path, pages: list[SearchDoc]) -> None:
    """All words need not match; the page with most of them comes first."""
    build_index(pages, tmp_path)
    assert paths(tmp_path, "reset hub settings xylophone")[0] == "/q/reset-the-hub-1/"
    assert set(paths(tmp_path, "refund offline")) == {"/q/refund-3/", "/q/hub-offline-2/"}


def test_all_of_two_words_beat_much_of_one(tmp_path: Path) -> None:
    """A page with both words comes before one that is all about one of them."""
    filler = [SearchDoc(f"/q/f{n}/", f"Filler {n}", text="hub " if n % 2 else "other") for n in range(20)]
    loud = SearchDoc("/q/loud/", "Hub to hub", also=("Hub and hub",), text="hub hub hub")
    both = SearchDoc("/q/both/", "My hub", text="It went offline " + "and other words follow " * 30)
    build_index([loud, both, *filler], tmp_path)
    assert paths(tmp_path, "hub offline")[:2] == ["/q/both/", "/q/loud/"]


def test_other_wordings_find_the_page(tmp_path: Path, pages: list[SearchDoc]) -> None:
    """A question asked in the words of a merged thread finds the page those words are not on."""
    build_index(pages, tmp_path)
    assert paths(tmp_path, "wiped base station") == ["/q/reset-the-hub-1/"]


def test_a_query_of_common_words_is_not_empty(tmp_path: Path, pages: list[SearchDoc]) -> None:
    """Stop words are looked for in titles when there is nothing else."""
    build_index(pages, tmp_path)
    assert "/q/to-be-6/" in paths(tmp_path, "what is it")
    assert paths(tmp_path, "is a refund due") == ["/q/refund-3/"]


@pytest.mark.parametrize(
    ("query", "lang", "path"),
    [
        ("הרשת בבית", "he", "/q/חיבור-7/"),
        ("重置网关", "zh", "/q/重置-9/"),
        ("fatture", "it", "/q/fattura-10/"),
        ("citta", "it", "/q/fattura-10/"),
        ("getdevicelist", "en", "/q/api-5/"),
        ("2.1.0 C++", "en", "/q/api-5/"),
    ],
)
def test_each_language_has_its_index(tmp_path: Path, pages: list[SearchDoc], query: str, lang: str, path: str) -> None:
    """Words are found in the index of their language, whatever the script."""
    build_index(pages, tmp_path)
    assert paths(tmp_path, query, lang=lang)[:1] == [path]


def test_an_unfinished_word_finds_only_while_typing(tmp_path: Path, pages: list[SearchDoc]) -> None:
    """The last word may be a beginning while typing, and only while it is not ended by a blank."""
    build_index(pages, tmp_path)
    assert paths(tmp_path, "ref", typing=True) == ["/q/refund-3/"]
    assert paths(tmp_path, "ref") == []
    assert paths(tmp_path, "ref ", typing=True) == []


@pytest.mark.parametrize("slip", ["erfund", "refnud", "refud", "refuund", "refind"])
def test_one_slip_is_forgiven(tmp_path: Path, pages: list[SearchDoc], slip: str) -> None:
    """A word nobody wrote stands for one that is a letter away."""
    build_index(pages, tmp_path)
    assert paths(tmp_path, slip) == ["/q/refund-3/"]


@pytest.mark.parametrize(
    ("slip", "page"),
    [
        ("instaling", "/q/typing-1/"),
        ("instalilng", "/q/typing-1/"),
        ("instlaling", "/q/typing-1/"),
        ("insallation", "/q/typing-1/"),
        ("installatoin", "/q/typing-1/"),
        ("wihout", "/q/typing-2/"),
        ("wothout", "/q/typing-2/"),
        ("wthout", "/q/typing-2/"),
        ("qestion", "/q/typing-2/"),
        ("обновлние", "/q/typing-3/"),
    ],
)
def test_a_slip_is_forgiven_wherever_it_is(tmp_path: Path, slip: str, page: str) -> None:
    """In the ending, which is not stemmed then, and in the second and third letter, where words are looked up."""
    docs = [
        SearchDoc("/q/typing-1/", "Installing a hub"),
        SearchDoc("/q/typing-2/", "Questions without number"),
        SearchDoc("/q/typing-3/", "Обновления моста", lang="ru"),
    ]
    build_index(docs, tmp_path)
    assert paths(tmp_path, slip, lang="ru" if page == "/q/typing-3/" else "en") == [page]


def test_an_identifier_comes_before_its_parts(tmp_path: Path) -> None:
    """A page about the parts is found, too, after every one that has the whole, however much it is about them."""
    parts = [SearchDoc(f"/q/p{n}/", "Small fee of a tx", also=("Tx fee, small fee",), score=9.0) for n in range(3)]
    filler = [SearchDoc(f"/q/f{n}/", f"Lamp {n}") for n in range(60)]
    whole = SearchDoc("/q/whole/", "It fails", text="Says FeeTooSmallUTxO. " + "And so on, as logs have it. " * 400)
    build_index([*parts, *filler, whole], tmp_path)
    assert paths(tmp_path, "FeeTooSmallUTxO")[0] == "/q/whole/"
    assert len(paths(tmp_path, "FeeTooSmallUTxO")) == 4


def test_what_a_slip_is() -> None:
    """Swapped, left out, added, mistaken: one of them, once."""
    assert all(one_slip("refund", w) for w in ("erfund", "refnud", "reund", "refuund", "refind"))
    assert not any(one_slip("refund", w) for w in ("refund", "rfeudn", "fund", "refundsy"))
    assert early_slips("abcd") == ["bacd", "acbd", "abdc", "bcd", "acd", "abd"]


def test_a_topic_is_a_range_ordered_by_popularity(tmp_path: Path, pages: list[SearchDoc]) -> None:
    """The documents of a topic have consecutive ids, the most popular first; those without a topic come last."""
    build_index(pages, tmp_path)
    reader = StaticIndex(tmp_path, "en")
    assert reader.meta["topics"] == [["billing", "Billing", 0, 2], ["hub", "The hub", 2, 5]]
    assert [reader.result(doc).path for doc in range(5)] == [
        "/q/refund-3/",
        "/articles/invoices/",
        "/q/reset-the-hub-1/",
        "/q/hub-offline-2/",
        "/q/hostile-4/",
    ]
    assert reader.result(2).topic == 1
    assert reader.result(6).topic == -1


def test_a_result_without_summary_shows_the_text(tmp_path: Path, pages: list[SearchDoc]) -> None:
    """The first words stand in for a missing summary, cut between words."""
    long = msgspec.structs.replace(pages[2], text="word " * 100)
    build_index([long], tmp_path)
    summary = StaticIndex(tmp_path, "en").result(0).summary
    assert summary.startswith("word word")
    assert summary.endswith("word…")
    assert len(summary) <= 201


def test_the_order_of_documents_does_not_matter(tmp_path: Path, pages: list[SearchDoc]) -> None:
    """The same pages give the same bytes."""
    build_index(pages, tmp_path / "a")
    build_index(reversed(pages), tmp_path / "b")
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_nothing_is_written_twice(tmp_path: Path, pages: list[SearchDoc]) -> None:
    """A second build of the same pages writes and removes nothing."""
    first = build_index(pages, tmp_path)
    second = build_index(pages, tmp_path)
    assert (second.written, second.removed) == ((), ())
    assert second.kept == first.written
    assert first.docs == 12


def test_what_is_known_to_be_there_is_not_looked_at(tmp_path: Path, pages: list[SearchDoc]) -> None:
    """Files named by their content are kept by their names; the others, and those of new content, are written."""
    digests = build_index(pages, tmp_path).digests
    result = next(name for name in digests if "/r/" in name)
    (tmp_path / result).write_bytes(b"never read")
    edited = [msgspec.structs.replace(pages[0], title="Another title"), *pages[1:]]

    again = build_index(pages, tmp_path, there=digests)
    after = build_index(edited, tmp_path, there=digests)

    assert (digests, ()) == (again.digests, again.written)
    assert build_index(edited, tmp_path / "clean").digests == after.digests
    assert after.written


def test_another_packing_library_gives_other_names(
    tmp_path: Path, pages: list[SearchDoc], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is named by what was packed is never kept where a clean build would pack it to other bytes."""
    before = build_index(pages, tmp_path).digests
    monkeypatch.setattr("kbgen.search.index._PACKED_BY", b"another")

    after = build_index(pages, tmp_path, there=before)

    assert {name for name in after.digests if "/r/" in name}.isdisjoint(before)


def test_what_is_gone_leaves_no_trace(tmp_path: Path, pages: list[SearchDoc]) -> None:
    """After a withdrawal the folder is what a clean build gives: no old block, no old language."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "index.html").write_text("the search page", encoding="utf-8")
    build_index(pages, tmp_path / "a")
    left = [page for page in pages if page.lang == "en" and "refund" not in page.path]
    report = build_index(left, tmp_path / "a")
    build_index(left, tmp_path / "b")
    after = tree(tmp_path / "a")
    assert after.pop("index.html") == b"the search page"
    assert after == tree(tmp_path / "b")
    assert "he/meta.json" in report.removed
    assert not (tmp_path / "a" / "he").exists()
    assert not any(b"refund" in inflate(data) for name, data in after.items() if name.startswith("en/r/"))


def test_an_edit_moves_few_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One edited page rewrites its chunk group and a few blocks, not all of them."""
    monkeypatch.setattr(index_module, "_BLOCK_BYTES", 600)
    docs = [SearchDoc(f"/q/{n}/", f"title{n} common", text=f"alpha{n % 50} beta{n % 31} gamma{n}") for n in range(1500)]
    before = build_index(docs, tmp_path)
    docs[700] = msgspec.structs.replace(docs[700], text="alpha0 beta22 gamma701")
    after = build_index(docs, tmp_path)
    blocks = [name for name in before.written if "/b/" in name]
    assert len(blocks) > 40
    assert 0 < len([name for name in after.written if "/b/" in name]) <= len(blocks) // 5


def test_only_the_best_postings_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A term in too many pages keeps the pages it weighs most in, of equals the more popular ones."""
    monkeypatch.setattr(index_module, "BEST_POSTINGS", 3)
    docs = [SearchDoc(f"/q/{n}/", "Plain", text="apple", score=float(n)) for n in range(9)]
    docs.append(SearchDoc("/q/best/", "Apple", text="apple"))
    build_index(docs, tmp_path)
    assert paths(tmp_path, "apple") == ["/q/best/", "/q/8/", "/q/7/"]


def test_languages_that_are_asked_for_are_there(tmp_path: Path, pages: list[SearchDoc]) -> None:
    """A configured language has an index even when empty; other documents join their base language or the first."""
    british = SearchDoc("/q/gb/", "Colour of the lamp", lang="en-GB")
    build_index([*pages, british], tmp_path, ["en", "pl", "he"])
    assert json.loads((tmp_path / "languages.json").read_bytes())["languages"] == ["en", "pl", "he"]
    assert paths(tmp_path, "lampa", lang="pl") == []
    assert paths(tmp_path, "colour") == ["/q/gb/"]
    assert paths(tmp_path, "fatture") == ["/q/fattura-10/"]


def test_the_stemmer_and_its_licence_are_with_the_index(tmp_path: Path, pages: list[SearchDoc]) -> None:
    """Each stemmed language has its stemmer, an unstemmed one none, and the licence lies beside them."""
    build_index(pages, tmp_path)
    assert (tmp_path / "en" / StaticIndex(tmp_path, "en").meta["analysis"]["stemmer"]).is_file()
    assert StaticIndex(tmp_path, "zh").meta["analysis"]["stemmer"] == ""
    assert (tmp_path / "snowball-licence.txt").is_file()


def test_a_missing_or_newer_index_is_named(tmp_path: Path, pages: list[SearchDoc]) -> None:
    """The reader says which file is wrong and what to do."""
    with pytest.raises(StoreError, match="build the site first"):
        StaticIndex(tmp_path, "en")
    build_index(pages, tmp_path)
    meta = tmp_path / "en" / "meta.json"
    meta.write_text(meta.read_text(encoding="utf-8").replace('"version":1', '"version":2', 1), encoding="utf-8")
    with pytest.raises(StoreError, match="index version 2"):
        StaticIndex(tmp_path, "en")


def test_averages_are_steady() -> None:
    """Two significant digits, so that weights do not move with every page."""
    assert [steady(n) for n in (0, 0.1234, 1.26, 104, 99_700)] == [1.0, 0.12, 1.3, 100, 100_000]
