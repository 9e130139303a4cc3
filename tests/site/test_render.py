"""Pages as bytes: everything escaped, credited, linked relatively, and nothing the page was not given."""

import json
import re
from itertools import pairwise
from urllib.parse import urljoin

import msgspec
import pytest
import sample_pages as sample
from bs4 import BeautifulSoup, Tag

from kbgen.errors import EngineError
from kbgen.model import ArticleEntry, Block, Crumb, Entry, Link, Listing, Page, PlainText, Ref, SafeHtml
from kbgen.site.render import Renderer

HOSTILE = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)> @@title@@ {{ 7 * 7 }}"


def show(renderer: Renderer, page: Page, body: Entry | ArticleEntry | None = None) -> BeautifulSoup:
    """The rendered page, parsed."""
    return BeautifulSoup(renderer.render(page, body), "lxml")


def one(soup: BeautifulSoup | Tag, selector: str) -> Tag:
    """The only element of a selector."""
    found = soup.select(selector)
    assert len(found) == 1, f"{selector}: {len(found)}"
    return found[0]


@pytest.fixture(scope="module")
def answer(renderer: Renderer) -> BeautifulSoup:
    """The sample answer page."""
    return show(renderer, sample.entry_page(), sample.entry())


def test_an_answer_page_has_one_heading_and_its_answer_in_the_text(answer: BeautifulSoup) -> None:
    """The title is the only h1; question, best and all further answers stand in the HTML, folded or not."""
    assert one(answer, "h1").get_text() == sample.TITLE
    assert "Channel 25 is sent at lower power" in one(answer, ".kb-answer .kb-body").get_text()
    assert len(answer.select(".kb-other")) == 5
    assert len(answer.select("details .kb-other")) == 2


def test_everybody_is_credited_with_followed_links(answer: BeautifulSoup) -> None:
    """Each thread, author and licence is linked without nofollow; a closed account is named as such."""
    links = {link["href"]: link for link in answer.select("article a[href^=http], .kb-side a[href^=http]")}
    for url in (
        "https://forum.lamplight.example/t/42",
        "https://forum.lamplight.example/t/51",
        "https://forum.lamplight.example/u/mira_k",
        "https://forum.lamplight.example/u/otto",
        "https://creativecommons.org/licenses/by-sa/4.0/",
    ):
        assert "nofollow" not in str(links[url].get("rel", "")), url
    assert "Former member" in one(answer, ".kb-others").get_text()


def test_links_to_other_entries_become_links_to_their_pages(answer: BeautifulSoup) -> None:
    """A known reference is a relative link without rel; one that leads nowhere is only its text."""
    link = answer.find("a", string="reset the bulb")
    assert isinstance(link, Tag)
    assert link["href"] == "../../q/%D7%90%D7%99%D7%A4%D7%95%D7%A1-77/"
    assert not link.has_attr("rel")
    assert answer.find("a", string="read this") is None
    assert "If it still fails, read this, or see" in one(answer, ".kb-answer").get_text()
    assert "kb:" not in str(one(answer, ".kb-answer"))


def test_a_link_may_lead_to_a_place_on_a_page(renderer: Renderer) -> None:
    """What is behind the ``#`` stays behind it."""
    links = ((Ref("forum:77"), "/articles/café/#why"),)
    soup = show(renderer, msgspec.structs.replace(sample.entry_page(), links=links), sample.entry())
    link = soup.find("a", string="reset the bulb")

    assert isinstance(link, Tag)
    assert link["href"] == "../../articles/caf%C3%A9/#why"


def test_links_inside_the_site_are_relative(renderer: Renderer) -> None:
    """From any depth a link resolves below the site's address; no page links to the root of the host."""
    for page, body in (
        (sample.entry_page(), sample.entry()),
        (sample.home_page(), None),
        (msgspec.structs.replace(sample.topic_page(), path="/topics/lights/page/2/"), None),
    ):
        soup = show(renderer, page, body)
        for link in soup.select("a[href]"):
            href = str(link["href"])
            assert not href.startswith("/"), href
            if "://" not in href:
                assert urljoin(f"https://x.example/sub{page.path}", href).startswith("https://x.example/sub/"), href


