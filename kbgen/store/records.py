"""Harvested records, verbatim while they are there: upserts, cursors, failures and withdrawals."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, cast

from kbgen.errors import RecordError
from kbgen.model import RawRecord, RecordKind, Ref, split_ref
from kbgen.store.packing import Packing, whole_rows

_BATCH = 500
_REPACK_SAMPLES = 1000
# ``{}``, packed by itself: what stands in place of words that are let go of.
_NOTHING = bytes.fromhex("28b52ffd20021100007b7d")

_Known = tuple[str, str]
"""A record's digest and signature."""


class RecordState(NamedTuple):
    """A record without its payload."""

    ref: Ref
    source: str
    digest: str
    gone: bool


class Failure(NamedTuple):
    """A record that could not be read, kept until a harvest reads it."""

    source: str
    place: str
    problem: str


class Records:
    """Rows of ``records``, ``cursors`` and ``failures``."""

    def __init__(self, connection: sqlite3.Connection, packing: Packing) -> None:
        self._db = connection
        self._packing = packing

    def upsert(self, batch: Sequence[RawRecord], run: int) -> tuple[int, int]:
        """Store records by ref, and that they were seen; call inside a transaction.

        Args:
            batch: at most a few hundred records.
            run: the harvest's number, for ``withdraw``.

        Returns:
            How many were new or changed, how many were there already.
        """
        batch = _last_of_each(batch)
        known = self._known([record.ref for record in batch])
        _see(self._db, [record for record in batch if record.ref in known], run)
        changed = _write(self._db, self._packing, batch, known, run)
        return len(changed), len(batch) - len(changed)

    def rewrite(self, rows: Iterable[tuple[str, bytes]]) -> None:
        """Put other payloads in the place of stored ones; call inside a transaction.

        The digest stays that of what the source sent: while that does not change, neither does the stored payload.
        """
        for ref, payload in rows:
            packed = self._packing.packer(()).compress(payload)
            self._db.execute("UPDATE records SET payload = ? WHERE ref = ?", (packed, ref))

    def repack(self) -> None:
        """Pack every payload anew with a dictionary of what is stored now; call inside a transaction.

        A dictionary is made of pieces of records, so it can hold words of some that were rewritten since.
        """
        refs = [state.ref for state in self.states()]
        samples = self.get(refs[:: max(1, len(refs) // _REPACK_SAMPLES)])
        with self._packing.anew(record.payload for record in samples) as packer:
            for start in range(0, len(refs), _BATCH):
                for record in list(self.get(refs[start : start + _BATCH])):
                    packed = packer.compress(record.payload)
                    self._db.execute("UPDATE records SET payload = ? WHERE ref = ?", (packed, record.ref))

    def withdraw(self, source: str, run: int, unreadable: Iterable[str] = ()) -> int:
        """Mark what a complete pass did not see as gone; the payload stays until ``release``.

        Args:
            source: its name.
            run: the pass.
            unreadable: places of records that failed in this pass; what was last read from there stays.

        Returns:
            How many were withdrawn.
        """
        keep = "INSERT OR REPLACE INTO sightings SELECT ref, ? FROM records WHERE source = ? AND place IN (?, ?)"
        self._db.executemany(keep, ((run, source, place, _file_of(place)) for place in unreadable))
        sql = (
            "UPDATE records SET gone = 1 WHERE source = ? AND gone = 0 AND ref IN "
            "(SELECT ref FROM sightings WHERE run < ?)"
        )
        return self._db.execute(sql, (source, run)).rowcount

    def release(self) -> None:
        """Let go of the words of withdrawn records; call once a site without them is published.

        Until then a source that lost them by mistake has lost nothing: a run that the guard stops is undone by hand.
        """
        # Which are gone is read from an index: the table would be read whole, every night.
        sql = (
            "UPDATE records SET payload = ?1 WHERE payload <> ?1 AND ref IN "
            "(SELECT ref FROM records INDEXED BY records_known WHERE gone = 1)"
        )
        self._db.execute(sql, (_NOTHING,))

    def fingerprint(self, source: str) -> str | None:
        """Signature of the input at the last complete harvest."""
        row = self._db.execute("SELECT fingerprint FROM cursors WHERE source = ?", (source,)).fetchone()
        return None if row is None else str(row[0])

    def set_fingerprint(self, source: str, fingerprint: str, run: int) -> None:
        """Remember a complete harvest."""
        self._db.execute("INSERT OR REPLACE INTO cursors VALUES (?, ?, ?)", (source, fingerprint, run))

    def set_failures(self, source: str, errors: Iterable[RecordError], run: int) -> None:
        """Replace the source's failures with those of this run."""
        self._db.execute("DELETE FROM failures WHERE source = ?", (source,))
        rows = ((source, error.place, error.problem, run) for error in errors)
        self._db.executemany("INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?)", rows)

    def failures(self) -> tuple[Failure, ...]:
        """Everything that waits for a retry."""
        rows = self._db.execute("SELECT source, place, problem FROM failures ORDER BY source, place")
        return tuple(Failure(*row) for row in rows)

    def states(self) -> Iterator[RecordState]:
        """Every record without its payload, by ref."""
        for ref, source, digest, gone in self._db.execute("SELECT ref, source, digest, gone FROM records ORDER BY ref"):
            yield RecordState(Ref(ref), source, digest, bool(gone))

    def state(self, ref: str) -> RecordState | None:
        """One record without its payload, None when the store has never seen it."""
        sql = "SELECT ref, source, digest, gone FROM records WHERE ref = ?"
        row = self._db.execute(sql, (ref,)).fetchone()
        return None if row is None else RecordState(Ref(row[0]), row[1], row[2], bool(row[3]))

    def find(self, *, url: str = "", source: str = "", place: str = "") -> Ref | None:
        """The record of a live thread's URL, or what was last read from a place of a source and not withdrawn."""
        by_url, by_place = ("url = ?", (url,)), ("source = ? AND place = ? AND gone = 0", (source, place))
        which, values = by_url if url else by_place
        row = self._db.execute(f"SELECT ref FROM records WHERE {which} ORDER BY ref", values).fetchone()  # noqa: S608
        return None if row is None else Ref(row[0])

    def counts(self) -> dict[str, tuple[int, int]]:
        """Source to how many records it has and how many of them are gone."""
        sql = "SELECT source, COUNT(*), SUM(gone) FROM records GROUP BY source ORDER BY source"
        return {source: (int(count), int(gone)) for source, count, gone in self._db.execute(sql)}

    def get(self, refs: Sequence[str]) -> Iterator[RawRecord]:
        """Records by ref, in the order asked; unknown refs are left out."""
        for start in range(0, len(refs), _BATCH):
            part = refs[start : start + _BATCH]
            marks = ",".join("?" * len(part))
            rows = self._db.execute(
                f"SELECT ref, kind, url, payload, digest, place, signature FROM records WHERE ref IN ({marks})",  # noqa: S608
                part,
            )
            found = {row[0]: row for row in rows}
            for ref in part:
                if ref in found:
                    yield self._record(found[ref])

    def _record(self, row: tuple[str, str, str, bytes, str, str, str]) -> RawRecord:
        ref, kind, url, payload, digest, place, signature = row
        with whole_rows("records"):
            unpacked = self._packing.unpack(payload)
        return RawRecord(Ref(ref), cast("RecordKind", kind), url, unpacked, digest, place, signature=signature)

    def _known(self, refs: Sequence[str]) -> dict[str, _Known]:
        """What is known of some, those that are not there left out."""
        known: dict[str, _Known] = {}
        for start in range(0, len(refs), _BATCH):
            part = refs[start : start + _BATCH]
            marks = ",".join("?" * len(part))
            sql = f"SELECT ref, digest, signature FROM records WHERE gone = 0 AND ref IN ({marks})"  # noqa: S608
            known.update((ref, (digest, signature)) for ref, digest, signature in self._db.execute(sql, part))
        return known


class WholePass:
    """A pass over everything a source has, as reading its files is one: what it did not see in the end is gone.

    What is known is read once, and what was seen is remembered here: of the many records that are as they were nothing
    is asked and nothing written one by one. A pass that breaks off is forgotten, and withdraws nothing. Begun by
    ``Store.whole_pass``.

    Args:
        connection: the store's.
        packing: its payloads'.
        source: its name.
        run: the harvest's number.
    """

    def __init__(self, connection: sqlite3.Connection, packing: Packing, source: str, run: int) -> None:
        self._db = connection
        self._packing = packing
        self._source = source
        self._run = run
        # The index by source would be asked otherwise, and after it every row.
        sql = "SELECT ref, digest, signature FROM records INDEXED BY records_known WHERE source = ? AND gone = 0"
        rows = self._db.execute(sql, (source,))
        self._known: dict[str, _Known] = {ref: (digest, signature) for ref, digest, signature in rows}
        self._unseen = set(self._known)

    def signatures(self) -> dict[Ref, str]:
        """What was stored as the signature of each record that is known and was not withdrawn."""
        return {Ref(ref): signature for ref, (_, signature) in self._known.items()}

    def keep(self, refs: Iterable[Ref]) -> None:
        """Remember of stored records that they were seen, and are as they are."""
        self._unseen.difference_update(refs)

    def upsert(self, batch: Sequence[RawRecord]) -> tuple[int, int]:
        """Store records by ref; call inside a transaction.

        Args:
            batch: at most a few hundred records, all of this source.

        Returns:
            How many were new or changed, how many were there already.
        """
        batch = _last_of_each(batch)
        self._unseen.difference_update([record.ref for record in batch])
        changed = _write(self._db, self._packing, batch, self._known, self._run)
        self._known.update((one.ref, (one.digest, one.signature)) for one in changed)
        return len(changed), len(batch) - len(changed)

    def withdraw(self, unreadable: Iterable[str] = ()) -> int:
        """Mark what was not seen as gone; the payload stays until ``release``. Call inside a transaction, at the end.

        Args:
            unreadable: places of records that failed in this pass; what was last read from there stays.

        Returns:
            How many were withdrawn.
        """
        # A place may be a file of which each record has a line: what lies in it is called "file:12".
        sql = "SELECT ref FROM records WHERE source = ? AND (place IN (?, ?) OR (place >= ? AND place < ?))"
        for place in unreadable:
            inside = (self._source, place, _file_of(place), f"{place}:", f"{place};")
            self._unseen.difference_update(ref for (ref,) in self._db.execute(sql, inside))
        gone = ((ref,) for ref in sorted(self._unseen))
        self._db.executemany("UPDATE records SET gone = 1 WHERE ref = ?", gone)
        return len(self._unseen)


def _file_of(place: str) -> str:
    """The file a record is, of the place of a fault in it ("file:12"); where a line is a record, no record is there."""
    file, colon, line = place.rpartition(":")
    return file if colon and line.isdecimal() else place


def _write(
    db: sqlite3.Connection, packing: Packing, batch: Sequence[RawRecord], known: Mapping[str, _Known], run: int
) -> list[RawRecord]:
    """Store what is not there as it is, and tell what that was; each ref is in the batch once."""
    changed = [
        record
        for record in batch
        if record.ref not in known or not (record.partial or known[record.ref][0] == record.digest)
    ]
    replaced = {record.ref for record in changed}
    same = [record for record in batch if record.ref not in replaced]
    _see(db, changed, run)
    db.executemany(
        "UPDATE records SET signature = ? WHERE ref = ?",
        ((one.signature, one.ref) for one in same if not one.partial and one.signature != known[one.ref][1]),
    )
    pack = packing.packer(record.payload for record in changed).compress
    db.executemany(
        "INSERT INTO records (ref, source, kind, url, digest, place, payload, signature, seen) "
        "VALUES (?,?,?,?,?,?,?,?,0) "
        "ON CONFLICT (ref) DO UPDATE SET kind=excluded.kind, url=excluded.url, digest=excluded.digest, "
        "place=excluded.place, payload=excluded.payload, signature=excluded.signature, gone=0",
        ((r.ref, split_ref(r.ref)[0], r.kind, r.url, r.digest, r.place, pack(r.payload), r.signature) for r in changed),
    )
    return changed


def _see(db: sqlite3.Connection, seen: Iterable[RawRecord], run: int) -> None:
    # A row of ``records`` is as long as its payload, and would be written whole for a number in it.
    db.executemany("INSERT OR REPLACE INTO sightings VALUES (?, ?)", ((one.ref, run) for one in seen))


def _last_of_each(batch: Sequence[RawRecord]) -> list[RawRecord]:
    """A ref that stands twice is one record: its last, but a whole one before a partial one."""
    found: dict[str, RawRecord] = {}
    for record in batch:
        if not (record.partial and record.ref in found):
            found[record.ref] = record
    return list(found.values())
