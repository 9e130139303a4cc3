"""The command line: one thin function a command; what it does is done elsewhere.

Global options may stand before or after the command. Exit codes: 0 done; 1 published, but something named in the
report failed; 2 configuration or usage; 3 not published, the last good site stands; 4 another run holds the lock.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kbgen import __version__
from kbgen.console import Voice
from kbgen.errors import KbgenError, UsageError
from kbgen.progress import shown
from kbgen.runs import Options, RunReport
from kbgen.standing import unchanged

if TYPE_CHECKING:
    from kbgen.project import Project

app = typer.Typer(
    name="kbgen",
    help="Turn a company's live communities into its help site.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog="Global options may stand before or after the command. Start with `kbgen init DIR`.",
)
config_app = typer.Typer(help="Look at the configuration.", no_args_is_help=True)
app.add_typer(config_app, name="config")
review_app = typer.Typer(help="Decide what waits for a person.", no_args_is_help=True)
app.add_typer(review_app, name="review")
taxonomy_app = typer.Typer(help="Look at the vocabulary.", no_args_is_help=True)
app.add_typer(taxonomy_app, name="taxonomy")

# Typer raises click's exceptions in some versions and a copy of its own in others; either way they are the parents of
# the one it exports.
_CommandLineFault: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
_INTERRUPTED = 130

# Options that mean the same for every command: flag to whether it takes a value.
_GLOBAL = {
    "-C": True,
    "--project": True,
    "--json": False,
    "-q": False,
    "--quiet": False,
    "-v": False,
    "--verbose": False,
}

SiteDir = Annotated[
    Path | None, typer.Option("--site-dir", metavar="DIR", help="Where the site goes (default: site/ in the project).")
]
Jobs = Annotated[int, typer.Option("--jobs", min=0, metavar="N", help="Worker processes; 0 for one a core.")]
Clean = Annotated[bool, typer.Option("--clean", help="Ignore every cache; the result is the same, only slower.")]
Engine = Annotated[str, typer.Option("--engine", metavar="mkdocs|zensical", help="Which site engine builds the frame.")]
AllowVanish = Annotated[
    bool, typer.Option("--allow-vanish", help="Publish even when more pages vanish than guard.max_vanish allows.")
]

Answered = Annotated[list[str], typer.Argument(metavar="REF|ID...", help="As `kbgen review list` shows them.")]
Pair = Annotated[list[str], typer.Argument(metavar="REF REF...", help="Two threads or more.")]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who decides (default: your user name).")]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, for those who come after.")]


class _State:
    """Global options, as the root callback left them."""

    folder: Path = Path()
    voice: Voice = Voice()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit with its code.

    Args:
        arguments: without the program's name; the process's own by default.
    """
    given = globals_first(sys.argv[1:] if arguments is None else arguments)
    # A faulty command line never gets as far as the options that say how to speak.
    _State.voice = Voice(as_json="--json" in given[: given.index("--") if "--" in given else None])
    try:
        code = app(given, standalone_mode=False) or 0
    except KbgenError as error:
        if _State.voice.verbose and error.__cause__ is not None:
            traceback.print_exception(error.__cause__)
        _State.voice.failure(str(error), error.exit_code)
        code = error.exit_code
    except _CommandLineFault as error:
        error.show()
        code = 2
        if _State.voice.as_json:
            _State.voice.result({"exit_code": code, "error": error.format_message()}, "")
    except OSError as error:
        code = _refused(error)
    except (typer.Abort, KeyboardInterrupt):
        code = _INTERRUPTED
    if code == _INTERRUPTED:
        _State.voice.failure("stopped; what was committed is kept, and the next run goes on from there", code)
    sys.exit(code)


def _refused(error: OSError) -> int:
    """What nobody expected of the file system; without this, Python's own exit code would say "published"."""
    from kbgen.site.files import explained

    if _State.voice.verbose:
        traceback.print_exception(error)
    told = explained(error, _State.folder, "the command")
    _State.voice.failure(str(told), told.exit_code)
    return told.exit_code


