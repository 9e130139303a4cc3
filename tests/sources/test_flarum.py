"""Flarum: discussions with a best answer are read through JSON:API, and hidden ones are not."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from passes import Shelf, accepted, paths, shelf_for

from kbgen.errors import RecordError, SourceError
from kbgen.model import Thread
from kbgen.sources.flarum import FlarumOptions, FlarumSource
from kbgen.testing import LIVE_CHECKS, Canned, FakeServer, LiveChange, LiveSample, Request
from kbgen.testing.live_checks import LiveCheck

PEOPLE = [
    {"type": "users", "id": "1", "attributes": {"username": "ada", "displayName": "Ada L.", "avatarUrl": "/a.png"}},
    {"type": "users", "id": "2", "attributes": {"username": "bo", "displayName": "Bo", "slug": "2"}},
]
TAGS = [
    {"type": "tags", "id": "5", "attributes": {"name": "Pumps", "slug": "pumps", "position": 1, "isChild": False}},
    {"type": "tags", "id": "6", "attributes": {"name": "Valves", "slug": "valves", "position": 0, "isChild": True}},
    {"type": "tags", "id": "7", "attributes": {"name": "urgent", "slug": "urgent", "position": None}},
]


def post(number: int, place: int, **changes: Any) -> dict[str, Any]:
    """A post of user 2, the first of user 1."""
    who = {"data": {"type": "users", "id": "1" if place == 1 else "2"}}
    about = {
        "number": place,
        "createdAt": f"2025-01-0{place}T10:00:00+00:00",
        "contentType": "comment",
        "contentHtml": f"<p>Post {number}</p>",
        **changes,
    }
    return {"type": "posts", "id": str(number), "attributes": about, "relationships": {"user": who}}


class Forum:
    """A forum on a fake server."""

    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.discussions: dict[str, dict[str, Any]] = {}
        self.posts: dict[str, list[dict[str, Any]]] = {}
        self.size = 2
        server.route("/api/discussions", self.listed)
        server.route("/api/posts", self.posted)

    def add(self, number: int, *posts: dict[str, Any], best: Any = False, **changes: Any) -> None:
        """Add a discussion, or replace it."""
        about = {
            "title": f"Is {number} < 9 & so on?",
            "slug": f"{number}-is-it",
            "commentCount": len(posts),
            "createdAt": "2025-01-01T10:00:00+00:00",
            "lastPostedAt": f"2025-01-{number:02}T10:00:00+00:00",
            "isApproved": True,
            "hasBestAnswer": best,
            "bestAnswerSetAt": "2025-02-01T08:00:00+00:00" if best else None,
            **changes,
        }
        relations: dict[str, Any] = {
            "user": {"data": {"type": "users", "id": "1"}},
            "tags": {"data": [{"type": "tags", "id": one} for one in ("6", "5", "7")]},
            "firstPost": {"data": {"type": "posts", "id": posts[0]["id"]}} if posts else {"data": None},
        }
        if best:
            relations["bestAnswerPost"] = {"data": {"type": "posts", "id": str(best)}}
            relations["bestAnswerUser"] = {"data": {"type": "users", "id": "1"}}
        key = str(number)
        found = {"type": "discussions", "id": key, "attributes": about, "relationships": relations}
        self.discussions[key], self.posts[key] = found, list(posts)
        self.server.route(f"/api/discussions/{number}", {"data": found, "included": [*PEOPLE, *TAGS]})

    def listed(self, request: Request) -> dict[str, Any]:
        """Discussions, as many as the page has room for."""
        newest = request.query["sort"] == "-lastPostedAt"
        rows = sorted(self.discussions.values(), key=lambda one: str(one["attributes"]["lastPostedAt"]), reverse=newest)
        inside = [one for posts in self.posts.values() for one in posts]
        return self.window(rows, request) | {"included": [*PEOPLE, *TAGS, *inside]}

    def posted(self, request: Request) -> dict[str, Any]:
        """Posts of one discussion."""
        return self.window(self.posts.get(request.query["filter[discussion]"], []), request) | {"included": PEOPLE}

    def window(self, rows: list[dict[str, Any]], request: Request) -> dict[str, Any]:
        """A page of a list."""
        start = int(request.query["page[offset]"])
        links = {"next": "https://elsewhere.example.com/api"} if start + self.size < len(rows) else {}
        return {"data": rows[start : start + self.size], "links": links}


@pytest.fixture
def forum() -> Iterator[Forum]:
    """Three discussions; the first has a best answer among three posts."""
    with FakeServer() as server:
        forum = Forum(server)
        forum.add(1, post(11, 1), post(12, 2), post(13, 3), best=13)
        forum.add(2, post(21, 1), post(22, 2))
        forum.add(3, post(31, 1))
        yield forum


def shelf(forum: Forum, **options: Any) -> Shelf:
    """An empty shelf for the forum."""
    made = FlarumOptions(name="fl", kind="flarum", url=forum.server.url, **options)
    return shelf_for(FlarumSource(made, Path()), forum.server)


def one(forum: Forum, number: str = "1", **options: Any) -> Thread:
    """Harvest everything and read one thread."""
    return shelf(forum, **options).run().threads()[number]


def lay_out(server: FakeServer) -> Forum:
    """Three discussions, the first with a best answer, and one that is hidden."""
    forum = Forum(server)
    forum.add(1, post(11, 1), post(12, 2), post(13, 3), best=13)
    forum.add(2, post(21, 1), post(22, 2))
    forum.add(3, post(31, 1))
    forum.add(4, post(41, 1), isHidden=True)
    return forum


def accept(server: FakeServer) -> None:
    """A best answer is chosen, and somebody writes after it."""
    posts = post(21, 1), post(22, 2), post(23, 3)
    lay_out(server).add(2, *posts, best=22, lastPostedAt="2025-01-20T10:00:00+00:00")


def remove(server: FakeServer) -> None:
    """A moderator deletes a discussion."""
    forum = lay_out(server)
    del forum.discussions["1"], forum.posts["1"]
    server.route("/api/discussions/1", Canned(404, {}, b'{"errors":[{"status":"404"}]}'))


POSTS = post(11, 1), post(12, 2), post(13, 3)
SAMPLE = LiveSample(
    lambda url: FlarumSource(FlarumOptions(name="fl", kind="flarum", url=url), Path()),
    lay_out,
    ids=("1", "2", "3"),
    changes={
        "chosen": LiveChange(accept, "2", "changed", "changes"),
        "un-chosen": LiveChange(lambda server: lay_out(server).add(1, *POSTS), "1", "changed"),
        "edited": LiveChange(
            lambda server: lay_out(server).add(1, post(11, 1, contentHtml="<p>x</p>"), *POSTS[1:], best=13),
            "1",
            "changed",
        ),
        "deleted": LiveChange(remove, "1", "gone"),
        "made private": LiveChange(lambda server: lay_out(server).add(1, *POSTS, isPrivate=True), "1", "gone"),
    },
    restricted=("4",),
)


@pytest.mark.parametrize("check", LIVE_CHECKS, ids=lambda check: check.__name__)
def test_it_keeps_the_rules_of_live_sources(check: LiveCheck) -> None:
    """The whole conformance kit."""
    check(SAMPLE)


def test_a_thread_is_read_whole(forum: Forum) -> None:
    """Title, posts of every page, people, and who chose the best answer when."""
    thread = one(forum)
    assert thread.title == "Is 1 < 9 & so on?"
    assert thread.url == f"{forum.server.url}/d/1-is-it"
    assert [answer.id for answer in thread.answers] == ["12", "13"]
    assert thread.answers[1].url == f"{forum.server.url}/d/1-is-it/3"
    solved = thread.solved[0]
    assert (solved.post_id, solved.how, solved.by, solved.confidence) == ("13", "accepted", "ada", 1.0)
    assert solved.at is not None
    assert solved.at.isoformat() == "2025-02-01T08:00:00+00:00"
    author = thread.answers[0].author
    assert (author.id, author.name, author.url) == ("2", "Bo", f"{forum.server.url}/u/2")


def test_primary_tags_are_the_category(forum: Forum) -> None:
    """Tags with a position are where a discussion stands, the parent first; the others are tags."""
    thread = one(forum)
    assert thread.category == ("Pumps", "Valves", "valves")
    assert thread.tags == ("urgent",)


def test_no_best_answer_is_false(forum: Forum) -> None:
    """`hasBestAnswer` is false, or the post's id."""
    assert accepted(one(forum, "2")) == []


