"""Rules of ``kbgen.sources.stackexchange_api``, and of ``stackexchange`` over what it gives."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from live_builders import NOW, Held

from kbgen.errors import RecordError, SourceError
from kbgen.model import Person, Solved, Thread
from kbgen.sources.stackexchange import StackExchangeOptions, StackExchangeSource
from kbgen.testing import LIVE_CHECKS, LiveChange, LiveSample
from kbgen.testing.live_checks import LiveCheck
from kbgen.testing.server import Canned, FakeServer, InstantClock, Request, testing_client, testing_network

STACK = "https://hubs.stackexchange.com"
DAY = 86_400
JSON = {"Content-Type": "application/json"}


def owner(number: int, name: str, **changes: Any) -> dict[str, Any]:
    """An author."""
    link = f"{STACK}/users/{number}/{name.lower()}"
    return {"user_id": number, "user_type": "registered", "display_name": name, "link": link, **changes}


def reply(number: int, **changes: Any) -> dict[str, Any]:
    """An answer."""
    return {
        "answer_id": number,
        "body": f"<p>Answer {number}.</p>",
        "score": 5,
        "creation_date": DAY + number,
        "owner": owner(8, "Ben"),
        "content_license": "CC BY-SA 4.0",
        **changes,
    }


class FakeSite:
    """Serves questions as the API does, a page of them at a time.

    Attributes:
        questions: by id; change them as a site's people would.
        page: how many a page has, whatever is asked.
        quota: requests left.
        extra: put into every answer.
        embedded: how many answers come with a question.
    """

    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.questions: dict[int, dict[str, Any]] = {}
        self.page, self.quota, self.embedded = 2, 300, 30
        self.extra: dict[str, Any] = {}
        server.route("/2.3/questions", self._questions)
        server.route("/2.3/search/advanced", self._questions)
        server.route("/2.3/filters/create", lambda _: self._wrap([{"filter": "!abc"}], more=False))

    def add(self, number: int, *answers: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """Write a question; its first answer is the accepted one."""
        answers = answers or (reply(number * 100),)
        self.questions[number] = {
            "question_id": number,
            "title": f"Why does hub {number} blink?",
            "body": "<p>It blinks.</p>",
            "tags": ["hub"],
            "score": 4,
            "view_count": 90,
            "creation_date": number * DAY,
            "last_activity_date": number * DAY + 60,
            "owner": owner(7, "Ada"),
            "content_license": "CC BY-SA 4.0",
            "answer_count": len(answers),
            "accepted_answer_id": answers[0]["answer_id"],
            "answers": list(answers),
            **changes,
        }
        self.server.route(f"/2.3/questions/{number}/answers", lambda request: self._answers(number, request))
        return self.questions[number]

    def _wrap(self, items: list[Any], *, more: bool) -> dict[str, Any]:
        self.quota -= 1
        return {"items": items, "has_more": more, "quota_max": 300, "quota_remaining": self.quota, **self.extra}

    def _paged(self, items: list[Any], request: Request) -> dict[str, Any]:
        start = (int(request.query["page"]) - 1) * self.page
        return self._wrap(items[start : start + self.page], more=start + self.page < len(items))

    def _questions(self, request: Request) -> dict[str, Any]:
        assert request.query["filter"] == "!abc", "without a filter of its own there are no bodies"
        field = {"creation": "creation_date", "activity": "last_activity_date"}[request.query["sort"]]
        found = [one for one in self.questions.values() if one[field] >= int(request.query["min"])]
        if request.query.get("accepted"):
            found = [one for one in found if one.get("accepted_answer_id")]
        found = sorted(found, key=lambda one: (one[field], one["question_id"]))
        return self._paged([{**one, "answers": one["answers"][: self.embedded]} for one in found], request)

    def _answers(self, number: int, request: Request) -> dict[str, Any]:
        return self._paged(self.questions[number]["answers"], request)


@pytest.fixture
def site() -> Iterator[FakeSite]:
    """A site with five solved questions."""
    with FakeServer() as server:
        found = FakeSite(server)
        for number in range(1, 6):
            found.add(number)
        yield found


def source_of(site: FakeSite, project: Path, **options: Any) -> StackExchangeSource:
    """The site as a configured source."""
    block = {"name": "stack", "kind": "stackexchange", "url": STACK, "api": f"{site.server.url}/2.3", **options}
    return StackExchangeSource(StackExchangeOptions.model_validate(block), project)


def walked(site: FakeSite, source: StackExchangeSource, held: Held | None = None, **how: Any) -> Held:
    """What a pass leaves behind."""
    with testing_client(site.server) as client:
        return (held or Held()).walk(source, client, **how)


def only(site: FakeSite, project: Path, **options: Any) -> Thread:
    """Question 3, walked and parsed."""
    source = source_of(site, project, **options)
    return walked(site, source).threads(source)["3"]


def test_a_question_becomes_a_thread(site: FakeSite, tmp_path: Path) -> None:
    """Every field arrives in its place, and names and addresses are those a dump gives."""
    site.add(3, reply(31, last_edit_date=4 * DAY), reply(30))
    thread = only(site, tmp_path)
    url = f"{STACK}/questions/3/why-does-hub-3-blink"
    assert (thread.ref, thread.url, thread.title, thread.tags) == ("stack:3", url, "Why does hub 3 blink?", ("hub",))
    assert thread.question.author == Person("7", "Ada", f"{STACK}/users/7/ada")
    assert [(one.id, one.url, one.licence) for one in thread.answers] == [
        ("30", f"{STACK}/a/30", "CC BY-SA 4.0"),
        ("31", f"{STACK}/a/31", "CC BY-SA 4.0"),
    ]
    assert thread.solved == (Solved("31", "accepted"),)
    assert (thread.answers[1].edited, thread.created) == (
        datetime(1970, 1, 5, tzinfo=UTC),
        datetime(1970, 1, 4, tzinfo=UTC),
    )


def test_titles_and_names_are_escaped_once(site: FakeSite, tmp_path: Path) -> None:
    """The API escapes them as for HTML; here they are text."""
    site.add(3, title="Is &lt;b&gt; &amp; &#39;&amp;amp;&#39; safe?", owner=owner(7, "Ada &amp; Ben"))
    thread = only(site, tmp_path)
    assert (thread.title, thread.question.author.name) == ("Is <b> & '&amp;' safe?", "Ada & Ben")


@pytest.mark.parametrize(
    ("who", "person"),
    [
        ({"user_type": "does_not_exist", "display_name": "Old Ada"}, Person("", "Old Ada", deleted=True)),
        ({"user_type": "does_not_exist"}, Person("", "(account removed)", deleted=True)),
        (None, Person("", "(account removed)", deleted=True)),
        (owner(9, "Eve"), Person("9", "Eve", f"{STACK}/users/9/eve", is_staff=True)),
    ],
)
def test_an_author_is_credited_as_the_site_does(who: Any, person: Person, site: FakeSite, tmp_path: Path) -> None:
    """An account that is gone has no id and no profile."""
    site.add(3, owner=who)
    assert only(site, tmp_path, staff=["eve"]).question.author == person


def test_without_a_stated_licence_the_day_decides(site: FakeSite, tmp_path: Path) -> None:
    """As for dumps: the licence follows from the day the post was written."""
    site.add(3, content_license=None)
    assert only(site, tmp_path).question.licence == "CC BY-SA 2.5"


def test_an_accepted_answer_that_dangles_is_none(site: FakeSite, tmp_path: Path) -> None:
    """A deleted answer may still be named."""
    site.add(3, reply(30), accepted_answer_id=99)
    thread = only(site, tmp_path)
    assert thread.solved == ()
    assert thread.warnings == ("The accepted answer, 99, is not there; the question counts as unsolved.",)


@pytest.mark.parametrize(
    ("reason", "details", "closed", "duplicates"),
    [
        (
            "Duplicate",
            {"reason": "Duplicate", "original_questions": [{"question_id": 1}] * 2},
            "duplicate",
            ("stack:1",),
        ),
        ("Not suitable for this site", None, "off-topic", ()),
        ("Needs more focus", None, "too-broad", ()),
        ("Something new", None, "something-new", ()),
        (None, None, "closed", ()),
    ],
)
def test_why_a_question_was_closed(
    reason: str | None,
    details: Any,
    closed: str,
    duplicates: tuple[str, ...],
    site: FakeSite,
    tmp_path: Path,
) -> None:
    """The API's words become the reasons a dump gives."""
    site.add(3, closed_date=5 * DAY, closed_reason=reason, closed_details=details)
    thread = only(site, tmp_path)
    assert (thread.closed, thread.duplicate_of) == (closed, duplicates)


