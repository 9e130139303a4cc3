"""Rules of ``kbgen.sources.phpbb``, ``mybb``, ``vbulletin`` and what they share."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from source_builders import read, threads
from sql_builders import (
    AT,
    BOARD,
    Rows,
    board,
    mybb,
    mybb_post,
    mybb_thread,
    phpbb,
    phpbb_post,
    phpbb_topic,
    vb_post,
    vb_thread,
    vbulletin,
    write_sql,
)

from kbgen.errors import RecordError, SourceError
from kbgen.model import Person, Post, Solved, Thread

DATA = Path(os.environ.get("KBGEN_DATA", Path(__file__).parents[3] / "shared/data"))
BEN = {"poster_id": 55}


def topics(project: Path, rows: Rows, posts: Rows, **options: Any) -> list[Thread]:
    """The threads of a phpBB."""
    write_sql(project / "dump.sql", phpbb(rows, posts))
    return threads(board(project, "phpbb", **options))


def topic(project: Path, posts: Rows, *, options: dict[str, Any] | None = None, **changes: Any) -> Thread:
    """Topic 7 of a phpBB with these posts and changes."""
    (thread,) = topics(project, [phpbb_topic(7, **changes)], posts, **(options or {}))
    return thread


def test_a_topic_of_phpbb_arrives_whole(tmp_path: Path) -> None:
    """Title, authors, times, category and the accepted answer are where they belong."""
    posts = [phpbb_post(70), phpbb_post(71, **BEN, post_edit_time=AT + 500)]
    assert topic(tmp_path, posts, topic_solved=71, topic_status=1) == Thread(
        ref="board:7",  # type: ignore[arg-type]
        url=f"{BOARD}/viewtopic.php?t=7",
        title="Lamp & hub",
        question=Post(
            id="70",
            url=f"{BOARD}/viewtopic.php?p=70#p70",
            html="Words of post 70.",
            author=Person("54", "Ada", f"{BOARD}/memberlist.php?mode=viewprofile&u=54"),
            created=datetime.fromtimestamp(AT + 70, UTC),
        ),
        answers=(
            Post(
                id="71",
                url=f"{BOARD}/viewtopic.php?p=71#p71",
                html="Words of post 71.",
                author=Person("55", "Ben & co", f"{BOARD}/memberlist.php?mode=viewprofile&u=55", is_staff=True),
                created=datetime.fromtimestamp(AT + 71, UTC),
                edited=datetime.fromtimestamp(AT + 500, UTC),
            ),
        ),
        solved=(Solved("71", "accepted"),),
        created=datetime.fromtimestamp(AT, UTC),
        updated=datetime.fromtimestamp(AT + 100, UTC),
        category=("Help", "Lamps & hubs", "2"),
        views=8,
        closed="closed",
    )


@pytest.mark.parametrize(
    ("solved", "changes", "warning"),
    [
        (70, {}, "post 70, is the question itself"),
        (99, {}, "post 99, is not in the dump"),
        (71, {"post_visibility": 2}, "post 71, is hidden or deleted"),
        (71, {"post_visibility": 0}, "post 71, is hidden or deleted"),
    ],
)
def test_an_accepted_answer_nobody_sees_is_none(
    solved: int, changes: dict[str, Any], warning: str, tmp_path: Path
) -> None:
    """A mark that leads to no visible answer is told, and the thread is not solved."""
    thread = topic(tmp_path, [phpbb_post(70), phpbb_post(71, **BEN, **changes)], topic_solved=solved)
    assert thread.solved == ()
    assert warning in thread.warnings[0]


@pytest.mark.parametrize(
    ("title", "shown", "solved"),
    [
        ("[Solved] Lamp", "Lamp", True),
        ("[SOLVED]: Lamp", "Lamp", True),
        ("Solved - Lamp", "Lamp", True),
        ("Solved puzzles", "Solved puzzles", False),
        ("[Solved]", "[Solved]", False),
        ("Lamp", "Lamp", False),
    ],
)
def test_a_title_that_says_solved_counts_when_asked_for(
    title: str, shown: str, *, solved: bool, tmp_path: Path
) -> None:
    """The mark leaves the title; the likely answer counts with the confidence that was set."""
    options = {"solved_prefixes": ["[Solved]", "Solved"], "solved_confidence": 0.4}
    thread = topic(tmp_path, [phpbb_post(70), phpbb_post(71, **BEN)], options=options, topic_title=title)
    assert thread.title == shown
    assert thread.solved == ((Solved("71", "tag", confidence=0.4),) if solved else ())


def test_titles_mean_nothing_unless_asked_for(tmp_path: Path) -> None:
    """PhpBB has no title prefix of its own, so none is believed by default."""
    assert topic(tmp_path, [phpbb_post(70), phpbb_post(71, **BEN)], topic_title="[Solved] Lamp").solved == ()


@pytest.mark.parametrize(
    ("authors", "likely"),
    [
        ("ab", 1),
        ("abca", 2),
        ("abac", 1),
        ("abc", 2),
        ("aba", 1),
        ("aa", None),
        ("a", None),
    ],
)
def test_the_likely_answer_stands_before_the_askers_last_word(authors: str, likely: int | None, tmp_path: Path) -> None:
    """Else it is the last reply of somebody else; a thread without one is not solved."""
    numbers = {"a": 54, "b": 55, "c": 56}
    posts = [phpbb_post(70 + place, poster_id=numbers[who]) for place, who in enumerate(authors)]
    thread = topic(tmp_path, posts, options={"solved_prefixes": ["[ok]"]}, topic_title="[ok] Lamp")
    assert [mark.post_id for mark in thread.solved] == ([] if likely is None else [str(70 + likely)])
    assert len(thread.warnings) == 1


@pytest.mark.parametrize(
    ("changes", "visibility"),
    [
        ({"topic_visibility": 0}, "hidden"),
        ({"topic_visibility": 2}, "deleted"),
        ({"topic_visibility": 3}, "hidden"),
        ({"topic_visibility": None, "topic_approved": 0}, "hidden"),
        ({"topic_visibility": None, "topic_approved": 1}, "public"),
    ],
)
def test_what_moderators_hid_is_not_public(changes: dict[str, Any], visibility: str, tmp_path: Path) -> None:
    """Topics that wait, were deleted, or were never approved in older versions, are known to be so."""
    assert topic(tmp_path, [phpbb_post(70)], **changes).visibility == visibility


def test_moved_topics_leave_no_second_one(tmp_path: Path) -> None:
    """The shadow a moved topic leaves in its old forum is no thread."""
    rows = [phpbb_topic(7), phpbb_topic(8, topic_status=2)]
    assert [thread.ref for thread in topics(tmp_path, rows, [phpbb_post(70), phpbb_post(80)])] == ["board:7"]


@pytest.mark.parametrize(
    ("forums", "refs"),
    [
        (["*"], ["board:7"]),
        (["2"], ["board:7"]),
        (["lamps & hubs"], ["board:7"]),
        (["1"], []),
        (["3"], []),
    ],
)
def test_only_named_forums_are_read(forums: list[str], refs: list[str], tmp_path: Path) -> None:
    """A forum is named by id or name; one with a password is never read, whatever is named."""
    rows = [phpbb_topic(7), phpbb_topic(8, forum_id=3)]
    found = topics(tmp_path, rows, [phpbb_post(70), phpbb_post(80)], forums=forums)
    assert [thread.ref for thread in found] == refs


def test_a_forum_below_a_secret_one_is_secret(tmp_path: Path) -> None:
    """Who has no password for a forum sees none of those in it."""
    tables = phpbb([phpbb_topic(7, forum_id=4)], [phpbb_post(70)])
    tables["phpbb_forums"].append({"forum_id": 4, "parent_id": 3, "forum_name": "Plans", "forum_password": ""})
    write_sql(tmp_path / "dump.sql", tables)

    assert list(board(tmp_path, "phpbb", forums=["*", "4"]).records()) == []


def test_forums_in_a_circle_end(tmp_path: Path) -> None:
    """Two forums that are each below the other are read like any."""
    tables = phpbb([phpbb_topic(7)], [phpbb_post(70)])
    tables["phpbb_forums"][0]["parent_id"] = 2
    write_sql(tmp_path / "dump.sql", tables)

    assert [thread.category for thread in threads(board(tmp_path, "phpbb"))] == [("Help", "Lamps & hubs", "2")]


def test_times_no_calendar_has_are_unknown(tmp_path: Path) -> None:
    """A thread of the year 30000, or of before 1970, is read without its day."""
    posts = [phpbb_post(70, post_time=10**12), phpbb_post(71, post_time=-5)]
    (thread,) = topics(tmp_path, [phpbb_topic(7, topic_time=10**12, topic_last_post_time=0)], posts)

    assert (thread.created, [post.created for post in (thread.question, *thread.answers)]) == (None, [None, None])


def test_a_forum_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A misspelt name would quietly withdraw a forum's pages."""
    with pytest.raises(SourceError, match="no forum has the id or name lamp; check `forums:`"):
        topics(tmp_path, [phpbb_topic(7)], [phpbb_post(70)], forums=["Lamp"])


