"""Languages, links, highlighting and table spans: the small steps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbgen.curate.highlight import highlight, known_language, share_of
from kbgen.curate.language import detect
from kbgen.curate.links import clean_href, host_of
from kbgen.curate.tables import Cell, render_table, span

SITE = ("en", "he", "it", "pl", "zh", "ja", "ko", "ru", "uk", "ar")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("איך מאפסים את ה hub שלי?", "he"),
        ("如何重置 Hubworks 集线器", "zh"),
        ("ハブをリセットする方法", "ja"),
        ("허브를 어떻게 재설정하나요", "ko"),
        ("كيف أعيد ضبط الموزع", "ar"),
        ("Come posso ripristinare il mio hub senza perdere tutti i dati che ho salvato?", "it"),
        ("Jak mogę zresetować urządzenie bez utraty wszystkich danych, które zapisałem?", "pl"),
        ("How can I reset the hub without losing all the data that I have stored on it?", "en"),
        ("Reset hub", "en"),
        ("如何重置hub_2集线器", "zh"),
        ("x = 1", "en"),
        ("", "en"),
        ("https://forum.example.net/איך", "en"),
    ],
)
def test_scripts_decide_and_the_model_only_where_it_must(text: str, expected: str) -> None:
    """Each script names its language; Latin ones need a sentence; little or nothing is the default."""
    assert detect(text, None, SITE) == expected


def test_a_huge_word_is_no_matter() -> None:
    """Only the beginning is looked at, and no pattern goes back and forth over it."""
    assert detect("a" * 2_000_000, None, SITE) == "en"


def test_a_hint_decides_short_texts_only() -> None:
    """The source's language stands where the text does not tell."""
    assert detect("Reset", "it", SITE) == "it"
    assert detect("איפוס הרכזת", "it", SITE) == "he"
    assert detect("Reset", "fr", SITE) == "en"


def test_a_page_is_only_ever_in_a_language_of_the_site() -> None:
    """Whatever the text, the result is one of the site's own codes."""
    assert detect("איפוס הרכזת", None, ("en",)) == "en"
    assert detect("重置集线器", None, ("en", "ja")) == "ja"
    assert detect("Reset", "pt", ("en", "pt-BR")) == "pt-BR"


@given(st.text(max_size=80))
def test_detection_never_fails(text: str) -> None:
    """Any text has an answer, the same each time."""
    assert detect(text, None, SITE) == detect(text, None, SITE)


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        ("https://a.example/x?y=1&z=2#f", "https://a.example/x?y=1&z=2#f"),
        (" HTTPS://A.Example/X ", "https://a.example/X"),
        ("https://a.example:8080/", "https://a.example:8080/"),
        ("https://a.example/a b|c", "https://a.example/a%20b%7Cc"),
        ("https://a.example/100%", "https://a.example/100%25"),
        ("https://a.example/%C3%A9", "https://a.example/%C3%A9"),
        ("https://a.example/é/重", "https://a.example/é/重"),
        ("https://a.example/x?q=[1]", "https://a.example/x?q=%5B1%5D"),
        ("kb:community:12", "kb:community:12"),
        ("kb:community", ""),
        ("https://", ""),
        ("https://a.example:99999/", ""),
        ("https://u:p@a.example/", ""),
        ("//a.example/", ""),
        ("ftp://a.example/", ""),
        ("javascript:alert(1)", ""),
        ("https://a b.example/", ""),
        ("", ""),
    ],
)
def test_addresses_are_made_valid_or_refused(href: str, expected: str) -> None:
    """Web addresses and references pass, in a form validators accept; everything else does not."""
    assert clean_href(href) == expected
    assert clean_href(expected) == expected


@given(st.text(max_size=60).map("https://a.example/".__add__) | st.text(max_size=60))
def test_a_cleaned_address_stays(href: str) -> None:
    """Cleaning twice changes nothing, and no result can leave its attribute."""
    cleaned = clean_href(href)
    assert clean_href(cleaned) == cleaned
    assert not set(cleaned) & set('"<>` \n\t')


def test_hosts_are_lower_case() -> None:
    """A host compares whatever its case; nonsense has none."""
    assert (host_of("https://Forum.Example.net/x"), host_of("x"), host_of("http://[")) == ("forum.example.net", "", "")


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        ("lang-py prettyprint-override", "python"),
        ("language-c++", "cpp"),
        ("hljs lang-auto", ""),
        ("highlight highlight-source-python", "python"),
        ("lang-nonsense", ""),
        ("python", ""),
        ("", ""),
    ],
)
def test_only_a_declared_language_is_used(classes: str, expected: str) -> None:
    """A class has to say that it names a language, and Pygments has to know it."""
    assert known_language(classes) == expected


def test_code_is_escaped_coloured_or_not() -> None:
    """With or without a language nothing of the code is markup; long code is not coloured."""
    assert highlight("<b>", "") == "&lt;b&gt;"
    assert highlight("x < 1", "python") == (
        '<span class="n">x</span> <span class="o">&lt;</span> <span class="mi">1</span>'
    )
    assert "<span" not in highlight("x = 1\n" * 4000, "python")
    assert "<span" not in highlight("\n " * 6000, "nesc")
    assert "<span" in highlight("\n".join(f"name_{n} = call({n})" for n in range(400)), "python")
    assert "<span" in highlight("x = 1\n" * 100, "python")


def test_slow_lexers_have_a_smaller_share() -> None:
    """A lexer that takes long for hostile code is given a third of what others are, some are given next to nothing."""
    code = "\n".join(f"target{number}: x" for number in range(700))
    assert (3 * len(code), len(code), 0) == (share_of(code, "make"), share_of(code, "python"), share_of(code, ""))
    assert "<span" in highlight(code[:6_000], "make")
    assert "<span" not in highlight(code, "make")
    assert "<span" in highlight(code, "python")
    assert "<span" not in highlight("(" * 1_001, "fan")
    assert "<span" not in highlight("0x", "tnt")


@pytest.mark.parametrize(
    ("value", "expected"), [("2", 2), ("0", 1), ("-1", 1), ("101", 1), ("٣", 1), ("x", 1), (None, 1), ("0010000", 1)]
)
def test_spans_are_small_numbers(value: str | None, expected: int) -> None:
    """Nonsense spans one cell."""
    assert span(value) == expected


def test_fitting_row_spans_are_kept() -> None:
    """A span that leaves every row equally long stays."""
    table = render_table(
        "T", [[Cell("a", head=True), Cell("b", head=True)]], [[Cell("1", rowspan=2), Cell("2")], [Cell("3")]]
    )
    assert table == (
        '<div class="kb-table" tabindex="0" role="group" aria-label="Table"><table><caption>T</caption>'
        '<thead><tr><th scope="col">a</th><th scope="col">b</th></tr></thead>'
        '<tbody><tr><td rowspan="2">1</td><td>2</td></tr><tr><td>3</td></tr></tbody></table></div>'
    )
