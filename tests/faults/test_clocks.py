"""The clock is nobody's input: other days, other folders and other numbers of workers give the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from projects import ROOT, SmallForum, forum_topic

# Python starts with this on its path. It moves every clock Python programs read days by, that of the child's children, too.
SHIFTED = """
import ctypes, datetime, gc, os, time
shift = float(os.environ["CLOCK_SHIFT_DAYS"]) * 86400
real_time, real_ns, real_local, real_gm = time.time, time.time_ns, time.localtime, time.gmtime
time.time = lambda: real_time() + shift
time.time_ns = lambda: real_ns() + int(shift * 1e9)
time.localtime = lambda seconds=None: real_local(time.time() if seconds is None else seconds)
time.gmtime = lambda seconds=None: real_gm(time.time() if seconds is None else seconds)
def replace(kind, name, function):
    gc.get_referents(kind.__dict__)[0][name] = classmethod(function)
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))
replace(datetime.datetime, "now", lambda cls, tz=None: cls.fromtimestamp(time.time(), tz))
replace(datetime.datetime, "utcnow", lambda cls: cls.fromtimestamp(time.time(), datetime.timezone.utc).replace(tzinfo=None))
replace(datetime.date, "today", lambda cls: cls.fromtimestamp(time.time()))
"""
NOW = "import datetime, time; print(datetime.datetime.now().year, datetime.date.today().year, time.localtime().tm_year)"


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that moves the clock of who has it on its path."""
    folder = tmp_path_factory.mktemp("clock")
    (folder / "sitecustomize.py").write_text(SHIFTED, encoding="utf-8")
    return folder


def on_day(days: float, clock: Path, *arguments: str | Path) -> str:
    """Run Python as it would be so many days from now."""
    path = os.pathsep.join([str(clock), str(ROOT)])
    zone = "Pacific/Auckland" if days > 0 else "America/Lima"
    env = {
        **os.environ,
        "PYTHONPATH": path,
        "CLOCK_SHIFT_DAYS": str(days),
        "TZ": zone,
        "PYTHONHASHSEED": str(abs(int(days))),
    }
    done = subprocess.run([sys.executable, *map(str, arguments)], env=env, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


def test_the_clock_is_really_another(clock: Path) -> None:
    """A test of the tests: three years on, by every name."""
    then, now = on_day(3 * 366, clock, "-c", NOW).split(), on_day(0, clock, "-c", NOW).split()
    assert [year + 3 for year in map(int, now)] == [int(year) for year in then]


def test_another_day_another_folder_other_workers(clock: Path, tmp_path: Path) -> None:
    """Three builds of the same input, from nothing: a year back and three on, one worker and three, here and deep down."""
    trees = []
    for days, jobs, folder in ((0, 1, "a"), (-400, 3, "b/deep/er"), (1200, 2, "c")):
        forum = SmallForum(tmp_path / folder, topics=12)
        for number in range(30, 150):  # more than one worker's part
            forum.write(forum_topic(number, f"How do I press button {number} of the panel?"))
        on_day(days, clock, "-m", "kbgen", "-C", forum.folder, "build", "--jobs", str(jobs))
        trees.append(forum.tree())
    assert trees[0].keys() == trees[1].keys() == trees[2].keys()
    for other in trees[1:]:
        assert [name for name in trees[0] if trees[0][name] != other[name]] == []


def test_a_clock_that_goes_backwards(clock: Path, forum: SmallForum) -> None:
    """Every build sees what changed since the one before, whatever day it is, and none withdraws for its date."""
    for number, days in enumerate((0, -400, 30, -2000)):
        forum.write(forum_topic(1, f"Where can I give a room its {number}th name?"))
        (forum.recordings / "4.json").unlink(missing_ok=True)
        forum.write(forum_topic(20 + number, f"How do I press button {number} of the panel?"))
        on_day(days, clock, "-m", "kbgen", "-C", forum.folder, "build", "--jobs", "1")
        page = forum.tree()[forum.paths()["forum:1"][1:] + "index.html"]
        assert f"its {number}th name".encode() in page
    assert {1, 2, 3, 20, 21, 22, 23} == {int(ref.split(":")[1]) for ref in forum.paths()}
    tree = forum.tree()
    on_day(5000, clock, "-m", "kbgen", "-C", forum.folder, "build", "--clean", "--jobs", "1")
    assert tree == forum.tree()
