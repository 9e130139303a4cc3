"""What the search knows of a page: the record the indexes are made from, and nothing of where it comes from."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from kbgen.model import ArticleEntry, Entry


class SearchDoc(Struct, frozen=True):
    """One findable page. All text is plain; it is escaped where it is shown.

    Attributes:
        path: site-relative, decoded, such as ``/q/reset-a-hub-42/``; identity within the site.
        also: other wordings the question was asked in.
        text: the words of the question and the answers.
        summary: what a result shows under its title.
        topic: slug of the topic the page lives in, "" if none; ``topic_title`` is its name.
        tags: titles of tags.
        score: popularity; breaks ties and orders documents of a topic.
        updated: ISO date, "" if unknown.
        badge: why its answer is the answer (``model.Why``), or "".
        prepared: its own words analysed (``prepared.prepare``), instead of the title, other wordings and text.
        ref: names it among words that were counted before (``index.Words``), "" where none were.
    """

    path: str
    title: str
    also: tuple[str, ...] = ()
    text: str = ""
    summary: str = ""
    lang: str = "en"
    kind: Literal["entry", "article", "topic"] = "entry"
    topic: str = ""
    topic_title: str = ""
    tags: tuple[str, ...] = ()
    score: float = 0.0
    updated: str = ""
    badge: str = ""
    prepared: bytes = b""
    ref: str = ""


class OwnWords(Struct, frozen=True):
    """What a page is found by, of itself."""

    title: str
    also: tuple[str, ...]
    text: str


def own_words(body: Entry | ArticleEntry) -> OwnWords:
    """Title, other wordings and text of an entry or article."""
    if isinstance(body, Entry):
        text = " ".join((body.question.text, body.best.text, *(other.text for other in body.others)))
    else:
        text = body.text
    return OwnWords(body.title, tuple(body.also_asked), text)
