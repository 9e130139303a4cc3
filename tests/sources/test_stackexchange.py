"""Rules of ``kbgen.sources.stackexchange``."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import py7zr
import pytest
from source_builders import STACK, answer, question, read, stackexchange, threads, write_dump

from kbgen.errors import RecordError, SourceError
from kbgen.model import Person, Solved, Thread


def only(project: Path, *posts: dict[str, str], **files: list[dict[str, str]]) -> Thread:
    """The one thread of a dump with these posts."""
    write_dump(project / "dump", Posts=list(posts), **files)
    (thread,) = threads(stackexchange(project))
    return thread


def test_rows_become_a_thread(tmp_path: Path) -> None:
    """Every attribute of a question and its answers arrives in its place."""
    thread = only(
        tmp_path,
        question(1, AcceptedAnswerId="2"),
        answer(2, 1, LastEditDate="2021-05-03T10:00:00.000"),
        Votes=[{"Id": "1", "PostId": "2", "VoteTypeId": "1", "CreationDate": "2021-05-04T00:00:00.000"}],
    )
    url = f"{STACK}/questions/1/why-does-hub-1-blink"
    shown = (thread.ref, thread.url, thread.question.url, thread.title, thread.tags, thread.views, thread.visibility)
    assert shown == ("stack:1", url, url, "Why does hub 1 blink?", ("hub", "led"), 90, "public")
    assert (thread.question.author, thread.question.score) == (Person("7", "Ada", f"{STACK}/users/7"), 4)
    (reply,) = thread.answers
    told = (reply.id, reply.url, reply.html, reply.author.name, reply.score, reply.licence)
    assert told == ("2", f"{STACK}/a/2", "<p>It searches the network.</p>", "Ben", 9, "CC BY-SA 4.0")
    assert reply.edited == datetime(2021, 5, 3, 10, tzinfo=UTC)
    assert thread.solved == (Solved("2", "accepted", datetime(2021, 5, 4, tzinfo=UTC)),)
    assert (thread.created, thread.updated) == (
        datetime(2021, 5, 1, 10, tzinfo=UTC),
        datetime(2021, 6, 1, 10, tzinfo=UTC),
    )
    assert (thread.closed, thread.duplicate_of, thread.warnings) == (None, (), ())


@pytest.mark.parametrize("tags", ["<hub><led>", "|hub|led|"])
def test_both_ways_of_writing_tags_are_read(tags: str, tmp_path: Path) -> None:
    """Dumps to 2024 write tags in angle brackets, later ones between bars."""
    assert only(tmp_path, question(1, Tags=tags)).tags == ("hub", "led")


@pytest.mark.parametrize(
    ("day", "stated", "licence"),
    [
        ("2011-04-07", "", "CC BY-SA 2.5"),
        ("2011-04-08", "", "CC BY-SA 3.0"),
        ("2018-05-01", "", "CC BY-SA 3.0"),
        ("2018-05-02", "", "CC BY-SA 4.0"),
        ("2011-04-07", "CC BY-SA 3.0", "CC BY-SA 3.0"),
    ],
)
def test_the_licence_is_the_stated_one_or_that_of_the_day(day: str, stated: str, licence: str, tmp_path: Path) -> None:
    """Without a ContentLicense the licence follows from the day the post was written."""
    row = question(1, CreationDate=f"{day}T10:00:00.000", **({"ContentLicense": stated} if stated else {}))
    assert only(tmp_path, row).question.licence == licence


def without(row: dict[str, str], *names: str) -> dict[str, str]:
    """A row without some attributes."""
    return {name: value for name, value in row.items() if name not in names}


@pytest.mark.parametrize(
    ("row", "person", "warnings"),
    [
        (question(1, OwnerUserId="-1"), Person("-1", "Community", f"{STACK}/users/-1"), 0),
        (without(question(1, OwnerDisplayName="Old Ada"), "OwnerUserId"), Person("", "Old Ada", deleted=True), 0),
        (without(question(1), "OwnerUserId"), Person("", "(account removed)", deleted=True), 1),
        (question(1, OwnerUserId="99"), Person("99", "user99", f"{STACK}/users/99"), 0),
    ],
)
def test_an_author_is_credited_as_the_site_does(
    row: dict[str, str], person: Person, warnings: int, tmp_path: Path
) -> None:
    """Authors whose account is gone keep the name they left, and have no profile page."""
    thread = only(tmp_path, row)
    assert (person, warnings) == (thread.question.author, len(thread.warnings))


@pytest.mark.parametrize(("staff", "is_staff"), [(["8"], True), (["BEN"], True), (["80"], False)])
def test_staff_is_what_the_configuration_says(staff: list[str], tmp_path: Path, *, is_staff: bool) -> None:
    """Ids and names of the configuration make an author staff."""
    write_dump(tmp_path / "dump", Posts=[question(1), answer(2, 1)])
    (thread,) = threads(stackexchange(tmp_path, staff=staff))
    assert thread.answers[0].author.is_staff is is_staff


def test_an_accepted_answer_that_is_gone_is_none(tmp_path: Path) -> None:
    """An AcceptedAnswerId that leads nowhere leaves a warning and the question unsolved."""
    thread = only(tmp_path, question(1, AcceptedAnswerId="9"), answer(2, 1))
    assert thread.solved == ()
    assert thread.warnings == ("The accepted answer, 9, is not in the dump; the question counts as unsolved.",)


def link(post: int, related: int, kind: str = "3") -> dict[str, str]:
    """A row of PostLinks."""
    return {"Id": f"{post}{related}", "PostId": str(post), "RelatedPostId": str(related), "LinkTypeId": kind}


def closing(reason: str, number: int = 1) -> dict[str, str]:
    """A row of PostHistory that closes question 1."""
    return {"Id": str(number), "PostHistoryTypeId": "10", "PostId": "1", "Comment": reason, "Text": '{"Voters":[7]}'}


CLOSED = question(1, ClosedDate="2021-07-01T10:00:00.000")


@pytest.mark.parametrize(
    ("row", "links", "history", "reason"),
    [
        (CLOSED, [], [], "closed"),
        (CLOSED, [], [closing("102")], "off-topic"),
        (CLOSED, [], [closing("2")], "off-topic"),
        (CLOSED, [], [closing("4")], "off-topic"),
        (CLOSED, [], [closing("105")], "opinion-based"),
        (CLOSED, [], [closing("999")], "closed"),
        (CLOSED, [], [closing("102"), closing("103", 2)], "unclear"),
        (CLOSED, [], [closing("101")], "duplicate"),
        (CLOSED, [link(1, 5)], [closing("102")], "duplicate"),
        (question(1), [link(1, 5)], [closing("102")], None),
    ],
)
def test_why_a_question_was_closed(
    row: dict[str, str],
    links: list[dict[str, str]],
    history: list[dict[str, str]],
    reason: str | None,
    tmp_path: Path,
) -> None:
    """A closed question says why: a duplicate link first, then the last closing's reason."""
    assert only(tmp_path, row, PostLinks=links, PostHistory=history).closed == reason


