"""What forums read from SQL dumps share: options, how rows become a ``Thread``, and likely answers.

A dump holds everything, staff's own forums too, so the forums anybody may read are named in the configuration and
nothing else is ever taken. What is NOT here: the columns of one forum software.
"""

from __future__ import annotations

import codecs
import re
from abc import abstractmethod
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, TypeVar, cast

import msgspec
from msgspec import Struct
from pydantic import Field, field_validator

from kbgen.errors import RecordError, SourceError
from kbgen.model import Person, Post, RawRecord, Solved, Thread, Visibility
from kbgen.sources.base import MALFORMED, Harvested, Source, SourceOptions, stat_signature
from kbgen.sources.fields import SiteUrl
from kbgen.sources.sqldump_index import Fields, IndexedThread, SqlIndex, Table, indexed_sql
from kbgen.sources.sqldump_text import AUTO

ALL = "*"
_GUEST = "Guest"
_MARKED = r"(\s*[-:\u2013\u2014]?)\s*(?=\S)"
# Forums nest a few levels; the bound ends a loop of parents.
_DEEPEST = 12
_LONGEST_NUMBER = 19

_Row = TypeVar("_Row")


class SqlForumOptions(SourceOptions):
    """Keys of every source that is a forum's SQL dump.

    Attributes:
        url: the forum's address; links back are made from it.
        dump: the dump of its MySQL or MariaDB database, plain or compressed.
        forums: ids or names of the forums anybody may read; ``*`` for all of them. Forums below are named too.
        prefix: of the tables' names; found out when the dump holds one forum.
        charset: of the texts: ``auto``, or the name of a codec.
        solved_column: column of the threads' table that holds the accepted post's id.
        solved_prefixes: how a title or a thread's prefix begins when the thread is solved.
        solved_confidence: how sure it is that the answer found for such a thread is the right one.
        staff_groups: ids of user groups whose members' answers count as staff answers.
    """

    url: SiteUrl
    dump: str
    forums: tuple[str, ...] = Field(min_length=1)
    prefix: str | None = None
    charset: str = AUTO
    solved_column: str = ""
    solved_prefixes: tuple[str, ...] = ()
    solved_confidence: float = Field(default=0.3, ge=0, le=1)
    staff_groups: tuple[str, ...] = ()

    @field_validator("charset")
    @classmethod
    def _known_charset(cls, value: str) -> str:
        try:
            return value if value == AUTO else codecs.lookup(value).name
        except LookupError as error:
            raise ValueError("must be auto or an encoding, such as utf-8, cp1252 or cp1251") from error


class Member(NamedTuple):
    """A row of the users' table."""

    name: str
    groups: frozenset[str] = frozenset()


class Head(NamedTuple):
    """What a thread's row says.

    Attributes:
        created: Unix seconds, like every time here; 0 for unknown.
        first: id of the question's post, 0 where the row does not say.
        prefixes: labels of the thread beside its title.
    """

    title: str
    created: int
    updated: int
    first: int
    views: int | None
    visibility: Visibility
    closed: bool
    prefixes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


class Message(NamedTuple):
    """What a post's row says; ``name`` is the author's as the post remembers it."""

    id: int
    user: int
    name: str
    created: int
    edited: int
    text: str
    hidden: bool = False
    deleted: bool = False


class _Payload(Struct, omit_defaults=True):
    """A thread's rows; ``users`` by their ids, ``forums`` outermost first, ``prefix`` the label of the thread."""

    thread: Fields
    posts: list[Fields]
    users: dict[str, Fields]
    forums: list[str]
    prefix: str = ""
    users_known: bool = True


