"""Neighbours of a community too large to compare all with all: cells, increments, and what is listed."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest

from kbgen.model import Ref
from kbgen.similar import frame as similar_frame
from kbgen.similar import scoring
from kbgen.similar.frame import STEPS, make_frame, parts, placed, rarity, weighted
from kbgen.similar.kept import pack, unpack
from kbgen.similar.nearest import LISTED, NEAR, Nearest, listed, update
from kbgen.similar.scoring import NO_RANK, exact, ordered, ranked, ranks, true_in
from kbgen.similar.texts import Text, make_text
from kbgen.similar.vectors import Embedder, Stack, Vector, joined, stack, wide

SAID = (
    "oven kettle timer filter door lamp light reset update firmware beep noise water steam order invoice guarantee app "
    "network password recipe export import vacuum brush battery charger screen button handle hinge seal smell smoke"
)
WORDS = SAID.split()


def texts(count: int) -> list[Text]:
    """Threads of words drawn at random, the same each time."""
    chance = random.Random(7)  # noqa: S311
    return [
        make_text(
            Ref(f"forum:{number}"),
            ("en", " ".join(chance.choices(WORDS, k=5)), " ".join(chance.choices(WORDS, k=12))),
            created=f"{number:06}",
        )
        for number in range(count)
    ]


def fetch(some: Sequence[Text]) -> Stack:
    """Their vectors, made anew."""
    return stack(Embedder().vectors(some))


@pytest.fixture(scope="module")
def large() -> tuple[list[Text], Nearest, Nearest]:
    """A community, its neighbours without the last fifty, and with them."""
    every = texts(4400)
    first, _ = update(None, every[:-50], fetch)
    second, fresh = update(unpack(pack(first, "now"), "now"), every, fetch)
    assert fresh == list(range(4350, 4400))
    return every, first, second


def test_new_texts_join_as_if_all_were_new(large: tuple[list[Text], Nearest, Nearest]) -> None:
    """All neighbours and scores are those of a community compared anew, measured in the same way; so are those of fewer."""
    every, first, grown = large
    rest = every[:100] + every[144:]
    fewer, _ = update(grown, rest, fetch)

    for index, several in ((grown, every), (fewer, rest)):
        anew, _ = update(None, several, fetch, frame=first.frame)
        assert (index.near == anew.near).all()
        assert (index.scores == anew.scores).all()


def test_nobody_is_its_own_neighbour(large: tuple[list[Text], Nearest, Nearest]) -> None:
    """Neither among those compared anew nor among those a new text was compared with."""
    for index in large[1:]:
        assert not (index.near == np.arange(len(index.keys))[:, None]).any()


def test_a_stack_gives_what_was_put_in() -> None:
    """Parts, picks and stacks of stacks hold each text's own terms."""
    vectors = [
        *Embedder().vectors(texts(6)),
        Vector(np.ones(256, np.float16), np.zeros(0, np.uint32), np.zeros(0, np.uint8)),
    ]
    whole = stack(vectors)
    picked = joined([whole.part(4, 9), whole.pick(np.array([1, 3]))])

    assert [picked.size, whole.part(0, 7).size] == [5, 7]
    for place, vector in zip(range(5), (*vectors[4:], vectors[1], vectors[3]), strict=True):
        one = picked.part(place, place + 1)
        assert one.terms.tolist() == vector.terms.tolist()
        assert one.counts.tolist() == vector.counts.tolist()
        assert (one.dense[0] == vector.dense).all()


def test_what_is_kept_comes_back(large: tuple[list[Text], Nearest, Nearest]) -> None:
    """Neighbours survive the store to the bit."""
    _, first, _ = large
    again = unpack(pack(first, "now"), "now")
    assert again

    assert again.keys == first.keys
    assert again.frame[0::4] == first.frame[0::4]
    assert all((one == other).all() for one, other in zip(again.frame[1:4], first.frame[1:4], strict=True))
    assert (again.frame.centres == first.frame.centres).all()
    assert (again.lists.others == first.lists.others).all()
    assert np.array_equal(again.lists.scores[:, :24], first.lists.scores[:, :24], equal_nan=True)
    for name in ("rows", "cells", "near", "scores"):
        assert (getattr(again, name) == getattr(first, name)).all()


