"""The front matter of an article: every dialect's keys as one typed record.

MkDocs (``title, description, tags, date, updated``), Zendesk exports (``title, id, draft, section, labels``) and Hugo
(``date, lastmod, categories, slug``) are understood at once; keys nobody knows are left alone, as site generators do.
"""

from __future__ import annotations

import re
import reprlib
import string
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from kbgen.errors import RecordError
from kbgen.model import Ref, split_ref
from kbgen.sources.fields import read_time
from kbgen.sources.markdown import FrontMatter

_URL_FIELDS = frozenset({"id", "slug", "path"})


class ArticleFields(Struct, frozen=True):
    """What an article says of itself; empty where it says nothing."""

    title: str = ""
    description: str = ""
    slug: str = ""
    topics: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    answers: tuple[Ref, ...] = ()
    translation_of: str = ""
    created: datetime | None = None
    updated: datetime | None = None
    reviewed: datetime | None = None
    owner: str = ""
    draft: bool = False
    lang: str | None = None
    licence: str | None = None


def read_fields(matter: FrontMatter, text: str, file: str) -> ArticleFields:
    """Read the keys of a front matter.

    Args:
        matter: as split off the file.
        text: the whole file, for the lines of its keys.
        file: its name, for messages.

    Raises:
        RecordError: a value has the wrong type; names file, line and key.
    """
    return _Reader(matter, text, file).fields()


def url_fields(template: str, values: Mapping[str, str]) -> str:
    """Fill an address template; the values are quoted.

    Raises:
        ValueError: the template is not an absolute address or has unknown fields.
    """
    names = {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}
    if not re.match(r"https?://[^/{}]+/", template) or not names <= _URL_FIELDS or not names:
        problem = "must be an absolute address with the fields {id}, {slug} or {path}"
        raise ValueError(f"{problem}, such as https://support.example.com/articles/{{id}}")
    return template.format_map({name: quote(values[name], safe="/") for name in names})


class _Reader:
    """Takes values out of one front matter and names the line of a wrong one."""

    def __init__(self, matter: FrontMatter, text: str, file: str) -> None:
        self._data = matter.data
        self._lines = text.splitlines()[: matter.body_line - 1]
        self._file = file

    def fields(self) -> ArticleFields:
        date = self._data.get("date")
        # Material's blog writes a mapping there.
        dates = date if isinstance(date, dict) else {"created": date}
        return ArticleFields(
            title=self._text("title"),
            description=self._text("description", "summary"),
            slug=self._text("slug"),
            topics=self._texts("topics"),
            tags=tuple(dict.fromkeys((*self._texts("tags"), *self._texts("labels")))),
            category=self._texts("categories") or self._texts("section"),
            answers=self._refs("answers"),
            translation_of=self._text("translation_of"),
            created=self._time("date", dates.get("created")),
            updated=self._time("date", dates.get("updated")) or self._dated("updated", "lastmod", "last_modified"),
            reviewed=self._dated("reviewed"),
            owner=self._text("owner"),
            draft=self._flag("draft"),
            lang=self._text("lang", "language") or None,
            licence=self._text("licence", "license") or None,
        )

    def _wrong(self, key: str, wanted: str) -> RecordError:
        return RecordError(self._place(key), f"`{key}` must be {wanted}, not {reprlib.repr(self._data[key]):.80}")

    def _place(self, key: str) -> str:
        start = re.compile(rf"""["']?{re.escape(key)}["']?\s*[:=]""")
        line = next((number for number, line in enumerate(self._lines, 1) if start.match(line)), 1)
        return f"{self._file}:{line}"

    def _text(self, *keys: str) -> str:
        for key in keys:
            value = self._data.get(key)
            if value is None:
                continue
            if isinstance(value, bool | dict | list):
                raise self._wrong(key, "a text")
            return str(value).strip()
        return ""

    def _texts(self, key: str) -> tuple[str, ...]:
        value = self._data.get(key)
        if value is None:
            return ()
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, list) or any(isinstance(part, dict | list | bool) for part in parts):
            raise self._wrong(key, "a list of words")
        return tuple(dict.fromkeys(str(part).strip() for part in parts if part is not None and str(part).strip()))

    def _refs(self, key: str) -> tuple[Ref, ...]:
        refs = self._texts(key)
        for ref in refs:
            try:
                split_ref(ref)
            except ValueError as error:
                raise RecordError(self._place(key), f"`{key}`: {error}") from error
        return tuple(Ref(ref) for ref in refs)

    def _time(self, key: str, value: Any) -> datetime | None:
        try:
            return read_time(value)
        except ValueError as error:
            raise self._wrong(key, "a date such as 2026-05-01") from error

    def _dated(self, *keys: str) -> datetime | None:
        return next((self._time(key, self._data[key]) for key in keys if self._data.get(key) is not None), None)

    def _flag(self, key: str) -> bool:
        value = self._data.get(key, False)
        if value is not None and not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return bool(value)
