"""Salesforce Experience sites: questions by SOQL."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from passes import shelf_for
from pydantic import ValidationError

from kbgen.errors import RecordError, SourceError
from kbgen.model import Thread
from kbgen.sources.salesforce import SalesforceOptions, SalesforceSource, long_id
from kbgen.testing import LIVE_CHECKS, Canned, FakeServer, LiveChange, LiveSample, Request
from kbgen.testing.live_checks import LiveCheck

SITE = "https://help.example.com"
NETWORK, GROUP, CLOSED = "0DB000000000001", "0F9000000000001", "0F9000000000002"
QUERY = "/services/data/v61.0/query"


def item(number: int, **more: Any) -> dict[str, Any]:
    """A question as the API gives it."""
    plain: dict[str, Any] = {
        "attributes": {"type": "FeedItem"},
        "Id": long_id(f"0D500000000000{number}"),
        "Title": "Export & import",
        "Body": "<p>It stops.</p>",
        "IsRichText": True,
        "BestCommentId": f"0D700000000000{number}",
        "ParentId": long_id(GROUP),
        "Parent": {"Name": "Data"},
        "Visibility": "AllUsers",
        "NetworkScope": long_id(NETWORK),
        "Status": "Published",
        "IsClosed": False,
        "LikeCount": 2,
        "CommentCount": 1,
        "CreatedDate": f"2026-02-20T10:00:0{number}.000+0000",
        "LastModifiedDate": "2026-02-21T10:00:00.000+0000",
        "CreatedById": "005000000000001",
        "CreatedBy": {"Name": "Mina", "UserType": "CspLitePortal"},
    }
    return {**plain, **more}


def comment(number: int, **more: Any) -> dict[str, Any]:
    """Its answer."""
    plain: dict[str, Any] = {
        "Id": long_id(f"0D700000000000{number}"),
        "FeedItemId": long_id(f"0D500000000000{number}"),
        "CommentBody": "Use <b> tags & wait.\n\nThen retry.",
        "IsRichText": False,
        "Status": "Published",
        "CreatedDate": "2026-02-20T11:00:00.000+0000",
        "CreatedById": "005000000000002",
        "CreatedBy": {"Name": "Jo", "UserType": "Standard"},
    }
    return {**plain, **more}


def items() -> list[dict[str, Any]]:
    """Two public questions, and four nobody may see."""
    return [
        item(1),
        item(2, ParentId="005000000000001"),
        item(3, ParentId=CLOSED),
        item(4, Visibility="InternalUsers"),
        item(5, NetworkScope="AllNetworks"),
        item(6, ParentId="500000000000001"),
        item(7, BestCommentId=None),
    ]


def serve(
    server: FakeServer, rows: list[dict[str, Any]] | None = None, more: list[dict[str, Any]] | None = None
) -> None:
    """Serve questions and comments, three rows a page."""
    questions = items() if rows is None else rows
    comments = [comment(number) for number in range(1, 8)] if more is None else more

    def answer(request: Request) -> Any:
        query = request.query["q"]
        wanted = set(re.findall(r"'(0D5\w+)'", query))
        if "CollaborationGroup" in query:
            return paged([{"Id": GROUP}])
        if "FeedComment" in query:
            return paged([row for row in comments if row["FeedItemId"] in wanted])
        found = [row for row in questions if "BestCommentId != null" not in query or row["BestCommentId"]]
        return paged([row for row in found if " IN (" not in query or row["Id"] in wanted])

    def paged(found: list[dict[str, Any]]) -> dict[str, Any]:
        further = found[3:]
        server.route(f"{QUERY}/next", {"done": True, "records": further})
        return {"records": found[:3], "nextRecordsUrl": f"{QUERY}/next" if further else None}

    server.route(QUERY, answer)


def source(url: str = SITE, **more: Any) -> SalesforceSource:
    """A source of a site."""
    block = {"name": "sf", "kind": "salesforce", "url": url, "access_token": "s3cret", "network": NETWORK, **more}
    return SalesforceSource(SalesforceOptions.model_validate(block), Path())


def changed(**more: Any) -> Callable[[FakeServer], None]:
    """A site whose first question is otherwise; without keys, it is gone."""
    return lambda server: serve(server, [item(1, **more), *items()[1:]] if more else items()[1:])


FIRST = long_id("0D5000000000001")
LATER = "2026-02-22T10:00:00.000+0000"
SAMPLE = LiveSample(
    source,
    serve,
    ids=(FIRST, long_id("0D5000000000002")),
    changes={
        "un-accepted": LiveChange(changed(BestCommentId=None), FIRST, "gone", "changes"),
        "another answer": LiveChange(changed(BestCommentId="0D7000000000009"), FIRST, "changed", "changes"),
        "edited": LiveChange(changed(Body="x", LastModifiedDate=LATER), FIRST, "changed", "changes"),
        "moved to a closed group": LiveChange(changed(ParentId=CLOSED), FIRST, "gone", "changes"),
        "deleted": LiveChange(changed(), FIRST, "gone", "changes"),
    },
    restricted=[row["Id"] for row in items()[2:]],
    second=3,
)


@pytest.mark.parametrize("check", LIVE_CHECKS, ids=lambda check: check.__name__)
def test_it_keeps_the_rules_of_live_sources(check: LiveCheck) -> None:
    """The whole conformance kit."""
    check(SAMPLE)


def thread(asked: dict[str, Any], *comments: dict[str, Any], **more: Any) -> Thread:
    """What a question means."""
    made = source(**more)
    return made.parse(made.record(FIRST, "thread", SITE, {"item": asked, "comments": list(comments)}, "x"))


def test_a_question_is_read() -> None:
    """Rich and plain bodies, ids in the long form, the company's own people, and the group as category."""
    made = thread(item(1), comment(1))
    assert (made.title, made.url) == ("Export & import", f"{SITE}/s/question/{FIRST}/export-import")
    assert (made.category, made.question.score, made.question.html) == (("Data",), 2, "<p>It stops.</p>")
    (answer,) = made.answers
    assert answer.html == "<p>Use &lt;b&gt; tags &amp; wait.</p><p>Then retry.</p>"
    assert [mark.post_id for mark in made.solved] == [answer.id]
    assert (made.question.author.is_staff, answer.author.is_staff) == (False, True)
    assert answer.author.url == f"{SITE}/s/profile/{long_id('005000000000002')}"


