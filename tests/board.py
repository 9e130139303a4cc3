"""A notice board on a fake server, and the source that reads it: what a live connector looks like, as small as can be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import json as msgspec_json
from msgspec.structs import replace

from kbgen.errors import RecordError
from kbgen.model import Article, Person, Post, RawRecord, Solved, Thread
from kbgen.sources.base import Harvested, SourceOptions
from kbgen.sources.http import Client
from kbgen.sources.live import Known, LiveSource, Step, Walk
from kbgen.testing import Canned, FakeServer, Request

PER_PAGE = 2


class BoardOptions(SourceOptions):
    """A board's block."""

    url: str
    api_key: str = ""


class BoardSource(LiveSource):
    """Reads the list page by page, and each note whose revision the store does not have."""

    kind = "board"
    Options = BoardOptions

    def steps(self, client: Client, known: Known, walk: Walk) -> Iterator[Step]:
        """A step a page of the list; the newest revision is the mark."""
        page, since = int(walk.cursor or 0), 0 if walk.full else int(walk.mark or 0)
        while True:
            params: dict[str, str | int] = {"page": page, "since": since}
            key = getattr(self.options, "api_key", "")
            if key:
                params["key"] = key
            data: Any = client.get(f"{self.options.url}/list.json", params=params).json()
            items: list[Harvested] = []
            seen, gone = [], []
            for number, revision in data["notes"]:
                if known.signature(number) == revision:
                    seen.append(number)
                    continue
                reply = client.get(f"{self.options.url}/notes/{number}.json", handled=(404, 403))
                if reply.status != 200:
                    gone.append(number)
                    continue
                items.append(self._note(number, revision, reply.json()))
            gone += data["gone"]
            yield Step(items, seen, gone, cursor=str(page + 1), mark=str(data["newest"]), total=data["total"])
            page += 1
            if not data["more"]:
                return

    def _note(self, number: str, revision: str, data: Any) -> Harvested:
        place = f"{self.options.url}/notes/{number}"
        if "title" not in data:
            return RecordError(place, "has no title")
        return replace(self.record(number, "thread", place, data, place), signature=revision)

    def parse(self, record: RawRecord) -> Thread | Article:
        """A note is a question with one answer."""
        data: Any = msgspec_json.decode(record.payload)
        author = Person("1", "Ada")
        question = Post("q", record.url, f"<p>{data['title']}</p>", author)
        answer = Post("a", f"{record.url}#a", f"<p>{data['answer']}</p>", author)
        solved = (Solved("a", "accepted"),) if data["solved"] else ()
        return Thread(record.ref, record.url, data["title"], question, (answer,), solved)


class Board:
    """The board itself: notes by number, their revisions, and what happens to them."""

    def __init__(self, server: FakeServer, count: int = 5) -> None:
        self.server = server
        self.notes: dict[str, dict[str, Any]] = {}
        self.revisions: dict[str, int] = {}
        self.gone: list[str] = []
        self.newest = 0
        self.hidden: set[str] = set()
        server.route("/list.json", self._list)
        for number in range(1, count + 1):
            self.write(str(number))

    def write(self, number: str, **changes: Any) -> None:
        """Write a note, or change it."""
        note = {
            "title": f"Where is lamp {number}?",
            "answer": f"In room {number}, behind the door that leads out.",
            "solved": True,
        }
        self.notes[number] = {**self.notes.get(number, note), **changes}
        self.newest += 1
        self.revisions[number] = self.newest
        self.server.route(f"/notes/{number}.json", lambda _: self.notes[number])

    def remove(self, number: str, *, told: bool = True) -> None:
        """Take a note down; whether the list says so."""
        del self.notes[number], self.revisions[number]
        self.server.drop(f"/notes/{number}.json")
        if told:
            self.gone.append(number)

    def _list(self, request: Request) -> object:
        page, since = int(request.query["page"]), int(request.query["since"])
        rows = [(number, str(revision)) for number, revision in self.revisions.items() if revision > since]
        start = page * PER_PAGE
        return {
            "notes": rows[start : start + PER_PAGE],
            "more": start + PER_PAGE < len(rows),
            "gone": self.gone,
            "newest": self.newest,
            "total": len(rows),
        }


def board_source(url: str, **options: Any) -> BoardSource:
    """The source of a board."""
    return BoardSource(BoardOptions(name="board", kind="board", url=url, **options), Path())


LOGIN = Canned(200, {"Content-Type": "text/html"}, b"<!doctype html><title>Log in</title>")
