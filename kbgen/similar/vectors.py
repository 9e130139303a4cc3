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
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from kbgen.errors import StoreError
from kbgen.search.analysis import analyser
from kbgen.similar import glossary
from kbgen.similar.texts import Text

Floats = npt.NDArray[np.float32]
DIMENSIONS = 256
MODEL = f"wordllama-l2-supercat-256/2+{glossary.VERSION}"
"""Name and version of all that makes a vector; a vector of another model is made anew."""

# Chinese, Japanese, Thai: one character is one word of the table. Korean has spaces.
_WIDE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\u0e00-\u0e7f"
_WORD = re.compile(rf"[{_WIDE}]|[^\W{_WIDE}]+")
_IS_WIDE = re.compile(f"[{_WIDE}]+")
# A title says in ten words what the body says in a hundred. Chosen on Meta Stack Exchange pairs.
_TITLE = 0.5
_TITLE_TERMS = 2
_GRAMS = (2, 3, 4)
_GRAM_BODY = 300
# Words whose vectors are kept: what more of them would save, they would take in memory.
_CACHED = 1 << 16


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
        every = np.arange(starts[-1]) + np.repeat(self.starts[places] - starts[:-1], sizes)
        return Stack(self.dense[places], self.terms[every], self.counts[every], starts)


def stack(vectors: Sequence[Vector]) -> Stack:
    """Put vectors one after the other."""
    return unpack([vector.pack() for vector in vectors])


def unpack(packed: Sequence[bytes]) -> Stack:
    """Vectors as the store kept them."""
    sizes = np.fromiter(map(len, packed), np.int64, len(packed))
    terms = (sizes - 2 * DIMENSIONS) // 5
    dense = b"".join(data[: 2 * DIMENSIONS] for data in packed)
    hashes = b"".join(
        data[2 * DIMENSIONS : 2 * DIMENSIONS + 4 * size] for data, size in zip(packed, terms.tolist(), strict=True)
    )
    counts = b"".join(data[2 * DIMENSIONS + 4 * size :] for data, size in zip(packed, terms.tolist(), strict=True))
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


def available() -> bool:
    """Whether the table of token vectors is installed."""
    return importlib.util.find_spec("wordllama") is not None


def unit(rows: Floats) -> Floats:
    """Rows of length one; a row of nothing stays nothing."""
    length = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    result: Floats = rows / np.maximum(length, np.float32(1e-9))
    return result


class Embedder:
    """Makes vectors; keeps what it learnt about every word it met."""

    def __init__(self) -> None:
        self._index: dict[str, int] = {}
        self._rows = np.zeros((1 << 12, DIMENSIONS), np.float32)
        self._terms: dict[str, dict[str, tuple[int, ...]]] = {}

    def vectors(self, texts: Sequence[Text]) -> list[Vector]:
        """The vectors of texts, in their order."""
        if len(self._index) > _CACHED:
            self.__init__()  # type: ignore[misc]
        titles = [_WORD.findall(text.heading) for text in texts]
        bodies = [_WORD.findall(text.body) for text in texts]
        dense = self._dense(texts, titles, bodies)
        return [
            Vector(row, *self._counted(text, title, body))
            for text, row, title, body in zip(texts, dense, titles, bodies, strict=True)
        ]

    def _dense(
        self, texts: Sequence[Text], titles: list[list[str]], bodies: list[list[str]]
    ) -> npt.NDArray[np.float16]:
        titles, bodies = titles.copy(), bodies.copy()
        for place, text in enumerate(texts):
            if text.lang in glossary.LANGUAGES:
                titles[place] = glossary.in_english(text.heading, text.lang)
                bodies[place] = glossary.in_english(text.body, text.lang)
        whole = [title + body for title, body in zip(titles, bodies, strict=True)]
        self._learn(itertools.chain.from_iterable(whole))
        return unit(unit(self._sums(whole)) + np.float32(_TITLE) * unit(self._sums(titles))).astype(np.float16)

    def _learn(self, words: Iterable[str]) -> None:
        new = [word for word in dict.fromkeys(words) if word not in self._index]
        if not new:
            return
        tokenizer, table = _model()
        plain = [word.replace(glossary.JOINT, " ") for word in new]
        pieces = [one.ids for one in tokenizer.encode_batch_fast(plain, add_special_tokens=False)]
        rows = np.zeros((len(new), DIMENSIONS), np.float32)
        some = [place for place, ids in enumerate(pieces) if ids]
        starts = np.cumsum([0, *(len(pieces[place]) for place in some)])[:-1]
        ids = np.fromiter(itertools.chain.from_iterable(pieces), np.int64)
        if some:
            rows[some] = np.add.reduceat(table[ids].astype(np.float32), starts, axis=0)
            rows /= np.array([1 + word.count(glossary.JOINT) for word in new], np.float32)[:, None]
        start = len(self._index)
        self._index.update((word, start + place) for place, word in enumerate(new))
        while len(self._index) > len(self._rows):
            self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
        self._rows[start : len(self._index)] = rows

    def _sums(self, texts: Sequence[Sequence[str]]) -> Floats:
        sums = np.zeros((len(texts), DIMENSIONS), np.float32)
        index = self._index
        for place, words in enumerate(texts):
            if words:
                sums[place] = self._rows[[index[word] for word in words]].sum(axis=0)
        return sums

    def _counted(
        self, text: Text, title: Sequence[str], body: Sequence[str]
    ) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint8]]:
        if text.lang != "en":
            body = _WORD.findall(text.body[:_GRAM_BODY])
        said = Counter(itertools.chain(body, *((title,) * (1 + _TITLE_TERMS))))
        counts: Counter[int] = Counter()
        known = self._terms.setdefault(text.lang, {})
        for word, often in said.items():
            found = known.get(word)
            if found is None:
                found = known[word] = tuple(zlib.crc32(term.encode()) for term in terms_of_word(word, text.lang))
            for term in found:
                counts[term] += often
        if _IS_WIDE.search(text.heading) or _IS_WIDE.search(text.body):
            for words, weight in ((title, 1 + _TITLE_TERMS), (body, 1)):
                for term in _wide_pairs(words):
                    counts[term] += weight
        ordered = sorted(counts)
        return np.array(ordered, np.uint32), np.array([min(counts[term], 255) for term in ordered], np.uint8)


def _wide_pairs(words: Sequence[str]) -> Iterable[int]:
    for one, other in itertools.pairwise(words):
        if len(one) == 1 and len(other) == 1 and _IS_WIDE.fullmatch(one + other):
            yield zlib.crc32((one + other).encode())


def terms_of_word(word: str, lang: str) -> Iterable[str]:
    """The terms of one word: its stem in English; itself and its n-grams in other languages; none for a stop word."""
    if lang == "en" or word.isdigit():
        rules = analyser(lang)
        found = rules.chunk_words(word) if word.isascii() and word.isalpha() else rules.words(word)
        return [one.terms[-1] for one in found if not one.stop]
    if len(word) == 1:
        return [word]
    if any(one.stop for one in analyser(lang).words(word)):
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
    from safetensors.numpy import load_file  # noqa: PLC0415

    table: npt.NDArray[np.float16] = load_file(path)["embedding.weight"]
    return table
