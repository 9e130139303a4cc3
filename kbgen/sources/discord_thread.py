"""A post of a Discord forum: its question, its answers, and the signs by which people say which one helped.

Pure. What is NOT here: finding posts in an export (``discord``), and Discord's markup (``discord_text``).
"""

from __future__ import annotations

import re
from html import escape

from msgspec import Struct
from pydantic import field_validator

from kbgen.model import Post, RawRecord, Solved, Thread
from kbgen.sources.base import SourceOptions
from kbgen.sources.conventions import SOLVED_WORDS, Cast, is_marked, likely_answer, unmarked
from kbgen.sources.discord_text import content_html
from kbgen.sources.fields import read_time

_SHOWN = frozenset(("Default", "Reply", "ThreadStarterMessage"))
_VARIATION = "\ufe0f"

# How sure a sign is: it names an answer, or the thread alone, which leaves open what helped.
_ON_REPLY = 0.9
_BY_BOT = 0.8
_ON_THREAD = 0.4


class DiscordOptions(SourceOptions):
    """Keys of a ``kind: discord`` source.

    Attributes:
        archive: folder, ``.tar``, ``.tar.gz`` or ``.tar.zst`` of DiscordChatExporter's JSON files.
        forums: names or ids of the forums everybody may read; others are not read.
        solved_reactions: emoji, or their names, that mean "solved".
        solved_words: what people put before a post's title when it is solved: ``[SOLVED]``, or a check mark.
        solved_tags: names of the forum's tags that mean "solved".
        staff_roles: names or ids of the roles whose members are staff.
        names: show authors' names; else they are "Member 1", "Member 2" of a thread.
        bots: also read what bots wrote.
        removed: ids of users whose messages are left out, at their wish.
        crawlable: nobody but members can open the links.
    """

    archive: str
    forums: tuple[str, ...]
    solved_reactions: tuple[str, ...] = ("\u2705", "\u2714", "\u2611", "solved")
    solved_words: tuple[str, ...] = SOLVED_WORDS
    solved_tags: tuple[str, ...] = ("solved", "resolved", "answered")
    staff_roles: tuple[str, ...] = ()
    names: bool = False
    bots: bool = False
    removed: tuple[str, ...] = ()
    crawlable: bool = False

    @field_validator("forums", "solved_reactions")
    @classmethod
    def _bare(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(word.strip("#: ").replace(_VARIATION, "") for word in value)


class Role(Struct):
    """A role of a member."""

    id: str = ""
    name: str = ""


class Author(Struct, rename="camel", omit_defaults=True):
    """A member; the picture is not kept."""

    id: str
    name: str = ""
    nickname: str | None = None
    is_bot: bool = False
    roles: list[Role] | None = None

    def shown(self) -> str:
        """The name Discord shows."""
        return self.nickname or self.name


class Emoji(Struct):
    """An emoji of the platform or of the server."""

    name: str | None = None
    code: str | None = None


class Reaction(Struct, omit_defaults=True):
    """A reaction; old exports do not say whose."""

    emoji: Emoji
    users: list[Author] | None = None


class Attachment(Struct, rename="camel"):
    """A file of a message; its address is signed, expires within a day, and is not kept."""

    file_name: str = ""


class Embed(Struct, omit_defaults=True):
    """A card below a message; bots that mark answers link them here."""

    url: str | None = None
    description: str | None = None


class Message(Struct, rename="camel", omit_defaults=True):
    """A message, without what is not read."""

    id: str
    author: Author
    type: str = "Default"
    timestamp: str | None = None
    timestamp_edited: str | None = None
    content: str = ""
    attachments: list[Attachment] | None = None
    embeds: list[Embed] | None = None
    reactions: list[Reaction] | None = None
    mentions: list[Author] | None = None


class Place(Struct, rename="camel", omit_defaults=True):
    """A server or a channel."""

    id: str
    name: str = ""
    type: str = ""
    category_id: str | None = None
    category: str | None = None


class Payload(Struct, omit_defaults=True):
    """A post as it is stored: its messages by time, and its tags, which exports lack."""

    guild: Place
    channel: Place
    messages: list[Message]
    tags: list[str] | None = None


def post_url(payload: Payload) -> str:
    """Where a post is, for members."""
    return f"https://discord.com/channels/{payload.guild.id}/{payload.channel.id}"


class _Reader:
    """Reads one post."""

    def __init__(self, payload: Payload, options: DiscordOptions) -> None:
        self._payload = payload
        self._options = options
        self._cast = Cast(options.staff, shown=options.names)
        removed = set(options.removed)
        shown = [m for m in payload.messages if m.type in _SHOWN and (options.bots or not m.author.is_bot)]
        if not shown:
            raise ValueError("the post has no message of a person")
        self.root = shown[0]
        self.replies = [m for m in shown[1:] if m.author.id not in removed and (m.content.strip() or m.attachments)]
        self.hidden = self.root.author.id in removed
        self._people = {m.author.id: m.author for m in payload.messages}
        self._people.update(
            {one.id: one for m in payload.messages for one in m.mentions or () if one.id not in self._people}
        )
        for message in shown:
            self._cast.person(message.author.id, message.author.shown())

    def is_staff(self, author: Author) -> bool:
        """Whether a member is listed as staff, or has a role of the staff."""
        roles = {
            word.lower() for role in self._people.get(author.id, author).roles or () for word in (role.id, role.name)
        }
        listed = self._cast.is_staff((author.id, author.name, author.shown()))
        return listed or not roles.isdisjoint(role.lower() for role in self._options.staff_roles)

    def mention(self, user: str) -> str:
        """What the page calls somebody who is mentioned."""
        known = self._people.get(user)
        return self._cast.person(user, known.shown() if known else "").name

    def words(self, message: Message) -> str:
        """A message's content, the names in it as the page shows them."""
        content = message.content
        if not self._options.names:
            known = {name: one.id for one in self._people.values() for name in (one.name, one.nickname or "") if name}
            for name in sorted(known, key=len, reverse=True):
                content = re.sub(rf"@{re.escape(name)}(?!\w)", lambda _: f"@{self.mention(known[name])}", content)  # noqa: B023
        return content

    def post(self, message: Message) -> Post:
        """What a message means."""
        author = message.author
        files = "".join(f"\n<p>Attached file: {escape(one.file_name)}</p>" for one in message.attachments or ())
        return Post(
            id=message.id,
            url=f"{post_url(self._payload)}/{message.id}",
            html=content_html(self.words(message), self.mention) + files,
            author=self._cast.person(author.id, author.shown(), (author.name,), staff=self.is_staff(author)),
            created=read_time(message.timestamp),
            edited=read_time(message.timestamp_edited),
        )

    def solved(self) -> tuple[Solved, ...]:
        """By the reactions of the asker or the staff, by a bot's card, or by what is known of the thread alone."""
        marked = [Solved(m.id, "reaction", confidence=_ON_REPLY) for m in self.replies if self._is_ticked(m)]
        return tuple(marked) or self._by_bot() or self._by_thread()

    def _is_ticked(self, message: Message) -> bool:
        wanted = self._options.solved_reactions
        for reaction in message.reactions or ():
            names = {(name or "").replace(_VARIATION, "") for name in (reaction.emoji.name, reaction.emoji.code)}
            givers = reaction.users or ()
            if not names.isdisjoint(wanted) and any(u.id == self.root.author.id or self.is_staff(u) for u in givers):
                return True
        return False

    def _by_bot(self) -> tuple[Solved, ...]:
        base = re.escape(post_url(self._payload))
        here = {message.id for message in self.replies}
        for message in reversed(self._payload.messages):
            texts = (
                [t or "" for e in message.embeds or () for t in (e.url, e.description)] if message.author.is_bot else []
            )
            found = [name for text in texts for name in re.findall(rf"{base}/(\d+)", text) if name in here]
            if found:
                return (Solved(found[0], "tag", read_time(message.timestamp), confidence=_BY_BOT),)
        return ()

    def _by_thread(self) -> tuple[Solved, ...]:
        how = self._thread_sign()
        asker = self.root.author.id
        found = likely_answer([(one.author.id == asker, one.content) for one in self.replies]) if how else None
        if found is None:
            return ()
        return (Solved(self.replies[found].id, "reaction" if how == "reaction" else "tag", confidence=_ON_THREAD),)

    def _thread_sign(self) -> str:
        tags = self._payload.tags or []
        if any(tag.lower() in self._options.solved_tags for tag in tags):
            return "tag"
        if is_marked(self._payload.channel.name, self._options.solved_words):
            return "title"
        return "reaction" if self._is_ticked(self.root) else ""


def discord_thread(record: RawRecord, payload: Payload, options: DiscordOptions) -> Thread:
    """What a stored post means.

    Raises:
        ValueError: there is no question, no title, or a time cannot be read.
    """
    reader = _Reader(payload, options)
    title = unmarked(payload.channel.name, options.solved_words)
    if not title:
        raise ValueError("the post has no title")
    question = reader.post(reader.root)
    answers = tuple(reader.post(reply) for reply in reader.replies)
    return Thread(
        ref=record.ref,
        url=record.url,
        title=title,
        question=question,
        answers=answers,
        solved=reader.solved(),
        created=question.created,
        updated=max((at for post in (question, *answers) if (at := post.edited or post.created)), default=None),
        tags=tuple(payload.tags or ()),
        category=(payload.channel.category or payload.channel.category_id or "",),
        visibility="private" if reader.hidden else "public",
        lang=options.lang,
    )
