"""How far a stage is: bars on a terminal, plain lines elsewhere. Always on standard error, never on output."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.text import Text

Advance = Callable[[int], None]
"""Call it with how many more are done."""


class Progress(Protocol):
    """What stages report to."""

    def start(self, what: str, total: int | None) -> Advance:
        """Begin a task of ``total`` steps, None when unknown."""


class Silent:
    """Reports nothing: for tests and ``--quiet``."""

    def start(self, what: str, total: int | None) -> Advance:
        """Begin a task nobody watches."""
        del what, total
        return lambda _: None


class Lines:
    """One plain line a task, for logs."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def start(self, what: str, total: int | None) -> Advance:
        """Say what begins."""
        count = "" if total is None else f" ({total})"
        self._console.print(f"{what}{count}", highlight=False)
        return lambda _: None


class _Speed(ProgressColumn):
    """How many a second, once that can be told."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.1f}/s" if speed < 100 else f"{speed:,.0f}/s")


class Terminal:
    """Bars with counts, the rate and the time left."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars

    def start(self, what: str, total: int | None) -> Advance:
        """Add a bar; one that moved nowhere, because nobody knew yet how much there is, makes room for it."""
        for waiting in self._bars.tasks:
            if waiting.total is None and not waiting.completed:
                self._bars.update(waiting.id, visible=False)
        task = self._bars.add_task(what, total=total)
        return lambda steps: self._bars.advance(task, steps)


@contextmanager
def shown(console: Console, *, quiet: bool) -> Iterator[Progress]:
    """The kind of progress that fits the console."""
    if quiet:
        yield Silent()
    elif not console.is_terminal:
        yield Lines(console)
    else:
        name = TextColumn("{task.description}")
        columns = (name, BarColumn(), MofNCompleteColumn(), _Speed(), TimeRemainingColumn())
        with Bars(*columns, console=console, transient=True) as bars:
            yield Terminal(bars)
