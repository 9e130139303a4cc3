"""Neighbours as bytes for the store, and back. What was made in another way is not read: it is made again."""

from __future__ import annotations

from collections.abc import Sequence
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
_HEAD = msgspec.msgpack.Decoder(tuple[str, list[tuple[str, str, tuple[int, ...]]]])
Array = npt.NDArray[Any]
Parts = Sequence[bytes | memoryview]
Of = Literal["nearest", "verdicts", "sight"]


def pack(index: Nearest, stamp: str, sight: Sight | None = None, verdicts: Verdicts | None = None) -> Parts:
    """As bytes for the store: what there is, then one part for each array, which shares its memory.

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
    return _MARK + head, *(array.reshape(-1).view(np.uint8).data for _, array in kept)


def _bytes(data: bytes) -> Array:
    return np.frombuffer(data, np.uint8)


def unpack(data: Parts, stamp: str) -> Nearest | None:
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


def unpack_verdicts(data: Parts, stamp: str) -> Verdicts | None:
    """What was said of pairs, likewise."""
    found = _arrays(data, stamp, "verdicts")
    return Verdicts(*found) if found else None


def unpack_sight(data: Parts, stamp: str) -> Sight | None:
    """What a sentence model saw, likewise."""
    found = _arrays(data, stamp, "sight")
    if not found:
        return None
    model, refs, digests, size, centres, rows, cells, *lists = found
    keys = Names(refs.tobytes(), digests)
    return Sight(model.tobytes().decode(), keys, centres, int(size), rows, cells, Lists(*lists))


def _arrays(data: Parts, stamp: str, wanted: Of) -> list[Array]:
    if not data or bytes(data[0][: len(_MARK)]) != _MARK:
        return []
    made_by, shapes = _HEAD.decode(data[0][len(_MARK) :])
    if made_by != stamp:
        return []
    every = zip(shapes, data[1:], strict=True)
    return [_array(part, kind, shape) for (of, kind, shape), part in every if of == wanted]


def _array(part: bytes | memoryview, kind: str, shape: tuple[int, ...]) -> Array:
    return np.frombuffer(part, kind).reshape(shape) if 0 not in shape else np.zeros(shape, kind)
