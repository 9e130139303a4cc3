"""JSON lines: one shape for the export and for whatever another program writes, and faults by file and line."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonl_builders import ADA, URL, article, entry, jsonl
from source_builders import parsed_articles, read, threads

from kbgen.errors import RecordError, SourceError, SourceTruncated
from kbgen.model import Article, RawRecord, Ref, Thread, family_of
from kbgen.sources.jsonl import line_schema

ROOT = Path(__file__).parents[2]


def one(project: Path, line: dict[str, Any], **options: Any) -> Thread | Article:
    """What the only line of a file means."""
    records, errors = read(source := jsonl(project, line, **options))
    assert [] == errors
    return source.parse(records[0])


def thread_of(project: Path, line: dict[str, Any], **options: Any) -> Thread:
    """The only line's thread."""
    found = one(project, line, **options)
    assert isinstance(found, Thread)
    return found


def test_the_least_line_is_a_thread(tmp_path: Path) -> None:
    """Ref, title, address, question and answer with authors."""
    thread = thread_of(tmp_path, entry())
    assert ("forum:1", URL, "Why does it hum?", "public") == (thread.ref, thread.url, thread.title, thread.visibility)
    assert [("question", "Ada", URL), ("answer-1", "Ben", URL)] == [
        (post.id, post.author.name, post.url) for post in (thread.question, *thread.answers)
    ]
    assert () == thread.solved


def test_a_full_line_keeps_everything(tmp_path: Path) -> None:
    """Ids, addresses, times in UTC, votes, licences, tags in both shapes, and further answers."""
    post = {
        "html": "<p>x</p>",
        "author": {**ADA, "is_staff": True},
        "id": "12",
        "url": f"{URL}/2",
        "created": "2025-01-06T12:00:00+02:00",
        "updated": "2025-01-07T12:00:00",
        "score": 3,
        "licence": "CC BY 4.0",
        "why": "accepted",
    }
    line = entry(
        best=post, others=[{**post, "id": "13", "why": None}], tags=["pump", {"tag": "valve", "why": "x"}], views=4
    )
    thread = thread_of(tmp_path, {**line, "topics": ["pumps"], "lang": "de", "created": "2025-01-06T00:00:00"})
    best, other = thread.answers
    assert (datetime(2025, 1, 6, 10, tzinfo=UTC), datetime(2025, 1, 7, 12, tzinfo=UTC)) == (best.created, best.edited)
    assert ("12", f"{URL}/2", 3, "CC BY 4.0", True) == (
        best.id,
        best.url,
        best.score,
        best.licence,
        best.author.is_staff,
    )
    assert ("13", [("12", "accepted", 1.0)]) == (
        other.id,
        [(mark.post_id, mark.how, mark.confidence) for mark in thread.solved],
    )
    assert (("pump", "valve"), ("pumps",), 4, "de", datetime(2025, 1, 6, tzinfo=UTC)) == (
        thread.tags,
        thread.category,
        thread.views,
        thread.lang,
        thread.created,
    )


@pytest.mark.parametrize(
    ("why", "how"),
    [("accepted", ["accepted"]), ("written", ["staff"]), ("reaction", ["reaction"]), ("helpful", []), (None, [])],
)
def test_why_an_answer_counts_comes_back(tmp_path: Path, why: str | None, how: list[str]) -> None:
    """What curation itself chose is chosen again; what the platform or a person said is kept."""
    line = entry(best={"html": "x", "author": {"name": "Ben"}, "why": why})
    assert how == [mark.how for mark in thread_of(tmp_path, line).solved]


def test_two_answers_may_have_one_id(tmp_path: Path) -> None:
    """An id is unique in its community alone, and a page may be merged of two: neither answer is lost."""
    best = {"id": "12", "html": "Turn it.", "author": {"name": "Ben"}, "why": "accepted"}
    other = {"id": "12", "html": "Push it.", "author": {"name": "Ann"}}
    thread = thread_of(tmp_path, entry(best=best, others=[other, other]))
    assert [answer.author.name for answer in thread.answers] == ["Ben", "Ann", "Ann"]
    assert [mark.post_id for mark in thread.solved] == ["12"]
    assert len({answer.id for answer in thread.answers}) == 3


