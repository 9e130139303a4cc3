"""Commands that make something: a project, its site stage by stage, the preview."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from kbgen.cli.root import (
    AllowVanish,
    Clean,
    Engine,
    EngineName,
    Jobs,
    SiteDir,
    State,
    app,
    open_here,
)
from kbgen.errors import KbgenError, UsageError
from kbgen.model import StageReport
from kbgen.progress import shown
from kbgen.runs import Options, RunReport
from kbgen.standing import unchanged


def _report(folder: Path, chosen: Options, names: Sequence[str] | None) -> RunReport:
    nothing = unchanged(folder, chosen) if names is None else None
    if nothing is not None:
        return nothing
    from kbgen.pipeline import run_stages

    project = open_here()
    with shown(State.voice.err, quiet=State.voice.quiet) as progress:
        return run_stages(project, chosen, progress, names)


def _summarised(folder: Path, summary: Path, run: Callable[[], RunReport]) -> RunReport:
    from kbgen import summary as words
    from kbgen.config import load_config
    from kbgen.sources import source_kinds

    # A name that cannot be written is told before the run, whose report would be lost with it.
    words.begin_summary(summary)
    try:
        report = run()
    except KbgenError as error:
        with suppress(UsageError):
            words.write_summary(summary, words.of_error(error))
        raise
    try:
        words.write_summary(summary, words.of_run(report, load_config(folder, source_kinds()).site.url))
    except UsageError as error:
        return replace(report, stages=(*report.stages, StageReport("summary", failed=(str(error),))))
    return report


def _run(names: Sequence[str] | None, site_dir: Path | None, **options: Any) -> int:
    voice = State.voice
    folder = State.folder.resolve()
    chosen = Options(site_dir=site_dir or folder / "site", **options)
    run = partial(_report, folder, chosen, names)
    report = run() if chosen.summary is None else _summarised(folder, chosen.summary, run)
    voice.run(report)
    return report.exit_code


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    *,
    ci: Annotated[
        list[str] | None,
        typer.Option("--ci", metavar="KIND", help="github, gitlab, systemd or container; repeat for several."),
    ] = None,
    url: Annotated[
        str, typer.Option("--from", metavar="URL", help="Look at a community and write the source that reads it.")
    ] = "",
) -> int:
    """Write the skeleton of a new knowledge base, or the nightly run of one that is there."""
    from kbgen.commands import setup

    return setup.init(folder, State.voice, tuple(ci or ()), url)


@app.command()
def build(  # noqa: PLR0913  # a parameter an option
    *,
    offline: Annotated[bool, typer.Option("--offline", help="No network: files and what the store holds.")] = False,
    site_dir: SiteDir = None,
    jobs: Jobs = 0,
    clean: Clean = False,
    engine: Engine = EngineName.MKDOCS,
    allow_vanish: AllowVanish = False,
    summary: Annotated[
        Path | None, typer.Option("--summary", metavar="FILE.md", help="Write what the run came to as Markdown, too.")
    ] = None,
) -> int:
    """Run every stage; what CI runs at night."""
    options = {"jobs": jobs, "clean": clean, "engine": engine, "allow_vanish": allow_vanish, "offline": offline}
    return _run(None, site_dir, summary=summary, **options)


@app.command()
def adopt(
    where: Annotated[
        str, typer.Argument(metavar="[URL|FILE]", help="The published site, or its manifest (default: site.url).")
    ] = "",
    *,
    site_dir: SiteDir = None,
) -> int:
    """Take over the addresses of the published site before a build; for machines that lose their cache."""
    from kbgen.commands import adopting

    return adopting.adopt(open_here(), where, site_dir, State.voice)


@app.command()
def harvest(
    sources: Annotated[list[str] | None, typer.Argument(metavar="[SOURCE]...", help="Names; all by default.")] = None,
    *,
    full: Annotated[bool, typer.Option("--full", help="Read unchanged files, too, and all of live sources.")] = False,
    allow_vanish: Annotated[
        bool, typer.Option("--allow-vanish", help="Withdraw even more than guard.max_withdrawn allows.")
    ] = False,
    record: Annotated[
        Path | None, typer.Option("--record", metavar="FILE", help="Write every exchange there, without keys.")
    ] = None,
) -> int:
    """Read the sources into the store."""
    return _run(["harvest"], None, sources=tuple(sources or ()), full=full, allow_vanish=allow_vanish, record=record)


@app.command()
def curate(
    *,
    jobs: Jobs = 0,
    clean: Clean = False,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Then measure the bands of duplicates on what the communities declared.")
    ] = False,
    precision: Annotated[
        float, typer.Option("--precision", min=0.5, max=0.999, metavar="SHARE", help="Of merged pairs to be right.")
    ] = 0.97,
    write: Annotated[bool, typer.Option("--write", help="Write the proposed thresholds to kbgen.yml.")] = False,
) -> int:
    """Decide what is published, tag it and merge it."""
    if write and not calibrate:
        raise UsageError("--write writes what --calibrate proposes; give both")
    if not calibrate:
        return _run(["curate"], None, jobs=jobs, clean=clean)
    from kbgen.commands import proposing

    return proposing.calibrate(open_here(), State.voice, jobs=jobs, precision=precision, write=write)


@app.command(name="compile")
def compile_site(*, engine: Engine = EngineName.MKDOCS) -> int:
    """Compile the site as data and print its faults; nothing is written."""
    return _run(["compile"], None, engine=engine)


@app.command()
def render(
    *, site_dir: SiteDir = None, jobs: Jobs = 0, clean: Clean = False, engine: Engine = EngineName.MKDOCS
) -> int:
    """Make the staging site beside the live one."""
    return _run(["compile", "render"], site_dir, jobs=jobs, clean=clean, engine=engine)


@app.command()
def publish(
    *, site_dir: SiteDir = None, jobs: Jobs = 0, engine: Engine = EngineName.MKDOCS, allow_vanish: AllowVanish = False
) -> int:
    """Judge the staging site and switch to it."""
    return _run(["publish"], site_dir, jobs=jobs, engine=engine, allow_vanish=allow_vanish)


@app.command()
def serve(
    *,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, metavar="N", help="0 for any free port.")] = 8000,
    site_dir: SiteDir = None,
) -> int:
    """Preview the site; it is built again and reloaded when a file changes."""
    from kbgen.serve import serve as serve_site

    project = open_here()
    return serve_site(project, site_dir or project.cache / "preview", port, State.voice)
