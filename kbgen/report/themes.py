"""Topics for what no topic covers: phrases that are spoken of in the same kind of questions, grouped.

Grouped are phrases, not threads: a topic of a knowledge base is a list of tags a person can read, change and be right
about, and threads find their way by those. Each phrase lies where the questions under it lie, in a space of words that
occur together (latent semantic analysis), and groups are made by Ward's method: no randomness but a fixed seed. Not
here: which phrases there are (``keyphrases``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from sklearn.cluster import AgglomerativeClustering
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

from kbgen.report.keyphrases import TEXT, Phrase, Said, Theme
from kbgen.search.phrases import PhraseBook, segments

Floats = npt.NDArray[np.float64]
_MOST_READ = 20_000  # more threads move no group
_DIMENSIONS, _WORDS = 80, 20_000
_PHRASES_A_TOPIC = 5
_FEWEST, _MOST = 3, 10
_LEAST_SHARE = 0.02
_EXAMPLES = 3
_TITLE = 2


def themes(threads: Sequence[Said], phrases: Sequence[Phrase], *, most: int = _MOST) -> list[Theme]:
    """Group phrases into topics.

    Args:
        threads: of one language.
        phrases: that stand in them.
        most: how many topics at most.

    Returns:
        Topics, the largest first.
    """
    if len(phrases) < 2 * _FEWEST:
        return []
    read = sorted(threads, key=lambda one: (hashlib.blake2b(one.ref.encode()).digest(), one.ref))[:_MOST_READ]
    with threadpool_limits(1, "blas"):
        places = _space(read)
        under = _under(read, phrases)
        centres = np.stack([_centre(places, under[one.text]) for one in phrases])
        count = max(_FEWEST, min(most, len(phrases) // _PHRASES_A_TOPIC))
        groups = AgglomerativeClustering(n_clusters=count, linkage="ward").fit_predict(centres)
    found = []
    for group in range(count):
        members = [place for place, own in enumerate(groups) if own == group]
        made = _theme(members, phrases, centres, under, (read, places))
        if made.threads >= max(_FEWEST, _LEAST_SHARE * len(read)):
            found.append(made)
    return sorted(found, key=lambda one: (-one.threads, one.phrases))


def _words(one: Said) -> list[str]:
    title = [token.key for run in segments(one.title, one.lang) for token in run if not token.stop]
    text = [token.key for run in segments(one.text[:TEXT], one.lang) for token in run if not token.stop]
    return title * _TITLE + text


def _space(read: Sequence[Said]) -> Floats:
    """Where each thread lies: unit vectors."""
    weights = TfidfVectorizer(analyzer=_words, min_df=2, max_df=0.4, max_features=_WORDS, sublinear_tf=True)
    matrix = weights.fit_transform(read)
    size = min(_DIMENSIONS, min(matrix.shape) - 1)
    placed: Floats = normalize(TruncatedSVD(size, random_state=0).fit_transform(matrix))
    return placed


def _under(read: Sequence[Said], phrases: Sequence[Phrase]) -> dict[str, list[int]]:
    """The threads with each phrase in their titles."""
    book = PhraseBook({form: one.text for one in phrases for form in (one.text, *one.variants)})
    found: dict[str, list[int]] = {one.text: [] for one in phrases}
    for place, one in enumerate(read):
        for phrase in book.find(one.title, one.lang):
            found[phrase].append(place)
    return found


def _centre(places: Floats, members: Sequence[int]) -> Floats:
    middle = places[list(members)].sum(axis=0) if members else np.zeros(places.shape[1])
    centre: Floats = middle / max(float(np.linalg.norm(middle)), 1e-9)
    return centre


def _theme(
    members: Sequence[int],
    phrases: Sequence[Phrase],
    centres: Floats,
    under: Mapping[str, Sequence[int]],
    corpus: tuple[Sequence[Said], Floats],
) -> Theme:
    read, places = corpus
    middle = _centre(centres, list(members))
    weight = {place: phrases[place].threads * float(centres[place] @ middle) for place in members}
    ordered = sorted(members, key=lambda place: (-weight[place], phrases[place].text))
    threads = sorted({thread for place in members for thread in under[phrases[place].text]})
    near = sorted(threads, key=lambda thread: (-float(places[thread] @ middle), read[thread].ref))
    examples = tuple(dict.fromkeys(read[thread].title for thread in near))[:_EXAMPLES]
    return Theme(tuple(phrases[place].text for place in ordered), len(threads), examples)
