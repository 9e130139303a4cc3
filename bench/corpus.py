"""The benchmark's threads: real ones with an accepted answer, multiplied with varied words to any number.

Deterministic: the same seeds give the same threads, whatever the machine. Not here: how they are written for kbgen
(project) and for other engines (peers).
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from zlib import crc32

from bench.errors import DataMissing
from bench.wording import Text, cut_html, cut_title, paragraph
from kbgen.errors import KbgenError, RecordError
from kbgen.model import Post, Thread
from kbgen.sources.base import Source
from kbgen.sources.discourse import DiscourseOptions, DiscourseSource
from kbgen.sources.stackexchange import StackExchangeOptions, StackExchangeSource

CATEGORIES = 12
TAGS = 60
DATA = "KBGEN_DATA"
# Measured on the three dumps: half of the words keep a text readable and no copy looks like its original.
_SHARE = 0.5
_THIN = 60
_OTHER_ANSWERS = 2
_AUTHORS = 400
_TAG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_START = datetime(2019, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Seed:
    """A real thread, cut into pieces.

    Attributes:
        posts: the question, then the answers in their order.
        accepted: which post is the accepted answer.
    """

    title: Text
    posts: tuple[Text, ...]
    accepted: int
    tags: tuple[str, ...]
    category: int


@dataclass(frozen=True)
class Topic:
    """A made thread.

    Attributes:
        number: from 1; its id.
        posts: HTML of the question and the answers, each one line.
        accepted: which post is the accepted answer.
        summary: of the question, plain.
        category: 1 to ``CATEGORIES``.
    """

    number: int
    title: str
    posts: tuple[str, ...]
    accepted: int
    summary: str
    tags: tuple[str, ...]
    category: int

    @property
    def slug(self) -> str:
        """Its title in an address."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")[:60].strip("-") or "topic"

    def author(self, post: int) -> int:
        """Number of an invented member: nobody wrote these words."""
        return crc32(f"{self.number}:{post}".encode()) % _AUTHORS + 1

    def written(self, post: int) -> datetime:
        """When a post was written."""
        return _START + timedelta(minutes=97 * self.number + 31 * post)


def data_folder() -> Path:
    """Where the real threads are.

    Raises:
        DataMissing: there is no such folder.
    """
    default = Path(__file__).parent.parent / ".." / "shared" / "data"
    folder = Path(os.environ.get(DATA) or default).resolve()
    if not folder.is_dir():
        msg = f"{folder} does not exist: set {DATA} to a folder with Stack Exchange dumps in stackexchange/*/"
        raise DataMissing(f"{msg} and recorded Discourse topics in discourse/*/topics.tar.zst")
    return folder


def read_seeds(data: Path) -> tuple[Seed, ...]:
    """Every thread with an accepted answer.

    Raises:
        DataMissing: there are none.
    """
    seeds = [seed for source in _sources(data) for seed in seeds_of(_threads(source))]
    if not seeds:
        raise DataMissing(f"{data} holds no thread with an accepted answer; set {DATA} to a folder that does")
    return tuple(seeds)


def _sources(data: Path) -> Iterator[Source]:
    for folder in sorted((data / "stackexchange").glob("*")):
        if (folder / "Posts.xml").is_file():
            url = f"https://{folder.name}.example.com"
            dump = StackExchangeOptions(name="stack", kind="stackexchange", url=url, dump=str(folder))
            yield StackExchangeSource(dump, data)
    for archive in sorted((data / "discourse").glob("urho3d-slice/topics.tar.zst")):
        url = "https://forum.example.com"
        recorded = DiscourseOptions(name="forum", kind="discourse", url=url, archive=str(archive))
        yield DiscourseSource(recorded, data)


def _threads(source: Source) -> Iterator[Thread]:
    try:
        for record in source.records():
            if isinstance(record, RecordError):
                continue
            thread = source.parse(record)
            if isinstance(thread, Thread):
                yield thread
    except KbgenError as error:
        raise DataMissing(f"the data cannot be read: {error}") from error


def seeds_of(threads: Iterable[Thread]) -> Iterator[Seed]:
    """Seeds from the threads that have an accepted answer worth a page."""
    for thread in threads:
        solved = {mark.post_id for mark in thread.solved}
        answers = [post for post in thread.answers if not (post.hidden or post.deleted)]
        best = next((post for post in answers if post.id in solved), None)
        if best is None:
            continue
        kept = _kept(answers, best)
        posts = tuple(cut_html(post.html) for post in (thread.question, *kept))
        accepted = kept.index(best) + 1
        if len(posts[accepted].plain) < _THIN or len(posts[0].plain) < _THIN:
            continue
        tags = tuple(tag for tag in thread.tags if _TAG.fullmatch(tag))
        category = crc32((tags[0] if tags else thread.ref).encode()) % CATEGORIES + 1
        yield Seed(cut_title(thread.title), posts, accepted, tags, category)


def _kept(answers: Sequence[Post], best: Post) -> list[Post]:
    others = sorted((post for post in answers if post is not best), key=lambda post: -(post.score or 0))
    chosen = {post.id for post in (best, *others[:_OTHER_ANSWERS])}
    return [post for post in answers if post.id in chosen]


def vocabulary(seeds: Iterable[Seed]) -> tuple[str, ...]:
    """The most used tags."""
    counts = Counter(tag for seed in seeds for tag in seed.tags)
    return tuple(sorted(tag for tag, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:TAGS]))


def multiply(seeds: Sequence[Seed], count: int) -> Iterator[Topic]:
    """Make distinct threads: the real ones first, then copies with words and sentences of others.

    Args:
        seeds: real threads, at least one.
        count: how many to make.
    """
    sentences = [_sentences(seed) for seed in seeds]
    titles: set[str] = set()
    for index in range(count):
        seed = seeds[index % len(seeds)]
        rng = Random(f"kbgen-bench:{index}")  # noqa: S311
        donor = rng.randrange(len(seeds))
        posts = [text.varied((), 0, rng) for text in seed.posts]
        if index >= len(seeds):
            posts = [_copy(text, seeds[donor], sentences[donor], rng) for text in seed.posts]
        title = _title(seed, seeds[donor], rng, titles, is_copy=index >= len(seeds))
        titles.add(title.casefold())
        summary = " ".join(seed.posts[0].plain.split())[:150]
        yield Topic(index + 1, title, tuple(posts), seed.accepted, summary, seed.tags, seed.category)


def _sentences(seed: Seed) -> tuple[str, ...]:
    return tuple(sentence for text in seed.posts for sentence in text.sentences)


def _copy(text: Text, donor: Seed, sentences: Sequence[str], rng: Random) -> str:
    words = [word for post in donor.posts for word in post.words]
    more = paragraph(rng.choice(sentences)) if sentences else ""
    return text.varied(words, _SHARE, rng) + more


def _title(seed: Seed, donor: Seed, rng: Random, taken: set[str], *, is_copy: bool) -> str:
    """A title nobody has: as it is, with exchanged words, at last with words added."""
    words = donor.title.words or donor.posts[0].words or ("again",)
    title = seed.title.varied(words, _SHARE, rng) if is_copy else seed.title.plain
    while title.casefold() in taken:
        title = f"{title} {rng.choice(words).lower()}"
    return title
