"""How people write what a tag names: ``nft`` is "NFT", ``grovers-algorithm`` is "Grover's algorithm".

Tags are lower-case; a topic is called by its tag's words, and those are on every page.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable

from kbgen.report.keyphrases import TEXT
from kbgen.report.taxonomy import published
from kbgen.store import Store

_FEWEST = 3  # once or twice is one person's way to write it
_MOST_READ = 50_000  # threads; more write it alike
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*[+#]*")  # noqa: RUF001
_GAP = re.compile(r"[ ./_-]")


def written_as(store: Store, tags: Iterable[str]) -> dict[str, str]:
    """How the published threads write the words of tags.

    Args:
        store: the open store.
        tags: as the communities have them.
    """
    items = (item for item, _ in zip(published(store), range(_MOST_READ), strict=False))
    return spellings((f"{one.title}\n{one.question.text[:TEXT] if one.question else ''}" for one in items), tags)


def spellings(texts: Iterable[str], tags: Iterable[str]) -> dict[str, str]:
    """Each tag as it is written most often; one that is hardly written is left out.

    Args:
        texts: running text, one of each thread.
        tags: lower-case words, joined by hyphens, dots or underscores.
    """
    known = {_keys(tag): tag for tag in tags}
    lengths: dict[str, set[int]] = {}
    for keys in known:
        if keys:
            lengths.setdefault(keys[0], set()).add(len(keys))
    counts: dict[str, Counter[str]] = {}
    for text in texts:
        words = [(found.start(), found.end(), _key(found[0])) for found in _WORD.finditer(text)]
        for at, (start, _, key) in enumerate(words):
            for length in lengths.get(key, ()):
                several = words[at : at + length]
                tag = known.get(tuple(word[2] for word in several))
                if tag is not None and _is_one_name(text, several):
                    counts.setdefault(tag, Counter())[text[start : several[-1][1]]] += 1
    return {tag: _commonest(forms) for tag, forms in counts.items() if forms.total() >= _FEWEST}


def _keys(tag: str) -> tuple[str, ...]:
    return tuple(_key(word) for word in _WORD.findall(tag.replace("_", " ")))


def _key(word: str) -> str:
    return word.lower().replace("'", "").replace("’", "")  # noqa: RUF001


def _is_one_name(text: str, words: list[tuple[int, int, str]]) -> bool:
    gaps = (text[one[1] : other[0]] for one, other in itertools.pairwise(words))
    return all(_GAP.fullmatch(gap) for gap in gaps)


def _commonest(forms: Counter[str]) -> str:
    return min(forms, key=lambda form: (-forms[form], form))
