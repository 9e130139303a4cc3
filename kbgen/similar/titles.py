"""What parts two titles whose words are nearly the same: a figure, a contrary, a negation, a direction.

Scores are made of words that are rare. These are frequent, and turn a question into another one. Words are English;
figures are figures everywhere. Not here: what else speaks against a merge (``texts``).
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Sequence

_FIGURE = re.compile(r"\d+(?:\.\d+)*")
_WORD = re.compile(r"\w+")
_NOT = re.compile(r"\b(?:can(?:not|['\u2019]?t)|won['\u2019]t)\b|n['\u2019]t\b", re.IGNORECASE)
# "Log in" is a word as "login" is.
_PARTICLE = re.compile(r"\b(log|sign|zoom|opt|check|clock|fade|plug) ?(in|out|on|off)\b", re.IGNORECASE)
# Two questions that differ in one of these ask for the opposite.
_CONTRARY = """
    enable/disable enabling/disabling enabled/disabled install/uninstall installing/uninstalling import/export
    importing/exporting upload/download uploading/downloading add/remove adding/removing upgrade/downgrade
    encrypt/decrypt show/hide showing/hiding visible/hidden start/stop starting/stopping open/close opening/closing
    before/after increase/decrease lock/unlock mount/unmount connect/disconnect subscribe/unsubscribe client/server
    push/pull left/right maximum/minimum max/min follow/unfollow login/logout signin/signout optin/optout zoomin/zoomout
    checkin/checkout active/passive incoming/outgoing input/output read/write first/last horizontal/vertical
    public/private light/dark top/bottom front/back indoor/outdoor indoors/outdoors online/offline local/remote
    manual/automatic manually/automatically send/receive sending/receiving sent/received buy/sell allow/block
    allow/prevent accept/reject merge/split expand/collapse pack/unpack zip/unzip join/leave pin/unpin
    archive/unarchive publish/unpublish publishing/unpublishing mute/unmute register/unregister ascending/descending
    monthly/yearly daily/weekly weekly/monthly higher/lower faster/slower bigger/smaller always/never
"""
# As frequent as these are, they part two titles only where nothing else does.
_SMALL_CONTRARY = (
    "on/off with/without in/out up/down old/new more/less all/none to/from above/below inside/outside into/from"
)
_SMALL_WORDS = """
    a an the this that these those my your our its his her their i we you he she it they me us them is are was were be
    been am do does did can could will would shall should may might must has have had get gets got how why what when
    where which who and or but so if of in on at to from by for with without into onto up down out off as than then
    there any some still also just please
"""
_NEGATIONS = frozenset({"not", "no"})
_ARTICLE_WORDS = "a an the my your our its his her their all every each any some"
_DIRECTION_WORDS = "to into onto from than as over under before after behind"
_ONE_TO_TWELVE = "one two three four five six seven eight nine ten eleven twelve"
_FIRST_TO_TWELFTH = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
_SEASONS = "spring summer autumn winter"
_DATE_WORDS = """
    January February March April May June July August September October November December
    Monday Tuesday Wednesday Thursday Friday Saturday Sunday
