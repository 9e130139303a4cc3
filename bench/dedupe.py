"""``make bench-dedupe``: how well kbgen finds the same question asked again, beside its peers and its goals.

Weights were chosen on the Meta Stack Exchange pairs; all else is held out. Nothing is fitted to what is measured here.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from bench import dedupe_data as data
from bench.dedupe_data import Question
from bench.dedupe_methods import PEERS, Method, Scores, default, local, texts, with_model
from bench.dedupe_night import night
from bench.dedupe_picture import draw
from kbgen.config import DuplicatesConfig
from kbgen.similar import semantic
from kbgen.similar.compare import Comparison
from kbgen.similar.kept import Parts
from kbgen.similar.linkage import average_linkage
from kbgen.similar.texts import Text
from kbgen.similar.vectors import MODEL

_PICTURE = Path(__file__).parent.parent / "docs" / "images" / "duplicates-curve.svg"
_DRAWS = 3
_NIGHTS = 3


class Cache:
    """A ``kbgen.similar.compare.Cache`` in memory."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], bytes] = {}

    def get(self, model: str, keys: Sequence[str]) -> dict[str, bytes]:
        """Those that are there."""
        return {key: self._kept[model, key] for key in keys if (model, key) in self._kept}

    def put(self, model: str, rows: Iterable[tuple[str, bytes]]) -> None:
        """Keep some."""
        self._kept.update(((model, key), value) for key, value in rows)


def say(what: str, value: float, goal: float | None = None, *, unit: str = "", least: bool = True) -> None:
    """One figure, its goal beside it."""
    met = "" if goal is None else "  yes" if (value >= goal if least else value <= goal) else "  NO"
    wanted = "" if goal is None else f"  goal {'>=' if least else '<='} {goal:g}{unit}"
    print(f"  {what:52} {value:8.2f}{unit}{wanted}{met}", flush=True)


def curve(values: Scores, labels: np.ndarray[Any, Any], total: int) -> tuple[Any, Any]:
    """Precision and recall as the threshold falls."""
    hits = np.cumsum(labels[np.argsort(-values, kind="stable")])
    return hits / np.arange(1, len(labels) + 1), hits / max(total, 1)


def best_f1(precision: Any, recall: Any) -> float:
    return float((2 * precision * recall / np.maximum(precision + recall, 1e-9)).max() * 100)


def retrieval(scores: Scores, pairs: data.Pairs) -> float:
    """Mean average precision of the labelled duplicates of each question, among all questions of the file."""
    wanted: dict[int, set[int]] = {}
    for left, right, label in zip(pairs.left, pairs.right, pairs.labels, strict=True):
        if label and left != right:
            wanted.setdefault(left, set()).add(right)
            wanted.setdefault(right, set()).add(left)
    alone = scores.copy()
    np.fill_diagonal(alone, -9)
    averages = []
    for query, others in wanted.items():
        rank = np.empty(len(alone), int)
        rank[np.argsort(-alone[query], kind="stable")] = np.arange(1, len(alone) + 1)
        ranks = sorted(int(rank[one]) for one in others)
        averages.append(np.mean([(place + 1) / at for place, at in enumerate(ranks)]))
    return float(np.mean(averages) * 100)


def pairs(folder: Path, methods: dict[str, Method], curves: dict[str, tuple[Any, Any]]) -> None:
    """The labelled pairs of two sites."""
    goals = {
        ("askubuntu", "kbgen"): (47.9, 95.2),
        ("askubuntu", "kbgen[semantic]"): (58.4, 97.3),
        ("meta", "kbgen"): (45.4, None),
        ("meta", "kbgen[semantic]"): (57.6, None),
    }
    for name in ("askubuntu", "meta"):
        known = data.labelled(folder, name)
        print(f"{name}: {len(known.labels)} labelled pairs, {len(known.questions)} questions")
        for label, method in methods.items():
            scores = method(known.questions)
            values = scores[known.left, known.right]
            precision, recall = curve(values, np.array(known.labels), sum(known.labels))
            goal = goals.get((name, label), (None, None))
            say(f"{label}: retrieval MAP", max(retrieval(scores, known), retrieval(local(scores), known)), goal[0])
            say(f"{label}: pair F1", best_f1(precision, recall), goal[1])
            if name == "askubuntu":
                curves[label] = precision, recall


