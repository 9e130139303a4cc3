"""A small invented site: the pages and bodies the rendering tests share."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from kbgen.addresses import absolute
from kbgen.config import Config, SiteConfig
from kbgen.model import (
    ArticleEntry,
    Block,
    Card,
    Crumb,
    CuratedPost,
    Entry,
    Link,
    Listing,
    Page,
    Person,
    PlainText,
    Ref,
    SafeHtml,
    Slug,
    SourceInfo,
    SourceThread,
    TagMark,
    Topic,
)

URL = "https://help.lamplight.example/support/"
SITE = SiteConfig(
    name="Lamplight Help",
    url=URL,
    languages=("en", "he"),
    description="Answers from people who live with Lamplight every day, and guides by the team that builds it.",
    publisher="Lamplight",
    publisher_url="https://lamplight.example/",
    ask_url="https://forum.lamplight.example/new",
    popular_searches=("pair a bulb", "hub offline", "dimmer hum"),
)
CONFIG = Config(site=SITE)
SOURCES = {
    "forum": SourceInfo("forum", "discourse", "Lamplight Forum", "https://forum.lamplight.example", "CC BY-SA 4.0"),
    "content": SourceInfo("content", "articles", "Lamplight"),
}
TOPICS = {
    Slug("lights"): Topic(
        Slug("lights"),
        PlainText("Lights"),
        PlainText("Bulbs, dimmers and strips."),
        "material/lightbulb-outline",
        titles=(("he", PlainText("תאורה")),),
    ),
    Slug("hub"): Topic(
        Slug("hub"), PlainText("Hub"), PlainText("Set up and care for the hub."), "material/router-wireless"
    ),
    Slug("heating"): Topic(
        Slug("heating"), PlainText("Heating"), PlainText("Valves and thermostats."), "material/thermometer"
    ),
}
LINKS = tuple(
    Link(topic.title, f"/topics/{slug}/", note=topic.description, count=3 + index, icon=topic.icon)
    for index, (slug, topic) in enumerate(TOPICS.items())
)
MIRA = Person("7", "mira_k", "https://forum.lamplight.example/u/mira_k")
OTTO = Person("9", "Otto", "https://forum.lamplight.example/u/otto", is_staff=True)
NOBODY = Person("", "", None, deleted=True)
TITLE = "Bulb pairs with the hub but never answers <again>"
PATH = "/q/bulb-pairs-but-never-answers-42/"
QUESTION = (
    "<p>I moved the hub to the hall. Since then the bulb in the kitchen pairs, blinks twice and then shows as"
    " <em>offline</em>. What I tried:</p><ul><li>a new bulb</li><li>removing and adding it again</li></ul>"
    "<pre><code>lamp status kitchen\nstate: offline, last seen 312 s, channel 25, link quality 18, retries 9 of 9</code></pre>"
)
ANSWER = (
    "<p>Channel 25 is sent at lower power by many bulbs, so a link quality of 18 is the reason. Move the hub to"
    ' channel 15 or 20, then <a href="kb:forum:77" rel="ugc nofollow">reset the bulb</a> once.</p>'
    "<ol><li>Open <strong>Settings → Radio</strong>.</li><li>Choose channel <code>20</code> and wait a minute.</li>"
    "<li>Switch the bulb off and on; it joins by itself.</li></ol>"
    "<blockquote><p>All other devices follow by themselves within an hour.</p></blockquote>"
    "<table><thead><tr><th>Channel</th><th>Power</th></tr></thead><tbody><tr><td>15</td><td>full</td></tr>"
    "<tr><td>25</td><td>reduced</td></tr></tbody></table>"
    '<p>If it still fails, <a href="kb:forum:404">read this</a>, or see'
    ' <a href="https://radio.example/channels" rel="ugc nofollow">the table of channels</a>.</p>'
)


def day(month: int, number: int, year: int = 2025) -> datetime:
    """Noon of a day, UTC."""
    return datetime(year, month, number, 12, tzinfo=UTC)


def post(number: int, html: str, author: Person, **more: object) -> CuratedPost:
    """A curated post of the forum."""
    url = f"https://forum.lamplight.example/t/bulb/42/{number}"
    defaults: dict[str, object] = {"text": PlainText("words"), "created": day(3, number), "score": number}
    return CuratedPost(id=str(number), url=url, html=SafeHtml(html), author=author, **(defaults | more))  # type: ignore[arg-type]


def thread(number: int, title: str, author: Person = MIRA) -> SourceThread:
    """A thread an entry came from."""
    url = f"https://forum.lamplight.example/t/{number}"
    return SourceThread(
        Ref(f"forum:{number}"), PlainText(title), url, "Lamplight Forum", author, day(3, 1), "CC BY-SA 4.0"
    )


def entry(**more: object) -> Entry:
    """A solved problem with two threads and five further answers."""
    values: dict[str, object] = {
        "ref": Ref("forum:42"),
        "title": PlainText(TITLE),
        "question": post(1, QUESTION, MIRA),
        "best": post(2, ANSWER, OTTO, why="accepted", text=PlainText("words " * 260), licence="CC BY-SA 4.0"),
        "others": tuple(
            post(n, f"<p>Further answer number {n}, with a hint of its own.</p>", NOBODY) for n in range(3, 8)
        ),
        "threads": (thread(42, TITLE), thread(51, "Kitchen lamp offline", OTTO)),
        "also_asked": (PlainText("Kitchen lamp offline"), PlainText("הנורה לא מגיבה")),
        "description": PlainText("Many bulbs send at lower power on channel 25; move the hub to channel 15 or 20."),
        "tags": (TagMark(Slug("bulbs"), "source:bulb"),),
        "topics": (Slug("lights"),),
        "lang": "en",
        "created": day(3, 1),
        "updated": day(4, 2),
        "links": (Ref("forum:77"), Ref("forum:404")),
        "digest": "d1",
    }
    return Entry(**(values | more))  # type: ignore[arg-type]


def card(number: int, title: str, **more: object) -> Card:
    """What a listing shows of an entry."""
    values: dict[str, object] = {
        "ref": Ref(f"forum:{number}"),
        "kind": "entry",
        "path": f"/q/{number}/",
        "title": PlainText(title),
        "summary": PlainText("The short of the answer, in one plain sentence that says what helps."),
        "lang": "en",
        "topics": (Slug("lights"),),
        "tags": (),
        "updated": day(5, 6),
        "answers": 2,
        "why": "accepted",
    }
    return Card(**(values | more))  # type: ignore[arg-type]


CARDS = (
    card(1, "Reset a bulb that no longer pairs"),
    card(2, "Dimmer hums at low brightness", why="staff"),
    card(3, "Set up the hub", kind="article", path="/articles/set-up/", why=None),
    card(4, "Move a hub to another room", why="helpful", answers=1),
)


def page(at: str, what: str = "listing", through: str = "listing", **more: object) -> Page:
    """A page with the fields every page has."""
    values: dict[str, object] = {
        "path": at,
        "kind": what,
        "shell": through,
        "title": "All questions",
        "description": "Every answered question about lamps, newest first, in one place.",
        "canonical": absolute(URL, at),
        "lang": "en",
        "crumbs": (Crumb("Home", "/"), Crumb("All questions", at)),
    }
    return Page(**(values | more))  # type: ignore[arg-type]


def entry_page(**more: object) -> Page:
    """The page of ``entry()``."""
    values: dict[str, object] = {
        "title": TITLE,
        "description": "Many bulbs send at lower power on channel 25; move the hub to channel 15 or 20.",
        "refs": (Ref("forum:42"), Ref("forum:51")),
        "topics": (Slug("lights"),),
        "tags": (Link("Bulbs", "/tags/bulbs/"), Link("Radio", "/tags/radio/")),
        "created": day(3, 1),
        "updated": day(4, 2),
        "crumbs": (
            Crumb("Home", "/"),
            Crumb("Topics", "/topics/"),
            Crumb("Lights", "/topics/lights/"),
            Crumb(TITLE, PATH),
        ),
        "body": "d1",
        "related": CARDS,
        "links": ((Ref("forum:77"), "/q/איפוס-77/"),),
    }
    return page(PATH, "entry", "entry", **(values | more))


def article(**more: object) -> ArticleEntry:
    """A staff article the engine does not render."""
    values: dict[str, object] = {
        "ref": Ref("content:set-up"),
        "title": PlainText("Set up the hub"),
        "html": SafeHtml("<p>Plug it in.</p>"),
        "text": PlainText("Plug it in."),
        "description": PlainText("How to set up the hub."),
        "tags": (),
        "topics": (Slug("hub"),),
        "lang": "en",
        "created": day(1, 2),
        "updated": day(2, 3),
        "reviewed": day(6, 1),
        "owner": PlainText("Ida"),
        "licence": None,
        "url": None,
        "path": "/articles/set-up/",
        "community": "Lamplight",
        "threads": (thread(60, "Where do I plug it in?"),),
        "also_asked": (PlainText("How do I start?"),),
        "digest": "d2",
    }
    return ArticleEntry(**(values | more))  # type: ignore[arg-type]


def article_page(**more: object) -> Page:
    """The page of ``article()``."""
    values: dict[str, object] = {
        "title": "Set up the hub",
        "description": "How to set up the hub, from the box to the first lamp that answers.",
        "refs": (Ref("content:set-up"),),
        "crumbs": (Crumb("Home", "/"), Crumb("Hub", "/topics/hub/"), Crumb("Set up the hub", "/articles/set-up/")),
        "body": "d2",
        "related": CARDS[:2],
        "created": day(1, 2),
        "updated": day(2, 3),
    }
    return page("/articles/set-up/", "article", "article", **(values | more))


def home_page(**more: object) -> Page:
    """The home page with every block it may have."""
    blocks = (
        Block("topics", "Browse by topic", links=LINKS, more=Link("All topics", "/topics/")),
        Block("popular", "Most asked", cards=CARDS),
        Block("newest", "Newly answered", cards=CARDS[:3], more=Link("All questions", "/questions/")),
        Block("articles", "Picked by our staff", cards=CARDS[2:3], more=Link("All articles", "/articles/")),
        Block("languages", "Other languages", links=(Link("he", "/languages/he/", count=4, lang="he"),)),
        Block(
            "numbers",
            "The community",
            links=(Link("questions", "/questions/", count=1240), Link("answers", "/questions/", count=3)),
        ),
    )
    about = "Answers from people who live with Lamplight every day, and guides by the team that builds it."
    values: dict[str, object] = {
        "title": SITE.name,
        "description": about,
        "crumbs": (),
        "listing": Listing(blocks=blocks),
    }
    feeds = (Link(SITE.name, "/feed.xml"),)
    return page("/", "home", "engine", **({"feeds": feeds} | values | more))


def topic_page(**more: object) -> Page:
    """A topic's first page of three."""
    listing = Listing(
        intro=SafeHtml("<p>Everything that shines.</p>"),
        blocks=(
            Block("start-here", "Start here", cards=CARDS[2:3]),
            Block("tags", "Tags", links=(Link("Bulbs", "/tags/bulbs/", count=2),)),
        ),
        items=CARDS,
        total=120,
        pages=9,
        pager=((1, "/topics/lights/"), (2, "/topics/lights/2/"), (9, "/topics/lights/9/")),
        feed="/topics/lights/feed.xml",
    )
    values: dict[str, object] = {
        "title": "Lights",
        "description": "Bulbs, dimmers and strips: 120 answers from the people who use them.",
        "topics": (Slug("lights"),),
        "crumbs": (Crumb("Home", "/"), Crumb("Topics", "/topics/"), Crumb("Lights", "/topics/lights/")),
        "listing": listing,
    }
    return page("/topics/lights/", "topic", "listing", **(values | more))


