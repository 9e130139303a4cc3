"""The bands of duplicate detection measured on what a community itself says, and thresholds proposed for a precision.

Pairs are scored as a build scores them, from the vectors and neighbours it left in the store; evidence comes from
``evidence``. Measured are single pairs: average linkage, which joins groups, merges a little less. Not here: writing
the configuration, and how a measurement is worded and kept (``report.calibration``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

import msgspec

from kbgen.config import DuplicatesConfig
from kbgen.curate.evidence import Evidence, Pair, gather, pair_of, presumed_different
from kbgen.model import Head, Overlay, Ref
from kbgen.model.measured import Band, Calibration, Doubt, Precision, Step
from kbgen.similar.compare import Comparison
from kbgen.similar.judge import Judged
from kbgen.similar.kept import Parts
from kbgen.similar.texts import Text, text_of
from kbgen.store import Store

# Below it a pair is not even listed as related.
_FLOOR = 0.2
_LEAST_MERGE, _HIGHEST = 0.3, 1.25
# Of what a person is asked, one in three should be worth the question.
_SUGGEST_TARGET = 1 / 3
_LEAST_SUGGESTED = 30
_WINDOW, _LEAST_IN_WINDOW = 0.1, 10
_Z = 1.96
_SAME_TITLE = 0.25
_MOST_DOUBTS = 20
_TEXT = msgspec.msgpack.Decoder(Text)


class Scored(NamedTuple):
    """A near pair of published threads.

    Attributes:
        merge: the threshold at which it is still merged; minus infinity where it never is.
        suggest: the threshold from which it is suggested.
    """

    pair: Pair
    merge: float
    suggest: float


@dataclass
class _Settings:
    """The bands as they are set, the lowest one wide enough to see all there is."""

    merge: float
    semantic: Literal["auto", "on", "off"]
    suggest: float = _FLOOR
    largest: int = 2


class _Cache:
    """Reads vectors from the store, and keeps new ones for itself: measuring leaves nothing behind."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._new: dict[tuple[str, str], bytes] = {}

    def get(self, model: str, keys: Sequence[str]) -> dict[str, bytes]:
        """Those that are there."""
        own = {key: self._new[model, key] for key in keys if (model, key) in self._new}
        return self._store.vectors.get(model, keys) | own

    def put(self, model: str, rows: Iterable[tuple[str, bytes]]) -> None:
        """Keep some."""
        self._new.update({(model, key): data for key, data in rows})


def calibrate(
    store: Store, config: DuplicatesConfig, overlays: Mapping[Ref, Overlay], *, target: float, day: str
) -> Calibration:
    """Measure the bands and propose thresholds.

    Args:
        store: the open store, curated; nothing is open in it, and nothing is written to it.
        config: the bands as they are set.
        overlays: writers' and reviewers' decisions.
        target: share of merged pairs that must ask the same.
        day: to be noted with the measurement.
    """
    heads = {head.ref: head for head in store.curated.heads()}
    evidence = gather(heads.values(), overlays)
    near = [one for one in _scored(store, config) if one.pair[0] in heads and one.pair[1] in heads]
    unknown = [one.pair for one in near if _is_open(one.pair, evidence, heads)]
    presumed = presumed_different(store, unknown)
    made = measure(near, evidence, presumed, config, target=target)
    doubts = sorted((one for one in near if one.pair in presumed), key=lambda one: (-one.suggest, one.pair))
    return msgspec.structs.replace(
        made, day=day, doubts=tuple(_doubt(one, heads) for one in doubts[:_MOST_DOUBTS] if one.suggest >= _LEAST_MERGE)
    )


def _is_open(pair: Pair, evidence: Evidence, heads: Mapping[Ref, Head]) -> bool:
    """Nobody has said anything of the pair, and it is no copy."""
    prints = heads[pair[0]].fingerprint, heads[pair[1]].fingerprint
    return not evidence.is_right(pair) and pair not in evidence.refused and (prints[0] != prints[1] or not prints[0])


def _doubt(one: Scored, heads: Mapping[Ref, Head]) -> Doubt:
    left, right = one.pair
    return Doubt(left, right, heads[left].title, heads[right].title, round(one.suggest, 3))


def _scored(store: Store, config: DuplicatesConfig) -> list[Scored]:
    languages: dict[str, list[Text]] = {}
    for _, _, data in store.vectors.compared():
        text = _TEXT.decode(data)
        languages.setdefault(text.lang, []).append(text)
    cache = _Cache(store)
    compared = partial(_pairs, store, cache, config.merge)
    found: list[Scored] = []
    for lang, texts in sorted(languages.items()):
        texts.sort(key=lambda one: (one.created, one.ref))
        old = store.vectors.neighbours(lang)
        words = compared("off", texts, old)
        meant = words if config.semantic == "off" else compared(config.semantic, texts, old)
        found += [_score(pair, judged, words.get(pair)) for pair, judged in meant.items()]
    return sorted(found)


def _pairs(
    store: Store, cache: _Cache, merge: float, semantic: Literal["auto", "on", "off"], texts: Sequence[Text], old: Parts
) -> dict[Pair, Judged]:
    comparison = Comparison(
        _Settings(merge, semantic), lambda refs: [text_of(item) for item in store.curated.get(refs)]
    )
    return {pair_of(one.left, one.right): one for one in comparison.run(texts, old, cache).pairs}


