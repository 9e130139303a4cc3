"""Articles written by staff: a folder or zip of Markdown, HTML pages, Word documents, or an exported Confluence space.

The project's own ``content/articles`` is read by the same class (``rendered_by_engine``), for search and listings. What
is NOT here: publishing the images of the folder, and what sanitising takes out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, cast

import msgspec
from msgspec import Struct
from pydantic import field_validator

from kbgen.errors import RecordError
from kbgen.model import Article, RawRecord
from kbgen.sources.article_body import Body, html_body, linked_files, read_body
from kbgen.sources.article_confluence import is_export, is_index, page_id
from kbgen.sources.article_fields import ArticleFields, read_fields, url_fields
from kbgen.sources.article_files import ArticleFile, files_signature, opened_files
from kbgen.sources.article_html import decode_html, html_links, read_html
from kbgen.sources.base import Harvested, Source, SourceOptions
from kbgen.sources.markdown import split_front_matter

# Refs stand in addresses (``href="kb:<ref>"``) and on command lines, so a path gives up its spaces and quotes.
# Folders that hold one folder a language.
_TRANSLATIONS = {"i18n", "l10n", "lang", "languages", "locales", "translations"}
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Z][a-z]{3})?(?:-[A-Z]{2})?")
_UNFIT = re.compile(r"""[\s<>"'`\\^{|}]+""")
_ID = re.compile(r"""[^\s<>"'`\\^{|}]+""")
_MARKDOWN, _PAGES, _WORD = (".md", ".markdown"), (".html", ".htm"), (".docx",)


class ArticlesOptions(SourceOptions):
    """Keys of a ``kind: articles`` source.

    Attributes:
        path: the folder of the files, or a zip of it.
        url_template: where an article lives elsewhere, with ``{id}``, ``{slug}`` and ``{path}``.
        pattern: which files, as a glob below ``path``; their extensions say what they are.
        exclude: globs of files to leave out.
        main: CSS selector of the element that holds the article in HTML pages; found out where none is given.
        rendered_by_engine: the files are the site's own and the site engine renders them.
    """

    path: str
    url_template: str | None = None
    pattern: str = "**/*"
    exclude: tuple[str, ...] = ()
    main: str | None = None
    rendered_by_engine: bool = False

    @field_validator("url_template")
    @classmethod
    def _known_fields(cls, value: str | None) -> str | None:
        if value is not None:
            url_fields(value, {"id": "1", "slug": "a", "path": "a"})
        return value


ENGINE_INDEXES = frozenset({"index.md", "readme.md"})
"""Names of documents that are the engine's pages of folders, not articles."""


class _Payload(Struct, omit_defaults=True):
    """A file as written, a Word document as HTML, and the ids of the files it links to, which are in those files."""

    path: str
    text: str
    links: dict[str, str] = {}


def text_of(record: RawRecord) -> str:
    """The text of an article's file as it was when it was read.

    Raises:
        msgspec.DecodeError: it is no article's record.
    """
    return msgspec.json.decode(record.payload, type=_Payload).text


class ArticlesSource(Source):
    """A folder of articles."""

    kind = "articles"
    version = 3
    Options = ArticlesOptions

    @property
    def _options(self) -> ArticlesOptions:
        return cast("ArticlesOptions", self.options)

    def _wanted(self) -> Callable[[str], bool]:
        options = self._options
        kinds = _MARKDOWN[:1] if options.rendered_by_engine else (*_MARKDOWN, *_PAGES, *_WORD)
        wanted, *unwanted = (_glob(pattern) for pattern in (options.pattern, *options.exclude))

        def is_wanted(name: str) -> bool:
            base = name.rpartition("/")[2].lower()
            if not base.endswith(kinds) or (options.rendered_by_engine and base in ENGINE_INDEXES):
                return False
            # Word's lock files have its documents' extension.
            return bool(wanted.fullmatch(name)) and not base.startswith("~$") and not any(map(_full(name), unwanted))

        return is_wanted

    def fingerprint(self) -> str | None:
        """Signature of the files."""
        return files_signature(self.project / self._options.path, self._wanted())

    def records(self) -> Iterator[Harvested]:
        """Yield the files in path order; a first pass learns their ids, so that links between them hold."""
        wanted = self._wanted()
        with opened_files(self.project / self._options.path) as opened:
            files = [file for file in opened if wanted(file.name)]
            ids, faults = _ids(files)
            for file in files:
                if file.name in faults:
                    yield faults[file.name]
                elif file.name in ids:
                    yield self._record(file, ids)

    def _record(self, file: ArticleFile, ids: dict[str, str]) -> Harvested:
        name, native = file.name, ids[file.name]
        try:
            text = _text(file)
            found = linked_files(text, name) if _is_markdown(name) else _page_links(text, file)
            links = {link: ids[target] for link, target in found if target in ids}
            fields = read_fields(split_front_matter(text, file.place), text, file.place) if _is_markdown(name) else None
        except RecordError as error:
            return error
        url = self._url(fields.slug if fields else "", name, native) or ""
        return self.record(native, "article", url, _Payload(name, text, links), file.place)

    def _url(self, slug: str, name: str, native: str) -> str | None:
        if self._options.url_template is None:
            return None
        path = _stem(name)
        return url_fields(
            self._options.url_template, {"id": native, "slug": slug or path.rpartition("/")[2], "path": path}
        )

    def parse(self, record: RawRecord) -> Article:
        """What a file means, with its body rendered."""
        place = record.place or record.ref
        try:
            payload = msgspec.json.decode(record.payload, type=_Payload)
        except msgspec.DecodeError as error:
            raise RecordError(place, f"is not an article's record: {error}; harvest it again") from error
        links = {link: f"{self.name}:{native}" for link, native in payload.links.items()}
        try:
            return self._understood(record, payload, links, place)
        except RecursionError as error:
            problem = "is nested too deeply, or repeats too much, to be rendered; make its lists or quotes flatter"
            raise RecordError(place, problem) from error

    def _understood(self, record: RawRecord, payload: _Payload, links: dict[str, str], place: str) -> Article:
        native = record.ref.partition(":")[2]
        if _is_markdown(payload.path):
            matter = split_front_matter(payload.text, place)
            fields = read_fields(matter, payload.text, place)
            url = self._url(fields.slug, payload.path, native)
            return self._article(record, payload.path, fields, read_body(matter.body, fields.title, links, url), url)
        # A document was made into a page here, so where its words are is known.
        main = None if payload.path.lower().endswith(_WORD) else self._options.main
        page = read_html(payload.text, place, main)
        url = self._url("", payload.path, native) or page.url
        return self._article(
            record, payload.path, page.fields, html_body(page.body, page.fields.title, links, url), url
        )

    def _article(self, record: RawRecord, path: str, fields: ArticleFields, body: Body, url: str | None) -> Article:
        engine = self._options.rendered_by_engine
        folders, _, file = _stem(path).rpartition("/")
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
            category=_category(path, folders, fields),
            answers=fields.answers,
            created=fields.created,
            updated=fields.updated,
            reviewed=fields.reviewed,
            owner=fields.owner,
            draft=fields.draft,
            lang=fields.lang or self.options.lang,
            licence=fields.licence,
            family=fields.translation_of or _family(path),
            warnings=() if engine else body.warnings,
        )


