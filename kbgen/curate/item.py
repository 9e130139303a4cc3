"""One harvested record to one curated item; never raises for a bad record.

Order: parse, rank, judge; sanitise, redact, formulas; then words, language, tags. Sanitising comes first as private
text can hide in what it removes or turns into text; what redaction changed is sanitised again. Joining items to
entries is the business of ``merge``; reading and writing them is the stage's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from kbgen.config import PrivacyConfig, RulesConfig
from kbgen.curate.answers import Ranked, is_live, rank_answers
from kbgen.curate.erasure import FILE as ERASURE
from kbgen.curate.erasure import Erasure, erase
from kbgen.curate.formulas import Formulas
from kbgen.curate.language import detect
from kbgen.curate.links import clean_href, host_of
from kbgen.curate.privacy import REPLACEMENTS, holds_private, redact_html, redact_text
from kbgen.curate.sanitise import safe_html
from kbgen.curate.staleness import signs
from kbgen.curate.tagging import place
from kbgen.curate.text import Words, clean_title, describe, html_text, letters, plain_text
from kbgen.curate.verdict import judge, judge_article
from kbgen.errors import RecordError
from kbgen.model import (
    Article,
    Curated,
    CuratedPost,
    Person,
    PlainText,
    Post,
    RawRecord,
    SafeHtml,
    Taxonomy,
    Thread,
    Verdict,
    Why,
)
from kbgen.sources.base import Source, SourceOptions

CURATE_VERSION = 16
"""Raise it when the same record would be curated differently: everything is then curated again."""

# Whom nothing else is known of that may be published.
_MEMBER = PlainText("Member")
# Shorter questions ("It does not work") are the same words for different problems.
_TELLING = 40


class Context(Struct, frozen=True):
    """What curation of one source's records depends on beside the record.

    Attributes:
        options: the source's, for its host, language and licence.
        languages: the site's languages, the default first.
        own_hosts: hosts of the site itself; links to them and to the source carry no ``rel``.
        erasure: people and threads that are not to be kept.
    """

    rules: RulesConfig
    privacy: PrivacyConfig
    taxonomy: Taxonomy
    options: SourceOptions
    languages: tuple[str, ...] = ("en",)
    own_hosts: frozenset[str] = frozenset()
    erasure: Erasure = Erasure()

    def hosts(self) -> frozenset[str]:
        """Give the hosts whose links carry no ``rel``."""
        return self.own_hosts | {host_of(self.options.url or "")} - {""}


def curate_record(record: RawRecord, source: Source, context: Context, *, review: Verdict | None = None) -> Curated:
    """Curate one record.

    Args:
        record: as harvested.
        source: parses it.
        context: rules, vocabulary, languages.
        review: a person's decision on this record.

    Returns:
        The item. A record that cannot be understood is held as ``malformed``; one that is not published keeps
        verdict, title and address, and none of its text.
    """
    if record.ref in context.erasure.threads:
        return Curated(record.ref, record.kind, Verdict("drop", ("erased",), ERASURE), PlainText(""), None)
    try:
        parsed = source.parse(record)
    except RecordError as error:
        verdict = Verdict("hold", ("malformed",))
        title = plain_text(str(record.ref))
        return Curated(record.ref, record.kind, verdict, title, record.url, warnings=(str(error),))
    if isinstance(parsed, Article):
        return curate_article(parsed, context)
    return curate_thread(erase(parsed, context.options.name, context.erasure), context, review=review)


class _Texts(Mapping[str, str]):
    """Visible text of the live answers by post id, read from the HTML when it is first asked for."""

    def __init__(self, thread: Thread) -> None:
        self._html = {post.id: post.html for post in thread.answers if is_live(post)}
        self._read: dict[str, str] = {}

    def __getitem__(self, post_id: str) -> str:
        if post_id not in self._read:
            self._read[post_id] = html_text(self._html[post_id])
        return self._read[post_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._html)

    def __len__(self) -> int:
        return len(self._html)


class _Shown(NamedTuple):
    """A post as it is shown, and the words of its HTML."""

    post: CuratedPost
    words: Words


class _Cleaner:
    """Makes shown text of one item's posts, and remembers what was taken out of it."""

    def __init__(self, context: Context) -> None:
        self._privacy = context.privacy
        self._own = context.hosts()
        self._licence = context.options.licence
        self._formulas = Formulas(context.options.math_marks)
        self.redacted: set[str] = set()

    def html(self, html: str) -> tuple[SafeHtml, Words]:
        safe = safe_html(self._formulas.declared(html), own_hosts=self._own)
        words = Words(safe)
        if holds_private(words, self._privacy):
            cleaned, kinds = redact_html(safe, self._privacy)
            self.redacted.update(kinds)
            safe = safe_html(cleaned, own_hosts=self._own) if kinds else safe
            words = Words(safe)
        # Last: what looks for private text, or sanitises, has no need to know MathML.
        shown = self._formulas.html(safe)
        return shown, words if shown is safe else Words(shown)

    def title(self, text: str) -> PlainText:
        return clean_title(self._formulas.text(self.text(text)))

    def text(self, text: str) -> PlainText:
        cleaned, kinds = redact_text(plain_text(text), self._privacy)
        self.redacted.update(kinds)
        return plain_text(cleaned)

    def post(self, post: Post, thread_url: str, why: Why | None = None) -> _Shown:
        html, words = self.html(post.html)
        curated = CuratedPost(
            id=post.id,
            url=clean_href(post.url) or thread_url,
            html=html,
            text=words.text(),
            author=self.person(post.author),
            created=post.created,
            updated=post.edited or post.created,
            score=post.score,
            licence=plain_text(post.licence) if post.licence else self._licence,
            why=why,
        )
        return _Shown(curated, words)

    def person(self, person: Person) -> Person:
        name = self.text(person.name)
        url = clean_href(person.url) if person.url else ""
        if any(map(self._is_private, unquote(url).split("/"))):
            url = ""
        # A part of addresses: of the page of all that somebody answered.
        number = _digest(person.id) if self._is_private(person.id) else person.id
        if name != plain_text(person.name):
            name = self._credited(name, person.name, url)
        return msgspec.structs.replace(person, id=number, name=name, url=url or None)

    def _credited(self, cleaned: PlainText, name: str, url: str) -> PlainText:
        """What is left to call somebody by, whose name is an address, a number, or holds one."""
        for replacement in REPLACEMENTS.values():
            cleaned = PlainText(cleaned.replace(replacement, " "))
        handle = unquote(url).rstrip("/").rpartition("/")[2]
        candidates = (plain_text(one) for one in (name.partition("@")[0], cleaned, handle))
        return next((one for one in candidates if _is_name(one) and not self._is_private(one)), _MEMBER)

    def tags(self, tags: tuple[str, ...]) -> tuple[PlainText, ...]:
        """Those that hold nothing private; one that does is no word for anything."""
        return tuple(plain_text(tag) for tag in tags if not self._is_private(tag))

    def _is_private(self, text: str) -> bool:
        kinds = redact_text(plain_text(text), self._privacy)[1]
        self.redacted.update(kinds)
        return bool(kinds)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _is_name(text: str) -> bool:
    return any(map(str.isalpha, text))


