"""Asking a Zendesk Help Center: its articles, and its community's posts with their comments.

Lists of articles carry the whole article; comments have to be asked for post by post. What is NOT here: what an article
or a post means (``zendesk``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import quote

import msgspec

from kbgen.errors import SourceError
from kbgen.model import RawRecord, RecordKind
from kbgen.sources.base import Harvested
from kbgen.sources.fields import read_time
from kbgen.sources.http import Client, Params
from kbgen.sources.live import Known, Step, Walk
from kbgen.sources.sweep import sweep, sweep_changes

_GONE = (401, 403, 404, 410)
_OVERLAP = 600
"""Seconds a pass over changes looks back beyond its mark: clocks differ, and lists are read while people write."""
_BATCH = 5
_PAGE = 100
_TOO_MANY_PAGES = 100_000
_SIGNED = ("title", "updated_at", "comment_count", "status", "closed", "topic_id", "non_author_updated_at")
_SECRET = ("photo", "email", "url", "phone", "notes", "tags", "user_fields", "organization_id")
POST = "post-"
ARTICLE = "article-"

MakeRecord = Callable[[str, RecordKind, str, object, str], RawRecord]
"""Builds a record from a native id, kind, address, payload and place."""


@dataclass(frozen=True)
class Wishes:
    """What the configuration asks of a Help Center.

    Attributes:
        url: without a last slash.
        headers: the key, none for an anonymous visitor.
        locales: of the articles; the first is also asked for what has no locale.
        parts: which of ``articles`` and ``community`` are read.
    """

    url: str
    headers: Mapping[str, str]
    locales: Sequence[str]
    parts: frozenset[str]


class _OfKind:
    """What is known of one kind of item."""

    def __init__(self, known: Known, prefix: str) -> None:
        self._known = known
        self._prefix = prefix

    def signature(self, native_id: str) -> str | None:
        return self._known.signature(native_id)

    def ids(self) -> Sequence[str]:
        return [one for one in self._known.ids() if one.startswith(self._prefix)]


class HelpCenter:
    """One pass over a Help Center.

    Args:
        wishes: what to read.
        client: the way to the network.
        make: builds the records.
    """

    def __init__(self, wishes: Wishes, client: Client, make: MakeRecord) -> None:
        self._parts = wishes.parts
        lists = _Lists(wishes, client)
        self._articles = _Articles(lists, wishes, make)
        self._community = _Community(lists, wishes, make)

    def steps(self, known: Known, walk: Walk) -> Iterator[Step]:
        """Do the pass: the articles first, then the community.

        Raises:
            SourceError: the Help Center cannot be read.
        """
        part, begun, inner = (*(walk.cursor or "").split("|", 2), "", "", "")[:3]
        mark = begun or str(int(walk.now.timestamp()))
        since = None if walk.full or not (walk.mark or "").isdecimal() else int(walk.mark or 0) - _OVERLAP
        if part in ("", "articles") and "articles" in self._parts:
            for step in self._articles.steps(since, inner):
                yield replace(step, cursor=f"articles|{mark}|{step.cursor}", mark=mark)
        if "community" in self._parts:
            rest = inner if part == "community" else ""
            inside = replace(walk, full=since is None, cursor=rest or None, mark=None)
            for step in self._community.steps(since, known, inside):
                yield replace(step, cursor=f"community|{mark}|{step.cursor}", mark=mark)


@dataclass
class _Lists:
    """The API's lists."""

    wishes: Wishes
    client: Client

    def get(self, path: str, params: Params, **needed: type) -> dict[str, Any] | None:
        """Ask; None when it is not for this visitor."""
        address = f"{self.wishes.url}/api/v2/{path}.json"
        reply = self.client.get(address, params=params, headers=self.wishes.headers, handled=_GONE)
        if reply.status == 401 and self.wishes.headers:
            raise SourceError(f"{address}: the key is refused (401); check `email` and `api_token`")
        return reply.document(**needed) if reply.status == 200 else None

    def pages(self, path: str, after: str = "", **params: str) -> Iterator[tuple[dict[str, Any], str]]:
        """Read a list by cursor, for pages by number end at the hundredth.

        Yields:
            A page, and the cursor of the one after it, "" for the last.
        """
        # A list is called as its address ends.
        needed = {path.rpartition("/")[2]: list}
        met = {after}
        for _ in range(_TOO_MANY_PAGES):
            asked: dict[str, str | int] = {**params, "page[size]": _PAGE, **({"page[after]": after} if after else {})}
            listed = self.get(path, asked, **needed)
            if listed is None:
                return
            meta = listed.get("meta") or {}
            after = str(meta.get("after_cursor") or "") if meta.get("has_more") else ""
            # A cursor that comes back would go round for ever.
            after = "" if after in met else after
            met.add(after)
            yield listed, after
            if not after:
                return


