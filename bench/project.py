"""A kbgen project for the benchmark: what `kbgen init` writes, with recorded Discourse topics and a taxonomy."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import yaml

from bench.corpus import CATEGORIES, Topic
from kbgen.initialise import initialise

ROOT = Path(__file__).parent.parent
ARCHIVE = "topics.tar"
ENTRIES = "q"
# The skeleton's examples; they belong to its own taxonomy.
_EXAMPLES = ("content/articles/welcome.md", "content/topics/getting-started.md")


def topic_title(category: int) -> str:
    """What a category is called."""
    return f"Area {category:02}"


def topic_slug(category: int) -> str:
    """What a category is called in an address."""
    return f"area-{category:02}"


def write_project(folder: Path, topics: Iterable[Topic], tags: Iterable[str]) -> None:
    """Write a whole project.

    Args:
        folder: new or empty.
        topics: its threads; read once, so a generator will do.
        tags: the vocabulary.
    """
    initialise(folder)
    for name in _EXAMPLES:
        (folder / name).unlink()
    config = folder / "site_config"
    (config / "kbgen.yml").write_text(yaml.safe_dump(_settings(), sort_keys=False), encoding="utf-8")
    (config / "taxonomy.yml").write_text(yaml.safe_dump(_taxonomy(tags), sort_keys=False), encoding="utf-8")
    write_archive(folder, topics)


def _settings() -> dict[str, object]:
    source = {
        "name": "community",
        "kind": "discourse",
        "title": "Benchmark community",
        "url": "https://forum.example.com",
        "archive": ARCHIVE,
        "licence": "CC BY-SA 4.0",
        "licence_url": "https://creativecommons.org/licenses/by-sa/4.0/",
    }
    return {
        "site": {"name": "Benchmark help", "url": "https://help.example.com/", "languages": ["en"]},
        "sources": [source],
        # The same with and without the optional models.
        "duplicates": {"semantic": "off"},
    }


def _taxonomy(tags: Iterable[str]) -> dict[str, object]:
    topics = [
        {"slug": topic_slug(number), "title": topic_title(number), "categories": {"community": [str(number)]}}
        for number in range(1, CATEGORIES + 1)
    ]
    words = [{"slug": tag, "title": tag.replace("-", " "), "sources": {"community": [tag]}} for tag in tags]
    return {"topics": topics, "tags": words}


def write_archive(folder: Path, topics: Iterable[Topic], edited: frozenset[int] = frozenset()) -> None:
    """Write the recorded topics anew.

    Args:
        folder: the project.
        topics: all of them.
        edited: numbers of those whose accepted answer was edited since.
    """
    encoder = msgspec.json.Encoder()
    with tarfile.open(folder / ARCHIVE, "w") as archive:
        for topic in topics:
            data = encoder.encode(recorded(topic, edited=topic.number in edited))
            member = tarfile.TarInfo(f"t/{topic.number}.json")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def recorded(topic: Topic, *, edited: bool = False) -> dict[str, object]:
    """A topic as Discourse answers ``GET /t/<id>.json``; the fields are those of docs.discourse.org."""
    posts = [_post(topic, number, edited=edited) for number in range(len(topic.posts))]
    return {
        "id": topic.number,
        "title": topic.title,
        "slug": topic.slug,
        "created_at": _time(topic.written(0)),
        "last_posted_at": _time(topic.written(len(posts))),
        "category_id": topic.category,
        "tags": list(topic.tags),
        "views": topic.number * 7919 % 5000,
        "visible": True,
        "closed": False,
        "archived": False,
        "archetype": "regular",
        "posts_count": len(posts),
        "accepted_answer": {"post_number": topic.accepted + 1},
        "post_stream": {"posts": posts, "stream": [post["id"] for post in posts]},
    }


def _post(topic: Topic, number: int, *, edited: bool) -> dict[str, object]:
    accepted = number == topic.accepted
    author = topic.author(number)
    changed = edited and accepted
    more = "<p>Edited since: the same steps work for the newest release as well.</p>" if changed else ""
    written = topic.written(number)
    return {
        "id": topic.number * 100 + number + 1,
        "post_number": number + 1,
        "post_type": 1,
        "username": f"member{author}",
        "name": f"Member {author}",
        "user_id": author,
        "created_at": _time(written),
        "updated_at": _time(written + timedelta(days=400) if changed else written),
        "version": 2 if changed else 1,
        "cooked": topic.posts[number] + more,
        "actions_summary": [{"id": 2, "count": 3 if accepted else 1}],
        "accepted_answer": accepted,
    }


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
