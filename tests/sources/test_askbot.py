"""Askbot: the list says what there is, pages say what was written, and nothing the forum hides is stored."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from passes import Shelf, accepted, paths, shelf_for

from kbgen.errors import RecordError, SourceError
from kbgen.model import RawRecord, Thread
from kbgen.sources.askbot import AskbotOptions, AskbotSource
from kbgen.sources.askbot_page import read_page
from kbgen.testing import LIVE_CHECKS, Canned, FakeServer, LiveChange, LiveSample, Request
from kbgen.testing.live_checks import LiveCheck

HTML = {"Content-Type": "text/html; charset=utf-8"}
INFO = (
    '<div class="post-update-info"><div class="post-update-info-author-name">{who}</div>'
    '<a class="post-revision-link">asked <abbr class="js-timeago" title="{at} +0000">{at}</abbr></a>{more}</div>'
)


def user(number: int, name: str) -> str:
    """A link to a profile, as the page has it."""
    return f'<a class="user-name-link" href="/users/{number}/{name}/">{name}</a>'


def shown(number: int, body: str, *, who: str = user(7, "ada"), more: str = "", classes: str = "js-answer") -> str:
    """A post in the markup of 0.13."""
    info = INFO.format(who=who, at="2025-01-06 12:00:00+00:00", more=more)
    return (
        f'<div id="js-post-{number}" class="js-post {classes}"><script>x("{number}")</script>'
        f'<div class="js-post-vote-number">3</div><div class="post-body"><div id="js-post-body-{number}">'
        f'<div class="js-editable-content">{body}</div><div class="js-editable-controls"></div></div></div>'
        f'<div class="post-update-info-container">{info}</div>'
        '<div class="js-post-controls"><form><input name="csrfmiddlewaretoken" value="CSRF"></form></div>'
        '<div class="js-post-comments"><p>a remark</p></div></div>'
    )


class Forum:
    """A forum of a few questions, on a fake server."""

    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.size = 2
        self.items: dict[int, dict[str, Any]] = {}
        self.bodies: dict[int, str] = {}
        server.route("/api/v1/questions/", self.listed)

    def ask(self, number: int, *answers: int, accepted: int | None = None, **changes: Any) -> None:
        """Add a question with its answers, or replace it."""
        self.items[number] = {
            "id": number,
            "title": f"Is 1 < {number} & so on?",
            "url": f"{self.server.url}/question/{number}/slug-{number}/",
            "tags": ["pumps"],
            "answer_ids": list(answers),
            "accepted_answer_id": accepted,
            "view_count": 9,
            "score": 1,
            "added_at": "1795288780",
            "last_activity_at": str(1_700_000_000 + 1_000 * number),
            "author": {"id": 66, "username": "hidden-name"},
            "last_activity_by": {"id": 66, "username": "hidden-name"},
            "summary": "cut",
            **changes,
        }
        posts = [shown(number, f"<p>Question {number}</p>", classes="js-question")]
        posts += [shown(one, self.bodies.get(one, f"<p>Answer {one}</p>")) for one in answers]
        self.page(number, "".join(posts))
        self.server.route(f"/api/v1/questions/{number}/", self.items[number])

    def page(self, number: int, html: str | Any) -> None:
        """Say what a question's page shows."""
        answer = Canned(200, HTML, f"<html><body>{html}</body></html>".encode()) if isinstance(html, str) else html
        self.server.route(f"/question/{number}/slug-{number}/", answer)

    def remove(self, number: int) -> None:
        """Delete a question: it leaves the list, and both its addresses answer 404 as a page."""
        del self.items[number]
        for path in (f"/api/v1/questions/{number}/", f"/question/{number}/slug-{number}/"):
            self.server.route(path, Canned(404, HTML, b"<html>gone</html>"))

    def listed(self, request: Request) -> dict[str, Any]:
        """The list; a page past the end is page 1 again."""
        newest = request.query["sort"] == "activity-desc"
        items = sorted(self.items.values(), key=lambda item: int(item["last_activity_at"]), reverse=newest)
        pages = max(1, -(-len(items) // self.size))
        page = int(request.query["page"])
        start = (page if page <= pages else 1) * self.size - self.size
        return {"count": len(items), "pages": pages, "questions": items[start : start + self.size]}


@pytest.fixture
def forum() -> Iterator[Forum]:
    """Three questions; the first has an accepted answer."""
    with FakeServer() as server:
        forum = Forum(server)
        forum.ask(1, 11, 12, accepted=12)
        forum.ask(2, 21)
        forum.ask(3)
        yield forum


def shelf(forum: Forum, **options: Any) -> Shelf:
    """An empty shelf for the forum."""
    made = AskbotOptions(name="ask", kind="askbot", url=forum.server.url, **options)
    return shelf_for(AskbotSource(made, Path()), forum.server)


def one(forum: Forum, number: str = "1", **options: Any) -> Thread:
    """Harvest everything and read one thread."""
    return shelf(forum, **options).run().threads()[number]


def lay_out(server: FakeServer) -> Forum:
    """Three questions, the first with an accepted answer, and one that only members may read."""
    forum = Forum(server)
    forum.ask(1, 11, 12, accepted=12)
    forum.ask(2, 21)
    forum.ask(3)
    forum.ask(4, 41, accepted=41)
    forum.page(4, Canned(403, HTML, b"<html>members only</html>"))
    return forum


def edit(server: FakeServer) -> None:
    """Somebody mends an answer."""
    forum = lay_out(server)
    forum.bodies = {11: "<p>Mended</p>"}
    forum.ask(1, 11, 12, accepted=12)


SAMPLE = LiveSample(
    lambda url: AskbotSource(AskbotOptions(name="ask", kind="askbot", url=url), Path()),
    lay_out,
    ids=("1", "2", "3"),
    changes={
        "accepted": LiveChange(
            lambda server: lay_out(server).ask(2, 21, accepted=21, last_activity_at="1700009000"),
            "2",
            "changed",
            "changes",
        ),
        "un-accepted": LiveChange(lambda server: lay_out(server).ask(1, 11, 12), "1", "changed"),
        "edited": LiveChange(edit, "1", "changed"),
        "deleted": LiveChange(lambda server: lay_out(server).remove(1), "1", "gone"),
        "made private": LiveChange(lambda server: lay_out(server).page(1, Canned(403, HTML, b"<html>")), "1", "gone"),
    },
    restricted=("4",),
    # The list, robots.txt, and the newest question, which only members may read.
    second=3,
)


@pytest.mark.parametrize("check", LIVE_CHECKS, ids=lambda check: check.__name__)
def test_it_keeps_the_rules_of_live_sources(check: LiveCheck) -> None:
    """The whole conformance kit."""
    check(SAMPLE)


def test_a_thread_is_read_whole(forum: Forum) -> None:
    """Title as plain text, bodies, people, times, score, tags and the accepted answer."""
    thread = one(forum)
    assert (thread.title, thread.tags, thread.views) == ("Is 1 < 1 & so on?", ("pumps",), 9)
    assert [post.html for post in (thread.question, *thread.answers)] == [
        "<p>Question 1</p>",
        "<p>Answer 11</p>",
        "<p>Answer 12</p>",
    ]
    assert accepted(thread) == ["12"]
    author = thread.question.author
    assert (author.id, author.name, author.url) == ("7", "ada", f"{forum.server.url}/users/7/ada/")
    assert thread.answers[0].url == f"{thread.url}?answer=11#post-id-11"
    assert thread.answers[0].score == 3


def test_the_posts_own_time_counts(forum: Forum) -> None:
    """`added_at` is when the row was made, which for imported content is the import; the page has the post's time."""
    thread = one(forum)
    assert thread.created is not None
    assert thread.created.isoformat() == "2025-01-06T12:00:00+00:00"


def test_who_asked_anonymously_stays_unknown(forum: Forum) -> None:
    """The API names people whom the page does not; that name is neither shown nor stored."""
    forum.page(1, shown(1, "<p>Q</p>", who="Anonymous") + shown(11, "a") + shown(12, "b"))
    kept = shelf(forum).run()
    author = kept.threads()["1"].question.author
    assert (author.id, author.name, author.url) == ("", "Anonymous", None)
    assert b"hidden-name" not in kept.records["1"].payload


def test_a_wiki_credits_the_community(forum: Forum) -> None:
    """A wiki post has no author."""
    forum.page(1, shown(1, "<p>Q</p>", who="") + shown(11, "a") + shown(12, "b"))
    assert one(forum).question.author.name == "Community wiki"


def test_an_edit_has_its_time(forum: Forum) -> None:
    """The second moment a page names is the last edit."""
    more = '<abbr class="js-timeago" title="2025-02-01 08:00:00+00:00 +0000"></abbr>'
    forum.page(1, shown(1, "<p>Q</p>", more=more) + shown(11, "a") + shown(12, "b"))
    edited = one(forum).question.edited
    assert edited is not None
    assert edited.isoformat() == "2025-02-01T08:00:00+00:00"


def test_listed_people_are_staff(forum: Forum) -> None:
    """`staff:` knows people by name and by id."""
    assert one(forum, staff=("ADA",)).answers[0].author.is_staff
    assert one(forum, staff=("7",)).answers[0].author.is_staff
    assert not one(forum).answers[0].author.is_staff


def test_a_cut_body_is_asked_for_whole(forum: Forum) -> None:
    """Pages end bodies after some 500 words; the rest is asked for as HTML, else as Markdown."""
    cut = '<div class="js-snippet"><p>Begins ...<span class="js-expander"> <a>(more)</a></span></p></div>'
    forum.bodies = {11: cut, 12: cut}
    forum.ask(1, 11, 12, accepted=12)

    def whole(request: Request) -> dict[str, str]:
        assert request.headers["x-requested-with"] == "XMLHttpRequest"
        return {"post_html": "<p>Begins and ends.</p>"} if request.query["post_id"] == "11" else {"message": "no"}

    forum.server.route("/s/get-post-html/", whole)
    forum.server.route("/s/get-post-body/", {"body_text": "Begins *and* ends."})
    thread = one(forum)
    assert [post.html for post in thread.answers] == ["<p>Begins and ends.</p>", "<p>Begins <em>and</em> ends.</p>"]
    assert thread.warnings == ()


def test_a_body_that_stays_cut_is_named(forum: Forum) -> None:
    """A forum that gives no whole body has its text up to the cut, and a sentence that says so."""
    forum.bodies = {11: '<p>Begins<span class="js-expander"> <a>(more)</a></span></p>'}
    forum.ask(1, 11)
    thread = one(forum)
    assert thread.answers[0].html == "<p>Begins</p>"
    assert thread.warnings == ("Post 11 is longer than what the forum gives, and ends in the middle.",)


def test_answers_on_further_pages_are_read(forum: Forum) -> None:
    """Ten answers a page: every page is read in one order, and what none shows comes from the API."""
    pager = '<div class="paginator" data-num-pages="2"></div>'
    first = shown(1, "<p>Q</p>") + shown(11, "a") + pager

    def page(request: Request) -> Canned:
        assert request.query["sort"] == "oldest"
        return Canned(200, HTML, (shown(12, "b") + pager if request.query.get("page") == "2" else first).encode())

    forum.ask(1, 11, 12, 13, accepted=13)
    forum.page(1, page)
    told = {"id": 13, "summary": "<p>c</p>", "author": {"id": 8, "username": "bo"}, "added_at": "1740000000"}
    forum.server.route("/api/v1/answers/13/", told)
    thread = one(forum)
    assert [post.html for post in thread.answers] == ["a", "b", "<p>c</p>"]
    assert thread.answers[2].author.url == f"{forum.server.url}/users/8/"
    assert accepted(thread) == ["13"]


def test_an_accepted_answer_that_is_gone_is_named(forum: Forum) -> None:
    """An accepted answer nobody can read does not count."""
    forum.ask(1, 11, accepted=12)
    thread = one(forum)
    assert accepted(thread) == []
    assert thread.warnings == ("The accepted answer, post 12, is not there; it counts as not accepted.",)


def test_a_closed_question_says_why(forum: Forum) -> None:
    """The forum's reason of closing is kept."""
    forum.ask(1, 11, closed=True, closed_reason="Duplicate question")
    assert one(forum).closed == "duplicate question"


def test_older_markup_is_read() -> None:
    """Forums before 0.9 mark posts by other ids and classes."""
    info = (
        '<div class="post-update-info"><abbr class="timeago" title="2013-03-26 01:15:45 -0600"></abbr>'
        '<div class="user-info"><a href="/en/users/42/li/">li</a></div></div>'
    )
    body = f'<div class="post-body"><div class="post-update-info-container">{info}</div><p>Old.</p></div>'
    old = f'<div id="post-id-5" class="post answer accepted-answer"><div class="vote-number">-2</div>{body}</div>'
    question = f'<div id="post-id-4" class="post-content">{body}</div>'
    posts = read_page(f"<html>{question}{old}</html>").posts
    data = {"question": {"id": 4, "title": "T", "answer_ids": [5], "accepted_answer_id": 5}, "posts": posts}
    source = AskbotSource(AskbotOptions(name="ask", kind="askbot", url="https://a.example.com"), Path())
    thread = source.parse(source.record(4, "thread", "https://a.example.com/en/question/4/t/", data, "x"))
    assert isinstance(thread, Thread)
    answer = thread.answers[0]
    assert (answer.html, answer.score, answer.author.id) == ("<p>Old.</p>", -2, "42")
    assert answer.created is not None
    assert answer.created.isoformat() == "2013-03-26T07:15:45+00:00"


def test_the_list_ends_where_it_begins_again(forum: Forum) -> None:
    """A page past the end is page 1 again; the list is read no further than it goes."""
    everything = {"pages": 99, "questions": list(forum.items.values())}
    forum.server.route("/api/v1/questions/", everything)
    kept = shelf(forum).run()
    assert paths(kept).count("/api/v1/questions/") == 2
    assert sorted(kept.records) == ["1", "2", "3"]


def test_a_second_pass_reads_one_page_of_the_list(forum: Forum) -> None:
    """Nothing new costs one request."""
    assert paths(shelf(forum).run().run()) == ["/api/v1/questions/"]


def test_a_pass_over_changes_fetches_what_moved(forum: Forum) -> None:
    """An answer and an accept are seen; the other questions are left alone."""
    kept = shelf(forum).run()
    forum.ask(2, 21, 22, accepted=22, last_activity_at="1700009000")
    kept.run()
    assert kept.fetched == ["2"]
    assert accepted(kept.threads()["2"]) == ["22"]
    assert sorted(kept.records) == ["1", "2", "3"]


def test_a_full_pass_sees_what_moves_nothing(forum: Forum) -> None:
    """An un-accept and an edit that bump nothing are seen by the next full pass."""
    kept = shelf(forum).run()
    forum.bodies = {11: "<p>Mended</p>"}
    forum.ask(1, 11, 12)
    kept.run(full=True)
    assert accepted(kept.threads()["1"]) == []
    assert kept.threads()["1"].answers[0].html == "<p>Mended</p>"


def test_a_deleted_question_is_withdrawn(forum: Forum) -> None:
    """What is known and not listed is asked for, and gone when it answers 404, be it as a page."""
    kept = shelf(forum).run()
    forum.remove(2)
    kept.run(full=True)
    assert sorted(kept.records) == ["1", "3"]


def test_what_only_slipped_out_of_the_list_stays(forum: Forum) -> None:
    """A list that shifts while it is read loses rows; the question's own address tells that it is there."""
    kept = shelf(forum).run()
    del forum.items[2]
    kept.run(full=True)
    assert sorted(kept.records) == ["1", "2", "3"]


def test_a_question_hidden_between_list_and_fetch_is_not_stored(forum: Forum) -> None:
    """The page answers 403 by now."""
    forum.page(2, Canned(403, HTML, b"<html>members only</html>"))
    assert sorted(shelf(forum).run().records) == ["1", "3"]


def test_a_login_page_is_an_error_of_that_question(forum: Forum) -> None:
    """A page without the question is named, and the others are read."""
    forum.page(2, "<h1>Log in</h1>")
    kept = shelf(forum).run()
    assert sorted(kept.records) == ["1", "3"]
    assert "/question/2/slug-2/: the page does not show its question (a login page, or a theme" in kept.errors[0]


def test_robots_txt_is_heeded(forum: Forum) -> None:
    """Pages that programs are asked not to read are not read, and the report says so."""
    forum.server.route(
        "/robots.txt", Canned(200, {"Content-Type": "text/plain"}, b"User-agent: *\nDisallow: /question/2/")
    )
    kept = shelf(forum).run()
    assert sorted(kept.records) == ["1", "3"]
    assert "robots.txt" in kept.errors[0]


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_closed_api_is_named(forum: Forum, status: int) -> None:
    """A forum may close its API; the message says which setting does it, and what else there is."""
    forum.server.route("/api/v1/questions/", Canned(status, {}, b'{"error":"API disabled"}'))
    with pytest.raises(SourceError, match="API_V1_ACCESS_MODE"):
        shelf(forum).run()


def test_another_platform_is_named(forum: Forum) -> None:
    """JSON that is no list of questions is not taken for an empty forum."""
    forum.server.route("/api/v1/questions/", {"topics": []})
    with pytest.raises(SourceError, match="not the API of an Askbot forum"):
        shelf(forum).run()


def test_the_forums_limit_is_waited_for(forum: Forum) -> None:
    """429 with Retry-After, as the forum's own limiter sends it, costs time and nothing else."""
    late = Canned(429, {"Retry-After": "60", "Content-Type": "application/json"}, b'{"error": "rate_limited"}')
    page = Canned(200, HTML, (shown(2, "<p>Q</p>", classes="js-question") + shown(21, "a")).encode())
    forum.server.route("/question/2/slug-2/", [late, late, page])
    assert sorted(shelf(forum).run().records) == ["1", "2", "3"]


def test_a_payload_that_is_no_question_is_named() -> None:
    """A stored record that cannot be understood says which it is."""
    source = AskbotSource(AskbotOptions(name="ask", kind="askbot", url="https://a.example.com"), Path())
    with pytest.raises(RecordError, match="ask:1: is not a question as Askbot gives it"):
        source.parse(source.record(1, "thread", "https://a.example.com/q/1/", {"posts": {}}, "x"))


@pytest.mark.realdata
def test_recorded_pages_are_read() -> None:
    """A page recorded from a forum shows the question and both answers, and which is accepted."""
    folder = Path(os.environ.get("KBGEN_DATA", "../shared/data")) / "fixtures/askbot"
    if not folder.is_dir():
        pytest.skip("no recorded pages; set KBGEN_DATA")
    posts = read_page((folder / "question_6.html").read_text(encoding="utf-8")).posts
    listed = msgspec.json.decode((folder / "api_v1_questions_age-asc_page1.json").read_bytes())["questions"]
    item = next(item for item in listed if item["id"] == 6)
    source = AskbotSource(AskbotOptions(name="ask", kind="askbot", url="http://127.0.0.1:8181"), Path())
    record: RawRecord = source.record(6, "thread", item["url"], {"question": item, "posts": posts}, "x")
    thread = source.parse(record)
    assert isinstance(thread, Thread)
    assert accepted(thread) == ["8"]
    assert [post.author.name for post in thread.answers] == ["user04", "user09"]
    assert '<code class="language-python">' in thread.question.html
    older = read_page((folder / "perceval_html_24396_multipage_4_openstack.html").read_text(encoding="utf-8"))
    assert (older.pages, len(older.posts)) == (4, 2)
