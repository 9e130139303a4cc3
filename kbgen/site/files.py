"""Files below a site folder: copying a tree by hard links, writing without going through them, removing.

Every failure of the file system becomes ``NotPublished`` with the file, the reason and what to do. Not here:
which folder is live and when that changes (``site.publish``).
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from kbgen.errors import NotPublished
from kbgen.executor import chunks

# What link(2) answers where a hard link cannot be made but a copy can.
_NO_LINK = {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EACCES}
_HINTS = {
    errno.ENOSPC: "make room on the disk",
    errno.EDQUOT: "make room in the quota",
    errno.EROFS: "mount it writable, or choose another --site-dir",
    errno.EACCES: "give this user the right to write there, or choose another --site-dir",
    errno.EPERM: "give this user the right to write there, or choose another --site-dir",
    errno.EBUSY: "a mounted folder cannot be exchanged: mount the folder above it",
    errno.EXDEV: "a mounted folder cannot be exchanged: mount the folder above it",
}

Link = Callable[[str, str], None]
Inodes = Mapping[str, int | None]
"""Files, relative to a folder, with their inodes; None for one that is not there (``inodes_of``)."""
# Measured: with four at work it takes less than half of the time, with more hardly less.
_AT_ONCE, _TOGETHER = 4, 50
# No file has this inode number (0 marks free entries of a folder, readdir(3)).
_FOLDER = 0


@contextmanager
def saying_what_to_do(path: Path, doing: str) -> Iterator[None]:
    """Turn an error of the file system into one for people.

    Args:
        path: what is worked on, when the error does not say.
        doing: what failed, such as ``writing``.

    Raises:
        NotPublished: instead of any ``OSError`` of the block.
    """
    try:
        yield
    except OSError as error:
        raise explained(error, path, doing) from error


def explained(error: OSError, path: Path, doing: str) -> NotPublished:
    """An error of the file system in words for people; arguments as for ``saying_what_to_do``."""
    place = error.filename if isinstance(error.filename, str) else str(path)
    hint = _HINTS.get(error.errno or 0, "mend that and run again")
    return NotPublished(f"{place}: {doing} failed: {error.strerror or error}; {hint}. The last good site stands")


def copy_tree(source: Path, target: Path, *, files: Inodes | None = None, settled: int = 0) -> None:
    """Make ``target`` an exact copy of a tree, by hard links, or byte by byte where links cannot be made.

    What is in ``target`` already and is the same file as in ``source`` is not touched, so bringing last night's
    copy in line costs what changed. Symbolic links stay links.

    Args:
        source: a folder; when it is missing the copy is an empty folder.
        target: anything in it that ``source`` does not have is removed.
        files: copy these only (``inodes_of``); None for all.
        settled: see ``mirror``.

    Raises:
        NotPublished: the file system says no.
    """
    with saying_what_to_do(target, "copying the last good site"):
        target.mkdir(parents=True, exist_ok=True)
        mirror(source, target, files=files if source.exists() else {}, link=link_or_copy, settled=settled)


def link_file(source: str, target: str) -> None:
    """A hard link to a file, or to a symbolic link itself."""
    os.link(source, target, follow_symlinks=False)


def link_or_copy(source: str, target: str) -> None:
    """A hard link where one can be made, else a copy."""
    try:
        link_file(source, target)
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        shutil.copy2(source, target, follow_symlinks=False)


def mirror(
    source: Path,
    target: Path,
    *,
    files: Inodes | None = None,
    link: Link = link_file,
    settled: int = 0,
    stamp: int | None = None,
) -> None:
    """Make ``target`` a copy of ``source``, touching only what is not one already.

    Args:
        source: a folder; it may be missing when ``files`` is empty.
        target: a folder, with anything in it.
        files: take these only (``inodes_of``); None for all.
        link: makes one file of the copy.
        settled: nanoseconds since the epoch. A folder of ``target`` into which no name came and of which none went
            since then (its modification time tells) had none besides ``files``: it need not be read.
        stamp: nanoseconds since the epoch, the modification time of folders that are made; None for their own.

    Raises:
        OSError: of the file system.
    """
    # Inode numbers name files on one device only.
    one_device = source.exists() and source.stat().st_dev == target.stat().st_dev
    known, incomplete = (None, frozenset[str]()) if files is None else _known(files)
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        here = _inodes(f"{source}/{folder}") if known is None else known.pop(folder)
        since = settled if known is not None and folder not in incomplete else 0
        there = _inodes_by_name(f"{target}/{folder}", here, since)
        waiting += [f"{folder}{name}/" for name, inode in here.items() if inode == _FOLDER]
        # So it is in nearly every folder of a hundred thousand.
        if one_device and here == there:
            continue
        same = {name for name, inode in here.items() if there.get(name) == inode and (one_device or inode == _FOLDER)}
        for name in there.keys() - same:
            _remove(f"{target}/{folder}{name}", is_folder=there[name] == _FOLDER)
        for name, inode in here.items():
            if name not in same and inode == _FOLDER:
                os.mkdir(f"{target}/{folder}{name}")  # noqa: PTH102 - a hundred thousand times
            elif name not in same:
                link(f"{source}/{folder}{name}", f"{target}/{folder}{name}")
        if stamp is not None:
            os.utime(f"{target}/{folder}", ns=(stamp, stamp))


def inodes_of(root: Path, files: Iterable[str]) -> dict[str, int | None]:
    """The inodes of some files below a folder, or of links to files; None where none is."""
    start = f"{root}/"
    return {file: _inode(start + file) for file in files}


def _known(files: Inodes) -> tuple[dict[str, dict[str, int]], frozenset[str]]:
    """What ``_inodes`` would say of each folder, were nothing there but some files; asked of them, not of folders.

    Also the folders in which, or below which, one of the files is missing.
    """
    folders, incomplete = {"": dict[str, int]()}, set[str]()
    for file, inode in files.items():
        folder, _, name = file.rpartition("/")
        if inode is None:
            incomplete.update(_with_those_above(folder))
        else:
            _within(folders, folder)[name] = inode
    return folders, frozenset(incomplete)


def _inode(file: str) -> int | None:
    """The inode of a file, or of a link to one; None where none is, as ``isfile`` has it."""
    try:
        found = os.lstat(file)
    except OSError:
        return None
    return found.st_ino if stat.S_ISREG(found.st_mode) or os.path.isfile(file) else None  # noqa: PTH113


def _with_those_above(folder: str) -> Iterator[str]:
    while folder:
        yield f"{folder}/"
        folder = folder.rpartition("/")[0]
    yield ""


def _within(folders: dict[str, dict[str, int]], folder: str) -> dict[str, int]:
    """The names in a folder, which is made known to those above it."""
    key = f"{folder}/" if folder else ""
    if key not in folders:
        above, _, name = folder.rpartition("/")
        _within(folders, above)[name] = _FOLDER
        folders[key] = {}
    return folders[key]


def mend(source: Path, target: Path, fresh: Iterable[str], gone: Iterable[str]) -> None:
    """Make ``target`` the copy of ``source`` that ``mirror`` makes, by what is known to be different.

    Names at the top that start with a dot are looked at all the same.

    Args:
        source: a folder.
        target: a folder on the same device.
        fresh: files that are others in ``source`` than in ``target``, or are in ``source`` only; relative to it.
        gone: files that are in ``target`` only.

    Raises:
        OSError: of the file system; ``target`` is no copy.
        NotPublished: a file of ``gone`` could not be removed.
    """
    remove_files(target, gone)
    _at_once(lambda file: _relink(f"{source}/{file}", f"{target}/{file}"), fresh)
    here, there = ({one.name for one in Path(top).iterdir() if one.name.startswith(".")} for top in (source, target))
    for name in there - here:
        _remove(f"{target}/{name}", is_folder=_is_folder(f"{target}/{name}"))
    for name in here:
        if not _is_folder(f"{source}/{name}"):
            _relink(f"{source}/{name}", f"{target}/{name}")
        else:
            (target / name).mkdir(exist_ok=True)
            mirror(source / name, target / name)


def _at_once(act: Callable[[str], None], files: Iterable[str]) -> None:
    """Act on files in several threads: the kernel is waited for, which frees what was in them."""

    def on_some(some: Iterable[str]) -> None:
        for file in some:
            act(file)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        deque(pool.map(on_some, chunks(tuple(files), _TOGETHER)), maxlen=0)


def _relink(source: str, target: str) -> None:
    try:
        os.unlink(target)  # noqa: PTH108
    except FileNotFoundError:
        _make_folder(os.path.dirname(target))  # noqa: PTH120
    link_file(source, target)


def _is_folder(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)  # noqa: PTH112, PTH114


def _inodes(folder: str) -> dict[str, int]:
    """Names in a folder to the inodes of files; those of folders say nothing."""
    with os.scandir(folder) as entries:
        return {entry.name: _FOLDER if entry.is_dir(follow_symlinks=False) else entry.inode() for entry in entries}


def _inodes_by_name(folder: str, names: Mapping[str, int], settled: int) -> dict[str, int]:
    """``_inodes`` of a folder, asked of the names that should be in it where none came and none went since a time."""
    if settled and os.stat(folder).st_mtime_ns < settled:  # noqa: PTH116 - a hundred thousand times
        with suppress(FileNotFoundError):
            # A folder is found when its own turn comes.
            return {name: inode and os.lstat(folder + name).st_ino for name, inode in names.items()}
    return _inodes(folder)


def _remove(path: str, *, is_folder: bool) -> None:
    if is_folder:
        shutil.rmtree(path)
    else:
        os.unlink(path)  # noqa: PTH108 - a hundred thousand times


def write_file(root: Path, rel: str, data: bytes) -> None:
    """Write a file below ``root``, making its folders; a hard link elsewhere keeps its old content.

    Raises:
        NotPublished: ``rel`` leaves ``root``, or the file system says no.
    """
    _refuse_outside(rel)
    path = f"{os.fspath(root)}/{rel}"
    with saying_what_to_do(Path(path), "writing"):
        try:
            _create(path, data)
        except FileNotFoundError:
            _make_folder(os.path.dirname(path))  # noqa: PTH120
            _create(path, data)
        except FileExistsError:
            fresh = f"{os.path.dirname(path)}/.{os.getpid()}.new"  # noqa: PTH120
            _create(fresh, data)
            os.replace(fresh, path)  # noqa: PTH105


def _make_folder(path: str) -> None:
    # Nearly always one level is missing; makedirs asks about every level above first.
    try:
        os.mkdir(path)  # noqa: PTH102 - a hundred thousand times
    except FileNotFoundError:
        os.makedirs(path, exist_ok=True)  # noqa: PTH103
    except FileExistsError:
        pass  # another worker made it


def _create(path: str, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with open(descriptor, "wb", buffering=0) as file:  # noqa: PTH123 - opened above, exclusively
            view = memoryview(data)
            while view:
                view = view[file.write(view) :]
    except OSError:
        os.unlink(path)  # noqa: PTH108
        raise


def remove_file(root: Path, rel: str) -> None:
    """Remove a file below ``root``, if it is there, and the folders it leaves empty.

    Raises:
        NotPublished: ``rel`` leaves ``root``, or the file system says no.
    """
    _refuse_outside(rel)
    top = os.fspath(root)
    path = f"{top}/{rel}"
    with saying_what_to_do(Path(path), "removing"):
        with suppress(FileNotFoundError):
            os.unlink(path)  # noqa: PTH108 - thousands of times a night
        folder = os.path.dirname(path)  # noqa: PTH120
        while folder != top and _remove_if_empty(folder):
            folder = os.path.dirname(folder)  # noqa: PTH120


def remove_files(root: Path, files: Iterable[str]) -> None:
    """``remove_file`` for many.

    Raises:
        NotPublished: one of them leaves ``root``, or the file system says no.
    """
    _at_once(partial(remove_file, root), files)


def _remove_if_empty(folder: str) -> bool:
    try:
        os.rmdir(folder)  # noqa: PTH106
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno in {errno.ENOTEMPTY, errno.EEXIST}:
            return False
        raise
    return True


def _refuse_outside(rel: str) -> None:
    if not rel or "\\" in rel or "\0" in rel or {"", ".", ".."} & set(rel.split("/")):
        raise NotPublished(f"{rel!r} is not a file below the site folder; nothing was written")
