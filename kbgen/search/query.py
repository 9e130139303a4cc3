"""Reads the static index exactly as the browser does (``theme/search/assets/engine.js``): same terms, same sums.

Scores are whole numbers, so the two cannot differ by rounding: a posting adds scale * impact (twice that for an exact
term; for the parts of a word that is known whole less than having that adds), and the sum is multiplied by
n * n + 4 * found, for found of the query's n words: having all of two words counts half as much again as having one,
while in a long question a word missing hardly matters. Of equal scores the lower document id, the more popular page of
its topic, comes first.

Not here: building (``index``), and what a result looks like.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import Counter
from functools import cached_property
from pathlib import Path
from typing import Any

from msgspec import Struct

from kbgen.errors import StoreError
from kbgen.search.analysis import Word, analyser, other_letters
from kbgen.search.format import CHUNK_DOCS, FORMAT_VERSION, GROUP_CHUNKS, Block, inflate, term_key, unpack_block

MAX_WORDS = 24
MAX_EXPANSIONS = 8


class Result(Struct, frozen=True):
    """What the index keeps of a page to show it."""

    title: str
    path: str
    summary: str
    topic: int
    badge: str
    updated: str
    kind: str


class _Block:
    """An unpacked block with its terms at hand."""

    def __init__(self, block: Block) -> None:
        self.block = block
        self.place = {term: number for number, term in enumerate(block.terms)}
        ends = block.counts.cumsum()
        self.spans = list(zip((ends - block.counts).tolist(), ends.tolist(), strict=True))

    def postings(self, term: str) -> list[tuple[int, int]]:
        """(document id, scale * impact) of a term of this block."""
        number = self.place[term]
        low, high = self.spans[number]
        weights = self.block.impacts[low:high] * self.block.scales[number]
        return list(zip(self.block.docs[low:high].tolist(), weights.tolist(), strict=True))


class StaticIndex:
    """One language of an index on disk.

    Args:
        folder: the ``search`` folder of a site.
        lang: which language's index.

    Raises:
        StoreError: there is no such index, or it is of another version.
    """

    def __init__(self, folder: Path, lang: str) -> None:
        self._folder = folder / lang
        path = self._folder / "meta.json"
        if not path.is_file():
            raise StoreError(f"{path}: no search index for {lang!r}; build the site first")
        self.meta: dict[str, Any] = json.loads(path.read_bytes())
        if self.meta["version"] != FORMAT_VERSION:
            found = self.meta["version"]
            raise StoreError(f"{path}: index version {found}, this kbgen reads {FORMAT_VERSION}; build again")
        self._analyser = analyser(lang)
        self._blocks: dict[int, _Block] = {}

    @cached_property
    def _firsts(self) -> list[bytes]:
        return [term_key(first) for first, _ in self.meta["blocks"]]

    def search(self, query: str, limit: int = 10, *, typing: bool = False) -> list[tuple[str, int]]:
        """Paths and scores, best first.

        Args:
            query: as typed.
            limit: how many at most.
            typing: the last word may be unfinished (results while typing).
        """
        return [(self.result(doc).path, score) for doc, score in self.ranked(query, typing=typing)[:limit]]

    def ranked(self, query: str, *, typing: bool = False) -> list[tuple[int, int]]:
        """Every document with any of the words: (id, score), best first."""
        words = self.query_words(query)
        open_end = typing and self._analyser.ends_open(query)
        scores: Counter[int] = Counter()
        found: Counter[int] = Counter()
        for number, word in enumerate(words):
            for doc, weight in self._word_weights(word, open_end=open_end and number == len(words) - 1).items():
                scores[doc] += weight
                found[doc] += 1
        ranked = [(doc, score * (len(words) ** 2 + 4 * found[doc])) for doc, score in scores.items()]
        return sorted(ranked, key=lambda pair: (-pair[1], pair[0]))

    def query_words(self, query: str) -> list[Word]:
        """The words of a query: stop words only when there is nothing else, each once, at most ``MAX_WORDS``."""
        words = list(dict.fromkeys(self._analyser.words(query)))
        return ([w for w in words if not w.stop] or words)[:MAX_WORDS]

    def result(self, doc: int) -> Result:
        """What is shown of a document."""
        chunk = doc // CHUNK_DOCS
        name = self.meta["results"][chunk // GROUP_CHUNKS]
        rows = json.loads(inflate((self._folder / "r" / name / str(chunk)).read_bytes()))
        return Result(*rows[doc % CHUNK_DOCS])

    def _word_weights(self, word: Word, *, open_end: bool) -> Counter[int]:
        exact = [t for t in word.terms if (block := self._block_of(t)) is not None and t in block.place]
        own = word.terms[: word.own or None]
        weights = self._sum([term for term in exact if term in own])
        # Who pastes fooBarBaz means that: no page that only has its parts comes before one that has it.
        most = min(weights.values()) - 1 if weights else None
        for doc, weight in self._sum([term for term in exact if term not in own]).items():
            weights[doc] += weight if most is None else min(weight // 4, most)
        if exact and not open_end:
            return weights
        # An unfinished or unknown word: the best of the terms it may stand for, at half weight.
        guesses = self._completions(word, exact) if open_end else []
        best: dict[int, int] = {}
        for term in guesses or ([] if exact else self._corrections(word)):
            for doc, weight in self._postings(term):
                best[doc] = max(best.get(doc, 0), weight)
        for doc, weight in best.items():
            weights[doc] = max(weights[doc], weight)
        return weights

    def _sum(self, terms: list[str]) -> Counter[int]:
        """What exact terms add to each document."""
        weights: Counter[int] = Counter()
        for term in terms:
            for doc, weight in self._postings(term):
                weights[doc] += 2 * weight
        return weights

    def _completions(self, word: Word, exact: list[str]) -> list[str]:
        """Terms the unfinished word may become, the most frequent first."""
        plain = word.plain
        if not plain or (len(plain) < 2 and plain.isascii()):
            return []
        return self._frequent([t for t in self._neighbours(plain) if t.startswith(plain) and t not in exact])

    def _corrections(self, word: Word) -> list[str]:
        """Terms an unknown word may have meant: those one slip away, or its longest known beginning's."""
        stem = word.terms[0]
        if len(stem) < 4 or max(stem) > "\uffff":
            return []
        near = self._neighbours(stem[:3])
        mended = [*early_slips(stem), *self._analyser.late_slips(word.plain)]
        slips = [t for t in near if one_slip(stem, t)] + [t for t in mended if self._has(t)]
        # Further ahead, where many blocks may have to be fetched, only when there is nothing else.
        for place in (2, 1):
            slips = slips or [t for t in other_letters(stem, place) if self._has(t)]
        if slips:
            return self._frequent(list(dict.fromkeys(slips)))[:3]
        shorter = [t for t in near if 4 <= len(t) < len(stem) and len(stem) - len(t) <= 4 and stem.startswith(t)]
        return sorted(shorter, key=len)[-1:]

    def _has(self, term: str) -> bool:
        block = self._block_of(term)
        return block is not None and term in block.place

    def _frequent(self, terms: list[str]) -> list[str]:
        def size(term: str) -> int:
            block = self._block_of(term)
            assert block is not None  # noqa: S101 - terms come from blocks
            return int(block.block.counts[block.place[term]])

        return sorted(terms, key=lambda t: (-size(t), term_key(t)))[:MAX_EXPANSIONS]

    def _neighbours(self, prefix: str) -> list[str]:
        """Terms of the first two blocks that may hold the prefix, and of those only terms that have it."""
        first = max(0, bisect_right(self._firsts, term_key(prefix)) - 1)
        numbers = range(first, min(first + 2, len(self._firsts)))
        return [t for number in numbers for t in self._block(number).place if t.startswith(prefix)]

    def _postings(self, term: str) -> list[tuple[int, int]]:
        block = self._block_of(term)
        return block.postings(term) if block is not None else []

    def _block_of(self, term: str) -> _Block | None:
        number = bisect_right(self._firsts, term_key(term)) - 1
        return self._block(number) if number >= 0 else None

    def _block(self, number: int) -> _Block:
        if number not in self._blocks:
            name = self.meta["blocks"][number][1]
            self._blocks[number] = _Block(unpack_block(inflate((self._folder / "b" / name).read_bytes())))
        return self._blocks[number]


def one_slip(a: str, b: str) -> bool:
    """Whether one letter was swapped with its neighbour, left out, added or mistaken."""
    if a == b or abs(len(a) - len(b)) > 1:
        return False
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    left, right = a[start:], b[start:]
    if len(left) != len(right):
        return left[1:] == right if len(left) > len(right) else left == right[1:]
    return left[1:] == right[1:] or (left[:2] == right[1::-1] and left[2:] == right[2:])


def early_slips(word: str) -> list[str]:
    """The word with a slip in its first three letters mended: two letters swapped back, one too many taken out."""
    swapped = [word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in range(3)]
    return [w for w in dict.fromkeys([*swapped, *(word[:i] + word[i + 1 :] for i in range(3))]) if w != word]
