"""The export: one JSON object a line, complete, in a fixed order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from projects import FORUM, SITE, Kbgen, SmallForum, build_here

GUIDE = "---\ntitle: A guide\ndescription: How the rooms of a home are set up.\n---\n# A guide\n\nOpen the rooms.\n"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, frames: Path) -> Path:
    """A published project of four threads and an article of another folder."""
    forum = SmallForum(tmp_path_factory.mktemp("export") / "small", frames=frames)
    (forum.folder / "docs").mkdir()
    (forum.folder / "docs" / "guide.md").write_text(GUIDE, encoding="utf-8")
    forum.configure(sources=[*forum.settings["sources"], {"name": "docs", "kind": "articles", "path": "docs"}])
    build_here(forum.folder)
    return forum.folder


def rows(text: str) -> list[dict[str, Any]]:
    """The lines, parsed."""
    return [json.loads(line) for line in text.splitlines()]


def test_every_page_is_a_line(inside: Kbgen, built: Path, tmp_path: Path) -> None:
    """By ref, entries and articles, each with its kind and address."""
    file = tmp_path / "all.jsonl"
    done = inside("-C", built, "--json", "export", file)
    assert (0, 5, str(file)) == (done.code, done.data["entries"], done.data["file"])
    lines = rows(file.read_text(encoding="utf-8"))
    assert ["docs:guide", "forum:1", "forum:2", "forum:3", "forum:4"] == [
        line["ref"].removesuffix(".md") for line in lines
    ]
    assert ["article", *["entry"] * 4] == [line["kind"] for line in lines]
    assert [SITE.rstrip("/") + line["path"] for line in lines] == [line["url"] for line in lines]


def test_a_line_has_text_and_attribution(inside: Kbgen, built: Path) -> None:
    """Who asked and answered, where, under which licence; ``-`` writes to standard output."""
    done = inside("-C", built, "export", "-")
    entry = next(line for line in rows(done.out) if line["ref"] == "forum:2")
    assert ("How do I dim a lamp?", "user2", "CC BY-SA 4.0", f"{FORUM}/t/how-do-i-dim-a-lamp/2") == (
        entry["title"],
        entry["best"]["author"]["name"],
        entry["threads"][0]["licence"],
        entry["threads"][0]["url"],
    )
    assert "press apply" in entry["best"]["text"]


def test_the_same_site_is_the_same_file(inside: Kbgen, built: Path, tmp_path: Path) -> None:
    """Keys and lines in a fixed order; an older file is replaced."""
    one, two = tmp_path / "1.jsonl", tmp_path / "2.jsonl"
    two.write_text("old\n" * 9999, encoding="utf-8")
    for file in (one, two):
        inside("-C", built, "export", file)
    assert one.read_bytes() == two.read_bytes()


def test_a_file_that_cannot_be_written_is_named(inside: Kbgen, built: Path, tmp_path: Path) -> None:
    """Exit 2: the command line is what has to change."""
    done = inside("-C", built, "export", tmp_path / "none" / "x.jsonl")
    assert (2, True) == (done.code, "x.jsonl: No such file or directory; name a file that can be written" in done.err)


def test_nothing_harvested_is_an_empty_file(inside: Kbgen, forum: SmallForum, tmp_path: Path) -> None:
    """No line, no error."""
    done = inside("-C", forum.folder, "--json", "export", tmp_path / "x.jsonl")
    assert (0, 0, b"") == (done.code, done.data["entries"], (tmp_path / "x.jsonl").read_bytes())
