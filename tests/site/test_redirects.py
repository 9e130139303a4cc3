"""Redirects and what hosts need to honour them."""

import csv
import io
from pathlib import Path

import pytest
from lxml import html

from kbgen.config import Config, SiteConfig
from kbgen.errors import ConfigError
from kbgen.site.redirects import (
    flatten,
    gone_html,
    load_redirects,
    parse_redirects,
    redirect_files,
    stub_html,
    stub_path,
)

CONFIG = Config(site=SiteConfig(name="Help & more", url="https://help.example.com/"))
BELOW = Config(site=SiteConfig(name="Help", url="https://example.com/kb/"))


def test_an_operator_writes_old_and_new_paths(tmp_path: Path) -> None:
    """Null is gone, an address elsewhere is allowed, no file is no redirects."""
    assert load_redirects(tmp_path) == {}
    (tmp_path / "site_config").mkdir()
    (tmp_path / "site_config/redirects.yml").write_text(
        "/old/: /new/\n/gone/: null\n/away.html: https://x.example.com/a?b\n"
    )
    assert load_redirects(tmp_path) == {"/old/": "/new/", "/gone/": None, "/away.html": "https://x.example.com/a?b"}


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    """The message names the file."""
    (tmp_path / "site_config").mkdir()
    (tmp_path / "site_config/redirects.yml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"site_config/redirects\.yml: is not UTF-8 .* save it as UTF-8"):
        load_redirects(tmp_path)


def test_every_fault_is_reported_with_its_line() -> None:
    """All faults at once, each where a person finds it."""
    text = "/ok/: /new/\nold/: /new/\n/a/../b/: /x/\n/q/?a: /x/\n/c/: javascript:alert(1)\n/d/: [1]\n5: /x/\n/e/: 'https://x/ y'\n"
    with pytest.raises(ConfigError) as caught:
        parse_redirects(text)
    places = [fault.split(": ")[0] for fault in caught.value.faults]
    assert places == [f"site_config/redirects.yml:{line}" for line in (2, 3, 4, 5, 6, 7, 8)]
    assert "must be a path such as /new/page/" in caught.value.faults[3]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- /a/", ":1: must be a mapping"),
        ("/a/: /b/\n/a/: /c/", ":2: the key /a/ stands twice"),
        ("/a: [", ":1: not valid YAML"),
    ],
)
def test_a_file_of_another_shape_is_refused(text: str, message: str) -> None:
    """The message names file and line."""
    with pytest.raises(ConfigError, match=message):
        parse_redirects(text)


def test_an_empty_file_has_no_redirects() -> None:
    """A file of comments is fine."""
    assert parse_redirects("# nothing yet\n") == {}


def test_chains_are_flattened() -> None:
    """Every old address leads to its end in one step; a chain that ends gone is gone."""
    assert flatten({"/a/": "/b/", "/b/": "/c/", "/x/": "/y/", "/y/": None, "/z/": "/x/"}) == {
        "/a/": "/c/",
        "/b/": "/c/",
        "/x/": None,
        "/y/": None,
        "/z/": None,
    }


def test_a_long_chain_takes_no_longer_than_it_is() -> None:
    """Each path is walked once, in any order, without recursion."""
    chain: dict[str, str | None] = {f"/{number}/": f"/{number + 1}/" for number in range(50_000)}
    assert set(flatten(chain).values()) == {"/50000/"}
    assert set(flatten(dict(reversed(chain.items()))).values()) == {"/50000/"}


def test_circles_are_refused_and_named() -> None:
    """Each circle once, also when a path leads to itself, and also when a chain leads into it."""
    with pytest.raises(ConfigError) as caught:
        flatten({"/in/": "/a/", "/a/": "/b/", "/b/": "/a/", "/self/": "/self/", "/fine/": "/x/"})
    assert caught.value.faults == (
        "redirects run in a circle: /a/ -> /b/ -> /a/; remove one of them",
        "redirects run in a circle: /self/ -> /self/; remove one of them",
    )


REDIRECTS: dict[str, str | None] = {"/old ü/": "/q/a-1/", "/gone/": None, "/away/": "https://x.example.com/$1;a"}


def test_the_rules_of_netlify_and_cloudflare() -> None:
    """Encoded paths from the host's root, 301 first, 410 last."""
    rules = redirect_files(REDIRECTS, BELOW)["_redirects"].decode().splitlines()
    assert rules[1:] == [
        "/kb/away/ https://x.example.com/$1;a 301",
        "/kb/old%20%C3%BC/ https://example.com/kb/q/a-1/ 301",
        "/kb/gone/ /kb/404.html 410",
    ]
    assert "Netlify" in rules[0]


