"""Questions of a Salesforce Experience site, by SOQL over the REST API.

The whole list of questions is read in every pass, two thousand a request, with what tells that one has changed; a full
pass fetches all. What is NOT here: getting an access token, and sites without API access (``web`` reads their pages).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any, cast
from urllib.parse import urljoin

import msgspec
from msgspec import Struct
from pydantic import Field, SecretStr

from kbgen.errors import RecordError, SourceError
from kbgen.model import Person, Post, RawRecord, Solved, Thread
from kbgen.sources.base import Harvested, SourceOptions
from kbgen.sources.fields import SiteUrl, ascii_slug, read_time
from kbgen.sources.http import Client
from kbgen.sources.live import Known, LiveSource, Step, Walk
from kbgen.sources.sweep import sweep

_BATCH = 20
_PEOPLE = "CreatedById, CreatedBy.Name, CreatedBy.UserType"
_FIELDS = (
    "Id, Title, Body, IsRichText, BestCommentId, ParentId, Parent.Name, Visibility, NetworkScope, Status, IsClosed,"
    " LikeCount, CreatedDate, LastEditDate, LastModifiedDate, "
    f"{_PEOPLE}"
)
_COMMENT_FIELDS = f"Id, FeedItemId, CommentBody, IsRichText, Status, CreatedDate, LastEditDate, {_PEOPLE}"
_USER, _GROUP, _NETWORK = "005", "0F9", "0DB"
_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


class SalesforceOptions(SourceOptions):
    """Keys of a ``kind: salesforce`` source.

    Attributes:
        url: address of the site people visit, under which ``/s/question/...`` lies.
        instance: address of the API, such as ``https://example.my.salesforce.com``; default: ``url``'s host.
        access_token: of an OAuth session.
        network: id of the site (``0DB...``); questions of others are left out.
        api_version: of the REST API.
        only_solved: leave out questions without a best answer.
    """

    url: SiteUrl
    access_token: SecretStr
    network: str = Field(pattern=r"^0DB[A-Za-z0-9]{12}([A-Za-z0-9]{3})?$")
    instance: SiteUrl | None = None
    api_version: str = Field(default="61.0", pattern=r"^\d+\.\d$")
    only_solved: bool = True


class _Who(Struct, rename="pascal"):
    name: str | None = None
    user_type: str | None = None


class _Item(Struct, rename="pascal"):
    id: str
    title: str | None = None
    body: str | None = None
    is_rich_text: bool = False
    best_comment_id: str | None = None
    parent_id: str | None = None
    parent: _Who | None = None
    visibility: str | None = None
    network_scope: str | None = None
    status: str | None = None
    is_closed: bool = False
    like_count: int | None = None
    comment_count: int | None = None
    created_date: str | None = None
    last_edit_date: str | None = None
    last_modified_date: str | None = None
    created_by_id: str | None = None
    created_by: _Who | None = None


class _Comment(Struct, rename="pascal"):
    id: str
    feed_item_id: str | None = None
    comment_body: str | None = None
    is_rich_text: bool = False
    status: str | None = None
    created_date: str | None = None
    last_edit_date: str | None = None
    created_by_id: str | None = None
    created_by: _Who | None = None


class _Group(Struct, rename="pascal"):
    id: str


class _Rows(Struct):
    records: list[dict[str, Any]]
    next_records_url: str | None = msgspec.field(name="nextRecordsUrl", default=None)


class _Payload(Struct):
    """A question and its comments as the API gives them."""

    item: _Item
    comments: list[_Comment]


class SalesforceSource(LiveSource):
    """An Experience Cloud site."""

    kind = "salesforce"
    Options = SalesforceOptions

    def __init__(self, options: SourceOptions, project: Path) -> None:
        super().__init__(options, project)
        self._options = cast("SalesforceOptions", options)

    def steps(self, client: Client, known: Known, walk: Walk) -> Iterator[Step]:
        """Read the list of questions, and those that are other than before.

        Raises:
            SourceError: the token has ended, or the API refuses a query.
        """
        groups = {long_id(one.id) for one in self._groups(client)}
        index = {
            long_id(item.id): f"{item.last_modified_date} {item.best_comment_id} {item.comment_count}"
            for item in self._questions(client)
            if self._is_public(item, groups)
        }

        def fetch(numbers: Sequence[str]) -> Iterable[tuple[str, Harvested | None]]:
            return self._fetch(client, numbers, groups)

        return sweep(index, known, walk, fetch, batch=_BATCH)

    def _groups(self, client: Client) -> Iterator[_Group]:
        """Groups anybody may read; what is asked in others is nobody else's business."""
        query = "SELECT Id FROM CollaborationGroup WHERE CollaborationType = 'Public'"
        return (msgspec.convert(row, _Group) for row in self._rows(client, query))

    def _questions(self, client: Client) -> Iterator[_Item]:
        solved = " AND BestCommentId != null" if self._options.only_solved else ""
        fields = "Id, BestCommentId, ParentId, Visibility, NetworkScope, Status, CommentCount, LastModifiedDate"
        query = f"SELECT {fields} FROM FeedItem WHERE Type = 'QuestionPost'{solved} ORDER BY CreatedDate ASC"  # noqa: S608
        return (msgspec.convert(row, _Item) for row in self._rows(client, query))

    def _is_public(self, item: _Item, groups: set[str]) -> bool:
        """Whether any visitor of this site may read it: asked of all, or in a public group, and published."""
        parent = long_id(item.parent_id or "")
        place = parent[:3] in {_USER, _NETWORK} or (parent[:3] == _GROUP and parent in groups)
        scope = long_id(item.network_scope or "") == long_id(self._options.network)
        return place and scope and item.visibility == "AllUsers" and item.status in {None, "Published"}

    def _fetch(
        self, client: Client, numbers: Sequence[str], groups: set[str]
    ) -> Iterator[tuple[str, Harvested | None]]:
        if not numbers:
            return
        names = ", ".join(f"'{number}'" for number in numbers if number.isalnum())
        items = {
            long_id(str(row.get("Id"))): row
            for row in self._rows(client, f"SELECT {_FIELDS} FROM FeedItem WHERE Id IN ({names})")  # noqa: S608
        }
        comments: dict[str, list[dict[str, Any]]] = {}
        where = f"FeedItemId IN ({names}) ORDER BY CreatedDate ASC"
        for row in self._rows(client, f"SELECT {_COMMENT_FIELDS} FROM FeedComment WHERE {where}"):  # noqa: S608
            if row.get("Status") in {None, "Published"}:
                comments.setdefault(long_id(str(row.get("FeedItemId"))), []).append(row)
        for number in numbers:
            found = items.get(number)
            yield number, None if found is None else self._made(number, found, comments.get(number, []), groups)

    def _made(
        self, number: str, row: dict[str, Any], comments: list[dict[str, Any]], groups: set[str]
    ) -> Harvested | None:
        try:
            item = msgspec.convert(row, _Item)
        except msgspec.ValidationError as error:
            return RecordError(f"{self._options.url} {number}", f"is not a question as Salesforce writes it: {error}")
        if not self._is_public(item, groups) or (item.best_comment_id is None and self._options.only_solved):
            return None
        url = self._url(item)
        return self.record(number, "thread", url, {"item": row, "comments": comments}, url)

    def _rows(self, client: Client, query: str) -> Iterator[dict[str, Any]]:
        base = f"{self._options.instance or self._options.url}/"
        headers = {"Authorization": f"Bearer {self._options.access_token.get_secret_value()}"}
        url: str | None = urljoin(base, f"/services/data/v{self._options.api_version}/query")
        params: dict[str, str | int] | None = {"q": query}
        while url is not None:
            reply = client.get(url, params=params, headers=headers, handled=(400, 401, 403))
            if reply.status != 200:
                raise SourceError(f"{url}: {_refusal(reply.status, reply.body)}")
            try:
                page = msgspec.convert(reply.json(), _Rows)
            except msgspec.ValidationError as error:
                raise SourceError(f"{url} did not answer as Salesforce does: {error}; check `instance:`") from error
            yield from page.records
            url, params = urljoin(base, page.next_records_url) if page.next_records_url else None, None

    def _url(self, item: _Item) -> str:
        slug = ascii_slug(item.title or "")
        return f"{self._options.url}/s/question/{long_id(item.id)}" + (f"/{slug}" if slug else "")

    def parse(self, record: RawRecord) -> Thread:
        """What a recorded question means."""
        place = record.place or record.ref
        try:
            payload = msgspec.json.decode(record.payload, type=_Payload)
            title = " ".join((payload.item.title or "").split())
            if not title:
                raise RecordError(place, "the question has no title; harvest it again")
            return self._thread(record, payload, title)
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
            raise RecordError(place, f"is not a question as Salesforce writes it: {error}; harvest it again") from error

    def _thread(self, record: RawRecord, payload: _Payload, title: str) -> Thread:
        item, comments = payload.item, payload.comments
        url = self._url(item)
        best = long_id(item.best_comment_id or "")
        answers = [
            Post(
                id=long_id(comment.id),
                url=url,
                html=_html(comment.comment_body, rich=comment.is_rich_text, page=url),
                author=self._person(comment.created_by_id, comment.created_by),
                created=read_time(comment.created_date),
                edited=read_time(comment.last_edit_date),
            )
            for comment in comments
        ]
        solved = [answer for answer in answers if answer.id == best]
        lacking = "The best answer is not among the comments; it counts as not accepted."
        question = Post(
            id=long_id(item.id),
            url=url,
            html=_html(item.body, rich=item.is_rich_text, page=url),
            author=self._person(item.created_by_id, item.created_by),
            created=read_time(item.created_date),
            edited=read_time(item.last_edit_date),
            score=item.like_count,
        )
        in_group = (item.parent_id or "").startswith(_GROUP) and item.parent is not None and item.parent.name
        return Thread(
            ref=record.ref,
            url=url,
            title=title,
            question=question,
            answers=tuple(answers),
            solved=tuple(Solved(answer.id, "accepted") for answer in solved),
            created=question.created,
            updated=read_time(item.last_modified_date),
            category=(in_group,) if in_group else (),
            visibility="public" if item.visibility == "AllUsers" else "private",
            closed="closed" if item.is_closed else None,
            lang=self.options.lang,
            warnings=(lacking,) if best and not solved else (),
        )

    def _person(self, number: str | None, who: _Who | None) -> Person:
        name = ((who.name if who else None) or "").strip()
        if not name or not number:
            return Person("", name or "Deleted user", deleted=True)
        listed = {one.casefold() for one in self.options.staff}
        # People of the company have full accounts, visitors those of customers or partners; guests have none.
        staff = (who is not None and who.user_type == "Standard") or not listed.isdisjoint(
            {name.casefold(), number.casefold()}
        )
        return Person(long_id(number), name, f"{self._options.url}/s/profile/{long_id(number)}", is_staff=staff)


