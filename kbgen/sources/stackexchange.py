"""Stack Exchange: one site, asked over its API or read from its published data dump (XML files or the ``.7z``).

What rows and answers mean: closing, duplicates, licences, authors who are gone. What is NOT here: reading the files
(``stackexchange_dump``), and asking the API (``stackexchange_api``).
"""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct
from pydantic import SecretStr

from kbgen.errors import RecordError
from kbgen.model import Person, Post, RawRecord, Solved, Thread, make_ref
from kbgen.sources.base import MALFORMED, Harvested, MathMarks, SourceOptions, stat_signature
from kbgen.sources.fields import SiteUrl, ascii_slug, read_time
from kbgen.sources.http import Client
from kbgen.sources.live import Known, LiveSource, Step, Walk
from kbgen.sources.stackexchange_dump import HISTORY, LINKS, USERS, VOTES, dump_files, indexed_dump
from kbgen.sources.stackexchange_math import marks_of

if TYPE_CHECKING:
    from kbgen.sources.stackexchange_api import AnswerData, QuestionData

# stackoverflow.com/help/licensing: by the day a post was written, where the dump does not say.
_RELICENSED = (datetime(2011, 4, 8, tzinfo=UTC), datetime(2018, 5, 2, tzinfo=UTC))
_LICENCES = ("CC BY-SA 2.5", "CC BY-SA 3.0", "CC BY-SA 4.0")
# meta.stackexchange.com/questions/2677: CloseReasonTypes, the old numbers and those since 2013.
_CLOSE_REASONS = {
    "1": "duplicate",
    "101": "duplicate",
    "2": "off-topic",
    "4": "off-topic",
    "102": "off-topic",
    "3": "opinion-based",
    "105": "opinion-based",
    "103": "unclear",
    "104": "too-broad",
    "7": "too-localized",
}
# The API gives the reason in words, which have changed over the years.
_API_REASONS = {
    "not-suitable-for-this-site": "off-topic",
    "needs-details-or-clarity": "unclear",
    "unclear-what-you're-asking": "unclear",
    "needs-more-focus": "too-broad",
    "primarily-opinion-based": "opinion-based",
}
_TAG = re.compile(r"[^<>|]+")
_NAMELESS = "(account removed)"


class StackExchangeOptions(SourceOptions):
    """Keys of a ``kind: stackexchange`` source.

    Attributes:
        url: the site, such as https://x.stackexchange.com.
        dump: folder of the dump's XML files, or the ``.7z`` as published; without it the site's API is asked.
        key: an application's key, which raises the daily quota.
        api: address of the API with its version.
        only_solved: leave out questions without an accepted answer; for the API alone.
    """

    url: SiteUrl
    dump: str | None = None
    key: SecretStr | None = None
    api: SiteUrl = "https://api.stackexchange.com/2.3"
    only_solved: bool = True

    @property
    def math_marks(self) -> MathMarks:
        """As the site does, where that is known; else as any source."""
        known = marks_of(self.url)
        return super().math_marks if known is None or self.math == "off" else known


class _PostRow(Struct, rename="pascal"):
    id: str
    creation_date: str
    post_type_id: str = ""
    title: str = ""
    body: str = ""
    tags: str = ""
    score: int | None = None
    view_count: int | None = None
    owner_user_id: str | None = None
    owner_display_name: str = ""
    last_edit_date: str | None = None
    last_activity_date: str | None = None
    closed_date: str | None = None
    deletion_date: str | None = None
    accepted_answer_id: str | None = None
    content_license: str | None = None


class _UserRow(Struct, rename="pascal"):
    id: str
    display_name: str = ""


class _VoteRow(Struct, rename="pascal"):
    post_id: str
    creation_date: str | None = None


class _LinkRow(Struct, rename="pascal"):
    related_post_id: str


class _Payload(Struct):
    question: _PostRow
    answers: list[_PostRow] = []
    users: list[_UserRow] = []
    accept_votes: list[_VoteRow] = []
    duplicates: list[_LinkRow] = []
    closing: str = ""
    missing: list[str] = []