class SqlForum(Source):
    """A forum's SQL dump; a subclass knows one software's columns.

    Attributes:
        tables: of the software: threads, posts, users, forums, and others.
        forum_columns: of the forums' table: parent and name.
        forum_secret: the column that holds a forum's password.
        thread_forum: the column of a thread that names its forum.
        post_user: the column of a post that names its author.
    """

    Options = SqlForumOptions
    tables: ClassVar[tuple[Table, ...]]
    forum_columns: ClassVar[tuple[str, str]]
    forum_secret: ClassVar[str]
    thread_forum: ClassVar[str]
    post_user: ClassVar[str]

    @property
    def _options(self) -> SqlForumOptions:
        return cast("SqlForumOptions", self.options)

    def _dump(self) -> Path:
        return self.project / self._options.dump

    def fingerprint(self) -> str | None:
        """Signature of the dump."""
        if not self._dump().is_file():
            raise SourceError(f"{self._dump()}: no such file; check `dump:`, which is relative to the project folder")
        return stat_signature([self._dump()])

    def records(self) -> Iterator[Harvested]:
        """Yield bad rows first, then the threads of the named forums in the order of ids."""
        options = self._options
        tables = [self._with_solved(table) for table in self.tables]
        with indexed_sql(self._dump(), tables, prefix=options.prefix, charset=options.charset) as index:
            yield from index.fill(self.keeps)
            forums = self._public(index.rows("forums"), known=index.has("forums"), whole=index.truncated is None)
            for thread in index.threads():
                row = msgspec.json.decode(thread.row, type=Fields)
                path = forums.get(row.get(self.thread_forum) or "")
                if path is not None:
                    record = self._record(index, thread, row, path)
                    # What follows the break may hold any thread's answers.
                    yield msgspec.structs.replace(record, partial=True) if index.truncated else record
            if index.truncated:
                raise index.truncated

    def _with_solved(self, table: Table) -> Table:
        column = self._options.solved_column
        return table._replace(kept=(*table.kept, column)) if table.role == "threads" and column else table

    def _record(self, index: SqlIndex, thread: IndexedThread, row: Fields, path: list[str]) -> RawRecord:
        posts = [msgspec.json.decode(post, type=Fields) for post in thread.posts]
        wanted = sorted({number for post in posts if (number := _number(post.get(self.post_user)))})
        found = {str(number): index.row("users", number) for number in wanted}
        users = {number: user for number, user in found.items() if user is not None}
        known = index.has("users")
        payload = _Payload(row, posts, users, path, self.prefix_of(index, row), users_known=known)
        return self.record(thread.key, "thread", self.thread_url(thread.key), payload, f"{self._dump()}:{thread.line}")

    def _public(self, forums: dict[int, Fields], *, known: bool, whole: bool) -> dict[str, list[str]]:
        """The forums anybody may read, by id, each with the names of the forums above it, its own and its id."""
        above, named = self.forum_columns
        wanted = {word.casefold() for word in self._options.forums}
        if not known:
            if not all(word.isdecimal() for word in wanted):
                problem = "has no table of forums, so which have a password is not known; name them by id in `forums:`"
                raise SourceError(f"{self._dump()}: {problem}")
            return {word: [word] for word in wanted}
        public: dict[str, list[str]] = {}
        met: set[str] = {ALL}
        for number, row in forums.items():
            own = {str(number), self.forum_name(row.get(named) or "").casefold()}
            line = _line(forums, number, above)
            secret = any((one.get(self.forum_secret) or "") != "" for one in line)
            met |= own
            if not secret and (ALL in wanted or wanted & own):
                names = [self.forum_name(one.get(named) or "") for one in line]
                public[str(number)] = list(dict.fromkeys([*filter(None, names), str(number)]))
        if wanted - met and whole:
            unknown = ", ".join(sorted(wanted - met))
            raise SourceError(f"{self._dump()}: no forum has the id or name {unknown}; check `forums:`")
        return public

    def parse(self, record: RawRecord) -> Thread:
        """What a thread's rows mean."""
        place = record.place or record.ref
        try:
            payload = msgspec.json.decode(record.payload, type=_Payload)
            head = self.read_thread(payload.thread, payload.prefix)
            messages = [self.read_post(row) for row in payload.posts]
        except (msgspec.DecodeError, msgspec.ValidationError, ValueError, OverflowError) as error:
            raise RecordError(place, f"the row has a value that cannot be read ({error}); mend it") from error
        if not messages:
            raise RecordError(place, "no post of the thread is in the dump; make the dump again, with all its tables")
        title, solved_title = _title(head, self._options)
        if not title:
            raise RecordError(place, "the thread has no title; mend or remove its row")
        return self._thread(record, payload, head._replace(title=title), messages, solved_title=solved_title)

    def _thread(
        self, record: RawRecord, payload: _Payload, head: Head, messages: list[Message], *, solved_title: bool
    ) -> Thread:
        native = int(record.ref.partition(":")[2])
        messages.sort(key=lambda message: (message.id != head.first, message.created, message.id))
        users = self._members(record, payload)
        warnings = [] if payload.users_known else ["The dump has no table of users, so some names are not known."]
        known = users if payload.users_known else None
        names = {str(message.user): message.name for message in messages}
        names |= {str(number): member.name for number, member in users.items()}
        question, *answers = [self._post((native, names), message, known) for message in messages]
        column = self._options.solved_column
        accepted = (payload.thread.get(column) or "0") if column else "0"
        solved = _solved(accepted, question, answers, warnings)
        if not solved and solved_title:
            solved = _by_convention(question, answers, self._options.solved_confidence, warnings)
        return Thread(
            ref=record.ref,
            url=self.thread_url(native),
            title=head.title,
            question=question,
            answers=tuple(answers),
            solved=solved,
            created=_time(head.created) or question.created,
            updated=_time(head.updated) or question.created,
            tags=head.tags,
            category=tuple(payload.forums),
            views=head.views,
            visibility=_visibility(head, question),
            closed="closed" if head.closed else None,
            lang=self.options.lang,
            warnings=tuple(warnings),
        )

    def _members(self, record: RawRecord, payload: _Payload) -> dict[int, Member]:
        try:
            return {int(number): self.read_user(row) for number, row in payload.users.items()}
        except MALFORMED as error:
            problem = f"the row of a member who wrote in it has a value that cannot be read ({error}); mend it"
            raise RecordError(record.place or record.ref, problem) from error

    def _post(self, thread: tuple[int, dict[str, str]], message: Message, users: dict[int, Member] | None) -> Post:
        return Post(
            id=str(message.id),
            url=self.post_url(thread[0], message.id),
            html=self.html(message, *thread),
            author=_person(message, users, self._options, self.user_url(message.user)),
            created=_time(message.created),
            edited=_time(message.edited),
            hidden=message.hidden,
            deleted=message.deleted,
        )

    def keeps(self, role: str, row: Fields) -> bool:
        """Whether a row counts; a subclass leaves out the shadows of moved threads."""
        del role, row
        return True

    def prefix_of(self, index: SqlIndex, row: Fields) -> str:
        """The label of a thread, where labels have a table of their own."""
        del index, row
        return ""

    def forum_name(self, text: str) -> str:
        """A forum's name as plain text."""
        return " ".join(unescape(text).split())

    @abstractmethod
    def read_thread(self, row: Fields, prefix: str) -> Head:
        """What a thread's row says."""

    @abstractmethod
    def read_post(self, row: Fields) -> Message:
        """What a post's row says."""

    @abstractmethod
    def read_user(self, row: Fields) -> Member:
        """What a user's row says."""

    @abstractmethod
    def html(self, message: Message, thread: int, names: dict[str, str]) -> str:
        """A post's text as the reader saw it; ``names`` are the thread's members by their ids, for mentions."""

    @abstractmethod
    def thread_url(self, thread: int) -> str:
        """A thread's address."""

    @abstractmethod
    def post_url(self, thread: int, post: int) -> str:
        """A post's address."""

    @abstractmethod
    def user_url(self, user: int) -> str:
        """A member's public page."""


