"""A ``Page`` and its body to the bytes of a file: templates, words, links, structured data, and the shell.

Everything is escaped by the templates but the three kinds of HTML that ``_trusted`` names. Which pages there are
and what they link to is decided before (``compile``); which of them are rendered again, after (``pour``).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from kbgen.addresses import absolute, encode
from kbgen.codebase import code_digest
from kbgen.config import Config
from kbgen.errors import EngineError
from kbgen.model import (
    ArticleEntry,
    Card,
    Crumb,
    Entry,
    Link,
    Page,
    Person,
    Ref,
    SafeHtml,
    Slug,
    SourceInfo,
    Topic,
    split_ref,
)
from kbgen.site import jsonld
from kbgen.site.engine import Frames, icon_svg
from kbgen.site.licences import licence_of
from kbgen.site.shells import HOLE, Poured
from kbgen.site.words import Words, direction, language_name, og_locale, words_for

_THEME = Path(__file__).parent.parent / "theme"
# An answer longer than this gets its first sentences above the question.
_LONG_ANSWER = 1100
# Further answers shown open; the rest can be unfolded.
_OPEN_ANSWERS = 3
_KB_LINK = re.compile(r'<a\b([^>]*?) href="kb:([^"]*)"([^>]*)>(.*?)</a>', re.DOTALL)
_BLANK = re.compile(r"\{[a-z]+\}")
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
        self._environment = _environment()
        self._languages = {lang: _Language(self, lang) for lang in config.site.languages}

    @property
    def digest(self) -> str:
        """Of everything a page depends on besides its ``Page`` and body; equal digests, equal bytes."""
        hasher = hashlib.blake2b(f"{code_digest('site')}\0{self.frames.digest}\0".encode(), digest_size=16)
        for folder in ("templates", "words"):
            for file in sorted((_THEME / folder).iterdir()):
                hasher.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
        hasher.update(msgspec.json.encode([self.topics, self.sources], order="deterministic"))
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
        at = _Place(page.path, self.frames.site_root)
        context = language.context(page, at)
        bodies: list[str] = []
        links = dict(page.links)

        def place(html: str) -> Markup:
            bodies.append(_link_pages(html, links, at))
            return _HOLE

        context["place"] = place
        if isinstance(body, Entry):
            top, bottom = self._entry(page, body, context), ""
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
        context = self._language(page.lang).context(page, at := _Place(path, self.frames.site_root))
        context["topics"] = [
            Link(topic.title, f"/topics/{topic.slug}/", note=topic.description, icon=topic.icon)
            for topic in self.topics.values()
            if topic.parent is None
        ]
        parts = {"kb_head": self._head(page, None, context), "top": self._use("gone.html", context), "bottom": ""}
        return self._pour(page, at, parts, context).data()

    def _pour(
        self, page: Page, at: _Place, parts: Mapping[str, str], context: Mapping[str, Any], bodies: Sequence[str] = ()
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

    def _entry(self, page: Page, entry: Entry, context: dict[str, Any]) -> str:
        context |= {
            "entry": entry,
            "is_long": len(entry.best.text) > _LONG_ANSWER and bool(entry.description),
            "opened": entry.others[:_OPEN_ANSWERS],
            "folded": entry.others[_OPEN_ANSWERS:],
            "community": entry.threads[0].community if entry.threads else "",
        }
        return self._use("entry.html", context)

    def _article(self, page: Page, article: ArticleEntry, context: dict[str, Any]) -> tuple[str, str]:
        context |= {"article": article, "html": _raised(article.html), "poured": page.shell != "engine"}
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
        nodes = self._structured(page, body, context) if not page.noindex or page.kind in ("topic", "tag") else []
        context |= {
            "json_ld": _trusted(SafeHtml(jsonld.script(nodes))),
            "own_url": absolute(self.config.site.url, page.path),
            "social_image": absolute(self.config.site.url, "/" + self.config.site.social_image),
            "locale": og_locale(page.lang),
            "is_article": body is not None,
        }
        return self._use("head.html", context)

    def _structured(self, page: Page, body: Body | None, context: dict[str, Any]) -> list[jsonld.Node]:
        site = self.config.site
        nobody = words_for(page.lang)["gone_account"]
        about = jsonld.About(site, self.sources, self.frames.logo, nobody)
        titled = msgspec.structs.replace(page, title=context["plain_title"], description=context["description"])
        nodes: list[jsonld.Node] = []
        if isinstance(body, Entry):
            nodes.append(jsonld.answer_page(titled, body, about))
        elif isinstance(body, ArticleEntry):
            nodes.append(jsonld.staff_article(titled, body, about))
        elif page.kind == "home":
            nodes += jsonld.website(titled, about)
        elif page.kind == "person":
            nodes.append(jsonld.profile(titled, site))
        elif page.listing:
            nodes.append(jsonld.collection(titled, site, _listed(page)))
        if len(context["crumbs"]) > 1:
            nodes.append(jsonld.breadcrumbs(context["crumbs"], site))
        return nodes

    def _language(self, lang: str) -> _Language:
        if lang not in self._languages:
            self._languages[lang] = _Language(self, lang)
        return self._languages[lang]

    def _use(self, template: str, context: Mapping[str, Any]) -> str:
        return self._environment.get_template(template).render(context)


_HOLE = Markup(HOLE)
_encoded = lru_cache(maxsize=50_000)(encode)


class _Place:
    """Where a page is, for links from it: relative, so that the site works under any path and in a preview.

    The 404 page is shown at any depth, so its links start at the root of the host.
    """

    def __init__(self, path: str, site_root: str) -> None:
        self.path = path
        self.depth = max(1, path.count("/") - 1)
        self._up = "../" * (path.count("/") - 1) if path.endswith("/") else site_root

    def href(self, path: str) -> str:
        """The link to another page, or to an address elsewhere as it is."""
        if not path.startswith("/"):
            return path
        return self._up + _encoded(path[1:]) or "./"


class _Language:
    """What all pages of one language share in their templates."""

    def __init__(self, renderer: Renderer, lang: str) -> None:
        self.renderer = renderer
        self.lang = lang
        self.words = words_for(lang)
        # The same days, names and phrases stand on thousands of pages.
        self.day = lru_cache(maxsize=20_000)(self._day_of)
        self._halves = lru_cache(maxsize=200)(self._halves_of)
        site = renderer.config.site
        self.shared: dict[str, Any] = {
            "w": self.words,
            "site": site,
            "sources": renderer.sources,
            "fill": self.fill,
            "day": self.day,
            "person": lru_cache(maxsize=20_000)(self._person_of),
            "licence": lru_cache(maxsize=1_000)(self._licence_of),
            "icon": _icon,
            "bdi": lru_cache(maxsize=1_000)(_isolated),
            "iso": jsonld.iso,
            "language_name": language_name,
            "direction": direction,
            "topic_title": self.topic_title,
            "why": _why(self.words),
            "badges": _BADGES,
            "ask_label": self.words.translate(site.ask_label),
            "tagline": self.words.translate(site.tagline),
        }

    def context(self, page: Page, at: _Place) -> dict[str, Any]:
        """The values a template of this page reads."""
        title = self.title(page)
        crumbs = [msgspec.structs.replace(crumb, title=self.crumb_title(crumb)) for crumb in page.crumbs]
        if crumbs and page.kind not in ("entry", "article"):
            crumbs[-1] = msgspec.structs.replace(crumbs[-1], title=title)
        return {
            **self.shared,
            "page": page,
            "at": at,
            "href": at.href,
            "title": escape(title),
            "plain_title": title,
            "description": self.description(page, title),
            "crumbs": crumbs,
        }

    def title(self, page: Page) -> str:
        """The page's title; those kbgen itself gives are in the page's language."""
        if page.kind in ("entry", "article"):
            return page.title
        if page.path.startswith("/languages/") and page.title.startswith(page.lang):
            return language_name(page.lang) + page.title.removeprefix(page.lang)
        if page.kind == "topic" and page.topics:
            known = self.topic_title(page.topics[0], page.title)
            base = self.renderer.topics.get(page.topics[0])
            return page.title.replace(base.title, known, 1) if base else page.title
        listing = page.listing
        suffix = f" (page {listing.number} of {listing.pages})" if listing else ""
        if suffix and page.title.endswith(suffix):
            first = msgspec.structs.replace(page, title=page.title.removesuffix(suffix))
            number = self.words["page_of"].format(n=listing.number, total=listing.pages) if listing else ""
            return f"{self.title(first)} ({number})"
        if page.kind == "tag" and page.title.startswith("Tag: "):
            return self.words["tag_titled"].format(name=page.title.removeprefix("Tag: "))
        return self.words.translate(page.title)

    def description(self, page: Page, title: str) -> str:
        """The page's description; listings have an English one, so those in another language get one of its words."""
        listing = page.listing
        if listing is None or page.kind in ("home", "other") or self.lang.partition("-")[0] == "en":
            return page.description
        topic = self.renderer.topics.get(page.topics[0]) if page.kind == "topic" and page.topics else None
        about = topic.description if topic else ""
        count = self.words.count("results", listing.total) if listing.total else ""
        first = f"{title} · {self.renderer.config.site.name}"
        return " ".join(part if part.endswith((".", "。")) else f"{part}." for part in (first, about, count) if part)

    def crumb_title(self, crumb: Crumb) -> str:
        """A step of the trail: a topic by its title in this language, kbgen's own pages by its words."""
        folder, _, slug = crumb.path.strip("/").partition("/")
        if folder == "topics" and slug:
            return self.topic_title(slug, crumb.title)
        return self.words.translate(crumb.title)

    def topic_title(self, slug: str, default: str = "") -> str:
        """A topic's title in this language."""
        topic = self.renderer.topics.get(Slug(slug))
        if topic is None:
            return default or slug
        return dict(topic.titles).get(self.lang, topic.title)

    def fill(self, key: str, value: str) -> Markup:
        """A phrase with its one blank filled; the value is escaped unless it is markup."""
        before, after = self._halves(key)
        return before + value + after

    def _halves_of(self, key: str) -> tuple[Markup, Markup]:
        before, _, after = _BLANK.sub("\0", self.words[key], count=1).partition("\0")
        return escape(before), escape(after)

    def _day_of(self, when: datetime | None) -> Markup:
        """A day as a ``time`` element, "" when it is not known."""
        if when is None:
            return Markup()
        return Markup('<time datetime="{}">{}</time>').format(jsonld.iso(when), self.words.date(when))

    def _person_of(self, who: Person) -> Markup:
        """An author with the link to their profile; a closed account keeps the name it wrote under."""
        name = _isolated(who.name) if who.name else escape(self.words["gone_account"])
        # Not Markup.format: with a name a page it is a tenth of the time of rendering.
        if who.name and who.url:
            shown = f'<a class="kb-person" href="{escape(who.url)}">{name}</a>'
        else:
            shown = f'<span class="kb-person">{name}</span>'
        staff = f' <span class="kb-staff">{escape(self.words["staff"])}</span>' if who.is_staff else ""
        return _trusted(shown + staff)

    def _licence_of(self, name: str | None, ref: str) -> Markup:
        """The licence a post of a source is under, with its address when it is known."""
        known = licence_of(name, self.renderer.sources.get(split_ref(ref)[0]))
        if known is None:
            return Markup()
        title, address = known
        return Markup('<a href="{}" rel="license">{}</a>').format(address, title) if address else escape(title)


