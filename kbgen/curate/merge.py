"""Joined threads and their writer's overlay to the entry that is shown.

Which threads belong together is decided in ``clusters``, re-exported here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec

from kbgen.config import RulesConfig
from kbgen.curate.clusters import find_clusters, head, ref_order, weight
from kbgen.curate.item import latest
from kbgen.curate.links import INTERNAL, host_of
from kbgen.curate.tagging import tag
from kbgen.curate.text import describe, letters, parse, plain_text
from kbgen.model import (
    ArticleEntry,
    Cluster,
    Curated,
    CuratedPost,
    Entry,
    Overlay,
    PlainText,
    Ref,
    SafeHtml,
    Slug,
    SourceThread,
    TagMark,
    Taxonomy,
    family_of,
    split_ref,
)
from kbgen.sources.base import SourceOptions

MERGE_VERSION = 6
"""Raise it when the same threads would be built differently: every entry is then built again."""

Options = Mapping[str, SourceOptions]
__all__ = ["MERGE_VERSION", "build_article", "build_entry", "find_clusters", "head"]

_AUTHORITY = {"accepted": 2, "schema": 2, "staff": 1, "reaction": 3, "tag": 3, "helpful": 4}
Digested = TypeVar("Digested", Entry, ArticleEntry)


def build_entry(
    cluster: Cluster,
    members: Sequence[Curated],
    overlay: Overlay | None,
    options: Options,
    *,
    rules: RulesConfig | None = None,
    taxonomy: Taxonomy | None = None,
) -> Entry:
    """Build the entry of a cluster.

    The best answer is looked for among all threads: accepted and by staff, by staff, accepted, marked otherwise,
    most helpful; then the highest score, then the newest. Its ``score`` among entries is 2 when it is settled, plus
    ln(1 + votes) of question and best answer, 0.5 ln(1 + views) and ln of the number of threads.

    Args:
        cluster: the threads, the lead first.
        members: the same threads, curated and published, the lead first.
        overlay: the writer's decisions about the lead.
        options: of the sources, by name, for what readers call them.
        rules: how many answers are shown beside the accepted ones.
        taxonomy: for the overlay's tags and topics.

    Raises:
        ValueError: the lead is not published.
    """
    lead = members[0]
    question = lead.question
    if question is None or not lead.answers:
        msg = f"{lead.ref} has no question and answer; only published threads can be built"
        raise ValueError(msg)
    best, *shown = _answers(members, rules or RulesConfig())
    tags, topics = _place(members, overlay, taxonomy or Taxonomy())
    title = overlay.title if overlay and overlay.title else lead.title
    threads = _threads(cluster, members, options)
    replaced = overlay is not None and overlay.body is not None
    views = [member.views for member in members if member.views is not None]
    entry = Entry(
        ref=cluster.lead,
        title=title,
        question=question,
        best=_replace_text(best, overlay),
        others=tuple(shown),
        threads=threads,
        also_asked=_wordings(title, [member.title for member in members]),
        description=_describe(best, members, overlay, title),
        tags=tags,
        topics=topics,
        lang=lead.lang,
        created=lead.created,
        updated=latest(question, best, *shown),
        score=_score(question, best, sum(views), len(threads)),
        views=sum(views) if views else None,
        replaced=replaced,
        pinned=overlay is not None and overlay.pin,
        canonical=overlay.canonical if overlay else None,
        doubted=bool(rules and rules.stale_notice and not replaced and _signs(best, members)),
        links=_links([question.html, _replace_text(best, overlay).html, *(post.html for post in shown)]),
    )
    return _with_digest(entry)


def build_article(curated: Curated, settled: Sequence[Curated], options: Options) -> ArticleEntry:
    """Build the entry of a staff article.

    Args:
        curated: a published article.
        settled: the published threads it settles, in the article's order.
        options: of the sources, by name.

    Raises:
        ValueError: ``curated`` is no article.
    """
    article = curated.article
    if article is None:
        msg = f"{curated.ref} is not an article"
        raise ValueError(msg)
    html = SafeHtml(article.html)
    entry = ArticleEntry(
        ref=curated.ref,
        title=curated.title,
        html=html,
        text=PlainText(article.text),
        description=curated.description,
        tags=curated.tags,
        topics=curated.topics,
        lang=curated.lang,
        created=curated.created,
        updated=curated.updated,
        reviewed=article.reviewed,
        owner=plain_text(article.owner),
        licence=article.licence,
        url=curated.url,
        path=article.path,
        community=_community(curated.ref, options),
        answers=article.answers,
        threads=tuple(_source_thread(thread, "article", options) for thread in settled if thread.question),
        also_asked=_wordings(curated.title, [thread.title for thread in settled]),
        links=_links([html]),
        family=family_of(curated.ref, article),
    )
    return _with_digest(entry)


def _answers(members: Sequence[Curated], rules: RulesConfig) -> list[CuratedPost]:
    """Give every answer once, the best first; of those nobody accepted, as many as the rules show."""
    found = [(_standing(post), ref_order(member.ref), post.id, post) for member in members for post in member.answers]
    seen: set[str] = set()
    kept: list[CuratedPost] = []
    room = rules.other_answers
    for *_, post in sorted(found, key=lambda one: one[:3]):
        folded = _fold(post.text)
        if folded in seen:
            continue
        seen.add(folded)
        if post.why is None:
            room -= 1
            if room < 0:
                continue
        kept.append(post)
    return kept


def _standing(post: CuratedPost) -> tuple[int, int, float]:
    settled = post.why in ("accepted", "schema")
    authority = 0 if settled and post.author.is_staff else _AUTHORITY.get(post.why or "", 5)
    moment = post.updated or post.created
    return authority, -(post.score or 0), -(moment.timestamp() if moment else 0.0)


def _replace_text(best: CuratedPost, overlay: Overlay | None) -> CuratedPost:
    if overlay is None or overlay.body is None:
        return best
    return msgspec.structs.replace(best, html=overlay.body, text=overlay.text)


def _signs(best: CuratedPost, members: Sequence[Curated]) -> tuple[str, ...]:
    """What speaks against the answer that leads."""
    return next((member.signs for member in members if member.answers and member.answers[0] is best), ())


def _describe(best: CuratedPost, members: Sequence[Curated], overlay: Overlay | None, title: PlainText) -> PlainText:
    if overlay is not None and overlay.summary:
        return overlay.summary
    lead = members[0]
    as_curated = best is lead.answers[0] and title == lead.title and not (overlay and overlay.body)
    return lead.description if as_curated else describe(_replace_text(best, overlay).html, title)


def _place(
    members: Sequence[Curated], overlay: Overlay | None, taxonomy: Taxonomy
) -> tuple[tuple[TagMark, ...], tuple[Slug, ...]]:
    marks: dict[Slug, TagMark] = {}
    for member in members:
        for mark in member.tags:
            marks.setdefault(mark.tag, mark)
    topics = tuple(dict.fromkeys(topic for member in members for topic in member.topics))
    if overlay is None or (overlay.tags is None and overlay.topics is None):
        return tuple(marks.values()), topics
    source = split_ref(overlay.ref)[0]
    named, placed, _ = tag(overlay.tags or (), (), source, taxonomy, topics=overlay.topics or (), reason="overlay")
    tags = named if overlay.tags is not None else tuple(marks.values())
    if overlay.topics is not None:
        # A writer's list is the whole list: what the tags would add is not wanted.
        return tags, placed[: len(overlay.topics)]
    return tags, placed or topics


def _threads(cluster: Cluster, members: Sequence[Curated], options: Options) -> tuple[SourceThread, ...]:
    evidence = dict(cluster.evidence)
    return tuple(
        _source_thread(member, evidence.get(member.ref, "lead"), options) for member in members if member.question
    )


def _source_thread(member: Curated, evidence: str, options: Options) -> SourceThread:
    question = member.question
    if question is None:
        msg = f"{member.ref} has no question; only published threads can be credited"
        raise ValueError(msg)
    return SourceThread(
        ref=member.ref,
        title=member.title,
        url=member.url or question.url,
        community=_community(member.ref, options),
        author=question.author,
        created=member.created,
        licence=question.licence,
        evidence=evidence,
    )


def _community(ref: Ref, options: Options) -> str:
    name = split_ref(ref)[0]
    known = options.get(name)
    return plain_text((known.title or host_of(known.url or "") or name) if known else name)


def _wordings(title: PlainText, titles: Iterable[PlainText]) -> tuple[PlainText, ...]:
    distinct: dict[str, PlainText] = {}
    for wording in titles:
        distinct.setdefault(_fold(wording), wording)
    distinct.pop(_fold(title), None)
    return tuple(distinct.values())


def _fold(text: str) -> str:
    return hashlib.blake2b((letters(text) or text).encode(), digest_size=16).hexdigest()


def _score(question: CuratedPost, best: CuratedPost, views: int, threads: int) -> float:
    settled = 2.0 if _AUTHORITY.get(best.why or "", 5) <= 2 else 0.0
    votes = weight(question.score) + weight(best.score)
    return round(settled + votes + 0.5 * weight(views) + weight(threads - 1), 6)


def _links(pieces: Sequence[SafeHtml]) -> tuple[Ref, ...]:
    found: set[Ref] = set()
    for html in pieces:
        body = parse(html) if f'"{INTERNAL}' in html else None
        if body is not None:
            addresses = (element.get("href") or "" for element in body.iter("a"))
            found.update(Ref(href.removeprefix(INTERNAL)) for href in addresses if href.startswith(INTERNAL))
    return tuple(sorted(found, key=ref_order))


def _with_digest(entry: Digested) -> Digested:
    data = msgspec.json.encode(entry, order="deterministic")
    return msgspec.structs.replace(entry, digest=hashlib.blake2b(data, digest_size=16).hexdigest())
