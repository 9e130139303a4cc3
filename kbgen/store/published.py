"""What was published: permalinks and redirects for ever, and the keys the live pages were made from."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Container, Iterable, Mapping

from kbgen.model import Ref


class Permalinks:
    """Rows of ``permalinks`` and ``redirects``; only addresses that name somebody forgotten are ever deleted."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._known: dict[Ref, str] | None = None

    def reset(self) -> None:
        """Forget what was read: a transaction in which some were added may have been rolled back."""
        self._known = None

    def all(self) -> Mapping[Ref, str]:
        """Ref to the path it was given once; read once, since a run asks for it in each of its stages."""
        if self._known is None:
            self._known = dict(self._db.execute("SELECT ref, path FROM permalinks"))
        return self._known

    def add(self, assigned: Mapping[Ref, str]) -> None:
        """Keep new permalinks; one that exists stays as it is."""
        known = self.all()
        fresh = [(ref, path) for ref, path in assigned.items() if ref not in known]
        self.reset()
        self._db.executemany("INSERT OR IGNORE INTO permalinks VALUES (?, ?)", fresh)

    def redirects(self) -> dict[str, str | None]:
        """Old path to new path, None when gone."""
        return dict(self._db.execute("SELECT path, target FROM redirects"))

    def set_redirects(self, redirects: Mapping[str, str | None], live: Container[str]) -> None:
        """Add or change redirects; a path that is a page again (``live``) is no redirect."""
        self._db.executemany("INSERT OR REPLACE INTO redirects VALUES (?, ?)", redirects.items())
        again = [(path,) for path in self.redirects() if path in live]
        self._db.executemany("DELETE FROM redirects WHERE path = ?", again)

    def forget(self, is_forgotten: Callable[[str], bool]) -> None:
        """Delete every path that is to leave no trace; call inside a transaction.

        Args:
            is_forgotten: whether a path is one.
        """
        paths = [(path,) for path in {*self.all().values(), *self.redirects()} if is_forgotten(path)]
        self.reset()
        self._db.executemany("DELETE FROM permalinks WHERE path = ?", paths)
        self._db.executemany("DELETE FROM redirects WHERE path = ?", paths)


class Pages:
    """Rows of ``pages``: path to the key it was made from and the digest of its bytes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def all(self) -> dict[str, tuple[str, str]]:
        """Path to (key, digest) of the live site."""
        return {path: (key, digest) for path, key, digest in self._db.execute("SELECT path, key, digest FROM pages")}

    def replace(self, pages: Mapping[str, tuple[str, str]]) -> None:
        """Make the rows equal to ``pages``, touching only those that differ; call inside a transaction."""
        before = self.all()
        gone = [(path,) for path in before if path not in pages]
        new = [(path, *value) for path, value in pages.items() if before.get(path) != value]
        self._db.executemany("DELETE FROM pages WHERE path = ?", gone)
        self._db.executemany("INSERT OR REPLACE INTO pages VALUES (?, ?, ?)", new)

    def amend(self, pages: Mapping[str, tuple[str, str]], fresh: Iterable[str], gone: Iterable[str]) -> None:
        """Do as ``replace`` does, told what differs; call inside a transaction.

        Args:
            pages: as the rows should be.
            fresh: those of them that are not there, or not like that.
            gone: paths of rows that should be no more.
        """
        self._db.executemany("DELETE FROM pages WHERE path = ?", ((path,) for path in gone))
        rows = ((path, *pages[path]) for path in fresh)
        self._db.executemany("INSERT OR REPLACE INTO pages VALUES (?, ?, ?)", rows)
        # There may be rows of files that somebody took away, and that nobody needs any more.
        if self._db.execute("SELECT COUNT(*) FROM pages").fetchone()[0] != len(pages):
            self.replace(pages)
