"""The preview server, with real sockets, real files and a real process."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

import pytest

from kbgen.errors import UsageError
from kbgen.preview import Answer, Preview, content_type_of, read_preview
from kbgen.serve import Shown, listening, watching
from kbgen.store import copy_store, open_store

SITE = "https://help.example.com/help/"
FILES = {
    "index.html": b"<!doctype html><title>Home</title><body><h1>Home</h1></body></html>",
    "404.html": b"<!doctype html><title>Lost</title><body><h1>Lost</h1></body>",
    "q/reset-a-lamp-7/index.html": b"<!doctype html><title>Reset</title><p>Hold the button",
    "q/old-lamp-3/index.html": b"<!doctype html><title>Gone</title><body><h1>This page was withdrawn</h1></body>",
    "assets/plain.css": b"body{}",
    "assets/face.woff2": b"wOF2",
    "search/block.gz": b"\x1f\x8b packed",
    "\u05e2\u05d6\u05e8\u05d4/index.html": b"<h1>Hebrew</h1>",
}
MANIFEST = [
    {"url": f"{SITE}", "path": "/", "kind": "home"},
    {"url": f"{SITE}q/reset-a-lamp-7/", "path": "/q/reset-a-lamp-7/", "kind": "entry"},
    {"url": f"{SITE}q/lamp-reset-7/", "kind": "redirect", "to": f"{SITE}q/reset-a-lamp-7/"},
    {"url": f"{SITE}manual", "kind": "redirect", "to": "https://docs.example.com/manual"},
    {"url": f"{SITE}q/old-lamp-3/", "kind": "redirect", "to": None},
    {"url": f"{SITE}q/lost-stub-4/", "kind": "redirect", "to": None},
]
# Serves one page, and writes another one at each build; a file called `broken` makes the build fail.
PREVIEW = """
import sys
from pathlib import Path
from kbgen.config import Config, SiteConfig
from kbgen.console import Voice
from kbgen.errors import NotPublished
from kbgen.project import Project
from kbgen.serve import serve
folder = Path(sys.argv[1])
site = folder / ".kbgen" / "preview"
def build():
    text = (folder / "content" / "index.md").read_text()
    if text == "broken":
        raise NotPublished("content/index.md is broken; mend it")
    site.mkdir(parents=True, exist_ok=True)
    (site / "index.html").write_text(f"<body>{text}</body>")
    return "https://help.example.com/help/"
project = Project(folder, Config(site=SiteConfig(name="Lamps", url="https://help.example.com/help/")), ())
sys.exit(serve(project, site, 0, Voice(as_json=True), build=build))
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A small built site."""
    folder = tmp_path / "site"
    for name, data in FILES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    (folder / "kb-manifest.jsonl").write_text("\n".join(json.dumps(row) for row in MANIFEST))
    (tmp_path / "secret.html").write_text("not a page")
    return folder


@contextmanager
def served(preview: Preview) -> Iterator[tuple[Shown, int]]:
    """A listening server and its port."""
    current = Shown(preview)
    with listening(current, 0) as port:
        yield current, port


def get(port: int, target: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of one request, sent exactly as written."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, target)
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


def ask(site: Path, target: str) -> Answer:
    """What the preview of the small site answers."""
    return read_preview(site, SITE, "b1").answer(target)


def test_a_page_is_served_under_the_path_of_the_site(site: Path) -> None:
    """A page comes with its type, is never cached, and its file is as it was."""
    with served(read_preview(site, SITE, "b1")) as (_, port):
        status, headers, body = get(port, "/help/q/reset-a-lamp-7/?from=mail")

    assert (status, headers["Content-Type"], headers["Cache-Control"]) == (200, "text/html; charset=utf-8", "no-store")
    assert body == FILES["q/reset-a-lamp-7/index.html"] + b'<script src="/_kbgen/reload.js?built=b1"></script>'
    assert (site / "q/reset-a-lamp-7/index.html").read_bytes() == FILES["q/reset-a-lamp-7/index.html"]


def test_the_script_stands_at_the_end_of_the_body(site: Path) -> None:
    """The page's own markup stays whole."""
    expected = b'<h1>Home</h1><script src="/_kbgen/reload.js?built=b1"></script></body></html>'
    assert ask(site, "/help/").body.endswith(expected)


def test_head_gives_the_headers_only(site: Path) -> None:
    """HEAD tells the length and sends no body."""
    with served(read_preview(site, SITE, "b1")) as (_, port):
        status, headers, body = get(port, "/help/assets/plain.css", "HEAD")
    assert (status, headers["Content-Length"], body) == (200, "6", b"")


