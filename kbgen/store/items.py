"""What curation made: one row an item (``curated``), one row a page's content (``entries``), and the clusters.

Every row carries ``input``, the digest of all it was made from; it is made again only when that moves.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

import msgspec
import zstandard

from kbgen.model import ArticleEntry, Cluster, Curated, Entry, Head, Ref, Summary, split_ref
from kbgen.store.packing import whole_rows

_BATCH = 500
_CURATED = msgspec.msgpack.Decoder(Curated)
_HEAD = msgspec.msgpack.Decoder(Head)
_SUMMARY = msgspec.msgpack.Decoder(Summary)
# Words of a closed list are one object already.
_SHARED = ("lang", "source", "topics", "tags", "family")
_ENTRY = msgspec.msgpack.Decoder(Entry)
_ARTICLE = msgspec.msgpack.Decoder(ArticleEntry)


class _Lang(msgspec.Struct):
    lang: str


_LANG = msgspec.msgpack.Decoder(_Lang)


class CuratedRow(NamedTuple):
    """A curated item ready to be stored; made in worker processes, so its parts are bytes.

    Attributes:
        unmapped: source tags the taxonomy does not know, one a line.
        note: what a person should read about it, "" when nothing.
    """

    ref: str
    kind: str
    input: str
    digest: str
    outcome: str
    reason: str
    unmapped: str
    note: str
    head: bytes | None
    payload: bytes


class EntryRow(NamedTuple):
    """An entry or article ready to be stored; ``terms`` are its words as the search index takes them."""

    ref: str
    kind: Literal["entry", "article"]
    input: str
    digest: str
    summary: bytes
    terms: bytes
    payload: bytes


class AnalysedRow(NamedTuple):
    """The analysed words of an entry, with its language and the digest of all it was made from."""

    ref: str
    lang: str
    input: str
    terms: bytes


class VerdictCount(NamedTuple):
    """How many items of a source have a verdict for a reason."""

    source: str
    outcome: str
    reason: str
    items: int


class _OfThread(threading.local):
    """What packs and unpacks; to make one costs as much as to use it, and threads cannot share it."""

    def __init__(self) -> None:
        self.packer = zstandard.ZstdCompressor(level=1)
        self.unpacker = zstandard.ZstdDecompressor()


_of_thread = _OfThread()


def pack(value: object) -> bytes:
    """Encode and compress a model object."""
    return _of_thread.packer.compress(msgspec.msgpack.encode(value))


def _unpack(data: bytes) -> bytes:
    return _of_thread.unpacker.decompress(data)


class CuratedItems:
    """Rows of ``curated``, and of ``heads``: what every night reads of all of them, apart from what it does not."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def inputs(self) -> dict[str, str]:
        """Ref to the digest of what the row was made from."""
        return dict(self._db.execute("SELECT ref, input FROM curated"))

    def digests(self) -> dict[str, str]:
        """Ref to the digest of the curated content."""
        return dict(self._db.execute("SELECT ref, digest FROM curated"))

    def put(self, rows: Iterable[CuratedRow]) -> None:
        """Store rows by ref; call inside a transaction."""
        rows = tuple(rows)
        self._db.executemany(
            "INSERT OR REPLACE INTO curated (ref, source, kind, input, digest, outcome, reason, unmapped, note, "
            "payload) VALUES (?,?,?,?,?,?,?,?,?,?)",
            ((one.ref, split_ref(one.ref)[0], *one[1:8], one.payload) for one in rows),
        )
        self._db.executemany("DELETE FROM heads WHERE ref = ?", ((one.ref,) for one in rows if one.head is None))
        heads = ((one.ref, one.head) for one in rows if one.head is not None)
        self._db.executemany("INSERT OR REPLACE INTO heads VALUES (?, ?)", heads)

    def set_inputs(self, inputs: Iterable[tuple[str, str]]) -> None:
        """Note for rows that stay as they are what they would be made from now: ref and digest.

        Call inside a transaction.
        """
        self._db.executemany("UPDATE curated SET input = ?2 WHERE ref = ?1", inputs)

    def delete(self, refs: Iterable[str]) -> None:
        """Forget items whose records are gone."""
        gone = [(ref,) for ref in refs]
        self._db.executemany("DELETE FROM curated WHERE ref = ?", gone)
        self._db.executemany("DELETE FROM heads WHERE ref = ?", gone)

    def heads(self) -> Iterator[Head]:
        """Every publishable thread, by ref."""
        with whole_rows("heads"):
            for (data,) in self._db.execute("SELECT head FROM heads ORDER BY ref"):
                yield _HEAD.decode(data)

    def refs(self, kind: str, outcome: str) -> tuple[Ref, ...]:
        """Refs of one kind with one outcome, in order."""
        rows = self._db.execute("SELECT ref FROM curated WHERE kind = ? AND outcome = ? ORDER BY ref", (kind, outcome))
        return tuple(Ref(row[0]) for row in rows)

    def get(self, refs: Sequence[str]) -> tuple[Curated, ...]:
        """Items by ref, in the order asked; unknown refs are left out."""
        found: dict[str, Curated] = {}
        for start in range(0, len(refs), _BATCH):
            part = refs[start : start + _BATCH]
            marks = ",".join("?" * len(part))
            sql = f"SELECT ref, payload FROM curated WHERE ref IN ({marks})"  # noqa: S608
            with whole_rows("curated"):
                found.update((ref, _CURATED.decode(_unpack(data))) for ref, data in self._db.execute(sql, part))
        return tuple(found[ref] for ref in refs if ref in found)

    def verdicts(self) -> tuple[VerdictCount, ...]:
        """Counts by source, outcome and deciding reason."""
        sql = "SELECT source, outcome, reason, COUNT(*) FROM curated GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        return tuple(VerdictCount(*row) for row in self._db.execute(sql))

    def unmapped(self) -> dict[str, int]:
        """Source tags the taxonomy does not know, with how many items carry them."""
        counts: dict[str, int] = {}
        for (tags,) in self._db.execute("SELECT unmapped FROM curated WHERE unmapped != '' AND outcome = 'publish'"):
            for tag in tags.split("\n"):
                counts[tag] = counts.get(tag, 0) + 1
        return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))

    def notes(self, reason: str) -> tuple[str, ...]:
        """Notes of the items with a deciding reason, by ref."""
        sql = "SELECT note FROM curated WHERE reason = ? AND note != '' ORDER BY ref"
        return tuple(str(row[0]) for row in self._db.execute(sql, (reason,)))


