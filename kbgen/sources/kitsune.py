"""Kitsune, the platform of Mozilla's support forums, by its public API.

A pass over changes asks for questions updated since the last one, a full pass for all. Accepting an answer updates the
question, so both see it. What is NOT here: Kitsune's articles.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import msgspec
from msgspec import Struct

from kbgen.errors import RecordError, SourceError
from kbgen.model import Person, Post, RawRecord, Solved, Thread
from kbgen.sources.base import Harvested, SourceOptions
from kbgen.sources.fields import SiteUrl, read_time
from kbgen.sources.http import Client
from kbgen.sources.live import Known, LiveSource, Step, Walk
from kbgen.sources.sweep import sweep

_BATCH = 10
_GONE = (401, 403, 404, 410)
# Servers compare with times in a zone of their own; what was seen already costs nothing to meet again.
_OVERLAP = timedelta(days=1)
# Pictures, and what people's browsers told about themselves.
_PRIVATE = ("metadata", "involved", "taken_by", "updated_by", "solved_by", "avatar")


class KitsuneOptions(SourceOptions):
    """Keys of a ``kind: kitsune`` source.

    Attributes:
        url: the site's address.
        locale: only questions in it, such as ``en-US``; default: all.
        product: only questions about it, by its slug; default: all.
        only_solved: leave out questions without a solution.
    """

    url: SiteUrl
    locale: str | None = None
    product: str | None = None
    only_solved: bool = True


class _Profile(Struct):
    username: str | None = None
    display_name: str | None = None


class _Name(Struct):
    name: str


class _Answer(Struct):
    id: int
    content: str = ""
    creator: _Profile | None = None
    created: str | None = None
    updated: str | None = None
    is_spam: bool = False
    num_helpful_votes: int | None = None


class _Question(Struct):
    id: int
    title: str = ""
    content: str = ""
    creator: _Profile | None = None
    created: str | None = None
    updated: str | None = None
    solution: int | None = None
    is_spam: bool = False
    is_locked: bool = False
    is_archived: bool = False
    locale: str | None = None
    product: str | None = None
    topic: str | None = None
    tags: list[str | _Name] = []
    num_votes: int | None = None
    num_answers: int | None = None


class _Page(Struct):
    results: list[msgspec.Raw]
    next: str | None = None


class _Payload(Struct):
    """A question and its answers as the API gives them, without what is nobody's business."""

    question: _Question
    answers: list[_Answer]


