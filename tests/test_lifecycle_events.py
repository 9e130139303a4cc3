"""What every event in a thread's life does to its page: the rows of the table in docs/lifecycle.md, one test each.

Each test looks everywhere: at the page, its old address, feeds, search index, sitemap, manifest and the run's changes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from projects import FORUM, SITE, SmallForum, build_here, forum_post, forum_topic

from kbgen.search.query import StaticIndex

EVERYWHERE = frozenset({"page", "feeds", "search", "sitemap"})
DOCS = Path(__file__).parent.parent / "docs" / "lifecycle.md"
TAXONOMY = """
topics:
  - {slug: rooms, title: Rooms, description: Rooms and lamps., tags: [rooms], categories: {forum: ["5"]}}
  - {slug: power, title: Power, description: Batteries and sockets., categories: {forum: ["6"]}}
unmapped: keep
"""


@dataclass
class Life:
    """A project whose pages are all indexable, and what its last build changed."""

    forum: SmallForum

    def build(self) -> dict[str, str]:
        """Build; give ref to what became of its page."""
        report = build_here(self.forum.folder)
        assert (0, True) == (report.exit_code, report.published)
        assert report.changes is not None
        return {one.ref: one.what for one in report.changes.pages}

    def text(self, pattern: str) -> str:
        """The text of all files of the site a pattern matches."""
        return "\n".join(file.read_text(encoding="utf-8") for file in sorted(self.forum.site.glob(pattern)))

    def page(self, path: str) -> str:
        """The file at an address."""
        return self.text(f"{path[1:]}index.html")

    def found(self, query: str) -> list[str]:
        """Paths the search gives, the best first."""
        index = StaticIndex(self.forum.site / "search", "en")
        return [path for path, _ in index.search(query, limit=50)]

    def where(self, path: str, query: str) -> frozenset[str]:
        """Where a page stands: ``page``, ``redirect`` or ``gone``, and the places that list it."""
        url = SITE + path[1:]
        pages = {line["path"] for line in self.forum.manifest() if line["kind"] != "redirect"}
        redirects = self.forum.redirects()
        state = "page" if path in pages else "gone" if url in redirects and redirects[url] is None else "redirect"
        assert (state == "page") != (url in redirects)
        assert self.page(path), f"{path} answers nothing"
        places = {
            "feeds": f"<id>{url}</id>" in self.text("**/feed.xml"),
            "search": path in self.found(query),
            "sitemap": f"<loc>{url}</loc>" in self.text("sitemap*.xml"),
        }
        return frozenset({state} | {place for place, there in places.items() if there})

    def everything(self) -> str:
        """All the site's words; those of the search index are what it shows of each page."""
        index = StaticIndex(self.forum.site / "search", "en")
        shown = [repr(index.result(number)) for number in range(index.meta["docs"])]
        return "\n".join([self.text("**/*.html"), self.text("**/*.xml"), self.text("*.txt"), *shown])


@pytest.fixture
def life(forum: SmallForum) -> Life:
    """Four published threads in two topics."""
    forum.configure(seo={"canonical": "self"}, guard={"min_pages": 50})
    (forum.folder / "site_config" / "taxonomy.yml").write_text(TAXONOMY, encoding="utf-8")
    life = Life(forum)
    assert {f"forum:{number}": "new" for number in range(1, 5)} == life.build()
    return life


DIM, DIM_PATH = "How do I dim a lamp?", "/q/how-do-i-dim-a-lamp-2/"


def dim(answers: list[dict[str, Any]] | None = None, title: str = DIM, **changes: Any) -> dict[str, Any]:
    """The topic most tests change, with other answers."""
    topic = forum_topic(2, title, **changes)
    if answers is not None:
        posts = [topic["post_stream"]["posts"][0], *answers]
        topic["post_stream"] = {"posts": posts, "stream": [post["id"] for post in posts]}
    return topic


def says(life: Life, text: str, path: str = DIM_PATH) -> bool:
    """Whether a page has these words."""
    return text in re.sub(r"<[^>]+>", "", life.page(path))


def test_an_edited_question(life: Life) -> None:
    """The page has the new words, at its address."""
    topic = dim()
    topic["post_stream"]["posts"][0]["cooked"] = "<p>My lamp is far too bright at breakfast; what can I do?</p>"
    life.forum.write(topic)
    assert "changed" == life.build()["forum:2"]
    assert says(life, "too bright at breakfast")
    assert EVERYWHERE == life.where(DIM_PATH, "bright breakfast")