def test_pages_go_by_time(site: FakeSite, tmp_path: Path) -> None:
    """Each page begins where the last one ended, each question is stored once, and no high page number is asked."""
    for number in range(6, 40):
        site.add(number)
    held = walked(site, source_of(site, tmp_path))
    assert held.fetched == [str(number) for number in range(1, 40)]
    assert {request.query.get("page", "1") for request in site.server.requests} <= {"1", "2"}


def test_a_page_of_one_second_is_followed_by_the_next(site: FakeSite, tmp_path: Path) -> None:
    """More questions of one second than a page holds are all read."""
    for number in range(10, 17):
        site.add(number, creation_date=9 * DAY)
    assert sorted(walked(site, source_of(site, tmp_path)).fetched, key=int) == [
        str(number) for number in (*range(1, 6), *range(10, 17))
    ]


def test_long_threads_are_read_to_their_end(site: FakeSite, tmp_path: Path) -> None:
    """Answers that do not come with the question are asked for."""
    site.embedded = 1
    site.add(3, *(reply(number) for number in range(31, 36)))
    assert [answer.id for answer in only(site, tmp_path).answers] == ["31", "32", "33", "34", "35"]


def test_a_second_pass_reads_what_was_active(site: FakeSite, tmp_path: Path) -> None:
    """New and touched questions are read; one that lost its accepted answer is withdrawn."""
    source = source_of(site, tmp_path)
    held = walked(site, source)
    late = int(NOW.timestamp())
    site.questions[2]["last_activity_date"] = late
    site.questions[4].update(last_activity_date=late, accepted_answer_id=None)
    site.add(6, last_activity_date=late)
    site.add(7, last_activity_date=late, accepted_answer_id=None)
    walked(site, source, held)
    assert (held.fetched, sorted(held.ids())) == (["2", "6"], ["1", "2", "3", "5", "6"])


