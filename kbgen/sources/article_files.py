"""The files of a source of articles: a folder, or a zip that is read without being unpacked.

Zips are hostile: links in them are left out, and a member larger than its cap is reported instead of read. What is
NOT here: which files are articles, and what they mean.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from kbgen.errors import RecordError, SourceError
from kbgen.sources.archives import MEMBER_CAP, folder_files
from kbgen.sources.base import stat_signature

_ENCRYPTED = 1


class ArticleFile(NamedTuple):
    """One file.

    Attributes:
        name: path below the folder, with forward slashes.
        place: for messages.
        read: gives its bytes, or raises ``RecordError``.
    """

    name: str
    place: str
    read: Callable[[], bytes]


@contextmanager
def opened_files(path: Path) -> Iterator[Iterator[ArticleFile]]:
    """The files of a folder or zip in path order; hidden ones and links are left out.

    Raises:
        SourceError: there is neither, or the zip is damaged.
    """
    if path.is_dir():
        yield (ArticleFile(name, str(file), partial(_read_file, file)) for name, file in folder_files(path))
        return
    _check(path)
    try:
        with zipfile.ZipFile(path) as archive:
            yield iter(_members(archive, path))
    except zipfile.BadZipFile as error:
        raise SourceError(f"{path}: is a damaged zip ({error}); make it again") from error


def files_signature(path: Path, wanted: Callable[[str], bool]) -> str:
    """Signature of the wanted files of a folder, or of a zip.

    Raises:
        SourceError: there is neither.
    """
    if path.is_dir():
        return stat_signature(file for name, file in folder_files(path) if wanted(name))
    _check(path)
    return stat_signature([path])


def _check(path: Path) -> None:
    if not path.is_file():
        raise SourceError(f"{path}: no such folder; check `path:`, which is relative to the project folder")
    if not zipfile.is_zipfile(path):
        raise SourceError(f"{path}: is neither a folder nor a zip; check `path:`")


def _members(archive: zipfile.ZipFile, path: Path) -> list[ArticleFile]:
    found: dict[str, ArticleFile] = {}
    for info in archive.infolist():
        parts = info.filename.split("/")
        plain = not info.is_dir() and not stat.S_ISLNK(info.external_attr >> 16)
        if plain and not any(part.startswith(".") or part == "__MACOSX" for part in parts):
            place = f"{path}:{info.filename}"
            found.setdefault(
                info.filename, ArticleFile(info.filename, place, partial(_read_member, archive, info, place))
            )
    return [found[name] for name in sorted(found)]


def _read_file(file: Path) -> bytes:
    try:
        if file.stat().st_size > MEMBER_CAP:
            raise _too_large(str(file))
        return file.read_bytes()
    except OSError as error:
        raise RecordError(str(file), f"cannot be read: {error.strerror or error}") from error


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, place: str) -> bytes:
    if info.flag_bits & _ENCRYPTED:
        raise RecordError(place, "is encrypted; make the zip without a password")
    try:
        with archive.open(info) as stream:
            # The size a zip claims is not to be believed.
            data = stream.read(MEMBER_CAP + 1)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, zlib.error) as error:
        raise RecordError(place, f"is damaged in the zip ({error}); make it again") from error
    if len(data) > MEMBER_CAP:
        raise _too_large(place)
    return data


def _too_large(place: str) -> RecordError:
    return RecordError(place, f"is over {MEMBER_CAP:,} bytes; no article is so large, exclude it")