def test_without_the_table_of_forums_ids_are_needed(tmp_path: Path) -> None:
    """What has a password is not known then, so nothing but ids is believed."""
    tables = phpbb([phpbb_topic(7)], [phpbb_post(70)])
    del tables["phpbb_forums"]
    write_sql(tmp_path / "dump.sql", tables)
    with pytest.raises(SourceError, match="which have a password is not known; name them by id"):
        list(board(tmp_path, "phpbb").records())
    assert [thread.category for thread in threads(board(tmp_path, "phpbb", forums=["2"]))] == [("2",)]


@pytest.mark.parametrize(
    ("changes", "person"),
    [
        ({"poster_id": 1, "post_username": "Cy &amp; D"}, Person("", "Cy & D", deleted=True)),
        ({"poster_id": 1}, Person("", "Guest", deleted=True)),
        ({"poster_id": 99, "post_username": ""}, Person("", "Guest", deleted=True)),
    ],
)
def test_guests_and_deleted_members_have_no_page(changes: dict[str, Any], person: Person, tmp_path: Path) -> None:
    """Who is not in the table of users is shown by the name the post remembers."""
    assert topic(tmp_path, [phpbb_post(70, **changes)]).question.author == person


def test_the_row_of_all_guests_is_nobody(tmp_path: Path) -> None:
    """A member called Anonymous stands for all guests of a phpBB, and is no person."""
    write_sql(tmp_path / "dump.sql", phpbb([phpbb_topic(7)], [phpbb_post(70, poster_id=1)]))
    (record,), _ = read(board(tmp_path, "phpbb"))

    assert b"Anonymous" not in record.payload


