"""A Zendesk Help Center: articles of the company, and its community (Gather) with official comments as answers.

What is NOT here: asking for them (``zendesk_live``). Fields as developer.zendesk.com/api-reference/help_center has
them.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import Self, cast

import msgspec
from msgspec import Struct
from pydantic import Field, SecretStr, model_validator

from kbgen.errors import RecordError
from kbgen.model import Article, Person, Post, RawRecord, Solved, Thread
from kbgen.sources.base import SourceOptions
from kbgen.sources.fields import SiteUrl, read_time
from kbgen.sources.http import Client
from kbgen.sources.live import Known, LiveSource, Step, Walk

_STAFF = ("agent", "admin", "manager", "moderator")
_SOMEBODY = "Community member"


class ZendeskOptions(SourceOptions):
    """Keys of a ``kind: zendesk`` source.

    Attributes:
        url: the Help Center's address, ``https://SUBDOMAIN.zendesk.com`` or the one of your own; one brand each.
        locales: of the articles that are read.
        articles: whether articles are read.
        community: whether the community's posts are read.
        email: of the agent in whose name ``api_token`` asks.
        api_token: for a Help Center that anonymous visitors cannot read; what is for some readers only stays out.
    """

    url: SiteUrl
    locales: tuple[str, ...] = Field(default=("en-us",), min_length=1)
    articles: bool = True
    community: bool = True
    email: str | None = None
    api_token: SecretStr | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if not (self.articles or self.community):
            raise ValueError("`articles` and `community` are both false: nothing would be read; set one, or remove it")
        if (self.email is None) != (self.api_token is None):
            raise ValueError("`email` and `api_token` belong together; set both or none")
        return self


class _Article(Struct):
    id: int
    locale: str
    title: str | None = None
    name: str | None = None
    body: str | None = None
    html_url: str | None = None
    label_names: list[str] | None = None
    created_at: str | None = None
    updated_at: str | None = None
    edited_at: str | None = None
    draft: bool = False


class _ArticlePayload(Struct):
    article: _Article
    category: list[str] = []


class _Comment(Struct):
    id: int
    body: str | None = None
    html_url: str | None = None
    author_id: int | None = None
    official: bool = False
    vote_sum: int | None = None
    created_at: str | None = None
    updated_at: str | None = None


class _Question(Struct):
    id: int
    title: str = ""
    details: str | None = None
    html_url: str | None = None
    author_id: int | None = None
    closed: bool = False
    status: str | None = None
    vote_sum: int | None = None
    created_at: str | None = None
    updated_at: str | None = None
    non_author_updated_at: str | None = None


class _User(Struct):
    id: int
    name: str | None = None
    role: str | None = None


class _Topic(Struct):
    id: int | None = None
    name: str | None = None


class _PostPayload(Struct):
    post: _Question
    comments: list[_Comment] = []
    users: list[_User] = []
    topic: _Topic | None = None


class ZendeskSource(LiveSource):
    """A Zendesk Help Center."""

    kind = "zendesk"
    Options = ZendeskOptions

    @property
    def _options(self) -> ZendeskOptions:
        return cast("ZendeskOptions", self.options)

    def steps(self, client: Client, known: Known, walk: Walk) -> Iterator[Step]:
        """Read the articles, then the community's posts with their comments."""
        from kbgen.sources.zendesk_live import HelpCenter, Wishes  # noqa: PLC0415 - a build with nothing new never asks

        options = self._options
        parts = {name for name, wanted in (("articles", options.articles), ("community", options.community)) if wanted}
        wishes = Wishes(options.url, self._headers(), options.locales, frozenset(parts))
        yield from HelpCenter(wishes, client, self.record).steps(known, walk)

    def _headers(self) -> dict[str, str]:
        if self._options.api_token is None:
            return {}
        login = f"{self._options.email}/token:{self._options.api_token.get_secret_value()}"
        return {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}

    def parse(self, record: RawRecord) -> Thread | Article:
        """Make an article, or a thread of a post and its comments."""
        try:
            if record.kind == "article":
                return self._article(record, msgspec.json.decode(record.payload, type=_ArticlePayload, strict=False))
            payload = msgspec.json.decode(record.payload, type=_PostPayload, strict=False)
            return _Reader(self._options, record, payload).thread()
        except (msgspec.DecodeError, ValueError) as error:
            problem = f"is not what a Help Center gives: {error}"
            raise RecordError(record.ref, f"{problem}; harvest it again, or report the fault") from error

    def _article(self, record: RawRecord, payload: _ArticlePayload) -> Article:
        from kbgen.sources.markup import plain_post, read_html, words_of  # noqa: PLC0415

        article = payload.article
        html = plain_post(article.body or "", record.url)
        body = read_html(html)
        return Article(
            ref=record.ref,
            title=article.title or article.name or "",
            html=html,
            text=words_of(body) if body is not None else "",
            url=record.url,
            tags=tuple(article.label_names or ()),
            category=tuple(payload.category),
            created=read_time(article.created_at),
            # ``updated_at`` moves with votes and labels as well.
            updated=read_time(article.edited_at or article.updated_at),
            draft=article.draft,
            lang=_language(article.locale),
            family=f"article-{article.id}",
        )


