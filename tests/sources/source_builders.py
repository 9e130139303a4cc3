"""Small inputs for the sources' tests: topics, dumps and folders of articles, in words of our own."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import zstandard

from kbgen.errors import RecordError
from kbgen.model import Article, RawRecord, Thread
from kbgen.sources.articles import ArticlesOptions, ArticlesSource
from kbgen.sources.base import Source
from kbgen.sources.discourse import DiscourseOptions, DiscourseSource
from kbgen.sources.stackexchange import StackExchangeOptions, StackExchangeSource

FORUM = "https://forum.example.com"
STACK = "https://hubs.stackexchange.com"


def post(number: int, **changes: Any) -> dict[str, Any]:
    """A post of topic 42; its id is 100 + its number."""
    return {
        "id": 100 + number,
        "post_number": number,
        "post_type": 1,
        "username": f"user{number}",
        "name": f"User {number}",
        "user_id": number,
        "cooked": f"<p>Words of post {number}.</p>",
        "created_at": f"2024-03-0{number}T10:00:00.000Z",
        "updated_at": f"2024-03-0{number}T12:00:00.000Z",
        "version": 1,
        "actions_summary": [{"id": 2, "count": number}],
        **changes,
    }


def topic(posts: list[dict[str, Any]] | None = None, **changes: Any) -> dict[str, Any]:
    """A topic as ``/t/42.json`` gives it."""
    posts = posts if posts is not None else [post(1), post(2)]
    return {
        "id": 42,
        "title": "How do I reset the hub?",
        "slug": "how-do-i-reset-the-hub",
        "created_at": "2024-03-01T10:00:00.000Z",
        "last_posted_at": "2024-03-02T10:00:00.000Z",
        "views": 7,
        "visible": True,
        "closed": False,
        "archived": False,
        "archetype": "regular",
        "category_id": 5,
        "tags": ["hub"],
        "post_stream": {"posts": posts, "stream": [item["id"] for item in posts]},
        **changes,
    }


def write_json(file: Path, data: object) -> Path:
    """Write a recording, making its folders."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(data), encoding="utf-8")
    return file


def put_archive(project: Path, members: dict[str, Any], form: str = "folder") -> None:
    """A recorded forum below a project: as a folder, a tar file, or a compressed one (``tar.zst``)."""
    if form == "folder":
        for name, data in members.items():
            write_json(project / "topics" / name, data)
        return
    tar = tar_bytes({name: json.dumps(data).encode() for name, data in members.items()})
    (project / "topics").write_bytes(tar if form == "tar" else zstandard.ZstdCompressor().compress(tar))


def discourse(project: Path, archive: str | None = "topics", **options: Any) -> DiscourseSource:
    """A forum recorded below ``project``."""
    block = {"name": "forum", "kind": "discourse", "url": FORUM, "archive": archive, **options}
    return DiscourseSource(DiscourseOptions.model_validate(block), project)


def xml(root: str, rows: list[dict[str, str]]) -> str:
    """A file of a dump: a declaration, the root, and one row a line from line 3."""
    lines = [f"  <row {' '.join(f'{name}={quoteattr(value)}' for name, value in row.items())} />" for row in rows]
    return "\n".join(['<?xml version="1.0" encoding="utf-8"?>', f"<{root}>", *lines, f"</{root}>"])


def question(number: int, **changes: str) -> dict[str, str]:
    """The row of a question."""
    return {
        "Id": str(number),
        "PostTypeId": "1",
        "CreationDate": "2021-05-01T10:00:00.000",
        "Score": "4",
        "ViewCount": "90",
        "Body": "<p>The hub blinks.</p>",
        "OwnerUserId": "7",
        "LastActivityDate": "2021-06-01T10:00:00.000",
        "Title": f"Why does hub {number} blink?",
        "Tags": "<hub><led>",
        **changes,
    }


def answer(number: int, parent: int, **changes: str) -> dict[str, str]:
    """The row of an answer."""
    return {
        "Id": str(number),
        "PostTypeId": "2",
        "ParentId": str(parent),
        "CreationDate": "2021-05-02T10:00:00.000",
        "Score": "9",
        "Body": "<p>It searches the network.</p>",
        "OwnerUserId": "8",
        **changes,
    }


USERS = [
    {"Id": "-1", "DisplayName": "Community", "Reputation": "1"},
    {"Id": "7", "DisplayName": "Ada", "Reputation": "10", "AboutMe": "<p>secret words</p>", "Location": "Here"},
    {"Id": "8", "DisplayName": "Ben", "Reputation": "20", "WebsiteUrl": "https://ben.example.com"},
]


def write_dump(folder: Path, **files: list[dict[str, str]]) -> Path:
    """Write a dump's files by their stems: ``Posts=[...]``; Users are there unless given."""
    folder.mkdir(parents=True, exist_ok=True)
    for stem, rows in {"Users": USERS, "Votes": [], "PostLinks": [], "PostHistory": [], **files}.items():
        (folder / f"{stem}.xml").write_text("\ufeff" + xml(stem.lower(), rows), encoding="utf-8")
    return folder


def stackexchange(project: Path, dump: str = "dump", **options: Any) -> StackExchangeSource:
    """A site whose dump lies below ``project``."""
    block = {"name": "stack", "kind": "stackexchange", "url": STACK, "dump": dump, **options}
    return StackExchangeSource(StackExchangeOptions.model_validate(block), project)


def write_article(folder: Path, name: str, text: str) -> Path:
    """Write a Markdown file, making its folders."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def articles(project: Path, path: str = "docs", **options: Any) -> ArticlesSource:
    """A folder of articles below ``project``."""
    block = {"name": "docs", "kind": "articles", "path": path, **options}
    return ArticlesSource(ArticlesOptions.model_validate(block), project)


def read(source: Source) -> tuple[list[RawRecord], list[RecordError]]:
    """Everything a source yields, records and errors apart."""
    harvested = list(source.records())
    records = [item for item in harvested if isinstance(item, RawRecord)]
    return records, [item for item in harvested if isinstance(item, RecordError)]


def threads(source: Source) -> list[Thread]:
    """Every thread of a source that has no bad record."""
    records, errors = read(source)
    assert errors == []
    parsed = [source.parse(record) for record in records]
    return [item for item in parsed if isinstance(item, Thread)]


def parsed_articles(source: Source) -> list[Article]:
    """Every article of a source that has no bad record."""
    records, errors = read(source)
    assert errors == []
    parsed = [source.parse(record) for record in records]
    return [item for item in parsed if isinstance(item, Article)]


def tar_bytes(members: dict[str, bytes]) -> bytes:
    """A plain tar file of these members."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return stream.getvalue()
