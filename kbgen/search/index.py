"""Builds the static index: documents in, files out (``format`` says which).

One pass over the documents, term ids in flat arrays, sums with numpy: 100,000 documents stay under 1 GB. Only files
whose content moved are written; what belongs to no document any more is removed.

Not here: analysis, weights, the layout of a file. The folder's ``index.html``, the search page, belongs to the site.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from kbgen.search.analysis import analyser, base_language, browser_rules
from kbgen.search.documents import SearchDoc
from kbgen.search.format import (
    CHUNK_DOCS,
    FORMAT_VERSION,
    GROUP_CHUNKS,
    TOP_IMPACT,
    Block,
    content_name,
    deflate,
    pack_block,
    term_key,
)
from kbgen.search.prepared import count_terms, prepare
from kbgen.search.scoring import BOOSTS, FieldCounter, Weighted, summed
from kbgen.search.stemmer_js import LICENCE_NAME, stemmer_licence, stemmer_module
from kbgen.search.words import TAGS, Words

SEARCH_VERSION = 2
"""Rises with any change of analysis, weights or format: part of the key of everything derived."""

BEST_POSTINGS = 3000  # a term; 1,000 cost 0.007 MRR on 24,000 judged topics, 3,000 nothing
SCALE = 32  # weights are kept in 1/32 before the 63 steps of an impact
_BLOCK_BYTES = 28_000  # before compression, which leaves 15 to 20 kB
_SUMMARY = 200
_COMBINATIONS = 20_000  # of tags, whose terms are remembered
# Files that are named by what was packed into them: another library may pack the same to other bytes.
_PACKED_BY = zlib.ZLIB_RUNTIME_VERSION.encode()


class IndexReport(Struct, frozen=True):
    """What a build did. Names are relative to the output folder, sorted.

    Attributes:
        digests: of the bytes of every file that belongs to the index, by name.
    """

    docs: int
    terms: int
    written: tuple[str, ...]
    kept: tuple[str, ...]
    removed: tuple[str, ...]
    digests: dict[str, str] = {}


def build_index(
    docs: Iterable[SearchDoc],
    out: Path,
    languages: Sequence[str] = (),
    known: dict[str, Words] | None = None,
    *,
    there: Mapping[str, str] | None = None,
) -> IndexReport:
    """Write the index of all documents.

    Args:
        docs: in any order; read once. Paths are unique.
        out: the site's ``search/`` folder.
        languages: language tags to make an index for, even an empty one; documents in another language join the
            first one's. Empty: one for each language met.
        known: language to the words of its documents, each of which names itself by ``ref``; emptied, for it is large.
        there: files in ``out`` an earlier index left, to the digests of their bytes; what is named by its content is
            kept without being looked at.
    """
    wanted = tuple(dict.fromkeys(languages))
    words = {} if known is None else known
    makers = {lang: _Language(lang, words.pop(lang, None)) for lang in wanted}
    for doc in docs:
        lang = _home(doc.lang, wanted)
        if lang not in makers:
            makers[lang] = _Language(lang, words.pop(lang, None))
        makers[lang].add(doc)
    files = _Files(out, there or {})
    terms, size, made = 0, 0, sorted(makers)
    stemmed = any(maker.stemmed for maker in makers.values())
    for lang in made:
        size += makers[lang].size
        terms += makers.pop(lang).write(files)
    order = list(wanted) or made
    if stemmed:
        files.put(LICENCE_NAME, stemmer_licence())
    files.put("languages.json", _json({"version": FORMAT_VERSION, "languages": order}))
    return files.report(docs=size, terms=terms, languages=set(made))


def _home(lang: str, wanted: Sequence[str]) -> str:
    """The index a document in ``lang`` goes to: its own, one of the same base language, the first."""
    if lang in wanted or not wanted:
        return lang
    same = [w for w in wanted if base_language(w) == base_language(lang)]
    return (same or list(wanted))[0]


class _Language:
    """One language's documents on their way into an index."""

    def __init__(self, lang: str, words: Words | None = None) -> None:
        self.lang = lang
        self._analyser = analyser(lang)
        self._words = words or Words()
        self._tags = FieldCounter()
        self._combinations: dict[str, tuple[list[int], list[int]]] = {}
        self._numbers: list[int] = []
        self._rows: list[tuple[str, str, str, str, str, str]] = []
        self._topics: dict[str, str] = {}
        self._order: list[tuple[bool, str, float, str]] = []

    @property
    def stemmed(self) -> bool:
        """Whether the browser needs a stemmer for this language."""
        return bool(self._analyser.algorithm)

    @property
    def size(self) -> int:
        """Documents so far."""
        return len(self._rows)

    def add(self, doc: SearchDoc) -> None:
        """Take one document; its text is not kept."""
        number = self._words.number(doc.ref)
        if number is None:
            number = self._words.add(doc.prepared or prepare(doc.title, doc.also, doc.text, self.lang))
        self._numbers.append(number)
        # Tags change without the page, so its own words are analysed apart from them.
        self._tags.add(*self._tagged("\n".join((*doc.tags, doc.topic_title))))
        summary = doc.summary or _opening(doc.text)
        self._rows.append((doc.title, doc.path, summary, doc.badge, doc.updated, doc.kind))
        self._order.append((not doc.topic, doc.topic, -doc.score, doc.path))
        if doc.topic:
            titles = {self._topics.get(doc.topic, ""), doc.topic_title} - {""}
            self._topics[doc.topic] = min(titles, default="")

    def _tagged(self, names: str) -> tuple[list[int], list[int]]:
        """Ids and counts of the terms of some tags: a community has many pages for each combination."""
        known = self._combinations.get(names)
        if known is None:
            if len(self._combinations) >= _COMBINATIONS:
                self._combinations.clear()
            tags = count_terms(names, self.lang)
            known = self._combinations[names] = [*map(self._words.ids.__getitem__, tags.terms)], tags.counts
        return known

    def write(self, files: _Files) -> int:
        """All files of the language; returns the number of terms."""
        added = sorted(range(self.size), key=self._order.__getitem__)
        topics = self._topic_ranges(added)
        terms = sorted(self._words.ids, key=term_key)
        blocks = [[first, files.named(f"{self.lang}/b/", deflate(data))] for first, data in self._blocks(terms, added)]
        stemmer = ""
        if self.stemmed:
            module = stemmer_module(self._analyser.algorithm).encode()
            stemmer = f"stem-{content_name(module)}.js"
            files.put(f"{self.lang}/{stemmer}", module)
        meta = {
            "version": FORMAT_VERSION,
            "lang": self.lang,
            "docs": self.size,
            "terms": len(terms),
            "analysis": {**browser_rules(self.lang), "stemmer": stemmer},
            "blocks": blocks,
            "results": self._results(files, added, topics),
            "topics": topics,
        }
        files.put(f"{self.lang}/meta.json", _json(meta))
        return len(terms)

    def _topic_ranges(self, added: list[int]) -> list[list[str | int]]:
        ranges: list[list[str | int]] = []
        for number, place in enumerate(added):
            topic = self._order[place][1]
            if topic and (not ranges or ranges[-1][0] != topic):
                ranges.append([topic, self._topics[topic] or topic, number, number])
            if topic:
                ranges[-1][3] = number + 1
        return ranges

    def _blocks(self, terms: list[str], added: list[int]) -> Iterator[tuple[str, bytes]]:
        known, numbers = self._words.ids, np.array(self._numbers, dtype=np.int64)
        ranks = np.zeros(len(terms), dtype=np.uint32)
        ranks[np.fromiter((known[t] for t in terms), dtype=np.int64, count=len(terms))] = np.arange(len(terms))
        ids = np.zeros(self.size, dtype=np.uint32)
        ids[np.array(added, dtype=np.int64)] = np.arange(self.size)
        numbered = np.zeros(self.size, dtype=np.uint32)
        numbered[numbers] = ids
        counted = {**self._words.fields, TAGS: self._tags}
        self._words.fields.clear()
        fields = {name: counted.pop(name).postings(ranks, ids if name == TAGS else numbered) for name in BOOSTS}
        for run in summed(fields, terms=len(terms), docs=self.size, best=BEST_POSTINGS):
            for block in _cut_blocks(run, terms):
                yield block.terms[0], pack_block(block)

    def _results(self, files: _Files, added: list[int], topics: list[list[str | int]]) -> list[str]:
        numbers = {str(topic[0]): number for number, topic in enumerate(topics)}
        names: list[str] = []
        encode = msgspec.json.Encoder().encode
        step = CHUNK_DOCS * GROUP_CHUNKS
        for start in range(0, len(added), step):
            chunks = []
            for low in range(start, min(start + step, len(added)), CHUNK_DOCS):
                places = added[low : low + CHUNK_DOCS]
                rows = [(*self._rows[p][:3], numbers.get(self._order[p][1], -1), *self._rows[p][3:]) for p in places]
                chunks.append(encode(rows))
            name = content_name(_PACKED_BY + b"".join(chunks))
            names.append(name)
            for offset, chunk in enumerate(chunks):
                file = f"{self.lang}/r/{name}/{start // CHUNK_DOCS + offset}"
                if not files.keep(file):
                    files.put(file, deflate(chunk))
        return names


