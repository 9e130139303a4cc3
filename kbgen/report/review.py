"""The queue of what waits for a person: held threads and suggestions, those already answered left out.

Decisions are read and written in ``curate.review``; this module only gathers and words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import Struct

from kbgen.errors import UsageError
from kbgen.model import Ref
from kbgen.store import Store
from kbgen.store.suggestions import Suggestion

KINDS = ("held", "create", "update", "merge", "contradict")
_ASKS = {
    "held": "publish it?",
    "create": "write an article?",
    "update": "still true?",
    "merge": "the same question?",
    "contradict": "which answer holds?",
}


class Waiting(Struct, frozen=True):
    """One thing to decide.

    Attributes:
        id: what to type: the ref of a held thread, or the id of a suggestion.
        other: the second thread of a pair, "" for none.
        why: the reason it is held, or the evidence.
    """

    id: str
    kind: str
    ref: Ref
    title: str
    url: str
    why: str
    other: str = ""
    other_title: str = ""
    other_url: str = ""
    score: float = 0.0


def queue(
    store: Store, answered: frozenset[str], apart: Iterable[tuple[str, str]] = (), kinds: Sequence[str] = ()
) -> tuple[Waiting, ...]:
    """Gather what waits, by kind; in each kind the most certain first.

    Args:
        store: the open store.
        answered: ids of suggestions somebody has answered.
        apart: pairs a writer keeps apart.
        kinds: which to give, all of ``KINDS`` by default.

    Raises:
        UsageError: a kind is unknown.
    """
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise UsageError(f"{', '.join(unknown)}: no such kind of suggestion; one or more of: {', '.join(KINDS)}")
    wanted = kinds or KINDS
    found = list(_held(store)) if "held" in wanted else []
    split = {frozenset(pair) for pair in apart}
    leads = store.entries.leads()
    open_ones = [
        one
        for one in store.suggestions.all()
        if one.kind in wanted and one.id not in answered and not _is_settled(one, leads, split)
    ]
    found += _described(store, open_ones)
    return tuple(sorted(found, key=lambda one: KINDS.index(one.kind)))


def waiting_counts(store: Store, answered: frozenset[str], apart: Iterable[tuple[str, str]] = ()) -> dict[str, int]:
    """How many things wait, by kind; kinds of which nothing waits are left out. Arguments as for ``queue``."""
    counts = Counter(one.kind for one in queue(store, answered, apart))
    return {kind: counts[kind] for kind in KINDS if counts[kind]}


def _held(store: Store) -> Iterable[Waiting]:
    refs = [*store.curated.refs("thread", "hold"), *store.curated.refs("article", "hold")]
    for item in store.curated.get(refs):
        said = "; ".join(item.warnings)
        why = ", ".join(item.verdict.reasons) + (f" ({said})" if said else "")
        yield Waiting(item.ref, "held", item.ref, item.title, item.url or "", why)


def _is_settled(one: Suggestion, leads: dict[Ref, Ref], split: set[frozenset[str]]) -> bool:
    if one.kind != "merge":
        return False
    together = one.ref in leads and leads[one.ref] == leads.get(Ref(one.other))
    return together or frozenset((one.ref, one.other)) in split


def _described(store: Store, suggestions: Sequence[Suggestion]) -> list[Waiting]:
    named = {ref for one in suggestions for ref in (one.ref, one.other) if ref}
    items = {item.ref: item for item in store.curated.get(sorted(named))}
    found = []
    for one in suggestions:
        item, other = items.get(one.ref), items.get(Ref(one.other))
        if item is None or (one.other and other is None):
            continue
        pair = (other.title, other.url or "") if other else ("", "")
        found.append(
            Waiting(one.id, one.kind, one.ref, item.title, item.url or "", one.why, one.other, *pair, score=one.score)
        )
    return found


def chosen(waiting: Iterable[Waiting], words: Sequence[str]) -> list[Waiting]:
    """Find what a person named by id.

    Raises:
        UsageError: nothing of that id waits.
    """
    known = {one.id: one for one in waiting}
    unknown = [word for word in words if word not in known]
    if unknown:
        raise UsageError(f"{', '.join(unknown)}: nothing with this id waits; `kbgen review list` shows what does")
    return [known[word] for word in words]


def words(waiting: Sequence[Waiting], limit: int = 20) -> str:
    """The queue as a person reads it.

    Args:
        waiting: as ``queue`` gives it.
        limit: how many of each kind are shown.
    """
    lines: list[str] = []
    for kind in KINDS:
        some = [one for one in waiting if one.kind == kind]
        if not some:
            continue
        lines.append(f"{kind}: {len(some)} ({_ASKS[kind]})")
        for one in some[:limit]:
            lines.append(f"  {one.id}  {one.title}")
            if one.other:
                lines.append(f"  {' ' * len(one.id)}  {one.other_title}")
                lines.append(f"  {' ' * len(one.id)}  {one.ref}  {one.other}")
            lines.append(f"  {' ' * len(one.id)}  {one.why}")
        if len(some) > limit:
            lines.append(f"  and {len(some) - limit} more; --limit shows them, --json gives all")
    return "\n".join(lines) or "Nothing waits for a decision."
