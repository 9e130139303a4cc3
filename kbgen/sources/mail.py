"""One e-mail message: who wrote what, when, in answer to what, and its own words as HTML.

Pure. Headers are read here (RFC 5322, RFC 2047), with the charsets mail programs lie about. What is NOT here: the words
of a plain text body (``mail_text``) or of an HTML one (``mail_html``), threads (``mail_thread``), and files of messages
(``mbox``). No address leaves this module in any field but ``Mail.address``, which is for comparing only.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import Compat32
from email.utils import parsedate_to_datetime
from functools import lru_cache

from msgspec import Struct

from kbgen.sources.mail_html import own_html
from kbgen.sources.mail_text import is_pointless, own_words, text_html, unflowed

_ANGLED = re.compile(r"<\s*([^<>\s]+)\s*>")
_ENCODED = re.compile(r"=\?([^?\s*]+)(?:\*[^?\s]*)?\?([bBqQ])\?([^?]*)\?=")
_GAP = re.compile(r"(\?=)[ \t\r\n]+(?==\?)")
_FOLD = re.compile(r"\r?\n[ \t]*")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
_ADDRESS = re.compile(r"[^\s<>()\[\]\",;:]+(?:@| at )[^\s<>()\[\]\",;:]+\.[^\s<>()\[\]\",;:]+")
_VIA = re.compile(r"\s+via\s+\S.*$", re.IGNORECASE)
_COMMENT = re.compile(r"\(((?:[^()]|\([^()]*\))*)\)\s*$")
_SPELLED = re.compile(r"^[^\s<>@]+ at [^\s<>@]+\.[^\s<>@]+")
# No real subject, name or address is longer (RFC 5322 allows 998 characters a line).
_HEADER_CAP = 4000
_ENVELOPE = re.compile(rb">?From [^\n]*?\b[A-Z][a-z]{2} ([A-Z][a-z]{2} +\d{1,2} \d\d:\d\d:\d\d \d{4})\s*\n")
_EARLIEST = datetime(1971, 1, 1, tzinfo=UTC)

# encoding.spec.whatwg.org, "names and labels": what is labelled so is really the larger set on the right.
_REALLY = {
    # Not read by browsers either, for what it can hide.
    "utf-7": "",
    "us-ascii": "",
    "ascii": "",
    "iso8859-1": "cp1252",
    "latin-1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "big5": "big5hkscs",
}


class Mail(Struct, frozen=True):
    """A message as far as a thread needs it.

    Attributes:
        message_id: without its brackets; made up when the message has none.
        subject: decoded, on one line, its prefixes and all.
        name: of the author, without any address; "" when the header has only an address.
        address: lower case, for telling authors apart and finding staff; never to be shown or written to a page.
        sent: in UTC; None when no header can be read.
        references: Message-IDs of the messages before this one, the thread's first one first.
        html: the author's own words; hostile.
        text: the same words, plain.
        permalink: where the archive itself says the message is (``Archived-At``, RFC 5064); "" mostly.
        spelled: the archive writes addresses as ``name at host``.
        list_name: the list's short name as ``List-Id`` (RFC 2919) has it; "" mostly.
        private: the author asked for it not to be archived (``X-No-Archive``), or it is encrypted.
    """

    message_id: str
    subject: str
    name: str
    address: str
    sent: datetime | None
    references: tuple[str, ...]
    html: str
    text: str
    permalink: str = ""
    spelled: bool = False
    list_name: str = ""
    private: bool = False


class _AsWritten(Compat32):
    """Headers come as they stand in the message: the decoding of Python's own policies differs between versions."""

    def header_fetch_parse(self, name: str, value: str) -> str:
        """The value itself."""
        del name
        return value


_POLICY = _AsWritten()
_HEADERS = BytesHeaderParser(policy=_POLICY)


class Head(Struct, frozen=True):
    """What threads are made by; the fields are those of ``Mail``."""

    message_id: str
    subject: str
    sent: datetime | None
    references: tuple[str, ...]


def read_head(data: bytes) -> Head:
    """Read a message's headers alone.

    Args:
        data: at least the headers; a leading ``From `` line is skipped.
    """
    message = _HEADERS.parsebytes(_without_envelope(data))
    return Head(_identity(message), _subject(message), _sent(message) or _enveloped(data), _references(message))


def _without_envelope(data: bytes) -> bytes:
    return data.partition(b"\n")[2] if data.startswith((b"From ", b">From ")) else data


def _identity(message: Message) -> str:
    """The Message-ID; for a message without one, a name made of who wrote it when about what."""
    value = _header(message, "Message-ID")
    found = _ANGLED.search(value)
    bare = value.strip()
    if found or ("@" in bare and not re.search(r"[\s<>]", bare)):
        return found[1] if found else bare
    facts = "\0".join(_header(message, name) for name in ("From", "Date", "Subject"))
    return f"{message_hash(facts).lower()}.no-message-id"


