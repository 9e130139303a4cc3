"""The words every other module speaks: plain frozen records, no behaviour, no I/O.

Three families, in the order the data takes them:

* **untrusted**: ``RawRecord``, ``Person``, ``Post``, ``Thread``, ``Article``: what a platform's payload says;
* **curated**: ``Verdict``, ``CuratedPost``, ``Curated``, ``Entry``: text behind the trust boundary;
* **site**: ``Card``, ``Page``, ``Listing``, ``Library``: what is on the site, without bodies, so that a hundred
  thousand of them fit in memory. Bodies stay in the store and are read when a page is poured.

Times are aware and in UTC. ``None`` means "unknown", which is not "never". Sequences are tuples.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NewType

from msgspec import Struct

Ref = NewType("Ref", str)
"""Identity for ever: ``<source name>:<native id>``, such as ``community:1234``."""
PlainText = NewType("PlainText", str)
"""Text without markup or control characters. Made by ``curate.text.plain_text`` only; escape it on output."""
SafeHtml = NewType("SafeHtml", str)
"""Sanitised HTML. Made by ``curate.sanitise.safe_html`` only; may be written as it is."""
Slug = NewType("Slug", str)
"""Lower-case words and hyphens, in any script. Made by ``curate.text.slugify`` only."""

RecordKind = Literal["thread", "article"]
Visibility = Literal["public", "unlisted", "private", "hidden", "deleted", "spam"]
SolvedBy = Literal["accepted", "staff", "reaction", "tag", "schema"]
Outcome = Literal["publish", "hold", "drop"]
Why = Literal["accepted", "staff", "reaction", "tag", "schema", "helpful", "written"]
PageKind = Literal["entry", "article", "topic", "tag", "person", "listing", "home", "other"]


def make_ref(source: str, native_id: str | int) -> Ref:
    """Join a source's name and a native id to a ``Ref``."""
    return Ref(f"{source}:{native_id}")


def split_ref(ref: str) -> tuple[str, str]:
    """Split a ``Ref`` into source name and native id.

    Raises:
        ValueError: ``ref`` has no colon.
    """
    source, colon, native_id = ref.partition(":")
    if not (source and colon and native_id):
        msg = f"{ref!r} is not a reference; write SOURCE:ID, such as community:1234"
        raise ValueError(msg)
    return source, native_id


# --- untrusted: what the platform said -------------------------------------------------------------------


class RawRecord(Struct, frozen=True):
    """One harvested record, verbatim.

    Attributes:
        payload: the platform's own JSON (UTF-8 bytes), or JSON of the attributes of its XML rows.
        digest: of the payload; the only change signal that works on every platform.
        place: file (and line or member) the record came from, for messages; not identity.
        partial: the input broke off and something of the record may be missing; it never replaces a stored one.
    """

    ref: Ref
    kind: RecordKind
    url: str
    payload: bytes
    digest: str
    place: str = ""
    partial: bool = False


class Person(Struct, frozen=True):
    """An author as the platform shows them. Never an e-mail address, never an avatar.

    Attributes:
        id: the native user id, "" when the account is gone.
        url: public profile page; None when there is none (gone account).
    """

    id: str
    name: str
    url: str | None = None
    is_staff: bool = False
    deleted: bool = False


class Post(Struct, frozen=True):
    """A question or an answer; ``html`` is hostile."""

    id: str
    url: str
    html: str
    author: Person
    created: datetime | None = None
    edited: datetime | None = None
    score: int | None = None
    licence: str | None = None
    hidden: bool = False
    deleted: bool = False


class Solved(Struct, frozen=True):
    """One accepted answer and how we know."""

    post_id: str
    how: SolvedBy
    at: datetime | None = None
    by: str | None = None


class Thread(Struct, frozen=True):
    """One question with its answers, as a platform means it. All text is hostile.

    Attributes:
        url: the thread's own canonical URL, without query and fragment.
        title: entities decoded once.
        solved: the accepted answers, best known first; several are possible.
        category: path of category names or ids, outermost first.
        closed: why it was closed (``duplicate``, ``off-topic``, ...), None when open.
        duplicate_of: threads the community itself declared this one a duplicate of.
        warnings: what was left out while reading, each a complete sentence.
    """

    ref: Ref
    url: str
    title: str
    question: Post
    answers: tuple[Post, ...] = ()
    solved: tuple[Solved, ...] = ()
    created: datetime | None = None
    updated: datetime | None = None
    tags: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    views: int | None = None
    visibility: Visibility = "public"
    closed: str | None = None
    duplicate_of: tuple[Ref, ...] = ()
    lang: str | None = None
    warnings: tuple[str, ...] = ()


class Article(Struct, frozen=True):
    """A text written by staff.

    Attributes:
        html: rendered body, still to be sanitised; "" when the site engine renders the file itself.
        path: the page's path when the engine renders it (``/articles/refunds/``), None when kbgen pours it.
        url: where the article lives elsewhere; None when this site is its home.
        answers: threads this article settles; they redirect to it.
    """

    ref: Ref
    title: str
    html: str
    text: str = ""
    path: str | None = None
    url: str | None = None
    description: str = ""
    topics: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    answers: tuple[Ref, ...] = ()
    created: datetime | None = None
    updated: datetime | None = None
    reviewed: datetime | None = None
    owner: str = ""
    draft: bool = False
    lang: str | None = None
    licence: str | None = None
    warnings: tuple[str, ...] = ()


