"""What a run is asked for, and what it came to. Running it is ``pipeline``'s business."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kbgen.model import StageReport


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


@dataclass(frozen=True)
class RunReport:
    """What a run came to.

    Attributes:
        exit_code: 0, or 1 when something named in ``failed`` failed.
        notes: lines about the site as a whole.
    """

    stages: tuple[StageReport, ...]
    site_dir: Path
    pages: int
    published: bool
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def failed(self) -> tuple[str, ...]:
        """Everything that failed, each a complete message."""
        return tuple(message for stage in self.stages for message in stage.failed)

    @property
    def exit_code(self) -> int:
        """0 done; 1 done, but something named in the report failed."""
        return 1 if self.failed else 0
