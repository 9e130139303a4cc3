"""NodeBB: what guests see is read whole, whatever the version calls a number, and nothing else is."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from passes import Shelf, accepted, paths, shelf_for

from kbgen.errors import RecordError, SourceError
from kbgen.model import Thread
from kbgen.sources.nodebb import NodebbOptions, NodebbSource, signature
from kbgen.testing import LIVE_CHECKS, Canned, FakeServer, LiveChange, LiveSample, Request
from kbgen.testing.live_checks import LiveCheck

SAYS = {"Content-Type": "application/json; charset=utf-8"}
NO = Canned(401, SAYS, b'"not-authorized"')
START = 1_736_154_000_000
HOUR = 3_600_000


def post(pid: int | str, **changes: Any) -> dict[str, Any]:
    """A post as 1.4 has it, numbers as strings."""
    return {
        "pid": str(pid),
        "uid": "2",
        "content": f"<p>Post {pid}</p>",
        "timestamp": str(START),
        "editedISO": "",
        "votes": 0,
        "deleted": False,
        "index": 1,
        "user": {"uid": "2", "username": "ada", "userslug": "ada", "picture": "/a.png", "lastonline": "1"},
        **changes,
    }


class Forum:
    """A forum of one category and its child, on a fake server."""

    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.topics: dict[str, dict[str, Any]] = {}
        self.recent_only: int | None = None
        server.route(
            "/api/categories", {"categories": [{"cid": "1", "children": [{"cid": 2}]}, {"cid": 9, "link": "/x"}]}
        )
        server.route("/api/category/1", lambda request: self.listed(request, "1"))
        server.route("/api/category/2", lambda request: self.listed(request, "2"))
        server.route("/api/recent", lambda request: self.listed(request, None))

    def add(self, tid: int, *answers: int, **changes: Any) -> dict[str, Any]:
        """Add a topic with a question and answers, or replace it."""
        posts = [post(tid * 100, index=0), *(post(one, index=place) for place, one in enumerate(answers, 1))]
        topic = {
            "tid": str(tid),
            "cid": "1",
            "mainPid": str(tid * 100),
            "title": f"Is 1 &lt; {tid} &amp; so on?",
            "titleRaw": f"Is 1 < {tid} & so on?",
            "slug": f"{tid}/is-it",
            "timestamp": str(START),
            "lastposttime": str(START + tid * HOUR),
            "postcount": str(len(posts)),
            "viewcount": "7",
            "locked": False,
            "deleted": False,
            "pinned": False,
            "tags": [{"value": "pumps", "score": "3"}],
            "category": {"cid": "1", "name": "Pumps &amp; pipes", "slug": "1/pumps"},
            "posts": posts,
            "pagination": {"pageCount": 1},
            **changes,
        }
        self.topics[str(tid)] = topic
        self.server.route(f"/api/topic/{tid}", topic)
        return topic

    def listed(self, request: Request, cid: str | None) -> dict[str, Any]:
        """Two topics a page, pinned ones first."""
        topics = [one for one in self.topics.values() if cid in (None, one["cid"])]
        topics.sort(key=lambda one: (not one["pinned"], -int(one["lastposttime"])))
        if cid is None and self.recent_only is not None:
            topics = topics[: self.recent_only]
        start = 2 * int(request.query.get("page", 1)) - 2
        hidden = ("posts", "pagination")
        rows = [{key: value for key, value in one.items() if key not in hidden} for one in topics[start : start + 2]]
        return {"topics": rows, "children": []}


@pytest.fixture
def forum() -> Iterator[Forum]:
    """Three topics; the first has an accepted answer, the third is in the child category."""
    with FakeServer() as server:
        forum = Forum(server)
        forum.add(1, 11, 12, isQuestion="1", isSolved="1", solvedPid="12")
        forum.add(2, 21, isQuestion="1", isSolved="0")
        forum.add(3, cid="2")
        yield forum


def shelf(forum: Forum, **options: Any) -> Shelf:
    """An empty shelf for the forum."""
    made = NodebbOptions(name="nb", kind="nodebb", url=forum.server.url, **options)
    return shelf_for(NodebbSource(made, Path()), forum.server)


def one(forum: Forum, number: str = "1", **options: Any) -> Thread:
    """Harvest everything and read one thread."""
    return shelf(forum, **options).run().threads()[number]


def lay_out(server: FakeServer) -> Forum:
    """Three topics, the first with an accepted answer, and one that is deleted."""
    forum = Forum(server)
    forum.add(1, 11, 12, isQuestion="1", isSolved="1", solvedPid="12")
    forum.add(2, 21)
    forum.add(3, cid="2")
    forum.add(4, 41, isSolved="1", solvedPid="41")
    server.route("/api/topic/4", NO)
    return forum


def edit(server: FakeServer) -> None:
    """Somebody mends an answer."""
    lay_out(server).topics["1"]["posts"][1]["content"] = "<p>Mended</p>"


def remove(server: FakeServer) -> None:
    """A moderator deletes a topic."""
    del lay_out(server).topics["1"]
    server.route("/api/topic/1", NO)


def hide(server: FakeServer) -> None:
    """A topic moves where guests may not read, and is still in a list."""
    lay_out(server)
    server.route("/api/topic/1", NO)


def accept(server: FakeServer) -> None:
    """An answer is accepted, and somebody writes after it."""
    lay_out(server).add(2, 21, 22, isSolved="1", solvedPid="21", lastposttime=str(START + 9 * HOUR))


SAMPLE = LiveSample(
    lambda url: NodebbSource(NodebbOptions(name="nb", kind="nodebb", url=url), Path()),
    lay_out,
    ids=("1", "2", "3"),
    changes={
        "accepted": LiveChange(accept, "2", "changed", "changes"),
        "un-accepted": LiveChange(lambda server: lay_out(server).add(1, 11, 12, isSolved="0"), "1", "changed"),
        "edited": LiveChange(edit, "1", "changed"),
        "deleted": LiveChange(remove, "1", "gone"),
        "made private": LiveChange(hide, "1", "gone"),
    },
    restricted=("4",),
    second=2,
)


@pytest.mark.parametrize("check", LIVE_CHECKS, ids=lambda check: check.__name__)
def test_it_keeps_the_rules_of_live_sources(check: LiveCheck) -> None:
    """The whole conformance kit."""
    check(SAMPLE)


def test_a_thread_is_read_whole(forum: Forum) -> None:
    """Title decoded once, posts, tags, category, views and the accepted answer."""
    thread = one(forum)
    assert (thread.title, thread.tags, thread.views) == ("Is 1 < 1 & so on?", ("pumps",), 7)
    assert thread.category == ("Pumps & pipes", "1")
    assert [answer.id for answer in thread.answers] == ["11", "12"]
    assert accepted(thread) == ["12"]
    assert thread.url == f"{forum.server.url}/topic/1/is-it"
    assert thread.answers[0].url == f"{forum.server.url}/post/11"
    assert thread.answers[0].author.url == f"{forum.server.url}/user/ada"


def test_newer_versions_write_numbers(forum: Forum) -> None:
    """Ids and flags as numbers and booleans mean the same as their digits."""
    topic = forum.add(1, 11, mainPid=100, isSolved=1, solvedPid=11, locked=1, timestamp=START, viewcount=7)
    topic["tid"] = 1
    assert (accepted(one(forum)), one(forum).closed) == (["11"], "locked")
    assert signature({"postcount": "3", "isSolved": "1", "locked": 0}) == signature(
        {"postcount": 3, "isSolved": True, "locked": False}
    )


def test_a_title_without_raw_form_is_decoded(forum: Forum) -> None:
    """`title` alone is escaped once."""
    forum.add(1, titleRaw=None)
    assert one(forum).title == "Is 1 < 1 & so on?"


def test_the_answer_shown_twice_counts_once(forum: Forum) -> None:
    """The plugin shows the chosen answer after the question as well, with another index."""
    topic = forum.add(1, 11, 12, isSolved="1", solvedPid="12")
    topic["posts"].insert(1, post(12, index=-1, isAnswer=True))
    thread = one(forum)
    assert [answer.id for answer in thread.answers] == ["11", "12"]
    assert accepted(thread) == ["12"]


def test_solved_without_an_answer_is_named(forum: Forum) -> None:
    """A topic can be marked as solved with no post chosen: there is no answer to take."""
    forum.add(1, 11, isSolved="1", solvedPid="0")
    thread = one(forum)
    assert accepted(thread) == []
    assert thread.warnings == ("The topic is marked as solved, but no post was chosen as its answer.",)


def test_a_deleted_answer_does_not_count(forum: Forum) -> None:
    """Deleted posts stay in the list with a placeholder."""
    topic = forum.add(1, 11, isSolved="1", solvedPid="11")
    topic["posts"][1]["deleted"] = 1
    thread = one(forum)
    assert accepted(thread) == []
    assert thread.answers[0].deleted
    assert thread.warnings == ("The accepted answer, post 11, is not there; it counts as not accepted.",)


def test_posts_of_every_page_are_read(forum: Forum) -> None:
    """Twenty posts a page; the answer may stand on the last."""
    topic = forum.add(1, 11, isSolved="1", solvedPid="12", pagination={"pageCount": 2})
    second = {**topic, "posts": [post(12, index=2)]}
    forum.server.route("/api/topic/1", lambda request: second if request.query.get("page") == "2" else topic)
    assert accepted(one(forum)) == ["12"]


def test_people_of_other_servers_have_addresses_for_ids(forum: Forum) -> None:
    """In a federated forum posts and people are named by their address."""
    remote = "https://far.example.com/p/1"
    topic = forum.add(1, isSolved=1, solvedPid=remote)
    who = {"uid": "https://far.example.com/u/bo", "username": "bo@far.example.com", "userslug": "bo@far.example.com"}
    topic["posts"].append(post(remote, user=who))
    thread = one(forum)
    assert accepted(thread) == [remote]
    assert thread.answers[0].author.id == "https://far.example.com/u/bo"
    assert thread.answers[0].url == f"{forum.server.url}/post/https%3A%2F%2Ffar.example.com%2Fp%2F1"


def test_a_deleted_user_is_credited_as_such(forum: Forum) -> None:
    """An account that is gone has id 0 and no profile."""
    topic = forum.add(1)
    topic["posts"][0]["user"] = {"uid": 0, "username": "[[global:former-user]]", "userslug": "", "displayname": ""}
    author = one(forum).question.author
    assert (author.id, author.url, author.deleted) == ("", None, True)


def test_nothing_about_the_visit_is_stored(forum: Forum) -> None:
    """Pictures, when somebody was online last, and view state are not stored: they would change every record."""
    kept = shelf(forum).run()
    assert b"lastonline" not in kept.records["1"].payload
    assert b"picture" not in kept.records["1"].payload


def test_listed_people_are_staff(forum: Forum) -> None:
    """`staff:` knows people by name and by id."""
    assert one(forum, staff=("Ada",)).question.author.is_staff
    assert one(forum, staff=("2",)).question.author.is_staff


def test_categories_can_be_chosen(forum: Forum) -> None:
    """Topics of other categories are neither fetched nor kept."""
    assert sorted(shelf(forum, categories=("2",)).run().records) == ["3"]


def test_a_second_pass_reads_the_recent_list(forum: Forum) -> None:
    """Nothing new costs one request."""
    kept = shelf(forum).run()
    kept.run()
    assert (paths(kept), kept.fetched) == (["/api/recent"], [])


def test_a_pass_over_changes_fetches_what_moved(forum: Forum) -> None:
    """A reply is seen; the other topics are left alone. A pinned topic does not end the list early."""
    forum.topics["1"]["pinned"] = True
    kept = shelf(forum).run()
    forum.add(2, 21, 22, lastposttime=str(START + 9 * HOUR))
    forum.add(4, lastposttime=str(START + 8 * HOUR))
    kept.run()
    assert sorted(kept.fetched) == ["2", "4"]
    assert sorted(kept.records) == ["1", "2", "3", "4"]


def test_a_recent_list_that_ends_too_early_is_not_all(forum: Forum) -> None:
    """The list of recent topics ends after some 200: then the categories tell what else was active."""
    kept = shelf(forum).run()
    forum.recent_only = 1
    forum.add(2, 21, 22, lastposttime=str(START + 8 * HOUR))
    forum.add(1, 11, lastposttime=str(START + 9 * HOUR))
    kept.run()
    assert sorted(kept.fetched) == ["1", "2"]


def test_a_full_pass_sees_what_moves_nothing(forum: Forum) -> None:
    """An un-accept and an edit that bump nothing are seen by the next full pass."""
    kept = shelf(forum).run()
    topic = forum.add(1, 11, 12, isQuestion="1", isSolved="0")
    topic["posts"][1] |= {"content": "<p>Mended</p>", "editedISO": "2025-02-01T00:00:00.000Z"}
    kept.run(full=True)
    thread = kept.threads()["1"]
    assert (accepted(thread), thread.answers[0].html) == ([], "<p>Mended</p>")
    assert thread.answers[0].edited is not None


@pytest.mark.parametrize("answer", [NO, Canned(404, {}, b"Not Found"), {"deleted": 1}], ids=["401", "404", "flag"])
def test_a_topic_that_is_gone_is_withdrawn(forum: Forum, answer: Any) -> None:
    """Private and deleted topics answer 401, purged ones 404; a moderator's view of a deleted one says so."""
    kept = shelf(forum).run()
    topic = forum.topics.pop("2")
    forum.server.route("/api/topic/2", {**topic, **answer} if isinstance(answer, dict) else answer)
    kept.run(full=True)
    assert sorted(kept.records) == ["1", "3"]


