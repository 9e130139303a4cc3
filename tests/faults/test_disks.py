"""Disks that are full or read-only: real ones, small and in memory, mounted in a name space of the child's own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from projects import ROOT, SmallForum

# Runs where it alone sees the disk. First a build that is sound, then the fault, a build, the fault mended, a build.
INSIDE = """
import hashlib, json, os, shutil, subprocess, sys
from pathlib import Path

root, project, fault = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
disk = project / "disk"
disk.mkdir()

def mount(*options):
    subprocess.run(["mount", *options, str(disk)], check=True, capture_output=True)

def kbgen(*arguments):
    env = {**os.environ, "PYTHONPATH": str(root), "TMPDIR": str(disk)}
    command = [sys.executable, "-m", "kbgen", "-C", str(home), "--json", "build", "--jobs", "1", *arguments]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    return {"code": done.returncode, "said": done.stdout + done.stderr}

def tree(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha1(path.read_bytes()).hexdigest() for path in files}

def edit():
    file = home / "forum" / "2.json"
    file.write_text(file.read_text().replace("that settles number 2", "that settles number two" + " and more" * 9000))

mount("-t", "tmpfs", "-o", "size=64m", "tmpfs")
home = disk / "project" if fault.isdecimal() or fault == "project" else project
if home != project:
    shutil.copytree(project, home, ignore=shutil.ignore_patterns("disk"))
site = disk / "site"
said = {"first": kbgen("--site-dir", str(site))}
before = tree(site)
edit()
if fault.isdecimal():
    with (disk / "filler").open("wb", buffering=0) as filler:
        try:
            while filler.write(b"x" * 4096) == 4096:
                pass
        except OSError:
            pass
        filler.truncate(max(0, filler.tell() - int(fault)))
else:
    mount("-o", "remount,ro")
said["second"] = kbgen("--site-dir", str(site))
said["stands"] = before == tree(site)
(disk / "filler").unlink() if fault.isdecimal() else mount("-o", "remount,rw")
said["third"] = kbgen("--site-dir", str(site))
after = tree(site)
said["clean"] = kbgen("--site-dir", str(site), "--clean")
said["same"] = after == tree(site) and after != before
print(json.dumps(said))
"""


def may_mount() -> bool:
    """Whether a child may have a name space of its own and mount in it."""
    if shutil.which("unshare") is None or sys.platform != "linux":
        return False
    command = ["unshare", "-rm", "sh", "-c", "mount -t tmpfs -o size=1m tmpfs /mnt"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not may_mount(), reason="no disk can be mounted here")


def with_fault(forum: SmallForum, fault: str) -> dict[str, Any]:
    """Build before, during and after a fault of the disk; give what each build said."""
    command = ["unshare", "-rm", sys.executable, "-c", INSIDE, str(ROOT), str(forum.folder), fault]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert 0 == done.returncode, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@pytest.mark.parametrize("left", [0, 100_000, 500_000])
def test_a_full_disk(left: int, forum: SmallForum) -> None:
    """Store, staging and site on a disk with so many bytes left: the site stands, and later the run goes on."""
    said = with_fault(forum, str(left))
    assert (0, 0, 0, True) == (*(said[night]["code"] for night in ("first", "third", "clean")), said["same"])
    second = said["second"]
    assert second["code"] in ({3} if left == 0 else {0, 3}), second["said"]
    if second["code"] == 3:
        assert said["stands"]
        assert "full" in second["said"] or "No space left" in second["said"]
        assert "internal fault" not in second["said"]


def test_a_read_only_target(forum: SmallForum) -> None:
    """The message says how to mend it; the site stands; writable again, the run goes on."""
    said = with_fault(forum, "site")
    assert (0, 3, 0, True, True) == (
        said["first"]["code"],
        said["second"]["code"],
        said["third"]["code"],
        said["stands"],
        said["same"],
    )
    assert "mount it writable" in said["second"]["said"]


def test_a_read_only_project(forum: SmallForum) -> None:
    """Nothing can be harvested or kept: exit 3, naming the folder that has to be written."""
    said = with_fault(forum, "project")
    assert (0, 3, 0, True, True) == (
        said["first"]["code"],
        said["second"]["code"],
        said["third"]["code"],
        said["stands"],
        said["same"],
    )
    assert "kbgen needs to write in" in said["second"]["said"]


def test_a_file_may_not_grow(forum: SmallForum, tmp_path: Path) -> None:
    """A limit of the user's (``ulimit -f``), as a quota answers: the site stands, and without the limit all is made."""
    command = [sys.executable, "-m", "kbgen", "-C", str(forum.folder), "--json", "build", "--jobs", "1"]
    env = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    limit = "import resource, signal, runpy, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    limit += "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)); sys.argv[0] = 'kbgen'; "
    limit += "runpy.run_module('kbgen', run_name='__main__')"
    first = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert 0 == first.returncode, first.stderr
    before = forum.tree()
    file = forum.recordings / "2.json"
    file.write_text(file.read_text().replace("settles number 2", "settles two" + " and more" * 9000), encoding="utf-8")
    limited = [sys.executable, "-c", limit, *command[3:]]
    second = subprocess.run(limited, env=env, capture_output=True, text=True, check=False)
    assert (3, before) == (second.returncode, forum.tree()), second.stderr
    assert "internal fault" not in second.stderr
    third = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert 0 == third.returncode, third.stderr
    assert before != forum.tree()
