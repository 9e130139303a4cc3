"""The demo community that ships with the repository: complete, consistent, and about nobody real."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from lxml import etree

from kbgen.sources.markdown import split_front_matter

ROOT = Path(__file__).resolve().parent.parent
FORUM = ROOT / "site_config/sources/forum"
STACK = ROOT / "site_config/sources/stack"
ARTICLES = ROOT / "content/articles"
TOPICS = ROOT / "content/topics"
CURATED = ROOT / "content/curated"
HELP = "https://help.hearthlight.example"
STACK_FILES = {
    "Comments": "comments",
    "PostHistory": "posthistory",
    "PostLinks": "postlinks",
    "Posts": "posts",
    "Tags": "tags",
    "Users": "users",
    "Votes": "votes",
}
# Reserved names and addresses (RFC 2606, 5737, 6762), and the standards and licences that are cited.
RESERVED_HOST = re.compile(r"(?:.+\.)?example|.+\.local|.+\.lan|192\.0\.2\.\d+|creativecommons\.org")
ADDRESS = re.compile(r"https?://([^/\s\"'<>)\]:*`&]+)")
# RFC 2606 for mail; the telephone range is the one Ofcom keeps free for drama.
MAIL = re.compile(r"[\w.+-]+@((?:[\w-]+\.)+[a-z]{2,})", re.IGNORECASE)
PHONE = re.compile(r"\+\d{1,3}(?: \d{2,5}){2,}")


@cache
def front_matter(path: Path) -> dict[str, Any]:
    """Front matter of a Markdown file."""
    return dict(split_front_matter(path.read_text(encoding="utf-8"), str(path)).data)


def pages(folder: Path) -> list[Path]:
    """Markdown files of a folder but its index, in path order."""
    return sorted(path for path in folder.rglob("*.md") if path.name != "index.md")


@cache
def recordings() -> dict[Path, dict[str, Any]]:
    """Every recorded topic file."""
    files = sorted(path for path in FORUM.rglob("*.json") if path.name != "site.json")
    return {path: json.loads(path.read_text(encoding="utf-8")) for path in files}


@cache
def forum_topics() -> dict[int, dict[str, Any]]:
    """The last recording of each topic."""
    return {topic["id"]: topic for _, topic in sorted(recordings().items())}


@cache
def rows(name: str) -> list[dict[str, str]]:
    """Attributes of the rows of a dump's file."""
    root = etree.fromstring((STACK / f"{name}.xml").read_bytes())
    assert root.tag == STACK_FILES[name]
    return [{str(key): str(value) for key, value in row.attrib.items()} for row in root]


@cache
def known_refs() -> frozenset[str]:
    """Reference of every thread and article."""
    questions = [row["Id"] for row in rows("Posts") if row["PostTypeId"] == "1"]
    articles = [path.relative_to(ARTICLES).with_suffix("").as_posix() for path in pages(ARTICLES)]
    return frozenset(
        [f"community:{number}" for number in forum_topics()]
        + [f"stack:{number}" for number in questions]
        + [f"content:{name}" for name in articles]
    )


@cache
def texts() -> dict[Path, str]:
    """Every text file of the demo."""
    folders = (ARTICLES, TOPICS, CURATED, ROOT / "site_config/sources")
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    files += [ROOT / "site_config" / name for name in ("kbgen.yml", "taxonomy.yml", "redirects.yml")]
    return {path: path.read_text(encoding="utf-8-sig") for path in files}


def accepted(topic: dict[str, Any]) -> list[int]:
    """Numbers of the accepted posts."""
    return [post["post_number"] for post in topic["post_stream"]["posts"] if post.get("accepted_answer")]


def test_the_demo_is_large_enough_to_show_everything() -> None:
    """There are at least 75 threads, 20 articles and exactly six topics with an introduction."""
    questions = sum(1 for row in rows("Posts") if row["PostTypeId"] == "1")
    assert len(forum_topics()) + questions >= 75
    assert len(pages(ARTICLES)) >= 20
    taxonomy = yaml.safe_load((ROOT / "site_config/taxonomy.yml").read_text(encoding="utf-8"))
    assert sorted(topic["slug"] for topic in taxonomy["topics"]) == [path.stem for path in pages(TOPICS)]
    assert len(taxonomy["topics"]) == 6


