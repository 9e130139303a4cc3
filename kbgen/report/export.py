"""Published entries and articles as JSON lines: one object a line, documented here.

Each line has ``ref``, ``kind``, ``path``, ``url`` (the page's) and the fields of ``model.Entry`` or
``model.ArticleEntry``; an article's also ``source_url``, where it lives elsewhere. ``sources.jsonl`` reads them again.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from kbgen.addresses import absolute
from kbgen.model import ArticleEntry, Ref
from kbgen.store import Store

_BATCH = 200


def lines(store: Store, paths: dict[Ref, str], site_url: str) -> Iterator[bytes]:
    """Every entry and article, by ref.

    Args:
        store: the open store.
        paths: permalinks by ref.
        site_url: for the ``url`` of each.
    """
    refs = sorted(paths)
    for start in range(0, len(refs), _BATCH):
        for body in store.entries.bodies(refs[start : start + _BATCH]):
            path = paths[body.ref]
            kind = "article" if isinstance(body, ArticleEntry) else "entry"
            line = {**msgspec.to_builtins(body), "kind": kind, "path": path, "url": absolute(site_url, path)}
            if isinstance(body, ArticleEntry):
                line["source_url"] = body.url
            yield msgspec.json.encode(line, order="deterministic") + b"\n"