@pytest.mark.parametrize("end", ["deleted", "unaccepted", "moved"])
def test_what_bumps_nothing_is_seen_by_a_full_pass(end: str, site: FakeSite, tmp_path: Path) -> None:
    """Deleted questions and silent un-accepts are withdrawn, and an accept that moved is seen."""
    site.add(3, reply(30), reply(31))
    source = source_of(site, tmp_path)
    held = walked(site, source)
    if end == "deleted":
        del site.questions[3]
    else:
        site.questions[3]["accepted_answer_id"] = None if end == "unaccepted" else 31
    walked(site, source, held, full=True)
    found = held.threads(source).get("3")
    assert [mark.post_id for mark in found.solved] == ["31"] if end == "moved" and found else found is None


@pytest.mark.parametrize("steps", [1, 2])
def test_an_interrupted_pass_goes_on_where_it_was(steps: int, site: FakeSite, tmp_path: Path) -> None:
    """Nothing is lost; only the last second is read again."""
    source = source_of(site, tmp_path)
    held = walked(site, source, steps=steps)
    first = set(held.fetched)
    walked(site, source, held)
    assert first | set(held.fetched) == {"1", "2", "3", "4", "5"}
    assert len(first & set(held.fetched)) == 1


def test_unsolved_questions_are_read_on_wish(site: FakeSite, tmp_path: Path) -> None:
    """``only_solved: false`` reads every question."""
    site.add(6, accepted_answer_id=None)
    assert "6" not in walked(site, source_of(site, tmp_path)).fetched
    assert "6" in walked(site, source_of(site, tmp_path, only_solved=False)).fetched