def test_a_best_answer_that_is_gone_counts_for_nothing() -> None:
    """And is said to; so is an account that is gone."""
    made = thread(item(1, CreatedBy=None))
    assert (made.solved, len(made.warnings), made.question.author.deleted) == ((), 1, True)


@pytest.mark.parametrize(
    ("short", "long"),
    [("001A0000006Vm9r", "001A0000006Vm9rIAC"), ("0D5000000000001", "0D5000000000001CAA"), ("x", "x")],
)
def test_short_ids_become_long_ones(short: str, long: str) -> None:
    """Two ids that differ in case only are two; the long form says so without case."""
    assert long_id(short) == long
    assert long_id(long) == long


def test_the_token_goes_into_a_header_only() -> None:
    """It is in no address, no record and no message."""
    with FakeServer() as server:
        serve(server)
        held = shelf_for(source(server.url), server).run()
        assert {request.headers["authorization"] for request in server.requests} == {"Bearer s3cret"}
        assert not any("s3cret" in url for url in held.asked)
        assert not any(b"s3cret" in record.payload for record in held.records.values())


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (
            Canned(401, {}, b'[{"message": "Session expired"}]'),
            r"refuses the query \(Session expired\); get a new `access_token:`",
        ),
        (Canned(400, {}, b"x"), r"refuses the query \(status 400\); check the account's permissions"),
        ({"totalSize": 0}, "did not answer as Salesforce does"),
    ],
)
def test_a_refusal_is_named(answer: Any, sentence: str) -> None:
    """With what to do."""
    with FakeServer() as server:
        server.route(QUERY, answer)
        with pytest.raises(SourceError, match=sentence):
            shelf_for(source(server.url), server).run()


def test_the_network_is_an_id() -> None:
    """A name in its place is a fault of the configuration."""
    with pytest.raises(ValidationError):
        source(network="Customers")


@pytest.mark.parametrize("payload", [{}, {"item": item(1, Title=" "), "comments": []}])
def test_a_record_that_cannot_be_understood_is_named(payload: dict[str, Any]) -> None:
    """With what to do."""
    made = source()
    with pytest.raises(RecordError, match="harvest it again"):
        made.parse(made.record("1", "thread", SITE, payload, "x"))
