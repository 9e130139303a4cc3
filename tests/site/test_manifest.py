"""The published manifest."""

import json
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from kbgen.addresses import absolute
from kbgen.config import Config, SiteConfig
from kbgen.errors import NotPublished
from kbgen.model import Library, Page, PageKind, Ref, Slug
from kbgen.site.manifest import (
    Manifest,
    ManifestLines,
    digest_of,
    make_manifest,
    manifest_lines,
    permalinks,
    read_manifest,
    target_url,
)

URL = "https://help.example.com/kb/"
CONFIG = Config(site=SiteConfig(name="Help", url=URL))


def make_page(path: str, refs: tuple[str, ...] = (), kind: PageKind = "entry") -> Page:
    """A page that is its own canonical."""
    return Page(
        path=path,
        kind=kind,
        title="T",
        description="D",
        canonical=absolute(URL, path),
        shell="entry",
        lang="en",
        refs=tuple(Ref(ref) for ref in refs),
    )


def make_library(*pages: Page, redirects: dict[str, str | None] | None = None) -> Library:
    """A library of these pages."""
    return Library({page.path: page for page in pages}, redirects or {}, {})


def test_a_page_has_exactly_the_keys_of_the_contract() -> None:
    """Programs outside this repository read these keys, in UTF-8 JSON, one line each."""
    page = replace(
        make_page("/q/ü-1/", ("community:1", "community:7")),
        topics=(Slug("setup"),),
        updated=datetime(2026, 5, 1, tzinfo=UTC),
        canonical="https://forum.example.com/t/1",
    )
    (line,) = make_manifest(make_library(page), CONFIG, {"/q/ü-1/": "abc"}).data().splitlines()
    assert json.loads(line) == {
        "url": "https://help.example.com/kb/q/%C3%BC-1/",
        "path": "/q/ü-1/",
        "kind": "entry",
        "refs": ["community:1", "community:7"],
        "canonical": "https://forum.example.com/t/1",
        "in_sitemap": False,
        "topics": ["setup"],
        "lang": "en",
        "updated": "2026-05-01T00:00:00Z",
        "digest": "abc",
    }


def test_a_redirect_has_exactly_the_keys_of_the_contract() -> None:
    """Gone is ``to: null``; a target elsewhere stays as it is."""
    library = make_library(redirects={"/b/": None, "/a/": "/q/ü-1/", "/c/": "https://docs.example.com/x"})
    assert [json.loads(line) for line in make_manifest(library, CONFIG, {}).data().splitlines()] == [
        {"url": f"{URL}a/", "kind": "redirect", "to": f"{URL}q/%C3%BC-1/"},
        {"url": f"{URL}b/", "kind": "redirect", "to": None},
        {"url": f"{URL}c/", "kind": "redirect", "to": "https://docs.example.com/x"},
    ]


def test_what_was_written_is_read_back() -> None:
    """Pages and redirects have the paths they had, also under a sub-path."""
    redirects = {"/old ü/": "/q/a-1/", "/gone/": None, "/away/": "https://docs.example.com/x"}
    library = make_library(make_page("/", kind="home"), make_page("/q/a-1/", ("c:1",)), redirects=redirects)
    manifest = read_manifest(make_manifest(library, CONFIG, {"/": "d1"}).data())
    assert manifest.redirects == redirects
    assert {path: (page.refs, page.kind, page.digest, page.in_sitemap) for path, page in manifest.pages.items()} == {
        "/": ((), "home", "d1", True),
        "/q/a-1/": (("c:1",), "entry", "", True),
    }


def test_redirects_alone_are_read_from_the_root_of_the_host() -> None:
    """Without a page nothing tells the site's sub-path."""
    assert read_manifest('{"url": "https://x.example.com/a/", "kind": "redirect", "to": null}') == Manifest(
        {}, {"/a/": None}
    )


def test_the_bytes_do_not_depend_on_the_order_of_the_library() -> None:
    """The same site gives the same manifest."""
    one, two = make_page("/a/"), make_page("/b/")
    forth = make_library(one, two, redirects={"/x/": None, "/y/": None})
    back = make_library(two, one, redirects={"/y/": None, "/x/": None})
    assert make_manifest(forth, CONFIG, {}).data() == make_manifest(back, CONFIG, {}).data()


def test_unknown_keys_missing_keys_and_blank_lines_are_read() -> None:
    """A manifest of another version still gives its permalinks."""
    text = '\n{"url": "https://x.example.com/q/a/", "path": "/q/a/", "kind": "entry", "refs": ["c:1"], "new": {"a": 1}}\n\n'
    assert permalinks(read_manifest(text)) == {"c:1": "/q/a/"}


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"url": "https://x.example.com/"}',
        '{"kind": "redirect"}',
        '{"url": "u", "path": "/", "kind": "new"}',
        b"\xff",
    ],
)
def test_a_broken_line_is_named(line: str | bytes) -> None:
    """A damaged manifest is never taken for an empty one: every permalink would be given anew."""
    good = b'{"url": "https://x.example.com/", "path": "/", "kind": "home"}\n'
    data = good + (line if isinstance(line, bytes) else line.encode())
    with pytest.raises(NotPublished, match=r"kb-manifest\.jsonl:2: not a page and not a redirect"):
        read_manifest(data)


