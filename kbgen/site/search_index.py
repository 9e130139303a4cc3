"""The search index of a site, written by a process that is told of its pages in a file and gives its memory back.

Not here: what is in an index (``search.index``), and what it knows of a page (``site.documents``).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
from msgspec import Struct

from kbgen.codebase import code_digest
from kbgen.executor import give_back
from kbgen.model import Card, Ref, Slug, Topic
from kbgen.search.documents import SearchDoc
from kbgen.search.index import build_index
from kbgen.search.words import Words, read_words, write_words
from kbgen.site.documents import outline
from kbgen.site.files import saying_what_to_do
from kbgen.store import Store, open_store

FOLDER = "search"
_BATCH = 500
_LINE = msgspec.json.Decoder(list[Card])


class IndexJob(Struct, frozen=True):
    """What the process is told; picklable.

    Attributes:
        cards: as ``write_cards`` left them; removed when they have been read.
        store: the store's file; it has the words of each page.
        staging: the folder of the site.
        languages: to make an index for.
        tags: titles of the tags that cards name.
        topics: by slug.
        there: files below the index's folder that came with the copy of the live site, to their digests.
    """

    cards: Path
    store: Path
    staging: Path
    languages: tuple[str, ...]
    tags: dict[Slug, str]
    topics: dict[Slug, Topic]
    there: dict[str, str] = {}


def write_cards(file: Path, cards: Iterable[Card]) -> None:
    """Write what the index has to know of every page but its words, some pages a line."""
    encoder, left = msgspec.json.Encoder(), iter(cards)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as out:
        while batch := list(itertools.islice(left, _BATCH)):
            out.write(encoder.encode(batch) + b"\n")


# Counted before the cards were told; a process makes one index.
_counted: dict[str, Words] | None = None
# What was counted the last time, by its file, for ``count_words``.
_read: dict[Path, dict[str, Words]] = {}


def read_counted(kept: Path) -> None:
    """Read what was counted the last time, before ``count_words`` is asked: it needs nothing of what this run makes."""
    _read[kept] = read_words(kept, code_digest("search"))


def count_words(store: Path, kept: Path, *, clean: bool = False) -> None:
    """Count the words of all pages, for the index that this process is going to write.

    It can be done while it is still worked out what the pages are called and where they are.

    Args:
        store: the store's file.
        kept: file of what was counted the last time; only pages that changed since are counted.
        clean: count them all.

    Raises:
        NotPublished: ``kept`` could not be written.
    """
    global _counted  # noqa: PLW0603
    made_by, read = code_digest("search"), _read.pop(kept, None)
    _counted = {} if clean else read_words(kept, made_by) if read is None else read
    with closing(open_store(store, read_only=True)) as opened:
        marks = opened.entries.inputs()
        forgotten = [words.retain(marks) for words in _counted.values()]
        _counted = {lang: words for lang, words in _counted.items() if words.refs}
        known = {ref for words in _counted.values() for ref in words.refs}
        fresh = [ref for ref in marks if ref not in known]
        for ref, lang, mark, terms in opened.entries.analysed(fresh if known else None):
            if lang not in _counted:
                _counted[lang] = Words()
            _counted[lang].add(terms, ref, mark)
    if fresh or any(forgotten):
        with saying_what_to_do(kept, "writing"):
            write_words(kept, _counted, made_by)


class _Named(Struct):
    lang: str
    ref: str


_NAMED = msgspec.json.Decoder(list[_Named])


def _take_counted(job: IndexJob) -> dict[str, Words]:
    """The counted words by language, when they are of the pages that cards are told of and of no other; else none."""
    global _counted
    counted, _counted = _counted, None
    if not counted:
        return {}
    refs: dict[str, set[str]] = {}
    with job.cards.open("rb") as lines:
        for one in itertools.chain.from_iterable(map(_NAMED.decode, lines)):
            refs.setdefault(one.lang, set()).add(one.ref)
    # A language without an index of its own joins another's.
    fit = counted.keys() == refs.keys() and refs.keys() <= set(job.languages)
    return counted if fit and all(words.are_of(refs[lang]) for lang, words in counted.items()) else {}


def write_index(job: IndexJob) -> dict[str, tuple[str, str]]:
    """Write the index; a plain function for a process of its own.

    Returns:
        File to the digest of its bytes, twice: such a file is its own key.
    """
    folder = job.staging / FOLDER
    known = _take_counted(job)
    with closing(open_store(job.store, read_only=True)) as store:
        docs = _told(job) if known else _with_words(job, store)
        report = build_index(docs, folder, job.languages, known, there=job.there)
    job.cards.unlink()
    give_back()
    return {f"{FOLDER}/{name}": (digest, digest) for name, digest in sorted(report.digests.items())}


def _told(job: IndexJob) -> Iterator[SearchDoc]:
    with job.cards.open("rb") as lines:
        for line in lines:
            for card in _LINE.decode(line):
                yield outline(card, job.tags, job.topics)


def _with_words(job: IndexJob, store: Store) -> Iterator[SearchDoc]:
    docs = _told(job)
    while batch := list(itertools.islice(docs, _BATCH)):
        terms = store.entries.terms([doc.ref for doc in batch])
        for doc in batch:
            yield msgspec.structs.replace(doc, prepared=terms[Ref(doc.ref)])
