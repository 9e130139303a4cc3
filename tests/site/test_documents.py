"""What the search engines are given of each page."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import msgspec
import sample_pages as sample
from msgspec.structs import replace

from kbgen.model import Library, PlainText, Ref, Slug
from kbgen.search.documents import SearchDoc
from kbgen.site.documents import languages, search_document, search_documents
from kbgen.store import open_store
from kbgen.store.items import EntryRow, pack

TAGS = {Slug("bulbs"): "Bulbs"}
CARD = sample.card(42, sample.TITLE, path=sample.PATH, score=3.5, tags=(Slug("bulbs"), Slug("radio")))


def test_an_entry_is_found_by_title_wordings_and_all_its_text() -> None:
    """Question, best and further answers are one text, the other wordings a field; tags have titles, or are slugs."""
    best = sample.post(2, "", sample.OTTO, text=PlainText("the best"), why="accepted")
    question = sample.post(1, "", sample.MIRA, text=PlainText("the question"))
    body = sample.entry(
        question=question, best=best, others=(sample.post(3, "", sample.MIRA, text=PlainText("another")),)
    )
    assert SearchDoc(
        path=sample.PATH,
        title=sample.TITLE,
        also=("Kitchen lamp offline", "הנורה לא מגיבה"),
        text="the question the best another",
        summary=CARD.summary,
        lang="en",
        kind="entry",
        topic="lights",
        topic_title="Lights",
        tags=("Bulbs", "radio"),
        score=3.5,
        updated="2025-05-06",
        badge="accepted",
        ref="forum:42",
    ) == search_document(CARD, body, TAGS, sample.TOPICS)


def test_what_is_unknown_is_empty() -> None:
    """No topic, no date, no badge: empty words, not the word None."""
    card = replace(CARD, topics=(), updated=None, tags=(), why=None)
    found = search_document(card, sample.entry(), TAGS, sample.TOPICS)
    assert ("", "", (), "", "") == (found.topic, found.topic_title, found.tags, found.updated, found.badge)


def test_a_topic_has_its_name_in_the_language_of_the_page() -> None:
    """Readers of Hebrew results see the Hebrew name; a language without one sees the name itself."""
    named = [
        search_document(replace(CARD, lang=lang), sample.entry(), TAGS, sample.TOPICS).topic_title
        for lang in ("he", "pl")
    ]
    assert ["תאורה", "Lights"] == named


def test_documents_come_in_order_of_path(tmp_path: Path) -> None:
    """Whatever the order of cards and rows; bodies are read from the store."""
    cards, rows = {}, []
    for number in (3, 1, 2):
        ref = Ref(f"forum:{number}")
        cards[ref] = sample.card(number, f"Title {number}")
        body = sample.entry(ref=ref, title=PlainText(f"Title {number}"))
        rows.append(EntryRow(ref, "entry", "", "", msgspec.msgpack.encode(None), b"", pack(body)))
    with closing(open_store(tmp_path / "store.sqlite")) as store:
        store.entries.put(rows)
        found = list(search_documents(Library({}, {}, cards), store, sample.TOPICS))
    assert [("/q/1/", "Title 1"), ("/q/2/", "Title 2"), ("/q/3/", "Title 3")] == [
        (one.path, one.title) for one in found
    ]


def test_an_index_is_made_for_each_language_of_the_pages() -> None:
    """The site's own first, though no page is in it; each once."""
    cards = {Ref(lang): replace(CARD, lang=lang) for lang in ("pl", "he", "de")}
    assert ("de", "he", "pl") == languages("de", cards)
    assert ("en",) == languages("en", {})
