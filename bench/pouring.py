"""Pouring alone: every page of a finished project rendered and written once more, and nothing else done.

No checks, no feeds, sitemap or search index: what a copy of the finished site can be compared with. The workers are
started and the templates compiled within the time that is taken.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from bench.errors import BenchError
from bench.measure import run
from bench.project import ROOT
from kbgen.executor import Workers, chunks
from kbgen.model import Page
from kbgen.pipeline import Options, Run
from kbgen.progress import Silent
from kbgen.project import open_project
from kbgen.site.pour import PourJob, write_pages

_CHUNK = 50


def pour_alone(project: Path) -> float:
    """Seconds it takes to render and write all pages of a project that was built.

    Raises:
        BenchError: the measuring process fails.
    """
    command = [sys.executable, "-m", "bench.pouring", str(project)]
    timing = run(command, folder=project, environment={"PYTHONPATH": str(ROOT)})
    try:
        return float(timing.out)
    except ValueError as error:
        raise BenchError(f"pouring alone ended with {timing.code}:\n{timing.err[-3000:]}") from error


def _written(job: PourJob, pages: Sequence[Page]) -> int:
    return len(write_pages(job, pages))


def main(given: Sequence[str] | None = None) -> None:
    """Pour a project's pages into a folder beside its site, print the seconds, and remove them again."""
    parser = argparse.ArgumentParser(prog="python -m bench.pouring", description=__doc__)
    parser.add_argument("project", type=Path, help="a project that was built")
    folder: Path = parser.parse_args(given).project
    project = open_project(folder)
    with Run(project, Options(folder / "site"), Silent()) as made, tempfile.TemporaryDirectory(dir=folder) as place:
        site = made.job()
        job = PourJob(site.config, site.frames, site.topics, site.sources, site.store.path, Path(place))
        # Lists take longest: no worker should be left alone with them at the end.
        pages = sorted(site.library.pages.values(), key=lambda page: (page.body != "", page.path))
        with Workers() as workers:
            started = time.perf_counter()
            count = sum(workers.start(partial(_written, job), chunks(pages, _CHUNK)))
            seconds = time.perf_counter() - started
    if count != len(pages):
        raise BenchError(f"{count} pages were poured, the site has {len(pages)}")
    print(f"{seconds:.3f}")


if __name__ == "__main__":
    main()