def test_an_edited_answer(life: Life) -> None:
    """The page, its feed entry and its place in search have the new words; no other page of an answer is touched."""
    life.forum.write(dim([forum_post(2, 2, "Turn the violet knob; that dims it at once.", accepted_answer=True)]))
    changed = life.build()
    assert {"forum:2": "changed"} == changed
    assert says(life, "violet knob")
    assert "violet knob" in life.text("feed.xml")
    assert [DIM_PATH] == life.found("violet knob")
    assert EVERYWHERE == life.where(DIM_PATH, DIM)


def test_an_answer_that_is_accepted_no_more(life: Life) -> None:
    """The page is withdrawn: a "gone" page stands there, and its words are nowhere."""
    life.forum.write(dim(accepted=False))
    assert {"forum:2": "gone"} == {ref: what for ref, what in life.build().items() if ref == "forum:2"}
    assert frozenset({"gone"}) == life.where(DIM_PATH, DIM)
    assert "dim a lamp" not in life.everything()


def test_another_answer_is_accepted(life: Life) -> None:
    """The best answer is the one that is accepted now."""
    second = forum_post(2, 3, "Say it aloud: the lamp listens, and dims by itself.", accepted_answer=True)
    first = forum_post(2, 2, "Open the settings, choose the room, and press apply; that settles number 2.")
    life.forum.write(dim([first, second]))
    assert "changed" == life.build()["forum:2"]
    assert "the lamp listens" in life.text("feed.xml")
    assert EVERYWHERE == life.where(DIM_PATH, "lamp listens")


def test_a_second_answer_is_accepted(life: Life) -> None:
    """Both stand on the page, the best one first."""
    first = forum_post(2, 2, "Open the settings and drag the slider; it dims at once.", accepted_answer=True)
    second = forum_post(2, 3, "Or press the switch for two seconds, which does the same.", accepted_answer=True)
    life.forum.write(dim([first, second]))
    assert "changed" == life.build()["forum:2"]
    assert says(life, "drag the slider")
    assert says(life, "press the switch for two seconds")
    assert EVERYWHERE == life.where(DIM_PATH, DIM)


def test_a_retitled_thread(life: Life) -> None:
    """New title everywhere, old address."""
    life.forum.write(dim(title="How can a chandelier shine less?"))
    assert "changed" == life.build()["forum:2"]
    assert says(life, "chandelier")
    assert {DIM_PATH} == {DIM_PATH} & set(life.found("chandelier"))
    assert EVERYWHERE == life.where(DIM_PATH, "chandelier")
    assert "dim a lamp?</title>" not in life.everything()


def test_a_thread_in_another_category(life: Life) -> None:
    """It leaves one landing page and stands on the other; its address stays."""
    assert (True, False) == (DIM_PATH in links(life, "rooms"), DIM_PATH in links(life, "power"))
    life.forum.write(dim(category_id=6, tags=[]))
    assert "changed" == life.build()["forum:2"]
    assert (False, True) == (DIM_PATH in links(life, "rooms"), DIM_PATH in links(life, "power"))
    (line,) = [line for line in life.forum.manifest() if line.get("refs") == ["forum:2"]]
    assert ["power"] == line["topics"]
    assert f"<id>{SITE}{DIM_PATH[1:]}</id>" in life.text("topics/power/feed.xml")
    assert EVERYWHERE == life.where(DIM_PATH, DIM)


def links(life: Life, topic: str) -> set[str]:
    """Paths of the answers a landing page links to."""
    return {f"/q/{slug}/" for slug in re.findall(r'href="[./]*/q/([^"/]+)/"', life.text(f"topics/{topic}/index.html"))}


def merge(life: Life) -> Path:
    """A writer makes thread 2 a part of thread 1."""
    overlay = life.forum.folder / "content" / "curated" / "one.md"
    overlay.parent.mkdir(exist_ok=True)
    overlay.write_text("---\nthread: forum:1\nmerge: [forum:2]\n---\n", encoding="utf-8")
    return overlay


ROOM_PATH = "/q/how-do-i-rename-a-room-1/"


def test_a_thread_merged_into_another(life: Life) -> None:
    """One page has both; the other address leads there; the question is still found, on the page it is on now."""
    merge(life)
    assert {"forum:1": "changed", "forum:2": "redirected"} == {
        ref: what for ref, what in life.build().items() if ref in {"forum:1", "forum:2"}
    }
    assert frozenset({"redirect"}) == life.where(DIM_PATH, DIM)
    assert {SITE + DIM_PATH[1:]: SITE + ROOM_PATH[1:]} == life.forum.redirects()
    assert f"{FORUM}/t/" in life.page(ROOM_PATH)
    assert ROOM_PATH in life.found("dim lamp")
    assert EVERYWHERE == life.where(ROOM_PATH, "rename room")