def _cut_blocks(run: Weighted, terms: list[str]) -> Iterator[Block]:
    """A run of terms as blocks of about ``_BLOCK_BYTES`` and quantised weights."""
    starts = np.cumsum(run.counts) - run.counts
    heaviest = np.maximum.reduceat(run.weights, starts)
    shares = run.weights / np.repeat(heaviest, run.counts)
    impacts = np.clip(np.rint(TOP_IMPACT * shares), 1, TOP_IMPACT).astype(np.int64)
    scales = np.maximum(1, np.rint(heaviest * SCALE)).astype(np.int64)
    own = terms[run.first : run.first + len(starts)]
    first = 0
    for end in _cuts(own, run.counts):
        low, high = int(starts[first]), int(starts[end - 1] + run.counts[end - 1])
        yield Block(own[first:end], run.counts[first:end], scales[first:end], run.docs[low:high], impacts[low:high])
        first = end


def _cuts(terms: Sequence[str], counts: npt.NDArray[np.int64]) -> Iterator[int]:
    """Where blocks end. Terms themselves say where one may, so that a term more moves one cut and not all after it."""
    marks = np.fromiter((zlib.crc32(t.encode()) for t in terms), np.int64, len(terms))
    lengths = np.fromiter((len(t) for t in terms), np.int64, len(terms))
    sizes = np.cumsum(lengths + 4 + 2 * counts)
    must = marks % 4096 == 0
    base = 0
    for place in np.flatnonzero(marks % 16 == 0).tolist():
        size = int(sizes[place - 1]) if place else 0
        if size - base >= _BLOCK_BYTES or (must[place] and size > base):
            yield place
            base = size
    yield len(terms)


