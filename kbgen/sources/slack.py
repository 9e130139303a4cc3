"""Slack: the public channels of a workspace's export, as the zip file or unpacked.

Private channels and direct messages may be in an export too; their files are never opened. What is NOT here: what a
thread means (``slack_thread``).
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar, cast

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from kbgen.errors import RecordError, SourceError
from kbgen.model import RawRecord, Thread
from kbgen.sources.archives import MEMBER_CAP
from kbgen.sources.base import Harvested, Source, stat_signature
from kbgen.sources.slack_thread import SHOWN, Message, Payload, SlackOptions, User, slack_thread, thread_url

_CHANNELS = "channels.json"
_USERS = ("users.json", "org_users.json")
_USER = re.compile(r"\b[UWB][A-Z0-9]{3,}\b")
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError)
_Shape = TypeVar("_Shape")


class _Channel(Struct):
    id: str
    name: str
    is_archived: bool | None = None
    is_private: bool | None = None
    is_im: bool | None = None
    is_mpim: bool | None = None


class _Day(Struct):
    """A message whose other fields are read when it belongs to a thread."""

    ts: str = ""
    type: str = "message"
    subtype: str | None = None
    thread_ts: str | None = None
    hidden: bool | None = None


class _Export:
    """The files of an export by name; only those asked for are opened."""

    def __init__(self, path: Path, archive: zipfile.ZipFile | None) -> None:
        self._path = path
        self._zip = archive
        names = archive.namelist() if archive else [file.relative_to(path).as_posix() for file in path.rglob("*.json")]
        found = sorted((name for name in names if name.rpartition("/")[2] == _CHANNELS), key=len)
        if not found:
            raise SourceError(
                f"{path}: holds no {_CHANNELS}, so it is no Slack export; name the zip file or its folder"
            )
        self._prefix = found[0].removesuffix(_CHANNELS)
        self._names = set(names)

    def has(self, name: str) -> bool:
        """Whether the export has a file."""
        return self._prefix + name in self._names

    def days(self, channel: _Channel) -> list[str]:
        """A channel's files in the order of their days."""
        folders = {f"{self._prefix}{channel.name}/", f"{self._prefix}{channel.id}/"}
        found = (name for name in self._names if name[: name.rfind("/") + 1] in folders and name.endswith(".json"))
        return sorted(name.removeprefix(self._prefix) for name in found)

    def place(self, name: str) -> str:
        """What messages call a file."""
        return f"{self._path}:{self._prefix}{name}" if self._zip else str(self._path / (self._prefix + name))

    def read(self, name: str, shape: type[_Shape]) -> _Shape:
        """Read a file.

        Raises:
            RecordError: it is too large, damaged, or not of this shape.
        """
        place = self.place(name)
        try:
            data = self._bytes(self._prefix + name)
        except _DAMAGE as error:
            raise RecordError(place, f"cannot be read ({error}); export the workspace again") from error
        if len(data) > MEMBER_CAP:
            raise RecordError(place, f"is over {MEMBER_CAP:,} bytes; no day of a channel is so large, remove it")
        try:
            return msgspec.json.decode(data, type=shape, strict=False)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise RecordError(place, f"is not what Slack exports: {error}; export the workspace again") from error

    def _bytes(self, name: str) -> bytes:
        if self._zip is None:
            with (self._path / name).open("rb") as file:
                return file.read(MEMBER_CAP + 1)
        with self._zip.open(name) as member:
            return member.read(MEMBER_CAP + 1)


