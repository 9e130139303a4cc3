"""Vectors of texts: what of a text is counted, and that a text's vectors are its own, whatever it is made with."""

from __future__ import annotations

import itertools
import zlib
from collections import Counter

import msgspec
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kbgen.model import Ref
from kbgen.similar import vectors
from kbgen.similar.texts import Text, make_text
from kbgen.similar.vectors import Embedder, stack, terms_of_words, unit, words

SAID = {
    "en": (
        "Oven beeps at night",
        "The timer of my oven beeps each minute, fooBar and HTTPServer too. " + "ok " * 310,
    ),
    "he": ("שכחתי סיסמה לחשבון", "איך אפשר לאפס קוד כניסה לאתר? " * 20),
    "zh": ("烤箱 每分钟 响", "计时器到了也不停, 电话 call 也响。" * 9),
    "ja": ("オーブンが鳴る", "タイマー naïve タイマー"),
    "pl": ("Piekarnik piszczy w nocy", "Zegar piekarnika piszczy co minutę, żółta lampa świeci. " * 12),
}


def text(lang: str) -> Text:
    """One thread of a language."""
    return make_text(Ref(f"forum:{lang}"), (lang, *SAID[lang]), tags=("kitchen", "v2"))


EVERY = [text(lang) for lang in SAID]


def plain(one: Text) -> Counter[int]:
    """How often each term occurs, counted word by word; of pairs of characters too where there are no spaces."""
    title = vectors._WORD.findall(one.heading)
    body = vectors._WORD.findall(one.body if one.lang == "en" else one.body[:300])
    counts: Counter[int] = Counter()
    for said, weight in ((title, 3), (body, 1)):
        terms = [term for several in terms_of_words(said, one.lang) for term in several]
        pairs = [a + b for a, b in itertools.pairwise(said) if vectors._IS_WIDE.fullmatch(a + b)]
        for term in [*terms, *(pair for pair in pairs if len(pair) == 2)]:
            counts[zlib.crc32(term.encode())] += weight
    return counts


@pytest.mark.parametrize("one", EVERY, ids=lambda one: one.lang)
def test_terms_are_counted(one: Text) -> None:
    """A title's words count three times, no term more than a byte can tell; hashes rise."""
    made = Embedder().vectors([one])[0]

    assert dict(zip(made.terms.tolist(), made.counts.tolist(), strict=True)) == {
        term: min(count, 255) for term, count in plain(one).items()
    }
    assert made.terms.tolist() == sorted(made.terms.tolist())


def test_a_vector_depends_on_its_text_alone() -> None:
    """Made with others, before or after them, in other languages or twice: the same to the bit; nothing gives nothing."""
    empty = make_text(Ref("forum:none"), ("en", "", ""))
    embedder, other = Embedder(), Embedder()
    alone = [Embedder().vectors([one])[0].pack() for one in [*EVERY, empty]]

    assert [one.pack() for one in embedder.vectors([*EVERY, empty])] == alone
    assert [one.pack() for one in embedder.vectors([empty, *EVERY[::-1]])] == [alone[-1], *alone[-2::-1]]
    assert [other.vectors([one])[0].pack() for one in [*EVERY, empty]] == alone
    assert embedder.vectors([]) == []
    assert not embedder.vectors([empty])[0].dense.any()


def test_a_meaning_is_the_mean_of_words() -> None:
    """Every word adds the sum of its tokens' rows; the title is half a text besides."""
    tokenizer, table = vectors._model()
    one = text("en")

    def meant(said: list[str]) -> vectors.Floats:
        rows = [
            table[tokenizer.encode(word, add_special_tokens=False).ids].astype(np.float32).sum(axis=0) for word in said
        ]
        return unit(np.sum(rows, axis=0, keepdims=True))

    title, body = vectors._WORD.findall(one.heading), vectors._WORD.findall(one.body)
    expected = unit(meant(title + body) + np.float32(0.5) * meant(title))[0]
    assert np.abs(Embedder().vectors([one])[0].dense - expected).max() < 0.001


@given(st.text(st.characters(max_codepoint=127)))
@example("v1.2_3\x00it's\x1f-- C++\t\n")
def test_ascii_is_cut_as_all_text_is(text: str) -> None:
    """The short way to the words of a text without other letters."""
    assert words(text) == vectors._WORD.findall(text)


def test_a_word_that_is_one_token_needs_no_tokenizer() -> None:
    """What the vocabulary has for a word is what the tokenizer makes of it, for every word there is in it."""
    tokenizer, _ = vectors._model()
    known = [token[1:] for token in tokenizer.get_vocab() if token.startswith("\u2581")]
    several = [word for word in known if vectors._WORD.fullmatch(word)]
    several += ["zymurgical", "oven kettle", "naïve", "烤", "شكرا", "🍳x", "iOS12"]
    made = tokenizer.encode_batch_fast(several, add_special_tokens=False)

    assert len(several) > 10_000
    ids, others = vectors._tokens(tokenizer, [word.replace(" ", "\u2581") for word in several])
    rest = iter(others)
    assert [[one] if one >= 0 else next(rest) for one in ids.tolist()] == [one.ids for one in made]


def test_words_that_are_many_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """An embedder keeps so many words and begins again; that changes no vector."""
    embedder = Embedder()
    before = [one.pack() for one in embedder.vectors(EVERY)]
    monkeypatch.setattr(vectors, "_CACHED", 3)

    assert [one.pack() for one in embedder.vectors(EVERY)] == before


def test_terms_of_titles_are_those_of_texts_without_a_body() -> None:
    """The same terms as often, and no meaning."""
    embedder = Embedder()
    for lang in sorted({one.lang for one in EVERY}):
        some = [one for one in EVERY if one.lang == lang]
        whole = stack(embedder.vectors([msgspec.structs.replace(one, body="") for one in some]))
        titles = embedder.titles(some)

        assert (titles.terms.tolist(), titles.counts.tolist()) == (whole.terms.tolist(), whole.counts.tolist())
        assert titles.starts.tolist() == whole.starts.tolist()
        assert not titles.dense.any()


WORDS = {
    "en": "Resetting HL-304 HL304 colours running_late v2.3.1 C++ e-mail can't 304 Wi-Fi",
    "pl": "lampy HL-304 żarówka 304",
    "he": "מנורות HL-304 304",
}


def test_a_vector_is_of_the_model_that_made_it() -> None:
    """Stored vectors hold while the name does: when words become something else, it gets another number.

    Without it, a site that was built before would differ from one built anew.
    """
    terms = {lang: [list(one) for one in terms_of_words(text.split(), lang)] for lang, text in WORDS.items()}
    made = {lang: zlib.crc32(repr(found).encode()) for lang, found in terms.items()}
    assert (vectors.MODEL.partition("+")[0], made) == (
        "wordllama-l2-supercat-256/3",
        {"en": 1046740595, "pl": 660355734, "he": 743375626},
    )
