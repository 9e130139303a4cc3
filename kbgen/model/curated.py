"""Curated: text behind the trust boundary, what was decided about it, and the vocabulary it is sorted by."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from msgspec import Struct

from kbgen.model.harvested import Article, Person
from kbgen.model.terms import Outcome, PlainText, RecordKind, Ref, SafeHtml, Slug, Why


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


INFERRED = ("parent:", "words:")
"""Beginnings of why a tag is on an item that nobody gave it: it follows from another tag, or from the item's words."""


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
        source_tags: a thread's tags as its platform has them, so that another taxonomy can place it anew.
        category: of a thread, path of category names or ids, outermost first; for the same.
        redacted: kinds of secrets and personal data taken out (``email``, ``phone``, ``token``).
        signs: what speaks against the best answer (``update:a later reply says ...``), see ``curate.staleness``.
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
    source_tags: tuple[PlainText, ...] = ()
    category: tuple[PlainText, ...] = ()
    lang: str = "en"
    created: datetime | None = None
    updated: datetime | None = None
    views: int | None = None
    fingerprint: str = ""
    duplicate_of: tuple[Ref, ...] = ()
    redacted: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    article: Article | None = None
    signs: tuple[str, ...] = ()


class Overlay(Struct, frozen=True):
    """What a writer decided about one thread, from ``content/curated/``. None and empty mean "as harvested".

    Attributes:
        reviewed: when the writer last read the thread.
    """

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
    reviewed: date | None = None


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
        doubted: the page says that something speaks against the best answer.
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
    doubted: bool = False
    digest: str = ""


class ArticleEntry(Struct, frozen=True):
    """A staff article fit to be shown. ``html`` is "" when the site engine renders the file (``path`` is set).

    ``family`` is the same for all its language versions, see ``Summary``.
    """

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
    family: str = ""


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
        words: digest of title, question and language: all that tagging and comparing read; votes and views do not move
            it.
        tags: those a person gave it, by way of the taxonomy; neither parents, nor learnt ones, nor those of its words.
        unmapped: as of ``Curated``.
        signs: as of ``Curated``.
        compared: digest of all that comparing reads; "" in what an older version made.
    """

    ref: Ref
    title: PlainText
    lang: str
    fingerprint: str
    duplicate_of: tuple[Ref, ...]
    strength: float
    created: datetime | None = None
    words: str = ""
    tags: tuple[Slug, ...] = ()
    unmapped: tuple[str, ...] = ()
    signs: tuple[str, ...] = ()
    compared: str = ""


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
        said: phrase, as it is written in ``words``, to the tag of untagged threads that say it.
        open: source tags the vocabulary does not know become tags as they are (no taxonomy.yml, or
            ``unmapped: keep`` in it) instead of being reported only.
        digest: of all of it; what places an item has a key of its own (``curate.tagging.vocabulary_key``).
    """

    topics: tuple[Topic, ...] = ()
    tags: tuple[Tag, ...] = ()
    synonyms: dict[str, Slug] = {}
    mapped: dict[str, dict[str, Slug]] = {}
    tag_topics: dict[Slug, tuple[Slug, ...]] = {}
    category_topics: dict[str, dict[str, Slug]] = {}
    said: dict[str, Slug] = {}
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
        images: addresses of the images its texts name; ``undescribed`` counts those of which nothing is said.
        digest: of the whole entry.
        family: ref that all language versions of an article share; "" for an entry.
        stems: of its title's words, parted by spaces: what it is related to others by.
        sections: names of an article's headings; none where the site engine makes them.
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
    images: tuple[str, ...] = ()
    undescribed: int = 0
    family: str = ""
    stems: str = ""
    sections: tuple[str, ...] = ()