# --- curated: behind the trust boundary ------------------------------------------------------------------


class Verdict(Struct, frozen=True):
    """What was decided about one harvested item, and why.

    Attributes:
        reasons: slugs, the deciding one first (``accepted``, ``unanswered``, ``thin`` ...).
        by: ``rule``, or the file of the overlay or review that decided.
    """

    outcome: Outcome
    reasons: tuple[str, ...]
    by: str = "rule"


class CuratedPost(Struct, frozen=True):
    """A post fit to be shown.

    Attributes:
        text: the visible words, code included, for search, descriptions and counting.
        why: how this answer came to be the accepted one; None for an ordinary answer or a question.
    """

    id: str
    url: str
    html: SafeHtml
    text: PlainText
    author: Person
    created: datetime | None = None
    updated: datetime | None = None
    score: int | None = None
    licence: str | None = None
    why: Why | None = None


class TagMark(Struct, frozen=True):
    """A tag of the taxonomy on an item, and why it is there (``source:nft``, ``synonym:refund``, ``overlay``)."""

    tag: Slug
    why: str


class Curated(Struct, frozen=True):
    """One harvested item after curation; it depends on its record, the taxonomy and the rules alone.

    Attributes:
        fingerprint: of the normalised title and question, for exact duplicates; "" when too short to tell.
        topics: slugs, the first is the page's breadcrumb.
        unmapped: source tags the taxonomy does not know.
        redacted: kinds of secrets and personal data taken out (``email``, ``phone``, ``token``).
        article: set for ``kind == "article"``: as parsed, its ``html`` sanitised and its ``text`` plain.
    """

    ref: Ref
    kind: RecordKind
    verdict: Verdict
    title: PlainText
    url: str | None
    question: CuratedPost | None = None
    answers: tuple[CuratedPost, ...] = ()
    description: PlainText = PlainText("")
    tags: tuple[TagMark, ...] = ()
    topics: tuple[Slug, ...] = ()
    unmapped: tuple[str, ...] = ()
    lang: str = "en"
    created: datetime | None = None
    updated: datetime | None = None
    views: int | None = None
    fingerprint: str = ""
    duplicate_of: tuple[Ref, ...] = ()
    redacted: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    article: Article | None = None


class Overlay(Struct, frozen=True):
    """What a writer decided about one thread, from ``content/curated/``. None and empty mean "as harvested"."""

    ref: Ref
    file: str
    title: PlainText | None = None
    summary: PlainText | None = None
    tags: tuple[str, ...] | None = None
    topics: tuple[str, ...] | None = None
    pin: bool = False
    hide: bool = False
    merge: tuple[Ref, ...] = ()
    split: tuple[Ref, ...] = ()
    canonical: str | None = None
    body: SafeHtml | None = None
    text: PlainText = PlainText("")


class SourceThread(Struct, frozen=True):
    """A thread an entry came from, with all that attribution needs."""

    ref: Ref
    title: PlainText
    url: str
    community: str
    author: Person
    created: datetime | None = None
    licence: str | None = None
    evidence: str = "lead"


class Entry(Struct, frozen=True):
    """One problem, one page.

    Attributes:
        ref: the lead thread; the page's identity.
        best: the best answer, ``best.why`` says why.
        threads: every thread merged here, the lead first; ``evidence`` says why each is here.
        also_asked: the other wordings of the question.
        replaced: a writer replaced the answer's text.
        canonical: a writer's choice (``self``, ``source`` or a URL), None for the policy.
        score: rank among other entries; higher is better.
        links: refs the HTML links to as ``href="kb:<ref>"``; replaced by the pages' addresses when poured.
        digest: of all the above, set by curate; a page is poured again only when it moves.
    """

    ref: Ref
    title: PlainText
    question: CuratedPost
    best: CuratedPost
    others: tuple[CuratedPost, ...]
    threads: tuple[SourceThread, ...]
    also_asked: tuple[PlainText, ...]
    description: PlainText
    tags: tuple[TagMark, ...]
    topics: tuple[Slug, ...]
    lang: str
    created: datetime | None
    updated: datetime | None
    score: float = 0.0
    views: int | None = None
    replaced: bool = False
    pinned: bool = False
    canonical: str | None = None
    links: tuple[Ref, ...] = ()
    digest: str = ""


class ArticleEntry(Struct, frozen=True):
    """A staff article fit to be shown. ``html`` is "" when the site engine renders the file (``path`` is set)."""

    ref: Ref
    title: PlainText
    html: SafeHtml
    text: PlainText
    description: PlainText
    tags: tuple[TagMark, ...]
    topics: tuple[Slug, ...]
    lang: str
    created: datetime | None
    updated: datetime | None
    reviewed: datetime | None
    owner: PlainText
    licence: str | None
    url: str | None
    path: str | None
    community: str
    answers: tuple[Ref, ...] = ()
    threads: tuple[SourceThread, ...] = ()
    also_asked: tuple[PlainText, ...] = ()
    links: tuple[Ref, ...] = ()
    digest: str = ""


