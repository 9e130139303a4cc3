"""Rules of ``kbgen.sources.stackexchange_dump``."""

from pathlib import Path

import py7zr
import pytest
from source_builders import answer, question, read, stackexchange, threads, write_dump

from kbgen.errors import SourceError, SourceTruncated


def without(row: dict[str, str], name: str) -> dict[str, str]:
    """A row without one attribute."""
    return {key: value for key, value in row.items() if key != name}


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (without(question(2), "Id"), "the row has no Id"),
        (without(question(2), "PostTypeId"), "the row has no PostTypeId"),
        (without(question(2), "CreationDate"), "the row has no CreationDate"),
        (without(answer(2, 1), "ParentId"), "the row has no ParentId"),
        (question(2, Id="two"), "a value that cannot be read (invalid literal"),
        (question(2, CreationDate="then"), "a value that cannot be read (Invalid isoformat string"),
        (question(2, OwnerUserId="?"), "a value that cannot be read"),
    ],
)
def test_a_row_without_what_joins_it_is_an_error(row: dict[str, str], problem: str, tmp_path: Path) -> None:
    """A post without id, kind, day or parent is named with file and line, and the others are read."""
    write_dump(tmp_path / "dump", Posts=[question(1), row, question(3)])
    records, (error,) = read(stackexchange(tmp_path))
    assert [record.ref for record in records] == ["stack:1", "stack:3"]
    assert error.place == f"{tmp_path}/dump/Posts.xml:4"
    assert problem in error.problem


@pytest.mark.parametrize("file", ["Posts", "Users", "Votes"])
def test_a_cut_dump_yields_what_it_has_before_it_raises(file: str, tmp_path: Path) -> None:
    """Whichever file is cut, the threads that can be put together are yielded first."""
    votes = [{"Id": str(n), "PostId": "2", "VoteTypeId": "2", "CreationDate": "2021-05-04"} for n in range(9)]
    folder = write_dump(tmp_path / "dump", Posts=[question(1), answer(2, 1), question(3), answer(4, 3)], Votes=votes)
    cut = folder / f"{file}.xml"
    text = cut.read_text(encoding="utf-8")
    cut.write_text(text[: text.rindex("<row") + 8], encoding="utf-8")
    found: list[object] = []
    with pytest.raises(SourceTruncated, match=rf"dump/{file}\.xml:[0-9]+: the file ends in the middle"):
        list(map(found.append, stackexchange(tmp_path).records()))
    assert len(found) == 2


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The temporary index is removed, also when reading stops early."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    write_dump(tmp_path / "dump", Posts=[question(1), question(2)])
    harvest = stackexchange(tmp_path).records()
    next(harvest)
    during = list(folder.iterdir())
    harvest.close()  # type: ignore[attr-defined]
    assert (len(during), list(folder.iterdir())) == (1, [])


def test_the_fingerprint_is_of_the_files_that_are_read(tmp_path: Path) -> None:
    """A file the source never reads does not move its fingerprint."""
    folder = write_dump(tmp_path / "dump", Posts=[question(1)])
    before = stackexchange(tmp_path).fingerprint()
    (folder / "Badges.xml").write_text("<badges/>", encoding="utf-8")
    assert before == stackexchange(tmp_path).fingerprint()


@pytest.mark.parametrize("dump", ["set", "set/hubs.example.com-Posts.7z"])
def test_a_set_of_archives_is_one_dump(dump: str, tmp_path: Path) -> None:
    """A site whose files come as one 7z each is read from their folder, or from the one with the posts."""
    votes = [{"Id": "1", "PostId": "2", "VoteTypeId": "1", "CreationDate": "2021-05-04T00:00:00.000"}]
    folder = write_dump(tmp_path / "dump", Posts=[question(1, AcceptedAnswerId="2"), answer(2, 1)], Votes=votes)
    (tmp_path / "set").mkdir()
    for file in folder.iterdir():
        with py7zr.SevenZipFile(tmp_path / f"set/hubs.example.com-{file.stem}.7z", "w") as archive:
            archive.write(file, file.name)
    whole, parts = threads(stackexchange(tmp_path)), threads(stackexchange(tmp_path, dump))
    assert whole == parts
    before = stackexchange(tmp_path, dump).fingerprint()
    (tmp_path / "set/hubs.example.com-Votes.7z").unlink()
    assert before != stackexchange(tmp_path, dump).fingerprint()


def test_archives_without_posts_are_no_dump(tmp_path: Path) -> None:
    """A folder of other archives says what is missing."""
    with py7zr.SevenZipFile(tmp_path / "hubs-Users.7z", "w") as archive:
        archive.writestr("<users/>", "Users.xml")
    with pytest.raises(SourceError, match=r"holds no Posts\.xml"):
        stackexchange(tmp_path, ".").fingerprint()
