"""One record in, one curated item out, whatever the record holds."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import msgspec
import pytest
from curate_samples import ASKER, LONG, day, post, thread
from msgspec.structs import replace

from kbgen.config import PrivacyConfig, RulesConfig
from kbgen.curate.item import Context, curate_record, curate_thread, fingerprint
from kbgen.curate.sanitise import safe_html
from kbgen.curate.taxonomy import parse_taxonomy
from kbgen.errors import RecordError
from kbgen.model import Article, Person, RawRecord, Ref, Taxonomy, Thread, Verdict
from kbgen.sources.base import Harvested, Source, SourceOptions
from kbgen.sources.discourse import DiscourseOptions, DiscourseSource

OPTIONS = SourceOptions(
    name="community", kind="samples", url="https://forum.example.net", title="Hubworks forum", licence="CC BY 4.0"
)
CONTEXT = Context(RulesConfig(), PrivacyConfig(), Taxonomy(), OPTIONS)


class Samples(Source):
    """A source that parses whatever it was given."""

    kind: ClassVar[str] = "samples"

    def __init__(self, parsed: Thread | Article | RecordError) -> None:
        super().__init__(OPTIONS, Path())
        self.parsed = parsed

    def fingerprint(self) -> str | None:
        """Nothing to compare."""
        return None

    def records(self) -> Iterator[Harvested]:
        """Yield one record."""
        yield self.record("42", "thread", "https://forum.example.net/t/hub/42", {}, "sample")

    def parse(self, record: RawRecord) -> Thread | Article:
        """Give what the test asked for."""
        del record
        if isinstance(self.parsed, RecordError):
            raise self.parsed
        return self.parsed


def record(source: Source) -> RawRecord:
    """The one record of a sample source."""
    (found,) = source.records()
    assert isinstance(found, RawRecord)
    return found


def test_a_solved_thread_is_curated() -> None:
    """Title, posts, description, tags, language, dates and fingerprint are all there."""
    one = thread(
        post("1", f"<p>{LONG}</p><script>x</script>", score=3, created=5),
        accepted=("1",),
        title="[SOLVED] How do I reset the hub???",
        tags=("Hub",),
        views=12,
        duplicate_of=(Ref("community:42"), Ref("community:7")),
    )
    item = curate_record(record(Samples(one)), Samples(one), CONTEXT)
    assert (item.verdict, item.title) == (Verdict("publish", ("accepted", "duplicate")), "How do I reset the hub?")
    assert (item.answers[0].html, item.answers[0].why, item.answers[0].licence) == (
        f"<p>{LONG}</p>",
        "accepted",
        "CC BY-SA 4.0",
    )
    assert item.description == LONG
    assert [mark.tag for mark in item.tags] == ["hub"]
    assert (item.lang, item.created, item.updated, item.views) == ("en", day(1), day(5), 12)
    assert (item.duplicate_of, len(item.fingerprint)) == (("community:7",), 32)


def test_a_record_that_cannot_be_understood_is_held() -> None:
    """A parser's error becomes a held item that says so, not an exception."""
    source = Samples(RecordError("t.tar:42.json", "the topic has no title; record it again"))
    item = curate_record(record(source), source, CONTEXT)
    assert (item.verdict, item.warnings) == (
        Verdict("hold", ("malformed",)),
        ("t.tar:42.json: the topic has no title; record it again",),
    )


@pytest.mark.parametrize(
    "one",
    [
        thread(
            post("1", "<p>The password of Ada is swordfish, do tell nobody about it.</p>"),
            accepted=("1",),
            visibility="private",
        ),
        thread(post("1", "<p>The password of Ada is swordfish, do tell nobody about it.</p>"), visibility="public"),
        thread(
            post("1", "<p>The password of Ada is swordfish, do tell nobody about it.</p>"),
            accepted=("1",),
            visibility="deleted",
        ),
    ],
)
def test_nothing_of_an_unpublished_thread_stays(one: Thread) -> None:
    """What is not published leaves no text behind in any cache."""
    item = curate_record(record(Samples(one)), Samples(one), CONTEXT)
    assert item.verdict.outcome == "drop"
    assert b"swordfish" not in msgspec.json.encode(item)


