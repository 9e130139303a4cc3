"""JSON lines: the generic import, of the lines ``kbgen export`` writes or any program writes in their shape.

A line is a solved thread (``"kind": "entry"``) or an article (``"kind": "article"``); ``line_schema`` describes both,
and ``docs/jsonl.schema.json`` holds it. What is NOT here: writing lines (``report.export``).
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape
from inspect import cleandoc
from pathlib import Path
from typing import IO, Annotated, Any, cast

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from kbgen.errors import RecordError, SourceError, SourceTruncated
from kbgen.model import Article, Person, Post, RawRecord, Ref, Solved, SolvedBy, Thread, Visibility, Why, make_ref
from kbgen.sources.archives import MEMBER_CAP, folder_files
from kbgen.sources.base import Harvested, Source, SourceOptions, stat_signature

_SUFFIXES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
_GZIP = b"\x1f\x8b"
_MARKS: dict[str, SolvedBy] = {
    "accepted": "accepted",
    "staff": "staff",
    "reaction": "reaction",
    "tag": "tag",
    "schema": "schema",
    # A writer's own text is the staff's.
    "written": "staff",
}

Words = Annotated[str, Meta(min_length=1, pattern=r"\S")]
Address = Annotated[str, Meta(pattern=r"^https?://")]
Time = Annotated[datetime, Meta(description="ISO 8601, date and time; without a zone it is UTC")]
# To its very end: a dollar sign, which is that in other languages, lets a line feed follow in Python.
_ID = r"""[^\s<>"'`\\^{|}\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]"""
Family = Annotated[
    str,
    Meta(pattern=rf"^{_ID}*(?![\s\S])", description="a ref that all versions of a text in other languages share"),
]
Name = Annotated[str, Meta(pattern=rf"^{_ID}+(?![\s\S])", description="unique and kept for ever")]


class JsonlOptions(SourceOptions):
    """Keys of a ``kind: jsonl`` source.

    Attributes:
        path: the file, plain or gzip, or a folder of ``.jsonl``, ``.ndjson``, ``.jsonl.gz`` and ``.ndjson.gz`` files.
        only: names of sources; of an export of several, only lines whose ref begins with one of these are read.
    """

    path: str
    only: tuple[str, ...] = ()


class LinePerson(Struct):
    """An author; the name is shown, and the address is that of a public profile."""

    name: Words
    id: str = ""
    url: Address | None = None
    is_staff: bool = False
    deleted: bool = False


class LinePost(Struct):
    """A question or an answer; ``why`` says how an answer is known to be a solution."""

    html: Words
    author: LinePerson
    id: str = ""
    url: Address | None = None
    created: Time | None = None
    updated: Time | None = None
    score: int | None = None
    licence: str | None = None
    why: Why | None = None


class LineTag(Struct):
    """A tag as an export writes it."""

    tag: str


class LineThread(Struct):
    """Where an entry comes from; the first one is the entry's own."""

    url: Address


class EntryLine(Struct, tag_field="kind", tag="entry"):
    """A solved thread. ``url`` is where it is discussed, unless ``threads`` says so."""

    ref: Name
    title: Words
    question: LinePost
    best: LinePost
    others: list[LinePost] = []
    url: Address | None = None
    threads: list[LineThread] = []
    tags: list[str | LineTag] = []
    topics: list[str] = []
    lang: str | None = None
    created: Time | None = None
    updated: Time | None = None
    views: int | None = None
    visibility: Visibility = "public"


class ArticleLine(Struct, tag_field="kind", tag="article"):
    """A text by staff. ``answers`` are refs of the threads it settles, ``source_url`` says where it lives elsewhere.

    Of a line without ``source_url``, which no export writes, ``url`` says that.
    """

    ref: Name
    title: Words
    html: str = ""
    text: str = ""
    url: Address | None = None
    source_url: Address | UnsetType | None = UNSET
    description: str = ""
    tags: list[str | LineTag] = []
    topics: list[str] = []
    answers: list[str] = []
    lang: str | None = None
    created: Time | None = None
    updated: Time | None = None
    reviewed: Time | None = None
    owner: str = ""
    licence: str | None = None
    draft: bool = False
    family: Family = ""


Line = EntryLine | ArticleLine
_LINE = msgspec.json.Decoder(Line)


def line_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a line; further keys are allowed and not read."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A line of kbgen's JSON lines"}
    made = msgspec.json.schema(Line)
    for one in made["$defs"].values():
        if "description" in one:
            # Docstrings keep the indentation of their later lines until Python 3.13.
            one["description"] = cleandoc(one["description"])
    return {**schema, **made}