def test_without_the_table_of_users_names_are_not_known(tmp_path: Path) -> None:
    """That is told, and nobody is taken for deleted but guests."""
    tables = phpbb([phpbb_topic(7)], [phpbb_post(70), phpbb_post(71, poster_id=1, post_username="Cy")])
    del tables["phpbb_users"]
    write_sql(tmp_path / "dump.sql", tables)
    (thread,) = threads(board(tmp_path, "phpbb"))
    assert thread.question.author == Person("54", "user54", f"{BOARD}/memberlist.php?mode=viewprofile&u=54")
    assert thread.answers[0].author == Person("", "Cy", deleted=True)
    assert thread.warnings == ("The dump has no table of users, so some names are not known.",)


@pytest.mark.parametrize(
    ("posts", "changes", "problem"),
    [
        ([], {}, "no post of the thread is in the dump"),
        ([phpbb_post(70)], {"topic_title": " "}, "the thread has no title"),
        ([phpbb_post(70, post_time="soon")], {}, "the row has a value that cannot be read"),
    ],
)
def test_a_thread_that_cannot_be_read_names_its_line(
    posts: Rows, changes: dict[str, Any], problem: str, tmp_path: Path
) -> None:
    """One bad thread is an error of its own, with file and line."""
    write_sql(tmp_path / "dump.sql", phpbb([phpbb_topic(7, **changes)], posts or [phpbb_post(90)]))
    source = board(tmp_path, "phpbb")
    (record,), _ = read(source)
    with pytest.raises(RecordError, match=problem) as caught:
        source.parse(record)
    assert caught.value.place.startswith(f"{tmp_path}/dump.sql:")


