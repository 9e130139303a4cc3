"""Discourse: recorded topics (``/t/<id>.json``) from a folder or tar file.

The accepted answer has had several shapes since 2015; all of them are read, see ``_solved``. What is NOT here:
harvesting a live forum, and the cooked HTML (``discourse_html``).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import msgspec
from msgspec import Struct
from pydantic import Field, SecretStr

from kbgen.errors import RecordError, SourceError
from kbgen.model import Person, Post, RawRecord, Solved, Thread, Visibility
from kbgen.sources.archives import archive_signature, read_members
from kbgen.sources.base import Harvested, Source, SourceOptions
from kbgen.sources.fields import SiteUrl, read_time

_REGULAR = 1
_LIKE = 2
_SUFFIX = ".json"
_ABOUT = ("About the ", " category")
_NOTHING = msgspec.Raw(b"")
_LISTS = {"topic_list", "category_list", "categories", "latest_posts"}


class DiscourseOptions(SourceOptions):
    """Keys of a ``kind: discourse`` source.

    Attributes:
        url: the forum's address; a forum under a path is fine.
        archive: folder, ``.tar``, ``.tar.gz`` or ``.tar.zst`` of recorded ``/t/<id>.json`` files, at any depth;
            of several recordings of one topic the last in path order counts. ``site.json`` or
            ``categories.json`` among them gives the categories their names.
        api_key: for harvesting live, with ``api_username``.
    """

    url: SiteUrl
    archive: str | None = None
    api_key: SecretStr | None = None
    api_username: str | None = None
    member_megabytes: int = Field(default=64, ge=1)


class _Seen(Struct):
    """An object whose inside does not matter yet; decoding skips over it."""


class _Action(Struct):
    id: int | None = None
    count: int | None = None


class _Post(Struct):
    id: int
    post_number: int
    post_type: int = _REGULAR
    cooked: str | None = None
    username: str | None = None
    name: str | None = None
    user_id: int | None = None
    created_at: str | None = None
    updated_at: str | None = None
    version: int | None = None
    actions_summary: list[_Action] | None = None
    moderator: bool | None = None
    admin: bool | None = None
    staff: bool | None = None
    hidden: bool | None = None
    deleted_at: str | None = None
    user_deleted: bool | None = None
    accepted_answer: bool | None = None


class _Stream(Struct):
    posts: list[_Post] = []
    stream: list[int] | None = None


class _Accepted(Struct):
    id: int | None = None
    post_number: int | None = None
    accepter_username: str | None = None


class _TagName(Struct):
    name: str


class _Topic(Struct):
    id: int
    post_stream: _Stream
    title: str | None = None
    unicode_title: str | None = None
    slug: str | None = None
    created_at: str | None = None
    last_posted_at: str | None = None
    views: int | None = None
    visible: bool | None = None
    closed: bool | None = None
    archived: bool | None = None
    archetype: str | None = None
    category_id: int | None = None
    deleted_at: str | None = None
    tags: list[str | _TagName] | None = None
    accepted_answer: _Accepted | None = None
    accepted_answers: list[_Accepted] | None = None


class _Category(Struct):
    id: int
    name: str = ""
    slug: str = ""
    parent_category_id: int | None = None
    read_restricted: bool | None = None


class _Where(Struct):
    """The category of a topic as other recordings of the archive name it."""

    names: tuple[str, ...] = ()
    restricted: bool = False


class _Envelope(Struct):
    """A payload with what the topic itself does not say; a bare topic has neither key."""

    kbgen_topic: msgspec.Raw = _NOTHING
    kbgen_category: _Where | None = None


class _Glance(Struct):
    """What has to be known of a member before it is parsed."""

    id: int | None = None
    slug: str | None = None
    category_id: int | None = None
    post_stream: _Seen | None = None
    topic_list: _Seen | None = None
    latest_posts: list[_Seen] | None = None
    categories: list[_Category] | None = None
    category_list: dict[str, Any] | None = None
    errors: list[str] | None = None


class DiscourseSource(Source):
    """A Discourse forum."""

    kind = "discourse"
    Options = DiscourseOptions

    @property
    def _options(self) -> DiscourseOptions:
        return cast("DiscourseOptions", self.options)

    def _archive(self) -> Path:
        if self._options.archive is None:
            problem = "harvesting a live Discourse is not in this version; record its /t/<id>.json files and name them"
            raise SourceError(f"source {self.name}: {problem} as `archive: FOLDER` (or a .tar, .tar.gz, .tar.zst)")
        return self.project / self._options.archive

    def fingerprint(self) -> str | None:
        """Signature of the archive's files."""
        return archive_signature(self._archive(), _SUFFIX)

    def records(self) -> Iterator[Harvested]:
        """Yield each topic once, in the archive's order; a first pass finds the recording that counts."""
        archive = self._archive()
        latest, categories = self._survey(archive)
        for member in self._members(archive):
            if isinstance(member, RecordError):
                yield member
                continue
            name, data = member
            place = f"{archive}:{name}"
            glance = _glance(data, place)
            if isinstance(glance, RecordError):
                yield glance
            elif glance.id is not None and glance.post_stream is not None:
                if latest.get(glance.id, name) == name:
                    yield self._record(glance, data, categories, place)
            elif all(getattr(glance, key) is None for key in _LISTS):
                said = f" (the forum said: {'; '.join(glance.errors)})" if glance.errors else ""
                yield RecordError(place, f"is not a topic{said}; record /t/<id>.json, or remove the file")

    def _members(self, archive: Path) -> Iterator[Any]:
        return read_members(archive, _SUFFIX, self._options.member_megabytes * 2**20)

    def _survey(self, archive: Path) -> tuple[dict[int, str], dict[int, _Category]]:
        """Find the last recording of each topic, and the categories; a broken end is met again when reading."""
        latest: dict[int, str] = {}
        categories: dict[int, _Category] = {}
        try:
            for member in self._members(archive):
                glance = member if isinstance(member, RecordError) else _glance(member.data, member.name)
                if isinstance(glance, RecordError):
                    continue
                if glance.id is not None and glance.post_stream is not None:
                    latest[glance.id] = max(latest.get(glance.id, ""), member.name, key=_path_order)
                categories.update((category.id, category) for category in _categories(glance))
        except SourceError:
            pass
        return latest, categories

    def _record(self, glance: _Glance, data: bytes, categories: dict[int, _Category], place: str) -> RawRecord:
        topic = str(glance.id)
        payload: object = msgspec.Raw(data)
        where = _where(glance.category_id, categories)
        if where is not None:
            payload = {"kbgen_topic": payload, "kbgen_category": where}
        return self.record(topic, "thread", self._url(topic, glance.slug), payload, place)

    def _url(self, topic: str, slug: str | None) -> str:
        return f"{self._options.url}/t/{quote(slug or '-', safe='')}/{topic}"

    def parse(self, record: RawRecord) -> Thread:
        """What a recorded topic means."""
        place = record.place or record.ref
        try:
            envelope = msgspec.json.decode(record.payload, type=_Envelope)
            topic = msgspec.json.decode(bytes(envelope.kbgen_topic) or record.payload, type=_Topic, strict=False)
            return self._thread(record, topic, envelope.kbgen_category or _Where(), place)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise RecordError(place, f"is not a topic as Discourse writes it: {error}; record it again") from error
        except ValueError as error:
            raise RecordError(place, f"{error}; record it again") from error

    def _thread(self, record: RawRecord, topic: _Topic, where: _Where, place: str) -> Thread:
        title = (topic.unicode_title or topic.title or "").strip()
        if not title:
            raise RecordError(place, "the topic has no title; record it again")
        posts = sorted((post for post in topic.post_stream.posts if post.post_type == _REGULAR), key=_number)
        if not posts or posts[0].post_number != 1:
            raise RecordError(place, "the topic has no first post; record it again from its first page")
        warnings = _missing_posts(topic)
        solved = _solved(topic, posts, warnings)
        about = title.startswith(_ABOUT[0]) and title.endswith(_ABOUT[1]) and not solved
        if about and len(posts) > 1:
            warnings.append("The topic describes a category and is not a question, so its replies were left out.")
        question, *answers = self._posts(topic, posts[:1] if about else posts, solved, place, warnings)
        return Thread(
            ref=record.ref,
            url=self._url(str(topic.id), topic.slug),
            title=title,
            question=question,
            answers=tuple(answers),
            solved=solved,
            created=read_time(topic.created_at) or question.created,
            updated=read_time(topic.last_posted_at) or read_time(topic.created_at),
            tags=tuple(tag if isinstance(tag, str) else tag.name for tag in topic.tags or ()),
            category=where.names or ((str(topic.category_id),) if topic.category_id is not None else ()),
            views=topic.views,
            visibility=_visibility(topic, posts[0], where),
            closed="closed" if topic.closed or topic.archived else None,
            lang=self.options.lang,
            warnings=tuple(warnings),
        )

    def _posts(
        self, topic: _Topic, posts: list[_Post], solved: tuple[Solved, ...], place: str, warnings: list[str]
    ) -> list[Post]:
        accepted = {mark.post_id for mark in solved}
        result: list[Post] = []
        for post in posts:
            if post.username or post.name:
                result.append(self._post(topic, post))
            elif post.post_number == 1 or str(post.id) in accepted:
                what = "question" if post.post_number == 1 else "accepted answer"
                raise RecordError(place, f"post {post.id}, the {what}, has no author to credit; record it again")
            else:
                warnings.append(f"Post {post.id} has no author to credit and was left out.")
        return result

    def _post(self, topic: _Topic, post: _Post) -> Post:
        # Here, because a build with nothing new opens sources and never parses.
        from kbgen.sources.discourse_html import plain_cooked  # noqa: PLC0415

        likes = sum(action.count or 0 for action in post.actions_summary or () if action.id == _LIKE)
        return Post(
            id=str(post.id),
            url=f"{self._url(str(topic.id), topic.slug)}/{post.post_number}",
            html=plain_cooked(post.cooked or "", self._options.url),
            author=self._person(post),
            created=read_time(post.created_at),
            # Rebuilding a post moves updated_at too; only a second version was written by a person.
            edited=read_time(post.updated_at) if (post.version or 1) > 1 else None,
            score=likes,
            hidden=bool(post.hidden),
            deleted=_is_deleted(post),
        )

    def _person(self, post: _Post) -> Person:
        name = post.username or post.name or ""
        listed = {member.lower() for member in self.options.staff}
        staff = bool(post.staff or post.admin or post.moderator)
        staff = staff or not listed.isdisjoint({name.lower(), str(post.user_id)})
        gone = post.user_id is None
        profile = f"{self._options.url}/u/{quote(post.username, safe='')}" if post.username and not gone else None
        return Person("" if gone else str(post.user_id), name, profile, is_staff=staff, deleted=gone)


