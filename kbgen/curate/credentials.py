"""Keys, tokens and passwords in text: of known make by their looks, others by the name they are given.

A pattern gives what it found as a span; what stands there instead is decided in ``privacy``.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

Span = tuple[int, int]
"""Where something stands in a text: first character, and the one after the last."""

_KNOWN = re.compile(
    r"""
    (?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}\b                                # AWS key ids
    | \bAIza[\w-]{35}                                                    # Google API keys
    | \bya29\.[\w-]{20,}                                                 # Google OAuth
    | \b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{22,})                # GitHub
    | \bglpat-[\w-]{20,}                                                 # GitLab
    | \b(?:xox[abeprs]|xapp)-[\w-]{10,}                                  # Slack
    | \bhttps://hooks\.slack\.com/services/[\w/]{20,}
    | \bhttps://(?:\w+\.)?discord(?:app)?\.com/api/webhooks/\d+/[\w-]{20,}
    | \b\d{8,10}:AA[\w-]{33}(?![\w-])                                    # Telegram bots
    | \b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}                      # Stripe
    | \bsk-(?:proj-|ant-|or-)?[A-Za-z0-9_-]{20,}                         # OpenAI, Anthropic and their like
    | \bSG\.[\w-]{16,}\.[\w-]{16,}                                       # SendGrid
    | \bnpm_[A-Za-z0-9]{36}\b | \bpypi-[\w-]{50,} | \bhf_[A-Za-z]{30,}   # package and model registries
    | (?<![\w-])eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*                       # JSON web tokens (RFC 7519)
    """,
    re.VERBOSE,
)
# The name stays, the value goes: (what is kept)(what is not).
_SCHEME = re.compile(
    r"""( \b(?:[Bb]earer|BEARER|Basic|Token)\s+
        | \b(?i:authorization)["']?\s{0,3}[:=]\s{0,3}["']?(?:(?i:basic|token|digest|key)\s+)?
        )(?=[\w.~+/-]*\d)([\w.~+/-]{16,}=*)""",
    re.VERBOSE,
)
_URL_PASSWORD = re.compile(
    r"(\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@<>\"']{0,64}:)([^\s/@<>\"'\[$][^\s/@<>\"']{0,127})(?=@)", re.IGNORECASE
)
_URL_PARAMETER = re.compile(
    r"([?&;\#](?:access[_-]?token|api[_-]?key|apikey|auth|token|jwt|password|passwd|pwd|secret|client[_-]?secret|sig|"
    r"signature|session(?:id)?|hm|X-Amz-Signature|X-Amz-Security-Token|t(?==xox))=)([^&#\s\"'<>\[]{6,})",
    re.IGNORECASE,
)
_AMAZON_KEY = re.compile(r"(\bsecret_?access_?key[\"']?\s{0,3}[=:]\s{0,3}[\"']?)([A-Za-z0-9/+=]{40})\b", re.IGNORECASE)
_CURL_USER = re.compile(r"(\bcurl\b[^\n]{0,300}?\s(?:-u|--user)[ =]?[\"']?[^\s:\"'/]{1,64}:)([^\s\"'$<>\[]{3,128})")
# What a value is given to, and how, in lower case; each begins with a literal, which is found many times faster.
_GIVEN = (
    r"""[\w-]{0,12}["']?(?:[ \t]{0,3}(?:=>|:=|[:=])|(?<=--\w{3})[ ]|(?<=--\w{5})[ ]|(?<=--\w{8})[ ])[ \t]{0,3}["'`]?"""
    r"""([^\s\0"'`<>,;&\[\](){}$%*\\|\u2026]{6,200})(?=["'`]|[\s,;.)]|\Z)"""
)
_NO_PLAIN_KEY = (
    r"(?:(?<=api.key)|(?<=apikey)|(?<=access.key)|(?<=accesskey)|(?<=auth.key)|(?<=authkey)|(?<=private.key))"
)
_PASSWORDS = {name: re.compile(name + _GIVEN) for name in ("passw", "passphrase", "pwd")}
_KEYS = {name: re.compile(name + _GIVEN) for name in ("secret", "token")} | {
    "key": re.compile("key" + _NO_PLAIN_KEY + _GIVEN)
}
_PASSWORD = re.compile(
    r"(\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@<>\"']{0,64}:)([^\s/@<>\"'\[$][^\s/@<>\"']{0,127})(?=@)", re.IGNORECASE
)
_URL_PARAMETER = re.compile(
    r"([?&;\#](?:access[_-]?token|api[_-]?key|apikey|auth|token|jwt|password|passwd|pwd|secret|client[_-]?secret|sig|"
    r"signature|session(?:id)?|hm|X-Amz-Signature|X-Amz-Security-Token|t(?==xox))=)([^&#\s\"'<>\[]{6,})",
    re.IGNORECASE,
)
_AMAZON_KEY = re.compile(r"(\bsecret_?access_?key[\"']?\s{0,3}[=:]\s{0,3}[\"']?)([A-Za-z0-9/+=]{40})\b", re.IGNORECASE)
_CURL_USER = re.compile(r"(\bcurl\b[^\n]{0,300}?\s(?:-u|--user)[ =]?[\"']?[^\s:\"'/]{1,64}:)([^\s\"'$<>\[]{3,128})")
# In lower case.
_ASSIGNED = re.compile(
    r"""( (?:passw(?:or)?d|passphrase|pwd|secret|(?:api|access|auth|private)[_-]?key|token)s?
          [\w-]{0,12}["']?(?:[ \t]{0,3}(?:=>|:=|[:=])|(?<=--\w{3})[ ]|(?<=--\w{5})[ ]|(?<=--\w{8})[ ])[ \t]{0,3}
          ["'`]? )
        ([^\s\0"'`<>,;&\[\](){}$%*\\|\u2026]{6,200})(?=["'`]|[\s,;.)]|\Z)""",
    re.VERBOSE,
)
_PASSWORD = re.compile(
    r"(\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@<>\"']{0,64}:)([^\s/@<>\"'\[$][^\s/@<>\"']{0,127})(?=@)", re.IGNORECASE
)
_URL_PARAMETER = re.compile(
    r"([?&;\#](?:access[_-]?token|api[_-]?key|apikey|auth|token|jwt|password|passwd|pwd|secret|client[_-]?secret|sig|"
    r"signature|session(?:id)?|hm|X-Amz-Signature|X-Amz-Security-Token|t(?==xox))=)([^&#\s\"'<>\[]{6,})",
    re.IGNORECASE,
)
_AMAZON_KEY = re.compile(r"(\bsecret_?access_?key[\"']?\s{0,3}[=:]\s{0,3}[\"']?)([A-Za-z0-9/+=]{40})\b", re.IGNORECASE)
_CURL_USER = re.compile(r"(\bcurl\b[^\n]{0,300}?\s(?:-u|--user)[ =]?[\"']?[^\s:\"'/]{1,64}:)([^\s\"'$<>\[]{3,128})")
_ASSIGNED = re.compile(
    r"""( (?:passw(?:or)?d|passphrase|pwd|secret|api[_-]?key|access[_-]?key|auth[_-]?key|private[_-]?key|token)s?
          [\w-]{0,12}["']?(?:[ \t]{0,3}(?:=>|:=|[:=])|(?<=--\w{3})[ ]|(?<=--\w{5})[ ]|(?<=--\w{8})[ ])[ \t]{0,3}
          (["'`]?) )
        ([^\s\0"'`<>,;&\[\](){}$%*\\|\u2026]{6,200})(?=["'`]|[\s,;.)]|\Z)""",
    re.VERBOSE | re.IGNORECASE,
)
# Words that stand where a value is to be put, types, and what is looked up elsewhere.
_NO_VALUE = re.compile(
    r"""example|change|your|^my|secret|passw|token|dummy|sample|place|xxx|test|demo|foo|null|default
      | ^(?=.{0,11}$).*(?:abc|1234) | ^v[\d.]+$
      | ^(?:u?int|float|double|str(?:ing)?|text|(?:var)?char|byte|utf|sha|md|base|aes|rsa|hmac|bcrypt|pbkdf|argon|oauth)
        [\d._-]*$
      | ^[a-z]+(?:[_-](?:[a-z]+|\d{1,4}))+$ | ^[a-z_]\w*(?:(?:\.|->|::|/)\w+)+$ | ^https?: | ^\.{0,2}/ | ^[\d.:/-]+$""",
    re.VERBOSE | re.IGNORECASE,
)
_SHORTEST_KEY = 16  # of what is no password
_LEAST_ENTROPY = 3.0  # bits a character: words and identifiers of that length have less

_KEY_BEGINS = re.compile(r"-{4,5} ?BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)? ?-{4,5}")
_KEY_ENDS = re.compile(r"-{4,5} ?END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)? ?-{4,5}")
# The lines of a key whose end is missing, and the shorter one that is its last.
_KEY_LINES = re.compile(
    r"(?:\s*(?:(?:Proc-Type|DEK-Info|Version|Comment):[^\n]*|[A-Za-z0-9+/=]{24,}))*+(?:\s*[A-Za-z0-9+/=]+(?=\s*\Z))?"
)
_LONGEST_KEY = 20_000  # characters; a key of 16,384 bits has 13,000

# What the patterns above cannot match without. Literals are found many times faster than patterns.
_SIGNS = (
    ("_", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "k_live_", "k_test_", "npm_", "hf_")),
    ("-", ("glpat-", "xox", "xapp-", "pypi-")),
    (".", ("ya29.", "hooks.slack.com", "SG.", "eyJ")),
    (":", (":AA", "/api/webhooks/")),
)
"""A character, and what to look for only where it stands."""
_AMAZON_OR_GOOGLE = re.compile(r"A(?:KIA|SIA|ROA|IDA|Iza)")
_LONG_KEY = re.compile(r"sk-[\w-]{20}")
_SCHEMES = ("bearer", "basic", "token", "authorization")
_PARAMETER = re.compile(
    r"[?&;#](?:access[_-]?token|api[_-]?key|auth|token|jwt|passw|pwd|secret|client[_-]?secret|sig|session|hm|x-amz-s|"
    r"t=xox)"
)


