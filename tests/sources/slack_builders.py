"""A small Slack export for the tests, in words of our own."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from kbgen.sources.slack import SlackSource
from kbgen.sources.slack_thread import SlackOptions

CHANNELS = [{"id": "C0100", "name": "help-pumps", "is_archived": False}, {"id": "C0200", "name": "random"}]
USERS = [
    {
        "id": "U0001",
        "name": "ada",
        "profile": {"display_name": "ada", "real_name": "Ada Amp", "email": "a@example.org"},
    },
    {"id": "U0002", "name": "ben", "real_name": "Ben Bolt", "profile": {"display_name": "", "real_name": "Ben Bolt"}},
    {"id": "U0003", "name": "cy", "deleted": True, "profile": {"display_name": "cy"}},
]


def said(
    ts: str, text: str, user: str | None = "U0002", *, root: str | None = "1000.000100", **more: Any
) -> dict[str, Any]:
    """A message, in the thread of the question unless told otherwise."""
    thread = {"thread_ts": root} if root else {}
    return {"type": "message", "ts": ts, "user": user, "text": text, **thread, **more}


def asked(text: str = "The pump hums at night, what can I do?", **more: Any) -> dict[str, Any]:
    """The question, Ada's."""
    return said("1000.000100", text, "U0001", **more)


def tick(*users: str, name: str = "white_check_mark") -> dict[str, Any]:
    """Reactions of some people."""
    return {"reactions": [{"name": name, "users": list(users), "count": len(users)}]}


def export(messages: list[dict[str, Any]], **files: Any) -> dict[str, Any]:
    """The files of an export; messages before second 5000 are of the first day, the others of the second."""
    days = {
        "2026-02-20": [one for one in messages if float(one["ts"]) < 5000],
        "2026-02-21": [one for one in messages if float(one["ts"]) >= 5000],
    }
    return {
        "channels.json": CHANNELS,
        "users.json": USERS,
        **{f"help-pumps/{day}.json": found for day, found in days.items()},
        **files,
    }


def write_zip(file: Path, files: dict[str, Any], prefix: str = "") -> Path:
    """Write an export's zip file; text is written as it is."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in files.items():
            archive.writestr(prefix + name, data if isinstance(data, str) else json.dumps(data))
    return file


def slack(project: Path, messages: list[dict[str, Any]] | None = None, **options: Any) -> SlackSource:
    """A workspace exported below ``project``; without messages the export is there already."""
    if messages is not None:
        write_zip(project / "export.zip", export(messages))
    block = {"name": "slack", "kind": "slack", "workspace": "acme", "archive": "export.zip", **options}
    return SlackSource(SlackOptions.model_validate(block), project)