@dataclass
class _Articles:
    """The articles of one pass."""

    lists: _Lists
    wishes: Wishes
    make: MakeRecord
    _places: dict[str, dict[int, list[str]]] = field(default_factory=dict)
    _met: set[str] = field(default_factory=set)

    def steps(self, since: int | None, reached: str) -> Iterator[Step]:
        if since is not None:
            changed = self._incremental(since)
            if changed is not None:
                yield self._step(changed, "")
                return
        number, _, after = reached.partition("|")
        for place, locale in enumerate(self.wishes.locales):
            if place >= int(number or 0):
                yield from self._list(place, locale, since, after if place == int(number or 0) else "")

    def _list(self, place: int, locale: str, since: int | None, after: str) -> Iterator[Step]:
        order = {"sort_by": "created_at", "sort_order": "asc"}
        if since is not None:
            order = {"sort_by": "updated_at", "sort_order": "desc"}
        path = f"help_center/{quote(locale, safe='-')}/articles"
        empty = True
        for listed, following in self.lists.pages(path, after, **order):
            empty = False
            articles = listed.get("articles") or []
            yield self._step(articles, f"{place}|{following}" if following else f"{place + 1}|")
            times = [_epoch(one.get("updated_at")) for one in articles]
            if since is not None and times and min(times) < since:
                return
        if empty:
            problem = "no articles can be read there; check `url` and `locales`, or set `email` and `api_token`"
            raise SourceError(f"{self.wishes.url}/api/v2/{path}.json: {problem}")

    def _incremental(self, since: int) -> list[dict[str, Any]] | None:
        """Articles changed since; None when the export is not for this visitor.

        There is no end of stream: the export ends when it names no next page, or none that is later.
        """
        found: dict[tuple[Any, Any], dict[str, Any]] = {}
        for _ in range(_TOO_MANY_PAGES):
            listed = self.lists.get("help_center/incremental/articles", {"start_time": since}, articles=list)
            if listed is None:
                return None
            # An article can come twice; the later row counts.
            found.update(((one.get("id"), one.get("locale")), one) for one in listed.get("articles") or ())
            end = listed.get("end_time")
            if not listed.get("next_page") or not isinstance(end, int) or end <= since:
                break
            since = end
        return list(found.values())

    def _step(self, articles: Sequence[Mapping[str, Any]], cursor: str) -> Step:
        items: list[Harvested] = []
        gone: list[str] = []
        for article in articles:
            number = f"{ARTICLE}{article['id']}-{article.get('locale')}"
            # Lists that shift while they are read show an article twice.
            if article.get("locale") not in self.wishes.locales or number in self._met:
                continue
            self._met.add(number)
            if not _is_public(article):
                gone.append(number)
                continue
            payload = {"article": article, "category": self._place(article)}
            address = str(article.get("html_url") or self.wishes.url)
            items.append(self.make(number, "article", address, payload, address))
        return Step(items=items, gone=gone, cursor=cursor)

    def _place(self, article: Mapping[str, Any]) -> list[str]:
        """Names of category and sections, outermost first."""
        locale = str(article.get("locale"))
        if locale not in self._places:
            self._places[locale] = self._sections(locale)
        return self._places[locale].get(int(article.get("section_id") or 0), [])

    def _sections(self, locale: str) -> dict[int, list[str]]:
        base = f"help_center/{quote(locale, safe='-')}"
        rows: dict[Literal["categories", "sections"], dict[int, dict[str, Any]]] = {"categories": {}, "sections": {}}
        for kind, found in rows.items():
            for listed, _ in self.lists.pages(f"{base}/{kind}"):
                found.update((int(one["id"]), one) for one in listed.get(kind) or ())
        paths: dict[int, list[str]] = {}
        for number, section in rows["sections"].items():
            names, current = [str(section.get("name"))], section
            # Sections nest five deep; the bound ends a loop of parents.
            for _ in range(6):
                above = rows["sections"].get(int(current.get("parent_section_id") or 0))
                if above is None:
                    break
                names.insert(0, str(above.get("name")))
                current = above
            category = rows["categories"].get(int(current.get("category_id") or 0))
            paths[number] = ([str(category.get("name"))] if category else []) + names
        return paths


