"""Askbot forums: the API says which questions there are and what is accepted, the pages show what was written.

The API cuts bodies at some 500 words and names who asked anonymously, so every body and author comes from the
question's page. What is NOT here: reading that page (``askbot_page``). Recorded from Askbot 0.13.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast
from urllib.parse import urljoin, urlsplit

import msgspec
from msgspec import Struct

from kbgen.errors import RecordError, SourceError
from kbgen.model import Article, Person, Post, RawRecord, Solved, Thread
from kbgen.sources.base import MALFORMED, Harvested, SourceOptions
from kbgen.sources.fields import SiteUrl, read_epoch
from kbgen.sources.http import Client, Disallowed, Reply
from kbgen.sources.live import Known, LiveSource, Step, Walk
from kbgen.sources.sweep import sweep, sweep_changes

_GONE = (401, 403, 404, 410)
_OVERLAP = 600
"""Seconds a pass over changes looks back beyond its mark: lists are read while people write."""
_BATCH = 5
_TOO_MANY_PAGES = 1_000
_PEOPLE = ("author", "last_activity_by", "last_edited_by", "closed_by")
_SIGNED = (
    "title",
    "tags",
    "url",
    "last_activity_at",
    "last_edited_at",
    "accepted_answer_id",
    "closed",
    "closed_reason",
)
_BODY_OF = {"X-Requested-With": "XMLHttpRequest"}


class AskbotOptions(SourceOptions):
    """Keys of a ``kind: askbot`` source.

    Attributes:
        url: the forum's address; a forum under a path is fine.
    """

    url: SiteUrl


class _Question(Struct):
    """A question as the API has it, without people."""

    id: int
    title: str
    url: str = ""
    tags: list[str] = []
    answer_ids: list[int] = []
    accepted_answer_id: int | None = None
    view_count: int | None = None
    score: int | None = None
    added_at: str | int | None = None
    last_activity_at: str | int | None = None
    closed: bool = False
    closed_reason: str | None = None


class _Someone(Struct):
    id: int
    username: str = ""


class _Answer(Struct):
    """An answer as the API has it; only asked for when no page shows it."""

    id: int
    author: _Someone
    summary: str = ""
    score: int | None = None
    added_at: str | int | None = None
    last_edited_at: str | int | None = None


class _Payload(Struct):
    """What is stored of a question.

    Attributes:
        posts: post id to its element on the page.
        bodies: post id to the whole HTML of a body the page cuts.
        texts: the same as Markdown, for forums that give no HTML.
    """

    question: _Question
    posts: dict[str, str]
    answers: list[_Answer] = []
    bodies: dict[str, str] = {}
    texts: dict[str, str] = {}


class AskbotSource(LiveSource):
    """An Askbot forum."""

    kind = "askbot"
    Options = AskbotOptions

    @property
    def _url(self) -> str:
        return cast("AskbotOptions", self.options).url

    def steps(self, client: Client, known: Known, walk: Walk) -> Iterator[Step]:
        """Read the list of questions, all of it or down to the last pass, and fetch those that changed."""
        yield from _Pass(self, self._url, client).steps(known, walk)

    def parse(self, record: RawRecord) -> Thread | Article:
        """Make a thread of a question and its answers."""
        try:
            payload = msgspec.json.decode(record.payload, type=_Payload, strict=False)
            return _Reader(self, record, payload).thread()
        except MALFORMED as error:
            problem = f"is not a question as Askbot gives it: {error}"
            raise RecordError(record.ref, f"{problem}; harvest it again, or report the fault") from error


class _Pass:
    """One pass over a forum."""

    def __init__(self, source: AskbotSource, url: str, client: Client) -> None:
        self._source = source
        self._url = url
        self._client = client
        self._listed: dict[str, dict[str, Any]] = {}

    def steps(self, known: Known, walk: Walk) -> Iterator[Step]:
        if walk.full or not (walk.mark or "").isdecimal():
            self._list("age-asc", 0)
            index = {number: signature(item) for number, item in self._listed.items()}
            yield from sweep(index, known, walk, self._fetch, batch=_BATCH, mark=self._newest("0"))
            return
        mark = cast("str", walk.mark)
        self._list("activity-desc", int(mark) - _OVERLAP)
        marks = {number: signature(item) for number, item in self._listed.items()}
        yield from sweep_changes(marks, known, walk, self._fetch, batch=_BATCH, mark=self._newest(mark))

    def _newest(self, at_least: str) -> str:
        return str(max(int(at_least), *map(_activity, self._listed.values()), 0))

    def _list(self, sort: str, since: int) -> None:
        """Read the list. A page past the end is page 1 again, so a page of known ids ends it as well."""
        for page in range(1, _TOO_MANY_PAGES * 100):
            listed = self._page(sort, page)
            questions = [item for item in listed.get("questions") or () if isinstance(item, dict) and "id" in item]
            new = {str(item["id"]): item for item in questions if str(item["id"]) not in self._listed}
            self._listed.update(new)
            if not new or page >= int(listed.get("pages") or 0) or min(map(_activity, questions)) < since:
                return

    def _page(self, sort: str, page: int) -> dict[str, Any]:
        address = f"{self._url}/api/v1/questions/"
        reply = self._client.get(address, params={"sort": sort, "page": page}, handled=_GONE)
        if reply.status != 200:
            problem = f"the forum answers {reply.status}: its API is closed (its setting API_V1_ACCESS_MODE), or moved"
            raise SourceError(f"{address}: {problem}; open it, mend `url`, or harvest the pages with `kind: web`")
        listed = reply.json()
        if not isinstance(listed, dict) or "questions" not in listed:
            raise SourceError(f"{address}: this is not the API of an Askbot forum; mend `url` or `kind`")
        return listed

    def _fetch(self, numbers: Sequence[str]) -> Iterator[tuple[str, Harvested | None]]:
        for number in numbers:
            item = self._listed.get(number) or self._question(number)
            yield number, None if item is None else self._record(number, item)

    def _question(self, number: str) -> dict[str, Any] | None:
        reply = self._client.get(f"{self._url}/api/v1/questions/{number}/", handled=_GONE)
        return reply.document(id=object) if reply.status == 200 else None

    def _record(self, number: str, item: Mapping[str, Any]) -> Harvested | None:
        # The host as configured: the API writes the one from the forum's settings, which may be another.
        address = urljoin(f"{self._url}/", urlsplit(str(item.get("url"))).path or f"/question/{number}/")
        try:
            posts = self._posts(address)
        except Disallowed as error:
            return RecordError(address, f"{error}; ask the forum's owner to allow it")
        if posts is None:
            return None
        if number not in posts:
            problem = "the page does not show its question (a login page, or a theme of the forum's own)"
            return RecordError(address, f"{problem}; open it in a browser to see, or use `kind: web`")
        answers = [self._answer(str(one)) for one in item.get("answer_ids") or () if str(one) not in posts]
        payload: dict[str, Any] = {
            # Who asked anonymously is named by the API all the same, and is not stored.
            "question": {key: value for key, value in item.items() if key not in (*_PEOPLE, "summary")},
            "posts": posts,
            "answers": [one for one in answers if one],
        }
        cut = [one for one, html in posts.items() if _is_cut(html)]
        cut += [str(one["id"]) for one in payload["answers"] if _is_cut(str(one.get("summary")))]
        self._fill(cut, payload)
        return self._source.record(number, "thread", address, payload, address)

    def _posts(self, address: str) -> dict[str, str] | None:
        # Here, because a build with nothing new opens sources and never reads pages.
        from kbgen.sources.askbot_page import read_page  # noqa: PLC0415

        posts: dict[str, str] = {}
        for page in range(1, _TOO_MANY_PAGES):
            # Told how to sort: the order of answers is a setting of each forum, and pages of two orders lose some.
            params: dict[str, str | int] = {"sort": "oldest"} | ({"page": page} if page > 1 else {})
            reply = self._client.get(address, params=params, accept="text/html", handled=_GONE)
            if reply.status != 200:
                return posts or None
            shown = read_page(reply.text())
            posts.update((one, html) for one, html in shown.posts.items() if one not in posts)
            if page >= shown.pages:
                break
        return posts

    def _answer(self, number: str) -> dict[str, Any] | None:
        reply = self._client.get(f"{self._url}/api/v1/answers/{number}/", handled=_GONE)
        return reply.document(id=object) if reply.status == 200 else None

    def _fill(self, cut: Sequence[str], payload: dict[str, Any]) -> None:
        """Ask for the whole of bodies that are cut: as HTML, else (older forums) as Markdown."""
        for number in cut:
            for name, path, key in (("bodies", "get-post-html", "post_html"), ("texts", "get-post-body", "body_text")):
                body = _word(self._ask_for_body(path, number), key)
                if body:
                    payload.setdefault(name, {})[number] = body
                    break

    def _ask_for_body(self, path: str, number: str) -> Reply:
        address = f"{self._url}/s/{path}/"
        return self._client.get(address, params={"post_id": number}, headers=_BODY_OF, handled=(*_GONE, 500))


class _Reader:
    """Makes a thread of one payload."""

    def __init__(self, source: AskbotSource, record: RawRecord, payload: _Payload) -> None:
        self._ref = record.ref
        self._url = record.url
        self._staff = {member.lower() for member in source.options.staff}
        self._payload = payload
        self._warnings: list[str] = []

    def thread(self) -> Thread:
        question, payload = self._payload.question, self._payload
        number = str(question.id)
        answers = [self._shown(one) for one in payload.posts if one != number]
        answers += [self._told(answer) for answer in payload.answers if str(answer.id) not in payload.posts]
        order = {str(one): place for place, one in enumerate(question.answer_ids)}
        answers = sorted((one for one in answers if one.id in order), key=lambda one: (one.created is None, one.id))
        answers.sort(key=lambda one: one.created.timestamp() if one.created else 0.0)
        asked = self._shown(number)
        return Thread(
            ref=self._ref,
            url=self._url,
            title=question.title,
            question=asked,
            answers=tuple(answers),
            solved=self._solved(answers),
            created=asked.created or read_epoch(question.added_at),
            updated=read_epoch(question.last_activity_at),
            tags=tuple(question.tags),
            views=question.view_count,
            visibility="deleted" if asked.deleted else "public",
            closed=(question.closed_reason or "closed").lower() if question.closed else None,
            warnings=tuple(self._warnings),
        )

    def _solved(self, answers: Sequence[Post]) -> tuple[Solved, ...]:
        number = self._payload.question.accepted_answer_id
        if number is None:
            return ()
        if not any(one.id == str(number) and not one.deleted for one in answers):
            self._warnings.append(f"The accepted answer, post {number}, is not there; it counts as not accepted.")
            return ()
        return (Solved(str(number), "accepted"),)

    def _shown(self, number: str) -> Post:
        from kbgen.sources.askbot_page import read_post  # noqa: PLC0415

        shown = read_post(self._payload.posts[number], self._url)
        return Post(
            id=number,
            url=self._link(number),
            html=self._html(number, shown.html, cut=shown.cut),
            author=self._credited(shown.author),
            created=shown.created,
            edited=shown.edited,
            score=shown.score,
            deleted=shown.deleted,
        )

    def _told(self, answer: _Answer) -> Post:
        number, who = str(answer.id), answer.author
        profile = urljoin(self._url, f"/users/{who.id}/")
        return Post(
            id=number,
            url=self._link(number),
            html=self._html(number, answer.summary, cut=_is_cut(answer.summary)),
            author=self._credited(Person(str(who.id), who.username or f"user {who.id}", profile)),
            created=read_epoch(answer.added_at),
            edited=read_epoch(answer.last_edited_at),
            score=answer.score,
        )

    def _link(self, number: str) -> str:
        asked = number == str(self._payload.question.id)
        return self._url if asked else f"{self._url}?answer={number}#post-id-{number}"

    def _credited(self, person: Person) -> Person:
        staff = not self._staff.isdisjoint({person.name.lower(), person.id})
        return msgspec.structs.replace(person, is_staff=staff)

    def _html(self, number: str, shown: str, *, cut: bool) -> str:
        from kbgen.sources.markdown import render  # noqa: PLC0415
        from kbgen.sources.markup import plain_post  # noqa: PLC0415

        html = self._payload.bodies.get(number)
        if html is None and number in self._payload.texts:
            html = render(self._payload.texts[number])
        if html is None and cut:
            self._warnings.append(f"Post {number} is longer than what the forum gives, and ends in the middle.")
        return plain_post(shown if html is None else html, self._url, drop=("js-expander", "expander"))


_CUT = re.compile(r"""class=["'](?:js-)?expander["']""")


def _is_cut(html: str) -> bool:
    return _CUT.search(html) is not None


def _activity(item: Mapping[str, Any]) -> int:
    text = str(item.get("last_activity_at") or 0)
    return int(text) if text.isdecimal() else 0


def signature(item: Mapping[str, Any]) -> str:
    """What the list says of a question, as far as it does not move with every visit."""
    parts = [item.get(key) for key in _SIGNED] + [sorted(item.get("answer_ids") or ())]
    return hashlib.blake2b(msgspec.json.encode(parts), digest_size=12).hexdigest()


def _word(reply: Reply, key: str) -> str:
    """Read one text out of a JSON object; "" for a forum that answers something else."""
    try:
        value = reply.json() if reply.status == 200 else None
    except SourceError:
        return ""
    return str(value.get(key) or "") if isinstance(value, dict) else ""
