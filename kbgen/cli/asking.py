"""Commands that ask the site something."""

from __future__ import annotations

from typing import Annotated

import typer

from kbgen.cli.root import (
    State,
    app,
    open_here,
)


@app.command()
def search(
    query: Annotated[list[str], typer.Argument(metavar="QUERY", help="Words to look for.")],
    *,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, metavar="N", help="How many to print.")] = 10,
    lang: Annotated[str | None, typer.Option("--lang", metavar="CODE", help="One language only.")] = None,
    topic: Annotated[str | None, typer.Option("--topic", metavar="SLUG", help="One topic only.")] = None,
) -> int:
    """Rank entries for a query."""
    from kbgen.commands import reading

    return reading.search(open_here(), " ".join(query), State.voice, limit=limit, lang=lang, topic=topic)


@app.command()
def why(what: Annotated[str, typer.Argument(metavar="REF|URL", help="community:1234, or a page's address.")]) -> int:
    """Tell every decision about one thread or page."""
    from kbgen.commands import reading

    return reading.why(open_here(), what, State.voice)