def test_the_title_of_a_private_thread_is_private() -> None:
    """A title can tell as much as a text."""
    secret = thread(title="Merger with Acme", visibility="private")
    assert curate_thread(secret, CONTEXT).title == ""
    assert curate_thread(thread(title="Merger with Acme"), CONTEXT).title == "Merger with Acme"


def test_personal_data_is_taken_out_everywhere() -> None:
    """Title, question, answer and names lose addresses; what was taken out is counted."""
    one = thread(
        post("1", f"<p>{LONG} Write to jo@hubworks.io</p><pre class='lang-py'>mail = 'jo@hubworks.io'</pre>",
             Person("8", "jo@hubworks.io", "javascript:alert(1)")),
        accepted=("1",),
        title="Mail from jo@hubworks.io",
        question=post("q", "<p>See <a href='https://hub.works/?token=abcdef123'>this</a>, jo&#64;hubworks.io!</p>", ASKER),
    )  # fmt: skip
    item = curate_thread(one, CONTEXT)
    assert item.verdict.outcome == "publish"
    assert b"@hubworks" not in msgspec.json.encode(item)
    assert b"abcdef123" not in msgspec.json.encode(item)
    assert (item.redacted, item.title) == (("email", "token"), "Mail from [e-mail removed]")
    assert (item.answers[0].author.name, item.answers[0].author.url) == ("jo", None)
    for shown in (item.question, *item.answers):
        assert shown is not None
        assert safe_html(shown.html, own_hosts=CONTEXT.hosts()) == shown.html


@pytest.mark.parametrize(
    ("person", "name", "url"),
    [
        (Person("8", "jo@hubworks.io"), "jo", None),
        (Person("8", "Jo +1 415 555 2671", "https://forum.example.net/u/jo"), "Jo", "https://forum.example.net/u/jo"),
        (Person("8", "+1 415 555 2671", "https://forum.example.net/u/jo"), "jo", "https://forum.example.net/u/jo"),
        (
            Person("8", "415-555-2671", "https://forum.example.net/u/8"),
            "Member",
            "https://forum.example.net/u/8",
        ),
        (Person("8", "Jo", "https://forum.example.net/u/jo%40hubworks.io"), "Jo", None),
        (Person("8", "jo@hubworks.io", "https://forum.example.net/u/jo@hubworks.io"), "jo", None),
    ],
)
def test_a_name_that_is_private_is_not_shown(person: Person, name: str, url: str | None) -> None:
    """Whoever is called by an address or a number is credited by what else they are called; a profile named so goes."""
    item = curate_thread(thread(post("1", f"<p>{LONG}</p>", person), accepted=("1",)), CONTEXT)
    assert (item.verdict.outcome, item.answers[0].author.name, item.answers[0].author.url) == ("publish", name, url)


def test_an_id_that_is_private_is_not_shown() -> None:
    """An id is part of the address of a person's page; the same person has the same one in every thread."""
    items = [
        curate_thread(thread(post("1", LONG, Person(who, "Jo")), accepted=("1",), ref=ref), CONTEXT)
        for who, ref in (
            ("jo@hubworks.io", "community:1"),
            ("jo@hubworks.io", "community:2"),
            ("al@x.io", "community:3"),
        )
    ]
    first, second, other = (item.answers[0].author.id for item in items)
    assert (first == second, first == other, "@" in first) == (True, False, False)


def test_a_tag_that_is_private_is_left_out() -> None:
    """A tag with an address in it would be the name of a page."""
    one = thread(post("1", LONG), accepted=("1",), tags=("hub", "jo@hubworks.io"), category=("Help", "+1 415 555 2671"))
    item = curate_thread(one, CONTEXT)
    assert (item.source_tags, item.category, item.redacted) == (("hub",), ("Help",), ("email", "phone"))


def test_a_thread_that_cannot_be_linked_to_is_held() -> None:
    """Without a web address there is no attribution."""
    one = replace(thread(post("1", LONG), accepted=("1",)), url="javascript:alert(1)")
    item = curate_thread(one, CONTEXT)
    assert (item.verdict, item.url) == (Verdict("hold", ("malformed",)), None)


