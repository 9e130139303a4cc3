"""A Discourse forum asked over the network: its lists, its topics with all their posts, and what is gone.

Every pass reads the forum's own list of topics, a hundred a request, for nothing else tells of accepts and un-accepts;
topics are fetched when the list says they have changed, and all of them in a full pass. What is NOT here: what a
topic means (``discourse``).
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import msgspec
from msgspec import Struct

from kbgen.errors import RecordError, SourceError
from kbgen.model import RawRecord
from kbgen.sources.base import Harvested
from kbgen.sources.discourse_payload import REGULAR, Category, TagName, Topic, Where, lasting, where_is
from kbgen.sources.http import Client, Reply
from kbgen.sources.live import Known, Step, Walk
from kbgen.sources.sweep import sweep

# The forum's own limits: topics a page of a list, posts a request, posts a window of ``/posts.json``.
_LIST_PAGE, _CHUNK, _WINDOW = 100, 20, 50
_BATCH = 20
_REFUSED = (401, 403, 404, 410)

_Shape = TypeVar("_Shape")
MakeRecord = Callable[[int, str | None, object, str], RawRecord]
"""Builds a record from a topic's id, slug, payload and place."""


class _Listed(Struct):
    """A topic as lists show it."""

    id: int
    title: str | None = None
    slug: str | None = None
    bumped_at: str | None = None
    last_posted_at: str | None = None
    posts_count: int | None = None
    highest_post_number: int | None = None
    category_id: int | None = None
    visible: bool | None = None
    closed: bool | None = None
    archived: bool | None = None
    archetype: str | None = None
    tags: list[str | TagName] | None = None
    has_accepted_answer: bool | None = None


class _TopicList(Struct):
    topics: list[_Listed]
    more_topics_url: str | None = None


class _List(Struct):
    topic_list: _TopicList


class _Latest(Struct):
    id: int
    topic_id: int | None = None


class _LatestPosts(Struct):
    latest_posts: list[_Latest]


class _Site(Struct):
    categories: list[Category]


@dataclass(frozen=True)
class Wishes:
    """What the configuration asks of a forum.

    Attributes:
        url: without a last slash.
        headers: the keys, none for an anonymous visitor.
        only_solved: leave out topics without an accepted answer.
        list_each_time: read the whole list in every pass, not in full ones alone.
        categories: names, slugs or ids of those that are read; empty for all.
        members_only: the forum needs a login, and may be read all the same.
        most_posts: of a topic.
    """

    url: str
    headers: Mapping[str, str]
    only_solved: bool
    list_each_time: bool
    categories: frozenset[str]
    members_only: bool
    most_posts: int


