"""Which items of a page are a thread: its question, its answers, and which of them settle it. Pure.

Not everything marked up as question and answer was asked by somebody: see ``find_thread``. What is NOT here: reading
the markup (``web_items``) and the posts' full texts (``web_body``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from html import unescape

from cssselect import HTMLTranslator, SelectorError
from lxml import etree
from lxml.html import HtmlElement
from pydantic import BaseModel, ConfigDict, field_validator

from kbgen.sources.markup import words_of, write_html
from kbgen.sources.web_body import as_markup
from kbgen.sources.web_items import Graph, Html, Item

NOTHING = "hold no question"
SITES_OWN = "are questions and answers of the site's own making"
SEVERAL = "hold several questions"
UNANSWERED = "have no answer yet"
POSTING = "are discussions, which have no accepted answer; name a sign of the solved ones in `selectors: solved`"


class Selectors(BaseModel):
    """CSS selectors for what a site's structured data does not say.

    Attributes:
        title: the question's title; default: the first ``h1``.
        question: the element around the question. Needed, with ``answer``, where there is no structured data.
        answer: the element around each answer.
        body: the text, inside a question's or answer's element.
        author: the author's name, a link to the profile where there is one, inside such an element.
        date: when it was written, inside such an element (``datetime``, ``title`` or text).
        score: votes, inside such an element.
        accepted: what only the accepted answer has: on it, inside it or around it.
        solved: what only solved threads' pages have.
        tags: each tag.
        category: each category, the outermost first.
        remove: what is no part of a text.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str | None = None
    question: str | None = None
    answer: str | None = None
    body: str | None = None
    author: str | None = None
    date: str | None = None
    score: str | None = None
    accepted: str | None = None
    solved: str | None = None
    tags: str | None = None
    category: str | None = None
    remove: str | None = None

    @field_validator("*")
    @classmethod
    def _is_css(cls, value: str | None) -> str | None:
        try:
            return value if value is None else _xpath(value) and value
        except SelectorError as error:
            raise ValueError(f"{value!r} is not a CSS selector: {error}") from error


@cache
def _xpath(selector: str) -> str:
    return HTMLTranslator().css_to_xpath(selector, prefix="descendant-or-self::")


def select(root: HtmlElement, selector: str | None) -> list[HtmlElement]:
    """The elements a selector finds, in the order of the page; none for None."""
    return list(root.xpath(_xpath(selector))) if selector else []


@dataclass(frozen=True)
class Said:
    """A post as the page describes it.

    Attributes:
        text: markup, perhaps of an excerpt only.
        whole: ``text`` was read from the page and is the body itself.
        element: the element around the post, where it is known.
    """

    text: str = ""
    whole: bool = False
    url: str = ""
    author: str = ""
    author_url: str = ""
    job: str = ""
    organisation: bool = False
    created: str = ""
    edited: str = ""
    score: str = ""
    element: HtmlElement | None = None


@dataclass(frozen=True)
class Asked:
    """A thread as the page describes it.

    Attributes:
        answers: in the order of the page, the accepted ones first where structured data names them.
        accepted: places in ``answers``.
        is_posting: a discussion, of which nobody says what settles it.
    """

    title: str
    question: Said
    answers: tuple[Said, ...] = ()
    accepted: tuple[int, ...] = ()
    is_posting: bool = False
    tags: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    url: str = ""


def find_thread(graph: Graph, root: HtmlElement, selectors: Selectors) -> Asked | str:
    """Find the thread of a page.

    A ``QAPage`` counts when it has exactly one question, asked by a person who is not the site itself, with an answer.
    Rule: developers.google.com/search/docs/appearance/structured-data/qapage: users must be able to submit answers.

    Args:
        graph: the page's structured data.
        root: the parsed page.
        selectors: the site's.

    Returns:
        The thread, or why the page is none: the end of a sentence that begins with "pages that".
    """
    credited = selectors.author is not None
    found = [_question(graph, page, credited=credited) for page in graph.walk() if "QAPage" in page.types]
    if not found:
        alone = [item for item in graph.walk() if "Question" in item.types]
        if any("FAQPage" in item.types for item in graph.walk()):
            found = [SITES_OWN]
        elif len(alone) == 1:
            found = [_thread(graph, alone[0], credited=credited)]
    if not found:
        found = [_posting(graph)]
    best = next((one for one in found if isinstance(one, Asked)), found[0])
    if best == NOTHING:
        best = _selected(root, selectors)
    return _completed(best, root, selectors, graph) if isinstance(best, Asked) else best


