"""HTML bodies of e-mail: the author's own words without the history, signature and tracking images mail programs add.

Pure; the result is as hostile as the message. What is NOT here: plain text bodies, see ``mail_text``.
"""

from __future__ import annotations

import re

from lxml.html import HtmlElement

from kbgen.sources.html_tree import inside, parse


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_DROPPED = frozenset(("head", "title", "style", "script", "meta", "link", "base", "form"))
# What mail programs call the parts they add: Gmail, Thunderbird, Apple Mail, Outlook, Yahoo, Proton.
_HISTORY = _words(
    """
    gmail_quote gmail_quote_container gmail_extra moz-email-headers-table yahoo_quoted
    protonmail_quote OutlookMessageHeader divRplyFwdMsg appendonsend mail-editor-reference-message-container
    """
)
# The line that says who is quoted holds an address.
_ATTRIBUTIONS = _words("gmail_attr moz-cite-prefix")
_SIGNATURES = _words(
    "gmail_signature moz-signature moz-txt-sig protonmail_signature_block Signature AppleMailSignature"
)
_ENDS = frozenset(("divRplyFwdMsg", "appendonsend", "OutlookMessageHeader"))
_BLOCKS = _words("p div li pre blockquote tr h1 h2 h3 h4 h5 h6 br hr table ul ol")
_SPACES = re.compile(r"[ \t\xa0]+")


def own_html(html: str) -> tuple[str, str]:
    """The author's words of an HTML body, as HTML and as plain text.

    Args:
        html: the part, decoded.
    """
    body = parse(html)
    _without_history(body)
    for element in [element for element in body.iter() if _is_noise(element)]:
        _drop(element)
    _without_last_quotes(body)
    return inside(body).strip(), _text(body)


def _names(element: HtmlElement) -> set[str]:
    return {str(element.get("id") or ""), *str(element.get("class") or "").split()}


def _is_noise(element: HtmlElement) -> bool:
    """Whether an element is not the author's: a signature, a head, or an image nobody sees."""
    if element.tag in _DROPPED or not (_SIGNATURES | _ATTRIBUTIONS).isdisjoint(_names(element)):
        return True
    unseen = not {"0", "1"}.isdisjoint({element.get("width"), element.get("height")})
    return element.tag == "img" and (unseen or str(element.get("src") or "").startswith("cid:"))


def _without_history(body: HtmlElement) -> None:
    """Take out the quoted message, unless the author wrote between its lines."""
    for element in list(body.iter()):
        names = _names(element)
        if not _ENDS.isdisjoint(names):
            _drop_following(element, body)
            _drop(element)
        elif not _HISTORY.isdisjoint(names) and not _is_answered(element, body):
            _drop(element)


def _drop_following(element: HtmlElement, body: HtmlElement) -> None:
    """Take out everything after an element, up to the end of the body: Outlook puts the history there unmarked."""
    here: HtmlElement | None = element
    while here is not None and here is not body:
        for later in list(here.itersiblings()):
            _drop(later)
        here.tail = None
        here = here.getparent()


def _is_answered(element: HtmlElement, body: HtmlElement) -> bool:
    """Whether words of the author follow a quotation."""
    here: HtmlElement | None = element
    while here is not None and here is not body:
        if (here.tail or "").strip():
            return True
        for later in here.itersiblings():
            if _HISTORY.isdisjoint(_names(later)) and not _is_noise(later) and "".join(later.itertext()).strip():
                return True
        here = here.getparent()
    return False


def _without_last_quotes(body: HtmlElement) -> None:
    for quote in reversed(list(body.iter("blockquote"))):
        if quote.getparent() is not None and not _is_answered(quote, body) and "".join(body.itertext()).strip():
            _drop_if_rest_remains(quote, body)


def _drop_if_rest_remains(quote: HtmlElement, body: HtmlElement) -> None:
    """A message that is nothing but a quotation keeps it: it is how its author wrote."""
    whole, quoted = (len("".join("".join(node.itertext()).split())) for node in (body, quote))
    if whole > quoted and quote.get("type") == "cite":
        _drop(quote)


def _drop(element: HtmlElement) -> None:
    parent = element.getparent()
    if parent is not None:
        element.drop_tree()


def _text(body: HtmlElement) -> str:
    parts: list[str] = []
    for element in body.iter():
        if element.tag in _BLOCKS:
            parts.append("\n")
        parts.append(element.text or "")
        parts.append(element.tail or "")
    return "\n".join(line for part in "".join(parts).split("\n") if (line := _SPACES.sub(" ", part).strip()))
