"""What all pages of one language share: titles, descriptions and phrases of kbgen's own, in the reader's words.

Text that people wrote is never translated. Where the words stand on a page is the templates' business.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import msgspec
from markupsafe import Markup, escape

from kbgen.addresses import absolute
from kbgen.config import Config
from kbgen.model import Crumb, Page, Slug, SourceInfo, Topic, split_ref
from kbgen.site import jsonld
from kbgen.site.icons import icon
from kbgen.site.licences import licence_of
from kbgen.site.markup import BADGES, Parts, Place, isolated
from kbgen.site.words import Words, direction, language_name, og_locale, words_for


class Language:
    """What all pages of one language share in their templates."""

    def __init__(
        self, lang: str, config: Config, topics: Mapping[Slug, Topic], sources: Mapping[str, SourceInfo]
    ) -> None:
        self.lang = lang
        self.words = words_for(lang)
        self._site = config.site
        self._topics = topics
        self._sources = sources
        parts = Parts(self.words)
        self.shared: dict[str, Any] = {
            "w": self.words,
            "site": self._site,
            "parts": parts,
            "fill": parts.fill,
            "day": parts.day,
            "person": parts.person,
            "credit": parts.credit,
            "licence": lru_cache(maxsize=1_000)(self._licence_of),
            "icon": icon,
            "bdi": isolated,
            "iso": jsonld.iso,
            "language_name": language_name,
            "direction": direction,
            "topic_title": self.topic_title,
            "why": _why(self.words),
            "badges": BADGES,
            "ask_label": self.words.translate(self._site.ask_label),
            "tagline": self.words.translate(self._site.tagline),
            "locale": og_locale(lang),
            "social_image": absolute(self._site.url, "/" + self._site.social_image),
        }

    def context(self, page: Page, at: Place) -> dict[str, Any]:
        """The values a template of this page reads."""
        title = self.title(page)
        crumbs = [msgspec.structs.replace(crumb, title=self.crumb_title(crumb)) for crumb in page.crumbs]
        if crumbs and page.kind not in ("entry", "article"):
            crumbs[-1] = msgspec.structs.replace(crumbs[-1], title=title)
        return {
            **self.shared,
            "page": page,
            "versions": self._versions(page),
            "at": at,
            "href": at.href,
            "title": escape(title),
            "plain_title": title,
            "description": self.description(page, title),
            "crumbs": crumbs,
        }

    def _versions(self, page: Page) -> list[tuple[str, str]]:
        """Language and path of the page in other languages."""
        root = absolute(self._site.url, "/")
        return [(lang, f"/{unquote(url.removeprefix(root))}") for lang, url in page.alternates if url != page.canonical]

    def title(self, page: Page) -> str:
        """The page's title; those kbgen itself gives are in the page's language."""
        if page.kind in ("entry", "article"):
            return page.title
        if page.path.startswith("/languages/") and page.title.startswith(page.lang):
            return language_name(page.lang) + page.title.removeprefix(page.lang)
        if page.kind == "topic" and page.topics:
            known = self.topic_title(page.topics[0], page.title)
            base = self._topics.get(page.topics[0])
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
        topic = self._topics.get(page.topics[0]) if page.kind == "topic" and page.topics else None
        about = topic.description if topic else ""
        count = self.words.count("results", listing.total) if listing.total else ""
        first = f"{title} · {self._site.name}"
        return " ".join(part if part.endswith((".", "。")) else f"{part}." for part in (first, about, count) if part)

    def crumb_title(self, crumb: Crumb) -> str:
        """A step of the trail: a topic by its title in this language, kbgen's own pages by its words."""
        folder, _, slug = crumb.path.strip("/").partition("/")
        if folder == "topics" and slug:
            return self.topic_title(slug, crumb.title)
        return self.words.translate(crumb.title)

    def topic_title(self, slug: str, default: str = "") -> str:
        """A topic's title in this language."""
        topic = self._topics.get(Slug(slug))
        if topic is None:
            return default or slug
        return dict(topic.titles).get(self.lang, topic.title)

    def _licence_of(self, name: str | None, ref: str) -> Markup:
        """The licence a post of a source is under, with its address when it is known."""
        known = licence_of(name, self._sources.get(split_ref(ref)[0]))
        if known is None:
            return Markup()
        title, address = known
        return Markup('<a href="{}" rel="license">{}</a>').format(address, title) if address else escape(title)


def _why(words: Words) -> dict[str, str]:
    keys = {"tag": "why_reaction", "schema": "why_accepted"}
    return {kind: words[keys.get(kind, f"why_{kind}")] for kind in BADGES}
