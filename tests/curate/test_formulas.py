"""Formulas in posts become MathML, and nothing but MathML, only where their community has formulas."""

import re
import resource
from html import escape

import pytest
from curate_samples import ASKER, LONG, post, thread
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree

from kbgen.config import PrivacyConfig, RulesConfig
from kbgen.curate.formulas import Formulas
from kbgen.curate.item import Context, curate_thread
from kbgen.curate.mathml import LONGEST, to_mathml
from kbgen.curate.mathml_words import FORMULA, words_of
from kbgen.curate.overlays import with_formulas
from kbgen.curate.sanitise import safe_html
from kbgen.curate.text import plain_text
from kbgen.model import Curated, Overlay, Ref, SafeHtml, Taxonomy
from kbgen.report.as_markdown import markdown_of
from kbgen.sources.base import MathMarks, SourceOptions
from kbgen.sources.stackexchange import StackExchangeOptions

# Presentation elements of MathML Core, written out here a second time on purpose.
ELEMENTS = {
    *("math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "msub", "msup"),
    *("msubsup", "mover", "munder", "munderover", "mfrac", "msqrt", "mroot", "mtable", "mtr"),
    *("mtd", "mstyle", "mpadded", "mphantom", "span"),
}
ATTRIBUTES = {
    *("alttext", "display", "class", "tabindex", "stretchy", "form", "lspace", "rspace", "minsize"),
    *(
        "maxsize",
        "movablelimits",
        "largeop",
        "width",
        "height",
        "depth",
        "displaystyle",
        "scriptlevel",
        "linethickness",
    ),
    *("accent", "mathvariant"),
}


def shown(tex: str, *, display: bool = False) -> str:
    """One formula as MathML; "-" for none."""
    made = to_mathml(tex, display=display, macros={})
    return "-" if made is None else made


def inside(tex: str, *, display: bool = False) -> str:
    """What stands in the element ``math``."""
    return re.sub(r"</?(math|span)[^>]*>", "", shown(tex, display=display))


def in_html(html: str, marks: MathMarks = "dollar") -> str:
    """A post's HTML with its formulas, as curation makes it."""
    formulas = Formulas(marks)
    return formulas.html(safe_html(formulas.declared(html)))


def curated(question: str, answer: str, *, title: str = "How do I write a state?", math: str = "on") -> Curated:
    """A thread of a community, curated."""
    options = SourceOptions.model_validate({"name": "community", "kind": "x", "math": math})
    context = Context(RulesConfig(), PrivacyConfig(), Taxonomy(), options)
    asked = post("q", question, ASKER)
    return curate_thread(thread(post("a", answer), accepted=("a",), title=title, question=asked), context)


@pytest.mark.parametrize(
    ("tex", "expected"),
    [
        (r"x_i^2", "<msubsup><mi>x</mi><mi>i</mi><mn>2</mn></msubsup>"),
        (r"\frac{1}{2}", "<mfrac><mn>1</mn><mn>2</mn></mfrac>"),
        (r"\mathbb{R}\mathcal H\mathbf{A}", "<mi>ℝ</mi><mi>ℋ</mi><mi>𝐀</mi>"),
        (r"\mathrm{Tr}", "<mi>Tr</mi>"),
        (r"a\left<b\right>", '<mi>a</mi><mrow><mo form="prefix" stretchy="true">⟨</mo><mi>b</mi>'),
        (r"\infty", "<mi>∞</mi>"),
        (r"\boxed{x}", '<mrow class="kb-box"><mi>x</mi></mrow>'),
        (r"\text{a < b}", "<mtext>a\u00a0&lt;\u00a0b</mtext>"),
    ],
)
def test_tex_becomes_mathml(tex: str, expected: str) -> None:
    """A formula is written with the elements and characters browsers know."""
    assert expected in inside(tex)


def test_a_comment_at_the_end_hides_nothing() -> None:
    """Definitions often end with one; where something follows, it is not known where the comment ended."""
    assert shown("x^2 %\n") == shown("x^2")
    assert (shown(r"\newcommand{\ket}[1]{|#1\rangle} % "), shown("x % y"), inside(r"50\%")) == (
        "",
        "-",
        "<mn>50</mn><mi>%</mi>",
    )


def test_limits_stand_below_their_operator_on_a_line_of_their_own() -> None:
    """``lim`` and its kind have limits beneath them in a displayed formula, and beside them in a line."""
    found = [inside(r"\lim_{n} n", display=display)[:7] for display in (True, False)]

    assert found == ["<munder", "<msub><"]


def test_aligned_equations_keep_their_columns() -> None:
    """``align`` is a table whose columns meet at the sign; it has no numbers, as the community shows none."""
    found = inside(r"\begin{align}a&=b\\ &=c\end{align}", display=True)

    assert (found.count("kb-right"), found.count("kb-left"), "(1)" in found) == (2, 2, False)


def test_wide_formulas_scroll() -> None:
    """What may be wider than a phone stands in an element that scrolls and can be reached by keyboard."""
    narrow, wide = shown("x", display=True), shown("+".join("abcdefghijklmnopqr"), display=True)

    assert narrow.startswith("<math")
    assert wide.startswith('<span class="kb-math kb-math--block" tabindex="0"><math display="block"')


@pytest.mark.parametrize(
    "tex",
    [
        r"\foo",
        r"\ce{H2O}",
        r"\cancel{x}",
        r"\begin{tikzpicture}x\end{tikzpicture}",
        r"\begin{array}{@{}c}1\end{array}",
        "a % b",
        r"\text{if $x$}",
        r"\left(",
        r"\frac",
        "x^",
        r"\rule{1em}{1em}",
        "a & b",
        "x" * (LONGEST + 1),
        r"\def\a{" + "x" * 100 + "}" + r"\a" * 51,
        r"\newcommand{\b}[1]{" + "#1" * 10 + r"}\b{x}",
        "{" * 60 + "x" + "}" * 60 + "^" * 3,
    ],
)
def test_what_is_not_understood_stays_tex(tex: str) -> None:
    """Half a formula would say something else than its author; the reader then sees what was written."""
    assert shown(tex) == "-"


HOSTILE = [
    r"\href{javascript:alert(1)}{x}",
    r"\text{<script>alert(1)</script>}",
    r"\text{&lt;img src=x onerror=alert(1)&gt;}",
    r"\text{\" onmouseover=\"x}",
    r"\class{md-overlay}{x}",
    r"\style{position:fixed;inset:0}{x}",
    r"\require{action}\toggle{x}{y}\endtoggle",
    r"\unicode{x3c}script\unicode{x3e}",
    r"\unicode{x202e}\unicode{xfffe}\unicode{0}\unicode{x3c;script}",
    r"\color{url(javascript:x)}{y}",
    r"\hspace{9999em}\kern{9999em}\mspace{9999mu}",
    r"\operatorname{<b>}",
    r"\verb|<script>|",
    r"\mathchoice{<a>}{b}{c}{d}",
    r"\newcommand{\x}{\href{javascript:y}}\x{z}",
    "x</math><script>alert(1)</script>",
]


@pytest.mark.parametrize("tex", HOSTILE)
def test_hostile_tex_makes_nothing_but_presentation(tex: str) -> None:
    """No TeX becomes a link, a script, a style, a class of the theme's, or a character that turns text around."""
    assert_presentation(shown(tex, display=True))
    assert_presentation(in_html(f"<p>${escape(tex)}$ and $${escape(tex)}$$</p>"))


def assert_presentation(html: str) -> None:
    """Fail when there is anything but MathML's presentation elements in the formulas of a text."""
    assert not set(html) & set("\u202e\ufffe\x00")
    for found in FORMULA.findall(html):
        root = etree.fromstring(found)
        assert {one.tag for one in root.iter()} <= ELEMENTS
        assert {name for one in root.iter() for name in one.attrib} <= ATTRIBUTES
        assert {one.get("class") for one in root.iter()} <= {
            None,
            "kb-box",
            "kb-left",
            "kb-right",
            "kb-lined",
            "kb-ruled",
        }
    outside = FORMULA.sub("", html)
    assert "<script" not in outside
    assert "javascript:" not in re.sub(r">[^<]*<", "><", outside)


PIECES = [
    *"{}[]^_&$%\\ <>\"'ab1,|",
    r"\frac",
    r"\left",
    r"\right",
    r"\text",
    r"\begin{matrix}",
    r"\sqrt",
    r"\end{matrix}",
]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES)).map("".join))
@example('\\text{"<}')
def test_any_tex_is_well_formed_or_left_alone(tex: str) -> None:
    """Whatever stands between dollar signs, the page stays well-formed and has no foreign element."""
    assert_presentation(in_html(f"<p>${escape(tex)}$</p>"))
    etree.fromstring(f"<div>{shown(tex)}</div>")


