"""Export and import are one shape: what one project exports, another imports to the same entries."""

import json
from pathlib import Path
from typing import Any

from projects import FORUM, Kbgen, SmallForum, build_here

GUIDE = "---\ntitle: A guide\ndescription: How the rooms of a home are set up.\n---\n# A guide\n\nOpen the rooms.\n"


def exported(inside: Kbgen, folder: Path, file: Path) -> list[dict[str, Any]]:
    """A built project's lines."""
    assert 0 == inside("-C", folder, "export", file).code
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_an_export_comes_back_as_the_same_entries(inside: Kbgen, tmp_path: Path, frames: Path) -> None:
    """Texts, authors, dates, licences, tags and addresses; a source of the same name gives the same refs and pages."""
    first = SmallForum(tmp_path / "first", frames=frames)
    (first.folder / "docs").mkdir()
    (first.folder / "docs" / "guide.md").write_text(GUIDE, encoding="utf-8")
    first.configure(sources=[*first.settings["sources"], {"name": "docs", "kind": "articles", "path": "docs"}])
    build_here(first.folder)
    before = exported(inside, first.folder, tmp_path / "all.jsonl")
    second = SmallForum(tmp_path / "second", topics=0, frames=frames)
    common = {"kind": "jsonl", "path": "../all.jsonl"}
    second.configure(
        sources=[
            {**common, "name": "forum", "only": ["forum"], "url": FORUM, "licence": "CC BY-SA 4.0"},
            {**common, "name": "docs", "only": ["docs"]},
        ]
    )
    build_here(second.folder)
    after = exported(inside, second.folder, tmp_path / "again.jsonl")
    assert 5 == len(before)
    assert before == after
