"""Discourse: a live forum, or recorded topics (``/t/<id>.json``) and posts from a folder or tar file.

The accepted answer has had several shapes since 2015; all of them are read, see ``_solved``. What is NOT here: asking
the forum (``discourse_live``), its JSON (``discourse_payload``), and the cooked HTML (``discourse_html``).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast
from urllib.parse import quote

import msgspec
from pydantic import Field, SecretStr

from kbgen.errors import RecordError
from kbgen.model import Person, Post, RawRecord, Solved, Thread, Visibility, make_ref
from kbgen.sources.archives import archive_signature
from kbgen.sources.base import Harvested, Signatures, SourceOptions, Unchanged
from kbgen.sources.discourse_archive import SUFFIX, Recorded, RecordedForum
from kbgen.sources.discourse_payload import REGULAR, Envelope, PostData, Topic, Where
from kbgen.sources.fields import SiteUrl, read_time
from kbgen.sources.http import Client
from kbgen.sources.live import Known, LiveSource, Step, Walk

_LIKE = 2
_ABOUT = ("About the ", " category")


class DiscourseOptions(SourceOptions):
    """Keys of a ``kind: discourse`` source.

    Attributes:
        url: the forum's address; a forum under a path is fine.
        archive: folder, ``.tar``, ``.tar.gz`` or ``.tar.zst`` of recorded ``/t/<id>.json`` files, at any depth;
            of several recordings of one topic the last in path order counts. Further pages of topics, single posts and
            lists of the newest posts are put together. ``site.json`` or ``categories.json`` among them gives the
            categories their names. Without it the forum itself is asked.
        member_megabytes: a larger file in the archive is reported instead of read.
        api_key: of an administrator or a user, with ``api_username``; none for an anonymous visitor.
        api_username: in whose name ``api_key`` asks.
        user_api_key: of one user, instead of the two above.
        only_solved: leave out topics without an accepted answer.
        list_each_time: read the whole list of topics in every pass, so that accepts, un-accepts and deletions are seen
            by the next one; else only the newest posts, and those by the next full pass.
        categories: names, slugs or ids of the categories that are read, those below them included; all by default.
        members_only: read a forum that only its members can read.
        most_posts: of a topic; the accepted answers are read in any case.
    """

    url: SiteUrl
    archive: str | None = None
    member_megabytes: int = Field(default=64, ge=1)
    api_key: SecretStr | None = None
    api_username: str | None = None
    user_api_key: SecretStr | None = None
    only_solved: bool = True
    list_each_time: bool = True
    categories: tuple[str, ...] = ()
    members_only: bool = False
    most_posts: int = Field(default=1000, ge=20)


class DiscourseSource(LiveSource):
    """A Discourse forum."""

    kind = "discourse"
    version = 2
    Options = DiscourseOptions

    @property
    def _options(self) -> DiscourseOptions:
        return cast("DiscourseOptions", self.options)

    @property
    def live(self) -> bool:
        """Whether the forum itself is asked: it is, unless an archive is named."""
        return self._options.archive is None

    def _archive(self) -> Path:
        return self.project / (self._options.archive or "")

    def steps(self, client: Client, known: Known, walk: Walk) -> Iterator[Step]:
        """Ask the forum."""
        # Here, because a build offline opens sources and asks none.
        from kbgen.sources.discourse_live import LiveForum, Wishes  # noqa: PLC0415

        options = self._options
        wishes = Wishes(
            url=options.url,
            headers=self._headers(),
            only_solved=options.only_solved,
            list_each_time=options.list_each_time,
            categories=frozenset(name.lower() for name in options.categories),
            members_only=options.members_only,
            most_posts=options.most_posts,
        )
        yield from LiveForum(wishes, client, self._made).steps(known, walk)

    def _headers(self) -> dict[str, str]:
        options = self._options
        if options.user_api_key is not None:
            return {"User-Api-Key": options.user_api_key.get_secret_value()}
        if options.api_key is None:
            return {}
        name = {"Api-Username": options.api_username} if options.api_username else {}
        return {"Api-Key": options.api_key.get_secret_value(), **name}

    def _made(self, number: int, slug: str | None, payload: object, place: str) -> RawRecord:
        return self.record(number, "thread", self._url(str(number), slug), payload, place)

    def fingerprint(self) -> str | None:
        """Signature of the archive's files; None for a live forum."""
        return None if self.live else archive_signature(self._archive(), SUFFIX)

    def records(self) -> Iterator[Harvested]:
        """Yield each topic once, in the archive's order; a first pass finds the recording that counts."""
        return (one for one in self.changes({}) if not isinstance(one, Unchanged))

    def changes(self, signatures: Signatures) -> Iterator[Harvested | Unchanged]:
        """The same; a recording whose bytes are those of last time is not read a second time."""
        if self.live:
            return
        forum = RecordedForum(self._archive(), self._options.member_megabytes * 2**20, signatures)
        for one in forum.topics():
            if isinstance(one, RecordError):
                yield one
            elif one.data is None:
                yield Unchanged(make_ref(self.name, one.glance.id or 0))
            else:
                yield self._record(one, one.data, forum)

    def _record(self, one: Recorded, data: bytes, forum: RecordedForum) -> RawRecord:
        payload: object = msgspec.Raw(data)
        where = forum.where(one.glance)
        if where is not None or one.posts:
            more = {"kbgen_posts": one.posts} if one.posts else {}
            payload = {"kbgen_topic": payload, "kbgen_category": where, **more}
        url = self._url(str(one.glance.id), one.glance.slug)
        signature = forum.sign(one.glance, one.digest)
        return self.record(str(one.glance.id), "thread", url, payload, one.place, signature)

    def _url(self, topic: str, slug: str | None) -> str:
        return f"{self._options.url}/t/{quote(slug or '-', safe='')}/{topic}"

    def parse(self, record: RawRecord) -> Thread:
        """What a recorded topic means."""
        place = record.place or record.ref
        try:
            envelope = msgspec.json.decode(record.payload, type=Envelope, strict=False)
            topic = msgspec.json.decode(bytes(envelope.kbgen_topic) or record.payload, type=Topic, strict=False)
            _add_posts(topic, envelope.kbgen_posts)
            return self._thread(record, topic, envelope, place)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise RecordError(place, f"is not a topic as Discourse writes it: {error}; record it again") from error
        except ValueError as error:
            raise RecordError(place, f"{error}; record it again") from error

    def _thread(self, record: RawRecord, topic: Topic, envelope: Envelope, place: str) -> Thread:
        where = envelope.kbgen_category or Where()
        title = (topic.unicode_title or topic.title or "").strip()
        if not title:
            raise RecordError(place, "the topic has no title; record it again")
        posts = sorted((post for post in topic.post_stream.posts if post.post_type == REGULAR), key=_number)
        if not posts or posts[0].post_number != 1:
            raise RecordError(place, "the topic has no first post; record it again from its first page")
        warnings = _missing_posts(topic, envelope.kbgen_absent)
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
        self, topic: Topic, posts: list[PostData], solved: tuple[Solved, ...], place: str, warnings: list[str]
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

    def _post(self, topic: Topic, post: PostData) -> Post:
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

    def _person(self, post: PostData) -> Person:
        name = post.username or post.name or ""
        listed = {member.lower() for member in self.options.staff}
        staff = bool(post.staff or post.admin or post.moderator)
        staff = staff or not listed.isdisjoint({name.lower(), str(post.user_id)})
        gone = post.user_id is None
        profile = f"{self._options.url}/u/{quote(post.username, safe='')}" if post.username and not gone else None
        return Person("" if gone else str(post.user_id), name, profile, is_staff=staff, deleted=gone)