@pytest.mark.parametrize(
    "text",
    [
        "$" * 100_000,
        "${" * 50_000,
        r"\(" * 50_000,
        r"\begin{align}" * 7_000,
        "$" + "x" * 100_000 + "$",
        "$$" + "{" * 1_900 + "}" * 1_900 + "$$",
        "$" + r"\sqrt" * 700 + "x$",
        r"$\newcommand{\a}{\a\a}\a$" * 4_000,
        (r"$\def\a{" + "x" * 190 + "}" + r"\a" * 90 + "$") * 250,
        (r"$\newcommand{\b}[1]{" + "#1" * 80 + "}" + r"\b{" * 20 + "x" + "}" * 20 + "$") * 300,
        "".join(f"${number}^{number}$" for number in range(9_000)),
    ],
    ids=["dollars", "braces", "open", "environments", "long", "deep", "roots", "endless", "swollen", "doubled", "many"],
)
def test_an_attack_ends_soon(text: str) -> None:
    """A hundred kilobytes of TeX made to hang or to swell cost some seconds at most, and little room."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    found = Formulas("dollar").html(SafeHtml(text))

    assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - before < 15
    assert len(found) < 3_000_000


def test_a_post_cannot_bring_mathml_of_its_own() -> None:
    """The sanitiser lets no element of MathML through, wherever formulas are on."""
    hostile = '<math href="javascript:x"><maction actiontype="statusline"><mi xlink:href="x">a</mi></maction></math>'

    assert in_html(f"<p>{hostile} b</p>") == "<p>b</p>"


@pytest.mark.parametrize(
    "text",
    [
        "It costs $5 and $10.",
        "From $5-$10 a month.",
        "US$ 5, or US$ 10",
        "$5, $10 or $20",
        "a lone $ sign",
        "$ $",
        "$$",
    ],
)
def test_money_is_no_formula(text: str) -> None:
    """Prices stay what they are, also where dollar signs are formulas."""
    assert in_html(f"<p>{text}</p>") == f"<p>{text}</p>"


def test_formulas_are_found_by_their_marks() -> None:
    """Every delimiter MathJax knows begins a formula; an escaped dollar sign is a dollar sign."""
    html = r"<p>$a$ $$b$$ \(c\) \[d\] \begin{align}e\end{align} \$5 $f $</p>"
    found = [
        (re.findall('display="block"', one) != [], re.findall(r"<mi>(.)", one))
        for one in FORMULA.findall(in_html(html))
    ]

    assert found == [(False, ["a"]), (True, ["b"]), (False, ["c"]), (True, ["d"]), (True, ["e"]), (False, ["f"])]
    assert " $5 " in in_html(html)


def test_code_and_addresses_have_no_formulas() -> None:
    """What a reader copies is code, and an address stays one."""
    html = '<p><code>$x$</code> <kbd>$y$</kbd> <a href="https://a.example/$x$">z</a></p><pre>$a$</pre>'

    assert in_html(html) == safe_html(html)


def test_a_text_without_formulas_is_not_touched() -> None:
    """A text with no mark of a formula is given back as it is, the same object."""
    html = safe_html("<p>Plain words, \u20ac5.</p>")

    assert Formulas("dollar").html(html) is html


@pytest.mark.parametrize(
    ("marks", "expected"),
    [("none", 0), ("marked", 0), ("escaped-dollar", 2), ("dollar", 3)],
)
def test_each_community_has_marks_of_its_own(marks: MathMarks, expected: int) -> None:
    r"""Where a dollar sign is money, only ``\$`` or ``$$`` begin a formula; elsewhere nothing does."""
    html = "<p>$x$, then $$y$$ and \\$z\\$ or $w$</p>" if marks != "escaped-dollar" else r"<p>$5 $$y$$ and \$z\$ $</p>"

    assert len(FORMULA.findall(in_html(html, marks))) == expected


def test_marked_formulas_need_no_setting() -> None:
    """What the community's own renderer marked is a formula, and dollar signs beside it are money."""
    html = '<p><span class="math">\\alpha &lt; 1</span> for $5 or $6</p><div class="math">\nx^2\n</div>'
    found = in_html(html, "marked")

    assert [words_of(one) for one in FORMULA.findall(found)] == ["α < 1", "x^2"]
    assert "for $5 or $6" in found
    assert "<math" not in in_html(html, "none")


