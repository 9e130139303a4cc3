"""Plain text of e-mail: the author's own words out of signatures, footers, armour and quoted history, and as HTML.

Pure. A quotation stays where the author answers below it, since the answer makes no sense without; the history nobody
wrote anything below goes. Lines that begin with ``>`` are quotations, in here and in the result.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from itertools import groupby, pairwise


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_QUOTE = re.compile(r"^ ?((?:> ?)+)")
_ARMOUR_HEAD = re.compile(r"^-----BEGIN PGP SIGNED MESSAGE-----\n(?:[A-Za-z-]+: .*\n)*\n?", re.MULTILINE)
_ARMOUR = re.compile(r"^-----BEGIN PGP ([A-Z ]+)-----.*?(?:^-----END PGP \1-----\n?|\Z)", re.MULTILINE | re.DOTALL)
# Pipermail writes these in place of attachments; the block ends with the address of the file.
_SCRUBBED = re.compile(
    r"^-{8,} next part -{8,}\n(?:(?:An? [\w -]+ (?:was|were) scrubbed|Skipped content)[^\n]*\n(?:[^\n]+\n?)*|\s*\Z)\n?",
    re.MULTILINE,
)
_NEXT_PART = re.compile(r"^-{8,} next part -{8,}\n", re.MULTILINE)
_FOOTERS = (
    re.compile(r"^_{20,}$"),
    re.compile(r"^(?:-{30,}|={30,}|\*{30,}|~{30,})$"),
)
_FOOTER_WORDS = re.compile(r"mailing list|unsubscribe|listinfo|list-|https?://|mailman", re.IGNORECASE)
_FOOTER_STARTS = re.compile(
    r"^(?:You received this (?:message|email|e-mail) because you are subscribed|To unsubscribe\b|Unsubscribe: http"
    r"|To post to this group|Sent from my \w+|Get Outlook for )",
    re.IGNORECASE,
)
_FOOTER_LINES = 14
_SHORT_SIGNATURE = 10
_ORIGINAL = re.compile(
    r"^(?:-{2,} ?(?:Original Message|Originalnachricht|Urspr\u00fcngliche Nachricht|Message d'origine|Mensaje original|"
    r"Messaggio originale|Oorspronkelijk bericht|Forwarded message) ?-{2,}|Begin forwarded message:)\s*$",
    re.IGNORECASE,
)
_FROM = re.compile(r"^\*?(?:From|Von|De|Da|Van|Fra|Fr\u00e5n|\u041e\u0442): ?\*?.+", re.IGNORECASE)
_SENT = re.compile(
    r"^\*?(?:Sent|Date|Gesendet|Datum|Envoy\u00e9|Enviado|Inviato|Verzonden|Skickat"
    r"|\u041e\u0442\u043f\u0440\u0430\u0432\u043b\u0435\u043d\u043e) ?: ?\*?.+",
    re.IGNORECASE,
)
# "Ann wrote:" in the languages mail programs speak, or Gmail's date, name and address.
_WROTE = re.compile(
    r"(?:(?:\bwrote|\bwrites|\bschrieb|\bschrieben|a \u00e9crit|escribi\u00f3|ha scritto|\bschreef|\bskrev|escreveu"
    r"|\u043f\u0438\u0448\u0435\u0442|\u043d\u0430\u043f\u0438\u0441\u0430\u043b|napisa\u0142(?:\(a\))?)"
    r"(?: [^:]{0,60})?|<[^<>\s]+(?:@| at )[^<>\s]+>)\s?:$",
    re.IGNORECASE,
)
_ATTRIBUTION_LINES = 3
_QUOTE_LINES = 8
_SPELLED_ADDRESS = re.compile(r"\b([\w.+-]{1,64}) at ((?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24})\b", re.IGNORECASE)
# Words before "at HOST" that make it a sentence: "look at example.com", "hosted at ...".
_NOT_NAMES = _words(
    """
    a available be been code docs documentation download downloads else fetch file files find found get
    here hosted is it live look looked looking lookup looks me now one page patch people point pointed
    posted project published read repo repository running see server set site sources start stay stored
    them this up us version website work works you
    """
)
_URL = re.compile(r"<?\b(https?://[^\s<>\"]+[^\s<>\".,;:!?'\])}])>?")
_ITEM = re.compile(r"^ {0,3}(?:[-*+\u2022]|\(?\d{1,2}[.)]) +(?=\S)")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})\s*([\w+#.-]{0,20})\s*$")
_CODE_SIGN = re.compile(r"^(?:\t| {2,}\S|[$#] \S|>>> |\+{1,3}\S|@@ |diff |index [0-9a-f]{7})")
_CODE_MARK = re.compile(r"[=;(){}\[\]<>/\\$_|#]|^>>> ")
_WRAP = 60


def unflowed(text: str, *, delete_space: bool = False) -> str:
    """Join the soft line breaks of ``format=flowed`` text (RFC 3676, section 4).

    Args:
        text: the part, decoded.
        delete_space: the ``DelSp`` parameter: the space that marks a soft break is no part of the text.
    """
    result: list[str] = []
    open_depth: int | None = None
    for line in text.split("\n"):
        depth, content = _depth(line)
        if content != "-- ":
            content = content.removeprefix(" ") if depth == 0 else content
        soft = content.endswith(" ") and content != "-- "
        kept = content[:-1] if soft and delete_space else content
        if open_depth == depth and content != "-- ":
            result[-1] += kept
        else:
            result.append("> " * depth + kept)
        open_depth = depth if soft else None
    return "\n".join(result)


def _depth(line: str) -> tuple[int, str]:
    depth = len(line) - len(line.lstrip(">"))
    rest = line[depth:]
    return depth, rest.removeprefix(" ") if depth else rest


def own_words(text: str, *, spelled: bool = False) -> str:
    """What the author wrote, with the quotations that are answered.

    Args:
        text: a plain text part, its soft line breaks joined.
        spelled: the archive writes addresses as ``name at host``; they are made plain, so that they are found as
            addresses and removed later.
    """
    text = text.replace("\r\n", "\n").replace("\u00a0", " ").replace("\x00", "").lstrip("\ufeff")
    lines = _without_tail(_unarmoured(_unscrubbed(text)).split("\n"))
    lines = _answered(_without_attributions(lines))
    text = "\n".join(lines).strip("\n").rstrip()
    return _SPELLED_ADDRESS.sub(_address, text) if spelled else text


def _address(found: re.Match[str]) -> str:
    return found[0] if found[1].lower() in _NOT_NAMES else f"{found[1]}@{found[2]}"


def _unscrubbed(text: str) -> str:
    return _NEXT_PART.sub("", _SCRUBBED.sub("", text)) if " next part -" in text else text


def _unarmoured(text: str) -> str:
    """Without OpenPGP's armour (RFC 9580, section 7): signed words stay, dash-escapes are undone, keys go."""
    if "-----BEGIN PGP " not in text:
        return text
    signed = _ARMOUR_HEAD.search(text)
    if signed:
        text = text[: signed.start()] + re.sub(r"^- ", "", text[signed.end() :], flags=re.MULTILINE)
    return _ARMOUR.sub("", text)


