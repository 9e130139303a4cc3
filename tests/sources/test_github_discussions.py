"""Rules of ``kbgen.sources.github_discussions`` and ``github_live``."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from fake_github import FakeGitHub, comment
from live_builders import Held
from pydantic import ValidationError

from kbgen.errors import RecordError, SourceError
from kbgen.model import Person, Solved, Thread
from kbgen.sources.github_discussions import GitHubDiscussionsSource, GitHubOptions
from kbgen.testing import LIVE_CHECKS, LiveChange, LiveSample
from kbgen.testing.live_checks import LiveCheck
from kbgen.testing.server import Canned, FakeServer, testing_client

REPOSITORY = "https://github.com/hubs/hub"


@pytest.fixture
def hub() -> Iterator[FakeGitHub]:
    """A repository with three answered discussions."""
    with FakeServer() as server:
        found = FakeGitHub(server)
        for number in (1, 2, 30):
            found.add(number)
        yield found


def source_of(hub: FakeGitHub, project: Path, **options: Any) -> GitHubDiscussionsSource:
    """The repository as a configured source."""
    block = {"name": "gh", "kind": "github-discussions", "url": REPOSITORY, "token": "t", **options}
    return GitHubDiscussionsSource(GitHubOptions.model_validate({"api": f"{hub.server.url}/graphql", **block}), project)


def walked(hub: FakeGitHub, source: GitHubDiscussionsSource, held: Held | None = None, **how: Any) -> Held:
    """What a pass leaves behind; the queries of this pass alone are counted."""
    hub.queries.clear()
    with testing_client(hub.server) as client:
        return (held or Held()).walk(source, client, **how)


def only(hub: FakeGitHub, project: Path, number: int, **options: Any) -> Thread:
    """One discussion, walked and parsed."""
    source = source_of(hub, project, **options)
    return walked(hub, source).threads(source)[str(number)]


def test_a_discussion_becomes_a_thread(hub: FakeGitHub, tmp_path: Path) -> None:
    """Every field arrives in its place."""
    thread = only(hub, tmp_path, 2)
    ada = Person("ada", "ada", "https://github.com/ada")
    assert (thread.ref, thread.url, thread.title) == ("gh:2", f"{REPOSITORY}/discussions/2", "Question 2")
    assert (thread.question.author, thread.question.html) == (ada, "<p>Comment 2.</p>")
    assert thread.solved == (Solved("201", "accepted", datetime(2026, 1, 3, 10, tzinfo=UTC), "ada"),)
    assert (thread.tags, thread.category, thread.visibility) == (("export",), ("Q&A", "q-a"), "public")
    (answer,) = thread.answers
    assert (answer.id, answer.score, answer.author.name) == ("201", 3, "ben")


@pytest.mark.parametrize("association", ["OWNER", "MEMBER", "COLLABORATOR", "CONTRIBUTOR", "NONE"])
def test_staff_is_who_belongs_to_the_repository(association: str, hub: FakeGitHub, tmp_path: Path) -> None:
    """Owners, members and collaborators answer as staff."""
    hub.add(2, comment(201, authorAssociation=association))
    assert only(hub, tmp_path, 2).answers[0].author.is_staff == (association not in {"CONTRIBUTOR", "NONE"})
    assert only(hub, tmp_path, 2, staff=["BEN"]).answers[0].author.is_staff


def test_an_account_that_is_gone_is_a_ghost(hub: FakeGitHub, tmp_path: Path) -> None:
    """A deleted author is credited as GitHub shows it, without a profile."""
    hub.add(2, comment(201, None))
    assert only(hub, tmp_path, 2).answers[0].author == Person("", "ghost", deleted=True)


def test_a_reply_may_be_the_answer(hub: FakeGitHub, tmp_path: Path) -> None:
    """Replies are no answers but for the chosen one, which stands after its comment."""
    chosen = comment(203, isAnswer=True)
    hub.add(2, comment(201, replies=[comment(202), chosen]), comment(204), answer=chosen)
    thread = only(hub, tmp_path, 2)
    assert [answer.id for answer in thread.answers] == ["201", "203", "204"]
    assert [mark.post_id for mark in thread.solved] == ["203"]


def test_long_discussions_are_read_to_their_end(hub: FakeGitHub, tmp_path: Path) -> None:
    """Comments and replies come page by page, each once; an answer far down is found."""
    replies = [comment(900 + number) for number in range(5)]
    comments = [comment(200 + number, replies=replies if number == 3 else []) for number in range(1, 8)]
    replies[4]["isAnswer"] = True
    hub.add(2, *comments, answer=replies[4])
    thread = only(hub, tmp_path, 2)
    assert [answer.id for answer in thread.answers] == ["201", "202", "203", "904", "204", "205", "206", "207"]
    assert (hub.queries.count("Comments"), hub.queries.count("Replies")) == (3, 2)


def test_an_answer_beyond_the_last_page_read_is_kept(hub: FakeGitHub, tmp_path: Path) -> None:
    """With a bound on comments the chosen answer is there all the same."""
    comments = [comment(2000 + number) for number in range(60)]
    hub.add(2, *comments, answer=comments[-1])
    thread = only(hub, tmp_path, 2, most_comments=50)
    assert [mark.post_id for mark in thread.solved] == ["2059"]
    assert len(thread.answers) == 51


@pytest.mark.parametrize(
    ("change", "state"),
    [({"isMinimized": True, "minimizedReason": "spam"}, "hidden"), ({"deletedAt": "2026-01-04T10:00:00Z"}, "deleted")],
)
def test_a_hidden_answer_is_none(change: dict[str, Any], state: str, hub: FakeGitHub, tmp_path: Path) -> None:
    """A minimised or deleted comment loses its words in the store, and is no solution."""
    hub.add(2, comment(201, bodyHTML="<p>insult</p>", **change))
    source = source_of(hub, tmp_path)
    held = walked(hub, source)
    assert "insult" not in held.records["2"].payload.decode()
    thread = held.threads(source)["2"]
    assert thread.solved == ()
    assert thread.warnings == (f"The chosen answer, comment 201, is {state}; it counts as not chosen.",)


@pytest.mark.parametrize(
    ("closed", "reason", "shown"),
    [
        (True, "RESOLVED", None),
        (True, "DUPLICATE", "duplicate"),
        (True, "OUTDATED", "outdated"),
        (False, "REOPENED", None),
    ],
)
def test_why_a_discussion_was_closed(
    reason: str, shown: str | None, hub: FakeGitHub, tmp_path: Path, *, closed: bool
) -> None:
    """RESOLVED is a good end, not a reason against it."""
    hub.add(2, closed=closed, stateReason=reason)
    assert only(hub, tmp_path, 2).closed == shown


def test_a_second_pass_reads_the_list_alone(hub: FakeGitHub, tmp_path: Path) -> None:
    """Nothing is fetched when nothing changed; what is new or was touched is."""
    source = source_of(hub, tmp_path)
    held = walked(hub, source)
    walked(hub, source, held)
    assert (held.fetched, hub.queries) == ([], ["Index", "Index"])
    hub.add(31)
    hub.discussions[2]["updatedAt"] = "2026-02-01T10:00:00Z"
    assert walked(hub, source, held).fetched == ["2", "31"]


def test_an_answer_that_moved_is_seen_by_the_next_pass(hub: FakeGitHub, tmp_path: Path) -> None:
    """The list tells the answer, so another choice is seen though nothing else moved."""
    second = comment(202)
    hub.add(2, comment(201), second)
    source = source_of(hub, tmp_path)
    held = walked(hub, source)
    hub.discussions[2]["answer"] = second
    walked(hub, source, held)
    assert [mark.post_id for mark in held.threads(source)["2"].solved] == ["202"]


@pytest.mark.parametrize("end", ["unanswered", "deleted", "transferred", "category"])
@pytest.mark.parametrize("full", [False, True])
def test_what_is_no_longer_there_is_withdrawn(end: str, hub: FakeGitHub, tmp_path: Path, *, full: bool) -> None:
    """However a discussion ends, the next pass withdraws it."""
    source = source_of(hub, tmp_path)
    held = walked(hub, source)
    if end == "unanswered":
        hub.discussions[2].update(isAnswered=False, answer=None)
    elif end == "deleted":
        del hub.discussions[2]
    elif end == "category":
        hub.discussions[2]["category"] = {"name": "Ideas", "slug": "ideas", "isAnswerable": False}
    else:
        hub.discussions[2].update(transferred=True, updatedAt="later")
        hub.extra = {"errors": [{"type": "NOT_FOUND", "path": ["nodes", 0], "message": "no such node"}]}
    assert sorted(walked(hub, source, held, full=full).ids()) == ["1", "30"]


@pytest.mark.parametrize("steps", [1, 2])
def test_an_interrupted_pass_goes_on_where_it_was(steps: int, hub: FakeGitHub, tmp_path: Path) -> None:
    """Nothing is lost and nothing is fetched twice."""
    for number in range(100, 125):
        hub.add(number)
    source = source_of(hub, tmp_path)
    held = walked(hub, source, steps=steps)
    first = held.fetched
    walked(hub, source, held)
    assert [*first, *held.fetched] == [str(number) for number in sorted(hub.discussions)]


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({}, ["2", "30"]),
        ({"only_solved": False}, ["2", "4", "30"]),
        ({"categories": ["Ideas"]}, ["1"]),
        ({"categories": ["q-a", "ideas"]}, ["1", "2", "30"]),
    ],
)
def test_which_discussions_are_read(
    options: dict[str, Any], wanted: list[str], hub: FakeGitHub, tmp_path: Path
) -> None:
    """By default those of categories that can be answered, and that are."""
    hub.discussions[1]["category"] = {"name": "Ideas", "slug": "ideas", "isAnswerable": False}
    hub.add(4, isAnswered=False, answer=None)
    assert walked(hub, source_of(hub, tmp_path, **options)).fetched == wanted


@pytest.mark.parametrize(
    ("repository", "problem"),
    [
        (None, "no such repository"),
        ({"isPrivate": True}, "is private, so nothing of it may be published"),
        ({"hasDiscussionsEnabled": False}, "has no discussions"),
    ],
)
def test_a_repository_that_cannot_be_read_says_why(
    repository: dict[str, Any] | None, problem: str, hub: FakeGitHub, tmp_path: Path
) -> None:
    """A private repository is refused, also when the token may read it."""
    hub.repository = repository
    with pytest.raises(SourceError, match=problem):
        walked(hub, source_of(hub, tmp_path))


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        ({"type": "RATE_LIMITED", "message": "slow"}, "points are used up until 2026-03-01T13:00:00Z"),
        ({"type": "SERVICE_UNAVAILABLE", "message": "try later"}, r"cannot answer \(try later\)"),
        ({"message": "broken"}, r"cannot answer \(broken\)"),
    ],
)
def test_an_error_that_comes_with_200_stops_the_pass(
    error: dict[str, Any], problem: str, hub: FakeGitHub, tmp_path: Path
) -> None:
    """Whatever is known stays, and the sentence says what happens next."""
    source = source_of(hub, tmp_path)
    held = walked(hub, source)
    hub.extra = {"errors": [error]}
    with pytest.raises(SourceError, match=problem):
        walked(hub, source, held, full=True)
    assert len(held.ids()) == 3


def test_points_are_not_overdrawn(hub: FakeGitHub, tmp_path: Path) -> None:
    """When the hour's points are used up nothing more is asked."""
    hub.remaining = 0
    with pytest.raises(SourceError, match="points are used up until"):
        walked(hub, source_of(hub, tmp_path))
    assert hub.queries == ["Index"]


