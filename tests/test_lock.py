"""The run lock, with real processes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kbgen.errors import LockHeld, StoreError
from kbgen.lock import LOCK_FILE, run_lock

HOLD = """
import sys, time
from pathlib import Path
from kbgen.lock import run_lock
with run_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""
# The forked child outlives its parent, as a worker of a killed run does. It says itself that it is there: its
# parent can be killed before the child has run at all.
HOLD_AND_FORK = """
import os, sys, time
from pathlib import Path
from kbgen.lock import run_lock
with run_lock(Path(sys.argv[1])):
    child = os.fork()
    if child == 0:
        print(os.getpid(), flush=True)
        os.close(1)
        time.sleep(60)
        os._exit(0)
    time.sleep(60)
"""


def start(program: str, folder: Path) -> tuple[subprocess.Popen[str], str]:
    """Run a program that prints one line when it holds the lock."""
    process = subprocess.Popen([sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def kill(process: subprocess.Popen[str]) -> None:
    """End a process as the kernel does when memory is short."""
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=10)
    assert process.stdout is not None
    process.stdout.close()


def test_the_lock_names_its_holder_in_the_file(tmp_path: Path) -> None:
    """Process id and start are there for people while the run is at work, and gone after it."""
    with run_lock(tmp_path):
        holder = json.loads((tmp_path / LOCK_FILE).read_text())
        assert (holder["pid"], sorted(holder)) == (os.getpid(), ["pid", "start"])
    assert (tmp_path / LOCK_FILE).read_text() == ""


def test_a_missing_project_folder_is_made(tmp_path: Path) -> None:
    """The first run of a project has no .kbgen folder yet."""
    with run_lock(tmp_path / "new" / "project"):
        assert (tmp_path / "new" / "project" / LOCK_FILE).exists()


def test_a_second_run_is_refused_and_told_who_is_at_work(tmp_path: Path) -> None:
    """Another process holds the lock: the message has its process id."""
    process, _ = start(HOLD, tmp_path)
    try:
        with pytest.raises(LockHeld, match=f"process {process.pid}, since 20"), run_lock(tmp_path):
            pass
    finally:
        kill(process)


def test_a_second_lock_in_the_same_process_is_refused(tmp_path: Path) -> None:
    """The lock belongs to the run, not to the process."""
    with run_lock(tmp_path), pytest.raises(LockHeld, match=str(os.getpid())), run_lock(tmp_path):
        pass


def test_the_lock_is_free_after_its_holder_was_killed(tmp_path: Path) -> None:
    """Nothing has to be tidied up by hand after kill -9."""
    process, _ = start(HOLD, tmp_path)
    kill(process)
    with run_lock(tmp_path):
        assert json.loads((tmp_path / LOCK_FILE).read_text())["pid"] == os.getpid()


def test_a_worker_that_outlives_a_killed_run_does_not_hold_the_lock(tmp_path: Path) -> None:
    """Forked children do not keep the project locked."""
    process, child = start(HOLD_AND_FORK, tmp_path)
    kill(process)
    try:
        os.kill(int(child), 0)
        with run_lock(tmp_path):
            pass
    finally:
        os.kill(int(child), signal.SIGKILL)


def test_the_lock_is_free_after_an_error_in_the_block(tmp_path: Path) -> None:
    """A run that fails leaves the next one a free lock."""
    with pytest.raises(KeyError), run_lock(tmp_path):
        raise KeyError
    with run_lock(tmp_path):
        pass


def test_a_lock_without_a_name_in_it_is_still_held(tmp_path: Path) -> None:
    """The moment between taking the lock and writing the name is covered."""
    with run_lock(tmp_path):
        (tmp_path / LOCK_FILE).write_text("")
        with pytest.raises(LockHeld, match="another run is at work"), run_lock(tmp_path):
            pass


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The message says which file could not be made."""
    (tmp_path / ".kbgen").write_text("in the way")
    with pytest.raises(StoreError, match=r"\.kbgen/lock: .*; kbgen needs to write in"), run_lock(tmp_path):
        pass
