"""The spare copy of the live site: which of its folders are read before it becomes a staging folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from projects import inodes
from sample_trees import build, files

from kbgen.site.files import inodes_of
from kbgen.site.manifest import MANIFEST
from kbgen.site.publish import Moved, clone_tree, put_back, recover, retire, staging_of, switch, write_file


def folders_read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders of the staging folder, as they are read from now on."""
    read: list[str] = []
    real = os.scandir

    def scandir(path: str) -> object:
        read.append(str(path).rpartition(".site.staging")[2])
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    return read


def with_a_spare_copy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, list[str]]:
    """A site that replaced another a while ago, and the folders of its spare copy that are read from now on."""
    site = build(folder / "site", "old")
    write_file(site, "q/b-2/index.html", b"old")
    clone_tree(site, staging_of(site))
    long_ago = (site / MANIFEST).stat().st_mtime_ns - 10**9
    for path in [site, staging_of(site)]:
        for below in (path, *path.rglob("*/")):
            os.utime(below, ns=(long_ago, long_ago))
    write_file(staging_of(site), MANIFEST, b"new")
    switch(staging_of(site), site)
    retire(site, Moved((MANIFEST,), ()))
    return site, folders_read(monkeypatch)


KNOWN = ["index.html", MANIFEST, "q/a-1/index.html", "q/b-2/index.html"]


def test_folders_that_nobody_touched_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading a hundred thousand folders is most of what a copy costs; their times say that there is nothing to see."""
    site, read = with_a_spare_copy(tmp_path, monkeypatch)
    clone_tree(site, staging_of(site), files=inodes_of(site, KNOWN))
    assert ["/"] == read
    assert inodes(staging_of(site)) == inodes(site)


@pytest.mark.parametrize(
    ("where", "reads"),
    [
        ("q/a-1/by-hand.txt", {"/", "/q/a-1/"}),
        ("q/by/hand.txt", {"/", "/q/"}),
        # The folder's own time is what tells of all others.
        ("by-hand.txt", {"/", "/q/", "/q/a-1/", "/q/b-2/"}),
    ],
)
def test_what_was_put_into_the_spare_copy_is_not_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, reads: set[str]
) -> None:
    """At its top, in a page's folder or in a new one."""
    site, read = with_a_spare_copy(tmp_path, monkeypatch)
    write_file(tmp_path / ".site.spare", where, b"by hand")
    clone_tree(site, staging_of(site), files=inodes_of(site, KNOWN))
    assert reads <= set(read)
    assert not set(read) & ({"/q/b-2/"} - reads)
    assert sorted(KNOWN) == sorted(files(staging_of(site)))


def test_what_was_done_to_the_replaced_site_while_it_was_live_is_not_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file put into the live site lies in what becomes the spare copy, long before that is made."""
    site, _ = with_a_spare_copy(tmp_path, monkeypatch)
    clone_tree(site, staging_of(site), files=inodes_of(site, KNOWN))
    write_file(site, "q/a-1/by-hand.txt", b"")
    write_file(staging_of(site), MANIFEST, b"newer")
    switch(staging_of(site), site)
    retire(site, Moved((MANIFEST,), ()))
    assert (tmp_path / ".site.spare/q/a-1/by-hand.txt").exists()
    clone_tree(site, staging_of(site), files=inodes_of(site, KNOWN))
    assert sorted(KNOWN) == sorted(files(staging_of(site)))


@pytest.mark.parametrize("gone", ["index.html", "."])
def test_what_went_from_the_live_site_goes_from_the_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    """The folder of the copy was not touched, yet it holds a file too many."""
    site, _ = with_a_spare_copy(tmp_path, monkeypatch)
    (site / "q/b-2/index.html").unlink()
    if gone == ".":
        (site / "q/b-2").rmdir()
    clone_tree(site, staging_of(site), files=inodes_of(site, KNOWN))
    assert [name for name in sorted(KNOWN) if "b-2" not in name] == sorted(files(staging_of(site)))


def test_a_file_that_is_another_one_in_the_copy_is_linked_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder's time says nothing of what happened to the live site."""
    site, _ = with_a_spare_copy(tmp_path, monkeypatch)
    write_file(site, "q/b-2/index.html", b"mended by hand")
    clone_tree(site, staging_of(site), files=inodes_of(site, KNOWN))
    assert inodes(staging_of(site)) == inodes(site)


def test_a_staging_folder_that_is_not_needed_is_a_spare_copy_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run reads no more of it than if nothing had been begun, and finds what was put into it meanwhile."""
    site, read = with_a_spare_copy(tmp_path, monkeypatch)
    write_file(tmp_path / ".site.spare", "by-hand.txt", b"by hand")
    clone_tree(site, staging_of(site), files=inodes_of(site, KNOWN))
    put_back(site)
    assert [".site.spare", "site"] == sorted(path.name for path in tmp_path.iterdir())
    read.clear()
    write_file(tmp_path / ".site.spare", "q/a-1/by-hand.txt", b"by hand")
    clone_tree(site, staging_of(site), files=inodes_of(site, KNOWN))
    assert {"/", "/q/a-1/"} == set(read)
    assert inodes(staging_of(site)) == inodes(site)


@pytest.mark.parametrize("there", ["site", ".site.spare"])
def test_a_staging_folder_that_is_no_copy_stays(tmp_path: Path, there: str) -> None:
    """One that was begun from nothing, and one beside which there is a spare copy."""
    site = build(tmp_path / "site", "old")
    if there == "site":
        build(staging_of(site), "other")
    else:
        clone_tree(site, staging_of(site))
        clone_tree(site, tmp_path / there)
    put_back(site)
    assert staging_of(site).is_dir()


def test_of_a_first_copy_no_folder_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them were made for it, and what comes into one later is seen."""
    site = build(tmp_path / "site", "old")
    write_file(site, "q/b-2/index.html", b"old")
    retire(site, first=True)
    assert inodes(tmp_path / ".site.spare") == inodes(site)
    read = folders_read(monkeypatch)
    write_file(tmp_path / ".site.spare", "q/a-1/by-hand.txt", b"by hand")
    clone_tree(site, staging_of(site), files=inodes_of(site, KNOWN))
    assert {"/", "/q/a-1/"} == set(read)
    assert inodes(staging_of(site)) == inodes(site)


def test_a_first_copy_that_was_not_finished_is_finished_by_the_next_run(tmp_path: Path) -> None:
    """A run that was killed meanwhile leaves a part of it."""
    site = build(tmp_path / "site", "old")
    (tmp_path / ".site.previous" / "q").mkdir(parents=True)
    (tmp_path / ".site.previous" / MANIFEST).hardlink_to(site / MANIFEST)
    recover(site)
    assert inodes(tmp_path / ".site.spare") == inodes(site)


def test_a_first_site_is_copied_only_when_it_is_asked_for(tmp_path: Path) -> None:
    """A small one takes no time when the copy is needed."""
    site = build(tmp_path / "site", "old")
    retire(site)
    assert ["site"] == [path.name for path in tmp_path.iterdir()]
