"""robots.txt and llms.txt."""

from typing import Literal

import pytest

from kbgen.addresses import absolute
from kbgen.config import Config, SeoConfig, SiteConfig
from kbgen.model import Card, Library, Page, PageKind, PlainText, Ref, Slug, Topic
from kbgen.site.crawlers import llms_txt, robots_txt

URL = "https://help.example.com/"


def make_config(
    url: str = URL, ai: Literal["allow", "search-only", "none"] = "allow", *, noindex: bool = False
) -> Config:
    """A configuration."""
    return Config(
        site=SiteConfig(name="Help *desk*", url=url, noindex=noindex, description="Solved\nproblems."),
        seo=SeoConfig(ai=ai),
    )


def make_page(path: str, title: str, topics: tuple[str, ...] = (), kind: PageKind = "entry") -> Page:
    """A page whose ref is its title."""
    return Page(
        path=path,
        kind=kind,
        title=title,
        description=f"About {title}.",
        canonical=absolute(URL, path),
        shell="entry",
        lang="en",
        refs=(Ref(f"c:{title}"),),
        topics=tuple(Slug(topic) for topic in topics),
    )


def make_library(*pages: Page, scores: dict[str, float] | None = None) -> Library:
    """A library with cards for the scored titles."""
    cards = {
        Ref(f"c:{title}"): Card(
            Ref(f"c:{title}"), "entry", "", PlainText(title), PlainText(""), "en", (), (), score=score
        )
        for title, score in (scores or {}).items()
    }
    return Library({page.path: page for page in pages}, {}, cards)


def groups(text: str) -> dict[str, list[str]]:
    """User agent to its rules, as RFC 9309 reads the file."""
    found: dict[str, list[str]] = {}
    agents: list[str] = []
    in_rules = True
    for line in text.splitlines():
        key, _, value = line.partition(": ")
        if key == "User-agent":
            agents = [value] if in_rules else [*agents, value]
            in_rules = False
            found[value] = []
        elif key in {"Allow", "Disallow"}:
            in_rules = True
            for agent in agents:
                found[agent].append(line)
    return found


def test_everything_may_be_read_by_default() -> None:
    """The sitemap's address is absolute."""
    assert robots_txt(make_config()) == "User-agent: *\nAllow: /\n\nSitemap: https://help.example.com/sitemap.xml\n"


@pytest.mark.parametrize(
    ("ai", "refused"),
    [
        ("allow", set()),
        ("search-only", {"GPTBot", "ClaudeBot", "Google-Extended"}),
        ("none", {"GPTBot", "ClaudeBot", "Google-Extended", "OAI-SearchBot", "Claude-SearchBot", "PerplexityBot"}),
    ],
)
def test_training_and_answering_crawlers_are_separate_decisions(
    ai: Literal["allow", "search-only", "none"], refused: set[str]
) -> None:
    """``seo.ai`` turns away none, those that train, or all."""
    rules = groups(robots_txt(make_config(ai=ai)))
    assert rules.pop("*") == ["Allow: /"]
    assert rules == {agent: ["Disallow: /"] for agent in refused}


def test_a_site_below_the_root_tells_the_hosts_owner_what_to_add() -> None:
    """Crawlers read the robots.txt of the host only."""
    text = robots_txt(make_config("https://example.com/kb/", "none"))
    assert text.startswith("# Crawlers read https://example.com/robots.txt only, and this site lives below /kb/:\n")
    assert groups(text)["GPTBot"] == ["Disallow: /kb/"]
    assert groups(text)["*"] == ["Allow: /kb/"]
    assert text.endswith("Sitemap: https://example.com/kb/sitemap.xml\n")


def test_a_staging_site_blocks_nobody_and_offers_no_sitemap() -> None:
    """A crawler that may not read a page never sees its noindex."""
    assert robots_txt(make_config(noindex=True)) == "User-agent: *\nAllow: /\n"


SETUP = Topic(Slug("setup"), PlainText("Set-up"))
BILLS = Topic(Slug("bills"), PlainText("Bills"))


def test_llms_txt_has_a_section_of_links_for_each_topic() -> None:
    """Name, summary, then topics in the given order; the landing page first, then the best pages."""
    library = make_library(
        make_page("/q/a-1/", "A", ("setup", "bills")),
        make_page("/q/b-2/", "B", ("setup",)),
        make_page("/q/c-3/", "C"),
        make_page("/topics/setup/", "Set-up", kind="topic"),
        scores={"B": 2.0},
    )
    assert llms_txt(library, make_config(), {BILLS.slug: BILLS, SETUP.slug: SETUP}) == (
        "# Help \\*desk\\*\n\n> Solved problems.\n\n## Set-up\n\n"
        "- [Set-up](https://help.example.com/topics/setup/): About Set-up.\n"
        "- [B](https://help.example.com/q/b-2/): About B.\n"
        "- [A](https://help.example.com/q/a-1/): About A.\n\n## More\n\n"
        "- [C](https://help.example.com/q/c-3/): About C.\n"
    )


def test_llms_txt_is_capped() -> None:
    """Twenty links a topic, four hundred in all, however large the site is."""
    topics = [Topic(Slug(f"t{number}"), PlainText(f"T{number}")) for number in range(30)]
    pages = [make_page(f"/topics/{topic.slug}/", topic.slug, kind="topic") for topic in topics]
    pages += [make_page(f"/q/{number}/", f"P{number}", (f"t{number % 30}",)) for number in range(3000)]
    text = llms_txt(make_library(*pages), make_config(), {topic.slug: topic for topic in topics})
    assert text.count("/q/") == 400
    assert text.count("## ") == 20


def test_a_hostile_title_stays_text_in_llms_txt() -> None:
    """Markdown of a title is escaped, and a parenthesis cannot end the link."""
    page = make_page("/q/(x)-1/", "[a](https://evil.example.com)\n## b")
    assert llms_txt(make_library(page), make_config(), {}).splitlines()[-1] == (
        "- [\\[a\\](https://evil.example.com) ## b](https://help.example.com/q/%28x%29-1/)"
        ": About \\[a\\](https://evil.example.com) ## b."
    )


def test_a_long_description_is_cut_at_a_word() -> None:
    """Notes stay short."""
    page = make_page("/q/a-1/", "word " * 100)
    assert llms_txt(make_library(page), make_config(), {}).splitlines()[-1].endswith(" word word…")