def test_what_only_slipped_out_of_the_list_stays(forum: Forum) -> None:
    """A list that shifts while it is read loses rows; the topic's own address tells that it is there."""
    kept = shelf(forum).run()
    del forum.topics["2"]
    kept.run(full=True)
    assert sorted(kept.records) == ["1", "2", "3"]


def test_a_redirect_without_location_is_followed(forum: Forum) -> None:
    """Within the API a redirect is the path as a JSON string."""
    topic = forum.topics["1"]
    forum.server.route("/api/topic/1", Canned(200, SAYS, b'"/topic/1/is-it"'))
    forum.server.route("/api/topic/1/is-it", topic)
    assert accepted(one(forum)) == ["12"]


def test_hidden_and_scheduled_topics_are_not_read(forum: Forum) -> None:
    """A list can show topics whose time has not come; they are not even asked for."""
    forum.topics["2"]["scheduled"] = 1
    forum.topics["3"]["deleted"] = True
    kept = shelf(forum).run()
    assert sorted(kept.records) == ["1"]
    assert [path for path in paths(kept) if "/topic/" in path] == ["/api/topic/1"]


def test_a_forum_closed_to_guests_is_named(forum: Forum) -> None:
    """Guests who may read nothing get 401 for the lists."""
    forum.server.route("/api/categories", NO)
    with pytest.raises(SourceError, match=r"guests get 401 instead of a list; .* or give a `token`"):
        shelf(forum).run()


