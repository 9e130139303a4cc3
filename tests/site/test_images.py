"""Sizes of images from their first bytes."""

import struct
from pathlib import Path

import pytest

from kbgen.site.images import image_size

PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + struct.pack(">II", 30, 20)
JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x0b\x08" + struct.pack(">HH", 20, 30) + b"\x01\x01\x11\x00"
LOSSY = b"RIFF\0\0\0\0WEBPVP8 " + b"\0" * 10 + struct.pack("<HH", 30, 20)
EXTENDED = b"RIFF\0\0\0\0WEBPVP8X" + b"\0" * 8 + (29).to_bytes(3, "little") + (19).to_bytes(3, "little")
LOSSLESS = b"RIFF\0\0\0\0WEBPVP8L" + b"\0" * 5 + struct.pack("<I", 29 | 19 << 14)


@pytest.mark.parametrize(
    "data",
    [
        PNG,
        JPEG,
        LOSSY,
        EXTENDED,
        LOSSLESS,
        b"GIF89a" + struct.pack("<HH", 30, 20),
        b'<?xml version="1.0"?><svg width="30" height="20px">',
        b'<svg xmlns="x" viewBox="0 0 30 20"></svg>',
    ],
    ids=["png", "jpeg", "webp", "webp-extended", "webp-lossless", "gif", "svg", "svg-box"],
)
def test_every_kind_tells_its_size(tmp_path: Path, data: bytes) -> None:
    """Width comes before height, whatever the order in the file."""
    file = tmp_path / "image"
    file.write_bytes(data)
    assert image_size(file) == (30, 20)


@pytest.mark.parametrize("data", [b"", b"text", PNG[:18], b"\xff\xd8\xff\xe0", b"<svg>", b"RIFF\0\0\0\0WEBPVP9 "])
def test_what_cannot_be_told_is_none(tmp_path: Path, data: bytes) -> None:
    """A cut-off or foreign file has no size, and that is no error."""
    file = tmp_path / "image"
    file.write_bytes(data)
    assert image_size(file) is None
    assert image_size(tmp_path / "missing") is None
