"""Pages that list: topics, tags, people, languages, all questions, and their pagers.

A listing is a page like any other; what it shows is cards, so its key moves only when a shown card moves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from babel import Locale, UnknownLocaleError

from kbgen.compile.entries import (
    ARTICLES,
    HOME,
    PEOPLE,
    QUESTIONS,
    TAGS,
    TOPICS,
    links_of,
    tag_path,
    topic_path,
)
from kbgen.compile.inputs import Inputs, Shelf, as_listed, listed_date, rank
from kbgen.compile.seo import shorten
from kbgen.model import (
    Block,
    Card,
    Contributor,
    Crumb,
    Link,
    Listing,
    Page,
    PageKind,
    Ref,
    SafeHtml,
    Slug,
    Topic,
)

_REFERENCE = re.compile(r' href="kb:([^"]*)"')
_MANY = 60
# A page of all tags stays readable and small; the rest are reached from the pages that carry them.
_TAG_INDEX = 600
_WINDOW = 2
# A name takes a quarter of the room of a card.
_LINKS_TO_A_CARD = 4
_LONGEST = 160
_PAGES = ("page", "pages")


class Head(NamedTuple):
    """What all pages of one listing have in common."""

    path: str
    kind: PageKind
    title: str
    description: str
    crumbs: tuple[Crumb, ...]
    listing: Listing = Listing()
    lang: str = ""
    noindex: bool = False
    topics: tuple[Slug, ...] = ()
    feeds: tuple[Link, ...] = ()
    refs: tuple[Ref, ...] = ()
    links: tuple[tuple[Ref, str], ...] = ()


def topic_pages(shelf: Shelf, inputs: Inputs) -> Iterator[Page]:
    """The landing pages of all topics, empty ones included: a visitor can follow the taxonomy before it fills."""
    for topic in shelf.topics.values():
        cards = shelf.by_topic.get(topic.slug, ())
        entries = [card for card in cards if card.kind == "entry"]
        path = topic_path(topic.slug)
        head = Head(
            path=path,
            kind="topic",
            title=topic.title,
            description=_about(topic.title, topic.description, len(cards), _PAGES),
            crumbs=shelf.trails[topic.slug],
            listing=Listing(intro=topic.intro, blocks=_topic_blocks(topic, cards, shelf), feed=f"{path}feed.xml"),
            topics=(topic.slug,),
            feeds=(Link(topic.title, f"{path}feed.xml"),),
            noindex=not cards,
            links=links_of(map(Ref, _REFERENCE.findall(topic.intro)), shelf, inputs),
        )
        yield from _paged(head, entries, inputs)


def _topic_blocks(topic: Topic, cards: Sequence[Card], shelf: Shelf) -> tuple[Block, ...]:
    children = tuple(_topic_link(child, shelf) for child in shelf.topics.values() if child.parent == topic.slug)
    featured = tuple(shelf.cards[ref] for ref in topic.featured if ref in shelf.cards)
    articles = tuple(card for card in cards if card.kind == "article" and card not in featured)
    tags = _tag_links(cards, shelf)
    blocks = (
        Block("subtopics", "Subtopics", links=children),
        Block("start-here", "Start here", cards=featured),
        Block("articles", "Articles by our staff", cards=articles),
        Block("tags", "Tags", links=tags),
    )
    return tuple(block for block in blocks if block.cards or block.links)


def _topic_link(topic: Topic, shelf: Shelf) -> Link:
    count = len(shelf.by_topic.get(topic.slug, ()))
    return Link(topic.title, topic_path(topic.slug), note=topic.description, count=count, icon=topic.icon)


def _tag_links(cards: Sequence[Card], shelf: Shelf, most: int = 12) -> tuple[Link, ...]:
    counts: dict[Slug, int] = {}
    for card in cards:
        for tag in card.tags:
            if tag in shelf.by_tag:
                counts[tag] = counts.get(tag, 0) + 1
    top = sorted(counts, key=lambda tag: (-counts[tag], tag))[:most]
    return tuple(Link(shelf.tag_titles.get(tag, tag), tag_path(tag), count=counts[tag]) for tag in top)


def tag_pages(shelf: Shelf, inputs: Inputs) -> Iterator[Page]:
    """The page of each used tag and the index of tags; thin ones ask not to be indexed."""
    crumbs = (Crumb("Home", HOME), Crumb("Tags", TAGS))
    for tag, cards in shelf.by_tag.items():
        title = shelf.tag_titles.get(tag, tag)
        head = Head(
            path=tag_path(tag),
            kind="tag",
            title=f"Tag: {title}",
            description=_about(
                f"Answers and articles tagged {title}", _tag_description(tag, inputs), len(cards), _PAGES
            ),
            crumbs=(*crumbs, Crumb(title, tag_path(tag))),
            noindex=len(cards) < inputs.config.pages.tag_index_minimum,
        )
        yield from _paged(head, cards, inputs)
    if shelf.by_tag:
        top = sorted(shelf.by_tag, key=lambda tag: (-len(shelf.by_tag[tag]), tag))[:_TAG_INDEX]
        links = tuple(
            Link(shelf.tag_titles.get(tag, tag), tag_path(tag), count=len(shelf.by_tag[tag])) for tag in sorted(top)
        )
        listing = Listing(blocks=(Block("all-tags", "All tags", links=links),), total=len(shelf.by_tag))
        yield single(
            Head(
                TAGS,
                "listing",
                "Tags",
                _about("All tags of the answers and articles", "", len(top), ("tag", "tags")),
                crumbs,
                listing,
            ),
            inputs,
        )


def _tag_description(tag: Slug, inputs: Inputs) -> str:
    return next((str(known.description) for known in inputs.taxonomy.tags if known.slug == tag), "")


def question_pages(shelf: Shelf, inputs: Inputs) -> Iterator[Page]:
    """Every answered question, newest first, in chunks counted from the oldest.

    A new question so changes the first page only: page 7 of yesterday is page 7 of today. The first page shows what
    does not fill a page of its own yet besides a whole one.
    """
    cards = [card for card in shelf.cards.values() if card.kind == "entry"]
    cards.sort(key=lambda card: (card.created.timestamp() if card.created else 0.0, card.ref))
    size = inputs.config.pages.per_page
    newest = max(0, len(cards) // size - 1) * size
    chunks = [*(cards[start : start + size] for start in range(0, newest, size)), cards[newest:]]
    crumbs = (Crumb("Home", HOME), Crumb("Questions", QUESTIONS))
    about = _about("Every answered question, newest first", "", len(cards), ("question", "questions"))
    head = Head(QUESTIONS, "listing", "All questions", about, crumbs, noindex=not cards)
    last = len(chunks)
    paths = {number: QUESTIONS if number == last else f"{QUESTIONS}{number}/" for number in range(1, last + 1)}
    for number, chunk in enumerate(chunks, start=1):
        listing = Listing(
            items=tuple(reversed(chunk)),
            total=len(cards),
            number=number,
            pages=last,
            pager=tuple((shown, paths[shown]) for shown in _window(number, last)),
        )
        yield _listing_page(head, listing, paths[number], inputs)


def language_pages(shelf: Shelf, inputs: Inputs) -> Iterator[Page]:
    """A list of everything in each language but the site's first, in that language's own frame."""
    languages = sorted({card.lang for card in shelf.cards.values()} - {inputs.lang})
    for lang in languages:
        cards = sorted((card for card in shelf.cards.values() if card.lang == lang), key=rank)
        path = f"/languages/{lang}/"
        crumbs = (Crumb("Home", HOME), Crumb(lang, path))
        head = Head(
            path,
            "listing",
            lang,
            _about(f"Answers and articles in {_language(lang, inputs.lang)}", "", len(cards), _PAGES),
            crumbs,
            Listing(),
            lang=lang,
        )
        yield from _paged(head, cards, inputs)


def _language(lang: str, shown_in: str) -> str:
    """A language's name as the site's main language calls it, the code when it has none."""
    try:
        return Locale.parse(lang, sep="-").get_display_name(shown_in) or lang
    except (UnknownLocaleError, ValueError):
        return lang


def people_pages(people: dict[Contributor, list[Card]], inputs: Inputs) -> Iterator[Page]:
    """The page of each author of a shown answer, and the list of them; off unless ``pages.people`` is on."""
    ranked = sorted(people, key=lambda one: (-len(people[one]), one.slug))
    links = tuple(
        Link(person.name, person_path(person), count=len(people[person]), note=inputs.sources[person.source].title)
        for person in ranked
    )
    home = (Crumb("Home", HOME), Crumb("Contributors", PEOPLE))
    about = _about("The people who answered", "", len(people), ("contributor", "contributors"))
    size = inputs.config.pages.per_page * _LINKS_TO_A_CARD
    yield from _paged_links(Head(PEOPLE, "listing", "Contributors", about, home), "people", links, size, inputs)
    for person in ranked:
        cards = sorted(people[person], key=rank)
        path = person_path(person)
        head = Head(
            path=path,
            kind="person",
            title=person.name,
            description=_about(f"Answers by {person.name}", "", len(cards), _PAGES),
            crumbs=(*home, Crumb(person.name, path)),
            listing=Listing(profile=person.url),
            noindex=len(cards) < inputs.config.pages.tag_index_minimum,
        )
        yield from _paged(head, cards, inputs)


def person_path(person: Contributor) -> str:
    """Where a contributor's page is."""
    return f"{PEOPLE}{person.slug}/"