def test_the_thread_counts_not_the_page(tmp_path: Path) -> None:
    """In an export ``url`` is the page's address; attribution goes to the discussion."""
    line = entry(url="https://help.example.com/q/1/", threads=[{"url": URL, "ref": "forum:1"}, {"url": f"{URL}9"}])
    assert URL == thread_of(tmp_path, line).url


def test_refs_of_this_name_are_its_own(tmp_path: Path) -> None:
    """So an export comes back under its refs; those of other sources keep their source's name inside."""
    jsonl(tmp_path, entry(), entry(ref="stack:2"), entry(ref="7"))
    assert ["forum:1", "forum:stack:2", "forum:7"] == [thread.ref for thread in threads(jsonl(tmp_path))]
    assert ["forum:1"] == [thread.ref for thread in threads(jsonl(tmp_path, only=("forum",)))]


def test_an_article_is_read(tmp_path: Path) -> None:
    """With what it settles; one the site engine rendered has text alone."""
    line = article(
        tags=["pump"], topics=["pumps"], answers=["forum:1"], owner="Docs", reviewed="2025-01-01T00:00:00Z", draft=True
    )
    found = one(tmp_path, line, name="docs")
    assert isinstance(found, Article)
    assert ("docs:hum", ("pumps",), ("forum:1",), "Docs", True) == (
        found.ref,
        found.topics,
        found.answers,
        found.owner,
        found.draft,
    )
    plain = parsed_articles(jsonl(tmp_path, article(html="", text="One < two.\n\nThree.")))[0]
    assert "<p>One &lt; two.</p>\n<p>Three.</p>" == plain.html


@pytest.mark.parametrize(
    ("line", "url"),
    [
        (article(), None),
        (article(url=URL), URL),
        (article(url="https://help.example.com/a/", source_url=None), None),
        (article(url="https://help.example.com/a/", source_url=URL), URL),
    ],
)
def test_an_article_lives_here_or_elsewhere(tmp_path: Path, line: dict[str, Any], url: str | None) -> None:
    """The page an export names is not where the article came from."""
    assert url == parsed_articles(jsonl(tmp_path, line))[0].url


def test_staff_are_configured_or_said(tmp_path: Path) -> None:
    """By name or id, like everywhere."""
    for word in ("ben", "7"):
        line = entry(best={"html": "x", "author": {"name": "Ben", "id": "7"}})
        assert thread_of(tmp_path, line, staff=(word,)).answers[0].author.is_staff


# --- faults --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "is not a line to import"),
        ("[]", "is not a line to import"),
        ('{"kind": "page"}', "Invalid value 'page'"),
        (entry(title=" "), r"`\$.title`"),
        (entry(question={"html": "x", "author": {"name": ""}}), r"`\$.question.author.name`"),
        (entry(question={"html": "x"}), "missing required field `author`"),
        (entry(url="javascript:alert(1)"), r"`\$.url`"),
        (entry(url=None), "says nowhere where it is discussed; add `url`"),
        (entry(ref="a b"), r"`\$.ref`"),
        (entry(ref="a\n"), r"`\$.ref`"),
        (entry(ref="a\x1b[2J"), r"`\$.ref`"),
        (entry(ref="a\u202eb"), r"`\$.ref`"),
        (article(ref="b", family="a\n"), r"`\$.family`"),
        (entry(visibility="open"), r"`\$.visibility`"),
        (entry(created="yesterday"), r"`\$.created`"),
    ],
)
def test_a_fault_names_file_line_and_field(tmp_path: Path, line: dict[str, Any] | str, problem: str) -> None:
    """And the other lines are read."""
    records, errors = read(jsonl(tmp_path, article(), line, entry(ref="2")))
    assert 2 == len(records)
    assert [f"{tmp_path}/all.jsonl:2"] == [error.place for error in errors]
    with pytest.raises(RecordError, match=problem):
        raise errors[0]


