"""Small mailing lists for the tests, in words of our own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kbgen.sources.mbox import MboxOptions, MboxSource

LIST = "https://lists.example.org/help"
ENVELOPE = "From mboxrd@z Thu Jan  1 00:00:00 1970\n"


def letter(name: str, body: str, **headers: str) -> str:
    """A message in an mbox; ``name`` is its Message-ID's first half, and the hour it was sent in begins its body."""
    fields = {
        "From": "Ada Amp <ada@example.org>",
        "Subject": "The pump hums",
        "Message-ID": f"<{name}@example.org>",
        "Date": "Tue, 07 Jan 2025 12:00:00 +0000",
        **{key.replace("_", "-"): value for key, value in headers.items()},
    }
    head = "".join(f"{key}: {value}\n" for key, value in fields.items() if value)
    return f"{ENVELOPE}{head}\n{body}\n\n"


def reply(name: str, to: str, body: str, **headers: str) -> str:
    """Ben's answer to a message."""
    return letter(
        name,
        body,
        **{
            "From": "Ben Bolt <ben@example.net>",
            "Subject": "Re: The pump hums",
            "In-Reply-To": f"<{to}@example.org>",
            "References": f"<{to}@example.org>",
            "Date": "Tue, 07 Jan 2025 13:00:00 +0000",
            **headers,
        },
    )


def solved(name: str, to: str, body: str = "That was it.", **headers: str) -> str:
    """Ada's word that it is solved."""
    ada = {"From": "Ada Amp <ada@example.org>", "Subject": "[SOLVED] Re: The pump hums"}
    return reply(name, to, body, **{**ada, "Date": "Tue, 07 Jan 2025 14:00:00 +0000", **headers})


def mbox(project: Path, text: str | bytes = "", file: str = "list.mbox", **options: Any) -> MboxSource:
    """A list archived below ``project``; without text the archive is there already."""
    if text:
        (project / file).parent.mkdir(parents=True, exist_ok=True)
        (project / file).write_bytes(text.encode() if isinstance(text, str) else text)
    block = {"name": "list", "kind": "mbox", "url": LIST, "archive": file, **options}
    return MboxSource(MboxOptions.model_validate(block), project)
