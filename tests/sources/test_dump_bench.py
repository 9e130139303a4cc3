"""Rules of ``bench.dump``."""

from pathlib import Path

import pytest
from source_builders import answer, question, stackexchange, threads, write_dump

from bench.dump import find_dump, main, measure, multiply_dump
from bench.errors import DataMissing


def test_a_dump_is_multiplied_with_ids_of_its_own(tmp_path: Path) -> None:
    """Each copy is whole: its answers belong to its questions, and its accepted answers are there."""
    dump = write_dump(tmp_path / "real", Posts=[question(1, AcceptedAnswerId="2"), answer(2, 1)])
    (tmp_path / "dump").mkdir()
    multiply_dump(dump, tmp_path / "dump", 3)
    found = [(thread.ref, [mark.post_id for mark in thread.solved]) for thread in threads(stackexchange(tmp_path))]
    assert found == [("stack:1", ["2"]), ("stack:1000001", ["1000002"]), ("stack:2000001", ["2000002"])]


def test_a_run_counts_what_it_read(tmp_path: Path) -> None:
    """The posts and bytes of the dump stand in the figures."""
    dump = write_dump(tmp_path / "dump", Posts=[question(1), answer(2, 1), question(3)])
    run = measure(dump, tmp_path)
    assert (run.posts, run.size) == (3, sum(file.stat().st_size for file in dump.iterdir()))
    assert run.lines()[0] == "3 posts, 0 MB"


def test_the_largest_dump_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one the benchmark says what to set, and ends with 2."""
    with pytest.raises(DataMissing, match="KBGEN_DATA"):
        find_dump(tmp_path)
    monkeypatch.setenv("KBGEN_DATA", str(tmp_path))
    assert main([]) == 2
    write_dump(tmp_path / "stackexchange/small", Posts=[question(1)])
    large = write_dump(tmp_path / "stackexchange/large", Posts=[question(1), question(2)])
    assert find_dump(tmp_path) == large
