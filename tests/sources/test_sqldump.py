# ruff: noqa: S608 - dumps are written here, and never run
"""Rules of ``kbgen.sources.sqldump``, of its texts and of its index."""

import bz2
import gzip
import io
import lzma
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from sql_builders import board, mybb, mybb_post, mybb_thread, phpbb, phpbb_post, phpbb_topic, sql, write_sql

from kbgen.errors import RecordError, SourceError, SourceTruncated
from kbgen.model import Thread
from kbgen.sources import sqldump
from kbgen.sources.sqldump import SqlDump, SqlRow
from kbgen.sources.sqldump_text import Charset, literal, undoubled

TABLE = "CREATE TABLE `t` (`id` int NOT NULL, `v` text);\n"


def every(_table: str, columns: Sequence[str]) -> Sequence[str]:
    """Want all columns."""
    return columns


def dump(folder: Path, text: str | bytes, charset: str = "auto") -> SqlDump:
    """A dump with this text."""
    file = folder / "d.sql"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return SqlDump(file, every, Charset(charset))


def values(folder: Path, text: str | bytes, charset: str = "auto") -> list[dict[str, str | None]]:
    """The rows of a dump that has no bad one."""
    found = list(dump(folder, text, charset))
    assert [one for one in found if isinstance(one, RecordError)] == []
    return [one.fields for one in found if isinstance(one, SqlRow)]


@pytest.mark.parametrize(
    ("token", "value"),
    [
        ("NULL", None),
        ("DEFAULT", None),
        ("-12", "-12"),
        ("1.5e3", "1.5e3"),
        ("''", ""),
        (r"'it\'s'", "it's"),
        ("'it''s'", "it's"),
        (r"'it''s \'q\''", "it's 'q'"),
        ("'two \"\" signs'", 'two "" signs'),
        ('"a ""b"" it\'s"', 'a "b" it\'s'),
        (r"'a\nb\r\tc\0\Z\b'", "a\nb\r\tc\0\x1a\b"),
        (r"'\\n \\\\ \\\''", r"\n \\ \'"),
        (r"'50\% \_x \q'", r"50\% \_x q"),
        ("_binary 'abc'", "abc"),
        ("_utf8mb4'abc'", "abc"),
        ("N'abc'", "abc"),
        ("0x6162", "ab"),
        ("X'6162'", "ab"),
        ("b'101'", "5"),
        ("'x),(y;--\n'", "x),(y;--\n"),
    ],
)
def test_every_literal_is_read(token: str, value: str | None, tmp_path: Path) -> None:
    """Strings with either quote and every escape, introducers, hexadecimal and bits give the text they stand for."""
    assert values(tmp_path, f"{TABLE}INSERT INTO t VALUES (1, {token}),(2,'z');") == [
        {"id": "1", "v": value},
        {"id": "2", "v": "z"},
    ]


