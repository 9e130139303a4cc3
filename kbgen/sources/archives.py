"""Recorded input as a stream of members: folders, tar files, and the 7z files of published dumps.

Archives are hostile like everything harvested: links are never followed, nothing is written outside a temporary
folder, and a member larger than its cap is reported instead of read. What is NOT here: what a member means.
"""

from __future__ import annotations

import gzip
import lzma
import os
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, NamedTuple, cast

import zstandard

from kbgen.errors import RecordError, SourceError, SourceTruncated
from kbgen.sources.base import stat_signature

MEMBER_CAP = 64 * 2**20
"""Largest member read into memory, in bytes; the largest topics known are under 8 MB."""
_BLOCK = 512
_CHUNK = 2**16
_PIECE = 2**20
# Fields of a member's header (POSIX.1-1988, 10.1.1); files are of type 0, in the oldest archives of type NUL.
_NAME, _SIZE, _CHECKSUM, _TYPE, _PREFIX = slice(0, 100), slice(124, 136), slice(148, 156), 156, slice(345, 500)
_FILE = b"0\0"
_DAMAGE = (tarfile.TarError, zstandard.ZstdError, zlib.error, EOFError, gzip.BadGzipFile, lzma.LZMAError)
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_GZIP_MAGIC = b"\x1f\x8b"
_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.zst", ".zip", ".7z")
_SEVEN_ZIP_MAGIC = b"7z\xbc\xaf\x27\x1c"


class Member(NamedTuple):
    """One file of an archive.

    Attributes:
        name: with forward slashes.
        data: its bytes.
        at: where they begin in a plain tar file; -1 elsewhere, where one cannot go back to them.
    """

    name: str
    data: bytes
    at: int = -1


class Spot(NamedTuple):
    """Where a member lies that was read before: enough to read it again without looking for it."""

    name: str
    at: int
    size: int


def archive_signature(path: Path, suffix: str) -> str:
    """Signature of an archive, or of every file of a folder that ``read_members`` would read.

    Raises:
        SourceError: the archive does not exist.
    """
    if path.is_dir():
        return stat_signature(file for _, file in folder_files(path, suffix))
    if not path.is_file():
        raise SourceError(f"{path}: no such file or folder; check the path, which is relative to the project folder")
    return stat_signature([path])


def read_members(path: Path, suffix: str, cap: int = MEMBER_CAP) -> Iterator[Member | RecordError]:
    """Stream the members of a folder or a ``.tar``, ``.tar.gz`` or ``.tar.zst`` file.

    A folder comes in path order, a tar file in its own order; hidden files, links and devices are left out.

    Args:
        path: the folder or file; its first bytes decide, not its name.
        suffix: how the wanted names end, in lower case, such as ``.json``.
        cap: members larger than this many bytes are yielded as errors.

    Raises:
        SourceError: the archive does not exist, is not one of these, or is a folder without a wanted file.
        SourceTruncated: it ends in the middle; what was yielded before is good.
    """
    if path.is_dir():
        return _read_folder(path, suffix, cap)
    if not path.is_file():
        raise SourceError(f"{path}: no such file or folder; check the path, which is relative to the project folder")
    return _read_tar(path, suffix, cap)


def revisit(path: Path, spots: Iterable[Spot | RecordError]) -> Iterator[Member | RecordError]:
    """Read members of a plain tar file again, which takes a tenth of what finding them took.

    Args:
        path: the file.
        spots: where they lie; what could not be read is handed on.

    Raises:
        SourceTruncated: the file has become shorter since.
    """
    with path.open("rb") as file:
        window = _Window(file)
        for spot in spots:
            if isinstance(spot, RecordError):
                yield spot
                continue
            data = window.read(spot.at, spot.size)
            if len(data) != spot.size:
                raise SourceTruncated(f"{path}: changed while it was read; run again when it is whole")
            yield Member(spot.name, data, spot.at)


def folder_files(root: Path, suffix: str = "") -> Iterator[tuple[str, Path]]:
    """Yield every plain file under a folder as (name relative to it, path), in path order.

    Links are not followed and hidden files and folders are left out.
    """
    for name, entry in _walk(root, ""):
        if name.lower().endswith(suffix):
            yield name, Path(entry.path)


def _walk(folder: Path | str, prefix: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, f"{prefix}{entry.name}/")
        elif entry.is_file(follow_symlinks=False):
            yield prefix + entry.name, entry


def _instead(root: Path) -> str:
    """What a folder without a wanted file was probably meant to be."""
    archives = [path for name, path in folder_files(root) if name.lower().endswith(_ARCHIVES)]
    return f"name the archive in it, {archives[0]}" if archives else "check the path, or record it first"


