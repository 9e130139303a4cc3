"""Forem: named authors' posts are articles, posts under a tag are threads, and thanks are no accepted answer."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from passes import Shelf, accepted, paths, shelf_for
from pydantic import ValidationError

from kbgen.errors import RecordError, SourceError
from kbgen.model import Article, Thread
from kbgen.sources.forem import ForemOptions, ForemSource
from kbgen.testing import LIVE_CHECKS, Canned, FakeServer, LiveChange, LiveSample, Request
from kbgen.testing.live_checks import LiveCheck

ADA = {"user_id": 1, "username": "ada", "name": "Ada", "profile_image": "/a.png", "github_username": "ada-gh"}
BO = {"user_id": 2, "username": "bo", "name": "Bo"}


def comment(code: str, body: str, user: dict[str, Any], *children: dict[str, Any]) -> dict[str, Any]:
    """A comment with its replies."""
    when = "2025-01-02T00:00:00Z"
    return {"id_code": code, "body_html": body, "created_at": when, "user": user, "children": list(children)}


class Community:
    """A community on a fake server."""

    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.posts: dict[int, dict[str, Any]] = {}
        server.route("/api/articles", self.listed)
        server.route("/api/organizations/acme/articles", lambda request: self.page(request, self.of_acme()))
        server.route("/api/comments", [[]])

    def write(self, number: int, *tags: str, **changes: Any) -> None:
        """Add a post, or replace it."""
        url = f"{self.server.url}/ada/post-{number}"
        post = {
            "id": number,
            "title": f"Post {number}",
            "description": "short",
            "url": url,
            "canonical_url": url,
            "created_at": "2025-01-01T00:00:00Z",
            "published_at": "2025-01-01T01:00:00Z",
            "edited_at": None,
            "comments_count": 0,
            "last_comment_at": "2025-01-01T01:00:00Z",
            "tag_list": list(tags),
            "tags": ", ".join(tags),
            "user": ADA,
            **changes,
        }
        self.posts[number] = post
        single = {"tag_list": ", ".join(tags), "tags": list(tags), "body_html": f"<p>Body {number}</p>"}
        self.server.route(f"/api/articles/{number}", {**post, **single, **changes})

    def of_acme(self) -> list[dict[str, Any]]:
        """What the organisation published."""
        return [post for post in self.posts.values() if post.get("organization")]

    def listed(self, request: Request) -> list[dict[str, Any]]:
        """Posts of an author, or under a tag."""
        author, tag = request.query.get("username"), request.query.get("tag")
        rows = [one for one in self.posts.values() if one["user"]["username"] == author or tag in one["tag_list"]]
        return self.page(request, rows)

    def page(self, request: Request, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Two a page, whatever is asked for."""
        start = 2 * int(request.query["page"]) - 2
        return rows[start : start + 2]


@pytest.fixture
def community() -> Iterator[Community]:
    """Three questions, and one post of an organisation."""
    with FakeServer() as server:
        community = Community(server)
        for number in (1, 2, 3):
            community.write(number, "help", "pumps")
        community.write(4, "news", organization={"slug": "acme", "username": "acme"}, user=BO)
        yield community


def shelf(community: Community, **options: Any) -> Shelf:
    """An empty shelf for the community; questions, unless something else is named."""
    named = options or {"tags": ("help",)}
    made = ForemOptions(name="dev", kind="forem", url=community.server.url, **named)
    return shelf_for(ForemSource(made, Path()), community.server)


def thread(community: Community, **options: Any) -> Thread:
    """Harvest everything and read one thread."""
    return shelf(community, tags=("help",), **options).run().threads()["1"]


def lay_out(server: FakeServer) -> Community:
    """Two questions, a staff article, and a post that is not published."""
    community = Community(server)
    community.write(1, "help")
    community.write(2, "help")
    community.write(3, "news", organization={"slug": "acme"}, user=BO)
    community.write(4, "help", published_at=None)
    return community


def remove(server: FakeServer) -> None:
    """An author deletes a post."""
    del lay_out(server).posts[1]
    server.drop("/api/articles/1")


def answer_edited(server: FakeServer) -> None:
    """A comment is there that the list does not count."""
    lay_out(server)
    server.route("/api/comments", [[comment("c1", "<p>Mended.</p>", BO)]])


SAMPLE = LiveSample(
    lambda url: ForemSource(
        ForemOptions(name="dev", kind="forem", url=url, tags=("help",), organization="acme"), Path()
    ),
    lay_out,
    ids=("1", "2", "3"),
    changes={
        "edited": LiveChange(
            lambda server: lay_out(server).write(1, "help", body_html="<p>x</p>", edited_at="2025-03-01T00:00:00Z"),
            "1",
            "changed",
            "changes",
        ),
        "comment edited": LiveChange(answer_edited, "1", "changed"),
        "deleted": LiveChange(remove, "1", "gone", "changes"),
        "unpublished": LiveChange(
            lambda server: lay_out(server).write(1, "help", published_at=None), "1", "gone", "full"
        ),
        "under another tag": LiveChange(lambda server: lay_out(server).write(1, "news"), "1", "gone", "changes"),
    },
    restricted=("4",),
    second=7,
)