CONTENT = {
    "index.md": "---\ntitle: Home\nlean: true\nhide: [navigation, toc, title]\n---\n",
    "articles/set-up.md": "# Set up the hub\n\nPlug it in.\n\n## Wait\n\n![Hub](hub.svg)\n\n- [ ] lamp on\n",
    "articles/hub.svg": '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 30"></svg>',
    "articles/he.md": "---\nlang: he\n---\n# התקנה\n\nחברו לחשמל.\n",
    "articles/draft.md": "---\ndraft: true\n---\n# Not yet\n",
    "topics/index.md": "---\ntitle: Topics\nlean: true\nhide: [navigation, toc, title]\n---\n",
    "topics/lights.md": "# Lights\n",
    "curated/x.md": "---\nthread: forum:1\n---\n",
    **{f"_shells/{name}.md": "@@content@@\n" for name in ("entry", "article", "listing", "page")},
}


def write_project(folder: Path, mkdocs: str = "theme:\n  name: material\n") -> Path:
    """A small project with the shells of the real one."""
    shells = Path(__file__).parent.parent.parent / "content" / "_shells"
    for name, text in CONTENT.items():
        file = folder / "content" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        own = shells / Path(name).name
        file.write_text(own.read_text(encoding="utf-8") if "_shells" in name else text, encoding="utf-8")
    (folder / "mkdocs.yml").write_text(f"site_name: Lamplight\n{mkdocs}markdown_extensions: [pymdownx.tasklist]\n")
    return folder
