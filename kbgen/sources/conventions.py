"""What people do where the platform has no mark for a solution, and what they are called where names are not shown.

Words of thanks, signs of "solved" in titles, and the neutral names of a thread's members. Pure. What is NOT here: who
may mark a thread, and reactions; each platform has its own.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

from kbgen.model import Person

THANKS = re.compile(
    r"\b(?:thanks?|thank you|thx|ty|cheers|that (?:worked|did it|fixed|solved|was it)|it works|works now|solved|"
    r"perfect|grazie|danke|merci|gracias|obrigad[oa]|dzi\u0119ki|spasibo|bedankt|tack)\b|\u0441\u043f\u0430\u0441\u0438\u0431\u043e|"
    r"\u05ea\u05d5\u05d3\u05d4|\u8c22\u8c22|\u8b1d\u8b1d|\u3042\u308a\u304c\u3068\u3046|\uac10\uc0ac",
    re.IGNORECASE,
)
"""Words an asker thanks with, in a dozen languages; what follows an answer tells that it helped."""
SOLVED_WORDS = ("solved", "resolved", "fixed", "answered", "gel\u00f6st", "resuelto", "r\u00e9solu", "risolto")
"""What people write in brackets, or before a colon, in the title of a thread that is solved."""
SUBSTANTIVE = 40
"""Characters from which on a post says more than thanks or "me too"; the median thanks of support channels is 25."""

_TITLE = 110
_GREETING = re.compile(
    r"^(?:(?:hi|hey|hello|hallo|good (?:morning|afternoon|evening))\b"
    r"(?: (?:all|everyone|everybody|folks|team|there|guys))?"
    r"[\s,.!:-]*)+",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^.?!]{1,400}[.?!](?=\s|$)")


@lru_cache(maxsize=32)
def _marker(words: tuple[str, ...]) -> re.Pattern[str]:
    named = "|".join(re.escape(word) for word in words) or r"(?!)"
    mark = rf"[\[({{<\u3010]\s*(?:{named})\s*[\])}}>\u3011]|[\u2705\u2714\u2611]\ufe0f?"
    return re.compile(rf"(?:{mark})[\s:-]*|^(?:{named})\s*[:!-]\s*", re.IGNORECASE)


def is_marked(title: str, words: Sequence[str]) -> bool:
    """Whether a title says that its thread is solved: ``[SOLVED]``, ``(solved)``, ``Solved:``, or a check mark."""
    return _marker(tuple(words)).search(title.strip()) is not None


def unmarked(title: str, words: Sequence[str]) -> str:
    """A title without the marks ``is_marked`` looks for."""
    return " ".join(_marker(tuple(words)).sub(" ", title.strip()).split())


def is_thanks(text: str) -> bool:
    """Whether a post is short and thanks."""
    return len(text) < 400 and THANKS.search(text) is not None


def says_something(text: str) -> bool:
    """Whether a post can be an answer: it is no mere thanks, greeting or question."""
    text = text.strip()
    return len(text) >= SUBSTANTIVE or ("\n" in text and len(text) >= SUBSTANTIVE // 2) or "`" in text


def likely_answer(replies: Sequence[tuple[bool, str]]) -> int | None:
    """Guess which reply solved a thread of which is only known that it is solved.

    It is the last one before the asker's thanks that says something and is not the asker's.

    Args:
        replies: whether each is the asker's, and its words; by time.

    Returns:
        Its position; None when nobody but the asker replied.
    """
    thanks = next((n for n, (own, words) in enumerate(replies) if own and is_thanks(words)), len(replies))
    others = [n for n, (own, _) in enumerate(replies[:thanks]) if not own]
    telling = [n for n in others if says_something(replies[n][1])]
    return next(reversed(telling or others), None)


def title_of(text: str) -> str:
    """A title for a question that has none: its first line with words, cut at a sentence or a word.

    Args:
        text: the question, plain.
    """
    lines = (" ".join(line.split()) for line in text.splitlines())
    line = next((line for line in lines if _GREETING.sub("", line).strip(" ,.!")), "")
    line = _GREETING.sub("", line).strip(" ,")
    sentence = _SENTENCE.match(line)
    if sentence and len(sentence[0]) >= SUBSTANTIVE // 2:
        line = sentence[0].strip()
    if len(line) <= _TITLE:
        return line[:1].upper() + line[1:]
    cut = line[:_TITLE].rpartition(" ")[0] or line[:_TITLE]
    return cut[:1].upper() + cut[1:].rstrip(" ,;:-") + "\u2026"


class Cast:
    """The people of one thread, under their own names or, where those are not shown, as members by number.

    Args:
        shown: whether names are shown.
        staff: ids, names or addresses whose posts are the staff's, as configured.
    """

    def __init__(self, staff: Iterable[str], *, shown: bool) -> None:
        self._staff = {member.lower() for member in staff}
        self._shown = shown
        self._numbers: dict[str, int] = {}

    def is_staff(self, known_as: Collection[str]) -> bool:
        """Whether one of a person's ids, names or addresses is listed as staff; ``@host`` lists a whole host."""
        words = {word.lower() for word in known_as if word}
        hosts = {f"@{word.rpartition('@')[2]}" for word in words if "@" in word}
        return not self._staff.isdisjoint(words | hosts)

    def person(self, key: str, name: str, known_as: Collection[str] = (), *, staff: bool = False) -> Person:
        """The author of a post.

        Args:
            key: what tells the thread's people apart; where names are shown it is the person's id and is published.
            name: what the platform shows.
            known_as: what the configuration may call the person.
            staff: the platform itself says the person is of the staff.
        """
        number = self._numbers.setdefault(key, len(self._numbers) + 1)
        staff = staff or self.is_staff((key, name, *known_as))
        if self._shown and name.strip():
            return Person(key, name, is_staff=staff)
        # Like an account that is gone: no profile, and no page of this person's answers.
        return Person(str(number), f"Member {number}", is_staff=staff, deleted=True)
