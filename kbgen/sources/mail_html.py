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
    _LastQuotes(body)
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
    elements = list(body.iter())
    answered = _answered(elements)
    for element in elements:
        names = _names(element)
        if not _ENDS.isdisjoint(names):
            _drop_following(element, body)
            _drop(element)
        elif not _HISTORY.isdisjoint(names) and element not in answered:
            _drop(element)


def _drop_following(element: HtmlElement, body: HtmlElement) -> None:
    """Take out everything after an element, up to the end of the body: Outlook puts the history there unmarked."""
    here: HtmlElement | None = element
    while here is not None and here is not body:
        for later in list(here.itersiblings()):
            _drop(later)
        here.tail = None
        here = here.getparent()


def _answered(elements: list[HtmlElement]) -> set[HtmlElement]:
    """Those that words of the author follow, of all elements of a body in their order; each is looked at once."""
    wordy: set[HtmlElement] = set()
    for element in reversed(elements):
        if (element.text or "").strip():
            wordy.add(element)
        if element in wordy or (element.tail or "").strip():
            wordy.add(element.getparent())
    found: set[HtmlElement] = set()
    for element in elements:
        followed = element in found
        for child in reversed(element):
            if followed or (child.tail or "").strip():
                found.add(child)
            followed = followed or (child in wordy and _is_own(child))
    return found


def _is_own(element: HtmlElement) -> bool:
    return _HISTORY.isdisjoint(_names(element)) and not _is_noise(element)


class _LastQuotes:
    """Takes out the quotations that end a message; a message that is nothing else keeps them: it is how it was written.

    Args:
        body: the message's, changed in place.
    """

    def __init__(self, body: HtmlElement) -> None:
        self._left = sum(map(_length, body.itertext()))
        self._trim(body, answered=False)

    def _trim(self, element: HtmlElement, *, answered: bool) -> int:
        """Take out of an element, whether or not the author's words follow it; gives how long what remains is."""
        length = _length(element.text)
        for child in reversed(element):
            after = _length(child.tail)
            follows = answered or after > 0
            inner = self._trim(child, answered=follows)
            if self._ends(child, inner) and not follows:
                self._left -= inner
                _drop(child)
                continue
            answered = answered or (inner > 0 and _is_own(child))
            length += inner + after
        return length

    def _ends(self, element: HtmlElement, length: int) -> bool:
        return bool(element.tag == "blockquote" and element.get("type") == "cite" and self._left > length)


def _length(text: str | None) -> int:
    return len("".join((text or "").split()))


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
