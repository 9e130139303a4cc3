"""A thread of e-mail: its question, its answers, what it is called, and which answer helped.

Pure; for every source whose posts are messages (``mbox``, ``publicinbox``). Which messages make a thread is known
before: see ``mbox_index``. What is NOT here: reading a message (``mail``).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from email.generator import BytesGenerator
from urllib.parse import quote

import msgspec
from msgspec import Struct
from pydantic import Field

from kbgen.errors import RecordError
from kbgen.model import Post, RawRecord, Solved, Thread
from kbgen.sources.base import SourceOptions
from kbgen.sources.conventions import SOLVED_WORDS, Cast, is_marked, is_thanks, says_something, unmarked
from kbgen.sources.fields import SiteUrl
from kbgen.sources.mail import Mail, message_hash, parse_message, read_mail

_REPLY = re.compile(
    r"^\s*(?:(?:re|aw|sv|vs|antw|antwort|odp|r\u00e9f|res|rif|\u8f49\u5bc4|\u56de\u590d|\u7b54\u590d|fwd?|wg|tr|rv|vl|doorst)"
    r"\s*(?:\[\d+\]|\(\d+\)|\^\d+)?\s*[:\uff1a]\s*)",
    re.IGNORECASE,
)
_TAG = re.compile(r"^\s*\[([^\[\]]{1,60})\]\s*")
_WAS = re.compile(r"\s*[\[(]\s*was\s*:.*$", re.IGNORECASE)
_NEVER = datetime.max.replace(tzinfo=UTC)
_FULL = 32_768
_SCHEMES = {"hyperkitty": "{url}/message/{hash}/", "public-inbox": "{url}/{id}/"}

# How sure a reader of the archive is; of a platform's own mark it would be 1.
_ASKER_REPLIED = 0.7
_ASKER_TOLD = 0.6
_ASKER_SAID_SO = 0.4


class MailOptions(SourceOptions):
    """Keys of every source whose posts are e-mail.

    Attributes:
        url: the list's page in its archive.
        permalink: ``hyperkitty``, ``public-inbox``, or an address with ``{id}`` (the Message-ID) or ``{hash}`` in it.
        prefix: what the list puts before its subjects, such as ``[help]``; taken off, like the list's own name.
        names: show authors' names; else they are "Member 1", "Member 2" of a thread.
        solved_words: what an asker puts into a later subject, in brackets, when the thread is solved.
        solved: Message-IDs of messages known to be the solution, decided by hand.
        removed: Message-IDs of messages that are left out, at their authors' wish.
    """

    url: SiteUrl
    permalink: str | None = Field(default=None, pattern=r"^(hyperkitty|public-inbox|https?://.*\{(id|hash)\}.*)$")
    prefix: tuple[str, ...] = ()
    names: bool = False
    solved_words: tuple[str, ...] = SOLVED_WORDS
    solved: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


class Letters(Struct):
    """The payload of a thread's record: its messages as they were sent, each byte as the character of its number."""

    messages: list[str]

    @classmethod
    def of(cls, messages: Iterable[bytes]) -> Letters:
        """Pack messages, in the order given."""
        return cls([message.decode("latin-1") for message in messages])

    def unpacked(self) -> list[bytes]:
        """The messages.

        Raises:
            ValueError: they are not what ``of`` packed.
        """
        return [message.encode("latin-1") for message in self.messages]


def slim_message(data: bytes) -> bytes:
    """A message without the content of its attachments, when it is large; else as it is.

    Raises:
        ValueError: its parts are nested too deeply.
    """
    if len(data) <= _FULL:
        return data
    message = parse_message(data)
    for part in message.walk():
        if not part.is_multipart() and (part.get_content_maintype() != "text" or part.get_filename()):
            part.set_payload("")
    stream = io.BytesIO()
    try:
        BytesGenerator(stream, mangle_from_=False, maxheaderlen=0).flatten(message)
    except (UnicodeError, ValueError, LookupError, AttributeError, TypeError):
        # Headers no program would write; the message stays as large as it is.
        return data
    return stream.getvalue()


def base_subject(subject: str, options: MailOptions, list_name: str = "") -> str:
    """What a subject is about: without "Re:", the list's own prefix, marks of "solved" and "(was: ...)"."""
    text = subject.strip()
    dropped = {prefix.strip("[] ").lower() for prefix in options.prefix} | ({list_name.lower()} if list_name else set())
    while True:
        before = text
        text = _REPLY.sub("", unmarked(text, options.solved_words))
        tag = _TAG.match(text)
        if tag and tag[1].strip().lower() in dropped:
            text = text[tag.end() :]
        if text == before:
            return _WAS.sub("", text).strip() or subject.strip()


def is_reply(subject: str) -> bool:
    """Whether a subject begins as an answer's does, after tags in brackets."""
    while tag := _TAG.match(subject):
        subject = subject[tag.end() :]
    return _REPLY.match(subject) is not None


def parse_letters(record: RawRecord, options: MailOptions, remedy: str) -> Thread:
    """What the messages of a stored thread mean.

    Args:
        record: its payload is ``Letters``.
        options: of the source.
        remedy: what to do about a thread that cannot be read.

    Raises:
        RecordError: there is no question among them, or they cannot be read.
    """
    try:
        letters = msgspec.json.decode(record.payload, type=Letters)
        return mail_thread(record, [read_mail(message) for message in letters.unpacked()], options)
    except (msgspec.DecodeError, ValueError) as error:
        raise RecordError(record.place or record.ref, f"{error}; {remedy}") from error


