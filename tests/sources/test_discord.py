"""Discord: posts of public forums, the signs of a solution, and a dialect of Markdown."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from discord_builders import ADA, BEN, BOT, began, check, discord, exported, wrote
from source_builders import read, threads, write_article, write_json

from kbgen.errors import RecordError, SourceError
from kbgen.model import Thread
from kbgen.sources.discord_text import content_html

DATA = Path(os.environ.get("KBGEN_DATA") or Path(__file__).parents[3] / "shared/data").resolve()
URL = "https://discord.com/channels/100/400"
VALVE = "Turn the valve by a quarter, then wait for an hour."


def one(project: Path, messages: list[dict[str, Any]], name: str = "Pump hums", **options: Any) -> Thread:
    """The only post of an export."""
    found = threads(discord(project, exported(messages, name), **options))
    assert len(found) == 1
    return found[0]


def marks(thread: Thread) -> list[tuple[str, str, float]]:
    """Solutions with their signs."""
    return [(mark.post_id, mark.how, mark.confidence) for mark in thread.solved]


def test_a_post_is_read(tmp_path: Path) -> None:
    """Title, forum, people, times in UTC, and links as members use them."""
    edited = "2026-02-20T10:30:00+02:00"
    thread = one(tmp_path, [began(), wrote(1, VALVE, timestampEdited=edited)], names=True)
    assert ("discord:400", URL, "Pump hums", ("help",)) == (thread.ref, thread.url, thread.title, thread.category)
    assert ["Ada", "Ben"] == [post.author.name for post in (thread.question, *thread.answers)]
    assert f"{URL}/401" == thread.answers[0].url
    assert datetime(2026, 2, 20, 8, 30, tzinfo=UTC) == thread.answers[0].edited == thread.updated
    assert datetime(2026, 2, 20, 8, 0, 0, 500_000, tzinfo=UTC) == thread.created


def test_names_are_not_shown_unless_wanted(tmp_path: Path) -> None:
    """Nor where an export has resolved a mention to a name, or kept its id."""
    thread = one(tmp_path, [began("@Ben, @Benno or <@202>, the pump hums"), wrote(1, "Hm, @ada: so.", mentions=[])])
    assert ["Member 1", "Member 2"] == [post.author.name for post in (thread.question, *thread.answers)]
    assert "<p>@Member 2, @Benno or @Member 2, the pump hums</p>" == thread.question.html
    assert "<p>Hm, @Member 1: so.</p>" == thread.answers[0].html


def test_what_no_person_wrote_is_left_out(tmp_path: Path) -> None:
    """Notices, empty messages and bots; bots when they are wanted, and files by their names."""
    messages = [
        began(),
        wrote(1, "Changed the channel name", type="ChannelNameChange"),
        wrote(2, "beep", BOT),
        wrote(3, " "),
        wrote(4, "", attachments=[{"id": "1", "url": "https://cdn.example.org/c.png?hm=1", "fileName": "<c>.png"}]),
    ]
    thread = one(tmp_path, messages)
    assert ["\n<p>Attached file: &lt;c&gt;.png</p>"] == [post.html for post in thread.answers]
    assert ["402", "404"] == [post.id for post in one(tmp_path, messages, bots=True).answers]


def test_no_signed_address_or_picture_is_stored(tmp_path: Path) -> None:
    """They expire, and name people."""
    files = [{"id": "1", "url": "https://cdn.example.org/c.png?hm=1", "fileName": "c.png"}]
    record = read(discord(tmp_path, exported([began(), wrote(1, VALVE, attachments=files)])))[0][0]
    assert b"cdn.example.org" not in record.payload


@pytest.mark.parametrize(
    "channel",
    [
        {"type": "GuildPrivateThread"},
        {"type": "DirectTextChat"},
        {"type": "GuildTextChat"},
        {"category": "board", "categoryId": "41"},
    ],
)
def test_only_posts_of_named_forums_are_read(tmp_path: Path, channel: dict[str, Any]) -> None:
    """An export does not say who may read a forum, so the configuration does."""
    assert [] == threads(discord(tmp_path, exported([began()], **channel)))
    assert 1 == len(threads(discord(tmp_path, exported([began()]), forums=("40",))))


def test_a_user_can_be_removed(tmp_path: Path) -> None:
    """Their answers are left out, and their posts are not public."""
    messages = [began(), wrote(1, VALVE)]
    assert () == one(tmp_path, messages, removed=(BEN,)).answers
    assert "private" == one(tmp_path, messages, removed=(ADA,)).visibility


# --- how it is known to be solved ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "options", "count"),
    [
        (check(ADA), {}, 1),
        (check(ADA, emoji="✔️", code="heavy_check_mark"), {}, 1),
        (check(BEN), {}, 0),
        (check(BEN), {"staff": ("ben",)}, 1),
        (check(BEN), {"staff_roles": ("staff",)}, 1),
        (check(ADA, emoji="🎉", code="tada"), {}, 0),
        (check(ADA, emoji="🎉", code="tada"), {"solved_reactions": (":tada:",)}, 1),
        ({"reactions": [{"emoji": {"name": "✅"}, "count": 3}]}, {}, 0),
    ],
)
def test_a_reaction_on_a_reply(tmp_path: Path, reply: dict[str, Any], options: dict[str, Any], count: int) -> None:
    """By the asker or the staff alone; an old export that does not say by whom settles nothing."""
    thread = one(tmp_path, [began(), wrote(1, VALVE, **reply)], **options)
    assert [("401", "reaction", 0.9)] * count == marks(thread)


def test_a_bot_links_the_solution(tmp_path: Path) -> None:
    """In the address or the text of its card; a member's card is a preview of a link."""
    link: dict[str, Any] = {"embeds": [{"title": "Solved", "url": f"{URL}/401"}]}
    assert [("401", "tag", 0.8)] == marks(one(tmp_path, [began(), wrote(1, VALVE), wrote(2, "", BOT, **link)]))
    text: dict[str, Any] = {"embeds": [{"description": f"[Answer]({URL}/401)"}]}
    assert [("401", "tag", 0.8)] == marks(one(tmp_path, [began(), wrote(1, VALVE), wrote(2, "", BOT, **text)]))
    assert [] == marks(one(tmp_path, [began(), wrote(1, VALVE), wrote(2, "x", **link)]))


