"""Curated threads in a store, for the tests of near-duplicates."""

from __future__ import annotations

import msgspec

from kbgen.config import DuplicatesConfig
from kbgen.curate.clusters import head
from kbgen.model import Curated, CuratedPost, Head, Person, PlainText, Ref, SafeHtml, Verdict
from kbgen.store import Store
from kbgen.store.items import CuratedRow, pack

OFF = DuplicatesConfig(semantic="off")


def item(number: int, title: str, body: str = "") -> Curated:
    """A curated thread."""
    post = CuratedPost(str(number), "https://f.example/1", SafeHtml(""), PlainText(body), Person("1", "Ann"))
    return Curated(
        Ref(f"forum:{number}"), "thread", Verdict("publish", ("accepted",)), PlainText(title), None, question=post
    )


def fill(store: Store, items: list[Curated]) -> list[Head]:
    """Put items into the store; give their heads, as clustering gets them."""
    heads = [head(one) for one in items]
    rows = [
        CuratedRow(one.ref, one.kind, "", "", "publish", "accepted", "", "", msgspec.msgpack.encode(top), pack(one))
        for one, top in zip(items, heads, strict=True)
    ]
    with store.transaction():
        store.curated.delete(list(store.curated.inputs()))
        store.curated.put(rows)
    return heads
