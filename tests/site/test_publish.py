"""Publishing: the exchange of the site folder, its guards, and what a kill leaves behind."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from projects import inodes
from sample_trees import build, files

from kbgen.addresses import absolute
from kbgen.config import Config, GuardConfig, SiteConfig
from kbgen.errors import GuardTripped, NotPublished
from kbgen.model import Library, Page, PageKind, Ref
from kbgen.site.files import inodes_of, mirror
from kbgen.site.manifest import MANIFEST, make_manifest, manifest_lines
from kbgen.site.publish import (
    Moved,
    _dance,
    _exchange,
    claim,
    clone_tree,
    guard,
    recover,
    remove_file,
    retire,
    staging_of,
    switch,
    write_file,
)


def test_the_first_site_is_put_in_place(tmp_path: Path) -> None:
    """No site folder yet, not even the folder above it."""
    site = tmp_path / "out" / "site"
    switch(build(staging_of(site), "new"), site)
    assert files(site) == {"index.html": "new", "q/a-1/index.html": "new", MANIFEST: ""}
    assert sorted(path.name for path in site.parent.iterdir()) == ["site"]


def test_an_empty_folder_is_replaced(tmp_path: Path) -> None:
    """A folder made beforehand is fine, also with a file git keeps it with."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site/.gitkeep").touch()
    switch(build(staging_of(tmp_path / "site"), "new"), tmp_path / "site")
    assert sorted(files(tmp_path / "site")) == [".gitkeep", "index.html", MANIFEST, "q/a-1/index.html"]


def test_the_new_site_replaces_the_old_one(tmp_path: Path) -> None:
    """Nothing of the old one stays in its place, nor in the spare copy, which is the live site's own files."""
    site = build(tmp_path / "site", "old")
    write_file(site, "only/old.txt", b"")
    switch(build(staging_of(site), "new"), site)
    retire(site)
    assert files(site) == {"index.html": "new", "q/a-1/index.html": "new", MANIFEST: ""}
    assert sorted(path.name for path in tmp_path.iterdir()) == [".site.spare", "site"]
    assert inodes(tmp_path / ".site.spare") == inodes(site)


def test_a_night_with_little_change_touches_few_files(tmp_path: Path) -> None:
    """The spare copy becomes the next staging folder: its folders are not made anew."""
    site = build(tmp_path / "site", "old")
    switch(build(staging_of(site), "one"), site)
    retire(site)
    folder = (tmp_path / ".site.spare/q/a-1").stat().st_ino
    clone_tree(site, staging_of(site))
    write_file(staging_of(site), "index.html", b"two")
    switch(staging_of(site), site)
    retire(site)
    assert (site / "q/a-1").stat().st_ino == folder
    assert files(site)["index.html"] == "two"
    assert inodes(tmp_path / ".site.spare") == inodes(site)


def test_the_spare_copy_is_brought_level_by_what_moved(tmp_path: Path) -> None:
    """New, changed and withdrawn files and those of the operator; what nobody told of waits for the next clone."""
    site = build(tmp_path / "site", "old")
    for name in ("only/old.txt", "stays/same.txt", "turns", ".git/config", ".git/old", ".nojekyll"):
        write_file(site, name, b"old")
    staging = staging_of(site)
    clone_tree(site, staging)
    write_file(site, "stray.txt", b"by hand")
    for name in ("turns", "only/old.txt"):
        remove_file(staging, name)
    fresh = ("index.html", "turns/index.html", "new/deep/file.txt", MANIFEST)
    for name in fresh:
        write_file(staging, name, b"new")
    write_file(staging, ".git/config", b"new")
    (staging / ".git/old").unlink()
    switch(staging, site)
    retire(site, Moved(fresh, ("turns", "only/old.txt")))
    spare = tmp_path / ".site.spare"
    assert {**inodes(site), "stray.txt": (spare / "stray.txt").stat().st_ino} == inodes(spare)
    assert not (spare / "only").exists()
    clone_tree(site, staging)
    assert inodes(staging) == inodes(site)


