"""The site folder: built beside, exchanged in one step, never half, never empty.

The staging folder lies beside the site folder, on the same file system. It starts as a hard-link copy of the
live site, so writing must never go through a link: ``write_file`` makes a new file each time. Not here: what is
written, and whether it is good (``site.check``).
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from kbgen.config import Config
from kbgen.errors import GuardTripped, NotPublished
from kbgen.model import Library, split_ref
from kbgen.site.manifest import MANIFEST, Manifest, ManifestPage

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
# What a kernel or a file system without RENAME_EXCHANGE answers (renameat2(2)).
_NO_EXCHANGE = {errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP}
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


def staging_of(site: Path) -> Path:
    """Where the next site is built: ``.<name>.staging`` beside the site folder (behind a link, beside its target)."""
    target = site.resolve()
    return target.with_name(f".{target.name}.staging")


def _previous_of(site: Path) -> Path:
    target = site.resolve()
    return target.with_name(f".{target.name}.previous")


@contextmanager
def _saying_what_to_do(path: Path, doing: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        place = error.filename if isinstance(error.filename, str) else str(path)
        hint = _HINTS.get(error.errno or 0, "mend that and run again")
        raise NotPublished(
            f"{place}: {doing} failed: {error.strerror or error}; {hint}. The last good site stands"
        ) from error


def claim(site: Path) -> None:
    """Make sure the site folder is kbgen's to replace.

    Raises:
        NotPublished: it holds files, and none of them is a kbgen manifest. They are left alone.
    """
    if not (site.exists() or site.is_symlink()):
        return
    if not site.is_dir():
        raise NotPublished(f"{site}: is not a folder; move it away or choose another --site-dir")
    with _saying_what_to_do(site, "reading it"):
        foreign = [entry.name for entry in os.scandir(site) if not entry.name.startswith(".")]
    if foreign and MANIFEST not in foreign:
        shown = ", ".join(sorted(foreign)[:3])
        raise NotPublished(
            f"{site}: holds files kbgen did not make ({shown}) and no {MANIFEST}; "
            "empty it yourself or choose another --site-dir"
        )


def recover(site: Path) -> None:
    """Repair what a killed switch left: the last good site comes back, the one it replaced goes.

    A staging folder stays: it may be a finished one that waits to be published.

    Raises:
        NotPublished: the file system says no.
    """
    target, previous = site.resolve(), _previous_of(site)
    with _saying_what_to_do(target, "repairing the last run"):
        if previous.exists():
            if target.exists():
                _remove_tree(previous)
            else:
                previous.rename(target)


def switch(staging: Path, site: Path) -> None:
    """Put the staging folder in the site folder's place; at every moment one of the two is there whole.

    Names at the site's top that start with a dot (``.git``, ``.well-known``) are the operator's: they are carried
    over.

    Args:
        staging: ``staging_of(site)``, complete, with its manifest.
        site: made by kbgen, empty or absent; a symbolic link stays, its target is exchanged.

    Raises:
        NotPublished: the site folder is not kbgen's, or the file system says no; the last good site stands.
    """
    claim(site)
    target = site.resolve()
    with _saying_what_to_do(staging / MANIFEST, "publishing"):
        _sync(staging / MANIFEST)
    with _saying_what_to_do(target, "publishing"):
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            staging.rename(target)
        else:
            _carry_over(target, staging)
            shutil.copymode(target, staging)
            previous = _previous_of(site)
            if previous.exists():
                _remove_tree(previous)
            if _exchange(staging, target):
                # At once, so that the old site is never taken for a staging one.
                staging.rename(previous)
            else:
                _dance(staging, target, previous)
        _sync(target.parent)
    # The new site is live: what cannot be removed now goes with the next run's ``recover``.
    shutil.rmtree(_previous_of(site), ignore_errors=True)


def _carry_over(site: Path, staging: Path) -> None:
    for entry in os.scandir(site):
        mine = staging / entry.name
        if entry.name.startswith(".") and not mine.exists():
            if entry.is_dir(follow_symlinks=False):
                clone_tree(Path(entry.path), mine)
            else:
                _link(entry.path, str(mine))


def _exchange(one: Path, two: Path) -> bool:
    renameat2 = _renameat2()
    if renameat2 is None:
        return False
    if renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(two), _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _NO_EXCHANGE:
        return False
    raise OSError(number, os.strerror(number), str(two))


def _renameat2() -> Callable[..., int] | None:
    function = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if function is None:
        return None
    function.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    function.restype = ctypes.c_int
    return function  # type: ignore[no-any-return]  # ctypes knows no types


def _dance(staging: Path, site: Path, previous: Path) -> None:
    site.rename(previous)
    try:
        staging.rename(site)
    except OSError:
        previous.rename(site)
        raise


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_tree(folder: Path) -> None:
    if folder.is_symlink():
        folder.unlink()
    else:
        shutil.rmtree(folder)


def clone_tree(source: Path, target: Path, *, files: Iterable[str] | None = None) -> None:
    """Copy a tree by hard links, or byte by byte where links cannot be made; symbolic links stay links.

    Args:
        source: a folder; when it is missing the copy is an empty folder.
        target: must not exist.
        files: copy these only, relative to ``source``; None for all and the empty folders too.

    Raises:
        NotPublished: the file system says no.
    """
    with _saying_what_to_do(target, "copying the last good site"):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.mkdir()
        if files is not None:
            _clone_files(os.fspath(source), os.fspath(target), files)
        elif source.exists():
            _clone(os.fspath(source), os.fspath(target))


def _clone_files(source: str, target: str, files: Iterable[str]) -> None:
    made = {""}
    for file in files:
        folder = file.rpartition("/")[0]
        if folder not in made:
            os.makedirs(f"{target}/{folder}", exist_ok=True)  # noqa: PTH103 - a hundred thousand times
            made.add(folder)
        _link(f"{source}/{file}", f"{target}/{file}")


def _clone(source: str, target: str) -> None:
    folders = [(source, target)]
    while folders:
        here, there = folders.pop()
        with os.scandir(here) as entries:
            for entry in entries:
                copy = f"{there}/{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    os.mkdir(copy)  # noqa: PTH102
                    folders.append((entry.path, copy))
                else:
                    _link(entry.path, copy)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        shutil.copy2(source, target, follow_symlinks=False)


def write_file(root: Path, rel: str, data: bytes) -> None:
    """Write a file below ``root``, making its folders; a hard link elsewhere keeps its old content.

    Raises:
        NotPublished: ``rel`` leaves ``root``, or the file system says no.
    """
    _refuse_outside(rel)
    path = f"{os.fspath(root)}/{rel}"
    with _saying_what_to_do(Path(path), "writing"):
        try:
            _create(path, data)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120 - a hundred thousand times
            _create(path, data)
        except FileExistsError:
            fresh = f"{os.path.dirname(path)}/.{os.getpid()}.new"  # noqa: PTH120
            _create(fresh, data)
            os.replace(fresh, path)  # noqa: PTH105


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
    path = root / rel
    with _saying_what_to_do(path, "removing"):
        path.unlink(missing_ok=True)
        for folder in path.parents:
            if folder == root or not _remove_if_empty(folder):
                break


def _remove_if_empty(folder: Path) -> bool:
    try:
        folder.rmdir()
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


def guard(before: Manifest | None, library: Library, config: Config) -> None:
    """Refuse a run in which more than ``guard.max_vanish`` of the published answers and articles would vanish.

    A page is still there when its path is, or when the path redirects to an answer, an article or another site;
    one that redirects to a listing or the home page has vanished like one that is gone.

    Args:
        before: the live site; None when there is none.
        library: the site to be.
        config: for ``guard.max_vanish`` and ``guard.min_pages``.

    Raises:
        GuardTripped: with the counts by source, and what to do.
    """
    if before is None:
        return
    published = [page for page in before.pages.values() if page.kind in {"entry", "article"}]
    vanished = [page for page in published if not _survives(page.path, library)]
    if len(published) < config.guard.min_pages or len(vanished) <= config.guard.max_vanish * len(published):
        return
    lost, all_of = Counter(map(_source, vanished)), Counter(map(_source, published))
    by_source = ", ".join(f"{source}: {lost[source]} of {all_of[source]}" for source in sorted(lost))
    share = len(vanished) / len(published)
    raise GuardTripped(
        f"{len(vanished)} of {len(published)} published pages ({share:.0%}) would vanish, more than guard.max_vanish "
        f"allows ({config.guard.max_vanish:.0%}); by source: {by_source}. If a source was down or misread, mend it and "
        "run again; if they are meant to go, run `kbgen build --allow-vanish`. The last good site stands"
    )


def _survives(path: str, library: Library) -> bool:
    target: str | None = path
    if path not in library.pages:
        target = library.redirects.get(path)
        if target is None:
            return False
    page = library.pages.get(target or "")
    return page.kind in {"entry", "article"} if page else not (target or "/").startswith("/")


def _source(page: ManifestPage) -> str:
    return split_ref(page.refs[0])[0] if page.refs and ":" in page.refs[0] else "unknown"
