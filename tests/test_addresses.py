"""Paths, URLs and file names of pages."""

from urllib.parse import urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbgen.addresses import absolute, encode, file_of, path_of_url, relative
from kbgen.errors import NotPublished

SITE = "https://help.example.com/"
BELOW = "https://example.com/help/"


def test_a_path_becomes_an_absolute_url_below_the_site_url() -> None:
    """The sub-path of the site stays in front of the page's path."""
    assert absolute(SITE, "/q/reset-a-hub-42/") == "https://help.example.com/q/reset-a-hub-42/"
    assert absolute(BELOW, "/") == "https://example.com/help/"
    assert absolute(BELOW, "/q/a-1/") == "https://example.com/help/q/a-1/"


def test_everything_rfc_3986_does_not_allow_is_percent_encoded() -> None:
    """Hebrew, spaces, percent signs, question marks and hashes cannot stand in a URL's path as they are."""
    assert absolute(SITE, "/q/שלום-1/") == "https://help.example.com/q/%D7%A9%D7%9C%D7%95%D7%9D-1/"
    assert encode("/a b?c#d%e/f+g~h") == "/a%20b%3Fc%23d%25e/f+g~h"


@pytest.mark.parametrize(
    ("start", "end", "link"),
    [
        ("/q/a-1/", "/topics/x/", "../../topics/x/"),
        ("/q/a-1/", "/q/b-2/", "../b-2/"),
        ("/q/a-1/", "/q/a-1/", "./"),
        ("/q/a-1/", "/", "../../"),
        ("/", "/q/a-1/", "q/a-1/"),
        ("/", "/", "./"),
        ("/404.html", "/q/a-1/", "q/a-1/"),
        ("/topics/x/", "/topics/x/feed.xml", "feed.xml"),
        ("/topics/x/2/", "/topics/x/", "../"),
        ("/", "/a:b/", "./a:b/"),
        ("/q/a/", "/q/ü/", "../%C3%BC/"),
    ],
)
def test_links_between_pages_are_relative(start: str, end: str, link: str) -> None:
    """A link works whatever folder of the host the site lies in."""
    assert relative(start, end) == link


@given(st.lists(st.sampled_from(["a", "b", "c:d", "é"]), max_size=4), st.lists(st.sampled_from(["a", "b", "c"])))
def test_a_relative_link_leads_to_its_target(start: list[str], end: list[str]) -> None:
    """Resolving the link on the page it stands on gives the target's URL."""
    here, there = ("".join(["/", *(f"{part}/" for part in parts)]) for parts in (start, end))
    assert urljoin(absolute(BELOW, here), relative(here, there)) == absolute(BELOW, there)


def test_a_path_names_a_file_below_the_site_folder() -> None:
    """Folders get an index.html; a path with a file name is that file."""
    assert [file_of(path) for path in ("/", "/q/x-1/", "/404.html", "/q/é/")] == [
        "index.html",
        "q/x-1/index.html",
        "404.html",
        "q/é/index.html",
    ]


@pytest.mark.parametrize(
    "path",
    ["", "q/x/", "/../x/", "/q/../../x/", "/q//x/", "//x/", "/./x/", "/q\\x/", "/q/\0/", "/a\nb/", f"/{'é' * 128}/"],
)
def test_a_path_that_leaves_the_site_or_no_file_system_takes_is_refused(path: str) -> None:
    """Harvested slugs never decide where a file is written."""
    with pytest.raises(NotPublished, match="cannot be written"):
        file_of(path)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://example.com/help/q/a-1/", "/q/a-1/"),
        ("http://EXAMPLE.com:80/help/q/a-1/?x=1#y", "/q/a-1/"),
        ("https://example.com/help/q/%D7%A9-1/index.html", "/q/ש-1/"),
        ("https://example.com/help", "/"),
        ("//example.com/help/", None),
        ("https://example.com/other/", None),
        ("https://example.com:8443/help/", None),
        ("https://forum.example.com/help/", None),
        ("mailto:a@example.com", None),
        ("https://example.com/help/%2e%2e/secret", None),
        ("https://[broken/", None),
        ("/q/a-1/", "/q/a-1/"),
        ("q/a-1/", None),
    ],
)
def test_a_url_of_the_site_is_told_from_any_other(url: str, path: str | None) -> None:
    """Only addresses under ``site.url`` have a path here."""
    assert path_of_url(BELOW, url) == path


@given(st.text(st.characters(codec="utf-8", exclude_characters="/\\"), min_size=1))
def test_encoding_and_reading_a_path_are_inverse(name: str) -> None:
    """Any name survives the way to a URL and back."""
    path = f"/q/{name}/"
    if ".." not in path.split("/"):
        assert path_of_url(BELOW, absolute(BELOW, path)) == path
