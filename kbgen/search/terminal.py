"""The index behind ``kbgen search`` and the writers' questions: Whoosh, behind this one file.

Terms come from the same analysis as the site's index, so the two engines can be compared on equal terms; Whoosh only
keeps and ranks them. Opening a Whoosh index unpickles its schema, which runs code: an index is opened only from a
folder that is ours, closed to others and stamped by us, and is made anew when the stamp is of another version.

Not here: the command line, and anything the deployed site uses.
"""

from __future__ import annotations

import os
import shutil
import stat
import warnings
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

from msgspec import Struct

from kbgen.errors import LockHeld, StoreError
from kbgen.search.analysis import Word, analyser
from kbgen.search.documents import SearchDoc
from kbgen.search.index import SEARCH_VERSION

with warnings.catch_warnings():
    # Whoosh 2.7.4 has escapes and comparisons that newer Pythons warn of when they compile it; it runs right.
    warnings.simplefilter("ignore")
    import whoosh
    import whoosh.codec.whoosh3  # imported late by Whoosh itself, outside of this block
    from whoosh import fields, index, query
    from whoosh.analysis import SpaceSeparatedTokenizer
    from whoosh.filedb.filestore import FileStorage
    from whoosh.writing import LockError

_STAMP = "kbgen-search.stamp"
_VERSION = f"{SEARCH_VERSION} whoosh {'.'.join(str(part) for part in whoosh.__version__)}\n"
_BOOSTS = {"title": 2.0, "also": 2.0, "tags": 1.0, "text": 1.0}
_KEPT_TEXT = 4000
_SNIPPET = 160
_WAIT = 10.0  # seconds for another process to finish writing


class Hit(Struct, frozen=True):
    """One result; ``snippet`` is plain text around the first word found."""

    path: str
    title: str
    score: float
    snippet: str


