"""A ``Page`` and its body to the bytes of a file: templates, words, links, structured data, and the shell.

Everything is escaped by the templates but the kinds of HTML that ``markup.trusted`` names. Which pages there are
and what they link to is decided before (``compile``); which of them are rendered again, after (``pour``).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.runtime import Context
from markupsafe import Markup, escape

from kbgen.addresses import absolute
from kbgen.codebase import code_digest
from kbgen.config import Config
from kbgen.errors import EngineError
from kbgen.model import (
    ArticleEntry,
    Entry,
    Link,
    Page,
    Ref,
    SafeHtml,
    Slug,
    SourceInfo,
    Topic,
)
from kbgen.site import jsonld
from kbgen.site.bidi import with_directions
from kbgen.site.engine import Frames
from kbgen.site.icons import icon
from kbgen.site.language import Language
from kbgen.site.markup import Place, trusted
from kbgen.site.pictures import with_images
from kbgen.site.sections import sections
from kbgen.site.shells import HOLE, Poured
from kbgen.site.words import Words, direction, words_for

_THEME = Path(__file__).parent.parent / "theme"
# An answer longer than this gets its first sentences above the question.
_LONG_ANSWER = 1100
# Further answers shown open; the rest can be unfolded.
_OPEN_ANSWERS = 3
_KB_LINK = re.compile(r'<a\b([^>]*?) href="kb:([^"]*)"([^>]*)>(.*?)</a>', re.DOTALL)
_REL = re.compile(r' rel="[^"]*"')
_HEADING = re.compile(r"<(/?)h([3-6])\b")

Body = Entry | ArticleEntry


class Renderer:
    """Renders pages of one site. Make one a process: templates are compiled when they are first used.

    Args:
        config: the validated configuration.
        frames: what the engine built.
        topics: by slug, for titles in other languages.
        sources: by name, for titles and licences.
    """

    def __init__(
        self, config: Config, frames: Frames, topics: Mapping[Slug, Topic], sources: Mapping[str, SourceInfo]
    ) -> None:
        self.config = config
        self.frames = frames
        self.topics = topics
        self.sources = sources
        self._environments = _Environments()
        self._languages: dict[str, Language] = {}

    @property
    def digest(self) -> str:
        """Of everything all pages depend on besides the topics they name, which ``pour.page_keys`` looks at."""
        hasher = hashlib.blake2b(f"{code_digest('site')}\0{self.frames.digest}\0".encode(), digest_size=16)
        for folder in ("templates", "words"):
            for file in sorted((_THEME / folder).iterdir()):
                hasher.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
        hasher.update(msgspec.json.encode(self.sources, order="deterministic"))
        return hasher.hexdigest()

    def render(self, page: Page, body: Body | None) -> bytes:
        """The finished page; see ``fill``."""
        return self.fill(page, body).data()

    def fill(self, page: Page, body: Body | None) -> Poured:
        """The page's shell and what goes into its slots.

        Args:
            page: what is on it.
            body: the entry or article behind it; None for listings.

        Raises:
            EngineError: there is no shell for it, or the shell lacks a slot.
        """
        language = self._language(page.lang)
        at = Place(page.path, self.frames.site_root)
        context = language.context(page, at)
        bodies: list[str] = []
        links = dict(page.links)
        images = {picture.address: picture for picture in page.images}

        def place(html: str) -> Markup:
            linked = with_images(_link_pages(html, links, at), images, at)
            bodies.append(with_directions(linked, direction(page.lang)))
            return _HOLE

        context["place"] = place
        if isinstance(body, Entry):
            top, bottom = self._entry(body, context), ""
        elif isinstance(body, ArticleEntry):
            top, bottom = self._article(page, body, context)
        else:
            top, bottom = self._listing(page, context), ""
        head = self._head(page, body, context)
        return self._pour(page, at, {"kb_head": head, "top": top, "bottom": bottom}, context, bodies)

    def gone(self, path: str, lang: str = "") -> bytes:
        """The page that stands where one was withdrawn: no trace of what it said, ``noindex``.

        Args:
            path: the old path.
            lang: the language it was in.
        """
        words = words_for(lang or self.frames.main)
        url = absolute(self.config.site.url, path)
        page = Page(path, "other", words["gone_title"], words["gone_text"], url, "page", lang or self.frames.main)
        page = msgspec.structs.replace(page, noindex=True, in_sitemap=False)
        context = self._language(page.lang).context(page, at := Place(path, self.frames.site_root))
        context["topics"] = [
            Link(topic.title, f"/topics/{topic.slug}/", note=topic.description, icon=topic.icon)
            for topic in self.topics.values()
            if topic.parent is None
        ]
        parts = {"kb_head": self._head(page, None, context), "top": self._use("gone.html", context), "bottom": ""}
        return self._pour(page, at, parts, context).data()

    def _pour(
        self, page: Page, at: Place, parts: Mapping[str, str], context: Mapping[str, Any], bodies: Sequence[str] = ()
    ) -> Poured:
        values = {
            "kb_lang": str(escape(page.lang)),
            "kb_dir": direction(page.lang),
            "kb_head": parts["kb_head"],
            "kb_before": "",
            "kb_after": "",
            "content": parts["top"] + parts["bottom"],
            "title": context["title"],
            "description": escape(context["description"]),
        }
        if page.shell != "engine":
            return Poured(self.frames.shell(page.shell, page.lang, at.depth), values, tuple(bodies))
        shell = self.frames.pages().get(page.path)
        if shell is None:
            raise EngineError(f"{page.path}: the site engine built no such page; is its file in content/ a draft?")
        return Poured(shell, {**values, "kb_before": parts["top"], "kb_after": parts["bottom"]}, tuple(bodies))

    def _entry(self, entry: Entry, context: dict[str, Any]) -> str:
        context |= {
            "entry": entry,
            "is_long": len(entry.best.text) > _LONG_ANSWER and bool(entry.description),
            "opened": entry.others[:_OPEN_ANSWERS],
            "folded": entry.others[_OPEN_ANSWERS:],
            "community": entry.threads[0].community if entry.threads else "",
        }
        return self._use("entry.html", context)

    def _article(self, page: Page, article: ArticleEntry, context: dict[str, Any]) -> tuple[str, str]:
        html = _raised(article.html)
        poured = page.shell != "engine"
        context |= {"article": article, "html": html, "poured": poured, "sections": sections(html) if poured else ()}
        return self._use("article_top.html", context), self._use("article_bottom.html", context)

    def _listing(self, page: Page, context: dict[str, Any]) -> str:
        context |= {"listing": page.listing, "about": self._about(page)}
        if page.listing:
            context["intro"] = _raised(page.listing.intro)
        names = {"/": "home.html", "/search/": "search.html", "/404.html": "404.html"}
        return self._use(names.get(page.path, "listing.html" if page.listing else "written.html"), context)

    def _about(self, page: Page) -> str:
        """The lead below a listing's title: a topic's own description; elsewhere title and count say it all."""
        topic = self.topics.get(page.topics[0]) if page.kind == "topic" and page.topics else None
        return topic.description if topic and page.listing and page.listing.number == 1 else ""

    def _head(self, page: Page, body: Body | None, context: dict[str, Any]) -> str:
        nodes: list[jsonld.Node] = []
        if not page.noindex or page.kind in ("topic", "tag"):
            titled = msgspec.structs.replace(page, title=context["plain_title"], description=context["description"])
            nodes = jsonld.page_nodes(titled, body, context["crumbs"], self._about_site(page.lang))
        context |= {
            "json_ld": trusted(SafeHtml(jsonld.script(nodes))),
            "own_url": absolute(self.config.site.url, page.path),
            "is_article": body is not None,
        }
        return self._use("head.html", context)

    def _about_site(self, lang: str) -> jsonld.About:
        nobody = words_for(lang)["gone_account"]
        return jsonld.About(self.config.site, self.sources, self.frames.logo, nobody)

    def _language(self, lang: str) -> Language:
        if lang not in self._languages:
            self._languages[lang] = Language(lang, self.config, self.topics, self.sources)
        return self._languages[lang]

    def _use(self, template: str, context: Mapping[str, Any]) -> str:
        return self._environments[context["w"].lang].get_template(template).render(context)


_HOLE = trusted(HOLE)
_WORD = re.compile(r"\{\{ w\.(\w+) \}\}")
_ICON = re.compile(r'\{\{ icon\("([^"]+)"\) \}\}')


def _raised(html: str) -> SafeHtml:
    """Bodies have headings from h3 down, for below a question's; where the title alone is above, from h2."""
    return SafeHtml(_HEADING.sub(lambda match: f"<{match[1]}h{int(match[2]) - 1}", html) if "<h" in html else html)