def _glance(data: bytes, place: str) -> _Glance | RecordError:
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        problem = "is an HTML page, not JSON (a login or challenge page was recorded?); record it again with access"
        return RecordError(place, problem)
    try:
        return msgspec.json.decode(data, type=_Glance, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return RecordError(place, f"is not a topic as Discourse writes it: {error}; record it again")


def _path_order(name: str) -> list[str]:
    return name.split("/")


def _categories(glance: _Glance) -> list[_Category]:
    listed = (glance.category_list or {}).get("categories")
    try:
        return glance.categories or msgspec.convert(listed or [], list[_Category], strict=False)
    except msgspec.ValidationError:
        return []


def _where(category_id: int | None, categories: dict[int, _Category]) -> _Where | None:
    """Path of a category: its ancestors' names, then its own name, slug and id, so that any of them can be mapped."""
    own = categories.get(category_id) if category_id is not None else None
    if own is None:
        return None
    names: list[str] = []
    restricted, parent = bool(own.read_restricted), own
    # Two levels are usual, three possible; the bound ends a loop of parents.
    for _ in range(5):
        above = categories.get(parent.parent_category_id or -1)
        if above is None:
            break
        names.insert(0, above.name)
        restricted, parent = restricted or bool(above.read_restricted), above
    own_names = dict.fromkeys(name for name in (own.name, own.slug, str(own.id)) if name)
    return _Where((*names, *own_names), restricted)


def _number(post: _Post) -> int:
    return post.post_number


def _is_deleted(post: _Post) -> bool:
    return bool(post.user_deleted or post.deleted_at)


def _missing_posts(topic: _Topic) -> list[str]:
    have = {post.id for post in topic.post_stream.posts}
    lacking = [post_id for post_id in topic.post_stream.stream or () if post_id not in have]
    if not lacking:
        return []
    total = len(topic.post_stream.stream or ())
    return [f"{len(lacking)} of {total} posts are not in the recording; record the topic with all its pages."]


def _solved(topic: _Topic, posts: list[_Post], warnings: list[str]) -> tuple[Solved, ...]:
    """The accepted answers in post order, as the union of every shape a server has ever sent.

    Posts with ``accepted_answer``; ``accepted_answers[].id`` (discourse/discourse#39806, since 2026-05);
    ``accepted_answer.post_number`` (until then).
    """
    by_id = {post.id: post for post in posts}
    by_number = {post.post_number: post for post in posts}
    found: dict[int, str | None] = {post.id: None for post in posts if post.accepted_answer}
    marks = [*(topic.accepted_answers or ()), *([topic.accepted_answer] if topic.accepted_answer else ())]
    for mark in marks:
        post = by_id.get(mark.id or -1) or by_number.get(mark.post_number or -1)
        if post is None:
            which = f"post {mark.id}" if mark.id else f"post number {mark.post_number}"
            warnings.append(f"The accepted answer, {which}, is not in the recording; it counts as not accepted.")
        else:
            found[post.id] = mark.accepter_username or found.get(post.id)
    result: list[Solved] = []
    for post in posts:
        if post.id not in found:
            continue
        if _is_deleted(post) or post.hidden or post.post_number == 1:
            state = "the question itself" if post.post_number == 1 else "hidden" if post.hidden else "deleted"
            warnings.append(f"The accepted answer, post {post.id}, is {state}; it counts as not accepted.")
        else:
            result.append(Solved(str(post.id), "accepted", by=found[post.id]))
    return tuple(result)


def _visibility(topic: _Topic, first: _Post, where: _Where) -> Visibility:
    states: tuple[tuple[bool, Visibility], ...] = (
        (bool(topic.deleted_at) or _is_deleted(first), "deleted"),
        (topic.archetype == "private_message" or where.restricted, "private"),
        (bool(first.hidden), "hidden"),
        (topic.visible is False, "unlisted"),
    )
    return next((state for holds, state in states if holds), "public")
