"""Permalinks, redirects and page rows: what was published is never forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kbgen.model import Ref
from kbgen.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    with closing(open_store(tmp_path / "store.sqlite")) as opened:
        yield opened


def test_a_permalink_is_given_once(store: Store) -> None:
    """A second path for a ref, or a second ref for a path, is not taken."""
    store.permalinks.add({Ref("forum:1"): "/q/one-1/"})
    store.permalinks.add({Ref("forum:1"): "/q/uno-1/", Ref("forum:2"): "/q/one-1/", Ref("forum:3"): "/q/three-3/"})
    assert {"forum:1": "/q/one-1/", "forum:3": "/q/three-3/"} == store.permalinks.all()


def test_a_permalink_that_was_rolled_back_was_never_given(store: Store) -> None:
    """What was read inside the transaction is forgotten with it."""

    def interrupted() -> None:
        with store.transaction():
            store.permalinks.add({Ref("forum:1"): "/q/one-1/"})
            assert {"forum:1": "/q/one-1/"} == store.permalinks.all()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert {} == store.permalinks.all()


def test_redirects_are_added_changed_and_kept(store: Store) -> None:
    """Those of earlier runs stay when a run does not speak of them; gone is told from unknown."""
    store.permalinks.set_redirects({"/a/": "/b/", "/c/": None}, live=[])
    store.permalinks.set_redirects({"/a/": "/d/"}, live=["/d/"])
    assert {"/a/": "/d/", "/c/": None} == store.permalinks.redirects()


def test_a_page_that_lives_again_is_no_redirect(store: Store) -> None:
    """A restored thread takes its address back."""
    store.permalinks.set_redirects({"/a/": None, "/b/": "/c/"}, live=["/c/"])
    store.permalinks.set_redirects({}, live=["/a/", "/c/"])
    assert {"/b/": "/c/"} == store.permalinks.redirects()


def test_page_rows_become_what_was_published(store: Store) -> None:
    """Rows that vanished go, new ones come, and equal ones are not written again."""
    store.pages.replace({"a": ("k1", "d1"), "b": ("k2", "d2"), "c": ("k3", "d3")})
    before = store._connection.total_changes
    store.pages.replace({"a": ("k1", "d1"), "b": ("k9", "d9"), "e": ("k5", "d5")})
    changes = store._connection.total_changes - before

    assert {"a": ("k1", "d1"), "b": ("k9", "d9"), "e": ("k5", "d5")} == store.pages.all()
    assert changes <= 4  # delete c; replace b (delete and insert); insert e


@pytest.mark.parametrize("stray", [{}, {"d": ("k4", "d4")}])
def test_page_rows_are_amended_by_what_differs(store: Store, stray: dict[str, tuple[str, str]]) -> None:
    """Nothing else is written; a row that nobody told of and that should not be there goes, too."""
    store.pages.replace({"a": ("k1", "d1"), "b": ("k2", "d2"), "c": ("k3", "d3")} | stray)
    before = store._connection.total_changes
    wanted = {"a": ("k1", "d1"), "b": ("k9", "d9"), "e": ("k5", "d5")}
    store.pages.amend(wanted, fresh=["b", "e"], gone=["c"])
    assert wanted == store.pages.all()
    assert store._connection.total_changes - before <= 4 + len(stray)
