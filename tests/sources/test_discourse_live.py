"""Rules of ``kbgen.sources.discourse_live``: what passes over a live forum read, see and withdraw."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from fake_discourse import FakeForum
from live_builders import Held
from source_builders import discourse, post

from kbgen.errors import SourceError
from kbgen.sources.discourse import DiscourseSource
from kbgen.store import open_store
from kbgen.testing import LIVE_CHECKS, LiveChange, LiveSample, harvest_live, stored
from kbgen.testing.live_checks import LiveCheck
from kbgen.testing.server import Canned, FakeServer, testing_client


@pytest.fixture
def forum() -> Iterator[FakeForum]:
    """A forum with three solved topics."""
    with FakeServer() as server:
        found = FakeForum(server)
        for number in (1, 2, 30):
            found.add(number)
        yield found


def source_of(forum: FakeForum, project: Path, **options: Any) -> DiscourseSource:
    """The forum as a configured source."""
    return discourse(project, None, url=forum.server.url, **options)


def walked(forum: FakeForum, source: DiscourseSource, held: Held | None = None, **how: Any) -> Held:
    """What a pass leaves behind; the requests of this pass alone are counted."""
    forum.server.requests.clear()
    with testing_client(forum.server) as client:
        return (held or Held()).walk(source, client, **how)


def topics_asked(forum: FakeForum) -> list[str]:
    """Topics that were fetched one by one."""
    return [path.split("/")[2].split(".")[0] for path in forum.server.paths() if path.startswith("/t/")]


def test_a_first_pass_reads_every_solved_topic(forum: FakeForum, tmp_path: Path) -> None:
    """Topics are fetched in the order of their ids, and parse to what the forum says."""
    forum.add(4, accepted=None)
    source = source_of(forum, tmp_path)
    held = walked(forum, source)
    assert held.fetched == ["1", "2", "30"]
    thread = held.threads(source)["30"]
    assert (thread.url, thread.category) == (f"{forum.server.url}/t/question-30/30", ("Hubs", "hubs", "5"))
    assert [(mark.post_id, mark.confidence) for mark in thread.solved] == [("30002", 1.0)]
    assert thread.warnings == ()


def test_a_second_pass_fetches_only_what_is_new(forum: FakeForum, tmp_path: Path) -> None:
    """Lists alone are read when nothing changed; a new topic and a new reply are fetched."""
    source = source_of(forum, tmp_path)
    held = walked(forum, source)
    walked(forum, source, held)
    assert (held.fetched, topics_asked(forum), len(forum.server.requests)) == ([], [], 2)
    forum.add(31)
    forum.topics[2]["bumped_at"] = "later"
    assert walked(forum, source, held).fetched == ["2", "31"]


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Another title"},
        {"slug": "another-slug"},
        {"closed": True},
        {"tags": [{"id": 1, "name": "led", "slug": "led"}]},
    ],
)
def test_what_a_list_shows_is_seen_by_the_next_pass(change: dict[str, Any], forum: FakeForum, tmp_path: Path) -> None:
    """A new title, address, state or tag is seen though nobody wrote a word; the ref stays."""
    source = source_of(forum, tmp_path)
    held = walked(forum, source)
    forum.topics[2].update(change)
    assert walked(forum, source, held).fetched == ["2"]
    thread = held.threads(source)["2"]
    shown = {"title": thread.title, "slug": thread.url.split("/")[-2], "closed": bool(thread.closed)}
    assert all(shown.get(name, value) == value for name, value in change.items())


def test_a_topic_that_cannot_be_read_stops_no_other(forum: FakeForum, tmp_path: Path) -> None:
    """It is named, keeps its last good content, and is asked for again; three in a row are a forum that is not well."""
    source = source_of(forum, tmp_path)
    for number in (40, 41, 42):
        forum.add(number)
    broken = Canned(500)
    with closing(open_store(tmp_path / "store.sqlite")) as store, testing_client(forum.server) as client:

        def night(**routes: Canned) -> tuple[set[str], tuple[str, ...]]:
            before = {path: forum.server._routes[path] for path in routes}
            forum.server._routes.update(routes)
            report = harvest_live(source, client, store, full=True)
            forum.server._routes.update(before)
            return set(stored(store, "forum")), report.failed

        others = {"1", "30", "40", "41", "42"}
        held, failed = night(**{"/t/2.json": broken})
        assert (held, [message.partition(":")[2][:2] for message in failed]) == (others, ["2:"])
        assert "answers 500" in failed[0]
        assert night() == (others | {"2"}, ())
        held, (failure,) = night(**{"/t/2.json": broken})
        assert (held, failure[:8]) == (others | {"2"}, "forum:2:")
        held, (failure, *_) = night(**{f"/t/{number}.json": broken for number in (2, 30, 40)})
        assert held == others | {"2"}
        assert failure.endswith("what was published from it stays")


def test_views_move_nothing(forum: FakeForum, tmp_path: Path) -> None:
    """A topic that was only looked at is not fetched again."""
    source = source_of(forum, tmp_path)
    held = walked(forum, source)
    forum.topics[2]["views"] = 1_000
    assert walked(forum, source, held).fetched == []


def test_an_unaccept_is_seen_by_the_next_pass(forum: FakeForum, tmp_path: Path) -> None:
    """A topic that lost its accepted answer, or its plugin's category, is withdrawn without a full pass."""
    source = source_of(forum, tmp_path)
    held = walked(forum, source)
    forum.topics[2]["post_stream"]["posts"][1]["accepted_answer"] = False
    walked(forum, source, held)
    assert (held.fetched, sorted(held.ids())) == ([], ["1", "30"])


