"""Commands that tell how things are: the report, the site judged, everything as lines, the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kbgen.cli.root import (
    Jobs,
    SiteDir,
    State,
    app,
    config_app,
    open_here,
)


@app.command()
def report(
    *, html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write it as a page, too.")] = None
) -> int:
    """Tell the state of the knowledge base and what needs a person."""
    from kbgen.commands import reading

    return reading.report(open_here(), State.voice, html)


@app.command()
def status() -> int:
    """Tell what the store holds and what is published."""
    from kbgen.commands import reading

    return reading.status(open_here(), State.voice)


@app.command()
def check(
    *,
    site_dir: SiteDir = None,
    jobs: Jobs = 0,
    external: Annotated[
        bool, typer.Option("--external", help="Ask other sites whether links to them still lead somewhere, too.")
    ] = False,
    limit: Annotated[
        int, typer.Option("--limit", min=1, metavar="N", help="With --external: how many addresses to ask at most.")
    ] = 1000,
) -> int:
    """Judge the built site: links, metadata, structured data, sitemap, attribution."""
    from kbgen.commands import checking

    return checking.check(open_here(), site_dir, State.voice, jobs=jobs, external=limit if external else 0)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE.jsonl", help="Written anew; - for standard output.")],
) -> int:
    """Write every published entry and article as JSON lines."""
    from kbgen.commands import reading

    return reading.export(open_here(), file, State.voice)


@config_app.command()
def schema() -> int:
    """Print the JSON Schema of site_config/kbgen.yml, for editors."""
    from kbgen.commands import setup

    return setup.schema(State.voice)


@config_app.command(name="check")
def config_check() -> int:
    """Read every file people edit and name all faults."""
    from kbgen.commands import setup

    return setup.config_check(open_here(), State.voice)
