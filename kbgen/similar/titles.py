"""What parts two titles whose words are nearly the same: a figure, a contrary, a negation, a direction.

Scores are made of words that are rare. These are frequent, and turn a question into another one. Which they are in a
language says a table (``data/partings.tsv``); figures are figures everywhere. Not here: what else speaks against a
merge (``texts``).
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import NamedTuple

_TABLE = Path(__file__).with_name("data") / "partings.tsv"
_FIGURE = re.compile(r"\d+(?:\.\d+)*")
_WORD = re.compile(r"\w+")
_LATIN = re.compile(r"[a-z0-9_]+")
_NOT = re.compile(r"\b(?:can(?:not|['\u2019]?t)|won['\u2019]t)\b|n['\u2019]t\b", re.IGNORECASE)
# "Log in" is a word as "login" is.
_PARTICLE = re.compile(r"\b(log|sign|zoom|opt|check|clock|fade|plug) ?(in|out|on|off)\b", re.IGNORECASE)
_ROMAN = {"II": "2", "III": "3", "IV": "4", "VI": "6", "VII": "7", "VIII": "8", "IX": "9", "XI": "11", "XII": "12"}
# A capital that is a word: at the end, before a sign that ends a part of the title, or before a space.
_LETTER = re.compile(r"\b([A-Z])(?=\s|$|[:,.;)\]\u2013\u2014-])")
# Hebrew writes "and", "the", "in", "to", "from" together with the next word.
_JOINED = "\u05d5\u05e9\u05d4\u05d1\u05db\u05dc\u05de"
_MOST_JOINED = 2
_THE = "\u05d4"
_LONGEST = 5
# Of words that are declined, so much is looked at.
_BEGINNING = 4
_DECLINED = frozenset({"pl", "it"})

PERHAPS = "perhaps "
"""Before what may be said of one thing, as the titles differ in other words, too."""
Sides = Mapping[str, tuple[tuple[int, int], ...]]
"""Words, or beginnings of words, to pairs of contraries by their number, and to the side of each."""


class Contraries(NamedTuple):
    """Pairs of contraries.

    Attributes:
        names: of the pairs.
        words: whole ones.
        beginnings: those that stand for all words that begin so.
    """

    names: tuple[str, ...]
    words: Sides
    beginnings: Sides

    def sides(self, words: AbstractSet[str]) -> dict[tuple[int, int], str]:
        """The sides that words are on, and the word that is."""
        return {side: word for word in sorted(words) for side in self.of(word)}

    def of(self, word: str) -> tuple[tuple[int, int], ...]:
        """The sides of a word."""
        found = self.words.get(word, ())
        if found or not self.beginnings:
            return found
        starts = (word[:size] for size in range(len(word), 2, -1))
        return next((self.beginnings[start] for start in starts if start in self.beginnings), ())


class Words(NamedTuple):
    """What a table says of a language.

    Attributes:
        contrary: words that ask for the opposite.
        aside: the same, of words as frequent as small ones: they count only where nothing else differs.
        small: words that part nothing.
        without: negations.
        counts: words to what they count to.
        way: words between where something comes from and where it goes.
        back: words between where it goes and where it comes from.
        article: what stands beside those and says nothing.
        known: all whole words.
    """

    contrary: Contraries
    aside: Contraries
    small: frozenset[str]
    without: frozenset[str]
    counts: Contraries
    way: frozenset[str]
    back: frozenset[str]
    article: frozenset[str]
    known: frozenset[str]


def parting(left: str, right: str, lang: str = "en") -> str:
    """What makes two titles of a language ask for different things, "" when nothing that is known here does.

    Returns:
        ``figures``, ``one figure`` (only one title has one), ``counting words``, ``negation``, ``direction``, or two
        words, as in ``enable/disable``; the latter two after ``perhaps`` where the titles differ in other words, too.
    """
    words = _words(lang)
    one, other = _tokens(left, lang), _tokens(right, lang)
    by_figures = _by_figures((left, right), (_counted(left, one, words), _counted(right, other, words)))
    return by_figures or _by_words(one, other, words)


@functools.lru_cache(1 << 12)
def in_order(title: str) -> list[str]:
    """The words of a title, "n't" as "not"; a title is judged several times, so the list is not to be changed."""
    return _WORD.findall(_PARTICLE.sub(r"\1\2", _NOT.sub(" not", title)).lower())


@functools.lru_cache(1 << 12)
def _tokens(title: str, lang: str) -> list[str]:
    """The words of a title as the table has them; not to be changed."""
    words = _words(lang)
    return [token for word in in_order(title) for token in _token(word, lang, words)]


def _token(word: str, lang: str, words: Words) -> Sequence[str]:
    if lang == "zh":
        return list(_parts(word, words.known))
    if lang == "he":
        most = min(len(word) - len(word.lstrip(_JOINED)), _MOST_JOINED)
        forms = (word[cut:] for cut in range(most + 1))
        return [next((form for form in forms if form in words.known), word.removeprefix(_THE))]
    if lang not in _DECLINED or word in words.known or words.contrary.of(word) or words.counts.of(word):
        return [word]
    return [word[:_BEGINNING]]


def _parts(run: str, known: AbstractSet[str]) -> Iterator[str]:
    """The longest words that are known, and single characters of what is not."""
    at = 0
    while at < len(run):
        latin = _LATIN.match(run, at)
        sizes = (size for size in range(_LONGEST, 1, -1) if run[at : at + size] in known)
        size = latin.end() - at if latin else next(sizes, 1)
        yield run[at : at + size]
        at += size


def _by_figures(titles: tuple[str, str], counted: tuple[set[str], set[str]]) -> str:
    first, second = (set(_FIGURE.findall(title)) for title in titles)
    if first | counted[0] == second | counted[1]:
        # "Two" is 2.
        return ""
    if first != second:
        # "Error 403" is not "Error 404"; "access denied" may be.
        return "figures" if (first or counted[0]) and (second or counted[1]) else "one figure"
    return "counting words" if all(counted) and counted[0] != counted[1] else ""


def _counted(title: str, tokens: Sequence[str], words: Words) -> set[str]:
    """What a title counts by without figures: words, Roman numerals, letters, seasons, names of months and days."""
    found = {str(place + 1) for token in set(tokens) for place, _ in words.counts.of(token)}
    if not title.islower():
        found |= {_ROMAN[word] for word in _WORD.findall(title) if word in _ROMAN}
    # "A" begins many a title, and "I" is who asks.
    letters = [match[1] for match in _LETTER.finditer(title) if match.start()]
    return found | {letter for letter in letters if letter != "I"}


def _by_words(left: Sequence[str], right: Sequence[str], words: Words) -> str:
    one, other = Counter(left), Counter(right)
    first, second = set(one - other), set(other - one)
    differing = first | second
    if not differing and left != right and not (words.way | words.back).isdisjoint(left):
        return _turned_round(left, right, words.contrary) or "direction"
    found = _opposed(first, second, words.contrary) or _turned_round(left, right, words.contrary)
    if not found and any((end, start) in _ways(right, words) for start, end in _ways(left, words)):
        found = "direction"
    if found:
        alone = {word for word in differing if not words.contrary.of(word)} <= words.small
        return found if alone else f"{PERHAPS}{found}"
    if differing <= words.small | words.without | words.aside.words.keys():
        negated = words.without.isdisjoint(first) != words.without.isdisjoint(second)
        return _opposed(first, second, words.aside) or ("negation" if negated else "")
    return ""


def _opposed(first: AbstractSet[str], second: AbstractSet[str], contraries: Contraries) -> str:
    """The contraries of which one is among the first words and the other among the second, and not both in both."""
    one, other = contraries.sides(first), contraries.sides(second)
    for pair, side in sorted(one):
        if (pair, 1 - side) in other and not ((pair, 1 - side) in one and (pair, side) in other):
            return contraries.names[pair]
    return ""


def _turned_round(left: Sequence[str], right: Sequence[str], contraries: Contraries) -> str:
    """The contraries that both titles have, in another order."""
    one, other = (contraries.sides(set(title)) for title in (left, right))
    for pair in sorted({pair for pair, _ in one}):
        both = ((pair, 0), (pair, 1))
        if all(side in one and side in other for side in both):
            orders = {
                said.index(sides[both[0]]) < said.index(sides[both[1]]) for said, sides in ((left, one), (right, other))
            }
            if len(orders) > 1:
                return contraries.names[pair]
    return ""


def _ways(tokens: Sequence[str], words: Words) -> set[tuple[str, str]]:
    said = [token for token in tokens if token not in words.article]
    there = {(said[at - 1], said[at + 1]) for at in range(1, len(said) - 1) if said[at] in words.way}
    return there | {(said[at + 1], said[at - 1]) for at in range(1, len(said) - 1) if said[at] in words.back}


@functools.cache
def _words(lang: str) -> Words:
    """The table of a language; an empty one where there is none."""
    lines = (line.split("\t") for line in _TABLE.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    cells = {kind: listing.split() for of, kind, listing in lines if of == lang}
    contrary, aside = _contraries(cells.get("contrary", [])), _contraries(cells.get("aside", []))
    counts = _contraries(cells.get("counts", []))
    small, without, way, back, article = (
        frozenset(cells.get(kind, ())) for kind in ("small", "without", "way", "back", "article")
    )
    known = small | without | way | back | article | {*contrary.words, *aside.words, *counts.words}
    return Words(contrary, aside, small, without, counts, way, back, article, known)


def _contraries(cells: Sequence[str]) -> Contraries:
    found: dict[str, tuple[tuple[int, int], ...]] = {}
    names = []
    for pair, cell in enumerate(cells):
        sides = [side.split(",") for side in cell.split("/")]
        names.append("/".join(side[0].removesuffix("-") for side in sides))
        for number, side in enumerate(sides):
            for word in side:
                found[word] = (*found.get(word, ()), (pair, number))
    words = {word: sides for word, sides in found.items() if not word.endswith("-")}
    beginnings = {word[:-1]: sides for word, sides in found.items() if word.endswith("-")}
    return Contraries(tuple(names), words, beginnings)
