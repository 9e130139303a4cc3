"""Mailing lists: what a message is, which ones make a thread, and how a thread says that it is solved."""

import gzip
import os
from pathlib import Path
from typing import Any

import pytest
from mail_builders import LIST, letter, mbox, reply, solved
from source_builders import read, threads

from kbgen.errors import RecordError, SourceError, SourceTruncated
from kbgen.model import RawRecord, Thread
from kbgen.sources.mail import message_hash
from kbgen.sources.mail_thread import MailOptions, base_subject, is_reply, slim_message

DATA = Path(os.environ.get("KBGEN_DATA") or Path(__file__).parents[3] / "shared/data").resolve()
HUM = letter("q1", "It hums at night.")
VALVE = reply("a1", "q1", "Turn the valve by a quarter.")


def one(project: Path, text: str, **options: Any) -> Thread:
    """The only thread of an archive."""
    found = threads(mbox(project, text, **options))
    assert len(found) == 1
    return found[0]


def identity(name: str) -> str:
    """A message's id as a post."""
    return message_hash(f"{name}@example.org")


def test_a_thread_is_read(tmp_path: Path) -> None:
    """Answers may precede the question in the archive; the asker's "[SOLVED]" marks what it answers."""
    thread = one(tmp_path, VALVE + solved("s1", "a1") + HUM, names=True)
    assert ("The pump hums", f"list:{identity('q1')}") == (thread.title, thread.ref)
    assert ("<p>It hums at night.</p>", "Ada Amp", "ada amp") == (
        thread.question.html,
        thread.question.author.name,
        thread.question.author.id,
    )
    assert [identity("a1"), identity("s1")] == [post.id for post in thread.answers]
    assert [(identity("a1"), "tag", 0.7)] == [(mark.post_id, mark.how, mark.confidence) for mark in thread.solved]
    assert 12 == thread.created.hour if thread.created else False
    assert 14 == thread.updated.hour if thread.updated else False


def test_names_are_not_shown_unless_wanted(tmp_path: Path) -> None:
    """Members have numbers within their thread, the same person the same one, and no page of their own."""
    thread = one(tmp_path, HUM + VALVE + solved("s1", "a1"))
    people = [thread.question.author, *(post.author for post in thread.answers)]
    assert ["Member 1", "Member 2", "Member 1"] == [person.name for person in people]
    assert all(person.deleted and person.url is None for person in people)


def test_no_address_is_published(tmp_path: Path) -> None:
    """In no field of a thread, whatever is shown, unless the scheme of addresses is made of Message-IDs."""
    for names in (True, False):
        thread = one(
            tmp_path, HUM + reply("a1", "q1", "On Monday, Ada <ada@example.org> wrote:\n> It\n\nSo."), names=names
        )
        assert "example.org" not in str(thread).replace(LIST, "")
        assert "example.net" not in str(thread)


def test_staff_are_known_by_name_address_or_host(tmp_path: Path) -> None:
    """The configuration may hold addresses; pages do not."""
    for word in ("ben@example.net", "Ben Bolt", "@example.net"):
        thread = one(tmp_path, HUM + VALVE, staff=(word,))
        assert [False, True] == [thread.question.author.is_staff, thread.answers[0].author.is_staff]


# --- how it is known to be solved ----------------------------------------------------------------------------


def marks(thread: Thread) -> list[tuple[str, str, float]]:
    """Solutions with their signs."""
    return [(mark.post_id, mark.how, mark.confidence) for mark in thread.solved]


def test_the_askers_own_solution_counts(tmp_path: Path) -> None:
    """A "[SOLVED]" that answers nobody and explains is the solution itself."""
    told = solved("s1", "q1", "The valve was turned the wrong way, I turned it back by a quarter.")
    assert [(identity("s1"), "tag", 0.6)] == marks(one(tmp_path, HUM + VALVE + told))


def test_a_bare_solved_points_at_the_last_answer(tmp_path: Path) -> None:
    """Thanks to nobody in particular: the last answer before it that says something, and little confidence."""
    more = reply("a2", "q1", "Same here", Date="Tue, 07 Jan 2025 13:30:00 +0000")
    assert [(identity("a1"), "tag", 0.4)] == marks(
        one(
            tmp_path,
            HUM + reply("a1", "q1", "Turn the valve by a quarter, then wait an hour.") + more + solved("s1", "q1"),
        )
    )


