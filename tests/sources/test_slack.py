"""Slack exports: public channels alone, threads over days, and reactions that say what helped."""

import json
import os
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from slack_builders import asked, export, said, slack, tick, write_zip
from source_builders import read, threads, write_json

from kbgen.errors import RecordError, SourceError
from kbgen.harvest import harvest
from kbgen.model import Thread
from kbgen.progress import Silent
from kbgen.sources.slack_text import Element, message_html
from kbgen.sources.slack_thread import at
from kbgen.store import open_store

DATA = Path(os.environ.get("KBGEN_DATA") or Path(__file__).parents[3] / "shared/data").resolve()
URL = "https://acme.slack.com/archives/C0100/p1000000100"
VALVE = "Turn the valve by a quarter, then wait for an hour."


def one(project: Path, messages: list[dict[str, Any]], **options: Any) -> Thread:
    """The only thread of an export."""
    found = threads(slack(project, messages, **options))
    assert len(found) == 1
    return found[0]


def marks(thread: Thread) -> list[tuple[str, float]]:
    """Solutions with how sure they are."""
    assert all(mark.how == "reaction" for mark in thread.solved)
    return [(mark.post_id, mark.confidence) for mark in thread.solved]


def test_a_thread_is_read(tmp_path: Path) -> None:
    """Root, replies of later days, and links as members use them."""
    late = said("6000.000300", "That did it, thanks!", "U0001", subtype="thread_broadcast")
    messages = [late, asked(), said("2000.000200", VALVE, edited={"user": "U0002", "ts": "2100.0"})]
    thread = one(tmp_path, messages, names=True)
    assert ("slack:C0100-1000.000100", URL, "The pump hums at night, what can I do?", ("help-pumps",)) == (
        thread.ref,
        thread.url,
        thread.title,
        thread.category,
    )
    assert ["ada", "Ben Bolt", "ada"] == [post.author.name for post in (thread.question, *thread.answers)]
    assert "https://acme.slack.com/archives/C0100/p2000000200?thread_ts=1000.000100&cid=C0100" == thread.answers[0].url
    assert datetime(1970, 1, 1, 0, 35, tzinfo=UTC) == thread.answers[0].edited
    assert datetime(1970, 1, 1, 0, 16, 40, 100, tzinfo=UTC) == thread.created


def test_names_are_not_shown_unless_wanted(tmp_path: Path) -> None:
    """Nor in mentions: a member has the same number everywhere in a thread."""
    thread = one(tmp_path, [asked("Ask <@U0002> please, the pump hums"), said("2000.0", "Hm, <@U0001>, turn it")])
    assert ["Member 1", "Member 2"] == [post.author.name for post in (thread.question, *thread.answers)]
    assert "@Member 2" in thread.question.html
    assert "@Member 1" in thread.answers[0].html
    assert not any(name in str(thread) for name in ("Ada", "Ben", "ada", "U0001"))


def test_a_float_never_touches_a_time() -> None:
    """``ts`` has sixteen digits; as a number the last ones would move."""
    assert datetime(2026, 2, 20, 8, 0, 0, 100, tzinfo=UTC) == at("1771574400.000100")
    assert [None, None, None] == [at("1e9"), at(""), at("999999999999")]


def test_what_no_person_wrote_is_left_out(tmp_path: Path) -> None:
    """Notices, deleted messages, hidden ones, bots; bots when they are wanted."""
    noise = [
        said("2000.1", "joined", subtype="channel_join"),
        said("2000.2", "gone", subtype="tombstone", hidden=True),
        said("2000.3", "x", "USLACKBOT"),
        said("2000.4", "beep", subtype="bot_message", bot_id="B001", username="Beeper", user=None),
        said("2000.5", "beep", bot_id="B001", user=None),
        said("2000.6", "a lone word", root=None),
    ]
    messages = [asked(), said("2000.0", VALVE), *noise]
    assert 1 == len(one(tmp_path, messages).answers)
    bots = one(tmp_path, messages, bots=True, names=True)
    assert ["Ben Bolt", "Beeper"] == [post.author.name for post in bots.answers[:2]]


def test_a_deleted_question_takes_its_thread_along(tmp_path: Path) -> None:
    """Replies to a tombstone, or to what is not in the export, are not published; nor is a question nobody answered."""
    gone = said("1000.000100", "This message was deleted.", "USLACKBOT", subtype="tombstone", hidden=True)
    for messages in ([gone, said("2000.0", VALVE)], [said("2000.0", VALVE)], [asked()]):
        assert [] == threads(slack(tmp_path, messages))


# --- what is public ------------------------------------------------------------------------------------------


