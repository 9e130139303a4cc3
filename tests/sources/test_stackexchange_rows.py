"""Rules of ``kbgen.sources.stackexchange_rows``."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from source_builders import xml

from kbgen.errors import RecordError, SourceError, SourceTruncated
from kbgen.sources.stackexchange_rows import Row, XmlRows

# XML may hold no other signs; as ``xml`` writes them, an attribute keeps each of them.
SIGNS = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff") | st.sampled_from(
    "\t\n\r&<>\"'"
)


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


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.text(SIGNS, max_size=12), min_size=1, max_size=5), newline=st.sampled_from(["\n", "\r\n"]))
def test_both_ways_read_the_same(tmp_path: Path, values: list[str], newline: str) -> None:
    """Whatever an attribute holds, and however lines end, reading lines quickly and reading XML slowly agree."""
    rows = [{"Id": str(number), "Body": value} for number, value in enumerate(values)]
    text = xml("posts", rows).replace("\n", newline)
    slowly = text.replace('version="1.0"', "version='1.0'")
    file = tmp_path / "Posts.xml"
    found = []
    for variant in (text, slowly):
        file.write_bytes(variant.encode())
        found.append(list(XmlRows(file, "Posts.xml")))
    assert found == [[Row(number, row) for number, row in enumerate(rows, start=3)]] * 2


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (['<row Id="1" />', '<row Id="2"', ' Body="x" />', '<row Id="3" />'], ["3:1", "5:2", "6:3"]),
        (['<row Id="1" /><row Id="2" />', '<row Id="3" />'], ["3:1", "3:2", "4:3"]),
        (['<row Id="1" /><row Id="2" />', "", '<row Id="3" />'], ["3:1", "3:2", "5:3"]),
        (["<!-- a note -->", '<row Id="1" />', "<other/>", '<row Id="2" />'], ["4:1", "6:2"]),
        (['<row Id="1" />', '<row Id="2"></row>', '<row Id="3" />'], ["3:1", "4:2", "5:3"]),
        (['<!-- <row Id="0" />', '<row Id="1" /> --><row Id="2" />', '<row Id="3" />'], ["4:2", "5:3"]),
    ],
)
def test_rows_need_not_be_one_a_line(lines: list[str], expected: list[str], tmp_path: Path) -> None:
    """Where a line holds more, less or something else, every row is still read once and knows its line."""
    text = "\n".join(['<?xml version="1.0" encoding="utf-8"?>', "<posts>", *lines, "</posts>", ""])
    assert shown(rows_of(tmp_path / "Posts.xml", text)) == expected


@pytest.mark.parametrize("size", [400_000, 2_000_000])
def test_a_long_row_is_read(size: int, tmp_path: Path) -> None:
    """A row longer than what is read at a time is whole, and so are those around it."""
    rows = [{"Id": "1"}, {"Id": "2", "Body": "<p>" * (size // 3)}, {"Id": "3"}]
    assert rows_of(tmp_path / "Posts.xml", xml("posts", rows)) == [
        Row(number, row) for number, row in enumerate(rows, start=3)
    ]


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1"])
def test_another_encoding_is_read_as_declared(encoding: str, tmp_path: Path) -> None:
    """A file that says it is not UTF-8 is read as it says, or refused; never as UTF-8."""
    text = xml("posts", [{"Id": "1", "Body": "Zürich"}]).replace("utf-8", encoding)
    file = tmp_path / "Posts.xml"
    file.write_bytes(text.encode(encoding))
    if encoding == "utf-16":
        with pytest.raises(SourceError, match="is not a dump's XML"):
            list(XmlRows(file, "Posts.xml"))
    else:
        assert list(XmlRows(file, "Posts.xml")) == [Row(3, {"Id": "1", "Body": "Zürich"})]


def test_bytes_that_are_no_utf8_are_a_bad_row(tmp_path: Path) -> None:
    """Such a row is named, and the others are read."""
    file = tmp_path / "Posts.xml"
    text = xml("posts", [{"Id": str(number), "Body": "words"} for number in (1, 2, 3)]).encode()
    file.write_bytes(text.replace(b'"2" Body="words', b'"2" Body="\xff\xfe'))
    assert shown(list(XmlRows(file, "Posts.xml"))) == ["3:1", "Posts.xml:4", "5:3"]
