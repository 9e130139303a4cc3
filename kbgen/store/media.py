"""Which images were mirrored, under which address, and which could not be.

The files lie beside the store and are named by their content. Not here: fetching and encoding them (``kbgen.media``).
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from kbgen.model import Picture

MIGRATION = """
    CREATE TABLE media (
        address TEXT PRIMARY KEY, rules TEXT NOT NULL, reason TEXT NOT NULL, tries INTEGER NOT NULL,
        file TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, full TEXT NOT NULL,
        bytes INTEGER NOT NULL) WITHOUT ROWID;
    """


class MediaRow(NamedTuple):
    """An image that was asked for.

    Attributes:
        address: where it is, without signature.
        rules: digest of the settings it was judged by.
        reason: why it is not shown; "" when it is.
        tries: how often it was asked for without success.
        file: name of the file that is shown.
        width: in pixels; ``height`` likewise.
        full: name of the file in full size, "" when ``file`` is that.
        bytes: of both files.
    """

    address: str
    rules: str
    reason: str = ""
    tries: int = 0
    file: str = ""
    width: int = 0
    height: int = 0
    full: str = ""
    bytes: int = 0


class Media:
    """Rows of ``media``."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def all(self) -> dict[str, MediaRow]:
        """Every row by address."""
        return {row[0]: MediaRow(*row) for row in self._db.execute("SELECT * FROM media ORDER BY address")}

    def put(self, row: MediaRow) -> None:
        """Keep a row; call inside a transaction."""
        self._db.execute("INSERT OR REPLACE INTO media VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def delete(self, addresses: Iterable[str]) -> None:
        """Forget addresses; call inside a transaction."""
        self._db.executemany("DELETE FROM media WHERE address = ?", ((address,) for address in addresses))

    def pictures(self) -> dict[str, Picture]:
        """What can be shown, by address."""
        rows = self._db.execute("SELECT address, file, width, height, full FROM media WHERE reason = ''")
        return {row[0]: Picture(*row) for row in rows}

    def digest(self) -> str:
        """Of all that can be shown; "" when there is nothing."""
        hasher = hashlib.blake2b(digest_size=16)
        rows = self._db.execute("SELECT address, file, full FROM media WHERE reason = '' ORDER BY address").fetchall()
        for row in rows:
            hasher.update("\0".join(row).encode() + b"\n")
        return hasher.hexdigest() if rows else ""
