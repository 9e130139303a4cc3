"""A recorded Discourse forum: which members of an archive are topics, and which recording of each counts.

Not here: what a topic means (``discourse``), its JSON (``discourse_payload``), and reading archives (``archives``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from kbgen.errors import RecordError, SourceError
from kbgen.model import Ref, split_ref
from kbgen.sources.archives import Member, Spot, read_members, revisit
from kbgen.sources.base import Signatures
from kbgen.sources.discourse_payload import Category, Glance, Skipped, Where, categories_of, where_is
from kbgen.sources.discourse_posts import DIGITS, Assembled, LoosePosts, loose_posts

SUFFIX = ".json"
_POSTS = Skipped()
_LISTS = {"topic_list", "category_list", "categories"}


class Recorded(NamedTuple):
    """The recording of a topic that counts.

    Attributes:
        place: archive and member, for messages.
        digest: of the member's bytes.
        data: these bytes; None where the topic is known as it is recorded.
        posts: further ones, from other members.
    """

    glance: Glance
    place: str
    digest: str
    data: bytes | None
    posts: tuple[msgspec.Raw, ...] = ()


class _Seen(NamedTuple):
    """A member as the first pass found it; ``glance`` is None for what could not be read."""

    spot: Spot | RecordError
    glance: Glance | None
    digest: str


class _Recordings:
    """Which recording of each topic is the last in path order, and which lie beside that: other pages of it."""

    def __init__(self) -> None:
        self._latest: dict[int, str] = {}
        self._pages: dict[int, set[str]] = {}

    def count(self, topic: int, name: str) -> None:
        """Take a recording in. One in an earlier folder is of an earlier pass, and no page of the last."""
        latest = self._latest.setdefault(topic, name)
        if latest == name:
            return
        older, newer = sorted((latest, name), key=_path_order)
        self._latest[topic] = newer
        if _folder(older) == _folder(newer):
            self._pages.setdefault(topic, set()).add(older)
        elif newer == name:
            self._pages.pop(topic, None)

    @property
    def of_several_pages(self) -> bool:
        """Whether there is such a topic."""
        return bool(self._pages)

    def is_page(self, topic: int, name: str) -> bool:
        """Whether this is another page of a topic."""
        return name in self._pages.get(topic, ())

    def is_last(self, topic: int, name: str) -> bool:
        """Whether this recording counts."""
        # Of a topic that the first pass did not reach, this is the last recording that is known.
        return self._latest.get(topic, name) == name

    def last(self, topics: Iterable[int]) -> dict[str, int]:
        """The recordings of some topics that count, to their topics."""
        return {self._latest[topic]: topic for topic in topics if topic in self._latest}


class RecordedForum:
    """An archive that was looked through once: its categories, and which recording of each topic is the last.

    Args:
        archive: folder or tar file.
        cap: a larger member, in bytes, is reported instead of read.
        signatures: of recordings that were read before (``RecordedForum.sign``): what is in these is known.

    Raises:
        SourceError: there is no archive.
    """

    def __init__(self, archive: Path, cap: int, signatures: Signatures) -> None:
        self._archive = archive
        self._cap = cap
        signed = ((signature[:DIGITS], ref, signature) for ref, signature in signatures.items() if " " in signature)
        self._known = {digest: (ref, signature) for digest, ref, signature in signed}
        self._recordings = _Recordings()
        self._loose = False
        self._categories: dict[int, Category] = {}
        self._named: dict[int | None, tuple[Where | None, str]] = {}
        # Where every member lies, to be read again from there; None where that cannot be done.
        self._seen: list[_Seen] | None = []
        self._look()

    def where(self, glance: Glance) -> Where | None:
        """The category of a topic."""
        return self._category_of(glance)[0]

    def sign(self, glance: Glance, digest: str) -> str:
        """The signature of a recording: its digest, the topic's category, and a digest of what is known of that.

        "" for one that says something about other topics as well: it is read every time.
        """
        if categories_of(glance):
            return ""
        return f"{digest} {'' if glance.category_id is None else glance.category_id} {self._category_of(glance)[1]}"

    def _category_of(self, glance: Glance) -> tuple[Where | None, str]:
        """The category of a topic, and its digest: names of categories are text that may have to be forgotten."""
        number = glance.category_id
        if number not in self._named:
            where = where_is(number, self._categories)
            self._named[number] = where, _digest(msgspec.json.encode(where)) if where else ""
        return self._named[number]

    def topics(self) -> Iterator[Recorded | RecordError]:
        """Every topic once, in the archive's order, and what cannot be read; those that are known come first.

        Raises:
            SourceTruncated: the archive ends in the middle, or changed since it was looked through.
        """
        if not (self._loose or self._recordings.of_several_pages):
            yield from self._whole_topics()
            return
        with loose_posts(self._archive) as loose:
            faults = list(self._gather(loose))
            yield from (
                one for one in self._whole_topics() if isinstance(one, RecordError) or one.glance.id not in loose.topics
            )
            yield from faults
            yield from (self._put_together(one) for one in loose.assembled())

    def _whole_topics(self) -> Iterator[Recorded | RecordError]:
        return self._read_through() if self._seen is None else self._read_again(self._seen)

    def _gather(self, loose: LoosePosts) -> Iterator[RecordError]:
        """Take the posts in that do not lie in their topic's recording, then the recordings of these topics."""
        try:
            for member in self._members():
                if isinstance(member, RecordError):
                    continue
                glance = _glance(member.data, member.name)
                if isinstance(glance, Glance) and self._has_posts(glance, member.name):
                    yield from loose.keep(member)
            wholes = self._recordings.last(loose.topics)
            for member in self._members() if wholes else ():
                if isinstance(member, Member) and member.name in wholes:
                    loose.keep_whole(wholes[member.name], member)
        except SourceError:
            # Met again when reading the others, before what was put together is asked for.
            return

    def _has_posts(self, glance: Glance, name: str) -> bool:
        """Whether a member holds posts that are not in their topic's recording."""
        return _is_loose(glance) or self._recordings.is_page(glance.id or 0, name)

    def _look(self) -> None:
        """Find the last recording of each topic, and the categories; a broken end is met again when reading."""
        try:
            for member in self._members():
                if isinstance(member, RecordError):
                    self._note(member, None, "")
                    continue
                digest = _digest(member.data)
                glance = self._glance(member, digest, member.name)
                if isinstance(glance, RecordError):
                    self._note(member, None, digest)
                else:
                    self._note(member, glance, digest)
                    self._count(member.name, glance)
        except SourceError:
            self._seen = None

    def _members(self) -> Iterator[Member | RecordError]:
        return read_members(self._archive, SUFFIX, self._cap)

    def _glance(self, member: Member, digest: str, place: str) -> Glance | RecordError:
        """What a member is; of one that was read before, what its signature says."""
        known = self._known.get(digest)
        return _glance(member.data, place) if known is None else _signed(*known)

    def _note(self, member: Member | RecordError, glance: Glance | None, digest: str) -> None:
        if self._seen is None:
            return
        if isinstance(member, RecordError):
            self._seen.append(_Seen(member, None, digest))
        elif member.at >= 0:
            self._seen.append(_Seen(Spot(member.name, member.at, len(member.data)), glance, digest))
        else:
            self._seen = None

    def _count(self, name: str, glance: Glance) -> None:
        if glance.id is not None and _is_topic(glance):
            self._recordings.count(glance.id, name)
        self._loose = self._loose or _is_loose(glance)
        for category in categories_of(glance):
            self._categories[category.id] = category

    def _put_together(self, found: Assembled | RecordError) -> Recorded | RecordError:
        if isinstance(found, RecordError):
            return found
        glance = _glance(found.topic, found.name)
        if isinstance(glance, RecordError):
            return glance
        known = self._is_known(glance, found.digest)
        return Recorded(glance, self._place(found.name), found.digest, None if known else found.topic, found.posts)

    def _is_known(self, glance: Glance, digest: str) -> bool:
        known = self._known.get(digest)
        return known is not None and known[1] == self.sign(glance, digest)

    def _read_again(self, seen: list[_Seen]) -> Iterator[Recorded | RecordError]:
        """From where they lie, and those that are known not at all."""
        others: list[_Seen] = []
        for one in seen:
            if one.glance is None or isinstance(one.spot, RecordError) or not _is_topic(one.glance):
                others.append(one)
            elif self._recordings.is_last(one.glance.id or 0, one.spot.name):
                if self._is_known(one.glance, one.digest):
                    yield Recorded(one.glance, self._place(one.spot.name), one.digest, None)
                else:
                    others.append(one)
        for member, one in zip(revisit(self._archive, [one.spot for one in others]), others, strict=True):
            found = member if isinstance(member, RecordError) else self._one(member, one.glance, one.digest)
            if found is not None:
                yield self._whole(found)

    def _read_through(self) -> Iterator[Recorded | RecordError]:
        for member in self._members():
            found = member if isinstance(member, RecordError) else self._one(member, None, _digest(member.data))
            if isinstance(found, Recorded) and self._is_known(found.glance, found.digest):
                yield found._replace(data=None)
            elif found is not None:
                yield self._whole(found)

    def _one(self, member: Member, seen: Glance | None, digest: str) -> Recorded | RecordError | None:
        """What a member is; None for a list, and for a recording that is not the last."""
        place = self._place(member.name)
        glance = seen or self._glance(member, digest, place)
        if isinstance(glance, RecordError):
            return glance
        if _is_topic(glance):
            counts = self._recordings.is_last(glance.id or 0, member.name)
            return Recorded(glance, place, digest, member.data) if counts else None
        if _is_loose(glance) or any(getattr(glance, key) is not None for key in _LISTS):
            return None
        said = f" (the forum said: {'; '.join(glance.errors)})" if glance.errors else ""
        return RecordError(place, f"is not a topic{said}; record /t/<id>.json, or remove the file")

    def _whole(self, found: Recorded | RecordError) -> Recorded | RecordError:
        """With all there is to know of a topic, where a signature told what was needed so far."""
        if isinstance(found, RecordError) or found.data is None or found.digest not in self._known:
            return found
        glance = _glance(found.data, found.place)
        return glance if isinstance(glance, RecordError) else found._replace(glance=glance)

    def _place(self, name: str) -> str:
        return f"{self._archive}:{name}"