@pytest.mark.parametrize(
    ("target", "location"),
    [
        ("/", "/help/"),
        ("/help", "/help/"),
        ("/help/q/reset-a-lamp-7", "/help/q/reset-a-lamp-7/"),
        ("/help/q/reset-a-lamp-7?a=b", "/help/q/reset-a-lamp-7/?a=b"),
    ],
)
def test_a_missing_slash_or_path_is_put_right(site: Path, target: str, location: str) -> None:
    """The host's root and a folder without its slash lead where the page is."""
    assert ask(site, target) == Answer(HTTPStatus.FOUND, location=location)


@pytest.mark.parametrize(
    ("target", "location"),
    [
        ("/help/q/lamp-reset-7/", "/help/q/reset-a-lamp-7/"),
        ("/help/manual", "https://docs.example.com/manual"),
        ("/help/manual/", "https://docs.example.com/manual"),
    ],
)
def test_an_old_address_moves_for_good(site: Path, target: str, location: str) -> None:
    """Redirects of the manifest answer 301, also at the folder of their stub."""
    assert ask(site, target) == Answer(HTTPStatus.MOVED_PERMANENTLY, location=location)


def test_a_withdrawn_page_is_gone(site: Path) -> None:
    """Its stub is shown with status 410."""
    answer = ask(site, "/help/q/old-lamp-3/")
    assert (answer.status, b"This page was withdrawn" in answer.body) == (HTTPStatus.GONE, True)


def test_a_withdrawn_page_without_stub_is_gone_too(site: Path) -> None:
    """The status does not depend on the stub; the words are those of the 404 page."""
    answer = ask(site, "/help/q/lost-stub-4/")
    assert (answer.status, b"Lost" in answer.body) == (HTTPStatus.GONE, True)


@pytest.mark.parametrize(
    "target",
    [
        "/help/q/",
        "/help/nothing/",
        "/elsewhere/",
        "/help/../secret.html",
        "/help/%2e%2e/secret.html",
        "/help/..%2fsecret.html",
        "/help/%2fetc/passwd",
        "/help//example.org/",
        "//example.org/",
        "/help/a%00b",
        "/help/a%5c..%5csecret.html",
        "http://example.org/help/",
        "/help/" + "x" * 300,
    ],
)
def test_what_is_no_page_gets_the_sites_404(site: Path, target: str) -> None:
    """No folder is listed, nothing outside the site is sent, and the site's own words are shown."""
    with served(read_preview(site, SITE, "b1")) as (_, port):
        status, _, body = get(port, target)
    assert (status, b"<h1>Lost</h1>" in body) == (404, True)


def test_a_link_out_of_the_site_is_not_followed(site: Path) -> None:
    """A symbolic link to a file elsewhere is no page."""
    (site / "out.html").symlink_to(site.parent / "secret.html")
    assert ask(site, "/help/out.html").status == HTTPStatus.NOT_FOUND


def test_a_site_without_404_page_still_answers(tmp_path: Path) -> None:
    """Before the first build there is nothing, and the page reloads when there is."""
    answer = Preview(tmp_path, SITE, "b1").answer("/help/")
    assert (answer.status, b"reload.js?built=b1" in answer.body) == (HTTPStatus.NOT_FOUND, True)


def test_an_address_in_another_script_is_found(site: Path) -> None:
    """Percent-encoded UTF-8 is decoded once."""
    assert ask(site, "/help/%D7%A2%D7%96%D7%A8%D7%94/").status == HTTPStatus.OK


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.html", "text/html; charset=utf-8"),
        ("face.WOFF2", "font/woff2"),
        ("block.gz", "application/gzip"),
        ("sitemap.xml", "application/xml"),
        ("engine.mjs", "text/javascript; charset=utf-8"),
        ("kb-manifest.jsonl", "application/jsonl"),
        ("photo.png", "image/png"),
        ("_redirects", "application/octet-stream"),
    ],
)
def test_content_types(name: str, expected: str) -> None:
    """Types do not depend on the machine; an unknown one is bytes."""
    assert content_type_of(name) == expected


def test_packed_files_are_sent_packed(site: Path) -> None:
    """The page's script unpacks search blocks itself: no Content-Encoding, and no script in them."""
    with served(read_preview(site, SITE, "b1")) as (_, port):
        _, headers, body = get(port, "/help/search/block.gz")
    assert (headers["Content-Type"], "Content-Encoding" in headers, body) == (
        "application/gzip",
        False,
        FILES["search/block.gz"],
    )


def test_a_site_at_the_root_of_its_host(site: Path) -> None:
    """Without a sub-path the site is at the root."""
    preview = Preview(site, "https://help.example.com/", "b1")
    targets = ("/", "/q", "//help.example.com/", "//q/reset-a-lamp-7")
    assert [preview.answer(target).status for target in targets] == [HTTPStatus.OK, *[HTTPStatus.NOT_FOUND] * 3]


