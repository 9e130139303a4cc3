"""Small trees of files: a finished site, and what lies in a folder."""

from __future__ import annotations

from pathlib import Path

from kbgen.site.files import write_file
from kbgen.site.manifest import MANIFEST


def files(folder: Path) -> dict[str, str]:
    """Every file below a folder and its text."""
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


def build(folder: Path, text: str) -> Path:
    """A small finished site."""
    write_file(folder, "index.html", text.encode())
    write_file(folder, "q/a-1/index.html", text.encode())
    write_file(folder, MANIFEST, b"")
    return folder