def test_every_recorded_topic_is_whole() -> None:
    """A recording is named after its topic, lists all its posts, and its marks of accepted posts agree."""
    for path, topic in recordings().items():
        posts = topic["post_stream"]["posts"]
        assert path.stem == str(topic["id"])
        assert [post["id"] for post in posts] == topic["post_stream"]["stream"]
        assert [post["post_number"] for post in posts] == list(range(1, topic["posts_count"] + 1))
        old = [topic["accepted_answer"]["post_number"]] if "accepted_answer" in topic else []
        stated = old or [answer["post_number"] for answer in topic.get("accepted_answers", [])]
        assert accepted(topic) == stated, path.name


def test_both_shapes_of_accepted_answers_and_of_tags_occur() -> None:
    """Forums before and after 2026 word these differently; the demo has both, and once two solutions."""
    topics = forum_topics().values()
    shapes = Counter("old" if "accepted_answer" in topic else "new" for topic in topics if accepted(topic))
    tags = Counter(type(topic["tags"][0]).__name__ for topic in topics if topic["tags"])
    assert set(shapes) == {"old", "new"}
    assert set(tags) == {"str", "dict"}
    assert max(len(accepted(topic)) for topic in topics) == 2


def test_states_that_must_not_be_published_occur() -> None:
    """A private message, an unlisted topic, flagged posts, and an answer that lost its mark in a later recording."""
    topics = forum_topics().values()
    assert [topic["id"] for topic in topics if topic["archetype"] == "private_message"] == [244]
    assert [topic["id"] for topic in topics if not topic["visible"]] == [243]
    assert [topic["id"] for topic in topics if topic["post_stream"]["posts"][0]["hidden"]] == [241, 242]
    twice = [topic for topic in recordings().values() if topic["id"] == 190]
    assert [bool(accepted(topic)) for topic in twice] == [True, False]
    assert len(recordings()) == len(forum_topics()) + 1


@pytest.mark.parametrize("name", sorted(STACK_FILES))
def test_the_dump_is_in_its_native_form(name: str) -> None:
    """Each file starts with a byte order mark, parses, and its row ids rise."""
    assert (STACK / f"{name}.xml").read_bytes().startswith(b"\xef\xbb\xbf<?xml")
    numbers = [int(row["Id"]) for row in rows(name)]
    assert numbers == sorted(set(numbers))


def test_rows_of_the_dump_refer_to_each_other() -> None:
    """Answers, votes, links, comments and owners exist; one accepted answer is gone, as in real dumps."""
    posts = {row["Id"]: row for row in rows("Posts")}
    users = {row["Id"] for row in rows("Users")}
    assert {row["ParentId"] for row in posts.values() if row["PostTypeId"] == "2"} <= set(posts)
    assert {row["PostId"] for name in ("Votes", "Comments", "PostLinks") for row in rows(name)} <= set(posts)
    assert {row["OwnerUserId"] for row in posts.values() if "OwnerUserId" in row} <= users
    marks = {row["AcceptedAnswerId"] for row in posts.values() if "AcceptedAnswerId" in row}
    assert marks - set(posts) == {"999"}
    assert any("OwnerUserId" not in row and row["OwnerDisplayName"] for row in posts.values())


def test_tags_of_the_dump_are_counted() -> None:
    """Tags.xml counts exactly the tags of the questions."""
    used = Counter(tag for row in rows("Posts") for tag in row.get("Tags", "").strip("|").split("|") if tag)
    assert {row["TagName"]: int(row["Count"]) for row in rows("Tags")} == used


def test_three_questions_were_asked_on_both_sites_word_for_word() -> None:
    """Exact duplicates have the same title in both communities."""
    asked = {row["Title"]: row["Id"] for row in rows("Posts") if "Title" in row}
    assert {topic["id"]: asked[topic["title"]] for topic in forum_topics().values() if topic["title"] in asked} == {
        101: "1",
        121: "12",
        143: "21",
    }


@pytest.mark.parametrize("path", pages(ARTICLES), ids=lambda path: path.stem)
def test_an_article_says_who_reviewed_it_and_when(path: Path) -> None:
    """Title, description, owner, dates, topics and tags are there; topics and tags are in the vocabulary."""
    data = front_matter(path)
    taxonomy = yaml.safe_load((ROOT / "site_config/taxonomy.yml").read_text(encoding="utf-8"))
    assert {"title", "description", "owner", "date", "reviewed", "updated", "topics", "tags"} <= set(data)
    assert set(data["topics"]) <= {topic["slug"] for topic in taxonomy["topics"]}
    assert set(data["tags"]) <= {tag["slug"] for tag in taxonomy["tags"]}
    words = len(path.read_text(encoding="utf-8").split())
    assert 300 <= words <= 800, f"{words} words"


