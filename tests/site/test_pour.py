"""Pouring: a page's key moves when, and only when, something it shows moves; workers do not change a byte."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sample_pages as sample
from msgspec.structs import replace

from kbgen.executor import Workers
from kbgen.model import Block, Crumb, Listing, Page, PlainText, Ref, SafeHtml, Slug, Topic
from kbgen.site.engine import Frames
from kbgen.site.pour import Pouring, PourJob, page_keys, pour_chunk
from kbgen.store import open_store
from kbgen.store.items import EntryRow, pack

COUNT = 130


def numbered(number: int) -> Page:
    """The page of one of many entries."""
    path = f"/q/bulb-{number}/"
    return sample.entry_page(path=path, refs=(Ref(f"forum:{number}"),), canonical=f"{sample.URL}q/bulb-{number}/")


@pytest.fixture
def job(tmp_path: Path, frames: Frames) -> PourJob:
    """A store of many entries, and where their pages go."""
    file = tmp_path / "store.sqlite"
    with closing(open_store(file)) as store:
        bodies = [
            sample.entry(ref=Ref(f"forum:{number}"), title=PlainText(f"Bulb {number}")) for number in range(COUNT)
        ]
        store.entries.put(EntryRow(body.ref, "entry", "", "", b"", b"", pack(body)) for body in bodies)
    return PourJob(sample.CONFIG, frames, sample.TOPICS, sample.SOURCES, file, tmp_path / "staging")


def keys_of(pages: Iterable[Page], shared: str, topics: Mapping[Slug, Topic]) -> dict[str, str]:
    """Path to key."""
    return {page.path: key for page, key in page_keys(pages, shared, topics)}


def poured(job: PourJob, jobs: int) -> dict[str, str]:
    """Path to digest of all pages."""
    pages = [numbered(number) for number in range(COUNT)]
    with Workers(jobs) as workers:
        pouring = Pouring(job, workers, lambda _: None)
        pouring.pour(pages[: COUNT // 2])
        pouring.pour(pages[COUNT // 2 :])
        parts = list(pouring.results())
    return {path: digest for part in parts for path, digest in part.digests.items()}


def test_where_a_card_stands_on_a_page_is_part_of_its_key() -> None:
    """The same cards in another order, in another block, and one of them changed."""
    one, two = (sample.card(1, "One"),), (sample.card(2, "Two"),)
    first, second = Block("articles", "A", cards=(*one, *two)), Block("articles", "A")
    shown = [
        ((*one, *two), ()),
        ((*two, *one), ()),
        (one, (replace(first, cards=two), second)),
        (one, (second, replace(first, cards=two))),
        ((), (first, second)),
        ((replace(one[0], title=PlainText("Other")), *two), ()),
    ]
    listings = [
        replace(sample.page("/questions/"), listing=Listing(items=items, blocks=blocks)) for items, blocks in shown
    ]
    keys = [keys_of([page], "r", sample.TOPICS)[page.path] for page in listings]
    assert len(set(keys)) == len(keys)
    assert keys_of(listings[:1], "r", sample.TOPICS) == keys_of([sample_again(listings[0])], "r", sample.TOPICS)


def sample_again(page: Page) -> Page:
    """The same page, of which nothing is the same object."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(page), type=Page)


def test_pages_on_one_trail_may_name_different_topics() -> None:
    """A page that is called like a topic is named by it, too; the others do not move with that topic."""
    topic = next(iter(sample.TOPICS.values()))
    trail = sample.entry_page().crumbs[:-1]
    called = [
        replace(sample.entry_page(path=path), topics=(), crumbs=(*trail[:1], Crumb("It", path)))
        for path in (
            "/articles/other/",
            f"/articles/{topic.slug}/",
            "/articles/another/",
        )
    ]
    titled = {**sample.TOPICS, topic.slug: replace(topic, title="Something else")}
    before, after = (keys_of(called, "r", topics) for topics in (sample.TOPICS, titled))
    assert [f"/articles/{topic.slug}/"] == [path for path in before if before[path] != after[path]]