def test_the_404_page_links_from_the_root_of_the_host(renderer: Renderer) -> None:
    """It is shown at any address, so all its links start with the path of site.url; search is offered."""
    listing = Listing(blocks=(Block("topics", "", links=sample.LINKS),))
    soup = show(
        renderer, sample.page("/404.html", "other", "engine", title="Page not found", noindex=True, listing=listing)
    )
    for link in soup.select("a[href], link[href], script[src], form[action]"):
        href = str(link.get("href") or link.get("src") or link.get("action"))
        assert href.startswith(("/support/", "https://", "#")), href
    assert one(soup, "form[role=search] input[name=q]")


def test_hostile_text_stays_text(renderer: Renderer) -> None:
    """No title, name, wording, summary or address of a stranger becomes markup anywhere on a page."""
    person = msgspec.structs.replace(sample.MIRA, name=HOSTILE)
    text = PlainText(HOSTILE)
    thread = msgspec.structs.replace(sample.thread(42, HOSTILE, person), community=HOSTILE, licence=HOSTILE)
    entry = sample.entry(
        title=text, description=text, also_asked=(text,), threads=(thread,), question=sample.post(1, "<p>q</p>", person)
    )
    card = sample.card(1, HOSTILE, summary=text)
    page = sample.entry_page(
        title=HOSTILE, description=HOSTILE, related=(card,), crumbs=(Crumb("Home", "/"), Crumb(HOSTILE, "/x/"))
    )
    soup = show(renderer, page, entry)
    assert soup.select("img[onerror], [onclick]") == []
    assert [script for script in soup.select("script") if "alert" in script.get_text() and not script.get("type")] == []
    assert one(soup, "h1").get_text() == HOSTILE
    graph = json.loads(one(soup, 'script[type="application/ld+json"]').get_text())
    assert graph["@graph"][0]["headline"] == HOSTILE
    listing = show(
        renderer, sample.page("/x/", title=HOSTILE, description=HOSTILE, listing=Listing(items=(card,), total=1))
    )
    assert listing.select("img[onerror]") == []


def test_the_head_says_what_the_page_says(answer: BeautifulSoup) -> None:
    """One title, description and canonical; Open Graph, dates and card are there; dates equal the visible ones."""
    head = answer.head
    assert head is not None
    assert one(head, "title").get_text() == f"{sample.TITLE} · Lamplight Help"
    assert one(head, "link[rel=canonical]")["href"] == sample.entry_page().canonical
    assert one(head, 'meta[name="robots"]')["content"] == "max-image-preview:large"
    found = {str(meta["property"]): str(meta["content"]) for meta in head.select("meta[property]")}
    assert found["og:type"] == "article"
    assert found["og:url"] == sample.entry_page().canonical
    assert found["og:image"] == "https://help.lamplight.example/support/assets/social.png"
    assert found["og:locale"] == "en_US"
    assert found["article:modified_time"] == "2025-04-02T12:00:00Z"
    assert "Updated April 2, 2025" in one(answer, ".kb-head .kb-meta").get_text()
    assert {child.name for child in head.find_all(recursive=False)} <= {"meta", "title", "link", "script", "style"}


def test_a_quiet_page_is_not_indexed(renderer: Renderer) -> None:
    """``noindex`` pages say so and have no structured data; a site on trial says it on every page."""
    soup = show(renderer, sample.page("/search/", "other", "page", title="Search", noindex=True))
    assert one(soup, 'meta[name="robots"]')["content"] == "noindex, follow"
    assert soup.select('script[type="application/ld+json"]') == []
    trial = sample.CONFIG.model_copy(update={"site": sample.SITE.model_copy(update={"noindex": True})})
    quiet = Renderer(trial, renderer.frames, sample.TOPICS, sample.SOURCES)
    soup = show(quiet, sample.entry_page(), sample.entry())
    assert one(soup, 'meta[name="robots"]')["content"] == "noindex, follow"


def test_the_breadcrumb_is_the_structured_one(answer: BeautifulSoup) -> None:
    """What the reader sees is what the JSON-LD says, step by step."""
    graph = json.loads(one(answer, 'script[type="application/ld+json"]').get_text())["@graph"]
    names = [item["name"] for item in graph[-1]["itemListElement"]]
    assert [step.get_text() for step in answer.select(".kb-crumbs li")] == names


