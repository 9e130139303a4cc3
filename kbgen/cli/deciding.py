"""Commands by which people decide: the review, the vocabulary, what writers take over, what is forgotten."""

from __future__ import annotations

from typing import Annotated

import typer

from kbgen.cli.root import (
    Answered,
    By,
    Pair,
    State,
    Why,
    app,
    open_here,
    review_app,
    taxonomy_app,
)


@review_app.command(name="list")
def review_list(
    *,
    kind: Annotated[
        list[str] | None,
        typer.Option("--kind", metavar="KIND", help="held, create, update, merge or contradict; repeat for several."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help="How many of each kind to print.")] = 20,
) -> int:
    """Show held threads and suggestions."""
    from kbgen.commands import review

    return review.review_list(open_here(), State.voice, kinds=tuple(kind or ()), limit=limit)


@review_app.command()
def approve(what: Answered, *, by: By = "", why: Why = "") -> int:
    """Publish held threads; merge suggested duplicates; mark other suggestions as done."""
    from kbgen.commands import review

    return review.review_answer(open_here(), "approve", what, State.voice, by, why)


@review_app.command()
def reject(what: Answered, *, by: By = "", why: Why = "") -> int:
    """Drop held threads; keep suggested duplicates apart; put other suggestions aside."""
    from kbgen.commands import review

    return review.review_answer(open_here(), "reject", what, State.voice, by, why)


@review_app.command()
def merge(refs: Pair, *, by: By = "", why: Why = "") -> int:
    """Make threads one page, that of the first."""
    from kbgen.commands import review

    return review.review_pair(open_here(), "merge", refs, State.voice, by=by, why=why)


@review_app.command()
def split(refs: Pair, *, by: By = "", why: Why = "") -> int:
    """Keep threads on pages of their own, for good."""
    from kbgen.commands import review

    return review.review_pair(open_here(), "split", refs, State.voice, by=by, why=why)


@taxonomy_app.command(name="suggest")
def taxonomy_suggest(
    *, write: Annotated[bool, typer.Option("--write", help="Write site_config/taxonomy.yml if there is none.")] = False
) -> int:
    """Propose topics, tags and synonyms from the tags the communities use and the words of untagged threads."""
    from kbgen.commands import proposing

    return proposing.taxonomy_suggest(open_here(), State.voice, write=write)


@taxonomy_app.command(name="unmapped")
def taxonomy_unmapped() -> int:
    """Show the communities' tags the taxonomy does not know."""
    from kbgen.commands import proposing

    return proposing.taxonomy_unmapped(open_here(), State.voice)


@app.command()
def promote(
    what: Annotated[str, typer.Argument(metavar="REF|URL", help="A published thread.")],
    *,
    article: Annotated[bool, typer.Option("--article", help="An article that settles it, not an overlay.")] = False,
) -> int:
    """Write an overlay or an article from a thread, for a writer to go on with."""
    from kbgen.commands import review

    return review.promote(open_here(), what, State.voice, as_article=article)


@app.command()
def forget(
    what: Annotated[str, typer.Argument(metavar="PERSON|REF", help="community:@name, or community:1234.")],
    *,
    by: By = "",
) -> int:
    """Erase a person or a thread from everything kbgen keeps, for good."""
    from kbgen.commands import forgetting

    return forgetting.forget(open_here(), what, State.voice, by=by)