def curate_thread(thread: Thread, context: Context, *, review: Verdict | None = None) -> Curated:
    """Curate a parsed thread; see ``curate_record``."""
    options = context.options
    cleaner = _Cleaner(context)
    title = cleaner.title(thread.title) or plain_text(str(thread.ref))
    url = clean_href(thread.url)
    texts = _Texts(thread)
    ranked = rank_answers(thread, context.rules, texts)
    verdict = judge(thread, context.rules, texts, ranked=ranked, review=review)
    warnings = thread.warnings
    if not url and verdict.outcome == "publish":
        verdict = Verdict("hold", ("malformed",))
        warnings = (*warnings, f"{thread.ref}: {thread.url!r} is not a web address, so the thread cannot be linked to.")
    # The question first: what its formulas define, those of the answers use.
    asked = cleaner.post(thread.question, url) if verdict.outcome == "publish" else None
    shown = _answers(ranked, cleaner, url) if verdict.outcome == "publish" else ()
    if verdict.outcome == "publish" and not (shown and shown[0].post.why):
        verdict = Verdict("hold", ("thin",))  # nothing of the best answer can be shown
    if verdict.outcome != "publish" or asked is None:
        named = title if thread.visibility in ("public", "unlisted") else PlainText("")
        return Curated(thread.ref, "thread", verdict, named, url or None, warnings=warnings)
    against = tuple(cleaner.text(one) for one in signs(thread, ranked, texts, context.rules))
    question, answers, best = asked.post, tuple(one.post for one in shown), shown[0].words
    prose = _prose(title, asked.words, best) if len(context.languages) > 1 else ""
    lang = detect(prose, thread.lang or options.lang, context.languages)
    curated = Curated(
        ref=thread.ref,
        kind="thread",
        verdict=verdict,
        title=title,
        url=url,
        question=question,
        answers=answers,
        description=describe(best, title),
        source_tags=cleaner.tags(thread.tags),
        category=cleaner.tags(thread.category),
        lang=lang,
        created=thread.created or question.created,
        updated=latest(question, *answers) or thread.created,
        views=thread.views,
        fingerprint=fingerprint(title, question.text),
        duplicate_of=tuple(ref for ref in thread.duplicate_of if ref != thread.ref),
        redacted=tuple(sorted(cleaner.redacted)),
        warnings=thread.warnings,
        signs=against,
    )
    return place(curated, context.taxonomy)