def _without_tail(lines: list[str]) -> list[str]:
    """Up to the signature, the footer of the list, or the message that is answered as a whole."""
    for number, line in enumerate(lines):
        if line == "-- " or (line.rstrip() == "--" and len(lines) - number <= _SHORT_SIGNATURE):
            return lines[:number]
        if _FOOTER_STARTS.match(line) or _is_footer(lines, number) or _is_history(lines, number):
            return lines[:number]
    return lines


def _is_footer(lines: list[str], number: int) -> bool:
    if len(lines) - number > 2 * _FOOTER_LINES or not any(rule.match(lines[number].rstrip()) for rule in _FOOTERS):
        return False
    rest = lines[number + 1 :]
    return (
        len([line for line in rest if line.strip()]) <= _FOOTER_LINES
        and _FOOTER_WORDS.search("\n".join(rest)) is not None
    )


def _is_history(lines: list[str], number: int) -> bool:
    """Whether the mail answered follows unmarked, as some programs put it: a heading, or its headers."""
    headed = _FROM.match(lines[number]) and any(_SENT.match(line) for line in lines[number + 1 : number + 4])
    # A message that begins so is one passed on, and all there is.
    return bool(headed or _ORIGINAL.match(lines[number])) and any(line.strip() for line in lines[:number])


def _without_attributions(lines: list[str]) -> list[str]:
    """Without the lines that say who is quoted: they hold addresses, and the page shows the answer's context."""
    kept: list[str] = []
    for number, line in enumerate(lines):
        if _WROTE.search(line.rstrip()) and not _QUOTE.match(line) and _quotes_follow(lines, number):
            _drop_beginning(kept)
        else:
            kept.append(line)
    return kept


def _quotes_follow(lines: list[str], number: int) -> bool:
    following = next((line for line in lines[number + 1 : number + 4] if line.strip()), "")
    return not following or _QUOTE.match(following) is not None


