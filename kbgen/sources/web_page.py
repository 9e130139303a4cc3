"""A web page with a thread: what is kept of it, and the posts on it with their full texts. Pure.

What is NOT here: asking for pages (``web``), and telling threads from other pages (``web_thread``).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from email.message import Message
from urllib.parse import urljoin, urlsplit

from lxml import etree
from lxml import html as lxml_html
from lxml.html import HtmlElement

from kbgen.model import Person, Post
from kbgen.sources.feeds import read_date
from kbgen.sources.http import Reply
from kbgen.sources.markup import words_of, write_html
from kbgen.sources.web_body import (
    Anchors,
    PageText,
    is_cut,
    nearest_id,
    parse_page,
    squeezed,
    tidy,
    without_tokens,
)
from kbgen.sources.web_items import Graph, read_jsonld, read_microdata
from kbgen.sources.web_sitemap import clean_url, joined, same_site
from kbgen.sources.web_thread import (
    NOTHING,
    Asked,
    Said,
    Selectors,
    author_of,
    drop_removed,
    find_thread,
    is_marked,
    select,
)

BROWSER = "are drawn in the browser and hold nothing to read; ask for another way in, such as an API or an export"
_DROPPED = ("style", "noscript", "svg", "template", "object", "textarea", "select")
_META = frozenset(("robots", "kbgen", "og:title"))
_CLOSED = frozenset(("noindex", "none", "noarchive"))
# Fewer letters than this are a page's frame.
_FRAME, _UNSURE = 200, 12


@dataclass(frozen=True)
class Kept:
    """What is kept of a fetched page.

    Attributes:
        html: without scripts, styles and what changes at every visit; structured data stays.
        url: the page's own address for itself when it is on the same site, else the one it was found at.
        next_url: of the thread's next page, "" when there is none.
        closed: the page asks not to be indexed or kept.
        drawn: there is nothing but scripts.
    """

    html: str
    url: str
    next_url: str = ""
    closed: bool = False
    drawn: bool = False


def keep_page(reply: Reply) -> Kept:
    """Reduce a page to what may be stored: text and structured data, no scripts and no tokens of the visit."""
    root = parse_page(_decoded(reply))
    if root is None:
        return Kept("", clean_url(reply.url), drawn=True)
    robots = " ".join([reply.headers.get("x-robots-tag", ""), *_robots(root)]).lower()
    canonical = _canonical(root, reply.url)
    following = next((link.get("href", "") for link in root.iter("link", "a") if "next" in _rel(link)), "")
    next_url = clean_url(joined(reply.url, following)) if following else ""
    scripts = any("json" not in (script.get("type") or "") for script in root.iter("script"))
    _reduce(root)
    letters = len("".join("".join(str(text) for text in root.itertext()).split()))
    return Kept(
        html=lxml_html.tostring(root, encoding="unicode"),
        url=canonical,
        next_url=next_url if next_url and same_site(next_url, reply.url) else "",
        closed=not _CLOSED.isdisjoint(re.findall(r"[a-z]+", robots)),
        drawn=scripts and letters < _FRAME,
    )


def _decoded(reply: Reply) -> str:
    declared = Message()
    declared["content-type"] = reply.headers.get("content-type", "")
    if declared.get_content_charset():
        return reply.text()
    try:
        return reply.body.decode("utf-8-sig")
    except UnicodeDecodeError:
        found = re.search(rb"""<meta[^>]+charset=["']?([\w-]+)""", reply.body[:4096])
        charset = found[1].decode() if found else "cp1252"
    try:
        return reply.body.decode(charset, "replace")
    except LookupError:
        return reply.body.decode("utf-8", "replace")


def _rel(link: HtmlElement) -> list[str]:
    return (link.get("rel") or "").lower().split()


def _robots(root: HtmlElement) -> list[str]:
    named = [meta for meta in root.iter("meta") if (meta.get("name") or "").lower() in {"robots", "kbgen"}]
    return [meta.get("content") or "" for meta in named]


def _canonical(root: HtmlElement, url: str) -> str:
    for link in root.iter("link"):
        if "canonical" in _rel(link) and link.get("href"):
            address = joined(url, link.get("href", ""))
            if same_site(address, url):
                return clean_url(address)
    return clean_url(url)


