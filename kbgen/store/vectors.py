"""What duplicate detection keeps: vectors by text, neighbours by language, and the pairs it found.

All of it can be made again from ``curated``. Not here: what a vector means (``kbgen.similar``).
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, cast

from kbgen.model import Ref

_BATCH = 500
# A blob is written by way of a copy, and must not be larger than a gigabyte.
_PIECE = 32 << 20
_PIECES = 16
MIGRATION = """
    CREATE TABLE vectors (
        model TEXT NOT NULL, key TEXT NOT NULL, data BLOB NOT NULL, PRIMARY KEY (model, key)) WITHOUT ROWID;
    CREATE TABLE compared (ref TEXT PRIMARY KEY, digest TEXT NOT NULL, data BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE neighbours (
        lang TEXT NOT NULL, part INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (lang, part));
    CREATE TABLE pairs (
        left TEXT NOT NULL, right TEXT NOT NULL, similarity REAL NOT NULL, local REAL NOT NULL, band TEXT NOT NULL,
        rule TEXT NOT NULL, words TEXT NOT NULL, PRIMARY KEY (left, right)) WITHOUT ROWID;
    CREATE INDEX pairs_by_right ON pairs (right);
    CREATE TABLE related (ref TEXT PRIMARY KEY, near TEXT NOT NULL) WITHOUT ROWID;
    """


class PairRow(NamedTuple):
    """Two texts that ask the same, or seem to; ``words`` are some they share, parted by spaces.

    Attributes:
        similarity: 0 to 1.
        local: similarity scaled by how crowded the neighbourhoods are.
        band: ``merge`` or ``suggest``.
        rule: what decided.
    """

    left: Ref
    right: Ref
    similarity: float
    local: float
    band: str
    rule: str
    words: str


def _whole(pieces: Sequence[bytes]) -> bytes:
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class _Related(Mapping[Ref, tuple[Ref, ...]]):
    """Texts to their nearest others, as the rows have them until they are asked: that is a third of the memory."""

    def __init__(self, rows: dict[Ref, str]) -> None:
        self._rows = rows

    def __getitem__(self, ref: Ref) -> tuple[Ref, ...]:
        near = self._rows[ref]
        return cast("tuple[Ref, ...]", tuple(near.split("\n"))) if near else ()

    def __iter__(self) -> Iterator[Ref]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


class Vectors:
    """Rows of ``vectors``, ``compared``, ``neighbours``, ``pairs`` and ``related``."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def get(self, model: str, keys: Sequence[str]) -> dict[str, bytes]:
        """Vectors of a model by text."""
        found: dict[str, bytes] = {}
        for start in range(0, len(keys), _BATCH):
            part = keys[start : start + _BATCH]
            marks = ",".join("?" * len(part))
            sql = f"SELECT key, data FROM vectors WHERE model = ? AND key IN ({marks})"  # noqa: S608
            found.update(self._db.execute(sql, (model, *part)))
        return found

    def put(self, model: str, rows: Iterable[tuple[str, bytes]]) -> None:
        """Keep vectors; call inside a transaction."""
        self._db.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", ((model, *row) for row in rows))

    def forget(self, keys: Iterable[str]) -> None:
        """Drop the vectors of texts nobody has any more, of every model; call inside a transaction."""
        models = [*self._models()]
        rows = [(model, key) for key in keys for model in models]
        self._db.executemany("DELETE FROM vectors WHERE model = ? AND key = ?", rows)

    def _models(self) -> Iterator[str]:
        # Asked for DISTINCT ones, SQLite reads every row.
        sql = "SELECT min(model) FROM vectors WHERE model > ?"
        model = ""
        while (found := self._db.execute(sql, (model,)).fetchone()[0]) is not None:
            yield (model := found)

    def compared(self) -> Iterator[tuple[str, str, bytes]]:
        """Ref, digest of the content, and the text as it was compared last."""
        yield from self._db.execute("SELECT ref, digest, data FROM compared ORDER BY ref")

    def set_compared(self, rows: Iterable[tuple[str, str, bytes]], gone: Iterable[str]) -> None:
        """Keep what was compared; call inside a transaction."""
        self._db.executemany("INSERT OR REPLACE INTO compared VALUES (?, ?, ?)", rows)
        self._db.executemany("DELETE FROM compared WHERE ref = ?", ((ref,) for ref in gone))

    def neighbours(self, lang: str) -> tuple[bytes, ...]:
        """The neighbours of a language's texts, in parts; none when there are none."""
        rows = self._db.execute("SELECT part, data FROM neighbours WHERE lang = ? ORDER BY part", (lang,))
        parts = itertools.groupby(rows, lambda row: row[0] >> _PIECES)
        return tuple(_whole([row[1] for row in pieces]) for _, pieces in parts)

    def set_neighbours(self, lang: str, parts: Sequence[bytes | memoryview]) -> None:
        """Keep the neighbours of a language's texts; call inside a transaction."""
        self._db.execute("DELETE FROM neighbours WHERE lang = ?", (lang,))
        rows = (
            (lang, number << _PIECES | piece, memoryview(part)[start : start + _PIECE])
            for number, part in enumerate(parts)
            for piece, start in enumerate(range(0, max(len(part), 1), _PIECE))
        )
        self._db.executemany("INSERT INTO neighbours VALUES (?, ?, ?)", rows)

    def languages(self) -> tuple[str, ...]:
        """Languages that have neighbours."""
        return tuple(row[0] for row in self._db.execute("SELECT DISTINCT lang FROM neighbours ORDER BY lang"))

    def pairs(self, band: str = "") -> tuple[PairRow, ...]:
        """Every pair, or those of one band, by refs."""
        sql = "SELECT * FROM pairs WHERE ? IN ('', band) ORDER BY left, right"
        return tuple(PairRow(*row) for row in self._db.execute(sql, (band,)))

    def pairs_of(self, ref: str) -> tuple[PairRow, ...]:
        """The pairs a thread or article is in, the most alike first."""
        sql = "SELECT * FROM pairs WHERE left = ? OR right = ? ORDER BY local DESC, left, right"
        return tuple(PairRow(*row) for row in self._db.execute(sql, (ref, ref)))

    def set_pairs(self, rows: Iterable[PairRow]) -> None:
        """Replace all pairs; call inside a transaction."""
        self._db.execute("DELETE FROM pairs")
        self._db.executemany("INSERT INTO pairs VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def related(self) -> Mapping[Ref, tuple[Ref, ...]]:
        """Each text's nearest others, best first; empty when nothing was compared."""
        return _Related(dict(self._db.execute("SELECT ref, near FROM related")))

    def set_related(self, rows: Iterable[tuple[Ref, str]], gone: Iterable[str]) -> None:
        """Keep what changed of related texts, each with the nearest parted by newlines; call inside a transaction."""
        self._db.executemany("DELETE FROM related WHERE ref = ?", ((ref,) for ref in gone))
        self._db.executemany("INSERT OR REPLACE INTO related VALUES (?, ?)", rows)
