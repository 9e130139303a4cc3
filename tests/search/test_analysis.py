"""Text to terms: each rule of the analysis, and the same terms in JavaScript."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kbgen.search.analysis import analyser, base_language, browser_rules
from kbgen.search.stemmer_js import stemmer_module

ENGINE = Path(__file__).parents[2] / "kbgen" / "theme" / "search" / "assets" / "engine.js"
NODE = shutil.which("node")
SAMPLES = [
    "How do I reset the hub's password? It isn't working: don't panic!",
    "foo_bar fooBar getElementById HTTPServer v1.2.3 c++ C# node.js __init__ sha256sum iPhone GitHub e-mail Wi-Fi log-in",
    "https://help.example.com/a/b?c=d#e mail@example.org 10.0.0.1 2026-11-21 3,000 50% $12 #hash a.b._c-",
    "Città perché È così; L'italiano dell'utente. Zażółć gęślą jaźń, wiadomości i ustawienia. Ærø ßtraße ŁÓDŹ İstanbul ΣΊΣΥΦΟΣ",
    "HL-304 hl304 64-bit 3-phase error-4042 CVE-2021-44228 2021-05 ESP32 x86 v2 IPv6 Ä-12 ab-1 a-12",
    "停车票怎么办?我在 GitHub 上 水 𠀀𠀁 東京都へ行くカタカナ 한국어 검색",
    'והבית שלום צה״ל צה"ל ובכלל שָׁלוֹם וכשמהבית',
    "ﬁne ½ ² ＦＵＬＬ　ｗｉｄｔｈ soft\u00adhyphen zero\u200bwidth \u202bמשולב\u202c é e\u0301 ё й",
    "مُحَمَّد أحمد كتابة 😀 emoji👍🏽 🇮🇹 नमस्ते दुनिया ภาษาไทย",
    "",
    "... --- ___ + # ++ .a. -b- _c_",
]


def terms(lang: str, text: str) -> list[tuple[str, ...]]:
    """The terms of each word of a text."""
    return [word.terms for word in analyser(lang).words(text)]


def flat(lang: str, text: str) -> set[str]:
    """All terms of a text that are not stop words."""
    return {t for word in analyser(lang).words(text) if not word.stop for t in word.terms}


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("running the reports", "run report"),
        ("Connection settings", "connected setting"),
        ("log-in", "login"),
        ("e-mail", "email"),
        ("fooBar", "foobar"),
        ("foo_bar", "bar"),
        ("version v1.2.3", "v1.2.3"),
        ("c++ and C#", "c++ c#"),
        ("node.js", "node"),
        ("iPhone", "iphone"),
        ("HL-304", "hl304 HL 304"),
        ("BIP324", "BIP-324 bip 324"),
        ("64bit", "64-bit"),
        ("café résumé", "cafe resume"),
        ("ﬁle ＦＵＬＬ", "file full"),
        ("soft\u00adhyphen", "softhyphen"),
    ],
)
def test_what_is_written_is_found_as_it_is_asked(written: str, asked: str) -> None:
    """Every word of the question shares a term with the text, whatever its form, case, joints or accents."""
    have = flat("en", written)
    assert [word.terms for word in analyser("en").words(asked) if not have & set(word.terms)] == []


def test_common_words_are_marked() -> None:
    """Stop words are words still, so that titles can keep them."""
    assert [(w.terms, w.stop) for w in analyser("en").words("the hub")] == [(("the",), True), (("hub",), False)]


def test_chinese_is_cut_into_pairs() -> None:
    """A run without spaces gives overlapping pairs, a lone character itself."""
    assert terms("zh", "停车票 水") == [("停车",), ("车票",), ("水",)]


def test_hebrew_words_come_also_without_their_prefixes() -> None:
    """Each one-letter prefix less is a term too, down to three letters left; points and gershayim do not matter."""
    assert terms("he", "והבית") == [("והבית", "הבית", "בית")]
    assert terms("he", "צה״ל") == terms("he", 'צה"ל') == [("צהל",)]
    assert terms("he", "שָׁלוֹם") == terms("he", "שלום")


@pytest.mark.parametrize(("lang", "accented", "bare"), [("it", "città", "citta"), ("pl", "wiadomości", "wiadomosci")])
def test_accents_may_be_left_out(lang: str, accented: str, bare: str) -> None:
    """A question without accents finds the accented word, although the stemmer needs them."""
    assert flat(lang, accented) & flat(lang, bare)


def test_only_the_base_language_counts() -> None:
    """A region or a script does not change the analysis."""
    assert base_language("pt_BR") == base_language("pt-br") == "pt"
    assert analyser("en-GB") is analyser("en")


def test_an_unknown_language_is_not_stemmed() -> None:
    """A language without an algorithm keeps its words as they are."""
    assert terms("xx", "running dogs") == [("running",), ("dogs",)]


@given(st.sampled_from(["en", "pl", "he", "xx"]), st.from_regex("[a-z]{1,50}", fullmatch=True))
@example("en", "running")
@example("en", "the")
@example("en", "a" * 49)
@example("pl", "ustawienia")
def test_small_letters_have_one_term(lang: str, word: str) -> None:
    """Of a word of small ASCII letters the short way gives what the long way gives, and nothing of a stop word."""
    long_way = [one.terms for one in analyser(lang).chunk_words(word) if not one.stop]
    short_way, another = analyser(lang).terms_of_letters([word, "oven"])

    assert long_way == ([(short_way,)] if short_way else [])
    assert another == "oven"


def test_endless_words_are_left_out() -> None:
    """Base64 and hashes do not fill the index."""
    assert terms("en", "a" * 49) == []
    assert terms("en", "b" * 48) == [("b" * 48,)]


def test_a_text_ends_open_within_a_word() -> None:
    """Only a text that ends in letters may go on with more of them."""
    assert analyser("en").ends_open("reset pass")
    assert not analyser("en").ends_open("reset pass ")
    assert not analyser("en").ends_open("reset pass?")
    assert not analyser("en").ends_open("")


def texts_for_comparison() -> list[str]:
    """The samples, and thousands of random mixtures of their pieces and of characters from every script."""
    dice = random.Random(7)  # noqa: S311 - test data
    pieces = [p for sample in SAMPLES for p in re.split(r"(\s+)", sample)]
    signs = [chr(c) for c in (*range(0x20, 0x250), *range(0x370, 0x700, 3), *range(0x900, 0x3100, 7))]
    signs += [chr(c) for c in (*range(0x3400, 0xD7A0, 997), *range(0xF900, 0xFFFE, 61), *range(0x10000, 0x20100, 331))]
    mixed = ["".join(dice.choices(pieces, k=4)) for _ in range(1500)]
    return [*SAMPLES, *mixed, *("".join(dice.choices(signs, k=12)) for _ in range(1500))]


RUN = """
import {readFileSync} from "node:fs";
const [engine, stemmer] = process.argv.slice(1);
const {Analyser} = await import(engine);
const {rules, texts} = JSON.parse(readFileSync(0, "utf8"));
const analyser = new Analyser(rules, stemmer ? (await import(stemmer)).default : null);
const words = text => analyser.words(text).map(w => [w.terms, w.stop, w.plain]);
process.stdout.write(JSON.stringify(texts.map(text => [words(text), analyser.endsOpen(text)])));
"""


@pytest.mark.skipif(NODE is None, reason="node is not installed")
@pytest.mark.parametrize("lang", ["en", "it", "pl", "he", "zh", "de", "ru", "ar"])
def test_javascript_gives_the_same_terms(lang: str, tmp_path: Path) -> None:
    """Thousands of texts in every script give the same words in the browser's engine."""
    language = analyser(lang)
    engine = tmp_path / "engine.mjs"
    shutil.copy(ENGINE, engine)
    scripts = [engine.as_uri()]
    if language.algorithm:
        stemmer = tmp_path / "stem.mjs"
        stemmer.write_text(stemmer_module(language.algorithm), encoding="utf-8")
        scripts.append(stemmer.as_uri())
    texts = texts_for_comparison()
    done = subprocess.run(
        [str(NODE), "--input-type=module", "-e", RUN, *scripts],
        input=json.dumps({"rules": browser_rules(lang), "texts": texts}),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    here = [[[list(w.terms), w.stop, w.plain] for w in language.words(t)] for t in texts]
    there = json.loads(done.stdout)
    differing = [(t, a, b) for t, a, (b, _) in zip(texts, here, there, strict=True) if a != b]
    assert differing[:3] == []
    assert [language.ends_open(t) for t in texts] == [ends for _, ends in there]


@given(st.text(st.characters(max_codepoint=127)), st.sampled_from("’“–…"))
@example("node.js C++ C#x foo_bar-1.2 a+ b# log-in", "’")
def test_ascii_is_cut_as_all_text_is(text: str, sign: str) -> None:
    """Text of ASCII and of typographic signs takes a shorter way to the same chunks."""
    english = analyser("en")
    # A letter beyond ASCII takes the long way.
    assert [*english.chunks(f"{text}{sign}a"), "é"] == english.chunks(f"{text}{sign}a é")


@pytest.mark.parametrize("lang", ["en", "he", "zh"])
@given(
    text=st.text(st.sampled_from("aZ9é\u05d0\u05d1水東 .._-+#\"'\u05f4\u2019\u2014\u2026\u00a0\n\u3000\u00ad"))
    | st.text()
)
@example(text="node.js. v1.2.3, c++. C#. a.b .c. x-\ty")
@example(text="\u05d0\"\u05d0'\u05d0 \ufdfa水水.a")
def test_pieces_hold_whole_chunks(lang: str, text: str) -> None:
    """What is found piece by piece is what is found at once, in the same order."""
    rules = analyser(lang)

    assert rules.chunks(text) == [chunk for piece in rules.pieces(text) for chunk in rules.chunks(piece)]