def test_a_definition_holds_for_the_rest_of_the_thread() -> None:
    r"""``\newcommand`` in the question is known in the answers, as on the community's page, and shows nothing itself."""
    item = curated(r"<p>$\newcommand{\K}[1]{|#1\rangle}$ What is $\K{0}$?</p>", f"<p>It is $\\K{{1}}$. {LONG}</p>")

    assert item.question is not None
    assert item.question.text == "What is |0⟩?"
    assert item.answers[0].text.startswith("It is |1⟩.")


@pytest.mark.parametrize(
    ("tex", "expected"),
    [
        (r"\left|\psi\right\rangle=\frac{a+b}{\sqrt 2}", "|ψ⟩ = (a + b)/√2"),
        (r"\hat U^\dagger\mathbf{AB}", "Û†AB"),
        (r"x^{n+1}_i", "x_i^(n + 1)"),
        (r"\log_2 n\sin x", "log_2 n sin x"),
        (r"\begin{pmatrix}1&0\\0&1\end{pmatrix}", "(1, 0; 0, 1)"),
        (r"-x-1", "−x − 1"),
        (r"\underbrace{a}_{b}", "a_b"),
        (r"\binom nk", "(n k)"),
        (r"\mathbb{C}^n", "ℂ^n"),
        (r"\ket{0}", "|0⟩"),
        (r"\vec v", "v\u20d7"),
        (r"a\stackrel{?}{=}b", "a =^? b"),
    ],
)
def test_a_formula_is_read_as_a_line(tex: str, expected: str) -> None:
    """Search, descriptions and structured data hold a formula as people write it in a mail."""
    assert words_of(FORMULA.findall(shown(tex))[0]) == expected


