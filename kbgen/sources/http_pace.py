"""When a host may be asked again: one token bucket a host, and the waits hosts ask for.

Not here: sending anything. Statuses and headers that ask to wait: RFC 9110 section 10.2.3, RFC 6585 section 4,
draft-ietf-httpapi-ratelimit-headers, and what Stack Exchange, GitHub and Discourse document.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol

import msgspec

# A quota that is used up comes back within a day on every platform; larger numbers are times, not spans.
_LONGEST = 86_400.0
_BURST = 5.0


class Clock(Protocol):
    """Time, which tests need not spend."""

    def now(self) -> float:
        """Seconds on a clock that never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass."""
        ...


class SystemClock:
    """The machine's."""

    def now(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


@dataclass
class _Bucket:
    tokens: float
    at: float
    held: float = 0.0


class Pace:
    """Says how long to wait before a host is asked, and waits.

    Args:
        per_second: requests to one host.
        clock: the system's by default.
    """

    def __init__(self, per_second: float, clock: Clock | None = None) -> None:
        self._rate = per_second
        self._burst = max(1.0, min(_BURST, per_second))
        self.clock: Clock = clock or SystemClock()
        self._buckets: dict[str, _Bucket] = {}

    def hold(self, host: str, seconds: float) -> None:
        """Ask the host nothing for so long; a longer wait that is under way stays."""
        bucket = self._bucket(host)
        bucket.held = max(bucket.held, self.clock.now() + seconds)

    def wait(self, host: str, patience: float, *, rate: float | None = None) -> float | None:
        """Take a token of the host's bucket, waiting for it.

        Args:
            host: name and port.
            patience: seconds to wait at most.
            rate: a slower one than the usual, such as a crawl delay.

        Returns:
            None when the wait is over; otherwise how many seconds it would take, which is too long.
        """
        bucket = self._bucket(host)
        rate = min(rate, self._rate) if rate else self._rate
        now = self.clock.now()
        bucket.tokens = min(self._burst if rate == self._rate else 1.0, bucket.tokens + (now - bucket.at) * rate)
        bucket.at = now
        delay = max(bucket.held - now, (1.0 - bucket.tokens) / rate if bucket.tokens < 1.0 else 0.0)
        if delay > patience:
            return delay
        if delay > 0:
            self.clock.sleep(delay)
            bucket.tokens += delay * rate
            bucket.at = now + delay
        bucket.tokens = min(bucket.tokens, self._burst) - 1.0
        return None

    def _bucket(self, host: str) -> _Bucket:
        return self._buckets.setdefault(host, _Bucket(self._burst, self.clock.now()))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds the host asks to wait, from a number or a date; None when it does not say.

    Args:
        headers: names in lower case.
    """
    value = headers.get("retry-after", "").strip()
    seconds = _number(value)
    if seconds is not None:
        return min(max(0.0, seconds), _LONGEST)
    until = _date(value)
    if until is None:
        return None
    # By the host's own clock where it tells it: ours may be wrong.
    now = _date(headers.get("date", "")) or datetime.now(UTC)
    return min(max(0.0, (until - now).total_seconds()), _LONGEST)


def quota_pause(headers: Mapping[str, str]) -> float | None:
    """Seconds until a quota that this answer used up is renewed; None while some of it is left."""
    for prefix in ("x-ratelimit-", "ratelimit-", "x-rate-limit-"):
        left, reset = _number(headers.get(f"{prefix}remaining")), _number(headers.get(f"{prefix}reset"))
        if left is None or left > 0 or reset is None:
            continue
        # A span of seconds, or a moment in seconds since 1970.
        now = _date(headers.get("date", "")) or datetime.now(UTC)
        span = reset - now.timestamp() if reset > _LONGEST else reset
        return min(max(0.0, span), _LONGEST)
    return None


def asked_backoff(body: bytes) -> float | None:
    """Seconds in the ``backoff`` field of an API answer, which Stack Exchange may put into any of them."""
    if b'"backoff"' not in body:
        return None
    try:
        backoff = msgspec.json.decode(body, type=_Wrapper).backoff
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError):
        return None
    return min(backoff, _LONGEST) if backoff and backoff > 0 else None


def asked_wait(body: bytes) -> float | None:
    """Seconds in the body of an answer that says "later": Discourse's ``wait_seconds``, Askbot's ``retry_after``."""
    try:
        found = msgspec.json.decode(body, type=_Later)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError):
        return None
    seconds = found.retry_after or (found.extras.wait_seconds if found.extras else None)
    return min(seconds, _LONGEST) if seconds and seconds > 0 else None


class _Wrapper(msgspec.Struct):
    backoff: float | None = None


class _Extras(msgspec.Struct):
    wait_seconds: float | None = None


class _Later(msgspec.Struct):
    retry_after: float | None = None
    extras: _Extras | None = None


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if number == number and abs(number) != float("inf") else None  # noqa: PLR0124 - not a number


def _date(value: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(value)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