def _drop_beginning(kept: list[str]) -> None:
    """Take away the lines an attribution began on, when it was wrapped."""
    first = len(kept)
    while first > 0 and kept[first - 1].strip() and not _QUOTE.match(kept[first - 1]):
        first -= 1
    if len(kept) - first < _ATTRIBUTION_LINES:
        del kept[first:]


def _answered(lines: list[str]) -> list[str]:
    """Quotations with own words below them, one level deep and cut to their end; the rest of them goes."""
    blocks = [(quoted, list(group)) for quoted, group in groupby(lines, lambda line: bool(_QUOTE.match(line)))]
    result: list[str] = []
    for number, (quoted, block) in enumerate(blocks):
        if not quoted:
            result += block
        elif any(line.strip() for _, later in blocks[number + 1 : number + 2] for line in later):
            result += _shortened(block)
    return result


def _shortened(block: list[str]) -> list[str]:
    first = [line for line in block if (found := _QUOTE.match(line)) and found[1].count(">") == 1]
    words = ["> " + _QUOTE.sub("", line, count=1) for line in first]
    while words and not words[0][2:].strip():
        words.pop(0)
    return words if len(words) <= _QUOTE_LINES else ["> \u2026", *words[-_QUOTE_LINES:]]


def is_pointless(text: str) -> bool:
    """Whether a plain text part only stands in for the HTML one."""
    words = " ".join(text.split()).lower()
    return len(words) < 200 and (not words or ("html" in words and ("view" in words or "support" in words)))


def text_html(text: str) -> str:
    """The HTML of an author's words: paragraphs, lists, quotations and code, addresses of pages as links."""
    result: list[str] = []
    for quoted, group in groupby(text.split("\n"), lambda line: bool(_QUOTE.match(line))):
        lines = list(group)
        if quoted:
            inner = text_html("\n".join(_QUOTE.sub("", line, count=1) for line in lines))
            result.append(f"<blockquote>{inner}</blockquote>")
        else:
            result += _blocks(lines)
    # Code is one block across its blank lines.
    return "\n".join(part for part in result if part).replace("</code></pre>\n<pre><code>", "\n\n")


def _blocks(lines: list[str]) -> Iterator[str]:
    paragraph: list[str] = []
    fence = ""
    for line in lines:
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence):
                yield _code(paragraph[1:], paragraph[0])
                paragraph, fence = [], ""
            else:
                paragraph.append(line)
        elif mark:
            yield _block(paragraph)
            paragraph, fence = [mark[2]], mark[1]
        elif line.strip():
            paragraph.append(line)
        else:
            yield _block(paragraph)
            paragraph = []
    yield _code(paragraph[1:], paragraph[0]) if fence else _block(paragraph)


def _code(lines: list[str], language: str = "") -> str:
    named = f' class="language-{escape(language.lower())}"' if language else ""
    return f"<pre><code{named}>{escape(chr(10).join(lines), quote=False)}</code></pre>"


def _block(lines: list[str]) -> str:
    if not lines:
        return ""
    if _ITEM.match(lines[0]):
        return _list(lines)
    signs = sum(bool(_CODE_SIGN.match(line)) for line in lines)
    # A single indented line may be a name below a letter.
    if 2 * signs > len(lines) and (len(lines) > 1 or _CODE_MARK.search(lines[0])):
        return _code(lines)
    return f"<p>{_joined(lines)}</p>"


def _list(lines: list[str]) -> str:
    items: list[list[str]] = []
    for line in lines:
        mark = _ITEM.match(line)
        if mark:
            items.append([line[mark.end() :]])
        else:
            items[-1].append(line.strip())
    name = "ol" if lines[0].lstrip(" (")[0].isdigit() else "ul"
    return f"<{name}>{''.join(f'<li>{_joined(item)}</li>' for item in items)}</{name}>"


def _joined(lines: list[str]) -> str:
    """Lines of a paragraph; one that ends although the next word had room was ended by the author."""
    result = _linked(lines[0].strip())
    for before, line in pairwise(lines):
        first = line.split(maxsplit=1)[0]
        meant = len(before.rstrip()) + 1 + len(first) <= _WRAP
        result += ("<br>\n" if meant else "\n") + _linked(line.strip())
    return result


def _linked(line: str) -> str:
    result: list[str] = []
    end = 0
    for found in _URL.finditer(line):
        address = escape(found[1])
        result += [escape(line[end : found.start()], quote=False), f'<a href="{address}">{address}</a>']
        end = found.end()
    return "".join(result) + escape(line[end:], quote=False)