@pytest.mark.parametrize("name", ["[SOLVED] Pump hums", "✅ Pump hums", "Pump hums (solved)", "Solved: Pump hums"])
def test_a_title_says_that_it_is_solved(tmp_path: Path, name: str) -> None:
    """But not by what: the last reply before the thanks that says something; the title is without the mark."""
    messages = [began(), wrote(1, VALVE), wrote(2, "+1"), wrote(3, "Thanks!", ADA), wrote(4, "Glad to hear. " * 9)]
    thread = one(tmp_path, messages, name)
    assert ([("401", "tag", 0.4)], "Pump hums") == (marks(thread), thread.title)


def test_a_reaction_on_the_question(tmp_path: Path) -> None:
    """It says as little as a title; a bystander's says nothing."""
    assert [("401", "reaction", 0.4)] == marks(one(tmp_path, [began(**check(ADA)), wrote(1, VALVE)]))
    assert [] == marks(one(tmp_path, [began(**check(BEN)), wrote(1, VALVE)]))
    assert [] == marks(one(tmp_path, [began(**check(ADA)), wrote(1, VALVE, ADA)]))


def test_tags_come_from_the_bot_api(tmp_path: Path) -> None:
    """Exports lack them; what the API says of post and forum may lie beside."""
    write_json(tmp_path / "discord/api-post.json", {"id": "400", "type": 11, "applied_tags": ["602", "609"]})
    tags = [{"id": "602", "name": "Solved"}, {"id": "601", "name": "question"}]
    write_json(tmp_path / "discord/api-forum.json", {"id": "40", "type": 15, "available_tags": tags})
    messages = [began(), wrote(1, VALVE)]
    thread = one(tmp_path, messages)
    assert ([("401", "tag", 0.4)], ("Solved", "609")) == (marks(thread), thread.tags)
    assert [] == marks(one(tmp_path, messages, solved_tags=("done",)))