def test_a_member_who_cannot_be_read_names_the_thread(tmp_path: Path) -> None:
    """A bad value in a row of users is an error of the threads its owner wrote in."""
    tables = phpbb([phpbb_topic(7)], [phpbb_post(70)])
    tables["phpbb_users"][1]["user_type"] = "boss"
    write_sql(tmp_path / "dump.sql", tables)
    source = board(tmp_path, "phpbb")
    (record,), _ = read(source)
    with pytest.raises(RecordError, match="the row of a member who wrote in it has a value that cannot be read"):
        source.parse(record)


@pytest.mark.parametrize("changes", [{"charset": "klingon"}, {"forums": []}, {"solved_confidence": 2}])
def test_options_that_cannot_be_are_refused(changes: dict[str, Any], tmp_path: Path) -> None:
    """A wrong value is found when the configuration is read."""
    with pytest.raises(ValidationError):
        board(tmp_path, "phpbb", **changes)


def test_a_dump_in_a_lying_charset_is_read(tmp_path: Path) -> None:
    """UTF-8 that a server took for latin1 comes out as it was typed."""
    doubled = "caf\u00e9 \u2014 ok".encode().decode("cp1252")
    assert topic(tmp_path, [phpbb_post(70)], topic_title=doubled).title == "caf\u00e9 \u2014 ok"


QUOTES = {
    "phpbb": (
        '<r><QUOTE author="Ada" post_id="70"><s>[quote]</s>a<e>[/quote]</e></QUOTE></r>',
        "viewtopic.php?p=70#p70",
    ),
    "mybb": ("[quote='Ada' pid='70']a[/quote]", "showthread.php?tid=7&amp;pid=70#pid70"),
    "vbulletin": ("[quote=Ada;70]a[/quote]", "showthread.php?p=70#post70"),
}


@pytest.mark.parametrize("kind", QUOTES)
def test_an_address_may_hold_any_sign(kind: str, tmp_path: Path) -> None:
    """The forum's address is the operator's, and braces in it are no places for ids."""
    text, address = QUOTES[kind]
    tables = {
        "phpbb": lambda: phpbb([phpbb_topic(7)], [phpbb_post(70, post_text=text)]),
        "mybb": lambda: mybb([mybb_thread(7)], [mybb_post(70, message=text)]),
        "vbulletin": lambda: vbulletin([vb_thread(7)], [vb_post(70, pagetext=text)]),
    }
    write_sql(tmp_path / "dump.sql", tables[kind]())
    (thread,) = threads(board(tmp_path, kind, url="https://b.example.com/{x}"))

    assert f'href="https://b.example.com/{{x}}/{address}"' in thread.question.html


@pytest.mark.parametrize(("state", "expected"), [(0, (True, False)), (1, (False, False)), (2, (False, True))])
def test_an_answer_that_moderators_hid_is_marked(state: int, expected: tuple[bool, bool], tmp_path: Path) -> None:
    """In all three forums an answer waits for approval, is shown, or is deleted; MyBB says -1 for the last."""
    state_of_mybb = -1 if state == 2 else state
    tables = {
        "phpbb": phpbb([phpbb_topic(7)], [phpbb_post(70), phpbb_post(71, post_visibility=state)]),
        "mybb": mybb([mybb_thread(7)], [mybb_post(70), mybb_post(71, visible=state_of_mybb)]),
        "vbulletin": vbulletin([vb_thread(7)], [vb_post(70), vb_post(71, visible=state)]),
    }
    found = []
    for kind, rows in tables.items():
        write_sql(tmp_path / "dump.sql", rows)
        (thread,) = threads(board(tmp_path, kind))
        found.append((thread.answers[0].hidden, thread.answers[0].deleted))

    assert found == [expected] * 3