def test_private_conversations_are_never_opened(tmp_path: Path) -> None:
    """Whatever else is in the export: only channels that ``channels.json`` calls public have files that are read."""
    secret = [asked("Secret?"), said("2000.0", "Secret.")]
    files = export(
        [asked(), said("2000.0", VALVE)],
        **{
            "groups.json": [{"id": "G1", "name": "board"}],
            "board/2026-02-20.json": secret,
            "D001/2026-02-20.json": secret,
            "hidden/2026-02-20.json": "no JSON, which would be an error if it were read",
        },
    )
    files["channels.json"] = [*files["channels.json"], {"id": "C9", "name": "hidden", "is_private": True}]
    write_zip(tmp_path / "export.zip", files)
    records, errors = read(slack(tmp_path))
    assert (1, []) == (len(records), errors)
    assert b"Secret" not in records[0].payload


def test_nothing_personal_or_secret_is_stored(tmp_path: Path) -> None:
    """No e-mail address or picture of a member, no address of a file, for it holds a token."""
    file = {"name": "cfg.png", "url_private": "https://files.slack.com/cfg.png?t=xoxe-1", "thumb_64": "x?t=xoxe-1"}
    shown = {"display_name": "dee", "image_72": "https://avatars.example.org/a.png", "email": "d@example.org"}
    messages = [asked(), said("2000.0", VALVE, files=[file], user_profile=shown)]
    record = read(slack(tmp_path, messages))[0][0]
    assert not any(word in record.payload for word in (b"xoxe", b"example.org", b"avatars"))
    assert "<p>Attached file: cfg.png</p>" in threads(slack(tmp_path))[0].answers[0].html


def test_channels_can_be_chosen(tmp_path: Path) -> None:
    """By name, with or without #; a name that is no public channel is an error."""
    messages = [asked(), said("2000.0", VALVE)]
    assert 1 == len(threads(slack(tmp_path, messages, channels=("#help-pumps",))))
    assert [] == threads(slack(tmp_path, exclude=("help-pumps",)))
    with pytest.raises(SourceError, match="has no public channel nope; check `channels:`"):
        list(slack(tmp_path, channels=("nope",)).records())


def test_a_user_can_be_removed(tmp_path: Path) -> None:
    """Their answers are left out, and their questions are not public."""
    messages = [asked(), said("2000.0", VALVE)]
    assert () == one(tmp_path, messages, removed=("U0002",)).answers
    assert "private" == one(tmp_path, messages, removed=("U0001",)).visibility


def test_people_who_are_gone_or_elsewhere(tmp_path: Path) -> None:
    """A deactivated member has no profile; one of another workspace is named by the message."""
    profile = {"display_name": "dee", "real_name": "Dee"}
    messages = [asked(), said("2000.0", VALVE, "U0003"), said("2001.0", VALVE, "U7777", user_profile=profile)]
    people = [post.author for post in one(tmp_path, messages, names=True).answers]
    assert [("cy", True), ("dee", False)] == [(person.name, person.deleted) for person in people]


# --- how it is known to be solved ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "options", "count"),
    [
        (tick("U0001"), {}, 1),
        (tick("U0001", name="heavy_check_mark::skin-tone-3"), {}, 1),
        (tick("U0002"), {}, 0),
        (tick("U0002"), {"staff": ("ben",)}, 1),
        (tick("U0001", name="tada"), {}, 0),
        (tick("U0001", name="tada"), {"solved_reactions": (":tada:",)}, 1),
        (tick("U0001"), {"solved_reactions": ()}, 0),
    ],
)
def test_a_reaction_on_a_reply(tmp_path: Path, reply: dict[str, Any], options: dict[str, Any], count: int) -> None:
    """By the asker or the staff alone, of the configured names, whatever the skin."""
    thread = one(tmp_path, [asked(), said("2000.0", VALVE, **reply)], **options)
    assert [("2000.0", 0.9)] * count == marks(thread)


def test_a_reaction_on_the_question(tmp_path: Path) -> None:
    """It is solved, but by what: the last reply before the asker's thanks that says something."""
    messages = [
        asked(**tick("U0001")),
        said("2000.0", VALVE),
        said("2001.0", "+1", "U0003"),
        said("2002.0", "Hm, and then? It went on humming until I opened the lid.", "U0001"),
        said("2003.0", "That worked, thanks!", "U0001"),
        said("2004.0", "You are welcome, and always check the other valve as well.", "U0003"),
    ]
    assert [("2000.0", 0.4)] == marks(one(tmp_path, messages))
    messages[1] = said("2000.0", VALVE, **tick("U0001"))
    assert [("2000.0", 0.9)] == marks(one(tmp_path, messages))


