"""What a sentence model is asked, and what its answer does to a pair."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pytest

from kbgen.config import DuplicatesConfig
from kbgen.model import Ref
from kbgen.similar import semantic
from kbgen.similar.compare import Comparison
from kbgen.similar.judge import Bands, Scores, alike, judge, rescored, second_look
from kbgen.similar.nearest import Nearest, update
from kbgen.similar.texts import Text, make_text
from kbgen.similar.vectors import Embedder, stack

BANDS = Bands(0.85, 0.5, 50)
BODY = "It happens since the last update of the firmware, I unplugged it twice."


def texts(*titles: str) -> list[Text]:
    """Threads in English, in the order of their arrival."""
    return [make_text(Ref(f"forum:{n}"), ("en", title, BODY), created=f"{n:04}") for n, title in enumerate(titles, 1)]


def neighbours(threads: list[Text]) -> Nearest:
    """As the default tier sees them."""
    return update(None, threads, lambda some: stack(Embedder().vectors(some)))[0]


def meant(cosine: float, words: tuple[float, float]) -> tuple[float, float]:
    """A pair's scores after the model gave a cosine."""
    vectors = np.array([[1, 0], [cosine, (1 - cosine**2) ** 0.5]], np.float16)
    scores = rescored({(3, 7): words}, np.array([3, 7]), (vectors, lambda rows: rows, 0.85), merge=BANDS.merge)
    return scores[3, 7]


def test_a_share_of_the_texts_is_looked_at() -> None:
    """Of 2,400 texts that all lie near one another, the model sees as much as 200 long ones are: the most alike first."""
    threads = texts(*(f"Oven number {n // 2} beeps {'again' * (n % 2)}" for n in range(2400)))
    index = neighbours(threads)
    pairs = second_look(index, threads, 0.3)
    rest = [local for pair, (_, local) in alike(index, 0.15).items() if pair not in pairs]

    words = sum(threads[place].words for place in {place for pair in pairs for place in pair})
    assert 13_900 < words <= 200 * 70
    assert min(local for _, local in pairs.values()) >= max(rest) - 1e-6


def test_what_words_put_far_below_is_not_looked_at() -> None:
    """A pair of different questions costs no sentence vector."""
    threads = texts("Oven timer beeps", "Kettle lid is loose", "Where is my order?")

    assert second_look(neighbours(threads), threads, 0.9) == {}


def test_the_model_moves_a_pair_between_bands() -> None:
    """The same words' scores are a suggestion or nothing, as the sentences agree or not."""
    assert meant(0.9, (0.6, 0.45))[1] > BANDS.suggest
    assert meant(0.5, (0.6, 0.55))[1] < BANDS.suggest


def test_the_model_alone_merges_nothing() -> None:
    """Sentences that agree in full stay a suggestion while the words are less alike than a merge asks."""
    assert meant(1.0, (0.8, 1.0))[1] < BANDS.merge <= meant(1.0, (0.9, 1.0))[1]


def test_figures_that_differ_are_hardly_worth_a_question() -> None:
    """Two numbers of a series are suggested when they are alike enough to merge, and not below."""
    series = texts("Release notes 1.4", "Release notes 1.5")
    near: Scores = {(0, 1): (0.8, 0.7)}
    nearer: Scores = {(0, 1): (0.95, 0.9)}

    assert judge(near, series, BANDS) == []
    assert [(pair.band, pair.rule) for pair in judge(nearer, series, BANDS)] == [("suggest", "alike, but figures")]


@pytest.mark.skipif(not semantic.model_of("en"), reason="the extra is not installed")
def test_a_paraphrase_is_nearer_with_the_extra() -> None:
    """The model that ships in a package runs without a download, and gives the same numbers each time."""
    one, other, far = semantic.embed(
        texts("How do I reset my password?", "I forgot the code to log in", "Cake recipe")
    ).astype(np.float32)

    assert one @ other > one @ far
    assert (semantic.embed(texts("How do I reset my password?"))[0] == one.astype(np.float16)).all()


@pytest.mark.skipif(not semantic.model_of("en"), reason="the extra is not installed")
def test_step_by_step_with_the_extra_is_as_all_at_once() -> None:
    """With the sentence model too, threads that arrive later end in the same pairs."""
    threads = texts("Oven timer beeps each minute", "Timer of the oven beeps every minute", "Kettle lid is loose")
    settings = DuplicatesConfig(semantic="on")
    kept: dict[tuple[str, str], bytes] = {}

    class Cache:
        def get(self, model: str, keys: Sequence[str]) -> dict[str, bytes]:
            return {key: kept[model, key] for key in keys if (model, key) in kept}

        def put(self, model: str, rows: Iterable[tuple[str, bytes]]) -> None:
            kept.update(((model, key), data) for key, data in rows)

    def run(some: list[Text], old: bytes = b"") -> tuple[object, bytes]:
        found = Comparison(settings, lambda _: []).run(some, old, Cache())
        return found.pairs, found.neighbours

    slowly, old = run(threads[:1])
    slowly, old = run(threads[:2], old)
    slowly, _ = run(threads, old)
    kept.clear()

    assert slowly == run(threads)[0]
