"""Published entries and articles as JSON lines: one object a line, documented here.

Each line has ``ref``, ``kind``, ``path``, ``url`` and the fields of ``model.Entry`` or ``model.ArticleEntry``.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from kbgen.addresses import absolute
from kbgen.model import Ref
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
            kind = "entry" if type(body).__name__ == "Entry" else "article"
            head = {"kind": kind, "path": path, "url": absolute(site_url, path)}
            # The page's address wins over that of the same article elsewhere.
            yield msgspec.json.encode({**msgspec.to_builtins(body), **head}, order="deterministic") + b"\n"
