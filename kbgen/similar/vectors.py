"""A text as two vectors: what its words mean (static embedding) and which rare words it has (terms).

The static embedding is WordLlama's table of 256-d token vectors, read from its wheel; nothing is downloaded. A word's
vector is made once: a text costs its look-ups. Words of languages the table does not know are looked up by what they
mean in English (``glossary``). Terms are stems in English, character n-grams elsewhere, single
characters and pairs in scripts without spaces; they are weighted by rarity in ``frame``, which knows the corpus.
"""

from __future__ import annotations

import functools
import importlib.util
import itertools
import json
import operator
import re
import zlib
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
from scipy import sparse

from kbgen.errors import StoreError
from kbgen.search.analysis import Analyser, analyser
from kbgen.similar import glossary
from kbgen.similar.texts import Text

Floats = npt.NDArray[np.float32]
Terms = npt.NDArray[np.uint32]
DIMENSIONS = 256
MODEL = f"wordllama-l2-supercat-256/3+{glossary.VERSION}"
"""Name and version of all that makes a vector; a vector of another model is made anew."""

# Chinese, Japanese, Thai: one character is one word of the table. Korean has spaces.
_WIDE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\u0e00-\u0e7f"
_WORD = re.compile(rf"[{_WIDE}]|[^\W{_WIDE}]+")
_IS_WIDE = re.compile(f"[{_WIDE}]+")
_GAPS = "".join(sign if sign.isalnum() or sign == "_" else " " for sign in map(chr, range(128)))
# A title says in ten words what the body says in a hundred. Chosen on Meta Stack Exchange pairs.
_TITLE = 0.5
_TITLE_TERMS = 2
# How little the words that a glossary says a meaning in add to its weight: 0 each as much as the first, 1 nothing.
# Chosen on seventy pairs each in Hebrew and Chinese.
_SEVERAL = 0.75
_GRAMS = (2, 3, 4)
_GRAM_BODY = 300
# Words whose vectors are kept: what more of them would save, they would take in memory.
_CACHED = 1 << 16
# What the table's tokens have for a space; every word begins with one.
_SPACE = "\u2581"
# Bits of a term's hash.
_HASH = 32
# Bits of a half that a float has elsewhere, all but those beside its sign, and what their exponents differ by.
_PLACES = np.int32(~0x70000000)
_EXPONENT = np.float32(2.0 ** (127 - 15))
# Bytes that say how long the description of a table is.
_SIZE = 8


class Vector(NamedTuple):
    """A text's vectors.

    Attributes:
        dense: unit length, 256 halves.
        terms: hashes of its terms, ascending.
        counts: how often each occurs, title words counted three times; at most 255.
    """

    dense: npt.NDArray[np.float16]
    terms: npt.NDArray[np.uint32]
    counts: npt.NDArray[np.uint8]

    def pack(self) -> bytes:
        """As bytes for the store."""
        return self.dense.tobytes() + self.terms.tobytes() + self.counts.tobytes()


class Stack(NamedTuple):
    """Vectors of several texts in a few arrays: a hundred thousand small ones take twice the memory.

    Attributes:
        dense: n x 256.
        terms: those of the first text, then those of the second, ...; ``counts`` likewise.
        starts: where each text's terms begin, and where the last one's end; n + 1.
    """

    dense: npt.NDArray[np.float16]
    terms: npt.NDArray[np.uint32]
    counts: npt.NDArray[np.uint8]
    starts: npt.NDArray[np.int64]

    @property
    def size(self) -> int:
        """How many texts."""
        return len(self.dense)

    def part(self, start: int, stop: int) -> Stack:
        """Some texts that lie together."""
        first, last = self.starts[start], self.starts[min(stop, self.size)]
        starts = self.starts[start : stop + 1] - first
        return Stack(self.dense[start:stop], self.terms[first:last], self.counts[first:last], starts)

    def pick(self, places: npt.NDArray[np.int64]) -> Stack:
        """Some texts, by their positions, which rise."""
        if len(places) == self.size:
            return self
        sizes = np.diff(self.starts)[places]
        starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
        every = _spans(self.starts[places], sizes)
        return Stack(self.dense[places], self.terms[every], self.counts[every], starts)


def stack(vectors: Sequence[Vector]) -> Stack:
    """Put vectors one after the other."""
    return unpack([vector.pack() for vector in vectors])


