"""The figures as a Markdown table, each beside its goal, and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from bench.figures import met, middle, rate, ratio
from bench.peers import PeerRun
from bench.scale import ScaleRun, scale_rows
from bench.subject import BuildRun, SubjectRun

GOAL_PEER = "MkDocs + Material"
GOAL_RATIO = 20.0
GOAL_AGAIN = 0.10
GOAL_TOUCHED = 0
GOAL_MEMORY = 1_000_000_000


class Machine(Struct, frozen=True):
    """Where it was measured.

    Attributes:
        load: one-minute load average before and after.
    """

    cores: int
    python: str
    load: tuple[float, float]


class Results(Struct, frozen=True):
    """All figures.

    Attributes:
        pages: threads given to every generator.
        subject: kbgen's rounds.
        peers: each peer's rounds.
        threads: of the memory build.
        memory: that build, None when it was skipped.
        scale: builds of 10,000 and more, None when they were skipped.
    """

    kbgen: str
    machine: Machine
    pages: int
    subject: tuple[SubjectRun, ...]
    peers: tuple[tuple[PeerRun, ...], ...] = ()
    threads: int = 0
    memory: BuildRun | None = None
    scale: ScaleRun | None = None


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the first column is text, the others are figures."""
    lines = [f"| {' | '.join(head)} |", "|---|" + "---:|" * (len(head) - 1)]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines)


def markdown(results: Results) -> str:
    """The whole report."""
    parts = [f"### {results.pages:,} threads", table(_ENGINE_HEAD, _engine_rows(results))]
    parts += [table(("figure", "measured", "goal", "met"), _goal_rows(results))]
    parts += [table(("kbgen's builds", "first", "again", "1 % edited"), _build_rows(results))]
    absent = [f"- {runs[0].name}: not available: {runs[0].missing}" for runs in results.peers if runs[0].missing]
    parts += ["\n".join(absent)] if absent else []
    return "\n\n".join([*parts, _machine_line(results)])


_ENGINE_HEAD = (
    "generator",
    "version",
    "seconds",
    "CPU s",
    "thread pages",
    "pages/s",
    "pages/CPU s",
    "kbgen, cold, is",
    "pour + publish is",
)


def _cold_rate(results: Results) -> float:
    return middle(results.subject, lambda run: rate(run.cold.pages, run.cold.wall))


def _pour_rate(results: Results) -> float:
    return middle(results.subject, lambda run: rate(run.cold.pages, run.cold.pour))


def _peer_rate(runs: Sequence[PeerRun]) -> float:
    return 0.0 if runs[0].missing else middle(runs, lambda run: rate(run.pages, run.wall))


def _engine_rows(results: Results) -> list[tuple[str, ...]]:
    runs = results.subject
    pages = f"{middle(runs, lambda run: run.cold.pages):,.0f}"
    cold, pour = _cold_rate(results), _pour_rate(results)
    wall, cpu = middle(runs, lambda run: run.cold.wall), middle(runs, lambda run: run.cold.cpu)
    work = middle(runs, lambda run: rate(run.cold.pages, run.cold.cpu))
    rows = [
        (
            "kbgen, cold build",
            results.kbgen,
            f"{wall:.1f}",
            f"{cpu:.1f}",
            pages,
            f"{cold:,.0f}",
            f"{work:,.0f}",
            "",
            "",
        ),
        ("kbgen, pour + publish", "", f"{middle(runs, _pour):.1f}", "", pages, f"{pour:,.0f}", "", "", ""),
    ]
    return rows + [_peer_row(peer, cold, pour) for peer in results.peers]


def _pour(run: SubjectRun) -> float:
    return run.cold.pour