def _paged_links(head: Head, kind: str, links: Sequence[Link], size: int, inputs: Inputs) -> Iterator[Page]:
    count = max(1, -(-len(links) // size))
    paths = {number: head.path if number == 1 else f"{head.path}page/{number}/" for number in range(1, count + 1)}
    for number, path in paths.items():
        block = Block(kind, "", links=tuple(links[(number - 1) * size : number * size]))
        listing = Listing(
            blocks=(block,),
            total=len(links),
            number=number,
            pages=count,
            pager=tuple((shown, paths[shown]) for shown in _window(number, count)),
        )
        yield _listing_page(head, listing, path, inputs)


def article_pages(shelf: Shelf, inputs: Inputs) -> Iterator[Page]:
    """The list of staff articles: by topic while it fits one page, else by title over several."""
    articles = sorted((card for card in shelf.cards.values() if card.kind == "article"), key=rank)
    crumbs = (Crumb("Home", HOME), Crumb("Articles", ARTICLES))
    about = _about("Guides and reference articles by our staff", "", len(articles), ("article", "articles"))
    if len(articles) > inputs.config.pages.per_page:
        by_title = sorted(articles, key=lambda card: (card.title.casefold(), card.ref))
        yield from _paged(Head(ARTICLES, "listing", "Articles", about, crumbs), by_title, inputs)
        return
    listing = Listing(blocks=_article_blocks(articles, shelf), total=len(articles))
    yield single(Head(ARTICLES, "listing", "Articles", about, crumbs, listing, noindex=not articles), inputs)


def _article_blocks(articles: Sequence[Card], shelf: Shelf) -> tuple[Block, ...]:
    by_topic: dict[str, list[Card]] = {}
    for card in articles:
        by_topic.setdefault(card.topics[0] if card.topics else "", []).append(card)
    blocks = [
        Block("articles", topic.title, cards=tuple(by_topic[slug]), more=Link(topic.title, topic_path(slug)))
        for slug, topic in shelf.topics.items()
        if slug in by_topic
    ]
    rest = tuple(by_topic.get("", ()))
    return (*blocks, Block("articles", "More articles" if blocks else "", cards=rest)) if rest else tuple(blocks)


def topic_index(shelf: Shelf, inputs: Inputs) -> Page:
    """The list of topics; the most used tags where a community has no topics yet."""
    links = tuple(_topic_link(topic, shelf) for topic in shelf.topics.values() if topic.parent is None)
    tags = () if links else _tag_links(tuple(shelf.cards.values()), shelf, _MANY)
    blocks = (Block("topics", "", links=links), Block("tags", "Tags", links=tags))
    listing = Listing(blocks=tuple(block for block in blocks if block.links), total=len(shelf.topics))
    crumbs = (Crumb("Home", HOME), Crumb("Topics", TOPICS))
    about = _about("All topics of the help site", "", len(links), ("topic", "topics"))
    return single(Head(TOPICS, "listing", "Topics", about, crumbs, listing, noindex=not links), inputs)


def _paged(head: Head, cards: Sequence[Card], inputs: Inputs) -> Iterator[Page]:
    size = inputs.config.pages.per_page
    count = max(1, -(-len(cards) // size))
    paths = {number: head.path if number == 1 else f"{head.path}{number}/" for number in range(1, count + 1)}
    for number in range(1, count + 1):
        first = number == 1
        listing = Listing(
            intro=head.listing.intro if first else SafeHtml(""),
            blocks=head.listing.blocks if first else (),
            items=tuple(cards[(number - 1) * size : number * size]),
            total=len(cards),
            number=number,
            pages=count,
            pager=tuple((shown, paths[shown]) for shown in _window(number, count)),
            feed=head.listing.feed,
            profile=head.listing.profile,
        )
        yield _listing_page(head, listing, paths[number], inputs)


def _listing_page(head: Head, listing: Listing, path: str, inputs: Inputs) -> Page:
    # Page 2 and on are their own canonical: they list other things than page 1 does.
    suffix = f" (page {listing.number} of {listing.pages})" if path != head.path else ""
    # A list is as new as the newest day it shows.
    dates = [date for card in listing.items if (date := listed_date(card)) is not None]
    return Page(
        path=path,
        kind=head.kind,
        title=head.title + suffix,
        description=shorten(head.description, _LONGEST - len(suffix)) + suffix,
        canonical=inputs.url(path),
        shell="engine" if path in inputs.engine_pages else "listing",
        lang=head.lang or inputs.lang,
        noindex=head.noindex,
        in_sitemap=not head.noindex,
        refs=head.refs,
        topics=head.topics,
        updated=max(dates, default=None),
        crumbs=head.crumbs,
        listing=as_listed(listing, inputs.listed),
        feeds=head.feeds,
        canonical_rule="listing",
        links=head.links if listing.intro else (),
    )


def single(head: Head, inputs: Inputs) -> Page:
    """A listing of one page."""
    return _listing_page(head, head.listing, head.path, inputs)


def _window(number: int, count: int) -> list[int]:
    near = range(max(1, number - _WINDOW), min(count, number + _WINDOW) + 1)
    return sorted({1, count, *near})


def _about(what: str, description: str, count: int, noun: tuple[str, str] = ("answer", "answers")) -> str:
    """A description that says what is listed and how much of it; counts are counted."""
    total = f"{count:,} {noun[0] if count == 1 else noun[1]}"
    text = f"{what}: {description}" if description and not description.startswith(what) else description or what
    return shorten(text, _LONGEST - len(total) - 3).rstrip(".") + f". {total}."
