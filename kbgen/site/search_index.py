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
from kbgen.model import Ref
from kbgen.search.documents import SearchDoc
from kbgen.search.index import build_index
from kbgen.search.words import Words, read_words, write_words
from kbgen.site.files import saying_what_to_do
from kbgen.store import Store, open_store

FOLDER = "search"
_BATCH = 500
_LINE = msgspec.json.Decoder(list[SearchDoc])


class IndexJob(Struct, frozen=True):
    """What the process is told; picklable.

    Attributes:
        documents: as ``write_documents`` left it; removed when it has been read.
        store: the store's file; it has the words of each page.
        staging: the folder of the site.
        languages: to make an index for.
        there: files below the index's folder that came with the copy of the live site, to their digests.
    """

    documents: Path
    store: Path
    staging: Path
    languages: tuple[str, ...]
    there: dict[str, str] = {}


def write_documents(file: Path, told: Iterable[list[SearchDoc]]) -> None:
    """Write what the index has to know of every page but its words (``documents.documents``), some pages a line."""
    encoder = msgspec.json.Encoder()
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as out:
        for batch in told:
            out.write(encoder.encode(batch) + b"\n")


# Counted before the documents were told; a process makes one index.
_counted: dict[str, Words] | None = None


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
    made_by = code_digest("search")
    _counted = {} if clean else read_words(kept, made_by)
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
    """The counted words by language, when they are of the pages that are told of and of no other; else none."""
    global _counted
    counted, _counted = _counted, None
    if not counted:
        return {}
    refs: dict[str, set[str]] = {}
    with job.documents.open("rb") as lines:
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
        docs = _told(job.documents) if known else _with_words(job.documents, store)
        report = build_index(docs, folder, job.languages, known, there=job.there)
    job.documents.unlink()
    give_back()
    return {f"{FOLDER}/{name}": (digest, digest) for name, digest in sorted(report.digests.items())}


def _told(file: Path) -> Iterator[SearchDoc]:
    with file.open("rb") as lines:
        for line in lines:
            yield from _LINE.decode(line)


def _with_words(file: Path, store: Store) -> Iterator[SearchDoc]:
    docs = _told(file)
    while batch := list(itertools.islice(docs, _BATCH)):
        terms = store.entries.terms([doc.ref for doc in batch])
        for doc in batch:
            yield msgspec.structs.replace(doc, prepared=terms[Ref(doc.ref)])