def _too_large(place: str, size: int, cap: int) -> RecordError:
    problem = f"is {size:,} bytes, over the limit of {cap:,}; no real record is so large, remove it"
    return RecordError(place, problem)


def _read_folder(root: Path, suffix: str, cap: int) -> Iterator[Member | RecordError]:
    files = list(folder_files(root, suffix))
    if not files:
        raise SourceError(f"{root}: has no {suffix} file; {_instead(root)}")
    for name, file in files:
        try:
            size = file.stat().st_size
            yield Member(name, file.read_bytes()) if size <= cap else _too_large(str(file), size, cap)
        except OSError as error:
            yield RecordError(str(file), f"cannot be read: {error.strerror or error}")


class _Window:
    """A file read from front to back in large pieces, and what lies in them given out in small ones."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._at = 0
        self._piece = b""

    def read(self, at: int, size: int) -> bytes:
        """Bytes of the file; fewer where it ends."""
        start = at - self._at
        if start < 0 or start + size > len(self._piece):
            self._file.seek(at)
            self._at, self._piece, start = at, self._file.read(max(size, _PIECE)), 0
        return self._piece[start : start + size]


class _Tail:
    """A reader that remembers the last bytes it gave, to tell a whole tar file from a cut one."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.last = b""

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        if data:
            self.last = (self.last + data)[-2 * _BLOCK :]
        return data


@contextmanager
def _decompressed(path: Path) -> Iterator[_Tail | BinaryIO]:
    """The bytes of a tar file: a reader that only goes on, or the file itself when they lie in it as they are."""
    with path.open("rb") as file:
        magic = file.read(len(_ZSTD_MAGIC))
        file.seek(0)
        if magic == _ZSTD_MAGIC:
            with zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as stream:
                yield _Tail(cast("IO[bytes]", stream))
        elif magic.startswith(_GZIP_MAGIC):
            with gzip.open(file) as stream:
                yield _Tail(cast("IO[bytes]", stream))
        else:
            yield file


def _read_tar(path: Path, suffix: str, cap: int) -> Iterator[Member | RecordError]:
    count = 0
    with _decompressed(path) as stream:
        plain = None if isinstance(stream, _Tail) else stream
        try:
            if plain is not None:
                window = _Window(plain)
                for spot in _plain_members(plain, window):
                    if _is_wanted(spot.name, suffix):
                        count += 1
                        yield _read_spot(window, spot, path, cap)
            with tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r:" if plain else "r|") as tar:
                for info in tar:
                    if info.isreg() and _is_wanted(info.name, suffix):
                        count += 1
                        yield _read_member(tar, info, path, cap, plain=plain)
                    # The tar keeps every header it has read; a stream of a million members must not.
                    tar.members = []  # type: ignore[attr-defined]
            whole = _is_closed(plain) if plain else _drained(cast("_Tail", stream))
        except _DAMAGE as error:
            if count == 0 and not _is_cut(error, path):
                problem = f"is not a tar file, plain, gzip or zstd ({error}); record it again"
                raise SourceError(f"{path}: {problem}") from error
            whole = False
    if whole and not count:
        raise SourceError(f"{path}: has no {suffix} file; check the path, or record it again")
    if not whole:
        problem = f"ends in the middle, after {count:,} whole members; copy or record it again"
        raise SourceTruncated(f"{path}: {problem}")


def _plain_members(file: BinaryIO, window: _Window) -> Iterator[Spot]:
    """Where the members lie that begin a plain tar file, as long as they are files with nothing unusual about them.

    Leaves the file at the first header of another kind, which ``tarfile`` takes from there: it knows them all, and
    takes ten times as long for each. The layout is POSIX.1-1988's (ustar), which all later ones share.
    """
    size = file.seek(0, os.SEEK_END)
    at = 0
    while True:
        spot = _plain_member(window.read(at, _BLOCK), at + _BLOCK)
        if spot is None or spot.at + spot.size > size:
            break
        at = spot.at + spot.size + -spot.size % _BLOCK
        yield spot
    file.seek(at)


def _plain_member(header: bytes, at: int) -> Spot | None:
    if len(header) != _BLOCK or header[_TYPE] not in _FILE:
        return None
    name, prefix = header[_NAME].partition(b"\0")[0], header[_PREFIX].partition(b"\0")[0]
    try:
        size, checksum = _octal(header[_SIZE]), _octal(header[_CHECKSUM])
        path = (prefix + b"/" + name if prefix else name).decode("ascii")
    except ValueError:
        return None
    # All bytes, those of the sum itself taken for blanks; most are zero.
    total = sum(header.translate(None, b"\0")) - sum(header[_CHECKSUM]) + 8 * ord(" ")
    return Spot(path, at, size) if total == checksum and size >= 0 and not path.endswith("/") else None