def long_id(number: str) -> str:
    """An id in the form of 18 characters, which does not depend on case; the short form of 15 does.

    Rule: three characters say which of the 15 are capitals, five each.
    """
    if len(number) != 15:
        return number
    parts = (number[start : start + 5] for start in (0, 5, 10))
    bits = (sum(1 << place for place, letter in enumerate(part) if "A" <= letter <= "Z") for part in parts)
    return number + "".join(_CHECK[value] for value in bits)


def _html(body: str | None, *, rich: bool, page: str) -> str:
    # Here, because a build with nothing new opens sources and never parses.
    from kbgen.sources.markup import plain_post  # noqa: PLC0415

    if rich:
        return plain_post(body or "", page)
    paragraphs = [part.strip() for part in (body or "").replace("\r\n", "\n").split("\n\n") if part.strip()]
    return "".join(f"<p>{escape(part, quote=False)}</p>".replace("\n", "<br>") for part in paragraphs)


def _refusal(status: int, body: bytes) -> str:
    try:
        said = "; ".join(str(one.get("message")) for one in msgspec.json.decode(body, type=list[dict[str, Any]]))
    except msgspec.DecodeError:
        said = f"status {status}"
    step = "get a new `access_token:`" if status == 401 else "check the account's permissions and `api_version:`"
    return f"refuses the query ({said}); {step}"
