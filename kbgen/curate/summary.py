"""From an entry or article to its summary: what compiling the site needs, without bodies."""

from __future__ import annotations

from collections.abc import Iterable
from html import unescape

from kbgen.curate.places import places_in
from kbgen.curate.text import slugify
from kbgen.model import ArticleEntry, Contributor, CuratedPost, Entry, Ref, Slug, Summary, split_ref
from kbgen.search.prepared import stems
from kbgen.sources.pictures import IMAGE_LINK, description


def summarise(entry: Entry | ArticleEntry) -> Summary:
    """Drop the bodies, keep all that listings, canonical policy and permalinks look at."""
    return _entry(entry) if isinstance(entry, Entry) else _article(entry)


def _entry(entry: Entry) -> Summary:
    source = split_ref(entry.ref)[0]
    answers = (entry.best, *entry.others)
    images = _images(entry.question.html, *(answer.html for answer in answers))
    return Summary(
        ref=entry.ref,
        kind="entry",
        slug=slugify(entry.title),
        title=entry.title,
        description=entry.description,
        lang=entry.lang,
        topics=entry.topics,
        tags=tuple(dict.fromkeys(mark.tag for mark in entry.tags)),
        refs=_refs(entry.ref, (thread.ref for thread in entry.threads)),
        source=source,
        source_url=entry.threads[0].url,
        digest=entry.digest,
        threads=len(entry.threads),
        answers=len(answers),
        why=entry.best.why,
        words=len(entry.best.text.split()),
        created=entry.created,
        updated=entry.updated,
        score=entry.score,
        pinned=entry.pinned,
        replaced=entry.replaced,
        choice=entry.canonical,
        links=entry.links,
        people=tuple(dict.fromkeys(_contributor(answer, source) for answer in answers if not answer.author.deleted)),
        images=tuple(images),
        undescribed=sum(not described for described in images.values()),
        stems=stems(entry.title, entry.lang),
    )


def _article(article: ArticleEntry) -> Summary:
    images = _images(article.html)
    return Summary(
        ref=article.ref,
        kind="article",
        slug=slugify(article.title),
        title=article.title,
        description=article.description,
        lang=article.lang,
        topics=article.topics,
        tags=tuple(dict.fromkeys(mark.tag for mark in article.tags)),
        refs=_refs(article.ref, (thread.ref for thread in article.threads)),
        source=split_ref(article.ref)[0],
        source_url=article.url,
        digest=article.digest,
        why="written",
        words=len(article.text.split()),
        created=article.created,
        updated=article.updated,
        path=article.path,
        family=article.family,
        links=article.links,
        images=tuple(images),
        undescribed=sum(not described for described in images.values()),
        stems=stems(article.title, article.lang),
        sections=places_in(article.html),
    )


def _images(*texts: str) -> dict[str, str]:
    """Addresses of the images the texts name, each with what is said of it."""
    return {
        unescape(address): description(label)
        for html in texts
        if 'class="kb-image"' in html
        for address, label in IMAGE_LINK.findall(html)
    }


def _refs(lead: Ref, others: Iterable[Ref]) -> tuple[Ref, ...]:
    return tuple(dict.fromkeys((lead, *others)))


def _contributor(answer: CuratedPost, source: str) -> Contributor:
    author = answer.author
    # The id, not the name, tells two people of one name apart.
    slug = Slug(f"{slugify(author.name)}-{source}-{slugify(author.id or author.name)}")
    return Contributor(slug, author.name, author.url, author.is_staff, source)
