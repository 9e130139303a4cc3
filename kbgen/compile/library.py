"""The whole site as one value, and the faults it must not have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
from urllib.parse import unquote

from kbgen.compile.entries import entry_page, make_card, tag_path, topic_crumbs
from kbgen.compile.home import home_page, not_found_page, search_page, written_pages
from kbgen.compile.inputs import Inputs, Shelf, rank
from kbgen.compile.listings import (
    article_pages,
    language_pages,
    people_pages,
    question_pages,
    tag_pages,
    topic_index,
    topic_pages,
)
from kbgen.compile.permalinks import assign
from kbgen.compile.redirects import make_redirects
from kbgen.compile.related import related
from kbgen.compile.seo import unique_descriptions, unique_titles
from kbgen.compile.translations import language_versions, sections_of
from kbgen.model import Card, Contributor, Library, Link, Page, Ref, Slug, Topic

_PATH = attrgetter("path")


def compile_library(inputs: Inputs, on_shelf: Callable[[Shelf], None] | None = None) -> Library:
    """Make every page and redirect of the site.

    Args:
        inputs: everything it is made from; the same inputs give the same library.
        on_shelf: told what all pages are called and where they are, before the first is made: what needs no more than
            that can begin.
    """
    links = assign(inputs.summaries, inputs.assigned)
    titles = unique_titles(inputs.summaries, inputs)
    shelf = _shelve(inputs, links.paths, titles)
    if on_shelf is not None:
        on_shelf(shelf)
    alike = related(inputs.summaries, shelf.cards, inputs.config.pages.related, inputs.near)
    pages: dict[str, Page] = {}
    for summary in inputs.summaries:
        page = entry_page(summary, titles[summary.ref], alike.get(summary.ref, ()), inputs, shelf=shelf)
        pages[page.path] = page
    people = _people(inputs, shelf)
    for page in _lists(shelf, people, inputs):
        pages.setdefault(page.path, page)
    home = home_page(shelf, len(people), inputs)
    pages[home.path] = home
    pages.update({page.path: page for page in written_pages(pages, inputs)})
    redirects = make_redirects(inputs, pages, shelf.places)
    return Library(pages, redirects, dict(shelf.cards), links.paths, dict(shelf.tag_titles))


def _lists(shelf: Shelf, people: dict[Contributor, list[Card]], inputs: Inputs) -> Iterator[Page]:
    yield from topic_pages(shelf, inputs)
    yield topic_index(shelf, inputs)
    yield from tag_pages(shelf, inputs)
    yield from question_pages(shelf, inputs)
    yield from language_pages(shelf, inputs)
    yield from article_pages(shelf, inputs)
    if inputs.config.pages.people:
        yield from people_pages(people, inputs)
    yield search_page(inputs)
    yield not_found_page(shelf, inputs)


def _shelve(inputs: Inputs, paths: dict[Ref, str], titles: dict[Ref, str]) -> Shelf:
    topics = {topic.slug: topic for topic in inputs.taxonomy.topics}
    descriptions = unique_descriptions(inputs.summaries, titles)
    known = frozenset(topics)
    cards = {
        summary.ref: make_card(summary, paths[summary.ref], descriptions[summary.ref], known)
        for summary in inputs.summaries
    }
    ranked = sorted(cards.values(), key=rank)
    by_tag: dict[Slug, list[Card]] = {}
    for card in ranked:
        for tag in dict.fromkeys(card.tags):
            by_tag.setdefault(tag, []).append(card)
    titles_of_tags = {tag.slug: tag.title for tag in inputs.taxonomy.tags}
    return Shelf(
        cards=cards,
        by_topic=_by_topic(ranked, topics),
        by_tag={tag: tuple(by_tag[tag]) for tag in sorted(by_tag)},
        topics=topics,
        places={ref: paths[summary.ref] for summary in inputs.summaries for ref in summary.refs} | paths,
        tag_titles=titles_of_tags,
        tag_links={tag: Link(titles_of_tags.get(tag, tag), tag_path(tag)) for tag in by_tag},
        sections={
            path: names
            for ref, names in sections_of(inputs.summaries).items()
            if (path := paths[ref]) not in inputs.engine_pages
        },
        versions=language_versions(inputs, paths),
        trails={slug: topic_crumbs(slug, topics) for slug in topics},
    )


def _by_topic(ranked: Iterable[Card], topics: dict[Slug, Topic]) -> dict[Slug, tuple[Card, ...]]:
    found: dict[Slug, list[Card]] = {}
    for card in ranked:
        here: dict[Slug, None] = {}
        for slug in card.topics:
            current: Slug | None = slug
            while current is not None:
                here[current] = None
                current = topics[current].parent
        for slug in here:
            found.setdefault(slug, []).append(card)
    return {slug: tuple(cards) for slug, cards in found.items()}


def _people(inputs: Inputs, shelf: Shelf) -> dict[Contributor, list[Card]]:
    """Contributors with what they answered; one account is one contributor, staff if ever they were."""
    accounts: dict[Slug, Contributor] = {}
    cards: dict[Slug, dict[Ref, Card]] = {}
    for summary in inputs.summaries:
        for person in summary.people:
            known = accounts.setdefault(person.slug, person)
            if person.is_staff and not known.is_staff:
                accounts[person.slug] = person
            cards.setdefault(person.slug, {})[summary.ref] = shelf.cards[summary.ref]
    return {person: list(cards[slug].values()) for slug, person in accounts.items()}


def faults(library: Library, inputs: Inputs) -> tuple[str, ...]:
    """What is wrong with the library; it must be empty before a byte is written.

    Collisions, dangling links, orphans, redirects that lead nowhere, and pages without attribution.
    """
    found: list[str] = []
    by_path: dict[str, Ref] = {}
    for ref, path in library.permalinks.items():
        if path in by_path:
            found.append(f"{path}: both {by_path[path]} and {ref} want this address; give one an `id` or another slug")
        by_path[path] = ref
    linked: set[str] = set()
    for page in library.pages.values():
        linked.update(_targets(page))
    if not linked <= library.pages.keys():
        found += [
            f"{page.path}: links to {target}, which is not a page"
            for page in library.pages.values()
            for target in _targets(page)
            if target not in library.pages
        ]
    found += [
        f"{page.path}: no other page links to it"
        for page in library.pages.values()
        if page.kind in {"entry", "article"} and page.path not in linked
    ]
    found += [
        f"{path}: redirects to {target}, which is not a page"
        for path, target in library.redirects.items()
        if target is not None and target.startswith("/") and target not in library.pages
    ]
    found += [
        f"{summary.ref}: an entry without the address of its thread cannot be attributed"
        for summary in inputs.summaries
        if summary.kind == "entry" and not summary.source_url
    ]
    return tuple(found)


def lost_sections(library: Library) -> tuple[str, ...]:
    """Links of texts that name a section their article does not have, and lead to its beginning instead.

    Returns:
        A sentence for each, by page.
    """
    return tuple(
        f"{page.path}: links to the section {unquote(section)!r} of {path}, which has none of that name"
        for page in library.pages.values()
        if page.links
        for ref, path in page.links
        # Without a name, and for "top", it is the page's beginning that is meant.
        if "#" not in path and (section := ref.partition("#")[2]).lower() not in ("", "top")
    )


def _targets(page: Page) -> list[str]:
    # The last crumb is the page itself: a page is no orphan's rescue by linking to itself.
    found = [*map(_PATH, page.crumbs[:-1]), *map(_PATH, page.related), *map(_PATH, page.tags)]
    if page.links:
        found += [path.partition("#")[0] for _, path in page.links]
    if page.listing is None:
        return found
    found += map(_PATH, page.listing.items)
    found += [path for _, path in page.listing.pager]
    for block in page.listing.blocks:
        found += map(_PATH, block.cards)
        found += map(_PATH, block.links)
    return found
