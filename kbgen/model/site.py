"""The site as data: pages, what lists them, redirects. Bodies are not here; they are read when a page is poured."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from kbgen.model.terms import PageKind, PlainText, Ref, SafeHtml, Slug, Why


class Card(Struct, frozen=True, omit_defaults=True):
    """What a listing shows of an entry or an article, and what other pages link to it with.

    Attributes:
        date: the day a list shows, set where the list is made (``compile.inputs.as_listed``).
    """

    ref: Ref
    kind: Literal["entry", "article"]
    path: str
    title: PlainText
    summary: PlainText
    lang: str
    topics: tuple[Slug, ...]
    tags: tuple[Slug, ...]
    updated: datetime | None = None
    created: datetime | None = None
    score: float = 0.0
    answers: int = 0
    why: Why | None = None
    pinned: bool = False
    date: datetime | None = None


class Crumb(Struct, frozen=True):
    """One step of a breadcrumb trail; ``path`` is site-relative and starts with a slash."""

    title: str
    path: str


class Link(Struct, frozen=True, omit_defaults=True):
    """A link inside the site with a count or a note beside it."""

    title: str
    path: str
    note: str = ""
    count: int | None = None
    lang: str = ""
    icon: str = ""


class Block(Struct, frozen=True, omit_defaults=True):
    """A titled run of cards or links on a listing or the home page.

    Attributes:
        kind: what the block is, as a stable word for templates and CSS (``topics``, ``popular``, ``start-here``).
    """

    kind: str
    title: str
    cards: tuple[Card, ...] = ()
    links: tuple[Link, ...] = ()
    more: Link | None = None


class Listing(Struct, frozen=True, omit_defaults=True):
    """The body of a page that lists: blocks first, then the numbered items, then the pager.

    Attributes:
        total: all items of the listing, over all its pages.
        number: this page's number, from 1; ``pages`` is how many there are.
        pager: (number, path) of the pages to link: the first, the last and those around this one, this one
            included; never all of them, a listing of a hundred thousand has two thousand.
    """

    intro: SafeHtml = SafeHtml("")
    blocks: tuple[Block, ...] = ()
    items: tuple[Card, ...] = ()
    total: int = 0
    number: int = 1
    pages: int = 1
    pager: tuple[tuple[int, str], ...] = ()
    feed: str | None = None
    profile: str | None = None


class Picture(Struct, frozen=True):
    """A mirrored image.

    Attributes:
        address: what the body names it by.
        file: name of the file that is shown; ``width`` and ``height`` are its pixels.
        full: name of the file in full size, or moving; "" when ``file`` is all there is.
    """

    address: str
    file: str
    width: int
    height: int
    full: str = ""


class Page(Struct, frozen=True, omit_defaults=True):
    """One page of the site: all that rendering needs but the body's text.

    Attributes:
        path: site-relative, decoded, starts and ends with a slash (``/q/reset-a-hub-42/``), or ``/404.html``.
        shell: which shell it is poured through (``entry``, ``listing``, ``page``), or ``engine`` for a page
            the site engine renders and kbgen only completes.
        canonical: the one absolute canonical URL.
        description: for search engines; unique on the site.
        body: digest of the entry or article behind the page; "" for listings.
        related: cards at the foot of the page.
        alternates: (language, absolute URL) of true translations.
        links: for each ``kb:`` reference in the body, the path of its page; a missing one loses its link.
        images: the mirrored ones of the images the body names; the others stay links.
    """

    path: str
    kind: PageKind
    title: str
    description: str
    canonical: str
    shell: str
    lang: str
    noindex: bool = False
    in_sitemap: bool = True
    refs: tuple[Ref, ...] = ()
    topics: tuple[Slug, ...] = ()
    tags: tuple[Link, ...] = ()
    created: datetime | None = None
    updated: datetime | None = None
    crumbs: tuple[Crumb, ...] = ()
    body: str = ""
    listing: Listing | None = None
    related: tuple[Card, ...] = ()
    feeds: tuple[Link, ...] = ()
    alternates: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[Ref, str], ...] = ()
    canonical_rule: str = ""
    images: tuple[Picture, ...] = ()


class SourceInfo(Struct, frozen=True):
    """What readers and the canonical policy have to know of a configured source.

    Attributes:
        title: what readers see; ``licence`` applies where a post states none.
        canonical: the source's own ``auto``, ``source`` or ``self``; None for the site's policy.
        crawlable: anyone can open its pages, search engines included.
    """

    name: str
    kind: str
    title: str
    url: str | None = None
    licence: str | None = None
    licence_url: str | None = None
    canonical: str | None = None
    crawlable: bool = True


class Library(Struct, frozen=True):
    """The whole site before a byte of it is written.

    Attributes:
        pages: by path.
        redirects: old path to new path; None means gone.
        permalinks: ref to path of everything that has a page of its own.
        tags: titles of the tags that cards name, where they are not the slugs themselves.
    """

    pages: dict[str, Page]
    redirects: dict[str, str | None]
    cards: dict[Ref, Card]
    permalinks: dict[Ref, str] = {}
    tags: dict[Slug, str] = {}


class StageReport(Struct, frozen=True):
    """What a stage did, for people and for ``--json``.

    Attributes:
        rejected: reason slug to count.
        failed: complete messages, each naming the place.
        notes: lines worth a person's reading.
    """

    stage: str
    read: int = 0
    written: int = 0
    unchanged: int = 0
    removed: int = 0
    rejected: dict[str, int] = {}
    failed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