def globals_first(arguments: Sequence[str]) -> list[str]:
    """Move global options to the front, so that they may stand anywhere before ``--``."""
    front: list[str] = []
    rest: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        name = argument.split("=", 1)[0]
        if argument == "--":
            rest += [argument, *waiting]
        elif name in _GLOBAL:
            front.append(argument)
            if _GLOBAL[name] and "=" not in argument:
                front += [value for value in [next(waiting, None)] if value is not None]
        else:
            rest.append(argument)
    return [*front, *rest]


def _version(value: bool) -> None:  # noqa: FBT001
    if value:
        typer.echo(f"kbgen {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    project: Annotated[Path, typer.Option("-C", "--project", metavar="DIR", help="The project folder.")] = Path(),
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object; all else on standard error.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print errors only.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Print every message.")] = False,
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    _State.folder = project
    _State.voice = Voice(as_json=as_json, quiet=quiet, verbose=verbose)


def _open() -> Project:
    from kbgen.project import open_project

    return open_project(_State.folder.resolve())


def _run(names: Sequence[str] | None, site_dir: Path | None, **options: Any) -> int:
    voice = _State.voice
    folder = _State.folder.resolve()
    chosen = Options(site_dir=site_dir or folder / "site", **options)
    run = partial(_report, folder, chosen, names)
    report = run() if chosen.summary is None else _summarised(folder, chosen.summary, run)
    voice.run(report)
    return report.exit_code


def _report(folder: Path, chosen: Options, names: Sequence[str] | None) -> RunReport:
    nothing = unchanged(folder, chosen) if names is None else None
    if nothing is not None:
        return nothing
    from kbgen.pipeline import run_stages

    project = _open()
    with shown(_State.voice.err, quiet=_State.voice.quiet) as progress:
        return run_stages(project, chosen, progress, names)


def _summarised(folder: Path, summary: Path, run: Callable[[], RunReport]) -> RunReport:
    from kbgen import summary as words
    from kbgen.config import load_config
    from kbgen.sources import source_kinds

    try:
        report = run()
    except KbgenError as error:
        words.write_summary(summary, words.of_error(error))
        raise
    words.write_summary(summary, words.of_run(report, load_config(folder, source_kinds()).site.url))
    return report


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
    from kbgen import commands

    return commands.init(folder, _State.voice, tuple(ci or ()), url)


@app.command()
def build(  # noqa: PLR0913  # a parameter an option
    *,
    offline: Annotated[bool, typer.Option("--offline", help="No network: files and what the store holds.")] = False,
    site_dir: SiteDir = None,
    jobs: Jobs = 0,
    clean: Clean = False,
    engine: Engine = "mkdocs",
    allow_vanish: AllowVanish = False,
    summary: Annotated[
        Path | None, typer.Option("--summary", metavar="FILE.md", help="Write what the run came to as Markdown, too.")
    ] = None,
) -> int:
    """Run every stage; what CI runs at night."""
    options = {"jobs": jobs, "clean": clean, "engine": engine, "allow_vanish": allow_vanish, "offline": offline}
    return _run(None, site_dir, summary=summary, **options)


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
    from kbgen import commands

    return commands.calibrate(_open(), _State.voice, jobs=jobs, precision=precision, write=write)


@app.command(name="compile")
def compile_site(*, engine: Engine = "mkdocs") -> int:
    """Compile the site as data and print its faults; nothing is written."""
    return _run(["compile"], None, engine=engine)


@app.command()
def render(*, site_dir: SiteDir = None, jobs: Jobs = 0, clean: Clean = False, engine: Engine = "mkdocs") -> int:
    """Make the staging site beside the live one."""
    return _run(["compile", "render"], site_dir, jobs=jobs, clean=clean, engine=engine)


@app.command()
def publish(
    *, site_dir: SiteDir = None, jobs: Jobs = 0, engine: Engine = "mkdocs", allow_vanish: AllowVanish = False
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
    from kbgen import commands

    return commands.serve(_open(), site_dir, port, _State.voice)


@app.command()
def search(
    query: Annotated[list[str], typer.Argument(metavar="QUERY", help="Words to look for.")],
    *,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, metavar="N", help="How many to print.")] = 10,
    lang: Annotated[str | None, typer.Option("--lang", metavar="CODE", help="One language only.")] = None,
    topic: Annotated[str | None, typer.Option("--topic", metavar="SLUG", help="One topic only.")] = None,
) -> int:
    """Rank entries for a query."""
    from kbgen import commands

    return commands.search(_open(), " ".join(query), _State.voice, limit=limit, lang=lang, topic=topic)


