"""Permalinks: given once, kept for ever; the id, not the words, is a page's identity."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import chain, count
from operator import attrgetter
from typing import NamedTuple

from kbgen.model import Ref, Summary, split_ref

# What may stand in a path segment besides letters and digits of any script.
_UNSAFE = re.compile(r"[^\w.-]+")


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
    taken = set(assigned.values()) | written
    paths: dict[Ref, str] = {}
    new: dict[Ref, str] = {}
    for summary in summaries:
        path = summary.path or assigned.get(summary.ref)
        if path in written and not summary.path:
            # A writer's file has the address that was this article's: the words in it stay, whatever the title says.
            path = _beside(path, split_ref(summary.ref)[0], taken)
            taken.add(path)
        elif path is None:
            path = _free(summary, taken)
            taken.add(path)
        if summary.ref not in assigned:
            new[summary.ref] = path
        paths[summary.ref] = path
    return Permalinks(paths, new)


def _beside(path: str, source: str, taken: set[str]) -> str:
    stem = f"{path.rstrip('/')}-{source}"
    return next(one for one in chain([f"{stem}/"], (f"{stem}-{n}/" for n in count(2))) if one not in taken)


def _free(summary: Summary, taken: set[str]) -> str:
    source, native_id = split_ref(summary.ref)
    safe_id = _UNSAFE.sub("-", native_id).strip("-.") or "x"
    if summary.kind == "article":
        candidates = [f"/articles/{summary.slug}/", f"/articles/{summary.slug}-{source}/"]
    else:
        candidates = [f"/q/{summary.slug}-{safe_id}/", f"/q/{summary.slug}-{source}-{safe_id}/"]
    number = 2
    while candidates[0] in taken:
        candidates.pop(0)
        if not candidates:
            candidates.append(f"/{'articles' if summary.kind == 'article' else 'q'}/{summary.slug}-{number}/")
            number += 1
    return candidates[0]