class KitsuneSource(LiveSource):
    """A Kitsune forum."""

    kind = "kitsune"
    Options = KitsuneOptions

    def __init__(self, options: SourceOptions, project: Path) -> None:
        super().__init__(options, project)
        self._options = cast("KitsuneOptions", options)

    def steps(self, client: Client, known: Known, walk: Walk) -> Iterator[Step]:
        """Read the list of questions, or of those updated lately, and the questions that are other than before.

        Raises:
            SourceError: the API does not answer as Kitsune's does.
        """
        since = None if walk.full or walk.mark is None else walk.mark
        index: dict[str, str] = {}
        newest = since or ""
        for question in self._list(client, since):
            newest = max(newest, question.updated or "")
            number, said = str(question.id), f"{question.updated} {question.solution} {question.num_answers}"
            before = known.signature(number)
            if walk.full:
                wanted = self._is_wanted(question)
            else:
                wanted = before != said if before is not None else self._is_wanted(question)
            if wanted:
                index[number] = said

        def fetch(numbers: Sequence[str]) -> Iterable[tuple[str, Harvested | None]]:
            return ((number, self._fetch(client, number)) for number in numbers)

        whole = known if walk.full else None
        return sweep(index, whole, walk, fetch, batch=_BATCH, mark=newest or walk.now.isoformat())

    def _is_wanted(self, question: _Question) -> bool:
        options = self._options
        return (
            not question.is_spam
            and (question.solution is not None or not options.only_solved)
            and options.locale in {None, question.locale}
            and options.product in {None, question.product}
        )

    def _list(self, client: Client, since: str | None) -> Iterator[_Question]:
        # By id, a list is stable while it is read; what was deleted meanwhile is asked for by its address.
        asked: dict[str, str | int] = {"ordering": "id", "is_spam": "False"}
        if since is not None:
            start = datetime.fromisoformat(since) - _OVERLAP
            asked |= {"ordering": "updated", "updated__gt": start.strftime("%Y-%m-%d %H:%M:%S")}
        elif self._options.only_solved:
            asked["is_solved"] = "1"
        for name in ("locale", "product"):
            if value := getattr(self._options, name):
                asked[name] = value
        for row in self._pages(client, "question", asked):
            yield msgspec.json.decode(row, type=_Question, strict=False)

    def _pages(self, client: Client, what: str, asked: dict[str, str | int]) -> Iterator[msgspec.Raw]:
        url = f"{self._options.url}/api/2/{what}/"
        number = 1
        while True:
            reply = client.get(url, params={**asked, "page": number}, handled=(404,) if number > 1 else ())
            # A list that shrank while it was read ends with a page that is not there.
            if reply.status == 404:
                return
            reply.json()
            try:
                page = msgspec.json.decode(reply.body, type=_Page)
            except msgspec.DecodeError as error:
                raise SourceError(f"{url} did not answer as Kitsune does: {error}; is the address right?") from error
            yield from page.results
            if not page.next or not page.results:
                return
            number += 1

    def _fetch(self, client: Client, number: str) -> Harvested | None:
        reply = client.get(f"{self._options.url}/api/2/question/{number}/", handled=_GONE)
        if reply.status in _GONE:
            return None
        answers = [_lasting(msgspec.json.decode(row)) for row in self._pages(client, "answer", _of(number))]
        payload = {"question": _lasting(reply.json()), "answers": [one for one in answers if not one.get("is_spam")]}
        try:
            question = msgspec.convert(payload, _Payload, strict=False).question
        except msgspec.ValidationError as error:
            return RecordError(self._url(number, None), f"is not a question as Kitsune writes it: {error}")
        if not self._is_wanted(question):
            return None
        url = self._url(number, question.locale)
        return self.record(number, "thread", url, payload, url)

    def _url(self, number: str | int, locale: str | None) -> str:
        return f"{self._options.url}/{locale or 'en-US'}/questions/{number}"

    def parse(self, record: RawRecord) -> Thread:
        """What a recorded question means."""
        place = record.place or record.ref
        try:
            payload = msgspec.json.decode(record.payload, type=_Payload, strict=False)
            question = payload.question
            if not question.title.strip():
                raise RecordError(place, "the question has no title; harvest it again")
            return self._thread(record, question, payload.answers)
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
            raise RecordError(place, f"is not a question as Kitsune writes it: {error}; harvest it again") from error

    def _thread(self, record: RawRecord, question: _Question, answers: list[_Answer]) -> Thread:
        url = self._url(question.id, question.locale)
        shown = sorted((answer for answer in answers if not answer.is_spam), key=lambda answer: answer.id)
        solved = [answer for answer in shown if answer.id == question.solution]
        warnings = []
        if question.solution is not None and not solved:
            warnings.append(f"The solution, answer {question.solution}, is not there; it counts as not accepted.")
        return Thread(
            ref=record.ref,
            url=url,
            title=" ".join(question.title.split()),
            question=self._post(question, question.locale, url, question.num_votes),
            answers=tuple(
                self._post(answer, question.locale, f"{url}#answer-{answer.id}", answer.num_helpful_votes)
                for answer in shown
            ),
            solved=tuple(Solved(str(answer.id), "accepted") for answer in solved),
            created=read_time(question.created),
            updated=read_time(question.updated),
            tags=tuple(tag if isinstance(tag, str) else tag.name for tag in question.tags),
            category=tuple(name for name in (question.product, question.topic) if name),
            visibility="spam" if question.is_spam else "public",
            closed="closed" if question.is_locked or question.is_archived else None,
            lang=self.options.lang or (question.locale or "").partition("-")[0] or None,
            warnings=tuple(warnings),
        )

    def _post(self, said: _Question | _Answer, locale: str | None, url: str, score: int | None) -> Post:
        # Here, because a build with nothing new opens sources and never parses.
        from kbgen.sources.markup import plain_post  # noqa: PLC0415

        created, updated = read_time(said.created), read_time(said.updated)
        # A question is updated by every answer; only an answer's own time tells of an edit.
        edited = updated if isinstance(said, _Answer) and updated != created else None
        return Post(
            id=str(said.id),
            url=url,
            html=plain_post(said.content, url),
            author=self._person(said.creator or _Profile(), locale),
            created=created,
            edited=edited,
            score=score,
        )

    def _person(self, profile: _Profile, locale: str | None) -> Person:
        if not profile.username:
            return Person("", profile.display_name or "Deleted user", deleted=True)
        names = {profile.username.casefold(), (profile.display_name or "").casefold()} - {""}
        staff = not names.isdisjoint(one.casefold() for one in self.options.staff)
        url = f"{self._options.url}/{locale or 'en-US'}/user/{quote(profile.username, safe='')}/"
        return Person(profile.username, profile.display_name or profile.username, url, is_staff=staff)


def _of(number: str) -> dict[str, str | int]:
    return {"question": number, "ordering": "id"}


def _lasting(row: Any) -> dict[str, Any]:
    """A row without pictures and without what is private."""
    if not isinstance(row, dict):
        return {}
    kept = {name: value for name, value in row.items() if name not in _PRIVATE}
    creator = kept.get("creator")
    return {**kept, "creator": _lasting(creator)} if isinstance(creator, dict) else kept
