"""kbgen at 10,000 and 100,000 threads: what a page costs there, what a night with little change costs, and memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from pathlib import Path

from msgspec import Struct

from bench.corpus import Seed, Topic, multiply, vocabulary
from bench.figures import met, middle, rate, ratio
from bench.peers import Hugo, PeerRun, built, ready, sound
from bench.pouring import Pouring, pour_beside_copy
from bench.project import write_project
from bench.subject import SubjectRun, build, measure

SMALL = 10_000
# Of the builds that are compared with Hugo's: one of each says little on a machine that is not alone.
_ROUNDS = 3
GOAL_COLD = 30.0
GOAL_COPY = 4.0
GOAL_GROWTH = 1.3
GOAL_MEMORY = 1_500_000_000
GOAL_AGAIN = 0.03
GOAL_EDIT = 0.08
GOAL_PAGE = 14_000
# What the goal for a page's size is about: an answer of about two thousand characters of HTML.
ANSWER = (1500, 2500)

Row = tuple[str, str, str, str]


class ScaleRun(Struct, frozen=True):
    """kbgen's builds of two sizes, and Hugo's of the smaller one.

    Attributes:
        small, large: a cold build, one more and three nights each; the larger cold one is weighed.
        threads: of the large one.
        colds: seconds of the cold builds of the smaller one, by turns with those of ``hugo``.
        hugo: with a bare template, on the smaller number of threads; the run of middle length.
        pouring: rendering and writing every page of the smaller one, and nothing else, beside a copy of it.
        answer_page: median bytes of the HTML of pages whose answer has about 2 kB; 0 when there is none.
    """

    small: SubjectRun
    large: SubjectRun
    threads: int
    colds: tuple[float, ...]
    hugo: PeerRun
    pouring: Pouring
    answer_page: int = 0


def measure_scale(folder: Path, seeds: Sequence[Seed], threads: int, say: Callable[[str], None]) -> ScaleRun:
    """Build both sizes, one after the other; nothing is removed between, so that nobody works beside a large removal.

    Args:
        folder: to work in.
        seeds: real threads.
        threads: the larger number.
        say: where to report.

    Raises:
        BenchError: a build fails.
    """
    peer = ready(Hugo, folder / "hugo-large", list(multiply(seeds, SMALL)))
    say(f"kbgen, cold, again and three nights, of {SMALL:,} threads")
    # Not weighed: to be looked at takes time, and Hugo is not.
    small = _built(folder / "small", seeds, SMALL, memory=False)
    answer_page = _answer_page(folder / "small", seeds)
    colds, hugos = [small.cold.wall], [built(peer)]
    for number in range(1, _ROUNDS):
        say(f"kbgen and Hugo, {SMALL:,} pages, by turns")
        colds.append(_cold(folder / f"small-{number}", seeds))
        hugos.append(built(peer))
    runs = sorted(sound(hugos), key=attrgetter("wall"))
    say("pouring alone and copying, by turns")
    pouring = pour_beside_copy(folder / "small")
    say(f"kbgen, cold, again and three nights, of {threads:,} threads, memory sampled")
    large = _built(folder / "large", seeds, threads, memory=True)
    return ScaleRun(small, large, threads, tuple(colds), runs[len(runs) // 2], pouring, answer_page)


def _built(project: Path, seeds: Sequence[Seed], threads: int, *, memory: bool) -> SubjectRun:
    """Three builds."""
    _lay_out(project, seeds, threads)
    return measure(project, lambda: multiply(seeds, threads), threads, memory=memory)


def _answer_page(project: Path, seeds: Sequence[Seed]) -> int:
    sizes = sorted(_sizes(project, multiply(seeds, SMALL)))
    return sizes[len(sizes) // 2] if sizes else 0


def _sizes(project: Path, topics: Iterable[Topic]) -> Iterator[int]:
    low, high = ANSWER
    wanted = {topic.number for topic in topics if low <= len(topic.posts[topic.accepted]) <= high}
    for file in (project / "site" / "q").glob("*/index.html"):
        if int(file.parent.name.rpartition("-")[2]) in wanted:
            yield file.stat().st_size


def _cold(project: Path, seeds: Sequence[Seed]) -> float:
    """Seconds of one cold build of the smaller number of threads."""
    _lay_out(project, seeds, SMALL)
    return build(project).wall


def _lay_out(project: Path, seeds: Sequence[Seed], threads: int) -> None:
    project.mkdir()
    write_project(project, multiply(seeds, threads), vocabulary(seeds))


def scale_rows(run: ScaleRun, material: float) -> list[Row]:
    """Figure, measured, goal, met.

    Args:
        run: what was measured.
        material: pages a second of MkDocs with Material at its best, 0 when it was not measured.
    """
    small, large = run.small, run.large
    usual = middle(run.colds, float)
    cold = small.cold.pages / usual
    render = small.cold.stages.get("render", 0.0)
    pour, copy = run.pouring
    hugo = 0.0 if run.hugo.missing else rate(run.hugo.pages, run.hugo.wall)
    growth = (large.cold.wall / large.cold.pages) / (usual / small.cold.pages)
    at = f"at {run.threads:,}"
    again, edit = large.again.wall / large.cold.wall, large.edit.wall / large.cold.wall
    rows = [
        _times(f"cold build of {SMALL:,}, all stages, beside MkDocs + Material", cold, material, GOAL_COLD),
        _times("the same beside Hugo with a bare template", cold, hugo, 1.0),
        _at_most("pour alone beside `cp -r` of the finished site", pour / copy, GOAL_COPY, "{:.1f} x"),
        ("the same with checks, search index, feeds and sitemap", f"{render / copy:.1f} x", "", ""),
        _at_most(f"a page {at} beside one at {SMALL:,}, seconds", growth, GOAL_GROWTH, "{:.2f} x"),
        _at_most(f"nothing changed {at}, share of cold", again, GOAL_AGAIN, "{:.1%}"),
        _at_most(f"1 % edited {at}, median of {len(large.nights)} nights, share of cold", edit, GOAL_EDIT, "{:.1%}"),
    ]
    if large.cold.peak is not None:
        rows.append(_at_most(f"peak memory {at}, all processes", large.cold.peak, GOAL_MEMORY, "{:,.0f} B"))
    if run.answer_page:
        rows.append(_at_most("median page with an answer of 2 kB", run.answer_page, GOAL_PAGE, "{:,.0f} B"))
    return rows


def _times(figure: str, ours: float, theirs: float, goal: float) -> Row:
    if not theirs:
        return figure, "-", f"≥ {goal:.0f} x", "-"
    return figure, ratio(ours, theirs), f"≥ {goal:.0f} x", met(ours >= goal * theirs)


def _at_most(figure: str, value: float, goal: float, shape: str) -> Row:
    return figure, shape.format(value), f"≤ {shape.format(goal)}", met(value <= goal)
