"""Projects to build and commands to run, as a user has and runs them. Fixtures are in ``conftest``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Done:
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """What ``--json`` printed."""
        return json.loads(self.out)


Kbgen = Callable[..., Done]


def copy_project(target: Path, *, content: bool = True) -> Path:
    """Copy this repository's project folder, without its build results.

    Args:
        target: a new folder.
        content: the demo's articles, topics and overlays, too; without them only what every project has.
    """
    target.mkdir(parents=True)
    shutil.copy(ROOT / "mkdocs.yml", target)
    if content:
        shutil.copytree(ROOT / "content", target / "content")
        shutil.copytree(ROOT / "site_config", target / "site_config")
        return target
    for name in ("_shells", "index.md", "search.md", "articles/index.md", "topics/index.md"):
        source, copy = ROOT / "content" / name, target / "content" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, copy) if source.is_dir() else shutil.copy(source, copy)
    for name in ("overrides", "assets"):
        shutil.copytree(ROOT / "site_config" / name, target / "site_config" / name)
    return target
