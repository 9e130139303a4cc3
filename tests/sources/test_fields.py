"""Rules of ``kbgen.sources.fields``."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from pydantic import TypeAdapter, ValidationError

from kbgen.sources.fields import SiteUrl, ascii_slug, read_epoch, read_time


@pytest.mark.parametrize(
    ("value", "time"),
    [
        (None, None),
        ("", None),
        ("2024-03-01T10:00:00.123Z", datetime(2024, 3, 1, 10, 0, 0, 123_000, tzinfo=UTC)),
        ("2024-03-01T10:00:00.000", datetime(2024, 3, 1, 10, tzinfo=UTC)),
        ("2024-03-01T10:00:00+02:00", datetime(2024, 3, 1, 8, tzinfo=UTC)),
        ("2024-03-01", datetime(2024, 3, 1, tzinfo=UTC)),
        (date(2024, 3, 1), datetime(2024, 3, 1, tzinfo=UTC)),
        (datetime(2024, 3, 1, 10, tzinfo=timezone(timedelta(hours=-5))), datetime(2024, 3, 1, 15, tzinfo=UTC)),
    ],
)
def test_times_are_aware_and_in_utc(value: object, time: datetime | None) -> None:
    """Every form of a time becomes an aware time in UTC; nothing stays nothing."""
    assert time == read_time(value)


@pytest.mark.parametrize("value", ["yesterday", 17, True, "0001-01-01T00:00:00+05:00"])
def test_what_is_no_time_is_refused(value: object) -> None:
    """A value that is no time, or outside of time, raises ValueError."""
    with pytest.raises(ValueError, match=r"\S"):
        read_time(value)


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("How do I reset it?", "how-do-i-reset-it"),
        ("Don't use C++ / C#", "dont-use-c-c"),
        ("  a -- b__c=d  ", "a-b-c-d"),
        ("Größe über café", "groe-uber-cafe"),
        ("什么时候", ""),
        ("x" * 90, "x" * 80),
    ],
)
def test_slugs_are_ascii(title: str, slug: str) -> None:
    """A slug has ASCII letters, digits and single hyphens, from 80 characters of the title."""
    assert slug == ascii_slug(title)


@pytest.mark.parametrize(
    ("address", "kept"),
    [("https://f.example.com/", "https://f.example.com"), ("https://example.com/forum/", "https://example.com/forum")],
)
def test_a_site_is_kept_without_its_last_slash(address: str, kept: str) -> None:
    """Site addresses end without a slash, so that paths can follow."""
    assert kept == TypeAdapter(SiteUrl).validate_python(address)


@pytest.mark.parametrize(
    "address", ["f.example.com", "javascript:alert(1)", "https://x.example.com/?a=1", "https://", "https://x.org\n"]
)
def test_a_site_is_an_absolute_address(address: str) -> None:
    """An address without scheme or host, or with a query, is refused."""
    with pytest.raises(ValidationError, match="must be an absolute address"):
        TypeAdapter(SiteUrl).validate_python(address)


@pytest.mark.parametrize(
    ("value", "per_second", "expected"),
    [
        (1736154000, 1, "2025-01-06T09:00:00+00:00"),
        ("1736154000", 1, "2025-01-06T09:00:00+00:00"),
        ("1736154000500", 1000, "2025-01-06T09:00:00.500000+00:00"),
        (0, 1, "1970-01-01T00:00:00+00:00"),
        ("", 1, None),
        (None, 1, None),
        (True, 1, None),
        ("yesterday", 1, None),
        (10**30, 1, None),
    ],
)
def test_seconds_since_1970_are_read(value: object, per_second: int, expected: str | None) -> None:
    """Numbers and their digits, in seconds or finer; anything else is no time."""
    time = read_epoch(value, per_second=per_second)
    assert expected == (time.isoformat() if time else None)