def test_events_are_no_answers(forum: Forum) -> None:
    """Renamings and the like are posts of other content types."""
    event = post(12, 2, contentType="discussionRenamed", contentHtml=None)
    forum.add(1, post(11, 1), event, post(13, 3), best=13)
    assert [answer.id for answer in one(forum).answers] == ["13"]


def test_a_hidden_best_answer_does_not_count(forum: Forum) -> None:
    """A hidden post is gone for readers."""
    forum.add(1, post(11, 1), post(13, 2, isHidden=True), best=13)
    thread = one(forum)
    assert (accepted(thread), thread.answers[0].deleted) == ([], True)
    assert thread.warnings == ("The best answer, post 13, is not there; it counts as not accepted.",)


def test_a_deleted_user_is_credited_as_such(forum: Forum) -> None:
    """An account that is gone leaves an empty relation."""
    orphan = post(11, 1)
    orphan["relationships"]["user"] = {"data": None}
    forum.add(1, orphan)
    author = one(forum).question.author
    assert (author.id, author.name, author.deleted) == ("", "[deleted]", True)


def test_no_picture_of_a_person_is_stored(forum: Forum) -> None:
    """Of people only names are kept."""
    assert b"avatarUrl" not in shelf(forum).run().records["1"].payload


def test_listed_people_are_staff(forum: Forum) -> None:
    """`staff:` knows people by login, shown name and id."""
    for name in ("bo", "Bo", "2"):
        assert one(forum, staff=(name,)).answers[0].author.is_staff
    assert not one(forum).answers[0].author.is_staff