def test_an_accept_that_moved_is_seen_by_a_full_pass(forum: FakeForum, tmp_path: Path) -> None:
    """The lists say nothing when another post is accepted and nothing is bumped; a full pass fetches everything."""
    source = source_of(forum, tmp_path)
    forum.add(2, replies=2)
    held = walked(forum, source)
    first, second = forum.topics[2]["post_stream"]["posts"][1:]
    first["accepted_answer"], second["accepted_answer"] = False, True
    assert walked(forum, source, held).fetched == []
    assert walked(forum, source, held, full=True).fetched == ["1", "2", "30"]
    assert [mark.post_id for mark in held.threads(source)["2"].solved] == ["2003"]


@pytest.mark.parametrize(
    "end",
    ["private", "late", "deleted", "unlisted", "restricted", "merged", "gone"],
)
@pytest.mark.parametrize("full", [False, True])
def test_what_nobody_may_read_is_withdrawn(end: str, forum: FakeForum, tmp_path: Path, *, full: bool) -> None:
    """However a topic ends, the next pass withdraws it, also when it happens between the list and the fetch."""
    source = source_of(forum, tmp_path)
    held = walked(forum, source)
    changed: dict[str, dict[str, Any]] = {
        "unlisted": {"visible": False},
        "deleted": {"visible": False, "deleted_at": "2026-01-01"},
        "restricted": {"category_id": 9},
        "late": {"bumped_at": "later"},
        "merged": {"id": 1, "bumped_at": "later"},
    }
    forum.categories.append({"id": 9, "name": "Staff", "read_restricted": True})
    forum.topics[2].update(changed.get(end, {}))
    if end == "private":
        forum.private.add(2)
    elif end == "late":
        forum.late.add(2)
    elif end == "gone":
        del forum.topics[2]
        forum.server.drop("/t/2.json")
    assert sorted(walked(forum, source, held, full=full).ids()) == ["1", "30"]


def test_restricted_topics_are_never_asked_for(forum: FakeForum, tmp_path: Path) -> None:
    """With a key the lists hold topics of restricted categories and unlisted ones; none is fetched or stored."""
    forum.categories += [{"id": 9, "name": "Staff", "read_restricted": True}, {"id": 10, "parent_category_id": 9}]
    forum.add(40, category_id=9)
    forum.add(41, category_id=10)
    forum.add(42, visible=False)
    forum.add(43, archetype="private_message")
    held = walked(forum, source_of(forum, tmp_path, api_key="k", api_username="bot"))
    assert sorted(held.ids()) == ["1", "2", "30"] == topics_asked(forum)