class Entries:
    """Rows of ``entries``, of ``summaries``, which every night reads without the rest of them, and of ``clusters``."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def inputs(self) -> dict[str, str]:
        """Ref to the digest of what the row was made from."""
        return dict(self._db.execute("SELECT ref, input FROM entries"))

    def put(self, rows: Iterable[EntryRow]) -> None:
        """Store rows by ref; call inside a transaction."""
        rows = tuple(rows)
        self._db.executemany(
            "INSERT OR REPLACE INTO entries (ref, kind, input, digest, terms, payload) VALUES (?,?,?,?,?,?)",
            ((*one[:4], one.terms, one.payload) for one in rows),
        )
        # Not replaced: a row that is stays where it lies, among its neighbours.
        self._db.executemany(
            "INSERT INTO summaries VALUES (?, ?) ON CONFLICT (ref) DO UPDATE SET summary = excluded.summary",
            ((one.ref, one.summary) for one in rows),
        )

    def delete(self, refs: Iterable[str]) -> None:
        """Forget entries that are no more."""
        gone = [(ref,) for ref in refs]
        self._db.executemany("DELETE FROM entries WHERE ref = ?", gone)
        self._db.executemany("DELETE FROM summaries WHERE ref = ?", gone)

    def digests(self) -> Iterator[tuple[str, str]]:
        """Ref and digest of every entry, by ref."""
        yield from self._db.execute("SELECT ref, digest FROM entries ORDER BY ref")

    def summaries(self) -> Iterator[Summary]:
        """Every entry without its bodies, by ref; what many have in common is in memory once."""
        same: dict[object, object] = {}
        with whole_rows("summaries"):
            for (data,) in self._db.execute("SELECT summary FROM summaries ORDER BY ref"):
                summary = _SUMMARY.decode(data)
                for name in _SHARED:
                    value = getattr(summary, name)
                    msgspec.structs.force_setattr(summary, name, same.setdefault(value, value))
                people = tuple(same.setdefault(person, person) for person in summary.people)
                msgspec.structs.force_setattr(summary, "people", people)
                yield summary

    def terms(self, refs: Sequence[str]) -> dict[Ref, bytes]:
        """The analysed words of some entries."""
        found: dict[Ref, bytes] = {}
        for start in range(0, len(refs), _BATCH):
            part = refs[start : start + _BATCH]
            marks = ",".join("?" * len(part))
            sql = f"SELECT ref, terms FROM entries WHERE ref IN ({marks})"  # noqa: S608
            found.update((Ref(ref), data) for ref, data in self._db.execute(sql, part))
        return found

    def analysed(self, refs: Sequence[str] | None = None) -> Iterator[AnalysedRow]:
        """The analysed words of every entry, or of some."""
        sql = "SELECT ref, summary, input, terms FROM entries JOIN summaries USING (ref)"
        if refs is None:
            yield from self._analysed(self._db.execute(sql))
            return
        for start in range(0, len(refs), _BATCH):
            part = refs[start : start + _BATCH]
            yield from self._analysed(self._db.execute(f"{sql} WHERE ref IN ({','.join('?' * len(part))})", part))

    @staticmethod
    def _analysed(rows: Iterable[tuple[str, bytes, str, bytes]]) -> Iterator[AnalysedRow]:
        with whole_rows("summaries"):
            for ref, summary, made_from, terms in rows:
                yield AnalysedRow(ref, _LANG.decode(summary).lang, made_from, terms)

    def bodies(self, refs: Sequence[str]) -> Iterator[Entry | ArticleEntry]:
        """Entries by ref, in the order asked; unknown refs are left out."""
        for start in range(0, len(refs), _BATCH):
            part = refs[start : start + _BATCH]
            marks = ",".join("?" * len(part))
            sql = f"SELECT ref, kind, payload FROM entries WHERE ref IN ({marks})"  # noqa: S608
            found = {ref: (kind, data) for ref, kind, data in self._db.execute(sql, part)}
            with whole_rows("entries"):
                for ref in part:
                    if ref in found:
                        kind, data = found[ref]
                        yield (_ENTRY if kind == "entry" else _ARTICLE).decode(_unpack(data))

    def set_clusters(self, clusters: Iterable[Cluster]) -> None:
        """Make the rows those of all clusters, touching only what differs; call inside a transaction."""
        have = {ref: (lead, why) for ref, lead, why in self._db.execute("SELECT ref, lead, evidence FROM clusters")}
        rows = [(ref, cluster.lead, why) for cluster in clusters for ref, why in cluster.evidence]
        gone = have.keys() - {row[0] for row in rows}
        fresh = (row for row in rows if have.get(row[0]) != row[1:])
        self._db.executemany("DELETE FROM clusters WHERE ref = ?", ((ref,) for ref in gone))
        self._db.executemany("INSERT OR REPLACE INTO clusters VALUES (?, ?, ?)", fresh)

    def cluster_of(self, ref: str) -> tuple[tuple[Ref, str], ...]:
        """The threads merged with ``ref`` and why each is there, the lead first; empty when it has no page."""
        row = self._db.execute("SELECT lead FROM clusters WHERE ref = ?", (ref,)).fetchone()
        if row is None:
            return ()
        sql = "SELECT ref, evidence FROM clusters WHERE lead = ? ORDER BY ref != lead, ref"
        return tuple((Ref(member), str(why)) for member, why in self._db.execute(sql, row))

    def leads(self) -> dict[Ref, Ref]:
        """Every clustered thread to its lead."""
        return {Ref(ref): Ref(lead) for ref, lead in self._db.execute("SELECT ref, lead FROM clusters")}
