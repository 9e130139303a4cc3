"""Values of a MySQL dump as text: literals with their escapes, and charsets that are not what was declared.

What is NOT here: finding the values in a dump (``sqldump``).
"""

from __future__ import annotations

import codecs
import re

AUTO = "auto"
_ESCAPED = {quote: re.compile(rb"\\(.)|" + quote * 2, re.DOTALL) for quote in (b"'", b'"')}
_ESCAPES = {b"0": b"\0", b"b": b"\b", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"Z": b"\x1a", b"%": rb"\%", b"_": rb"\_"}
_COMMON = ((rb"\n", b"\n"), (rb"\'", b"'"), (rb"\"", b'"'), (rb"\r", b"\r"), (rb"\t", b"\t"))
_INTRODUCER = re.compile(rb"(?:_[A-Za-z0-9]+\s*|[NnXxBb])(?=['\"])")
# MySQL's "latin1" is Windows-1252, whose five empty places are the control characters there (refman, 12.10.2).
_LATIN1 = "".join(bytes([code]).decode("cp1252", "ignore") or chr(code) for code in range(256))
# Other programs took the bytes for ISO 8859-1, where all of that range is control characters.
_TO_LATIN1 = {code: code for code in range(256)} | {ord(sign): code for code, sign in enumerate(_LATIN1)}
# What the first byte of a letter in common use looks like when UTF-8 was taken for Windows-1252; texts with another
# one, such as the word CAFÉ before an ellipsis, are what they seem.
_LEADS = frozenset("ÂÃÄÅÎÏÐÑ\xd7ØÙàâãäåæçèéêëìíîïð")
_FIRST_BYTES = frozenset(_LATIN1[code] for code in range(0xC2, 0xF5))
# dev.mysql.com/doc/refman/8.4/en/charset-charsets.html, where Python's name is another or the sign set is small.
_CODECS = {
    "latin2": "iso8859-2",
    "latin5": "iso8859-9",
    "latin7": "iso8859-13",
    "greek": "iso8859-7",
    "hebrew": "iso8859-8",
    "tis620": "cp874",
    "koi8r": "koi8-r",
    "koi8u": "koi8-u",
    "cp1250": "cp1250",
    "cp1251": "cp1251",
    "cp1256": "cp1256",
    "cp1257": "cp1257",
}


class Charset:
    """How the texts of a dump are encoded.

    Args:
        name: ``auto``, or a codec of Python's. Automatically a value is UTF-8 where it can be, else what the dump
            declares, else Windows-1252; and UTF-8 that was encoded twice is mended.
    """

    def __init__(self, name: str = AUTO) -> None:
        self._name = name
        self._else = ""

    def declare(self, name: str) -> None:
        """Remember what the dump's ``SET NAMES`` says; forums that say utf8 often hold something else."""
        self._else = _CODECS.get(name.lower(), "")

    def text(self, data: bytes) -> str:
        """Decode a value; what is not of the charset becomes U+FFFD."""
        if data.isascii():
            return data.decode("ascii")
        if self._name != AUTO:
            return data.decode(self._name, "replace")
        try:
            return undoubled(data.decode())
        except UnicodeDecodeError:
            return (
                data.decode(self._else, "replace") if self._else else codecs.charmap_decode(data, "strict", _LATIN1)[0]
            )


def undoubled(text: str) -> str:
    """Undo UTF-8 that was taken for Windows-1252 and encoded again, where the whole text can only be that.

    A text that is not so comes back as it is: a single letter that does not fit is enough.
    """
    try:
        data = codecs.charmap_encode(text, "strict", _TO_LATIN1)[0]
        mended = data.decode()
    except UnicodeError:
        return text
    return mended if _FIRST_BYTES.intersection(text) <= _LEADS else text


def literal(token: bytes, charset: Charset) -> str | None:
    """The value of a literal as text; None for NULL.

    Args:
        token: as it stands in the dump: quoted, with an introducer (``_binary``), hexadecimal, a number or a word.
        charset: of the texts.

    Raises:
        ValueError: a hexadecimal value is not one.
    """
    first = token[:1]
    if first in {b"'", b'"'}:
        return charset.text(_unescaped(token))
    if first.isdigit() and token[1:2] != b"x":
        return token.decode("ascii", "replace")
    if token[:2] == b"0x":
        return charset.text(bytes.fromhex(token[2:].decode("ascii")))
    if found := _INTRODUCER.match(token):
        inner = _unescaped(token[found.end() :])
        kind = first.upper()
        if kind == b"B":
            return str(int(inner or b"0", 2))
        return charset.text(bytes.fromhex(inner.decode("ascii")) if kind == b"X" else inner)
    return None if token.upper() in {b"NULL", b"DEFAULT"} else token.decode("ascii", "replace")


def _unescaped(quoted: bytes) -> bytes:
    quote, data = quoted[:1], quoted[1:-1]
    if b"\\" not in data:
        return data.replace(quote * 2, quote)
    if quote * 2 in data:
        return _ESCAPED[quote].sub(_escape, data)
    # Replacing sign by sign is ten times as fast as a function call an escape; pairs of backslashes part the text.
    parts = data.split(rb"\\")
    for number, part in enumerate(parts):
        for escape, sign in _COMMON:
            part = part.replace(escape, sign)  # noqa: PLW2901
        parts[number] = _ESCAPED[quote].sub(_escape, part) if b"\\" in part else part
    return b"\\".join(parts)


def _escape(found: re.Match[bytes]) -> bytes:
    sign: bytes | None = found[1]
    return _ESCAPES.get(sign, sign) if sign is not None else found[0][:1]
