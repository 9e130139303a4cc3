"""The few pieces of HTML that are written by code and not by a template, and the one door for what is not escaped.

A template call costs a hundred times a string: what stands dozens of times on a page (a card, a link, a name) is
written here. Everything that goes in is escaped here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from html import escape

from markupsafe import Markup

from kbgen.addresses import encode
from kbgen.model import Card, Crumb, Link, Person
from kbgen.site.icons import icon
from kbgen.site.jsonld import iso
from kbgen.site.words import Words, direction

BADGES = {
    "accepted": ("accepted", "badge_accepted", "material/check-circle"),
    "tag": ("accepted", "badge_accepted", "material/check-circle"),
    "schema": ("accepted", "badge_accepted", "material/check-circle"),
    "reaction": ("accepted", "badge_accepted", "material/check-circle"),
    "staff": ("staff", "badge_staff", "material/shield-check"),
    "written": ("staff", "badge_staff", "material/shield-check"),
    "helpful": ("helpful", "badge_helpful", "material/thumb-up-outline"),
}
"""Why an answer is the best one: class, words and icon of its badge."""
_ARTICLE = ("staff", "badge_article", "material/file-document-outline")

encoded = lru_cache(maxsize=50_000)(encode)


def trusted(html: str) -> Markup:
    """Where HTML is let through unescaped: JSON-LD (escaped there), and what is written here."""
    return Markup(html)  # noqa: S704


@lru_cache(maxsize=20_000)
def isolated(text: str) -> Markup:
    """A name in a direction of its own, so that it does not turn the words around it."""
    return trusted(f"<bdi>{escape(text, quote=False)}</bdi>")


class Place:
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
        return self._up + encoded(path[1:]) or "./"


class Parts:
    """Pieces of pages in one language.

    Args:
        words: kbgen's own words in it.
    """

    def __init__(self, words: Words) -> None:
        self._words = words
        # The same days, people and badges stand on thousands of pages.
        self.day = lru_cache(maxsize=20_000)(self._day)
        self.person = lru_cache(maxsize=20_000)(self._person)
        self.credit = lru_cache(maxsize=20_000)(self._credit)
        self._answers = lru_cache(maxsize=500)(self._answers_of)
        self._facts = {why: self._fact(*badge) for why, badge in (*BADGES.items(), ("article", _ARTICLE))}

    def fill(self, key: str, value: str) -> Markup:
        """A phrase with its one blank filled; the value is escaped unless it is markup."""
        before, after = self._halves(key)
        shown = value if isinstance(value, Markup) else escape(value, quote=False)
        return trusted(before + shown + after)

    def breadcrumb(self, crumbs: Sequence[Crumb], at: Place) -> Markup:
        """The trail to a page, itself included; "" for a trail of one step."""
        steps = [
            f'<li><a href="{escape(at.href(crumb.path))}">{escape(crumb.title, quote=False)}</a></li>'
            for crumb in crumbs
        ]
        if len(steps) < 2:
            return Markup("")
        here = f'<li><span aria-current="page">{escape(crumbs[-1].title, quote=False)}</span></li>'
        label = escape(self._words["breadcrumb"])
        return trusted(f'<nav class="kb-crumbs" aria-label="{label}"><ol>\n{"".join(steps[:-1])}{here}\n</ol></nav>')

    def cards(self, cards: Iterable[Card], at: Place, lang: str) -> Markup:
        """The items of a list of cards.

        Args:
            cards: in the order of the list.
            at: the page they stand on.
            lang: its language; a card in another one says so.
        """
        return trusted("\n".join([self._card(card, at, lang) for card in cards]))

    def links(self, cards: Iterable[Card], at: Place, lang: str) -> Markup:
        """The titles of some pages, each a link; see ``cards``."""
        items = [
            f'<li><a href="{escape(at.href(card.path))}"{_foreign(card.lang, lang)}>'
            f"{escape(card.title, quote=False)}</a></li>"
            for card in cards
        ]
        return trusted('<ul class="kb-links">\n{}\n</ul>'.format("\n".join(items)))

    def chips(self, links: Iterable[Link], at: Place) -> Markup:
        """A row of links with their counts."""
        items = [
            f'<li><a href="{escape(at.href(link.path))}" dir="auto">{escape(link.title, quote=False)}'
            + (f" <span>{link.count}</span></a></li>" if link.count else "</a></li>")
            for link in links
        ]
        return trusted('<ul class="kb-chips">\n{}\n</ul>'.format("\n".join(items)))

    def initial(self, name: str, *, staff: bool = False) -> Markup:
        """The first letter of a name as a picture."""
        staffed = " kb-initial--staff" if staff else ""
        letter = escape((name or "?")[:1].upper(), quote=False)
        return trusted(f'<span class="kb-initial{staffed}" aria-hidden="true">{letter}</span>')

    def _halves(self, key: str) -> tuple[str, str]:
        before, _, after = self._words[key].partition("{")
        return escape(before, quote=False), escape(after.partition("}")[2], quote=False)

    def _credit(self, key: str, who: Person) -> Markup:
        """Who wrote a post, with their initial: ``asked_by`` or ``answered_by``."""
        letter = self.initial(who.name, staff=who.is_staff)
        return trusted(f"{letter}<span>{self.fill(key, self.person(who))}</span>")

    def _person(self, who: Person) -> Markup:
        """An author with the link to their profile; a closed account keeps the name it wrote under."""
        name = isolated(who.name) if who.name else escape(self._words["gone_account"], quote=False)
        if who.name and who.url:
            shown = f'<a class="kb-person" href="{escape(who.url)}">{name}</a>'
        else:
            shown = f'<span class="kb-person">{name}</span>'
        if who.is_staff:
            shown += f' <span class="kb-staff">{escape(self._words["staff"], quote=False)}</span>'
        return trusted(shown)

    def _day(self, when: datetime | None) -> Markup:
        """A day as a ``time`` element, "" when it is not known."""
        if when is None:
            return Markup()
        return trusted(f'<time datetime="{iso(when)}">{escape(self._words.date(when), quote=False)}</time>')

    def _fact(self, name: str, word: str, picture: str) -> str:
        words = escape(self._words[word], quote=False)
        return f'<span class="kb-fact kb-fact--{name}">{icon(picture)}{words}</span>\n'

    def _answers_of(self, count: int) -> str:
        return f'<span class="kb-fact">{escape(self._words.count("answers", count), quote=False)}</span>\n'

    def _card(self, card: Card, at: Place, lang: str) -> str:
        foreign = _foreign(card.lang, lang)
        title, summary = escape(card.title, quote=False), escape(card.summary, quote=False)
        told = f'<p class="kb-card__summary"{foreign}>{summary}</p>\n' if summary else ""
        facts = self._facts.get("article" if card.kind == "article" else card.why or "", "")
        if card.kind == "entry" and card.answers > 1:
            facts += self._answers(card.answers)
        if card.date:
            facts += f'<span class="kb-fact">{self.day(card.date)}</span>\n'
        return (
            f'<li class="kb-card"><a class="kb-card__title" href="{escape(at.href(card.path))}"{foreign}>{title}</a>\n'
            f'{told}<p class="kb-card__facts">\n{facts}</p></li>'
        )


def _foreign(lang: str, around: str) -> str:
    return "" if lang == around else f' lang="{escape(lang)}" dir="{direction(lang)}"'
