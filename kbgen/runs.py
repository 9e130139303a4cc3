"""What a run is asked for, and what it came to. Running it is ``pipeline``'s business."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kbgen.model import PageKind, StageReport

What = Literal["new", "changed", "restored", "redirected", "gone", "other"]
"""What became of a page since the last publication; ``other`` counts the pages that list."""


@dataclass(frozen=True)
class Options:
    """What a run was asked for.

    Attributes:
        site_dir: where the site goes.
        jobs: worker processes, 0 for one a core.
        clean: ignore every cache; the result is the same.
        full: read sources whose input has not changed, too, and ask live ones for everything.
        offline: ask no source over the network; what the store holds of it is used.
        record: file to write every exchange with a live source to.
        sources: names of the sources to harvest, empty for all.
        allow_vanish: publish, and withdraw, even when more vanishes than the guard allows.
        summary: file to write what the run came to as Markdown.
    """

    site_dir: Path
    jobs: int = 0
    clean: bool = False
    full: bool = False
    offline: bool = False
    record: Path | None = None
    engine: str = "mkdocs"
    sources: tuple[str, ...] = ()
    allow_vanish: bool = False
    summary: Path | None = None


@dataclass(frozen=True)
class Change:
    """An answer or article that is not what it was at the last publication.

    Attributes:
        ref: of its lead thread, or of the article.
        title: "" when the page is not there any more.
        to: where its address leads now.
    """

    what: What
    kind: PageKind
    path: str
    ref: str
    title: str = ""
    to: str | None = None


@dataclass(frozen=True)
class Changes:
    """What a publication changed for readers.

    Attributes:
        counts: pages by what became of them; what did not happen is left out.
        pages: answers and articles, some of each kind of change when there are many.
    """

    counts: Mapping[What, int]
    pages: tuple[Change, ...] = ()


@dataclass(frozen=True)
class RunReport:
    """What a run came to.

    Attributes:
        exit_code: 0, or 1 when something named in ``failed`` failed.
        notes: lines about the site as a whole.
        changes: since the last publication; None when nothing was published.
        waiting: how many things wait for a person, by kind; counted for a summary only.
    """

    stages: tuple[StageReport, ...]
    site_dir: Path
    pages: int
    published: bool
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    changes: Changes | None = None
    waiting: Mapping[str, int] | None = None

    @property
    def failed(self) -> tuple[str, ...]:
        """Everything that failed, each a complete message."""
        return tuple(message for stage in self.stages for message in stage.failed)

    @property
    def exit_code(self) -> int:
        """0 done; 1 done, but something named in the report failed."""
        return 1 if self.failed else 0