def test_tags_can_be_chosen(forum: Forum) -> None:
    """Discussions without any of the tags are not read."""
    forum.discussions["2"]["relationships"]["tags"]["data"] = [{"type": "tags", "id": "7"}]
    assert sorted(shelf(forum, tags=("pumps",)).run().records) == ["1", "3"]


@pytest.mark.parametrize("state", [{"isHidden": True}, {"isPrivate": True}, {"isApproved": False}])
def test_what_readers_cannot_see_is_not_read(forum: Forum, state: dict[str, bool]) -> None:
    """Hidden, private and unapproved discussions are not stored, whoever may see them."""
    forum.add(2, post(21, 1), **state)
    assert sorted(shelf(forum).run().records) == ["1", "3"]


def test_a_discussion_hidden_between_list_and_fetch_is_not_stored(forum: Forum) -> None:
    """Its posts are gone for guests."""
    forum.posts["2"] = []
    assert sorted(shelf(forum).run().records) == ["1", "3"]


def test_a_second_pass_reads_one_page(forum: Forum) -> None:
    """Nothing new costs one request; the link to the next page, to another host, is not followed."""
    forum.size = 50
    kept = shelf(forum).run()
    kept.run()
    assert (paths(kept), kept.fetched) == (["/api/discussions"], [])


def test_a_pass_over_changes_fetches_what_moved(forum: Forum) -> None:
    """A reply and a new discussion are seen."""
    kept = shelf(forum).run()
    forum.add(2, post(21, 1), post(22, 2), post(23, 3), lastPostedAt="2025-01-20T10:00:00+00:00")
    forum.add(4, post(41, 1), lastPostedAt="2025-01-21T10:00:00+00:00")
    kept.run()
    assert sorted(kept.fetched) == ["2", "4"]


def test_a_full_pass_sees_what_moves_nothing(forum: Forum) -> None:
    """A best answer that moves, and an edit, bump nothing; the next full pass sees them."""
    kept = shelf(forum).run()
    edited = post(12, 2, contentHtml="<p>Mended</p>", editedAt="2025-03-01T10:00:00+00:00")
    forum.add(1, post(11, 1), edited, post(13, 3), best=12)
    kept.run(full=True)
    thread = kept.threads()["1"]
    assert (accepted(thread), thread.answers[0].html) == (["12"], "<p>Mended</p>")
    assert thread.answers[0].edited is not None


@pytest.mark.parametrize("status", [403, 404])
def test_a_discussion_that_is_gone_is_withdrawn(forum: Forum, status: int) -> None:
    """What is known and not listed is asked for."""
    kept = shelf(forum).run()
    del forum.discussions["2"]
    forum.server.route("/api/discussions/2", Canned(status, {}, b'{"errors":[{"status":"404"}]}'))
    kept.run(full=True)
    assert sorted(kept.records) == ["1", "3"]


def test_what_only_slipped_out_of_the_list_stays(forum: Forum) -> None:
    """The discussion's own address tells that it is there."""
    kept = shelf(forum).run()
    del forum.discussions["2"]
    kept.run(full=True)
    assert sorted(kept.records) == ["1", "2", "3"]


@pytest.mark.parametrize("answer", [Canned(403, {}, b"{}"), {"errors": []}])
def test_a_forum_that_cannot_be_read_is_named(forum: Forum, answer: Any) -> None:
    """Neither a refusal nor another platform is taken for an empty forum."""
    forum.server.route("/api/discussions", answer)
    with pytest.raises(SourceError, match="its discussions cannot be read"):
        shelf(forum).run()


def test_a_payload_that_is_no_discussion_is_named() -> None:
    """A stored record that cannot be understood says which it is."""
    source = FlarumSource(FlarumOptions(name="fl", kind="flarum", url="https://f.example.com"), Path())
    bad: list[dict[str, Any]] = [{"posts": []}, {"discussion": {"id": "1", "type": "discussions"}, "posts": []}]
    for payload in bad:
        with pytest.raises(RecordError, match="fl:1: "):
            source.parse(source.record(1, "thread", "https://f.example.com/d/1", payload, "x"))


@pytest.mark.realdata
def test_the_documented_shape_is_read() -> None:
    """The list of the platform's documentation, as one payload for each discussion."""
    file = Path(os.environ.get("KBGEN_DATA", "../shared/data")) / "fixtures/flarum/discussions_list.json"
    if not file.is_file():
        pytest.skip("no recorded list; set KBGEN_DATA")
    listed = msgspec.json.decode(file.read_bytes())
    source = FlarumSource(FlarumOptions(name="fl", kind="flarum", url="https://flarum.tld"), Path())
    posts = [one for one in listed["included"] if one["type"] == "posts" and one["id"] in ("668", "671")]
    payload = {"discussion": listed["data"][0], "posts": posts, "included": listed["included"]}
    thread = source.parse(source.record(234, "thread", "https://flarum.tld/d/234-lorem-ipsum", payload, str(file)))
    assert isinstance(thread, Thread)
    assert (accepted(thread), thread.category) == (["671"], ("Welcome", "welcome"))
