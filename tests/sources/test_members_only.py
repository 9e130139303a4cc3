"""Forums that only members can read: asked with a token, which is told to nobody, and never by mistake."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import test_flarum
import test_nodebb
from passes import Shelf, shelf_for
from pydantic import ValidationError

from kbgen.errors import SourceError
from kbgen.sources.flarum import FlarumOptions, FlarumSource
from kbgen.sources.http_cache import AnswerCache
from kbgen.sources.http_cassette import Recorder, read_cassette
from kbgen.sources.http_masks import secrets_of
from kbgen.sources.live import LiveSource, MemberOptions
from kbgen.sources.nodebb import NodebbOptions, NodebbSource
from kbgen.store import open_store
from kbgen.testing import Canned, FakeServer, Request
from kbgen.testing.live import harvest_live, stored
from kbgen.testing.server import testing_client, testing_network

TOKEN = "a-members-token"
REFUSED = Canned(401, {"Content-Type": "application/json"}, b'"not-authorized"')


class MembersServer(FakeServer):
    """A server that knows one token; to everybody else it is what its guests see, which by default is nothing."""

    def __init__(self, login: str) -> None:
        super().__init__()
        self.login = login
        self.guests: dict[str, Canned] = {}

    def answer(self, request: Request) -> Canned:
        """What the one who asks may see."""
        found = super().answer(request)
        if request.headers.get("authorization") == self.login:
            return found
        return self.guests.get(request.path, REFUSED)


@dataclass(frozen=True)
class Platform:
    """A platform whose forums may be closed to guests.

    Attributes:
        source: makes a source with these keys.
        login: the header that opens the forum.
        lay_out: puts a community on a server.
    """

    source: Callable[..., LiveSource]
    login: str
    lay_out: Callable[[MembersServer], object]


def nodebb(url: str, **options: Any) -> LiveSource:
    """A NodeBB source."""
    return NodebbSource(NodebbOptions(name="forum", kind="nodebb", url=url, **options), Path())


def flarum(url: str, **options: Any) -> LiveSource:
    """A Flarum source."""
    return FlarumSource(FlarumOptions(name="forum", kind="flarum", url=url, **options), Path())


def rights(key: str, *, allowed: bool) -> dict[str, Any]:
    """What Flarum says of itself and of what one may do there."""
    return {"data": {"type": "forums", "id": "1", "attributes": {"title": "Hubs", key: allowed}}}


def lay_out_nodebb(server: MembersServer) -> None:
    """Topics 1 to 3; the second answer of the first is deleted, which its moderators can read."""
    forum = test_nodebb.lay_out(server)
    forum.topics["1"]["posts"][1] |= {"deleted": 1, "content": "<p>taken back</p>", "sourceContent": "taken back"}
    server.route("/api/topic/4", Canned(403, {}, b'"no-privileges"'))
    server.route("/api/self", {"uid": 7, "username": "bot"})


def lay_out_flarum(server: MembersServer) -> None:
    """Discussions 1 to 3; the second post of the first is hidden, which its moderators can read."""
    forum = test_flarum.lay_out(server)
    forum.posts["1"][1]["attributes"] |= {"isHidden": True, "contentHtml": "<p>taken back</p>"}
    server.route("/api", rights("canViewForum", allowed=True))
    server.guests["/api"] = Canned(200, {}, b'{"data":{"attributes":{"canViewForum":false}}}')


PLATFORMS = [
    Platform(nodebb, f"Bearer {TOKEN}", lay_out_nodebb),
    Platform(flarum, f"Token {TOKEN}", lay_out_flarum),
]
each_platform = pytest.mark.parametrize("platform", PLATFORMS, ids=["nodebb", "flarum"])


def shelf(platform: Platform, server: MembersServer, **options: Any) -> Shelf:
    """An empty shelf for a laid out forum."""
    platform.lay_out(server)
    return shelf_for(platform.source(server.url, **options), server)


@each_platform
def test_a_members_forum_is_read_with_a_token(platform: Platform) -> None:
    """Everything the token's owner sees is read; without the token nothing is."""
    with MembersServer(platform.login) as server:
        found = shelf(platform, server, token=TOKEN, members_only=True).run()
        assert sorted(found.records) == ["1", "2", "3"]
        with pytest.raises(SourceError, match="or give a `token`"):
            shelf(platform, server).run()


