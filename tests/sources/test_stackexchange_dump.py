"""Rules of ``kbgen.sources.stackexchange_dump``."""

from pathlib import Path

import py7zr
import pytest
from source_builders import answer, question, read, stackexchange, threads, write_dump, xml

from kbgen.errors import RecordError, SourceError, SourceTruncated
from kbgen.sources.stackexchange_rows import Row, XmlRows


def rows_of(file: Path, text: str) -> list[Row | RecordError]:
    """The rows of a file with this text."""
    file.write_text(text, encoding="utf-8")
    return list(XmlRows(file, file.name))


def shown(rows: list[Row | RecordError]) -> list[str]:
    """Rows and errors as ``line:id`` and as places."""
    return [row.place if isinstance(row, RecordError) else f"{row.line}:{row.fields['Id']}" for row in rows]


def test_rows_know_their_lines(tmp_path: Path) -> None:
    """Each row comes with its attributes and the line it stands on, byte order mark or not."""
    text = "\ufeff" + xml("posts", [{"Id": "1", "Body": "a <b> & \n c"}, {"Id": "2"}])
    assert rows_of(tmp_path / "Posts.xml", text) == [
        Row(3, {"Id": "1", "Body": "a <b> & \n c"}),
        Row(4, {"Id": "2"}),
    ]


@pytest.mark.parametrize(
    "bad",
    [
        '  <row Id="3" Body="a & b" />',
        '  <row Id="3" Body="a < b" />',
        '  <row Id="3" Body="&#x1;" />',
        '  <row Id="3" Id="3" />',
        '  <row Id="3" Body="&unknown;" />',
        '  <row Id="3" Body="no end />',
    ],
)
def test_a_bad_row_is_named_and_the_next_is_read(bad: str, tmp_path: Path) -> None:
    """A row that is not XML becomes an error with its line; the rows around it are kept, each once."""
    lines = xml("posts", [{"Id": str(number)} for number in (1, 2, 4, 5)]).split("\n")
    lines.insert(4, bad)
    found = shown(rows_of(tmp_path / "Posts.xml", "\n".join(lines)))
    assert found == ["3:1", "4:2", "Posts.xml:5", "6:4", "7:5"]


def test_several_bad_rows_and_a_bad_first_and_last(tmp_path: Path) -> None:
    """Bad rows may follow each other and stand at either end."""
    bad = '  <row Id="x" Body="&" />'
    good = [f'  <row Id="{number}" />' for number in (1, 2)]
    text = "\n".join(['<?xml version="1.0"?>', "<posts>", bad, good[0], bad, bad, good[1], bad, "</posts>", ""])
    places = ["Posts.xml:3", "4:1", "Posts.xml:5", "Posts.xml:6", "7:2", "Posts.xml:8"]
    assert places == shown(rows_of(tmp_path / "Posts.xml", text))


def test_a_bad_row_far_into_a_large_file(tmp_path: Path) -> None:
    """Lines are counted right beyond what XML parsers count, and beyond one buffer."""
    lines = xml("posts", [{"Id": str(number)} for number in range(70_000)]).split("\n")
    lines[66_002] = '  <row Id="x" Body="&" />'
    found = shown(rows_of(tmp_path / "Posts.xml", "\n".join(lines)))
    assert len(found) == 70_000
    assert found[65_999:66_003] == ["66002:65999", "Posts.xml:66003", "66004:66001", "66005:66002"]


@pytest.mark.parametrize("end", [200, 260, 300])
def test_a_cut_file_gives_its_whole_rows_and_says_where_it_ends(end: int, tmp_path: Path) -> None:
    """A file that ends in the middle raises SourceTruncated with file and line after its whole rows."""
    text = xml("posts", [{"Id": str(number), "Body": "x" * 20} for number in range(20)])[:end]
    file = tmp_path / "Posts.xml"
    file.write_text(text, encoding="utf-8")
    found: list[Row | RecordError] = []
    rows = iter(XmlRows(file, "Posts.xml"))
    with pytest.raises(SourceTruncated) as caught:
        list(map(found.append, rows))
    whole = text.count("/>")
    assert len(found) == whole > 0
    assert (
        str(caught.value) == f"Posts.xml:{whole + 2}: the file ends in the middle, after this line; download it again"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<!DOCTYPE html><html><p>Sign in<br></html>", "is not a dump's XML"),
        ("not xml", "is not a dump's XML"),
        ("", "is not a dump's XML"),
        ('<!DOCTYPE posts [<!ENTITY a "b">]><posts><row Id="&a;"/></posts>', "has a document type"),
    ],
)
def test_what_is_no_dump_is_a_source_error(text: str, problem: str, tmp_path: Path) -> None:
    """A file that is something else is refused as a whole, and so are entities of its own."""
    with pytest.raises(SourceError, match=problem) as caught:
        rows_of(tmp_path / "Posts.xml", text)
    assert not isinstance(caught.value, SourceTruncated)


def test_a_file_full_of_bad_rows_is_given_up(tmp_path: Path) -> None:
    """More than a thousand bad rows mean that the file as a whole is damaged."""
    bad = ['  <row Id="x" Body="&" />'] * 1_100
    text = "\n".join(['<?xml version="1.0"?>', "<posts>", '  <row Id="1" />', *bad, "</posts>"])
    with pytest.raises(SourceError, match="more than 1,000 rows are not XML"):
        rows_of(tmp_path / "Posts.xml", text)


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


def test_rows_that_do_not_count_are_passed_over(tmp_path: Path) -> None:
    """Rows without the needed bytes are not even parsed; from a bad row on all are, so that it is named by its line."""
    kinds = [*("2" for _ in range(9)), "1", "3", "1"]
    rows = [{"Id": str(number), "VoteTypeId": kind} for number, kind in enumerate(kinds)]
    lines = xml("votes", rows).split("\n")
    lines[4] = '  <row Id="&" VoteTypeId="2" />'
    lines.insert(13, '  <row Id="&" VoteTypeId="1" />')
    file = tmp_path / "Votes.xml"
    file.write_text("\n".join(lines), encoding="utf-8")
    assert shown(list(XmlRows(file, "Votes.xml", b' VoteTypeId="1"'))) == ["12:9", "13:10", "Votes.xml:14", "15:11"]