class SlackSource(Source):
    """A Slack workspace."""

    kind = "slack"
    Options = SlackOptions

    @property
    def _options(self) -> SlackOptions:
        return cast("SlackOptions", self.options)

    def _archive(self) -> Path:
        path = self.project / self._options.archive
        if not path.exists():
            problem = "no such file or folder; check `archive:`, which is relative to the project folder"
            raise SourceError(f"{path}: {problem}")
        return path

    def fingerprint(self) -> str | None:
        """Signature of the zip file, or of the folder's files."""
        path = self._archive()
        return stat_signature([path] if path.is_file() else sorted(path.rglob("*.json")))

    def records(self) -> Iterator[Harvested]:
        """Yield each channel's threads in the order of their first messages; a channel is in memory at a time."""
        with _opened(self._archive()) as export:
            try:
                channels = export.read(_CHANNELS, list[_Channel])
                users = {user.id: user for name in _USERS if export.has(name) for user in export.read(name, list[User])}
            except RecordError as error:
                raise SourceError(str(error)) from error
            for channel in sorted(self._wanted(channels), key=lambda channel: channel.id):
                yield from self._channel(export, channel, users)

    def _wanted(self, channels: list[_Channel]) -> list[_Channel]:
        names = {channel.name for channel in channels}
        unknown = sorted({*self._options.channels, *self._options.exclude} - names)
        if unknown:
            problem = f"has no public channel {', '.join(unknown)}; check `channels:` and `exclude:`"
            raise SourceError(f"{self._archive()}: {problem}")
        return [
            channel
            for channel in channels
            if not (channel.is_private or channel.is_im or channel.is_mpim)
            and channel.name not in self._options.exclude
            and (not self._options.channels or channel.name in self._options.channels)
        ]

    def _channel(self, export: _Export, channel: _Channel, users: dict[str, User]) -> Iterator[Harvested]:
        threads: defaultdict[str, dict[str, Message]] = defaultdict(dict)
        places: dict[str, str] = {}
        # Of a day that cannot be read all replies are missing: what is known of a thread is better than that.
        partial = False
        for name in export.days(channel):
            for place, item in self._day(export, name):
                if isinstance(item, RecordError):
                    partial = partial or place == export.place(name)
                    yield item
                else:
                    # The broadcast of a reply is the reply again.
                    threads[item.thread_ts or ""].setdefault(item.ts, item)
                    places.setdefault(item.ts, place)
        for ts in sorted(threads):
            found = threads[ts]
            if ts in found and (len(found) > 1 or partial):
                record = self._record(channel, [found[key] for key in sorted(found)], users, places[ts])
                yield replace(record, partial=partial) if isinstance(record, RawRecord) else record

    def _day(self, export: _Export, name: str) -> Iterator[tuple[str, Message | RecordError]]:
        """The messages of one day that belong to threads."""
        try:
            raw = export.read(name, list[msgspec.Raw])
        except RecordError as error:
            yield error.place, error
            return
        for number, item in enumerate(raw, 1):
            place = f"{export.place(name)}:{number}"
            try:
                message = self._message(bytes(item))
            except (msgspec.DecodeError, RecursionError) as error:
                problem = f"is not a message as Slack exports it: {error}; mend or remove it"
                yield place, RecordError(place, problem)
                continue
            if message is not None:
                yield place, message

    def _message(self, data: bytes) -> Message | None:
        """Read a message; None for notices, what is hidden, and what is in no thread."""
        glance = msgspec.json.decode(data, type=_Day, strict=False)
        shown = glance.subtype or ""
        if shown not in SHOWN and not (self._options.bots and shown == "bot_message"):
            return None
        if glance.type != "message" or glance.hidden or not glance.ts or not glance.thread_ts:
            return None
        message = msgspec.json.decode(data, type=Message, strict=False)
        wanted = self._options.bots or not (message.bot_id and not message.user)
        return message if wanted and message.user != "USLACKBOT" else None

    def _record(self, channel: _Channel, messages: list[Message], users: dict[str, User], place: str) -> RawRecord:
        data = msgspec.json.encode(messages).decode()
        mentioned = {name: users[name] for name in sorted(set(_USER.findall(data))) if name in users}
        payload = Payload(channel.id, channel.name, messages, mentioned, archived=bool(channel.is_archived))
        root = messages[0].ts
        url = thread_url(self._options.workspace, channel.id, root)
        return self.record(f"{channel.id}-{root}", "thread", url, payload, place)

    def parse(self, record: RawRecord) -> Thread:
        """What a thread of a channel means."""
        place = record.place or record.ref
        try:
            payload = msgspec.json.decode(record.payload, type=Payload)
            return slack_thread(record, payload, self._options)
        except (msgspec.DecodeError, ValueError) as error:
            raise RecordError(place, f"{error}; export the workspace again") from error


@contextmanager
def _opened(path: Path) -> Iterator[_Export]:
    if path.is_dir():
        yield _Export(path, None)
        return
    try:
        archive = zipfile.ZipFile(path)
    except _DAMAGE as error:
        raise SourceError(f"{path}: is not a zip file ({error}); export the workspace again") from error
    with archive:
        yield _Export(path, archive)
