"""``kbgen taxonomy``: a first taxonomy.yml from the tags a community uses, and what the present one does not know.

Words that differ in spelling only become one tag with synonyms; a tag that nearly always stands with a wider one
becomes its child; topics are grown around the tags that say most about the others. Not here: how the file is written
(``taxonomy_file``), what untagged threads say (``untagged``), and how tags are applied (``curate``).
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

from msgspec import Struct

from kbgen.model import Curated, Taxonomy
from kbgen.model.curated import INFERRED
from kbgen.search.analysis import analyser
from kbgen.store import Store

_BATCH = 500
_FEWEST = 3  # threads a tag needs to be proposed
_MOST_TOPICS = 12
_SLIP, _LONG = 5, 8  # a slip of the pen is this many times rarer than the word, and the word is long
_TOPIC_SHARE = 0.02  # of the tagged threads, at least, for a tag to be the heart of a topic
_EVERYWHERE = 0.4  # a tag on more threads than this divides nothing
_ALWAYS_WITH = 0.75  # from this share of common threads a tag is part of the wider one
_PART_OF_NAME = 0.25  # enough where the wider tag's name is part of the narrower one's
_CLOSE = 1.2  # how many times oftener than by chance two tags stand together to be of one topic


class Proposal(Struct, frozen=True):
    """A taxonomy to be.

    Attributes:
        counts: threads by tag, the most used first.
        synonyms: other spellings by tag.
        parents: narrower tag to wider.
        topics: the tag a topic is named after to the tags in it, that one first.
        threads: how many were looked at, and how many have a tag.
    """

    counts: Mapping[str, int]
    synonyms: Mapping[str, tuple[str, ...]]
    parents: Mapping[str, str]
    topics: Mapping[str, tuple[str, ...]]
    threads: int
    tagged: int


def used_tags(store: Store) -> list[frozenset[str]]:
    """The tags of every published thread as its community wrote them, known to the taxonomy or not."""
    return [tags_of(item) for item in published(store)]


def published(store: Store) -> Iterator[Curated]:
    """Every published thread, by ref."""
    refs = store.curated.refs("thread", "publish")
    for start in range(0, len(refs), _BATCH):
        yield from store.curated.get(refs[start : start + _BATCH])


def tags_of(item: Curated) -> frozenset[str]:
    """The tags people gave a thread, as its community wrote them."""
    own = {mark.why.partition(":")[2] or mark.tag for mark in item.tags if not mark.why.startswith(INFERRED)}
    return frozenset(word.lower() for word in (*own, *item.unmapped) if not word.startswith("topic:"))


def propose(threads: Sequence[frozenset[str]]) -> Proposal:
    """Propose a taxonomy.

    Args:
        threads: the tags of each thread.
    """
    spelled = Counter(word for words in threads for word in words)
    heads = _spellings(spelled)
    merged = [frozenset(heads[word] for word in words) for words in threads]
    counts = Counter(word for words in merged for word in words)
    kept = {word: count for word, count in _ranked(counts) if count >= _FEWEST}
    together: Counter[tuple[str, str]] = Counter()
    for words in merged:
        together.update(combinations(sorted(word for word in words if word in kept), 2))
    synonyms: dict[str, list[str]] = {}
    for word, head in sorted(heads.items()):
        if word != head and head in kept:
            synonyms.setdefault(head, []).append(word)
    tagged = sum(bool(words) for words in merged)
    parents = _parents(kept, together, tagged)
    return Proposal(
        counts=kept,
        synonyms={head: tuple(words) for head, words in synonyms.items()},
        parents=parents,
        topics=_topics(kept, together, parents, tagged),
        threads=len(threads),
        tagged=tagged,
    )


def _ranked(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def _spellings(counts: Mapping[str, int]) -> dict[str, str]:
    """Each word to the most used one that differs in spelling only: ``refunds`` to ``refund``, ``refnuds`` as well."""
    heads: dict[str, str] = {}
    first: dict[str, str] = {}
    for word, _ in _ranked(counts):
        stems = "".join(one.terms[0] for one in analyser("en").words(word.replace("-", " "))) or word
        heads[word] = first.setdefault(stems, word)
    common = [word for word, count in _ranked(counts) if heads[word] == word and count >= _FEWEST * _SLIP]
    for word, count in counts.items():
        if len(word) >= _LONG and not word[-1].isdigit():
            near = difflib.get_close_matches(word, common, n=1, cutoff=0.88)
            if near and counts[near[0]] >= _SLIP * count:
                heads[word] = near[0]
    return {word: heads[head] for word, head in heads.items()}


def _with(together: Mapping[tuple[str, str], int], one: str, other: str) -> int:
    return together.get((one, other) if one < other else (other, one), 0)


def _parents(counts: Mapping[str, int], together: Mapping[tuple[str, str], int], threads: int) -> dict[str, str]:
    parents: dict[str, str] = {}
    for narrow, count in counts.items():
        best = (0.0, "")
        for wide, more in counts.items():
            if more < 2 * count:
                break  # they come in the order of their counts
            if more > _EVERYWHERE * threads:
                continue
            share = _with(together, narrow, wide) / count
            named = wide in narrow.split("-") or narrow.startswith(f"{wide}-") or narrow.endswith(f"-{wide}")
            if share >= (_PART_OF_NAME if named else _ALWAYS_WITH) and share + named > best[0]:
                best = (share + named, wide)
        if best[1]:
            parents[narrow] = best[1]
    return parents


def _topics(
    counts: Mapping[str, int],
    together: Mapping[tuple[str, str], int],
    parents: Mapping[str, str],
    threads: int,
) -> dict[str, tuple[str, ...]]:
    """Grow topics: the most used tags that are no part of one another are hearts; each other tag joins the closest."""
    hearts: list[str] = []
    for tag, count in counts.items():
        rare, common = count < max(_FEWEST, _TOPIC_SHARE * threads), count > _EVERYWHERE * threads
        near = any(_lift(counts, together, tag, heart, threads) > 1.5 * _CLOSE for heart in hearts)
        if not (rare or common or near or tag in parents) and len(hearts) < _MOST_TOPICS:
            hearts.append(tag)
    members: dict[str, list[str]] = {heart: [heart] for heart in hearts}
    for tag in counts:
        if tag in members:
            continue
        if _root(tag, parents) in members:
            members[_root(tag, parents)].append(tag)
            continue
        lifts = [(_lift(counts, together, tag, heart, threads), heart) for heart in hearts]
        closest = max(lifts, key=lambda pair: (pair[0], -hearts.index(pair[1])), default=(0.0, ""))
        if closest[0] >= _CLOSE:
            members[closest[1]].append(tag)
    return {heart: tuple(tags) for heart, tags in members.items()}


def _root(tag: str, parents: Mapping[str, str]) -> str:
    while tag in parents:
        tag = parents[tag]
    return tag


def _lift(
    counts: Mapping[str, int], together: Mapping[tuple[str, str], int], one: str, other: str, threads: int
) -> float:
    """How many times oftener than by chance two tags stand together; few threads prove little."""
    expected = counts[one] * counts[other] / max(threads, 1)
    return (_with(together, one, other) + 0.5) / (expected + 1)


def unmapped(store: Store, taxonomy: Taxonomy) -> tuple[tuple[str, int, str], ...]:
    """The tags the taxonomy does not know, how many threads have each, and the known tag that is spelled most alike."""
    known = sorted(taxonomy.synonyms)
    return tuple((word, count, _near(word, known, taxonomy)) for word, count in store.curated.unmapped().items())


def _near(word: str, known: Iterable[str], taxonomy: Taxonomy) -> str:
    near = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.75)
    return taxonomy.synonyms[near[0]] if near else ""
