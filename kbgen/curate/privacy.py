"""Personal data and secrets out of harvested text: e-mail addresses, phone numbers, keys and passwords.

Patterns look at text nodes and link addresses of the parsed tree, never at markup. In code, what only looks like an
address (``git@host:``, shell prompts, decorators) stays. Whether the HTML is safe is decided in ``sanitise``.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from lxml import etree
from lxml import html as lxml_html

from kbgen.config import PrivacyConfig
from kbgen.curate.text import Words, parse

REPLACEMENTS = {"email": "[e-mail removed]", "phone": "[phone number removed]", "token": "[secret removed]"}
"""What stands where something was taken out, by kind."""

_EMAIL = re.compile(
    r"(?<![\w.%+/@:-])(?:mailto:)?([\w.%+-]{1,64})@((?:[^\W_](?:[\w-]{0,62})\.){1,8}[^\W\d_]{2,24})(?![\w@-])",
    re.IGNORECASE,
)
_SPELLED_EMAIL = re.compile(
    r"\b[\w.+-]{1,64}\s*[\[({]\s*at\s*[\])}]\s*(?:[a-z0-9-]{1,63}(?:\.|\s*[\[({]\s*dot\s*[\])}]\s*)){1,4}[a-z]{2,24}\b",
    re.IGNORECASE,
)
_ROLE_NAMES = frozenset(("noreply", "no-reply", "donotreply", "do-not-reply", "git"))
_RESERVED = re.compile(r"(?:^|\.)(?:example|test|invalid|local|localhost|internal|lan)$")  # RFC 2606 and RFC 6762
_ENDINGS = "png jpg jpeg gif svg webp css js ts html py md txt json yml yaml zip gz service timer socket"
_FILE_ENDINGS = frozenset(_ENDINGS.split())

_SECRETS = re.compile(
    r"""
    (?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}\b                                # AWS key ids
    | \bAIza[\w-]{35}                                                    # Google API keys
    | \bya29\.[\w-]{20,}                                                 # Google OAuth
    | \b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{22,})                # GitHub
    | \bglpat-[\w-]{20,}                                                 # GitLab
    | \bxox[abeprs]-[\w-]{10,}                                           # Slack
    | \bhttps://hooks\.slack\.com/services/[\w/]{20,}
    | \b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}                      # Stripe
    | \bsk-(?:proj-|ant-|or-)?[A-Za-z0-9_-]{20,}                         # OpenAI, Anthropic and their like
    | \bSG\.[\w-]{16,}\.[\w-]{16,}                                       # SendGrid
    | \bnpm_[A-Za-z0-9]{36}\b | \bpypi-[\w-]{50,} | \bhf_[A-Za-z]{30,}   # package and model registries
    | (?<![\w-])eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*                               # JSON web tokens (RFC 7519)
    | -----BEGIN[ ](?:[A-Z0-9]+[ ])*PRIVATE[ ]KEY(?:[ ]BLOCK)?-----.*?
      (?:-----END[ ][A-Z0-9 ]*PRIVATE[ ]KEY(?:[ ]BLOCK)?-----|\Z)
    """,
    re.VERBOSE | re.DOTALL,
)
# The name stays, the value goes: (what is kept)(what is not).
_NAMED_SECRET = re.compile(r"(\b(?:Bearer|Basic|Token)\s+)(?=[\w.~+/-]*\d)[\w.~+/-]{16,}=*")
_URL_PASSWORD = re.compile(
    r"(\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@<>\"']{0,64}:)[^\s/@<>\"'\[$][^\s/@<>\"']{0,127}(?=@)", re.IGNORECASE
)
_SECRET_PARAMETER = re.compile(
    r"([?&;](?:access_?token|api_?key|apikey|auth|token|jwt|password|passwd|pwd|secret|client_?secret|sig|signature|"
    r"session(?:id)?|hm|X-Amz-Signature|X-Amz-Security-Token|t(?==xox))=)[^&#\s\"'<>\[]{6,}",
    re.IGNORECASE,
)
_SECRET_KEY = re.compile(
    r"(\baws_secret_access_key\s*[=:]\s*[\"']?|\bsecret_?access_?key\s*[=:]\s*[\"']?)[A-Za-z0-9/+=]{40}\b",
    re.IGNORECASE,
)

_PHONE = re.compile(
    r"""
    (?<![\w.,:/$€£¥#=@_+-])
    (?: \+\d{1,3}[ .\-\u00a0]?(?:\(\d{1,4}\)[ .\-\u00a0]?)?\d{1,4}(?:[ .\-\u00a0]?\d{2,4}){1,4}   # +44 20 7946 0958
      | \(\d{3}\)[ .\-\u00a0]?\d{3}[ .\-]\d{4}                                                  # (555) 010-0199
      | (?:1[ .-])?[2-9]\d{2}([.-])\d{3}\1\d{4}                                                 # 555-010-0199
      | 0\d{1,4}(?:[ \-/\u00a0]\d{2,4}){2,4}                                                    # 020 7946 0958
    )
    (?![\w@]|[.,:/-]\w)
    """,
    re.VERBOSE,
)
_CALL_LEAD = re.compile(
    r"((?:\btel(?:ephone)?|\bphone(?:\s+number)?|\bmobile|\bwhats?app|\bcell|\bcall(?:\s+(?:me|us))?(?:\s+(?:at|on))?)(?:\s+(?:no|nr)\b)?[\s.:#]{0,4})"
    r"\+?\d[\d ()./-]{5,18}\d(?![\w.])",
    re.IGNORECASE,
)
# What the patterns above cannot match without. Literals are found many times faster than patterns.
_SIGNS = (
    ("_", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "k_live_", "k_test_", "npm_", "hf_")),
    ("-", ("glpat-", "xox", "pypi-", "PRIVATE")),
    (".", ("ya29.", "hooks.slack.com", "SG.", "eyJ")),
)
"""A character, and what to look for only where it stands."""
_AMAZON_OR_GOOGLE = re.compile(r"A(?:KIA|SIA|ROA|IDA|Iza)")
_LONG_KEY = re.compile(r"sk-[\w-]{20}")
_SCHEMES = ("Bearer", "Basic", "Token")
_PARAMETER = re.compile(
    r"[?&;](?:access_?token|api_?key|auth|token|jwt|passw|pwd|secret|client_?secret|sig|session|hm|x-amz-s|t=xox)"
)
_MAIL_DOMAIN = re.compile(r"@[\w-]+\.")
_SPELLED_AT = re.compile(r"at(?<!\wat)\s*[\])}]")  # begins with a literal, which is found many times faster
_DIGITS = re.compile(r"\d[\d ()./\u00a0-]{5,}\d")
_MANY_DIGITS = re.compile(r"\d(?:[ ()./\u00a0-]{0,2}+\d){8}")
_LEAD = re.compile(r"tel|phone|mob|app|cell|call", re.IGNORECASE)
_LONGEST_LEAD = 80
_SHORTEST = len("a[at]b.cd")  # of what has no @ in it
_CODE = frozenset(("code", "pre", "kbd", "samp", "tt"))
_SHOWN = frozenset(("href", "src", "alt", "title"))


def redact_text(text: str, config: PrivacyConfig, *, code: bool = False) -> tuple[str, tuple[str, ...]]:
    """Take personal data and secrets out of text.

    Args:
        text: without markup.
        config: which kinds are taken out, and domains whose addresses stay.
        code: the text is code: what only looks like an e-mail address or a phone number stays.

    Returns:
        The text, and the kinds taken out, sorted (``email``, ``phone``, ``token``).
    """
    if len(text) < _SHORTEST and "@" not in text:
        return text, ()
    found: set[str] = set()

    def taken(kind: str) -> str:
        found.add(kind)
        return REPLACEMENTS[kind]

    lower = text.lower()
    # Secrets first: a password in an address would otherwise be read as an e-mail address.
    if "token" in config.redact:
        for pattern in _secrets_of(text, lower):
            text = pattern.sub(lambda match: "".join(match.groups()) + taken("token"), text)
    if "email" in config.redact:
        if _MAIL_DOMAIN.search(text):
            text = _EMAIL.sub(
                lambda match: match.group() if _is_no_mail(match, config, code=code) else taken("email"), text
            )
        if not code and _SPELLED_AT.search(lower):
            text = _SPELLED_EMAIL.sub(lambda _: taken("email"), text)
    if "phone" in config.redact and not code:
        text = _without_phones(text, taken)
    return text, tuple(sorted(found))


def _without_phones(text: str, taken: Callable[[str], str]) -> str:
    places = [match.start() for match in _DIGITS.finditer(text)]
    if not places:
        return text
    many = _MANY_DIGITS.search(text, places[0])
    if any(_LEAD.search(text, max(0, place - _LONGEST_LEAD), place) for place in places):
        text = _CALL_LEAD.sub(lambda match: match.group(1) + taken("phone"), text)
    if many:
        text = _PHONE.sub(lambda match: taken("phone") if _is_phone(match.group()) else match.group(), text)
    return text


def _secrets_of(text: str, lower: str) -> list[re.Pattern[str]]:
    """Choose the patterns of secrets that may match, in the order they are to be used."""
    signs = (
        (_SECRETS, _holds_key(text)),
        (_NAMED_SECRET, any(scheme in text for scheme in _SCHEMES)),
        (_URL_PASSWORD, "@" in text and "://" in text),
        (_SECRET_PARAMETER, "=" in text and _PARAMETER.search(lower)),
        (_SECRET_KEY, "secret" in lower),
    )
    return [pattern for pattern, found in signs if found]


def _holds_key(text: str) -> bool:
    if _AMAZON_OR_GOOGLE.search(text) or _LONG_KEY.search(text):
        return True
    return any(sign in text for char, signs in _SIGNS if char in text for sign in signs)


def _is_no_mail(match: re.Match[str], config: PrivacyConfig, *, code: bool) -> bool:
    name, domain = match.group(1).lower(), match.group(2).lower()
    if any(domain == allowed or domain.endswith(f".{allowed}") for allowed in config.allow_domains):
        return True
    if _RESERVED.search(domain) or name in _ROLE_NAMES or domain.rpartition(".")[2] in _FILE_ENDINGS:
        return True
    following = match.string[match.end() : match.end() + 3]
    # ``user@host:~$`` is a prompt and ``user@host:path`` a remote; a sentence has a space after its colon.
    return (
        (code or following[:2] in (":~", ":/")) and following[:1] in (":", "#", "$") and following[1:2] not in (" ", "")
    )


def _is_phone(text: str) -> bool:
    digits = sum(char.isdigit() for char in text)
    # E.164 allows 15; under nine digits it is more often an order or a part number.
    return 9 <= digits <= 15 and len({char for char in text if char.isdigit()}) > 2 and not _DATE.match(text)


_DATE = re.compile(r"0?\d{1,2}[ /-]\d{1,2}[ /-]\d{4}|0\d[ -]\d\d[ -]\d\d[ -]\d\d$")


def holds_private(words: Words, config: PrivacyConfig) -> bool:
    """Tell whether ``redact_html`` could find something; where it cannot, there is no need to parse.

    Args:
        words: of sanitised HTML.
        config: which kinds are taken out, and domains whose addresses stay.
    """
    return bool(config.redact and redact_text(words.runs(), config)[1])


def redact_html(html: str, config: PrivacyConfig) -> tuple[str, tuple[str, ...]]:
    """Take personal data and secrets out of the text and the addresses of HTML.

    Args:
        html: any HTML; of what ``sanitise`` made, nothing is lost but the colours of a changed code block.
        config: which kinds are taken out, and domains whose addresses stay.

    Returns:
        The HTML, the very same string when nothing was found, and the kinds taken out, sorted.
    """
    if not config.redact:
        return html, ()
    body = parse(html)
    if body is None:
        return html, ()
    found: set[str] = set()

    def clean(text: str, *, code: bool) -> str:
        cleaned, kinds = redact_text(text, config, code=code)
        found.update(kinds)
        return cleaned

    _redact_tree(body, clean)
    if not found:
        return html, ()
    pieces = [lxml_html.tostring(child, encoding="unicode") for child in body]
    return _escaped(body.text) + "".join(pieces), tuple(sorted(found))


def _redact_tree(body: etree._Element, clean: Callable[..., str]) -> None:
    for block in list(body.iter("pre")):
        _redact_block(block, clean)
    depth = 0
    for event, element in etree.iterwalk(body, events=("start", "end")):
        if event == "start":
            depth += element.tag in _CODE
            if element.text:
                element.text = clean(element.text, code=depth > 0)
            _redact_attributes(element, clean)
        else:
            depth -= element.tag in _CODE
            if element.tail and element is not body:
                element.tail = clean(element.tail, code=depth > 0)


def _redact_attributes(element: etree._Element, clean: Callable[..., str]) -> None:
    for name in _SHOWN.intersection(element.attrib):
        value = element.get(name, "")
        if value.startswith("kb:"):
            continue
        cleaned = clean(value, code=False)
        if cleaned == value:
            continue
        if name in ("alt", "title"):
            element.set(name, cleaned)
        else:
            del element.attrib[name]  # an address without its secret leads nowhere


def _redact_block(block: etree._Element, clean: Callable[..., str]) -> None:
    """Clean a code block as one text: colouring cuts an address into several elements."""
    inner = block.find("code")
    target = inner if inner is not None and len(block) == 1 else block
    text = "".join(map(str, target.itertext()))
    cleaned = clean(text, code=True)
    if cleaned == text:
        return
    for child in list(target):
        target.remove(child)
    target.text = cleaned


def _escaped(text: str | None) -> str:
    return (text or "").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