def _subject(message: Message) -> str:
    return _clean(decoded(_header(message, "Subject")))


def read_mail(data: bytes) -> Mail:
    """Read a message.

    Args:
        data: headers and body, as in a file of its own; a leading ``From `` line is skipped.

    Raises:
        ValueError: the parts are nested more deeply than any real message's.
    """
    message = parse_message(data)
    name, address, spelled = _author(message)
    html, text = _own(message, spelled=spelled)
    archived = _ANGLED.search(_header(message, "Archived-At"))
    link = archived[1] if archived else ""
    return Mail(
        message_id=_identity(message),
        subject=_subject(message),
        name=name,
        address=address,
        sent=_sent(message) or _enveloped(data),
        references=_references(message),
        html=html,
        text=text,
        permalink=link if link.startswith(("https://", "http://")) else "",
        spelled=spelled,
        list_name=_list_name(message),
        private=_is_private(message),
    )


def parse_message(data: bytes) -> Message:
    """Take a message apart with its headers as they are written.

    Raises:
        ValueError: its parts are nested too deeply.
    """
    try:
        return message_from_bytes(_without_envelope(data), policy=_POLICY)
    except RecursionError as error:
        raise ValueError("the message's parts are nested too deeply to be real; remove it") from error


def message_hash(message_id: str) -> str:
    """The name of a message in an archive's addresses: base32 of SHA-1, as Mailman's ``Message-ID-Hash`` header.

    Rule: docs.mailman3.org, "Message ID hashes"; an address in a Message-ID cannot be read from it.
    """
    digest = hashlib.sha1(message_id.encode("utf-8", "surrogateescape"), usedforsecurity=False).digest()
    return base64.b32encode(digest).decode("ascii")


def _header(message: Message, name: str) -> str:
    """A header's first value on one line, 8-bit characters decoded (RFC 6532), encoded words as they are."""
    value = message.get(name)
    return "" if value is None else _unfolded(str(value)[:_HEADER_CAP])


def _unfolded(value: str) -> str:
    value = _FOLD.sub(" ", value)
    return value if value.isascii() else decode_bytes(value.encode("utf-8", "surrogateescape"), "utf-8").strip()


def decoded(value: str) -> str:
    """Decode the encoded words of a header (RFC 2047), also where they stand too close or split a character."""
    value = _GAP.sub(r"\1", value)
    result: list[str] = []
    held, charset, end = b"", "", 0
    for word in _ENCODED.finditer(value):
        between = value[end : word.start()]
        if held and (between or word[1].lower() != charset):
            result.append(decode_bytes(held, charset))
            held = b""
        result.append(between)
        held, charset, end = held + _word_bytes(word[2], word[3]), word[1].lower(), word.end()
    if held:
        result.append(decode_bytes(held, charset))
    return "".join(result) + value[end:]


def _word_bytes(encoding: str, text: str) -> bytes:
    data = text.encode("utf-8")
    if encoding in "qQ":
        return binascii.a2b_qp(data, header=True)
    try:
        return binascii.a2b_base64(data + b"=" * (-len(data) % 4))
    except binascii.Error:
        return data


@lru_cache(maxsize=256)
def _codec(label: str) -> str:
    try:
        name = codecs.lookup(label.strip(" \"'")).name
    except (LookupError, ValueError):
        return ""
    # Python's own codecs turn bytes into bytes or hide text; none of them is a charset of mail.
    if name in {"unicode_escape", "raw_unicode_escape", "idna", "punycode", "undefined", "mbcs", "oem"}:
        return ""
    name = _REALLY.get(name, name)
    return name if not name or codecs.lookup(name)._is_text_encoding else ""  # noqa: SLF001 - no public name for it


def decode_bytes(data: bytes, label: str) -> str:
    """Decode text whose label may be missing, unknown or a lie; never fails.

    The label is believed when every byte fits it; then UTF-8 is tried, which nothing else fits by chance; what
    remains is Windows-1252, as browsers read it.
    """
    for codec in (_codec(label), "utf-8"):
        if codec:
            try:
                return data.decode(codec)
            except (UnicodeError, ValueError):
                continue
    return data.decode("cp1252", "replace")


def _clean(text: str) -> str:
    return " ".join(_CONTROLS.sub(" ", text).split())


def _author(message: Message) -> tuple[str, str, bool]:
    """Name, address and whether the archive spells addresses out, from ``From``."""
    value = _header(message, "From") or _header(message, "Sender")
    spelled = _SPELLED.match(value)
    name, address = _split_author(value)
    name = _VIA.sub("", _clean(decoded(name))).strip("\"' ")
    if "@" in name or _SPELLED.match(name):
        name = _clean(_ADDRESS.sub("", name).replace("@", " ")).strip("\"'<>() ")
    return name, address.replace(" at ", "@").lower(), spelled is not None