"""
_ROMAN = {"II": 2, "III": 3, "IV": 4, "VI": 6, "VII": 7, "VIII": 8, "IX": 9, "XI": 11, "XII": 12}
_COUNTS = {word: str(at) for some in (_ONE_TO_TWELVE, _FIRST_TO_TWELFTH) for at, word in enumerate(some.split(), 1)}
_COUNTS |= {word: word for word in _SEASONS.split()}
_SMALL, _ARTICLES = frozenset(_SMALL_WORDS.split()), frozenset(_ARTICLE_WORDS.split())
_DIRECTION, _DATES = frozenset(_DIRECTION_WORDS.split()), frozenset(_DATE_WORDS.split())
# Where one is written as a letter alone: at the end, or before a sign that ends a part of the title.
_LETTER = re.compile(r"\b([A-Z])(?=\s*(?:$|[:,.;)\]\u2013\u2014-])|\s)")


def _parted(listing: str) -> tuple[tuple[str, str], ...]:
    pairs = (pair.partition("/") for pair in listing.split())
    return tuple((one, other) for one, _, other in pairs)


_OPPOSITES, _SMALL_OPPOSITES = _parted(_CONTRARY), _parted(_SMALL_CONTRARY)
_CONTRARY_WORDS = frozenset(word for pair in _OPPOSITES for word in pair)


def parting(left: str, right: str) -> str:
    """What makes two titles ask for different things, "" when nothing that is known here does.

    Returns:
        ``figures``, ``one figure`` (only one title has one), ``counting words``, ``negation``, ``direction``, or the
        two words, as in ``enable/disable``.
    """
    return _by_figures(left, right) or _by_words(in_order(left), in_order(right))


@functools.lru_cache(1 << 12)
def in_order(title: str) -> list[str]:
    """The words of a title, "n't" as "not"; a title is judged several times, so the list is not to be changed."""
    plain = _NOT.sub(" not", title)
    return _WORD.findall(_PARTICLE.sub(r"\1\2", plain).lower())


def _by_figures(left: str, right: str) -> str:
    first, second = set(_FIGURE.findall(left)), set(_FIGURE.findall(right))
    counted = _counted(left), _counted(right)
    if first | counted[0] == second | counted[1]:
        # "Two" is 2.
        return ""
    if first != second:
        # "Error 403" is not "Error 404"; "access denied" may be.
        return "figures" if (first or counted[0]) and (second or counted[1]) else "one figure"
    return "counting words" if all(counted) and counted[0] != counted[1] else ""


def _counted(title: str) -> set[str]:
    """What a title counts by without figures: words, Roman numerals, letters, seasons, names of months and days."""
    words = _WORD.findall(title)
    found = {_COUNTS[word.lower()] for word in words if word.lower() in _COUNTS}
    found |= {str(_ROMAN[word]) for word in words if word in _ROMAN}
    # The month, not "May I".
    found |= {word for at, word in enumerate(words) if word in _DATES and (at or word != "May")}
    # "A" begins many a title, and "I" is who asks.
    letters = [match[1] for match in _LETTER.finditer(title) if match.start()]
    return found | {letter for letter in letters if letter != "I"}


def _by_words(left: Sequence[str], right: Sequence[str]) -> str:
    one, other = Counter(left), Counter(right)
    first, second = set(one - other), set(other - one)
    if not first and not second:
        return _by_order(left, right)
    differing = first | second
    known = () if differing.isdisjoint(_CONTRARY_WORDS) else _OPPOSITES
    alone = _SMALL_OPPOSITES if differing <= _SMALL | {word for pair in _SMALL_OPPOSITES for word in pair} else ()
    for a, b in (*known, *alone):
        if (a in first and b in second) or (b in first and a in second):
            return f"{a}/{b}"
    if differing <= _SMALL | _NEGATIONS and first.isdisjoint(_NEGATIONS) != second.isdisjoint(_NEGATIONS):
        return "negation"
    return "direction" if _turned(left, right) else ""


def _by_order(left: Sequence[str], right: Sequence[str]) -> str:
    """Of the same words: whether contraries changed places, or what stands on both sides of a direction."""
    for one, other in _OPPOSITES:
        if (
            one in left
            and other in left
            and (left.index(one) < left.index(other)) != (right.index(one) < right.index(other))
        ):
            return f"{one}/{other}"
    return "direction" if _turned(left, right) else ""


def _turned(left: Sequence[str], right: Sequence[str]) -> bool:
    """Whether one title goes from a thing to another, and the other title back."""
    return any((end, start) in _ways(right) for start, end in _ways(left))


def _ways(words: Sequence[str]) -> set[tuple[str, str]]:
    said = [word for word in words if word not in _ARTICLES]
    return {(said[at - 1], said[at + 1]) for at in range(1, len(said) - 1) if said[at] in _DIRECTION}
