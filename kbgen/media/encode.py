"""Bytes of unknown kind to WebP: the only place where foreign images are decoded, and the home of Pillow.

The kind is told from the bytes, whatever name or media type they came with. Nothing of the input survives but its
pixels: a new image is made of them, so that no EXIF, XMP, comment, profile or trailing file comes along.
"""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
from typing import Final

from msgspec import Struct
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

VERSION: Final = 1
"""Raise it when the same bytes would become another image: all are then fetched again."""
# What posts hold. SVG is a document with scripts and links, not a picture, and is refused.
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "AVIF", "BMP")
# Before anything is decoded: a few kilobytes can claim to be gigapixels. A phone's photograph has 12 to 50 million.
_MOST_PIXELS = 64_000_000
# Of all frames of an animation together; a longer one becomes its first picture.
_MOST_MOVING_PIXELS = 60_000_000
_MOST_FRAMES = 300
# RFC 9649, section 2.7: WebP has 14 bits for each side.
_LONGEST_SIDE = 16_383
_WIDEST_FULL = 4096
# Smaller ones are there to count readers.
_SMALLEST_SIDE = 3
_LOSSY = 82
_SHARP = 90


class Unusable(Exception):
    """The bytes give no image that may be shown; the word says why.

    Args:
        reason: ``type``, ``svg``, ``damaged``, ``pixels`` or ``tiny``.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Webp(Struct, frozen=True):
    """One file.

    Attributes:
        name: file name, made of its content.
        width: in pixels; ``height`` likewise.
    """

    name: str
    width: int
    height: int
    data: bytes


class Encoded(Struct, frozen=True):
    """An image as the site shows it.

    Attributes:
        shown: as it stands in the text: never moving, never wider than asked for.
        full: in its own size, or moving; None when ``shown`` is all there is.
    """

    shown: Webp
    full: Webp | None = None


def encode(data: bytes, max_width: int) -> Encoded:
    """Make WebP of an image.

    Args:
        data: as fetched.
        max_width: pixels; a wider image gets a smaller one that is shown.

    Raises:
        Unusable: it is no image, or none that may be shown.
    """
    if _is_svg(data):
        raise Unusable("svg")
    try:
        with warnings.catch_warnings():
            # Odd chunks and sizes are judged below, whatever Pillow thinks of them.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
                return _encoded(image, max_width)
    except UnidentifiedImageError as error:
        raise Unusable("type") from error
    except Image.DecompressionBombError as error:
        raise Unusable("pixels") from error
    # Decoders of hostile bytes raise whatever their loops run into; all of it means the same.
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, TypeError, struct.error, MemoryError) as error:
        raise Unusable("damaged") from error


def _is_svg(data: bytes) -> bool:
    start = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith(b"<") and b"<svg" in start


def _encoded(image: Image.Image, max_width: int) -> Encoded:
    width, height = image.size
    if width * height > _MOST_PIXELS:
        raise Unusable("pixels")
    if min(width, height) < _SMALLEST_SIDE:
        raise Unusable("tiny")
    drawn = image.format in {"PNG", "GIF", "BMP"}
    moving = _moving(image)
    image.seek(0)
    whole = _plain(image)
    full = _fitted(whole, _WIDEST_FULL)
    shown = _fitted(whole, min(max_width, _WIDEST_FULL))
    first = _webp(shown, drawn=drawn)
    if moving is not None:
        return Encoded(first, moving)
    return Encoded(first, _webp(full, drawn=drawn) if full.size != shown.size else None)


def _plain(image: Image.Image) -> Image.Image:
    """Its pixels as they are meant to be seen: upright, in sRGB, with or without transparency."""
    turned = ImageOps.exif_transpose(image)
    see_through = turned.mode in {"RGBA", "LA", "PA", "RGBa"} or "transparency" in turned.info
    profile = turned.info.get("icc_profile")
    if turned.mode.startswith("I"):
        # 16 bits of grey: Pillow cuts them off instead of scaling them.
        turned = turned.point(lambda value: value / 256).convert("L")
    if profile and turned.mode in {"RGB", "RGBA", "CMYK"}:
        turned = _in_srgb(turned, profile)
    plain = turned.convert("RGBA" if see_through else "RGB")
    plain.info = {}
    return plain


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        mode = "RGBA" if image.mode == "RGBA" else "RGB"
        source, target = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, source, target, outputMode=mode) or image
    except (ImageCms.PyCMSError, OSError):
        return image


def _fitted(image: Image.Image, widest: int) -> Image.Image:
    width, height = image.size
    scale = min(1.0, widest / width, _LONGEST_SIDE / height)
    if scale == 1.0:
        return image
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _webp(image: Image.Image, *, drawn: bool) -> Webp:
    """One file; of drawn images, such as screenshots, the smaller of a lossless and a lossy one."""
    data = _saved(image, quality=_SHARP if drawn else _LOSSY)
    if drawn:
        exact = _saved(image, lossless=True, quality=70)
        data = min(exact, data, key=len)
    return _file(data, image.size)


def _saved(image: Image.Image, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, "WEBP", method=4, exif=b"", xmp=b"", icc_profile=b"", **options)
    return out.getvalue()


def _file(data: bytes, size: tuple[int, int]) -> Webp:
    name = f"{hashlib.blake2b(data, digest_size=16).hexdigest()}.webp"
    return Webp(name, size[0], size[1], data)


def _moving(image: Image.Image) -> Webp | None:
    """A moving image as moving WebP; None when it stands still or is too long."""
    frames = getattr(image, "n_frames", 1)
    width, height = image.size
    if frames < 2 or frames > _MOST_FRAMES or frames * width * height > _MOST_MOVING_PIXELS:
        return None
    pictures, times = [], []
    for number in range(frames):
        image.seek(number)
        times.append(min(60_000, max(20, int(image.info.get("duration", 100)))))
        frame = image.convert("RGBA")
        frame.info = {}
        pictures.append(frame)
    out = io.BytesIO()
    pictures[0].save(
        out, "WEBP", save_all=True, append_images=pictures[1:], duration=times, loop=0, quality=75, method=2, exif=b"",
        xmp=b"", icc_profile=b"",
    )  # fmt: skip
    return _file(out.getvalue(), image.size)
