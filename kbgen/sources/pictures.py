"""What addresses and descriptions of pictures say, whatever the platform.

Attachments are often handed out under addresses that open for whoever has them, for an hour or for ever. Such an
address is never shown and never kept apart from the record it came in; what names the file is the rest of it. Not
here: fetching (``kbgen.media``) and showing (``site.pictures``).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import msgspec

# Amazon, Google, Azure and CloudFront signatures; Discord's ex, is and hm; jwt of GitHub; what others call their keys.
_SECRET = re.compile(
    r"(?:x-amz-.*|x-goog-.*|x-ms-.*|signature|sig|token|access_token|auth|jwt|key|api_?key|expires|ex|is|hm|se|sp|sv|sr|"
    r"policy|key-pair-id|awsaccesskeyid|googleaccessid|sid|session_?id|phpsessid)",
    re.IGNORECASE,
)
# Slack's tokens, in whatever parameter they stand.
_TOKEN = re.compile(r"xox[a-z]-")
# What an address may go on with inside of HTML or of plain text.
_QUERY = re.compile(r"\?[^\s<>\"'\\)\]]+")
IMAGE_LINK = re.compile(r'<a class="kb-image" href="([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)
"""An image in a curated text: (address, description), both escaped; the sanitiser writes it as a link."""
UNNAMED = "Image"
"""How a link to an image is called of which nothing is said."""
_TAG = re.compile(r"<[^>]*>")
# What editors and phones put there when nobody writes anything.
_SAYS_NOTHING = re.compile(
    r"(?:enter )?(?:an? )?(?:image|img|picture|photo|screenshot|screen ?shot|attachment|grafik|bild|capture|untitled|"
    r"unnamed|pasted image|clipboard)(?: description here)?(?:[ _-]*[\d.,:()x\u00d7_ -]*)"
    r"|[\w .,()@%+-]*\.(?:png|jpe?g|gif|webp|avif|bmp|heic|svg|tiff?)"
    r"|(?:img|dsc|pxl|screenshot|screen[ _]shot|image|bild)?[ _-]?(?=\D*\d)[\da-f_. x\u00d7-]{6,}",
    re.IGNORECASE,
)
_IMAGE_NAME = re.compile(r"\.(?:png|jpe?g|gif|webp|avif|bmp)$", re.IGNORECASE)


def unsigned(url: str) -> str:
    """An address without the parameters that are signatures, keys or their expiry.

    Args:
        url: absolute. What is not secret of its query stays, in its order.
    """
    if "?" not in url:
        return url
    rest, _, query = url.partition("?")
    query, mark, fragment = query.partition("#")
    kept = [part for part in query.split("&") if not _is_secret(part)]
    return f"{rest}{'?' if kept else ''}{'&'.join(kept)}{mark}{fragment}"


def _is_secret(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    return _SECRET.fullmatch(name) is not None or _TOKEN.match(value) is not None


def signed(payload: bytes, address: str) -> str:
    """The address with its signature, as a record's payload has it; the address itself when there is none.

    Args:
        payload: JSON, as harvested.
        address: without signature, as it stands in a curated text.
    """
    base = address.partition("?")[0]
    try:
        data = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return address
    for text in _strings(data):
        start = text.find(base)
        while start >= 0:
            query = _QUERY.match(text, start + len(base))
            if query is not None:
                whole = base + html.unescape(query.group())
                if whole != address and unsigned(whole) == address:
                    return whole
            start = text.find(base, start + 1)
    return address


def description(label: str) -> str:
    """What a label in a curated text says of its image: plain text, "" when it is a file name or an editor's filler."""
    text = " ".join(html.unescape(_TAG.sub("", label)).split())
    return "" if _SAYS_NOTHING.fullmatch(text) else text


def is_image_address(url: str) -> bool:
    """Tell whether an address ends like the name of an image file."""
    try:
        return _IMAGE_NAME.search(urlsplit(url).path) is not None
    except ValueError:
        return False


def _strings(value: Any) -> Iterator[str]:
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            pending.extend(reversed(list(one.values())))
        elif isinstance(one, list):
            pending.extend(reversed(one))
