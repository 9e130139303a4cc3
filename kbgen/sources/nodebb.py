"""NodeBB forums, with the question-and-answer plugin: lists and topics of the read API, as guests or members do.

Recorded from NodeBB 1.4; fields of 4.x from its OpenAPI description; solved topics as nodebb-plugin-question-and-answer
stores them; tokens as NodeBB's src/middleware/user.js reads them. What is NOT here: telling what of a members' forum
guests could read, for the API does not say.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from html import unescape
from typing import Any, cast
from urllib.parse import quote

import msgspec
from msgspec import Struct

from kbgen.errors import RecordError, SourceError
from kbgen.model import Article, Person, Post, RawRecord, Solved, Thread
from kbgen.sources.base import Harvested
from kbgen.sources.fields import SiteUrl, read_epoch, read_time
from kbgen.sources.http import Client, Reply, Unanswered
from kbgen.sources.live import Known, LiveSource, MemberOptions, Step, Walk
from kbgen.sources.sweep import sweep, sweep_changes

_GONE = (401, 403, 404, 410)
_OVERLAP = 600_000
"""Milliseconds a pass over changes looks back beyond its mark: lists are read while people write."""
_BATCH = 5
_TOO_MANY_PAGES = 100_000
_SIGNED = (
    "title",
    "lastposttime",
    "postcount",
    "isQuestion",
    "isSolved",
    "solvedPid",
    "locked",
    "deleted",
    "scheduled",
)
_TOPIC = (
    *("tid", "mainPid", "title", "titleRaw", "slug", "timestamp", "lastposttime", "viewcount", "locked", "deleted"),
    *("scheduled", "tags", "category", "breadcrumbs", "isQuestion", "isSolved", "solvedPid", "privileges"),
)
_POST = (
    *("pid", "uid", "content", "timestamp", "editedISO", "edited", "votes", "deleted", "isAnswer", "index"),
    *("url", "sourceContent"),
)
_AUTHOR = ("uid", "username", "displayname", "userslug", "deleted")
_CONTROLS = ("post-tools", "plugin-spoiler-button")


class NodebbOptions(MemberOptions):
    """Keys of a ``kind: nodebb`` source.

    Attributes:
        url: the forum's address; a forum under a path is fine.
        categories: ids of the categories that are read; none for all.
    """

    url: SiteUrl
    categories: tuple[str, ...] = ()


class _User(Struct):
    uid: str = ""
    username: str = ""
    displayname: str = ""
    userslug: str | None = None


class _Post(Struct):
    """A post; ids are strings for us, whatever the version sends."""

    pid: str
    content: str = ""
    timestamp: str | int | None = None
    editedISO: str | None = None  # noqa: N815 - the platform's names
    votes: int | None = None
    deleted: bool = False
    isAnswer: bool = False  # noqa: N815
    index: int = 0
    user: _User | None = None


class _Named(Struct):
    name: str = ""
    cid: str = ""


class _Tag(Struct):
    value: str


class _Crumb(Struct):
    text: str = ""
    cid: str | None = None
    url: str | None = None


class _Topic(Struct):
    tid: str
    title: str = ""
    titleRaw: str | None = None  # noqa: N815
    slug: str | None = None
    mainPid: str = ""  # noqa: N815
    timestamp: str | int | None = None
    lastposttime: str | int | None = None
    viewcount: int | None = None
    locked: bool = False
    deleted: bool = False
    scheduled: bool = False
    isQuestion: bool = False  # noqa: N815
    isSolved: bool = False  # noqa: N815
    solvedPid: str | None = None  # noqa: N815
    category: _Named | None = None
    breadcrumbs: list[_Crumb] = []
    tags: list[_Tag] = []
    posts: list[_Post] = []


class NodebbSource(LiveSource):
    """A NodeBB forum."""

    kind = "nodebb"
    Options = NodebbOptions

    @property
    def _options(self) -> NodebbOptions:
        return cast("NodebbOptions", self.options)

    def steps(self, client: Client, known: Known, walk: Walk) -> Iterator[Step]:
        """Read the lists, all categories or the recent topics down to the last pass, and fetch what changed."""
        yield from _Pass(self, self._options, client).steps(known, walk)

    def parse(self, record: RawRecord) -> Thread | Article:
        """Make a thread of a topic and its posts."""
        try:
            topic = msgspec.convert(_as_strings(msgspec.json.decode(record.payload)), _Topic, strict=False)
            return _Reader(self._options, record, topic).thread()
        except (msgspec.DecodeError, ValueError) as error:
            problem = f"is not a topic as NodeBB gives it: {error}"
            raise RecordError(record.ref, f"{problem}; harvest it again, or report the fault") from error


class _Pass:
    """One pass over a forum."""

    def __init__(self, source: NodebbSource, options: NodebbOptions, client: Client) -> None:
        self._source = source
        self._url = options.url
        self._only = frozenset(options.categories)
        self._headers = options.headers("Bearer")
        self._client = client
        self._listed: dict[str, dict[str, Any]] = {}

    def steps(self, known: Known, walk: Walk) -> Iterator[Step]:
        if self._headers:
            # Whose token is not known is a guest to NodeBB, and to guests much would seem to be gone.
            self._get("self")
        since = int(walk.mark or 0) if not walk.full and (walk.mark or "").isdecimal() else None
        # The list of recent topics ends after some 200, whatever there is.
        if since is None or not self._list("recent", since - _OVERLAP):
            self._list_categories(None if since is None else since - _OVERLAP)
        mark = str(max([since or 0, *map(_activity, self._listed.values())]))
        index = {number: signature(topic) for number, topic in self._listed.items()}
        if since is None:
            yield from sweep(index, known, walk, self._fetch, batch=_BATCH, mark=mark)
        else:
            yield from sweep_changes(index, known, walk, self._fetch, batch=_BATCH, mark=mark)

    def _list_categories(self, since: int | None) -> None:
        waiting = list(_category_ids(self._get("categories", 1, "categories")))
        met: set[str] = set()
        while waiting:
            number = waiting.pop(0)
            if number in met:
                continue
            met.add(number)
            first: list[Any] = []
            self._list(f"category/{number}", since, first)
            waiting += _category_ids(first[0] if first else None)

    def _list(self, path: str, since: int | None, first: list[Any] | None = None) -> bool:
        """Read a list, newest activity first; pinned topics stand before the others.

        Returns:
            Whether it went down to ``since``.
        """
        met: set[str] = set()
        for page in range(1, _TOO_MANY_PAGES):
            listed = self._get(path, page, "topics")
            if first is not None and page == 1:
                first.append(listed)
            topics = [one for one in (listed or {}).get("topics") or () if isinstance(one, dict) and one.get("tid")]
            new = [one for one in topics if str(one["tid"]) not in met]
            if not new:
                return False
            met.update(str(one["tid"]) for one in new)
            self._listed.update((str(one["tid"]), one) for one in new if self._is_wanted(one))
            free = [_activity(one) for one in topics if not _true(one.get("pinned"))]
            if since is not None and free and min(free) < since:
                return True
        return False

    def _is_wanted(self, topic: Mapping[str, Any]) -> bool:
        shown = not (_true(topic.get("deleted")) or _true(topic.get("scheduled")))
        return shown and (not self._only or str(topic.get("cid")) in self._only)

    def _get(self, path: str, page: int = 1, *needed: str) -> dict[str, Any] | None:
        address = f"{self._url}/api/{path}"
        params = {"page": page} if page > 1 else None
        reply = self._client.get(address, params=params, headers=self._headers, handled=_GONE)
        listed = reply.json() if reply.status == 200 else None
        if isinstance(listed, str) and listed.startswith("/"):
            # A redirect within the API has no Location: the path is the body, as a JSON string.
            address = f"{self._url}/api{listed}"
            reply = self._client.get(address, params=params, headers=self._headers, handled=_GONE)
            listed = reply.json() if reply.status == 200 else None
        if reply.status != 200:
            self._check_refusal(path, reply)
            return None
        if not isinstance(listed, dict) or not all(isinstance(listed.get(key), list) for key in needed):
            raise Unanswered(f"{address}: this is not the API of a NodeBB forum; mend `url` or `kind`, or run again")
        return listed

    def _check_refusal(self, path: str, reply: Reply) -> None:
        """Tell a topic that is not for the reader from a forum that is not."""
        # A member gets 403 where a guest gets 401.
        if self._headers and (path == "self" or reply.status == 401):
            problem = f"the forum answers {reply.status} to the token; check `token`, or make a new one"
            raise SourceError(f"{reply.url}: {problem}")
        if path in ("recent", "categories"):
            who = "the token's owner gets" if self._headers else "guests get"
            problem = f"{who} {reply.status} instead of a list; mend `url`, or give a `token` of who may read it"
            raise SourceError(f"{reply.url}: {problem}")

    def _fetch(self, numbers: Sequence[str]) -> Iterator[tuple[str, Harvested | None]]:
        for number in numbers:
            yield number, self._topic(number)

    def _topic(self, number: str) -> Harvested | None:
        """Get a topic with all its posts; None when it cannot be read."""
        path = f"topic/{quote(number, safe='')}"
        topic = self._get(path, 1, "posts")
        if topic is None or _true(topic.get("deleted")) or _true(topic.get("scheduled")):
            return None
        if self._only and str(topic.get("cid")) not in self._only:
            return None
        posts: dict[str, Any] = {}
        pages = int((topic.get("pagination") or {}).get("pageCount") or 1)
        for page in range(1, pages + 1):
            part = topic if page == 1 else self._get(path, page, "posts")
            # The chosen answer stands on page 1 a second time, with another index.
            for one in sorted((part or {}).get("posts") or (), key=lambda one: int(one.get("index") or 0) < 0):
                posts.setdefault(str(one["pid"]), _kept(one))
        payload = _only(topic, _TOPIC) | {"posts": list(posts.values())}
        address = f"{self._url}/topic/{topic.get('slug') or number}"
        return self._source.record(number, "thread", address, payload, address)


class _Reader:
    """Makes a thread of one topic."""

    def __init__(self, options: NodebbOptions, record: RawRecord, topic: _Topic) -> None:
        self._url = options.url
        self._staff = {member.lower() for member in options.staff}
        self._record = record
        self._topic = topic
        self._warnings: list[str] = []

    def thread(self) -> Thread:
        topic = self._topic
        if not topic.posts:
            raise RecordError(self._record.ref, "the topic has no post; look at it in a browser, and harvest it again")
        first = next((post for post in topic.posts if post.pid == topic.mainPid), topic.posts[0])
        posts = sorted((post for post in topic.posts if post is not first), key=lambda post: post.index)
        answers = tuple(self._post(post) for post in posts)
        return Thread(
            ref=self._record.ref,
            url=self._record.url,
            # ``title`` is escaped in every version, ``titleRaw`` in none (NodeBB src/topics/data.js).
            title=topic.titleRaw or unescape(topic.title),
            question=self._post(first),
            answers=answers,
            solved=self._solved(answers),
            created=read_epoch(topic.timestamp, per_second=1000),
            updated=read_epoch(topic.lastposttime, per_second=1000),
            tags=tuple(unescape(tag.value) for tag in topic.tags),
            category=self._category(),
            views=topic.viewcount,
            visibility="deleted" if topic.deleted or first.deleted else "public",
            closed="locked" if topic.locked else None,
            warnings=tuple(self._warnings),
        )

    def _solved(self, answers: Sequence[Post]) -> tuple[Solved, ...]:
        topic = self._topic
        marked = [post.pid for post in topic.posts if post.isAnswer]
        if topic.isSolved and topic.solvedPid not in (None, "", "0"):
            marked.insert(0, str(topic.solvedPid))
        if topic.isSolved and not marked:
            self._warnings.append("The topic is marked as solved, but no post was chosen as its answer.")
        there = {answer.id for answer in answers if not answer.deleted}
        for number in dict.fromkeys(marked):
            if number not in there:
                self._warnings.append(f"The accepted answer, post {number}, is not there; it counts as not accepted.")
        return tuple(Solved(number, "accepted") for number in dict.fromkeys(marked) if number in there)

    def _category(self) -> tuple[str, ...]:
        crumbs = [crumb for crumb in self._topic.breadcrumbs if crumb.cid or "/category/" in (crumb.url or "")]
        names = [unescape(crumb.text) for crumb in crumbs if crumb.text]
        own = self._topic.category
        if own is None:
            return tuple(names)
        return tuple(dict.fromkeys([*names, unescape(own.name), own.cid]))

    def _post(self, post: _Post) -> Post:
        # Here, because a build with nothing new opens sources and never parses.
        from kbgen.sources.markup import plain_post  # noqa: PLC0415

        return Post(
            id=post.pid,
            url=f"{self._url}/post/{quote(post.pid, safe='')}",
            html=plain_post(post.content, self._record.url, drop=_CONTROLS),
            author=self._person(post.user or _User()),
            created=read_epoch(post.timestamp, per_second=1000),
            edited=read_time(post.editedISO),
            score=post.votes,
            deleted=post.deleted,
        )

    def _person(self, user: _User) -> Person:
        name = user.displayname or user.username
        gone = user.uid in ("", "0") or not user.userslug
        # In a forum that is federated, people of other servers have an address for their id.
        profile = f"{self._url}/user/{quote(user.userslug, safe='@')}" if user.userslug and not gone else None
        staff = not self._staff.isdisjoint({name.lower(), user.username.lower(), user.uid})
        return Person("" if gone else user.uid, unescape(name) or "Former user", profile, is_staff=staff, deleted=gone)


def _activity(topic: Mapping[str, Any]) -> int:
    text = str(topic.get("lastposttime") or 0)
    return int(text) if text.isdecimal() else 0


def signature(topic: Mapping[str, Any]) -> str:
    """What a list says of a topic, as far as it does not move with every visit; versions write numbers differently."""
    parts = [_plain(topic.get(key)) for key in _SIGNED]
    parts += sorted(str(tag.get("value")) for tag in topic.get("tags") or () if isinstance(tag, dict))
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=12).hexdigest()


def _plain(value: object) -> str:
    return "" if value in (None, False, 0, "0", "false") else "1" if value is True else str(value)


def _true(value: object) -> bool:
    return _plain(value) != ""


def _only(item: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """The keys that mean something; the rest moves with every visit, or is about the visitor."""
    return {key: item[key] for key in keys if key in item}


def _kept(post: Mapping[str, Any]) -> dict[str, Any]:
    """What is stored of a post; of a deleted one not its words, which moderators can still read."""
    kept = _only(post, _POST) | {"user": _only(post.get("user") or {}, _AUTHOR)}
    return {**kept, "content": "", "sourceContent": ""} if _true(post.get("deleted")) else kept


def _category_ids(listed: Mapping[str, Any] | None) -> Iterator[str]:
    """Ids of the categories a page lists, their children included; those that only link elsewhere hold no topics."""
    for key in ("categories", "children"):
        for category in (listed or {}).get(key) or ():
            if isinstance(category, dict) and not category.get("link") and "cid" in category:
                yield str(category["cid"])
                yield from _category_ids(category)


_IDS = frozenset(("tid", "pid", "uid", "cid", "mainPid", "solvedPid", "toPid"))
_FLAGS = frozenset(("isQuestion", "isSolved", "isAnswer", "locked", "deleted", "scheduled"))


def _as_strings(value: Any) -> Any:
    """Ids as strings and flags as booleans, which old versions write as "1" and newer ones as 1 or true."""
    if isinstance(value, list):
        return [_as_strings(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: ("" if item is None else str(item)) if key in _IDS else _true(item) if key in _FLAGS else _as_strings(item)
        for key, item in value.items()
    }
