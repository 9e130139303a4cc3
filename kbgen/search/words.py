"""Pages' own words in one language, counted: half the work of an index, for which nothing else of a page need be known.

What was counted is kept in a file, so that the next index counts the pages that changed. Not here: what words mean
(``analysis``), and what becomes of their counts (``index``).
"""

from __future__ import annotations

import hashlib
import os
import sys
from array import array
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Self

import msgspec
import numpy as np
from msgspec import Struct

from kbgen.search.prepared import read_prepared
from kbgen.search.scoring import BOOSTS, FieldCounter

TAGS = "tags"
_MARK = b"kbgen words 1\n"
_DIGEST, _LENGTH = 16, 8


class Ids(dict[str, int]):
    """Term to its id, handed out when the term is first met."""

    def __missing__(self, term: str) -> int:
        self[term] = number = len(self)
        return number


class _Head(Struct, frozen=True):
    """What the file says of one language before its numbers.

    Attributes:
        terms: in the order of their numbers.
        sizes: of each field, how many postings there are.
    """

    lang: str
    terms: list[str]
    refs: list[str]
    marks: list[str]
    sizes: dict[str, int]


class Words:
    """The words of pages, one page after the other.

    Attributes:
        ids: term to its number.
        fields: counts of terms in each field but the tags, which change without the page.
    """

    def __init__(self) -> None:
        self.ids = Ids()
        self.fields = {name: FieldCounter() for name in BOOSTS if name != TAGS}
        self._numbers: dict[str, int] = {}
        self._marks: list[str] = []
        self._size = 0

    def add(self, prepared: bytes, ref: str = "", mark: str = "") -> int:
        """Count the words of a page.

        Args:
            prepared: as ``prepared.prepare`` made them.
            ref: by which ``number`` knows it.
            mark: digest of what they were made from, for ``retain``.

        Returns:
            Its number: how many there were before.
        """
        own = read_prepared(prepared)
        for name, field in (("title", own.title), ("also", own.also), ("text", own.text)):
            self.fields[name].add(map(self.ids.__getitem__, field.terms), field.counts)
        number, self._size = self._size, self._size + 1
        if ref:
            self._numbers[ref] = number
            self._marks.append(mark)
        return number

    def number(self, ref: str) -> int | None:
        """The number of a page whose words were counted."""
        return self._numbers.get(ref)

    @property
    def refs(self) -> Collection[str]:
        """Of the pages whose words were counted."""
        return self._numbers.keys()

    def are_of(self, refs: Collection[str]) -> bool:
        """Whether there are words of these pages and of no other."""
        return len(refs) == self._size and self._numbers.keys() == set(refs)

    def head(self, lang: str) -> _Head:
        """What the file says before the numbers of ``fields``; every page has a ref and a mark."""
        sizes = {name: field.size for name, field in self.fields.items()}
        return _Head(lang, list(self.ids), list(self._numbers), self._marks, sizes)

    @classmethod
    def read(cls, head: _Head, file: IO[bytes]) -> Self:
        """What ``head`` tells of, with its numbers from where the file stands.

        Raises:
            EOFError: the file is too short.
        """
        made = cls()
        made.ids = Ids((term, number) for number, term in enumerate(head.terms))
        made._numbers = {ref: number for number, ref in enumerate(head.refs)}
        made._marks, made._size = head.marks, len(head.refs)
        for name, size in head.sizes.items():
            made.fields[name].read(file, postings=size, documents=made._size)
        return made

    def retain(self, marks: Mapping[str, str]) -> bool:
        """Forget pages that are no more or are made of something else by now, and words that only they had.

        Args:
            marks: ref to the digest of what each page is made from now.

        Returns:
            Whether anything was forgotten.
        """
        stays = [marks.get(ref) == mark for ref, mark in zip(self._numbers, self._marks, strict=True)]
        if all(stays):
            return False
        kept = np.array(stays, np.bool_)
        used = np.zeros(len(self.ids), np.bool_)
        for field in self.fields.values():
            field.retain(kept)
            used[field.terms] = True
        numbers = (np.cumsum(used) - 1).astype(np.uint32)
        for field in self.fields.values():
            field.rename(numbers)
        terms = (term for term, there in zip(self.ids, used.tolist(), strict=True) if there)
        self.ids = Ids((term, number) for number, term in enumerate(terms))
        self._marks = [mark for mark, there in zip(self._marks, stays, strict=True) if there]
        refs = [ref for ref, there in zip(self._numbers, stays, strict=True) if there]
        self._numbers = {ref: number for number, ref in enumerate(refs)}
        self._size = len(refs)
        return True


_HEADS = msgspec.msgpack.Decoder(tuple[str, list[_Head]])


def _stamp(made_by: str) -> str:
    return f"{made_by} {sys.byteorder} {array('I').itemsize}"


def _numbers(known: Mapping[str, Words]) -> Iterator[array[int]]:
    return (numbers for words in known.values() for field in words.fields.values() for numbers in field.arrays())


def write_words(file: Path, known: Mapping[str, Words], made_by: str) -> None:
    """Keep counted words; every page has a ref and a mark.

    Args:
        file: to be written; whole or not at all.
        known: language to its words.
        made_by: names the code.

    Raises:
        OSError: of the file system.
    """
    heads = [words.head(lang) for lang, words in known.items()]
    head = msgspec.msgpack.encode((_stamp(made_by), heads))
    hasher = hashlib.blake2b(head, digest_size=_DIGEST)
    for numbers in _numbers(known):
        hasher.update(numbers)
    fresh = file.with_name(f"{file.name}.new")
    with fresh.open("wb") as out:
        out.write(_MARK + hasher.digest() + len(head).to_bytes(_LENGTH, "little") + head)
        for numbers in _numbers(known):
            out.write(numbers)
    os.replace(fresh, file)  # noqa: PTH105


def read_words(file: Path, made_by: str) -> dict[str, Words]:
    """What ``write_words`` kept; nothing when the file is damaged, of other code, or not there: it is made again."""
    with suppress(OSError, EOFError, UnicodeDecodeError, msgspec.MsgspecError), file.open("rb") as lines:
        if lines.read(len(_MARK)) != _MARK:
            return {}
        digest = lines.read(_DIGEST)
        length = int.from_bytes(lines.read(_LENGTH), "little")
        head = lines.read(min(length, file.stat().st_size))
        stamp, heads = _HEADS.decode(head)
        count = sum(2 * (size + len(one.refs)) for one in heads for size in one.sizes.values())
        if stamp != _stamp(made_by) or lines.tell() + count * array("I").itemsize != file.stat().st_size:
            return {}
        hasher = hashlib.blake2b(head, digest_size=_DIGEST)
        known = {one.lang: Words.read(one, lines) for one in heads}
        for numbers in _numbers(known):
            hasher.update(numbers)
        if hasher.digest() == digest:
            return known
    return {}