@given(st.lists(st.text(alphabet=st.characters(codec="utf-8")), min_size=1, max_size=5))
def test_what_mysqldump_writes_is_read_back(texts: list[str]) -> None:
    """Any text survives being escaped and read, whatever quotes and backslashes it holds."""
    encoded = [sql(text).encode() for text in texts]
    assert [literal(token, Charset("utf-8")) for token in encoded] == texts


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 50])
def test_the_size_of_a_piece_changes_nothing(chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows, comments and strings that are cut anywhere by the reading are whole again."""
    monkeypatch.setattr(sqldump, "_CHUNK", chunk)
    monkeypatch.setattr(sqldump, "_HEAD", 120)
    text = (
        "-- a comment; with 'quote\n# another's\n/*!40101 SET x = 'y;' */;\n" + TABLE + "LOCK TABLES `t` WRITE;\n"
        "INSERT INTO `t` VALUES (1,'it''s\\\\'),(2,'a\\'b'), (3 , _binary 'x') ;\nUPDATE t SET v = 'a;\\'' WHERE id-1;\n"
        "UPDATE t SET v = 2 -- don't;\n, id = 3 # it's;\n, x = 4 /* o'clock; */ WHERE id;\n"
        "DELIMITER ;;\nBEGIN; INSERT INTO t VALUES (9,'no'); END;;\nDELIMITER ;\n"
        "INSERT INTO t (v, id) VALUES ('x;',-4);\n-- end"
    )
    assert [list(row.values()) for row in values(tmp_path, text)] == [
        ["1", "it's\\"],
        ["2", "a'b"],
        ["3", "x"],
        ["x;", "-4"],
    ]


@pytest.mark.parametrize("sign", ["-- don't;\n", "# don't;\n", "/* don't; */", "';'", '";"', "`;`"])
def test_what_encloses_a_semicolon_may_be_cut_anywhere(
    sign: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A comment or string that begins in one piece and goes on in the next hides its semicolon all the same."""
    monkeypatch.setattr(sqldump, "_CHUNK", 1)
    monkeypatch.setattr(sqldump, "_HEAD", 32)
    for filled in range(1, 70):
        text = f"{TABLE}UPDATE t SET v = {'1' * filled} {sign};\nINSERT INTO t VALUES (1,'x');"
        assert values(tmp_path, text) == [{"id": "1", "v": "x"}]


def test_the_end_of_code_may_be_cut_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line that brings the usual delimiter back is found in whatever pieces it is read."""
    monkeypatch.setattr(sqldump, "_CHUNK", 1)
    monkeypatch.setattr(sqldump, "_HEAD", 32)
    for filled in range(1, 70):
        text = f"{TABLE}DELIMITER ;;\n{'x' * filled};;\nDELIMITER ;\nINSERT INTO t VALUES (1,'x');"
        assert values(tmp_path, text) == [{"id": "1", "v": "x"}]


def test_columns_come_from_the_table_or_the_statement(tmp_path: Path) -> None:
    """A statement that lists no columns has those of CREATE TABLE in order, keys and comments left out."""
    text = """CREATE TABLE IF NOT EXISTS db.`t` (
      `key` int(10) unsigned NOT NULL DEFAULT '0' COMMENT 'a, (b) `c`', -- the key
      price decimal(10,2), kind ENUM('a','b)'),
      PRIMARY KEY (`key`), KEY `by_price` (price), CONSTRAINT `x` FOREIGN KEY (kind) REFERENCES y (z)
    ) ENGINE=InnoDB COMMENT='x;y';
    INSERT INTO db.t VALUES (1, 2.50, 'a');
    REPLACE INTO `t` (kind, `key`) VALUES ('b', 2);
    INSERT IGNORE INTO t VALUE (3, 1, 'a') ON DUPLICATE KEY UPDATE kind = 'x;';"""
    assert values(tmp_path, text) == [
        {"key": "1", "price": "2.50", "kind": "a"},
        {"kind": "b", "key": "2"},
        {"key": "3", "price": "1", "kind": "a"},
    ]


def test_what_is_not_wanted_is_not_decoded(tmp_path: Path) -> None:
    """Tables and columns nobody asked for are passed over."""
    file = tmp_path / "d.sql"
    file.write_text(
        TABLE + "INSERT INTO t VALUES (1,'x'); CREATE TABLE u (id int, w text); INSERT INTO u VALUES (1,1);"
    )
    rows = SqlDump(file, lambda table, _: ["w"] if table == "u" else [], Charset())
    assert list(rows) == [SqlRow("u", 2, {"w": "1"})]


def test_procedures_are_passed_over(tmp_path: Path) -> None:
    """What stands between other delimiters is code of the server's, whatever statements it holds."""
    code = "DELIMITER ;;\nCREATE TRIGGER a BEGIN SET @x = 1; INSERT INTO t VALUES (9,'no'); END ;;\nDELIMITER ;\n"
    assert values(tmp_path, TABLE + code + "INSERT INTO t VALUES (1,'x');") == [{"id": "1", "v": "x"}]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstandard.ZstdCompressor().compress])
def test_a_compressed_dump_is_read(pack: Any, tmp_path: Path) -> None:
    """The first bytes say how a dump is compressed, whatever it is called."""
    assert values(tmp_path, pack(f"{TABLE}INSERT INTO t VALUES (1,'x');".encode())) == [{"id": "1", "v": "x"}]


def test_a_compressed_dump_in_pieces_is_read_whole(tmp_path: Path) -> None:
    """Compressors that work on several cores write one frame after the other."""
    parts = (TABLE.encode(), b"INSERT INTO t VALUES (1,'x');")
    packed = b"".join(map(zstandard.ZstdCompressor().compress, parts))

    assert values(tmp_path, packed) == [{"id": "1", "v": "x"}]