@pytest.mark.parametrize(("state", "visibility"), [(0, "hidden"), (2, "deleted")])
def test_a_thread_is_as_visible_as_its_question(state: int, visibility: str, tmp_path: Path) -> None:
    """A topic that is shown while its first post is not has nothing to show."""
    assert topic(tmp_path, [phpbb_post(70, post_visibility=state), phpbb_post(71)]).visibility == visibility


@pytest.mark.parametrize("state", [0, 2])
def test_a_likely_answer_is_one_that_is_shown(state: int, tmp_path: Path) -> None:
    """Of a thread that is solved without naming an answer, no post counts that moderators took away."""
    posts = [phpbb_post(70), phpbb_post(71, **BEN), phpbb_post(72, **BEN, post_visibility=state)]
    found = topic(tmp_path, posts, options={"solved_prefixes": ["[solved]"]}, topic_title="[SOLVED] Lamp")

    assert [one.post_id for one in found.solved] == ["71"]


# --- MyBB ---------------------------------------------------------------------------------------------------


def mybb_threads(project: Path, rows: Rows, posts: Rows, **options: Any) -> list[Thread]:
    """The threads of a MyBB."""
    write_sql(project / "dump.sql", mybb(rows, posts))
    return threads(board(project, "mybb", **options))


def test_a_thread_of_mybb_is_solved_by_its_prefix(tmp_path: Path) -> None:
    """The prefix names no answer, so the likely one counts, with low confidence; another prefix is a tag."""
    rows = [mybb_thread(1, prefix=3), mybb_thread(2, prefix=5), mybb_thread(3, prefix=9)]
    posts = [mybb_post(10), mybb_post(11, uid=22, username="Ben"), mybb_post(20), mybb_post(21, uid=22), mybb_post(30)]
    first, second, third = mybb_threads(tmp_path, rows, posts)
    assert (first.solved, first.tags) == ((Solved("11", "tag", confidence=0.3),), ())
    assert (second.solved, second.tags) == ((), ("Bug",))
    assert (third.solved, third.tags) == ((), ())
    assert first.title == "Lamp & hub"
    assert first.url == f"{BOARD}/showthread.php?tid=1"
    assert first.answers[0].url == f"{BOARD}/showthread.php?tid=1&pid=11#pid11"
    assert first.answers[0].author == Person("22", "Ben", f"{BOARD}/member.php?action=profile&uid=22", is_staff=True)


def test_a_plugins_column_names_the_answer(tmp_path: Path) -> None:
    """With `solved_column` an accepted answer is as sure as the platform's own mark."""
    rows = [mybb_thread(1, best=11)]
    (thread,) = mybb_threads(tmp_path, rows, [mybb_post(10), mybb_post(11)], solved_column="best")
    assert thread.solved == (Solved("11", "accepted"),)


@pytest.mark.parametrize(("visible", "visibility"), [(1, "public"), (0, "hidden"), (-1, "deleted"), (-2, "hidden")])
def test_threads_of_mybb_are_as_visible_as_it_says(visible: int, visibility: str, tmp_path: Path) -> None:
    """Unapproved, deleted and draft threads are not public; moved ones are no threads; closed ones are closed."""
    rows = [mybb_thread(1, visible=visible, closed="1"), mybb_thread(2, closed="moved|1")]
    (thread,) = mybb_threads(tmp_path, rows, [mybb_post(10), mybb_post(11, visible=-1)])
    assert (thread.visibility, thread.closed, thread.answers[0].deleted) == (visibility, "closed", True)


def test_the_first_post_is_the_one_the_thread_names(tmp_path: Path) -> None:
    """A post that was merged in may be older; a thread without the number has its first by time."""
    posts = [mybb_post(10, dateline=AT + 9), mybb_post(11, dateline=AT)]
    rows = [mybb_thread(1), mybb_thread(2, firstpost=0)]
    later = [mybb_post(20, dateline=AT + 9), mybb_post(21, dateline=AT)]
    first, second = mybb_threads(tmp_path, rows, [*posts, *later])
    assert (first.question.id, second.question.id) == ("10", "21")


