"""What the commands share: a run that changes nothing, for looking at what the last one left."""

from __future__ import annotations

from pathlib import Path

from kbgen.pipeline import Options, Run
from kbgen.progress import Silent
from kbgen.project import Project


def look(project: Project, site_dir: Path | None = None) -> Run:
    """A run that changes nothing: for looking at what the last one left."""
    return Run(project, Options(site_dir=site_dir or project.folder / "site", jobs=1), Silent())