def test_nobody_else_solved_it(tmp_path: Path) -> None:
    """A check mark of a bystander on the question, or no reply by another, settles nothing."""
    assert [] == marks(one(tmp_path, [asked(**tick("U0003")), said("2000.0", VALVE)]))
    assert [] == marks(one(tmp_path, [asked(**tick("U0001")), said("2000.0", VALVE, "U0001")]))


# --- texts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a &lt;b&gt; &amp;amp; c", "<p>a &lt;b&gt; &amp;amp; c</p>"),
        ("*bold* _it_ ~no~ `a*b*`", "<p><strong>bold</strong> <em>it</em> <s>no</s> <code>a*b*</code></p>"),
        ("2*3*4 and snake_case_name", "<p>2*3*4 and snake_case_name</p>"),
        ("*_both_*", "<p><strong><em>both</em></strong></p>"),
        ("<https://x.org/?a=1&amp;b=2|the *docs*>", '<p><a href="https://x.org/?a=1&amp;b=2">the *docs*</a></p>'),
        ("<https://x.org>", '<p><a href="https://x.org">https://x.org</a></p>'),
        ("<javascript:alert(1)|x>", "<p>x</p>"),
        ("<@U1> <#C1|help> <!here> <!subteam^S1|@staff>", "<p>@U1! #help @here @staff</p>"),
        (
            "See:\n```if a &lt; b:\n  *go*```\ndone",
            "<p>See:</p>\n<pre><code>if a &lt; b:\n  *go*</code></pre>\n<p>done</p>",
        ),
        ("&gt; quoted\n&gt; more\n\nown", "<blockquote><p>quoted<br>\nmore</p></blockquote>\n<p>own</p>"),
        ("• one\n• two", "<ul><li>one</li><li>two</li></ul>"),
        ("1. one\n2. two", "<ol><li>one</li><li>two</li></ol>"),
        (":tada: :+1::skin-tone-3: :our-logo:", "<p>🎉 👍 :our-logo:</p>"),
        ("<script>alert(1)</script>", "<p>scriptalert(1)/script</p>"),
        ("&lt;script&gt;", "<p>&lt;script&gt;</p>"),
        ("", ""),
    ],
)
def test_slacks_markup(text: str, html: str) -> None:
    """It is not Markdown: its own signs, three escapes, and tokens in angle brackets."""
    assert html == message_html(text, (), lambda user: f"{user}!")


def rich(*elements: dict[str, Any]) -> str:
    """A block of rich text as HTML; the message's text is there for old clients."""
    blocks = msgspec.convert([{"type": "rich_text", "elements": list(elements)}], list[Element])
    return message_html("old", blocks, lambda user: user)


def section(*texts: str, kind: str = "rich_text_section", **more: Any) -> dict[str, Any]:
    """A section of plain pieces."""
    return {"type": kind, "elements": [{"type": "text", "text": text} for text in texts], **more}


def test_rich_text_is_the_faithful_form() -> None:
    """Styles, links, mentions, emoji, code, quotations; signs of markup in it are plain text."""
    pieces = [
        {"type": "text", "text": "*a* <b>", "style": {"bold": True, "code": True}},
        {"type": "link", "url": "https://x.org", "text": "docs"},
        {"type": "user", "user_id": "U1"},
        {"type": "emoji", "name": "tada", "unicode": "1f389"},
        {"type": "emoji", "name": "our-logo"},
        {"type": "broadcast", "range": "here"},
        {"type": "text", "text": " x\ny\n\nz"},
    ]
    assert (
        '<p><strong><code>*a* &lt;b&gt;</code></strong><a href="https://x.org">docs</a>@U1🎉:our-logo:@here x<br>\ny</p>'
        "<p>z</p>"
    ) == rich({"type": "rich_text_section", "elements": pieces})
    assert "<pre><code>a &lt; b\n</code></pre>" == rich(section("a < b\n", kind="rich_text_preformatted"))
    assert "<blockquote><p>q</p></blockquote>" == rich(section("q", kind="rich_text_quote"))


def test_lists_of_rich_text_nest() -> None:
    """Each depth is a list of its own in the blocks."""

    def listed(indent: int, style: str, *texts: str) -> dict[str, Any]:
        items = [section(text) for text in texts]
        return {"type": "rich_text_list", "style": style, "indent": indent, "elements": items}

    nested = rich(listed(0, "bullet", "a", "b"), listed(1, "ordered", "b1"), listed(0, "bullet", "c"))
    assert "<ul><li>a</li><li>b<ol><li>b1</li></ol></li><li>c</li></ul>" == nested