def declared(folder: Path, methods: dict[str, Method]) -> None:
    """What the users of some sites declared a duplicate, among all questions of the site."""
    print(f"{', '.join(data.dumps(folder))}: declared duplicates inside the whole dumps")
    for label, method in methods.items():
        found: list[bool] = []
        for name in data.dumps(folder):
            questions, links = data.dump(folder, name)
            place = {key: number for number, key in enumerate(questions)}
            scores = local(method(list(questions.values())))
            np.fill_diagonal(scores, -9)
            for one, other in (*links, *((other, one) for one, other in links)):
                row = scores[place[one]]
                found.append(bool((row > row[place[other]]).sum() < 10))
        say(
            f"{label}: R@10 of {len(found)}",
            float(np.mean(found) * 100),
            {"kbgen": 87, "kbgen[semantic]": 89}.get(label),
        )


def clusters(folder: Path, methods: dict[str, Method]) -> None:
    """StackFAQ: the clusters of all re-phrasings."""
    groups = data.rephrasings(folder)
    gold = [number for number, group in enumerate(groups) for _ in group]
    questions = [Question(text) for group in groups for text in group]
    total = sum(count * (count - 1) // 2 for count in Counter(gold).values())
    print(f"StackFAQ: {len(gold)} phrasings of {len(groups)} questions; best threshold of each method")
    for label, method in methods.items():
        scores = local(method(questions))
        near = np.argpartition(-scores, 40, axis=1)[:, :40]
        known = {
            (min(a, b), max(a, b)): float(scores[a, b]) for a in range(len(gold)) for b in near[a].tolist() if a != b
        }
        results = []
        for threshold in np.quantile(list(known.values()), np.linspace(0.5, 0.99, 99)):
            groups_found = average_linkage(known, float(threshold), largest=50, unknown=float(min(known.values())))
            hits = sum(gold[a] == gold[b] for group in groups_found for a in group for b in group if a < b)
            made = sum(len(group) * (len(group) - 1) // 2 for group in groups_found)
            results.append(2 * hits / max(made + total, 1) * 100)
        say(f"{label}: pairwise F1 of clusters", max(results), {"kbgen": 78.0, "kbgen[semantic]": 96.8}.get(label))


def hidden(folder: Path, *, model: bool) -> None:
    """One to three phrasings of each StackFAQ question hidden among other titles, through neighbours as shipped.

    Only pairs with a StackFAQ text count: the other titles have duplicates of their own that nobody labelled.
    """
    groups, others = data.rephrasings(folder), data.titles(folder, 20_000)
    print(f"StackFAQ hidden among {len(others)} other titles, {_DRAWS} draws")
    modes: dict[str, Literal["on", "off"]] = {"kbgen": "off", **({"kbgen[semantic]": "on"} if model else {})}
    for label, mode in modes.items():
        results, cache = [], Cache()
        for seed in range(_DRAWS):
            chance = random.Random(seed)  # noqa: S311
            said = [(text, n) for n, group in enumerate(groups) for text in chance.sample(group, chance.randint(1, 3))]
            taken = {text for text, _ in said}
            every = said + [(text, -1) for text in others if text not in taken]
            chance.shuffle(every)
            asked = texts([Question(text) for text, _ in every])
            results.append(_hidden_f1([gold for _, gold in every], asked, mode, cache))
        say(f"{label}: pair F1", float(np.mean(results)), {"kbgen": 52.0, "kbgen[semantic]": 81.0}[label])


@dataclass
class _Everything:
    """Settings that merge nothing and suggest what is near: the best threshold lies below what may be configured."""

    semantic: Literal["auto", "on", "off"]
    merge: float = 2
    suggest: float = 0.1
    largest: int = 50


def _hidden_f1(gold: list[int], every: list[Text], mode: Literal["on", "off"], cache: Cache) -> float:
    found = Comparison(_Everything(mode), lambda _: []).run(every, (), cache)
    place = {text.ref: number for number, text in enumerate(every)}
    known = [(place[one.left], place[one.right], one.local) for one in found.pairs]
    touching = [(a, b, score) for a, b, score in known if gold[a] >= 0 or gold[b] >= 0]
    labels = np.array([gold[a] == gold[b] for a, b, _ in touching])
    total = sum(n * (n - 1) // 2 for key, n in Counter(gold).items() if key >= 0)
    return best_f1(*curve(np.array([score for *_, score in touching], np.float32), labels, total))


def merges(folder: Path, target: Path, *, model: bool) -> None:
    """Automatic merges on Payload's two channels, and on the forums, written out to be read."""
    corpora = {"payload": data.channels(folder), "discourse": [topic[0] for topic in data.discourse(folder)]}
    corpora |= {name: list(data.dump(folder, name)[0].values()) for name in data.dumps(folder)}
    lines = ["# Automatic merges, to be read\n"]
    for name, questions in corpora.items():
        several = texts(questions)
        by_ref = {text.ref: text for text in several}
        settings = DuplicatesConfig(semantic="on" if model else "off")
        found = Comparison(settings, lambda _: []).run(several, (), Cache())
        merged = [one for one in found.pairs if one.band == "merge"]
        suggested = len(found.pairs) - len(merged)
        print(f"  {name}: {len(merged)} pairs merged, {suggested} suggested of {len(several)} threads")
        for one in sorted(merged, key=lambda pair: -pair.local):
            lines.append(f"\n## {name}: similarity {one.similarity}, local {one.local} ({one.rule})\n")
            lines += [f"- **{by_ref[ref].title}** {by_ref[ref].body[:600]}\n" for ref in (one.left, one.right)]
    target.write_text("".join(lines), encoding="utf-8")
    print(f"  both texts of each are in {target}")


def tempting(folder: Path, *, model: bool) -> None:
    """Threads that look alike and ask for different things, among other ones: none may be merged."""
    modes: dict[str, Literal["on", "off"]] = {"kbgen": "off", **({"kbgen[semantic]": "on"} if model else {})}
    for name, what in (("first", "what they showed was mended"), ("last", "written after that")):
        print(f"Pairs that look alike, {what}")
        for (lang, known), (label, mode) in itertools.product(data.tempting(name).items(), modes.items()):
            same = sum(pair.same for pair in known)
            joined = [pair.same for pair in _merged(known, _others(folder, lang), lang, mode)]
            say(f"{lang}, {label}: merged of {len(known) - same} that differ", joined.count(False), 0, least=False)
            say(f"{lang}, {label}: merged of {same} that ask the same", joined.count(True))


def _others(folder: Path, lang: str) -> list[Question]:
    """Threads of a language: those of Payload, or all that was written in it for this benchmark."""
    if lang == "en":
        return data.channels(folder)
    sets = (data.languages(name).get(lang, []) for name in ("chosen", "free", "usual", "last"))
    return [Question(title) for pairs in sets for pair in pairs for title in pair]


def _merged(
    known: Sequence[data.Tempting], others: Sequence[Question], lang: str, mode: Literal["on", "off"]
) -> list[data.Tempting]:
    several = texts([*(one for pair in known for one in (pair.left, pair.right)), *others], lang)
    found = Comparison(DuplicatesConfig(semantic=mode), lambda _: []).run(several, (), Cache())
    merged = {frozenset((one.left, one.right)) for one in found.pairs if one.band == "merge"}
    return [pair for at, pair in enumerate(known) if {several[2 * at].ref, several[2 * at + 1].ref} in merged]


def languages(*, model: bool) -> None:
    """Questions in other languages than English, each asked twice: is the other wording the nearest."""
    sets = {
        "free": "forty pairs with almost no word in common",
        "usual": "thirty pairs as people ask",
        "last": "twenty pairs written when nothing was changed any more",
    }
    for name, what in sets.items():
        print(f"Languages, {what}")
        for lang, asked in data.languages(name).items():
            _language(lang, [Question(text) for pair in asked for text in pair], model=model)


def _language(lang: str, questions: Sequence[Question], *, model: bool) -> None:
    for label, method in (("kbgen", default), *((("kbgen[semantic]", with_model),) if model else ())):
        scores = local(method(questions, lang))
        np.fill_diagonal(scores, -9)
        right = float(np.mean(scores.argmax(axis=1) == (np.arange(len(questions)) ^ 1)) * 100)
        say(f"{lang}, {label}: P@1", right, 65.0 if label == "kbgen" else 85.0)


def growth(folder: Path, sizes: Sequence[int]) -> None:
    """What it costs from nothing, and after one thread in a hundred is new."""
    sentences = data.titles(folder, 30_000)
    print("Throughput, default tier, recombined sentences")
    costs: list[tuple[int, float]] = []
    for size in sizes:
        chance = random.Random(size)  # noqa: S311
        made = [
            Question(chance.choice(sentences), " ".join(chance.choices(sentences, k=6)))
            for _ in range(size + size // 100)
        ]
        every, cache, settings = texts(made), Cache(), DuplicatesConfig(semantic="off")
        seconds, wall = time.process_time(), time.monotonic()
        first = Comparison(settings, lambda _: []).run(every[:size], (), cache)
        full, wall = time.process_time() - seconds, time.monotonic() - wall
        new = float(np.median([_night(every, size, first.neighbours, cache) for _ in range(_NIGHTS)]))
        costs.append((size, full))
        say(f"{size:,}: CPU a thread", full / size * 1000, 1.0, unit=" ms", least=False)
        say(f"{size:,}: wall", wall, 300 if size == 100_000 else None, unit=" s", least=False)
        say(f"{size:,}: 1 % new, CPU", new, unit=" s")
        say(f"{size:,}: 1 % new, share of the full cost", new / full * 100, 3, unit=" %", least=False)
        if size == min(sizes):
            whole, one = night(made, size)
            say(f"{size:,}: 1 % new, share, with all around it", one / whole * 100, unit=" %")
    if len(costs) > 1:
        (small, one), (large, other) = costs[0], costs[-1]
        say("growth: exponent of N", float(np.log(other / one) / np.log(large / small)), 1.2, least=False)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    say("peak memory of the bench so far", peak, 2048, unit=" MB", least=False)


def _night(every: list[Text], old: int, neighbours: Parts, cache: Cache) -> float:
    """CPU seconds of a night in which others come to the old texts, whose vectors are known."""
    known = Cache()
    known.put(MODEL, cache.get(MODEL, [text.key for text in every[:old]]).items())
    seconds = time.process_time()
    Comparison(DuplicatesConfig(semantic="off"), lambda _: []).run(every, neighbours, known)
    return time.process_time() - seconds


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts that are asked for, all of them by default."""
    parser = argparse.ArgumentParser(prog="python -m bench.dedupe", description=__doc__)
    names = ("growth", "pairs", "declared", "clusters", "hidden", "languages", "tempting", "merges")
    parser.add_argument("--parts", nargs="+", choices=names, default=names)
    parser.add_argument("--sizes", nargs="+", type=int, default=[10_000, 30_000, 100_000])
    parser.add_argument("--no-semantic", action="store_true", help="leave the sentence models out")
    parser.add_argument("--merges", type=Path, default=Path("merges.md"), help="where the merges to read are written")
    chosen = parser.parse_args(arguments)
    folder = Path(os.environ.get("KBGEN_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not (folder / "duplicates").is_dir():
        print(f"{folder} has no duplicates; set KBGEN_DATA to a folder that has them", file=sys.stderr)
        return 2
    model = bool(semantic.model_of("en")) and not chosen.no_semantic
    methods: dict[str, Method] = {**PEERS, "kbgen": default, **({"kbgen[semantic]": with_model} if model else {})}
    curves: dict[str, tuple[Any, Any]] = {}
    parts: dict[str, Callable[[], None]] = {
        "growth": lambda: growth(folder, chosen.sizes),
        "pairs": lambda: pairs(folder, methods, curves),
        "declared": lambda: declared(folder, methods),
        "clusters": lambda: clusters(folder, methods),
        "hidden": lambda: hidden(folder, model=model),
        "languages": lambda: languages(model=model),
        "tempting": lambda: tempting(folder, model=model),
        "merges": lambda: merges(folder, chosen.merges, model=model),
    }
    for name in chosen.parts:
        parts[name]()
    if curves:
        draw(curves, _PICTURE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
