"""Which pages are threads, and what their structured data says about them."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from kbgen.sources.web_body import parse_page
from kbgen.sources.web_items import Graph, read_jsonld, read_microdata
from kbgen.sources.web_thread import (
    NOTHING,
    SEVERAL,
    SITES_OWN,
    UNANSWERED,
    Asked,
    Selectors,
    find_thread,
)

ASKER = {"@type": "Person", "name": "Mina", "url": "/u/mina"}


def answer(text: str, **more: Any) -> dict[str, Any]:
    """An answer in JSON-LD."""
    return {"@type": "Answer", "text": text, "author": {"@type": "Person", "name": "Jo"}, **more}


def question(**more: Any) -> dict[str, Any]:
    """A question with one accepted answer in JSON-LD."""
    said = {"@type": "Question", "name": "Lamp &amp; fuse", "text": "Dark.", "author": ASKER}
    return {**said, "acceptedAnswer": answer("Turn it."), **more}


def found(*items: Any, html: str = "", **selectors: str) -> Asked | str:
    """What a page with some JSON-LD is."""
    scripts = "".join(f'<script type="application/ld+json">{json.dumps(item)}</script>' for item in items)
    root = parse_page(f"<html><head>{scripts}</head><body>{html}</body></html>")
    assert root is not None
    return find_thread(Graph([*read_jsonld(root)[0], *read_microdata(root)]), root, Selectors(**selectors))


def thread(*items: Any, html: str = "", **selectors: str) -> Asked:
    """A page that is a thread."""
    asked = found(*items, html=html, **selectors)
    assert isinstance(asked, Asked), asked
    return asked


def qapage(entity: Any) -> dict[str, Any]:
    """A page of a question."""
    return {"@context": "https://schema.org", "@type": "QAPage", "mainEntity": entity}


def test_a_qapage_is_a_thread() -> None:
    """Title, texts, authors, votes and which answer is accepted come from the item."""
    asked = thread(
        qapage(
            question(
                upvoteCount="4", datePublished="2026-01-01", keywords="lamp, fuse", suggestedAnswer=[answer("No.")]
            )
        )
    )
    assert (asked.title, asked.question.text, asked.question.author) == ("Lamp & fuse", "<p>Dark.</p>", "Mina")
    assert (asked.question.score, asked.question.created, asked.tags) == ("4", "2026-01-01", ("lamp", "fuse"))
    assert [post.text for post in asked.answers] == ["<p>Turn it.</p>", "<p>No.</p>"]
    assert asked.accepted == (0,)


def test_several_answers_may_be_accepted() -> None:
    """A list of accepted answers is all of them, and one listed among the suggested too is one answer."""
    first, second = answer("A", url="/a/1"), answer("B", url="/a/2")
    asked = thread(qapage([question(acceptedAnswer=[first, second], suggestedAnswer=[second])]))
    assert ([post.url for post in asked.answers], asked.accepted) == (["/a/1", "/a/2"], (0, 1))


@pytest.mark.parametrize(
    ("author", "name"),
    [
        ("Jo", "Jo"),
        ([{"@type": "Organization", "name": "Support team"}], "Support team"),
        ({"alternateName": "jo"}, "jo"),
        ([], ""),
    ],
)
def test_authors_come_in_many_shapes(author: Any, name: str) -> None:
    """A person, an organisation, an array or a string; an answer may come from an organisation."""
    asked = thread(qapage(question(acceptedAnswer=answer("So.", author=author))))
    assert asked.answers[0].author == name


@pytest.mark.parametrize(
    ("items", "why"),
    [
        (({"@type": "FAQPage", "mainEntity": [question()]},), SITES_OWN),
        ((qapage([question(), question(name="Other")]),), SEVERAL),
        ((qapage(question(author={"@type": "Organization", "name": "Shop"})),), SITES_OWN),
        ((qapage(question(author={"name": "ACME"})), {"@type": "Organization", "name": "Acme"}), SITES_OWN),
        ((qapage(question(author=None)),), SITES_OWN),
        ((qapage(question(acceptedAnswer=None, answerCount=0)),), UNANSWERED),
        (({"@type": "Product", "name": "x", "acceptedAnswer": answer("x")},), NOTHING),
        (({"@type": "WebSite", "name": "x"},), NOTHING),
        ((question(), question(name="Other")), NOTHING),
    ],
)
def test_what_is_marked_up_is_not_always_a_thread(items: tuple[Any, ...], why: str) -> None:
    """The site's own copy, several questions, and questions nobody answered are no threads."""
    assert found(*items) == why


def test_of_several_pages_in_one_the_thread_counts() -> None:
    """An unanswered question in another block does not hide the thread."""
    assert thread(qapage(question(name="Later", acceptedAnswer=None)), qapage(question())).title == "Lamp & fuse"


