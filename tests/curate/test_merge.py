"""What an entry shows of the threads it was joined from."""

import pytest
from curate_samples import ASKER, HELPER, LONG, STAFF, day, post, thread
from msgspec.structs import replace

from kbgen.config import PrivacyConfig, RulesConfig
from kbgen.curate.item import Context, curate_article, curate_thread
from kbgen.curate.merge import build_article, build_entry, find_clusters, head
from kbgen.curate.taxonomy import parse_taxonomy
from kbgen.curate.text import plain_text
from kbgen.model import Article, Cluster, Curated, Entry, Overlay, Person, PlainText, Post, Ref, SafeHtml, Taxonomy
from kbgen.sources.base import SourceOptions

FORUM = SourceOptions(name="community", kind="x", url="https://forum.example.net", title="Hubworks forum")
STACK = SourceOptions(name="stack", kind="x", url="https://qa.example.net")
OPTIONS = {"community": FORUM, "stack": STACK}
TAXONOMY = parse_taxonomy("topics: [{slug: hubs, tags: [hub]}, {slug: power}]\ntags: [{slug: hub}, {slug: reset}]\n")


def curated(
    *answers: Post, accepted: tuple[str, ...] = ("1",), ref: str = "community:42", **changes: object
) -> Curated:
    """A curated thread."""
    options = OPTIONS[ref.partition(":")[0]]
    context = Context(RulesConfig(), PrivacyConfig(), TAXONOMY, options)
    return curate_thread(thread(*answers, accepted=accepted, ref=ref, **changes), context)


def entry(*members: Curated, overlay: Overlay | None = None, rules: RulesConfig | None = None) -> Entry:
    """The entry of some threads, the first of which leads."""
    refs = tuple(member.ref for member in members)
    evidence = tuple((ref, "lead" if ref == refs[0] else "declared") for ref in refs)
    return build_entry(Cluster(refs[0], refs, evidence), members, overlay, OPTIONS, rules=rules, taxonomy=TAXONOMY)


LEAD = curated(post("1", f"<p>{LONG}</p>", score=2, created=3), tags=("hub",), views=10)


def test_one_thread_is_one_entry() -> None:
    """The thread's question, answer, description and attribution come through."""
    made = entry(LEAD)
    assert (made.title, made.description, made.best.why) == ("How do I reset the hub?", LONG, "accepted")
    assert (made.created, made.updated, made.views, made.also_asked) == (day(1), day(3), 10, ())
    (source,) = made.threads
    assert (source.community, source.author, source.licence, source.evidence) == (
        "Hubworks forum",
        ASKER,
        "CC BY-SA 4.0",
        "lead",
    )
    assert (made.tags[0].tag, made.topics, made.canonical, made.replaced) == ("hub", ("hubs",), None, False)


@pytest.mark.parametrize(
    ("other", "accepted", "best"),
    [
        (post("1", LONG + " B", STAFF), ("1",), "B"),
        (post("1", LONG + " B", STAFF), (), "B"),
        (post("1", LONG + " B", HELPER, score=9), ("1",), "B"),
        (post("1", LONG + " B", HELPER, score=2, created=9), ("1",), "B"),
        (post("1", LONG + " B", HELPER, score=1, created=9), ("1",), ""),
    ],
)
def test_the_best_answer_is_the_best_of_all_threads(other: Post, accepted: tuple[str, ...], best: str) -> None:
    """Staff, then accepted, then votes, then the newest: whichever thread it stands in."""
    second = curated(other, accepted=accepted, ref="stack:7", title="Hub does not answer")
    made = entry(LEAD, second)
    assert made.best.text.removeprefix(LONG).strip() == best
    assert made.question.author == ASKER
    assert len(made.others) == 1


def test_copies_of_an_answer_are_shown_once() -> None:
    """The same words in another thread add nothing."""
    copy = curated(post("1", f"<div>{LONG.upper()}</div>"), ref="community:43")
    assert entry(LEAD, copy).others == ()


def test_other_answers_are_limited_and_accepted_ones_are_not() -> None:
    """What the rules allow is shown beside everything that was accepted."""
    rules = RulesConfig(other_answers=1)
    many = curated(
        *(post(str(number), f"{LONG} {number}", score=10 - number) for number in range(1, 6)),
        accepted=("1", "2"),
        ref="stack:1",
    )
    shown = entry(many, rules=rules).others
    assert [(one.id, one.why) for one in shown] == [("2", "accepted"), ("3", None)]


def test_every_wording_and_every_thread_is_named() -> None:
    """Distinct titles are "also asked as"; each thread is credited with its evidence."""
    second = curated(post("1", LONG + " B"), ref="stack:7", title="Hub does not answer")
    third = curated(post("1", LONG + " C"), ref="community:50", title="how do I RESET the hub")
    made = entry(LEAD, second, third)
    assert made.also_asked == ("Hub does not answer",)
    assert [(one.ref, one.community, one.evidence) for one in made.threads] == [
        ("community:42", "Hubworks forum", "lead"),
        ("stack:7", "qa.example.net", "declared"),
        ("community:50", "Hubworks forum", "declared"),
    ]