def _question(graph: Graph, page: Item, *, credited: bool) -> Asked | str:
    questions = [item for item in graph.inner(page, "mainEntity") if "Question" in item.types]
    if len(questions) > 1:
        return SEVERAL
    return _thread(graph, questions[0], credited=credited) if questions else NOTHING


def _thread(graph: Graph, item: Item, *, credited: bool) -> Asked | str:
    accepted = [_said(graph, one) for one in graph.inner(item, "acceptedAnswer")]
    others = [_said(graph, one) for one in graph.inner(item, "suggestedAnswer")]
    answers = _distinct([*accepted, *others])
    question = _said(graph, item)
    if question.organisation or question.author.casefold() in _publishers(graph) or not (question.author or credited):
        return SITES_OWN
    if not answers:
        return UNANSWERED
    return Asked(
        title=_title(graph, item),
        question=question,
        answers=answers,
        accepted=tuple(range(min(len(_distinct(accepted)), len(answers)))),
        tags=_keywords(graph, item),
        url=graph.text(item, "url", "mainEntityOfPage"),
    )


def _distinct(posts: Sequence[Said]) -> tuple[Said, ...]:
    """Posts once each: some platforms list the accepted answer among the suggested ones too."""
    return tuple({(post.url or post.text, post.author): post for post in reversed(posts)}.values())[::-1]


def _publishers(graph: Graph) -> set[str]:
    names = {
        graph.text(item, "name") for item in graph.items if {"Organization", "WebSite", "Corporation"} & {*item.types}
    }
    for item in graph.walk():
        names |= {graph.text(one, "name") for one in graph.inner(item, "publisher")}
    return {name.casefold() for name in names if name}


def _title(graph: Graph, item: Item) -> str:
    title = graph.text(item, "name", "headline")
    # A script holds raw text: an entity in it was escaped for another place.
    return " ".join((unescape(title) if item.element is None else title).split())


def _keywords(graph: Graph, item: Item) -> tuple[str, ...]:
    words = [value for value in graph.values(item, "keywords") if isinstance(value, str)]
    return tuple(dict.fromkeys(word.strip() for value in words for word in value.split(",") if word.strip()))


def _said(graph: Graph, item: Item) -> Said:
    text = graph.text(item, "text", "articleBody")
    said = Said(
        text=as_markup(text),
        whole=isinstance(text, Html),
        url=graph.text(item, "url") or (item.id if item.id.startswith(("http", "/")) else ""),
        created=graph.text(item, "datePublished", "dateCreated"),
        edited=graph.text(item, "dateModified"),
        score=graph.text(item, "upvoteCount") or _likes(graph, item),
        element=item.element,
    )
    author = next(iter(graph.values(item, "author", "creator")), "")
    if isinstance(author, str):
        return replace(said, author=author.strip())
    return replace(
        said,
        author=" ".join(graph.text(author, "name", "alternateName").split()),
        author_url=graph.text(author, "url", "sameAs") or _profile(author),
        job=graph.text(author, "jobTitle"),
        organisation="Organization" in author.types,
    )


def _profile(author: Item) -> str:
    links = [] if author.element is None else author.element.xpath(".//a[@href]")
    return links[0].get("href", "") if links else ""


def _likes(graph: Graph, item: Item) -> str:
    for counter in graph.inner(item, "interactionStatistic"):
        kinds = graph.values(counter, "interactionType")
        names = {name for kind in kinds for name in (kind.types if isinstance(kind, Item) else (kind,))}
        if any(name.endswith(("LikeAction", "VoteAction")) for name in names):
            return graph.text(counter, "userInteractionCount")
    return ""


