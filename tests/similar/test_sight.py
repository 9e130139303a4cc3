"""What a sentence model saw, kept over many runs, is what one run from nothing finds, to the bit."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kbgen.model import Ref
from kbgen.similar import candidates, nearest, sight
from kbgen.similar.frame import Longs
from kbgen.similar.kept import pack, unpack, unpack_sight
from kbgen.similar.names import Names
from kbgen.similar.nearest import update
from kbgen.similar.sight import Halves, Sight, look
from kbgen.similar.texts import make_text
from kbgen.similar.vectors import Embedder, stack

Seen = dict[str, int]


def vectors(seen: Seen) -> Halves:
    """Of each text, by a number: thirty clusters, some texts the same as others."""
    rows = [np.random.default_rng(one % 30).normal(size=16) for one in seen.values()]
    rows = [
        row + np.random.default_rng(one // 2).normal(size=16) / 4 for row, one in zip(rows, seen.values(), strict=True)
    ]
    return np.array([row / np.linalg.norm(row) for row in rows], np.float16).reshape(-1, 16)


def run(old: Sight | None, seen: Seen, model: str = "m", *, afresh: bool = False) -> Sight:
    """What a model sees of some texts."""
    rows = vectors(seen)
    keys = Names("\n".join(seen).encode(), np.full(len(seen), b"k" * 32))

    def take(some: Longs) -> Halves:
        assert (np.diff(some) > 0).all()
        return rows[some]

    return look(old, model, keys, take, afresh=afresh)


def same(one: Sight, other: Sight) -> None:
    """All that is read of both is the same."""
    assert (one.keys, one.size) == (other.keys, other.size)
    assert (one.rows == other.rows).all()
    assert (one.lists.places() == other.lists.places()).all()
    assert np.array_equal(one.lists.scores, other.lists.scores, equal_nan=True)
    assert all((a == b).all() for a, b in zip(one.near(), other.near(), strict=True))


@pytest.fixture(autouse=True, scope="module")
def small() -> Iterator[None]:
    """Short lists, tiles of eight; cells from forty texts on, of eight, divided from twenty on."""
    with pytest.MonkeyPatch.context() as patch:
        for name, number in {"CANDIDATES": 4, "KEPT": 6, "_TILE": 8, "_ASKING": 5, "_LARGEST": 20}.items():
            patch.setattr(candidates, name, number)
        patch.setattr(nearest, "CANDIDATES", 4)
        patch.setattr(sight, "_EXACT", 40)
        patch.setattr(sight, "_CELL", 8)
        yield


NIGHTS = st.lists(st.tuples(st.integers(0, 25), st.integers(0, 25), st.integers(0, 9)), min_size=1, max_size=5)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@example(30, [(15, 0, 0), (0, 20, 0), (5, 5, 9)])
@example(60, [(9, 9, 3), (25, 0, 3), (25, 0, 0), (0, 25, 0)])
@given(st.integers(1, 70), NIGHTS)
def test_any_runs_end_as_one_that_starts_from_nothing(count: int, nights: list[tuple[int, int, int]]) -> None:
    """Whoever is seen or no longer, edited or not, in cells or not: candidates, products and the nearest."""
    seen = {f"forum:{one:04}": one for one in range(count)}
    now, made = run(None, seen), count
    for come, go, edited in nights:
        for _ in range(come):
            # Of any age.
            seen[f"forum:{made * 37 % 1000:04} {made}"] = made
            made += 1
        chance = np.random.default_rng(made + go)
        for key in chance.permutation(sorted(seen))[: min(go, len(seen) - 1)].tolist():
            del seen[key]
        for key in chance.permutation(sorted(seen))[:edited].tolist():
            seen[key + "+"] = seen.pop(key) + 500
        seen = dict(sorted(seen.items()))
        now = run(now, seen)

        same(now, run(now, seen, afresh=True))


def test_the_nearest_are_those_of_comparing_all() -> None:
    """Of a few texts: by product, the older first among equals, nobody twice and nobody oneself."""
    seen = {f"forum:{one:04}": one for one in range(5)}
    rows = vectors(seen).astype(np.float32)
    products = rows @ rows.T
    near, found = run(None, seen).near()

    for one in range(5):
        expected = sorted(
            (other for other in range(5) if other != one), key=lambda other: (-products[one, other], other)
        )
        assert near[one].tolist() == expected + [-1] * 16
        assert found[one, :4] == pytest.approx(products[one, expected], abs=1e-5)


def test_in_cells_nearly_the_same_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond what can be compared with all, most candidates are those of comparing all."""
    seen = {f"forum:{one:04}": one for one in range(600)}
    celled = run(None, seen).lists.places()
    monkeypatch.setattr(sight, "_EXACT", 1000)
    exact = run(None, seen).lists.places()

    assert (
        np.mean([len({*one} & {*other}) / 4 for one, other in zip(exact.tolist(), celled.tolist(), strict=True)]) > 0.5
    )


def test_another_model_sees_anew() -> None:
    """What one model saw says nothing of what another sees."""
    seen = {f"forum:{one:04}": one for one in range(20)}
    other = {key: one + 100 for key, one in seen.items()}

    same(run(run(None, other, "old"), seen, "new"), run(None, seen, "new"))


def test_what_is_kept_comes_back() -> None:
    """Beside the neighbours by words, or not at all; nothing of what other code kept."""
    texts = [make_text(Ref(f"forum:{one}"), ("en", f"Oven {one} beeps", ""), created=f"{one}") for one in range(9)]
    index, _ = update(None, texts, lambda some: stack(Embedder().vectors(some)))
    now = run(None, {f"forum:{one:04}": one for one in range(50)})
    data = pack(index, "this", now)
    again = unpack_sight(data, "this")

    assert again
    same(again, now)
    assert again.model == "m"
    assert unpack(data, "this")
    assert unpack_sight(data, "that") is None
    assert unpack_sight(pack(index, "this"), "this") is None