class _Files:
    """The output folder: writes what moved, remembers what belongs."""

    def __init__(self, out: Path, there: Mapping[str, str]) -> None:
        self._out = out
        self._there = there
        self._written: list[str] = []
        self._kept: list[str] = []
        self._digests: dict[str, str] = {}

    def named(self, folder: str, data: bytes) -> str:
        """Write a file named by its content; returns the name."""
        name = content_name(data)
        if not self.keep(folder + name):
            self.put(folder + name, data)
        return name

    def keep(self, name: str) -> bool:
        """Keep a file that is named by its content, if it is there; say whether it is."""
        digest = self._there.get(name)
        if digest is None:
            return False
        self._digests[name] = digest
        self._kept.append(name)
        return True

    def put(self, name: str, data: bytes) -> None:
        """Write one file unless it is there already."""
        path = self._out / name
        self._digests[name] = hashlib.blake2b(data, digest_size=16).hexdigest()
        if path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data:
            self._kept.append(name)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        # A new file, not new content in the old one: the folder may be a hard-linked copy of the live site.
        path.unlink(missing_ok=True)
        path.write_bytes(data)
        self._written.append(name)

    def report(self, *, docs: int, terms: int, languages: set[str]) -> IndexReport:
        """Remove what no language needs any more and tell what was done."""
        belongs = {*self._written, *self._kept}
        removed: list[str] = []
        for meta in sorted(self._out.glob("*/meta.json")):
            folder = meta.parent
            gone = [name for name in _names(self._out, folder) if name not in belongs]
            removed += gone
            if folder.name not in languages:
                shutil.rmtree(folder)
                continue
            stale = [self._out / name for name in gone]
            for path in stale:
                path.unlink()
            for parent in {p.parent for p in stale} - {folder}:
                if not any(parent.iterdir()):
                    parent.rmdir()
        written, kept = tuple(sorted(self._written)), tuple(sorted(self._kept))
        return IndexReport(docs, terms, written, kept, tuple(sorted(removed)), self._digests)


def _names(root: Path, folder: Path) -> Iterator[str]:
    """Every file below a folder, by its name relative to another; strings, since there are thousands."""
    start = len(f"{root}{os.sep}")
    for above, _, names in os.walk(folder):
        yield from (f"{above[start:]}/{name}".replace(os.sep, "/") for name in names)


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _opening(text: str) -> str:
    """The first words of a text, for a document without a summary."""
    words = " ".join(text[: _SUMMARY * 2].split())
    return words if len(words) <= _SUMMARY else words[:_SUMMARY].rpartition(" ")[0] + "…"
