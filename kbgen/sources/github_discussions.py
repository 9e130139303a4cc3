"""GitHub Discussions: what a discussion, its comments and its chosen answer mean.

Comments are answers; replies to them are not, unless one is the chosen answer. What is NOT here: asking GitHub
(``github_live``), and mending its HTML (``github_html``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import msgspec
from msgspec import Struct
from pydantic import Field, SecretStr, field_validator

from kbgen.errors import RecordError
from kbgen.model import Person, Post, RawRecord, Solved, Thread
from kbgen.sources.base import SourceOptions
from kbgen.sources.fields import SiteUrl, read_time
from kbgen.sources.http import Client
from kbgen.sources.live import Known, LiveSource, Step, Walk

_STAFF = frozenset(("OWNER", "MEMBER", "COLLABORATOR"))
# RESOLVED is how a discussion is closed that went well.
_CLOSED = {"DUPLICATE": "duplicate", "OUTDATED": "outdated"}
_GHOST = "ghost"


class GitHubOptions(SourceOptions):
    """Keys of a ``kind: github-discussions`` source.

    Attributes:
        url: the repository, such as https://github.com/owner/name.
        token: needed by GitHub for public data, too; one without any permission will do.
        api: address of the GraphQL API; another one for GitHub Enterprise.
        only_solved: leave out discussions without a chosen answer.
        categories: names or slugs; by default all whose discussions can be answered.
        most_comments: of a discussion, and of replies to a comment.
    """

    url: SiteUrl
    token: SecretStr
    api: SiteUrl = "https://api.github.com/graphql"
    only_solved: bool = True
    categories: tuple[str, ...] = ()
    most_comments: int = Field(default=500, ge=50)

    @field_validator("url")
    @classmethod
    def _is_repository(cls, value: str) -> str:
        if len([part for part in value.split("/")[3:] if part]) != 2:
            raise ValueError("must be the address of a repository, such as https://github.com/owner/name")
        return value


class _Actor(Struct):
    login: str = ""
    url: str | None = None


class _Named(Struct):
    name: str = ""
    slug: str = ""


class _Labels(Struct):
    nodes: list[_Named] = []


class _Comment(Struct, rename="camel"):
    id: str
    url: str
    body_html: str = msgspec.field(default="", name="bodyHTML")
    database_id: int | None = None
    created_at: str | None = None
    last_edited_at: str | None = None
    deleted_at: str | None = None
    upvote_count: int | None = None
    author: _Actor | None = None
    author_association: str = ""
    is_answer: bool = False
    is_minimized: bool = False
    replies: _Comments | None = None


class _Comments(Struct):
    nodes: list[_Comment] = []


class _Discussion(_Comment, rename="camel"):
    number: int = 0
    title: str = ""
    updated_at: str | None = None
    closed: bool = False
    state_reason: str | None = None
    answer_chosen_at: str | None = None
    answer_chosen_by: _Actor | None = None
    category: _Named | None = None
    labels: _Labels | None = None
    answer: _Comment | None = None
    comments: _Comments = msgspec.field(default_factory=_Comments)


class GitHubDiscussionsSource(LiveSource):
    """The discussions of one repository."""

    kind = "github-discussions"
    Options = GitHubOptions

    @property
    def _options(self) -> GitHubOptions:
        return cast("GitHubOptions", self.options)

    def steps(self, client: Client, known: Known, walk: Walk) -> Iterator[Step]:
        """Ask GitHub."""
        # Here, because a build offline opens sources and asks none.
        from kbgen.sources.github_live import LiveRepository, Wishes  # noqa: PLC0415

        options = self._options
        owner, name = options.url.split("/")[-2:]
        wishes = Wishes(
            api=options.api,
            owner=owner,
            name=name,
            token=options.token.get_secret_value(),
            only_solved=options.only_solved,
            categories=frozenset(word.lower() for word in options.categories),
            most_comments=options.most_comments,
        )
        yield from LiveRepository(wishes, client, self._made).steps(known, walk)

    def _made(self, node: dict[str, Any]) -> RawRecord:
        url = f"{self._options.url}/discussions/{node['number']}"
        return self.record(node["number"], "thread", url, {"discussion": _without_hidden_words(node)}, url)

    def parse(self, record: RawRecord) -> Thread:
        """What a discussion means."""
        place = record.place or record.ref
        try:
            found = msgspec.json.decode(record.payload, type=dict[str, _Discussion], strict=False)["discussion"]
            return self._thread(record, found)
        except (msgspec.DecodeError, KeyError, ValueError) as error:
            raise RecordError(place, f"is not a discussion as GitHub writes it: {error}") from error

    def _thread(self, record: RawRecord, found: _Discussion) -> Thread:
        title = found.title.strip()
        if not title:
            raise ValueError("it has no title")
        warnings: list[str] = []
        answers = list(_answers(found))
        return Thread(
            ref=record.ref,
            url=f"{self._options.url}/discussions/{found.number}",
            title=title,
            question=self._post(found),
            answers=tuple(self._post(answer) for answer in answers),
            solved=_solved(found, answers, warnings),
            created=read_time(found.created_at),
            updated=read_time(found.updated_at) or read_time(found.created_at),
            tags=tuple(label.name for label in found.labels.nodes) if found.labels else (),
            category=tuple(dict.fromkeys((found.category.name, found.category.slug))) if found.category else (),
            visibility="hidden" if found.is_minimized else "public",
            closed=_CLOSED.get(found.state_reason or "") if found.closed else None,
            lang=self.options.lang,
            warnings=tuple(warnings),
        )

    def _post(self, post: _Comment) -> Post:
        # Here, because a build with nothing new opens sources and never parses.
        from kbgen.sources.github_html import plain_github  # noqa: PLC0415

        return Post(
            id=_id(post),
            url=post.url,
            html=plain_github(post.body_html, self._options.url),
            author=self._person(post),
            created=read_time(post.created_at),
            edited=read_time(post.last_edited_at),
            score=post.upvote_count,
            hidden=post.is_minimized,
            deleted=post.deleted_at is not None,
        )

    def _person(self, post: _Comment) -> Person:
        if post.author is None or not post.author.login:
            return Person("", _GHOST, deleted=True)
        name = post.author.login
        staff = post.author_association in _STAFF or name.lower() in {one.lower() for one in self.options.staff}
        return Person(name, name, post.author.url, is_staff=staff)


def _id(post: _Comment) -> str:
    return post.id if post.database_id is None else str(post.database_id)


def _answers(found: _Discussion) -> Iterator[_Comment]:
    """The comments, and the chosen answer wherever it stands: it may be a reply."""
    chosen = found.answer
    for comment in found.comments.nodes:
        yield comment
        for reply in comment.replies.nodes if comment.replies else ():
            if reply.is_answer or (chosen is not None and reply.id == chosen.id):
                chosen = None
                yield reply
        if chosen is not None and comment.id == chosen.id:
            chosen = None
    if chosen is not None:
        yield chosen


def _solved(found: _Discussion, answers: list[_Comment], warnings: list[str]) -> tuple[Solved, ...]:
    chosen = found.answer
    if chosen is None:
        return ()
    answer = next((one for one in answers if one.id == chosen.id), chosen)
    if answer.is_minimized or answer.deleted_at is not None:
        state = "hidden" if answer.is_minimized else "deleted"
        warnings.append(f"The chosen answer, comment {_id(answer)}, is {state}; it counts as not chosen.")
        return ()
    by = found.answer_chosen_by.login if found.answer_chosen_by else None
    return (Solved(_id(answer), "accepted", read_time(found.answer_chosen_at), by),)


def _without_hidden_words(value: object) -> object:
    """A discussion without the words of comments that were hidden or deleted."""
    if isinstance(value, list):
        return [_without_hidden_words(one) for one in value]
    if not isinstance(value, dict):
        return value
    kept = {name: _without_hidden_words(inner) for name, inner in value.items() if name != "pageInfo"}
    return {**kept, "bodyHTML": ""} if kept.get("isMinimized") or kept.get("deletedAt") else kept