@pytest.mark.parametrize(
    ("declared", "data", "charset", "text"),
    [
        ("utf8", "café".encode(), "auto", "café"),
        ("utf8", "café".encode("cp1252"), "auto", "café"),
        ("utf8", b"\x80 \x81", "auto", "€ \x81"),
        ("utf8", "café ☕".encode().decode("latin-1").encode(), "auto", "café ☕"),
        ("utf8", "don’t — café".encode().decode("cp1252").encode(), "auto", "don’t — café"),
        ("cp1251", "лампа".encode("cp1251"), "auto", "лампа"),
        ("utf8", "лампа".encode("cp1251"), "cp1251", "лампа"),
        ("utf8", "cafÃ©".encode(), "utf-8", "cafÃ©"),
        ("utf8", b"\xff", "utf-8", "\ufffd"),
        ("hebrew", b"\xf9\xd9", "auto", "\u05e9\ufffd"),
    ],
)
def test_a_charset_is_what_the_bytes_say(declared: str, data: bytes, charset: str, text: str, tmp_path: Path) -> None:
    """UTF-8 where it can be, else what the dump declares, else Windows-1252; doubled UTF-8 is mended."""
    head = f"/*!40101 SET NAMES {declared} */;\n{TABLE}INSERT INTO t VALUES (1,'".encode()
    assert values(tmp_path, head + data + b"');", charset) == [{"id": "1", "v": text}]


@pytest.mark.parametrize("text", ["NEED CAFÉ…", "« CAFÉ»", "naïve Ã©, ž and я", "ascii", "5 × 3"])
def test_a_text_that_only_looks_doubled_stays(text: str) -> None:
    """One sign that does not fit is enough to leave a text alone."""
    assert undoubled(text) == text


def test_a_row_with_too_few_values_is_told(tmp_path: Path) -> None:
    """A row that does not fit its table is an error with its line, and the next one is read."""
    bad, good = dump(tmp_path, f"{TABLE}INSERT INTO t VALUES (1),\n(2,'x');")
    assert str(bad) == f"{tmp_path}/d.sql:2: a row of t has 1 values for 2 columns; make the dump again"
    assert good == SqlRow("t", 2, {"id": "2", "v": "x"})


def test_a_value_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """A hexadecimal value that is none costs its row."""
    bad, good = dump(tmp_path, f"{TABLE}INSERT INTO t VALUES (1,X'zz'),(2,'x');")

    assert str(bad).startswith(f"{tmp_path}/d.sql:2: a row of t has a value that cannot be read (")
    assert good == SqlRow("t", 2, {"id": "2", "v": "x"})


def test_a_comment_that_breaks_off_is_a_cut_dump(tmp_path: Path) -> None:
    """What a comment without an end hid is not known."""
    with pytest.raises(SourceTruncated, match=r"d.sql:2: the dump ends in the middle"):
        list(dump(tmp_path, f"{TABLE}/* INSERT INTO t VALUES (1,'a');"))


def test_a_delimiter_that_is_the_usual_one_hides_nothing(tmp_path: Path) -> None:
    """``DELIMITER ;`` without another one before it is no beginning of code."""
    assert values(tmp_path, f"{TABLE}DELIMITER ;\nINSERT INTO t VALUES (1,'x');") == [{"id": "1", "v": "x"}]


def test_reading_goes_on_after_what_is_no_row(tmp_path: Path) -> None:
    """A function among the values costs its statement, not the dump; the message names the line."""
    text = f"{TABLE}INSERT INTO t VALUES (1,'x'),(2,NOW()),(3,'lost');\nINSERT INTO t VALUES (4,'y');"
    first, bad, last = dump(tmp_path, text)
    assert isinstance(first, SqlRow)
    assert str(bad) == f"{tmp_path}/d.sql:2: is not a row of values; the rest of its statement was passed over"
    assert isinstance(last, SqlRow)
    assert last.fields["id"] == "4"


@pytest.mark.parametrize("end", ["(2,'b", "(2,'b'", "(2,'b')", "(2,'b'),", "(", ""])
def test_a_dump_that_breaks_off_is_told(end: str, tmp_path: Path) -> None:
    """What was read before the break is good, and the error is that of a source that ended early."""
    rows = iter(dump(tmp_path, f"{TABLE}INSERT INTO t VALUES (1,'a'),{end}"))
    assert isinstance(next(rows), SqlRow)
    with pytest.raises(SourceTruncated, match=r"d.sql:2: the dump ends in the middle"):
        list(rows)