def test_a_spare_copy_of_another_site_is_compared_file_by_file(tmp_path: Path) -> None:
    """What moved does not fit what was replaced: a folder is in the way, a file is not there."""
    site = build(tmp_path / "site", "old")
    write_file(site, "q/in-the-way.txt", b"")
    staging = build(staging_of(site), "new")
    remove_file(staging, "q/a-1/index.html")
    write_file(staging, "q", b"a file now")
    switch(staging, site)
    retire(site, Moved(("index.html", "q", MANIFEST, "never/was.txt"), ("q/a-1/index.html", "unknown.txt")))
    assert inodes(tmp_path / ".site.spare") == inodes(site)


def test_the_first_site_has_no_spare_copy(tmp_path: Path) -> None:
    """The next night makes its staging folder beside other work; a copy that is there already is left alone."""
    site = tmp_path / "site"
    switch(build(staging_of(site), "first"), site)
    retire(site)
    assert [path.name for path in tmp_path.iterdir()] == ["site"]
    write_file(tmp_path / ".site.spare", "of/another.txt", b"")
    retire(site)
    assert (tmp_path / ".site.spare/of/another.txt").exists()


def test_a_spare_copy_that_drifted_is_brought_in_line(tmp_path: Path) -> None:
    """Whatever lies in it, the staging folder is the live site's files and no other."""
    site = build(tmp_path / "site", "live")
    spare = build(tmp_path / ".site.spare", "stale")
    write_file(spare, "stray/deep/file.txt", b"")
    write_file(spare, "assets", b"a file where a folder is")
    write_file(site, "assets/kb.css", b"")
    write_file(spare, "robots.txt/x", b"")
    write_file(site, "robots.txt", b"a file where a folder was")
    clone_tree(site, staging_of(site))
    assert inodes(staging_of(site)) == inodes(site)
    assert not (staging_of(site) / "stray").exists()


def test_without_hard_links_there_is_no_spare_copy(tmp_path: Path) -> None:
    """A second full copy would cost more than it saves: the replaced site is removed."""
    site, previous = build(tmp_path / "site", "new"), build(tmp_path / ".site.previous", "old")

    def refuse(source: str, target: str) -> None:
        raise PermissionError(errno.EPERM, "no links here", source, None, target)

    with pytest.raises(PermissionError):
        mirror(site, previous, link=refuse)
    (tmp_path / ".site.spare").write_text("in the way")
    retire(site)
    assert not previous.exists()
    assert files(site)["index.html"] == "new"


def test_files_of_the_operator_are_carried_over(tmp_path: Path) -> None:
    """Names with a leading dot at the top belong to the operator; kbgen's own win."""
    site = build(tmp_path / "site", "old")
    write_file(site, ".git/objects/ab", b"object")
    write_file(site, ".nojekyll", b"")
    write_file(site, ".well-known/mine", b"old")
    staging = build(staging_of(site), "new")
    write_file(staging, ".well-known/mine", b"new")
    switch(staging, site)
    assert {name: text for name, text in files(site).items() if name.startswith(".")} == {
        ".git/objects/ab": "object",
        ".nojekyll": "",
        ".well-known/mine": "new",
    }


def test_a_link_to_the_site_stays_a_link(tmp_path: Path) -> None:
    """The folder behind a symbolic link is exchanged, beside itself."""
    real = build(tmp_path / "disk" / "www", "old")
    (tmp_path / "site").symlink_to(real)
    staging = staging_of(tmp_path / "site")
    assert staging == tmp_path / "disk" / ".www.staging"
    switch(build(staging, "new"), tmp_path / "site")
    assert (tmp_path / "site").is_symlink()
    assert files(real)["index.html"] == "new"


def test_a_folder_of_someone_else_is_never_touched(tmp_path: Path) -> None:
    """Files without a manifest are foreign: the message names some, and they stay."""
    site = tmp_path / "site"
    write_file(site, "thesis.txt", b"years of work")
    staging = build(staging_of(site), "new")
    with pytest.raises(NotPublished, match=r"holds files kbgen did not make \(thesis\.txt\)"):
        switch(staging, site)
    assert files(site) == {"thesis.txt": "years of work"}


def test_a_file_in_the_place_of_the_site_is_refused(tmp_path: Path) -> None:
    """And so is a link to nowhere."""
    (tmp_path / "site").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("site", "link"):
        with pytest.raises(NotPublished, match="is not a folder"):
            claim(tmp_path / name)


