"""``kill -9`` at every moment: real processes, killed when something they did can be seen from outside.

After each kill the site is the last good one or the next good one, whole; after the next run it is what a clean build
makes, and every address that was ever published answers.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from projects import ROOT, Kbgen, SmallForum, build_here, forum_topic

from kbgen.lock import LOCK_FILE

LONG = 60
STAGING = ".site.staging"


@contextmanager
def running(forum: SmallForum, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A build in a process of its own; whatever is left of it at the end is killed."""
    command = [sys.executable, "-u", "-m", "kbgen", "-C", str(forum.folder), "build", "--jobs", "1", *arguments]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        yield child
    finally:
        child.kill()
        child.communicate(timeout=LONG)


def kill_when_it_says(forum: SmallForum, words: str) -> str:
    """Kill a build at a line of its progress; give what it said until then."""
    with running(forum) as child:
        assert child.stderr is not None
        said = ""
        for line in child.stderr:
            said += line
            if line.startswith(words):
                child.send_signal(signal.SIGKILL)
                break
        child.wait(timeout=LONG)
    return said


def kill_when(forum: SmallForum, seen: Callable[[], bool]) -> bool:
    """Kill a build when something is seen in its folders; False when it ended before."""
    with running(forum) as child:
        ends = time.monotonic() + LONG
        while child.poll() is None and time.monotonic() < ends:
            time.sleep(0.0005)
            if seen():
                child.send_signal(signal.SIGKILL)
                break
        return child.wait(timeout=LONG) == -signal.SIGKILL


def is_whole(forum: SmallForum) -> bool:
    """Every page of the manifest is there with the bytes the manifest names."""
    for line in forum.manifest():
        if line["kind"] != "redirect":
            name = line["path"][1:] + ("index.html" if line["path"].endswith("/") else "")
            digest = hashlib.blake2b((forum.site / name).read_bytes(), digest_size=16).hexdigest()
            if digest != line["digest"]:
                return False
    return True


def repaired(forum: SmallForum) -> None:
    """One more run makes everything good, and a clean build has nothing to add."""
    before = {line["url"] for line in forum.manifest()} if forum.site.exists() else set()
    with closing(sqlite3.connect(forum.folder / ".kbgen" / "store.sqlite")) as database:
        assert ("ok",) == database.execute("PRAGMA integrity_check").fetchone()
    assert 0 == build_here(forum.folder).exit_code
    assert is_whole(forum)
    assert before <= {line["url"] for line in forum.manifest()}
    tree = forum.tree()
    build_here(forum.folder, clean=True)
    assert tree == forum.tree()
    left = {name.name for name in forum.folder.iterdir() if name.name.startswith(".site")}
    assert left <= {".site.spare"}


def a_day_later(forum: SmallForum) -> None:
    """An edit, a new thread, one that is deleted and one whose answer is accepted no more."""
    topic = forum_topic(1, "How do I rename a room?")
    topic["post_stream"]["posts"][1]["cooked"] += "<p>And restart the app, says the edit.</p>"
    forum.write(topic)
    forum.write(forum_topic(9, "How do I find the manual?"))
    forum.write(forum_topic(3, "How do I pair a sensor?", accepted=False))
    (forum.recordings / "4.json").unlink(missing_ok=True)


POINTS = ["Harvesting forum", "Curating", "Merging", "Building the frame", "Pouring pages", "Writing feeds"]


@pytest.mark.parametrize("words", POINTS)
def test_a_run_killed_in_a_stage(words: str, forum: SmallForum) -> None:
    """At the beginning of each piece of work: the last good site stands byte for byte, and the next run repairs."""
    build_here(forum.folder)
    before = forum.tree()
    a_day_later(forum)
    assert words in kill_when_it_says(forum, words)
    assert before == forum.tree()
    repaired(forum)
    assert {"forum:1", "forum:2", "forum:9"} == set(forum.paths())


@pytest.mark.parametrize("words", ["Harvesting forum", "Curating", "Building the frame", "Writing feeds"])
def test_a_first_run_killed_in_a_stage(words: str, forum: SmallForum) -> None:
    """There is no site yet, and none that is half: the next run makes it."""
    assert words in kill_when_it_says(forum, words)
    assert not forum.site.exists()
    repaired(forum)
    assert {f"forum:{number}" for number in range(1, 5)} == set(forum.paths())


MOMENTS: dict[str, Callable[[SmallForum], bool]] = {
    "the staging folder is there": lambda forum: (forum.folder / STAGING).exists(),
    "a page is poured": lambda forum: (forum.folder / STAGING / "q/how-do-i-find-the-manual-9/index.html").exists(),
    "the staging site is remembered": lambda forum: (forum.folder / ".kbgen" / "staged.msgpack").exists(),
    "the new site is live": lambda forum: (forum.site / "q/how-do-i-find-the-manual-9/index.html").exists(),
}