def _reduce(root: HtmlElement) -> None:
    for element in [*root.iter(*_DROPPED, "script", "input", "meta", "link", etree.Comment)]:
        kind = (element.get("type") or "").strip().lower()
        name = (element.get("name") or element.get("property") or "").lower()
        kept = (
            (element.tag == "script" and kind.startswith("application/ld+json"))
            or (element.tag == "meta" and (name in _META or element.get("itemprop")))
            or (element.tag == "link" and ("canonical" in _rel(element) or element.get("itemprop")))
        )
        if not kept and element.getparent() is not None:
            element.drop_tree()
    for element in root.iter(etree.Element):
        for name in [name for name in element.attrib if name in {"nonce", "style", "srcset"} or name.startswith("on")]:
            del element.attrib[name]


@dataclass(frozen=True)
class Found:
    """A thread with its texts.

    Attributes:
        accepted: places in ``answers`` of those the structured data calls accepted.
        marked: places of those ``selectors: accepted`` found.
        marks: words of what ``selectors: solved`` found on the page.
    """

    question: Post
    answers: tuple[Post, ...]
    accepted: tuple[int, ...]
    marked: tuple[int, ...]
    marks: tuple[str, ...]
    warnings: tuple[str, ...]


def describe(pages: Sequence[str], selectors: Selectors) -> tuple[Asked, list[HtmlElement]] | str:
    """Find the thread of one page, or of the several pages one thread is spread over.

    Returns:
        The thread with the parsed pages, or why there is none, see ``find_thread``.
    """
    roots = [root for root in map(parse_page, pages) if root is not None]
    found: Asked | str = NOTHING
    for number, root in enumerate(roots):
        drop_removed(root, selectors)
        graph = Graph([*read_jsonld(root)[0], *read_microdata(root)])
        here = find_thread(graph, root, selectors)
        if number == 0:
            found = here
        elif isinstance(found, Asked) and isinstance(here, Asked):
            known = {(post.url, post.text) for post in (found.question, *found.answers)}
            new = [post for post in here.answers if (post.url, post.text) not in known]
            accepted = [len(found.answers) + place for place, post in enumerate(new) if _accepts(here, post)]
            found = replace(found, answers=(*found.answers, *new), accepted=(*found.accepted, *accepted))
    return (found, roots) if isinstance(found, Asked) else found


def _accepts(asked: Asked, post: Said) -> bool:
    return post in [asked.answers[place] for place in asked.accepted]