def test_a_staging_site_without_manifest_is_not_published(tmp_path: Path) -> None:
    """It is not finished; the live site stands."""
    site = build(tmp_path / "site", "old")
    write_file(staging_of(site), "index.html", b"half")
    with pytest.raises(
        NotPublished, match=r"kb-manifest\.jsonl: publishing failed: No such file.*The last good site stands"
    ):
        switch(staging_of(site), site)
    assert files(site)["index.html"] == "old"


def test_the_mode_of_the_site_folder_stays(tmp_path: Path) -> None:
    """A web server keeps its right to read."""
    site = build(tmp_path / "site", "old")
    site.chmod(0o751)
    switch(build(staging_of(site), "new"), site)
    assert site.stat().st_mode & 0o777 == 0o751


def test_without_exchange_two_renames_do(tmp_path: Path) -> None:
    """Where the kernel cannot exchange, the old site steps aside first."""
    site, previous = build(tmp_path / "site", "old"), tmp_path / ".site.previous"
    _dance(build(staging_of(site), "new"), site, previous)
    assert (files(site)["index.html"], files(previous)["index.html"]) == ("new", "old")


def test_a_dance_that_fails_brings_the_old_site_back(tmp_path: Path) -> None:
    """The second rename fails: the first is undone."""
    site = build(tmp_path / "site", "old")
    with pytest.raises(FileNotFoundError):
        _dance(tmp_path / "missing", site, tmp_path / ".site.previous")
    assert files(site)["index.html"] == "old"


def test_an_exchange_that_the_file_system_refuses_is_an_error(tmp_path: Path) -> None:
    """Only "not supported" leads to the dance."""
    with pytest.raises(FileNotFoundError):
        _exchange(tmp_path / "a", tmp_path / "b")


def test_a_half_done_dance_is_repaired(tmp_path: Path) -> None:
    """Killed between the two renames: the old site comes back."""
    site = tmp_path / "site"
    build(tmp_path / ".site.previous", "old")
    recover(site)
    assert files(tmp_path) == {"site/index.html": "old", "site/q/a-1/index.html": "old", f"site/{MANIFEST}": ""}


def test_leftovers_of_a_finished_switch_go(tmp_path: Path) -> None:
    """Killed after the new site was live: the old tree becomes the spare copy; a staging site may still wait."""
    site = build(tmp_path / "site", "new")
    build(tmp_path / ".site.previous", "old")
    build(staging_of(site), "next")
    for _ in range(2):
        recover(site)
        assert sorted(path.name for path in tmp_path.iterdir()) == [".site.spare", ".site.staging", "site"]
        assert inodes(tmp_path / ".site.spare") == inodes(site)
        assert (files(site)["index.html"], files(staging_of(site))["index.html"]) == ("new", "next")


def test_an_old_tree_that_could_not_be_removed_is_no_obstacle(tmp_path: Path) -> None:
    """It goes with the next switch."""
    site = build(tmp_path / "site", "old")
    build(tmp_path / ".site.previous", "older")
    switch(build(staging_of(site), "new"), site)
    retire(site)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".site.spare", "site"]
    assert files(tmp_path / ".site.spare")["index.html"] == "new"


