"""The command line: names, options, exit codes and the one JSON object, as scripts outside rely on them."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from projects import Kbgen, SmallForum, build_here, forum_topic

from kbgen import __version__
from kbgen.cli import globals_first, main
from kbgen.lock import run_lock

COMMANDS = {
    "init", "build", "harvest", "curate", "compile", "render", "publish", "serve", "search", "why", "status", "check",
    "export", "config",
}  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, frames: Path) -> Path:
    """A published project; look, do not change."""
    forum = SmallForum(tmp_path_factory.mktemp("cli") / "small", frames=frames)
    build_here(forum.folder)
    return forum.folder


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["build"], ["build"]),
        (["build", "--json", "-C", "x", "--clean"], ["--json", "-C", "x", "build", "--clean"]),
        (["--project=x", "why", "-q", "a:1"], ["--project=x", "-q", "why", "a:1"]),
        (["search", "-v", "--", "--json", "-C"], ["-v", "search", "--", "--json", "-C"]),
        (["build", "-C"], ["-C", "build"]),
    ],
)
def test_global_options_may_stand_anywhere_before_two_dashes(given: list[str], expected: list[str]) -> None:
    """They are moved to the front with their values; what follows ``--`` is words."""
    assert expected == globals_first(given)


def test_every_command_has_help(inside: Kbgen) -> None:
    """One line each in the list, options on its own page, exit 0."""
    page = inside("--help").out
    for command in sorted(COMMANDS):
        assert f"\n  {command} " in page
        done = inside(command, "--help")
        assert (0, True) == (done.code, f"{command} [OPTIONS]" in done.out)


def test_the_version_is_printed(inside: Kbgen) -> None:
    """Alone, and with exit 0."""
    done = inside("--version")
    assert (0, f"kbgen {__version__}\n") == (done.code, done.out)


@pytest.mark.parametrize(
    "arguments",
    [
        ["frobnicate"],
        ["build", "--frob"],
        ["build", "--jobs", "many"],
        ["build", "--jobs", "-1"],
        ["why"],
        ["search"],
        ["config", "frob"],
        ["search", "a", "--limit", "0"],
    ],
)
def test_a_faulty_command_line_exits_2(inside: Kbgen, arguments: list[str]) -> None:
    """Words for people on standard error; scripts that asked for JSON get one object with the message."""
    plain = inside(*arguments)
    assert (2, "", True) == (plain.code, plain.out, "Error: " in plain.err or "Usage: " in plain.err)
    asked = inside("--json", *arguments)
    assert (2, 2) == (asked.code, asked.data["exit_code"])
    assert asked.data["error"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["build", "--jobs", "1"],
        ["harvest"],
        ["harvest", "forum", "--full"],
        ["curate", "--jobs", "1"],
        ["compile"],
        ["search", "lamp"],
        ["why", "forum:1"],
        ["status"],
        ["check", "--jobs", "1"],
        ["config", "check"],
        ["config", "schema"],
    ],
)
def test_json_is_one_object_on_standard_output(inside: Kbgen, built: Path, arguments: list[str]) -> None:
    """Before or after the command; everything else is on standard error."""
    done = inside("-C", built, "--json", *arguments)
    assert (0, dict) == (done.code, type(json.loads(done.out))), done.err
    after = inside(*arguments, "--json", "--project", built)
    assert (0, dict) == (after.code, type(json.loads(after.out))), after.err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["why", "forum:999"], 2),
        (["why", "https://elsewhere.example.com/"], 2),
        (["harvest", "nobody"], 2),
        (["export", "/"], 2),
        (["check", "--site-dir", "no-such-folder"], 2),
        (["publish"], 3),
        (["build", "--engine", "hugo"], 2),
    ],
)
def test_errors_are_json_too(inside: Kbgen, built: Path, arguments: list[str], code: int) -> None:
    """The same message as on standard error, with the exit code."""
    done = inside("-C", built, "--json", *arguments)
    assert (code, code) == (done.code, done.data["exit_code"])
    assert done.data["error"].split()[0] in done.err


def test_a_folder_that_is_no_project_exits_2(inside: Kbgen, tmp_path: Path) -> None:
    """And says how to make one."""
    done = inside("-C", tmp_path, "build")
    assert (2, True) == (done.code, "kbgen init DIR" in done.err)
    assert [] == list(tmp_path.iterdir())


def test_quiet_says_nothing_but_errors(inside: Kbgen, built: Path) -> None:
    """A night job that went well sends no mail."""
    fine = inside("-C", built, "-q", "build", "--jobs", "1")
    assert (0, "", "") == (fine.code, fine.out, fine.err)
    wrong = inside("-C", built, "-q", "why", "forum:999")
    assert (2, True) == (wrong.code, "error: forum:999" in wrong.err)


def test_words_after_two_dashes_are_a_query(inside: Kbgen, built: Path) -> None:
    """A question that looks like an option is still a question."""
    done = inside("-C", built, "search", "--", "--json", "lamp")
    assert (0, True) == (done.code, "How do I dim a lamp?" in done.out)


def test_a_run_under_way_exits_4(inside: Kbgen, built: Path) -> None:
    """Another run holds the lock: nothing is done, and the message names its process."""
    with run_lock(built):
        done = inside("-C", built, "--json", "build", "--jobs", "1")
    assert (4, 4, True) == (done.code, done.data["exit_code"], "another run (process " in done.err)
    assert 0 == inside("-C", built, "build", "--jobs", "1").code


def test_a_bad_record_exits_1(inside: Kbgen, forum: SmallForum) -> None:
    """Published, but something named in the report failed."""
    (forum.recordings / "9.json").write_text("", encoding="utf-8")
    done = inside("-C", forum.folder, "--json", "build", "--jobs", "1")
    assert (1, 1, True) == (done.code, done.data["exit_code"], done.data["published"])
    assert [message for message in done.data["failed"] if "9.json" in message]


def test_a_site_that_was_not_published_exits_3(inside: Kbgen, forum: SmallForum) -> None:
    """A folder that is not ours to replace: it stands as it is."""
    forum.site.mkdir()
    (forum.site / "holiday.jpg").write_bytes(b"sun")
    done = inside("-C", forum.folder, "--json", "build", "--jobs", "1")
    assert (3, 3, True) == (done.code, done.data["exit_code"], "holiday.jpg" in done.data["error"])
    assert ["holiday.jpg"] == [file.name for file in forum.site.iterdir()]


def test_a_damaged_store_exits_3_and_can_be_moved_away(inside: Kbgen, forum: SmallForum) -> None:
    """Damage found in the middle of a run is told as such; without the store every address is as before."""
    build_here(forum.folder)
    paths = forum.paths()
    store = forum.folder / ".kbgen" / "store.sqlite"
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = store.read_bytes()
    store.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    done = inside("-C", forum.folder, "--json", "build", "--jobs", "1")
    assert (3, True) == (done.code, "move it away and run again" in done.data["error"])
    for file in store.parent.glob("store.sqlite*"):
        file.unlink()
    assert 0 == inside("-C", forum.folder, "build", "--jobs", "1").code
    assert paths == forum.paths()


def test_an_interrupted_run_exits_130(monkeypatch: pytest.MonkeyPatch, inside: Kbgen, forum: SmallForum) -> None:
    """Ctrl-C says that nothing committed is lost, and prints no stack; the next run goes on."""

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", interrupt)
        done = inside("-C", forum.folder, "--json", "build", "--jobs", "1")
    assert (130, 130, False) == (done.code, done.data["exit_code"], "Traceback" in done.err)
    assert not forum.site.exists()
    assert 0 == inside("-C", forum.folder, "build", "--jobs", "1").code


def test_stages_one_by_one_make_the_site_a_build_makes(inside: Kbgen, forum: SmallForum, tmp_path: Path) -> None:
    """Harvest, curate, compile, render, publish: the same bytes, and nothing live before the last."""
    whole = tmp_path / "whole"
    shutil.copytree(forum.folder, whole)
    build_here(whole)
    for stage in (["harvest"], ["curate", "--jobs", "1"], ["compile"], ["render", "--jobs", "1"]):
        assert 0 == inside("-C", forum.folder, *stage).code
    assert not forum.site.exists()
    assert 0 == inside("-C", forum.folder, "publish", "--jobs", "1").code
    files = {file.relative_to(whole / "site").as_posix() for file in (whole / "site").rglob("*") if file.is_file()}
    assert {name: (whole / "site" / name).read_bytes() for name in files} == forum.tree()


def test_a_site_may_go_elsewhere(inside: Kbgen, forum: SmallForum, tmp_path: Path) -> None:
    """``--site-dir``: there, and nowhere else."""
    done = inside("-C", forum.folder, "--json", "build", "--jobs", "1", "--site-dir", tmp_path / "www" / "help")
    assert (0, str(tmp_path / "www" / "help")) == (done.code, done.data["site_dir"])
    assert (tmp_path / "www" / "help" / "index.html").is_file()
    assert not forum.site.exists()


def test_one_source_is_harvested_by_name(inside: Kbgen, forum: SmallForum) -> None:
    """The others are left alone."""
    done = inside("-C", forum.folder, "--json", "harvest", "forum")
    assert ["harvest forum"] == [stage["stage"] for stage in done.data["stages"]]
    assert [4] == [stage["written"] for stage in done.data["stages"]]
    forum.write(forum_topic(1, "How do I rename a room?", views=77))
    again = inside("-C", forum.folder, "--json", "harvest", "forum")
    assert (1, 3) == (again.data["stages"][0]["written"], again.data["stages"][0]["unchanged"])


def test_arguments_are_the_processes_own_by_default(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``kbgen`` as installed calls ``main`` without any."""
    monkeypatch.setattr(sys, "argv", ["kbgen", "--version"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert (0, f"kbgen {__version__}\n") == (ended.value.code, capsys.readouterr().out)