def _add_posts(topic: Topic, posts: list[PostData]) -> None:
    """Give a topic the posts that were asked for or recorded apart from it; of those it has they are newer ones."""
    if not posts:
        return
    topic.post_stream.posts = list({post.id: post for post in (*topic.post_stream.posts, *posts)}.values())
    times = (topic.last_posted_at, *(post.created_at for post in posts if post.post_type == REGULAR))
    topic.last_posted_at = max((time for time in times if time), default=None)


def _number(post: PostData) -> int:
    return post.post_number


def _is_deleted(post: PostData) -> bool:
    return bool(post.user_deleted or post.deleted_at)


def _missing_posts(topic: Topic, absent: int | None) -> list[str]:
    if absent is not None:
        return [f"{absent} posts were not read: deleted meanwhile, or beyond `most_posts`."] if absent else []
    have = {post.id for post in topic.post_stream.posts}
    lacking = [post_id for post_id in topic.post_stream.stream or () if post_id not in have]
    if not lacking:
        return []
    total = len(topic.post_stream.stream or ())
    return [f"{len(lacking)} of {total} posts are not in the recording; record the topic with all its pages."]


def _solved(topic: Topic, posts: list[PostData], warnings: list[str]) -> tuple[Solved, ...]:
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


def _visibility(topic: Topic, first: PostData, where: Where) -> Visibility:
    states: tuple[tuple[bool, Visibility], ...] = (
        (bool(topic.deleted_at) or _is_deleted(first), "deleted"),
        (topic.archetype == "private_message" or where.restricted, "private"),
        (bool(first.hidden), "hidden"),
        (topic.visible is False, "unlisted"),
    )
    return next((state for holds, state in states if holds), "public")