KILLED = """
import os, signal, sys
from pathlib import Path
from kbgen.site import publish
site = Path(sys.argv[1])
staging = publish.staging_of(site)
publish.clone_tree(site, staging)
publish.write_file(staging, "index.html", b"new")
publish.write_file(staging, "q/b-2/index.html", b"new")
if sys.argv[2] == "after":
    publish.mirror = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    publish.switch(staging, site)
    publish.retire(site)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(("moment", "text"), [("before", "old"), ("after", "new")])
def test_a_kill_leaves_one_whole_site(tmp_path: Path, moment: str, text: str) -> None:
    """Before the switch the old site is intact, right after it the new one is; the next run tidies up."""
    site = build(tmp_path / "site", "old")
    run = subprocess.run([sys.executable, "-c", KILLED, str(site), moment], check=False)
    assert run.returncode == -signal.SIGKILL
    assert files(site)["index.html"] == text
    assert ("q/b-2/index.html" in files(site)) == (text == "new")
    recover(site)
    beside = [path.name for path in tmp_path.iterdir() if path != site]
    assert beside == ([".site.staging"] if moment == "before" else [".site.spare"])
    assert files(site)["index.html"] == text


def test_a_clone_shares_files_and_writing_breaks_the_link(tmp_path: Path) -> None:
    """The live site never changes while the next one is built from it."""
    site = build(tmp_path / "site", "old")
    (site / "empty").mkdir()
    (site / "link").symlink_to("index.html")
    clone_tree(site, tmp_path / "copy")
    assert (tmp_path / "copy/index.html").stat().st_ino == (site / "index.html").stat().st_ino
    assert (tmp_path / "copy/link").is_symlink()
    assert (tmp_path / "copy/empty").is_dir()
    write_file(tmp_path / "copy", "index.html", b"new")
    remove_file(tmp_path / "copy", "q/a-1/index.html")
    assert files(site) == {"index.html": "old", "link": "old", MANIFEST: "", "q/a-1/index.html": "old"}
    assert files(tmp_path / "copy") == {"index.html": "new", "link": "new", MANIFEST: ""}


def test_a_clone_can_take_the_known_files_only(tmp_path: Path) -> None:
    """What the store does not know of is not taken over."""
    site = build(tmp_path / "site", "old")
    write_file(site, "stray/file.txt", b"")
    clone_tree(site, tmp_path / "copy", files=inodes_of(site, ["q/a-1/index.html", MANIFEST]))
    assert files(tmp_path / "copy") == {MANIFEST: "", "q/a-1/index.html": "old"}


def test_a_clone_of_nothing_is_an_empty_folder(tmp_path: Path) -> None:
    """The first run has no site to start from."""
    clone_tree(tmp_path / "none", tmp_path / "deep" / "copy")
    assert list((tmp_path / "deep" / "copy").iterdir()) == []


def test_a_clone_to_another_disk_is_a_copy(tmp_path: Path) -> None:
    """Hard links end at the file system's border."""
    other = Path("/dev") / "shm"
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("needs a second file system at /dev/shm")
    copy = other / f"kbgen-test-{os.getpid()}"
    try:
        clone_tree(build(tmp_path / "site", "old"), copy)
        assert files(copy) == files(tmp_path / "site")
    finally:
        subprocess.run(["rm", "-r", str(copy)], check=True)


def test_a_clone_never_mixes_with_what_is_there(tmp_path: Path) -> None:
    """A staging folder left by a killed run is brought in line, links to folders included."""
    site = build(tmp_path / "site", "old")
    staging = build(staging_of(site), "half")
    write_file(staging, "q/b-2/index.html", b"half")
    (staging / "link").symlink_to(site, target_is_directory=True)
    clone_tree(site, staging)
    assert inodes(staging) == inodes(site)
    assert not (staging / "link").is_symlink()
    assert files(site) == {"index.html": "old", "q/a-1/index.html": "old", MANIFEST: ""}


def test_removing_a_file_removes_the_folders_it_leaves_empty(tmp_path: Path) -> None:
    """Up to the site folder, and no folder that still holds something."""
    site = build(tmp_path / "site", "x")
    write_file(site, "q/b-2/deep/er.txt", b"")
    remove_file(site, "q/b-2/deep/er.txt")
    remove_file(site, "q/b-2/deep/er.txt")
    assert sorted(path.name for path in (site / "q").iterdir()) == ["a-1"]
    for name in ("q/a-1/index.html", "index.html", MANIFEST):
        remove_file(site, name)
    assert list(site.iterdir()) == []


@pytest.mark.parametrize("rel", ["", "/etc/x", "../x", "a/../../x", "a//x", "./x", "a\\x", "a\0x"])
def test_nothing_outside_the_site_is_written_or_removed(tmp_path: Path, rel: str) -> None:
    """The writer checks again what ``file_of`` has checked."""
    with pytest.raises(NotPublished, match="is not a file below the site folder"):
        write_file(tmp_path, rel, b"")
    with pytest.raises(NotPublished, match="is not a file below the site folder"):
        remove_file(tmp_path, rel)


LIMITED = """
import resource, sys
from pathlib import Path
from kbgen.errors import NotPublished
from kbgen.site.publish import write_file
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_file(Path(sys.argv[1]), sys.argv[2], b"x" * 5000)
except NotPublished as error:
    print(error)
"""