def test_other_blocks_fall_back_to_the_text() -> None:
    """Blocks of apps are layout; the text is what is read."""
    blocks = msgspec.convert([{"type": "section", "text": {"type": "mrkdwn", "text": "*x*"}}], list[Element])
    assert "<p>text</p>" == message_html("text", blocks, str)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Hi all!\n\nthe pump hums at night. Any idea?", "The pump hums at night."),
        ("hello team, why does it hum?", "Why does it hum?"),
        ("Pump " * 40, "Pump " * 21 + "Pump…"),
        ("<https://x.org|This page> is *blank*", "This page is *blank*"),
    ],
)
def test_a_question_gets_a_title(tmp_path: Path, text: str, title: str) -> None:
    """Its first sentence, without the greeting, cut at a word."""
    assert title == one(tmp_path, [asked(text), said("2000.0", VALVE)]).title


# --- exports -------------------------------------------------------------------------------------------------


def test_a_folder_and_a_zip_file_are_the_same(tmp_path: Path) -> None:
    """Also when the zip file holds the export in a folder."""
    messages = [asked(), said("6000.0", VALVE)]
    expected = threads(slack(tmp_path, messages))
    for name, data in export(messages).items():
        write_json(tmp_path / "folder" / name, data)
    write_zip(tmp_path / "inside.zip", export(messages), "Acme export/")
    assert expected == threads(slack(tmp_path, archive="folder")) == threads(slack(tmp_path, archive="inside.zip"))


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A bad message by file and number, a bad day by file; the others are read."""
    files = export([asked(), said("2000.0", VALVE)])
    files["help-pumps/2026-02-20.json"].append({"type": "message", "ts": "3.0", "thread_ts": "1.0", "text": [1]})
    files["help-pumps/2026-02-22.json"] = "{"
    write_zip(tmp_path / "export.zip", files)
    records, errors = read(slack(tmp_path))
    assert 1 == len(records)
    assert [
        f"{tmp_path}/export.zip:help-pumps/2026-02-20.json:3",
        f"{tmp_path}/export.zip:help-pumps/2026-02-22.json",
    ] == [error.place for error in errors]


def test_a_day_that_breaks_takes_no_thread_along(tmp_path: Path) -> None:
    """What began on it stays, what has replies on it stays as it was, and what is new is read."""
    files = export([asked(), said("6000.0", VALVE)])
    (day, second) = (name for name in sorted(files) if name.startswith("help-pumps/"))
    write_zip(tmp_path / "export.zip", files)
    with closing(open_store(tmp_path / "store.sqlite")) as store:
        for broken in (None, day, second):
            write_zip(tmp_path / "export.zip", {**files, **({broken: "{"} if broken else {})})
            report = harvest(slack(tmp_path), store, Silent())
            (state,) = store.records.states()
            assert (report.removed, state.gone) == (0, False)
            (record,) = store.records.get([state.ref])
            assert VALVE.encode() in record.payload


@pytest.mark.parametrize(
    ("data", "problem"),
    [(None, "no such file or folder"), (b"no zip", "is not a zip file"), ({}, "is no Slack export"), ("[{}]", "id")],
)
def test_no_export_is_an_error(tmp_path: Path, data: Any, problem: str) -> None:
    """The message says what is wrong with which file."""
    if isinstance(data, bytes):
        (tmp_path / "export.zip").write_bytes(data)
    elif data is not None:
        write_zip(tmp_path / "export.zip", {"channels.json": data} if data else {"a.txt": ""})
    with pytest.raises(SourceError, match=problem):
        list(slack(tmp_path).records())
    if data is None:
        with pytest.raises(SourceError, match=problem):
            slack(tmp_path).fingerprint()


def test_a_payload_of_another_shape_is_an_error(tmp_path: Path) -> None:
    """What the store holds may be older than the code."""
    source = slack(tmp_path, [asked()])
    for payload in ({"messages": 3}, {"channel": "C1", "channel_name": "c", "messages": []}):
        with pytest.raises(RecordError, match=r"slack:1: .*; export the workspace again"):
            source.parse(source.record("1", "thread", URL, payload, ""))
    wordless = {"channel": "C1", "channel_name": "c", "messages": [{"ts": "1.0", "text": " "}]}
    with pytest.raises(RecordError, match="has no words"):
        source.parse(source.record("1", "thread", URL, wordless, ""))


@pytest.mark.realdata
@pytest.mark.skipif(not DATA.is_dir(), reason="no community data at hand")
def test_the_recorded_export(tmp_path: Path) -> None:
    """The shape as the vendor describes it: one thread over two days, solved by the asker's reaction on a reply."""
    found = threads(slack(tmp_path, archive=str(DATA / "fixtures/slack-export")))
    assert [("1771578000.000200", 0.9)] == marks(found[0])
    assert (1, 2) == (len(found), len(found[0].answers))
    assert "xoxe" not in json.dumps(str(found))