class Topic(Struct, frozen=True):
    """A landing page's subject, from taxonomy.yml; ``intro`` is the writer's text from ``content/topics/``."""

    slug: Slug
    title: PlainText
    description: PlainText = PlainText("")
    icon: str = ""
    parent: Slug | None = None
    titles: tuple[tuple[str, PlainText], ...] = ()
    intro: SafeHtml = SafeHtml("")
    featured: tuple[Ref, ...] = ()
    was: tuple[Slug, ...] = ()


class Tag(Struct, frozen=True):
    """A word of the closed vocabulary."""

    slug: Slug
    title: PlainText
    description: PlainText = PlainText("")
    parent: Slug | None = None
    was: tuple[Slug, ...] = ()


class Head(Struct, frozen=True):
    """What clustering has to know of a publishable thread, so that bodies stay in the store.

    Attributes:
        strength: how good a lead it would be (curate.merge says how it is computed); higher is better.
    """

    ref: Ref
    title: PlainText
    lang: str
    fingerprint: str
    duplicate_of: tuple[Ref, ...]
    strength: float
    created: datetime | None = None


class Cluster(Struct, frozen=True):
    """The threads merged into one entry.

    Attributes:
        members: the lead first, then by ref.
        evidence: ref to why it is here (``declared``, ``exact``, ``overlay:<file>``); the lead has ``lead``.
    """

    lead: Ref
    members: tuple[Ref, ...]
    evidence: tuple[tuple[Ref, str], ...] = ()


class Taxonomy(Struct, frozen=True):
    """The closed vocabulary of ``site_config/taxonomy.yml``.

    Attributes:
        synonyms: lower-case word to tag, the tag's own slug and title included.
        mapped: source name to that source's tag to ours.
        tag_topics: tag to the topics it places an item in, most specific first.
        category_topics: source name to category (name, slug or id, lower case) to topic.
        open: source tags the vocabulary does not know become tags as they are (no taxonomy.yml, or
            ``unmapped: keep`` in it) instead of being reported only.
        digest: of everything curation depends on.
    """

    topics: tuple[Topic, ...] = ()
    tags: tuple[Tag, ...] = ()
    synonyms: dict[str, Slug] = {}
    mapped: dict[str, dict[str, Slug]] = {}
    tag_topics: dict[Slug, tuple[Slug, ...]] = {}
    category_topics: dict[str, dict[str, Slug]] = {}
    open: bool = True
    digest: str = ""


class Contributor(Struct, frozen=True):
    """An author as a people page knows them: one account of one source."""

    slug: Slug
    name: str
    url: str | None
    is_staff: bool
    source: str


class Summary(Struct, frozen=True):
    """An entry or article without its bodies: all that compiling the site needs of it.

    Attributes:
        slug: words for a new permalink; an assigned one never changes.
        threads: how many threads are merged here; ``source_url`` is the lead's own address.
        choice: the writer's ``canonical``; ``replaced`` whether the answer's text is the writer's.
        source: name of the lead's source.
        people: authors of the shown answers.
        digest: of the whole entry.
    """

    ref: Ref
    kind: Literal["entry", "article"]
    slug: Slug
    title: PlainText
    description: PlainText
    lang: str
    topics: tuple[Slug, ...]
    tags: tuple[Slug, ...]
    refs: tuple[Ref, ...]
    source: str
    source_url: str | None
    digest: str
    threads: int = 1
    answers: int = 0
    why: Why | None = None
    words: int = 0
    created: datetime | None = None
    updated: datetime | None = None
    score: float = 0.0
    pinned: bool = False
    replaced: bool = False
    choice: str | None = None
    path: str | None = None
    links: tuple[Ref, ...] = ()
    people: tuple[Contributor, ...] = ()


# --- site: what is on it, without bodies -----------------------------------------------------------------


class Card(Struct, frozen=True):
    """What a listing shows of an entry or an article, and what other pages link to it with."""

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


class Crumb(Struct, frozen=True):
    """One step of a breadcrumb trail; ``path`` is site-relative and starts with a slash."""

    title: str
    path: str


class Link(Struct, frozen=True):
    """A link inside the site with a count or a note beside it."""

    title: str
    path: str
    note: str = ""
    count: int | None = None
    lang: str = ""
    icon: str = ""


class Block(Struct, frozen=True):
    """A titled run of cards or links on a listing or the home page.

    Attributes:
        kind: what the block is, as a stable word for templates and CSS (``topics``, ``popular``, ``start-here``).
    """

    kind: str
    title: str
    cards: tuple[Card, ...] = ()
    links: tuple[Link, ...] = ()
    more: Link | None = None


class Listing(Struct, frozen=True):
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


class Page(Struct, frozen=True):
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
    """

    pages: dict[str, Page]
    redirects: dict[str, str | None]
    cards: dict[Ref, Card]
    permalinks: dict[Ref, str] = {}


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
