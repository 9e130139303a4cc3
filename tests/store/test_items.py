"""Curated items, entries and clusters as rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from kbgen.model import (
    ArticleEntry,
    Cluster,
    Curated,
    CuratedPost,
    Entry,
    Head,
    Person,
    PlainText,
    Ref,
    SafeHtml,
    SourceThread,
    Verdict,
)
from kbgen.store import Store, open_store
from kbgen.store.items import CuratedRow, EntryRow, VerdictCount, pack

ANN = Person("1", "Ann", "https://forum.example.com/u/ann")
POST = CuratedPost("1", "https://forum.example.com/t/1/1", SafeHtml("<p>Yes.</p>"), PlainText("Yes."), ANN)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    with closing(open_store(tmp_path / "store.sqlite")) as opened:
        yield opened


def item(ref: str, outcome: str = "publish", reason: str = "accepted") -> Curated:
    """A curated thread."""
    verdict = Verdict(outcome, (reason,))  # type: ignore[arg-type]
    return Curated(Ref(ref), "thread", verdict, PlainText(f"Title of {ref}"), None, POST, (POST,))


def row(made: Curated, *, unmapped: str = "", note: str = "") -> CuratedRow:
    """A row as the curate stage makes it."""
    head = Head(made.ref, made.title, "en", "", (), 1.0)
    packed = msgspec.msgpack.encode(head) if made.verdict.outcome == "publish" else None
    return CuratedRow(
        made.ref, "thread", f"in {made.ref}", f"of {made.ref}", made.verdict.outcome, made.verdict.reasons[0],
        unmapped, note, packed, pack(made),
    )  # fmt: skip


def entry(ref: str) -> Entry:
    """A minimal entry."""
    thread = SourceThread(Ref(ref), PlainText("T"), "https://forum.example.com/t/1", "Forum", ANN)
    return Entry(
        ref=Ref(ref), title=PlainText(f"Title of {ref}"), question=POST, best=POST, others=(), threads=(thread,),
        also_asked=(), description=PlainText(""), tags=(), topics=(), lang="en", created=None, updated=None,
    )  # fmt: skip


def article(ref: str) -> ArticleEntry:
    """A minimal article."""
    return ArticleEntry(
        ref=Ref(ref), title=PlainText(f"Title of {ref}"), html=SafeHtml(""), text=PlainText(""),
        description=PlainText(""), tags=(), topics=(), lang="en", created=None, updated=None, reviewed=None,
        owner=PlainText(""), licence=None, url=None, path=None, community="Staff",
    )  # fmt: skip


def test_items_come_back_as_they_were(store: Store) -> None:
    """Every field, in the order asked, unknown refs left out."""
    one, two = item("forum:1"), item("forum:2", "hold", "thin")
    store.curated.put([row(one), row(two)])
    assert (two, one) == store.curated.get(["forum:2", "forum:9", "forum:1"])


def test_putting_an_item_again_replaces_it(store: Store) -> None:
    """One item, one row, whatever it was before."""
    store.curated.put([row(item("forum:1"))])
    store.curated.put([row(item("forum:1", "drop", "unanswered"))])
    assert ((), ("forum:1",)) == (store.curated.refs("thread", "publish"), store.curated.refs("thread", "drop"))
    assert [] == list(store.curated.heads())


def test_only_published_threads_have_heads(store: Store) -> None:
    """Clustering sees what may be published, by ref, and nothing held back."""
    store.curated.put([row(item("forum:2")), row(item("forum:1")), row(item("forum:3", "hold", "thin"))])
    assert ["forum:1", "forum:2"] == [head.ref for head in store.curated.heads()]


def test_verdicts_are_counted_by_source_and_reason(store: Store) -> None:
    """What ``status`` and the report add up."""
    store.curated.put([row(item("forum:1")), row(item("forum:2")), row(item("stack:1", "drop", "unanswered"))])
    assert (
        VerdictCount("forum", "publish", "accepted", 2),
        VerdictCount("stack", "drop", "unanswered", 1),
    ) == store.curated.verdicts()


def test_unmapped_tags_are_counted_over_published_items(store: Store) -> None:
    """The most used first; what is not published needs no tag."""
    store.curated.put(
        [
            row(item("forum:1"), unmapped="zigbee\nmatter"),
            row(item("forum:2"), unmapped="matter"),
            row(item("forum:3", "drop", "thin"), unmapped="spam"),
        ]
    )
    assert [("matter", 2), ("zigbee", 1)] == list(store.curated.unmapped().items())


def test_notes_of_a_reason_come_by_ref(store: Store) -> None:
    """Only the items the reason decided, and only those with a note."""
    store.curated.put(
        [
            row(item("forum:2", "hold", "malformed"), note="two"),
            row(item("forum:1", "hold", "malformed"), note="one"),
            row(item("forum:3", "hold", "malformed")),
            row(item("forum:4", "hold", "thin"), note="four"),
        ]
    )
    assert ("one", "two") == store.curated.notes("malformed")


def test_forgotten_items_are_gone_from_every_question(store: Store) -> None:
    """Deleting leaves no digest, no head and no count behind."""
    store.curated.put([row(item("forum:1")), row(item("forum:2"))])
    store.curated.delete(["forum:1", "forum:9"])
    assert {"forum:2": "in forum:2"} == store.curated.inputs()
    assert {"forum:2": "of forum:2"} == store.curated.digests()


def test_bodies_come_back_by_their_kind_in_the_order_asked(store: Store) -> None:
    """Entries and articles share a table and keep their types, over more than one batch of refs."""
    many = [entry(f"forum:{number}") for number in range(1, 701)]
    rows = [EntryRow(one.ref, "entry", "", "", b"", b"", pack(one)) for one in many]
    store.entries.put([*rows, EntryRow("docs:a", "article", "", "", b"", b"", pack(article("docs:a")))])
    wanted = [*(f"forum:{number}" for number in range(700, 0, -1)), "docs:a", "docs:none"]
    assert [*reversed(many), article("docs:a")] == list(store.entries.bodies(wanted))


def test_entry_digests_come_by_ref(store: Store) -> None:
    """The site's key is made of them, so their order must not depend on the order of writing."""
    store.entries.put(
        [EntryRow(ref, "entry", f"in {ref}", f"of {ref}", b"", b"", b"") for ref in ("b:1", "a:1", "c:1")]
    )
    store.entries.delete(["c:1"])
    assert [("a:1", "of a:1"), ("b:1", "of b:1")] == list(store.entries.digests())
    assert {"a:1": "in a:1", "b:1": "in b:1"} == store.entries.inputs()


def test_clusters_name_the_lead_first_and_are_replaced_whole(store: Store) -> None:
    """The evidence of each member is kept; yesterday's clusters are not."""
    old = Cluster(Ref("forum:9"), (Ref("forum:9"),), ((Ref("forum:9"), "lead"),))
    members = (Ref("forum:5"), Ref("forum:1"), Ref("forum:7"))
    new = Cluster(members[0], members, ((members[1], "exact"), (members[2], "declared"), (members[0], "lead")))
    store.entries.set_clusters([old])
    store.entries.set_clusters([new])

    assert (("forum:5", "lead"), ("forum:1", "exact"), ("forum:7", "declared")) == store.entries.cluster_of("forum:7")
    assert () == store.entries.cluster_of("forum:9")
    assert dict.fromkeys(members, Ref("forum:5")) == store.entries.leads()
