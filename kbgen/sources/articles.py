"""Articles: a folder of Markdown written by staff, in the front matter dialects of MkDocs, Zendesk exports and Hugo.

The project's own ``content/articles`` is read by the same class (``rendered_by_engine``), for search and listings. What
is NOT here: publishing the images of the folder, and what sanitising takes out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import msgspec
from msgspec import Struct
from pydantic import field_validator

from kbgen.errors import RecordError, SourceError
from kbgen.model import Article, RawRecord
from kbgen.sources.archives import MEMBER_CAP, folder_files
from kbgen.sources.article_body import Body, linked_files, read_body
from kbgen.sources.article_fields import ArticleFields, read_fields, url_fields
from kbgen.sources.base import Harvested, Source, SourceOptions, stat_signature
from kbgen.sources.markdown import FrontMatter, split_front_matter

# Refs stand in addresses (``href="kb:<ref>"``) and on command lines, so a path gives up its spaces and quotes.
_UNFIT = re.compile(r"""[\s<>"'`\\^{|}]+""")
_ID = re.compile(r"""[^\s<>"'`\\^{|}]+""")
_ENGINE_INDEXES = frozenset({"index.md", "readme.md"})


class ArticlesOptions(SourceOptions):
    """Keys of a ``kind: articles`` source.

    Attributes:
        path: the folder of Markdown files.
        url_template: where an article lives elsewhere, with ``{id}``, ``{slug}`` and ``{path}``.
        pattern: which files, as a glob below ``path``.
        exclude: globs of files to leave out.
        rendered_by_engine: the files are the site's own and the site engine renders them.
    """

    path: str
    url_template: str | None = None
    pattern: str = "**/*.md"
    exclude: tuple[str, ...] = ()
    rendered_by_engine: bool = False

    @field_validator("url_template")
    @classmethod
    def _known_fields(cls, value: str | None) -> str | None:
        if value is not None:
            url_fields(value, {"id": "1", "slug": "a", "path": "a"})
        return value


class _Payload(Struct, omit_defaults=True):
    """A file as written, and the ids of the files it links to, which are in those files."""

    path: str
    text: str
    links: dict[str, str] = {}


class ArticlesSource(Source):
    """A folder of articles."""

    kind = "articles"
    version = 2
    Options = ArticlesOptions

    @property
    def _options(self) -> ArticlesOptions:
        return cast("ArticlesOptions", self.options)

    def _files(self) -> Iterator[tuple[str, Path]]:
        root = self.project / self._options.path
        if not root.is_dir():
            raise SourceError(f"{root}: no such folder; check `path:`, which is relative to the project folder")
        wanted, *unwanted = (_glob(pattern) for pattern in (self._options.pattern, *self._options.exclude))
        for name, file in folder_files(root):
            index = self._options.rendered_by_engine and name.rpartition("/")[2].lower() in _ENGINE_INDEXES
            if wanted.fullmatch(name) and not index and not any(glob.fullmatch(name) for glob in unwanted):
                yield name, file

    def fingerprint(self) -> str | None:
        """Signature of the files."""
        return stat_signature(file for _, file in self._files())

    def records(self) -> Iterator[Harvested]:
        """Yield the files in path order; a first pass learns their ids, so that links between them hold."""
        files = list(self._files())
        ids: dict[str, str] = {}
        faults: dict[str, RecordError] = {}
        taken: dict[str, str] = {}
        for name, file in files:
            try:
                native = _native_id(split_front_matter(_read(file), str(file)), name, str(file))
            except RecordError as error:
                faults[name] = error
                continue
            if taken.setdefault(native, name) == name:
                ids[name] = native
            else:
                problem = f"the id {native} is already that of {taken[native]}; give one of them another `id:`"
                faults[name] = RecordError(str(file), problem)
        for name, file in files:
            yield faults[name] if name in faults else self._record(name, file, ids)

    def _record(self, name: str, file: Path, ids: dict[str, str]) -> Harvested:
        try:
            text = _read(file)
            links = {link: ids[target] for link, target in linked_files(text, name) if target in ids}
            fields = read_fields(split_front_matter(text, str(file)), text, str(file))
        except RecordError as error:
            return error
        payload = _Payload(name, text, links)
        return self.record(ids[name], "article", self._url(fields, name, ids[name]) or "", payload, str(file))

    def _url(self, fields: ArticleFields, name: str, native: str) -> str | None:
        if self._options.url_template is None:
            return None
        path = name.removesuffix(".md")
        slug = fields.slug or path.rpartition("/")[2]
        return url_fields(self._options.url_template, {"id": native, "slug": slug, "path": path})

    def parse(self, record: RawRecord) -> Article:
        """What a file means, with its body rendered."""
        place = record.place or record.ref
        try:
            payload = msgspec.json.decode(record.payload, type=_Payload)
        except msgspec.DecodeError as error:
            raise RecordError(place, f"is not an article's record: {error}; harvest it again") from error
        matter = split_front_matter(payload.text, place)
        fields = read_fields(matter, payload.text, place)
        url = self._url(fields, payload.path, record.ref.partition(":")[2])
        links = {link: f"{self.name}:{native}" for link, native in payload.links.items()}
        try:
            body = read_body(matter.body, fields.title, links, url)
        except RecursionError as error:
            raise RecordError(place, "is nested too deeply to be rendered; make its lists or quotes flatter") from error
        return self._article(record, payload.path, fields, body, url)

    def _article(self, record: RawRecord, path: str, fields: ArticleFields, body: Body, url: str | None) -> Article:
        engine = self._options.rendered_by_engine
        folders, _, file = path.removesuffix(".md").rpartition("/")
        return Article(
            ref=record.ref,
            title=fields.title or body.heading or _humanised(file),
            html="" if engine else body.html,
            text=body.text,
            path=f"/articles/{path.removesuffix('.md')}/" if engine else None,
            url=None if engine else url,
            description=fields.description,
            topics=fields.topics,
            tags=fields.tags,
            category=tuple(folders.split("/")) if folders else fields.category,
            answers=fields.answers,
            created=fields.created,
            updated=fields.updated,
            reviewed=fields.reviewed,
            owner=fields.owner,
            draft=fields.draft,
            lang=fields.lang or self.options.lang,
            licence=fields.licence,
            warnings=() if engine else body.warnings,
        )


def _read(file: Path) -> str:
    try:
        if file.stat().st_size > MEMBER_CAP:
            raise RecordError(str(file), f"is over {MEMBER_CAP:,} bytes; no article is so large, exclude it")
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise RecordError(str(file), f"is not UTF-8 at byte {error.start}; save it as UTF-8") from error
    except OSError as error:
        raise RecordError(str(file), f"cannot be read: {error.strerror or error}") from error


def _native_id(matter: FrontMatter, name: str, file: str) -> str:
    value: Any = matter.data.get("id")
    if value is None:
        return _UNFIT.sub("-", name.removesuffix(".md"))
    if isinstance(value, bool) or not isinstance(value, int | str) or not _ID.fullmatch(str(value)):
        raise RecordError(file, f"`id: {value!r}` is not an id; write a number or a word without spaces")
    return str(value)


def _humanised(stem: str) -> str:
    words = " ".join(re.split(r"[-_\s]+", stem)).strip()
    return words[:1].upper() + words[1:]


def _glob(pattern: str) -> re.Pattern[str]:
    """A glob as a regular expression over paths: ``**/`` is any folders, ``*`` and ``?`` stay inside a name."""
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    tokens = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    return re.compile("".join(parts.get(token, re.escape(token)) for token in tokens))
