"""Khoros communities: their query language, their HTML, and a community that changes."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import pytest
from passes import Shelf, shelf_for

from kbgen.errors import RecordError, SourceError
from kbgen.model import Article, Thread
from kbgen.sources.http import address
from kbgen.sources.khoros import KhorosOptions, KhorosSource
from kbgen.sources.khoros_html import plain_message
from kbgen.testing import LIVE_CHECKS, Canned, FakeServer, LiveChange, LiveSample, Request
from kbgen.testing.live_checks import LiveCheck

SITE = "https://community.example.com"
ASKED = "2026-02-20T08:00:00.000-08:00"


def message(number: int, topic: int, **more: Any) -> dict[str, Any]:
    """A message as the API gives it."""
    first = number == topic
    plain: dict[str, Any] = {
        "id": str(number),
        "subject": "Printer &amp; toner" if first else "Re: Printer &amp; toner",
        "body": "<P>It prints&nbsp;&nbsp; blank pages.</P>" if first else "<P>Shake the cartridge well.</P>",
        "view_href": f"/t5/Print/Printer/m-p/{number}?lang=en#M{number}",
        "post_time": ASKED,
        "author": {"id": str(900 + number), "login": f"user{number}", "rank": {"name": "Newcomer"}},
        "board": {"id": "print", "title": "Printing"},
        "conversation": {"solved": True, "style": "forum", "last_post_time": ASKED},
        "topic": {"id": str(topic)},
        "depth": 0 if first else 1,
        "is_solution": False,
        "visibility_scope": "public",
        "deleted": False,
    }
    return {**plain, **more}


class Community:
    """A community that understands the queries the connector writes."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.messages = list(messages)
        self.page = 1000

    def serve(self, server: FakeServer) -> None:
        """Answer queries."""
        server.route("/api/2.0/search", self.answer)

    def answer(self, request: Request) -> Any:
        """The rows a query asks for, a page at a time."""
        query = request.query["q"]
        rows = sorted(filter(self._asked(query), self.messages), key=lambda row: row["post_time"])
        start = int(found[1]) if (found := re.search(r"CURSOR '(\d+)'$", query)) else 0
        limit = min(self.page, int(re.findall(r"LIMIT (\d+)", query)[0]))
        following = str(start + limit) if start + limit < len(rows) else None
        return {"status": "success", "data": {"items": rows[start : start + limit], "next_cursor": following}}

    def _asked(self, query: str) -> Callable[[dict[str, Any]], bool]:
        topic, style = re.search(r"topic\.id = '(\d+)'", query), re.search(r"style = '(\w+)'", query)

        def wanted(row: dict[str, Any]) -> bool:
            return (
                (topic is None or row["topic"]["id"] == topic[1])
                and (style is None or row["conversation"]["style"] == style[1])
                and ("depth = 0" not in query or row["depth"] == 0)
                and ("is_solution = true" not in query or row["is_solution"])
                and ("solved = true" not in query or row["conversation"]["solved"])
            )

        return wanted


def threads() -> list[dict[str, Any]]:
    """Two solved threads, an unsolved one, a private one with its solution, and an article."""
    unsolved = {"solved": False, "style": "forum"}
    return [
        *[message(1, 1), message(2, 1, is_solution=True), message(3, 1, visibility_scope="moderators")],
        *[message(10, 10), message(11, 10, is_solution=True), message(12, 10, is_solution=True, depth=2)],
        message(20, 20, conversation=unsolved),
        *[message(30, 30, visibility_scope="hidden"), message(31, 30, is_solution=True)],
        message(40, 40, conversation={"solved": False, "style": "tkb"}, subject="How to clean"),
    ]


def source(url: str = SITE, **more: Any) -> KhorosSource:
    """A source of a community."""
    return KhorosSource(KhorosOptions(name="khoros", kind="khoros", url=url, **more), Path())


def serve(server: FakeServer) -> None:
    """The small community."""
    Community(*threads()).serve(server)


def changed(**by_id: dict[str, Any]) -> Callable[[FakeServer], None]:
    """A community in which some messages, ``m1`` ..., are otherwise; those given as None are gone."""

    def apply(server: FakeServer) -> None:
        rows = [{**row, **by_id.get(f"m{row['id']}", {})} for row in threads()]
        Community(*[row for row in rows if not row.get("gone")]).serve(server)

    return apply