class LiveForum:
    """One pass over a forum.

    Args:
        wishes: what to read.
        client: the way to the network.
        make: builds the records.
    """

    def __init__(self, wishes: Wishes, client: Client, make: MakeRecord) -> None:
        self._wishes = wishes
        self._client = client
        self._make = make
        self._categories: dict[int, Category] = {}

    def steps(self, known: Known, walk: Walk) -> Iterator[Step]:
        """Do the pass.

        Raises:
            SourceError: the forum cannot be read.
        """
        self._check_public()
        site = _read(self._get("site.json"), _Site)
        self._categories = {category.id: category for category in site.categories}
        # Asked for before the list, so that what is written while that is read belongs to the next pass.
        newest = None if self._wishes.list_each_time else self._newest_post()
        if walk.full or newest is None or not (walk.mark or "").isdecimal():
            yield from sweep(self._index(), known, walk, self._fetch, batch=_BATCH, mark=newest)
        else:
            active = dict.fromkeys(self._active_since(int(walk.mark or 0)), "")
            yield from sweep(active, None, walk, self._fetch, batch=_BATCH, mark=newest)

    def _check_public(self) -> None:
        """A key must not bring to light what no visitor can read."""
        if not self._wishes.headers or self._wishes.members_only:
            return
        reply = self._client.get(f"{self._wishes.url}/latest.json", handled=_REFUSED)
        if reply.status != 200:
            problem = "shows its topics to members only, so nothing of it may be published"
            raise SourceError(f"{self._wishes.url} {problem}; set `members_only: true` when readers of the site may")

    def _get(self, path: str, params: Mapping[str, str | int] | None = None) -> Reply:
        """Ask for what everybody who may read the forum can read."""
        address = f"{self._wishes.url}/{path}"
        reply = self._client.get(address, params=params, headers=self._wishes.headers, handled=_REFUSED)
        if reply.status == 200:
            return reply
        if self._wishes.headers:
            raise SourceError(f"{address}: the forum answers {reply.status}; check `api_key` and `api_username`")
        raise SourceError(f"{address}: the forum answers {reply.status}; when it needs a login, set `api_key`")

    def _index(self) -> dict[str, str]:
        """Every topic of the lists, to what the list says of it.

        The order is that of creation, which does not move while it is read; pinned topics head it all the same, and
        some servers give the last page again for ever (sourcecred/sourcecred#1426).
        """
        found: dict[str, str] = {}
        params: dict[str, str | int] = {"order": "created", "ascending": "true", "per_page": _LIST_PAGE}
        if self._wishes.only_solved:
            params["solved"] = "yes"
        for page in itertools.count():
            reply = self._get("latest.json", {**params, "no_definitions": "true", "page": page})
            listed = _read(reply, _List).topic_list
            fresh = [topic for topic in listed.topics if str(topic.id) not in found]
            found.update((str(topic.id), self._signature(topic)) for topic in fresh)
            if not fresh or listed.more_topics_url is None:
                break
        return {number: signature for number, signature in found.items() if signature}

    def _signature(self, topic: _Listed) -> str:
        """What the list says of a topic that may be read, "" for the others."""
        where = where_is(topic.category_id, self._categories)
        # Absent is not false: a forum without the plugin says nothing.
        unsolved = self._wishes.only_solved and topic.has_accepted_answer is False
        if unsolved or not self._wanted(topic.visible, topic.archetype, where):
            return ""
        data = msgspec.json.encode((topic, where))
        return hashlib.blake2b(data, digest_size=12).hexdigest()

    def _wanted(self, visible: bool | None, archetype: str | None, where: Where | None) -> bool:  # noqa: FBT001
        if visible is False or archetype == "private_message" or (where and where.restricted):
            return False
        chosen = self._wishes.categories
        return not chosen or (where is not None and not chosen.isdisjoint(name.lower() for name in where.names))

    def _newest_post(self) -> str:
        posts = _read(self._get("posts.json"), _LatestPosts).latest_posts
        return str(max((post.id for post in posts), default=0))

    def _active_since(self, mark: int) -> set[str]:
        """Topics with a post above an id; posts nobody may see leave gaps, so an empty page is not the end.

        See discourse/discourse#3126.
        """
        found: set[str] = set()
        before: int | None = None
        while before is None or before > mark + 1:
            reply = self._get("posts.json", {} if before is None else {"before": before})
            posts = _read(reply, _LatestPosts).latest_posts
            found.update(str(post.topic_id) for post in posts if post.id > mark and post.topic_id is not None)
            if before is None and not posts:
                break
            window = (before or 0) - _WINDOW
            before = min((post.id for post in posts if before is None or post.id < before), default=window)
        return found

    def _fetch(self, numbers: Sequence[str]) -> Iterator[tuple[str, Harvested | None]]:
        for number in numbers:
            place = f"{self._wishes.url}/t/{number}.json"
            try:
                yield number, self._topic(number, place)
            except msgspec.ValidationError as error:
                yield number, RecordError(place, f"is not a topic as Discourse writes it: {error}; it is read again")

    def _topic(self, number: str, place: str) -> RawRecord | None:
        reply = self._client.get(place, headers=self._wishes.headers, handled=_REFUSED)
        if reply.status != 200:
            self._check_access(reply)
            return None
        data = reply.json()
        topic = msgspec.convert(data, Topic, strict=False)
        where = where_is(topic.category_id, self._categories)
        # A topic merged into another is answered with that one, which has a number of its own.
        if str(topic.id) != number or topic.deleted_at or not self._wanted(topic.visible, topic.archetype, where):
            return None
        first = [*cast("dict[str, Any]", data)["post_stream"]["posts"]]
        more = self._more_posts(topic)
        posts = [*first, *more]
        if self._wishes.only_solved and not _is_solved(topic, posts):
            return None
        stream = topic.post_stream.stream or []
        absent = len(set(stream) - {post.get("id") for post in posts})
        payload = {
            "kbgen_topic": lasting({**cast("dict[str, Any]", data), "post_stream": {"posts": _readable(first)}}),
            "kbgen_posts": lasting(_readable(more)),
            "kbgen_absent": absent,
            "kbgen_category": where,
        }
        return self._make(topic.id, topic.slug, payload, place)

    def _check_access(self, reply: Reply) -> None:
        """A key that was withdrawn looks like a forum made private topic by topic: then nothing is gone."""
        if reply.status in (401, 403):
            self._get("latest.json", {"no_definitions": "true"})

    def _more_posts(self, topic: Topic) -> list[dict[str, Any]]:
        """The posts beyond the first page, by id: every twenty a request, up to the configured number."""
        have = {post.id for post in topic.post_stream.posts}
        stream = topic.post_stream.stream or []
        marked = [mark.id for mark in topic.accepted_answers or () if mark.id is not None]
        lacking = [post for post in stream if post not in have][: max(0, self._wishes.most_posts - len(have))]
        lacking += [post for post in marked if post in stream and post not in have and post not in lacking]
        found: dict[int, dict[str, Any]] = {}
        for start in range(0, len(lacking), _CHUNK):
            query = "&".join(f"post_ids%5B%5D={post}" for post in lacking[start : start + _CHUNK])
            address = f"{self._wishes.url}/t/{topic.id}/posts.json?{query}"
            reply = self._client.get(address, headers=self._wishes.headers, handled=_REFUSED)
            if reply.status != 200:
                # Made private in this very moment: what was not given is absent.
                self._check_access(reply)
                break
            posts = cast("dict[str, Any]", reply.json())["post_stream"]["posts"]
            found.update((post["id"], post) for post in posts if post["id"] not in have)
        return list(found.values())


def _read(reply: Reply, shape: type[_Shape]) -> _Shape:
    try:
        return msgspec.convert(reply.json(), shape, strict=False)
    except msgspec.ValidationError as error:
        raise SourceError(f"{reply.url}: is not what Discourse answers: {error}; check `url`") from error


def _readable(posts: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Posts as a visitor sees them: no whispers, and no words of those that are hidden or deleted."""
    return [
        {**post, "cooked": ""} if post.get("hidden") or post.get("deleted_at") or post.get("user_deleted") else post
        for post in posts
        if post.get("post_type", REGULAR) == REGULAR
    ]


def _is_solved(topic: Topic, posts: Sequence[dict[str, Any]]) -> bool:
    """Whether the topic has an accepted answer; one on a forum without the plugin counts as if it had."""
    if topic.accepted_answer or topic.accepted_answers or any(post.get("accepted_answer") for post in posts):
        return True
    return not any("accepted_answer" in post for post in posts)
