"""Where the passes over live sources are, and what they ask of the records. Deciding which pass is due: ``harvest``."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from kbgen.errors import RecordError
from kbgen.model import make_ref, split_ref
from kbgen.store.packing import whole_rows


class Pass(Struct, frozen=True):
    """A pass that was begun.

    Attributes:
        full: over everything, not over changes alone.
        run: the number its records carry as seen.
        begun: in UTC.
        cursor: where it goes on.
        mark: where the next pass over changes begins, once this one is complete.
        known: how many items were there when it began.
        gone: how many of them it withdrew on the way.
    """

    full: bool
    run: int
    begun: datetime
    cursor: str | None = None
    mark: str | None = None
    known: int = 0
    gone: int = 0


class PassState(Struct, frozen=True):
    """Where a source is.

    Attributes:
        options: digest of the options the passes were made with; with others, all is to be looked at again.
        current: the pass that was interrupted, None when the last one is complete.
        mark: left by the last complete pass.
        full_at: when the last complete full pass began.
    """

    options: str = ""
    current: Pass | None = None
    mark: str | None = None
    full_at: datetime | None = None


class Passes:
    """Rows of ``passes``, and of ``records`` and ``failures`` as live sources see them; one source at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def state(self, source: str) -> PassState:
        """Where a source is; a new one when it was never asked."""
        row = self._db.execute("SELECT state FROM passes WHERE source = ?", (source,)).fetchone()
        with whole_rows("passes"):
            return msgspec.json.decode(row[0], type=PassState) if row else PassState()

    def put(self, source: str, state: PassState) -> None:
        """Keep where a source is; call in the transaction that stores what brought it there."""
        self._db.execute("INSERT OR REPLACE INTO passes VALUES (?, ?)", (source, msgspec.json.encode(state).decode()))

    def forget(self, source: str) -> None:
        """The next pass looks at everything."""
        self._db.execute("DELETE FROM passes WHERE source = ?", (source,))

    def signature(self, source: str, native_id: str) -> str | None:
        """What the list said of an item when it was stored; None when it is not there."""
        sql = "SELECT signature FROM records WHERE ref = ? AND gone = 0"
        row = self._db.execute(sql, (make_ref(source, native_id),)).fetchone()
        return None if row is None else str(row[0])

    def ids(self, source: str) -> list[str]:
        """Native ids of the items that are there, in a stable order."""
        rows = self._db.execute("SELECT ref FROM records WHERE source = ? AND gone = 0 ORDER BY ref", (source,))
        return [split_ref(ref)[1] for (ref,) in rows]

    def count(self, source: str) -> int:
        """How many items are there."""
        sql = "SELECT COUNT(*) FROM records WHERE source = ? AND gone = 0"
        return int(self._db.execute(sql, (source,)).fetchone()[0])

    def touch(self, source: str, native_ids: Collection[str], run: int) -> None:
        """Note items as seen that need not be fetched; what is not there does not come back by it."""
        rows = ((run, make_ref(source, one)) for one in native_ids)
        sql = "INSERT OR REPLACE INTO sightings SELECT ref, ? FROM records WHERE ref = ? AND gone = 0"
        self._db.executemany(sql, rows)

    def mark_gone(self, source: str, native_ids: Collection[str], run: int) -> int:
        """Note that a pass was told of items that they are gone, until it sees them after all; how many are new to it.

        They are there until ``withdraw_marked``, or until a full pass withdraws what it did not see.
        """
        # A negative number is no pass's own, and is less than any: a full pass has not seen what it marked.
        sql = (
            "INSERT OR REPLACE INTO sightings SELECT ref, -?2 FROM records WHERE ref = ?1 AND gone = 0 "
            "AND NOT EXISTS (SELECT 1 FROM sightings WHERE ref = ?1 AND run = -?2)"
        )
        return sum(self._db.execute(sql, (make_ref(source, one), run)).rowcount for one in set(native_ids))

    def withdraw_marked(self, source: str, run: int) -> int:
        """Withdraw what a pass was told is gone; how many there were."""
        sql = (
            "UPDATE records SET gone = 1 WHERE source = ? AND gone = 0 AND ref IN "
            "(SELECT ref FROM sightings WHERE run = -?)"
        )
        return self._db.execute(sql, (source, run)).rowcount

    def unseen(self, source: str, run: int) -> int:
        """How many items a full pass neither saw nor marked as gone, those left out that it could not read."""
        sql = (
            "SELECT COUNT(*) FROM records WHERE source = ?1 AND gone = 0 AND ref IN "
            "(SELECT ref FROM sightings WHERE run < ?2 AND run <> -?2) AND place NOT IN "
            "(SELECT place FROM failures WHERE source = ?1 AND run >= ?2)"
        )
        return int(self._db.execute(sql, (source, run)).fetchone()[0])

    def set_failures(self, source: str, errors: Sequence[RecordError], read: Sequence[str], run: int) -> None:
        """Note what could not be read, and that what was read now can be.

        Args:
            source: its name.
            errors: of this step.
            read: places of the records that were read.
            run: the pass.
        """
        rows = ((source, place) for place in read)
        self._db.executemany("DELETE FROM failures WHERE source = ? AND place = ?", rows)
        failed = ((source, error.place, error.problem, run) for error in errors)
        self._db.executemany("INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?)", failed)

    def forget_failures(self, source: str, run: int) -> None:
        """Forget what earlier passes could not read: a full one has looked at everything again."""
        self._db.execute("DELETE FROM failures WHERE source = ? AND run < ?", (source, run))

    def unreadable(self, source: str, run: int) -> list[str]:
        """Places of what this pass could not read."""
        sql = "SELECT place FROM failures WHERE source = ? AND run >= ?"
        return [place for (place,) in self._db.execute(sql, (source, run))]