def test_a_question_alone_is_a_thread() -> None:
    """Older pages mark the question and not the page."""
    assert thread(question()).accepted == (0,)


MICRODATA = """
<html itemscope itemtype="https://schema.org/QAPage"><body>
<div itemprop="mainEntity" itemscope itemtype="https://schema.org/Question"><h1 itemprop="name">Lamp &amp;amp; fuse</h1>
<div itemprop="text"><p>Dark <b>here</b>.</p></div>
<div itemprop="author" itemscope itemtype="https://schema.org/Person"><a href="/u/1"><i itemprop="name">Mina</i></a></div>
<div id="answer-2" itemprop="acceptedAnswer" itemscope itemtype="https://schema.org/Answer">
<div itemprop="text"><p>Turn it.</p></div><div itemprop="author">Jo</div>
<div itemprop="comment" itemscope itemtype="https://schema.org/Comment"><span itemprop="text">Nice</span></div></div>
</div></body></html>"""


def test_microdata_says_the_same() -> None:
    """A page without JSON-LD is read by its attributes; its texts are whole, and comments are no answers."""
    root = parse_page(MICRODATA)
    assert root is not None
    asked = find_thread(Graph(read_microdata(root)), root, Selectors())
    assert isinstance(asked, Asked)
    assert (asked.title, asked.question.author_url) == ("Lamp &amp; fuse", "/u/1")
    assert [(post.text, post.whole, post.author) for post in asked.answers] == [("<p>Turn it.</p>", True, "Jo")]


def posting(**more: Any) -> dict[str, Any]:
    """A discussion in JSON-LD."""
    return {"@type": "DiscussionForumPosting", "headline": "Lamp", "text": "Dark.", "author": ASKER, **more}


def test_replies_of_a_discussion_are_read_from_their_tree() -> None:
    """Comments of comments are replies too, in the order of the page; nothing is accepted; likes are votes."""
    likes = {
        "@type": "InteractionCounter",
        "interactionType": "https://schema.org/LikeAction",
        "userInteractionCount": 7,
    }
    comments = [{"@type": "Comment", "text": "A", "comment": [{"@type": "Comment", "text": "B"}]}, {"text": "C"}]
    asked = thread(posting(comment=comments, interactionStatistic=[likes]))
    assert ([post.text for post in asked.answers], asked.accepted) == (["<p>A</p>", "<p>B</p>", "<p>C</p>"], ())
    assert (asked.is_posting, asked.question.score) == (True, "7")


def test_older_discussions_mark_every_post_alike() -> None:
    """Posts that have the first one's title, or none, are its replies; other titles are a list of discussions."""
    asked = thread([posting(), posting(text="Turn it."), posting(headline="", text="Yes.")])
    assert [post.text for post in asked.answers] == ["<p>Turn it.</p>", "<p>Yes.</p>"]
    assert found([posting(), posting(headline="Radio")]) == SEVERAL


PLAIN = """<h1>Lamp</h1><ul><li class=c>Home &gt; Lights</li></ul>
<div class=q id=q1><a class=who href=/u/mina>Mina</a><div class=text>Dark.</div><time datetime=2026-01-01>long ago</time></div>
<div class=a id=a1><span class=who>Jo</span><div class=text>Turn it.</div><b class=votes>3 votes</b></div>"""
CHOSEN = {"question": ".q", "answer": ".a", "body": ".text", "author": ".who", "date": "time", "score": ".votes"}


def test_selectors_read_pages_without_structured_data() -> None:
    """Where a site marks up nothing, the configured elements are the thread."""
    asked = thread(html=PLAIN, category=".c", **CHOSEN)
    assert (asked.title, asked.category) == ("Lamp", ("Home > Lights",))
    first, second = asked.question, asked.answers[0]
    assert (first.author, first.author_url, first.text, first.url) == ("Mina", "/u/mina", "Dark.", "#q1")
    assert (first.created, second.author, second.score) == ("2026-01-01", "Jo", "3 votes")
    assert found(html=PLAIN, question=".a, .q") == SEVERAL
    assert found(html=PLAIN, question=".q") == UNANSWERED


def test_a_wrong_selector_is_a_fault_of_the_configuration() -> None:
    """It is named before anything is asked for."""
    with pytest.raises(ValidationError, match="is not a CSS selector"):
        Selectors(body="div[")


def test_the_trail_above_the_thread_is_its_category() -> None:
    """Breadcrumbs between the site and the page."""
    crumbs = [
        {"item": {"name": "Home"}},
        {"name": "Lights"},
        {"item": {"@id": "/x", "name": "Indoor"}},
        {"name": "Lamp & fuse"},
    ]
    assert thread({"@type": "BreadcrumbList", "itemListElement": crumbs}, qapage(question())).category == (
        "Lights",
        "Indoor",
    )
