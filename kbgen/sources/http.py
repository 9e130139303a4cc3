"""The only HTTP client: polite, patient, and never led off the host it was sent to.

Not here: what to ask for (each connector), and what to do when a pass breaks off (``harvest``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

Params = Mapping[str, str | int]


@dataclass(frozen=True)
class Reply:
    """An answer.

    Attributes:
        status: 200, or one of the statuses the caller said it would handle.
        url: final address.
        headers: names in lower case.
        body: unpacked.
    """

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> object:
        """Read the body as JSON.

        Raises:
            SourceError: it is something else, such as a login page; the message names the address and says so.
        """
        raise NotImplementedError

    def text(self) -> str:
        """Read the body as text in the charset it declares, UTF-8 where it declares none."""
        raise NotImplementedError


class Client(Protocol):
    """What a connector may do with the network."""

    def get(
        self,
        url: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        accept: str = "application/json",
        handled: Collection[int] = (),
    ) -> Reply:
        """Ask for an address; waits, retries and revalidates by itself.

        Args:
            url: absolute, on a host of the source's configuration.
            params: query parameters.
            headers: such as an API key; never logged.
            accept: the media type asked for; "text/html" asks robots.txt first.
            handled: statuses given back as a ``Reply`` instead of raised, such as 403, 404 and 410.

        Raises:
            SourceError: the host cannot be reached, refuses, redirects elsewhere, or answers with another status.
        """
        ...

    def post(
        self,
        url: str,
        *,
        json: object,
        headers: Mapping[str, str] | None = None,
        handled: Collection[int] = (),
    ) -> Reply:
        """Send JSON, such as a GraphQL query; otherwise as ``get``."""
        ...