def _posting(graph: Graph) -> Asked | str:
    """A discussion: replies hang below the first post, or, on older pages, every post is one of its own."""
    posts = [item for item in graph.walk() if "DiscussionForumPosting" in item.types]
    if not posts:
        return NOTHING
    first, *further = posts
    titles = {_title(graph, item) for item in further} - {""}
    if titles - {_title(graph, first)}:
        return SEVERAL
    replies = [_said(graph, item) for item in [*_comments(graph, first, 0), *further]]
    return Asked(
        title=_title(graph, first),
        question=_said(graph, first),
        answers=_distinct([reply for reply in replies if reply.text]),
        is_posting=True,
        tags=_keywords(graph, first),
        url=graph.text(first, "url"),
    )


def _comments(graph: Graph, item: Item, depth: int) -> Iterator[Item]:
    for comment in graph.inner(item, "comment") if depth < 10 else ():
        yield comment
        yield from _comments(graph, comment, depth + 1)


def _selected(root: HtmlElement, selectors: Selectors) -> Asked | str:
    questions = select(root, selectors.question)
    if len(questions) != 1:
        return SEVERAL if questions else NOTHING
    answers = tuple(_read(element, selectors) for element in select(root, selectors.answer))
    return Asked("", _read(questions[0], selectors), answers) if answers else UNANSWERED


def author_of(element: HtmlElement, selectors: Selectors) -> tuple[str, str]:
    """Name and profile of who wrote the post in an element, each "" when it is not found."""
    author = next(iter(select(element, selectors.author)), None)
    link = author if author is None or author.tag == "a" else next(author.iter("a"), None)
    return _words(author), "" if link is None else link.get("href", "")


def _read(element: HtmlElement, selectors: Selectors) -> Said:
    """A post by its element alone."""
    body = next(iter(select(element, selectors.body)), element)
    date = next(iter(select(element, selectors.date)), None)
    author, profile = author_of(element, selectors)
    return Said(
        text=write_html(body),
        whole=True,
        url=f"#{element.get('id')}" if element.get("id") else "",
        author=author,
        author_url=profile,
        created="" if date is None else date.get("datetime") or date.get("title") or _words(date),
        score="".join(_words(found) for found in select(element, selectors.score)[:1]),
        element=element,
    )


def _words(element: HtmlElement | None) -> str:
    return "" if element is None else words_of(element)


def _completed(asked: Asked, root: HtmlElement, selectors: Selectors, graph: Graph) -> Asked:
    """With what selectors say, and a title and category from the page where the item has none."""
    title = "".join(_words(found) for found in select(root, selectors.title)[:1]) or asked.title
    if not title:
        title = next((_words(heading) for heading in root.iter("h1") if _words(heading)), "")
    category = tuple(_words(found) for found in select(root, selectors.category)) or _crumbs(graph, title)
    tags = tuple(dict.fromkeys(_words(found) for found in select(root, selectors.tags))) or asked.tags
    return replace(asked, title=title, category=tuple(name for name in category if name), tags=tags)


def _crumbs(graph: Graph, title: str) -> tuple[str, ...]:
    """Names between the first crumb, the site, and the last, the page."""
    for trail in graph.walk():
        if "BreadcrumbList" not in trail.types:
            continue
        names: list[str] = []
        for crumb in graph.inner(trail, "itemListElement"):
            inner = next(iter(graph.inner(crumb, "item")), crumb)
            names.append(unescape(graph.text(crumb, "name") or graph.text(inner, "name")).strip())
        own = names[-1:] if names and names[-1] == title else []
        middle = names[: len(names) - len(own)]
        return tuple(middle[1:] if len(middle) > 1 else middle)
    return ()


def drop_removed(root: HtmlElement, selectors: Selectors) -> None:
    """Take out what the site's selectors say is no part of a text."""
    for element in select(root, selectors.remove):
        if element.getparent() is not None:
            element.drop_tree()


def is_marked(element: HtmlElement, marks: Sequence[HtmlElement]) -> bool:
    """Whether one of some elements is the element, in it, or around it."""
    around = {element, *element.iterancestors()}
    return any(mark in around or element in mark.iterancestors(etree.Element) for mark in marks)