def test_an_answer_of_nothing_visible_is_held() -> None:
    """Words that sanitising removes are no answer."""
    one = thread(post("1", f"<select><option>{LONG}</option></select>"), accepted=("1",))
    assert curate_thread(one, CONTEXT).verdict == Verdict("hold", ("thin",))


def test_links_to_the_community_itself_are_not_marked() -> None:
    """The forum's own host and the site's are ours; others are users' links."""
    context = replace(CONTEXT, own_hosts=frozenset(("help.example.net",)))
    html = "".join(f'<a href="https://{host}.example.net/">{LONG}</a> ' for host in ("forum", "help", "shop"))
    item = curate_thread(thread(post("1", html), accepted=("1",)), context)
    assert [part.count("nofollow") for part in item.answers[0].html.split("</a>")[:3]] == [0, 0, 1]


def test_topics_and_unknown_tags_come_from_the_vocabulary() -> None:
    """Tags place a thread, and what the vocabulary lacks is reported."""
    taxonomy = parse_taxonomy("topics: [{slug: hubs, tags: [hub]}]\ntags: [{slug: hub}]\n")
    one = thread(post("1", LONG), accepted=("1",), tags=("hub", "wifi"))
    item = curate_thread(one, replace(CONTEXT, taxonomy=taxonomy))
    assert (item.topics, item.unmapped) == (("hubs",), ("wifi",))


def test_a_person_decides_about_a_held_thread() -> None:
    """An approved thread is published with its text."""
    one = thread(post("1", LONG))
    item = curate_record(
        record(Samples(one)), Samples(one), CONTEXT, review=Verdict("publish", ("approved",), "site_config/review.yml")
    )
    assert (item.verdict.by, item.answers[0].why) == ("site_config/review.yml", "helpful")


def test_an_article_is_published_with_its_text() -> None:
    """Staff articles keep their mail addresses and notes, and carry what they settle."""
    article = Article(
        Ref("docs:refunds"),
        "Refunds",
        f"<h1>Refunds</h1><p>{LONG} Write to help@hubworks.io.</p><script>x</script>",
        answers=(Ref("community:42"),),
        created=day(3),
    )
    item = curate_record(record(Samples(article)), Samples(article), CONTEXT)
    assert item.article is not None
    assert item.verdict == Verdict("publish", ("written",))
    assert item.article.html == f"<h3>Refunds</h3><p>{LONG} Write to help@hubworks.io.</p>"
    assert (item.article.answers, item.updated, item.article.licence) == (("community:42",), day(3), "CC BY 4.0")
    draft = replace(article, draft=True)
    left = curate_record(record(Samples(draft)), Samples(draft), CONTEXT)
    assert (left.verdict, left.article) == (Verdict("drop", ("draft",)), None)


def test_fingerprints_are_of_words() -> None:
    """Case, marks and spaces do not count; too few words tell nothing."""
    question = "It does not answer since the update of yesterday."
    assert fingerprint("Hub offline?", question) == fingerprint("HUB  offline", question.replace(" ", "\n"))
    assert fingerprint("Hub offline?", question) != fingerprint("Hub online?", question)
    assert fingerprint("Help", "It does not work") == ""


@pytest.mark.realdata
def test_a_real_forum_is_curated_safely() -> None:
    """Every post of a real archive is safe, whole when sanitised again, and credited."""
    root = Path(os.environ.get("KBGEN_DATA", Path(__file__).parents[3] / "shared" / "data"))
    archive = root / "discourse" / "urho3d-slice" / "topics.tar.zst"
    if not archive.exists():
        pytest.skip("the community data is not here")
    options = DiscourseOptions(name="forum", kind="discourse", url="https://forum.example.net", archive=str(archive))
    source = DiscourseSource(options, root)
    context = replace(CONTEXT, options=options)
    published = 0
    for number, found in enumerate(source.records()):
        if number == 150:
            break
        if not isinstance(found, RawRecord):
            continue
        item = curate_record(found, source, context)
        if item.verdict.outcome != "publish":
            assert (item.question, item.answers) == (None, ())
            continue
        published += 1
        for shown in (item.question, *item.answers):
            assert shown is not None
            assert shown.author.name
            assert safe_html(shown.html, own_hosts=context.hosts()) == shown.html
    assert published > 50
