"""Phrases that say what threads are about, from the threads' own words: candidates for tags.

A phrase is looked for in titles. It says something when the questions under it speak of it again, far more than other
questions do; when it is a thing and not a doing; and when it is no part of a longer phrase that always stands
there. All of it is counted, nothing is learnt from elsewhere, and the same texts give the same phrases in any order.
Not here: what phrases have to do with each other (``themes``).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from kbgen.search.phrases import Keys, Token, candidates, segments

TEXT = 600
"""How much of a question is read."""
_LEAST_SHARE = 0.004
_MOST_SHARE = 0.35  # what stands in every third title divides nothing
_SWALLOWED = 0.6
_COHESION = 0.15
_TOPICAL = 1.3
_STRONGEST = 8.0
_THING, _ALONE = 0.6, 0.35
_EXAMPLES = 3
_SHORTEST = 2
# What stands before a thing, and before a doing: English alone is told apart so.
_THINGS_FOLLOW = """
    a an the my your our their its this that these those of in with for from on into via using between each any
"""
_DOINGS_FOLLOW = """
    to i we you they can cannot can't could should would will won't don't doesn't didn't not how let please and
"""
# In every community people ask about a problem with a way of using something.
_SAY_NOTHING = """
    problem issue question help error way thing something anything example case method solution answer idea trouble
    difference use using support work working possible need want new best better different number lot kind type sort
    part time day year people user someone thanks code file line advice tip explanation understanding meaning point
    reason list info information detail documentation tutorial guide resource order fix stuff bit one two name value
    amount version set step term relation exist require based source function id first last model scale significance
    size many several various own same specific certain correct wrong good bad simple change effect
    given future post vs alternative limited secure candidate category data project text