def test_a_short_answer_stands_above_only_when_the_answer_is_long(renderer: Renderer, answer: BeautifulSoup) -> None:
    """A short answer is its own summary."""
    assert one(answer, ".kb-short > h2 + p").get_text().startswith("Many bulbs send at lower power")
    best = sample.post(2, "<p>Do this.</p>", sample.OTTO, why="accepted", text=PlainText("Do this."))
    assert show(renderer, sample.entry_page(), sample.entry(best=best)).select(".kb-short") == []


@pytest.mark.parametrize(
    ("why", "badge"),
    [
        ("accepted", "Accepted answer"),
        ("staff", "Staff answer"),
        ("helpful", "Most helpful answer"),
        (None, "Most helpful answer"),
    ],
)
def test_the_badge_says_how_we_know(renderer: Renderer, why: str | None, badge: str) -> None:
    """Only an accepted answer is called accepted."""
    best = sample.post(2, "<p>x</p>", sample.OTTO, why=why)
    soup = show(renderer, sample.entry_page(), sample.entry(best=best))
    assert one(soup, ".kb-answer .kb-label").get_text() == badge


@pytest.mark.parametrize(
    ("why", "score", "said"),
    [
        ("helpful", 3, "The answer readers found most helpful"),
        ("helpful", 0, "No answer was marked as the solution; this one seems to help most"),
        (None, -1, "No answer was marked as the solution; this one seems to help most"),
        ("helpful", None, "No answer was marked as the solution; this one seems to help most"),
        ("accepted", -1, "The person who asked marked this as the answer"),
    ],
)
def test_readers_found_helpful_what_they_voted_for(
    renderer: Renderer, why: str | None, score: int | None, said: str
) -> None:
    """Where nobody did, the page says that nobody said so."""
    best = sample.post(2, "<p>x</p>", sample.OTTO, why=why, score=score)
    soup = show(renderer, sample.entry_page(), sample.entry(best=best))
    assert one(soup, ".kb-why").get_text() == said


def test_further_accepted_answers_are_marked(renderer: Renderer) -> None:
    """An answer that another thread of the page accepted says so; ordinary ones say nothing."""
    others = tuple(
        sample.post(number, "<p>x</p>", sample.OTTO, why=why)
        for number, why in ((3, "accepted"), (4, "staff"), (5, "helpful"), (6, None))
    )
    soup = show(renderer, sample.entry_page(), sample.entry(others=others))
    badges = [[mark.get_text() for mark in post.select(".kb-badge")] for post in soup.select(".kb-other")]
    assert badges == [["Accepted answer"], ["Staff answer"], [], []]


def test_a_page_speaks_its_own_language(renderer: Renderer) -> None:
    """Language, direction, words, dates and the topic's title follow the page; foreign titles are marked."""
    trail = (Crumb("Home", "/"), Crumb("Topics", "/topics/"), Crumb("Lights", "/topics/lights/"))
    crumbs = (*trail, Crumb("כותרת", sample.PATH))
    soup = show(renderer, sample.entry_page(lang="he", crumbs=crumbs), sample.entry(lang="he"))
    assert (one(soup, "html")["lang"], one(soup, "html")["dir"]) == ("he", "rtl")
    assert "dir" not in one(soup, "body").attrs
    assert {paragraph.get("dir") for paragraph in soup.select(".kb-body p")} == {"ltr"}
    assert [step.get_text() for step in soup.select(".kb-crumbs li")] == ["דף הבית", "נושאים", "תאורה", "כותרת"]
    assert one(soup, ".kb-answer .kb-label").get_text() == "תשובה שהתקבלה"
    assert "2 באפריל 2025" in soup.get_text()
    assert (soup.select(".kb-links a")[0]["lang"], soup.select(".kb-links a")[0]["dir"]) == ("en", "ltr")
    topic = show(renderer, msgspec.structs.replace(sample.topic_page(), lang="he"))
    assert one(topic, "h1").get_text() == "תאורה"
    finnish = show(renderer, sample.entry_page(lang="fi"), sample.entry(lang="fi"))
    assert one(finnish, "html")["lang"] == "fi"


def test_titles_kbgen_gives_are_translated(renderer: Renderer) -> None:
    """Numbered pages, tags and languages have their title in the page's language."""
    listing = Listing(items=sample.CARDS, total=60, number=2, pages=3)
    cases = (
        (
            sample.page("/q/2/", title="All questions (page 2 of 3)", lang="he", listing=listing),
            "כל השאלות (עמוד 2 מתוך 3)",
        ),
        (sample.page("/tags/x/", "tag", title="Tag: Hub", lang="he", listing=Listing()), "תגית: Hub"),
        (sample.page("/languages/he/", title="he", lang="he", listing=Listing()), "עברית"),
    )
    for page, title in cases:
        assert one(show(renderer, page), "h1").get_text() == title