@pytest.mark.parametrize(
    "sign",
    [
        reply("s1", "a1", "Solved!", Subject="[SOLVED] Re: The pump hums"),
        solved("s1", "a1", Subject="Re: The pump hums"),
        solved("s1", "a1", Subject="Re: How I solved it"),
    ],
    ids=["by another", "not in the subject", "in a sentence"],
)
def test_only_the_asker_solves(tmp_path: Path, sign: str) -> None:
    """Somebody else's mark, or words in the text, settle nothing."""
    assert [] == marks(one(tmp_path, HUM + VALVE + sign))


def test_a_question_born_solved_says_nothing(tmp_path: Path) -> None:
    """A subject that began with the mark tells nothing about an answer; the title is without it."""
    text = letter("q1", "Mine.", Subject="[SOLVED] The pump hums") + VALVE + solved("s1", "a1")
    thread = one(tmp_path, text)
    assert ([], "The pump hums") == (marks(thread), thread.title)


def test_words_of_solution_are_configurable(tmp_path: Path) -> None:
    """A list has its own customs; an empty list of words means no convention at all."""
    text = HUM + VALVE + solved("s1", "a1", Subject="Re: (klar) The pump hums")
    assert [(identity("a1"), "tag", 0.7)] == marks(one(tmp_path, text, solved_words=("klar",)))
    assert [] == marks(one(tmp_path, text, solved_words=()))


def test_a_list_of_solutions_by_hand_wins(tmp_path: Path) -> None:
    """Message-IDs somebody chose are certain, with or without their brackets."""
    late = reply("a2", "q1", "No, the filter.")
    thread = one(tmp_path, HUM + VALVE + late + solved("s1", "a1"), solved=("<a2@example.org>",))
    assert [(identity("a2"), "accepted", 1.0)] == marks(thread)


def test_a_removed_message_is_left_out(tmp_path: Path) -> None:
    """An author's wish is a line of the configuration."""
    thread = one(tmp_path, HUM + VALVE + solved("s1", "a1"), removed=("a1@example.org",))
    assert [identity("s1")] == [post.id for post in thread.answers]


def test_private_messages_are_not_public(tmp_path: Path) -> None:
    """``X-No-Archive`` takes out an answer, or the whole thread."""
    thread = one(tmp_path, HUM + reply("a1", "q1", "Secret.", X_No_Archive="yes"))
    assert ("public", 0, 1) == (thread.visibility, len(thread.answers), len(thread.warnings))
    hidden = one(tmp_path, letter("q1", "Secret.", X_No_Archive="yes") + VALVE)
    assert "private" == hidden.visibility


# --- threads -------------------------------------------------------------------------------------------------


def sizes(project: Path, text: str, **options: Any) -> list[int]:
    """How many messages each thread has."""
    return [1 + len(thread.answers) for thread in threads(mbox(project, text, **options))]


def test_references_beat_subjects(tmp_path: Path) -> None:
    """An answer below an answer, of another subject, is in the thread; a copy of a message counts once."""
    deep = reply("a2", "a1", "Which way?", References="<q1@example.org> <a1@example.org>", Subject="Re: Valves")
    assert [3] == sizes(tmp_path, HUM + VALVE + deep + VALVE)


def test_a_missing_link_does_not_break_a_thread(tmp_path: Path) -> None:
    """Two answers to a message that is not in the archive belong together, and the gap is named."""
    text = reply("a1", "gone", "Yes, do that.") + reply("a2", "gone", "No, do this.")
    thread = one(tmp_path, text)
    assert (f"list:{identity('gone')}", 1) == (thread.ref, len(thread.answers))
    assert ["The thread's first message is not in the archive, so what it asks is not known."] == list(thread.warnings)


