"""Topics, tags, questions, languages, articles, people: what each page lists, and what moves when something does."""

from __future__ import annotations

from typing import Any

import pytest
from compile_samples import ANN, SITE, TAXONOMY, article, config, inputs, moment, summary, topic
from msgspec.structs import replace

from kbgen.compile.library import compile_library
from kbgen.model import Page, Ref, Summary, Taxonomy

FIVE_A_PAGE = config(pages={"per_page": 5})


def many(count: int, **changes: Any) -> list[Summary]:
    """Questions asked one an hour."""
    return [summary(f"forum:{number:03}", created=moment(number), **changes) for number in range(1, count + 1)]


def listed(page: Page) -> list[str]:
    """Refs of a listing's items."""
    assert page.listing is not None
    return [card.ref.removeprefix("forum:") for card in page.listing.items]


def block(page: Page, kind: str) -> list[str]:
    """Titles in a block of a page, empty when it has none."""
    assert page.listing is not None
    found = [one for one in page.listing.blocks if one.kind == kind]
    return [str(card.title) for one in found for card in one.cards] + [
        link.title for one in found for link in one.links
    ]


def pages(*summaries: Summary, **changes: Any) -> dict[str, Page]:
    """The compiled pages."""
    return compile_library(inputs(*summaries, **changes)).pages


def questions(found: dict[str, Page]) -> dict[str, Page]:
    """The pages of all questions."""
    return {path: page for path, page in found.items() if path.startswith("/questions/")}


def test_questions_are_newest_first_and_counted_from_the_oldest() -> None:
    """The first page holds the newest; numbered pages are full and never move."""
    found = questions(pages(*many(12), config=FIVE_A_PAGE))
    assert {
        "/questions/": ["012", "011", "010", "009", "008", "007", "006"],
        "/questions/1/": ["005", "004", "003", "002", "001"],
    } == {path: listed(page) for path, page in found.items()}


def test_a_new_question_changes_the_items_of_the_first_page_only() -> None:
    """Page 2 of yesterday lists what page 2 of today lists."""
    before = questions(pages(*many(12), config=FIVE_A_PAGE))
    after = questions(pages(*many(13), config=FIVE_A_PAGE))
    assert ["/questions/"] == [path for path in before if listed(before[path]) != listed(after[path])]
    assert set(before) == set(after)


def test_the_first_page_is_never_nearly_empty() -> None:
    """It grows to almost two pages; then the older half becomes a numbered one, and keeps its items."""
    before = questions(pages(*many(14), config=FIVE_A_PAGE))
    after = questions(pages(*many(15), config=FIVE_A_PAGE))
    assert 9 == len(listed(before["/questions/"]))
    assert listed(before["/questions/"])[4:] == listed(after["/questions/2/"])
    assert ["015", "014", "013", "012", "011"] == listed(after["/questions/"])


def test_questions_of_unknown_date_are_the_oldest() -> None:
    """And among themselves in order of ref, so that nothing shuffles them."""
    found = pages(summary("forum:9"), summary("forum:8"), summary("forum:1", created=moment(1)))
    assert ["1", "9", "8"] == listed(found["/questions/"])


def test_a_pager_shows_the_ends_and_what_is_near() -> None:
    """A list of a hundred pages links seven of them, itself included, and each leads to its page."""
    found = pages(*many(500), config=FIVE_A_PAGE)
    middle = found["/questions/50/"].listing
    first = found["/questions/"].listing
    assert middle is not None
    assert first is not None
    assert (1, 48, 49, 50, 51, 52, 100) == tuple(number for number, _ in middle.pager)
    assert "/questions/" == dict(middle.pager)[100]
    assert (1, 98, 99, 100) == tuple(number for number, _ in first.pager)
    assert [] == [path for _, path in (*middle.pager, *first.pager) if path not in found]


def test_every_page_of_a_listing_is_its_own_canonical() -> None:
    """Page 2 lists other things than page 1: its own address, its own title and description."""
    found = pages(*many(12, topics=("home",)), taxonomy=TAXONOMY, config=FIVE_A_PAGE)
    second = found["/topics/home/2/"]
    assert f"{SITE}topics/home/2/" == second.canonical
    assert "Home (page 2 of 3)" == second.title
    assert second.description.endswith(" (page 2 of 3)")
    assert len(second.description) <= 160