class JsonlSource(Source):
    """A file of JSON lines."""

    kind = "jsonl"
    version = 2
    Options = JsonlOptions

    @property
    def _options(self) -> JsonlOptions:
        return cast("JsonlOptions", self.options)

    def _files(self) -> list[Path]:
        path = self.project / self._options.path
        if path.is_file():
            return [path]
        if not path.is_dir():
            raise SourceError(f"{path}: no such file or folder; check `path:`, which is relative to the project folder")
        found = [file for name, file in folder_files(path) if name.lower().endswith(_SUFFIXES)]
        if not found:
            raise SourceError(f"{path}: holds no JSON lines; name files {', '.join(_SUFFIXES)}")
        return found

    def fingerprint(self) -> str | None:
        """Signature of the files."""
        return stat_signature(self._files())

    def records(self) -> Iterator[Harvested]:
        """Yield the lines in their order; of two with one ref, the second is a fault."""
        taken: dict[str, str] = {}
        for file in self._files():
            for place, data in _lines(file):
                try:
                    line = self._line(data, place)
                except RecordError as error:
                    yield error
                    continue
                if self._options.only and line.ref.partition(":")[0] not in self._options.only:
                    continue
                native = self._native(line.ref)
                if taken.setdefault(native, place) == place:
                    kind = "entry" if isinstance(line, EntryLine) else "article"
                    url = _url(line) or ""
                    yield self.record(native, "thread" if kind == "entry" else "article", url, msgspec.Raw(data), place)
                else:
                    problem = f"the ref {line.ref} is already that of {taken[native]}; give one of them another"
                    yield RecordError(place, problem)

    def _native(self, ref: str) -> str:
        """A ref of a source of this name is this source's own, so that an export comes back as what it was."""
        return ref.removeprefix(f"{self.name}:") or ref

    def _line(self, data: bytes, place: str) -> Line:
        try:
            line: Line = _LINE.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise RecordError(place, f"is not a line to import: {error}; see docs/jsonl.schema.json") from error
        if _url(line) is None and isinstance(line, EntryLine):
            raise RecordError(place, "says nowhere where it is discussed; add `url`")
        return line

    def parse(self, record: RawRecord) -> Thread | Article:
        """What a line means."""
        line = self._line(record.payload, record.place or record.ref)
        return self._article(record.ref, line) if isinstance(line, ArticleLine) else self._thread(record, line)

    def _thread(self, record: RawRecord, line: EntryLine) -> Thread:
        question = self._post(line.question, record.url, "question")
        posts: dict[str, LinePost] = {}
        for number, post in enumerate([line.best, *line.others], start=1):
            # Of a page that was merged of two communities, two posts may have one id.
            own = post.id or f"answer-{number}"
            posts[f"{own}-{number}" if own in posts else own] = post
        answers = tuple(self._post(replace(post, id=name), record.url, name) for name, post in posts.items())
        marks = [(name, _MARKS.get(post.why or "")) for name, post in posts.items()]
        return Thread(
            ref=record.ref,
            url=record.url,
            title=line.title,
            question=question,
            answers=answers,
            solved=tuple(Solved(name, how) for name, how in marks if how is not None),
            created=_utc(line.created) or question.created,
            updated=_utc(line.updated),
            tags=_tags(line.tags),
            category=tuple(line.topics),
            views=line.views,
            visibility=line.visibility,
            lang=line.lang or self.options.lang,
        )

    def _post(self, post: LinePost, url: str, name: str) -> Post:
        created, updated = _utc(post.created), _utc(post.updated)
        return Post(
            id=post.id or name,
            url=post.url or url,
            html=post.html,
            author=self._person(post.author),
            created=created,
            edited=updated if updated != created else None,
            score=post.score,
            licence=post.licence,
        )

    def _person(self, author: LinePerson) -> Person:
        listed = {member.lower() for member in self.options.staff}
        staff = author.is_staff or not listed.isdisjoint({author.id.lower(), author.name.lower()} - {""})
        return Person(author.id, author.name, author.url, staff, author.deleted)

    def _article(self, ref: Ref, line: ArticleLine) -> Article:
        # An article the site engine renders is exported as its text.
        paragraphs = (f"<p>{escape(part, quote=False)}</p>" for part in line.text.split("\n\n") if part.strip())
        return Article(
            ref=ref,
            title=line.title,
            html=line.html or "\n".join(paragraphs),
            text=line.text,
            url=_url(line),
            description=line.description,
            topics=tuple(line.topics),
            tags=_tags(line.tags),
            answers=tuple(Ref(answer) for answer in line.answers),
            created=_utc(line.created),
            updated=_utc(line.updated),
            reviewed=_utc(line.reviewed),
            owner=line.owner,
            draft=line.draft,
            lang=line.lang or self.options.lang,
            licence=line.licence,
            # As the refs of lines: a family of another project's is none of this one's.
            family=make_ref(self.name, self._native(line.family)) if line.family else "",
        )


def _url(line: Line) -> str | None:
    """Where the thread or article lives; the ``url`` of an exported line is its page's."""
    if isinstance(line, EntryLine):
        return line.threads[0].url if line.threads else line.url
    return line.url if isinstance(line.source_url, UnsetType) else line.source_url


def _tags(tags: list[str | LineTag]) -> tuple[str, ...]:
    return tuple(tag if isinstance(tag, str) else tag.tag for tag in tags)


def _utc(value: datetime | None) -> datetime | None:
    if value is None or value.tzinfo is None:
        return value.replace(tzinfo=UTC) if value else None
    try:
        return value.astimezone(UTC)
    except OverflowError:
        # Within hours of the first or the last day there is: nobody wrote anything then.
        return None


def _lines(file: Path) -> Iterator[tuple[str, bytes]]:
    """The lines of a file that are not empty, with their places."""
    with file.open("rb") as stream:
        packed = stream.read(len(_GZIP)) == _GZIP
        stream.seek(0)
        source = cast("IO[bytes]", gzip.GzipFile(fileobj=stream)) if packed else stream
        try:
            for number, line in enumerate(iter(lambda: source.readline(MEMBER_CAP), b""), start=1):
                data = line.removeprefix(b"\xef\xbb\xbf").strip()
                if data:
                    yield f"{file}:{number}", data
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise SourceTruncated(f"{file}: ends in the middle ({error}); copy or make it again") from error
