"""Khoros (Lithium) communities by their query language, LiQL.

Every pass reads the list of threads and the list of accepted solutions, a thousand a request, for no other signal
tells of accepts and un-accepts; threads are fetched when one of the lists says something new, and all in a full pass.
What is NOT here: the posts' HTML (``khoros_html``), and communities whose API is closed (``web`` reads their pages).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import unescape
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urljoin, urlsplit, urlunsplit

import msgspec
from msgspec import Struct
from pydantic import Field, SecretStr

from kbgen.errors import RecordError, SourceError
from kbgen.model import Article, Person, Post, RawRecord, RecordKind, Solved, Thread
from kbgen.sources.base import Harvested, SourceOptions
from kbgen.sources.fields import SiteUrl, read_time
from kbgen.sources.http import Client
from kbgen.sources.live import Known, LiveSource, Step, Walk
from kbgen.sources.sweep import sweep

_LIST, _POSTS, _BATCH = 1000, 500, 10
_ARTICLES = "tkb"
_THREAD_FIELDS = "id, view_href, conversation.last_post_time, conversation.solved, current_revision.last_edit_time"
_FIELDS = (
    "id, subject, body, view_href, post_time, current_revision.last_edit_time, author.id, author.login,"
    " author.view_href, author.rank.name, board.id, board.title, conversation.solved, conversation.style,"
    " conversation.last_post_time,"
    " topic.id, depth, is_solution, kudos.sum(weight), metrics.views, tags, labels,"
    " read_only, deleted, visibility_scope"
)
_Shape = TypeVar("_Shape")


class KhorosOptions(SourceOptions):
    """Keys of a ``kind: khoros`` source.

    Attributes:
        url: the community's address, without ``/t5``.
        session_key: for communities whose API wants a login; of an account that sees no more than a visitor does.
        styles: of the boards that are read; ``tkb`` boards give articles.
        boards: ids of the boards that are read; default: all.
        only_solved: leave out threads without an accepted solution.
        most_posts: of a thread.
    """

    url: SiteUrl
    session_key: SecretStr | None = None
    styles: tuple[str, ...] = ("forum", "qanda")
    boards: tuple[str, ...] = ()
    only_solved: bool = True
    most_posts: int = Field(default=2_000, ge=1)


class _Rank(Struct):
    name: str | None = None


class _Author(Struct):
    id: str | None = None
    login: str | None = None
    view_href: str | None = None
    rank: _Rank | None = None


class _Board(Struct):
    id: str | None = None
    title: str | None = None


class _Conversation(Struct):
    solved: bool | None = None
    style: str | None = None
    last_post_time: str | None = None


class _Id(Struct):
    id: str


class _Revision(Struct):
    last_edit_time: str | None = None


class _Sum(Struct):
    weight: int | None = None


class _Kudos(Struct):
    sum: _Sum | None = None


class _Metrics(Struct):
    views: int | None = None


class _Word(Struct):
    text: str | None = None


class _Words(Struct):
    """A list of tags or labels; where the API gives its query only, it is empty."""

    items: list[_Word] = []


class _Message(Struct):
    id: str
    subject: str | None = None
    body: str | None = None
    view_href: str | None = None
    post_time: str | None = None
    current_revision: _Revision | None = None
    author: _Author | None = None
    board: _Board | None = None
    conversation: _Conversation | None = None
    topic: _Id | None = None
    depth: int | None = None
    is_solution: bool | None = None
    kudos: _Kudos | None = None
    metrics: _Metrics | None = None
    tags: _Words | list[_Word] | None = None
    labels: _Words | list[_Word] | None = None
    read_only: bool | None = None
    deleted: bool | None = None
    visibility_scope: str | None = None


class _Data(Struct):
    items: list[msgspec.Raw] = []
    next_cursor: str | None = None
    code: int | None = None
    developer_message: str | None = None


class _Answer(Struct):
    status: str
    message: str | None = None
    data: _Data | None = None


class _Payload(Struct):
    """A thread: its messages as the API gives them."""

    messages: list[_Message]


class KhorosSource(LiveSource):
    """A Khoros community."""

    kind = "khoros"
    Options = KhorosOptions

    def __init__(self, options: SourceOptions, project: Path) -> None:
        super().__init__(options, project)
        self._options = cast("KhorosOptions", options)

    def steps(self, client: Client, known: Known, walk: Walk) -> Iterator[Step]:
        """Read both lists, and the threads they say are new or other than before.

        Raises:
            SourceError: the API is closed, or refuses a query.
        """
        index = self._index(client)

        def fetch(numbers: Sequence[str]) -> Iterable[tuple[str, Harvested | None]]:
            return ((number, self._fetch(client, number)) for number in numbers)

        return sweep(index, known, walk, fetch, batch=_BATCH)

    def _index(self, client: Client) -> dict[str, str]:
        """Threads by id, with what tells that they have changed: last post, last edit, accepted solutions."""
        accepted: dict[str, list[str]] = {}
        for style in self._options.styles:
            where = f"is_solution = true AND conversation.style = {_quoted(style)}{self._boards()}"
            query = f"SELECT id, topic.id FROM messages WHERE {where} ORDER BY post_time ASC"  # noqa: S608
            for message in self._rows(client, query, _LIST, _Message) if style != _ARTICLES else ():
                if message.topic is not None:
                    accepted.setdefault(message.topic.id, []).append(message.id)
        index: dict[str, str] = {}
        for style in self._options.styles:
            solved = " AND conversation.solved = true" if self._options.only_solved and style != _ARTICLES else ""
            where = f"depth = 0 AND conversation.style = {_quoted(style)}{solved}{self._boards()}"
            query = f"SELECT {_THREAD_FIELDS} FROM messages WHERE {where} ORDER BY post_time ASC"  # noqa: S608
            for message in self._rows(client, query, _LIST, _Message):
                index[message.id] = _signature(message, accepted.get(message.id, []))
        return index

    def _boards(self) -> str:
        boards = ", ".join(map(_quoted, self._options.boards))
        return f" AND board.id IN ({boards})" if boards else ""

    def _fetch(self, client: Client, number: str) -> Harvested | None:
        query = f"SELECT {_FIELDS} FROM messages WHERE topic.id = {_quoted(number)} ORDER BY post_time ASC"  # noqa: S608
        rows = list(self._rows(client, query, _POSTS, msgspec.Raw, most=self._options.most_posts))
        try:
            found = [(row, msgspec.json.decode(row, type=_Message, strict=False)) for row in rows]
        except msgspec.DecodeError as error:
            return RecordError(f"{self._options.url}/t5/td-p/{number}", f"is not a thread as Khoros writes it: {error}")
        public = [(row, message) for row, message in found if _is_public(message)]
        first = next((message for _, message in public if message.id == number), None)
        if first is None or not self._is_wanted(first):
            return None
        kind: RecordKind = "article" if _style(first) == _ARTICLES else "thread"
        url = self._url(first)
        return self.record(number, kind, url, {"messages": [msgspec.json.decode(row) for row, _ in public]}, url)

    def _is_wanted(self, first: _Message) -> bool:
        style, solved = _style(first), bool(first.conversation and first.conversation.solved)
        return style in self._options.styles and (solved or style == _ARTICLES or not self._options.only_solved)

    def _rows(
        self, client: Client, query: str, limit: int, shape: type[_Shape], *, most: int | None = None
    ) -> Iterator[_Shape]:
        """All rows of a query; the cursor stands in single quotes, else it is a fault of grammar."""
        cursor, seen, count = "", set[str](), 0
        while True:
            data = self._ask(client, f"{query} LIMIT {limit}{cursor}")
            for item in data.items:
                yield msgspec.json.decode(item, type=shape, strict=False)
            count += len(data.items)
            if not data.next_cursor or data.next_cursor in seen or not data.items or (most and count >= most):
                return
            seen.add(data.next_cursor)
            cursor = f" CURSOR {_quoted(data.next_cursor)}"

    def _ask(self, client: Client, query: str) -> _Data:
        key = self._options.session_key
        headers = {} if key is None else {"li-api-session-key": key.get_secret_value()}
        url = f"{self._options.url}/api/2.0/search"
        reply = client.get(url, params={"q": query}, headers=headers, handled=(401, 403))
        if reply.status in {401, 403}:
            problem = "the community's API is closed to visitors"
            raise SourceError(f"{url}: {problem}; give a `session_key:`, or read its pages with `kind: web`")
        # A page to log in at is named as one there.
        reply.json()
        answer = _read_answer(reply.body, url)
        data = answer.data or _Data()
        # An error may come with status 200.
        if answer.status != "success":
            said = " ".join(filter(None, (answer.message, data.developer_message)))
            raise SourceError(f"{url} refuses the query {query[:80]!r}: {said or 'without a reason'}; run again later")
        return data

    def _url(self, message: _Message) -> str:
        address = message.view_href or f"/t5/forums/replypage/message-id/{message.id}"
        parts = urlsplit(urljoin(f"{self._options.url}/", address))
        path = parts.path.removesuffix("/jump-to/first-unread-message")
        # A thread's first message is a message too: its address as a thread is the canonical one.
        if message.depth == 0 and "/m-p/" in path:
            return urlunsplit(
                (parts.scheme, parts.netloc, path.replace("/m-p/", f"/{_kind_of_page(message)}/"), "", "")
            )
        return urlunsplit((parts.scheme, parts.netloc, path, "", parts.fragment))

    def parse(self, record: RawRecord) -> Thread | Article:
        """What a recorded thread means."""
        place = record.place or record.ref
        try:
            messages = msgspec.json.decode(record.payload, type=_Payload, strict=False).messages
            first = next((message for message in messages if message.depth == 0), None)
            title = " ".join(unescape(first.subject or "").split()) if first else ""
            if first is None or not title:
                raise RecordError(place, "the thread has no first message, or no title; harvest it again")
            if record.kind == "article":
                return self._article(record, first, title)
            return self._thread(record, first, [one for one in messages if one is not first], title)
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
            raise RecordError(place, f"is not a thread as Khoros writes it: {error}; harvest it again") from error

    def _thread(self, record: RawRecord, first: _Message, replies: list[_Message], title: str) -> Thread:
        answers = [message for message in replies if _is_public(message)]
        last = first.conversation.last_post_time if first.conversation else None
        question = self._post(first)
        return Thread(
            ref=record.ref,
            url=self._url(first).partition("#")[0],
            title=title,
            question=question,
            answers=tuple(self._post(message) for message in answers),
            solved=tuple(Solved(message.id, "accepted") for message in answers if message.is_solution),
            created=question.created,
            updated=read_time(last) or question.created,
            tags=_words(first),
            category=_category(first),
            views=first.metrics.views if first.metrics else None,
            visibility="public" if _is_public(first) else "deleted" if first.deleted else "private",
            closed="closed" if first.read_only else None,
            lang=self.options.lang,
        )

    def _article(self, record: RawRecord, first: _Message, title: str) -> Article:
        post = self._post(first)
        return Article(
            ref=record.ref,
            title=title,
            html=post.html,
            url=self._url(first).partition("#")[0],
            tags=_words(first),
            category=_category(first),
            created=post.created,
            updated=post.edited or post.created,
            owner=post.author.name,
            draft=not _is_public(first),
            lang=self.options.lang,
            licence=self.options.licence,
        )

    def _post(self, message: _Message) -> Post:
        # Here, because a build with nothing new opens sources and never parses.
        from kbgen.sources.khoros_html import plain_message  # noqa: PLC0415

        url = self._url(message)
        revision = message.current_revision
        edited = read_time(revision.last_edit_time) if revision else None
        created = read_time(message.post_time)
        return Post(
            id=message.id,
            url=url,
            html=plain_message(message.body or "", self._options.url, url),
            author=self._person(message.author or _Author()),
            created=created,
            edited=edited if edited != created else None,
            score=message.kudos.sum.weight if message.kudos and message.kudos.sum else None,
            deleted=bool(message.deleted),
        )

    def _person(self, author: _Author) -> Person:
        name = (author.login or "").strip()
        # A closed account keeps its posts and is called so by the platform.
        if not name or not author.id or author.id == "-1":
            return Person("", name or "Not applicable", deleted=True)
        rank = author.rank.name if author.rank and author.rank.name else ""
        listed = {one.casefold() for one in self.options.staff}
        staff = not listed.isdisjoint({author.id, name.casefold(), rank.casefold()} - {""})
        profile = author.view_href or f"/t5/user/viewprofilepage/user-id/{author.id}"
        return Person(author.id, name, urljoin(f"{self._options.url}/", profile), is_staff=staff)


def _read_answer(body: bytes, url: str) -> _Answer:
    try:
        return msgspec.json.decode(body, type=_Answer, strict=False)
    except msgspec.DecodeError as error:
        raise SourceError(f"{url} did not answer as Khoros does: {error}; is the address right?") from error


def _quoted(value: str) -> str:
    """A string of LiQL."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _signature(message: _Message, accepted: list[str]) -> str:
    last = message.conversation.last_post_time if message.conversation else ""
    edited = message.current_revision.last_edit_time if message.current_revision else ""
    return f"{last or ''} {edited or ''} {','.join(sorted(accepted))}"


def _is_public(message: _Message) -> bool:
    return not message.deleted and message.visibility_scope in {None, "", "public"}


def _style(message: _Message) -> str:
    return (message.conversation.style if message.conversation else None) or "forum"


def _kind_of_page(message: _Message) -> str:
    return {_ARTICLES: "ta-p", "idea": "idi-p", "qanda": "qaq-p"}.get(_style(message), "td-p")


def _category(message: _Message) -> tuple[str, ...]:
    board = message.board or _Board()
    return tuple(dict.fromkeys(name for name in (board.title, board.id) if name))


def _words(message: _Message) -> tuple[str, ...]:
    found: list[Any] = []
    for words in (message.labels, message.tags):
        found += words.items if isinstance(words, _Words) else words or []
    return tuple(dict.fromkeys(word.text for word in found if word.text))