def test_a_taken_port_is_named(site: Path) -> None:
    """The message says which port and what to do."""
    with (
        served(read_preview(site, SITE, "b1")) as (_, port),
        pytest.raises(UsageError, match=f"--port {port}: .*; choose another"),
        listening(Shown(read_preview(site, SITE, "b1")), port),
    ):
        pass


def test_open_pages_reload_after_a_build(site: Path) -> None:
    """A page waits until another build is shown; one that is already old is told at once."""
    with served(read_preview(site, SITE, "b1")) as (current, port):
        threading.Timer(0.1, current.replace, [read_preview(site, SITE, "b2")]).start()
        for _ in range(2):
            status, headers, body = get(port, "/_kbgen/events?built=b1")
            assert (status, headers["Content-Type"]) == (200, "text/event-stream")
            assert body.endswith(b"event: reload\ndata: built\n\n")


def test_waiting_pages_do_not_keep_the_server(site: Path) -> None:
    """The server ends while a page waits for news."""
    with served(read_preview(site, SITE, "b1")) as (_, port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/_kbgen/events?built=b1")
        response = connection.getresponse()
    assert response.read() == b"retry: 1000\n\n"
    connection.close()


def until(condition: Callable[[], bool]) -> bool:
    """Whether a condition comes true before long."""
    end = time.monotonic() + 10
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


def project(folder: Path) -> Path:
    """The folders of a project."""
    for name in ("content/articles", "site_config", ".kbgen", "site"):
        (folder / name).mkdir(parents=True)
    (folder / "mkdocs.yml").write_text("")
    (folder / "content" / "index.md").write_text("first")
    return folder


@pytest.mark.parametrize("name", ["content/articles/new.md", "site_config/kbgen.yml", "mkdocs.yml"])
def test_what_people_edit_is_watched(tmp_path: Path, name: str) -> None:
    """Content, settings and the engine's configuration start a build, also when an editor moves its file there."""
    project(tmp_path)
    with watching(tmp_path) as changed:
        (tmp_path / "draft").write_text("new")
        (tmp_path / "draft").rename(tmp_path / name)
        assert changed.wait(10)


def test_what_a_build_writes_is_not_watched(tmp_path: Path) -> None:
    """Reading, editors' own files, the site and the caches start none: the next real change is the first."""
    project(tmp_path)
    with watching(tmp_path) as changed:
        (tmp_path / "content" / "index.md").read_text()
        for name in ("site/index.html", ".kbgen/lock", "content/.index.md.swp", "content/index.md~", "notes.md"):
            (tmp_path / name).write_text("new")
        # The observer handles events in order: once this folder's other file is seen, those above were, too.
        time.sleep(0.5)
        assert not changed.is_set()
        (tmp_path / "content" / "index.md").write_text("second")
        assert changed.wait(10)


@contextmanager
def running(folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The whole preview in a process of its own, and its port."""
    process = subprocess.Popen(
        [sys.executable, "-c", PREVIEW, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        lines = "".join(process.stdout.readline() for _ in range(3))
        yield process, int(json.loads(lines)["url"].split(":")[2].split("/")[0])
    finally:
        process.kill()
        process.wait(timeout=10)
        process.stdout.close()
        process.stderr.close()


def test_a_change_is_built_and_shown_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    """Edit, wait, read the new text; a build that fails leaves the last site; the exit code is 0."""
    project(tmp_path)
    index = tmp_path / "content" / "index.md"
    with running(tmp_path) as (process, port):
        first = get(port, "/help/")[2]
        assert b"first" in first
        index.write_text("second")
        built = first.partition(b"built=")[2].partition(b'"')[0].decode()
        assert get(port, f"/_kbgen/events?built={built}")[2].endswith(b"event: reload\ndata: built\n\n")
        assert b"second" in get(port, "/help/")[2]
        index.write_text("broken")
        assert process.stderr is not None
        assert "content/index.md is broken; mend it" in process.stderr.readline()
        assert b"second" in get(port, "/help/")[2]
        index.write_text("third")
        assert until(lambda: b"third" in get(port, "/help/")[2])
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0


def test_the_store_is_copied_until_the_copy_is_newer(tmp_path: Path) -> None:
    """The preview starts from what is published and keeps its own work; a later harvest comes over."""
    store, copy = tmp_path / "store.sqlite", tmp_path / "cache" / "store.sqlite"
    copy_store(store, copy)
    assert not copy.exists()
    for value in ("harvested", "harvested again"):
        original = open_store(store)
        original.put("key", value)
        original.close()
        copy_store(store, copy)
        mine = open_store(copy)
        assert mine.get("key") == value
        mine.put("key", "previewed")
        mine.close()
        copy_store(store, copy)
        mine = open_store(copy)
        assert mine.get("key") == "previewed"
        mine.close()
