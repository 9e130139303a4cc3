"""Untrusted: what a platform's payload says. All text in here is hostile."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from kbgen.model.terms import RecordKind, Ref, SolvedBy, Visibility, make_ref, split_ref


class RawRecord(Struct, frozen=True):
    """One harvested record, verbatim.

    Attributes:
        payload: the platform's own JSON (UTF-8 bytes), or JSON of the attributes of its XML rows.
        digest: of the payload; the only change signal that works on every platform.
        place: file (and line or member) the record came from, for messages; not identity.
        partial: the input broke off and something of the record may be missing; it never replaces a stored one.
        signature: what the platform's list, or a look at the input, said of the item; while that stands, it is not
            fetched or read again.
    """

    ref: Ref
    kind: RecordKind
    url: str
    payload: bytes
    digest: str
    place: str = ""
    partial: bool = False
    signature: str = ""


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
    """One accepted answer and how we know.

    Attributes:
        confidence: 0 to 1, how sure the source is that this post is the answer; 1 for a platform's own mark.
    """

    post_id: str
    how: SolvedBy
    at: datetime | None = None
    by: str | None = None
    confidence: float = 1.0


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
        family: native id, or ref, that it shares with its versions in other languages; "" when that is its own.
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
    family: str = ""


def family_of(ref: Ref, article: Article) -> Ref:
    """The ref that all language versions of an article share; its own when nothing is said."""
    if ":" in article.family or not article.family:
        return Ref(article.family) or ref
    return make_ref(split_ref(ref)[0], article.family)
