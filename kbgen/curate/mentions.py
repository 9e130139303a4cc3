"""Where a text names somebody: mentions, profile links, heads of quotations, greetings, full names.

Who is meant is told by the caller, who may know no more of a name than its digest; so every place that can be one is
asked about. Names of one word are asked about only where somebody is spoken to or of: anywhere else they may be words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from urllib.parse import unquote

Named = Callable[[str], bool]
"""Whether these words are a name that is to go, in any case and with any spaces between them."""

_MENTION = re.compile(r"@([\w.-]{1,80}\w|\w)")
_PROFILE = re.compile(r"(/(?:u|users|user|people|members|profile)/(?:\d+/)?)([\w.%-]{1,80})")
_QUOTED = re.compile(r"(data-username=|\[quote=)([\"']?)([^\"'<>,\]]{1,80})")
_SPEAKER = re.compile(
    r"((?:^|[>\n])\s{0,20}@?)([^\s@<>\n:][^<>\n:]{0,79}?)(?=\s{0,3}(?:(?:wrote|said|schrieb|escribió|a écrit|написал)"
    r"[^<>\n:]{0,60})?\s?:)"
)
_GREETED = re.compile(
    r"(\b(?:hi|hello|hey|dear|thanks|thank\s+you|thx|cheers|danke|hallo|hola|gracias|merci|bonjour),?[ \u00a0])"
    r"([^\W_][\w.-]{0,79})",
    re.IGNORECASE,
)
_BLANK = r"(?:\s|&(?:nbsp|\#160|\#xa0);)"
# Words; what may stand between two of a name is passed over.
_TOKEN = re.compile(r"&(?:nbsp|#160|#xa0);|</?[a-z][a-z0-9]{0,10}>|([^\W\d_][\w'’-]*)", re.IGNORECASE)  # noqa: RUF001
_BETWEEN = re.compile(rf"(?:{_BLANK}|</?[a-z][a-z0-9]{{0,10}}>){{1,12}}", re.IGNORECASE)
_BLANKS = re.compile(rf"{_BLANK}+", re.IGNORECASE)
_POSSESSIVE = re.compile(r"(?:['’]s|['’-]+)$", re.IGNORECASE)  # noqa: RUF001
_LONGEST_FULL_NAME = 3  # words


def unnamed(text: str, named: Named, handle: str, name: str) -> str:
    """Take every naming of somebody out of a text.

    Args:
        text: HTML, or text of any markup.
        named: whether a name is one of those that are to go.
        handle: what stands instead in mentions and addresses.
        name: what stands instead of a name.
    """
    text = _without_full_names(text, named, name)
    if "@" in text:
        text = _MENTION.sub(lambda found: _mention(found[1], named, handle), text)
    if "/" in text:
        text = _PROFILE.sub(lambda found: found[1] + (handle if named(unquote(found[2])) else found[2]), text)
    if "=" in text:
        text = _QUOTED.sub(lambda found: found[1] + found[2] + (handle if named(found[3]) else found[3]), text)
    if ":" in text:
        text = _SPEAKER.sub(lambda found: found[1] + (name if named(found[2]) else found[2]), text)
    return _GREETED.sub(lambda found: found[1] + _greeted(found[2], named, name), text)


def _mention(mentioned: str, named: Named, handle: str) -> str:
    """What is left of ``@mentioned``, which may go on into the next sentence."""
    known = next((one for one in _beginnings(mentioned) if named(one)), None)
    return f"@{mentioned}" if known is None else f"@{handle}{mentioned[len(known) :]}"


def _greeted(word: str, named: Named, name: str) -> str:
    known = next((one for one in _beginnings(word) if named(one)), None)
    return word if known is None else f"{name}{word[len(known) :]}"


def _beginnings(word: str) -> Iterator[str]:
    """Give a word, and what is left of it without its last parts."""
    yield word
    for place in range(len(word) - 1, 0, -1):
        if word[place] in ".-":
            yield word[:place]


def _without_full_names(text: str, named: Named, name: str) -> str:
    words = [(found.start(1), found.end(1)) for found in _TOKEN.finditer(text) if found[1]]
    pieces: list[str] = []
    past = place = 0
    while place < len(words):
        spans = _full_name(text, words[place : place + _LONGEST_FULL_NAME], named)
        if spans:
            between = [text[end:start] for (_, end), (start, _) in pairwise(spans)]
            pieces += (text[past : spans[0][0]], name, *(_BLANKS.sub("", gap) for gap in between))
            past = spans[-1][1]
        place += len(spans) or 1
    return "".join((*pieces, text[past:])) if pieces else text


def _full_name(text: str, words: list[tuple[int, int]], named: Named) -> list[tuple[int, int]]:
    """Where a name of several words stands that begins with the first of these; empty for nowhere."""
    whole: list[str] = []
    spans: list[tuple[int, int]] = []
    found: list[tuple[int, int]] = []
    for start, end in words:
        gap = text[spans[-1][1] : start] if spans else " "
        if gap != " " and not _BETWEEN.fullmatch(gap):
            break
        bare = _POSSESSIVE.sub("", text[start:end])
        whole.append(bare)
        spans.append((start, start + len(bare)))
        if len(whole) > 1 and named(" ".join(whole)):
            found = list(spans)
    return found