def test_only_changed_lists_are_touched(large: tuple[list[Text], Nearest, Nearest]) -> None:
    """Fifty new texts change the lists of the texts near them; a list that stays the same is not written again."""
    _, first, second = large
    before = listed(first.near, first.scores)
    after = listed(second.near[:4350], second.scores[:4350])

    assert (second.touched[:4350] == (before != after).any(axis=1)).all()
    assert 0 < second.touched[:4350].sum() < 4350


def test_lists_are_short_rounded_and_old_first() -> None:
    """At most twelve, nothing that is hardly alike; scores that round to the same keep the older text first."""
    near = np.full((1, NEAR), -1, np.int32)
    scores = np.full((1, NEAR), -1, np.float32)
    near[0, :4], scores[0, :4] = (9, 4, 7, 2), (0.81, 0.8, 0.5, 0.1)

    assert listed(near, scores)[0].tolist() == [4, 9, 7] + [-1] * (LISTED - 3)


def test_order_of_equal_scores_is_by_neighbour() -> None:
    """The quick order is the one of three keys, ties included, whatever the sign of a score."""
    chance = np.random.default_rng(3)
    row = chance.integers(0, 20, 3000)
    other = chance.permutation(3000)
    score = (chance.integers(-5, 6, 3000) / 5).astype(np.float32)
    unique = chance.normal(size=3000).astype(np.float32)

    for one in (score, unique):
        expected = np.lexsort((other, -one, row))
        assert (ordered(row, other, one) == expected).all()


def test_words_no_frame_knows_still_match() -> None:
    """Two texts that share a word newer than the frame are alike by it; products equal those of dense rows."""
    vectors = Embedder().vectors(texts(40))
    frame = make_frame(stack(vectors[:20]), "en")
    new = Vector(vectors[0].dense, np.array([1, 5, 2**32 - 1], np.uint32), np.array([1, 2, 1], np.uint8))
    rows = weighted(stack([*vectors, new, new]), frame)

    assert rows.has_sorted_indices
    assert rows[-1].multiply(rows[-2]).sum() == pytest.approx(1, abs=1e-5)
    assert rows[0].multiply(rows[-1]).sum() == 0


