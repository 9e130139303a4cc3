"""The search index of a site, written by a process that is told of its pages in a file and gives its memory back.

Not here: what is in an index (``search.index``), and what it knows of a page (``site.documents``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import msgspec
from msgspec import Struct

from kbgen.model import Library, Ref, Slug, Topic
from kbgen.search.documents import SearchDoc
from kbgen.search.index import build_index
from kbgen.site.documents import documents
from kbgen.store import Store, open_store

FOLDER = "search"
_LINE = msgspec.json.Decoder(list[tuple[Ref, SearchDoc]])


class IndexJob(Struct, frozen=True):
    """What the process is told; picklable.

    Attributes:
        documents: as ``write_documents`` left it; removed when it has been read.
        store: the store's file; it has the words of each page.
        staging: the folder of the site.
        languages: to make an index for.
    """

    documents: Path
    store: Path
    staging: Path
    languages: tuple[str, ...]


def write_documents(file: Path, library: Library, topics: Mapping[Slug, Topic]) -> None:
    """Write what the index has to know of every page but its words, some pages a line."""
    encoder = msgspec.json.Encoder()
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as out:
        for batch in documents(library, topics):
            out.write(encoder.encode(batch) + b"\n")


def write_index(job: IndexJob) -> dict[str, tuple[str, str]]:
    """Write the index; a plain function for a process of its own.

    Returns:
        File to the digest of its bytes, twice: such a file is its own key.
    """
    folder = job.staging / FOLDER
    with closing(open_store(job.store, read_only=True)) as store:
        build_index(_told(job.documents, store), folder, job.languages)
    job.documents.unlink()
    rows: dict[str, tuple[str, str]] = {}
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(job.staging).as_posix()
        if file.is_file() and not name.endswith(".html"):
            digest = hashlib.blake2b(file.read_bytes(), digest_size=16).hexdigest()
            rows[name] = (digest, digest)
    return rows


def _told(file: Path, store: Store) -> Iterator[SearchDoc]:
    with file.open("rb") as lines:
        for line in lines:
            batch = _LINE.decode(line)
            terms = store.entries.terms([ref for ref, _ in batch])
            for ref, doc in batch:
                yield msgspec.structs.replace(doc, prepared=terms[ref])