def test_a_topic_lists_its_subtopics_threads_too() -> None:
    """A parent shows all below it, best first; pinned ones lead; the subtopic shows its own."""
    given_all = [
        summary("forum:1", topics=("lights",), score=1.0),
        summary("forum:2", topics=("home",), score=5.0),
        summary("forum:3", topics=("lights",), score=9.0),
        summary("forum:4", topics=("lights", "home"), score=0.0, pinned=True),
    ]
    found = pages(*given_all, taxonomy=TAXONOMY)
    assert ["4", "3", "2", "1"] == listed(found["/topics/home/"])
    assert ["4", "3", "1"] == listed(found["/topics/lights/"])
    assert ["Lights"] == block(found["/topics/home/"], "subtopics")


def test_a_topic_page_puts_articles_and_featured_ones_apart() -> None:
    """What staff wrote stands in its own block, what the writer features in another, nothing twice."""
    home = replace(TAXONOMY.topics[0], featured=(Ref("docs:b"), Ref("forum:1"), Ref("docs:unknown")))
    given_all = [
        summary("forum:1", "One", topics=("home",), tags=("bulb",)),
        article("docs:a", "Guide", topics=("home",)),
        article("docs:b", "Start", topics=("home",)),
    ]
    page = pages(*given_all, taxonomy=replace(TAXONOMY, topics=(home,)))["/topics/home/"]
    assert (["Start", "One"], ["Guide"], ["Bulbs"]) == (
        block(page, "start-here"),
        block(page, "articles"),
        block(page, "tags"),
    )


def test_an_empty_topic_has_a_page_that_asks_not_to_be_indexed() -> None:
    """A visitor can follow the taxonomy before it fills; a search engine need not."""
    found = pages(summary("forum:1", topics=("home",)), taxonomy=TAXONOMY)
    assert {"/topics/home/": False, "/topics/lights/": True, "/topics/empty/": True} == {
        path: page.noindex for path, page in found.items() if page.kind == "topic"
    }


def test_a_tag_page_below_the_minimum_asks_not_to_be_indexed() -> None:
    """Three threads make a page worth finding; the minimum is the operator's."""
    given_all = [summary(f"forum:{number}", tags=("bulb", "hub") if number < 3 else ("bulb",)) for number in (1, 2, 3)]
    found = pages(*given_all, taxonomy=TAXONOMY)
    assert (False, True, False) == (
        found["/tags/bulb/"].noindex,
        found["/tags/hub/"].noindex,
        found["/tags/bulb/"].in_sitemap is False,
    )
    lower = pages(*given_all, taxonomy=TAXONOMY, config=config(pages={"tag_index_minimum": 2}))
    assert lower["/tags/hub/"].in_sitemap


def test_an_unused_tag_has_no_page() -> None:
    """And where no tag is used there is no list of tags."""
    assert [] == [path for path in pages(summary("forum:1"), taxonomy=TAXONOMY) if path.startswith("/tags/")]


def test_a_tag_outside_the_vocabulary_is_called_by_its_slug() -> None:
    """An open vocabulary has pages for its tags, too."""
    found = pages(summary("forum:1", tags=("zigbee",)))
    assert ("Tag: zigbee", ["zigbee"]) == (found["/tags/zigbee/"].title, block(found["/tags/"], "all-tags"))


def test_a_topic_the_taxonomy_does_not_know_is_left_out() -> None:
    """An entry of a topic that was removed keeps its page and is listed among all questions."""
    found = pages(summary("forum:1", "One", topics=("vanished", "home")), taxonomy=TAXONOMY)
    assert ("home",) == found["/q/one-1/"].topics
    assert ["1"] == listed(found["/questions/"])


def test_other_languages_have_a_list_each_in_their_own_frame() -> None:
    """The site's first language has none: all its lists are in it."""
    found = pages(summary("forum:1"), summary("forum:2", lang="he", score=1.0), summary("forum:3", lang="he"))
    assert {"/languages/he/": ("he", ["2", "3"])} == {
        path: (page.lang, listed(page)) for path, page in found.items() if path.startswith("/languages/")
    }


def test_articles_are_listed_by_topic_while_they_fit_a_page() -> None:
    """Those without a topic come last."""
    given_all = [article("docs:a", "Loose"), article("docs:b", "Lit", topics=("lights",))]
    found = pages(*given_all, taxonomy=TAXONOMY)["/articles/"].listing
    assert found is not None
    assert [("Lights", ["Lit"]), ("More articles", ["Loose"])] == [
        (one.title, [card.title for card in one.cards]) for one in found.blocks
    ]


