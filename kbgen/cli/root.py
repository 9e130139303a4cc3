"""The command line's frame: global options, how a command ends, and what several commands share.

Global options may stand before or after the command. Exit codes: 0 done; 1 published, but something named in the
report failed; 2 configuration or usage; 3 not published, the last good site stands; 4 another run holds the lock.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kbgen import __version__
from kbgen.console import Voice
from kbgen.errors import KbgenError

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
GLOBAL_OPTIONS = {
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


class EngineName(StrEnum):
    """The site engines there are."""

    MKDOCS = "mkdocs"
    ZENSICAL = "zensical"


Engine = Annotated[EngineName, typer.Option("--engine", help="Which site engine builds the frame.")]
AllowVanish = Annotated[
    bool, typer.Option("--allow-vanish", help="Publish even when more pages vanish than guard.max_vanish allows.")
]

Answered = Annotated[list[str], typer.Argument(metavar="REF|ID...", help="As `kbgen review list` shows them.")]
Pair = Annotated[list[str], typer.Argument(metavar="REF REF...", help="Two threads or more.")]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who decides (default: your user name).")]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, for those who come after.")]


class State:
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
    State.voice = Voice(as_json="--json" in given[: given.index("--") if "--" in given else None])
    try:
        code = app(given, standalone_mode=False) or 0
    except KbgenError as error:
        if State.voice.verbose and error.__cause__ is not None:
            traceback.print_exception(error.__cause__)
        State.voice.failure(str(error), error.exit_code, error.failed)
        code = error.exit_code
    except _CommandLineFault as error:
        error.show()
        code = 2
        if State.voice.as_json:
            State.voice.result({"exit_code": code, "error": error.format_message()}, "")
    except OSError as error:
        code = _refused(error)
    except (typer.Abort, KeyboardInterrupt):
        code = _INTERRUPTED
    except Exception as error:  # noqa: BLE001  # the exit codes are a contract; a traceback would break it
        code = _unexpected(error)
    if code == _INTERRUPTED:
        State.voice.failure("stopped; what was committed is kept, and the next run goes on from there", code)
    sys.exit(code)


def _refused(error: OSError) -> int:
    """What nobody expected of the file system; without this, Python's own exit code would say "published"."""
    from kbgen.site.files import explained

    if State.voice.verbose:
        traceback.print_exception(error)
    told = explained(error, State.folder, "the command")
    State.voice.failure(str(told), told.exit_code)
    return told.exit_code


def _unexpected(error: Exception) -> int:
    """A fault of our own; Python's exit code for it is the one that says "published, but something failed"."""
    if State.voice.verbose:
        traceback.print_exception(error)
    State.voice.failure(f"an internal fault ({type(error).__name__}: {error}); -v shows where; report it", 3)
    return 3


def globals_first(arguments: Sequence[str]) -> list[str]:
    """Move global options to the front, so that they may stand anywhere before ``--``."""
    front: list[str] = []
    rest: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        name = argument.split("=", 1)[0]
        if argument == "--":
            rest += [argument, *waiting]
        elif name in GLOBAL_OPTIONS:
            front.append(argument)
            if GLOBAL_OPTIONS[name] and "=" not in argument:
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
    State.folder = project
    State.voice = Voice(as_json=as_json, quiet=quiet, verbose=verbose)


def open_here() -> Project:
    """The project of the folder that is named, or of this one."""
    from kbgen.project import open_project

    return open_project(State.folder.resolve())