def test_words_that_only_staff_see_are_not_stored(forum: FakeForum, tmp_path: Path) -> None:
    """Whispers are left out, and hidden and deleted posts lose their words; no avatar and no reader's data is kept."""
    forum.topics[2]["post_stream"]["posts"] += [
        post(3, post_type=4, cooked="<p>whisper</p>"),
        post(4, hidden=True, cooked="<p>insult</p>"),
        post(5, user_deleted=True, cooked="<p>regret</p>", avatar_template="/face.png"),
    ]
    payload = walked(forum, source_of(forum, tmp_path)).records["2"].payload.decode()
    assert [word for word in ("whisper", "insult", "regret", "face", "can_edit", "suggested") if word in payload] == []


def test_a_long_topic_is_read_in_chunks_of_twenty(forum: FakeForum, tmp_path: Path) -> None:
    """45 posts take two requests more; a post that the stream names and nobody is given leaves a warning."""
    forum.add(2, replies=44, accepted=45)
    forum.absent.add(2033)
    source = source_of(forum, tmp_path)
    held = walked(forum, source)
    assert forum.server.paths().count("/t/2/posts.json") == 2
    thread = held.threads(source)["2"]
    assert len(thread.answers) == 43
    assert [mark.post_id for mark in thread.solved] == ["2045"]
    assert thread.warnings == ("1 posts were not read: deleted meanwhile, or beyond `most_posts`.",)


def test_most_posts_spares_no_accepted_answer(forum: FakeForum, tmp_path: Path) -> None:
    """Beyond the configured number only accepted answers are read."""
    forum.add(2, replies=70, accepted=None)["accepted_answers"] = [{"id": 2055, "post_number": 55}]
    forum.topics[2]["post_stream"]["posts"][54]["accepted_answer"] = True
    source = source_of(forum, tmp_path, most_posts=20)
    thread = walked(forum, source).threads(source)["2"]
    assert [mark.post_id for mark in thread.solved] == ["2055"]
    assert forum.server.paths().count("/t/2/posts.json") == 1


def test_lists_may_shift_repeat_and_put_pinned_first(forum: FakeForum, tmp_path: Path) -> None:
    """Pages of one topic each with a pinned one on top give every topic once."""
    forum.page, forum.pinned = 1, {30}
    assert walked(forum, source_of(forum, tmp_path)).fetched == ["1", "2", "30"]


def test_a_list_without_end_ends(forum: FakeForum, tmp_path: Path) -> None:
    """A server that answers every page with the first one is not asked for ever."""
    items = [{"id": number, "has_accepted_answer": True} for number in (1, 2)]
    forum.server.route("/latest.json", {"topic_list": {"topics": items, "more_topics_url": "/latest?page=1"}})
    assert walked(forum, source_of(forum, tmp_path)).fetched == ["1", "2"]
    assert forum.server.paths().count("/latest.json") == 2


def test_a_topic_that_a_shifting_list_skipped_is_not_withdrawn(forum: FakeForum, tmp_path: Path) -> None:
    """What is known and not listed is asked for by its own address before anything is decided."""
    source = source_of(forum, tmp_path)
    held = walked(forum, source)
    items = [{"id": number, "has_accepted_answer": True} for number in (1, 30)]
    forum.server.route("/latest.json", {"topic_list": {"topics": items}})
    assert sorted(walked(forum, source, held, full=True).ids()) == ["1", "2", "30"]


def test_a_forum_without_the_plugin_is_read_whole(forum: FakeForum, tmp_path: Path) -> None:
    """Absent is not false: where nothing is said of solutions, every topic is read, unsolved."""
    forum.plugin = False
    for found in forum.topics.values():
        for one in found["post_stream"]["posts"]:
            del one["accepted_answer"]
    source = source_of(forum, tmp_path)
    held = walked(forum, source)
    assert [thread.solved for thread in held.threads(source).values()] == [(), (), ()]


def test_unsolved_topics_are_read_on_wish(forum: FakeForum, tmp_path: Path) -> None:
    """``only_solved: false`` reads every topic."""
    forum.add(4, accepted=None)
    assert walked(forum, source_of(forum, tmp_path, only_solved=False)).fetched == ["1", "2", "4", "30"]