@dataclass
class _Community:
    """The posts of one pass, with their comments."""

    lists: _Lists
    wishes: Wishes
    make: MakeRecord
    _topics: dict[int, dict[str, Any]] = field(default_factory=dict)
    _people: dict[int, dict[str, Any]] = field(default_factory=dict)
    _posts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def steps(self, since: int | None, known: Known, walk: Walk) -> Iterator[Step]:
        for listed, _ in self.lists.pages("community/topics"):
            self._topics.update((int(one["id"]), one) for one in listed.get("topics") or ())
        self._list_posts(since)
        index = {number: _signature(post) for number, post in self._posts.items()}
        if since is None:
            yield from sweep(index, _OfKind(known, POST), walk, self._fetch, batch=_BATCH)
        else:
            yield from sweep_changes(index, known, walk, self._fetch, batch=_BATCH)

    def _list_posts(self, since: int | None) -> None:
        order = "created_at" if since is None else "recent_activity"
        for listed, _ in self.lists.pages("community/posts", sort_by=order, include="users,topics"):
            self._meet(listed)
            self._topics.update((int(one["id"]), one) for one in listed.get("topics") or ())
            posts = listed.get("posts") or []
            self._posts.update((f"{POST}{one['id']}", one) for one in posts if self._is_open(one))
            times = [_epoch(one.get("updated_at")) for one in posts]
            if since is not None and times and max(times) < since:
                return

    def _meet(self, listed: Mapping[str, Any]) -> None:
        for person in listed.get("users") or ():
            self._people[int(person["id"])] = {key: value for key, value in person.items() if key not in _SECRET}

    def _is_open(self, post: Mapping[str, Any]) -> bool:
        """Whether anyone may read the topic it stands in; a topic no list shows is none of the public's."""
        topic = self._topics.get(int(post.get("topic_id") or 0))
        return topic is not None and _is_for_all(topic)

    def _fetch(self, numbers: Sequence[str]) -> Iterator[tuple[str, Harvested | None]]:
        for number in numbers:
            post = self._posts.get(number) or self._post(number)
            yield number, None if post is None else self._thread(number, post)

    def _post(self, number: str) -> dict[str, Any] | None:
        path = f"community/posts/{number.removeprefix(POST)}"
        found = self.lists.get(path, {"include": "users,topics"}, post=dict)
        if found is None:
            return None
        self._meet(found)
        return found["post"] if self._is_open(found["post"]) else None

    def _thread(self, number: str, post: Mapping[str, Any]) -> Harvested | None:
        comments: dict[int, dict[str, Any]] = {}
        if post.get("comment_count"):
            pages = list(self.lists.pages(f"community/posts/{number.removeprefix(POST)}/comments", include="users"))
            for listed, _ in pages:
                self._meet(listed)
                comments.update((int(one["id"]), one) for one in listed.get("comments") or ())
            if not pages:
                # It was removed, or its topic restricted, since it was listed.
                return None
        people = {one.get("author_id") for one in (post, *comments.values())}
        payload = {
            "post": post,
            "comments": list(comments.values()),
            "users": [person for key, person in sorted(self._people.items()) if key in people],
            "topic": {key: self._topics.get(int(post.get("topic_id") or 0), {}).get(key) for key in ("id", "name")},
        }
        address = str(post.get("html_url") or self.wishes.url)
        return self.make(number, "thread", address, payload, address)


def _is_for_all(item: Mapping[str, Any]) -> bool:
    return item.get("user_segment_id") is None and not item.get("user_segment_ids")


def _is_public(article: Mapping[str, Any]) -> bool:
    return not article.get("draft") and _is_for_all(article) and article.get("body") is not None


def _signature(post: Mapping[str, Any]) -> str:
    parts = [post.get(key) for key in _SIGNED]
    return hashlib.blake2b(msgspec.json.encode(parts), digest_size=12).hexdigest()


def _epoch(value: object) -> int:
    try:
        time = read_time(value)
    except ValueError:
        time = None
    return int((time or datetime.fromtimestamp(0, UTC)).timestamp())