def test_a_merged_thread_split_off_again(life: Life) -> None:
    """It has its old address back, and no redirect is left on it."""
    overlay = merge(life)
    life.build()
    overlay.write_text("---\nthread: forum:1\nsplit: [forum:2]\n---\n", encoding="utf-8")
    assert "restored" == life.build()["forum:2"]
    assert {} == life.forum.redirects()
    assert EVERYWHERE == life.where(DIM_PATH, DIM)
    assert ROOM_PATH not in life.found("dim lamp")


ROW = '<row Id="{0}" PostTypeId="1" AcceptedAnswerId="{1}" CreationDate="2024-01-0{0}T00:00:00.000" Score="1" Title="{2}" Body="&lt;p&gt;{3}&lt;/p&gt;" OwnerDisplayName="Ann" Tags="|lamp|" />'
REPLY = '<row Id="{1}" PostTypeId="2" ParentId="{0}" CreationDate="2024-01-0{0}T08:00:00.000" Score="3" Body="&lt;p&gt;{2}&lt;/p&gt;" OwnerDisplayName="Ben" />'
DUPLICATE = '<row Id="1" CreationDate="2024-02-01T00:00:00.000" PostId="2" RelatedPostId="1" LinkTypeId="3" />'


def test_a_thread_closed_as_duplicate(life: Life) -> None:
    """It becomes a part of the page it repeats, with all it was asked with; its address leads there."""
    dump = life.forum.folder / "dump"
    dump.mkdir()
    rows = [
        ROW.format(1, 11, "Why is the sky of my lamp blue?", "It is blue in every room since I set it up that way."),
        REPLY.format(1, 11, "Because its colour is set to blue in the panel of the app; choose another."),
        ROW.format(2, 12, "My bulb glows in azure all night", "After a storm the bulb shows nothing but azure light."),
        REPLY.format(2, 12, "Reset the palette of the bulb, then pick the tint you like from the wheel."),
    ]
    write(dump / "Posts.xml", "posts", rows)
    write(dump / "PostLinks.xml", "postlinks", [])
    stack = {"name": "stack", "kind": "stackexchange", "url": "https://stack.example.com", "dump": "dump"}
    life.forum.configure(sources=[*life.forum.settings["sources"], {**stack, "licence": "CC BY-SA 4.0"}])
    assert {"stack:1", "stack:2"} <= set(life.build())
    paths = life.forum.paths()
    write(dump / "PostLinks.xml", "postlinks", [DUPLICATE])
    assert {"stack:1": "changed", "stack:2": "redirected"} == {
        ref: what for ref, what in life.build().items() if ref.startswith("stack:")
    }
    assert frozenset({"redirect"}) == life.where(paths["stack:2"], "azure")
    assert {SITE + paths["stack:2"][1:]: SITE + paths["stack:1"][1:]} == life.forum.redirects()
    assert [paths["stack:1"]] == life.found("azure bulb")
    assert EVERYWHERE == life.where(paths["stack:1"], "sky blue")


def write(file: Path, root: str, rows: list[str]) -> None:
    """Write a file of a dump."""
    body = "\n".join(rows)
    file.write_text(f'<?xml version="1.0" encoding="utf-8"?>\n<{root}>\n{body}\n</{root}>\n', encoding="utf-8")


@pytest.mark.parametrize("changes", [{"archetype": "private_message"}, {"visible": False}], ids=["private", "unlisted"])
def test_a_thread_made_private(changes: dict[str, Any], life: Life) -> None:
    """Withdrawn like one that was deleted; nothing of it is left."""
    life.forum.write(dim(**changes))
    assert "gone" == life.build()["forum:2"]
    assert frozenset({"gone"}) == life.where(DIM_PATH, DIM)
    assert "dim a lamp" not in life.everything()


def test_a_deleted_thread(life: Life) -> None:
    """A "gone" page; its words are on no page, in no feed, no index and not in the run's changes."""
    (life.forum.recordings / "2.json").unlink()
    report = build_here(life.forum.folder)
    assert report.changes is not None
    (gone,) = [one for one in report.changes.pages if one.what == "gone"]
    assert ("forum:2", DIM_PATH, "") == (gone.ref, gone.path, gone.title)
    assert frozenset({"gone"}) == life.where(DIM_PATH, DIM)
    assert "dim a lamp" not in life.everything()
    assert "noindex" in life.page(DIM_PATH)


