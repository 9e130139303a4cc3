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


HOSTILE = [
    "a" * 300,
    "b" * 299 + "c",
    "a" * 299 + "b",
    "..",
    "con",
    "dot.",
    "Twin",
    "tWIN",
    "%2e%2e/x",
    "ß?#",
    "é" * 200,
]


def test_ids_of_any_kind_have_pages(inside: Kbgen, tmp_path: Path, frames: Path) -> None:
    """Ids too long for a file's name, of unsafe signs, and alike but for the size of letters; a bad one is only named."""
    project = SmallForum(tmp_path / "ids", topics=0, frames=frames)
    author = {"name": "Ann", "id": "x" * 400}
    lines = [
        {
            "kind": "entry",
            "ref": ref,
            "url": f"{FORUM}/t/{number}",
            "title": "How do I dim a lamp?" if number else "a" * 290,
            "question": {
                "html": f"<p>I have looked at every menu of the app, and at page {number}.</p>",
                "author": author,
            },
            "best": {
                "html": f"<p>Open the settings and choose the room {number}.</p>",
                "author": author,
                "why": "accepted",
            },
            "tags": ["t" * 300],
        }
        for number, ref in enumerate([*HOSTILE, "bad\u202e", "bad\n"])
    ]
    (project.folder / "all.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    source = {"name": "forum", "kind": "jsonl", "path": "all.jsonl", "url": FORUM, "licence": "CC BY-SA 4.0"}
    project.configure(sources=[source], duplicates={"enabled": False})
    report = build_here(project.folder)

    assert report.published
    assert ["all.jsonl:12", "all.jsonl:13"] == [
        message.partition(": ")[0].rpartition("/")[2] for message in report.failed
    ]
    paths = project.paths()
    assert sorted(f"forum:{ref}" for ref in HOSTILE) == sorted(paths)
    assert len(HOSTILE) == len({path.casefold() for path in paths.values()})
    assert all((project.site / path.strip("/") / "index.html").is_file() for path in paths.values())
    assert 0 == inside("-C", project.folder, "why", "forum:" + "a" * 300).code