@pytest.mark.parametrize("check", LIVE_CHECKS, ids=lambda check: check.__name__)
def test_it_keeps_the_rules_of_live_sources(check: LiveCheck) -> None:
    """The whole conformance kit."""
    check(SAMPLE)


def test_a_question_is_read_whole(community: Community) -> None:
    """Title, body, tags in whatever form, people, and every comment with its own address."""
    community.server.route("/api/comments", [[comment("c1", "<p>Use x.</p>", BO, comment("c2", "<p>So?</p>", ADA))]])
    found = thread(community)
    assert (found.title, found.question.html, found.tags) == ("Post 1", "<p>Body 1</p>", ("help", "pumps"))
    assert [(answer.id, answer.html) for answer in found.answers] == [("c1", "<p>Use x.</p>"), ("c2", "<p>So?</p>")]
    assert found.answers[0].url == f"{community.server.url}/bo/comment/c1"
    author = found.question.author
    assert (author.id, author.name, author.url) == ("1", "Ada", f"{community.server.url}/ada")


def test_thanks_are_a_sign_with_little_confidence(community: Community) -> None:
    """The asker thanks below a comment: probably the answer, which a person has to say."""
    thanks = comment("c2", "<p>Thank you, that worked!</p>", ADA)
    tree = [comment("c0", "<p>Try y.</p>", BO), comment("c1", "<p>Use x.</p>", BO, thanks)]
    community.server.route("/api/comments", [tree])
    solved = thread(community).solved
    assert [(one.post_id, one.how, one.confidence) for one in solved] == [("c1", "tag", 0.4)]
    assert thread(community, thanks_confidence=0.9).solved[0].confidence == 0.9
    assert thread(community, thanks_confidence=0).solved == ()


def test_thanks_of_others_or_to_oneself_are_no_sign(community: Community) -> None:
    """Only the asker knows what helped."""
    others = comment("c1", "<p>Use x.</p>", BO, comment("c2", "<p>Thanks!</p>", BO))
    own = comment("c3", "<p>I found it.</p>", ADA, comment("c4", "<p>Thanks me!</p>", ADA))
    community.server.route("/api/comments", [[others, own]])
    assert thread(community).solved == ()


def test_a_deleted_comment_is_marked(community: Community) -> None:
    """It stays in the tree with an empty user."""
    community.server.route("/api/comments", [[comment("c1", "<p>[deleted]</p>", {})]])
    answer = thread(community).answers[0]
    assert (answer.deleted, answer.author.deleted, answer.author.name) == (True, True, "[deleted]")


def test_posts_of_an_organisation_are_articles(community: Community) -> None:
    """They are read as articles, without comments."""
    kept = shelf(community, organization="acme").run()
    article = kept.articles()["4"]
    assert (article.title, article.html, article.text) == ("Post 4", "<p>Body 4</p>", "Body 4")
    assert (article.url, article.tags) == (f"{community.server.url}/ada/post-4", ("news",))
    assert "/api/comments" not in paths(kept)


def test_posts_of_an_author_are_articles(community: Community) -> None:
    """So are posts of people who are named, also where a tag would make them threads."""
    kept = shelf(community, authors=("bo",), tags=("news",)).run()
    assert sorted(kept.articles()) == ["4"]


def test_a_post_first_published_elsewhere_names_that_place(community: Community) -> None:
    """`canonical_url` may lead to another site."""
    community.write(4, organization={"slug": "acme"}, canonical_url="https://acme.example.com/blog/4", user=BO)
    assert shelf(community, organization="acme").run().articles()["4"].url == "https://acme.example.com/blog/4"


def test_an_embed_becomes_a_link(community: Community) -> None:
    """What a Liquid tag embeds is a link to it."""
    embed = '<p>See</p><div class="ltag__link"><a href="/bo/x"><img src="/p.png"></a><div>more</div></div>'
    community.write(1, "help", body_html=embed)
    assert thread(community).question.html == f'<p>See</p><p><a href="{community.server.url}/bo/x">/bo/x</a></p>'


def test_only_what_credits_people_is_stored(community: Community) -> None:
    """No picture, and no account elsewhere."""
    payload = shelf(community).run().records["1"].payload
    assert b"profile_image" not in payload
    assert b"ada-gh" not in payload


