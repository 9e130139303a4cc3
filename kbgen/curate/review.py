"""``site_config/review.yml``: what people decided about held threads and suggestions; no harvest undoes it.

Merges and splits take effect as a writer's overlay does, so the rules of clustering are in one place; a later decision
about the same threads wins. The queue itself is gathered in ``report.review``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast, get_args

import msgspec
import yaml
from msgspec import Struct

from kbgen.config import Position, load_yaml, read_written
from kbgen.curate.files import nearest
from kbgen.curate.text import plain_text
from kbgen.errors import ConfigError
from kbgen.model import Overlay, Ref, Verdict, split_ref

FILE = "site_config/review.yml"
KEYS = ("decision", "refs", "suggestion", "by", "when", "why")
_HEADER = """\
# What people decided about held threads and suggestions, the newest last. `kbgen review` adds to it; edit it freely.
"""
Verb = Literal["approve", "reject", "merge", "split", "done"]


class Decision(Struct, frozen=True):
    """One decision of a person.

    Attributes:
        decision: ``approve`` and ``reject`` are about held threads, ``merge`` and ``split`` about two or more threads
            (all are merged into the first; each is kept apart from each), ``done`` answers a suggestion.
        suggestion: the suggestion it answers, "" for none.
        when: the day, as people write it: 2026-11-22.
    """

    decision: Verb
    refs: tuple[Ref, ...]
    by: str = ""
    when: str = ""
    why: str = ""
    suggestion: str = ""


def load_review(project: Path) -> tuple[Decision, ...]:
    """Read every decision, in the order of the file; none when there is no file.

    Raises:
        ConfigError: with every fault, each naming file and line.
    """
    path = project / FILE
    if not path.is_file():
        return ()
    data, lines = load_yaml(read_written(project, FILE), FILE)
    if data is None:
        return ()
    if not isinstance(data, list):
        raise ConfigError(f"{FILE}:1: must be a list of decisions, each with the keys {', '.join(KEYS)}")
    faults: list[str] = []
    decisions = [_decision(block, index, lines, faults) for index, block in enumerate(data)]
    if faults:
        raise ConfigError(faults)
    return tuple(one for one in decisions if one is not None)


def _decision(block: Any, index: int, lines: Mapping[Position, int], faults: list[str]) -> Decision | None:
    place = f"{FILE}:{lines.get((index,), 1)}:"
    if not isinstance(block, dict):
        faults.append(f"{place} must be a block with the keys {', '.join(KEYS)}")
        return None
    found = [f"{place} {key} is not a known key; {nearest(str(key), KEYS)}" for key in block if key not in KEYS]
    verb = str(block.get("decision"))
    verbs = get_args(Verb)
    if verb not in verbs:
        found.append(f"{place} decision {verb!r} is unknown; one of: {', '.join(verbs)}")
    refs = block.get("refs") or []
    words = [str(word) for word in refs] if isinstance(refs, list) else [str(refs)]
    for word in words:
        try:
            split_ref(word)
        except ValueError as error:
            found.append(f"{place} refs holds {error}")
    least = 2 if verb in ("merge", "split") else 0 if verb == "done" else 1
    if len(set(words)) < least:
        found.append(f"{place} {verb} needs {'two refs or more' if least == 2 else 'a ref'} in refs")
    faults += found
    said = {key: plain_text(str(block.get(key) or "")) for key in ("by", "when", "why", "suggestion")}
    return None if found else Decision(cast("Verb", verb), tuple(Ref(word) for word in words), **said)


def add_decisions(project: Path, decisions: Sequence[Decision]) -> None:
    """Write decisions at the end of the file; what stands there, comments included, stays as it is.

    Args:
        project: the project folder.
        decisions: in their order.
    """
    path = project / FILE
    before = read_written(project, FILE) if path.is_file() else _HEADER
    if not load_review(project) and not before.strip().startswith("#"):
        before = _HEADER  # an empty list, written as []
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(before.rstrip("\n") + "\n" + "".join(map(_block, decisions)), encoding="utf-8")
    beside.replace(path)


def _block(decision: Decision) -> str:
    data = {key: value for key, value in msgspec.to_builtins(decision).items() if value}
    ordered = {key: data[key] for key in KEYS if key in data}
    text: str = yaml.safe_dump([ordered], allow_unicode=True, sort_keys=False, default_flow_style=None, width=1000)
    return text


def verdicts(decisions: Iterable[Decision]) -> dict[Ref, Verdict]:
    """Give the verdict of each thread somebody decided about; the last decision counts."""
    found: dict[Ref, Verdict] = {}
    for one in decisions:
        for ref in one.refs:
            if one.decision == "approve":
                found[ref] = Verdict("publish", ("approved",), FILE)
            elif one.decision == "reject":
                found[ref] = Verdict("drop", ("rejected",), FILE)
    return found


def answered(decisions: Iterable[Decision]) -> frozenset[str]:
    """Give the suggestions somebody has answered, by id."""
    return frozenset(one.suggestion for one in decisions if one.suggestion)


def with_decisions(overlays: Mapping[Ref, Overlay], decisions: Iterable[Decision]) -> dict[Ref, Overlay]:
    """Add merges and splits to the writers' overlays; where both speak of two threads, a split wins.

    Args:
        overlays: as written in ``content/curated/``.
        decisions: in the order of the file.
    """
    together: dict[tuple[Ref, Ref], bool] = {}
    for one in decisions:
        if one.decision == "merge":
            pairs = [(one.refs[0], other) for other in one.refs[1:]]
        elif one.decision == "split":
            pairs = [(left, right) for at, left in enumerate(one.refs) for right in one.refs[at + 1 :]]
        else:
            continue
        for into, other in pairs:
            together.pop((other, into), None)
            together[into, other] = one.decision == "merge"
    found = dict(overlays)
    for (into, other), merged in together.items():
        overlay = found.get(into) or Overlay(into, FILE)
        if merged:
            changed = msgspec.structs.replace(overlay, merge=tuple(dict.fromkeys((*overlay.merge, other))))
        else:
            changed = msgspec.structs.replace(overlay, split=tuple(dict.fromkeys((*overlay.split, other))))
        found[into] = changed
    return found