def test_mentions_and_quotes_of_mybb_name_people(tmp_path: Path) -> None:
    """MyCode is rendered with the thread's own members and links to its posts."""
    text = "[quote='Ada' pid='10' dateline='1']a[/quote]\n[mention=21] [attachment=5]"
    (thread,) = mybb_threads(tmp_path, [mybb_thread(1)], [mybb_post(10), mybb_post(11, uid=22, message=text)])
    assert thread.answers[0].html == (
        f'<blockquote><p><a href="{BOARD}/showthread.php?tid=1&amp;pid=10#pid10">Ada:</a></p>a</blockquote>'
        f'@Ada <a href="{BOARD}/attachment.php?aid=5">attachment 5</a>'
    )


# --- vBulletin ----------------------------------------------------------------------------------------------


def vb_threads(project: Path, rows: Rows, posts: Rows, **options: Any) -> list[Thread]:
    """The threads of a vBulletin."""
    write_sql(project / "dump.sql", vbulletin(rows, posts))
    return threads(board(project, "vbulletin", **options))


def test_a_thread_of_vbulletin_arrives_whole(tmp_path: Path) -> None:
    """Escaped names and titles are decoded once, tags split, and the prefix says solved."""
    rows = [vb_thread(3, prefixid="Solved", taglist="hub, led"), vb_thread(4, open=10)]
    (thread,) = vb_threads(tmp_path, rows, [vb_post(30), vb_post(31, userid=42)])
    assert (thread.title, thread.tags) == ("Lamp & hub", ("hub", "led"))
    assert thread.category == ("Lamps & hubs", "9")
    assert thread.url == f"{BOARD}/showthread.php?t=3"
    assert thread.answers[0].url == f"{BOARD}/showthread.php?p=31#post31"
    assert thread.answers[0].author == Person("42", "B\u0439n", f"{BOARD}/member.php?u=42", is_staff=True)
    assert thread.solved == (Solved("31", "tag", confidence=0.3),)


@pytest.mark.parametrize(("visible", "visibility"), [(1, "public"), (0, "hidden"), (2, "deleted")])
def test_threads_of_vbulletin_are_as_visible_as_it_says(visible: int, visibility: str, tmp_path: Path) -> None:
    """Threads that wait for a moderator or were deleted are not public; closed ones are closed."""
    posts = [vb_post(30), vb_post(31, visible=0)]
    (thread,) = vb_threads(tmp_path, [vb_thread(3, visible=visible, open=0)], posts)
    assert (thread.visibility, thread.closed, thread.answers[0].hidden) == (visibility, "closed", True)


def test_bbcode_of_vbulletin_is_rendered(tmp_path: Path) -> None:
    """Quotes lead to the post they quote, attachments to the forum."""
    text = "[QUOTE=Ada;30]a[/QUOTE][ATTACH=CONFIG]12[/ATTACH]"
    (thread,) = vb_threads(tmp_path, [vb_thread(3)], [vb_post(30, pagetext=text)])
    assert thread.question.html == (
        f'<blockquote><p><a href="{BOARD}/showthread.php?p=30#post30">Ada:</a></p>a</blockquote>'
        f'<a href="{BOARD}/attachment.php?attachmentid=12">attachment 12</a>'
    )


# --- recorded shapes ----------------------------------------------------------------------------------------


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("kind", "file", "forum", "ref", "solved"),
    [
        ("phpbb", "phpbb_topicsolved.sql", "2", "board:7", Solved("71", "accepted")),
        ("mybb", "mybb.sql", "4", "board:11", Solved("102", "tag", confidence=0.3)),
        ("vbulletin", "vbulletin.sql", "9", "board:31", Solved("302", "tag", confidence=0.3)),
    ],
)
def test_recorded_tables_are_read(kind: str, file: str, forum: str, ref: str, solved: Solved) -> None:
    """The tables as the software writes them give one solved thread, and no shadow."""
    dump = DATA / "fixtures/sql-dumps" / file
    if not dump.is_file():
        pytest.skip("no community data")
    (thread,) = threads(board(dump.parent, kind, dump=file, forums=[forum]))
    assert (thread.ref, thread.solved) == (ref, (solved,))
