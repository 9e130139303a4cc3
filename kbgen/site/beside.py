"""What is made of a site in a process of its own, while the stages do their work: the staging folder, the search index.

Not here: what an index is (``search.index``), how a tree is copied (``publish``), and pages (``pour``).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager, suppress
from functools import cached_property, partial
from pathlib import Path

from kbgen.errors import NotPublished
from kbgen.executor import Begin, Workers
from kbgen.model import Card, Ref, Slug, Topic
from kbgen.site.documents import languages
from kbgen.site.files import inodes_of, saying_what_to_do
from kbgen.site.live import known_rows
from kbgen.site.publish import clone_tree, put_back, staging_of
from kbgen.site.search_index import FOLDER, IndexJob, count_words, read_counted, write_cards, write_index
from kbgen.store import open_store

_CARDS = "cards.jsonl"
_WORDS = "words"

Row = tuple[str, str]
"""Of a file: its key, and the digest of its bytes."""


class Beside:
    """What is done in a process of its own, begun before there is anything to render.

    Args:
        begin: begins a call in it.
        store: the store's file.
        site_dir: where the site goes.
        clean: see ``prepare``.
    """

    def __init__(self, begin: Begin, store: Path, site_dir: Path, *, clean: bool) -> None:
        self.begin = begin
        self._site_dir = site_dir
        self._staging = staging_of(site_dir)
        self._store = store
        self._prepare: Callable[[], dict[str, Row] | None] = begin(partial(prepare, clean=clean), store, site_dir)
        if not clean:
            begin(read_counted, store.with_name(_WORDS))
        self._count = partial(begin, partial(count_words, clean=clean), store, store.with_name(_WORDS))
        self._counted: Callable[[], None] | None = None
        self._indexed: Callable[[], dict[str, Row]] | None = None

    @cached_property
    def copied(self) -> dict[str, Row] | None:
        """What is in the staging folder of the live site, waited for; None when it is not built upon that."""
        return self._prepare()

    def put_back(self) -> None:
        """There is nothing to write after all: begin to make the staging folder what it was made of."""
        self.begin(put_back, self._site_dir)

    def count(self) -> None:
        """Begin to count the words of the index; whatever curation makes has to be in the store."""
        self._counted = self._count()

    def index(
        self, main: str, cards: Mapping[Ref, Card], tags: Mapping[Slug, str], topics: Mapping[Slug, Topic]
    ) -> None:
        """Begin to write the search index, once words are counted.

        Args:
            main: the site's main language.
            cards: of all pages it is about.
            tags: titles of the tags that cards name.
            topics: by slug.
        """
        told, begins = self._store.with_name(_CARDS), f"{FOLDER}/"
        with saying_what_to_do(told, "writing"):
            write_cards(told, cards.values())
        live = self.copied or {}
        there = {file.removeprefix(begins): digest for file, (_, digest) in live.items() if file.startswith(begins)}
        langs = languages(main, cards)
        job = IndexJob(told, self._store, self._staging, langs, dict(tags), dict(topics), there)
        self._indexed = self.begin(write_index, job)

    @property
    def indexing(self) -> bool:
        """Whether the index was begun."""
        return self._indexed is not None

    def indexed(self) -> dict[str, Row]:
        """Wait for the index, and give its files."""
        if self._counted is not None:
            self._counted()
        return self._indexed() if self._indexed is not None else {}


@contextmanager
def working_beside(workers: Workers, store: Path, site_dir: Path, *, clean: bool) -> Iterator[Beside]:
    """Begin what needs nothing of what is made meanwhile: the staging folder.

    Args:
        workers: give the process.
        store: the store's file.
        site_dir: where the site goes.
        clean: see ``prepare``.
    """
    with workers.beside() as begin:
        beside = Beside(begin, store, site_dir, clean=clean)
        try:
            yield beside
        except BaseException:
            # Nothing may go on writing into the staging folder when the next run begins. An interrupted process is
            # gone.
            with suppress(NotPublished, BrokenProcessPool):
                begin(int)()
            raise


def prepare(store: Path, site_dir: Path, *, clean: bool) -> dict[str, Row] | None:
    """Make a staging folder to write into: a hard-linked copy of the live site, or an empty one.

    Args:
        store: the store's file.
        site_dir: where the site goes.
        clean: begin with an empty folder.

    Returns:
        The rows of the live site's files, None when it is not built upon.

    Raises:
        NotPublished: the file system says no.
    """
    staging = staging_of(site_dir)
    known: dict[str, Row] = {}
    if not clean:
        with closing(open_store(store, read_only=True)) as opened:
            known = known_rows(opened, site_dir)
    there = inodes_of(site_dir, known)
    live = {file: row for file, row in known.items() if there[file] is not None}
    if live:
        # Told of those that are not there, too: the spare copy may hold them.
        clone_tree(site_dir, staging, files=there)
        return live
    with saying_what_to_do(staging, "removing an unfinished site"):
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(parents=True)
    return None
