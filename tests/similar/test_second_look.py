"""What a sentence model is asked, and what its answer does to a pair."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pytest

from kbgen.config import DuplicatesConfig
from kbgen.model import Ref
from kbgen.similar import semantic
from kbgen.similar.compare import Comparison
from kbgen.similar.frame import Longs
from kbgen.similar.judge import Bands, Scores, alike, judge
from kbgen.similar.kept import Parts
from kbgen.similar.linkage import Pair
from kbgen.similar.names import Names
from kbgen.similar.nearest import Nearest, update
from kbgen.similar.second import View, rescored, worth_seeing
from kbgen.similar.sight import look
from kbgen.similar.texts import Text, make_text
from kbgen.similar.vectors import Embedder, Floats, stack

BANDS = Bands(0.85, 0.5, 50)
BODY = "It happens since the last update of the firmware, I unplugged it twice."


def texts(*titles: str) -> list[Text]:
    """Threads in English, in the order of their arrival."""
    return [make_text(Ref(f"forum:{n}"), ("en", title, BODY), created=f"{n:04}") for n, title in enumerate(titles, 1)]


def neighbours(threads: list[Text]) -> Nearest:
    """As the default tier sees them."""
    return update(None, threads, lambda some: stack(Embedder().vectors(some)))[0]


def view(places: Sequence[int], rows: Sequence[Sequence[float]], share: float = 0.85) -> View:
    """What a model saw, its similarities the products of vectors as they are."""
    vectors = np.array(rows, np.float16)
    sight = look(None, "model", Names.of(texts(*map(str, places))), vectors.__getitem__)
    return View(np.array(places), sight, vectors.__getitem__, lambda products: products, share)


def same(pairs: Sequence[Pair]) -> list[float]:
    """Bodies that have all in common."""
    return [1.0] * len(pairs)


def far(*pairs: Longs) -> Floats:
    """How alike pairs are by words that are nobody's neighbours: a little."""
    return np.full(len(pairs[0]), 0.4, np.float32)


def meant(cosine: float, words: tuple[float, float]) -> tuple[float, float]:
    """A pair's scores after the model gave a cosine, in a place as crowded as words say it is."""
    near = np.array([[1, -1], [0, -1]], np.int32)
    scores = np.array([[words[0], -1], [words[0], -1]], np.float32)
    index = neighbours(texts("one", "other"))._replace(near=near, scores=scores)
    rows = [[1, 0], [cosine, (1 - cosine**2) ** 0.5]]
    return rescored({(0, 1): words}, index, view((0, 1), rows), far, BANDS)[0, 1]


def test_a_share_of_long_texts_is_looked_at() -> None:
    """Of 3,000 texts of seventy words, the model sees one in six: those most alike another first."""
    filler = " ".join(f"word{n}" for n in range(90))
    threads = [
        make_text(
            Ref(f"forum:{n}"), ("en", f"Oven number {n // 2} beeps {'again' * (n % 2)}", filler), created=f"{n:04}"
        )
        for n in range(3000)
    ]
    index = neighbours(threads)
    seen = worth_seeing(index, threads)
    best = np.full(len(threads), -1.0)
    for pair, (_, local) in alike(index, -1).items():
        best[list(pair)] = np.maximum(best[list(pair)], local)

    assert len(seen) == 500
    assert best[seen].min() >= np.delete(best, seen).max() - 1e-6


def test_short_texts_are_all_looked_at() -> None:
    """Where questions are as short as titles, the model has time for all of them."""
    threads = [make_text(Ref(f"forum:{n}"), ("en", f"Oven {n} beeps", ""), created=f"{n:04}") for n in range(600)]

    assert worth_seeing(neighbours(threads), threads).tolist() == list(range(600))


def test_the_model_finds_what_words_do_not() -> None:
    """Two texts that are nobody's neighbours by words become a pair when their sentences agree."""
    index = neighbours(texts(*(f"text {n}" for n in range(4))))
    alone = index._replace(near=np.full_like(index.near, -1), scores=np.full_like(index.scores, -1))
    rows: list[list[float]] = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.1, 0, 0.995]]
    found = rescored({}, alone, view(range(4), rows), far, BANDS)

    assert list(found) == [(2, 3)]
    assert found[2, 3][0] == pytest.approx(0.85 * 0.995 + 0.15 * 0.4, abs=1e-3)


def test_a_pair_the_model_denies_is_none() -> None:
    """What words suggested and sentences do not is given its new scores, not left as it was."""
    low = meant(0.1, (0.8, 0.7))

    assert max(low) < BANDS.suggest


def test_the_model_moves_a_pair_between_bands() -> None:
    """The same words' scores are a suggestion or nothing, as the sentences agree or not."""
    assert min(meant(0.9, (0.6, 0.45))) > BANDS.suggest > min(meant(0.3, (0.6, 0.55)))


def test_the_model_alone_merges_nothing() -> None:
    """Sentences that agree in full stay a suggestion while the words are less alike than a merge asks."""
    assert meant(1.0, (0.8, 1.0))[1] < BANDS.merge <= meant(1.0, (0.9, 1.0))[1]


