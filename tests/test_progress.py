"""How far a stage is: bars for people at a terminal, lines for logs, nothing when asked to be quiet."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.progress import Task, TaskID

from kbgen.progress import Lines, Silent, Terminal, _Speed, shown


def console(*, terminal: bool) -> Console:
    """A console that writes into memory."""
    return Console(file=io.StringIO(), force_terminal=terminal, width=100, highlight=False)


def text(of: Console) -> str:
    """What was written."""
    assert isinstance(of.file, io.StringIO)
    return of.file.getvalue()


@pytest.mark.parametrize(
    ("terminal", "quiet", "kind"),
    [(True, False, Terminal), (False, False, Lines), (True, True, Silent), (False, True, Silent)],
)
def test_the_kind_of_progress_fits_the_console(*, terminal: bool, quiet: bool, kind: type) -> None:
    """A log gets no control characters; ``--quiet`` gets nothing."""
    with shown(console(terminal=terminal), quiet=quiet) as progress:
        assert kind is type(progress)


def test_a_log_has_one_plain_line_a_task() -> None:
    """With the total when it is known, and no line for every step."""
    log = console(terminal=False)
    with shown(log, quiet=False) as progress:
        for _ in range(3):
            progress.start("Pouring pages", 12)(4)
        progress.start("Harvesting forum", None)(500)
    assert "Pouring pages (12)\n" * 3 + "Harvesting forum\n" == text(log)


def test_a_terminal_shows_counts() -> None:
    """The task, how many are done and of how many; hostile names are printed, not read as markup."""
    screen = console(terminal=True)
    with shown(screen, quiet=False) as progress:
        advance = progress.start("Pouring pages", 12)
        advance(5)
        advance(7)
    assert "Pouring pages" in text(screen)
    assert "12/12" in text(screen)


def test_a_bar_that_moved_nowhere_makes_room() -> None:
    """Of two bars for one source, "asking" and "harvesting", the first goes when the second comes."""
    screen = console(terminal=True)
    with shown(screen, quiet=False) as progress:
        assert isinstance(progress, Terminal)
        progress.start("Asking forum", None)
        counted = progress.start("Reading", None)
        counted(3)
        progress.start("Harvesting forum", 12)
        assert ["Reading", "Harvesting forum"] == [task.description for task in progress._bars.tasks if task.visible]


@pytest.mark.parametrize(("speed", "shows"), [(None, ""), (0.25, "0.2/s"), (12.0, "12.0/s"), (4321.0, "4,321/s")])
def test_a_terminal_shows_the_rate(speed: float | None, shows: str) -> None:
    """Once it can be told; a community gives a few a second, a file thousands."""
    task = Task(TaskID(1), "a", 10, 5, _get_time=lambda: 0.0, finished_speed=speed)
    assert shows == _Speed().render(task).plain


def test_quiet_says_nothing() -> None:
    """Nor does it fail when told of progress."""
    screen = console(terminal=True)
    with shown(screen, quiet=True) as progress:
        progress.start("Pouring pages", None)(1)
    assert "" == text(screen)