def test_a_restored_thread(life: Life) -> None:
    """Deleted and back: its page, its address, and no redirect."""
    file = life.forum.recordings / "2.json"
    text = file.read_text(encoding="utf-8")
    file.unlink()
    life.build()
    file.write_text(text, encoding="utf-8")
    assert "restored" == life.build()["forum:2"]
    assert {} == life.forum.redirects()
    assert EVERYWHERE == life.where(DIM_PATH, DIM)


SUBJECTS = ("rename a room", "dim a lamp", "pair a sensor", "read the log")


def another_author(life: Life, **changes: Any) -> None:
    """Every answer is by somebody else now."""
    for number, subject in enumerate(SUBJECTS, start=1):
        topic = forum_topic(number, f"How do I {subject}?")
        topic["post_stream"]["posts"][1].update(changes)
        life.forum.write(topic)


def test_a_deleted_author(life: Life) -> None:
    """The texts stay, as their licence allows, without the old name, a profile or a page of the person."""
    life.forum.configure(pages={"people": True})
    life.build()
    (person,) = [line["path"] for line in life.forum.manifest() if "user2" in line["path"]]
    another_author(life, user_id=None, username="anon4711", name=None)
    assert {f"forum:{number}": "changed" for number in range(1, 5)} == life.build()
    assert says(life, "anon4711")
    assert ("/u/anon4711" in life.everything(), "user2" in life.page(DIM_PATH)) == (False, False)
    assert frozenset({"gone"}) == life.where(person, "user2")
    assert EVERYWHERE == life.where(DIM_PATH, DIM)


def test_a_renamed_author(life: Life) -> None:
    """The new name credits every text; the old one is nowhere."""
    another_author(life, username="rosalind", name="Rosalind")
    assert {f"forum:{number}": "changed" for number in range(1, 5)} == life.build()
    assert f"{FORUM}/u/rosalind" in life.page(DIM_PATH)
    assert "user2" not in life.everything()
    assert EVERYWHERE == life.where(DIM_PATH, DIM)


def test_an_edited_topic_introduction(life: Life) -> None:
    """Only the landing page is poured again."""
    intro = life.forum.folder / "content" / "topics" / "power.md"
    life.forum.write(dim(category_id=6, tags=[]))
    intro.write_text("---\ntitle: Power\ndescription: Batteries and sockets.\n---\nFirst words.\n", encoding="utf-8")
    life.build()
    before = life.forum.tree()
    intro.write_text("---\ntitle: Power\ndescription: Batteries and sockets.\n---\nOther words.\n", encoding="utf-8")
    assert {} == life.build()
    after = life.forum.tree()
    pages = {name for name in after if name.endswith(".html") and before[name] != after[name]}
    assert {"topics/power/index.html"} == pages
    assert "Other words." in life.text("topics/power/index.html")


def test_a_renamed_topic(life: Life) -> None:
    """The landing page moves, its old address leads there, its feed is at both, and the answers show the new trail."""
    renamed = TAXONOMY.replace("slug: rooms, title: Rooms", "slug: chambers, was: [rooms], title: Chambers")
    (life.forum.folder / "site_config" / "taxonomy.yml").write_text(renamed, encoding="utf-8")
    assert {f"forum:{number}": "changed" for number in range(1, 5)} == life.build()
    assert {f"{SITE}topics/rooms/": f"{SITE}topics/chambers/"} == life.forum.redirects()
    assert EVERYWHERE == life.where(DIM_PATH, DIM)
    assert "Chambers" in life.page(DIM_PATH)
    followed = life.text("topics/rooms/feed.xml")
    assert followed == life.text("topics/chambers/feed.xml")
    assert f'rel="self" type="application/atom+xml" href="{SITE}topics/chambers/feed.xml"' in followed


def test_every_row_of_the_table_has_its_test() -> None:
    """The documentation names a test for each row, and each test is there; no event is left out."""
    links = r"\[`(test_\w+)`\]\(([^)]+)\)"
    text = DOCS.read_text(encoding="utf-8")
    lines = [
        line for line in text.splitlines() if line.startswith("| ") and not line.startswith(("| Event", "| Fault"))
    ]
    assert [line for line in lines if not re.search(links, line)] == []
    rows = re.findall(links, text)
    texts = {link: (DOCS.parent / link).read_text(encoding="utf-8") for _, link in rows}
    assert [name for name, link in rows if f"\ndef {name}(" not in texts[link]] == []
    ours = re.findall(r"^def (test_an?_\w+)\(", Path(__file__).read_text(encoding="utf-8"), re.MULTILINE)
    assert set(ours) - {name for name, _ in rows} == set()
