"""Zendesk: public articles and community posts are read, official comments are answers, nothing restricted gets out."""

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from passes import Shelf, accepted, paths, shelf_for
from pydantic import ValidationError

from kbgen.errors import RecordError, SourceError
from kbgen.model import Article, Thread, family_of
from kbgen.sources.zendesk import ZendeskOptions, ZendeskSource
from kbgen.testing import LIVE_CHECKS, Canned, FakeServer, LiveChange, LiveSample, Request
from kbgen.testing.live_checks import LiveCheck

CENTER = "/api/v2/help_center"
PEOPLE = [
    {"id": 7, "name": "Ada", "role": "end-user", "photo": {"u": 1}, "email": "ada@example.com"},
    {"id": 8, "name": "Bo", "role": "agent"},
]


class Center:
    """A Help Center on a fake server."""

    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.size = 2
        self.articles: list[dict[str, Any]] = []
        self.posts: dict[int, dict[str, Any]] = {}
        self.topics = [{"id": 10, "name": "Questions", "user_segment_id": None}]
        server.route(
            f"{CENTER}/en-us/articles.json", lambda request: self.rows(request, "articles", self.sorted(request))
        )
        sections = [
            {"id": 3, "name": "Hoses", "category_id": 1, "parent_section_id": 2},
            {"id": 2, "name": "Parts", "category_id": 1, "parent_section_id": None},
        ]
        server.route(f"{CENTER}/en-us/sections.json", {"sections": sections})
        server.route(f"{CENTER}/en-us/categories.json", {"categories": [{"id": 1, "name": "Pumps"}]})
        server.route("/api/v2/community/topics.json", lambda _: {"topics": self.topics})
        server.route("/api/v2/community/posts.json", self.listed)

    def write(self, number: int, **changes: Any) -> None:
        """Add an article, or replace it."""
        article = {
            "id": number,
            "locale": "en-us",
            "html_url": f"{self.server.url}/hc/en-us/articles/{number}-T",
            "title": f"How {number}",
            "body": '<p>Do <a href="/hc/en-us/articles/2">this</a>.</p>',
            "draft": False,
            "user_segment_id": None,
            "label_names": ["hoses"],
            "section_id": 3,
            "created_at": f"2024-01-0{number}T00:00:00Z",
            "updated_at": f"2025-01-0{number}T00:00:00Z",
            "edited_at": f"2024-06-0{number}T00:00:00Z",
            **changes,
        }
        self.articles = [*(one for one in self.articles if one["id"] != number), article]

    def ask(self, number: int, *comments: dict[str, Any], **changes: Any) -> None:
        """Add a post, or replace it."""
        self.posts[number] = {
            "id": number,
            "title": f"Why {number}?",
            "details": f"<p>Post {number}</p>",
            "html_url": f"{self.server.url}/hc/en-us/community/posts/{number}-Why",
            "author_id": 7,
            "topic_id": 10,
            "closed": False,
            "status": None,
            "vote_sum": 4,
            "comment_count": len(comments),
            "created_at": f"2025-02-0{number}T00:00:00Z",
            "updated_at": f"2025-03-0{number}T00:00:00Z",
            **changes,
        }
        path = f"/api/v2/community/posts/{number}"
        self.server.route(f"{path}.json", {"post": self.posts[number], "users": PEOPLE})
        self.server.route(f"{path}/comments.json", lambda request: self.rows(request, "comments", list(comments)))

    def sorted(self, request: Request) -> list[dict[str, Any]]:
        """Articles in the order asked for."""
        key, back = request.query["sort_by"], request.query["sort_order"] == "desc"
        return sorted(self.articles, key=lambda one: str(one[key]), reverse=back)

    def listed(self, request: Request) -> dict[str, Any]:
        """The list of posts."""
        key = {"created_at": "created_at", "recent_activity": "updated_at"}[request.query["sort_by"]]
        posts = sorted(self.posts.values(), key=lambda one: str(one[key]), reverse=key == "updated_at")
        return self.rows(request, "posts", posts)

    def rows(self, request: Request, name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """A page of a list, with people and a cursor."""
        start = int(request.query.get("page[after]", 0))
        end = start + self.size
        meta = {"has_more": end < len(rows), "after_cursor": str(end)}
        return {name: rows[start:end], "users": PEOPLE, "meta": meta}


def comment(number: int, **changes: Any) -> dict[str, Any]:
    """A comment of an agent."""
    return {
        "id": number,
        "body": f"<p>Comment {number}</p>",
        "html_url": f"https://help.example.com/hc/en-us/community/posts/1/comments/{number}",
        "author_id": 8,
        "official": False,
        "vote_sum": 2,
        "created_at": "2025-02-02T00:00:00Z",
        "updated_at": "2025-02-02T00:00:00Z",
        **changes,
    }


@pytest.fixture
def center() -> Iterator[Center]:
    """Three articles and three posts; the first post has an official comment among three."""
    with FakeServer() as server:
        center = Center(server)
        for number in (1, 2, 3):
            center.write(number)
        center.ask(1, comment(11), comment(12, official=True), comment(13))
        center.ask(2, comment(21))
        center.ask(3)
        yield center


def shelf(center: Center, **options: Any) -> Shelf:
    """An empty shelf for the Help Center."""
    made = ZendeskOptions(name="zd", kind="zendesk", url=center.server.url, **options)
    return shelf_for(ZendeskSource(made, Path()), center.server)


def thread(center: Center, number: int = 1, **options: Any) -> Thread:
    """Harvest everything and read one post."""
    return shelf(center, **options).run().threads()[f"post-{number}"]


def lay_out(server: FakeServer) -> Center:
    """Two articles and two posts, the first with an official comment; a draft, and a post for the staff."""
    center = Center(server)
    center.topics.append({"id": 11, "name": "Staff", "user_segment_id": 5})
    center.write(1)
    center.write(2)
    center.write(3, draft=True)
    center.ask(1, comment(11), comment(12, official=True))
    center.ask(2, comment(21))
    center.ask(3, comment(31, official=True), topic_id=11)
    return center


def remove(server: FakeServer) -> None:
    """A moderator deletes a post."""
    del lay_out(server).posts[1]
    server.route("/api/v2/community/posts/1.json", Canned(404, {}, b"{}"))


MOVED = "2026-03-05T00:00:00Z"
SAMPLE = LiveSample(
    lambda url: ZendeskSource(ZendeskOptions(name="zd", kind="zendesk", url=url), Path()),
    lay_out,
    ids=("article-1-en-us", "article-2-en-us", "post-1", "post-2"),
    changes={
        "official": LiveChange(
            lambda server: lay_out(server).ask(2, comment(21, official=True), updated_at=MOVED),
            "post-2",
            "changed",
            "changes",
        ),
        "official no more": LiveChange(
            lambda server: lay_out(server).ask(1, comment(11), comment(12)), "post-1", "changed"
        ),
        "rewritten": LiveChange(
            lambda server: lay_out(server).write(1, body="<p>New.</p>", updated_at=MOVED),
            "article-1-en-us",
            "changed",
            "changes",
        ),
        "made internal": LiveChange(
            lambda server: lay_out(server).write(1, user_segment_id=5, updated_at=MOVED),
            "article-1-en-us",
            "gone",
            "changes",
        ),
        "moved to the staff's topic": LiveChange(
            lambda server: lay_out(server).ask(1, comment(11), topic_id=11), "post-1", "gone"
        ),
        "deleted": LiveChange(remove, "post-1", "gone"),
    },
    restricted=("article-3-en-us", "post-3"),
    second=6,
)


@pytest.mark.parametrize("check", LIVE_CHECKS, ids=lambda check: check.__name__)
def test_it_keeps_the_rules_of_live_sources(check: LiveCheck) -> None:
    """The whole conformance kit."""
    check(SAMPLE)


ALL = ["article-1-en-us", "article-2-en-us", "article-3-en-us", "post-1", "post-2", "post-3"]


def test_an_article_is_read_whole(center: Center) -> None:
    """Title, body with absolute links, place, labels, and when it was last edited by a person."""
    article = shelf(center).run().articles()["article-1-en-us"]
    assert article.title == "How 1"
    assert article.html == f'<p>Do <a href="{center.server.url}/hc/en-us/articles/2">this</a>.</p>'
    assert (article.text, article.tags, article.lang) == ("Do this.", ("hoses",), "en-US")
    assert article.category == ("Pumps", "Parts", "Hoses")
    assert article.url == f"{center.server.url}/hc/en-us/articles/1-T"
    assert article.updated is not None
    assert article.updated.isoformat() == "2024-06-01T00:00:00+00:00"


def test_a_thread_is_read_whole(center: Center) -> None:
    """Title, comments of every page, people, topic, and the official comment as accepted answer."""
    found = thread(center)
    assert (found.title, found.category) == ("Why 1?", ("Questions", "10"))
    assert [answer.id for answer in found.answers] == ["11", "12", "13"]
    assert accepted(found) == ["12"]
    author = found.question.author
    assert (author.id, author.name, author.url) == ("7", "Ada", f"{center.server.url}/hc/profiles/7")
    assert found.answers[0].author.is_staff
    assert not author.is_staff
    assert found.answers[0].url.endswith("/comments/11")


def test_several_comments_can_be_official(center: Center) -> None:
    """Each official comment is an accepted answer."""
    center.ask(1, comment(11, official=True), comment(12, official=True))
    assert accepted(thread(center)) == ["11", "12"]


def test_answered_without_an_official_comment_is_named(center: Center) -> None:
    """The status alone says of no comment that it is the answer."""
    center.ask(1, comment(11), status="answered")
    found = thread(center)
    assert accepted(found) == []
    assert found.warnings == ("The post is marked as answered, but no comment is official: it has no accepted answer.",)


def test_an_edited_comment_has_its_time(center: Center) -> None:
    """A comment that was changed later says when."""
    center.ask(1, comment(11, updated_at="2025-02-03T00:00:00Z"))
    answer = thread(center).answers[0]
    assert answer.edited is not None
    assert thread(center, 3).question.edited is None


def test_people_who_are_gone(center: Center) -> None:
    """No author is a deleted one; an author no list names is a member."""
    center.ask(1, comment(11, author_id=None), comment(12, author_id=99))
    first, second = thread(center).answers
    assert (first.author.deleted, first.author.url) == (True, None)
    assert (second.author.id, second.author.name) == ("99", "Community member")


def test_neither_address_nor_picture_of_a_person_is_stored(center: Center) -> None:
    """Of people only what credits them is kept."""
    payload = shelf(center).run().records["post-1"].payload
    assert b"ada@example.com" not in payload
    assert b"photo" not in payload


@pytest.mark.parametrize(
    "state", [{"draft": True}, {"user_segment_id": 501}, {"user_segment_ids": [5]}, {"body": None}]
)
def test_a_restricted_article_is_not_stored(center: Center, state: dict[str, Any]) -> None:
    """Drafts and articles for some readers only stay out, whoever asks."""
    center.write(2, **state)
    assert sorted(shelf(center, community=False).run().records) == ["article-1-en-us", "article-3-en-us"]


def test_posts_of_a_restricted_topic_are_not_stored(center: Center) -> None:
    """Nor posts of a topic that no list shows."""
    center.topics.append({"id": 11, "name": "Staff", "user_segment_id": 5})
    center.ask(2, topic_id=11)
    center.ask(3, topic_id=12)
    assert sorted(shelf(center, articles=False).run().records) == ["post-1"]


def test_translations_of_an_article_are_one_family(center: Center) -> None:
    """The article's id, less the locale, is what its language versions share."""
    found = shelf(center, community=False).run().articles()["article-2-en-us"]
    assert family_of(found.ref, found) == "zd:article-2"


def test_other_locales_stay_out(center: Center) -> None:
    """Only the locales that are named are read."""
    center.write(2, locale="fr")
    assert "article-2-fr" not in shelf(center).run().records


def test_the_key_is_sent_as_the_vendor_wants_it(center: Center) -> None:
    """Basic authorization of `EMAIL/token` and the key."""
    shelf(center, email="bot@example.com", api_token="k3y").run()
    login = base64.b64encode(b"bot@example.com/token:k3y").decode()
    assert {request.headers.get("authorization") for request in center.server.requests} == {f"Basic {login}"}


def test_a_refused_key_is_named(center: Center) -> None:
    """A wrong key is not taken for an empty Help Center."""
    center.server.route(f"{CENTER}/en-us/articles.json", Canned(401, {}, b"{}"))
    with pytest.raises(SourceError, match="check `email` and `api_token`"):
        shelf(center, email="bot@example.com", api_token="k3y").run()


def test_articles_nobody_may_read_are_named(center: Center) -> None:
    """A Help Center that is closed to visitors, or has no such locale, is a fault to be told."""
    with pytest.raises(SourceError, match="check `url` and `locales`"):
        shelf(center, locales=("de",)).run()


def test_a_pass_over_changes_asks_for_the_incremental_export(center: Center) -> None:
    """The export gives what changed; a row can come twice, and a page names a next one until nothing changed."""
    kept = shelf(center, community=False).run()
    center.write(2, title="Anew")
    changed = [one for one in center.articles if one["id"] == 2]
    start: list[int] = []

    def export(request: Request) -> dict[str, Any]:
        start.append(int(request.query["start_time"]))
        if len(start) > 1:
            return {"count": 0, "articles": [], "next_page": None, "end_time": None}
        return {"articles": [*changed, *changed], "next_page": "https://x.example.com", "end_time": start[0] + 50}

    center.server.route(f"{CENTER}/incremental/articles.json", export)
    kept.run()
    assert kept.fetched == ["article-2-en-us"]
    assert kept.articles()["article-2-en-us"].title == "Anew"
    assert start == [start[0], start[0] + 50]


def test_an_article_that_became_internal_is_withdrawn_at_once(center: Center) -> None:
    """The incremental export shows what was restricted since."""
    kept = shelf(center, community=False).run()
    center.write(2, user_segment_id=501, body=None)
    rows = {"articles": center.articles, "next_page": None, "end_time": 5}
    center.server.route(f"{CENTER}/incremental/articles.json", rows)
    kept.run()
    assert sorted(kept.records) == ["article-1-en-us", "article-3-en-us"]


def test_without_the_export_the_list_is_read_newest_first(center: Center) -> None:
    """Visitors may not use the export; then the list is read down to the last pass."""
    kept = shelf(center, community=False).run()
    center.write(2, title="Anew", updated_at="2026-03-01T00:00:00Z")
    kept.run()
    assert kept.articles()["article-2-en-us"].title == "Anew"
    assert paths(kept).count(f"{CENTER}/en-us/articles.json") == 1


def test_a_pass_over_changes_fetches_posts_that_moved(center: Center) -> None:
    """A new official comment is seen; other posts are left alone."""
    kept = shelf(center, articles=False).run()
    center.ask(2, comment(21), comment(22, official=True), updated_at="2026-03-01T00:00:00Z")
    kept.run()
    assert kept.fetched == ["post-2"]
    assert accepted(kept.threads()["post-2"]) == ["22"]
    assert "/api/v2/community/posts/1/comments.json" not in paths(kept)


def test_a_full_pass_sees_what_moves_nothing(center: Center) -> None:
    """A comment that is official no longer, and an edit, are seen by the next full pass."""
    kept = shelf(center).run()
    center.ask(1, comment(11, body="<p>Mended</p>"), comment(12))
    kept.run(full=True)
    assert accepted(kept.threads()["post-1"]) == []
    assert kept.threads()["post-1"].answers[0].html == "<p>Mended</p>"
    assert sorted(kept.records) == ALL


def test_what_is_gone_is_withdrawn(center: Center) -> None:
    """Deleted articles are in no list; deleted posts answer 404."""
    kept = shelf(center).run()
    center.articles.pop(0)
    del center.posts[2]
    center.server.route("/api/v2/community/posts/2.json", Canned(404, {}, b"{}"))
    kept.run(full=True)
    assert sorted(kept.records) == ["article-2-en-us", "article-3-en-us", "post-1", "post-3"]


def test_a_cursor_that_repeats_ends_the_list(center: Center) -> None:
    """A list that leads back to itself is not read for ever."""
    rows = {"articles": center.articles, "meta": {"has_more": True, "after_cursor": "same"}}
    center.server.route(f"{CENTER}/en-us/articles.json", rows)
    kept = shelf(center, community=False).run()
    assert paths(kept).count(f"{CENTER}/en-us/articles.json") == 2
    assert sorted(kept.records) == ALL[:3]


def test_a_post_hidden_between_list_and_fetch_is_not_stored(center: Center) -> None:
    """Its comments are gone for visitors."""
    center.server.route("/api/v2/community/posts/2/comments.json", Canned(403, {}, b"{}"))
    assert sorted(shelf(center, articles=False).run().records) == ["post-1", "post-3"]


def test_a_help_center_without_community_is_fine(center: Center) -> None:
    """Most have none."""
    for path in ("topics", "posts"):
        center.server.route(f"/api/v2/community/{path}.json", Canned(404, {}, b"{}"))
    assert sorted(shelf(center).run().records) == ALL[:3]


@pytest.mark.parametrize(
    "options",
    [{"articles": False, "community": False}, {"email": "a@example.com"}, {"api_token": "x"}, {"locales": ()}],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    """Nothing to read, and half a login."""
    with pytest.raises(ValidationError):
        ZendeskOptions(name="zd", kind="zendesk", url="https://x.zendesk.com", **options)


def test_a_payload_that_is_neither_is_named() -> None:
    """A stored record that cannot be understood says which it is."""
    source = ZendeskSource(ZendeskOptions(name="zd", kind="zendesk", url="https://x.zendesk.com"), Path())
    with pytest.raises(RecordError, match="zd:post-1: is not what a Help Center gives"):
        source.parse(source.record("post-1", "thread", "https://x.zendesk.com/hc", {}, "x"))


@pytest.mark.realdata
def test_the_vendors_shapes_are_read() -> None:
    """An article and a post as the vendor's reference has them."""
    folder = Path(os.environ.get("KBGEN_DATA", "../shared/data")) / "fixtures/zendesk"
    if not folder.is_dir():
        pytest.skip("no recorded replies; set KBGEN_DATA")
    source = ZendeskSource(ZendeskOptions(name="zd", kind="zendesk", url="https://example.zendesk.com"), Path())
    articles = msgspec.json.decode((folder / "incremental_articles.json").read_bytes())["articles"]
    article = source.parse(source.record("a", "article", articles[0]["html_url"], {"article": articles[0]}, "x"))
    assert isinstance(article, Article)
    assert 'src="https://example.zendesk.com/hc/article_attachments/900001/shot.png"' in article.html
    page = msgspec.json.decode((folder / "community_posts_page1.json").read_bytes())
    comments = msgspec.json.decode((folder / "community_post_comments.json").read_bytes())["comments"]
    payload = {"post": page["posts"][0], "comments": comments, "users": page["users"], "topic": page["topics"][0]}
    found = source.parse(source.record("p", "thread", page["posts"][0]["html_url"], payload, "x"))
    assert isinstance(found, Thread)
    assert (accepted(found), found.question.author.name) == (["1001"], "Ann Asker")
