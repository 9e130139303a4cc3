"""Neighbours as bytes for the store, and back. What was made in another way is not read: it is made again."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from kbgen.similar.candidates import Lists
from kbgen.similar.frame import Frame
from kbgen.similar.names import Names
from kbgen.similar.nearest import Nearest
from kbgen.similar.sight import Sight
from kbgen.similar.verdicts import Verdicts

_MARK = b"kbgen neighbours 3\n"
_LENGTH = 8
# Numbers that lie so are read where they are.
_ALIGNED = 8
_HEAD = msgspec.msgpack.Decoder(tuple[str, list[tuple[str, str, tuple[int, ...]]]])
Array = npt.NDArray[Any]
Of = Literal["nearest", "verdicts", "sight"]


def pack(index: Nearest, stamp: str, sight: Sight | None = None, verdicts: Verdicts | None = None) -> bytes:
    """As bytes for the store: one array after the other.

    Args:
        index: neighbours.
        stamp: names the code and the model that made them.
        sight: what a sentence model saw.
        verdicts: what was said of pairs.
    """
    frame, names = index.frame, index.keys
    numbers = np.array([frame.size, frame.unseen, *frame.share])
    measured: list[Array] = [numbers, frame.mean, frame.terms, frame.rarity, frame.centres]
    found = [_bytes(names.refs), names.digests, index.rows, index.cells, *index.lists, index.near, index.scores]
    kept: list[tuple[Of, Array]] = [("nearest", array) for array in (*measured, *found)]
    if verdicts:
        kept += [("verdicts", array) for array in verdicts]
    if sight:
        seen = (_bytes(sight.model.encode()), _bytes(sight.keys.refs), sight.keys.digests, np.array(sight.size))
        kept += [("sight", array) for array in (*seen, sight.centres, sight.rows, sight.cells, *sight.lists)]
    head = msgspec.msgpack.encode((stamp, [(of, array.dtype.str, array.shape) for of, array in kept]))
    parts: list[bytes | memoryview] = [_MARK, len(head).to_bytes(_LENGTH, "little"), _padded(head, len(_MARK))]
    for _, array in kept:
        parts += [array.reshape(-1).view(np.uint8).data, bytes(-array.nbytes % _ALIGNED)]
    return b"".join(parts)


def _bytes(data: bytes) -> Array:
    return np.frombuffer(data, np.uint8)


def _padded(head: bytes, before: int) -> bytes:
    return head + bytes(-(before + _LENGTH + len(head)) % _ALIGNED)


def unpack(data: bytes, stamp: str) -> Nearest | None:
    """Neighbours as the store kept them; they share its memory.

    Args:
        data: of ``pack``, or nothing.
        stamp: of now.

    Returns:
        None when other code or another model made them, or there are none.
    """
    found = _arrays(data, stamp, "nearest")
    if not found:
        return None
    numbers, mean, terms, rarity, centres, refs, digests, rows, cells, others, exact, whole, near, scores = found
    size, unseen, few, many = numbers.tolist()
    frame = Frame(int(size), mean, terms, rarity, unseen, centres, (few, many))
    keys, lists, stood = Names(refs.tobytes(), digests), Lists(others, exact, whole), np.arange(len(rows))
    return Nearest(keys, frame, rows, cells, lists, near, scores, np.zeros(len(rows), bool), stood)


def unpack_verdicts(data: bytes, stamp: str) -> Verdicts | None:
    """What was said of pairs, likewise."""
    found = _arrays(data, stamp, "verdicts")
    return Verdicts(*found) if found else None


def unpack_sight(data: bytes, stamp: str) -> Sight | None:
    """What a sentence model saw, likewise."""
    found = _arrays(data, stamp, "sight")
    if not found:
        return None
    model, refs, digests, size, centres, rows, cells, *lists = found
    keys = Names(refs.tobytes(), digests)
    return Sight(model.tobytes().decode(), keys, centres, int(size), rows, cells, Lists(*lists))


def _arrays(data: bytes, stamp: str, wanted: Of) -> list[Array]:
    start = len(_MARK) + _LENGTH
    if not data.startswith(_MARK):
        return []
    stop = start + int.from_bytes(data[len(_MARK) : start], "little")
    made_by, shapes = _HEAD.decode(data[start:stop])
    if made_by != stamp:
        return []
    found: list[Array] = []
    at = stop + -stop % _ALIGNED
    for of, kind, shape in shapes:
        array = np.frombuffer(data, kind, int(np.prod(shape)), at).reshape(shape)
        if of == wanted:
            found.append(array)
        at += array.nbytes + -array.nbytes % _ALIGNED
    return found