def test_many_articles_are_listed_by_title_over_pages() -> None:
    """More than fit one page: in order of title, with a pager."""
    titles = ["Zebra", "apple", "Mango", "pear", "Fig", "kiwi"]
    given_all = [article(f"docs:{number}", title) for number, title in enumerate(titles)]
    found = pages(*given_all, config=FIVE_A_PAGE)
    items = [found[path].listing for path in ("/articles/", "/articles/2/")]
    assert [["apple", "Fig", "kiwi", "Mango", "pear"], ["Zebra"]] == [
        [card.title for card in one.items] for one in items if one is not None
    ]


def test_people_have_pages_only_when_asked_for() -> None:
    """Off by default; a person with few answers is not offered to search engines."""
    given_all = [summary("forum:1", people=(ANN,))]
    assert [] == [path for path in pages(*given_all) if path.startswith("/people/")]
    page = pages(*given_all, config=config(pages={"people": True}))["/people/ann-forum-1/"]
    assert ("Ann", True, ["1"]) == (page.title, page.noindex, listed(page))


def test_the_topic_index_shows_top_topics_or_the_most_used_tags() -> None:
    """A community without topics is browsed by its tags."""
    assert ["Home", "Empty"] == block(pages(summary("forum:1"), taxonomy=TAXONOMY)["/topics/"], "topics")
    bare = pages(summary("forum:1", tags=("b", "a")), summary("forum:2", tags=("b",)))["/topics/"]
    assert (["b", "a"], True) == (block(bare, "tags"), bare.noindex)


def test_an_empty_site_has_its_lists_and_none_of_them_is_indexed() -> None:
    """The first night, before the first answer: every fixed address is there."""
    found = pages(taxonomy=Taxonomy(topics=(topic("home"),)))
    fixed = {"/", "/articles/", "/questions/", "/search/", "/404.html", "/topics/", "/topics/home/"}
    assert fixed == set(found)
    assert {"/", "/topics/"} == {path for path, page in found.items() if not page.noindex}


@pytest.mark.parametrize("count", [1, 7])
def test_counts_are_counted(count: int) -> None:
    """The total is of the whole listing, not of the page, and the description says the same."""
    found = pages(*many(count, topics=("home",)), taxonomy=TAXONOMY, config=FIVE_A_PAGE)
    page = found["/topics/home/"]
    assert page.listing is not None
    assert (count, True) == (page.listing.total, f" {count} " in page.description)


def test_an_edited_answer_moves_no_list() -> None:
    """A list says when a question was asked; that its answer was mended is said by its page, and on the home page."""
    asked: dict[str, Any] = {"tags": ("lamps",), "created": moment(1)}
    before = pages(summary("forum:1", updated=moment(2), **asked), summary("forum:2", created=moment(3)))
    after = pages(summary("forum:1", updated=moment(9), **asked), summary("forum:2", created=moment(3)))
    assert sorted(path for path in before if before[path] != after[path]) == ["/", "/q/question-1-about-something-1/"]
    listing = after["/tags/lamps/"].listing
    assert listing
    assert [card.date for card in listing.items] == [moment(1)]
    assert after["/tags/lamps/"].updated == moment(1)


def test_a_list_dates_an_article_by_its_last_change() -> None:
    """Who wrote it mends it for its readers; without a date of a change it has the one it has."""
    found = pages(
        article("docs:1", "Mount a lamp", created=moment(1), updated=moment(8), tags=("lamps",)),
        article("docs:2", "Mount a shade", created=moment(2), tags=("lamps",)),
    )
    listing = found["/tags/lamps/"].listing
    assert listing
    assert {card.ref: card.date for card in listing.items} == {"docs:1": moment(8), "docs:2": moment(2)}


def test_a_site_of_articles_speaks_of_no_community() -> None:
    """Nothing was asked, so there is nothing to count; its home page shows articles in its own language first."""
    foreign = [article(f"docs:{name}", name.upper(), lang="he", pinned=True) for name in "abc"]
    home = pages(*foreign, article("docs:d", "D"))["/"]
    assert block(home, "articles") == ["D"]
    assert block(home, "numbers") == []
    assert block(pages(*foreign)["/"], "articles") == ["A", "B", "C"]
    assert block(pages(summary("forum:1", "One"), *foreign)["/"], "numbers") == ["questions", "answers", "contributors"]