class StackExchangeSource(LiveSource):
    """One site of Stack Exchange."""

    kind = "stackexchange"
    Options = StackExchangeOptions

    @property
    def _options(self) -> StackExchangeOptions:
        return cast("StackExchangeOptions", self.options)

    @property
    def live(self) -> bool:
        """Whether the site's API is asked: it is, unless a dump is named."""
        return self._options.dump is None

    @cached_property
    def _site(self) -> str:
        return self._options.url

    @cached_property
    def _staff(self) -> frozenset[str]:
        return frozenset(member.lower() for member in self.options.staff)

    def _dump(self) -> Path:
        return self.project / (self._options.dump or "")

    def steps(self, client: Client, known: Known, walk: Walk) -> Iterator[Step]:
        """Ask the API."""
        # Here, because a build offline opens sources and asks none.
        from kbgen.sources.stackexchange_api import LiveSite, Wishes  # noqa: PLC0415

        options = self._options
        wishes = Wishes(
            api=options.api,
            site=urlsplit(options.url).netloc,
            key=options.key.get_secret_value() if options.key else None,
            only_solved=options.only_solved,
        )
        yield from LiveSite(wishes, client, self._made).steps(known, walk)

    def _made(self, question: dict[str, Any]) -> RawRecord:
        number = str(question["question_id"])
        url = self._question_url(number, html.unescape(str(question.get("title", ""))))
        return self.record(number, "thread", url, {"api_question": question}, f"{self._site}/q/{number}")

    def fingerprint(self) -> str | None:
        """Signature of the dump's files; None for a live site."""
        return None if self.live else stat_signature(dump_files(self._dump()))

    def records(self) -> Iterator[Harvested]:
        """Yield bad rows first, then every question with its answers in the order of ids."""
        if self.live:
            return
        posts = f"{self._dump()}/Posts.xml"
        with indexed_dump(self._dump()) as index:
            yield from index.fill()
            for found in index.threads():
                url = self._question_url(str(found.number), found.title)
                record = self.record(found.number, "thread", url, found.thread, f"{posts}:{found.line}")
                # A dump that breaks off may hold back any question's answers.
                yield msgspec.structs.replace(record, partial=True) if index.truncated else record
            if index.truncated:
                raise index.truncated

    def _question_url(self, number: str, title: str) -> str:
        return f"{self._site}/questions/{number}/{ascii_slug(title)}".rstrip("/")

    def parse(self, record: RawRecord) -> Thread:
        """What a question's rows, or the API's answer, mean."""
        # Here, because a build with nothing new opens sources and never parses.
        from kbgen.sources.stackexchange_api import question_of  # noqa: PLC0415

        place = record.place or record.ref
        try:
            asked = question_of(record.payload)
            if asked is not None:
                return self._from_api(record, asked)
            payload = msgspec.json.decode(record.payload, type=_Payload, strict=False)
            return self._thread(record, payload, place)
        except MALFORMED as error:
            raise RecordError(place, f"the row has a value that cannot be read ({error}); mend or remove it") from error

    def _from_api(self, record: RawRecord, asked: QuestionData) -> Thread:
        from kbgen.sources.stackexchange_api import moment  # noqa: PLC0415

        title = html.unescape(asked.title).strip()
        if not title:
            raise RecordError(record.place or record.ref, "the question has no title")
        number = str(asked.question_id)
        question = self._api_post(number, self._question_url(number, title), asked)
        answers = tuple(
            self._api_post(str(one.answer_id), f"{self._site}/a/{one.answer_id}", one) for one in asked.answers
        )
        accepted = None if asked.accepted_answer_id is None else str(asked.accepted_answer_id)
        found = any(answer.id == accepted for answer in answers)
        reason = (asked.closed_reason or "closed").lower().replace(" ", "-") if asked.closed_date else None
        originals = asked.originals()
        return Thread(
            ref=record.ref,
            url=question.url,
            title=title,
            question=question,
            answers=answers,
            solved=(Solved(accepted, "accepted"),) if accepted and found else (),
            created=question.created,
            updated=moment(asked.last_activity_date) or question.edited or question.created,
            tags=tuple(asked.tags),
            views=asked.view_count,
            closed="duplicate" if reason and originals else _API_REASONS.get(reason or "", reason),
            duplicate_of=tuple(make_ref(self.name, other) for other in originals if other != number),
            lang=self.options.lang,
            warnings=(_dangling(accepted),) if accepted and not found else (),
        )

    def _api_post(self, number: str, url: str, data: QuestionData | AnswerData) -> Post:
        from kbgen.sources.stackexchange_api import Owner, moment  # noqa: PLC0415

        created = moment(data.creation_date)
        return Post(
            id=number,
            url=url,
            html=data.body,
            author=(data.owner or Owner()).person(self._staff, _NAMELESS),
            created=created,
            edited=moment(data.last_edit_date),
            score=data.score,
            licence=data.content_license or _licence(created),
        )

    def _thread(self, record: RawRecord, payload: _Payload, place: str) -> Thread:
        row = payload.question
        title = row.title.strip()
        if not title:
            raise RecordError(place, "the question has no Title; mend or remove the row")
        names = {user.id: user.display_name for user in payload.users}
        warnings: list[str] = []
        question = self._post(row, self._question_url(row.id, title), names, warnings)
        answers = [self._post(answer, f"{self._site}/a/{answer.id}", names, warnings) for answer in payload.answers]
        links = dict.fromkeys(link.related_post_id for link in payload.duplicates)
        solved = _solved(payload, warnings)
        warnings += _gaps(payload)
        return Thread(
            ref=record.ref,
            url=question.url,
            title=title,
            question=question,
            answers=tuple(answers),
            solved=solved,
            created=question.created,
            updated=read_time(row.last_activity_date) or question.edited or question.created,
            tags=tuple(_TAG.findall(row.tags)),
            views=row.view_count,
            visibility="deleted" if question.deleted else "public",
            closed=_closed(payload),
            duplicate_of=tuple(make_ref(self.name, other) for other in links if other != row.id),
            lang=self.options.lang,
            warnings=tuple(warnings),
        )

    def _post(self, row: _PostRow, url: str, names: dict[str, str], warnings: list[str]) -> Post:
        created = read_time(row.creation_date)
        return Post(
            id=row.id,
            url=url,
            html=row.body,
            author=self._person(row, names, warnings),
            created=created,
            edited=read_time(row.last_edit_date),
            score=row.score,
            licence=row.content_license or _licence(created),
            deleted=row.deletion_date is not None,
        )

    def _person(self, row: _PostRow, names: dict[str, str], warnings: list[str]) -> Person:
        number = row.owner_user_id
        if number is None:
            if not row.owner_display_name:
                warnings.append(f"The author of post {row.id} is not known: the account was removed.")
            return Person("", row.owner_display_name or _NAMELESS, deleted=True)
        # The name the site itself shows for a user who never chose one.
        name = names.get(number) or row.owner_display_name or f"user{number}"
        staff = bool(self._staff) and not self._staff.isdisjoint((number, name.lower()))
        return Person(number, name, f"{self._site}/users/{number}", is_staff=staff)