def test_backoff_is_waited_out_and_an_empty_quota_ends_the_pass(site: FakeSite, tmp_path: Path) -> None:
    """Two seconds asked for are waited; when the quota is used up nothing more is asked, and the cursor stays."""
    site.extra = {"backoff": 2}
    site.quota = 3
    clock = InstantClock()
    held = Held()
    source = source_of(site, tmp_path)
    network = testing_network(clock=clock)
    with testing_client(site.server, network) as client, pytest.raises(SourceError, match=r"quota .* `key` raises it"):
        held.walk(source, client)
    assert (len(site.server.requests), max(clock.waited) >= 2) == (3, True)
    site.quota = 300
    assert len(walked(site, source, held).ids()) == 5


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (Canned(400, JSON, b'{"error_id":400,"error_name":"bad_parameter","error_message":"site"}'), "bad_parameter"),
        ({"error_id": 500, "error_name": "internal_error"}, "internal_error"),
    ],
)
def test_an_error_of_the_api_says_its_name(answer: Any, problem: str, site: FakeSite, tmp_path: Path) -> None:
    """What the API complains of is passed on with what to do."""
    site.server.route("/2.3/search/advanced", answer)
    with pytest.raises(SourceError, match=problem):
        walked(site, source_of(site, tmp_path))


def test_a_throttle_that_comes_as_400_is_waited_out(site: FakeSite, tmp_path: Path) -> None:
    """The API's way of saying 429 loses nothing."""
    throttled = Canned(400, JSON, b'{"error_id":502,"error_name":"throttle_violation","error_message":"slow"}')
    site.server.route("/2.3/search/advanced", [throttled, throttled, site._questions])
    assert len(walked(site, source_of(site, tmp_path)).fetched) == 5


def test_the_key_is_sent_and_never_shown(site: FakeSite, tmp_path: Path) -> None:
    """It is a parameter of each request."""
    source = source_of(site, tmp_path, key="k-secret")
    walked(site, source)
    assert {request.query.get("key") for request in site.server.requests} == {"k-secret"}
    assert "k-secret" not in repr(source.options)


def test_a_block_without_dump_is_live(site: FakeSite, tmp_path: Path) -> None:
    """With a dump the API is not asked."""
    live = source_of(site, tmp_path)
    assert (live.live, live.fingerprint(), list(live.records())) == (True, None, [])
    assert not source_of(site, tmp_path, dump="dump").live


@pytest.mark.parametrize("changes", [{"title": " "}, {"creation_date": None}])
def test_a_question_that_cannot_be_read_is_an_error(changes: dict[str, Any], site: FakeSite, tmp_path: Path) -> None:
    """What is stored and makes no sense is named by its address."""
    source = source_of(site, tmp_path)
    record = source._made({**site.questions[3], **changes})
    with pytest.raises(RecordError, match=f"{STACK}/q/3: "):
        source.parse(record)


HOMES: WeakKeyDictionary[FakeServer, FakeSite] = WeakKeyDictionary()
"""What lies on which server, for the kit's changes."""


def serve(server: FakeServer) -> None:
    """Lay out a site with three solved questions and one that is not."""
    site = HOMES[server] = FakeSite(server)
    for number in (1, 2, 3):
        site.add(number)
    site.add(4, accepted_answer_id=None)


def touch(server: FakeServer, **changes: Any) -> None:
    """Change question 2."""
    HOMES[server].questions[2].update(changes)


def site_at(url: str) -> StackExchangeSource:
    """The site behind a server's address."""
    block = {"name": "stack", "kind": "stackexchange", "url": STACK, "api": f"{url}/2.3"}
    return StackExchangeSource(StackExchangeOptions.model_validate(block), Path())


LATE = int(NOW.timestamp()) + DAY
SAMPLE = LiveSample(
    source=site_at,
    serve=serve,
    ids=("1", "2", "3"),
    changes={
        "edit": LiveChange(
            lambda server: touch(server, body="<p>New</p>", last_activity_date=LATE), "2", "changed", "changes"
        ),
        "unaccept": LiveChange(lambda server: touch(server, accepted_answer_id=None), "2", "gone"),
        "delete": LiveChange(lambda server: HOMES[server].questions.pop(2), "2", "gone"),
    },
)


@pytest.mark.parametrize("check", LIVE_CHECKS, ids=lambda check: check.__name__)
def test_the_site_keeps_the_rules_of_live_sources(check: LiveCheck) -> None:
    """The kit's checks, kills at every request among them, hold for a site."""
    check(SAMPLE)