def test_subjects_join_what_has_no_references(tmp_path: Path) -> None:
    """An answer of the same subject joins within the window; not later, and not without "Re:"."""
    bare = {"In-Reply-To": "", "References": ""}
    soon = reply("a1", "q1", "Turn it.", **bare)
    late = reply("a2", "q1", "Turn it.", Date="Tue, 07 Oct 2025 13:00:00 +0000", **bare)
    fresh = letter("q2", "Mine hums too.", Date="Tue, 07 Jan 2025 15:00:00 +0000")
    assert [2] == sizes(tmp_path, HUM + soon)
    assert [1, 1] == sizes(tmp_path, HUM + late)
    assert [2] == sizes(tmp_path, HUM + late, subject_days=400)
    assert [1, 1] == sizes(tmp_path, HUM + fresh)


def test_a_new_question_on_an_old_message_is_a_thread(tmp_path: Path) -> None:
    """Who answers any message and writes another subject, without "Re:", asks something else."""
    other = reply("q2", "a1", "Where is the fuse?", Subject="Fuse of the heater")
    below = reply("a2", "q2", "Left of it.", Subject="Re: Fuse of the heater")
    renamed = reply("a3", "q1", "Renamed.", Subject="Night hum (was: The pump hums)")
    assert [3, 2] == sizes(tmp_path, HUM + VALVE + other + below + renamed)


def test_references_in_a_ring_end(tmp_path: Path) -> None:
    """Messages that name each other, and themselves, are one thread."""
    assert [2] == sizes(tmp_path, letter("q1", "A.", References="<a1@example.org> <q1@example.org>") + VALVE)


@pytest.mark.parametrize(
    ("subject", "base"),
    [
        ("Re: [help] The pump hums", "The pump hums"),
        ("[help] Re: AW: [Help] The pump hums", "The pump hums"),
        ("[SOLVED] Re: The pump hums", "The pump hums"),
        ("Re: [SOLVED] The pump hums", "The pump hums"),
        ("Re[2]: The pump hums", "The pump hums"),
        ("回复：The pump hums", "The pump hums"),
        ("The pump hums ✅", "The pump hums"),
        ("Night hum (was: The pump hums)", "Night hum"),
        ("[RFC] The pump", "[RFC] The pump"),
        ("Re:", "Re:"),
        ("", ""),
    ],
)
def test_subjects_have_a_base(subject: str, base: str) -> None:
    """What a subject is about, whatever programs, lists and people put around it."""
    options = MailOptions(name="list", kind="mbox", url=LIST, prefix=("[help]",))
    assert base == base_subject(subject, options)


def test_a_reply_is_known_behind_tags() -> None:
    """Lists put their prefix before "Re:" or behind it."""
    assert [True, True, False] == [is_reply(text) for text in ("[help] Re: a", "Antw: a", "[help] Repair")]


# --- archives ------------------------------------------------------------------------------------------------


def test_messages_are_split_where_one_begins(tmp_path: Path) -> None:
    """A "From " in a body is no envelope: without an empty line, a date, or a header below it; masks are taken off."""
    body = (
        "One.\nFrom a@b Tue Jan  7 12:00:00 2025\nTwo.\n\nFrom here on nothing works.\n\nFrom there\nNote: nor then.\n\n>From now.\n>>From then.\n\n"
        "From a@b Tue Jan  7 12:00:00 2025\nno header\n"
    )
    record = read(mbox(tmp_path, letter("q1", body) + VALVE))[0][0]
    thread = mbox(tmp_path).parse(record)
    assert 1 == len(thread.answers)
    assert "From now." in thread.question.html
    assert "From then." in thread.question.html


def test_line_ends_do_not_matter(tmp_path: Path) -> None:
    """An archive written on Windows gives the same threads."""
    unix = one(tmp_path, HUM + VALVE)
    assert unix == threads(mbox(tmp_path, (HUM + VALVE).replace("\n", "\r\n"), "dos.mbox"))[0]


def test_a_folder_is_one_archive(tmp_path: Path) -> None:
    """A thread may run over months, packed or not; a single message without envelope is one too."""
    mbox(tmp_path, HUM, "mail/2025-01.mbox")
    (tmp_path / "mail/2025-02.txt.gz").write_bytes(gzip.compress(VALVE.encode()))
    mbox(tmp_path, solved("s1", "a1").partition("\n")[2], "mail/extra.eml")
    mbox(tmp_path, "no mail", "mail/readme.html")
    found = threads(mbox(tmp_path, file="mail"))
    assert [(3, 1)] == [(1 + len(thread.answers), len(thread.solved)) for thread in found]