def test_a_cursor_that_repeats_ends_the_pass(hub: FakeGitHub, tmp_path: Path) -> None:
    """A list that leads in a circle is given up, and nothing is withdrawn for what it lacks."""
    source = source_of(hub, tmp_path)
    held = walked(hub, source)
    hub.stuck = True
    with pytest.raises(SourceError, match="gave the cursor 1 twice"):
        walked(hub, source, held)
    assert len(held.ids()) == 3


def test_a_refused_token_is_named_and_never_shown(hub: FakeGitHub, tmp_path: Path) -> None:
    """The token goes into its header and nowhere else."""
    source = source_of(hub, tmp_path, token="ghp-secret")
    walked(hub, source)
    assert hub.server.requests[-1].headers["authorization"] == "bearer ghp-secret"
    hub.server.route("/graphql", Canned(401, {"Content-Type": "application/json"}, b'{"message":"Bad credentials"}'))
    with pytest.raises(SourceError, match="refuses the token") as caught:
        walked(hub, source)
    assert "ghp-secret" not in f"{caught.value}{source.options!r}"


@pytest.mark.parametrize("url", ["https://github.com/hubs", "https://github.com/hubs/hub/discussions"])
def test_the_address_is_that_of_a_repository(url: str, hub: FakeGitHub, tmp_path: Path) -> None:
    """Anything else is a fault of the configuration."""
    with pytest.raises(ValidationError, match="must be the address of a repository"):
        source_of(hub, tmp_path, url=url)