# --- texts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "html"),
    [
        ("a <b> & c\nd", "<p>a &lt;b&gt; &amp; c<br>\nd</p>"),
        ("**b** *i* _i_ __u__ ~~s~~ `a*b*c`", "<p><strong>b</strong> <em>i</em> <em>i</em> <u>u</u> <s>s</s> <code>a*b*c</code></p>"),
        ("***both*** 2*3*4 snake_case_name", "<p><strong><em>both</em></strong> 2<em>3</em>4 snake_case_name</p>"),
        ("``a ` b`` \\*not\\*", "<p><code>a ` b</code> *not*</p>"),
        ("```py\nx < 1\n```\nafter", '<pre><code class="language-py">x &lt; 1</code></pre>\n<p>after</p>'),
        ("see ```one line```", "<p>see </p>\n<pre><code>one line</code></pre>"),
        ("||hidden|| words", "<p>hidden words</p>"),
        ("[docs](https://x.org/a_(b)) <https://x.org/?a=1&b=_c_>.", '<p><a href="https://x.org/a_(b)">docs</a> <a href="https://x.org/?a=1&amp;b=_c">https://x.org/?a=1&amp;b=_c</a>_&gt;.</p>'),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>"),
        ("<@201> <@!201> <#5> <a:party:77> <t:0:R>", "<p>@201! @201! #channel :party: 1970-01-01 00:00 UTC</p>"),
        ("> asked\n> more\ntold", "<blockquote><p>asked<br>\nmore</p></blockquote>\n<p>told</p>"),
        ("first\n>>> all\n- of it", "<p>first</p>\n<blockquote><p>all</p><ul><li>of it</li></ul></blockquote>"),
        (">>> a\n>>> b", "<blockquote><p>a</p><blockquote><p>b</p></blockquote></blockquote>"),
        ("# Head\n- a\n  - b\n1. c", "<p><strong>Head</strong></p>\n<ul><li>a</li><li>b</li><li>c</li></ul>"),
        ("-# small", "<p>small</p>"),
        ("", ""),
    ],
)  # fmt: skip
def test_discords_markdown(content: str, html: str) -> None:
    """Line breaks count, links are of the web, and nothing of the text is markup."""
    assert html == content_html(content, lambda user: f"{user}!")


def test_quotes_without_end_end() -> None:
    """A line that begins a quote over and over nests ten of them, and loses nothing."""
    html = content_html(">>> " * 5_000 + "told", lambda user: f"{user}!")

    assert 10 < html.count("<blockquote>") < 20
    assert html.count("&gt;&gt;&gt;") > 4_900
    assert "told</p>" in html


# --- exports -------------------------------------------------------------------------------------------------


def test_parts_and_later_exports_are_one_post(tmp_path: Path) -> None:
    """The newest text of a message counts; ids sort as the numbers they are."""
    first = exported([began(), wrote(1, "old"), wrote(2, "Second.")])
    later = {**exported([wrote(1, "new", type="Reply"), wrote(700, "Later.")], "New name"), "exportedAt": "2026-04-01"}
    write_json(tmp_path / "discord/a.json", later)
    write_json(tmp_path / "discord/b.json", first)
    thread = threads(discord(tmp_path))[0]
    assert ("New name", ["<p>new</p>", "<p>Second.</p>", "<p>Later.</p>"]) == (
        thread.title,
        [post.html for post in thread.answers],
    )


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    """By file; attachments that lie beside the exports are none of them."""
    write_article(tmp_path / "discord", "bad.json", "{")
    write_json(tmp_path / "discord/other.json", {"a": 1})
    write_json(tmp_path / "discord/post.json_Files/data.json", {"a": 1})
    records, errors = read(discord(tmp_path, exported([began()])))
    assert (1, ["bad.json", "other.json"]) == (len(records), [error.place.rpartition(":")[2] for error in errors])


def test_no_archive_is_an_error(tmp_path: Path) -> None:
    """The message names the path."""
    for call in (lambda: list(discord(tmp_path).records()), lambda: discord(tmp_path).fingerprint()):
        with pytest.raises(SourceError, match="discord: no such file or folder"):
            call()


@pytest.mark.parametrize(
    ("messages", "name", "problem"),
    [
        ([wrote(1, "beep", BOT)], "Pump hums", "has no message of a person"),
        ([began()], "[SOLVED]", "has no title"),
        ([began(timestamp="soon")], "Pump hums", "export the channel again"),
    ],
)
def test_a_post_that_is_none_is_an_error(tmp_path: Path, messages: list[Any], name: str, problem: str) -> None:
    """It names the file and what to do."""
    source = discord(tmp_path, exported(messages, name))
    with pytest.raises(RecordError, match=problem):
        source.parse(read(source)[0][0])


@pytest.mark.realdata
@pytest.mark.skipif(not DATA.is_dir(), reason="no community data at hand")
def test_the_recorded_shapes(tmp_path: Path) -> None:
    """An export as its writer makes it, and the API's answers beside it."""
    source = discord(tmp_path, archive=str(DATA / "fixtures/discord"), forums=("help-forum",))
    records, errors = read(source)
    thread = source.parse(records[0])
    assert ["http_429.json"] == [error.place.rpartition(":")[2] for error in errors]
    assert ("Export stops at 10k rows", ("Solved",)) == (thread.title, thread.tags)
    assert [("400000000000000011", "reaction", 0.9)] == marks(thread)