@pytest.mark.parametrize("name", ["Hubs", "hubs", "5"])
def test_chosen_categories_are_read_with_those_below(name: str, forum: FakeForum, tmp_path: Path) -> None:
    """A category is chosen by name, slug or id."""
    forum.categories += [{"id": 6, "name": "Other", "slug": "other"}]
    forum.add(2, category_id=6)
    assert walked(forum, source_of(forum, tmp_path, categories=[name])).fetched == ["1", "30"]


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("full", [False, True])
def test_an_interrupted_pass_goes_on_where_it_was(steps: int, forum: FakeForum, tmp_path: Path, *, full: bool) -> None:
    """A pass that broke off after any step loses nothing and fetches nothing twice."""
    for number in range(100, 160):
        forum.add(number)
    source = source_of(forum, tmp_path)
    held = walked(forum, source, full=full, steps=steps)
    first = held.fetched
    walked(forum, source, held)
    assert len(first) == 20 * steps
    assert [*first, *held.fetched] == sorted((str(number) for number in forum.topics), key=int)


def test_newest_posts_alone_tell_what_to_read(forum: FakeForum, tmp_path: Path) -> None:
    """With ``list_each_time: false`` a pass over changes reads posts back to the last one known, over gaps."""
    source = source_of(forum, tmp_path, list_each_time=False)
    held = walked(forum, source)
    assert held.mark == "30002"
    forum.add(31)
    forum.add(90, replies=119)
    forum.private.add(90)
    forum.topics[1]["post_stream"]["posts"].append(post(3, id=99_001, post_number=3))
    walked(forum, source, held)
    assert (held.fetched, held.mark) == (["1", "31"], "99001")
    assert "/latest.json" not in forum.server.paths()[1:-3]


def test_a_resumed_pass_marks_its_own_beginning(forum: FakeForum, tmp_path: Path) -> None:
    """What is written between an interruption and its resumption belongs to the next pass."""
    for number in range(100, 130):
        forum.add(number)
    source = source_of(forum, tmp_path, list_each_time=False)
    held = walked(forum, source, steps=1)
    forum.topics[1]["post_stream"]["posts"].append(post(3, id=900_001, post_number=3))
    assert walked(forum, source, held).mark == "129002"
    assert walked(forum, source, held).fetched == ["1"]


def test_keys_are_sent_and_never_said(forum: FakeForum, tmp_path: Path) -> None:
    """An administrator's key and a user's go into their own headers."""
    walked(forum, source_of(forum, tmp_path, api_key="k1", api_username="bot"))
    keyed = forum.server.requests[-1].headers
    assert (keyed["api-key"], keyed["api-username"]) == ("k1", "bot")
    walked(forum, source_of(forum, tmp_path, user_api_key="k2"))
    assert forum.server.requests[-1].headers["user-api-key"] == "k2"


def members_only(forum: FakeForum) -> None:
    """Make a forum answer members alone."""
    latest = forum._latest
    refused = Canned(403, {"Content-Type": "application/json"}, b'{"errors":["x"],"error_type":"not_logged_in"}')
    forum.server.route("/latest.json", lambda request: latest(request) if "api-key" in request.headers else refused)


def test_a_forum_for_members_needs_a_word(forum: FakeForum, tmp_path: Path) -> None:
    """What no visitor can read is not published because a key was at hand; the configuration may say otherwise."""
    members_only(forum)
    with pytest.raises(SourceError, match="shows its topics to members only"):
        walked(forum, source_of(forum, tmp_path, api_key="k"))
    assert len(walked(forum, source_of(forum, tmp_path, api_key="k", members_only=True)).fetched) == 3