def test_texts_beside_the_page_are_plain() -> None:
    """Title, description and text have no TeX and no markup; the page has MathML that names its TeX."""
    item = curated(
        "<p>What is it?</p>", f"<p>The state $\\frac{{1}}{{2}}$ is it. {LONG}</p>", title=r"What is $|0\rangle$?"
    )

    assert (item.title, item.description[:20]) == ("What is |0⟩?", "The state 1/2 is it.")
    assert item.answers[0].text.startswith("The state 1/2 is it.")
    assert '<math alttext="\\frac{1}{2}">' in item.answers[0].html


@pytest.mark.parametrize(("math", "expected"), [("auto", False), ("off", False), ("on", True)])
def test_formulas_are_on_where_a_source_says_so(math: str, *, expected: bool) -> None:
    """A source nobody said anything of has prices, not formulas."""
    item = curated("<p>What is $x$?</p>", f"<p>{LONG}</p>", math=math)

    assert item.question is not None
    assert ("<math" in item.question.html) is expected


@pytest.mark.parametrize(
    ("url", "math", "expected"),
    [
        ("https://quantumcomputing.stackexchange.com", "auto", "dollar"),
        ("https://math.meta.stackexchange.com", "auto", "dollar"),
        ("https://mathoverflow.net", "auto", "dollar"),
        ("https://meta.mathoverflow.net", "auto", "dollar"),
        ("https://electronics.stackexchange.com", "auto", "escaped-dollar"),
        ("https://electronics.stackexchange.com", "on", "escaped-dollar"),
        ("https://bicycles.stackexchange.com", "auto", "marked"),
        ("https://bicycles.stackexchange.com", "on", "dollar"),
        ("https://math.stackexchange.com", "off", "none"),
        ("https://math.stackexchange.com.evil.example", "auto", "marked"),
    ],
)
def test_sites_known_to_have_formulas_need_no_setting(url: str, math: str, expected: str) -> None:
    """Of Stack Exchange's sites it is known which show formulas; the operator has the last word."""
    options = StackExchangeOptions.model_validate({"name": "a", "kind": "stackexchange", "url": url, "math": math})

    assert options.math_marks == expected


def test_a_formula_taken_over_by_a_writer_is_tex_again() -> None:
    """``kbgen promote`` writes the TeX a writer can go on with."""
    made = in_html(r"<p>So $\frac{a_1}{2}$ is it.</p>")

    assert markdown_of(made) == "So $\\\\frac{a\\_1}{2}$ is it.\n"


def test_a_writer_writes_formulas_too() -> None:
    """An overlay on a thread of a community with formulas has formulas; on others, dollar signs."""
    overlay = Overlay(
        Ref("community:1"), "a.md", body=safe_html("<p>It is $x_1$.</p>"), text=plain_text("It is $x_1$.")
    )
    made = [
        with_formulas(overlay, SourceOptions.model_validate({"name": "community", "kind": "x", "math": math}))
        for math in ("on", "auto")
    ]

    assert [(one.text, "<math" in (one.body or "")) for one in made] == [("It is x_1.", True), ("It is $x_1$.", False)]