def test_a_crowd_by_words_is_one_with_sentences_too() -> None:
    """Notices that are alike to the letter are as many by words: sentences that see two of them merge none."""
    notices = neighbours(texts(*(f"Notice of day {n}" for n in range(12))))
    near = np.array([[n for n in range(12) if n != row][:10] for row in range(12)], np.int32)
    crowded = notices._replace(near=near, scores=np.full((12, 10), 0.9, np.float32))
    found = rescored({(0, 1): (0.9, 0.0)}, crowded, view((0, 1), [[1, 0], [1, 0]]), far, BANDS)

    assert found[0, 1][1] < BANDS.merge


def test_figures_that_differ_are_hardly_worth_a_question() -> None:
    """Two numbers of a series are suggested when they are alike enough to merge, and not below."""
    series = texts("Release notes 1.4", "Release notes 1.5")
    near: Scores = {(0, 1): (0.8, 0.7)}
    nearer: Scores = {(0, 1): (0.95, 0.9)}

    assert judge(near, series, BANDS, same) == []
    assert [(pair.band, pair.rule) for pair in judge(nearer, series, BANDS, same)] == [
        ("suggest", "alike, but figures")
    ]


def test_contraries_in_other_words_are_a_doubt() -> None:
    """One may start what another wants stopped and mean the same: a person is asked, and nothing merged."""
    both = texts("Mixer starts whenever I close the lid", "How do I stop the mixer from running at once?")
    (pair,) = judge({(0, 1): (0.8, 0.7)}, both, BANDS, same)

    assert (pair.band, pair.rule) == ("suggest", "alike, but perhaps start/stop")


@pytest.mark.parametrize(
    ("titles", "share", "band"),
    [
        (("Export of tables fails", "Exporting tables fails"), 0.6, "merge"),
        (("Export of tables fails", "Exporting tables fails"), 0.4, "suggest"),
        (("Export fails", "Export fails"), 0.8, "merge"),
        (("Export fails", "Export fails"), 0.6, "suggest"),
    ],
)
def test_bodies_have_a_say_in_a_merge(titles: tuple[str, str], share: float, band: str) -> None:
    """Half of what the shorter body says is in the other one, three quarters where the titles are the same."""
    (pair,) = judge({(0, 1): (0.95, 0.9)}, texts(*titles), BANDS, lambda pairs: [share] * len(pairs))

    assert (pair.band, pair.rule.endswith("but other bodies")) == (band, band == "suggest")


def test_bodies_are_read_of_merges_only() -> None:
    """What is suggested anyway, or waits for another reason, is not looked up."""
    asked: list[Sequence[Pair]] = []
    both = texts("Timer beeps", "Timer is beeping", "Timer of the oven", "Error 403", "Error 404")

    def note(pairs: Sequence[Pair]) -> list[float]:
        asked.append(pairs)
        return same(pairs)

    judge({(0, 1): (0.9, 0.9), (0, 2): (0.6, 0.6), (3, 4): (0.9, 0.9)}, both, BANDS, note)

    assert asked == [[(0, 1)]]


@pytest.mark.skipif(not semantic.model_of("en"), reason="the extra is not installed")
def test_a_paraphrase_is_nearer_with_the_extra() -> None:
    """The model that ships in a package runs without a download, and gives the same numbers each time."""
    one, other, far = semantic.embed(
        texts("How do I reset my password?", "I forgot the code to log in", "Cake recipe")
    ).astype(np.float32)

    assert one @ other > one @ far
    assert (semantic.embed(texts("How do I reset my password?"))[0] == one.astype(np.float16)).all()


def test_one_figure_is_a_doubt_and_no_contradiction() -> None:
    """Where only one of two titles names a number, a person is asked as of any other pair."""
    near: Scores = {(0, 1): (0.8, 0.7)}

    (pair,) = judge(near, texts("Access is denied after the update", "Error 403 after the update"), BANDS, same)

    assert (pair.band, pair.rule) == ("suggest", "alike, but one figure")


@pytest.mark.skipif(not semantic.model_of("en"), reason="the extra is not installed")
def test_a_vector_does_not_depend_on_its_company() -> None:
    """A text has the same vector alone and in a batch of others, short and long."""
    threads = texts(
        "Oven beeps", "The timer of my oven beeps every minute, and " * 9, "Lid", *(f"a{n}" for n in range(40))
    )

    assert (semantic.embed(threads)[:3] == np.concatenate([semantic.embed([one]) for one in threads[:3]])).all()


@pytest.mark.skipif("+" not in semantic.model_of("he"), reason="the extra is not installed")
def test_a_glossary_helps_the_model() -> None:
    """Of two Hebrew texts without a common word, the English of the glossary says that they are alike."""
    said = [
        make_text(Ref(f"forum:{n}"), ("he", title, "")) for n, title in enumerate(("שכחתי סיסמה", "איפוס קוד כניסה"))
    ]
    unknown = [make_text(Ref(f"forum:{n}"), ("he", title, "")) for n, title in enumerate(("קשקשרץ", "צקלגפט"))]
    glossed = [semantic.embed(some).astype(np.float32)[:, 384:] for some in (said, unknown)]

    assert glossed[0][0] @ glossed[0][1] > 0.1
    assert not glossed[1].any()


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

    def run(some: list[Text], old: Parts = ()) -> tuple[object, Parts]:
        found = Comparison(settings, lambda _: []).run(some, old, Cache())
        return found.pairs, found.neighbours

    slowly, old = run(threads[:1])
    slowly, old = run(threads[:2], old)
    slowly, _ = run(threads, old)
    kept.clear()

    assert slowly == run(threads)[0]
