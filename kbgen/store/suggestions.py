"""Suggestions to people, and the tags a model gave: what whole-corpus steps worked out about single threads.

Each step owns the suggestions of its ``origin`` and replaces them as a whole. What a suggestion means, and which of
them a person has already answered, is the callers' business.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from kbgen.model import Ref

SuggestionKind = Literal["create", "update", "merge", "contradict"]


class Suggestion(NamedTuple):
    """Something a person should decide.

    Attributes:
        kind: ``create`` (asked much, no page), ``update`` (stale), ``merge`` (probable duplicates), ``contradict``.
        ref: the thread it is about.
        other: the other thread of a pair, else "".
        origin: the step that made it (``similar``, ``staleness`` ...).
        score: from 0 to 1, for the order of the queue.
        why: the evidence, a sentence; a changed one is a new suggestion.
    """

    kind: SuggestionKind
    ref: Ref
    other: str
    origin: str
    score: float
    why: str

    @property
    def id(self) -> str:
        """Eight letters a person can type; the same for the same suggestion in every run."""
        pair = sorted((self.ref, self.other)) if self.kind == "merge" else [self.ref, self.other]
        # The evidence of a pair is a figure that moves with the corpus; that of others is what they say.
        said = "" if self.kind == "merge" else self.why
        return hashlib.blake2b("\0".join((self.kind, *pair, said)).encode(), digest_size=4).hexdigest()


class TagRow(NamedTuple):
    """The tags a model gave a thread.

    Attributes:
        input: digest of the thread's content and of the model.
        marks: one a line, ``tag confidence state``; state is ``applied`` or ``suggested``.
    """

    ref: str
    input: str
    marks: str


class Suggestions:
    """Rows of ``suggestions`` and ``learnt_tags``."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def replace(self, origin: str, rows: Iterable[Suggestion]) -> None:
        """Replace all suggestions of a step; call inside a transaction."""
        self._db.execute("DELETE FROM suggestions WHERE origin = ?", (origin,))
        sql = "INSERT OR REPLACE INTO suggestions (kind, ref, other, origin, score, why) VALUES (?,?,?,?,?,?)"
        self._db.executemany(sql, rows)

    def all(self) -> Iterator[Suggestion]:
        """Every suggestion, the most certain of each kind first."""
        sql = (
            "SELECT kind, ref, other, origin, score, why FROM suggestions ORDER BY kind, score DESC, ref, other, origin"
        )
        for row in self._db.execute(sql):
            yield Suggestion(*row)

    def tag_inputs(self) -> dict[str, str]:
        """Ref to the digest of what its learnt tags were made from."""
        return dict(self._db.execute("SELECT ref, input FROM learnt_tags"))

    def put_tags(self, rows: Iterable[TagRow]) -> None:
        """Store learnt tags by ref; call inside a transaction."""
        self._db.executemany("INSERT OR REPLACE INTO learnt_tags (ref, input, marks) VALUES (?,?,?)", rows)

    def delete_tags(self, refs: Iterable[str]) -> None:
        """Forget the learnt tags of threads."""
        self._db.executemany("DELETE FROM learnt_tags WHERE ref = ?", ((ref,) for ref in refs))

    def tags(self) -> dict[Ref, str]:
        """Ref to its learnt tags, for the threads that have any; see ``TagRow.marks``."""
        rows = self._db.execute("SELECT ref, marks FROM learnt_tags WHERE marks != '' ORDER BY ref")
        return {Ref(ref): marks for ref, marks in rows}
