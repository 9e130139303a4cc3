"""What of a thread or article is compared, and what speaks against a merge.

Light on purpose: it decides whether anything has to be compared at all. Not here: vectors.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from kbgen.model import Curated, Ref, family_of
from kbgen.model.curated import INFERRED
from kbgen.similar.titles import in_order, parting

# Beyond this a question repeats itself, quotes logs or pastes code; measured on labelled pairs: no gain.
_BODY = 1000
# A title of three words and nothing else agrees with too much.
_FEWEST = 7
# A few tags tell what a question is about; twenty tell what its author would like it to be found by.
_TAGS = 5
_UNSPACED = frozenset({"zh", "ja", "th"})
_CHARACTERS_A_WORD = 2
_VERSION = re.compile(r"v?(?:ersion-)?(\d+(?:[.-](?:\d+|x))+|\d{1,4})")
_WORD = re.compile(r"\w+")
_JOINT = re.compile(r"[-_]+")
# What sanitised markup says in other pages' and other people's words.
_BORROWED = re.compile(r"<a [^>]*>.*?</a>|<blockquote>.*?</blockquote>", re.DOTALL)
_MARK = re.compile(r"<[^>]*>")
# An address is one word; so is a character of a script without spaces.
_WIDE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\u0e00-\u0e7f"
_SAID = re.compile(rf"[{_WIDE}]|[^\s{_WIDE}]+")


class Text(Struct, frozen=True, gc=False):
    """One thing to compare; it holds no containers, so a hundred thousand of them need not be walked.

    Attributes:
        key: digest of what vectors are made from.
        body: the beginning of the question, or of an article; "" when only the store has it.
        versions: product versions it is tagged with.
        article: written by staff; it is related to threads and never merged by itself.
        created: ISO 8601, for the order of texts.
        words: how many title and body have.
        family: ref that all language versions of an article share.
        tags: the words of the tags people gave it.
        borrowed: most of its question are links and quotes.
    """

    ref: Ref
    lang: str
    title: str
    key: str
    body: str = ""
    versions: frozenset[str] = frozenset()
    article: bool = False
    created: str = ""
    words: int = 0
    family: str = ""
    tags: str = ""
    borrowed: bool = False

    @property
    def heading(self) -> str:
        """What it is said to be about: title and tags."""
        return f"{self.title} {self.tags}" if self.tags else self.title


def text_of(item: Curated) -> Text:
    """What is compared of a curated item."""
    body = item.article.text if item.article else item.question.text if item.question else ""
    made = make_text(
        item.ref,
        (item.lang, item.title, body),
        tags=given_tags(item),
        article=item.kind == "article",
        created=item.created.isoformat() if item.created else "",
        family=family_of(item.ref, item.article) if item.article else "",
    )
    return (
        msgspec.structs.replace(made, borrowed=borrowed(item.question.html, item.question.text))
        if item.question
        else made
    )


def borrowed(html: str, text: str) -> bool:
    """Whether most words of a question are those of links, which name other pages, and of quotes.

    Args:
        html: as sanitised, of which quotes and links have no attributes that hold a ``>``.
        text: its words.
    """
    if "<a " not in html and "<blockquote>" not in html:
        return False
    others = _MARK.sub(" ", " ".join(_BORROWED.findall(html)))
    return 2 * len(_SAID.findall(others)) > len(_SAID.findall(text))


def given_tags(item: Curated) -> tuple[str, ...]:
    """The tags people gave an item, known to the taxonomy or not: no parents of tags, no topics."""
    known = (mark.tag for mark in item.tags if not mark.why.startswith(INFERRED))
    return (*known, *(word for word in item.unmapped if not word.startswith("topic:")))


def make_text(
    ref: Ref,
    words: tuple[str, str, str],
    *,
    tags: Sequence[str] = (),
    article: bool = False,
    created: str = "",
    family: str = "",
) -> Text:
    """A text of its language, title and body; tags may say which version it is about."""
    lang, title, body = words[0].split("-")[0].lower(), words[1], words[2][:_BODY]
    versions = frozenset(found[1] for tag in tags if (found := _VERSION.fullmatch(tag.lower())))
    said = " ".join(_JOINT.sub(" ", tag) for tag in tags[:_TAGS])
    key = hashlib.blake2b(f"{lang}\0{title}\0{body}\0{said}".encode(), digest_size=16).hexdigest()
    count = _length(title, lang) + _length(body, lang)
    return Text(ref, lang, title, key, body, versions, article, created, count, family, said)


def _length(text: str, lang: str) -> int:
    return len(text) // _CHARACTERS_A_WORD if lang in _UNSPACED else len(_WORD.findall(text))


def apart(left: Text, right: Text) -> str:
    """Why two texts are never one page, "" when nothing forbids it."""
    if left.lang != right.lang:
        return "language"
    if left.versions and right.versions and left.versions.isdisjoint(right.versions):
        return "version"
    return "translation" if left.family and left.family == right.family else ""


def doubtful(left: Text, right: Text) -> str:
    """Why a person should look at two alike texts before they become one page, "" when nothing speaks against it."""
    if left.article or right.article:
        return "article"
    if min(left.words, right.words) < _FEWEST and left.lang not in _UNSPACED:
        return "few words"
    if left.borrowed or right.borrowed:
        # "Continued in ..." says what others say.
        return "borrowed words"
    return parting(left.title, right.title, left.lang)


def shared_words(left: Text, right: Text, *, count: int = 8) -> tuple[str, ...]:
    """Words both texts have, those of the titles and the longest first: what a person checks a merge by."""
    first, second = _words(f"{left.title} {left.body}"), _words(f"{right.title} {right.body}")
    titles = _words(left.title) & _words(right.title)
    ranked = sorted(first & second, key=lambda word: (word not in titles, -len(word), word))
    return tuple(word for word in ranked if len(word) > 2 or not word.isascii())[:count]


def same_title(left: Text, right: Text) -> bool:
    """Whether two titles have the same words in the same order."""
    return in_order(left.title) == in_order(right.title)


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))
