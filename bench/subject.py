"""kbgen measured: a cold build, the same again, nights with 1 % of the threads edited, and memory at scale."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median

import msgspec
from msgspec import Struct

from bench.corpus import Topic
from bench.errors import BenchError
from bench.measure import Timing, moved, run, set_aside, snapshot
from bench.project import ENTRIES, ROOT, write_archive

_EDITED_EVERY = 100
_NIGHTS = 3


class BuildRun(Struct, frozen=True):
    """One build.

    Attributes:
        stages: seconds by stage.
        pages: thread pages of the site afterwards.
        html: all its pages.
        touched: files of the site written, replaced or removed by this build.
        peak: bytes of the whole process tree, None when not sampled.
    """

    wall: float
    cpu: float
    stages: dict[str, float]
    pages: int
    html: int
    touched: int
    peak: int | None = None

    @property
    def pour(self) -> float:
        """Seconds of render and publish: pages poured, checked and switched to."""
        return self.stages.get("render", 0.0) + self.stages.get("publish", 0.0)


class SubjectRun(Struct, frozen=True):
    """kbgen's figures of one round.

    Attributes:
        nights: builds that each find other threads edited.
        copy: seconds `cp -r` needs for the finished site.
        page_bytes: median size of a thread page.
        edited: how many threads the first of the nights saw changed.
    """

    cold: BuildRun
    again: BuildRun
    nights: tuple[BuildRun, ...]
    copy: float
    page_bytes: int
    edited: int

    @property
    def edit(self) -> BuildRun:
        """The night of median length."""
        return sorted(self.nights, key=lambda night: night.wall)[len(self.nights) // 2]


class _Stage(Struct):
    stage: str
    seconds: float = 0.0


class _Report(Struct):
    published: bool
    stages: list[_Stage]


def measure(project: Path, topics: Callable[[], Iterable[Topic]], count: int, *, memory: bool = False) -> SubjectRun:
    """A cold build in a project, one more, and some nights.

    Args:
        project: as ``write_project`` left it, or as an earlier round did.
        topics: gives the project's threads.
        count: how many they are.
        memory: weigh the first build.

    Raises:
        BenchError: a build fails.
    """
    _clean(project)
    write_archive(project, topics())
    cold = build(project, memory=memory)
    again = build(project)
    nights: list[BuildRun] = []
    edited: set[int] = set()
    for night in range(_NIGHTS):
        # What was edited stays edited: a night finds one thread in a hundred changed, and no more.
        edited.update(range(1 + night, count + 1, _EDITED_EVERY))
        write_archive(project, topics(), frozenset(edited))
        nights.append(build(project))
    # It stays for now: some file systems are slow to make files where many were removed just now.
    copied = run(["cp", "-r", "site", "copy"], folder=project)
    sizes = [file.stat().st_size for file in (project / "site" / ENTRIES).glob("*/index.html")]
    page = int(median(sizes)) if sizes else 0
    return SubjectRun(cold, again, tuple(nights), copied.wall, page, len(range(1, count + 1, _EDITED_EVERY)))


def memory(project: Path) -> BuildRun:
    """A cold build whose process tree is weighed.

    Raises:
        BenchError: the build fails.
    """
    _clean(project)
    return build(project, memory=True)


def _clean(project: Path) -> None:
    set_aside(project, ".kbgen", "site", "copy")


def build(project: Path, *, memory: bool = False) -> BuildRun:
    """Run ``kbgen build`` as a child process.

    Raises:
        BenchError: it fails.
    """
    site = project / "site"
    before = snapshot(site)
    command = [sys.executable, "-m", "kbgen", "-C", str(project), "--json", "build"]
    timing = run(command, folder=project, environment={"PYTHONPATH": str(ROOT)}, memory=memory)
    stages = _stages(timing)
    after = snapshot(site)
    html = [name for name in after if name.endswith(".html")]
    return BuildRun(
        wall=timing.wall,
        cpu=timing.cpu,
        stages=stages,
        pages=sum(name.startswith(f"{ENTRIES}/") for name in html),
        html=len(html),
        touched=moved(before, after),
        peak=timing.peak,
    )


def _stages(timing: Timing) -> dict[str, float]:
    if timing.code:
        raise BenchError(f"kbgen build ended with {timing.code}:\n{timing.err[-3000:]}{timing.out[-3000:]}")
    try:
        report = msgspec.json.decode(timing.out, type=_Report)
    except msgspec.DecodeError as error:
        raise BenchError(f"kbgen build --json printed what is not its report ({error}):\n{timing.out[:500]}") from error
    seconds: dict[str, float] = {}
    for stage in report.stages:
        # "harvest community" is one source's share of harvest.
        name = stage.stage.split(" ")[0]
        seconds[name] = seconds.get(name, 0.0) + stage.seconds
    return seconds