def _score(pair: Pair, judged: Judged, words: Judged | None) -> Scored:
    """What ``similar.judge`` makes of a pair: the smaller score; words must be as alike; doubts are never merged."""
    least = min(judged.similarity, judged.local)
    if ", but " in judged.rule:
        return Scored(pair, -math.inf, least)
    if judged.rule == "same-title":
        return Scored(pair, least + _SAME_TITLE, least)
    return Scored(pair, min(least, words.similarity if words else 0.0), least)


def measure(
    near: Sequence[Scored],
    evidence: Evidence,
    presumed: frozenset[Pair],
    config: DuplicatesConfig,
    *,
    target: float,
) -> Calibration:
    """Count what each threshold would do, and find those that do what is asked.

    Args:
        near: every near pair.
        evidence: what people said.
        presumed: pairs presumed to be different.
        config: the bands as they are set.
        target: share of merged pairs that must ask the same.
    """
    wrong = presumed | evidence.refused
    known = [one for one in near if evidence.is_right(one.pair) or one.pair in wrong]
    right = {one.pair for one in known if evidence.is_right(one.pair)}
    merging = [(one.merge, one.pair in right) for one in known]
    asking = [(one.suggest, one.merge, one.pair in right) for one in known]
    declared = {one.pair: one for one in near if one.pair in evidence.together}
    steps = tuple(_step(threshold, merging, declared, evidence) for threshold in _grid(_LEAST_MERGE, _HIGHEST))
    merge = min((step.threshold for step in steps if step.precision.low >= target), default=None)
    suggest = _suggest_from(asking, merge or config.merge)
    return Calibration(
        day="",
        target=target,
        declared=len(evidence.together),
        found=len(declared),
        refused=len(evidence.refused),
        presumed=len(presumed),
        unseen=evidence.unseen,
        needed=needed(target),
        steps=tuple(step for step in steps if step.precision.right or step.precision.wrong),
        bands=_bands(asking, declared, evidence, config),
        merge=merge,
        suggest=suggest,
        why="" if merge is not None else _hindrance(steps, target),
    )


def _grid(start: float, end: float) -> list[float]:
    # Steps of five hundredths: nobody has the evidence for finer ones.
    return [number / 20 for number in range(round(start * 20), round(end * 20) + 1)]


def _step(
    threshold: float, merging: Sequence[tuple[float, bool]], declared: Mapping[Pair, Scored], evidence: Evidence
) -> Step:
    above = [right for score, right in merging if score >= threshold]
    found = sum(one.merge >= threshold for one in declared.values())
    return Step(threshold, precision(sum(above), len(above) - sum(above)), _part(found, len(evidence.together)))


def _bands(
    asking: Sequence[tuple[float, float, bool]],
    declared: Mapping[Pair, Scored],
    evidence: Evidence,
    config: DuplicatesConfig,
) -> tuple[Band, ...]:
    starts = {"merge": config.merge, "suggest": config.suggest, "related": _FLOOR}
    counts = {name: [0, 0] for name in starts}
    for suggest, merge, right in asking:
        counts[_band(suggest, merge, config)][right] += 1
    shares = dict.fromkeys(starts, 0)
    for one in declared.values():
        shares[_band(one.suggest, one.merge, config)] += 1
    total = len(evidence.together)
    return tuple(
        Band(name, start, precision(counts[name][1], counts[name][0]), _part(shares[name], total))
        for name, start in starts.items()
    )


def _band(suggest: float, merge: float, config: DuplicatesConfig) -> str:
    return "merge" if merge >= config.merge else "suggest" if suggest >= config.suggest else "related"


def _suggest_from(asking: Sequence[tuple[float, float, bool]], merge: float) -> float | None:
    """Where the queue begins, going down while one in three of what is added is right; None: too few are known."""
    below = [(suggest, right) for suggest, merging, right in asking if merging < merge]
    found: float | None = None
    for threshold in reversed(_grid(_FLOOR, min(merge, 1.0))):
        added = [right for suggest, right in below if threshold <= suggest < threshold + _WINDOW]
        if len(added) >= _LEAST_IN_WINDOW and sum(added) < _SUGGEST_TARGET * len(added):
            break
        some = [right for suggest, right in below if suggest >= threshold]
        if len(some) >= _LEAST_SUGGESTED and added and sum(some) >= _SUGGEST_TARGET * len(some):
            found = threshold
    return found


def _hindrance(steps: Sequence[Step], target: float) -> str:
    enough = [step for step in steps if step.precision.right + step.precision.wrong >= needed(target)]
    if not enough:
        most = max((step.precision.right for step in steps), default=0)
        return (
            f"too little evidence: for {target:.0%} it takes {needed(target)} pairs above a threshold if all of them "
            f"are right, more if some are not; so far {most} are known to be right"
        )
    best = max(enough, key=lambda step: (step.precision.low, -step.threshold)).precision
    return f"no threshold is known to reach {target:.0%}: the best is surely {best.low:.1%} right"


def needed(target: float) -> int:
    """How many pairs, all of them right, put the lower end of the interval at the target."""
    return math.ceil(target * _Z * _Z / (1 - target))


def precision(right: int, wrong: int) -> Precision:
    """A share with its 95 % interval (Wilson 1927, doi:10.1080/01621459.1927.10502953)."""
    count = right + wrong
    if not count:
        return Precision(0, 0, 0.0, 0.0, 1.0)
    share, square = right / count, _Z * _Z / count
    middle = (share + square / 2) / (1 + square)
    half = _Z * math.sqrt(share * (1 - share) / count + square / (4 * count)) / (1 + square)
    return Precision(right, wrong, share, max(0.0, middle - half), min(1.0, middle + half))


def _part(some: int, of: int) -> float:
    return some / of if of else 0.0
