"""Which platform an address runs on: what is written for it, and what is said to be unknown."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from projects import Kbgen

from kbgen.config import load_config
from kbgen.errors import UsageError
from kbgen.initialise import initialise
from kbgen.recognise import Recognised, recognise
from kbgen.sources import KINDS, source_kinds
from kbgen.testing import Canned, FakeServer, testing_client

HTML = {"Content-Type": "text/html; charset=utf-8"}


def page(body: str = "", head: str = "", lang: str = "en") -> Canned:
    """A web page."""
    text = f'<!doctype html><html lang="{lang}"><head><title>Help</title>{head}</head><body>{body}</body></html>'
    return Canned(200, HTML, text.encode())


def discourse(server: FakeServer, base: str = "") -> None:
    """A forum with the solved plugin."""
    server.route(base or "/", page(head='<meta name="generator" content="Discourse 3.5.0">', lang="de-AT"))
    server.route(
        f"{base}/latest.json", {"users": [], "topic_list": {"topics": [{"id": 1, "has_accepted_answer": False}]}}
    )


def nodebb(server: FakeServer) -> None:
    """A forum with the question plugin."""
    server.route("/", Canned(200, {**HTML, "X-Powered-By": "NodeBB"}, b"<html><body>Forum</body></html>"))
    server.route("/api/recent", {"topics": [{"tid": 3, "isQuestion": "1"}], "topicCount": 1, "nextStart": 20})


def flarum(server: FakeServer) -> None:
    """A forum with the best-answer extension."""
    server.route("/", page('<div id="flarum-loading"></div>'))
    attributes = {"title": "Forum", "fof-best-answer.show_max_lines": 0}
    server.route("/api", {"data": {"type": "forums", "id": "1", "attributes": attributes}})


def askbot(server: FakeServer) -> None:
    """A forum whose page says nothing of Askbot."""
    server.route("/", page("Questions"))
    server.route("/api/v1/info/", {"answers": 4, "questions": 3, "comments": 1, "users": 2, "groups": 0})


def zendesk(server: FakeServer) -> None:
    """A Help Center in two languages, with a community."""
    server.route("/", page(head='<script src="https://static.zdassets.com/hc.js"></script>'))
    server.route("/api/v2/help_center/locales.json", {"locales": ["en-us", "de"], "default_locale": "en-us"})
    server.route("/api/v2/community/posts.json", {"posts": []})


def forem(server: FakeServer) -> None:
    """A community of bloggers."""
    server.route("/", page(head='<meta property="forem:name" content="Dev">'))
    server.route(
        "/api/articles", Canned(200, {"Content-Type": "application/json"}, b'[{"type_of": "article", "id": 1}]')
    )


def khoros(server: FakeServer) -> None:
    """A vendor's community, open to visitors."""
    server.route("/t5/forum/bd-p/f", page('<div class="lia-page">Hi</div>'))
    server.route("/api/2.0/search", {"status": "success", "data": {"type": "messages", "items": []}})


def kitsune(server: FakeServer) -> None:
    """A support site."""
    server.route("/", page('<a href="/questions/new">Ask</a>'))
    server.route("/api/2/question/", {"count": 1, "results": [{"id": 7, "solution": None, "locale": "en-US"}]})


def public_inbox(server: FakeServer) -> None:
    """A list below a path of its server."""
    server.route("/help", page("<pre>This inbox may be cloned, see public-inbox.org</pre>"))
    server.route("/help/new.atom", Canned(200, {}, b'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"/>'))


QA = {
    "@context": "https://schema.org",
    "@type": "QAPage",
    "mainEntity": {"@type": "Question", "name": "How?", "acceptedAnswer": {"@type": "Answer", "text": "So."}},
}


