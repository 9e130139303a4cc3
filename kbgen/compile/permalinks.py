"""Permalinks: given once, kept for ever; the id, not the words, is a page's identity."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from itertools import chain, count
from operator import attrgetter
from typing import NamedTuple

from kbgen.model import Ref, Summary, split_ref

# What may stand in a path segment besides letters and digits of any script.
_UNSAFE = re.compile(r"[^\w.-]+")
# Bytes of a segment; file systems take 255, and what is written beside a page has a few more than the page.
_LONGEST = 240


class Permalinks(NamedTuple):
    """The path of every entry and article.

    Attributes:
        paths: by ref.
        new: those given in this run.
    """

    paths: dict[Ref, str]
    new: dict[Ref, str]


def assign(summaries: Iterable[Summary], assigned: Mapping[Ref, str]) -> Permalinks:
    """Give each entry and article its path.

    Args:
        summaries: in any order; the result does not depend on it.
        assigned: paths given before; they stay, whatever the title says now.
    """
    summaries = sorted(summaries, key=attrgetter("ref"))
    written = {summary.path for summary in summaries if summary.path}
    taken = {_on_disk(path) for path in chain(assigned.values(), written)}
    paths: dict[Ref, str] = {}
    new: dict[Ref, str] = {}
    for summary in summaries:
        path = summary.path or assigned.get(summary.ref)
        if path in written and not summary.path:
            # A writer's file has the address that was this article's: the words in it stay, whatever the title says.
            path = _beside(path, split_ref(summary.ref)[0], taken)
            taken.add(_on_disk(path))
        elif path is None:
            path = _free(summary, taken)
            taken.add(_on_disk(path))
        if summary.ref not in assigned:
            new[summary.ref] = path
        paths[summary.ref] = path
    return Permalinks(paths, new)


def _beside(path: str, source: str, taken: set[str]) -> str:
    stem = f"{path.rstrip('/')}-{source}"
    return next(one for one in chain([f"{stem}/"], (f"{stem}-{n}/" for n in count(2))) if _on_disk(one) not in taken)


def _free(summary: Summary, taken: set[str]) -> str:
    source, native_id = split_ref(summary.ref)
    safe_id = _UNSAFE.sub("-", native_id).strip("-.") or "x"
    if summary.kind == "article":
        folder, names = "articles", [summary.slug, f"{summary.slug}-{source}"]
    else:
        folder, names = "q", [f"{summary.slug}-{safe_id}", f"{summary.slug}-{source}-{safe_id}"]
    numbered = (f"{summary.slug}-{number}" for number in count(2))
    paths = (f"/{folder}/{_fitting(name, summary.ref)}/" for name in chain(names, numbered))
    return next(path for path in paths if _on_disk(path) not in taken)


def _fitting(name: str, whole: str) -> str:
    """A segment that file systems take; of one that is cut, a digest of the whole tells it from others cut alike."""
    data = name.encode()
    if len(data) <= _LONGEST:
        return name
    digest = hashlib.blake2b(whole.encode(), digest_size=8).hexdigest()
    head = data[: _LONGEST - len(digest) - 1].decode(errors="ignore").rstrip("-.")
    return f"{head}-{digest}"


def _on_disk(path: str) -> str:
    """What a path is to file systems that take large letters for small ones, or composed ones for decomposed."""
    return path.lower() if path.isascii() else unicodedata.normalize("NFC", path.casefold())
