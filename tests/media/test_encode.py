"""Foreign bytes become small, plain WebP, or nothing."""

from __future__ import annotations

import io
import struct
import zlib
from contextlib import suppress
from typing import Any

import pytest
from PIL import Image, ImageCms, ImageDraw

from kbgen.media.encode import Unusable, Webp, encode

WIDE = 1200


def picture(size: tuple[int, int] = (60, 40), mode: str = "RGB", colour: Any = (200, 30, 30)) -> Image.Image:
    """An image with a line through it."""
    image = Image.new(mode, size, colour)
    ImageDraw.Draw(image).line((0, 0, *size), fill=0 if mode in {"L", "P", "1", "I;16"} else None)
    return image


def saved(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The bytes of an image file."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def opened(file: Webp) -> Image.Image:
    """The file, decoded."""
    image = Image.open(io.BytesIO(file.data))
    image.load()
    return image


def reason(data: bytes) -> str:
    """Why bytes are not shown."""
    with pytest.raises(Unusable) as refused:
        encode(data, WIDE)
    return refused.value.reason


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "AVIF", "BMP"])
def test_every_kind_becomes_webp(kind: str) -> None:
    """With its size, under the name of its content."""
    made = encode(saved(picture(), kind), WIDE)
    image = opened(made.shown)
    assert ("WEBP", (60, 40), (60, 40)) == (image.format, image.size, (made.shown.width, made.shown.height))
    assert made.full is None
    assert made == encode(saved(picture(), kind), WIDE)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "I;16", "CMYK"])
def test_every_mode_becomes_webp(mode: str) -> None:
    """Grey, palettes, deep grey and print colours."""
    kind = "JPEG" if mode == "CMYK" else "PNG"
    made = encode(saved(Image.new(mode, (20, 10)), kind), WIDE)
    assert opened(made.shown).size == (20, 10)


def test_deep_grey_keeps_its_light() -> None:
    """Sixteen bits are scaled to eight, not cut off."""
    image = Image.new("I;16", (20, 10), 128 * 256)
    pixel = opened(encode(saved(image), WIDE).shown).convert("L").getpixel((5, 5))
    assert isinstance(pixel, int)
    assert abs(pixel - 128) < 4


def test_transparency_stays() -> None:
    """A logo on glass is still one."""
    made = encode(saved(Image.new("RGBA", (20, 10), (0, 0, 0, 0))), WIDE)
    assert opened(made.shown).convert("RGBA").getpixel((5, 5)) == (0, 0, 0, 0)


def test_metadata_is_left_behind_and_orientation_applied() -> None:
    """A photograph stands upright and does not say where it was taken."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turned a quarter
    exif[0x010E] = "taken at home, Musterweg 7"
    gps = exif.get_ifd(0x8825)
    gps[1] = "N"
    data = saved(picture(), "JPEG", exif=exif, comment=b"secret-comment", icc_profile=srgb())
    assert b"Musterweg" in data
    made = encode(data, WIDE)
    image = opened(made.shown)
    assert image.size == (40, 60)
    assert not image.getexif()
    assert {"exif", "xmp", "icc_profile", "comment"} & set(image.info) == set()
    assert b"Musterweg" not in made.shown.data
    assert b"secret" not in made.shown.data


def srgb() -> bytes:
    """A colour profile."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def test_a_wide_image_is_shown_smaller() -> None:
    """And comes in its own size as well, in proportion."""
    made = encode(saved(picture((2400, 1000))), WIDE)
    assert (1200, 500) == (made.shown.width, made.shown.height)
    assert made.full is not None
    assert (2400, 1000) == (made.full.width, made.full.height) == opened(made.full).size


def test_a_long_image_fits_into_webp() -> None:
    """A screenshot of a whole page is longer than the format allows."""
    made = encode(saved(picture((100, 20_000))), WIDE)
    assert made.shown.height == 16_383
    assert opened(made.shown).size == (made.shown.width, 16_383)


def moving(frames: int = 3, size: tuple[int, int] = (30, 20)) -> bytes:
    """A GIF that moves."""
    images = [Image.new("RGB", size, (80 * number % 256, 0, 0)) for number in range(frames)]
    return saved(images[0], "GIF", save_all=True, append_images=images[1:], duration=120, loop=0)


def test_a_moving_gif_stands_still_and_links_to_the_moving_one() -> None:
    """Its first picture is shown; the whole is a file of its own."""
    made = encode(moving(), WIDE)
    assert getattr(opened(made.shown), "n_frames", 1) == 1
    assert made.full is not None
    assert getattr(opened(made.full), "n_frames", 1) == 3


def test_an_endless_gif_is_its_first_picture() -> None:
    """More frames than anybody watches are not unpacked."""
    made = encode(moving(301, (4, 4)), WIDE)
    assert (None, 4) == (made.full, made.shown.width)


def bomb(side: int) -> bytes:
    """A PNG that claims to be huge, in a few bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "svg"),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- drawn -->\n<svg width="9"/>', "svg"),
        (b"<!doctype html><title>Log in</title>", "type"),
        (b"%PDF-1.7 ...", "type"),
        (b"", "type"),
        (saved(picture(), "TIFF"), "type"),
        (saved(picture(), "ICO"), "type"),
        (bomb(100_000), "pixels"),
        (bomb(8_001), "pixels"),
        (saved(picture((1, 1))), "tiny"),
        (saved(picture((300, 2))), "tiny"),
        (saved(picture((200, 200)))[:120], "damaged"),
        (saved(Image.effect_noise((200, 200), 80), "JPEG")[:-2000], "damaged"),
    ],
)
def test_what_is_no_image_to_show_is_refused(data: bytes, expected: str) -> None:
    """By what the bytes are, before they are unpacked."""
    assert reason(data) == expected


@pytest.mark.parametrize("at", range(8, 180, 7))
def test_damaged_bytes_end_in_one_way(at: int) -> None:
    """A flipped byte gives an image or the refusal of one, never another error."""
    for kind in ("PNG", "GIF", "WEBP"):
        data = bytearray(saved(picture((40, 40)), kind))
        data[at % len(data)] ^= 0xFF
        with suppress(Unusable):
            assert encode(bytes(data), WIDE).shown.data[:4] == b"RIFF"


def test_a_screenshot_is_not_made_larger() -> None:
    """Of drawn images the smaller of an exact and a lossy file is taken."""
    flat = Image.new("RGB", (400, 300), (250, 250, 250))
    ImageDraw.Draw(flat).rectangle((10, 10, 200, 40), fill=(0, 80, 200))
    data = saved(flat)
    made = encode(data, WIDE)
    assert len(made.shown.data) <= len(data)
    assert opened(made.shown).convert("RGB").getpixel((300, 200)) == (250, 250, 250)