def test_every_reference_of_a_writer_exists() -> None:
    """``answers``, ``featured``, ``thread``, ``merge`` and ``split`` name threads and articles of the demo."""
    files = pages(ARTICLES) + pages(TOPICS) + pages(CURATED)
    dangling = []
    for path in files:
        for key in ("answers", "featured", "thread", "merge", "split"):
            value = front_matter(path).get(key, [])
            named = [value] if isinstance(value, str) else value
            dangling += [f"{path.name}: {key} {ref}" for ref in named if ref not in known_refs()]
    assert dangling == []


def test_no_thread_is_both_settled_by_an_article_and_featured() -> None:
    """A settled thread redirects to its article, so a topic page features the article instead."""
    settled = {ref for path in pages(ARTICLES) for ref in front_matter(path).get("answers", [])}
    featured = {ref for path in pages(TOPICS) for ref in front_matter(path).get("featured", [])}
    assert settled & featured == set()


def test_links_inside_the_demo_lead_somewhere() -> None:
    """Links to articles, in articles and in threads, and links to forum topics have a target."""
    dead = []
    for path, text in texts().items():
        for name in re.findall(rf"{re.escape(HELP)}/articles/([\w/-]+?)/[\")|#]", text):
            dead += [f"{path.name}: {name}"] if not (ARTICLES / f"{name}.md").is_file() else []
        for number in re.findall(r"\(https://community\.hearthlight\.example/t/[\w-]+/(\d+)\)", text):
            dead += [f"{path.name}: topic {number}"] if int(number) not in forum_topics() else []
    for path in pages(ARTICLES):
        for target in re.findall(r"\]\(([\w./-]+\.md)(?:#[\w-]+)?\)", texts()[path]):
            dead += [f"{path.name}: {target}"] if not (path.parent / target).is_file() else []
    assert dead == []


def test_redirects_lead_to_pages_of_the_demo() -> None:
    """A target is null, an article or a topic; paths are absolute."""
    redirects = yaml.safe_load((ROOT / "site_config/redirects.yml").read_text(encoding="utf-8"))
    targets = {f"/articles/{path.relative_to(ARTICLES).with_suffix('').as_posix()}/" for path in pages(ARTICLES)}
    targets |= {f"/topics/{path.stem}/" for path in pages(TOPICS)}
    assert {old for old in redirects if not old.startswith("/")} == set()
    assert {new for new in redirects.values() if new is not None} <= targets


def test_nothing_in_the_demo_is_about_anybody_real() -> None:
    """Hosts, mail domains and telephone numbers are those reserved for examples."""
    found = []
    for path, text in texts().items():
        found += [f"{path.name}: {host}" for host in ADDRESS.findall(text) if not RESERVED_HOST.fullmatch(host)]
        found += [f"{path.name}: {host}" for host in MAIL.findall(text) if not host.endswith(".example")]
        found += [f"{path.name}: {number}" for number in PHONE.findall(text) if not number.startswith("+44 20 7946 0")]
    assert found == []


def test_what_curation_must_take_out_is_there_to_be_taken_out() -> None:
    """The demo has a script, an event handler, a token, a telephone number and an address spelled out."""
    forum = "".join(post["cooked"] for topic in forum_topics().values() for post in topic["post_stream"]["posts"])
    for needle in ("<script>", "onerror=", "javascript:", "Bearer hl_local_", "+44 20 7946", "(at) fjordpost.example"):
        assert needle in forum


def test_five_languages_are_spoken() -> None:
    """Accepted answers exist in Hebrew, Chinese, Polish and Italian, two at least of each."""
    spoken = Counter(
        name
        for topic in forum_topics().values()
        for tag in topic["tags"]
        if (name := tag["name"] if isinstance(tag, dict) else tag) in {"hebrew", "chinese", "polish", "italian"}
        if accepted(topic)
    )
    assert spoken == {"hebrew": 3, "chinese": 2, "polish": 2, "italian": 2}
    assert front_matter(ARTICLES / "he/set-up-hub-2.md")["lang"] == "he"
