"""Pouring alone: every page of a finished project rendered and written once more, and nothing else done.

No checks, no feeds, sitemap or search index: what a copy of the finished site can be compared with. The workers are
forked, as those of a build are, and the templates compiled within the time that is taken.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from bench.errors import BenchError
from bench.figures import middle
from bench.measure import run
from bench.project import ROOT
from kbgen.model import Page
from kbgen.pipeline import Options, Run
from kbgen.progress import Silent
from kbgen.project import open_project
from kbgen.site.pour import PourJob, portions, write_pages

_ROUNDS = 3


class Pouring(NamedTuple):
    """Seconds, each the median of some rounds: to pour all pages of a site, and to copy its files."""

    pour: float
    copy: float


def pour_beside_copy(project: Path, rounds: int = _ROUNDS) -> Pouring:
    """Pour all pages of a project that was built, and copy its site, by turns.

    What is written stays in the project: some file systems are slow to make files where many were removed just now.

    Raises:
        BenchError: a measuring process fails.
    """
    both = [(_pour_alone(project, f"poured-{number}"), _copy(project, f"copy-{number}")) for number in range(rounds)]
    return Pouring(middle(both, itemgetter(0)), middle(both, itemgetter(1)))


def _copy(project: Path, name: str) -> float:
    return run(["cp", "-r", "site", name], folder=project).wall


def _pour_alone(project: Path, name: str) -> float:
    command = [sys.executable, "-m", "bench.pouring", str(project), str(project / name)]
    timing = run(command, folder=project, environment={"PYTHONPATH": str(ROOT)})
    try:
        return float(timing.out)
    except ValueError as error:
        raise BenchError(f"pouring alone ended with {timing.code}:\n{timing.err[-3000:]}") from error


def _written(job: PourJob, pages: Sequence[Page]) -> int:
    return len(write_pages(job, pages))


def main(given: Sequence[str] | None = None) -> None:
    """Pour a project's pages into a folder and print the seconds."""
    parser = argparse.ArgumentParser(prog="python -m bench.pouring", description=__doc__)
    parser.add_argument("project", type=Path, help="a project that was built")
    parser.add_argument("out", type=Path, help="a new folder for the pages")
    chosen = parser.parse_args(given)
    chosen.out.mkdir()
    with Run(open_project(chosen.project), Options(chosen.project / "site"), Silent()) as made:
        site = made.job()
        job = PourJob(site.config, site.frames, site.topics, site.sources, site.store.path, chosen.out)
        pages = site.library.pages.values()
        started = time.perf_counter()
        count = sum(made.workers.start(partial(_written, job), portions(pages)))
        seconds = time.perf_counter() - started
    if count != len(pages):
        raise BenchError(f"{count} pages were poured, the site has {len(pages)}")
    print(f"{seconds:.3f}")


if __name__ == "__main__":
    main()