def test_declared_duplicates_are_kept_even_when_gone(tmp_path: Path) -> None:
    """Only links of type 3 count, each once, never to itself; a question that is not there keeps its ref."""
    links = [link(1, 5), link(1, 6, "1"), link(1, 5), link(1, 1), link(1, 404), link(3, 1)]
    assert only(tmp_path, question(1), PostLinks=links).duplicate_of == ("stack:5", "stack:404")


def test_rows_that_are_no_posts_of_a_thread_are_left_out(tmp_path: Path) -> None:
    """Wikis are dropped, and so are answers whose question is not there."""
    posts = [question(1), answer(2, 1), answer(3, 77), question(4, PostTypeId="5"), question(6, PostTypeId="4")]
    thread = only(tmp_path, *posts)
    assert [reply.id for reply in thread.answers] == ["2"]


def test_an_answer_may_come_before_its_question(tmp_path: Path) -> None:
    """Merged and moved posts stand in any order; threads come in the order of their ids."""
    write_dump(tmp_path / "dump", Posts=[answer(2, 9), question(9), answer(12, 3), question(3), answer(11, 3)])
    found = [(thread.ref, [reply.id for reply in thread.answers]) for thread in threads(stackexchange(tmp_path))]
    assert found == [("stack:3", ["11", "12"]), ("stack:9", ["2"])]


