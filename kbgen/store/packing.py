"""Payloads made small: zstd with a dictionary that is learnt from the first few hundred of them.

Not here: which payloads there are (``records``).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import msgspec
import zstandard

_LEVEL = 3
# Measured on forum threads: a dictionary halves the size of 2 kB payloads; below 200 samples training is noise.
_DICTIONARY_BYTES = 112_640
_DICTIONARY_SAMPLES = 200
# Length of the pieces a dictionary is made of, and of what is hashed to find them. Measured on forum threads: to try
# lengths out, which is what zstd does of itself, takes four times as long for a hundredth of the size.
_PIECE, _HASHED = 200, 8


class DamagedRow(sqlite3.DatabaseError):
    """A row does not hold what kbgen wrote: SQLite has no checksums, and gives back whatever stands in a page."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT


@contextmanager
def whole_rows(table: str) -> Iterator[None]:
    """Read rows of a table in the block.

    Raises:
        DamagedRow: one cannot be unpacked or decoded.
    """
    try:
        yield
    except (msgspec.DecodeError, zstandard.ZstdError, UnicodeDecodeError) as error:
        raise DamagedRow(f"a row of {table} is damaged: {error}") from error


class Packing:
    """Rows of ``dictionaries``, and what is packed with them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._compressor: zstandard.ZstdCompressor | None = None
        self._decompressors: dict[int, zstandard.ZstdDecompressor] = {}

    def reset(self) -> None:
        """Forget the dictionary: one trained in a transaction that was rolled back is not stored."""
        self._compressor = None

    def packer(self, samples: Iterable[bytes]) -> zstandard.ZstdCompressor:
        """What packs payloads.

        Args:
            samples: payloads to learn from, when nothing was learnt yet; too few teach nothing.
        """
        if self._compressor is None:
            row = self._db.execute("SELECT data FROM dictionaries ORDER BY id DESC LIMIT 1").fetchone()
            data = row[0] if row else self._train(samples)
            if data is None:
                # Plain compression for these, another try with the next.
                return zstandard.ZstdCompressor(level=_LEVEL)
            self._compressor = _compressor(data)
        return self._compressor

    @contextmanager
    def anew(self, samples: Iterable[bytes]) -> Iterator[zstandard.ZstdCompressor]:
        """Give a packer that knows nothing but the samples; what was learnt before is no more when the block ends.

        Args:
            samples: payloads, of all that there are.
        """
        known = [row[0] for row in self._db.execute("SELECT id FROM dictionaries")]
        self._compressor = None
        fresh = self._train(samples)
        yield _compressor(fresh) if fresh else zstandard.ZstdCompressor(level=_LEVEL)
        kept = zstandard.ZstdCompressionDict(fresh).dict_id() if fresh else None
        self._db.executemany("DELETE FROM dictionaries WHERE id = ?", ((one,) for one in known if one != kept))

    def unpack(self, payload: bytes) -> bytes:
        """What was packed, with whichever dictionary."""
        number = zstandard.get_frame_parameters(payload).dict_id
        if number not in self._decompressors:
            row = self._db.execute("SELECT data FROM dictionaries WHERE id = ?", (number,)).fetchone()
            dictionary = zstandard.ZstdCompressionDict(row[0]) if row else None
            self._decompressors[number] = zstandard.ZstdDecompressor(dict_data=dictionary)
        return self._decompressors[number].decompress(payload)

    def _train(self, samples: Iterable[bytes]) -> bytes | None:
        payloads: list[bytes | bytearray | memoryview] = list(samples)
        if len(payloads) < _DICTIONARY_SAMPLES:
            return None
        try:
            trained = zstandard.train_dictionary(_DICTIONARY_BYTES, payloads, k=_PIECE, d=_HASHED)
        except zstandard.ZstdError:
            return None  # samples too alike or too small to learn from
        self._db.execute("INSERT OR IGNORE INTO dictionaries VALUES (?, ?)", (trained.dict_id(), trained.as_bytes()))
        return trained.as_bytes()


def _compressor(dictionary: bytes) -> zstandard.ZstdCompressor:
    return zstandard.ZstdCompressor(level=_LEVEL, dict_data=zstandard.ZstdCompressionDict(dictionary))
