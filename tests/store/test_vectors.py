"""What duplicate detection keeps in the store."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from kbgen.store import open_store, vectors


def test_neighbours_come_back_part_by_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large parts are cut to what the store takes, and put together again; an empty one is a part, too."""
    monkeypatch.setattr(vectors, "_PIECE", 4)
    parts = (b"head", memoryview(b"longer than that"), b"", b"12345")
    with closing(open_store(tmp_path / "store.sqlite")) as store:
        with store.transaction():
            store.vectors.set_neighbours("en", parts)
            store.vectors.set_neighbours("pl", [b"once"])
            store.vectors.set_neighbours("pl", ())

        assert store.vectors.neighbours("en") == tuple(map(bytes, parts))
        assert store.vectors.neighbours("pl") == ()
        assert store.vectors.languages() == ("en",)
