"""What must not be told: keys in anything that is said or recorded, and addresses of people in recordings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus

from pydantic import BaseModel, SecretStr

MASK = "***"
# Values of these keys of a source's block open doors.
_SECRET_KEY = re.compile(r"(^|_)(key|token|secret|password|cookie)$")
# Shorter ones are parts of ordinary words, and would tear holes into every message.
_SHORTEST = 6
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")


def secrets_of(options: BaseModel) -> tuple[str, ...]:
    """The secrets among a source's options: values of keys such as ``api_key`` and ``token``, and all ``SecretStr``."""
    fields = ((name, getattr(options, name)) for name in type(options).model_fields)
    values = [
        value.get_secret_value() if isinstance(value, SecretStr) else value
        for name, value in fields
        if isinstance(value, SecretStr) or _SECRET_KEY.search(name)
    ]
    return tuple(value for value in values if isinstance(value, str) and value)


class Masks:
    """Takes secrets out of text.

    Args:
        secrets: as they are, in whatever header, query or body they are sent.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        spelled = {form for value in secrets for form in (value, quote(value, safe=""), quote_plus(value))}
        long = sorted((form for form in spelled if len(form) >= _SHORTEST), key=len, reverse=True)
        self._pattern = re.compile("|".join(re.escape(form) for form in long)) if long else None

    def text(self, text: str) -> str:
        """The text without secrets."""
        return self._pattern.sub(MASK, text) if self._pattern else text

    def recorded(self, text: str) -> str:
        """The text without secrets, and without addresses people could be written to at."""
        return _EMAIL.sub("someone@example.com", self.text(text))

    def headers(self, headers: Mapping[str, str], kept: Iterable[str]) -> dict[str, str]:
        """Those headers that are safe to record."""
        return {name: self.recorded(headers[name]) for name in kept if name in headers}
