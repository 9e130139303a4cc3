"""Stack Exchange's API 2.3: a site's questions with their answers, asked for by the time they were written or touched.

https://api.stackexchange.com/docs. What is NOT here: waiting as ``backoff`` says (``http``), and the data dump.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import msgspec
from msgspec import Struct

from kbgen.errors import SourceError
from kbgen.model import Person, RawRecord
from kbgen.sources.base import MALFORMED, unforeseen
from kbgen.sources.http import Client
from kbgen.sources.live import Known, Step, Walk

_PAGE = 100
# A filter is named by what it lets through; asked for once a run, it has the same name for ever.
_FIELDS = (
    ".backoff;.error_id;.error_message;.error_name;.has_more;.items;.quota_max;.quota_remaining",
    "question.question_id;question.title;question.body;question.tags;question.score;question.view_count;question.link",
    "question.creation_date;question.last_activity_date;question.last_edit_date;question.owner;question.answers",
    "question.accepted_answer_id;question.answer_count;question.closed_date;question.closed_reason",
    "question.closed_details;question.content_license;question.locked_date",
    "closed_details.original_questions;closed_details.reason;original_question.question_id",
    "answer.answer_id;answer.body;answer.score;answer.creation_date;answer.last_edit_date;answer.is_accepted",
    "answer.owner;answer.content_license;answer.question_id",
    "shallow_user.user_id;shallow_user.user_type;shallow_user.display_name;shallow_user.link",
)
_GONE_USER = "does_not_exist"

MakeRecord = Callable[[dict[str, Any]], RawRecord]
"""Builds a record from a question of the API with all its answers."""


class Owner(Struct):
    """An author; ``user_type`` says when the account is gone."""

    user_id: int | None = None
    user_type: str = ""
    display_name: str = ""
    link: str | None = None

    def person(self, listed: frozenset[str], nameless: str) -> Person:
        """The author as the site credits them.

        Args:
            listed: ids and lower-case names that count as staff.
            nameless: what an account is called that left no name.
        """
        name = html.unescape(self.display_name).strip()
        if self.user_id is None or self.user_type == _GONE_USER:
            return Person("", name or nameless, deleted=True)
        number = str(self.user_id)
        name = name or f"user{number}"
        return Person(number, name, self.link, is_staff=not listed.isdisjoint({number, name.lower()}))


class AnswerData(Struct):
    """An answer as the API gives it."""

    answer_id: int
    creation_date: int
    body: str = ""
    score: int | None = None
    last_edit_date: int | None = None
    content_license: str | None = None
    owner: Owner | None = None


class _Original(Struct):
    question_id: int


class _Closed(Struct):
    reason: str = ""
    original_questions: list[_Original] = []


class QuestionData(Struct):
    """A question as the API gives it; titles and names are escaped as for HTML."""

    question_id: int
    creation_date: int
    title: str = ""
    body: str = ""
    tags: list[str] = []
    score: int | None = None
    view_count: int | None = None
    last_activity_date: int | None = None
    last_edit_date: int | None = None
    accepted_answer_id: int | None = None
    closed_date: int | None = None
    closed_reason: str | None = None
    closed_details: _Closed | None = None
    content_license: str | None = None
    owner: Owner | None = None
    answers: list[AnswerData] = []

    def originals(self) -> tuple[str, ...]:
        """Questions this one was closed as a duplicate of."""
        details = self.closed_details or _Closed()
        return tuple(dict.fromkeys(str(one.question_id) for one in details.original_questions))


def moment(seconds: int | None) -> datetime | None:
    """A time of the API, which are seconds since 1970 in UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


@dataclass(frozen=True)
class Wishes:
    """What the configuration asks of a site.

    Attributes:
        api: address of the API with its version.
        site: the site's host.
        key: raises the daily quota from 300 requests to 10,000; not a secret, but never shown.
        only_solved: leave out questions without an accepted answer.
    """

    api: str
    site: str
    key: str | None
    only_solved: bool


