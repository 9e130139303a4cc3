"""``kbgen init``: the skeleton of a new knowledge base, copied into a new or empty folder. Nothing is ever overwritten.

The files are in ``skeleton/``, as they will be but for the dot of hidden ones, which packaging tools pass over. What
runs it every night is in ``nightly/``, a folder for each kind of machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from kbgen.errors import UsageError

SKELETON = Path(__file__).parent / "skeleton"
NIGHTLY = Path(__file__).parent / "nightly"
_HIDDEN = frozenset({"gitignore", "gitkeep", "github", "gitlab-ci.yml"})
Done = TypeVar("Done")
# A folder that was made with `git init` or `git clone` holds nothing of its owner's yet.
_NOT_IN_THE_WAY = frozenset({".git"})


def initialise(folder: Path, ci: Sequence[str] = ()) -> tuple[str, ...]:
    """Write the skeleton.

    Args:
        folder: a new or empty folder; one with nothing but ``.git`` counts as empty.
        ci: what runs it every night, see ``kinds_of_ci``.

    Returns:
        The files written, relative to the folder, with slashes.

    Raises:
        UsageError: something is in the way, or the folder cannot be written.
    """
    roots = [SKELETON, *_roots(ci)]
    refuse_used(folder)
    return tuple(_guarded(folder, lambda: [name for root in roots for name in _copy_all(root, folder)]))


def kinds_of_ci() -> tuple[str, ...]:
    """The machines there is a ready nightly run for."""
    return tuple(sorted(entry.name for entry in NIGHTLY.iterdir() if entry.is_dir()))


def add_ci(folder: Path, ci: Sequence[str]) -> tuple[str, ...]:
    """Write the nightly run of a project that is there; nothing of it is overwritten.

    Args:
        folder: the project folder.
        ci: of ``kinds_of_ci``.

    Returns:
        The files written, relative to the folder, with slashes.

    Raises:
        UsageError: a kind is unknown, a file is there already, or the folder cannot be written.
    """
    roots = _roots(ci)
    there = [name for root in roots for name in _names(root) if (folder / name).exists()]
    if there:
        raise UsageError(f"{folder}: has {', '.join(there)} already; move that away, or leave out its --ci")
    return tuple(_guarded(folder, lambda: [name for root in roots for name in _copy_all(root, folder)]))


def _roots(ci: Sequence[str]) -> list[Path]:
    unknown = [kind for kind in ci if kind not in kinds_of_ci()]
    if unknown:
        raise UsageError(f"--ci {', '.join(unknown)}: no such kind; one or more of: {', '.join(kinds_of_ci())}")
    return [NIGHTLY / kind for kind in dict.fromkeys(ci)]


def _guarded(folder: Path, work: Callable[[], Done]) -> Done:
    try:
        return work()
    except OSError as error:
        place = error.filename or folder
        raise UsageError(f"{place}: {error.strerror or error}; name a folder that can be written") from error


def refuse_used(folder: Path) -> None:
    """Refuse a folder in which something is in the way.

    Raises:
        UsageError: it is a file, holds something, or cannot be read.
    """
    _guarded(folder, lambda: _refuse_used(folder))


def _refuse_used(folder: Path) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UsageError(f"{folder}: is a file; name a new or empty folder")
    found = sorted(entry.name for entry in folder.iterdir() if entry.name not in _NOT_IN_THE_WAY)
    if found:
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        raise UsageError(f"{folder}: holds {', '.join(found[:3])}{more} already; name a new or empty folder")


def _names(root: Path) -> list[str]:
    return [_target(source.relative_to(root)) for source in sorted(root.rglob("*")) if source.is_file()]


def _target(relative: Path) -> str:
    return "/".join(f".{part}" if part in _HIDDEN else part for part in relative.parts)


def _copy_all(root: Path, folder: Path) -> list[str]:
    return [_copy(source, folder, root) for source in sorted(root.rglob("*")) if source.is_file()]


def _copy(source: Path, folder: Path, root: Path) -> str:
    target = _target(source.relative_to(root))
    (folder / target).parent.mkdir(parents=True, exist_ok=True)
    with (folder / target).open("xb") as file:
        file.write(source.read_bytes())
    return target
