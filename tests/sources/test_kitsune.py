"""Kitsune: questions and answers of its public API."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from passes import shelf_for

from kbgen.errors import RecordError, SourceError
from kbgen.model import Thread
from kbgen.sources.kitsune import KitsuneOptions, KitsuneSource
from kbgen.testing import LIVE_CHECKS, Canned, FakeServer, LiveChange, LiveSample, Request
from kbgen.testing.live_checks import LiveCheck

SITE = "https://support.example.com"
WHO = {"username": "mina", "display_name": "Mina", "avatar": "https://x/y.png"}


def question(number: int, **more: Any) -> dict[str, Any]:
    """A question as the API gives it."""
    return {
        "id": number,
        "title": f"Tabs & windows {number}",
        "content": '<p>They vanish.</p><p><a href="/kb/x">x</a></p>',
        "creator": WHO,
        "created": "2026-02-01T10:00:00Z",
        "updated": f"2026-02-10T10:{number:02}:00Z",
        "solution": number * 100 + 1,
        "is_solved": True,
        "is_spam": False,
        "is_locked": False,
        "is_archived": False,
        "locale": "en-US",
        "product": "browser",
        "topic": "tabs",
        "tags": [{"name": "Tabs", "slug": "tabs"}],
        "num_votes": 4,
        "num_answers": 2,
        "metadata": [{"name": "troubleshooting", "value": "all about me"}],
        **more,
    }


def answer(number: int, of: int, **more: Any) -> dict[str, Any]:
    """An answer as the API gives it."""
    times = {"created": "2026-02-02T10:00:00Z", "updated": "2026-02-02T10:00:00Z"}
    helper = {"username": "j.o", "display_name": ""}
    return {
        "id": number,
        "question": of,
        "content": "<p>Pin them.</p>",
        "creator": helper,
        "is_spam": False,
        **times,
        **more,
    }


def rows() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Three solved questions, an unsolved one, and spam."""
    questions = [*map(question, (1, 2, 3)), question(4, solution=None, is_solved=False), question(5, is_spam=True)]
    answers = [answer(of * 100 + place, of) for of in (1, 2, 3, 4, 5) for place in (1, 2)]
    return questions, answers


def board(server: FakeServer, questions: list[dict[str, Any]], answers: list[dict[str, Any]], size: int = 2) -> None:
    """Serve questions and answers, some to a page."""

    def paged(request: Request, found: list[dict[str, Any]]) -> Any:
        start = (int(request.query["page"]) - 1) * size
        if start and start >= len(found):
            return Canned(404, {}, b"{}")
        following = "https://x/next" if start + size < len(found) else None
        return {"count": len(found), "next": following, "results": found[start : start + size]}

    def listed(request: Request) -> Any:
        asked = request.query
        since = asked.get("updated__gt", "").replace(" ", "T")
        found = [
            row
            for row in questions
            if row["updated"] > since
            and (asked.get("is_solved") != "1" or row["solution"])
            and not row["is_spam"]
            and asked.get("locale") in {None, row["locale"]}
            and asked.get("product") in {None, row["product"]}
        ]
        return paged(request, sorted(found, key=lambda row: row[asked["ordering"]]))

    server.route("/api/2/question/", listed)
    of: Callable[[Request], Any] = lambda request: paged(  # noqa: E731
        request, [row for row in answers if str(row["question"]) == request.query["question"]]
    )
    server.route("/api/2/answer/", of)
    for number in range(1, 10):
        server.drop(f"/api/2/question/{number}/")
    for row in questions:
        server.route(f"/api/2/question/{row['id']}/", row)


def source(url: str = SITE, **more: Any) -> KitsuneSource:
    """A source of a forum."""
    return KitsuneSource(KitsuneOptions(name="kitsune", kind="kitsune", url=url, **more), Path())


def changed(number: int, **more: Any) -> Callable[[FakeServer], None]:
    """A forum in which a question is otherwise; without keys, it is gone."""

    def apply(server: FakeServer) -> None:
        questions, answers = rows()
        kept = [{**row, **more} if row["id"] == number else row for row in questions if more or row["id"] != number]
        board(server, kept, answers)

    return apply