@pytest.mark.parametrize("line", ["{", '{"url": "u", "path": "/", "kind": "new"}', b"\xff"])
def test_a_line_without_kind_is_named(line: str | bytes) -> None:
    """Also where lines are not looked into any further; blank ones count."""
    good = b'\n{"url": "https://x.example.com/", "path": "/", "kind": "home"}\n'
    with pytest.raises(NotPublished, match=r"kb-manifest\.jsonl:3: not a page and not a redirect"):
        manifest_lines(good + (line if isinstance(line, bytes) else line.encode()))


def test_what_two_manifests_say_differently() -> None:
    """Pages that came, went or are others, and redirects, whose paths are those of the whole manifest."""
    home, same = make_page("/", kind="home"), make_page("/q/same-1/", ("c:1",))
    gone = make_page("/q/gone-2/", ("c:2",))
    old = make_manifest(make_library(home, same, gone, redirects={"/back/": None}), CONFIG, {"/": "d1"}).data()
    new = make_manifest(make_library(home, same, redirects={"/q/gone-2/": "/q/same-1/"}), CONFIG, {"/": "d2"}).data()
    was, now = manifest_lines(old).apart(manifest_lines(new)), manifest_lines(new).unlike(manifest_lines(old))
    assert (["/", "/q/gone-2/"], {"/back/": None}) == (sorted(was.pages), was.redirects)
    assert {"/": "d2"} == {path: digest_of(line) for path, line in now.items()}
    moved = make_manifest(make_library(home, same, gone, redirects={"/back/": "/"}), CONFIG, {"/": "d1"}).data()
    assert Manifest({}, {"/back/": None}) == manifest_lines(old).apart(manifest_lines(moved))
    assert read_manifest(old) == manifest_lines(old).whole() == manifest_lines(old).apart(ManifestLines())
    assert Manifest() == manifest_lines(old).apart(manifest_lines(old)) == ManifestLines().whole()
    assert (manifest_lines(old).pages, {}) == (
        manifest_lines(old).unlike(ManifestLines()),
        manifest_lines(old).unlike(manifest_lines(old)),
    )


def test_a_manifest_just_made_says_what_its_file_says() -> None:
    """So a run that wrote it need not read it."""
    pages = make_page("/", kind="home"), make_page("/q/same-1/", ("c:1",))
    redirects: dict[str, str | None] = {"/back/": None, "/old/": "/q/same-1/"}
    made = make_manifest(make_library(*pages, redirects=redirects), CONFIG, {"/": "d1"})
    read, other = manifest_lines(made.data()), manifest_lines(make_manifest(make_library(*pages), CONFIG, {}).data())
    assert (read.kinds, read.pages, read.data()) == (made.kinds, made.pages, made.data())
    assert read.whole() == made.whole()
    assert read.apart(other) == made.apart(other)
    assert other.apart(read) == other.apart(made)
    assert Manifest() == made.apart(read) == read.apart(made)


def test_lines_that_stand_are_taken_as_they_are() -> None:
    """A manifest of such lines is the one that is written from nothing."""
    redirects: dict[str, str | None] = {"/old/": "/q/a-1/"}
    library = make_library(make_page("/"), make_page("/q/a-1/", ("c:1",)), redirects=redirects)
    digests = {"/": "d1", "/q/a-1/": "d2"}
    written = make_manifest(library, CONFIG, digests).data()
    lines = manifest_lines(written)
    assert ({"/": "entry", "/q/a-1/": "entry"}, ["/", "/q/a-1/"]) == (lines.kinds, sorted(lines.pages))
    del digests["/"], library.redirects["/old/"]
    standing = {"/": lines.pages["/"]}
    assert written.splitlines()[:2] == make_manifest(library, CONFIG, digests, standing).data().splitlines()


def test_a_page_belongs_to_its_first_ref() -> None:
    """Threads merged into a page, and listings, have no permalink."""
    library = make_library(
        make_page("/q/a-1/", ("c:1", "c:2")),
        make_page("/articles/b/", ("articles:b", "c:3"), kind="article"),
        make_page("/topics/x/", ("c:4",), kind="topic"),
        make_page("/q/z-1/", ("c:1",)),
    )
    assert permalinks(read_manifest(make_manifest(library, CONFIG, {}).data())) == {
        "c:1": "/q/a-1/",
        "articles:b": "/articles/b/",
    }


def test_a_target_is_a_path_or_a_url() -> None:
    """Redirects may lead off the site."""
    assert [target_url(URL, "/q/a b/"), target_url(URL, "https://x.example.com/y")] == [
        f"{URL}q/a%20b/",
        "https://x.example.com/y",
    ]