def test_a_listing_of_nothing_counted_has_no_empty_line(renderer: Renderer) -> None:
    """Without number, profile and feed nothing stands, and takes room, between the heading and the blocks."""
    bare = Listing(blocks=(Block("topics", "", links=sample.LINKS),))
    counted = Listing(items=sample.CARDS, total=4)
    lines = [
        len(show(renderer, sample.page("/topics/", title="Topics", listing=listing)).select(".kb-head .kb-meta"))
        for listing in (bare, counted)
    ]
    assert [0, 1] == lines


def test_a_listing_shows_its_blocks_items_and_pager(renderer: Renderer) -> None:
    """The writer's text stands as HTML, this page is not a link, gaps are marked, the feed is announced."""
    soup = show(renderer, sample.topic_page())
    assert one(soup, ".kb-intro p").get_text() == "Everything that shines."
    assert [block.get_text() for block in soup.select(".kb-block > h2")] == ["Start here", "Tags", "Questions"]
    assert [item.get_text() for item in soup.select(".kb-pager li")] == ["1", "2", "…", "9"]
    assert one(soup, ".kb-pager [aria-current]").name == "span"
    assert soup.select(".kb-cards--list a")[0]["href"] == "../../q/1/"


def test_home_asks_and_leads_on(renderer: Renderer) -> None:
    """A question as heading, search, popular searches, topics with counts, lists, languages by their own names."""
    soup = show(renderer, sample.home_page())
    assert one(soup, "h1").get_text() == "How can we help?"
    assert one(soup, ".kb-hero form")["action"] == "search/"
    assert soup.select(".kb-popular a")[0]["href"] == "search/?q=pair%20a%20bulb"
    assert [count.get_text() for count in soup.select(".kb-topic__count")] == ["3 pages", "4 pages", "5 pages"]
    assert "עברית" in one(soup, ".kb-block--languages").get_text()
    assert "1,240" in one(soup, ".kb-block--numbers").get_text()
    assert one(soup, 'link[type="application/atom+xml"]')["href"] == "feed.xml"


def test_a_writers_page_is_completed_around_its_text(renderer: Renderer) -> None:
    """The engine's text stays; breadcrumb, owner, settled threads and related pages come around it, not twice."""
    soup = show(renderer, sample.article_page(shell="engine"), sample.article(html=SafeHtml("")))
    assert one(soup, "h1").get_text() == "Set up the hub"
    assert one(soup, "article h2").get_text() == "Wait"
    assert "Written by Ida" in one(soup, ".kb-article-top").get_text()
    assert "Where do I plug it in?" in one(soup, ".kb-article-bottom").get_text()


def test_an_article_from_elsewhere_is_poured(renderer: Renderer) -> None:
    """Its text, licence and home are shown."""
    article = sample.article(licence="CC BY 4.0", url="https://docs.example/set-up")
    soup = show(renderer, sample.article_page(), article)
    assert "Plug it in." in one(soup, ".kb-body").get_text()
    assert one(soup, 'a[rel="license"]')["href"] == "https://creativecommons.org/licenses/by/4.0/"
    assert soup.find("a", href="https://docs.example/set-up") is not None


def test_a_long_article_begins_with_its_sections(renderer: Renderer) -> None:
    """Links to the headings that have a name, without their markup; two sections are seen at a glance."""
    three = '<h3 id="a">One &amp; <code>two</code></h3><h4 id="x">No</h4><h3 id="א">Three</h3><h3>No</h3>'
    html = SafeHtml(f'{three}<h3><span id="d"></span><span id="e"></span>&lt;b&gt;</h3><p>x</p>')
    soup = show(renderer, sample.article_page(), sample.article(html=html))
    links = soup.select(".kb-sections a")
    assert [(link["href"], link.get_text()) for link in links] == [
        ("#a", "One & two"),
        ("#א", "Three"),
        ("#d", "<b>"),
    ]
    assert [len(soup.find_all(id=str(link["href"])[1:])) for link in links] == [1, 1, 1]
    assert not show(renderer, sample.article_page(), sample.article(html=SafeHtml(three))).select(".kb-sections")