def web(server: FakeServer) -> None:
    """A site of a vendor's own making, with a sitemap of which only some pages are threads."""
    server.route("/", page("Welcome"))
    paths = ["/", "/blog/a", "/blog/b", "/blog/c", "/questions/list", "/questions/7/how", "/legal/imprint"]
    lines = "".join(f"<url><loc>{server.url}{path}</loc></url>" for path in paths)
    sitemap = f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{lines}</urlset>'
    server.route("/map.gz", Canned(200, {}, gzip.compress(sitemap.encode())))
    server.route("/robots.txt", Canned(200, {}, f"User-agent: *\nAllow: /\nSitemap: {server.url}/map.gz\n".encode()))
    for path in paths[1:]:
        server.route(path, page("words"))
    server.route("/questions/7/how", page(head=f'<script type="application/ld+json">{json.dumps(QA)}</script>'))


ASKED: dict[str, tuple[Callable[[FakeServer], None], str, dict[str, Any]]] = {
    "discourse": (discourse, "/", {"lang": "de"}),
    "nodebb": (nodebb, "/", {}),
    "flarum": (flarum, "/", {"lang": "en"}),
    "askbot": (askbot, "/", {"lang": "en"}),
    "zendesk": (zendesk, "", {"lang": "en", "locales": ["en-us", "de"], "community": True}),
    "forem": (forem, "/", {"lang": "en", "tags": ["help"]}),
    "khoros": (khoros, "/t5/forum/bd-p/f", {"lang": "en"}),
    "kitsune": (kitsune, "/", {"lang": "en"}),
    "publicinbox": (public_inbox, "/help", {"lang": "en"}),
    "web": (web, "/", {"lang": "en", "include": ["/questions/*"]}),
}


def recognised(serve: Callable[[FakeServer], None], path: str = "/") -> tuple[Recognised, str, FakeServer]:
    """What is found at a path of a fake community, and its address."""
    with FakeServer() as server, testing_client(server) as client:
        serve(server)
        return recognise(server.url + path, client), server.url, server


def written(found: Recognised, folder: Path) -> dict[str, Any]:
    """The one source of the project the block was written into."""
    initialise(folder)
    found.write(folder)
    (source,) = load_config(folder, source_kinds()).sources
    return {key: value for key, value in source.model_dump().items() if key in source.model_fields_set}


@pytest.mark.parametrize("kind", sorted(ASKED))
def test_a_platform_is_recognised_by_what_it_answers(kind: str, tmp_path: Path) -> None:
    """The block that is written is valid, and reads that community."""
    serve, path, more = ASKED[kind]
    found, url, _ = recognised(serve, path)
    source = written(found, tmp_path / "help")
    base = f"{url}/help" if kind == "publicinbox" else url
    expected = {"kind": kind, "url": base, **{key: tuple(v) if isinstance(v, list) else v for key, v in more.items()}}
    assert {**expected, "name": source["name"]} == source
    assert found.ready
    assert any("licence" in note for note in found.unknown)


def test_the_likeliest_platform_is_asked_first() -> None:
    """What a page hints at saves questions that would be answered with 404."""
    _, _, server = recognised(discourse)
    assert ["/robots.txt", "/", "/latest.json"] == server.paths()


def test_a_community_below_a_path_and_any_page_of_it() -> None:
    """The address may be of a thread; what is written is where the community begins."""

    def below(server: FakeServer) -> None:
        discourse(server, "/forum")
        server.route("/forum/t/how/12", page(head='<meta name="generator" content="Discourse 3.5.0">'))

    found, url, _ = recognised(below, "/forum/t/how/12?u=me#reply")
    assert f"{url}/forum" == found.options["url"]