UNSOLVED = {"conversation": {"solved": False, "style": "forum", "last_post_time": ASKED}}
SAMPLE = LiveSample(
    source,
    serve,
    ids=("1", "10"),
    changes={
        "un-accepted": LiveChange(changed(m1=UNSOLVED, m2={"is_solution": False}), "1", "gone", "changes"),
        "one of two un-accepted": LiveChange(changed(m12={"is_solution": False}), "10", "changed", "changes"),
        "edited": LiveChange(changed(m2={"body": "<P>Shake it twice.</P>"}), "1", "changed"),
        "edited first": LiveChange(
            changed(m1={"body": "<P>x</P>", "current_revision": {"last_edit_time": ASKED}}), "1", "changed", "changes"
        ),
        "made private": LiveChange(changed(m1={"visibility_scope": "hidden"}), "1", "gone"),
        "deleted": LiveChange(changed(m1={"gone": True}, m2={"gone": True}), "1", "gone", "changes"),
    },
    restricted=("30",),
    second=5,
)


@pytest.mark.parametrize("check", LIVE_CHECKS, ids=lambda check: check.__name__)
def test_it_keeps_the_rules_of_live_sources(check: LiveCheck) -> None:
    """The whole conformance kit."""
    check(SAMPLE)


def run(*messages: dict[str, Any], page: int = 1000, **more: Any) -> Shelf:
    """A first pass over a community."""
    with FakeServer() as server:
        community = Community(*messages)
        community.page = page
        community.serve(server)
        return shelf_for(source(server.url, **more), server).run()


def thread(*messages: dict[str, Any], **more: Any) -> Thread:
    """The one thread of a community."""
    made = source(**more)
    parsed = made.parse(made.record("1", "thread", SITE, {"messages": list(messages)}, "x"))
    assert isinstance(parsed, Thread)
    return parsed


def test_a_thread_is_read() -> None:
    """Title decoded once, addresses of thread and posts, people, votes, tags and the category."""
    extra: dict[str, Any] = {
        "labels": [{"text": "toner"}],
        "tags": {"items": [{"text": "ink"}]},
        "metrics": {"views": 340},
    }
    made = thread(
        message(1, 1, **extra), message(2, 1, is_solution=True, kudos={"sum": {"weight": 3}}), staff=["NEWCOMER"]
    )
    (answer,) = made.answers
    assert (made.title, made.url) == ("Printer & toner", f"{SITE}/t5/Print/Printer/td-p/1")
    assert (made.category, made.tags, made.views) == (("Printing", "print"), ("toner", "ink"), 340)
    assert (answer.url, answer.score) == (f"{SITE}/t5/Print/Printer/m-p/2#M2", 3)
    assert (answer.author.name, answer.author.is_staff) == ("user2", True)
    assert answer.author.url == f"{SITE}/t5/user/viewprofilepage/user-id/902"
    assert made.created is not None
    assert made.created.isoformat() == "2026-02-20T16:00:00+00:00"


def test_several_solutions_and_a_solution_in_a_comment() -> None:
    """All of them count, at any depth."""
    made = thread(message(1, 1), message(2, 1, is_solution=True), message(3, 1, is_solution=True, depth=2))
    assert [(mark.post_id, mark.confidence) for mark in made.solved] == [("2", 1.0), ("3", 1.0)]


def test_a_closed_account_is_nobody_in_particular() -> None:
    """Its posts stay, under the name the platform shows, without a profile."""
    author = thread(message(1, 1, author={"id": "-1", "login": "Not applicable"})).question.author
    assert (author.id, author.name, author.url, author.deleted) == ("", "Not applicable", None, True)


def test_long_threads_and_lists_are_read_by_cursor() -> None:
    """A cursor goes back in single quotes; all pages are read."""
    replies = [message(number, 1, is_solution=number == 9) for number in range(2, 10)]
    held = run(message(1, 1), *replies, page=3)
    assert [post.id for post in held.threads()["1"].answers] == [str(number) for number in range(2, 10)]


def test_a_cursor_that_repeats_ends_the_list() -> None:
    """A server that gives the same page for ever is not asked for ever."""
    with FakeServer() as server:
        row = message(1, 1, is_solution=True)
        server.route("/api/2.0/search", {"status": "success", "data": {"items": [row], "next_cursor": "x"}})
        held = shelf_for(source(server.url), server).run()
    assert len(held.asked) == 10


def test_tkb_boards_give_articles() -> None:
    """When their style is asked for; nothing needs to be accepted there."""
    held = run(*threads(), styles=["tkb"])
    assert list(held.records) == ["40"]
    article = held.articles()["40"]
    assert isinstance(article, Article)
    assert (article.title, article.url) == ("How to clean", f"{held.source.options.url}/t5/Print/Printer/ta-p/40")


