"""Writers' Markdown files: front matter whose every fault names file and line.

What the keys mean is decided where they are used (``overlays``, ``taxonomy``).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct

from kbgen.config import load_yaml
from kbgen.errors import ConfigError, RecordError
from kbgen.model import Ref, split_ref
from kbgen.sources.markdown import split_front_matter


class Fields(Struct, frozen=True):
    """The front matter of one file, with what is needed to speak about it.

    Attributes:
        file: path from the project folder, with slashes.
        lines: line of each key.
        body: the Markdown after the front matter.
        body_line: the line it starts at.
    """

    file: str
    data: dict[str, Any]
    lines: dict[str, int]
    body: str
    body_line: int = 1

    def place(self, key: str) -> str:
        """Say where a key stands: ``content/topics/hubs.md:3``."""
        return f"{self.file}:{self.lines.get(key, 1)}"

    def fault(self, key: str, problem: str) -> RecordError:
        """Make the error for a key."""
        return RecordError(self.place(key), f"{key} {problem}")

    def text(self, key: str) -> str | None:
        """Read a key that holds text; None when it is absent.

        Raises:
            RecordError: it holds something else.
        """
        value = self.data.get(key)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, (list, dict)):
            raise self.fault(key, "must be text; quote it")
        return str(value)

    def flag(self, key: str) -> bool:
        """Read a key that holds ``true`` or ``false``.

        Raises:
            RecordError: it holds something else.
        """
        value = self.data.get(key, False)
        if not isinstance(value, bool):
            raise self.fault(key, f"must be true or false, not {value!r}")
        return value

    def day(self, key: str) -> date | None:
        """Read a key that holds a day; None when it is absent.

        Raises:
            RecordError: it holds something else.
        """
        value = self.data.get(key)
        if isinstance(value, datetime):
            return value.date()
        if value is None or isinstance(value, date):
            return value
        raise self.fault(key, f"must be a day such as 2026-05-01, not {value!r}")

    def words(self, key: str) -> tuple[str, ...] | None:
        """Read a key that holds a list of words (or one word); None when it is absent.

        Raises:
            RecordError: it holds something else.
        """
        value = self.data.get(key)
        if value is None:
            return None
        items = value if isinstance(value, list) else [value]
        if any(isinstance(item, (list, dict)) or item is None for item in items):
            raise self.fault(key, "must be a list of words, such as [one, two]")
        return tuple(str(item) for item in items)

    def refs(self, key: str) -> tuple[Ref, ...]:
        """Read a key that holds references.

        Raises:
            RecordError: one of them is no reference.
        """
        found = self.words(key) or ()
        for word in found:
            try:
                split_ref(word)
            except ValueError as error:
                raise self.fault(key, f"holds {error}") from error
        return tuple(Ref(word) for word in found)


def read_fields(path: Path, project: Path, known: Sequence[str]) -> Fields:
    """Read one file.

    Args:
        path: the file.
        project: the project folder, for messages.
        known: the keys the front matter may have.

    Raises:
        RecordError: not readable, not closed, not YAML, or a key is unknown.
    """
    file = path.relative_to(project).as_posix()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise RecordError(file, f"cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise RecordError(file, f"is not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from error
    front = split_front_matter(text, file)
    fields = Fields(file, front.data, _lines(text, front.body_line), front.body, front.body_line)
    for key in front.data:
        if key not in known:
            raise RecordError(fields.place(key), f"{key} is not a known key; {nearest(key, known)}")
    return fields


def _lines(text: str, body_line: int) -> dict[str, int]:
    block = "\n".join(text.splitlines()[1 : max(body_line - 2, 1)])
    try:
        _, lines = load_yaml(block, "")
    except ConfigError:
        return {}  # TOML, or a key that stands twice: the messages then name the first line
    return {str(position[0]): line + 1 for position, line in lines.items() if len(position) == 1}


def nearest(word: str, known: Iterable[str]) -> str:
    """Say which known word was probably meant, or which ones there are."""
    words = sorted(known)
    near = difflib.get_close_matches(word, words, n=1)
    return f"did you mean {near[0]}?" if near else f"known here: {', '.join(words) or 'none'}"
