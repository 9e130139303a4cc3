"""Discord: posts of forums as DiscordChatExporter writes them to JSON files.

A file is a post; several files of one post (parts, or later exports) are one. What the bot API says of a post
(``GET /channels/ID``) may lie beside them: only that has its tags. What is NOT here: what a post means
(``discord_thread``), and text channels, where nobody can tell what answers what.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import msgspec
from msgspec import Struct

from kbgen.errors import RecordError, SourceError
from kbgen.model import RawRecord, Thread
from kbgen.sources.archives import archive_signature, read_members
from kbgen.sources.base import Harvested, Source
from kbgen.sources.discord_thread import DiscordOptions, Message, Payload, Place, discord_thread, post_url

_SUFFIX = ".json"
_THREADS = frozenset(("GuildPublicThread", "GuildNewsThread"))
_MEDIA = "_Files/"


class _Tag(Struct):
    id: str
    name: str = ""


class _Export(Struct, rename="camel"):
    """A file: an export has a guild, a channel and messages; a channel of the bot API has an id and tags."""

    guild: Place | None = None
    channel: Place | None = None
    messages: list[Message] | None = None
    exported_at: str = ""
    id: str | None = None
    applied_tags: list[str] | None = msgspec.field(default=None, name="applied_tags")
    available_tags: list[_Tag] | None = msgspec.field(default=None, name="available_tags")


class _Survey(Struct):
    """How many files each post has, and what the bot API says of tags."""

    files: defaultdict[str, int]
    applied: dict[str, list[str]]
    names: dict[str, str]


class DiscordSource(Source):
    """Forums of a Discord server."""

    kind = "discord"
    Options = DiscordOptions

    @property
    def _options(self) -> DiscordOptions:
        return cast("DiscordOptions", self.options)

    def _archive(self) -> Path:
        return self.project / self._options.archive

    def fingerprint(self) -> str | None:
        """Signature of the files."""
        return archive_signature(self._archive(), _SUFFIX)

    def records(self) -> Iterator[Harvested]:
        """Yield each post where its last file lies; a first pass learns how many it has."""
        survey = self._survey()
        held: defaultdict[str, list[_Export]] = defaultdict(list)
        for member in read_members(self._archive(), _SUFFIX):
            if isinstance(member, RecordError):
                yield member
                continue
            if _MEDIA in member.name:
                continue
            place = f"{self._archive()}:{member.name}"
            try:
                export = msgspec.json.decode(member.data, type=_Export, strict=False)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                yield RecordError(place, f"is not what DiscordChatExporter writes: {error}; export it again as JSON")
                continue
            if export.channel is None or export.guild is None:
                if export.applied_tags is None and export.available_tags is None:
                    yield RecordError(place, "is no export of a channel; remove it, or export the channel as JSON")
            elif self._is_wanted(export.channel):
                parts = held[export.channel.id]
                parts.append(export)
                if len(parts) == survey.files[export.channel.id]:
                    yield self._record(held.pop(export.channel.id), survey, place)

    def _is_wanted(self, channel: Place) -> bool:
        known = {(channel.category or "").lower(), channel.category_id or ""}
        return channel.type in _THREADS and not known.isdisjoint(forum.lower() for forum in self._options.forums)

    def _survey(self) -> _Survey:
        """Read through all files once; what is wrong with one is said when it is read again."""
        survey = _Survey(defaultdict(int), {}, {})
        try:
            for member in read_members(self._archive(), _SUFFIX):
                if isinstance(member, RecordError) or _MEDIA in member.name:
                    continue
                try:
                    export = msgspec.json.decode(member.data, type=_Export, strict=False)
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                    continue
                if export.channel is not None and export.guild is not None:
                    survey.files[export.channel.id] += 1
                elif export.id is not None and export.applied_tags is not None:
                    survey.applied[export.id] = export.applied_tags
                survey.names.update((tag.id, tag.name) for tag in export.available_tags or ())
        except SourceError:
            # It is met again, after what could be read.
            pass
        return survey

    def _record(self, parts: list[_Export], survey: _Survey, place: str) -> RawRecord:
        latest = sorted(parts, key=lambda part: part.exported_at)
        messages = {message.id: message for part in latest for message in part.messages or ()}
        guild, channel = latest[-1].guild, latest[-1].channel
        if guild is None or channel is None:
            raise RecordError(place, "is no export of a channel; export it again")
        ordered = [messages[key] for key in sorted(messages, key=_number)]
        payload = Payload(guild, channel, ordered)
        if channel.id in survey.applied:
            payload.tags = [survey.names.get(tag, tag) for tag in survey.applied[channel.id]]
        return self.record(channel.id, "thread", post_url(payload), payload, place)

    def parse(self, record: RawRecord) -> Thread:
        """What a post means."""
        place = record.place or record.ref
        try:
            payload = msgspec.json.decode(record.payload, type=Payload)
            return discord_thread(record, payload, self._options)
        except (msgspec.DecodeError, ValueError) as error:
            raise RecordError(place, f"{error}; export the channel again") from error


def _number(identity: str) -> tuple[int, str]:
    """Snowflakes by time: they are numbers, of more digits as time goes by."""
    return len(identity), identity
