"""What became of links to other sites when they were asked last, and which pages had dead ones.

Addresses are kept as digests: they come from harvested texts, and what is withdrawn or erased stays in no cache. Not
here: asking (``kbgen.site.external``), and what is said of a dead link (``kbgen.curate.staleness``).
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from kbgen.model import Ref

LinkState = Literal["ok", "gone", "unreachable", "refused"]
DEAD_AFTER = 3
"""Days on which a host could not be reached before its links count as dead."""
MIGRATION = """
    CREATE TABLE links (
        key TEXT PRIMARY KEY, state TEXT NOT NULL, said TEXT NOT NULL, day TEXT NOT NULL, since TEXT NOT NULL,
        strikes INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE linking (ref TEXT PRIMARY KEY, digest TEXT NOT NULL, addresses TEXT NOT NULL) WITHOUT ROWID;
    """


def link_key(address: str) -> str:
    """The digest an address is kept by."""
    return hashlib.blake2b(address.encode(), digest_size=16).hexdigest()


class LinkRow(NamedTuple):
    """A link that was asked.

    Attributes:
        key: digest of the address.
        state: ``ok``; ``gone``, as the host says; ``unreachable``; ``refused``, so that nothing is known.
        said: the status or the reason, in a word or two.
        day: it was asked last, 2026-11-22.
        since: the day its state began.
        strikes: days it was unreachable in a row.
    """

    key: str
    state: LinkState
    said: str
    day: str
    since: str
    strikes: int = 0

    @property
    def is_dead(self) -> bool:
        """Whether readers who follow it find nothing."""
        return self.state == "gone" or (self.state == "unreachable" and self.strikes >= DEAD_AFTER)


class LinkingRow(NamedTuple):
    """A page with dead links.

    Attributes:
        ref: of the entry or article.
        digest: of the record of an article whose HTML is not in the store: while it stands, so do ``addresses``.
        addresses: its dead links, one a line; "" for a page whose text says them.
    """

    ref: Ref
    digest: str = ""
    addresses: str = ""


class Links:
    """Rows of ``links`` and ``linking``."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def all(self) -> dict[str, LinkRow]:
        """Every row by key."""
        return {row[0]: LinkRow(*row) for row in self._db.execute("SELECT * FROM links ORDER BY key")}

    def get(self, keys: Sequence[str]) -> dict[str, LinkRow]:
        """Some rows by key."""
        found = (self._db.execute("SELECT * FROM links WHERE key = ?", (key,)).fetchone() for key in keys)
        return {row[0]: LinkRow(*row) for row in found if row is not None}

    def put(self, rows: Iterable[LinkRow]) -> None:
        """Keep rows; call inside a transaction."""
        self._db.executemany("INSERT OR REPLACE INTO links VALUES (?, ?, ?, ?, ?, ?)", rows)

    def delete(self, keys: Iterable[str]) -> None:
        """Forget links nobody has any more; call inside a transaction."""
        self._db.executemany("DELETE FROM links WHERE key = ?", ((key,) for key in keys))

    def linking(self) -> tuple[LinkingRow, ...]:
        """The pages that had dead links, by ref."""
        rows = self._db.execute("SELECT ref, digest, addresses FROM linking ORDER BY ref")
        return tuple(LinkingRow(Ref(row[0]), *row[1:]) for row in rows)

    def set_linking(self, rows: Iterable[LinkingRow]) -> None:
        """Replace the pages with dead links; call inside a transaction."""
        self._db.execute("DELETE FROM linking")
        self._db.executemany("INSERT INTO linking VALUES (?, ?, ?)", rows)