def unpack(packed: Sequence[bytes]) -> Stack:
    """Vectors as the store kept them."""
    sizes = np.fromiter(map(len, packed), np.int64, len(packed))
    terms = (sizes - 2 * DIMENSIONS) // 5
    ends = (sizes - terms).tolist()
    dense = b"".join([data[: 2 * DIMENSIONS] for data in packed])
    hashes = b"".join([data[2 * DIMENSIONS : end] for data, end in zip(packed, ends, strict=True)])
    counts = b"".join([data[end:] for data, end in zip(packed, ends, strict=True)])
    return Stack(
        np.frombuffer(dense, np.float16).reshape(-1, DIMENSIONS),
        np.frombuffer(hashes, np.uint32),
        np.frombuffer(counts, np.uint8),
        np.concatenate([np.zeros(1, np.int64), np.cumsum(terms)]),
    )


def joined(stacks: Sequence[Stack]) -> Stack:
    """Several stacks as one."""
    if len(stacks) == 1:
        return stacks[0]
    ends = np.cumsum([0, *(one.starts[-1] for one in stacks)])
    starts = [one.starts[:-1] + end for one, end in zip(stacks, ends, strict=False)]
    return Stack(
        np.concatenate([one.dense for one in stacks]),
        np.concatenate([one.terms for one in stacks]),
        np.concatenate([one.counts for one in stacks]),
        np.concatenate([*starts, ends[-1:]]),
    )


def words(text: str) -> list[str]:
    """The words of a text as written, in order; characters of scripts without spaces one by one."""
    # Half of the time, and most texts of many communities.
    return text.translate(_GAPS).split() if text.isascii() else _WORD.findall(text)


def available() -> bool:
    """Whether the table of token vectors is installed."""
    return importlib.util.find_spec("wordllama") is not None


def unit(rows: Floats) -> Floats:
    """Rows of length one; a row of nothing stays nothing."""
    length = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    result: Floats = rows / np.maximum(length, np.float32(1e-9))
    return result


def wide(halves: npt.NDArray[np.float16]) -> Floats:
    """As ``astype(np.float32)`` for numbers below one, in half the time: bits to their places, then the exponent."""
    bits = halves.view(np.int16).astype(np.int32)
    bits <<= 13
    bits &= _PLACES
    found: Floats = bits.view(np.float32)
    found *= _EXPONENT
    return found


class _Terms:
    """The terms of the words of one language, numbered in the order in which they were met."""

    def __init__(self, lang: str) -> None:
        self._lang = lang
        self._numbers = _numbers()
        self._terms = array("I")
        self._starts = array("q", [0])

    def of(self, words: Sequence[str]) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
        """The terms of words, one word after the other, and how many each word has."""
        known = len(self._numbers)
        numbers = np.fromiter(map(self._numbers.__getitem__, words), np.int64, len(words))
        for several in terms_of_words(_latest(self._numbers, known), self._lang):
            for term in several:
                self._terms.append(zlib.crc32(term.encode()))
            self._starts.append(len(self._terms))
        starts = np.frombuffer(self._starts, np.int64)
        sizes = np.diff(starts)[numbers]
        return np.frombuffer(self._terms, np.uint32)[_spans(starts[numbers], sizes)], sizes