def test_an_article_links_to_its_other_languages(renderer: Renderer) -> None:
    """Each version in its own name, marked as such, for readers and search engines; the page itself only for the latter."""
    page = sample.article_page()
    other = page.canonical.removesuffix("/") + "-%D7%90/"
    page = msgspec.structs.replace(page, alternates=(("en", page.canonical), ("he", other)))
    soup = show(renderer, page, sample.article())
    link = one(soup, ".kb-article-top .kb-meta a")

    assert [link["hreflang"], link["dir"], link.get_text()] == ["he", "rtl", "עברית"]
    assert urljoin(page.canonical, str(link["href"])) == other
    marks = [(mark["hreflang"], mark["href"]) for mark in soup.select("head link[hreflang]")]
    assert marks == [("en", page.canonical), ("x-default", page.canonical), ("he", other)]


def test_an_article_shows_the_dates_its_markup_states(renderer: Renderer) -> None:
    """Published, updated and reviewed, each day once."""
    top = one(show(renderer, sample.article_page(), sample.article()), ".kb-article-top .kb-meta").get_text()
    dates = ("Published January 2, 2025", "Updated February 3, 2025", "Reviewed June 1, 2025")
    assert [date in top for date in dates] == [True] * 3
    page = sample.article_page(updated=sample.article_page().created)
    top = one(show(renderer, page, sample.article(reviewed=None)), ".kb-article-top .kb-meta").get_text()
    assert [word in top for word in ("Published January 2, 2025", "Updated", "Reviewed")] == [True, False, False]


def test_headings_of_a_page_skip_no_level(renderer: Renderer, answer: BeautifulSoup) -> None:
    """An answer's own headings are below its section's; an article's and an introduction's below the title."""
    text = SafeHtml("<h3>First</h3><p>&lt;h3&gt;</p><h4>Then</h4>")
    listing = Listing(intro=text, items=sample.CARDS, total=4)
    pages = (
        show(renderer, sample.article_page(), sample.article(html=text)),
        show(renderer, msgspec.structs.replace(sample.topic_page(), listing=listing)),
    )
    for soup in pages:
        assert [heading.name for heading in soup.select(".kb-body > *")] == ["h2", "p", "h3"]
        assert one(soup, ".kb-body p").get_text() == "<h3>"
    best = sample.post(2, text, sample.OTTO, why="accepted")
    soup = show(renderer, sample.entry_page(), sample.entry(best=best))
    assert one(soup, ".kb-answer .kb-body h3").get_text() == "First"
    for page in (*pages, soup, answer):
        levels = [int(heading.name[1]) for heading in page.select("h1, h2, h3, h4, h5, h6")]
        assert all(after - before <= 1 for before, after in pairwise(levels)), levels


def test_landmarks_without_a_name_are_no_landmarks(renderer: Renderer, answer: BeautifulSoup) -> None:
    """A section has a heading; a block without a title is a plain division."""
    listing = Listing(blocks=(Block("topics", "", links=sample.LINKS),))
    untitled = show(renderer, sample.page("/topics/", title="Topics", listing=listing))
    for soup in (answer, untitled, show(renderer, sample.home_page()), show(renderer, sample.topic_page())):
        assert [part for part in soup.select("section, article") if not part.select("h1, h2, h3")] == []


def test_a_page_of_a_writer_gets_its_trail_and_keeps_its_title(renderer: Renderer) -> None:
    """A page that is neither article nor listing, such as an imprint, has the engine's heading alone."""
    soup = show(renderer, sample.page("/articles/he/", "other", "engine", title="התקנה", lang="he"))
    assert one(soup, "h1").get_text() == "התקנה"
    assert len(soup.select(".kb-crumbs li")) == 2


def test_contributors_are_listed_and_counted(renderer: Renderer) -> None:
    """Name, number of pages and community; the count on the home page leads to the list, if there is one."""
    people = (Link("Mira", "/people/mira-forum-1/", note="Lamplight Forum", count=3),)
    listing = Listing(blocks=(Block("people", "", links=people),), total=1)
    soup = show(renderer, sample.page("/people/", title="Contributors", listing=listing))
    assert one(soup, ".kb-people li").get_text(" ", strip=True) == "M Mira 3 pages in Lamplight Forum"
    assert one(soup, ".kb-people a")["href"] == "../people/mira-forum-1/"
    for path, linked in (("/people/", 2), ("/questions/", 1)):
        numbers = (Link("questions", "/questions/", count=2), Link("contributors", path, count=1))
        block = Block("numbers", "The community", links=numbers)
        soup = show(renderer, sample.home_page(listing=Listing(blocks=(block,))))
        assert len(soup.select(".kb-numbers a")) == linked