def _title(head: Head, options: SqlForumOptions) -> tuple[str, bool]:
    """The title without a mark of solution, and whether it or a prefix had one."""
    title = " ".join(head.title.split())
    marks = [mark.casefold() for mark in options.solved_prefixes]
    solved = any(prefix.casefold() in marks for prefix in head.prefixes)
    for mark in marks:
        found = re.match(re.escape(mark) + _MARKED, title, re.IGNORECASE)
        # A word alone is a mark when a sign parts it from the title: "Solved: ...", not "Solved puzzles".
        if found and (found[1].strip() or not mark[-1:].isalnum()):
            return title[found.end() :], True
    return title, solved


def _person(message: Message, users: dict[int, Member] | None, options: SqlForumOptions, url: str) -> Person:
    member = (users or {}).get(message.user)
    if message.user <= 0 or (users is not None and member is None):
        return Person("", message.name or _GUEST, deleted=True)
    name = (member.name if member else "") or message.name or f"user{message.user}"
    groups = member.groups if member else frozenset()
    listed = {one.lower() for one in options.staff}
    staff = not listed.isdisjoint({str(message.user), name.lower()}) or not groups.isdisjoint(options.staff_groups)
    return Person(str(message.user), name, url, is_staff=staff)


def _solved(accepted: str, question: Post, answers: list[Post], warnings: list[str]) -> tuple[Solved, ...]:
    if accepted in {"0", ""}:
        return ()
    answer = next((one for one in answers if one.id == accepted), None)
    if answer is not None and not (answer.hidden or answer.deleted):
        return (Solved(accepted, "accepted"),)
    state = "hidden or deleted" if answer else "not in the dump"
    what = "the question itself" if accepted == question.id else state
    warnings.append(f"The accepted answer, post {accepted}, is {what}; the thread counts as not solved.")
    return ()