def test_a_ref_is_given_once(tmp_path: Path) -> None:
    """The second line with it is named, with the first one's place."""
    _, errors = read(jsonl(tmp_path, entry(), entry()))
    assert f"{tmp_path}/all.jsonl:2: the ref forum:1 is already that of {tmp_path}/all.jsonl:1" in str(errors[0])


def test_a_stored_line_may_be_older_than_the_code(tmp_path: Path) -> None:
    """A payload that does not fit any more is an error of that record."""
    source = jsonl(tmp_path, entry())
    with pytest.raises(RecordError, match="forum:1: is not a line to import"):
        source.parse(source.record("1", "thread", URL, {"kind": "entry"}, ""))


def test_a_time_out_of_range_is_unknown(tmp_path: Path) -> None:
    """The first hour there is, in a zone to the east."""
    assert thread_of(tmp_path, entry(updated="0001-01-01T00:00:00+14:00")).updated is None


# --- files ---------------------------------------------------------------------------------------------------


def test_files_and_folders_plain_and_packed(tmp_path: Path) -> None:
    """Empty lines, a byte order mark and Windows line ends are fine; a folder is read in the order of names."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in/b.jsonl").write_bytes(b"\xef\xbb\xbf" + json.dumps(entry()).encode() + b"\r\n\r\n")
    (tmp_path / "in/a.jsonl.gz").write_bytes(gzip.compress(json.dumps(entry(ref="2")).encode()))
    (tmp_path / "in/notes.txt").write_text("no line")
    assert ["forum:2", "forum:1"] == [thread.ref for thread in threads(jsonl(tmp_path, path="in"))]


@pytest.mark.parametrize(("path", "problem"), [("none.jsonl", "no such file"), ("empty", "holds no JSON lines")])
def test_no_file_is_an_error(tmp_path: Path, path: str, problem: str) -> None:
    """The message names the path."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match=f"{path}: {problem}"):
        jsonl(tmp_path, path=path).fingerprint()


def test_a_packed_file_that_breaks_off(tmp_path: Path) -> None:
    """What was read is good, and nothing is withdrawn."""
    text = "".join(json.dumps(entry(ref=str(number), title=f"Hum {number * 7919}")) + "\n" for number in range(3000))
    (tmp_path / "all.jsonl").write_bytes(gzip.compress(text.encode())[:-500])
    found: list[RawRecord] = []
    with pytest.raises(SourceTruncated, match="ends in the middle"):
        found.extend(item for item in jsonl(tmp_path).records() if isinstance(item, RawRecord))
    assert len(found) > 1000


def test_versions_in_several_languages_stay_together(tmp_path: Path) -> None:
    """A family is a ref like a line's own: within this source, and none of an article of the importing project."""
    base, other = article(), article(ref="docs:hum.ru", lang="ru", family="docs:hum")
    source = jsonl(tmp_path, base, other)
    records, _ = read(source)
    found = [source.parse(record) for record in records]
    assert [Ref("forum:docs:hum")] * 2 == [family_of(one.ref, one) for one in found if isinstance(one, Article)]
    own = one(tmp_path, article(ref="forum:hum.ru", family="forum:hum"))
    assert isinstance(own, Article)
    assert Ref("forum:hum") == family_of(own.ref, own)


def test_the_schema_is_published() -> None:
    """``docs/jsonl.schema.json`` is what the code reads: write it anew with ``kbgen.sources.jsonl.line_schema``."""
    file = ROOT / "docs/jsonl.schema.json"
    assert line_schema() == json.loads(file.read_text(encoding="utf-8"))