def test_more_rules_than_a_host_reads_are_noted() -> None:
    """The file says that stub pages do the rest."""
    many: dict[str, str | None] = {f"/{number}/": "/x/" for number in range(2_001)}
    assert (
        "# 2001 rules: Cloudflare Pages reads 2000; stub pages do the rest."
        in redirect_files(many, CONFIG)["_redirects"].decode()
    )
    del many["/0/"]
    assert "rules:" not in redirect_files(many, CONFIG)["_redirects"].decode()


def test_the_nginx_map_is_quoted() -> None:
    """Keys are decoded and quoted as nginx matches ``$uri``; values hold no variable and no semicolon."""
    text = redirect_files({**REDIRECTS, '/a"\\b/': "/q/$x/"}, BELOW)["redirects.nginx.map"].decode()
    assert [line for line in text.splitlines() if not line.startswith("#")] == [
        '"/kb/a\\"\\\\b/" https://example.com/kb/q/%24x/;',
        '"/kb/away/" https://x.example.com/%241%3Ba;',
        '"/kb/old ü/" https://example.com/kb/q/a-1/;',
        '"/kb/gone/" gone;',
    ]
    assert "return 410" in text


def test_the_csv_has_absolute_addresses() -> None:
    """For people and for hosts with their own format."""
    rows = list(csv.reader(io.StringIO(redirect_files(REDIRECTS, CONFIG)["redirects.csv"].decode())))
    assert rows == [
        ["from", "to", "status"],
        ["https://help.example.com/away/", "https://x.example.com/$1;a", "301"],
        ["https://help.example.com/old%20%C3%BC/", "https://help.example.com/q/a-1/", "301"],
        ["https://help.example.com/gone/", "", "410"],
    ]


def test_the_maps_do_not_depend_on_the_order() -> None:
    """Same redirects, same bytes; and the files are there without redirects too."""
    assert redirect_files(dict(reversed(REDIRECTS.items())), CONFIG) == redirect_files(REDIRECTS, CONFIG)
    assert sorted(redirect_files({}, CONFIG)) == ["_redirects", "redirects.csv", "redirects.nginx.map"]


def test_a_stub_redirects_at_once_and_can_be_followed_by_hand() -> None:
    """Refresh 0, canonical to the target, a visible link, no noindex; hostile titles stay text."""
    url = 'https://help.example.com/q/a-1/?a=1&b="2'
    page = html.document_fromstring(stub_html(url, "Reset <b>it</b>\n& go", "he"))
    assert page.xpath("//meta[@http-equiv='refresh']/@content") == [f"0; url={url}"]
    assert page.xpath("//link[@rel='canonical']/@href") == [url]
    assert [(link.get("href"), link.text) for link in page.iter("a")] == [(url, "Reset <b>it</b> & go")]
    assert (page.get("lang"), page.get("dir"), page.findtext(".//title")) == ("he", "rtl", "Reset <b>it</b> & go")
    assert page.xpath("//meta[@name='robots']") == []


def test_a_stub_without_a_title_shows_the_address() -> None:
    """A link always has words."""
    page = html.document_fromstring(stub_html("https://x.example.com/", "", "en"))
    assert page.findtext(".//a") == "https://x.example.com/"


@pytest.mark.parametrize(
    ("lang", "shown", "heading"),
    [
        ("en", "en", "This page was withdrawn"),
        ("he-IL", "he-IL", "העמוד הוסר"),
        ("xx", "en", "This page was withdrawn"),
    ],
)
def test_a_gone_page_says_so_in_the_readers_language(lang: str, shown: str, heading: str) -> None:
    """Noindex, no redirect, a way home and to the search; English where there are no words."""
    page = html.document_fromstring(gone_html(CONFIG, lang))
    assert (page.get("lang"), page.findtext(".//h1")) == (shown, heading)
    assert page.xpath("//meta[@name='robots']/@content") == ["noindex, follow"]
    assert page.xpath("//meta[@http-equiv]") == []
    assert [link.get("href") for link in page.iter("a")] == [
        "https://help.example.com/",
        "https://help.example.com/search/",
    ]
    assert (page.findtext(".//title") or "").endswith(" - Help & more")


def test_an_old_path_without_a_slash_becomes_a_folder() -> None:
    """Hosts send ``/old`` to ``/old/``; a file without extension would be offered as a download."""
    assert [stub_path(path) for path in ("/old", "/old/", "/old.html", "/a.b/old")] == [
        "/old/",
        "/old/",
        "/old.html",
        "/a.b/old/",
    ]