def mail_thread(record: RawRecord, messages: Iterable[Mail], options: MailOptions) -> Thread:
    """What a thread's messages mean.

    Args:
        record: whose thread it is.
        messages: in any order; of two with one Message-ID the first counts.
        options: the source's block.

    Raises:
        ValueError: there is no message with words and a subject.
    """
    unique = {mail.message_id: mail for mail in reversed(list(messages))}
    removed = {wanted.strip("<> ") for wanted in options.removed}
    mails = sorted((mail for mail in unique.values() if mail.message_id not in removed), key=_when)
    if not mails:
        raise ValueError("the thread has no message left")
    root = _root(mails)
    title = base_subject(root.subject, options, root.list_name)
    if not title:
        raise ValueError("the thread's first message has no subject")
    cast = Cast(options.staff, shown=options.names)
    question = _post(root, options, cast)
    replies = [mail for mail in mails if mail is not root and mail.text.strip() and not mail.private]
    answers = tuple(_post(mail, options, cast) for mail in replies)
    return Thread(
        ref=record.ref,
        url=record.url,
        title=title,
        question=question,
        answers=answers,
        solved=_solved(root, replies, options),
        created=root.sent,
        updated=max((mail.sent for mail in mails if mail.sent), default=None),
        visibility="private" if root.private else "public",
        lang=options.lang,
        warnings=tuple(_warnings(root, mails, replies)),
    )


def _when(mail: Mail) -> tuple[datetime, str]:
    return mail.sent or _NEVER, mail.message_id


def _root(mails: Sequence[Mail]) -> Mail:
    """The message all others answer: one that answers none of them, and does not call itself an answer."""
    here = {mail.message_id for mail in mails}
    first = [mail for mail in mails if here.isdisjoint(mail.references)]
    return next((mail for mail in first if not is_reply(mail.subject)), (first or list(mails))[0])


def _warnings(root: Mail, mails: Sequence[Mail], replies: Sequence[Mail]) -> list[str]:
    found: list[str] = []
    if root.references and is_reply(root.subject):
        found.append("The thread's first message is not in the archive, so what it asks is not known.")
    private = sum(mail.private for mail in mails)
    if private:
        found.append(f"{private} of its messages asked not to be archived, or are encrypted, and were left out.")
    wordless = len(mails) - len(replies) - private - (not root.private)
    if wordless > 0:
        found.append(f"{wordless} of its messages have no words of their own and were left out.")
    return found


def post_id(mail: Mail) -> str:
    """A message's id as a post: never its Message-ID, which may hold an address."""
    return message_hash(mail.message_id)


def permalink(mail: Mail, options: MailOptions) -> str:
    """Where a message can be read: by the configured scheme, else as the message says, else the list's page."""
    scheme = _SCHEMES.get(options.permalink or "", options.permalink or "")
    if scheme:
        name = quote(mail.message_id, safe="@+=$.~_-")
        return scheme.replace("{url}", options.url).replace("{id}", name).replace("{hash}", post_id(mail))
    return mail.permalink or f"{options.url}#{post_id(mail)}"


def _key(mail: Mail) -> str:
    """What tells the people of a list apart: their name, which is shown anyway, and never their address."""
    return " ".join(mail.name.casefold().split())


def _post(mail: Mail, options: MailOptions, cast: Cast) -> Post:
    # Where names are not shown the key is not published either.
    key = _key(mail) if options.names and mail.name else mail.address or _key(mail)
    return Post(
        id=post_id(mail),
        url=permalink(mail, options),
        html=mail.html,
        author=cast.person(key, mail.name, (mail.address, mail.name)),
        created=mail.sent,
    )


def _same(one: Mail, other: Mail) -> bool:
    return bool(one.address and one.address == other.address) or bool(_key(one) and _key(one) == _key(other))


def _solved(root: Mail, replies: Sequence[Mail], options: MailOptions) -> tuple[Solved, ...]:
    curated = {wanted.strip("<> ") for wanted in options.solved}
    named = [mail for mail in replies if mail.message_id in curated]
    if named:
        return tuple(Solved(post_id(mail), "accepted", mail.sent) for mail in named)
    if is_marked(root.subject, options.solved_words):
        return ()
    marked = [m for m in replies if _same(m, root) and is_marked(m.subject, options.solved_words)]
    return _convention(marked[0], root, replies) if marked else ()


def _convention(sign: Mail, root: Mail, replies: Sequence[Mail]) -> tuple[Solved, ...]:
    """The answer an asker's "[SOLVED]" speaks of: the one it answers, what it tells itself, or the one before it."""
    by_id = {mail.message_id: mail for mail in replies if not _same(mail, root)}
    direct = by_id.get(sign.references[-1]) if sign.references else None
    words = "\n".join(line for line in sign.text.split("\n") if not line.startswith(">"))
    if direct is None and says_something(words) and not is_thanks(words):
        return (Solved(post_id(sign), "tag", sign.sent, confidence=_ASKER_TOLD),)
    if direct is not None:
        return (Solved(post_id(direct), "tag", sign.sent, confidence=_ASKER_REPLIED),)
    earlier = [mail for mail in by_id.values() if _when(mail) < _when(sign)]
    best = next((mail for mail in reversed(earlier) if says_something(mail.text)), earlier[-1] if earlier else None)
    return (Solved(post_id(best), "tag", sign.sent, confidence=_ASKER_SAID_SO),) if best else ()