@pytest.mark.parametrize("name", ["index.html", "q/new/index.html"])
def test_a_disk_that_takes_no_more_stops_the_run(tmp_path: Path, name: str) -> None:
    """The message names file and reason; no torn file is left, and the old content stands."""
    site = build(tmp_path / "site", "old")
    run = subprocess.run([sys.executable, "-c", LIMITED, str(site), name], check=True, capture_output=True, text=True)
    assert run.stdout.startswith(f"{site}/{name}: writing failed: {os.strerror(errno.EFBIG)}")
    assert run.stdout.endswith("The last good site stands\n")
    assert files(site) == {"index.html": "old", "q/a-1/index.html": "old", MANIFEST: ""}


def test_a_file_in_the_way_of_a_folder_is_named(tmp_path: Path) -> None:
    """Errors of the file system reach people as what to do."""
    write_file(tmp_path, "q", b"")
    with pytest.raises(
        NotPublished, match=r"q/a/index\.html: writing failed: Not a directory; mend that and run again"
    ):
        write_file(tmp_path, "q/a/index.html", b"")


URL = "https://help.example.com/"
CONFIG = Config(site=SiteConfig(name="Help", url=URL), guard=GuardConfig(max_vanish=0.2, min_pages=10))


def make_library(paths: list[str], redirects: dict[str, str | None] | None = None, kind: PageKind = "entry") -> Library:
    """A library of entries; those below /b/ come from another source."""
    pages = {
        path: Page(
            path=path,
            kind=kind,
            title="T",
            description="D",
            canonical=absolute(URL, path),
            shell="entry",
            lang="en",
            refs=(Ref(f"{'blog' if path.startswith('/b/') else 'community'}:{path}"),),
        )
        for path in paths
    }
    home = Page("/", "home", "H", "D", URL, "page", "en")
    return Library({**pages, "/": home}, redirects or {}, {})


def guarded(before: list[str], library: Library, kind: PageKind = "entry") -> None:
    """Guard a published site with these entries against a library."""
    lines = manifest_lines(make_manifest(make_library(before, kind=kind), CONFIG, {}).data())
    guard(lines, lines.apart(manifest_lines(make_manifest(library, CONFIG, {}).data())), library, CONFIG)


TEN = [*(f"/q/{number}/" for number in range(7)), "/b/0/", "/b/1/", "/b/2/"]


def test_a_run_that_would_empty_the_site_stops() -> None:
    """The message counts by source and says how to allow it."""
    with pytest.raises(GuardTripped) as caught:
        guarded(TEN, make_library(TEN[:6]))
    message = str(caught.value)
    assert message.startswith("4 of 10 published pages (40%) would vanish, more than guard.max_vanish allows (20%)")
    assert "by source: blog: 3 of 3, community: 1 of 7." in message
    assert "kbgen build --allow-vanish" in message


def test_a_share_up_to_the_limit_may_vanish() -> None:
    """Two of ten are twenty per cent."""
    guarded(TEN, make_library(TEN[:8]))
    with pytest.raises(GuardTripped):
        guarded(TEN, make_library(TEN[:7]))


def test_moved_pages_have_not_vanished() -> None:
    """A redirect to an answer or another site keeps the page; one to home, to a listing or to gone does not."""
    kept: dict[str, str | None] = dict.fromkeys(TEN[2:], "/q/0/")
    guarded(TEN, make_library(TEN[:2], kept))
    guarded(TEN, make_library(TEN[:2], dict.fromkeys(TEN[2:], "https://docs.example.com/")))
    for target in ("/", None, "/q/nowhere/"):
        with pytest.raises(GuardTripped, match="8 of 10"):
            guarded(TEN, make_library(TEN[:2], dict.fromkeys(TEN[2:], target)))


def test_a_small_site_and_a_first_site_are_not_guarded() -> None:
    """Below ``guard.min_pages`` a share says nothing."""
    guarded([], make_library([]))
    guarded(TEN[:9], make_library([]))


def test_listings_are_not_counted() -> None:
    """They come and go with the vocabulary."""
    guarded(TEN, make_library([]), "tag")
