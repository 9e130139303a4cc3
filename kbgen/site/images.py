"""Width and height of an image file, from its first bytes; no decoding, no image library."""

from __future__ import annotations

import re
import struct
from pathlib import Path

_SVG_TAG = re.compile(rb"<svg\b[^>]*>", re.DOTALL)
_SVG_SIZE = re.compile(rb'\s(width|height)="([0-9.]+)(?:px)?"')
_SVG_BOX = re.compile(rb'\sviewBox="\s*[-0-9.]+[\s,]+[-0-9.]+[\s,]+([0-9.]+)[\s,]+([0-9.]+)\s*"')
# JPEG markers that carry the frame's size: SOF0 to SOF15 without DHT, JPG and DAC (ITU T.81, table B.1).
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def image_size(file: Path) -> tuple[int, int] | None:
    """Pixels of a PNG, GIF, JPEG, WebP or SVG file as (width, height); None when it cannot be told."""
    try:
        data = file.read_bytes()
    except OSError:
        return None
    try:
        return _raster(data) or (_svg(data) if b"<svg" in data[:1000] else None)
    except struct.error:  # cut off in the middle
        return None


def _raster(data: bytes) -> tuple[int, int] | None:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return struct.unpack(">II", data[16:24])
    if data.startswith((b"GIF87a", b"GIF89a")):
        return struct.unpack("<HH", data[6:10])
    if data.startswith(b"\xff\xd8"):
        return _jpeg(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    return None


def _jpeg(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 < len(data) and data[at] == 0xFF:
        if data[at + 1] in _SOF:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
    return None


def _webp(data: bytes) -> tuple[int, int] | None:
    """The three kinds of WebP (RFC 9649, section 2.5 to 2.7)."""
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", data[26:30])
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        bits = struct.unpack("<I", data[21:25])[0]
        return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    if kind == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    return None


def _svg(data: bytes) -> tuple[int, int] | None:
    tag = _SVG_TAG.search(data)
    if tag is None:
        return None
    given = {key: float(value) for key, value in _SVG_SIZE.findall(tag.group())}
    if given.keys() >= {b"width", b"height"}:
        return round(given[b"width"]), round(given[b"height"])
    box = _SVG_BOX.search(tag.group())
    return (round(float(box.group(1))), round(float(box.group(2)))) if box else None
