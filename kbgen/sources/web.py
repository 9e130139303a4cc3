"""Any site whose pages say what is asked and answered on them: sitemap, structured data, CSS selectors.

Finds a site's pages by its sitemaps, keeps those that hold one thread (``QAPage``, ``DiscussionForumPosting`` with a
sign of the solved ones, or what the configured selectors find), and parses them again whenever it must. What is NOT
here: pages that are drawn in the browser; they are counted and reported.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import cast
from urllib.parse import unquote, urlsplit

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from pydantic import Field, field_validator

from kbgen.errors import RecordError, SourceError
from kbgen.model import Post, RawRecord, Solved, Thread
from kbgen.sources.base import Harvested, SourceOptions
from kbgen.sources.feeds import changes_since, read_date
from kbgen.sources.fields import SiteUrl
from kbgen.sources.http import Client, Disallowed, Unanswered
from kbgen.sources.live import Known, LiveSource, Step, Walk
from kbgen.sources.web_page import BROWSER, Found, Kept, Reader, describe, keep_page
from kbgen.sources.web_sitemap import Listed, clean_url, list_pages, same_site
from kbgen.sources.web_thread import NOTHING, POSTING, Selectors

_GONE = (401, 403, 404, 410, 451)
_BATCH, _FEW, _FAILURES = 20, 10, 3
# A sitemap is often made once a day, and a page changes before its sitemap does.
_LATE = timedelta(days=2)


class WebOptions(SourceOptions):
    """Keys of a ``kind: web`` source.

    Attributes:
        url: the site's address.
        sitemaps: their addresses; default: those of robots.txt, else ``/sitemap.xml``, ``/sitemap_index.xml``.
        feed: addresses of feeds that tell what is new; passes over changes then read those instead of the sitemaps.
        include: patterns of the paths of threads, such as ``/questions/*``; default: every page is looked at.
        exclude: patterns of paths to leave out.
        hreflang: only pages in this language, where a sitemap lists translations.
        id_pattern: regular expression with one group that finds a thread's lasting id in its address; default: the
            path. Needed where a new title changes the address.
        selectors: CSS selectors, see ``Selectors``.
        solved_label: words that an element found by ``selectors: solved`` must hold.
        solved_urls: patterns of the paths of solved threads, where the address tells.
        solved_confidence: how sure it is that the answer chosen on a page marked solved, but without a mark on an
            answer, is the right one.
        accepted_confidence: how sure it is that the answer found by ``selectors: accepted`` is the right one.
        thread_pages: how many pages of one thread are read (``rel=next``).
        limit: how many pages are asked for in one pass; more is an error.
    """

    url: SiteUrl
    sitemaps: tuple[str, ...] = ()
    feed: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    hreflang: str | None = None
    id_pattern: str | None = None
    selectors: Selectors = Selectors()
    solved_label: str | None = None
    solved_urls: tuple[str, ...] = ()
    solved_confidence: float = Field(default=0.4, ge=0, le=1)
    accepted_confidence: float = Field(default=0.9, ge=0, le=1)
    thread_pages: int = Field(default=5, ge=1, le=100)
    limit: int = Field(default=200_000, ge=1)

    @field_validator("id_pattern")
    @classmethod
    def _one_group(cls, value: str | None) -> str | None:
        try:
            if value is not None and re.compile(value).groups != 1:
                raise ValueError(rf"{value!r} must have one group, such as /questions/(\d+)/")
        except re.error as error:
            raise ValueError(f"{value!r} is not a regular expression: {error}") from error
        return value


class _Payload(Struct):
    """A thread's page or pages, reduced, see ``keep_page``."""

    url: str
    pages: list[str]


class _Mark(Struct):
    """What the last complete pass left: when it began, how far each feed had come, and which pages were unreadable."""

    at: datetime
    feeds: dict[str, str] = {}
    again: list[str] = []


class _Cursor(Struct):
    """Where a pass was interrupted: what its mark will be, and the last address that is done."""

    mark: _Mark
    after: str


class WebSource(LiveSource):
    """A site read page by page."""

    kind = "web"
    Options = WebOptions

    def __init__(self, options: SourceOptions, project: Path) -> None:
        super().__init__(options, project)
        self._options = cast("WebOptions", options)

    def steps(self, client: Client, known: Known, walk: Walk) -> Iterator[Step]:
        """Ask for every page of the sitemaps, or, in a pass over changes, for those that are new or say they changed.

        Raises:
            SourceError: there is no sitemap, or no page can be read without a browser.
        """
        cursor = None if walk.cursor is None else msgspec.json.decode(walk.cursor, type=_Cursor)
        old = None if walk.mark is None else msgspec.json.decode(walk.mark, type=_Mark)
        mark, listed = self._listed(client, None if walk.full else old, walk.now)
        if cursor is not None:
            mark = cursor.mark
        wanted, seen = self._wanted(listed, known, old, full=walk.full)
        if cursor is not None:
            wanted = [page for page in wanted if page.url > cursor.after]
        yield from _Pass(self, client, known, mark).run(wanted, seen)

    def _listed(self, client: Client, old: _Mark | None, now: datetime) -> tuple[_Mark, list[Listed]]:
        """The pages to look at, by address: from the feeds when they reach back far enough, else the sitemaps."""
        feeds: dict[str, str] = {}
        found: dict[str, Listed] = {}
        complete = bool(self._options.feed) and old is not None
        for address in self._options.feed:
            changes = changes_since(client, address, old.feeds.get(address) if old else None)
            feeds[address] = changes.mark
            complete = complete and not changes.gap
            for entry in changes.entries:
                url = clean_url(entry.url) if entry.url else ""
                found[url] = Listed(url, f"feed {entry.key}")
        if not complete:
            pages = list_pages(client, self._options.url, self._options.sitemaps, self._options.hreflang)
            found = {page.url: page for page in pages}
        for url in old.again if old else ():
            found.setdefault(url, Listed(url))
        listed = [page for url, page in sorted(found.items()) if url and self.wants(url)]
        if len(listed) > self._options.limit:
            problem = f"has {len(listed)} pages, more than `limit: {self._options.limit}`"
            raise SourceError(
                f"{self._options.url} {problem}; name those with threads in `include:`, or raise the limit"
            )
        return _Mark(now, feeds), _without_making_times(listed)

    def _wanted(
        self, listed: Sequence[Listed], known: Known, old: _Mark | None, *, full: bool
    ) -> tuple[list[Listed], list[str]]:
        if full:
            return list(listed), []
        wanted: list[Listed] = []
        seen: list[str] = []
        for page in listed:
            before = known.signature(self.native_id(page.url))
            if before is None:
                changed = read_date(page.changed)
                # Unknown pages are mostly no threads; those that did not change since still are not.
                fresh = changed is None or old is None or changed > old.at - _LATE
            else:
                fresh = bool(page.changed) and page.changed != before
            if fresh or (old is not None and page.url in old.again):
                wanted.append(page)
            elif before is not None:
                seen.append(self.native_id(page.url))
        return wanted, seen

    def wants(self, url: str) -> bool:
        """Whether an address is one of this source's, by its patterns."""
        path = _path(url)
        options = self._options
        inside = same_site(url, options.url) and urlsplit(url).path.startswith(urlsplit(options.url).path)
        included = not options.include or any(fnmatchcase(path, pattern) for pattern in options.include)
        return inside and included and not any(fnmatchcase(path, pattern) for pattern in options.exclude)

    def native_id(self, url: str) -> str:
        """The id of the thread at an address, "" for the site's first page."""
        if self._options.id_pattern:
            found = re.search(self._options.id_pattern, url)
            if found is not None and found[1]:
                return found[1]
        return unquote(_path(url)).strip("/")

    def fetch(self, client: Client, page: Listed) -> tuple[str, RawRecord | str | None]:
        """Ask for a thread's page, and for its further pages.

        Returns:
            The thread's native id; and its record, or why the page holds none, or None when nobody may read it.
        """
        pages: list[str] = []
        kept: Kept | None = None
        address = page.url
        asked: set[str] = set()
        while address and address not in asked and len(asked) < self._options.thread_pages:
            asked.add(address)
            try:
                reply = client.get(address, accept="text/html", handled=_GONE)
            except Disallowed:
                return self.native_id(page.url), None
            if reply.status in _GONE:
                break
            if b"<" not in reply.body:
                raise Unanswered(f"{address} answered with no web page; open it in a browser to see, or run again")
            further = keep_page(reply)
            kept = kept or further
            if further.closed:
                break
            pages.append(further.html)
            # Only a thread's own pages: elsewhere "next" is the next thread.
            address = further.next_url if _continues(kept.url, further.next_url) else ""
        if kept is None or not pages:
            return self.native_id(kept.url if kept else page.url), None
        native_id = self.native_id(kept.url)
        found = describe(pages, self._options.selectors)
        if isinstance(found, str) or not native_id:
            return native_id, BROWSER if kept.drawn and found == NOTHING else str(found)
        if found[0].is_posting and not self._knows_solved():
            return native_id, POSTING
        record = self.record(native_id, "thread", kept.url, {"url": kept.url, "pages": pages}, kept.url)
        return native_id, replace(record, signature=page.changed or "-")

    def _knows_solved(self) -> bool:
        selectors = self._options.selectors
        return bool(selectors.solved or selectors.accepted or self._options.solved_urls)

    def parse(self, record: RawRecord) -> Thread:
        """What a stored page means."""
        place = record.place or record.ref
        try:
            payload = msgspec.json.decode(record.payload, type=_Payload)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise RecordError(place, f"is not a stored page: {error}; harvest it again") from error
        found = describe(payload.pages, self._options.selectors)
        if isinstance(found, str):
            raise RecordError(
                place, f"is one of the pages that {found}; mend `selectors:`, or leave it out in `exclude:`"
            )
        asked, roots = found
        if not asked.title:
            raise RecordError(place, "the thread has no title; name its element in `selectors: title`")
        read = Reader(payload.url, roots, self._options.selectors, self._options.staff).read(asked)
        for what, post in (("question", read.question), *(("accepted answer", one) for one in _settling(read))):
            if not post.author.name:
                raise RecordError(place, f"the {what} has no author to credit; name the element in `selectors: author`")
        times = [post.edited or post.created for post in (read.question, *read.answers)]
        return Thread(
            ref=record.ref,
            url=payload.url,
            title=asked.title,
            question=read.question,
            answers=read.answers,
            solved=self._solved(read, payload.url),
            created=read.question.created,
            updated=max((time for time in times if time), default=None),
            tags=asked.tags,
            category=asked.category,
            lang=self._options.lang,
            warnings=read.warnings,
        )

    def _solved(self, read: Found, url: str) -> tuple[Solved, ...]:
        """The page's own mark; else the one selectors find; else a guess on a page that is marked solved."""
        if read.accepted:
            return tuple(Solved(read.answers[place].id, "schema") for place in read.accepted)
        if read.marked:
            sure = self._options.accepted_confidence
            return tuple(Solved(read.answers[place].id, "accepted", confidence=sure) for place in read.marked)
        if not self._is_labelled(read) and not self._is_solved_url(url):
            return ()
        answer = _likeliest(read.question, read.answers)
        return () if answer is None else (Solved(answer.id, "tag", confidence=self._options.solved_confidence),)

    def _is_labelled(self, read: Found) -> bool:
        label = (self._options.solved_label or "").casefold()
        return any(label in mark.casefold() for mark in read.marks)

    def _is_solved_url(self, url: str) -> bool:
        return any(fnmatchcase(_path(url), pattern) for pattern in self._options.solved_urls)


class _Pass:
    """One pass over a list of pages: fetches them, and counts what is no thread."""

    def __init__(self, source: WebSource, client: Client, known: Known, mark: _Mark) -> None:
        self._source, self._client, self._known, self._mark = source, client, known, mark
        self._others: Counter[str] = Counter()
        self._examples: dict[str, str] = {}
        self._done: set[str] = set()
        self._threads = 0
        self._failed = 0

    def run(self, wanted: Sequence[Listed], seen: Sequence[str]) -> Iterator[Step]:
        for first in range(0, len(wanted), _BATCH):
            part = wanted[first : first + _BATCH]
            items, gone = self._fetch(part)
            mark = msgspec.json.encode(self._mark).decode()
            cursor = msgspec.json.encode(_Cursor(self._mark, part[-1].url)).decode()
            yield Step(items=items, gone=gone, cursor=cursor, mark=mark, total=len(wanted))
        if self._others[BROWSER] and not self._threads and not self._known.ids():
            raise SourceError(f"{self._source.name}: the pages, such as {self._examples[BROWSER]}, {BROWSER}")
        notes = [
            f"{count}, such as {self._examples[why]}: pages that {why}" for why, count in self._others.most_common()
        ]
        yield Step(seen=seen, mark=msgspec.json.encode(self._mark).decode(), notes=notes)

    def _fetch(self, part: Sequence[Listed]) -> tuple[list[Harvested], list[str]]:
        items: list[Harvested] = []
        gone: list[str] = []
        for page in part:
            try:
                native_id, found = self._source.fetch(self._client, page)
                self._failed = 0
            except SourceError as error:
                # One page may be broken for ever; several one after another are a host that is.
                self._failed += 1
                if self._failed == _FAILURES:
                    raise
                self._mark.again.append(page.url)
                items.append(RecordError(page.url, f"cannot be read: {error}"))
                continue
            if native_id in self._done:
                continue
            self._done.add(native_id)
            if isinstance(found, RawRecord):
                self._threads += 1
                items.append(found)
                continue
            known = self._known.signature(native_id) is not None
            if found == BROWSER and known:
                # It was a thread before: nothing says that it is none any more.
                items.append(RecordError(page.url, f"is one of the pages that {BROWSER}"))
            elif known:
                gone.append(native_id)
            if found is not None:
                self._others[found] += 1
                self._examples.setdefault(found, page.url)
        return items, gone


def _settling(read: Found) -> list[Post]:
    return [read.answers[place] for place in (*read.accepted, *read.marked)]


def _path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _continues(thread: str, following: str) -> bool:
    """Whether an address is a further page of a thread: the thread's own with a page's number added."""
    if not following:
        return False
    stem = urlsplit(thread).path.rstrip("/")
    path = urlsplit(following).path.rstrip("/")
    rest = path.removeprefix(stem)
    return path.startswith(stem) and re.fullmatch(r"(?:/?(?:page|p)?[-/]?\d+)?", rest) is not None


def _without_making_times(listed: list[Listed]) -> list[Listed]:
    """Where every page changed at the same moment, that is when the sitemap was made."""
    if len(listed) > _FEW and len({page.changed for page in listed}) == 1:
        return [replace(page, changed="") for page in listed]
    return listed


def _likeliest(question: Post, answers: Sequence[Post]) -> Post | None:
    """The answer with most votes by somebody else, of equals the last."""
    others = [post for post in answers if post.author.id != question.author.id]
    rank: Callable[[tuple[int, Post]], tuple[int, int]] = lambda entry: (entry[1].score or 0, entry[0])  # noqa: E731
    return max(enumerate(others), key=rank)[1] if others else None
