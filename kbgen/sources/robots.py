"""robots.txt: which paths of a host a program is asked not to crawl, after RFC 9309.

Not here: fetching it (``http_client``), or what to do with its sitemaps (the connector that crawls).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

# RFC 9309 section 2.5 asks parsers to read at least so much.
MAX_BYTES = 512_000
_LINE = re.compile(r"^\s*([A-Za-z-]+)\s*:\s*(.*?)\s*$")
# What stands unescaped in a path, so that two spellings of one are equal; "%" was undone before.
_SAFE = "/?=&;:@!$'()*+,~-._[]"


@dataclass
class _Group:
    agents: list[str] = field(default_factory=list)
    rules: list[tuple[bool, str]] = field(default_factory=list)
    delay: float | None = None


@dataclass(frozen=True)
class Robots:
    """The rules that count for one program.

    Attributes:
        rules: whether a path is allowed, and its pattern.
        crawl_delay: seconds between two requests, which a host may ask for.
    """

    rules: tuple[tuple[bool, str], ...] = ()
    crawl_delay: float | None = None

    def allows(self, path: str) -> bool:
        """Tell whether a path may be asked for.

        The longest pattern that matches decides, and of two equally long ones the one that allows.

        Args:
            path: with its query, as in the address.
        """
        path = _spelled(path) or "/"
        if path == "/robots.txt":
            return True
        matching = [(len(pattern), allowed) for allowed, pattern in self.rules if _matches(pattern, path)]
        return max(matching, default=(0, True))[1]


def read_robots(text: str, agent: str) -> Robots:
    """Read the rules for a program: those of its own groups, else those for all.

    Args:
        text: of robots.txt; a web page in its place has no rules.
        agent: the program's product token, such as ``kbgen``.
    """
    groups = _groups(text)
    own = [group for group in groups if agent.lower() in group.agents]
    chosen = own or [group for group in groups if "*" in group.agents]
    delays = [group.delay for group in chosen if group.delay is not None]
    return Robots(tuple(rule for group in chosen for rule in group.rules), max(delays, default=None))


def _groups(text: str) -> list[_Group]:
    groups: list[_Group] = []
    naming = False
    for line in text.removeprefix("\ufeff").splitlines():
        found = _LINE.match(line.split("#", 1)[0])
        if not found:
            continue
        key, value = found[1].lower(), found[2]
        if key == "user-agent":
            if not naming:
                groups.append(_Group())
            groups[-1].agents.append(value.split("/", 1)[0].strip().lower())
        elif groups and key in {"allow", "disallow"} and value:
            groups[-1].rules.append((key == "allow", _spelled(value)))
        elif groups and key == "crawl-delay":
            groups[-1].delay = _seconds(value)
        # A sitemap belongs to no group and ends none.
        naming = key == "user-agent" or (naming and key == "sitemap")
    return groups


def _seconds(value: str) -> float | None:
    # Hosts that ask for more than a minute do not mean a nightly harvest.
    return min(float(value), 60.0) if re.fullmatch(r"\d{1,6}(\.\d+)?", value) else None


def _spelled(path: str) -> str:
    return quote(unquote(path, errors="surrogateescape"), safe=_SAFE, errors="surrogateescape")


def _matches(pattern: str, path: str) -> bool:
    """Match from the start; ``*`` is anything, a ``$`` at the end is the end. Linear: patterns are hostile."""
    anchored = pattern.endswith("$")
    first, *pieces = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    place = len(first)
    if anchored and not pieces:
        return place == len(path)
    last = pieces.pop() if anchored else ""
    for piece in pieces:
        place = path.find(piece, place)
        if place < 0:
            return False
        place += len(piece)
    return not anchored or (len(path) - len(last) >= place and path.endswith(last))