def test_a_compressed_dump_that_breaks_off_is_told(tmp_path: Path) -> None:
    """A cut gzip file is a cut dump."""
    whole = gzip.compress((TABLE + "INSERT INTO t VALUES (1,'a');" * 999).encode())
    with pytest.raises(SourceTruncated, match="the dump ends in the middle"):
        list(dump(tmp_path, whole[:-20]))


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"<?xml version='1.0'?><mysqldump/>", "is XML; make the dump without --xml"),
        (b"COPY public.posts (id, text) FROM stdin;\n1\tx\n", "is a dump of PostgreSQL"),
        (b"SELECT pg_catalog.set_config('search_path', '', false);", "is a dump of PostgreSQL"),
        ("\ufeffINSERT".encode("utf-16-le"), "is UTF-16, as PowerShell writes"),
    ],
)
def test_another_kind_of_dump_is_named(data: bytes, problem: str, tmp_path: Path) -> None:
    """A file that was made in another way says how to make it again."""
    with pytest.raises(SourceError, match=problem):
        list(dump(tmp_path, data))


def test_a_dump_of_nothing_but_bad_rows_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is mostly unreadable is given up instead of filling the report."""
    monkeypatch.setattr(sqldump, "_MOST_BAD_ROWS", 3)
    for row in ("(NOW())", "(1)", "(1,X'z')"):
        with pytest.raises(SourceError, match="more than 3 rows cannot be read"):
            list(dump(tmp_path, TABLE + f"INSERT INTO t VALUES {row};\n" * 9))


def test_a_row_that_fits_no_pattern_is_passed_in_one_go(tmp_path: Path) -> None:
    """Words that might be parted in many ways are not tried in all of them."""
    text = TABLE + "INSERT INTO t VALUES (1," + "a" * 90 + "(2));\nINSERT INTO t VALUES (" + "a " * 90 + "'b' c(;\n"

    assert [isinstance(one, RecordError) for one in dump(tmp_path, text)] == [True, True]


class CountedReads(io.BytesIO):
    """A file that counts how often it is read."""

    count = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Read on."""
        self.count += 1
        return super().read(size)


def test_a_large_value_is_read_in_growing_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value is looked at anew when more of it is there, so each time at least as much again is read."""
    monkeypatch.setattr(sqldump, "_CHUNK", 10)
    file = CountedReads(b"x" * 1_000_000)
    sqldump._Window(file, Path("d.sql")).ensure(1_000_000)

    assert file.count < 30


def test_a_value_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value larger than any server sends is not read into memory."""
    monkeypatch.setattr(sqldump, "LARGEST_ROW", 1000)
    monkeypatch.setattr(sqldump, "_CHUNK", 100)
    with pytest.raises(SourceError, match="a value is over 1,000 bytes"):
        list(dump(tmp_path, TABLE + "INSERT INTO t VALUES (1,'" + "x" * 5000))


# --- the index ----------------------------------------------------------------------------------------------


def problem_of(source: Any) -> str:
    """What a source raises when it is read."""
    with pytest.raises(SourceError) as caught:
        list(source.records())
    return str(caught.value)


def test_tables_are_found_by_their_columns(tmp_path: Path) -> None:
    """Any prefix will do, and another program's table of the same name is none of the forum's."""
    tables = phpbb([phpbb_topic(7)], [phpbb_post(70)], "any_")
    write_sql(tmp_path / "dump.sql", {"shop_posts": [{"id": 1, "text": "x"}], **tables})
    assert [record.ref for record in board(tmp_path, "phpbb").records() if not isinstance(record, RecordError)] == [
        "board:7"
    ]


def test_two_forums_in_one_dump_need_a_prefix(tmp_path: Path) -> None:
    """Which forum is meant is never guessed."""
    one, two = phpbb([phpbb_topic(7)], [phpbb_post(70)], "a_"), phpbb([phpbb_topic(8)], [phpbb_post(80)], "b_")
    write_sql(tmp_path / "dump.sql", {**one, **two})
    assert problem_of(board(tmp_path, "phpbb")).endswith(
        "holds the tables a_topics and b_topics; say with `prefix:` which forum's are meant"
    )
    records = list(board(tmp_path, "phpbb", prefix="b_").records())
    assert [record.ref for record in records if not isinstance(record, RecordError)] == ["board:8"]


def test_a_dump_without_the_forums_tables_is_told(tmp_path: Path) -> None:
    """The message says what is missing and what is there."""
    write_sql(tmp_path / "dump.sql", mybb([mybb_thread(1)], [mybb_post(10)]))
    found = problem_of(board(tmp_path, "phpbb"))
    assert (
        "no rows of a table ...topics with the columns topic_id, topic_title (tables with rows: mybb_threads" in found
    )