def _dangling(accepted: str) -> str:
    return f"The accepted answer, {accepted}, is not there; the question counts as unsolved."


def _licence(created: datetime | None) -> str | None:
    return None if created is None else _LICENCES[bisect_right(_RELICENSED, created)]


def _solved(payload: _Payload, warnings: list[str]) -> tuple[Solved, ...]:
    accepted = payload.question.accepted_answer_id
    if accepted is None:
        return ()
    answer = next((answer for answer in payload.answers if answer.id == accepted), None)
    if answer is None or answer.deletion_date is not None:
        warnings.append(f"The accepted answer, {accepted}, is not in the dump; the question counts as unsolved.")
        return ()
    at = next((vote.creation_date for vote in payload.accept_votes if vote.post_id == accepted), None)
    return (Solved(accepted, "accepted", read_time(at)),)


def _closed(payload: _Payload) -> str | None:
    if payload.question.closed_date is None:
        return None
    return "duplicate" if payload.duplicates else _CLOSE_REASONS.get(payload.closing, "closed")


def _gaps(payload: _Payload) -> list[str]:
    """What a file missing from the dump left unknown in this thread."""
    if not payload.missing:
        return []
    question = payload.question
    closed = question.closed_date is not None
    owned = any(post.owner_user_id for post in (question, *payload.answers))
    lacks = (
        (USERS, owned, "the authors' names are not known"),
        (VOTES, question.accepted_answer_id is not None, "the day of acceptance is not known"),
        (LINKS, closed, "it is not known whether it is a duplicate"),
        (HISTORY, closed and not payload.duplicates, "the reason for closing is not known"),
    )
    return [f"The dump has no {name}, so {what}." for name, holds, what in lacks if holds and name in payload.missing]