def _link_pages(html: str, links: Mapping[Ref, str], at: Place) -> SafeHtml:
    """Point ``kb:`` links at their pages; one whose page does not exist becomes its text."""
    if 'href="kb:' not in html:
        return SafeHtml(html)

    def link(match: re.Match[str]) -> str:
        before, ref, after, text = match.groups()
        path = links.get(Ref(ref))
        if path is None:
            return text
        attributes = _REL.sub("", before + after)
        page, mark, place = path.partition("#")
        return f'<a href="{escape(at.href(page) + mark + place)}"{attributes}>{text}</a>'

    return SafeHtml(_KB_LINK.sub(link, html))


class _Environments(dict[str, Environment]):
    """One a language, made when it is first needed."""

    def __missing__(self, lang: str) -> Environment:
        self[lang] = _environment(words_for(lang))
        return self[lang]


class _Spelled(FileSystemLoader):
    """Templates with kbgen's own words and icons written out: they are the same on every page of a language."""

    def __init__(self, words: Words) -> None:
        super().__init__(_THEME / "templates")
        self._words = words

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        source, file, fresh = super().get_source(environment, template)
        source = _WORD.sub(lambda match: str(escape(self._words[match[1]])), source)
        return _ICON.sub(lambda match: str(icon(match[1])), source), file, fresh


class _Context(Context):
    """Calls functions as they are: none of kbgen's wants what Jinja's decorators hand on, and to ask is dear."""

    def call(self, called: Callable[..., Any], /, *arguments: Any, **named: Any) -> Any:
        # Inside a loop Jinja adds what only its own decorators are for.
        return called(*arguments, **{name: value for name, value in named.items() if name[:1] != "_"})


def _environment(words: Words) -> Environment:
    environment = Environment(
        loader=_Spelled(words),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.context_class = _Context
    return environment