def test_an_id_that_is_no_number_is_told(tmp_path: Path) -> None:
    """A bad row is an error with its place, and the others are read."""
    write_sql(tmp_path / "dump.sql", phpbb([phpbb_topic(7), phpbb_topic(8, topic_id="x")], [phpbb_post(70)]))
    bad, good = board(tmp_path, "phpbb").records()
    assert isinstance(bad, RecordError)
    assert "a row of phpbb_topics has the id x, which is no number" in bad.problem
    assert not isinstance(good, RecordError)


def test_ids_no_database_has_are_told(tmp_path: Path) -> None:
    """A number too large for an id is an error of its row, and an author of such a number is nobody's page."""
    posts = [phpbb_post(70, poster_id=10**18), phpbb_post(71, poster_id=10**30), phpbb_post(72, topic_id=10**30)]
    write_sql(tmp_path / "dump.sql", phpbb([phpbb_topic(7), phpbb_topic(8, topic_id=2**63)], posts))
    source = board(tmp_path, "phpbb")
    *bad, good = source.records()

    assert [error.problem.partition(" has ")[2] for error in bad if isinstance(error, RecordError)] == [
        "an id that is too large to be one; mend it"
    ] * 2
    assert not isinstance(good, RecordError)
    thread = source.parse(good)
    assert isinstance(thread, Thread)
    assert [post.author.deleted for post in (thread.question, *thread.answers)] == [True, True]


def test_a_cut_dump_gives_partial_records(tmp_path: Path) -> None:
    """What a break may have taken answers from never replaces what is known."""
    file = write_sql(tmp_path / "dump.sql", phpbb([phpbb_topic(7)], [phpbb_post(70)]))
    file.write_bytes(file.read_bytes()[:-600])
    records = board(tmp_path, "phpbb", forums=["2"]).records()
    assert getattr(next(records), "partial", None) is True
    with pytest.raises(SourceTruncated):
        next(records)


def test_a_dump_cut_before_a_table_is_a_cut_dump(tmp_path: Path) -> None:
    """Tables and forums that are missing may be behind the break, so the break is what is told."""
    tables = phpbb([phpbb_topic(7)], [phpbb_post(70)])
    write_sql(tmp_path / "dump.sql", {"phpbb_topics": tables["phpbb_topics"]})
    with (tmp_path / "dump.sql").open("a", encoding="utf-8") as file:
        file.write("INSERT INTO phpbb_posts VALUES (70,")
    with pytest.raises(SourceTruncated):
        list(board(tmp_path, "phpbb", forums=["2"]).records())

    whole = write_sql(tmp_path / "dump.sql", {**tables, "phpbb_users": tables.pop("phpbb_users")})
    whole.write_text(whole.read_text(encoding="utf-8") + "INSERT INTO x VALUES (1", encoding="utf-8")
    with pytest.raises(SourceTruncated):
        list(board(tmp_path, "phpbb", forums=["2", "lost forum"]).records())


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The temporary database holds members' names and goes with the reading, also when that is broken off."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    write_sql(tmp_path / "dump.sql", phpbb([phpbb_topic(7), phpbb_topic(8)], [phpbb_post(70), phpbb_post(80)]))
    records = board(tmp_path, "phpbb").records()
    next(records)
    assert list((tmp_path / "temporary").iterdir()) != []
    records.close()  # type: ignore[attr-defined]

    assert list((tmp_path / "temporary").iterdir()) == []


def test_nothing_private_is_kept(tmp_path: Path) -> None:
    """Passwords, addresses and e-mail stay in the dump."""
    write_sql(tmp_path / "dump.sql", phpbb([phpbb_topic(7)], [phpbb_post(70)]))
    (record,) = board(tmp_path, "phpbb").records()
    assert not isinstance(record, RecordError)
    assert [secret for secret in (b"hash", b"@example.com", b"192.0.2.7") if secret in record.payload] == []


@pytest.mark.parametrize("call", ["records", "fingerprint"])
def test_a_missing_dump_is_a_source_error(call: str, tmp_path: Path) -> None:
    """A path that leads nowhere is named with what to do."""
    with pytest.raises(SourceError, match="no such file; check `dump:`"):
        list(getattr(board(tmp_path, "phpbb"), call)())