def _peer_row(runs: Sequence[PeerRun], cold: float, pour: float) -> tuple[str, ...]:
    if runs[0].missing:
        return (runs[0].name, "not available", *("-" * (len(_ENGINE_HEAD) - 2)))
    own = _peer_rate(runs)
    return (
        runs[0].name,
        runs[0].version,
        f"{middle(runs, lambda run: run.wall):.1f}",
        f"{middle(runs, lambda run: run.cpu):.1f}",
        f"{middle(runs, lambda run: run.pages):,.0f}",
        f"{own:,.0f}",
        f"{middle(runs, lambda run: rate(run.pages, run.cpu)):,.0f}",
        ratio(cold, own),
        ratio(pour, own),
    )


def _goal_rows(results: Results) -> list[tuple[str, str, str, str]]:
    runs = results.subject
    mkdocs = _mkdocs_rate(results)
    pour = _pour_rate(results)
    share = middle(runs, lambda run: run.again.wall / run.cold.wall)
    touched = middle(runs, lambda run: run.again.touched)
    fast = pour >= GOAL_RATIO * mkdocs if mkdocs else None
    rows = [
        ("pour + publish, beside MkDocs + Material", ratio(pour, mkdocs), f"≥ {GOAL_RATIO:.0f} x", met(fast)),
        ("second build, share of the first", f"{share:.1%}", f"≤ {GOAL_AGAIN:.0%}", met(share <= GOAL_AGAIN)),
        ("files written by the second build", f"{touched:,.0f}", f"{GOAL_TOUCHED}", met(touched <= GOAL_TOUCHED)),
        ("median size of a thread page", f"{middle(runs, lambda run: run.page_bytes) / 1000:.1f} kB", "", ""),
    ]
    rows += [_memory_row(results.memory, results.threads)] if results.memory else []
    return rows + (scale_rows(results.scale, mkdocs) if results.scale else [])


def _mkdocs_rate(results: Results) -> float:
    return next((_peer_rate(peer) for peer in results.peers if peer[0].name == GOAL_PEER), 0.0)


def _memory_row(build: BuildRun, threads: int) -> tuple[str, str, str, str]:
    label = f"peak memory at {threads:,} threads, all processes"
    goal = f"< {GOAL_MEMORY / 1e6:,.0f} MB"
    if build.peak is None:
        return (label, "not available: no /proc", goal, "-")
    measured = f"{build.peak / 1e6:,.0f} MB ({build.wall:.0f} s, {rate(build.pages, build.wall):,.0f} pages/s)"
    return (label, measured, goal, met(build.peak < GOAL_MEMORY))


def _build_rows(results: Results) -> list[tuple[str, ...]]:
    runs = results.subject
    builds: tuple[Callable[[SubjectRun], BuildRun], ...] = (
        lambda run: run.cold,
        lambda run: run.again,
        lambda run: run.edit,
    )

    def row(label: str, text: str, value: Callable[[BuildRun], float]) -> tuple[str, ...]:
        return (label, *(text.format(middle(runs, lambda run, pick=pick: value(pick(run)))) for pick in builds))  # type: ignore[misc]

    stages = list(dict.fromkeys(name for run in runs for name in run.cold.stages))
    rows = [row("seconds", "{:.2f}", lambda build: build.wall), row("CPU seconds", "{:.2f}", lambda build: build.cpu)]
    rows += [row(f"{name}, seconds", "{:.2f}", _stage_seconds(name)) for name in stages]
    rows += [row("files written or removed", "{:,.0f}", lambda build: build.touched)]
    copied = f"{middle(runs, lambda run: run.copy):.2f}"
    return [*rows, ("`cp -r` of the site, seconds, for scale", copied, "", "")]


def _stage_seconds(name: str) -> Callable[[BuildRun], float]:
    return lambda build: build.stages.get(name, 0.0)


def _machine_line(results: Results) -> str:
    machine = results.machine
    rounds = len(results.subject)
    before, after = machine.load
    return (
        f"{machine.cores} cores, Python {machine.python}, load average {before:.1f} before and {after:.1f} after; "
        f"{'one round' if rounds == 1 else f'medians of {rounds} rounds'}."
    )
