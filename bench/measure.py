"""Child processes timed and weighed: wall clock, CPU, and the memory of a whole process tree.

Linux: memory is read from ``/proc``. Elsewhere it is None, never guessed.
"""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from bench.errors import BenchError

_PROC = Path("/proc")
_INTERVAL = 0.2
# Weighing a process takes some milliseconds, for which it waits: five times a second were 4 % of a build.
_WEIGHED_EVERY = 5
_TIMEOUT = 3600
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Timing:
    """What one child came to.

    Attributes:
        wall: seconds from start to end.
        cpu: seconds of all its processes, user and system.
        peak: highest sum of its processes' proportional set sizes, in bytes; None where ``/proc`` tells none.
    """

    wall: float
    cpu: float
    peak: int | None
    out: str
    err: str
    code: int


@dataclass(frozen=True)
class _Process:
    """A line of ``/proc/<pid>/stat`` (proc_pid_stat(5)).

    Attributes:
        key: pid and start time, which together never repeat.
        cpu: seconds, its waited-for children left out.
    """

    key: tuple[int, int]
    parent: int
    session: int
    cpu: float


class TreeSampler:
    """Watches a process and everything that descends from it.

    Args:
        pid: of the process, best the leader of a session: then orphans are counted, too.
        memory: read memory, not CPU time alone.
    """

    def __init__(self, pid: int, *, memory: bool = True) -> None:
        self.pid = pid
        self.memory = memory
        self.peak: int | None = None
        self._cpu: dict[tuple[int, int], float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    @property
    def cpu(self) -> float:
        """Seconds all processes had used when each was last seen."""
        return sum(self._cpu.values())

    def start(self) -> None:
        """Begin to sample: CPU time every 0.2 s, memory every second."""
        self._thread.start()

    def stop(self) -> None:
        """Stop sampling."""
        self._stop.set()
        self._thread.join()

    def sample(self, *, memory: bool = True) -> int | None:
        """Look once; the tree's memory in bytes, None when it is not asked for or nothing can be read."""
        tree = _tree(self.pid)
        self._cpu.update((process.key, process.cpu) for process in tree)
        if not (memory and self.memory):
            return None
        sizes = [size for process in tree if (size := _proportional(process.key[0])) is not None]
        if not sizes:
            return None
        self.peak = max(self.peak or 0, sum(sizes))
        return sum(sizes)

    def _watch(self) -> None:
        for number in count():
            self.sample(memory=number % _WEIGHED_EVERY == 0)
            if self._stop.wait(_INTERVAL):
                return


def _tree(root: int) -> list[_Process]:
    processes = list(_processes())
    found = {root}
    grown = True
    while grown:
        more = {one.key[0] for one in processes if one.parent in found or one.session in found}
        grown = not more <= found
        found |= more
    return [one for one in processes if one.key[0] in found]


def _processes() -> list[_Process]:
    if not _PROC.is_dir():
        return []
    found = []
    for folder in _PROC.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            text = (folder / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:  # it has ended
            continue
        # The name, in brackets, may hold anything; the third field follows the last bracket.
        fields = text[text.rindex(")") + 2 :].split()
        cpu = (int(fields[11]) + int(fields[12])) / _TICKS
        found.append(_Process((int(folder.name), int(fields[19])), int(fields[1]), int(fields[3]), cpu))
    return found


def _proportional(pid: int) -> int | None:
    """Proportional set size in bytes (proc_pid_smaps(5)): pages shared by n processes count 1/n each."""
    try:
        text = (_PROC / str(pid) / "smaps_rollup").read_text(encoding="utf-8")
    except OSError:  # it has ended
        return None
    line = next((line for line in text.splitlines() if line.startswith("Pss:")), None)
    return None if line is None else int(line.split()[1]) * 1024


def run(
    command: Sequence[str], *, folder: Path, environment: Mapping[str, str] | None = None, memory: bool = False
) -> Timing:
    """Run a child to its end.

    Args:
        command: program and arguments.
        folder: its working directory.
        environment: added to this process's own.
        memory: sample the tree's memory; costs the child a little time.

    Raises:
        BenchError: the program cannot be started, or takes longer than an hour.
    """
    # What others wrote, half a gigabyte of recorded topics among it, would be carried to the disk beside the child.
    os.sync()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    # Files, not pipes: whoever samples must not also have to drain.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            child = subprocess.Popen(
                command,
                cwd=folder,
                stdout=out,
                stderr=err,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        except OSError as error:
            raise BenchError(f"{command[0]} cannot be started: {error.strerror}") from error
        sampler = TreeSampler(child.pid, memory=memory)
        sampler.start()
        try:
            code = child.wait(_TIMEOUT)
        except subprocess.TimeoutExpired as error:
            child.kill()
            child.wait()
            raise BenchError(f"{' '.join(command)} did not end within an hour and was stopped") from error
        finally:
            wall = time.perf_counter() - started
            sampler.stop()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        waited = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        texts = [_text(file.fileno()) for file in (out, err)]
    # Workers whose parent ended first are never waited for; those that live under 0.2 s are never sampled.
    return Timing(wall, max(waited, sampler.cpu), sampler.peak, texts[0], texts[1], code)


def _text(number: int) -> str:
    size = os.fstat(number).st_size
    return os.pread(number, size, 0).decode("utf-8", errors="replace")


def set_aside(folder: Path, *names: str) -> None:
    """Move what earlier builds left in a folder out of the way, to a new folder beside it.

    It is not removed: some file systems are slow to make files where many were removed just now.
    """
    there = [folder / name for name in names if (folder / name).exists()]
    if there:
        aside = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
        for one in there:
            one.rename(aside / one.name)


Snapshot = Mapping[str, tuple[int, int, int]]
"""File to inode, modification time in nanoseconds and size."""


def snapshot(folder: Path) -> Snapshot:
    """The state of every file below a folder."""
    found = {}
    for file in folder.rglob("*"):
        if file.is_file():
            stat = file.stat()
            found[file.relative_to(folder).as_posix()] = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
    return found


def moved(before: Snapshot, after: Snapshot) -> int:
    """How many files were written, replaced or removed between two snapshots."""
    return sum(before.get(name) != after.get(name) for name in before.keys() | after.keys())
