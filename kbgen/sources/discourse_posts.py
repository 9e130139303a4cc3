"""Posts of a recorded Discourse forum that did not come with their whole topic, put together to topics.

They come one by one (``/posts/<id>.json``, or as ``/posts.json`` lists them), as pages of a topic
(``/t/<id>.json?page=2``, ``/t/<id>/posts.json``), or as lists of the newest (``/posts.json``). What is NOT here: which
members of an archive hold them (``discourse_archive``), and what a topic means (``discourse``).
"""

from __future__ import annotations

import hashlib
import itertools
import operator
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct

from kbgen.errors import RecordError
from kbgen.sources.archives import Member

DIGITS = 32
"""How much of a digest is kept."""
_SETTINGS = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = FILE;"
_TABLES = """
CREATE TABLE topics (topic INTEGER PRIMARY KEY, name TEXT, data BLOB);
CREATE TABLE posts (
    topic INTEGER, post INTEGER, updated TEXT, name TEXT, single INTEGER, data BLOB, PRIMARY KEY (topic, post)
);
"""
# The forum's own time tells two recordings of a post apart; what was only recorded again comes later in the archive.
_KEEP = """
INSERT INTO posts VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE
SET updated = excluded.updated, name = excluded.name, single = excluded.single, data = excluded.data
WHERE (excluded.updated, excluded.name) > (updated, name)
"""
_POSTS = "SELECT topic, post, updated, name, single, data FROM posts ORDER BY topic, post"
_WHOLE = "SELECT name, data FROM topics WHERE topic = ?"
_LARGEST = 2**63 - 1  # SQLite takes no larger id, and no forum has one


class _Post(Struct):
    """What has to be known of a post before it is parsed."""

    id: int
    post_number: int
    topic_id: int | None = None
    created_at: str | None = None
    updated_at: str | None = None
    topic_title: str | None = None
    topic_slug: str | None = None
    category_id: int | None = None


class _Stream(Struct):
    posts: list[msgspec.Raw] = []


class _Page(Struct):
    """A page of a topic, or a list of the newest posts."""

    id: int | None = None
    post_stream: _Stream | None = None
    latest_posts: list[msgspec.Raw] | None = None


class _WholeStream(Struct):
    posts: list[_Post] = []
    stream: list[int] | None = None


class _Whole(Struct):
    """A recorded topic, as far as other recordings of its posts have to be compared with it."""

    post_stream: _WholeStream


class _Row(NamedTuple):
    topic: int
    post: int
    updated: str
    name: str
    single: int
    data: bytes


class Assembled(NamedTuple):
    """A topic with posts from several members.

    Attributes:
        name: of the member that stands for it in messages.
        digest: of all its parts.
        topic: the recording of the topic itself; of one that was not recorded, what its posts say of it.
        posts: as they were recorded, by id; those of the topic's own recording only where they have changed since.
    """

    number: int
    name: str
    digest: str
    topic: bytes
    posts: tuple[msgspec.Raw, ...]


