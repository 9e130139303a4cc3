"""A small library's worth of summaries, for the tests of compiling."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from kbgen.compile.inputs import Inputs
from kbgen.config import Config, SiteConfig
from kbgen.model import Contributor, PlainText, Ref, Slug, SourceInfo, Summary, Tag, Taxonomy, Topic
from kbgen.search.prepared import stems

SITE = "https://help.example.com/sub/"
SOURCES = {
    "forum": SourceInfo("forum", "discourse", "Example forum", "https://forum.example.com"),
    "stack": SourceInfo("stack", "stackexchange", "Example stack", "https://stack.example.com"),
    "chat": SourceInfo("chat", "slack", "Example chat", "https://chat.example.com", crawlable=False),
    "content": SourceInfo("content", "articles", "Example help"),
}


def topic(slug: str, about: str = "", **changes: Any) -> Topic:
    """A topic titled by its slug."""
    return Topic(Slug(slug), PlainText(slug.capitalize()), PlainText(about), **changes)


def tag(slug: str, title: str, about: str = "", **changes: Any) -> Tag:
    """A tag of the vocabulary."""
    return Tag(Slug(slug), PlainText(title), PlainText(about), **changes)


TAXONOMY = Taxonomy(
    topics=(
        topic("home", "Rooms and what is in them."),
        topic("lights", "Bulbs and dimmers.", parent=Slug("home"), was=(Slug("lamps"),)),
        topic("empty"),
    ),
    tags=(tag("bulb", "Bulbs"), tag("hub", "Hub", "The box in the hall.", was=(Slug("bridge"),))),
)
ANN = Contributor(Slug("ann-forum-1"), "Ann", "https://forum.example.com/u/ann", is_staff=False, source="forum")


def moment(number: int) -> datetime:
    """Hours after the first of May 2025."""
    return datetime(2025, 5, 1, tzinfo=UTC) + timedelta(hours=number)


def summary(ref: str, title: str = "", **changes: Any) -> Summary:
    """An entry of one thread."""
    source, _, native = ref.partition(":")
    title = title or f"Question {native} about something"
    fields: dict[str, Any] = {
        "kind": "entry",
        "slug": title.lower().replace(" ", "-").strip("?"),
        "title": title,
        "description": f"An answer long enough to be a description of its own, and this one is of {ref}.",
        "lang": "en",
        "topics": (),
        "tags": (),
        "refs": (ref,),
        "source": source,
        "source_url": f"https://{source}.example.com/t/{native}",
        "digest": f"digest of {ref}",
        "answers": 1,
        "why": "accepted",
        "stems": stems(title, str(changes.get("lang", "en"))),
        **changes,
    }
    return Summary(ref=Ref(ref), **fields)


def article(ref: str, title: str, **changes: Any) -> Summary:
    """A staff article kbgen pours itself."""
    return summary(ref, title, **{"kind": "article", "source_url": None, "answers": 0, "why": "written", **changes})


def config(**sections: Any) -> Config:
    """A configuration with some sections changed."""
    site = sections.pop("site", SiteConfig(name="Example help", url=SITE))
    return Config.model_validate({"site": site, **sections})


def inputs(*summaries: Summary, **changes: Any) -> Inputs:
    """All the site is compiled from."""
    fields: dict[str, Any] = {"config": config(), "taxonomy": Taxonomy(), "sources": SOURCES, **changes}
    return Inputs(summaries=summaries, **fields)
