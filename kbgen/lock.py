"""One run at a time: an advisory lock on ``.kbgen/lock`` of the project.

The kernel holds the lock, so it is gone with the process, however that ends; the file itself stays and says
who holds it. Not here: the store's own locking, which lets readers in while a run is at work.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from kbgen.errors import LockHeld, StoreError

LOCK_FILE = ".kbgen/lock"

_held: set[int] = set()


def _leave_to_the_parent() -> None:
    # A forked worker shares the open file, and the kernel frees the lock only with the last copy of it: a
    # worker that outlives a killed run would keep the project locked.
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()


os.register_at_fork(after_in_child=_leave_to_the_parent)


@contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """Hold the project's lock while the block runs.

    Args:
        folder: the project folder; it and ``.kbgen/`` are made when missing.

    Raises:
        LockHeld: another run has it; the message names its process and start.
        StoreError: the lock file cannot be made.
    """
    path = folder / LOCK_FILE
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}; kbgen needs to write in {path.parent}") from error
    _held.add(descriptor)
    try:
        _take(descriptor, path)
        _write(descriptor, {"pid": os.getpid(), "start": datetime.now(UTC).isoformat(timespec="seconds")})
        yield
        _write(descriptor, {})
    finally:
        _held.discard(descriptor)
        os.close(descriptor)


def _take(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise LockHeld(f"{path}: {_holder(descriptor)} is at work here; wait until it ends, or end it") from error
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}; the file system of {path.parent} cannot lock files") from error


def _holder(descriptor: int) -> str:
    # The holder may be between taking the lock and writing its name.
    try:
        holder = json.loads(os.pread(descriptor, 4096, 0))
        return f"another run (process {int(holder['pid'])}, since {holder['start']})"
    except (ValueError, KeyError, TypeError):
        return "another run"


def _write(descriptor: int, holder: dict[str, int | str]) -> None:
    # The name is for people; the lock holds without it, on a full disk, too.
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(holder).encode() if holder else b"", 0)