class Embedder:
    """Makes vectors; keeps what it learnt about every word it met."""

    def __init__(self) -> None:
        self._numbers = _numbers()
        self._rows = np.zeros((1 << 12, DIMENSIONS), np.float32)
        self._terms: dict[str, _Terms] = {}

    def vectors(self, texts: Sequence[Text]) -> list[Vector]:
        """The vectors of texts, in their order."""
        if len(self._numbers) > _CACHED:
            self.__init__()  # type: ignore[misc]
        titles = [words(text.heading) for text in texts]
        bodies = [words(text.body) for text in texts]
        dense = self._dense(texts, titles, bodies)
        terms: dict[int, tuple[Terms, npt.NDArray[np.uint8]]] = {}
        for lang in {text.lang for text in texts}:
            some = [place for place, text in enumerate(texts) if text.lang == lang]
            terms.update(zip(some, self._counted(lang, [(texts[n], titles[n], bodies[n]) for n in some]), strict=True))
        return [Vector(row, *terms[place]) for place, row in enumerate(dense)]

    def titles(self, texts: Sequence[Text]) -> Stack:
        """The terms of titles alone, of texts of one language; they have no dense vectors."""
        bare = [msgspec.structs.replace(text, body="") for text in texts]
        titles: list[tuple[Text, list[str], list[str]]] = [(text, words(text.heading), []) for text in bare]
        none = np.zeros(DIMENSIONS, np.float16)
        return stack([Vector(none, *found) for found in self._counted(texts[0].lang, titles)])

    def _dense(
        self, texts: Sequence[Text], titles: list[list[str]], bodies: list[list[str]]
    ) -> npt.NDArray[np.float16]:
        titles, bodies = titles.copy(), bodies.copy()
        for place, text in enumerate(texts):
            if text.lang in glossary.LANGUAGES:
                titles[place] = glossary.in_english(text.heading, text.lang)
                bodies[place] = glossary.in_english(text.body, text.lang)
        whole, said = self._summed(list(map(operator.add, titles, bodies))), self._summed(titles)
        return unit(unit(whole) + np.float32(_TITLE) * unit(said)).astype(np.float16)

    def _summed(self, texts: Sequence[Sequence[str]]) -> Floats:
        """The rows of each text's words, added in the order of the words."""
        starts = np.cumsum([0, *map(len, texts)])
        known = len(self._numbers)
        every = itertools.chain.from_iterable(texts)
        numbers = np.fromiter(map(self._numbers.__getitem__, every), np.int32, int(starts[-1]))
        while len(self._numbers) > len(self._rows):
            self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
        self._rows[known : len(self._numbers)] = _rows_of(_latest(self._numbers, known))
        return _sums(self._rows, numbers, starts)

    def _counted(
        self, lang: str, texts: Sequence[tuple[Text, list[str], list[str]]]
    ) -> Iterator[tuple[Terms, npt.NDArray[np.uint8]]]:
        """The terms of texts of one language and how often each occurs; with each text, words of title and body."""
        every: list[str] = []
        ends, pairs = [0], []
        for row, (text, title, body) in enumerate(texts):
            if lang != "en":
                body = words(text.body[:_GRAM_BODY])  # noqa: PLW2901
            every += (title * (1 + _TITLE_TERMS)) + body
            ends.append(len(every))
            if _IS_WIDE.search(text.heading) or _IS_WIDE.search(text.body):
                found = [*_wide_pairs(title)] * (1 + _TITLE_TERMS) + [*_wide_pairs(body)]
                pairs += [row << _HASH | term for term in found]
        terms, sizes = self._terms.setdefault(lang, _Terms(lang)).of(every)
        rows = np.repeat(np.repeat(np.arange(len(texts)), np.diff(ends)), sizes)
        said = np.sort(np.concatenate([rows << _HASH | terms, np.array(pairs, np.int64)]))
        first = np.flatnonzero(np.diff(said, prepend=-1))
        counts = np.minimum(np.diff(first, append=len(said)), 255).astype(np.uint8)
        starts = np.searchsorted(said[first], np.arange(len(texts) + 1) << _HASH).tolist()
        hashes = said[first].astype(np.uint32)
        for start, stop in itertools.pairwise(starts):
            yield hashes[start:stop], counts[start:stop]


def _numbers() -> defaultdict[str, int]:
    """Numbers what it is asked for and does not know."""
    return defaultdict(itertools.count().__next__)


def _latest(numbers: dict[str, int], known: int) -> list[str]:
    """What was numbered since so many were known."""
    return [*itertools.islice(reversed(numbers), len(numbers) - known)][::-1]


