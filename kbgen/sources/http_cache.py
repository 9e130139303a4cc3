"""Answers kept with their validators, so that what has not changed is not sent again (RFC 9111 section 4.3).

One small SQLite file of our own: general HTTP caches keep the request with its headers, API keys among them, and answer
from memory by age; here every request is asked, and its secrets are only part of a digest. Not here: asking.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec
import zstandard

_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    key BLOB PRIMARY KEY, url TEXT NOT NULL, headers BLOB NOT NULL, body BLOB NOT NULL, used INTEGER NOT NULL
) WITHOUT ROWID
"""
# Full passes are weeks apart at most; what none of them asked for is no longer there.
_DAYS = 60
_VERSION = 1
# An answer is kept with what reading it again needs.
_KEPT = ("content-type", "etag", "last-modified", "link", "x-robots-tag")


class Kept(NamedTuple):
    """An answer as it was kept.

    Attributes:
        headers: those that say what the body is.
    """

    url: str
    headers: Mapping[str, str]
    body: bytes

    def conditions(self) -> dict[str, str]:
        """Headers that ask for the answer only if it has changed."""
        names = {"if-none-match": "etag", "if-modified-since": "last-modified"}
        return {name: self.headers[header] for name, header in names.items() if header in self.headers}


class AnswerCache:
    """Answers by what was asked.

    Args:
        folder: made with access for its owner alone: answers may be what only a key opens.
        today: days since 1970, to tell old answers.
    """

    def __init__(self, folder: Path, today: int) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        self._today = today
        self._of_this_run: set[bytes] = set()
        self._file = folder / "answers.sqlite"
        try:
            self._db = self._open(self._file)
        except sqlite3.DatabaseError:
            self._db = self._anew()

    def _anew(self) -> sqlite3.Connection:
        """Nothing in it is needed: a damaged one is begun anew."""
        for suffix in ("", "-wal", "-shm"):
            self._file.with_name(f"{self._file.name}{suffix}").unlink(missing_ok=True)
        return self._open(self._file)

    def _do(self, statement: str, values: tuple[object, ...]) -> sqlite3.Cursor:
        try:
            return self._db.execute(statement, values)
        except sqlite3.DatabaseError:
            # The head was sound and a page behind it is not, or the disk is full: without answers all is asked anew.
            self._db.close()
            self._db = self._anew()
            return self._db.execute(statement, values)

    def _open(self, file: Path) -> sqlite3.Connection:
        database = sqlite3.connect(file, isolation_level=None, timeout=30)
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = OFF")
            database.execute("PRAGMA secure_delete = ON")
            if database.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
                database.execute("DROP TABLE IF EXISTS answers")
            database.execute(_SCHEMA)
            database.execute(f"PRAGMA user_version = {_VERSION}")
            database.execute("DELETE FROM answers WHERE used < ?", (self._today - _DAYS,))
        except BaseException:
            database.close()
            raise
        return database

    @staticmethod
    def key(method: str, url: str, headers: Mapping[str, str]) -> bytes:
        """Digest of what is asked: the address and every header that may change the answer, secrets included."""
        parts = [method, url, *(f"{name.lower()}: {value}" for name, value in sorted(headers.items()))]
        return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).digest()

    def get(self, key: bytes) -> Kept | None:
        """The answer kept for a request."""
        row = self._do("SELECT url, headers, body FROM answers WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        try:
            headers = msgspec.json.decode(row[1], type=dict[str, str])
            return Kept(row[0], headers, zstandard.ZstdDecompressor().decompress(row[2]))
        except (msgspec.MsgspecError, zstandard.ZstdError):
            return None

    def put(self, key: bytes, answer: Kept) -> None:
        """Keep an answer, if it can be asked for conditionally."""
        headers = {name: value for name, value in answer.headers.items() if name in _KEPT}
        if "etag" not in headers and "last-modified" not in headers:
            self.drop(key)
            return
        self._of_this_run.add(key)
        row = (key, answer.url, msgspec.json.encode(headers), zstandard.compress(answer.body, 3), self._today)
        self._do("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?)", row)

    def used(self, key: bytes) -> None:
        """Note that an answer is still the right one."""
        self._of_this_run.add(key)
        self._do("UPDATE answers SET used = ? WHERE key = ? AND used <> ?", (self._today, key, self._today))

    def drop(self, key: bytes) -> None:
        """Forget an answer: what is gone is kept nowhere."""
        self._do("DELETE FROM answers WHERE key = ?", (key,))

    def forget(self, hosts: Collection[str]) -> None:
        """Forget every answer of some hosts but those of this run: they may hold what was withdrawn since.

        Args:
            hosts: with their port when it is not the usual one.
        """
        for first in (f"{scheme}://{host}" for host in sorted(hosts) for scheme in ("http", "https")):
            # "0" comes after "/".
            found = self._do(
                "SELECT key FROM answers WHERE url >= ? AND url < ?", (f"{first}/", f"{first}0")
            ).fetchall()
            for (key,) in found:
                if key not in self._of_this_run:
                    self.drop(key)

    def close(self) -> None:
        """Close the file."""
        self._db.close()
