"""Flarum forums with the best-answer extension, by their JSON:API, as a guest or a member sees them.

Core as docs.flarum.org/rest-api describes it, the attributes of solved discussions as FriendsOfFlarum/best-answer adds
them. What is NOT here: forums that show guests a part of what members see, for the API does not say which part.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import quote

import msgspec
from msgspec import Struct

from kbgen.errors import RecordError, SourceError
from kbgen.model import Article, Person, Post, RawRecord, Solved, Thread
from kbgen.sources.base import MALFORMED, Harvested
from kbgen.sources.fields import SiteUrl, read_time
from kbgen.sources.http import Client, Params
from kbgen.sources.live import Known, LiveSource, MemberOptions, Step, Walk
from kbgen.sources.sweep import sweep, sweep_changes

_GONE = (401, 403, 404, 410)
_OVERLAP = timedelta(minutes=10)
_BATCH = 5
_JSON_API = "application/vnd.api+json"
_PAGE = 50
_TOO_MANY_PAGES = 100_000
_DISCUSSION = (
    *("title", "slug", "commentCount", "createdAt", "lastPostedAt", "hasBestAnswer", "bestAnswerSetAt"),
    *("isLocked", "isHidden", "isApproved", "isPrivate", "viewCount", "views"),
)
_SIGNED = tuple(key for key in _DISCUSSION if key not in ("viewCount", "views", "createdAt"))
_POST = (
    *("number", "createdAt", "editedAt", "contentType", "contentHtml", "isHidden", "isApproved", "isPrivate"),
    *("likesCount", "votes"),
)
# Moderators can read the words of a hidden post; they are not stored.
_HIDDEN_POST = tuple(key for key in _POST if key != "contentHtml")
_KEPT: Mapping[str, tuple[str, ...]] = {
    "users": ("username", "displayName", "slug"),
    "tags": ("name", "slug", "position", "isChild"),
    "groups": ("nameSingular",),
}
_INCLUDE = "user,tags,firstPost,bestAnswerPost,bestAnswerUser"
_DELETED = "[deleted]"


class FlarumOptions(MemberOptions):
    """Keys of a ``kind: flarum`` source.

    Attributes:
        url: the forum's address; a forum under a path is fine.
        tags: slugs of the tags whose discussions are read; none for all.
    """

    url: SiteUrl
    tags: tuple[str, ...] = ()


class _Resource(Struct):
    """One resource of JSON:API (jsonapi.org/format/1.0, section 5.2)."""

    id: str
    type: str
    attributes: dict[str, Any] = {}
    relationships: dict[str, Any] = {}

    def to_one(self, name: str) -> tuple[str, str] | None:
        """Type and id of the resource a relation leads to."""
        found = (self.relationships.get(name) or {}).get("data")
        return (found["type"], str(found["id"])) if isinstance(found, dict) else None

    def to_many(self, name: str) -> list[tuple[str, str]]:
        """Type and id of each resource a relation leads to."""
        found = (self.relationships.get(name) or {}).get("data")
        return [(one["type"], str(one["id"])) for one in found] if isinstance(found, list) else []


class _Payload(Struct):
    discussion: _Resource
    posts: list[_Resource]
    included: list[_Resource] = []


class FlarumSource(LiveSource):
    """A Flarum forum."""

    kind = "flarum"
    Options = FlarumOptions

    @property
    def _options(self) -> FlarumOptions:
        return cast("FlarumOptions", self.options)

    def steps(self, client: Client, known: Known, walk: Walk) -> Iterator[Step]:
        """Read the list of discussions, all of it or down to the last pass, and fetch those that changed."""
        yield from _Pass(self, self._options, client).steps(known, walk)

    def parse(self, record: RawRecord) -> Thread | Article:
        """Make a thread of a discussion and its posts."""
        try:
            payload = msgspec.json.decode(record.payload, type=_Payload, strict=False)
            return _Reader(self._options, record, payload).thread()
        except MALFORMED as error:
            problem = f"is not a discussion as Flarum gives it: {error}"
            raise RecordError(record.ref, f"{problem}; harvest it again, or report the fault") from error


class _Pass:
    """One pass over a forum."""

    def __init__(self, source: FlarumSource, options: FlarumOptions, client: Client) -> None:
        self._source = source
        self._url = options.url
        self._only = frozenset(options.tags)
        self._headers = options.headers("Token")
        self._client = client
        self._listed: dict[str, dict[str, Any]] = {}
        self._included: dict[tuple[str, str], dict[str, Any]] = {}

    def steps(self, known: Known, walk: Walk) -> Iterator[Step]:
        if self._headers:
            self._check_login()
        since = None if walk.full or walk.mark is None else read_time(walk.mark)
        self._list("createdAt" if since is None else "-lastPostedAt", None if since is None else since - _OVERLAP)
        active = [time for one in self._listed.values() if (time := _activity(one)) is not None]
        mark = max([*active, since or datetime.fromtimestamp(0, UTC)]).isoformat()
        index = {number: self._signature(one) for number, one in self._listed.items()}
        if since is None:
            yield from sweep(index, known, walk, self._fetch, batch=_BATCH, mark=mark)
        else:
            yield from sweep_changes(index, known, walk, self._fetch, batch=_BATCH, mark=mark)

    def _check_login(self) -> None:
        """Make sure that the token opens the forum: one that is not known makes a guest of its owner, without a word.

        Where guests can read as well, neither this nor what a guest may read of it could be told.
        """
        if self._may_view(self._headers) is not True:
            raise SourceError(f"{self._url}/api: the token does not open the forum; check `token`, or make a new one")
        if self._may_view({}):
            problem = "guests can read this forum; remove `token` and `members_only`, so that no more than that is read"
            raise SourceError(f"{self._url}/api: {problem}")

    def _may_view(self, headers: Mapping[str, str]) -> bool | None:
        """Whether one may read the forum at all, by its right of that name; None when it does not say."""
        reply = self._client.get(f"{self._url}/api", headers=headers, accept=_JSON_API, handled=_GONE)
        document = reply.json() if reply.status == 200 else None
        data = document.get("data") if isinstance(document, dict) else None
        about = (data.get("attributes") or {}) if isinstance(data, dict) else {}
        # Before 1.0 the right was of discussions.
        allowed = about.get("canViewForum", about.get("canViewDiscussions"))
        return allowed if isinstance(allowed, bool) else None

    def _list(self, sort: str, since: datetime | None) -> None:
        offset = 0
        for _ in range(_TOO_MANY_PAGES):
            params: Params = {"include": _INCLUDE, "sort": sort, "page[limit]": _PAGE, "page[offset]": offset}
            listed = self._get("discussions", params)
            if listed is None or not isinstance(listed.get("data"), list):
                problem = (
                    "its discussions cannot be read, or it is none of Flarum's; mend `url` or `kind`, or give a `token`"
                )
                raise SourceError(f"{self._url}/api/discussions: {problem}")
            data = listed["data"]
            new = [one for one in data if str(one["id"]) not in self._listed]
            self._include(listed)
            self._listed.update((str(one["id"]), one) for one in new if self._is_wanted(one))
            offset += len(data)
            times = [time for one in data if (time := _activity(one)) is not None]
            # Sticky discussions come first in some forums' lists.
            reached = since is not None and times and max(times) < since
            if not new or reached or not (listed.get("links") or {}).get("next"):
                return

    def _include(self, document: Mapping[str, Any]) -> None:
        for one in document.get("included") or ():
            key = (str(one["type"]), str(one["id"]))
            self._included[key] = {**self._included.get(key, {}), **one}

    def _is_wanted(self, discussion: Mapping[str, Any]) -> bool:
        if not _is_shown(discussion):
            return False
        tags = {str((self._included.get(tag, {}).get("attributes") or {}).get("slug")) for tag in _tags(discussion)}
        return not self._only or not self._only.isdisjoint(tags)

    def _signature(self, discussion: Mapping[str, Any]) -> str:
        """What the list says, the last edits of question and best answer among it."""
        attributes = discussion.get("attributes") or {}
        parts: list[Any] = [attributes.get(key) for key in _SIGNED] + sorted(_tags(discussion))
        for name in ("firstPost", "bestAnswerPost"):
            found = _as(discussion).to_one(name)
            parts.append((self._included.get(found or ("", ""), {}).get("attributes") or {}).get("editedAt"))
        return hashlib.blake2b(msgspec.json.encode(parts), digest_size=12).hexdigest()

    def _get(self, path: str, params: Params, **needed: type) -> dict[str, Any] | None:
        address = f"{self._url}/api/{path}"
        reply = self._client.get(address, params=params, headers=self._headers, accept=_JSON_API, handled=_GONE)
        if self._headers and reply.status == 401:
            raise SourceError(f"{reply.url}: the forum answers 401 to the token; check `token`, or make a new one")
        return reply.document(**needed) if reply.status == 200 else None

    def _fetch(self, numbers: Sequence[str]) -> Iterator[tuple[str, Harvested | None]]:
        for number in numbers:
            listed = self._listed.get(number) or self._discussion(number)
            yield number, None if listed is None else self._record(number, listed)

    def _discussion(self, number: str) -> dict[str, Any] | None:
        """Ask for a discussion no list showed; None when it cannot be read."""
        found = self._get(f"discussions/{quote(number, safe='')}", {"include": _INCLUDE}, data=dict)
        if found is None:
            return None
        self._include(found)
        return found["data"] if self._is_wanted(found["data"]) else None

    def _record(self, number: str, discussion: Mapping[str, Any]) -> Harvested | None:
        posts = self._posts(number)
        if not posts:
            # It was hidden, or made private, since it was listed.
            return None
        wanted = {*_tags(discussion), *filter(None, (_as(one).to_one("user") for one in [*posts, discussion]))}
        wanted.update(filter(None, [_as(discussion).to_one("bestAnswerUser")]))
        payload = {
            "discussion": _pruned(discussion, _DISCUSSION),
            "posts": [_pruned(one, _POST if _is_shown(one) else _HIDDEN_POST) for one in posts],
            "included": [
                _pruned(self._included[key], _KEPT.get(key[0], ())) for key in sorted(wanted) if key in self._included
            ],
        }
        slug = (discussion.get("attributes") or {}).get("slug") or number
        address = f"{self._url}/d/{quote(str(slug), safe='-')}"
        return self._source.record(number, "thread", address, payload, address)

    def _posts(self, number: str) -> list[dict[str, Any]]:
        posts: dict[str, dict[str, Any]] = {}
        for _ in range(_TOO_MANY_PAGES):
            window = {"page[limit]": _PAGE, "page[offset]": len(posts)}
            asked: Params = {"filter[discussion]": number, "sort": "number", "include": "user", **window}
            listed = self._get("posts", asked, data=list)
            if listed is None:
                break
            data = [one for one in listed["data"] if str(one["id"]) not in posts]
            self._include(listed)
            posts.update((str(one["id"]), one) for one in data)
            if not data or not (listed.get("links") or {}).get("next"):
                break
        return list(posts.values())


class _Reader:
    """Makes a thread of one payload."""

    def __init__(self, options: FlarumOptions, record: RawRecord, payload: _Payload) -> None:
        self._url = options.url
        self._staff = {member.lower() for member in options.staff}
        self._record = record
        self._payload = payload
        self._included = {(one.type, one.id): one for one in payload.included}
        self._warnings: list[str] = []

    def thread(self) -> Thread:
        discussion, about = self._payload.discussion, self._payload.discussion.attributes
        # Renamings, locks and moves are posts of other content types, without content.
        written = [one for one in self._payload.posts if one.attributes.get("contentType") == "comment"]
        posts = [self._post(one) for one in sorted(written, key=lambda one: int(one.attributes.get("number") or 0))]
        if not posts:
            raise RecordError(self._record.ref, "the discussion has no post; look at it in a browser")
        names, category = self._names()
        return Thread(
            ref=self._record.ref,
            url=self._record.url,
            title=str(about.get("title") or ""),
            question=posts[0],
            answers=tuple(posts[1:]),
            solved=self._solved(discussion, posts[1:]),
            created=read_time(about.get("createdAt")),
            updated=read_time(about.get("lastPostedAt")),
            tags=names,
            category=category,
            views=about.get("viewCount", about.get("views")),
            visibility="hidden" if not _shown(about) else "deleted" if posts[0].deleted else "public",
            closed="locked" if about.get("isLocked") else None,
            warnings=tuple(self._warnings),
        )

    def _solved(self, discussion: _Resource, answers: Sequence[Post]) -> tuple[Solved, ...]:
        """``hasBestAnswer`` is false or the post's id, never true."""
        number = discussion.attributes.get("hasBestAnswer")
        if not number:
            return ()
        if not any(one.id == str(number) and not one.deleted for one in answers):
            self._warnings.append(f"The best answer, post {number}, is not there; it counts as not accepted.")
            return ()
        who = self._included.get(discussion.to_one("bestAnswerUser") or ("", ""))
        at = read_time(discussion.attributes.get("bestAnswerSetAt"))
        return (Solved(str(number), "accepted", at, who.attributes.get("username") if who else None),)

    def _names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Secondary tags are tags; primary ones, which have a position, are the category, the parent first."""
        found = [self._included[key] for key in self._payload.discussion.to_many("tags") if key in self._included]
        primary = [one for one in found if one.attributes.get("position") is not None]
        primary.sort(key=lambda one: (bool(one.attributes.get("isChild")), one.attributes["position"]))
        path = [str(one.attributes.get("name")) for one in primary]
        path += [str(one.attributes.get("slug")) for one in primary[-1:]]
        return tuple(str(one.attributes.get("name")) for one in found if one not in primary), tuple(dict.fromkeys(path))

    def _post(self, post: _Resource) -> Post:
        # Here, because a build with nothing new opens sources and never parses.
        from kbgen.sources.markup import plain_post  # noqa: PLC0415

        about = post.attributes
        score = about.get("votes", about.get("likesCount"))
        return Post(
            id=post.id,
            url=f"{self._record.url}/{about.get('number')}",
            html=plain_post(str(about.get("contentHtml") or ""), self._record.url),
            author=self._person(post),
            created=read_time(about.get("createdAt")),
            edited=read_time(about.get("editedAt")),
            score=score if isinstance(score, int) else None,
            deleted=not _shown(about),
        )

    def _person(self, post: _Resource) -> Person:
        user = self._included.get(post.to_one("user") or ("", ""))
        if user is None:
            return Person("", _DELETED, deleted=True)
        login = str(user.attributes.get("username") or "")
        name = str(user.attributes.get("displayName") or login or _DELETED)
        staff = not self._staff.isdisjoint({name.lower(), login.lower(), user.id})
        slug = quote(str(user.attributes.get("slug") or login), safe="")
        return Person(user.id, name, f"{self._url}/u/{slug}", is_staff=staff)


def _as(resource: Mapping[str, Any]) -> _Resource:
    return _Resource(str(resource.get("id")), str(resource.get("type")), {}, resource.get("relationships") or {})


def _tags(discussion: Mapping[str, Any]) -> list[tuple[str, str]]:
    return _as(discussion).to_many("tags")


def _shown(attributes: Mapping[str, Any]) -> bool:
    hidden = attributes.get("isHidden") or attributes.get("isPrivate")
    return not hidden and attributes.get("isApproved") is not False


def _is_shown(resource: Mapping[str, Any]) -> bool:
    return _shown(resource.get("attributes") or {})


def _activity(discussion: Mapping[str, Any]) -> datetime | None:
    try:
        return read_time((discussion.get("attributes") or {}).get("lastPostedAt"))
    except ValueError:
        return None


def _pruned(resource: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """A resource without what moves with every visit, and without pictures of people."""
    about = resource.get("attributes") or {}
    relations = resource.get("relationships") or {}
    return {
        "id": str(resource["id"]),
        "type": resource["type"],
        "attributes": {key: about[key] for key in keys if key in about},
        "relationships": {key: relations[key] for key in ("user", "tags", "bestAnswerUser") if key in relations},
    }