def test_pages_are_written_where_their_address_says(job: PourJob) -> None:
    """Listings and entries; the digest is of the bytes on disk."""
    listing = sample.page("/questions/")
    done = pour_chunk(job, [numbered(3), listing]).digests
    files = {"/q/bulb-3/": "q/bulb-3/index.html", "/questions/": "questions/index.html"}
    assert done == {
        path: hashlib.blake2b((job.staging / file).read_bytes(), digest_size=16).hexdigest()
        for path, file in files.items()
    }


def test_workers_do_not_change_a_byte(job: PourJob, tmp_path: Path) -> None:
    """One process or two, in any order of finishing: the same digests."""
    one = poured(job, 1)
    other = PourJob(job.config, job.frames, job.topics, job.sources, job.store, tmp_path / "other")
    assert COUNT == len(one)
    assert one == poured(other, 2)


def test_a_chunk_sees_what_was_stored_since(job: PourJob) -> None:
    """A worker keeps its store open, and still reads the newest text."""
    page = numbered(1)
    before = pour_chunk(job, [page]).digests
    with closing(open_store(job.store)) as store:
        answer = sample.post(2, "<p>Another answer altogether.</p>", sample.OTTO, why="accepted")
        store.entries.put(
            [EntryRow("forum:1", "entry", "", "", b"", b"", pack(sample.entry(ref=Ref("forum:1"), best=answer)))]
        )
    assert before != pour_chunk(job, [page]).digests
    assert b"Another answer altogether." in (job.staging / "q/bulb-1/index.html").read_bytes()


def test_another_job_in_the_same_process_is_another_job(job: PourJob, tmp_path: Path) -> None:
    """What a worker keeps of its last job is not used for the next one."""
    pour_chunk(job, [numbered(1)])
    other = PourJob(job.config, job.frames, job.topics, job.sources, job.store, tmp_path / "other")
    pour_chunk(other, [numbered(1)])
    assert (tmp_path / "other" / "q/bulb-1/index.html").is_file()


def test_equal_pages_have_equal_keys() -> None:
    """However often they are made."""
    assert keys_of([sample.entry_page()], "r", sample.TOPICS) == keys_of([sample.entry_page()], "r", sample.TOPICS)


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "Other"},
        {"description": "Other"},
        {"canonical": "https://other.example/"},
        {"noindex": True},
        {"body": "d2"},
        {"related": sample.CARDS[:1]},
        {"updated": sample.day(4, 3)},
        {"topics": ()},
        {"links": ()},
    ],
)
def test_a_key_moves_with_all_a_page_shows(changes: dict[str, Any]) -> None:
    """Title, metadata, the digest of the body, neighbours, dates."""
    page = sample.entry_page()
    (before,) = keys_of([page], "r", sample.TOPICS).values()
    (after,) = keys_of([replace(page, **changes)], "r", sample.TOPICS).values()
    assert before != after


def test_a_key_moves_with_the_topics_a_page_names() -> None:
    """A topic's new title moves the pages that show it; its introduction and other topics move no other page."""
    page, other = sample.entry_page(), sample.page("/questions/")
    slug = page.topics[0]
    before = keys_of([page, other], "r", sample.TOPICS)
    titled = {**sample.TOPICS, slug: replace(sample.TOPICS[slug], title=PlainText("Another title"))}
    after = keys_of([page, other], "r", titled)
    assert [path for path in before if before[path] != after[path]] == [page.path]
    intro = {**sample.TOPICS, slug: replace(sample.TOPICS[slug], intro=SafeHtml("<p>New.</p>"))}
    assert keys_of([page, other], "r", intro) == before


def test_every_key_moves_with_the_renderer() -> None:
    """New templates, words or shells make every page again."""
    pages = [sample.entry_page(), sample.page("/questions/")]
    one, two = keys_of(pages, "r1", sample.TOPICS), keys_of(pages, "r2", sample.TOPICS)
    assert [] == [path for path in one if one[path] == two[path]]
