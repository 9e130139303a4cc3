"""Labelled duplicates and the forums' titles, read in place from the folder that ``KBGEN_DATA`` names."""

from __future__ import annotations

import html
import io
import itertools
import json
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

import zstandard

from kbgen.similar.texts import borrowed

_TAG = re.compile(r"<[^>]+>")
# The mark of a closed duplicate stands in some of the texts and would give the answer away.
_LEAK = re.compile(r"<blockquote>(?:(?!</blockquote>).)*possible duplicate.*?</blockquote>", re.IGNORECASE | re.DOTALL)
_BODY = re.compile(r"<(p|blockquote|pre|ul|ol|h\d|strong|div|a|hr|em|code)\b")
_SENTENCE = re.compile(r"([A-Z].{25,140}?[.?!])(?:\s|$)")


class Question(NamedTuple):
    """What is asked, the tags it was given, and whether most of it are links and quotes."""

    title: str
    body: str = ""
    tags: tuple[str, ...] = ()
    borrowed: bool = False


class Pairs(NamedTuple):
    """Labelled pairs.

    Attributes:
        questions: each once.
        left: positions; ``right`` likewise.
        labels: whether the pair is a duplicate.
    """

    questions: list[Question]
    left: list[int]
    right: list[int]
    labels: list[bool]


def plain(markup: str) -> str:
    """The words of a piece of HTML."""
    return re.sub(r"\s+", " ", html.unescape(_TAG.sub(" ", _LEAK.sub(" ", markup)))).strip()


def labelled(data: Path, name: str) -> Pairs:
    """Pairs of ``askubuntu`` or ``meta``."""
    places: dict[Question, int] = {}
    pairs = Pairs([], [], [], [])
    file = data / "duplicates" / "askubuntu-meta" / f"{name}-noclue-val.tsv"
    for line in file.read_text(encoding="utf-8").split("\n"):
        if line.count("\t") != 2:
            continue
        label, *texts = line.split("\t")
        numbers = [places.setdefault(_question(text), len(places)) for text in texts]
        pairs.left.append(numbers[0])
        pairs.right.append(numbers[1])
        pairs.labels.append(label == "duplicate")
    pairs.questions.extend(places)
    return pairs


def _question(text: str) -> Question:
    found = _BODY.search(text)
    at = found.start() if found else len(text)
    return asked(plain(text[:at]), text[at:])


def asked(title: str, markup: str, tags: tuple[str, ...] = ()) -> Question:
    """A question of its markup."""
    words = plain(markup)
    return Question(title, words, tags, borrowed(markup, words))


def rephrasings(data: Path) -> list[list[str]]:
    """StackFAQ: each thread's question and what people made of it."""
    whole = json.loads((data / "duplicates" / "stackfaq" / "stackExchange-FAQ.json").read_bytes())
    groups = []
    for pair in whole["root"]["qapair"]:
        said = pair["rephr"] if isinstance(pair["rephr"], list) else [pair["rephr"]]
        groups.append([pair["question"], *(text.strip() for text in said if text and text.strip() not in {"", "*"})])
    return groups


def dumps(data: Path) -> list[str]:
    """The Stack Exchange dumps there are."""
    return sorted(found.parent.name for found in (data / "stackexchange").glob("*/PostLinks.xml"))


def dump(data: Path, name: str) -> tuple[dict[str, Question], list[tuple[str, str]]]:
    """A Stack Exchange dump: questions by id, and the duplicates its users declared."""
    folder = data / "stackexchange" / name
    rows = ET.iterparse(folder / "Posts.xml")  # noqa: S314  # our own copy of a public dump
    questions = {
        row.get("Id", ""): asked(row.get("Title", ""), row.get("Body", ""), _tags(row.get("Tags", "")))
        for _, row in rows
        if row.get("PostTypeId") == "1"
    }
    rows = ET.iterparse(folder / "PostLinks.xml")  # noqa: S314
    links = (row for _, row in rows if row.get("LinkTypeId") == "3")
    pairs = {(row.get("PostId", ""), row.get("RelatedPostId", "")) for row in links}
    return questions, sorted(pair for pair in pairs if pair[0] in questions and pair[1] in questions)