class LiveSite:
    """One pass over a site.

    Pages are asked for by time, not by number: a question that is touched while the pass goes on moves to its end, and
    numbers beyond 25 need a key. Consecutive pages share their last second, so that nothing between them is missed.

    Args:
        wishes: what to read.
        client: the way to the network.
        make: builds the records.
    """

    def __init__(self, wishes: Wishes, client: Client, make: MakeRecord) -> None:
        self._wishes = wishes
        self._client = client
        self._make = make
        self._filter = ""
        self._left: int | None = None

    def steps(self, known: Known, walk: Walk) -> Iterator[Step]:
        """Do the pass.

        A full one goes over all questions as they were written; what it does not meet is gone. One over changes goes
        over those that were active since the last.

        Raises:
            SourceError: the site cannot be read, or the day's quota is used up.
        """
        since, _, begun = (walk.cursor or "").partition("|")
        # An hour of grace, for the API lags behind the site.
        begun = begun or str(int(walk.now.timestamp()) - 3600)
        start = int(since or (0 if walk.full else walk.mark or 0))
        self._filter = self._ask("filters/create", {"base": "none", "include": ";".join(_FIELDS)})["items"][0]["filter"]
        by = "creation" if walk.full else "activity"
        for questions, reached in self._pages(by, start):
            solved = [one for one in questions if one.get("accepted_answer_id") or not self._wishes.only_solved]
            kept = {str(one["question_id"]) for one in solved}
            gone = [str(one["question_id"]) for one in questions if str(one["question_id"]) not in kept]
            broken: dict[str, str] = {}
            yield Step(
                items=list(self._records(solved, broken)),
                broken=broken,
                gone=[number for number in gone if known.signature(number) is not None],
                cursor=f"{reached}|{begun}",
                mark=begun,
            )

    def _records(self, questions: Iterable[dict[str, Any]], broken: dict[str, str]) -> Iterator[RawRecord]:
        """The questions with their answers; one that is built otherwise than documented is named and left as it is."""
        for one in questions:
            try:
                yield self._make(self._complete(one))
            except MALFORMED as error:
                broken[str(one["question_id"])] = unforeseen(error)

    def _pages(self, by: str, start: int) -> Iterator[tuple[list[dict[str, Any]], int]]:
        """Walk questions in the order of a time; yield each page's new ones, and the time it reached."""
        seen: dict[int, int] = {}
        page = 1
        while True:
            params = {**self._asc(by, page), "min": start}
            path = "questions"
            if self._wishes.only_solved and by == "creation":
                path, params["accepted"] = "search/advanced", "True"
            answer = self._ask(path, params)
            times = {one["question_id"]: one[_TIME[by]] for one in answer["items"]}
            fresh = [one for one in answer["items"] if seen.get(one["question_id"]) != one[_TIME[by]]]
            reached = max(times.values(), default=start)
            yield fresh, reached
            if not answer.get("has_more") or not times:
                return
            # Only what shares the last second can come again; a whole page of one second needs the next page.
            page = page + 1 if reached == start else 1
            start, seen = reached, {**(seen if reached == start else {}), **times}

    def _complete(self, question: dict[str, Any]) -> dict[str, Any]:
        """A question with all its answers: lists hold the first ones of a long thread only."""
        answers = {one["answer_id"]: one for one in question.get("answers") or ()}
        page = 0
        while len(answers) < question.get("answer_count", 0):
            page += 1
            answer = self._ask(f"questions/{question['question_id']}/answers", self._asc("creation", page))
            answers.update((one["answer_id"], one) for one in answer["items"])
            if not answer.get("has_more"):
                break
        return {**question, "answers": [answers[number] for number in sorted(answers)]}

    def _asc(self, by: str, page: int) -> dict[str, str | int]:
        return {"sort": by, "order": "asc", "page": page, "pagesize": _PAGE, "filter": self._filter}

    def _ask(self, path: str, params: Mapping[str, str | int]) -> dict[str, Any]:
        place = f"{self._wishes.api}/{path}"
        if self._left == 0:
            raise SourceError(f"{place}: {_USED_UP if self._wishes.key else _USED_UP_WITHOUT_KEY}")
        site = {} if path.startswith("filters/") else {"site": self._wishes.site}
        key = {"key": self._wishes.key} if self._wishes.key else {}
        reply = self._client.get(place, params={**params, **site, **key}, handled=(400,))
        answer = cast("dict[str, Any]", reply.json())
        self._left = answer.get("quota_remaining", self._left)
        if answer.get("error_id") or "items" not in answer:
            name, said = answer.get("error_name", "error"), answer.get("error_message", "no reason given")
            raise SourceError(f"{place}: {name} ({said}); check `url` and `key`, or try again later")
        return answer


_TIME = {"creation": "creation_date", "activity": "last_activity_date"}
_USED_UP = "the day's quota of requests is used up; the next run goes on from here"
_USED_UP_WITHOUT_KEY = f"{_USED_UP}; `key` raises it from 300 to 10,000"


def question_of(payload: bytes) -> QuestionData | None:
    """The question of a record that came from the API; None when it came from a dump.

    Raises:
        msgspec.DecodeError: it is neither.
    """
    if not payload.startswith(b'{"api_question":'):
        return None
    return msgspec.json.decode(payload, type=_Payload, strict=False).api_question


class _Payload(Struct):
    api_question: QuestionData
