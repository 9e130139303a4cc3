"""Mirrored images in a poured text: a link to an image becomes the image, where there is a copy of it on the site.

Which there are is decided before (``Page.images``); an image without a copy stays a link.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape, unescape

from kbgen.model import Page, Picture
from kbgen.site.markup import Place
from kbgen.sources.pictures import IMAGE_LINK, description

FOLDER = "/assets/media/"
"""Where mirrored images lie on the site."""


def with_images(html: str, images: Mapping[str, Picture], at: Place) -> str:
    """Show the images of a text.

    Args:
        html: a curated text.
        images: by the address the text names them by.
        at: the page, for relative addresses.

    Returns:
        The text. An image that is shown smaller than it is, or still, links to the whole.
    """
    if not images or 'class="kb-image"' not in html:
        return html

    def image(match: re.Match[str]) -> str:
        picture = images.get(unescape(match[1]))
        if picture is None:
            return match[0]
        label = " ".join(unescape(_plain(match[2])).split())
        # A link has to be called something, were it only "Image".
        alt = label if picture.full else description(match[2])
        shown = (
            f'<img class="kb-image" src="{at.href(FOLDER + picture.file)}" width="{picture.width}" '
            f'height="{picture.height}" alt="{escape(alt)}" loading="lazy" decoding="async">'
        )
        return f'<a class="kb-image" href="{at.href(FOLDER + picture.full)}">{shown}</a>' if picture.full else shown

    return IMAGE_LINK.sub(image, html)


def _plain(html: str) -> str:
    return re.sub(r"<[^>]*>", "", html)


def files_of(pages: Iterable[Page]) -> dict[str, str]:
    """File on the site to file name of every image the pages show."""
    names = (name for page in pages for picture in page.images for name in (picture.file, picture.full))
    return {f"{FOLDER[1:]}{name}": name for name in names if name}
