"""E-mail addresses and phone numbers in text; in code, what only looks like one (prompts, remotes, decorators) stays.

A pattern gives what it found as a span; what stands there instead is decided in ``privacy``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from kbgen.curate.credentials import Span

IsCode = Callable[[int], bool]
"""Whether the character at a place is code."""

_EMAIL = re.compile(
    r"(?<![\w.%+@-])(?:mailto:)?([\w.%+-]{1,64})@"
    r"((?:[^\W_](?:[\w-]{0,62})\.){1,8}(?:xn--[a-z0-9-]{2,59}|[^\W\d_]{2,24}))(?![^\W_])",
    re.IGNORECASE,
)
_SPELLED_EMAIL = re.compile(
    r"\b[\w.+-]{1,64}\s*[\[({]\s*at\s*[\])}]\s*(?:[a-z0-9-]{1,63}(?:\.|\s*[\[({]\s*dot\s*[\])}]\s*)){1,4}[a-z]{2,24}\b",
    re.IGNORECASE,
)
_SAID_EMAIL = re.compile(
    r"(?<![\w.+-])[\w.+-]{1,64} at (?!the |a |this |that |each )"
    r"[\w-]{1,63}(?: dot [\w-]{1,63}){0,3} dot (?:com|net|org|edu|dev|info|[a-z]{2})\b",
    re.IGNORECASE,
)
_ROLE_NAMES = frozenset(("noreply", "no-reply", "donotreply", "do-not-reply", "git"))
_RESERVED = re.compile(r"(?:^|\.)(?:example|test|invalid|local|localhost|internal|lan)$")  # RFC 2606 and RFC 6762
_ENDINGS = "png jpg jpeg gif svg webp css js ts html py md txt json yml yaml zip gz service timer socket"
_FILE_ENDINGS = frozenset(_ENDINGS.split())
# Nobody has a shell there.
_POST_OFFICES = re.compile(
    r"(?:gmail|googlemail|outlook|hotmail|live|msn|yahoo|ymail|aol|icloud|me|mac|proton|protonmail|gmx|web|t-online|"
    r"mail|bk|list|inbox|yandex|ya|rambler|qq|163|126|sina|foxmail|naver|daum|zoho|fastmail|tutanota|hey)"
    r"\.(?:com|net|org|de|at|ch|fr|it|es|co\.\w\w|com\.\w\w|ru|me|eu|jp)"
)

_GAP = r"[ .\-]"
_PHONE = re.compile(
    rf"""
    (?=[+(\d])
    (?: (?<![\w.$€£¥#=@_+-])                                           # +44 20 7946 0958
        \+\d{{1,3}}{_GAP}?(?:\(\d{{1,4}}\){_GAP}?)?\d{{1,4}}(?:{_GAP}?\d{{2,4}}){{1,4}}
      | (?<![\w.,:/$€£¥#=@_+-])
        (?: \(\d{{3}}\){_GAP}?\d{{3}}[ .-]\d{{4}}                       # (555) 010-0199
          | (?:1[ .-])?[2-9]\d{{2}}([.-])\d{{3}}\1\d{{4}}               # 555-010-0199
          | (?<!\d[ ])[2-9]\d{{2}}[ ][2-9]\d{{2}}[ ]\d{{4}}(?![ ]\d)    # 555 210 0199
          | 0\d{{1,4}}(?:[ \-/]\d{{2,4}}){{2,4}}                        # 020 7946 0958
          | 0\d{{2,4}}[ ]?/[ ]?\d{{5,9}}                                # 0151/23456787
          | 0[1-9](?:\.\d\d){{4}}                                       # 06.12.34.56.99
        )
    )
    (?![\w@]|[.,:/-]\w)
    """,
    re.VERBOSE,
)
_CALLED = re.compile(
    r"""( (?: \btel(?:ephone|efon)? | \bt[ée]l[ée]phone | \bphone(?:\s+number)? | \bph(?=[.:]) | \bhandy(?=[.:])
            | \bmobile? | \bfax | \bwhats?app | \bcell | \bcall(?:\s+(?:me|us))?(?:\s+(?:at|on))?
          )(?:\s+(?:no|nr)\b)?[\s.:#]{0,4}
        )(\+?\d[\d ()./-]{5,18}\d)(?!\w|\.\w)""",
    re.IGNORECASE | re.VERBOSE,
)
_CHAT_LINK = re.compile(r"(\bwa\.me/|\bwhatsapp\.com/send/?\?phone=|\bwhatsapp://send\?phone=)(\+?\d{7,15})")
_DATE = re.compile(r"0?\d{1,2}[ /-]\d{1,2}[ /-]\d{4}|0\d[ -]\d\d[ -]\d\d[ -]\d\d$")

# What the patterns above cannot match without.
_MAIL_DOMAIN = re.compile(r"@[\w-]+\.")
_SPELLED_AT = re.compile(r"at(?<!\wat)\s*[\])}]")  # begins with a literal, which is found many times faster
_DIGITS = re.compile(r"\d[\d ()./-]{5,}\d")
_MANY_DIGITS = re.compile(r"\d(?:[ ()./-]{0,2}+\d){8}")
_LEAD = re.compile(r"t[eé]l|ph|mob|app|cell|call|fax|handy|wa\.me", re.IGNORECASE)
_LONGEST_LEAD = 80
_LONGEST_ADDRESS = 200


def emails(text: str, allowed: tuple[str, ...], is_code: IsCode) -> Iterator[Span]:
    """Find e-mail addresses.

    Args:
        text: in which signs stand in their plain form.
        allowed: domains whose addresses are nobody's.
        is_code: where code stands.
    """
    if "@" in text and _MAIL_DOMAIN.search(text):
        for match in _EMAIL.finditer(text):
            if not _is_no_mail(match, allowed, code=is_code(match.start())):
                yield match.span()
    lower = text.lower()
    for pattern, sign in ((_SPELLED_EMAIL, _SPELLED_AT.search(lower)), (_SAID_EMAIL, " dot " in lower)):
        if sign:
            yield from (match.span() for match in pattern.finditer(text) if not is_code(match.start()))


def _is_no_mail(match: re.Match[str], allowed: tuple[str, ...], *, code: bool) -> bool:
    name, domain = match.group(1).lower(), match.group(2).lower()
    if any(domain == one or domain.endswith(f".{one}") for one in allowed):
        return True
    if _RESERVED.search(domain) or name in _ROLE_NAMES or domain.rpartition(".")[2] in _FILE_ENDINGS:
        return True
    before = match.string[max(0, match.start() - _LONGEST_ADDRESS) : match.start()]
    following = match.string[match.end() : match.end() + 3]
    if before[-1:] == "/" and (code or "://" in before[before.rfind(" ") + 1 :]):
        return True  # a user of a host, or a part of an address
    if _POST_OFFICES.fullmatch(domain):
        return False
    # ``user@host:~$`` is a prompt and ``user@host:path`` a remote; a sentence has a space after its colon.
    remote = (code or following[:2] in (":~", ":/")) and following[:1] in (":", "#", "$")
    return remote and before[-1:] != "=" and following[1:2].isprintable() and following[1:2] not in (" ", "")


def phones(text: str, is_code: IsCode) -> Iterator[Span]:
    """Find phone numbers outside code: international, national, and any a telephone is named before."""
    places = [match.start() for match in _DIGITS.finditer(text)]
    if not places:
        return
    if any(_LEAD.search(text, max(0, place - _LONGEST_LEAD), place) for place in places):
        for pattern in (_CALLED, _CHAT_LINK):
            yield from (match.span(2) for match in pattern.finditer(text) if not is_code(match.start()))
    if _MANY_DIGITS.search(text, places[0]):
        for match in _PHONE.finditer(text):
            if _is_phone(match.group()) and not is_code(match.start()):
                yield match.span()


def _is_phone(text: str) -> bool:
    digits = [char for char in text if char.isdigit()]
    # E.164 allows 15; under nine digits it is more often an order or a part number.
    return 9 <= len(digits) <= 15 and len(set(digits)) > 2 and not _DATE.match(text)