class Reader:
    """Makes posts of what a page describes.

    Args:
        url: of the thread.
        roots: its parsed pages.
        selectors: the site's.
        staff: names, ids or job titles whose answers count as staff answers.
    """

    def __init__(self, url: str, roots: Sequence[HtmlElement], selectors: Selectors, staff: Sequence[str]) -> None:
        self._url = url
        self._pages = [(root, PageText(root)) for root in roots]
        self._anchors = [Anchors(root) for root in roots]
        self._selectors = selectors
        self._staff = {one.casefold() for one in staff}
        self._people: dict[str, Person] = {}
        self.warnings: list[str] = []

    def read(self, asked: Asked) -> Found:
        """Read all posts of a thread."""
        question, _ = self._post(asked.question, "question")
        answers: list[Post] = []
        accepted: list[int] = []
        marked: list[int] = []
        ids = {"question"}
        for place, said in enumerate(asked.answers):
            post, element = self._post(said, _post_id(said, place))
            is_marked_here = element is not None and self._is_marked(element)
            if not post.author.name and not (is_marked_here or place in asked.accepted):
                self.warnings.append(f"Post {post.id} has no author to credit and was left out.")
                continue
            while post.id in ids:
                post = _renamed(post)
            ids.add(post.id)
            if place in asked.accepted:
                accepted.append(len(answers))
            if is_marked_here:
                marked.append(len(answers))
            answers.append(post)
        signs = [sign for root, _ in self._pages for sign in select(root, self._selectors.solved)]
        marks = tuple(words_of(sign) for sign in signs)
        return Found(question, tuple(answers), tuple(accepted), tuple(marked), marks, tuple(self.warnings))

    def _is_marked(self, element: HtmlElement) -> bool:
        marks = [mark for root, _ in self._pages for mark in select(root, self._selectors.accepted)]
        return bool(marks) and is_marked(element, marks)

    def _post(self, said: Said, post_id: str) -> tuple[Post, HtmlElement | None]:
        html, body, container = self._body(said, post_id)
        if not said.author and (around := container if container is not None else body) is not None:
            author, profile = author_of(around, self._selectors)
            said = replace(said, author=author, author_url=profile)
        anchor = nearest_id(container if container is not None else body)
        url = (
            without_tokens(urljoin(self._url, said.url))
            if said.url
            else f"{self._url}#{anchor}"
            if anchor
            else self._url
        )
        if urlsplit(url).scheme not in {"http", "https"}:
            url = self._url
        created, edited = read_date(said.created), read_date(said.edited)
        person = self._person(said)
        if person.url:
            self._people.setdefault(person.name, person)
        post = Post(
            id=post_id,
            url=url,
            html=html,
            author=person,
            created=created,
            edited=edited if edited != created else None,
            score=_number(said.score),
        )
        return post, container if container is not None else body

    def _person(self, said: Said) -> Person:
        profile = without_tokens(urljoin(self._url, said.author_url)) if said.author_url else ""
        known = profile if urlsplit(profile).scheme in {"http", "https"} and urlsplit(profile).netloc else ""
        person = urlsplit(known).path.strip("/") if known else said.author
        staff = not self._staff.isdisjoint({person.casefold(), said.author.casefold(), said.job.casefold()} - {""})
        here = Person(person or said.author, said.author, known or None, is_staff=staff)
        # A reply often names its author only, whose profile the question links to.
        return here if known else self._people.get(said.author, here)

    def _body(self, said: Said, post_id: str) -> tuple[str, HtmlElement | None, HtmlElement | None]:
        """A post's markup, the element it is in, and the element of the whole post."""
        container = said.element if said.element is not None else self._anchored(said.url)
        if container is not None and (chosen := select(container, self._selectors.body)):
            return tidy(write_html(chosen[0]), self._url), chosen[0], container
        if said.whole:
            return tidy(said.text, self._url), said.element, container
        letters = squeezed(said.text)
        body, size = self._located(letters, container)
        if body is not None and size >= len(letters):
            return tidy(write_html(body), self._url), body, container
        if is_cut(said.text):
            who = "question" if post_id == "question" else f"post {post_id}"
            self.warnings.append(f"Of the {who} there is an excerpt only; name its element in `selectors: body`.")
        return tidy(said.text, self._url), body, container

    def _anchored(self, url: str) -> HtmlElement | None:
        found = (anchors.find(url) for anchors in self._anchors if url)
        return next((element for element in found if element is not None), None)

    def _located(self, letters: str, container: HtmlElement | None) -> tuple[HtmlElement | None, int]:
        for root, page in self._pages:
            if container is not None and container.getroottree().getroot() is not root:
                continue
            found = page.find(letters, container)
            # A word or two stand anywhere in a page.
            if found is None and len(letters) >= _UNSURE:
                found = page.find(letters)
            if found is not None and (container is not None or len(letters) >= _UNSURE):
                return found, page.length(found)
        return None, 0


def _post_id(said: Said, place: int) -> str:
    """What stays the same while a thread grows: the address's end, else who wrote when, else the place."""
    parts = urlsplit(said.url)
    if parts.fragment or parts.path.strip("/"):
        return parts.fragment or parts.path.rstrip("/").rsplit("/", 1)[-1]
    if said.created:
        return hashlib.blake2b(f"{said.author}\0{said.created}".encode(), digest_size=6).hexdigest()
    return f"answer-{place + 1}"


def _renamed(post: Post) -> Post:
    stem, _, number = post.id.partition("~")
    return Post(
        **{name: getattr(post, name) for name in post.__struct_fields__} | {"id": f"{stem}~{int(number or 1) + 1}"}
    )


def _number(value: str) -> int | None:
    found = re.search(r"-?\d+", value.replace(",", ""))
    return int(found[0]) if found else None
