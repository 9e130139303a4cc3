"""A sentence model whose large products are made of whole numbers: in half to two thirds of the time.

The packaged model keeps its weights as bytes and multiplies them back to floats before use. Here each product with such
weights takes them as they are, and the other side as bytes too, by a scale for each token. So a text's vector does
not depend on which others are in its batch, as it would with one scale for a batch. Bytes of the other side stay within
seven bits: two products of them fit into 16 bits, so that processors which add such pairs (AVX2) saturate nowhere, and
all give the same. Measured: average precision on labelled pairs is that of floating point.

Operators: https://onnx.ai/onnx/operators/onnx__MatMulInteger.html
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple


class _Range(NamedTuple):
    """How numbers become bytes of 1 to 127.

    Attributes:
        zero: the byte that stands for 0.
        steps: from there to the largest.
        least: what the largest number counts as at least.
        signed: whether numbers below zero are as large as those above.
    """

    name: str
    zero: int
    steps: float
    least: float
    signed: bool


_EVEN = _Range("even", 64, 63, 1e-9, signed=True)
# What comes out of the activation (GELU) is never below -0.17: most steps are for what is above zero.
_WIDE = _Range("wide", 16, 111, 0.17 * 111 / 16, signed=False)
_WIDTH = 1536


def in_integers(path: Path) -> bytes:
    """Read a model, and give it with products of whole numbers.

    Args:
        path: an ONNX model whose weights are signed bytes named ``x_q`` with scales ``x_scale``, as the package has it.

    Returns:
        The model, serialised.
    """
    import onnx  # noqa: PLC0415  # an extra

    model = onnx.load(str(path))
    graph = model.graph
    shapes = {one.name: tuple(one.dims) for one in graph.initializer}
    graph.initializer.extend(one for span in (_EVEN, _WIDE) for one in _constants(span, onnx))
    made: list[Any] = []
    rounded: set[str] = set()
    for one in graph.node:
        if one.op_type != "MatMul" or f"{one.input[1]}_q" not in shapes:
            made.append(one)
            continue
        rows, weights = one.input
        span = _WIDE if shapes[f"{weights}_q"][0] == _WIDTH else _EVEN
        if rows not in rounded:
            rounded.add(rows)
            made += _rounded(rows, span, onnx)
        made += _product(rows, weights, one.output[0], span, onnx)
    del graph.node[:]
    graph.node.extend(made)
    data: bytes = model.SerializeToString()
    return data


def _constants(span: _Range, onnx: Any) -> list[Any]:
    tensor, floats = onnx.helper.make_tensor, onnx.TensorProto.FLOAT
    return [
        tensor(f"{span.name}_steps", floats, [], [span.steps]),
        tensor(f"{span.name}_least", floats, [], [span.least]),
        # Casting cuts off: half a step more rounds.
        tensor(f"{span.name}_shift", floats, [], [span.zero + 0.5]),
        tensor(f"{span.name}_zero", onnx.TensorProto.UINT8, [], [span.zero]),
    ]


def _rounded(rows: str, span: _Range, onnx: Any) -> list[Any]:
    """Each token's numbers as bytes; ``_step`` is what one of them stands for."""
    node = onnx.helper.make_node
    size = f"{rows}_size" if span.signed else rows
    return [
        *([node("Abs", [rows], [size])] if span.signed else []),
        node("ReduceMax", [size], [f"{rows}_largest"], axes=[-1], keepdims=1),
        node("Max", [f"{rows}_largest", f"{span.name}_least"], [f"{rows}_most"]),
        node("Div", [f"{span.name}_steps", f"{rows}_most"], [f"{rows}_per"]),
        node("Div", [f"{rows}_most", f"{span.name}_steps"], [f"{rows}_step"]),
        node("Mul", [rows, f"{rows}_per"], [f"{rows}_scaled"]),
        node("Add", [f"{rows}_scaled", f"{span.name}_shift"], [f"{rows}_shifted"]),
        node("Cast", [f"{rows}_shifted"], [f"{rows}_bytes"], to=int(onnx.TensorProto.UINT8)),
    ]


def _product(rows: str, weights: str, result: str, span: _Range, onnx: Any) -> list[Any]:
    node = onnx.helper.make_node
    return [
        node("MatMulInteger", [f"{rows}_bytes", f"{weights}_q", f"{span.name}_zero"], [f"{result}_whole"]),
        node("Cast", [f"{result}_whole"], [f"{result}_float"], to=int(onnx.TensorProto.FLOAT)),
        node("Mul", [f"{result}_float", f"{rows}_step"], [f"{result}_rows"]),
        node("Mul", [f"{result}_rows", f"{weights}_scale"], [result]),
    ]