def _by_convention(question: Post, answers: list[Post], sure: float, warnings: list[str]) -> tuple[Solved, ...]:
    answer = likely_answer(question, answers)
    if answer is None:
        warnings.append("The thread is marked as solved, but nobody else replied to it.")
        return ()
    warnings.append(f"The thread is marked as solved without naming an answer; post {answer.id} is the likely one.")
    return (Solved(answer.id, "tag", confidence=sure),)


def likely_answer(question: Post, answers: Sequence[Post]) -> Post | None:
    """The answer of a thread that is known to be solved, but not by which post.

    It is the last reply of somebody else before the asker's last word, which is usually thanks; else the last reply
    of somebody else. None when nobody else replied.
    """
    shown = [one for one in answers if not (one.hidden or one.deleted)]
    others = [index for index, one in enumerate(shown) if _who(one) != _who(question)]
    asked = [index for index, one in enumerate(shown) if _who(one) == _who(question)]
    before = [index for index in others if asked and index < asked[-1]]
    best = (before or others)[-1:]
    return shown[best[0]] if best else None


def _who(post: Post) -> str:
    return post.author.id or post.author.name


def convert(row: Fields, kind: type[_Row]) -> _Row:
    """A row as a struct whose fields are columns; NULL and missing columns keep their defaults.

    Raises:
        msgspec.ValidationError: a number is none.
    """
    given: dict[str, Any] = {name: value for name, value in row.items() if value is not None}
    return msgspec.convert(given, kind, strict=False)


def numbers(text: str) -> Collection[str]:
    """The numbers of a list such as ``3,14``."""
    return re.findall(r"\d+", text)


def _number(value: str | None) -> int:
    return int(value) if value and value.isdecimal() and len(value) < _LONGEST_NUMBER else 0


def _line(forums: dict[int, Fields], number: int, above: str) -> list[Fields]:
    """The rows from the outermost forum down to this one."""
    line: list[Fields] = []
    while number in forums and len(line) < _DEEPEST:
        line.insert(0, forums[number])
        number = _number(forums[number].get(above))
    return line


def _time(seconds: int) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < 2**37 else None


def _visibility(head: Head, question: Post) -> Visibility:
    if head.visibility != "public":
        return head.visibility
    return "deleted" if question.deleted else "hidden" if question.hidden else "public"
