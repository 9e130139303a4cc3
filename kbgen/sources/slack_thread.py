"""A thread of a Slack channel: its question, its answers, and the reactions that say which one helped.

Pure. What is NOT here: finding threads in an export (``slack``), and Slack's markup (``slack_text``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

from msgspec import Struct
from pydantic import Field, field_validator

from kbgen.model import Person, Post, RawRecord, Solved, Thread
from kbgen.sources.base import SourceOptions
from kbgen.sources.conventions import Cast, likely_answer, title_of
from kbgen.sources.slack_text import Element, message_html, plain_words

_TS = re.compile(r"(\d{1,12})(?:\.(\d{1,6}))?")
_SKIN = re.compile(r"::skin-tone-\d$")
SHOWN = frozenset(("", "thread_broadcast", "file_share", "me_message"))
"""Subtypes of messages people wrote; the others are notices."""

# How sure a reaction is: it marks a reply, or the question, which leaves open what helped.
_ON_REPLY = 0.9
_ON_QUESTION = 0.4


class SlackOptions(SourceOptions):
    """Keys of a ``kind: slack`` source.

    Attributes:
        archive: the export's zip file, or the folder it was unpacked to.
        workspace: the first word of the workspace's address, ``acme`` of acme.slack.com.
        channels: names of the public channels to read; all of them by default.
        exclude: names of public channels to leave out.
        solved_reactions: names of the reactions that mean "solved".
        names: show authors' names; else they are "Member 1", "Member 2" of a thread.
        bots: also read what bots wrote.
        removed: ids of users whose messages are left out, at their wish.
        crawlable: nobody but members can open the links.
    """

    archive: str
    workspace: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    channels: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    solved_reactions: tuple[str, ...] = (
        "white_check_mark",
        "heavy_check_mark",
        "ballot_box_with_check",
        "white_tick",
        "solved",
    )
    names: bool = False
    bots: bool = False
    removed: tuple[str, ...] = ()
    crawlable: bool = False

    @field_validator("channels", "exclude", "solved_reactions")
    @classmethod
    def _bare(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(word.strip("#: ") for word in value)


class Profile(Struct, frozen=True):
    """What the export says of a member; e-mail address and picture are not kept."""

    display_name: str | None = None
    real_name: str | None = None


class User(Struct):
    """A member."""

    id: str = ""
    name: str | None = None
    real_name: str | None = None
    deleted: bool | None = None
    is_bot: bool | None = None
    profile: Profile = Profile()

    def shown(self) -> str:
        """The name Slack shows."""
        return self.profile.display_name or self.profile.real_name or self.real_name or self.name or ""


class Reaction(Struct):
    """A reaction and who gave it."""

    name: str = ""
    users: list[str] = []


class File(Struct):
    """A file of a message; its address holds a token and is not kept."""

    name: str | None = None
    title: str | None = None


class Edited(Struct):
    """When a message was last edited."""

    ts: str = ""


class Message(Struct, omit_defaults=True):
    """A message, without what is not read."""

    ts: str
    text: str | None = None
    user: str | None = None
    bot_id: str | None = None
    username: str | None = None
    subtype: str | None = None
    hidden: bool | None = None
    thread_ts: str | None = None
    edited: Edited | None = None
    reactions: list[Reaction] | None = None
    files: list[File] | None = None
    blocks: list[Element] | None = None
    user_profile: Profile | None = None


class Payload(Struct, omit_defaults=True):
    """A thread as it is stored: its messages by time, and the people it mentions."""

    channel: str
    channel_name: str
    messages: list[Message]
    users: dict[str, User] = {}
    archived: bool = False


def at(ts: str) -> datetime | None:
    """The moment a ``ts`` names, to the microsecond; it is no number, and is never made one."""
    found = _TS.fullmatch(ts)
    if found is None:
        return None
    try:
        moment = datetime.fromtimestamp(int(found[1]), tz=UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return moment.replace(microsecond=int((found[2] or "0").ljust(6, "0")))


def thread_url(workspace: str, channel: str, ts: str) -> str:
    """Where a message is, for members."""
    return f"https://{workspace}.slack.com/archives/{channel}/p{ts.replace('.', '')}"


class _Reader:
    """Reads one thread."""

    def __init__(self, payload: Payload, options: SlackOptions) -> None:
        self._payload = payload
        self._options = options
        self._cast = Cast(options.staff, shown=options.names)
        self._root = payload.messages[0]
        self._names = {
            message.user: message.user_profile.display_name or message.user_profile.real_name or ""
            for message in payload.messages
            if message.user and message.user_profile
        }
        # Numbers go by who spoke first, not by who was mentioned first.
        for message in payload.messages:
            self._author(message)

    def _member(self, user: str) -> User:
        return self._payload.users.get(user) or User(id=user, name=self._names.get(user, ""))

    def mention(self, user: str) -> str:
        """What the page calls somebody who is mentioned."""
        user = user.partition("|")[0]
        return self._person(user, self._member(user).shown()).name

    def _author(self, message: Message) -> Person:
        key = message.user or message.bot_id or ""
        return self._person(key, self._member(key).shown() or message.username or "")

    def _person(self, key: str, name: str) -> Person:
        member = self._member(key)
        person = self._cast.person(key, name, (member.name or "", member.real_name or ""))
        if member.deleted and not person.deleted:
            return Person("", person.name, is_staff=person.is_staff, deleted=True)
        return person

    def words(self, message: Message) -> str:
        """A message as plain text."""
        return plain_words(message.text or "", self.mention)

    def post(self, message: Message) -> Post:
        """What a message means."""
        url = thread_url(self._options.workspace, self._payload.channel, message.ts)
        if message is not self._root:
            url += f"?thread_ts={self._root.ts}&cid={self._payload.channel}"
        edited = at(message.edited.ts) if message.edited else None
        return Post(
            id=message.ts,
            url=url,
            html=message_html(message.text or "", message.blocks or (), self.mention) + _files(message),
            author=self._author(message),
            created=at(message.ts),
            edited=edited,
        )

    def solved(self, replies: Sequence[Message]) -> tuple[Solved, ...]:
        """The replies the asker or the staff marked; where the question is marked, the one that most likely helped."""
        marked = [(reply, by) for reply in replies if (by := self._marked_by(reply))]
        if marked:
            return tuple(Solved(reply.ts, "reaction", by=by, confidence=_ON_REPLY) for reply, by in marked)
        by = self._marked_by(self._root)
        likely = self._likely(replies) if by else None
        return (Solved(likely.ts, "reaction", by=by, confidence=_ON_QUESTION),) if likely else ()

    def _marked_by(self, message: Message) -> str | None:
        for reaction in message.reactions or ():
            if _SKIN.sub("", reaction.name) in self._options.solved_reactions:
                for user in reaction.users:
                    member = self._member(user)
                    staff = self._cast.is_staff((user, member.name or "", member.shown()))
                    if staff or user == self._root.user:
                        return self.mention(user)
        return None

    def _likely(self, replies: Sequence[Message]) -> Message | None:
        found = likely_answer([(reply.user == self._root.user, self.words(reply)) for reply in replies])
        return None if found is None else replies[found]


def _files(message: Message) -> str:
    names = [file.title or file.name or "" for file in message.files or ()]
    return "".join(f"\n<p>Attached file: {escape(name, quote=False)}</p>" for name in names if name)


def slack_thread(record: RawRecord, payload: Payload, options: SlackOptions) -> Thread:
    """What a stored thread means.

    Raises:
        ValueError: there is no question.
    """
    removed = set(options.removed)
    if not payload.messages:
        raise ValueError("the thread has no message")
    reader = _Reader(payload, options)
    root, *others = payload.messages
    question = reader.post(root)
    title = title_of(reader.words(root))
    if not title:
        raise ValueError("the thread's first message has no words")
    replies = [reply for reply in others if reply.user not in removed]
    answers = tuple(reader.post(reply) for reply in replies)
    return Thread(
        ref=record.ref,
        url=record.url,
        title=title,
        question=question,
        answers=answers,
        solved=reader.solved(replies),
        created=question.created,
        updated=max((post.edited or post.created for post in (question, *answers) if post.created), default=None),
        category=(payload.channel_name,),
        visibility="private" if root.user in removed else "public",
        closed="closed" if payload.archived else None,
        lang=options.lang,
    )