def _is_topic(glance: Glance) -> bool:
    return glance.id is not None and glance.post_stream is not None and glance.title is not None


def _is_loose(glance: Glance) -> bool:
    """Whether a member holds posts without what their topic says of itself."""
    single = glance.topic_id is not None and glance.post_number is not None
    return single or glance.latest_posts is not None or (glance.post_stream is not None and glance.title is None)


def _digest(data: bytes) -> str:
    # Processors have instructions for this one.
    return hashlib.sha256(data).hexdigest()[:DIGITS]


def _signed(ref: Ref, signature: str) -> Glance:
    """What a signature tells of a topic; its slug is not among it."""
    category = signature.split(" ", 2)[1]
    number = split_ref(ref)[1]
    return Glance(id=int(number), title="", category_id=int(category) if category else None, post_stream=_POSTS)


def _glance(data: bytes, place: str) -> Glance | RecordError:
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        problem = "is an HTML page, not JSON (a login or challenge page was recorded?); record it again with access"
        return RecordError(place, problem)
    try:
        return msgspec.json.decode(data, type=Glance, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return RecordError(place, f"is not a topic as Discourse writes it: {error}; record it again")


def _path_order(name: str) -> list[str]:
    return name.split("/")


def _folder(name: str) -> str:
    return name.rpartition("/")[0]
