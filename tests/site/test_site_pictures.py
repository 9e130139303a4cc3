"""Images of a poured text, and the language of texts they belong to."""

from __future__ import annotations

import pytest

from kbgen.model import Page, Picture
from kbgen.site.check_bodies import check_bodies
from kbgen.site.check_report import Finding
from kbgen.site.check_view import PageFacts, Resolver, Target, View
from kbgen.site.markup import Place
from kbgen.site.pictures import files_of, with_images

NAME = "0123456789abcdef0123456789abcdef"
IMG = f'<img class="kb-image" src="../../assets/media/{NAME}.webp" width="9" height="8" alt="A" loading="lazy" decoding="async">'
AT = Place("/q/x-1/", "/")


def link(address: str, label: str = "A") -> str:
    """An image as the sanitiser writes it."""
    return f'<a class="kb-image" href="{address}" rel="ugc nofollow">{label}</a>'


def picture(address: str, full: str = "") -> Picture:
    """A mirrored image."""
    return Picture(address, f"{NAME}.webp", 9, 8, full)


def shown(html: str, *pictures: Picture) -> str:
    """A text with its images."""
    return with_images(html, {one.address: one for one in pictures}, AT)


def test_only_images_with_a_copy_are_shown() -> None:
    """The others stay links; escaped addresses are the same addresses."""
    a, b = "https://x.example/a?b=1&c=2", "https://x.example/b"
    html = f"<p>{link(a.replace('&', '&amp;'))} and {link(b)}</p>"
    assert shown(html, picture(a)) == f"<p>{IMG} and {link(b)}</p>"
    assert shown(html) == html


def test_ordinary_links_stay() -> None:
    """An address alone makes no image."""
    html = '<p><a href="https://x.example/b" rel="ugc nofollow">b</a></p>'
    assert shown(html, picture("https://x.example/b")) == html


def test_an_image_with_a_whole_links_to_it() -> None:
    """The link is called what the image is called."""
    html = shown(link("https://x.example/b", "<em>The</em>\n menu"), picture("https://x.example/b", "f.webp"))
    assert html == (
        f'<a class="kb-image" href="../../assets/media/f.webp">{IMG.replace(chr(34) + "A" + chr(34), chr(34) + "The menu" + chr(34))}</a>'
    )


def test_files_are_those_of_all_pages() -> None:
    """Shown and whole, once each."""
    pages = [Page(f"/{n}/", "entry", "t", "d", "c", "entry", "en", images=(picture("a", "f.webp"),)) for n in range(2)]
    assert files_of(pages) == {f"assets/media/{NAME}.webp": f"{NAME}.webp", "assets/media/f.webp": "f.webp"}


class _Site(Resolver):
    """A site on which some paths are missing."""

    def __init__(self, *missing: str) -> None:
        self._missing = missing

    def lacks(self, target: Target, finding: Finding) -> bool:
        del finding
        return target.path in self._missing

    def asked(self, target: Target, *, by_user: bool = False) -> bool:
        del target, by_user
        return False

    def target(self, path: str, href: str) -> Target:
        del path
        return Target(path="/" + href.replace("../", ""))


def judged(html: str, *missing: str) -> list[str]:
    """Ids of what is wrong with a text."""
    facts = PageFacts.of(Page("/q/x-1/", "entry", "t", "d", "c", "entry", "en"))
    return [one.check for one in check_bodies([html], View(b"<p>"), facts, _Site(*missing), "https://h.example/")]


def test_a_mirrored_image_is_plain_markup() -> None:
    """If its file is there."""
    assert judged(f"<p>one {IMG} two</p>") == []
    assert judged(f"<p>one {IMG} two</p>", f"/assets/media/{NAME}.webp") == ["link"]


@pytest.mark.parametrize(
    "image",
    [
        IMG.replace("../../", "https://x.example/"),
        IMG.replace("../../", "//x.example/"),
        IMG.replace("../../", "/"),
        IMG.replace("assets/media", "assets/../media"),
        IMG.replace("../../", "../../x/"),
        IMG.replace(".webp", ".svg"),
        IMG.replace(NAME, NAME.upper()),
        IMG.replace(NAME, "x"),
        IMG.replace(' width="9"', ""),
        IMG.replace(' alt="A"', ""),
        IMG.replace('width="9"', 'width="9" onload="alert(1)"'),
        IMG.replace('alt="A"', 'alt="A>"'),
        IMG.replace('width="9"', 'width="100%"'),
        IMG.replace('class="kb-image" ', ""),
        IMG.replace("<img", "</img"),
        '<img src="x">',
    ],
)
def test_any_other_image_is_none(image: str) -> None:
    """Whatever a browser would load from elsewhere, or run, is no text."""
    assert "body" in judged(f"<p>{image}</p>")