LATER = "2026-02-11T00:00:00Z"
SAMPLE = LiveSample(
    source,
    lambda server: board(server, *rows()),
    ids=("1", "2", "3"),
    changes={
        "un-accepted": LiveChange(changed(1, solution=None, updated=LATER), "1", "gone", "changes"),
        "another solution": LiveChange(changed(1, solution=102, updated=LATER), "1", "changed", "changes"),
        "edited without a trace": LiveChange(changed(1, content="<p>x</p>"), "1", "changed"),
        "deleted": LiveChange(changed(1), "1", "gone"),
        "spam": LiveChange(changed(1, is_spam=True), "1", "gone"),
    },
    restricted=("4", "5"),
    second=3,
)


@pytest.mark.parametrize("check", LIVE_CHECKS, ids=lambda check: check.__name__)
def test_it_keeps_the_rules_of_live_sources(check: LiveCheck) -> None:
    """The whole conformance kit."""
    check(SAMPLE)


def thread(asked: dict[str, Any], *answers: dict[str, Any], **more: Any) -> Thread:
    """What a question means."""
    made = source(**more)
    return made.parse(made.record("1", "thread", SITE, {"question": asked, "answers": list(answers)}, "x"))


def test_a_question_is_read() -> None:
    """Titles are plain text, addresses have the question's locale, and a solution names its answer."""
    made = thread(question(1), answer(102, 1), answer(101, 1, num_helpful_votes=3), staff=["J.O"])
    assert (made.title, made.url) == ("Tabs & windows 1", f"{SITE}/en-US/questions/1")
    assert (made.category, made.tags, made.lang) == (("browser", "tabs"), ("Tabs",), "en")
    assert made.question.html.endswith(f'<a href="{SITE}/kb/x">x</a></p>')
    first = made.answers[0]
    assert (first.id, first.url, first.score) == ("101", f"{SITE}/en-US/questions/1#answer-101", 3)
    assert (first.author.name, first.author.url) == ("j.o", f"{SITE}/en-US/user/j.o/")
    assert (first.author.is_staff, made.question.author.is_staff) == (True, False)
    assert [mark.post_id for mark in made.solved] == ["101"]


def test_a_solution_that_is_gone_counts_for_nothing() -> None:
    """And is said to; so is an account that is gone."""
    made = thread(question(1, creator=None), answer(102, 1), answer(101, 1, is_spam=True))
    assert (made.solved, len(made.warnings), made.question.author.deleted) == ((), 1, True)


def test_what_is_private_is_not_stored() -> None:
    """What browsers told about themselves, and pictures."""
    with FakeServer() as server:
        board(server, *rows())
        held = shelf_for(source(server.url), server).run()
    assert not any(word in held.records["1"].payload for word in (b"about me", b"avatar"))


def test_choices_are_asked_of_the_server() -> None:
    """Locale, product, and unsolved questions too."""
    with FakeServer() as server:
        questions, answers = rows()
        board(server, [{**questions[0], "locale": "de"}, *questions[1:]], answers)
        held = shelf_for(source(server.url, locale="en-US", product="browser", only_solved=False), server).run()
    assert sorted(held.records) == ["2", "3", "4"]


def test_another_site_is_named_as_one() -> None:
    """The message asks about the address."""
    with FakeServer() as server:
        server.route("/api/2/question/", {"ok": True})
        with pytest.raises(SourceError, match="did not answer as Kitsune does"):
            shelf_for(source(server.url), server).run()


@pytest.mark.parametrize("payload", [{}, {"question": question(1, title=" "), "answers": []}])
def test_a_record_that_cannot_be_understood_is_named(payload: dict[str, Any]) -> None:
    """With what to do."""
    made = source()
    with pytest.raises(RecordError, match="harvest it again"):
        made.parse(made.record("1", "thread", SITE, payload, "x"))
