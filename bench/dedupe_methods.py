"""Scores of all pairs of a set of texts, by kbgen's two tiers and by the peers: MinHash, SimHash, TF-IDF, BM25."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import msgspec
import numpy as np
import numpy.typing as npt
from scipy import sparse

from bench.dedupe_data import Question
from kbgen.model import Ref
from kbgen.similar import semantic
from kbgen.similar.frame import centred, make_frame, parts, weighted
from kbgen.similar.texts import Text, make_text
from kbgen.similar.vectors import Embedder, stack

Scores = npt.NDArray[np.float32]
Method = Callable[[Sequence[Question]], Scores]
_TEXT = 2000


def texts(questions: Sequence[Question], lang: str = "en") -> list[Text]:
    """Questions as kbgen compares them."""
    made = (
        make_text(Ref(f"bench:{place}"), (lang, one.title, one.body), tags=one.tags, created=f"{place:09d}")
        for place, one in enumerate(questions)
    )
    return [msgspec.structs.replace(text, borrowed=one.borrowed) for text, one in zip(made, questions, strict=True)]


def default(questions: Sequence[Question], lang: str = "en") -> Scores:
    """Kbgen without the extra."""
    vectors = stack(Embedder().vectors(texts(questions, lang)))
    frame = make_frame(vectors, lang)
    dense, words = centred(vectors, frame), weighted(vectors, frame)
    _, columns = np.unique(words.indices, return_inverse=True)
    words = sparse.csr_matrix((words.data, columns, words.indptr))
    shared = np.asarray((words @ words.T).todense(), np.float32)
    said, meant = parts(vectors, frame)
    mixed: Scores = np.outer(said, said) * shared + np.outer(meant, meant) * (dense @ dense.T)
    return mixed


def with_model(questions: Sequence[Question], lang: str = "en") -> Scores:
    """Kbgen with the extra ``semantic``."""
    rows = semantic.embed(texts(questions, lang)).astype(np.float32)
    alike = semantic.similarity(lang, rows @ rows.T)
    share = semantic.share(lang)
    mixed: Scores = np.float32(share) * alike + np.float32(1 - share) * default(questions, lang)
    return mixed


def minhash(questions: Sequence[Question]) -> Scores:
    """Datasketch, 128 permutations, character 4-grams: the estimated Jaccard similarity LSH bands."""
    from datasketch import MinHash  # noqa: PLC0415  # a peer

    made = MinHash.bulk([[gram.encode() for gram in _grams(question)] for question in questions], num_perm=128)
    values = np.stack([one.hashvalues for one in made])
    found = np.zeros((len(values), len(values)), np.float32)
    for column in values.T:
        found += column[:, None] == column[None]
    return found / np.float32(values.shape[1])


def simhash(questions: Sequence[Question]) -> Scores:
    """64 bits over character 4-grams; one less the share of bits that differ."""
    from simhash import Simhash  # noqa: PLC0415  # a peer

    values = np.array([Simhash(sorted(_grams(question))).value for question in questions], np.uint64)
    bits = ((values[:, None] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)).astype(np.float32) * 2 - 1
    found: Scores = ((bits @ bits.T / 64 + 1) / 2).astype(np.float32)
    return found


def tfidf(questions: Sequence[Question]) -> Scores:
    """scikit-learn, words, English stop words, sublinear counts."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415  # a peer

    rows = TfidfVectorizer(sublinear_tf=True, stop_words="english").fit_transform(map(_whole, questions))
    return np.asarray((rows @ rows.T).todense(), np.float32)


def bm25(questions: Sequence[Question]) -> Scores:
    """bm25s, Lucene's formula; a pair's score is the mean of both directions, each as a share of the best."""
    import bm25s  # noqa: PLC0415  # a peer

    corpus = bm25s.tokenize([_whole(one) for one in questions], stopwords="en", show_progress=False, return_ids=False)
    index = bm25s.BM25(method="lucene")
    index.index(corpus, show_progress=False)
    rows = np.stack([index.get_scores(words) if words else np.zeros(len(corpus), np.float32) for words in corpus])
    rows = rows / np.maximum(np.diag(rows)[:, None], 1e-6)
    found: Scores = ((rows + rows.T) / 2).astype(np.float32)
    return found


def local(scores: Scores, nearest: int = 10) -> Scores:
    """Scores scaled by how crowded both places are, as kbgen judges them."""
    alone = scores.copy()
    np.fill_diagonal(alone, -1)
    crowd = np.partition(alone, -nearest, axis=1)[:, -nearest:].mean(axis=1)
    found: Scores = 2 * scores - crowd[:, None] - crowd[None]
    return found


def _whole(question: Question) -> str:
    return " ".join((question.title, *question.tags, question.body))[:_TEXT]


def _grams(question: Question) -> set[str]:
    text = re.sub(r"\W+", " ", _whole(question).lower())
    return {text[at : at + 4] for at in range(max(1, len(text) - 3))}


PEERS: dict[str, Method] = {"MinHash-LSH": minhash, "SimHash": simhash, "TF-IDF": tfidf, "BM25": bm25}