def _answers(ranked: tuple[Ranked, ...], cleaner: _Cleaner, url: str) -> tuple[_Shown, ...]:
    found = (cleaner.post(one.post, url, one.why) for one in ranked)
    # Nobody goes uncredited: an answer without an author is not shown (the best one never lacks one here).
    return tuple(shown for shown in found if shown.post.author.name and shown.post.text)


def _prose(title: str, *posts: Words) -> str:
    return f"{title}. {' '.join(words.text(code=False) for words in posts)}"


def curate_article(article: Article, context: Context) -> Curated:
    """Curate a staff article; see ``curate_record``.

    E-mail addresses and phone numbers in it are the company's own and stay.
    """
    options = context.options
    formulas = Formulas(options.math_marks)
    title = formulas.text(article.title) or plain_text(str(article.ref))
    verdict = judge_article(article)
    if verdict.outcome != "publish":
        return Curated(article.ref, "article", verdict, title, article.url, warnings=article.warnings)
    html = formulas.html(safe_html(formulas.declared(article.html), own_hosts=context.hosts(), trusted=True))
    words = Words(html)
    text = words.text() if html else plain_text(article.text)
    url = clean_href(article.url) if article.url else ""
    description = plain_text(article.description) or describe(words if html else text, title)
    licence = plain_text(article.licence) if article.licence else options.licence
    curated = Curated(
        ref=article.ref,
        kind="article",
        verdict=verdict,
        title=title,
        url=url or None,
        description=description,
        lang=detect(f"{title}. {text}", article.lang or options.lang, context.languages),
        created=article.created,
        updated=article.updated or article.created,
        warnings=article.warnings,
        article=msgspec.structs.replace(article, html=html, text=text, description=description, licence=licence),
    )
    return place(curated, context.taxonomy)


def latest(*posts: CuratedPost) -> datetime | None:
    """Give the newest date of any of the posts."""
    moments = (post.updated or post.created for post in posts)
    return max((moment for moment in moments if moment is not None), default=None)


def fingerprint(title: str, text: str) -> str:
    """Make the fingerprint that exact duplicates share.

    Args:
        title: of the thread.
        text: visible text of the question.

    Returns:
        BLAKE2b of the letters and digits alone, case folded; "" when there are fewer than 40 of them.
    """
    words = letters(f"{title} {text}")
    return hashlib.blake2b(words.encode(), digest_size=16).hexdigest() if len(words) >= _TELLING else ""
