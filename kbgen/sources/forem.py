"""Forem communities such as DEV: an organisation's or author's articles, and posts under a tag as threads.

Forem has no accepted answers. A comment the asker thanks for is taken for the answer with little confidence, which is
for a person to judge. What is NOT here: posts nobody named in the configuration. API v1, developers.forem.com/api/v1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self, cast
from urllib.parse import quote

import msgspec
from lxml import etree
from msgspec import Struct
from pydantic import Field, SecretStr, model_validator

from kbgen.errors import RecordError, SourceError
from kbgen.model import Article, Person, Post, RawRecord, RecordKind, Solved, Thread
from kbgen.sources.base import Harvested, SourceOptions
from kbgen.sources.fields import SiteUrl, read_time
from kbgen.sources.http import Client, Params, Reply
from kbgen.sources.live import Known, LiveSource, Step, Walk
from kbgen.sources.sweep import sweep

_GONE = (401, 403, 404, 410)
_BATCH = 5
_PAGE = 100
_TOO_MANY_PAGES = 10_000
_ACCEPT = "application/vnd.forem.api-v1+json"
_SIGNED = ("title", "url", "canonical_url", "edited_at", "published_at", "last_comment_at", "comments_count")
_ARTICLE = (
    *("id", "title", "description", "slug", "path", "url", "canonical_url", "created_at", "edited_at", "published_at"),
    *("last_comment_at", "tag_list", "tags", "body_html", "public_reactions_count", "page_views_count", "language"),
)
_USER = ("user_id", "username", "name")
_DELETED = "[deleted]"
_DECORATION = ("highlight__panel", "comment-date", "ltag__user__link__profile__image")


class ForemOptions(SourceOptions):
    """Keys of a ``kind: forem`` source; one of ``organization``, ``authors`` and ``tags`` is needed.

    Attributes:
        url: the community's address.
        organization: its name in addresses; all its posts are staff articles.
        authors: user names whose posts are staff articles.
        tags: posts under one of them are threads, with comments as answers.
        thanks_confidence: how sure it is that a comment is the answer when the asker thanks below it; 0 never says so.
        api_key: for a community that anonymous visitors cannot read.
    """

    url: SiteUrl
    organization: str | None = None
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    thanks_confidence: float = Field(default=0.4, ge=0, le=1)
    api_key: SecretStr | None = None

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if not (self.organization or self.authors or self.tags):
            raise ValueError("names nothing to read; set `organization`, `authors` or `tags`")
        return self


class _User(Struct):
    user_id: int | None = None
    username: str | None = None
    name: str | None = None


class _Article(Struct):
    id: int
    title: str = ""
    description: str | None = None
    url: str = ""
    canonical_url: str | None = None
    created_at: str | None = None
    published_at: str | None = None
    edited_at: str | None = None
    last_comment_at: str | None = None
    tag_list: list[str] | str | None = None
    tags: list[str] | str | None = None
    body_html: str | None = None
    public_reactions_count: int | None = None
    page_views_count: int | None = None
    user: _User | None = None


class _Comment(Struct):
    id_code: str
    body_html: str | None = None
    created_at: str | None = None
    user: _User | None = None
    children: list[_Comment] = []


class _Payload(Struct):
    article: _Article
    comments: list[_Comment] = []


class ForemSource(LiveSource):
    """A Forem community."""

    kind = "forem"
    Options = ForemOptions

    @property
    def _options(self) -> ForemOptions:
        return cast("ForemOptions", self.options)

    def steps(self, client: Client, known: Known, walk: Walk) -> Iterator[Step]:
        """Read the lists, whole in every pass, and fetch what changed; everything in a full pass."""
        found = _Pass(self, self._options, client)
        yield from sweep(found.index(), known, walk, found.fetch, batch=_BATCH)

    def parse(self, record: RawRecord) -> Thread | Article:
        """Make an article, or a thread of a post and its comments."""
        try:
            payload = msgspec.json.decode(record.payload, type=_Payload, strict=False)
            if record.kind == "article":
                return self._article(record, payload.article)
            return _Reader(self._options, record, payload).thread()
        except (msgspec.DecodeError, ValueError) as error:
            problem = f"is not a post as Forem gives it: {error}"
            raise RecordError(record.ref, f"{problem}; harvest it again, or report the fault") from error

    def _article(self, record: RawRecord, article: _Article) -> Article:
        from kbgen.sources.markup import read_html, words_of  # noqa: PLC0415

        html = _plain(article, record.url)
        body = read_html(html)
        return Article(
            ref=record.ref,
            title=article.title,
            html=html,
            text=words_of(body) if body is not None else "",
            # A post first published elsewhere names that place itself.
            url=article.canonical_url or record.url,
            description=article.description or "",
            tags=_tags(article.tag_list, article.tags),
            created=read_time(article.published_at or article.created_at),
            updated=read_time(article.edited_at or article.published_at),
        )


class _Pass:
    """One pass over a community."""

    def __init__(self, source: ForemSource, options: ForemOptions, client: Client) -> None:
        self._source = source
        self._options = options
        self._client = client
        key = options.api_key
        self._headers = {"api-key": key.get_secret_value()} if key is not None else {}

    def index(self) -> dict[str, str]:
        """Post id to signature, of everything the configuration names."""
        options = self._options
        signatures: dict[str, str] = {}
        if options.organization:
            signatures |= self._list(f"organizations/{quote(options.organization, safe='')}/articles", {})
        for author in options.authors:
            signatures |= self._list("articles", {"username": author})
        for tag in options.tags:
            signatures |= self._list("articles", {"tag": tag})
        return signatures

    def _list(self, path: str, wanted: Params) -> dict[str, str]:
        found: dict[str, str] = {}
        for page in range(1, _TOO_MANY_PAGES):
            reply = self._get(path, {**wanted, "page": page, "per_page": _PAGE})
            listed = reply.json() if reply else None
            if not isinstance(listed, list):
                named = ", ".join(str(value) for value in wanted.values()) or path
                problem = f"no posts can be read for {named}; check the name and `url`, or set `api_key`"
                raise SourceError(f"{self._options.url}/api/{path}: {problem}")
            new = {str(one["id"]): _signature(one) for one in listed if str(one.get("id")) not in found}
            found |= new
            # A server may give fewer a page than were asked for: only an empty page is the end.
            if not new:
                break
        return found

    def _get(self, path: str, params: Params) -> Reply | None:
        address = f"{self._options.url}/api/{path}"
        reply = self._client.get(address, params=params, headers=self._headers, accept=_ACCEPT, handled=_GONE)
        return reply if reply.status == 200 else None

    def fetch(self, numbers: Sequence[str]) -> Iterator[tuple[str, Harvested | None]]:
        """Get posts, with their comments where they are threads."""
        for number in numbers:
            yield number, self._record(number)

    def _record(self, number: str) -> Harvested | None:
        reply = self._get(f"articles/{number}", {})
        found = reply.document(id=object) if reply else {}
        kind = self._kind(found)
        if kind is None or not found.get("published_at"):
            return None
        article: dict[str, Any] = {key: found[key] for key in _ARTICLE if key in found}
        article["user"] = _credit(found.get("user"))
        payload: dict[str, Any] = {"article": article}
        if kind == "thread":
            said = self._get("comments", {"a_id": number})
            payload["comments"] = [_comment(one) for one in cast("list[Any]", said.json())] if said else []
        # What cannot be read does not take the place of what could.
        msgspec.convert(payload, _Payload, strict=False)
        address = str(found.get("url") or f"{self._options.url}{found.get('path') or ''}")
        return self._source.record(number, kind, address, payload, address)

    def _kind(self, article: Mapping[str, Any]) -> RecordKind | None:
        """What a post is by its own words; None when it is none of what the configuration names any more."""
        options = self._options
        user, organization = article.get("user") or {}, article.get("organization") or {}
        named = options.organization and organization.get("slug", organization.get("username")) == options.organization
        if named or str(user.get("username")).lower() in {author.lower() for author in options.authors}:
            return "article"
        tags = {tag.lower() for tag in _tags(article.get("tag_list"), article.get("tags"))}
        return "thread" if not tags.isdisjoint(tag.lower() for tag in options.tags) else None


class _Reader:
    """Makes a thread of one post and its comments."""

    def __init__(self, options: ForemOptions, record: RawRecord, payload: _Payload) -> None:
        self._options = options
        self._record = record
        self._payload = payload
        self._staff = {member.lower() for member in options.staff}

    def thread(self) -> Thread:
        article = self._payload.article
        answers = tuple(self._post(comment) for comment in _flat(self._payload.comments))
        return Thread(
            ref=self._record.ref,
            url=self._record.url,
            title=article.title,
            question=Post(
                id=str(article.id),
                url=self._record.url,
                html=_plain(article, self._record.url),
                author=self._person(article.user),
                created=read_time(article.published_at or article.created_at),
                edited=read_time(article.edited_at),
                score=article.public_reactions_count,
            ),
            answers=answers,
            solved=self._thanked(),
            created=read_time(article.published_at or article.created_at),
            updated=read_time(article.last_comment_at),
            tags=_tags(article.tag_list, article.tags),
            views=article.page_views_count,
        )

    def _thanked(self) -> tuple[Solved, ...]:
        """The comment the asker thanks for in a reply right below it; the last one, for earlier ones did not help."""
        from kbgen.sources.conventions import is_thanks  # noqa: PLC0415

        asker = self._payload.article.user
        sure = self._options.thanks_confidence
        if sure == 0 or asker is None or asker.user_id is None:
            return ()
        found: list[_Comment] = []
        for comment in _flat(self._payload.comments):
            replies = (one for one in comment.children if one.user and one.user.user_id == asker.user_id)
            by_other = comment.user is not None and comment.user.user_id not in (None, asker.user_id)
            if by_other and any(is_thanks(_words(reply)) for reply in replies):
                found.append(comment)
        found.sort(key=lambda one: one.created_at or "")
        return tuple(Solved(one.id_code, "tag", read_time(one.created_at), confidence=sure) for one in found[-1:])

    def _post(self, comment: _Comment) -> Post:
        from kbgen.sources.markup import plain_post  # noqa: PLC0415

        login = comment.user.username if comment.user else None
        place = f"{self._options.url}/{quote(login, safe='')}/comment/{comment.id_code}" if login else None
        return Post(
            id=comment.id_code,
            url=place or f"{self._record.url}#comment-{comment.id_code}",
            html=plain_post(comment.body_html or "", self._record.url, drop=_DECORATION),
            author=self._person(comment.user),
            created=read_time(comment.created_at),
            deleted=login is None,
        )

    def _person(self, user: _User | None) -> Person:
        """A deleted account leaves an empty user."""
        if user is None or not user.username:
            return Person("", _DELETED, deleted=True)
        number = str(user.user_id or user.username)
        name = user.name or user.username
        staff = not self._staff.isdisjoint({name.lower(), user.username.lower(), number})
        return Person(number, name, f"{self._options.url}/{quote(user.username, safe='')}", is_staff=staff)


def _flat(comments: Sequence[_Comment]) -> Iterator[_Comment]:
    """A tree of comments as readers see it, from above."""
    waiting = list(reversed(comments))
    while waiting:
        comment = waiting.pop()
        yield comment
        waiting.extend(reversed(comment.children))


def _words(comment: _Comment) -> str:
    from kbgen.sources.markup import read_html, words_of  # noqa: PLC0415

    body = read_html(comment.body_html or "")
    return "" if body is None else words_of(body)


def _plain(article: _Article, page: str) -> str:
    """The body, with what Liquid tags embed as links to it."""
    from kbgen.sources.markup import plain_post, read_html, words_of, write_html  # noqa: PLC0415

    html = article.body_html or ""
    body = read_html(html) if "ltag" in html else None
    if body is None:
        return plain_post(html, page, drop=_DECORATION)
    for element in list(body.iter(etree.Element)):
        if not (element.get("class") or "").startswith("ltag") or element.getparent() is None:
            continue
        link = next((one for one in element.iter("a") if one.get("href")), None)
        if link is not None:
            tail, address, words = element.tail, link.get("href"), words_of(link)
            element.clear()
            element.tag, element.tail = "p", tail
            anchor = etree.SubElement(element, "a", {"href": str(address)})
            anchor.text = words or str(address)
    return plain_post(write_html(body), page, drop=_DECORATION)


def _tags(*given: object) -> tuple[str, ...]:
    """Tags: in lists of posts ``tag_list`` is a list and ``tags`` a string, in a single post the other way round."""
    for tags in given:
        if isinstance(tags, list):
            return tuple(str(tag) for tag in tags)
    text = next((tags for tags in given if isinstance(tags, str)), "")
    return tuple(tag.strip() for tag in text.split(",") if tag.strip())


def _signature(article: Mapping[str, Any]) -> str:
    parts = [article.get(key) for key in _SIGNED] + list(_tags(article.get("tag_list"), article.get("tags")))
    return hashlib.blake2b(msgspec.json.encode(parts), digest_size=12).hexdigest()


def _credit(user: object) -> dict[str, Any]:
    """Of a person only what credits them."""
    return {key: user[key] for key in _USER if key in user} if isinstance(user, dict) else {}


def _comment(comment: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: comment[key] for key in ("id_code", "body_html", "created_at") if key in comment}
    children = [_comment(one) for one in comment.get("children") or ()]
    return {**kept, "user": _credit(comment.get("user")), "children": children}