def test_another_platform_is_named(forum: Forum) -> None:
    """JSON that is no list is not taken for an empty forum."""
    forum.server.route("/api/categories", Canned(200, SAYS, b"[]"))
    with pytest.raises(SourceError, match="not the API of a NodeBB forum"):
        shelf(forum).run()


def test_shedding_of_load_is_waited_for(forum: Forum) -> None:
    """503 costs time and nothing else."""
    busy = Canned(503, {}, b"<html>too busy</html>")
    forum.server.route("/api/topic/2", [busy, forum.topics["2"]])
    assert sorted(shelf(forum).run().records) == ["1", "2", "3"]


@pytest.mark.parametrize("payload", [{"title": "T"}, {"tid": "1", "title": "T", "posts": []}])
def test_a_payload_that_is_no_topic_is_named(payload: dict[str, Any]) -> None:
    """A stored record that cannot be understood says which it is."""
    source = NodebbSource(NodebbOptions(name="nb", kind="nodebb", url="https://n.example.com"), Path())
    with pytest.raises(RecordError, match="nb:1: "):
        source.parse(source.record(1, "thread", "https://n.example.com/topic/1", payload, "x"))


@pytest.mark.realdata
def test_a_recorded_topic_is_read() -> None:
    """A topic recorded from a forum gives its accepted answer and code with its language."""
    file = Path(os.environ.get("KBGEN_DATA", "../shared/data")) / "fixtures/nodebb/api_topic_2.json"
    if not file.is_file():
        pytest.skip("no recorded topic; set KBGEN_DATA")
    source = NodebbSource(NodebbOptions(name="nb", kind="nodebb", url="http://127.0.0.1:4567"), Path())
    payload = msgspec.json.decode(file.read_bytes())
    thread = source.parse(source.record(2, "thread", "http://127.0.0.1:4567/topic/2", payload, str(file)))
    assert isinstance(thread, Thread)
    assert accepted(thread) == ["4"]
    assert thread.title == "The importer drops the last row of the export (#0)"
    assert '<pre><code class="language-python">client.call("importer", retries=0)' in thread.question.html