def test_boards_and_unsolved_threads_are_a_choice() -> None:
    """Names are quoted in queries; threads without a solution come when they are wanted."""
    held = run(*threads(), boards=["it's"], only_solved=False)
    assert sorted(held.records) == ["1", "10", "20"]
    assert all(r"board.id IN ('it\'s')" in query or "topic.id =" in query for query in queries(held))


def queries(held: Shelf) -> list[str]:
    """The queries of the last pass, readable."""
    return [unquote_plus(url.partition("?q=")[2]) for url in held.asked]


def test_a_session_key_goes_into_a_header() -> None:
    """And is in no address."""
    with FakeServer() as server:
        serve(server)
        shelf_for(source(server.url, session_key="s3cret"), server).run()
        assert {request.headers.get("li-api-session-key") for request in server.requests} == {"s3cret"}
        assert not any("s3cret" in address(request.path, request.query) for request in server.requests)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (Canned(403, {}, b"{}"), "the community's API is closed to visitors; give a `session_key:`, or read its pages"),
        (Canned(200, {"Content-Type": "text/html"}, b"<html>log in</html>"), "a page to log in at"),
        (
            {"status": "error", "message": "Too many requests", "data": {"code": 429}},
            "Too many requests; run again later",
        ),
        ({"items": []}, "did not answer as Khoros does"),
    ],
)
def test_a_refusal_is_named(answer: Any, sentence: str) -> None:
    """Errors come with status 200 too."""
    with FakeServer() as server:
        server.route("/api/2.0/search", answer)
        with pytest.raises(SourceError, match=re.escape(sentence)):
            shelf_for(source(server.url), server).run()


def test_a_record_that_cannot_be_understood_is_named() -> None:
    """No first message, no title, no list at all."""
    made = source()
    for payload in ({"messages": [message(2, 1)]}, {"messages": [message(1, 1, subject=" ")]}, {}):
        with pytest.raises(RecordError, match="harvest it again"):
            made.parse(made.record("1", "thread", SITE, payload, "x"))


@pytest.mark.parametrize(
    ("body", "html"),
    [
        ("<P>a&nbsp; &nbsp;b</P><P>&nbsp;</P>", "<p>a b</p>"),
        (
            '<P>Ask <LI-USER uid="901" login="asker"></LI-USER>.</P>',
            f'<p>Ask <a href="{SITE}/t5/user/viewprofilepage/user-id/901">@asker</a>.</p>',
        ),
        (
            '<LI-CODE lang="SQL">select&nbsp;1\n  &lt; 2;</LI-CODE>',
            '<pre><code class="language-sql">select\xa01\n  &lt; 2;</code></pre>',
        ),
        ("<LI-SPOILER>log</LI-SPOILER>", "<details><summary>Spoiler</summary>log</details>"),
        (
            '<li-image id="7iA" alt="panel" width="9"></li-image> after',
            f'<img src="{SITE}/t5/image/serverpage/image-id/7iA" alt="panel"/> after',
        ),
        ("<li-image></li-image>x", "x"),
        ('<LI-MESSAGE title="Old" uid="5" url="/t5/x/m-p/5"></LI-MESSAGE>', f'<a href="{SITE}/t5/x/m-p/5">Old</a>'),
        ('<li-emoji title=":smile:"></li-emoji><li-new>x</li-new>', ":smile:x"),
    ],
)
def test_elements_of_the_platform_become_plain_html(body: str, html: str) -> None:
    """Mentions, code, spoilers, images and links to messages; unknown ones leave what is in them."""
    assert plain_message(body, SITE, f"{SITE}/t5/x/m-p/1") == html


def test_runs_of_spaces_without_a_hard_one_stay() -> None:
    """What the editor did not write is left alone, and a long run is read once."""
    assert plain_message(f"<p>a{' ' * 50_000}b\xa0 c</p>", SITE, SITE) == f"<p>a{' ' * 50_000}b c</p>"


@pytest.mark.realdata
def test_the_recorded_shape_is_read(data_folder: Path) -> None:
    """An answer of the API as the vendor describes it."""
    file = data_folder / "fixtures/khoros/search_messages.json"
    if not file.exists():
        pytest.skip("no fixture")
    made = thread(*json.loads(file.read_text())["data"]["items"])
    assert (made.title, [mark.post_id for mark in made.solved]) == ("Export stops", ["41201"])
    assert '<code class="language-sql">select 1;</code>' in made.answers[0].html
