"""A platform's own tags and categories to the site's tags and topics, each with its reason.

The vocabulary itself is read in ``taxonomy``.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import msgspec

from kbgen.curate.keys import value_key
from kbgen.curate.text import plain_text, slugify
from kbgen.model import Curated, Slug, TagMark, Taxonomy, split_ref
from kbgen.model.curated import INFERRED
from kbgen.search.phrases import PhraseBook

# A question's beginning says what it is about; logs and code below it say anything.
_READ, _FROM_TEXT = 600, 2

Tagged = tuple[tuple[TagMark, ...], tuple[Slug, ...], tuple[str, ...]]
"""Tags, topics (the most specific first), and the words the vocabulary does not know."""


def place(item: Curated, taxonomy: Taxonomy) -> Curated:
    """Give a curated item its place in a vocabulary, whatever place it had: its tags, topics and unmapped words.

    Args:
        item: one that is not published has no place, and stays as it is.
        taxonomy: the vocabulary.
    """
    source = split_ref(item.ref)[0]
    article, question = item.article, item.question
    if article is not None:
        found = tag(article.tags, article.category, source, taxonomy, topics=article.topics, reason="article")
    elif question is not None:
        found = tag(item.source_tags, item.category, source, taxonomy)
        if not found[0]:
            tags, implied, _ = tag_by_words(item.title, question.text, item.lang, taxonomy)
            found = tags, tuple(dict.fromkeys([*found[1], *implied])), found[2]
    else:
        return item
    tags, topics, unmapped = found
    return msgspec.structs.replace(item, tags=tags, topics=topics, unmapped=unmapped)


def vocabulary_key(taxonomy: Taxonomy) -> str:
    """Digest of all that placing an item looks at; what else a topic or a tag says of itself is not in it."""
    names = [(one.slug, one.parent, one.title, one.titles, one.was) for one in taxonomy.topics]
    parents = [(one.slug, one.parent) for one in taxonomy.tags]
    words = (taxonomy.synonyms, taxonomy.mapped, taxonomy.said, taxonomy.open)
    return value_key((names, parents, taxonomy.tag_topics, taxonomy.category_topics, words))


def tag(
    tags: Sequence[str],
    category: Sequence[str],
    source: str,
    taxonomy: Taxonomy,
    *,
    topics: Sequence[str] = (),
    reason: str = "source",
) -> Tagged:
    """Place an item in the vocabulary.

    Args:
        tags: as the platform or the writer wrote them.
        category: path of category names or ids, outermost first.
        source: name of the source, for its mappings.
        taxonomy: the vocabulary.
        topics: topics named outright, by slug or title; they come first, in their order.
        reason: what to write where a tag was simply there: ``source`` gives ``source:<word>``, anything else
            stands as it is (``overlay``).

    Returns:
        Tags in the order found, each once, parents after; topics; unmapped words (``topic:<word>`` for topics).
    """
    marks: dict[Slug, str] = {}
    unmapped: list[str] = []
    for word in filter(plain_text, tags):
        found = _find(word, source, taxonomy, reason)
        if found is None:
            unmapped.append(plain_text(word))
        else:
            marks.setdefault(*found)
    placed, unknown = _named_topics(topics, taxonomy)
    implied = [topic for slug in marks for topic in taxonomy.tag_topics.get(slug, ())]
    implied += _category_topic(category, source, taxonomy)
    _add_parents(marks, taxonomy)
    ordered = _specific_first(implied, taxonomy)
    return (
        tuple(TagMark(slug, why) for slug, why in marks.items()),
        tuple(dict.fromkeys([*placed, *ordered])),
        tuple(dict.fromkeys([*unmapped, *unknown])),
    )


def tag_by_words(title: str, text: str, lang: str, taxonomy: Taxonomy) -> Tagged:
    """Place an item nobody tagged by the phrases of the vocabulary that it says.

    Args:
        title: of the item; where it says none, what its text says most often, or first, counts.
        text: of its question.
        lang: phrases and words are stemmed in this language.
        taxonomy: the vocabulary.

    Returns:
        As ``tag``; each tag with ``words:<phrase>``.
    """
    if not taxonomy.said:
        return (), (), ()
    book = _book(tuple(sorted(taxonomy.said.items())))
    found = book.find(title, lang)
    if not found:
        said = book.find(text[:_READ], lang)
        most = sorted(said.items(), key=lambda one: -one[1].times)[:_FROM_TEXT]
        found = {slug: one for slug, one in most if one.times == most[0][1].times}
    marks = {Slug(slug): f"words:{one.phrase}" for slug, one in found.items()}
    implied = [topic for slug in marks for topic in taxonomy.tag_topics.get(slug, ())]
    _add_parents(marks, taxonomy)
    return tuple(TagMark(slug, why) for slug, why in marks.items()), tuple(_specific_first(implied, taxonomy)), ()


@functools.lru_cache(2)
def _book(said: tuple[tuple[str, Slug], ...]) -> PhraseBook:
    return PhraseBook(dict(said))


def with_learnt(item: Curated, learnt: Sequence[TagMark], taxonomy: Taxonomy) -> Curated:
    """Add tags a model gave to an item nobody tagged, with their parents and the topics they imply.

    Args:
        item: curated; one with tags of a person's stays as it is, tags by words stay beside the learnt ones.
        learnt: the applied tags, the surest first.
        taxonomy: the vocabulary.
    """
    if not learnt or any(not mark.why.startswith(INFERRED) for mark in item.tags):
        return item
    marks = {mark.tag: mark.why for mark in (*item.tags, *learnt)}
    implied = [topic for slug in marks for topic in taxonomy.tag_topics.get(slug, ())]
    _add_parents(marks, taxonomy)
    # The topic of the community's own category was given by people: it comes first.
    topics = dict.fromkeys([*item.topics, *_specific_first(implied, taxonomy)])
    tags = tuple(TagMark(slug, why) for slug, why in marks.items())
    return msgspec.structs.replace(item, tags=tags, topics=tuple(topics))


def _find(word: str, source: str, taxonomy: Taxonomy, reason: str) -> tuple[Slug, str] | None:
    key = plain_text(word).lower()
    if not key:
        return None
    plain_reason = f"source:{key}" if reason == "source" else reason
    mapped = taxonomy.mapped.get(source, {}).get(key)
    if mapped is not None:
        return mapped, plain_reason
    slug = slugify(key)
    known = taxonomy.synonyms.get(key) or taxonomy.synonyms.get(slug)
    if known is not None:
        return known, plain_reason if known == slug else f"synonym:{key}"
    return (slug, plain_reason) if taxonomy.open else None


def _add_parents(marks: dict[Slug, str], taxonomy: Taxonomy) -> None:
    parents = {known.slug: known.parent for known in taxonomy.tags if known.parent is not None} if marks else {}
    for slug in tuple(marks):
        child, parent = slug, parents.get(slug)
        while parent is not None and parent not in marks:
            marks[parent] = f"parent:{child}"
            child, parent = parent, parents.get(parent)


def _named_topics(topics: Sequence[str], taxonomy: Taxonomy) -> tuple[list[Slug], list[str]]:
    if not topics:
        return [], []
    known = {topic.slug: topic.slug for topic in taxonomy.topics}
    for topic in taxonomy.topics:
        for name in (topic.title, *(title for _, title in topic.titles), *topic.was):
            known.setdefault(slugify(name), topic.slug)
    slugs = [(word, known.get(slugify(word))) for word in topics]
    return [slug for _, slug in slugs if slug is not None], [f"topic:{word}" for word, slug in slugs if slug is None]


def _category_topic(category: Sequence[str], source: str, taxonomy: Taxonomy) -> list[Slug]:
    mapping = taxonomy.category_topics.get(source, {})
    found = (mapping.get(plain_text(name).lower()) for name in reversed(category))
    # The innermost category that is mapped says it best; the ones around it are its parents.
    return [topic for topic in found if topic is not None][:1]


def _specific_first(topics: list[Slug], taxonomy: Taxonomy) -> list[Slug]:
    once = list(dict.fromkeys(topics))
    if len(once) < 2:
        return once
    parents = {topic.slug: topic.parent for topic in taxonomy.topics}
    return sorted(once, key=lambda topic: -depth_of(topic, parents))


def depth_of(slug: Slug, parents: Mapping[Slug, Slug | None]) -> int:
    """Count a topic's ancestors; a loop of parents counts as one deep chain."""
    depth, parent = 0, parents.get(slug)
    while parent is not None and depth <= len(parents):
        depth, parent = depth + 1, parents.get(parent)
    return depth