def _spans(starts: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Places of spans of an array, one span after the other."""
    ends = np.cumsum(sizes)
    return np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - ends + sizes, sizes)


def _sums(rows: Floats, places: npt.NDArray[np.integer], starts: npt.NDArray[np.int64]) -> Floats:
    """Sums of some rows each, added in their order: the same to the bit whatever else is summed."""
    ones = np.ones(len(places), np.float32)
    summed: Floats = sparse.csr_matrix((ones, places, starts), shape=(len(starts) - 1, len(rows))) @ rows
    return summed


def _rows_of(words: Sequence[str]) -> Floats:
    """The sum of each word's tokens; the mean of its meanings, where a glossary gives several."""
    if not words:
        return np.zeros((0, DIMENSIONS), np.float32)
    tokenizer, table = _model()
    said = "".join(words)
    if glossary.JOINT not in said and " " not in said:
        return _token_rows(tokenizer, table, words)
    several = [word.split(glossary.JOINT) for word in words]
    meanings = list(itertools.chain.from_iterable(several))
    rows = _token_rows(tokenizer, table, [meaning.replace(" ", _SPACE) for meaning in meanings])
    # A word that takes three in English is one word all the same.
    rows /= np.array([(1 + meaning.count(" ")) ** _SEVERAL for meaning in meanings], np.float32)[:, None]
    if len(meanings) == len(words):
        return rows
    counts = np.array(list(map(len, several)))
    rows = _sums(rows, np.arange(len(meanings)), np.concatenate([[0], np.cumsum(counts)]))
    rows /= counts.astype(np.float32)[:, None]
    return rows


def _token_rows(tokenizer: Any, table: npt.NDArray[np.float16], words: Sequence[str]) -> Floats:
    """The sum of the tokens of each word."""
    ids, several = _tokens(tokenizer, words)
    rows = wide(table.take(ids, axis=0, mode="clip"))
    every = np.fromiter(itertools.chain.from_iterable(several), np.int64)
    starts = np.cumsum([0, *map(len, several)])
    rows[ids < 0] = _sums(wide(table.take(every, axis=0)), np.arange(len(every)), starts)
    return rows


def _tokens(tokenizer: Any, words: Sequence[str]) -> tuple[npt.NDArray[np.int64], list[list[int]]]:
    """The token of each word, -1 where it takes several, and these. Most take one: the vocabulary is asked first."""
    marked = [_SPACE + word for word in words]
    known = map(tokenizer.token_to_id, marked)
    ids = np.fromiter((-1 if one is None else one for one in known), np.int64, len(marked))
    split = tokenizer.model.tokenize
    return ids, [[one.id for one in split(marked[place])] for place in np.flatnonzero(ids < 0).tolist()]


def _wide_pairs(words: Sequence[str]) -> Iterable[int]:
    for one, other in itertools.pairwise(words):
        if len(one) == 1 and len(other) == 1 and _IS_WIDE.fullmatch(one + other):
            yield zlib.crc32((one + other).encode())


def terms_of_words(words: Sequence[str], lang: str) -> list[Sequence[str]]:
    """The terms of each word: its stem in English; itself and its n-grams in other languages; none for a stop word."""
    rules = analyser(lang)
    if lang != "en":
        return [_terms_of_word(word, lang, rules) for word in words]
    plain = [word.isascii() and word.isalpha() and word[1:].islower() for word in words]
    stems = iter(rules.terms_of_letters([word.lower() for word, one in zip(words, plain, strict=True) if one]))
    return [
        ((stem,) if (stem := next(stems)) else ()) if one else _terms_of_word(word, lang, rules)
        for word, one in zip(words, plain, strict=True)
    ]


def _terms_of_word(word: str, lang: str, rules: Analyser) -> Sequence[str]:
    if lang == "en" or word.isdigit():
        found = rules.chunk_words(word) if word.isascii() and word.isalpha() else rules.words(word)
        return [one.terms[-1] for one in found if not one.stop]
    if len(word) == 1:
        return [word]
    if any(one.stop for one in rules.words(word)):
        return []
    framed = f" {word.lower()} "
    return [framed[at : at + size] for size in _GRAMS for at in range(len(framed) - size + 1)]


@functools.cache
def _model() -> tuple[Any, npt.NDArray[np.float16]]:
    spec = importlib.util.find_spec("wordllama")
    if spec is None or not spec.origin:
        raise StoreError("the package wordllama is not installed; install kbgen with its dependencies again")
    folder = Path(spec.origin).parent
    from tokenizers import Tokenizer  # noqa: PLC0415  # takes a tenth of a second

    tokenizer = Tokenizer.from_file(str(folder / "tokenizers" / "l2_supercat_tokenizer_config.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer, _tensor(folder / "weights" / "l2_supercat_256.safetensors")


def _tensor(path: Path) -> npt.NDArray[np.float16]:
    """The table where it lies, of which a run reads a part; the format: github.com/huggingface/safetensors#format."""
    with path.open("rb") as file:
        head = file.read(int.from_bytes(file.read(_SIZE), "little"))
        start = file.tell()
    tensor = json.loads(head)["embedding.weight"]
    return np.memmap(path, "<f2", "r", start + tensor["data_offsets"][0], tuple(tensor["shape"]))