def test_listed_people_are_staff(community: Community) -> None:
    """`staff:` knows people by user name, name and id."""
    for name in ("ada", "ADA", "1"):
        assert thread(community, staff=(name,)).question.author.is_staff
    assert not thread(community).question.author.is_staff


def test_a_second_pass_reads_the_lists_only(community: Community) -> None:
    """Nothing new costs the pages of the lists."""
    kept = shelf(community).run()
    kept.run()
    assert kept.fetched == []
    assert set(paths(kept)) == {"/api/articles"}


def test_a_pass_over_changes_fetches_what_moved(community: Community) -> None:
    """A comment and a new post are seen; tags written in another form are no change."""
    kept = shelf(community).run()
    community.write(2, "help", "pumps", comments_count=1, last_comment_at="2025-02-01T00:00:00Z")
    community.write(5, "help")
    kept.run()
    assert kept.fetched == ["2", "5"]


def test_a_full_pass_sees_what_moves_nothing(community: Community) -> None:
    """A comment that was edited is seen by the next full pass."""
    kept = shelf(community).run()
    community.server.route("/api/comments", [[comment("c1", "<p>Mended.</p>", BO)]])
    kept.run()
    assert kept.fetched == []
    kept.run(full=True)
    assert kept.threads()["1"].answers[0].html == "<p>Mended.</p>"


@pytest.mark.parametrize("change", ["deleted", "unpublished", "another tag"])
def test_what_is_gone_is_withdrawn(community: Community, change: str) -> None:
    """Deleted and unpublished posts, and those without the tag: at once, for lists are read whole each time."""
    kept = shelf(community).run()
    if change == "another tag":
        community.write(2, "news")
    else:
        del community.posts[2]
    if change == "deleted":
        community.server.route("/api/articles/2", Canned(404, {}, b'{"error":"not found"}'))
    elif change == "unpublished":
        community.server.route("/api/articles/2", {"id": 2, "published_at": None, "tags": ["help"], "user": ADA})
    kept.run()
    assert sorted(kept.records) == ["1", "3"]


def test_a_post_that_only_slipped_out_of_the_list_stays(community: Community) -> None:
    """Its own address tells that it is there, and still under the tag."""
    kept = shelf(community).run()
    del community.posts[2]
    kept.run(full=True)
    assert sorted(kept.records) == ["1", "2", "3"]


def test_an_unknown_organisation_is_named(community: Community) -> None:
    """A name that does not exist is not taken for one without posts."""
    with pytest.raises(SourceError, match="no posts can be read for organizations/nobody"):
        shelf(community, organization="nobody").run()


def test_the_key_is_sent(community: Community) -> None:
    """In the header of its name."""
    shelf(community, tags=("help",), api_key="k3y").run()
    assert {request.headers.get("api-key") for request in community.server.requests} == {"k3y"}


def test_too_many_requests_are_waited_for(community: Community) -> None:
    """429 with Retry-After costs time and nothing else."""
    late = Canned(429, {"Retry-After": "1"}, b"{}")
    community.server.route("/api/articles/2", [late, {**community.posts[2], "body_html": "<p>x</p>"}])
    assert sorted(shelf(community).run().records) == ["1", "2", "3"]


def test_a_block_that_names_nothing_is_refused() -> None:
    """A whole community is no source."""
    with pytest.raises(ValidationError, match="names nothing to read"):
        ForemOptions(name="dev", kind="forem", url="https://dev.example.com")


def test_a_payload_that_is_no_post_is_named() -> None:
    """A stored record that cannot be understood says which it is."""
    source = ForemSource(ForemOptions(name="dev", kind="forem", url="https://dev.example.com", tags=("help",)), Path())
    with pytest.raises(RecordError, match="dev:1: is not a post as Forem gives it"):
        source.parse(source.record(1, "thread", "https://dev.example.com/x", {}, "x"))


@pytest.mark.realdata
def test_the_documented_shapes_are_read() -> None:
    """A post and its comments as the API's description has them."""
    folder = Path(os.environ.get("KBGEN_DATA", "../shared/data")) / "fixtures/forem"
    if not folder.is_dir():
        pytest.skip("no recorded replies; set KBGEN_DATA")
    payload = {
        "article": msgspec.json.decode((folder / "article_1544.json").read_bytes()),
        "comments": msgspec.json.decode((folder / "comments_a_id_1544.json").read_bytes()),
    }
    source = ForemSource(ForemOptions(name="dev", kind="forem", url="http://localhost:3000", tags=("help",)), Path())
    url = payload["article"]["url"]
    found = source.parse(source.record(1544, "thread", url, payload, "x"))
    assert isinstance(found, Thread)
    assert [answer.deleted for answer in found.answers] == [False, False, True]
    assert accepted(found) == ["m3m0"]
    article = source.parse(source.record(1544, "article", url, payload, "x"))
    assert isinstance(article, Article)
    assert article.tags == ("help",)