@each_platform
def test_what_moderators_alone_can_read_is_not_stored(platform: Platform) -> None:
    """The words of a deleted or hidden post are not kept, whoever the token belongs to."""
    with MembersServer(platform.login) as server:
        found = shelf(platform, server, token=TOKEN, members_only=True).run()
    assert b"taken back" not in b"".join(record.payload for record in found.records.values())
    assert [answer.deleted for answer in found.threads()["1"].answers] == [True, False]


@each_platform
def test_a_token_that_ran_out_withdraws_nothing(platform: Platform) -> None:
    """To such a platform its owner is a guest, for whom everything seems to be gone; the pass fails instead."""
    with MembersServer(platform.login) as server:
        found = shelf(platform, server, token=TOKEN, members_only=True).run()
        server.login = "another"
        for full in (False, True):
            with pytest.raises(SourceError, match="check `token`, or make a new one"):
                found.run(full=full)
        assert sorted(found.records) == ["1", "2", "3"]


@each_platform
def test_a_token_that_runs_out_on_the_way_withdraws_nothing(platform: Platform) -> None:
    """A refusal in the middle is the token's, not the topic's."""
    with MembersServer(platform.login) as server:
        found = shelf(platform, server, token=TOKEN, members_only=True).run()
        for path in ("/api/topic/2", "/api/posts"):
            server.route(path, REFUSED)
        with pytest.raises(SourceError, match="answers 401 to the token; check `token`"):
            found.run(full=True)
        assert sorted(found.records) == ["1", "2", "3"]


@each_platform
@pytest.mark.parametrize("options", [{"token": TOKEN}, {"members_only": True}])
def test_a_token_and_its_consequence_are_said_together(platform: Platform, options: dict[str, Any]) -> None:
    """What a token's owner can read becomes public, so nobody gives one without saying so."""
    with pytest.raises(ValidationError, match="belong together") as caught:
        platform.source("https://forum.example.com", **options)
    assert TOKEN not in str(caught.value)


@each_platform
def test_a_token_is_told_to_nobody(platform: Platform, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is in no record, report, log or kept answer, nor in a recording of a forum that repeats it."""
    caplog.set_level(logging.DEBUG)
    with MembersServer(platform.login) as server, Recorder(tmp_path / "talk.zst") as recorder:
        platform.lay_out(server)
        server.route("/api/self", {"uid": 7, "token": TOKEN})
        source = platform.source(server.url, token=TOKEN, members_only=True)
        network = testing_network()
        network.recorder = recorder
        network.cache = AnswerCache(tmp_path / "http", today=1)
        with (
            testing_client(server, network, secrets_of(source.options)) as client,
            closing(open_store(tmp_path / "store.sqlite")) as store,
        ):
            reports = [harvest_live(source, client, store)]
            records = stored(store, "forum")
            server.login = "another"
            reports.append(harvest_live(source, client, store, full=True))
        network.cache.close()
    exchanges = list(read_cassette(tmp_path / "talk.zst"))
    assert (sorted(records), bool(reports[1].failed), bool(exchanges)) == (["1", "2", "3"], True, True)
    told = repr([reports, records, source.options, caplog.text, exchanges, [one.reply().body for one in exchanges]])
    assert TOKEN not in told
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert [] == [file.name for file in files if TOKEN.encode() in file.read_bytes()]


def test_a_flarum_that_guests_can_read_needs_no_token() -> None:
    """There it could not be told when the token ran out, nor what of it was for members."""
    with MembersServer(f"Token {TOKEN}") as server:
        found = shelf(PLATFORMS[1], server, token=TOKEN, members_only=True)
        server.guests["/api"] = Canned(200, {}, b'{"data":{"attributes":{"canViewForum":true}}}')
        with pytest.raises(SourceError, match="guests can read this forum; remove `token` and `members_only`"):
            found.run()


def test_a_flarum_of_before_1_0_names_the_right_otherwise() -> None:
    """The right to view discussions counts where there is none to view the forum."""
    with MembersServer(f"Token {TOKEN}") as server:
        found = shelf(PLATFORMS[1], server, token=TOKEN, members_only=True)
        server.route("/api", rights("canViewDiscussions", allowed=True))
        server.guests["/api"] = Canned(200, {}, b'{"data":{"attributes":{"canViewDiscussions":false}}}')
        assert sorted(found.run().records) == ["1", "2", "3"]


def test_guests_send_nothing() -> None:
    """Without a token there is no header for one."""
    assert MemberOptions(name="a", kind="a").headers("Bearer") == {}
    assert MemberOptions(name="a", kind="a", token=TOKEN, members_only=True).headers("Token") == {  # type: ignore[arg-type]
        "Authorization": f"Token {TOKEN}"
    }
