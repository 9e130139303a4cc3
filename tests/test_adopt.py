"""``kbgen adopt``: the addresses of the live site are taken over before a build, and nothing that is no manifest is."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from projects import Kbgen, SmallForum, build_here, forum_topic

from kbgen.site.manifest import MANIFEST
from kbgen.testing import Canned, FakeServer


@pytest.fixture
def live() -> Iterator[FakeServer]:
    """The host of the live site, on which nothing is published yet."""
    with FakeServer() as server:
        yield server


def serve(live: FakeServer, forum: SmallForum) -> bytes:
    """Publish a forum's site on the host, as far as it is asked for."""
    data = (forum.site / MANIFEST).read_bytes()
    live.route(f"/{MANIFEST}", Canned(200, {"Content-Type": "application/octet-stream"}, data))
    return data


def test_a_machine_without_its_cache_gives_every_page_its_address(
    forum: SmallForum, live: FakeServer, inside: Kbgen
) -> None:
    """Also pages whose titles are others by now."""
    forum.configure(site={"name": "Small help", "url": live.url})
    build_here(forum.folder)
    before, data = forum.paths(), serve(live, forum)
    for lost in (".kbgen", "site"):
        shutil.rmtree(forum.folder / lost)
    forum.write(forum_topic(1, "Where is the room called otherwise?"))
    done = inside("-C", forum.folder, "--json", "adopt")
    assert (0, True, f"{live.url}/") == (done.code, done.data["changed"], done.data["from"])
    assert data == (forum.site / MANIFEST).read_bytes()
    build_here(forum.folder)
    assert before == forum.paths()


def test_a_cache_that_is_older_than_the_site_costs_no_address(
    forum: SmallForum, live: FakeServer, inside: Kbgen, tmp_path: Path
) -> None:
    """What was published since the cache was made is in the live site's manifest alone."""
    forum.configure(site={"name": "Small help", "url": live.url})
    build_here(forum.folder)
    for kept in (".kbgen", "site"):
        shutil.copytree(forum.folder / kept, tmp_path / "old" / kept)
    forum.write(forum_topic(9, "How do I find the manual?"))
    build_here(forum.folder)
    published = forum.paths()
    serve(live, forum)
    for kept in (".kbgen", "site"):
        shutil.rmtree(forum.folder / kept)
        shutil.copytree(tmp_path / "old" / kept, forum.folder / kept)
    forum.write(forum_topic(9, "Where do I find the manual now?"))
    assert 0 == inside("-C", forum.folder, "adopt").code
    build_here(forum.folder)
    assert published == forum.paths()


def test_a_site_that_is_as_it_is_live_stays(forum: SmallForum, live: FakeServer, inside: Kbgen) -> None:
    """The next build has nothing to do."""
    forum.configure(site={"name": "Small help", "url": live.url})
    build_here(forum.folder)
    serve(live, forum)
    time = (forum.site / MANIFEST).stat().st_mtime_ns
    done = inside("-C", forum.folder, "--json", "adopt", live.url)
    assert (0, False, time) == (done.code, done.data["changed"], (forum.site / MANIFEST).stat().st_mtime_ns)
    assert "the site folder has this very manifest" in inside("-C", forum.folder, "adopt", live.url).out


def test_nothing_published_yet_is_no_fault(forum: SmallForum, live: FakeServer, inside: Kbgen) -> None:
    """The first night has nothing to take over, and a site folder that is there stays."""
    done = inside("-C", forum.folder, "adopt", live.url)
    assert (0, True, False) == (done.code, "nothing is published there yet" in done.out, forum.site.exists())


GOOD = b'{"url":"https://help.example.com/","path":"/","kind":"home"}\n'


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            Canned(503),
            "answers 503 (it is busy or closed for work), again and again; without it addresses could change",
        ),
        (Canned(403), "answers 403"),
        (Canned(200, {}, b"\n<!doctype html><title>Log in</title>"), "a web page stands in place of kb-manifest.jsonl"),
        (Canned(200, {}, b""), "kb-manifest.jsonl was cut off"),
        (Canned(200, {}, GOOD[:-1]), "kb-manifest.jsonl was cut off"),
        (Canned(200, {}, GOOD + GOOD[:30]), "cannot be adopted: kb-manifest.jsonl:2: not a page and not a redirect"),
        (Canned(200, {}, GOOD.replace(b'"/"', b'"/../../x/"')), "cannot be adopted: "),
        (
            Canned(301, {"Location": "https://www.example.com/kb"}),
            "has moved to https://www.example.com; mend site.url",
        ),
    ],
    ids=["busy", "refused", "page", "empty", "no end", "cut", "outside", "moved"],
)
def test_what_is_no_manifest_is_not_taken(
    forum: SmallForum,
    live: FakeServer,
    inside: Kbgen,
    answer: Canned,
    said: str,
) -> None:
    """A page in its place, an empty one, half of one: the site folder is as it was, and the run says why."""
    forum.configure(http={"patience": 0})
    live.route(f"/{MANIFEST}", answer)
    done = inside("-C", forum.folder, "adopt", live.url)
    assert (3, True, False) == (done.code, said in done.err, forum.site.exists()), done.err


def test_a_manifest_may_be_a_file(forum: SmallForum, inside: Kbgen, tmp_path: Path) -> None:
    """For sites that cannot be asked: the file, or the folder that has it."""
    build_here(forum.folder)
    shutil.copytree(forum.site, tmp_path / "copy")
    for where in (tmp_path / "copy", tmp_path / "copy" / MANIFEST):
        shutil.rmtree(forum.site, ignore_errors=True)
        assert 0 == inside("-C", forum.folder, "adopt", where).code
        assert (tmp_path / "copy" / MANIFEST).read_bytes() == (forum.site / MANIFEST).read_bytes()
    done = inside("-C", forum.folder, "adopt", tmp_path / "none")
    assert (2, True) == (done.code, "No such file or directory; name the published site's address" in done.err)


def test_a_site_that_lost_nothing_but_its_manifest_gets_it_back(
    forum: SmallForum, inside: Kbgen, tmp_path: Path
) -> None:
    """A build refuses such a folder, whose files could be anybody's, and says how to get on; others stay refused."""
    build_here(forum.folder)
    tree = forum.tree()
    (forum.site / MANIFEST).rename(tmp_path / MANIFEST)
    refused = inside("-C", forum.folder, "build", "--jobs", "1")
    assert (3, True) == (refused.code, "kbgen adopt" in refused.err)
    assert 0 == inside("-C", forum.folder, "adopt", tmp_path / MANIFEST).code
    assert 0 == inside("-C", forum.folder, "build", "--jobs", "1").code
    assert tree == forum.tree()
    other = tmp_path / "other"
    other.mkdir()
    (other / "photo.jpg").write_bytes(b"")
    refused = inside("-C", forum.folder, "adopt", tmp_path / "copy", "--site-dir", other)
    assert 2 == refused.code
    refused = inside("-C", forum.folder, "adopt", forum.site, "--site-dir", other)
    assert (3, True, ["photo.jpg"]) == (
        refused.code,
        "holds files kbgen did not make (photo.jpg)" in refused.err,
        [file.name for file in other.iterdir()],
    )