@pytest.mark.parametrize("changes", [{"title": " "}, {"createdAt": "soon"}, {"comments": 7}])
def test_a_discussion_that_cannot_be_read_is_an_error(changes: dict[str, Any], hub: FakeGitHub, tmp_path: Path) -> None:
    """What is stored and makes no sense is named by its address."""
    source = source_of(hub, tmp_path)
    record = walked(hub, source).records["2"]
    node = {**json.loads(record.payload)["discussion"], **changes}
    again = source.record(2, "thread", record.url, {"discussion": node}, record.place)
    with pytest.raises(RecordError, match="discussions/2: is not a discussion as GitHub writes it"):
        source.parse(again)


HOMES: WeakKeyDictionary[FakeServer, FakeGitHub] = WeakKeyDictionary()
"""What lies on which server, for the kit's changes."""


def serve(server: FakeServer) -> None:
    """Lay out a repository with three answered discussions, one of several pages, and one that is none."""
    hub = HOMES[server] = FakeGitHub(server)
    hub.add(1)
    hub.add(2, *(comment(200 + number, replies=[comment(290 + number)] * (number == 1)) for number in range(1, 6)))
    hub.add(3)
    hub.add(4, category={"name": "Ideas", "slug": "ideas", "isAnswerable": False})


def touch(server: FakeServer, **changes: Any) -> None:
    """Change discussion 1."""
    HOMES[server].discussions[1].update(changes)


def hub_at(url: str) -> GitHubDiscussionsSource:
    """The repository behind a server's address."""
    block = {"name": "gh", "kind": "github-discussions", "url": REPOSITORY, "token": "t", "api": f"{url}/graphql"}
    return GitHubDiscussionsSource(GitHubOptions.model_validate(block), Path())


SAMPLE = LiveSample(
    source=hub_at,
    serve=serve,
    ids=("1", "2", "3"),
    changes={
        "edit": LiveChange(lambda server: touch(server, bodyHTML="<p>New</p>"), "1", "changed"),
        "retitle": LiveChange(lambda server: touch(server, title="New"), "1", "changed", "changes"),
        "unaccept": LiveChange(lambda server: touch(server, isAnswered=False, answer=None), "1", "gone", "changes"),
        "delete": LiveChange(lambda server: HOMES[server].discussions.pop(1), "1", "gone", "changes"),
    },
    restricted=("4",),
)


@pytest.mark.parametrize("check", LIVE_CHECKS, ids=lambda check: check.__name__)
def test_the_repository_keeps_the_rules_of_live_sources(check: LiveCheck) -> None:
    """The kit's checks, kills at every request among them, hold for a repository."""
    check(SAMPLE)