@pytest.mark.parametrize(
    ("serve", "without", "word"),
    [
        (discourse, ("/latest.json", {"topic_list": {"topics": [{"id": 1}]}}), "solved plugin"),
        (nodebb, ("/api/recent", {"topics": [{"tid": 3}], "topicCount": 1}), "question-and-answer plugin"),
        (flarum, ("/api", {"data": {"type": "forums", "attributes": {"title": "F"}}}), "best-answer extension"),
        (flarum, ("/api", {"data": {"type": "forums", "attributes": {"canViewForum": False}}}), "set `token`"),
        (zendesk, ("/api/v2/community/posts.json", Canned(404)), "only articles are read"),
        (khoros, ("/api/2.0/search", {"status": "error", "data": {"code": 303}}), "session_key"),
    ],
)
def test_what_is_not_seen_is_said(
    serve: Callable[[FakeServer], None], without: tuple[str, Any], word: str, tmp_path: Path
) -> None:
    """In the terminal and in the file, where it has to be filled in."""

    def lacking(server: FakeServer) -> None:
        serve(server)
        server.route(*without)

    found, _, _ = recognised(lacking, "/t5/forum/bd-p/f" if serve is khoros else "/")
    assert word in " ".join(found.unknown)
    initialise(tmp_path / "help")
    found.write(tmp_path / "help")
    assert word in (tmp_path / "help/site_config/kbgen.yml").read_text(encoding="utf-8")


def test_a_licence_of_the_page_is_taken_over() -> None:
    """Then it is no open question."""

    def licensed(server: FakeServer) -> None:
        discourse(server)
        mark = '<a rel="license nofollow" href="https://creativecommons.org/licenses/by/4.0/">CC\n BY 4.0</a>'
        server.route("/", page(mark))

    found, _, _ = recognised(licensed)
    assert ("CC BY 4.0", "https://creativecommons.org/licenses/by/4.0/") == (
        found.options["licence"],
        found.options["licence_url"],
    )
    assert not any("licence" in note for note in found.unknown)


def test_a_closed_forum_says_what_it_needs() -> None:
    """A login is not guessed around."""

    def closed(server: FakeServer) -> None:
        server.route("/", Canned(403, HTML, b"<html>Log in</html>"))
        server.route("/latest.json", Canned(403, {"X-Discourse-Route": "list/latest"}, b'{"errors":["no"]}'))

    found, _, _ = recognised(closed)
    assert found.kind == "discourse"
    assert "`api_key`" in found.unknown[0]


@pytest.mark.parametrize(
    ("kind", "head", "body"),
    [
        ("phpbb", "", '<p>Powered by <a href="https://www.phpbb.com/">phpBB</a>® Forum Software</p>'),
        ("mybb", "", "<div>Powered By MyBB, © 2002-2026</div>"),
        ("vbulletin", '<meta name="generator" content="vBulletin 4.2.5">', ""),
        ("salesforce", "", '<script src="/s/sfsites/auraFW/javascript/x.js"></script>'),
    ],
)
def test_what_cannot_be_asked_is_prepared(kind: str, head: str, body: str, tmp_path: Path) -> None:
    """The block stands behind #, with what is needed to take that away; the project is valid as it is."""
    found, url, _ = recognised(lambda server: server.route("/", page(body, head)))
    assert (kind, False, url) == (found.kind, found.ready, found.options["url"])
    folder = tmp_path / "help"
    initialise(folder)
    found.write(folder)
    assert load_config(folder, source_kinds()).sources == ()
    text = (folder / "site_config/kbgen.yml").read_text(encoding="utf-8")
    block = re.search(r"^sources: \[\]\n((?:  # .*\n)+)", text, re.MULTILINE)
    assert block is not None
    (data,) = yaml.safe_load(re.sub(r"^  # ?", "", block[1], flags=re.MULTILINE))
    assert source_kinds()[kind].model_validate(data).kind == kind


@pytest.mark.parametrize(
    ("url", "kind", "own"),
    [
        ("https://github.com/acme/hub/discussions/7", "github-discussions", {"url": "https://github.com/acme/hub"}),
        ("https://diy.stackexchange.com/questions/3/x", "stackexchange", {"url": "https://diy.stackexchange.com"}),
        ("https://stackoverflow.com/questions/tagged/acme", "stackexchange", {"url": "https://stackoverflow.com"}),
        ("https://acme.slack.com/archives/C1", "slack", {"workspace": "acme"}),
        ("https://discord.com/channels/1/2", "discord", {"archive": "data/discord"}),
    ],
)
def test_some_platforms_are_known_by_their_host(url: str, kind: str, own: dict[str, str]) -> None:
    """Nobody is asked."""
    with FakeServer() as server, testing_client(server) as client:
        found = recognise(url, client)
        assert server.requests == []
    assert kind == found.kind
    assert own.items() <= dict(found.options).items()
    assert source_kinds()[kind].model_validate({"name": "community", "kind": kind, **found.options})


