"""The sources over real communities, where their data is at hand: counts as their provenance notes give them."""

import os
from pathlib import Path

import pytest
from source_builders import articles, discourse, parsed_articles, read, stackexchange, threads

DATA = Path(os.environ.get("KBGEN_DATA") or Path(__file__).parents[3] / "shared/data").resolve()

pytestmark = [pytest.mark.realdata, pytest.mark.skipif(not DATA.is_dir(), reason="no community data at hand")]


@pytest.mark.parametrize(
    ("dump", "questions", "answers", "accepted", "closed", "duplicates"),
    [
        ("cardano-2021", 1_042, 1_496, 459, 37, 6),
        ("bicycles-meta-2023", 453, 971, 157, 15, 9),
        ("quantumcomputing-2018", 612, 1_060, 389, 30, 11),
    ],
)
def test_dumps(dump: str, questions: int, answers: int, accepted: int, closed: int, duplicates: int) -> None:
    """Every question, answer, acceptance and closing of a site is read, and no row is bad."""
    found = threads(stackexchange(DATA / "stackexchange", dump))
    counted = (
        len(found),
        sum(len(thread.answers) for thread in found),
        sum(bool(thread.solved) for thread in found),
        sum(thread.closed is not None for thread in found),
        sum(len(thread.duplicate_of) for thread in found),
    )
    assert counted == (questions, answers, accepted, closed, duplicates)
    assert all(mark.at is not None for thread in found for mark in thread.solved)


def test_three_licences_in_one_site() -> None:
    """Each post keeps the licence the dump states."""
    found = threads(stackexchange(DATA / "stackexchange", "bicycles-meta-2023"))
    licences = {post.licence for thread in found for post in (thread.question, *thread.answers)}
    assert licences == {"CC BY-SA 2.5", "CC BY-SA 3.0", "CC BY-SA 4.0"}


def test_a_forum_with_imported_posts() -> None:
    """Every topic of the archive is read, and nothing of Discourse's own or BBCode is left in the text."""
    found = threads(discourse(DATA / "discourse", "urho3d-slice/topics.tar.zst"))
    assert (len(found), sum(bool(thread.solved) for thread in found)) == (997, 131)
    html = "\n".join(post.html for thread in found for post in (thread.question, *thread.answers))
    leftovers = ("<aside", "lightbox", 'class="emoji', "<iframe", "upload://", 'href="/', "[quote=", "[/color]</")
    assert [word for word in leftovers if word in html] == []


def test_a_forum_recorded_post_by_post() -> None:
    """Posts are put together to their topics, each once; those whose first post is missing are named."""
    records, errors = read(discourse(DATA / "discourse", "delvingbitcoin/posts-json.tar.zst"))
    found = [discourse(DATA / "discourse").parse(record) for record in records]
    assert (len(found), len(errors)) == (629, 6)
    assert all("the first post of topic" in error.problem for error in errors)
    posts = [post.id for thread in found for post in (thread.question, *thread.answers)]
    assert (len(posts), len(set(posts))) == (4_593, 4_593)
    assert sum(thread.visibility == "deleted" for thread in found) == 7


def test_articles_of_a_help_centre() -> None:
    """Every article is read with its id; four of the five that say ``draft`` are drafts."""
    template = "https://support.example.com/articles/{id}"
    found = parsed_articles(articles(DATA / "staff/arduino", "content", url_template=template))
    assert (len(found), sum(article.draft for article in found)) == (414, 4)
    assert all(article.url == f"https://support.example.com/articles/{article.ref[5:]}" for article in found)


def test_articles_in_four_languages() -> None:
    """Material's Markdown in any script is read, and links between articles hold."""
    found = parsed_articles(articles(DATA / "staff/privacyguides", "i18n"))
    assert len(found) == 4 * 67
    assert sum('href="kb:docs:' in article.html for article in found) > 100
