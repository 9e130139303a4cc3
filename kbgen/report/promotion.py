"""``kbgen promote``: a harvested thread as a file a writer goes on with: an overlay, or an article that settles it.

Only the text of the file is made here; where it goes is decided by the command.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import yaml

from kbgen.model import Entry, split_ref
from kbgen.report.as_markdown import markdown_of


def overlay(entry: Entry, today: date) -> tuple[str, str]:
    """Make the overlay of an entry's lead thread.

    Args:
        entry: as it is shown.
        today: when it is written; a later change of the thread is reported.

    Returns:
        The path below ``content/curated/`` and the text. The body is the best answer as it is now.
    """
    source, native = split_ref(entry.ref)
    data = {
        "thread": str(entry.ref),
        "title": str(entry.title),
        "summary": str(entry.description),
        "tags": [str(mark.tag) for mark in entry.tags if not mark.why.startswith("parent:")],
        "topics": [str(topic) for topic in entry.topics],
        "reviewed": today,
    }
    return f"{source}/{_file_name(native)}.md", _file(data, markdown_of(entry.best.html))


def article(entry: Entry, slug: str, today: date) -> tuple[str, str]:
    """Make an article that settles an entry's threads.

    Args:
        entry: as it is shown.
        slug: the file's name.
        today: when it is written.

    Returns:
        The path below ``content/articles/`` and the text: the question's title, the best answer and who gave it.
    """
    data = {
        "title": str(entry.title),
        "description": str(entry.description),
        "topics": [str(topic) for topic in entry.topics],
        "tags": [str(mark.tag) for mark in entry.tags if not mark.why.startswith("parent:")],
        "answers": [str(thread.ref) for thread in entry.threads],
        "reviewed": today,
        "draft": True,
    }
    folder = f"{entry.topics[0]}/" if entry.topics else ""
    credit = f"Based on [the answer of {entry.best.author.name}]({entry.best.url})."
    return f"{folder}{slug}.md", _file(data, f"{markdown_of(entry.best.html)}\n{credit}\n")


def _file_name(native: str) -> str:
    return "".join(char if char.isalnum() or char in "-_." else "-" for char in native).strip(".") or "thread"


def _file(data: Mapping[str, Any], body: str) -> str:
    kept = {key: value for key, value in data.items() if value not in ("", [])}
    head: str = yaml.safe_dump(kept, allow_unicode=True, sort_keys=False, default_flow_style=None, width=1000)
    return f"---\n{head}---\n\n{body}"
