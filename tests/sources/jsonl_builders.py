"""Small files of JSON lines for the tests, in words of our own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kbgen.sources.jsonl import JsonlOptions, JsonlSource

URL = "https://forum.example.com/t/1"
ADA = {"name": "Ada", "id": "7", "url": "https://forum.example.com/u/ada"}


def entry(**changes: Any) -> dict[str, Any]:
    """The least a solved thread needs, and what a test changes."""
    return {
        "kind": "entry",
        "ref": "forum:1",
        "url": URL,
        "title": "Why does it hum?",
        "question": {"html": "<p>It hums.</p>", "author": {"name": "Ada"}},
        "best": {"html": "<p>Turn the valve.</p>", "author": {"name": "Ben"}},
        **changes,
    }


def article(**changes: Any) -> dict[str, Any]:
    """The least an article needs, and what a test changes."""
    return {"kind": "article", "ref": "docs:hum", "title": "Humming", "html": "<p>Valves.</p>", **changes}


def jsonl(project: Path, *lines: dict[str, Any] | str, **options: Any) -> JsonlSource:
    """A file of lines below ``project``; without lines it is there already."""
    if lines:
        text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
        (project / "all.jsonl").write_text(text, encoding="utf-8")
    block = {"name": "forum", "kind": "jsonl", "path": "all.jsonl", **options}
    return JsonlSource(JsonlOptions.model_validate(block), project)