@app.command()
def why(what: Annotated[str, typer.Argument(metavar="REF|URL", help="community:1234, or a page's address.")]) -> int:
    """Tell every decision about one thread or page."""
    from kbgen import commands

    return commands.why(_open(), what, _State.voice)


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
    from kbgen import commands

    return commands.review_list(_open(), _State.voice, kinds=tuple(kind or ()), limit=limit)


@review_app.command()
def approve(what: Answered, *, by: By = "", why: Why = "") -> int:
    """Publish held threads; merge suggested duplicates; mark other suggestions as done."""
    from kbgen import commands

    return commands.review_answer(_open(), "approve", what, _State.voice, by, why)


@review_app.command()
def reject(what: Answered, *, by: By = "", why: Why = "") -> int:
    """Drop held threads; keep suggested duplicates apart; put other suggestions aside."""
    from kbgen import commands

    return commands.review_answer(_open(), "reject", what, _State.voice, by, why)


@review_app.command()
def merge(refs: Pair, *, by: By = "", why: Why = "") -> int:
    """Make threads one page, that of the first."""
    from kbgen import commands

    return commands.review_pair(_open(), "merge", refs, _State.voice, by=by, why=why)


@review_app.command()
def split(refs: Pair, *, by: By = "", why: Why = "") -> int:
    """Keep threads on pages of their own, for good."""
    from kbgen import commands

    return commands.review_pair(_open(), "split", refs, _State.voice, by=by, why=why)


@taxonomy_app.command(name="suggest")
def taxonomy_suggest(
    *, write: Annotated[bool, typer.Option("--write", help="Write site_config/taxonomy.yml if there is none.")] = False
) -> int:
    """Propose topics, tags and synonyms from the tags the communities use and the words of untagged threads."""
    from kbgen import commands

    return commands.taxonomy_suggest(_open(), _State.voice, write=write)


@taxonomy_app.command(name="unmapped")
def taxonomy_unmapped() -> int:
    """Show the communities' tags the taxonomy does not know."""
    from kbgen import commands

    return commands.taxonomy_unmapped(_open(), _State.voice)


@app.command()
def promote(
    what: Annotated[str, typer.Argument(metavar="REF|URL", help="A published thread.")],
    *,
    article: Annotated[bool, typer.Option("--article", help="An article that settles it, not an overlay.")] = False,
) -> int:
    """Write an overlay or an article from a thread, for a writer to go on with."""
    from kbgen import commands

    return commands.promote(_open(), what, _State.voice, as_article=article)


@app.command()
def forget(
    what: Annotated[str, typer.Argument(metavar="PERSON|REF", help="community:@name, or community:1234.")],
    *,
    by: By = "",
) -> int:
    """Erase a person or a thread from everything kbgen keeps, for good."""
    from kbgen import commands

    return commands.forget(_open(), what, _State.voice, by=by)


@app.command()
def report(
    *, html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write it as a page, too.")] = None
) -> int:
    """Tell the state of the knowledge base and what needs a person."""
    from kbgen import commands

    return commands.report(_open(), _State.voice, html)


@app.command()
def status() -> int:
    """Tell what the store holds and what is published."""
    from kbgen import commands

    return commands.status(_open(), _State.voice)


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
    from kbgen import commands

    return commands.check(_open(), site_dir, _State.voice, jobs=jobs, external=limit if external else 0)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE.jsonl", help="Written anew; - for standard output.")],
) -> int:
    """Write every published entry and article as JSON lines."""
    from kbgen import commands

    return commands.export(_open(), file, _State.voice)


@config_app.command()
def schema() -> int:
    """Print the JSON Schema of site_config/kbgen.yml, for editors."""
    from kbgen import commands

    return commands.schema(_State.voice)


@config_app.command(name="check")
def config_check() -> int:
    """Read every file people edit and name all faults."""
    from kbgen import commands

    return commands.config_check(_open(), _State.voice)
