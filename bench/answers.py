"""``python -m bench.answers``: how often the answer called most helpful is the one that was accepted.

Accepted answers are hidden from the formula, which was fitted elsewhere: nothing is learnt here. The threads are cut
into five folds to show how much the figure moves. Beside it the first answer, the longest and the most liked. Not here:
the formula (``kbgen.curate.answers``).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from zlib import crc32

from bench.corpus import data_folder
from bench.errors import BenchError, DataMissing
from bench.tagging import threads as dump_threads
from kbgen.curate.answers import helpfulness, is_live
from kbgen.curate.text import html_text
from kbgen.errors import KbgenError, RecordError
from kbgen.model import Thread
from kbgen.sources.discourse import DiscourseOptions, DiscourseSource

FOLDS = 5
GOALS = {"urho3d-slice": 61.0}


@dataclass(frozen=True)
class Case:
    """A solved thread with a choice: the places of the answers not by the asker, and of the accepted ones."""

    thread: Thread
    texts: Mapping[str, str]
    places: tuple[int, ...]
    right: frozenset[int]


_Pick = Callable[[Case, int], float]
PICKS: dict[str, _Pick] = {
    "first": lambda _, place: -place,
    "longest": lambda case, place: len(case.texts[case.thread.answers[place].id]),
    "most liked": lambda case, place: case.thread.answers[place].score or 0,
    "kbgen": lambda case, place: helpfulness(case.thread, place, case.texts),
}


def cases(threads: Iterable[Thread]) -> list[Case]:
    """The threads whose accepted answer is one of two or more by others than the asker."""
    found = []
    for thread in threads:
        asker = thread.question.author.id
        texts = {post.id: html_text(post.html) for post in thread.answers if is_live(post)}
        places = tuple(
            place
            for place, post in enumerate(thread.answers)
            if texts.get(post.id) and not (asker and post.author.id == asker)
        )
        accepted = {mark.post_id for mark in thread.solved}
        right = frozenset(place for place in places if thread.answers[place].id in accepted)
        if len(places) > 1 and right:
            found.append(Case(thread, texts, places, right))
    return found


def folds(found: Sequence[Case], pick: _Pick) -> list[float]:
    """How often the pick is right, in per cent, in each fold."""
    shares = []
    for fold in range(FOLDS):
        some = [case for case in found if crc32(case.thread.ref.encode()) % FOLDS == fold]
        hits = [max(case.places, key=lambda place, case=case: pick(case, place)) in case.right for case in some]  # type: ignore[misc]
        shares.append(100 * mean(hits) if hits else 0.0)
    return shares


def overall(found: Sequence[Case], pick: _Pick) -> float:
    """How often the pick is right, in per cent."""
    return 100 * mean(max(case.places, key=lambda place: pick(case, place)) in case.right for case in found)


def forum_threads(archive: Path) -> list[Thread]:
    """The threads of recorded topics."""
    options = DiscourseOptions(name="forum", kind="discourse", url="https://forum.example.com", archive=str(archive))
    source = DiscourseSource(options, archive.parent)
    try:
        parsed = [source.parse(record) for record in source.records() if not isinstance(record, RecordError)]
    except KbgenError as error:
        raise DataMissing(f"{archive}: {error}") from error
    return [thread for thread in parsed if isinstance(thread, Thread)]


def report(name: str, found: Sequence[Case]) -> tuple[str, bool]:
    """The figures of one community, and whether its goal is reached."""
    by_chance = 100 * mean(len(case.right) / len(case.places) for case in found)
    lines = [f"| {name}, {len(found)} threads | by chance | {by_chance:.1f} | | |"]
    reached = True
    for key, pick in PICKS.items():
        hit = overall(found, pick)
        spread = ", ".join(f"{share:.0f}" for share in folds(found, pick))
        goal = ""
        if key == "kbgen" and name in GOALS:
            reached = hit >= GOALS[name]
            goal = f"goal {GOALS[name]:.0f}: {'reached' if reached else 'MISSED'}"
        lines.append(f"| | {key} | {hit:.1f} | {spread} | {goal} |")
    return "\n".join(lines), reached


def main() -> int:
    """Measure every community with accepted answers; 1 when a goal is missed, 2 when there are no data."""
    try:
        data = data_folder()
        found = {"urho3d-slice": cases(forum_threads(data / "discourse" / "urho3d-slice" / "topics.tar.zst"))}
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    dumps = sorted(path.parent for path in (data / "stackexchange").glob("*/Posts.xml"))
    found |= {dump.name: cases(dump_threads(dump)) for dump in dumps}
    print("| Community | Best answer by | P@1 | of each fold | |\n|---|---|---:|---|---|")
    results = [report(name, some) for name, some in found.items() if some]
    print("\n".join(text for text, _ in results))
    return 0 if all(reached for _, reached in results) else 1


if __name__ == "__main__":
    sys.exit(main())