def test_a_score_is_what_words_and_meaning_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cosine of the terms, and that of the vectors without the mean, by their parts; the same for few and many."""
    every = stack(Embedder().vectors(texts(40)))
    frame = make_frame(every.part(0, 30), "en")
    words, (words_part, dense_part) = weighted(every, frame), parts(every, frame)
    keys = np.array([3 * 40 + 5, 7 * 40 + 36, 11 * 40 + 12])
    left, right = keys // 40, keys % 40
    dense = every.dense.astype(np.float64) - frame.mean
    dense /= np.linalg.norm(dense, axis=1, keepdims=True)
    shared = np.asarray(words[left].multiply(words[right]).sum(axis=1)).ravel()
    said = shared * words_part[left] * words_part[right]
    meant = (dense[left] * dense[right]).sum(axis=1) * dense_part[left] * dense_part[right]
    few = exact(keys, 40, frame, every.pick)
    monkeypatch.setattr(scoring, "_FEW", 0)

    assert few == pytest.approx(said + meant, abs=1e-5)
    assert few.tolist() == exact(keys, 40, frame, every.pick).tolist()


def test_two_words_of_a_text_may_share_a_column() -> None:
    """Hashes are cut to make columns; a text with two of one column is scored like any other, with both."""
    vectors = Embedder().vectors(texts(40))
    frame = make_frame(stack(vectors), "en")
    new = Vector(vectors[0].dense, np.array([8, 9, 400], np.uint32), np.array([1, 2, 1], np.uint8))
    every = stack([new, new, *vectors])

    assert weighted(every, frame)[0].nnz == 2
    assert exact(np.array([1]), every.size, frame, every.pick)[0] >= 1


@pytest.mark.parametrize("many", [1, 1 << 13])
def test_rarity_is_found_for_every_word(monkeypatch: pytest.MonkeyPatch, many: int) -> None:
    """Whatever bits hashes share, those of the frame have their weight, and all others that of a word never seen.

    It is so whether a table is made or not.
    """
    monkeypatch.setattr(similar_frame, "_MANY_TERMS", many)
    chance = np.random.default_rng(5)
    known = np.unique(chance.integers(0, 1 << 32, 900, np.uint32) & np.uint32(0xFFF0000F))
    empty = make_frame(stack(Embedder().vectors(texts(3))), "en")._replace(terms=known[:0])
    frame = empty._replace(terms=known, rarity=np.arange(len(known), dtype=np.float32), unseen=-1.0)
    asked = np.concatenate([known, known + np.uint32(16), chance.integers(0, 1 << 32, 500, np.uint32)])
    weights = dict(zip(known.tolist(), frame.rarity.tolist(), strict=True))

    assert rarity(asked, frame).tolist() == [weights.get(term, -1.0) for term in asked.tolist()]
    assert set(rarity(asked, empty).tolist()) == {np.float32(empty.unseen)}


def test_ranks_rise_as_scores_fall() -> None:
    """By score, then by age; nobody comes last; and they can be read back."""
    near = np.array([[7, 3, 9, -1, 1 << 30]], np.int32)
    scores = np.array([[0.5, 0.5, -0.25, -1, 1]], np.float32)
    numbers = ranks(near, scores)

    assert numbers[0].argsort().tolist() == [4, 1, 0, 2, 3]
    assert numbers[0, 3] == NO_RANK
    assert all((one == other).all() for one, other in zip(ranked(numbers), (near, scores), strict=True))


def test_halves_are_widened_as_numpy_does() -> None:
    """Every half that is a number comes out as the same number."""
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    halves = halves[np.isfinite(halves)]

    assert (wide(halves) == halves.astype(np.float32)).all()


def test_words_count_for_more_between_long_texts() -> None:
    """A title is told by what it means, a long text by its words too; what both views weigh adds up to one."""
    short = make_text(Ref("forum:1"), ("en", "oven beeps", ""))
    long = make_text(Ref("forum:2"), ("en", "oven beeps", " ".join(WORDS + [one[::-1] for one in WORDS])))
    foreign = make_text(Ref("forum:3"), ("pl", "piekarnik piszczy", "bez przerwy i bez powodu " * 9))
    frame = make_frame(fetch([short, long]), "en")
    words, dense = parts(fetch([short, long]), frame)

    assert (words**2).tolist() == pytest.approx([0.35, 0.5], abs=1e-6)
    assert (words**2 + dense**2).tolist() == pytest.approx([1, 1], abs=1e-6)
    assert parts(fetch([foreign]), make_frame(fetch([foreign]), "pl"))[0].tolist() == [1]


def test_places_have_both_views_in_proportion() -> None:
    """Candidates are chosen by products that are close to scores: a text's with itself is one, be it long or short."""
    vectors = fetch([*texts(30), make_text(Ref("forum:short"), ("en", WORDS[0], ""))])
    rows = placed(vectors, make_frame(vectors, "en")).astype(float) / STEPS

    assert (rows**2).sum(axis=1) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (1, 1), (7, 5)])
def test_what_is_true_is_found_by_row_and_column(shape: tuple[int, int]) -> None:
    """As numpy says it, whichever way a table lies."""
    mask = np.random.default_rng(3).random(shape) < 0.3
    for table in (mask, np.asfortranarray(mask)):
        assert [place.tolist() for place in true_in(table)] == [place.tolist() for place in np.nonzero(mask)]
