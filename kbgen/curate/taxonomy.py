"""``site_config/taxonomy.yml`` and ``content/topics/``: the closed vocabulary, every fault at once.

How items are placed in it is decided in ``tagging``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from kbgen.config import Position, dotted, load_yaml, read_written
from kbgen.curate.files import nearest, read_fields
from kbgen.curate.sanitise import safe_html
from kbgen.curate.tagging import depth_of
from kbgen.curate.text import plain_text, slugify
from kbgen.curate.written_links import link_documents
from kbgen.errors import ConfigError, RecordError
from kbgen.model import PlainText, Ref, SafeHtml, Slug, Tag, Taxonomy, Topic
from kbgen.sources.markdown import render

FILE = "site_config/taxonomy.yml"
FOLDER = "content/topics"
INTRO_KEYS = ("title", "description", "icon", "featured")
_TOP = ("topics", "tags", "unmapped")
_TOPIC = ("slug", "title", "description", "icon", "parent", "tags", "categories", "titles", "was")
_TAG = ("slug", "title", "description", "synonyms", "words", "parent", "sources", "was")


class Intro(Struct, frozen=True):
    """The written introduction of a topic. None and empty mean "as taxonomy.yml says"."""

    slug: Slug
    title: PlainText | None = None
    description: PlainText | None = None
    icon: str = ""
    featured: tuple[Ref, ...] = ()
    html: SafeHtml = SafeHtml("")


def load_taxonomy(project: Path) -> Taxonomy:
    """Read the vocabulary and the introductions of its topics.

    Args:
        project: the project folder. Without ``site_config/taxonomy.yml`` the vocabulary is open.

    Raises:
        ConfigError: with every fault, each naming file, line and key.
    """
    path = project / FILE
    faults: list[str] = []
    taxonomy = Taxonomy()
    if path.is_file():
        taxonomy, faults = _read(read_written(project, FILE))
    try:
        intros = load_intros(project)
    except ConfigError as error:
        raise ConfigError([*faults, *error.faults]) from error
    known = [topic.slug for topic in taxonomy.topics]
    faults += [
        f"{FOLDER}/{slug}.md: there is no topic {slug} in {FILE}; {nearest(slug, known)}"
        for slug in intros
        if slug not in known
    ]
    if faults:
        raise ConfigError(faults)
    topics = tuple(_introduced(topic, intros.get(topic.slug)) for topic in taxonomy.topics)
    return _with_digest(msgspec.structs.replace(taxonomy, topics=topics))


def parse_taxonomy(text: str) -> Taxonomy:
    """Read the text of a taxonomy file.

    Raises:
        ConfigError: with every fault, each naming file, line and key.
    """
    taxonomy, faults = _read(text)
    if faults:
        raise ConfigError(faults)
    return _with_digest(taxonomy)


def load_intros(project: Path) -> dict[Slug, Intro]:
    """Read ``content/topics/<slug>.md``; ``index.md`` is the site engine's.

    Raises:
        ConfigError: with every fault, each naming file and line.
    """
    intros: dict[Slug, Intro] = {}
    faults: list[str] = []
    for path in sorted((project / FOLDER).glob("*.md")):
        if path.name == "index.md":
            continue
        try:
            intro, broken = _intro(path, project)
        except RecordError as error:
            faults.append(str(error))
        else:
            intros[intro.slug] = intro
            faults += map(str, broken)
    if faults:
        raise ConfigError(faults)
    return intros


def _intro(path: Path, project: Path) -> tuple[Intro, list[RecordError]]:
    """An introduction, and what is wrong with its links."""
    fields = read_fields(path, project, INTRO_KEYS)
    title, description = fields.text("title"), fields.text("description")
    html, broken = link_documents(render(fields.body), fields, project)
    intro = Intro(
        slug=Slug(path.stem),
        title=plain_text(title) if title else None,
        description=plain_text(description) if description else None,
        icon=plain_text(fields.text("icon") or ""),
        featured=fields.refs("featured"),
        html=safe_html(html, trusted=True),
    )
    return intro, broken


def _introduced(topic: Topic, intro: Intro | None) -> Topic:
    if intro is None:
        return topic
    return msgspec.structs.replace(
        topic,
        title=intro.title or topic.title,
        description=intro.description or topic.description,
        icon=intro.icon or topic.icon,
        intro=intro.html,
        featured=intro.featured,
    )


def _with_digest(taxonomy: Taxonomy) -> Taxonomy:
    data = msgspec.json.encode(msgspec.structs.replace(taxonomy, digest=""), order="deterministic")
    return msgspec.structs.replace(taxonomy, digest=hashlib.blake2b(data, digest_size=16).hexdigest())


class _Reader:
    """Reads values and collects what is wrong with them."""

    def __init__(self, lines: Mapping[Position, int]) -> None:
        self.lines = lines
        self.faults: list[str] = []

    def fault(self, position: Position, problem: str) -> None:
        at = position
        while at and at not in self.lines:
            at = at[:-1]
        self.faults.append(f"{FILE}:{self.lines.get(at, 1)}: {dotted(position) or 'the file'} {problem}")

    def block(self, value: Any, position: Position, known: tuple[str, ...]) -> dict[str, Any]:
        if not isinstance(value, dict):
            self.fault(position, f"must be a block with the keys {', '.join(known)}")
            return {}
        for key in value:
            if key not in known:
                self.fault((*position, str(key)), f"is not a known key; {nearest(str(key), known)}")
        return value

    def items(self, value: Any, position: Position) -> list[Any]:
        if value is None:
            return []
        if not isinstance(value, list):
            self.fault(position, "must be a list")
            return []
        return value

    def text(self, block: dict[str, Any], position: Position, key: str) -> str:
        value = block.get(key)
        if isinstance(value, (list, dict, bool)):
            self.fault((*position, key), "must be text; quote it")
            return ""
        return "" if value is None else plain_text(str(value))

    def words(self, block: dict[str, Any], position: Position, key: str) -> list[str]:
        found: list[str] = []
        for index, item in enumerate(self.items(block.get(key), (*position, key))):
            if isinstance(item, (list, dict)) or item is None:
                self.fault((*position, key, index), "must be a word; quote it")
            else:
                found.append(plain_text(str(item)))
        return found

    def slug(self, block: dict[str, Any], position: Position) -> Slug | None:
        word = self.text(block, position, "slug")
        if not word:
            self.fault((*position, "slug"), "is missing")
            return None
        if slugify(word) != word:
            self.fault((*position, "slug"), f"{word!r} cannot stand in an address; write {slugify(word)}")
        return Slug(word)

    def by_source(self, block: dict[str, Any], position: Position, key: str) -> Iterable[tuple[str, str, Position]]:
        value = block.get(key)
        if value is None:
            return
        if not isinstance(value, dict):
            self.fault((*position, key), "must name sources: `{community: [one, two]}`")
            return
        for source in value:
            for word in self.words(value, (*position, key), source):
                yield str(source), word.lower(), (*position, key, str(source))


def _read(text: str) -> tuple[Taxonomy, list[str]]:
    data, lines = load_yaml(text, FILE)
    reader = _Reader(lines)
    top = reader.block({} if data is None else data, (), _TOP)
    unmapped = top.get("unmapped", "report")
    if unmapped not in ("report", "keep"):
        reader.fault(("unmapped",), f"must be report or keep, not {unmapped!r}")
    tag_blocks = _blocks(reader, top, "tags", _TAG)
    topic_blocks = _blocks(reader, top, "topics", _TOPIC)
    _parents(reader, "tags", tag_blocks)
    _parents(reader, "topics", topic_blocks)
    synonyms, mapped = _vocabulary(reader, tag_blocks)
    is_open = unmapped == "keep" or not tag_blocks
    taxonomy = Taxonomy(
        topics=tuple(_topic(reader, block, position, slug) for slug, (block, position) in topic_blocks.items()),
        tags=tuple(_tag(reader, block, position, slug) for slug, (block, position) in tag_blocks.items()),
        synonyms=synonyms,
        mapped=mapped,
        tag_topics=_tag_topics(reader, topic_blocks, synonyms, is_open=is_open),
        category_topics=_category_topics(reader, topic_blocks),
        said=_said(reader, tag_blocks),
        open=is_open,
    )
    return taxonomy, reader.faults


_Blocks = dict[Slug, tuple[dict[str, Any], Position]]


def _blocks(reader: _Reader, top: dict[str, Any], name: str, known: tuple[str, ...]) -> _Blocks:
    blocks: _Blocks = {}
    for index, item in enumerate(reader.items(top.get(name), (name,))):
        position: Position = (name, index)
        block = reader.block(item, position, known)
        slug = reader.slug(block, position) if block else None
        if slug in blocks:
            reader.fault((*position, "slug"), f"{slug!r} stands twice; keep one")
        elif slug is not None:
            blocks[slug] = (block, position)
    return blocks


def _parents(reader: _Reader, name: str, blocks: _Blocks) -> None:
    parents: dict[Slug, Slug | None] = {}
    for slug, (block, position) in blocks.items():
        parent = reader.text(block, position, "parent")
        if parent and parent not in blocks:
            reader.fault((*position, "parent"), f"{parent!r} is not among the {name}; {nearest(parent, blocks)}")
            parent = ""
        parents[slug] = Slug(parent) if parent else None
    for slug, (_, position) in blocks.items():
        chain, above = [slug], parents[slug]
        while above is not None and above not in chain:
            chain.append(above)
            above = parents[above]
        if above == slug:
            reader.fault((*position, "parent"), f"goes round in a circle: {' > '.join([*chain, slug])}")


def _topic(reader: _Reader, block: dict[str, Any], position: Position, slug: Slug) -> Topic:
    titles = block.get("titles") or {}
    if not isinstance(titles, dict):
        reader.fault((*position, "titles"), "must name languages: `{he: ...}`")
        titles = {}
    return Topic(
        slug=slug,
        title=PlainText(reader.text(block, position, "title") or _title(slug)),
        description=PlainText(reader.text(block, position, "description")),
        icon=reader.text(block, position, "icon"),
        parent=Slug(reader.text(block, position, "parent")) or None,
        titles=tuple((str(language), plain_text(str(title))) for language, title in titles.items()),
        was=tuple(Slug(word) for word in reader.words(block, position, "was")),
    )


def _tag(reader: _Reader, block: dict[str, Any], position: Position, slug: Slug) -> Tag:
    return Tag(
        slug=slug,
        title=PlainText(reader.text(block, position, "title") or slug),
        description=PlainText(reader.text(block, position, "description")),
        parent=Slug(reader.text(block, position, "parent")) or None,
        was=tuple(Slug(word) for word in reader.words(block, position, "was")),
    )


def _title(slug: Slug) -> str:
    return slug.replace("-", " ").capitalize()


def _vocabulary(reader: _Reader, blocks: _Blocks) -> tuple[dict[str, Slug], dict[str, dict[str, Slug]]]:
    synonyms: dict[str, Slug] = {str(slug): slug for slug in blocks}
    mapped: dict[str, dict[str, Slug]] = {}
    for slug, (block, position) in blocks.items():
        title = reader.text(block, position, "title").lower()
        words = [*reader.words(block, position, "synonyms"), *reader.words(block, position, "was")]
        for word in (*filter(None, (title,)), *words):
            taken = synonyms.setdefault(word.lower(), slug)
            if taken != slug:
                reader.fault((*position, "synonyms"), f"{word.lower()!r} belongs to {taken} already; keep one")
        for source, word, at in reader.by_source(block, position, "sources"):
            taken = mapped.setdefault(source, {}).setdefault(word, slug)
            if taken != slug:
                reader.fault(at, f"{word!r} belongs to {taken} already; keep one")
    return synonyms, mapped


def _said(reader: _Reader, blocks: _Blocks) -> dict[str, Slug]:
    said: dict[str, Slug] = {}
    for slug, (block, position) in blocks.items():
        for word in reader.words(block, position, "words"):
            taken = said.setdefault(word.lower(), slug)
            if taken != slug:
                reader.fault((*position, "words"), f"{word.lower()!r} belongs to {taken} already; keep one")
    return said


def _tag_topics(
    reader: _Reader, blocks: _Blocks, synonyms: Mapping[str, Slug], *, is_open: bool
) -> dict[Slug, tuple[Slug, ...]]:
    found: dict[Slug, list[Slug]] = {}
    for slug, (block, position) in blocks.items():
        for index, word in enumerate(reader.words(block, position, "tags")):
            known = synonyms.get(word.lower(), slugify(word) if is_open else None)
            if known is None:
                problem = f"{word!r} is not among the tags; {nearest(word, synonyms)}"
                reader.fault((*position, "tags", index), problem)
            else:
                found.setdefault(known, []).append(slug)
    parents = {slug: Slug(str(block.get("parent") or "")) or None for slug, (block, _) in blocks.items()}
    return {
        known: tuple(sorted(dict.fromkeys(topics), key=lambda topic: -depth_of(topic, parents)))
        for known, topics in found.items()
    }


def _category_topics(reader: _Reader, blocks: _Blocks) -> dict[str, dict[str, Slug]]:
    found: dict[str, dict[str, Slug]] = {}
    for slug, (block, position) in blocks.items():
        for source, word, at in reader.by_source(block, position, "categories"):
            taken = found.setdefault(source, {}).setdefault(word, slug)
            if taken != slug:
                reader.fault(at, f"{word!r} belongs to {taken} already; keep one")
    return found
