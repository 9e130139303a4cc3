"""``kbgen init``: the skeleton of a new knowledge base, copied into a new or empty folder. Nothing is ever overwritten.

The files are in ``skeleton/``, as they will be but for the dot of hidden ones, which packaging tools pass over.
"""

from __future__ import annotations

from pathlib import Path

from kbgen.errors import UsageError

SKELETON = Path(__file__).parent / "skeleton"
_HIDDEN = frozenset({"gitignore", "gitkeep"})
# A folder that was made with `git init` or `git clone` holds nothing of its owner's yet.
_NOT_IN_THE_WAY = frozenset({".git"})


def initialise(folder: Path) -> tuple[str, ...]:
    """Write the skeleton.

    Args:
        folder: a new or empty folder; one with nothing but ``.git`` counts as empty.

    Returns:
        The files written, relative to the folder, with slashes.

    Raises:
        UsageError: something is in the way, or the folder cannot be written.
    """
    try:
        _refuse_used(folder)
        return tuple(_copy(source, folder) for source in sorted(SKELETON.rglob("*")) if source.is_file())
    except OSError as error:
        place = error.filename or folder
        raise UsageError(f"{place}: {error.strerror or error}; name a folder that can be written") from error


def _refuse_used(folder: Path) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UsageError(f"{folder}: is a file; name a new or empty folder")
    found = sorted(entry.name for entry in folder.iterdir() if entry.name not in _NOT_IN_THE_WAY)
    if found:
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        raise UsageError(f"{folder}: holds {', '.join(found[:3])}{more} already; name a new or empty folder")


def _copy(source: Path, folder: Path) -> str:
    relative = source.relative_to(SKELETON)
    target = relative.with_name(f".{relative.name}") if relative.name in _HIDDEN else relative
    (folder / target).parent.mkdir(parents=True, exist_ok=True)
    with (folder / target).open("xb") as file:
        file.write(source.read_bytes())
    return target.as_posix()
