"""Summaries: all that compiling looks at, and no body."""

from __future__ import annotations

from curate_samples import HELPER, STAFF, day
from msgspec.structs import replace

from kbgen.curate.summary import summarise
from kbgen.model import (
    ArticleEntry,
    Contributor,
    CuratedPost,
    Entry,
    Person,
    PlainText,
    Ref,
    SafeHtml,
    Slug,
    SourceThread,
    Summary,
    TagMark,
)


def answer(post_id: str, author: Person, text: str = "Hold it for ten seconds.") -> CuratedPost:
    """An answer fit to be shown."""
    url = f"https://forum.example.net/t/hub/42/{post_id}"
    return CuratedPost(post_id, url, SafeHtml(f"<p>{text}</p>"), PlainText(text), author, why="accepted")


def source(number: int) -> SourceThread:
    """A thread of the entry."""
    url = f"https://forum.example.net/t/hub/{number}"
    return SourceThread(Ref(f"community:{number}"), PlainText("Hub"), url, "Forum", HELPER)


ENTRY = Entry(
    ref=Ref("community:42"),
    title=PlainText("How do I reset the hub?"),
    question=answer("q", HELPER),
    best=answer("1", STAFF),
    others=(answer("2", HELPER), answer("3", STAFF)),
    threads=(source(42), source(7), source(42)),
    also_asked=(PlainText("Wipe the hub"),),
    description=PlainText("Hold it."),
    tags=(TagMark(Slug("hub"), "source:hub"), TagMark(Slug("hub"), "synonym:box"), TagMark(Slug("reset"), "overlay")),
    topics=(Slug("hubs"),),
    lang="en",
    created=day(1),
    updated=day(3),
    score=2.5,
    pinned=True,
    replaced=True,
    canonical="self",
    links=(Ref("community:8"),),
    digest="d",
)
ARTICLE = ArticleEntry(
    ref=Ref("docs:refunds.md"),
    title=PlainText("Refunds"),
    html=SafeHtml("<p>Five days.</p>"),
    text=PlainText("Five working days."),
    description=PlainText("How long."),
    tags=(),
    topics=(Slug("money"),),
    lang="en",
    created=None,
    updated=day(2),
    reviewed=None,
    owner=PlainText("Ada"),
    licence=None,
    url="https://docs.example.net/refunds",
    path="/articles/refunds/",
    community="Docs",
    threads=(source(9),),
    digest="a",
)


def test_an_entry_keeps_what_lists_and_addresses_are_made_of() -> None:
    """Every field by name: tags and refs once, threads and answers counted, words of the best answer."""
    assert summarise(ENTRY) == Summary(
        ref=Ref("community:42"),
        kind="entry",
        slug=Slug("how-do-i-reset-the-hub"),
        title=ENTRY.title,
        description=ENTRY.description,
        lang="en",
        topics=(Slug("hubs"),),
        tags=(Slug("hub"), Slug("reset")),
        refs=(Ref("community:42"), Ref("community:7")),
        source="community",
        source_url="https://forum.example.net/t/hub/42",
        digest="d",
        threads=3,
        answers=3,
        why="accepted",
        words=5,
        created=day(1),
        updated=day(3),
        score=2.5,
        pinned=True,
        replaced=True,
        choice="self",
        links=(Ref("community:8"),),
        people=(
            Contributor(Slug("ada-of-hubworks-community-1"), "Ada of Hubworks", STAFF.url, is_staff=True, source="community"),
            Contributor(Slug("tomas-community-8"), "tomas", HELPER.url, is_staff=False, source="community"),
        ),
        stems="reset hub",
    )  # fmt: skip


def test_an_article_keeps_its_path_and_the_threads_it_settles() -> None:
    """Written by staff; its own thread address is where it lives elsewhere."""
    made = summarise(ARTICLE)
    assert ("article", "refunds", "written", 3, "/articles/refunds/", "https://docs.example.net/refunds") == (
        made.kind, made.slug, made.why, made.words, made.path, made.source_url,
    )  # fmt: skip
    assert ((Ref("docs:refunds.md"), Ref("community:9")), ()) == (made.refs, made.people)


def test_closed_accounts_have_no_people_page() -> None:
    """Whoever left is credited on the page, and listed nowhere."""
    gone = Person("", "Former member", None, deleted=True)
    assert ["tomas"] == [
        person.name
        for person in summarise(replace(ENTRY, best=answer("1", gone), others=(answer("2", HELPER),))).people
    ]


def test_two_people_of_one_name_are_two() -> None:
    """The id tells them apart; where there is none, the name has to do."""
    twins = (
        answer("1", replace(HELPER, id="1")),
        answer("2", replace(HELPER, id="2")),
        answer("3", replace(HELPER, id="")),
    )
    made = summarise(replace(ENTRY, best=twins[0], others=twins[1:]))
    assert ["tomas-community-1", "tomas-community-2", "tomas-community-tomas"] == [one.slug for one in made.people]