def _octal(field: bytes) -> int:
    return int(field.partition(b"\0")[0].strip() or b"0", 8)


def _read_spot(window: _Window, spot: Spot, path: Path, cap: int) -> Member | RecordError:
    if spot.size > cap:
        return _too_large(f"{path}:{spot.name}", spot.size, cap)
    return Member(spot.name.removeprefix("./"), window.read(spot.at, spot.size), spot.at)


def _is_cut(error: Exception, path: Path) -> bool:
    """Whether an archive broke off, as against being something else."""
    if isinstance(error, EOFError) or "unexpected end" in str(error):
        return True
    # A compressed file cut within its first block gives no byte at all.
    return "empty file" in str(error) and path.stat().st_size > 0


def _is_wanted(name: str, suffix: str) -> bool:
    if not name.lower().endswith(suffix):
        return False
    own = name.removeprefix("./")
    return not own.startswith(".") and "/." not in own


def _read_member(
    tar: tarfile.TarFile, info: tarfile.TarInfo, path: Path, cap: int, *, plain: BinaryIO | None
) -> Member | RecordError:
    if info.size > cap:
        return _too_large(f"{path}:{info.name}", info.size, cap)
    # A sparse member is not in the file as it is read.
    at = -1 if plain is None or info.issparse() else info.offset_data
    if plain is not None and at >= 0:
        plain.seek(at)
        data = plain.read(info.size)
    else:
        stream = tar.extractfile(info)
        data = stream.read() if stream else b""
    if len(data) != info.size:
        raise tarfile.ReadError("unexpected end of data")
    return Member(info.name.removeprefix("./"), data, at)


def _is_closed(file: BinaryIO) -> bool:
    """Whether a tar file ends with two blocks of zeros (POSIX.1-2001, pax)."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 2 * _BLOCK))
    return file.read() == bytes(2 * _BLOCK)


def _drained(stream: _Tail) -> bool:
    """Read what follows the last member; a whole tar file ends with two blocks of zeros (POSIX.1-2001, pax)."""
    left = 1024
    while stream.read(_CHUNK) and left:
        left -= 1
    return stream.last == bytes(2 * _BLOCK)


def is_seven_zip(path: Path) -> bool:
    """Whether a file begins as a 7z archive does."""
    with path.open("rb") as file:
        return file.read(len(_SEVEN_ZIP_MAGIC)) == _SEVEN_ZIP_MAGIC


@contextmanager
def unpacked_seven_zip(path: Path, wanted: Callable[[str], bool]) -> Iterator[Path]:
    """Unpack the wanted members of a 7z archive to a temporary folder, removed afterwards.

    Args:
        path: the archive.
        wanted: says of a member's base name whether it is needed.

    Yields:
        The folder; members lie in it under their base names.

    Raises:
        SourceError: the file does not exist, is not a 7z archive, is damaged, or does not fit on the disk.
    """
    if not path.is_file():
        raise SourceError(f"{path}: no such file or folder; check the path, which is relative to the project folder")
    if not is_seven_zip(path):
        raise SourceError(f"{path}: is not a 7z archive; download it again")
    with tempfile.TemporaryDirectory(prefix="kbgen-") as name:
        folder = Path(name)
        _unpack(path, folder, wanted)
        yield folder


def _unpack(path: Path, folder: Path, wanted: Callable[[str], bool]) -> None:
    import py7zr  # noqa: PLC0415 - takes longer to load than all else here, and few projects have a 7z
    from py7zr.exceptions import ArchiveError  # noqa: PLC0415

    try:
        with py7zr.SevenZipFile(path, mode="r") as archive:
            members = [info for info in archive.list() if not info.is_directory and wanted(Path(info.filename).name)]
            needed = sum(info.uncompressed or 0 for info in members)
            _check_room(path, folder, needed)
            if members:
                archive.extract(path=folder, targets=[info.filename for info in members])
    except (ArchiveError, lzma.LZMAError, EOFError, OSError, ValueError, TypeError, KeyError, IndexError) as error:
        reason = str(error) or type(error).__name__
        raise SourceError(f"{path}: is a damaged 7z archive ({reason}); download it again") from error
    for info in members:
        _lift(folder, info.filename)


def _check_room(path: Path, folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        problem = f"needs {needed:,} bytes unpacked and {folder.parent} has {free:,} free; set TMPDIR to a larger disk"
        raise SourceError(f"{path}: {problem}")


def _lift(folder: Path, member: str) -> None:
    """Move a member up to the folder itself, and drop it when it is a link instead of a file."""
    file = folder / member
    if file.is_symlink() or not file.is_file() or not file.resolve().is_relative_to(folder.resolve()):
        file.unlink(missing_ok=True)
    elif file.parent != folder:
        file.replace(folder / file.name)