class _Reader:
    """Makes a thread of one post."""

    def __init__(self, options: ZendeskOptions, record: RawRecord, payload: _PostPayload) -> None:
        self._url = options.url
        self._staff = {member.lower() for member in options.staff}
        self._record = record
        self._payload = payload
        self._users = {user.id: user for user in payload.users}

    def thread(self) -> Thread:
        # Here, because a build with nothing new opens sources and never parses.
        from kbgen.sources.markup import plain_post  # noqa: PLC0415

        post, url = self._payload.post, self._record.url
        asked = Post(
            id=str(post.id),
            url=url,
            html=plain_post(post.details or "", url),
            author=self._person(post.author_id),
            created=read_time(post.created_at),
            edited=read_time(post.non_author_updated_at),
            score=post.vote_sum,
        )
        answers = tuple(self._answer(comment) for comment in self._payload.comments)
        solved = self._solved(self._payload.comments)
        topic = self._payload.topic
        return Thread(
            ref=self._record.ref,
            url=url,
            title=post.title,
            question=asked,
            answers=answers,
            solved=solved,
            created=asked.created,
            updated=read_time(post.updated_at),
            category=tuple(str(name) for name in (topic.name, topic.id) if name) if topic else (),
            closed="closed" if post.closed else None,
            warnings=self._warnings(solved),
        )

    def _warnings(self, solved: Sequence[Solved]) -> tuple[str, ...]:
        if self._payload.post.status == "answered" and not solved:
            return ("The post is marked as answered, but no comment is official: it has no accepted answer.",)
        return ()

    def _solved(self, comments: Sequence[_Comment]) -> tuple[Solved, ...]:
        return tuple(Solved(str(comment.id), "accepted") for comment in comments if comment.official)

    def _answer(self, comment: _Comment) -> Post:
        from kbgen.sources.markup import plain_post  # noqa: PLC0415

        created, updated = read_time(comment.created_at), read_time(comment.updated_at)
        return Post(
            id=str(comment.id),
            url=comment.html_url or self._record.url,
            html=plain_post(comment.body or "", self._record.url),
            author=self._person(comment.author_id),
            created=created,
            edited=updated if updated != created else None,
            score=comment.vote_sum,
        )

    def _person(self, number: int | None) -> Person:
        user = self._users.get(number or 0)
        if number is None or number < 1:
            return Person("", "Deleted user", deleted=True)
        name = (user.name if user else None) or _SOMEBODY
        staff = bool(user and user.role in _STAFF) or not self._staff.isdisjoint({name.lower(), str(number)})
        return Person(str(number), name, f"{self._url}/hc/profiles/{number}", is_staff=staff)


def _language(locale: str) -> str:
    """``en-us`` as BCP 47 has it, ``en-US``."""
    language, _, region = locale.partition("-")
    return f"{language}-{region.upper() if len(region) == 2 else region.title()}" if region else language