def test_a_packed_file_that_breaks_off(tmp_path: Path) -> None:
    """What was read is good but may be incomplete, and nothing is withdrawn."""
    packed = gzip.compress((HUM + VALVE * 200).encode())
    (tmp_path / "list.mbox.gz").write_bytes(packed[:-20])
    source = mbox(tmp_path, file="list.mbox.gz")
    found: list[RawRecord] = []
    with pytest.raises(SourceTruncated, match=r"list\.mbox\.gz: ends in the middle"):
        found.extend(item for item in source.records() if isinstance(item, RawRecord))
    assert [True] == [record.partial for record in found]


@pytest.mark.parametrize(
    ("file", "problem"), [("none.mbox", "no such file or folder"), ("empty", "holds no mail archive")]
)
def test_no_archive_is_an_error(tmp_path: Path, file: str, problem: str) -> None:
    """The message names the path."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match=f"{file}: {problem}"):
        mbox(tmp_path, file=file).fingerprint()


def test_a_message_over_the_limit_is_named(tmp_path: Path) -> None:
    """By file and line; the others are read."""
    records, errors = read(mbox(tmp_path, HUM + letter("big", "x" * 2**20), message_megabytes=1))
    assert (1, 1) == (len(records), len(errors))
    assert str(errors[0]).startswith(f"{tmp_path}/list.mbox:9: the message is 1,0")


def test_attachments_are_not_stored(tmp_path: Path) -> None:
    """Of a large message only the text is kept; a small one is kept as it is."""
    packed = "QUJD" * 20_000
    parts = f"--b\nContent-Type: text/plain\n\nSee it.\n--b\nContent-Type: image/png\n\n{packed}\n--b--\n"
    source = mbox(tmp_path, letter("q1", parts, Content_Type='multipart/mixed; boundary="b"'))
    record = read(source)[0][0]
    assert len(record.payload) < 1000
    assert "See it." in source.parse(record).question.html
    assert b"small" == slim_message(b"small")


@pytest.mark.parametrize(
    ("permalink", "url"),
    [
        (None, f"{LIST}#{identity('q1')}"),
        ("hyperkitty", f"{LIST}/message/{identity('q1')}/"),
        ("public-inbox", f"{LIST}/q1@example.org/"),
        ("https://mail.example.org/x/{id}", "https://mail.example.org/x/q1@example.org"),
    ],
)
def test_links_follow_the_archives_scheme(tmp_path: Path, permalink: str | None, url: str) -> None:
    """As the list's archive names its pages; without a scheme they lead to the list."""
    assert url == one(tmp_path, HUM, permalink=permalink).url


def test_a_message_says_where_it_is(tmp_path: Path) -> None:
    """``Archived-At`` counts where no scheme is configured."""
    link = "https://lists.example.org/m/1"
    assert link == one(tmp_path, letter("q1", "A.", Archived_At=f"<{link}>")).question.url


def test_a_payload_of_another_shape_is_an_error(tmp_path: Path) -> None:
    """What the store holds may be older than the code."""
    source = mbox(tmp_path, HUM)
    with pytest.raises(RecordError, match=r"list:1: .*; mend the archive"):
        source.parse(source.record("1", "thread", LIST, {"messages": [3]}, ""))
    with pytest.raises(RecordError, match="no message left"):
        source.parse(source.record("1", "thread", LIST, {"messages": []}, ""))


@pytest.mark.realdata
@pytest.mark.skipif(not DATA.is_dir(), reason="no community data at hand")
def test_recorded_archives() -> None:
    """Archives of several programs, with headers that lie: every message is read and one thread is solved."""
    found = threads(mbox(DATA / "fixtures", file="mbox"))
    assert 14 == len(found)
    assert ["The gateway fails after step 9 – größer"] == [thread.title for thread in found if thread.solved]
    assert all("@" not in post.author.name for thread in found for post in (thread.question, *thread.answers))