@pytest.mark.parametrize("moment", sorted(MOMENTS))
def test_a_run_killed_when_something_is_seen(moment: str, forum: SmallForum) -> None:
    """Between the copy and the switch, and right after it: the old site or the new one, whole."""
    build_here(forum.folder)
    a_day_later(forum)
    killed = kill_when(forum, lambda: MOMENTS[moment](forum))
    assert killed or "forum:9" in forum.paths()
    assert is_whole(forum)
    repaired(forum)
    assert {"forum:1", "forum:2", "forum:9"} == set(forum.paths())


def test_an_address_published_by_a_killed_run_stays(forum: SmallForum) -> None:
    """Killed between the switch and the store: the next run, after a retitle, keeps what readers have seen."""
    build_here(forum.folder)
    store = forum.folder / ".kbgen" / "store.sqlite"
    with closing(sqlite3.connect(store)) as database:
        before = "\n".join(database.iterdump())
        version = database.execute("PRAGMA user_version").fetchone()[0]
    a_day_later(forum)
    build_here(forum.folder)
    published = forum.paths()["forum:9"]
    redirects = forum.redirects()
    # Exactly what is left when the process dies right after the switch: the new site, and the store of before.
    for file in store.parent.glob("store.sqlite*"):
        file.unlink()
    with closing(sqlite3.connect(store)) as database:
        database.executescript(f"{before}\nPRAGMA user_version = {version};")
    forum.write(forum_topic(9, "Where is the handbook?"))
    build_here(forum.folder)
    assert published == forum.paths()["forum:9"]
    assert redirects == forum.redirects()
    repaired(forum)


def test_a_run_killed_again_and_again(forum: SmallForum) -> None:
    """Every night is cut short a little later than the one before; what was done is kept, and the site stays whole."""
    build_here(forum.folder)
    for number in range(8):
        forum.write(forum_topic(20 + number, f"How do I press button {number} of the panel?"))
        with running(forum) as child, contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=0.9 + number * 0.1)
        assert is_whole(forum)
    repaired(forum)
    assert {f"forum:{20 + number}" for number in range(8)} <= set(forum.paths())


def family(process: int) -> set[int]:
    """A process's children, and theirs, as the kernel knows them."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found = {process}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {process}


def is_alive(process: int) -> bool:
    """Whether it runs; one that waits to be buried does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_workers_end_with_the_run_that_was_killed(forum: SmallForum) -> None:
    """None goes on writing where the next run is at work."""
    for number in range(30, 430):
        forum.write(forum_topic(number, f"How do I press button {number} of the panel?"))
    with running(forum, "--jobs", "2") as child:
        assert child.stderr is not None
        next(line for line in child.stderr if line.startswith("Curating"))
        ends = time.monotonic() + LONG
        while len(workers := family(child.pid)) < 4 and time.monotonic() < ends:
            time.sleep(0.01)
        assert len(workers) >= 4
        child.send_signal(signal.SIGKILL)
        child.wait(timeout=LONG)
    ends = time.monotonic() + 10
    while any(map(is_alive, workers)) and time.monotonic() < ends:
        time.sleep(0.05)
    left = [process for process in workers if is_alive(process)]
    for process in left:
        os.kill(process, signal.SIGKILL)
    assert [] == left


def test_two_runs_at_a_time(forum: SmallForum, kbgen: Kbgen) -> None:
    """The second one ends with 4 and the process to look for; the first one publishes."""
    forum.write(forum_topic(9, "How do I find the manual?"))
    with running(forum) as child:
        lock = forum.folder / LOCK_FILE
        ends = time.monotonic() + LONG
        while not (lock.exists() and lock.read_text()) and time.monotonic() < ends:
            time.sleep(0.005)
        child.send_signal(signal.SIGSTOP)
        second = kbgen("-C", forum.folder, "--json", "build")
        child.send_signal(signal.SIGCONT)
        assert 0 == child.wait(timeout=LONG)
    assert (4, True) == (second.code, f"process {child.pid}" in second.data["error"])
    assert "forum:9" in forum.paths()


def test_an_engine_that_outlives_its_run(forum: SmallForum) -> None:
    """The run is killed while the site engine is at work: what that still writes reaches no page of the next run."""
    build_here(forum.folder)
    home = forum.folder / "content" / "index.md"
    home.write_text(home.read_text(encoding="utf-8") + "\nHalf a sentence that\n", encoding="utf-8")
    engine = forum.folder / ".kbgen" / "engine"
    (engine / "digest").unlink()
    assert kill_when(forum, lambda: any(engine.glob("work-*/en/out")))
    home.write_text(home.read_text(encoding="utf-8").replace("Half a sentence that", "A whole one."), encoding="utf-8")
    repaired(forum)
    assert b"A whole one." in forum.tree()["index.html"]
    assert b"Half a sentence" not in forum.tree()["index.html"]