"""
_BEFORE_THINGS = frozenset(_THINGS_FOLLOW.split())
_BEFORE_DOINGS = frozenset(_DOINGS_FOLLOW.split())
_EMPTY = frozenset(_SAY_NOTHING.split())


class Said(Struct, frozen=True):
    """What a thread says: its title and the beginning of its question."""

    ref: str
    title: str
    text: str
    lang: str


class Phrase(Struct, frozen=True):
    """A phrase that says what threads are about.

    Attributes:
        text: as it is mostly written, in lower case.
        shown: the same with its capitals: ``UI``.
        threads: titles it stands in.
        score: how much it says of how many; for their order.
        examples: some of the titles.
        variants: other forms whose stem is another, such as ``nfts``.
    """

    keys: Keys
    text: str
    threads: int
    score: float
    examples: tuple[str, ...]
    variants: tuple[str, ...] = ()
    shown: str = ""


class Theme(Struct, frozen=True):
    """A topic to be.

    Attributes:
        phrases: the tags in it, the one it is named after first.
        threads: how many threads have one of them in title or question.
        examples: titles from its middle.
    """

    phrases: tuple[str, ...]
    threads: int
    examples: tuple[str, ...]


class _Counts:
    """What is counted in one pass over the texts."""

    def __init__(self) -> None:
        self.title: Counter[Keys] = Counter()
        self.text: Counter[Keys] = Counter()
        self.both: Counter[Keys] = Counter()
        self.written: dict[Keys, Counter[str]] = {}
        self.examples: dict[Keys, list[str]] = {}
        self.thing: Counter[str] = Counter()
        self.doing: Counter[str] = Counter()
        self.alone: Counter[str] = Counter()
        self.words: Counter[str] = Counter()


def keyphrases(threads: Sequence[Said], known: frozenset[Keys] = frozenset(), *, most: int = 80) -> list[Phrase]:
    """Find the phrases that say most about the threads.

    Args:
        threads: of one language.
        known: phrases that need not be found again: tags there are.
        most: how many to give.

    Returns:
        Phrases, the best first.
    """
    least = max(3, round(_LEAST_SHARE * len(threads)))
    counts = _counted(threads, least)
    english = bool(threads) and threads[0].lang.split("-")[0] == "en"
    scores = {
        keys: _score(keys, counts, len(threads))
        for keys, count in counts.title.items()
        if least <= count <= _MOST_SHARE * len(threads)
        and keys not in known
        and _is_name(keys, counts, english=english)
    }
    good = {keys: score for keys, score in scores.items() if score > 0}
    kept = _without_parts(good, counts)
    plurals = {(*keys[:-1], f"{keys[-1]}s"): keys for keys in kept}
    more = {one: keys for keys, one in plurals.items() if keys in good}
    ranked = sorted((keys for keys in kept if plurals.get(keys) not in good), key=lambda keys: (-good[keys], keys))
    return [_phrase(keys, counts, good[keys], more.get(keys)) for keys in ranked[:most]]


def _counted(threads: Sequence[Said], least: int) -> _Counts:
    """Titles first: of the texts, only phrases that stand in enough titles are counted, or memory would not do."""
    counts = _Counts()
    single = Counter(key for one in threads for key in {token.key for run in _title(one) for token in run})
    frequent = {key for key, count in single.items() if count >= least}
    for one in threads:
        counts.title.update(_phrases(_title(one), frequent, counts.written))
    counts.title = Counter({keys: count for keys, count in counts.title.items() if count >= least})
    counts.written = {keys: counts.written[keys] for keys in counts.title}
    for one in threads:
        texts = list(segments(one.text[:TEXT], one.lang))
        in_title = _phrases(_title(one), frequent) & counts.title.keys()
        in_text = _phrases(texts, frequent) & counts.title.keys()
        counts.text.update(in_text)
        counts.both.update(in_text & in_title)
        for keys in in_title:
            some = counts.examples.setdefault(keys, [])
            if len(some) < _EXAMPLES:
                some.append(one.title)
        for run in (*_title(one), *texts):
            _context(run, counts, frequent)
    return counts


def _title(one: Said) -> list[list[Token]]:
    return list(segments(one.title, one.lang))


def _phrases(
    runs: Iterable[list[Token]], frequent: set[str], written: dict[Keys, Counter[str]] | None = None
) -> set[Keys]:
    found: set[Keys] = set()
    for run in runs:
        for start, end in candidates(run):
            keys = tuple(token.key for token in run[start:end])
            if not frequent.issuperset(keys):
                continue
            found.add(keys)
            if written is not None:
                written.setdefault(keys, Counter())[" ".join(token.text for token in run[start:end])] += 1
    return found


def _context(run: Sequence[Token], counts: _Counts, frequent: set[str]) -> None:
    for place, token in enumerate(run):
        if token.key not in frequent:
            continue
        counts.words[token.key] += 1
        before = run[place - 1].text.lower() if place else ""
        counts.thing[token.key] += before in _BEFORE_THINGS
        counts.doing[token.key] += before in _BEFORE_DOINGS
        counts.alone[token.key] += place + 1 == len(run) or run[place + 1].stop


def _is_name(keys: Keys, counts: _Counts, *, english: bool) -> bool:
    """Whether a phrase can name a thing: long enough, no empty word alone, its last word used as things are."""
    text = counts.written[keys].most_common(1)[0][0].lower()
    if len(text.replace(" ", "")) < _SHORTEST or not any(char.isalpha() for char in text):
        return False
    if not english:
        return len(text) > _SHORTEST
    words = text.split()
    if words[-1] in _EMPTY or words[0] in _EMPTY or words[-1].removesuffix("s") in _EMPTY:
        return False
    alone = (counts.alone[keys[-1]] + 1) / (counts.words[keys[-1]] + 2)
    if alone < _ALONE:
        return False
    # Within a phrase a word stands behind another: there it is enough that it is no doing elsewhere.
    return all(_thing(key, counts) >= (_THING if len(keys) == 1 else 1 - _THING) for key in keys)


def _thing(key: str, counts: _Counts) -> float:
    return (counts.thing[key] + 1) / (counts.thing[key] + counts.doing[key] + 2)


def _score(keys: Keys, counts: _Counts, threads: int) -> float:
    """Threads, dampened, times how much more of it is spoken under such titles than elsewhere; 0 for a chance pair."""
    title = counts.title[keys]
    if len(keys) > 1 and title < _COHESION * min(counts.title[(key,)] for key in keys):
        return 0.0
    again = (counts.both[keys] + 0.5) / (title + 1)
    anywhere = (counts.text[keys] + 0.5) / (threads + 1)
    topical = again / anywhere
    if topical < _TOPICAL:
        return 0.0
    # How rarely it is spoken of grows without end, how much it says does not.
    return math.sqrt(title) * math.log(min(topical, _STRONGEST)) * (1 + 0.35 * (len(keys) - 1))


def _without_parts(scores: Mapping[Keys, float], counts: _Counts) -> list[Keys]:
    """Leave out words that nearly always stand in one longer phrase."""
    dropped: set[Keys] = set()
    for keys in sorted(scores, key=lambda one: (-len(one), -scores[one], one)):
        if keys in dropped:
            continue
        for size in range(1, len(keys)):
            for at in range(len(keys) - size + 1):
                part = keys[at : at + size]
                if part in scores and counts.title[keys] >= _SWALLOWED * counts.title[part]:
                    dropped.add(part)
    return [keys for keys in scores if keys not in dropped]


def _phrase(keys: Keys, counts: _Counts, score: float, plural: Keys | None) -> Phrase:
    written = counts.written[keys]
    spelled: Counter[str] = Counter()
    for form, count in written.items():
        spelled[form.lower()] += count
    text = min(spelled, key=lambda one: (-spelled[one], len(one), one))
    shown = min((one for one in written if one.lower() == text), key=lambda one: (-written[one], one))
    forms = sorted({form.lower() for form in counts.written[plural]}) if plural else []
    threads = counts.title[keys] + (counts.title[plural] if plural else 0)
    return Phrase(keys, text, threads, round(score, 3), tuple(sorted(counts.examples[keys])), tuple(forms), shown)