def test_the_payload_holds_public_fields_only(tmp_path: Path) -> None:
    """Of a user only id, name and reputation are kept, and of a closing only its reason."""
    write_dump(tmp_path / "dump", Posts=[CLOSED, answer(2, 1)], PostHistory=[closing("102")])
    (record,), _ = read(stackexchange(tmp_path))
    payload: dict[str, Any] = json.loads(record.payload)
    assert payload["users"] == [
        {"Id": "7", "DisplayName": "Ada", "Reputation": "10"},
        {"Id": "8", "DisplayName": "Ben", "Reputation": "20"},
    ]
    assert payload["closing"] == "102"
    assert (payload["question"], payload["answers"]) == (CLOSED, [answer(2, 1)])


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"Title": " "}, "the question has no Title"),
        ({"Score": "many"}, "the row has a value that cannot be read"),
        ({"LastActivityDate": "soon"}, "the row has a value that cannot be read"),
    ],
)
def test_a_question_that_cannot_be_read_names_its_line(changes: dict[str, str], problem: str, tmp_path: Path) -> None:
    """A bad value raises an error with the file and line of the question's row."""
    write_dump(tmp_path / "dump", Posts=[answer(2, 1), question(1, **changes)])
    source = stackexchange(tmp_path)
    (record,), _ = read(source)
    with pytest.raises(RecordError) as caught:
        source.parse(record)
    assert caught.value.place == f"{tmp_path}/dump/Posts.xml:4"
    assert problem in caught.value.problem


@pytest.mark.parametrize(
    ("missing", "warning"),
    [
        ("Users", "The dump has no Users.xml, so the authors' names are not known."),
        ("Votes", "The dump has no Votes.xml, so the day of acceptance is not known."),
        ("PostLinks", "The dump has no PostLinks.xml, so it is not known whether it is a duplicate."),
        ("PostHistory", "The dump has no PostHistory.xml, so the reason for closing is not known."),
    ],
)
def test_a_missing_file_is_told_where_it_matters(missing: str, warning: str, tmp_path: Path) -> None:
    """Only Posts.xml is needed; what another missing file leaves open is a warning of the threads concerned."""
    solved = question(1, AcceptedAnswerId="2", ClosedDate="2021-07-01T10:00:00.000")
    folder = write_dump(tmp_path / "dump", Posts=[solved, answer(2, 1), without(question(3), "OwnerUserId")])
    (folder / f"{missing}.xml").unlink()
    concerned, other = threads(stackexchange(tmp_path))
    assert warning in concerned.warnings
    assert warning not in other.warnings


def test_the_published_7z_gives_the_same_as_its_folder(tmp_path: Path) -> None:
    """A dump reads the same packed and unpacked."""
    folder = write_dump(tmp_path / "dump", Posts=[question(1, AcceptedAnswerId="2"), answer(2, 1)])
    with py7zr.SevenZipFile(tmp_path / "x.7z", "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
    packed, unpacked = (threads(stackexchange(tmp_path, dump)) for dump in ("x.7z", "dump"))
    assert packed == unpacked


@pytest.mark.parametrize("call", ["records", "fingerprint"])
@pytest.mark.parametrize(
    ("dump", "problem"),
    [
        ("gone", "gone: no such file or folder"),
        ("empty", "empty: holds no Posts.xml"),
        ("page.7z", "page.7z: is not a 7z archive; download it again"),
    ],
)
def test_a_dump_that_is_none_is_a_source_error(dump: str, problem: str, call: str, tmp_path: Path) -> None:
    """A path that leads to no dump is named with what to do."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "page.7z").write_text("<html>", encoding="utf-8")
    with pytest.raises(SourceError, match=problem):
        list(getattr(stackexchange(tmp_path, dump), call)() or "")