def _split_author(value: str) -> tuple[str, str]:
    angled = re.search(r"<([^<>]*)>", value)
    if angled:
        phrase = re.sub(r"\\(.)", r"\1", value[: angled.start()].strip().strip('"'))
        comment = _COMMENT.search(value[angled.end() :])
        return phrase or (comment[1] if comment else ""), angled[1].strip()
    comment = _COMMENT.search(value)
    rest = value[: comment.start()] if comment else value
    address = _ADDRESS.search(rest)
    name = comment[1] if comment else rest.replace(address[0], "") if address else rest
    return name.strip(), address[0] if address else ""


def _sent(message: Message) -> datetime | None:
    """The date the author's program wrote; where that is no date, when the last server received the message."""
    received = str(message.get("Received") or "").rpartition(";")[2]
    stamps = [
        _time(_unfolded(value)) for value in (str(message.get("Date") or ""), received, _header(message, "NNTP-Date"))
    ]
    sent, arrived = stamps[0], stamps[1]
    # A clock that runs ahead would sort an answer after everything that follows it.
    if sent and arrived and sent > arrived + timedelta(days=1):
        return arrived
    return next((stamp for stamp in stamps if stamp is not None), None)


def _enveloped(data: bytes) -> datetime | None:
    """The date of the ``From `` line a file of messages separates them by; in UTC, as RFC 4155 wants it."""
    found = _ENVELOPE.match(data)
    if found is None:
        return None
    try:
        stamp = datetime.strptime(b" ".join(found[1].split()).decode("ascii"), "%b %d %H:%M:%S %Y").replace(tzinfo=UTC)
    except ValueError:
        return None
    return stamp if stamp >= _EARLIEST else None


def _time(value: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(value)
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if found >= _EARLIEST else None


def _references(message: Message) -> tuple[str, ...]:
    """The messages before this one (RFC 5322, section 3.6.4); ``In-Reply-To`` names the direct one."""
    names: list[str] = _ANGLED.findall(" ".join(_unfolded(value) for value in message.get_all("References", [])))
    direct: list[str] = _ANGLED.findall(_header(message, "In-Reply-To"))
    # Some programs put the asker's address into In-Reply-To, in front of the Message-ID.
    return tuple(dict.fromkeys([*names, *(direct[-1:] if direct else ())]))


def _list_name(message: Message) -> str:
    angled = _ANGLED.search(_header(message, "List-Id"))
    return (angled[1] if angled else _header(message, "X-BeenThere").strip()).partition(".")[0].partition("@")[0]


def _is_private(message: Message) -> bool:
    asked = _header(message, "X-No-Archive").strip().lower() == "yes"
    return asked or message.get_content_type() == "multipart/encrypted"


def _leaves(message: Message) -> Iterator[Message]:
    """Text parts that are not attachments, in order; a forwarded message is not the author's own words."""
    for part in message.walk() if message.is_multipart() else (message,):
        if part.is_multipart() or part.get_content_maintype() != "text":
            continue
        if part.get_content_disposition() != "attachment" and not part.get_filename():
            yield part


def part_text(part: Message) -> str:
    """The decoded text of a part."""
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    return decode_bytes(data, str(part.get_param("charset") or ""))


def _own(message: Message, *, spelled: bool) -> tuple[str, str]:
    """The author's words as HTML and as text: of the plain text, or where there is none, of the HTML."""
    if message.get_content_type() == "multipart/encrypted":
        return "", ""
    inside = _forwarded(message)
    parts = [part for part in _leaves(message) if id(part) not in inside]
    plain = [part for part in parts if part.get_content_subtype() == "plain"]
    texts = [own_words(_plain(part), spelled=spelled) for part in plain]
    text = "\n\n".join(found for found in texts if found)
    if not is_pointless(text):
        return text_html(text), text
    rich = next((part for part in parts if part.get_content_subtype() == "html"), None)
    return own_html(part_text(rich)) if rich is not None else (text_html(text), text)


def _plain(part: Message) -> str:
    text = part_text(part).replace("\r\n", "\n").replace("\r", "\n")
    if str(part.get_param("format") or "").lower() != "flowed":
        return text
    return unflowed(text, delete_space=str(part.get_param("delsp") or "").lower() == "yes")


def _forwarded(message: Message) -> set[int]:
    """Identities of the parts of messages attached to this one."""
    found: set[int] = set()
    for part in message.walk():
        if part is not message and part.get_content_maintype() == "message":
            found.update(id(inner) for inner in part.walk())
    return found