def test_descriptions_kbgen_gives_are_in_the_pages_language(renderer: Renderer) -> None:
    """A listing in Hebrew is described in Hebrew for search engines; one in English keeps what it has."""
    listing = Listing(items=sample.CARDS, total=4)
    english = sample.page("/tags/hub/", "tag", title="Tag: Hub", description="About hubs.", listing=listing)
    assert one(show(renderer, english), 'meta[name="description"]')["content"] == "About hubs."
    soup = show(renderer, msgspec.structs.replace(english, lang="he"))
    assert one(soup, 'meta[name="description"]')["content"] == "תגית: Hub · Lamplight Help. 4 עמודים."


def test_a_topic_is_introduced_on_its_first_page(renderer: Renderer) -> None:
    """The lead is the topic's own; on further pages, and where title and count say it all, there is none."""
    page = sample.topic_page()
    assert one(show(renderer, page), ".kb-lead").get_text() == sample.TOPICS[page.topics[0]].description
    second = Listing(items=sample.CARDS, total=120, number=2, pages=9)
    assert show(renderer, msgspec.structs.replace(page, listing=second)).select(".kb-lead") == []
    assert show(renderer, sample.page("/questions/", listing=Listing())).select(".kb-lead") == []


def test_a_page_the_engine_did_not_build_is_an_error(renderer: Renderer) -> None:
    """A draft that is still in the library is named, not published empty."""
    page = sample.article_page(path="/articles/draft/", shell="engine")
    with pytest.raises(EngineError, match=r"/articles/draft/: the site engine built no such page"):
        renderer.render(page, sample.article())


def test_a_withdrawn_page_says_nothing_of_what_it_was(renderer: Renderer) -> None:
    """It is not indexed, names no thread, and leads to search, topics and home."""
    soup = BeautifulSoup(renderer.gone("/q/old-7/", "he"), "lxml")
    assert one(soup, 'meta[name="robots"]')["content"] == "noindex, follow"
    assert one(soup, "h1").get_text() == "העמוד הוסר"
    assert one(soup, "form[role=search]")["action"] == "../../search/"
    topics = [f"../../topics/{topic.slug}/" for topic in sample.TOPICS.values() if topic.parent is None]
    assert [link["href"] for link in soup.select(".kb-topic a")] == topics
    assert one(soup, "a.kb-button")["href"] == "../../"


def test_pages_stay_light(renderer: Renderer) -> None:
    """An answer of two kilobytes makes a page of at most 14 kB, before compression."""
    best = sample.post(2, "<p>" + "word " * 280 + "</p>", sample.OTTO, why="accepted")
    entry = sample.entry(best=best, others=(), also_asked=(), threads=(sample.thread(42, sample.TITLE),))
    size = len(renderer.render(sample.entry_page(), entry)) - len(sample.QUESTION)
    assert size < 14_000


def test_the_digest_moves_with_what_pages_depend_on(renderer: Renderer) -> None:
    """Other topics or sources make other pages; the same ones do not."""
    same = Renderer(sample.CONFIG, renderer.frames, sample.TOPICS, sample.SOURCES)
    other = Renderer(sample.CONFIG, renderer.frames, sample.TOPICS, {})
    assert same.digest == renderer.digest
    assert other.digest != renderer.digest


def test_every_id_on_a_page_is_unique_and_every_label_has_its_element(answer: BeautifulSoup) -> None:
    """Landmarks named by an element find it, and fragments lead to one place."""
    ids = [str(element["id"]) for element in answer.select("[id]")]
    assert len(ids) == len(set(ids))
    for element in answer.select("[aria-labelledby]"):
        assert element["aria-labelledby"] in ids
    for link in answer.select('a[href^="#"]'):
        assert str(link["href"])[1:] in ids


def test_svg_icons_are_hidden_from_readers(answer: BeautifulSoup) -> None:
    """An icon beside its words is decoration."""
    assert all(svg.get("aria-hidden") == "true" for svg in answer.select(".kb-page svg"))
    assert not re.search(r"\son\w+=", str(answer.body))