def _tags(written: str) -> tuple[str, ...]:
    """Tags as ``<one><two>``, in newer dumps as ``|one|two|``."""
    return tuple(re.findall(r"[^<>|]+", written))


def discourse(data: Path) -> Iterator[list[Question]]:
    """Topics of both forums: each post with the title."""
    for topic in _members(data / "discourse" / "urho3d-slice" / "topics.tar.zst"):
        yield [asked(topic["title"], post["cooked"]) for post in topic["post_stream"]["posts"]]
    topics: dict[int, list[tuple[int, Question]]] = {}
    for post in _members(data / "discourse" / "delvingbitcoin" / "posts-json.tar.zst"):
        if "post_number" in post:
            one = (post["post_number"], asked(post["topic_title"], post["cooked"]))
            topics.setdefault(post["topic_id"], []).append(one)
    for posts in topics.values():
        yield [question for _, question in sorted(posts)]


def _members(path: Path) -> Iterator[Any]:
    with path.open("rb") as packed:
        raw = zstandard.ZstdDecompressor().stream_reader(packed).read()
    with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.name.endswith(".json") else None
            if file is not None:
                yield json.loads(file.read())


def channels(data: Path) -> list[Question]:
    """Payload's help on two platforms, both snapshots; each thread once."""
    found: dict[str, Question] = {}
    for folder in sorted((data / "community" / "payload").glob("snapshot-*")):
        for one in json.loads((folder / "discussions.json").read_bytes()):
            ref = f"github:{one['id']}"
            found[ref] = asked(one["title"], one["body"])
        for one in json.loads((folder / "threads.json").read_bytes()):
            about, said = one.get("info", one), one.get("messages") or [{}]
            intro = one["intro"].get("content") if isinstance(one.get("intro"), dict) else one.get("intro")
            ref = f"discord:{about['id']}"
            found[ref] = asked(about.get("name") or "", str(intro or said[0].get("content") or ""))
    return list(found.values())


def titles(data: Path, count: int) -> list[str]:
    """Other titles: all there are, then sentences of posts, as many as are asked for."""
    sites = [list(dump(data, name)[0].values()) for name in dumps(data)]
    forums = list(discourse(data))
    real = [question.title for question in itertools.chain.from_iterable(sites)]
    real += [one.title for one in (*(topic[0] for topic in forums), *channels(data))]
    real += [question.title for name in ("askubuntu", "meta") for question in labelled(data, name).questions]
    bodies = [one.body for several in (*forums, *sites) for one in several]
    said = (found for text in bodies for found in _SENTENCE.findall(text)[:4])
    return list(itertools.islice(dict.fromkeys(title for title in (*real, *said) if title), count))


class Tempting(NamedTuple):
    """Two threads that look alike.

    Attributes:
        same: whether they ask the same.
        kind: what makes them look alike.
    """

    same: bool
    kind: str
    left: Question
    right: Question


def tempting(name: str) -> dict[str, list[Tempting]]:
    """Pairs of threads that tempt to be merged, most of them wrongly, by language; written for this benchmark.

    Args:
        name: ``first`` (what was found with them was mended) or ``last`` (written after that).
    """
    found: dict[str, list[Tempting]] = {}
    for line in Path(__file__).with_name("dedupe_tempting.tsv").read_text(encoding="utf-8").splitlines():
        part, lang, verdict, kind, *said = line.split("\t")
        if part == name:
            pair = asked(said[0], said[1]), asked(said[2], said[3])
            found.setdefault(lang, []).append(Tempting(verdict == "same", kind, *pair))
    return found


def languages(name: str) -> dict[str, list[tuple[str, str]]]:
    """Questions by language, each asked twice in different words; written for this benchmark.

    Args:
        name: ``free`` (forty pairs that have almost no word in common), ``usual`` (thirty as people ask), ``last``
            (twenty, written after glossary and shares), or ``chosen`` (thirty, on which shares were chosen).
    """
    found: dict[str, list[tuple[str, str]]] = {}
    for line in Path(__file__).with_name("dedupe_languages.tsv").read_text(encoding="utf-8").splitlines():
        part, lang, one, other = line.split("\t")
        if part == name:
            found.setdefault(lang, []).append((one, other))
    return found
