"""What a page of an Askbot forum shows of a question and its answers.

Askbot's API gives no full bodies and no author of an anonymous question may be taken from it, so the page counts. Both
the markup of 0.13 and that of the years before are read. What is NOT here: asking for pages (``askbot``).
"""

from __future__ import annotations

import re
from datetime import datetime
from urllib.parse import urljoin

from lxml import etree
from lxml.html import HtmlElement
from msgspec import Struct

from kbgen.model import Person
from kbgen.sources.fields import read_time
from kbgen.sources.markup import having, read_html, words_of, write_html

_POST_ID = re.compile(r"(?:js-post-|post-id-)(\d+)")
_USER = re.compile(r"/users/(\d+)/")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.\d+)?\s*([+-]\d\d:?\d\d)?")
_NOISE = ("js-post-comments", "comments", "js-post-controls", "post-controls", "js-avatar-box", "share-btn", "js-tag")
_CUT = ("js-expander", "expander")
_WIKI = "Community wiki"


class ShownPage(Struct, frozen=True):
    """A page of a question.

    Attributes:
        posts: post id to its element, without controls and comments.
        pages: how many pages the answers are spread over.
    """

    posts: dict[str, str]
    pages: int = 1


class ShownPost(Struct, frozen=True):
    """A post as a visitor sees it.

    Attributes:
        html: its body; cut after some 500 words when ``cut`` is set.
        cut: the rest of the body is only shown on request.
    """

    html: str
    author: Person
    created: datetime | None
    edited: datetime | None
    score: int | None
    deleted: bool
    cut: bool


def read_page(html: str) -> ShownPage:
    """Find the posts of a page; there are none when it is something else, or in an unknown theme."""
    body = read_html(html)
    if body is None:
        return ShownPage({})
    for element in [*body.iter("script", "form", "noscript"), *having(body, *_NOISE)]:
        if element.getparent() is not None:
            element.drop_tree()
    posts: dict[str, str] = {}
    for element in body.iter("div"):
        found = _POST_ID.fullmatch(element.get("id") or "")
        if found and found[1] not in posts and next(having(element, "post-body"), None) is not None:
            element.tail = None
            posts[found[1]] = etree.tostring(element, encoding="unicode", method="html")
    paginators = (element.get("data-num-pages") or "" for element in having(body, "paginator"))
    return ShownPage(posts, max((int(number) for number in paginators if number.isdecimal()), default=1))


def read_post(html: str, page: str) -> ShownPost:
    """Read one post's element.

    Args:
        html: as ``read_page`` gives it.
        page: the question's address.
    """
    root = read_html(html)
    if root is None:
        return ShownPost("", Person("", _WIKI), None, None, None, deleted=False, cut=False)
    cut = next(having(root, *_CUT), None) is not None
    infos = [(_moments(info), info) for info in having(root, "post-update-info")]
    dated = sorted((pair for pair in infos if pair[0]), key=lambda pair: min(pair[0]))
    moments = sorted(moment for found, _ in dated for moment in found)
    return ShownPost(
        html=_body(root),
        author=_author(dated[0][1] if dated else root, page),
        created=moments[0] if moments else None,
        edited=moments[-1] if len(moments) > 1 else None,
        score=_score(root),
        deleted=next(having(root, "js-post-deleted", "deleted"), None) is not None,
        cut=cut,
    )


def _moments(info: HtmlElement) -> list[datetime]:
    found = (_MOMENT.search(element.get("title") or "") for element in info.iter("abbr"))
    times = (read_time(f"{match[1]} {match[2]}{match[3] or ''}") for match in found if match)
    return [time for time in times if time]


def _author(info: HtmlElement, page: str) -> Person:
    """Whom the page credits; an anonymous asker is credited by no more than the name the forum has for that."""
    for link in info.iter("a"):
        found = _USER.search(link.get("href") or "")
        if found and words_of(link):
            return Person(found[1], words_of(link), urljoin(page, link.get("href") or ""))
    name = next((words_of(element) for element in having(info, "post-update-info-author-name", "user-info")), "")
    return Person("", name or _WIKI)


def _score(root: HtmlElement) -> int | None:
    text = next((words_of(element) for element in having(root, "js-post-vote-number", "vote-number")), "")
    return int(text) if text.lstrip("-").isdecimal() else None


def _body(root: HtmlElement) -> str:
    body = next(having(root, "post-body"), None)
    if body is None:
        return ""
    for extra in list(having(body, "post-update-info-container", "js-editable-controls", *_CUT)):
        extra.drop_tree()
    inner = next(having(body, "js-editable-content"), body)
    children = list(inner)
    if len(children) == 1 and {"snippet", "js-snippet"} & set((children[0].get("class") or "").split()):
        inner = children[0]
    return write_html(inner)
