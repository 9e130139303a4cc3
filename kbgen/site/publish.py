"""The site folder: built beside, exchanged in one step, never half, never empty.

Beside ``site`` lie, on the same file system: ``.site.staging``, where the next site is built; ``.site.spare``, a
hard-link copy of the live site that becomes the next staging folder, so that a night with little change makes and
removes few files; and, during a switch without help of the kernel, ``.site.previous``. The spare copy holds the very
files of the live site: nothing that was withdrawn stays in it. Not here: what is written (``write_file`` never goes
through a link), and whether it is good (``site.check``).
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from os.path import samestat
from pathlib import Path

from msgspec import Struct

from kbgen.config import Config
from kbgen.errors import GuardTripped, NotPublished
from kbgen.model import Library, split_ref
from kbgen.site.files import Inodes, copy_tree, link_or_copy, mend, mirror, remove_file, saying_what_to_do, write_file
from kbgen.site.manifest import MANIFEST, Manifest, ManifestLines, ManifestPage

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
# What a kernel or a file system without RENAME_EXCHANGE answers (renameat2(2)).
_NO_EXCHANGE = {errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP}


__all__ = [
    "Moved",
    "claim",
    "clone_tree",
    "guard",
    "put_back",
    "recover",
    "remove_file",
    "retire",
    "staging_of",
    "switch",
    "write_file",
]


def staging_of(site: Path) -> Path:
    """Where the next site is built: ``.<name>.staging`` beside the site folder (behind a link, beside its target)."""
    return _beside(site, "staging")


def _beside(site: Path, what: str) -> Path:
    target = site.resolve()
    return target.with_name(f".{target.name}.{what}")


def clone_tree(site: Path, staging: Path, *, files: Inodes | None = None) -> None:
    """Make the staging folder a hard-link copy of the live site; a copy where links cannot be made.

    Args:
        site: the live site; when it is missing the copy is an empty folder.
        staging: brought in line with the live site when it is there, else made of the spare copy, else made.
        files: copy these only (``inodes_of``); None for all.

    Raises:
        NotPublished: the file system says no.
    """
    spare, settled = _beside(site, "spare"), 0
    with saying_what_to_do(staging, "copying the last good site"):
        if spare.exists() and not staging.exists():
            settled = _settled(spare, site)
            spare.rename(staging)
    copy_tree(site, staging, files=files, settled=settled)


def _settled(spare: Path, site: Path) -> int:
    """Since when names that came into a spare copy, or went, are none of ours; 0 when that is not known.

    ``retire`` left it as the copy's own time of modification. What is done at its top after that moves it on.
    """
    time = spare.stat().st_mtime_ns
    try:
        newest = (site / MANIFEST).stat().st_mtime_ns
    except FileNotFoundError:
        return 0
    return time if time <= newest else 0


def claim(site: Path) -> None:
    """Make sure the site folder is kbgen's to replace.

    Raises:
        NotPublished: it holds files, and none of them is a kbgen manifest. They are left alone.
    """
    if not (site.exists() or site.is_symlink()):
        return
    if not site.is_dir():
        raise NotPublished(f"{site}: is not a folder; move it away or choose another --site-dir")
    with saying_what_to_do(site, "reading it"):
        foreign = [entry.name for entry in os.scandir(site) if not entry.name.startswith(".")]
    if foreign and MANIFEST not in foreign:
        shown = ", ".join(sorted(foreign)[:3])
        raise NotPublished(
            f"{site}: holds files kbgen did not make ({shown}) and no {MANIFEST}; "
            "empty it yourself or choose another --site-dir; `kbgen adopt` brings the manifest of a live site back"
        )


def recover(site: Path) -> None:
    """Repair what a killed switch left: the last good site comes back, the one it replaced goes.

    A staging folder stays: it may be a finished one that waits to be published.

    Raises:
        NotPublished: the file system says no.
    """
    target, previous = site.resolve(), _beside(site, "previous")
    with saying_what_to_do(target, "repairing the last run"):
        if previous.exists() and not target.exists():
            previous.rename(target)
    if previous.exists():
        retire(site)


def switch(staging: Path, site: Path) -> None:
    """Put the staging folder in the site folder's place; at every moment one of the two is there whole.

    Names at the site's top that start with a dot (``.git``, ``.well-known``) are the operator's: they are carried
    over. The site that was replaced stays beside until ``retire``.

    Args:
        staging: ``staging_of(site)``, complete, with its manifest.
        site: made by kbgen, empty or absent; a symbolic link stays, its target is exchanged.

    Raises:
        NotPublished: the site folder is not kbgen's, or the file system says no; the last good site stands.
    """
    claim(site)
    target, previous = site.resolve(), _beside(site, "previous")
    with saying_what_to_do(staging / MANIFEST, "publishing"):
        _sync(staging / MANIFEST)
    with saying_what_to_do(target, "publishing"):
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            staging.rename(target)
        else:
            _carry_over(target, staging)
            shutil.copymode(target, staging)
            if previous.exists():
                shutil.rmtree(previous)
            if _exchange(staging, target):
                # At once, so that the old site is never taken for a staging one.
                staging.rename(previous)
            else:
                _dance(staging, target, previous)
        _sync(target.parent)


class Moved(Struct, frozen=True):
    """How a site differs from the one it was built upon.

    Attributes:
        fresh: files that are new, or not the same file; relative to the site.
        gone: files that are no more.
    """

    fresh: tuple[str, ...]
    gone: tuple[str, ...]


def retire(site: Path, moved: Moved | None = None, *, first: bool = False) -> None:
    """Turn the site that was replaced into the spare copy of the one that is live now.

    Nothing waits for it: a run that is killed meanwhile leaves the rest to the next one, which compares all files. So
    does the next ``clone_tree``, and it reads every folder that was touched since the replaced site was made: nothing
    anybody did to either comes into the site that is built in the copy.

    Args:
        site: the live site.
        moved: what makes it differ from the one that was replaced; None compares all files.
        first: make a copy of a site that replaced none, too; else the next run makes it when it needs it.
    """
    target, previous, spare = site.resolve(), _beside(site, "previous"), _beside(site, "spare")
    if not (previous.exists() or first):
        return
    try:
        if spare.exists():
            shutil.rmtree(spare)
        if previous.exists():
            made = (previous / MANIFEST).stat().st_mtime_ns
            _level(target, previous, moved)
        else:
            made = (target / MANIFEST).stat().st_mtime_ns
            previous.mkdir()
            # Older than the copy says it is: nobody has touched them.
            mirror(target, previous, stamp=made - 1)
        os.utime(previous, ns=(made, made))
        previous.rename(spare)
    except OSError:
        # The new site is live and needs no spare; what cannot be removed now goes with the next switch.
        shutil.rmtree(previous, ignore_errors=True)


def put_back(site: Path) -> None:
    """Turn a staging folder that was begun and into which nothing was written into the spare copy it was made of.

    Without it the next run would find a staging folder whose history nobody knows, and read every folder of it.

    Args:
        site: the live site; a staging folder that is no copy of it by hard links stays as it is.
    """
    staging, spare = staging_of(site), _beside(site, "spare")
    with suppress(OSError):
        live = (site / MANIFEST).stat()
        if samestat(live, (staging / MANIFEST).stat()):
            os.utime(staging, ns=(live.st_mtime_ns, live.st_mtime_ns))
            staging.rename(spare)


def _level(site: Path, previous: Path, moved: Moved | None) -> None:
    if moved is not None:
        try:
            mend(site, previous, moved.fresh, moved.gone)
        except (OSError, NotPublished):
            pass  # not the site that was built upon
        else:
            return
    mirror(site, previous)


def _carry_over(site: Path, staging: Path) -> None:
    own = [entry for entry in site.iterdir() if entry.name.startswith(".") and not (staging / entry.name).exists()]
    for entry in own:
        if entry.is_dir() and not entry.is_symlink():
            copy_tree(entry, staging / entry.name)
        else:
            link_or_copy(str(entry), str(staging / entry.name))


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


def guard(before: ManifestLines, was: Manifest, library: Library, config: Config) -> None:
    """Refuse a run in which more than ``guard.max_vanish`` of the published answers and articles would vanish.

    A page is still there when its path is, or when the path redirects to an answer, an article or another site;
    one that redirects to a listing or the home page has vanished like one that is gone.

    Args:
        before: the live site's.
        was: what it says and the manifest of the site to be does not.
        library: the site to be.
        config: for ``guard.max_vanish`` and ``guard.min_pages``.

    Raises:
        GuardTripped: with the counts by source, and what to do.
    """
    counts = Counter(before.kinds.values())
    published = counts["entry"] + counts["article"]
    vanished = [page for page in _counted(was) if not _survives(page.path, library)]
    if published < config.guard.min_pages or len(vanished) <= config.guard.max_vanish * published:
        return
    lost, all_of = Counter(map(_source, vanished)), Counter(map(_source, _counted(before.whole())))
    by_source = ", ".join(f"{source}: {lost[source]} of {all_of[source]}" for source in sorted(lost))
    share = len(vanished) / published
    raise GuardTripped(
        f"{len(vanished)} of {published} published pages ({share:.0%}) would vanish, more than guard.max_vanish "
        f"allows ({config.guard.max_vanish:.0%}); by source: {by_source}. If a source was down or misread, mend it and "
        "run again; if they are meant to go, run `kbgen build --allow-vanish`. The last good site stands"
    )


def _counted(manifest: Manifest) -> list[ManifestPage]:
    return [page for page in manifest.pages.values() if page.kind in {"entry", "article"}]


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