def test_a_key_that_was_withdrawn_withdraws_nothing(forum: FakeForum, tmp_path: Path) -> None:
    """When every topic is refused because the key is, the source fails and keeps what it has."""
    source = source_of(forum, tmp_path, api_key="k", api_username="bot")
    held = walked(forum, source)
    latest = forum._latest
    answers: list[Any] = [latest, latest, Canned(403, {"Content-Type": "application/json"}, b"{}")]
    forum.server.route("/latest.json", answers)
    forum.late |= {1, 2, 30}
    with pytest.raises(SourceError, match="answers 403; check `api_key`"):
        walked(forum, source, held, full=True)
    assert len(held.ids()) == 3


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (Canned(403, {"Content-Type": "application/json"}, b'{"error_type":"not_logged_in"}'), "when it needs a login"),
        (Canned(200, {"Content-Type": "text/html"}, b"<html>Checking your browser</html>"), "with a web page"),
        ({"posts": []}, "is not what Discourse answers"),
    ],
)
def test_a_site_that_is_none_or_closed_says_what_to_do(
    answer: Any, problem: str, forum: FakeForum, tmp_path: Path
) -> None:
    """Something else than a readable forum stops the pass with a sentence."""
    forum.server.route("/latest.json", answer)
    with pytest.raises(SourceError, match=problem):
        walked(forum, source_of(forum, tmp_path))


@pytest.mark.parametrize(
    "answer",
    [
        Canned(
            429,
            {"Content-Type": "text/plain", "Retry-After": "9", "Discourse-Rate-Limit-Error-Code": "ip_10_secs_limit"},
            b"Slow down, you're making too many requests.",
        ),
        Canned(
            429,
            {"Content-Type": "application/json"},
            b'{"errors":["x"],"error_type":"rate_limit","extras":{"wait_seconds":4}}',
        ),
        Canned(429, {"Content-Type": "text/html"}, b"<html>Too many</html>"),
    ],
)
def test_every_way_of_saying_slow_down_is_waited_out(answer: Canned, forum: FakeForum, tmp_path: Path) -> None:
    """A limited pass completes without losing or doubling anything."""
    forum.server.route("/t/2.json", [answer, answer, lambda _: forum._topic(2)])
    assert walked(forum, source_of(forum, tmp_path)).fetched == ["1", "2", "30"]


def test_an_unreadable_topic_is_named_and_the_others_are_read(forum: FakeForum, tmp_path: Path) -> None:
    """A topic in a shape nobody knows is an error with its address."""
    forum.server.route("/t/2.json", {"id": 2, "post_stream": {"posts": "none"}})
    held = walked(forum, source_of(forum, tmp_path))
    assert held.fetched == ["1", "30"]
    assert [error.place for error in held.errors] == [f"{forum.server.url}/t/2.json"]


HOMES: WeakKeyDictionary[FakeServer, FakeForum] = WeakKeyDictionary()
"""What lies on which server, for the kit's changes."""


def serve(server: FakeServer) -> None:
    """Lay out a forum with two solved topics, one of three pages, and what nobody may see."""
    forum = HOMES[server] = FakeForum(server)
    forum.categories.append({"id": 9, "name": "Staff", "read_restricted": True})
    forum.add(1)
    forum.add(2, replies=44, accepted=45)
    forum.add(3, category_id=9)
    forum.add(4, visible=False)
    forum.add(5, accepted=None)


def posts_of(server: FakeServer, number: int) -> list[dict[str, Any]]:
    """The posts of a topic."""
    posts: list[dict[str, Any]] = HOMES[server].topics[number]["post_stream"]["posts"]
    return posts


SAMPLE = LiveSample(
    source=lambda url: discourse(Path(), None, url=url),
    serve=serve,
    ids=("1", "2"),
    changes={
        "edit": LiveChange(lambda server: posts_of(server, 1)[1].update(cooked="<p>New</p>"), "1", "changed"),
        "unaccept": LiveChange(
            lambda server: posts_of(server, 1)[1].update(accepted_answer=False), "1", "gone", "changes"
        ),
        "delete": LiveChange(lambda server: HOMES[server].private.add(1), "1", "gone", "changes"),
        "privatise": LiveChange(lambda server: HOMES[server].topics[1].update(category_id=9), "1", "gone", "changes"),
    },
    restricted=("3", "4"),
)


@pytest.mark.parametrize("check", LIVE_CHECKS, ids=lambda check: check.__name__)
def test_the_forum_keeps_the_rules_of_live_sources(check: LiveCheck) -> None:
    """The kit's checks, kills at every request among them, hold for a forum."""
    check(SAMPLE)