def keys(text: str) -> Iterator[Span]:
    """Find private keys, from their first line to their last; of one without an end, the lines that look like it."""
    if "PRIVATE KEY" not in text:
        return
    past, last_end = 0, text.rfind("END ")
    for begin in _KEY_BEGINS.finditer(text):
        if begin.start() < past:
            continue
        has_end = begin.end() <= last_end
        end = _KEY_ENDS.search(text, begin.end(), begin.end() + _LONGEST_KEY) if has_end else None
        past = end.end() if end else _end_of(_KEY_LINES.match(text, begin.end()), begin.end())
        yield begin.start(), past


def _end_of(match: re.Match[str] | None, otherwise: int) -> int:
    return match.end() if match else otherwise


def known(text: str) -> Iterator[Span]:
    """Find keys and tokens of known make."""
    if _AMAZON_OR_GOOGLE.search(text) or _LONG_KEY.search(text) or _holds_sign(text):
        yield from (match.span() for match in _KNOWN.finditer(text))


def _holds_sign(text: str) -> bool:
    return any(sign in text for char, signs in _SIGNS if char in text for sign in signs)


def named(text: str) -> Iterator[Span]:
    """Find what is secret by its place: in headers, in addresses, in commands."""
    lower = text.lower()
    if any(scheme in lower for scheme in _SCHEMES):
        yield from _values(_SCHEME, text)
    if "@" in text and "://" in text:
        yield from _values(_URL_PASSWORD, text)
    if "=" in text and _PARAMETER.search(lower):
        yield from _values(_URL_PARAMETER, text)
    if "secret" in lower:
        yield from _values(_AMAZON_KEY, text)
    if "curl" in lower:
        yield from _values(_CURL_USER, text)


def given(text: str) -> Iterator[Span]:
    """Find the values of settings that are called a password, a token or a key."""
    lower = text.lower()
    if len(lower) != len(text):
        return
    for name, pattern in (_PASSWORDS | _KEYS).items():
        if name in lower:
            spans = (match.span(1) for match in pattern.finditer(lower))
            yield from (span for span in spans if _is_secret(text[slice(*span)], name))


def _values(pattern: re.Pattern[str], text: str) -> Iterator[Span]:
    return (match.span(2) for match in pattern.finditer(text))


def _is_secret(value: str, name: str) -> bool:
    """Tell a value somebody has from one that stands for it: most settings in a forum are examples."""
    value = value.rstrip(".:")
    if not (any(map(str.isdigit, value)) and any(map(str.isalpha, value))) or _NO_VALUE.search(value):
        return False
    if name in _PASSWORDS:
        return True
    return len(value) >= _SHORTEST_KEY and _entropy(value) >= _LEAST_ENTROPY


def _entropy(text: str) -> float:
    """Give Shannon's entropy in bits a character."""
    counts = Counter(text).values()
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts)