class LoosePosts:
    """The posts of an archive that lie outside of the recordings of their topics, in a database on disk.

    Args:
        database: an empty one.
        archive: what they come from, for messages.
    """

    def __init__(self, database: sqlite3.Connection, archive: Path) -> None:
        self._database = database
        self._archive = archive
        self.topics: set[int] = set()
        """The numbers of those that have such posts."""
        database.executescript(_SETTINGS + _TABLES)
        database.execute("BEGIN")

    def keep(self, member: Member) -> Iterator[RecordError]:
        """Take the posts of a member in; yield those that cannot be read."""
        place = f"{self._archive}:{member.name}"
        try:
            page = msgspec.json.decode(member.data, type=_Page, strict=False)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            yield RecordError(place, f"does not hold posts as Discourse writes them: {error}; record it again")
            return
        if page.latest_posts is None and page.post_stream is None:
            posts, topic = [msgspec.Raw(member.data)], None
        else:
            inner = page.post_stream.posts if page.post_stream else []
            posts, topic = [*(page.latest_posts or ()), *inner], page.id if page.post_stream else None
        single = page.latest_posts is None
        for number, raw in enumerate(posts, 1):
            try:
                self._keep(msgspec.json.decode(raw, type=_Post, strict=False), topic, member.name, raw, single=single)
            except (msgspec.DecodeError, OverflowError) as error:
                which = f"entry {number} " if len(posts) > 1 else ""
                yield RecordError(place, f"{which}is not a post as Discourse writes it: {error}; record it again")

    def _keep(self, post: _Post, topic: int | None, name: str, data: msgspec.Raw, *, single: bool) -> None:
        number = post.topic_id if post.topic_id is not None else topic
        if number is None:
            return
        if not 0 <= max(post.id, number) <= _LARGEST:
            raise OverflowError("its id is too large")
        self._database.execute(_KEEP, (number, post.id, post.updated_at or "", _order(name), single, bytes(data)))
        self.topics.add(number)

    def keep_whole(self, topic: int, member: Member) -> None:
        """Take in the recording of a topic that has such posts."""
        self._database.execute("INSERT OR REPLACE INTO topics VALUES (?, ?, ?)", (topic, member.name, member.data))

    def assembled(self) -> Iterator[Assembled | RecordError]:
        """Every topic that has such posts, in the order of their numbers."""
        rows = map(_Row._make, self._database.execute(_POSTS))
        for number, group in itertools.groupby(rows, key=operator.attrgetter("topic")):
            posts = list(group)
            whole = self._database.execute(_WHOLE, (number,)).fetchone()
            found = self._begun(number, posts) if whole is None else _completed(number, whole[0], whole[1], posts)
            if found is not None:
                yield found

    def _begun(self, number: int, rows: Sequence[_Row]) -> Assembled | RecordError | None:
        """A topic of which only posts were recorded; None when lists of the newest just happen to name some."""
        posts = [msgspec.json.decode(row.data, type=_Post, strict=False) for row in rows]
        first = min(posts, key=lambda post: post.post_number)
        name = _name(rows[posts.index(first)].name)
        if first.post_number != 1:
            if not any(row.single for row in rows):
                return None
            problem = f"the first post of topic {number} was not recorded; record /t/{number}.json?print=true, too"
            return RecordError(f"{self._archive}:{name}", problem)
        # Titles change, and only what was recorded since says so: the newest posts are most likely to be of that time.
        telling = max((post for post in posts if post.topic_title), key=lambda post: post.id, default=first)
        topic: dict[str, object] = {
            "id": number,
            "title": telling.topic_title,
            "slug": telling.topic_slug,
            "category_id": telling.category_id,
            "created_at": first.created_at,
            "last_posted_at": max((post.created_at or "" for post in posts), default=None),
            "post_stream": {"posts": []},
        }
        data = msgspec.json.encode(topic)
        return _assembled(number, name, data, rows)


def _completed(number: int, name: str, data: bytes, rows: Sequence[_Row]) -> Assembled:
    """A recorded topic with the posts that it lacks.

    Posts it lists are taken from its own folder alone: what an earlier recording holds may have been hidden since. What
    is newer than all it lists was written after it was recorded.
    """
    try:
        stream = msgspec.json.decode(data, type=_Whole, strict=False).post_stream
    except msgspec.DecodeError:
        # What is wrong with it is said where it is parsed.
        return _assembled(number, name, data, ())
    own = {post.id: post.updated_at or "" for post in stream.posts}
    listed = set(stream.stream or own)
    newest = max(listed, default=0)
    folder = _order(name).rpartition(_SLASH)[0]

    def lacks(row: _Row) -> bool:
        if row.post > newest:
            return True
        beside = row.name.rpartition(_SLASH)[0] == folder
        return beside and row.post in listed and (row.post not in own or row.updated > own[row.post])

    return _assembled(number, name, data, [row for row in rows if lacks(row)])


def _assembled(number: int, name: str, topic: bytes, rows: Sequence[_Row]) -> Assembled:
    # Of one that nothing was added to, it is that of the recording.
    digest = hashlib.sha256(topic)
    for row in rows:
        digest.update(hashlib.sha256(row.data).digest())
    return Assembled(number, name, digest.hexdigest()[:DIGITS], topic, tuple(msgspec.Raw(row.data) for row in rows))


# A name with this for its slashes is in path order as it is: a folder comes before what its name begins.
_SLASH = "\x01"


def _order(name: str) -> str:
    return name.replace("/", _SLASH)


def _name(order: str) -> str:
    return order.replace(_SLASH, "/")


@contextmanager
def loose_posts(archive: Path) -> Iterator[LoosePosts]:
    """An empty box for posts, with its database in a temporary folder that is removed afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="kbgen-") as folder,
        closing(sqlite3.connect(Path(folder) / "posts.sqlite", isolation_level=None)) as database,
    ):
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        yield LoosePosts(database, archive)
