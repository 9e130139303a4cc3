"""What comparing costs with all around it: threads read from a store, what was found written to it.

Not here: what comparing alone costs (``dedupe.growth``), and what was harvested and curated before.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from bench.dedupe_data import Question
from kbgen.config import DuplicatesConfig
from kbgen.curate.clusters import head
from kbgen.curate.near import near_duplicates
from kbgen.executor import chunks
from kbgen.model import Curated, CuratedPost, Head, Person, PlainText, Ref, SafeHtml, Verdict
from kbgen.store import Store, open_store
from kbgen.store.items import CuratedRow, pack

_FIRST = datetime(2020, 1, 1, tzinfo=UTC)
_BATCH = 500


def night(questions: Sequence[Question], old: int) -> tuple[float, float]:
    """CPU seconds of comparing all old questions from nothing, and of the night in which the others come."""
    config = DuplicatesConfig(semantic="off")
    with TemporaryDirectory() as folder, closing(open_store(Path(folder) / "store.sqlite")) as store:
        heads = _filled(store, questions)
        start = time.process_time()
        near_duplicates(store, config, heads[:old])
        between = time.process_time()
        near_duplicates(store, config, heads)
        return between - start, time.process_time() - between


def _filled(store: Store, questions: Sequence[Question]) -> list[Head]:
    heads: list[Head] = []
    for some in chunks(list(enumerate(questions)), _BATCH):
        items = [_item(number, question) for number, question in some]
        heads += map(head, items)
        tops = map(msgspec.msgpack.encode, heads[-len(items) :])
        with store.transaction():
            store.curated.put(
                CuratedRow(one.ref, one.kind, "", "", "publish", "accepted", "", "", top, pack(one))
                for one, top in zip(items, tops, strict=True)
            )
    return heads


def _item(number: int, question: Question) -> Curated:
    post = CuratedPost(str(number), "", SafeHtml(""), PlainText(question.body), Person("1", "Ann"))
    made = Curated(Ref(f"forum:{number}"), "thread", Verdict("publish", ("accepted",)), PlainText(question.title), "en")
    return msgspec.structs.replace(made, question=post, created=_FIRST + timedelta(minutes=number))