class TerminalIndex:
    """A Whoosh index in a folder of our own.

    Args:
        folder: inside ``.kbgen``; made with mode 0700 when absent.

    Raises:
        StoreError: the folder or a file in it belongs to somebody else or can be written by others.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _refuse_foreign(folder)
        folder.chmod(0o700)
        stamp = folder / _STAMP
        if not stamp.is_file() or stamp.read_text(encoding="utf-8") != _VERSION:
            self._make()
        self._index = index.open_dir(str(folder))

    def _make(self) -> None:
        for path in self._folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        terms = {name: fields.TEXT(analyzer=SpaceSeparatedTokenizer(), phrase=False) for name in _BOOSTS}
        schema = fields.Schema(
            key=fields.ID(unique=True, stored=True),
            shown=fields.STORED,
            lang=fields.ID(stored=True),
            topic=fields.ID,
            words=fields.TEXT(analyzer=SpaceSeparatedTokenizer(), phrase=False),
            **terms,
        )
        FileStorage(str(self._folder)).create_index(schema)
        (self._folder / _STAMP).write_text(_VERSION, encoding="utf-8")
        self._close()

    def _close(self) -> None:
        """Whatever the umask: files that others may write are refused at the next opening."""
        for path in self._folder.iterdir():
            path.chmod(0o600)

    def update(self, docs: Iterable[tuple[str, str, SearchDoc]]) -> int:
        """Bring the index to exactly these documents; only what moved is analysed.

        Args:
            docs: (key, digest of the document, document).

        Returns:
            How many documents were added, changed or removed.

        Raises:
            LockHeld: another process is writing the index.
        """
        with self._index.reader() as reader:
            known = {stored["key"]: stored["shown"][0] for stored in reader.all_stored_fields()}
        try:
            writer = self._index.writer(timeout=_WAIT)
        except LockError as error:
            raise LockHeld(f"{self._folder}: another kbgen is writing the search index; try again later") from error
        changed = 0
        for key, digest, doc in docs:
            if known.pop(key, None) != digest:
                writer.update_document(key=key, **_stored(digest, doc))
                changed += 1
        for key in known:
            writer.delete_by_term("key", key)
        if changed or known:
            writer.commit()
            self._close()
        else:
            writer.cancel()
        return changed + len(known)

    def search(
        self, query_text: str, *, limit: int = 10, lang: str | None = None, topic: str | None = None
    ) -> list[Hit]:
        """Pages with any of the words, best first.

        Args:
            query_text: words as typed.
            limit: how many at most.
            lang: only pages in this language; None for all.
            topic: only pages of this topic's slug.
        """
        with self._index.searcher() as searcher:
            languages = [lang] if lang else sorted(_lexicon(searcher, "lang"))
            wanted = {
                (language, t) for language in languages for word in _asked(language, query_text) for t in word.terms
            }
            terms = sorted({term for _, term in wanted})
            found = query.Or([query.Term(name, t, boost=boost) for name, boost in _BOOSTS.items() for t in terms])
            limits = [query.Term(name, value) for name, value in (("lang", lang), ("topic", topic)) if value]
            results = searcher.search(found, limit=limit, filter=query.And(limits) if limits else None)
            return [_hit(result.fields(), float(result.score), wanted) for result in results]

    def did_you_mean(self, query_text: str) -> str | None:
        """The query with every unknown word replaced by the nearest word of a title, None when nothing is to mend."""
        with self._index.searcher() as searcher:
            languages = sorted(_lexicon(searcher, "lang"))
            mended = query_text
            for word in dict.fromkeys(chain.from_iterable(_asked(lang, query_text) for lang in languages[:1])):
                known = any((name, t) in searcher.reader() for name in _BOOSTS for t in word.terms)
                if known or not word.plain:
                    continue
                near = searcher.suggest("words", word.plain, limit=1, maxdist=2, prefix=1)
                if near:
                    mended = _replaced(mended, word.plain, near[0], languages[0])
            return mended if mended != query_text else None


def _stored(digest: str, doc: SearchDoc) -> dict[str, Any]:
    language = analyser(doc.lang)
    texts = {
        "title": doc.title,
        "also": "\n".join(doc.also),
        "tags": "\n".join((*doc.tags, doc.topic_title)),
        "text": doc.text,
    }
    words = {name: list(language.words(text)) for name, text in texts.items()}
    # As in the site's index, common words count in titles only.
    kept = {
        n: " ".join(t for w in ws if n in {"title", "also"} or not w.stop for t in w.terms) for n, ws in words.items()
    }
    plain = " ".join(w.plain for w in (*words["title"], *words["also"]) if w.plain and not w.stop)
    shown = (digest, doc.path, doc.title, doc.summary, doc.text[:_KEPT_TEXT])
    return {"shown": shown, "lang": doc.lang, "topic": doc.topic, "words": plain, **kept}


def _asked(lang: str, text: str) -> list[Word]:
    """The words of a query; common ones only when there is nothing else."""
    words = list(dict.fromkeys(analyser(lang).words(text)))
    return [w for w in words if not w.stop] or words


def _lexicon(searcher: Any, field: str) -> set[str]:
    return {term.decode() for term in searcher.reader().lexicon(field)}


def _hit(stored: dict[str, Any], score: float, wanted: set[tuple[str, str]]) -> Hit:
    _, path, title, summary, text = stored["shown"]
    return Hit(path, title, score, _snippet(stored["lang"], f"{summary} {text}" if summary else text, wanted))


def _snippet(lang: str, text: str, wanted: set[tuple[str, str]]) -> str:
    """The words around the first one that was asked for."""
    text = " ".join(text.split())
    language = analyser(lang)
    start = 0
    for chunk in language.chunks(text):
        if any((lang, t) in wanted for word in language.chunk_words(chunk) for t in word.terms):
            start = max(0, text.find(chunk) - _SNIPPET // 3)
            break
    cut = text[start : start + _SNIPPET]
    begins = cut if start == 0 else "…" + cut.partition(" ")[2]
    return begins if start + _SNIPPET >= len(text) else begins.rpartition(" ")[0] + "…"


def _replaced(text: str, plain: str, other: str, lang: str) -> str:
    language = analyser(lang)
    for chunk in language.chunks(text):
        if language.fold(chunk.lower()) == plain:
            text = text.replace(chunk, other)
    return text


def _refuse_foreign(folder: Path) -> None:
    """Opening runs code found in the files, so they must be ours and nobody else's to write."""
    user = getattr(os, "getuid", lambda: None)()
    for path in (folder, *folder.rglob("*")):
        entry = path.lstat()
        foreign = user is not None and entry.st_uid != user
        writable = bool(entry.st_mode & (stat.S_IWGRP | stat.S_IWOTH)) and os.name == "posix"
        if foreign or writable or stat.S_ISLNK(entry.st_mode):
            problem = "belongs to another user" if foreign else "can be written by others or is a link"
            raise StoreError(f"{path}: {problem}; delete {folder} and run again: the search index is made anew")