def test_a_writer_has_the_last_word() -> None:
    """Title, summary, tags, topics, canonical and text of an overlay stand; the author stays credited."""
    overlay = Overlay(
        Ref("community:42"),
        "content/curated/x.md",
        title=PlainText("Reset a hub"),
        tags=("reset", "unknown"),
        topics=("power",),
        pin=True,
        canonical="self",
        body=SafeHtml(
            '<p>Hold both buttons until the light blinks, then see <a href="kb:community:9">pairing</a>.</p>'
        ),
        text=plain_text("Hold both buttons until the light blinks, then see pairing."),
    )
    made = entry(LEAD, overlay=overlay)
    assert (made.title, made.also_asked) == ("Reset a hub", ("How do I reset the hub?",))
    assert [(mark.tag, mark.why) for mark in made.tags] == [("reset", "overlay")]
    assert (made.topics, made.pinned, made.canonical, made.replaced) == (("power",), True, "self", True)
    assert (made.best.author, made.best.html, made.links) == (HELPER, overlay.body, ("community:9",))
    assert made.description == "Reset a hub: Hold both buttons until the light blinks, then see pairing."
    summed = entry(LEAD, overlay=replace(overlay, summary=PlainText("In ten seconds.")))
    assert summed.description == "In ten seconds."


def test_an_overlay_without_tags_keeps_the_threads_own() -> None:
    """None means "as harvested"."""
    made = entry(LEAD, overlay=Overlay(Ref("community:42"), "x.md"))
    assert (made.tags, made.topics) == (LEAD.tags, LEAD.topics)


def test_the_digest_moves_with_the_content_only() -> None:
    """The same content has the same digest, any other has another."""
    assert entry(LEAD).digest == entry(LEAD).digest
    assert (
        len(
            {
                entry(LEAD).digest,
                entry(replace(LEAD, title=PlainText("x"))).digest,
                entry(replace(LEAD, views=11)).digest,
            }
        )
        == 3
    )


def test_updated_is_the_newest_date_shown() -> None:
    """An answer of another thread counts when it is shown."""
    second = curated(post("1", LONG + " B", created=20), ref="stack:7")
    assert entry(LEAD, second).updated == day(20)


def test_score_counts_votes_views_and_threads() -> None:
    """More votes, views and threads make an entry rank higher, being settled most of all."""
    liked = curated(post("1", f"<p>{LONG}</p>", score=20))
    assert entry(liked).score > entry(LEAD).score
    second = curated(post("1", LONG + " B"), ref="stack:7")
    assert entry(LEAD, second).score > entry(LEAD).score


def test_heads_put_settled_threads_first() -> None:
    """A thread with an accepted answer is a better lead than any merely liked one."""
    rules = RulesConfig(answered="publish")
    context = Context(rules, PrivacyConfig(), Taxonomy(), FORUM)
    liked = curate_thread(thread(post("1", LONG, score=500), ref="community:1", views=10**6), context)
    assert head(liked).strength < head(LEAD).strength
    assert find_clusters([head(liked), head(LEAD)], {})[0].lead == LEAD.ref


def test_an_article_names_the_threads_it_settles() -> None:
    """Wordings, sources and licence of an article's threads are shown with it."""
    context = Context(RulesConfig(), PrivacyConfig(), TAXONOMY, FORUM)
    article = Article(
        Ref("community:guide"), "Resetting", "<p>Hold.</p>", answers=(LEAD.ref,), owner="Ada", updated=day(4)
    )
    made = build_article(curate_article(article, context), [LEAD], OPTIONS)
    assert (made.html, made.text, made.owner, made.community) == ("<p>Hold.</p>", "Hold.", "Ada", "Hubworks forum")
    assert ([one.evidence for one in made.threads], made.also_asked) == (["article"], ("How do I reset the hub?",))
    assert len(made.digest) == 32


def test_only_what_is_published_can_be_built() -> None:
    """An item without its text is a fault of the caller, and named."""
    dropped = curated(post("1", LONG), visibility="private")
    with pytest.raises(ValueError, match="community:42"):
        entry(dropped)
    with pytest.raises(ValueError, match="community:42"):
        build_article(LEAD, [], OPTIONS)


def test_a_source_that_is_gone_is_called_by_its_name() -> None:
    """Attribution outlives the configuration."""
    made = build_entry(Cluster(LEAD.ref, (LEAD.ref,), ((LEAD.ref, "lead"),)), [LEAD], None, {})
    assert made.threads[0].community == "community"
    assert made.threads[0].author == Person("7", "mira", "https://forum.example.net/u/mira")