def _family(path: str) -> str:
    """The id of a file less its language: of ``ru/setup.md``, ``i18n/ru/setup.md`` and ``setup.ru.md``, ``setup``."""
    *folders, file = _stem(path).split("/")
    stem, dot, suffix = file.rpartition(".")
    if dot and _is_language(suffix):
        return _UNFIT.sub("-", "/".join((*folders, stem)))
    place = next((number for number, name in enumerate(folders) if _is_language(name)), None)
    if place is None:
        return ""
    start = place - 1 if place and folders[place - 1].lower() in _TRANSLATIONS else place
    return _UNFIT.sub("-", "/".join((*folders[:start], *folders[place + 1 :], file)))


def _is_language(name: str) -> bool:
    # Here, because a build with nothing new opens sources and never parses.
    from babel.localedata import exists  # noqa: PLC0415

    return _LANGUAGE.fullmatch(name) is not None and exists(name.replace("-", "_"))


def _category(path: str, folders: str, fields: ArticleFields) -> tuple[str, ...]:
    # What a page says of its place is better than the folder an export put all its pages into.
    if folders and (_is_markdown(path) or not fields.category):
        return tuple(folders.split("/"))
    return fields.category


def _is_markdown(name: str) -> bool:
    return name.lower().endswith(_MARKDOWN)


def _stem(name: str) -> str:
    return name[: name.rindex(".")] if "." in name.rpartition("/")[2] else name


def _full(name: str) -> Callable[[re.Pattern[str]], bool]:
    return lambda glob: glob.fullmatch(name) is not None


def _ids(files: list[ArticleFile]) -> tuple[dict[str, str], dict[str, RecordError]]:
    """The id of each file that is an article, and what is wrong with the others."""
    ids: dict[str, str] = {}
    faults: dict[str, RecordError] = {}
    taken: dict[str, str] = {}
    for file in files:
        try:
            native = _native_id(file)
        except RecordError as error:
            faults[file.name] = error
            continue
        if native is None:
            continue
        if taken.setdefault(native, file.name) == file.name:
            ids[file.name] = native
        else:
            problem = f"the id {native} is already that of {taken[native]}; give one of them another `id:`"
            faults[file.name] = RecordError(file.place, problem)
    return ids, faults


def _text(file: ArticleFile) -> str:
    data = file.read()
    if file.name.lower().endswith(_WORD):
        from kbgen.sources.article_docx import docx_html  # noqa: PLC0415 - see there

        return docx_html(data, file.place)
    if file.name.lower().endswith(_PAGES):
        return decode_html(data)
    try:
        return data.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise RecordError(file.place, f"is not UTF-8 at byte {error.start}; save it as UTF-8") from error


def _page_links(text: str, file: ArticleFile) -> Iterator[tuple[str, str]]:
    try:
        yield from html_links(text, file.name)
    except RecursionError as error:
        raise RecordError(file.place, "is nested too deeply to be read; make the page flatter") from error


def _native_id(file: ArticleFile) -> str | None:
    """A file's id; None when it is the list of pages of an export, and no article."""
    if _is_markdown(file.name):
        value: Any = split_front_matter(_text(file), file.place).data.get("id")
        if value is not None:
            if isinstance(value, bool) or not isinstance(value, int | str) or not _ID.fullmatch(str(value)):
                raise RecordError(file.place, f"`id: {value!r}` is not an id; write a number or a word without spaces")
            return str(value)
    elif file.name.lower().endswith(_PAGES):
        text = _text(file)
        if is_index(file.name, text):
            return None
        number = page_id(file.name) if is_export(text) else None
        if number is not None:
            return number
    return _UNFIT.sub("-", _stem(file.name))


def _humanised(stem: str) -> str:
    words = " ".join(re.split(r"[-_\s]+", stem)).strip()
    return words[:1].upper() + words[1:]


def _glob(pattern: str) -> re.Pattern[str]:
    """A glob as a regular expression over paths: ``**/`` is any folders, ``*`` and ``?`` stay inside a name."""
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    tokens = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    return re.compile("".join(parts.get(token, re.escape(token)) for token in tokens))