@pytest.mark.parametrize(
    ("routes", "word"),
    [
        ({"/": page("Welcome")}, "robots.txt names no sitemap"),
        ({"/": page(), "/robots.txt": Canned(200, {}, b"User-agent: *\nDisallow: /\n")}, "robots.txt asks"),
        ({"/": Canned(401)}, "The page answers 401"),
        ({"/": Canned(302, {"Location": "https://elsewhere.example/"})}, "redirects to elsewhere.example"),
    ],
)
def test_nothing_is_guessed(routes: dict[str, Any], word: str) -> None:
    """What was seen on the way is said."""
    with FakeServer() as server, testing_client(server) as client:
        for path, answer in routes.items():
            server.route(path, answer)
        with pytest.raises(UsageError, match=re.escape(word)):
            recognise(f"{server.url}/", client)


@pytest.mark.parametrize("url", ["community.example.com", "ftp://x.example/", "file:///etc/passwd", "https://"])
def test_an_address_is_one_of_the_web(url: str) -> None:
    """Anything else is refused before a client is used."""
    with FakeServer() as server, testing_client(server) as client, pytest.raises(UsageError, match="must be a web"):
        recognise(url, client)


def test_answers_of_another_shape_are_no_platform() -> None:
    """A site that answers every path with JSON of its own is none of them."""
    answers: tuple[Any, ...] = ({"topic_list": []}, {"topics": {}}, {"data": []}, {"locales": "en"}, [1], None, "x")
    for one in (*answers, {"results": [1]}):

        def odd(request: Any, answer: Any = one) -> Any:
            del request
            return Canned(200, {"Content-Type": "application/json"}, json.dumps(answer).encode())

        with FakeServer() as server, testing_client(server) as client:
            for path in ("/latest.json", "/api/recent", "/api", "/api/v1/info/", "/api/articles", "/api/2.0/search",
                         "/api/2/question/", "/api/v2/help_center/locales.json", "/new.atom"):  # fmt: skip
                server.route(path, odd)
            server.route("/", page())
            with pytest.raises(UsageError, match="no platform"):
                recognise(f"{server.url}/", client)


def test_the_command_writes_a_project_that_reads_the_community(inside: Kbgen, tmp_path: Path) -> None:
    """From an address to a valid project in one command; what is open is in the result."""
    folder = tmp_path / "help"
    with FakeServer() as server:
        discourse(server)
        done = inside("--json", "init", folder, "--from", server.url)
        assert done.code == 0, done.err
        assert ("discourse", True) == (done.data["kind"], done.data["ready"])
        assert len(done.data["unknown"]) == 2
        checked = inside("-C", folder, "config", "check")
        assert checked.code == 0, checked.err
        server.requests.clear()
        inside("-C", folder, "harvest")
        assert "/site.json" in server.paths() or "/latest.json" in server.paths()


def test_a_used_folder_is_refused_before_anybody_is_asked(inside: Kbgen, tmp_path: Path) -> None:
    """And nothing is written where nothing was recognised."""
    (tmp_path / "mine.txt").write_text("mine")
    with FakeServer() as server:
        discourse(server)
        assert inside("init", tmp_path, "--from", server.url).code == 2
        assert server.requests == []
        server.route("/latest.json", Canned(404))
        assert inside("init", tmp_path / "new", "--from", server.url).code == 2
    assert not (tmp_path / "new").exists()


def test_every_kind_is_recognised_or_read_from_files() -> None:
    """A new connector that asks a community is recognised, too."""
    files = {"articles", "jsonl", "mbox"}
    others = {"phpbb", "mybb", "vbulletin", "salesforce", "github-discussions", "stackexchange", "slack", "discord"}
    assert set(KINDS) == set(ASKED) | files | others
