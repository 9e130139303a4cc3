"""A client that answers from a recording (``kbgen harvest --record FILE``): for tests, and to see a reported fault."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import msgspec

from kbgen.errors import SourceError
from kbgen.sources.http import Params, Reply, address
from kbgen.sources.http_cassette import Exchange, read_cassette
from kbgen.sources.http_masks import MASK


class Replay:
    """Answers each request with what was recorded for it, in the order it was recorded; the last answer stays.

    Args:
        file: a recording.

    Raises:
        UsageError: the file is none.
    """

    def __init__(self, file: Path) -> None:
        self._exchanges: defaultdict[tuple[str, str], list[Exchange]] = defaultdict(list)
        for exchange in read_cassette(file):
            self._exchanges[exchange.method, exchange.url.partition("?")[0]].append(exchange)

    def get(
        self,
        url: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        accept: str = "application/json",
        handled: Collection[int] = (),
    ) -> Reply:
        """Answer from the recording; see ``Client.get``."""
        del headers, accept
        return self._answer("GET", address(url, params), "", handled)

    def post(
        self,
        url: str,
        *,
        json: object,
        headers: Mapping[str, str] | None = None,
        handled: Collection[int] = (),
    ) -> Reply:
        """Answer from the recording; see ``Client.post``."""
        del headers
        return self._answer("POST", url, msgspec.json.encode(json).decode(), handled)

    def _answer(self, method: str, url: str, sent: str, handled: Collection[int]) -> Reply:
        recorded = self._exchanges[method, url.partition("?")[0]]
        fitting = [one for one in recorded if _same_query(one.url, url) and one.sent == sent]
        if not fitting:
            raise SourceError(f"the recording has no answer to {method} {url}; record it anew")
        if len(fitting) > 1:
            recorded.remove(fitting[0])
        reply = fitting[0].reply()
        if reply.status != 200 and reply.status not in handled:
            raise SourceError(f"{reply.url} answers {reply.status}")
        return reply


def _same_query(recorded: str, asked: str) -> bool:
    """Parameters in any order; one that was masked stands for any value."""
    old, new = (sorted(parse_qsl(urlsplit(url).query, keep_blank_values=True)) for url in (recorded, asked))
    return len(old) == len(new) and all(
        one == other and value in {MASK, actual} for (one, value), (other, actual) in zip(old, new, strict=True)
    )
