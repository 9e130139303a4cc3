"""Typed reading of the fields that platforms share: addresses, times, numbers and slugs.

Pure; a value that cannot be read raises ``ValueError`` with a sentence for people, and the source adds the place.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AfterValidator

_SITE = re.compile(r"https?://[^\s/?#]+(/[^\s?#]*)?")
_SLUG_LENGTH = 80
_SLUG_TABLE = {code: "-" if chr(code) in " ,./\\-_=" else None for code in range(128) if not chr(code).isalnum()}
_HYPHENS = re.compile("--+")


def _site_url(value: str) -> str:
    if not _SITE.fullmatch(value):
        raise ValueError("must be an absolute address without query, such as https://forum.example.com")
    return value.rstrip("/")


SiteUrl = Annotated[str, AfterValidator(_site_url)]
"""The address of a site, kept without its last slash; sites under a path are fine."""


def read_time(value: object) -> datetime | None:
    """Read an ISO 8601 time, or a date, as an aware time in UTC; a time without a zone is in UTC already.

    Raises:
        ValueError: the value is neither.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str):
        value = _time_of(value)
    if isinstance(value, datetime):
        return value if value.tzinfo is UTC else _in_utc(value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    raise ValueError(f"{value!r} is not a date")


def _time_of(value: str) -> datetime:
    if value.endswith("Z"):
        return datetime.fromisoformat(value)
    try:
        # Most often there is no zone; to give it one here costs an eighth of setting it afterwards.
        return datetime.fromisoformat(f"{value}Z")
    except ValueError:
        return datetime.fromisoformat(value)


def _in_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{value} is out of range") from error


def read_epoch(value: object, *, per_second: int = 1) -> datetime | None:
    """Read seconds since 1970 (with 1000 ``per_second``: milliseconds) from a number or its digits, else None."""
    if isinstance(value, str) and value.lstrip("-").isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value / per_second, tz=UTC)
    except (OverflowError, ValueError, OSError):
        return None


def ascii_slug(title: str) -> str:
    """A title as Stack Exchange writes it in addresses: ASCII letters and digits, runs of separators as hyphens.

    Other signs vanish, letters lose their accents, scripts without Latin letters give "".
    Rule: meta.stackexchange.com/questions/7435; 80 characters of the title count.
    """
    title = title[:_SLUG_LENGTH]
    if not title.isascii():
        title = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    return _HYPHENS.sub("-", title.lower().translate(_SLUG_TABLE)).strip("-")
