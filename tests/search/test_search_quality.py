"""The shipped index against Whoosh on judged questions: it must not fall below it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

import pytest

from kbgen.search.documents import SearchDoc
from kbgen.search.index import build_index
from kbgen.search.query import StaticIndex
from kbgen.search.terminal import TerminalIndex

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("KBGEN_DATA", ROOT.parent / "shared" / "data"))
FAQ = DATA / "duplicates" / "stackfaq" / "stackExchange-FAQ.json"
pytestmark = [pytest.mark.realdata, pytest.mark.skipif(not FAQ.is_file(), reason=f"{FAQ} is not there")]


class Judged(NamedTuple):
    """Pages, and questions with the page each asks for."""

    pages: list[SearchDoc]
    questions: list[tuple[str, str]]


def judged(*, variants: bool) -> Judged:
    """125 threads; the second annotator's wordings are the questions, the first one's other wordings of the page."""
    pages, questions = [], []
    for number, thread in enumerate(json.loads(FAQ.read_text(encoding="utf-8"))["root"]["qapair"]):
        wordings = thread["rephr"]
        middle = wordings.index("*") if "*" in wordings else len(wordings) // 2
        also = tuple(w for w in wordings[:middle] if w)
        answers = thread["answer"] if isinstance(thread["answer"], list) else [thread["answer"]]
        path = f"/q/{number}/"
        pages.append(SearchDoc(path, thread["question"], also if variants else (), text="\n".join(answers)))
        questions += [(w, path) for w in wordings[middle:] if w and w != "*"]
    return Judged(pages, questions)


def mrr(ranks: list[list[str]], questions: list[tuple[str, str]]) -> float:
    """Mean reciprocal rank within the first ten."""
    return sum(1 / (r.index(path) + 1) for r, (_, path) in zip(ranks, questions, strict=True) if path in r) / len(ranks)


@pytest.mark.parametrize(("variants", "floor"), [(False, 0.87), (True, 0.96)])
def test_the_shipped_index_does_not_fall_below_whoosh(tmp_path: Path, floor: float, *, variants: bool) -> None:
    """On 624 human questions the static index ranks at least as well as Whoosh, and never comes back empty."""
    pages, questions = judged(variants=variants)
    build_index(pages, tmp_path / "search")
    reader = StaticIndex(tmp_path / "search", "en")
    reference = TerminalIndex(tmp_path / "whoosh")
    reference.update((page.path, "1", page) for page in pages)
    ours = [[path for path, _ in reader.search(question)] for question, _ in questions]
    theirs = [[hit.path for hit in reference.search(question)] for question, _ in questions]
    assert len(questions) == 624
    assert [question for (question, _), found in zip(questions, ours, strict=True) if not found] == []
    assert mrr(ours, questions) >= max(floor, mrr(theirs, questions))