_BADGES = {
    "accepted": ("accepted", "badge_accepted", "material/check-circle"),
    "tag": ("accepted", "badge_accepted", "material/check-circle"),
    "schema": ("accepted", "badge_accepted", "material/check-circle"),
    "reaction": ("accepted", "badge_accepted", "material/check-circle"),
    "staff": ("staff", "badge_staff", "material/shield-check"),
    "written": ("staff", "badge_staff", "material/shield-check"),
    "helpful": ("helpful", "badge_helpful", "material/thumb-up-outline"),
}
"""Why an answer is the best one: class, words and icon of its badge."""


def _why(words: Words) -> dict[str, str]:
    keys = {"tag": "why_reaction", "schema": "why_accepted"}
    return {kind: words[keys.get(kind, f"why_{kind}")] for kind in _BADGES}


def _isolated(text: str) -> Markup:
    """A name in a direction of its own, so that it does not turn the words around it."""
    return _trusted(f"<bdi>{escape(text)}</bdi>")


def _raised(html: str) -> SafeHtml:
    """Bodies have headings from h3 down, for below a question's; where the title alone is above, from h2."""
    return SafeHtml(_HEADING.sub(lambda match: f"<{match[1]}h{int(match[2]) - 1}", html) if "<h" in html else html)


def _listed(page: Page) -> list[Card]:
    """The cards a listing shows, each once, in the order of the page."""
    listing = page.listing
    cards = [card for block in listing.blocks for card in block.cards] + list(listing.items) if listing else []
    return list({card.path: card for card in cards}.values())


def _trusted(html: str) -> Markup:
    """The one place where HTML is let through unescaped: sanitised bodies, JSON-LD (escaped there), icons."""
    return Markup(html)  # noqa: S704


def _link_pages(html: str, links: Mapping[Ref, str], at: _Place) -> SafeHtml:
    """Point ``kb:`` links at their pages; one whose page does not exist becomes its text."""
    if 'href="kb:' not in html:
        return SafeHtml(html)

    def link(match: re.Match[str]) -> str:
        before, ref, after, text = match.groups()
        path = links.get(Ref(ref))
        if path is None:
            return text
        attributes = _REL.sub("", before + after)
        return f'<a href="{escape(at.href(path))}"{attributes}>{text}</a>'

    return SafeHtml(_KB_LINK.sub(link, html))


@lru_cache(maxsize=256)
def _icon(name: str, fallback: str = "") -> Markup:
    svg = icon_svg(name) or (icon_svg(fallback) if fallback else None)
    return _trusted(svg.replace("<svg ", '<svg aria-hidden="true" ', 1)) if svg else Markup("")


def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_THEME / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
