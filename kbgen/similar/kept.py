"""Neighbours as bytes for the store, and back. What was made in another way is not read: it is made again."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from kbgen.similar.candidates import Lists
from kbgen.similar.frame import Frame
from kbgen.similar.names import Names
from kbgen.similar.nearest import Nearest
from kbgen.similar.sight import Sight

_MARK = b"kbgen neighbours 3\n"
_LENGTH = 8
# Numbers that lie so are read where they are.
_ALIGNED = 8
# Arrays of the neighbours; what follows is of the second look.
_NEAREST = 14
_HEAD = msgspec.msgpack.Decoder(tuple[str, list[tuple[str, tuple[int, ...]]]])
Array = npt.NDArray[Any]


def pack(index: Nearest, stamp: str, sight: Sight | None = None) -> bytes:
    """As bytes for the store: one array after the other.

    Args:
        index: neighbours.
        stamp: names the code and the model that made them.
        sight: what a sentence model saw.
    """
    frame, lists = index.frame, index.lists
    numbers = np.array([frame.size, frame.unseen, *frame.share])
    arrays: tuple[Array, ...] = (numbers, frame.mean, frame.terms, frame.rarity, frame.centres)
    arrays += (
        _bytes(index.keys.refs),
        index.keys.digests,
        index.rows,
        index.cells,
        lists.others,
        lists.scores,
        lists.whole,
        index.near,
        index.scores,
    )
    if sight:
        arrays += (
            _bytes(sight.model.encode()),
            _bytes(sight.keys.refs),
            sight.keys.digests,
            sight.centres,
            np.array(sight.size),
            sight.rows,
            sight.cells,
            *sight.lists,
        )
    head = msgspec.msgpack.encode((stamp, [(array.dtype.str, array.shape) for array in arrays]))
    parts: list[bytes | memoryview] = [_MARK, len(head).to_bytes(_LENGTH, "little"), _padded(head, len(_MARK))]
    for array in arrays:
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
    found = _arrays(data, stamp)[:_NEAREST]
    if not found:
        return None
    numbers, mean, terms, rarity, centres, refs, digests, rows, cells, others, exact, whole, near, scores = found
    size, unseen, few, many = numbers.tolist()
    frame = Frame(int(size), mean, terms, rarity, unseen, centres, (few, many))
    keys = Names(refs.tobytes(), digests)
    return Nearest(keys, frame, rows, cells, Lists(others, exact, whole), near, scores, np.zeros(len(keys), bool))


def unpack_sight(data: bytes, stamp: str) -> Sight | None:
    """What a sentence model saw, likewise."""
    found = _arrays(data, stamp)[_NEAREST:]
    if not found:
        return None
    model, refs, digests, centres, size, rows, cells, others, scores, whole = found
    return Sight(
        model.tobytes().decode(),
        Names(refs.tobytes(), digests),
        centres,
        int(size),
        rows,
        cells,
        Lists(others, scores, whole),
    )


def _arrays(data: bytes, stamp: str) -> list[Array]:
    start = len(_MARK) + _LENGTH
    if not data.startswith(_MARK):
        return []
    stop = start + int.from_bytes(data[len(_MARK) : start], "little")
    made_by, shapes = _HEAD.decode(data[start:stop])
    if made_by != stamp:
        return []
    found: list[Array] = []
    at = stop + -stop % _ALIGNED
    for kind, shape in shapes:
        count = int(np.prod(shape))
        array = np.frombuffer(data, kind, count, at).reshape(shape)
        found.append(array)
        at += array.nbytes + -array.nbytes % _ALIGNED
    return found
