"""Rules of ``kbgen.sources.markdown``."""

import threading

import pytest

from kbgen.errors import RecordError
from kbgen.sources.markdown import FrontMatter, render, split_front_matter


def test_a_file_without_front_matter_is_all_body() -> None:
    """No fence on the first line means no front matter, and the body starts on line 1."""
    assert FrontMatter({}, "# Plain\n\ntext", 1) == split_front_matter("# Plain\n\ntext", "a.md")


def test_yaml_front_matter_is_split_off() -> None:
    """YAML between dashes becomes data, and the body's line is counted in the file."""
    text = "\ufeff---\r\ntitle: Refunds\r\ntags: [money]\r\n---\r\nBody\r\n"
    assert FrontMatter({"title": "Refunds", "tags": ["money"]}, "Body\n", 5) == split_front_matter(text, "a.md")


def test_toml_front_matter_is_split_off() -> None:
    """TOML between plus signs, as Hugo writes it, becomes data."""
    text = '+++\ntitle = "Refunds"\nweight = 3\n+++\nBody'
    assert FrontMatter({"title": "Refunds", "weight": 3}, "Body", 5) == split_front_matter(text, "a.md")


def test_an_opening_rule_is_not_front_matter() -> None:
    """A file that begins with a horizontal rule and no key after it is all body."""
    assert FrontMatter({}, "---\n\nJust a rule.", 1) == split_front_matter("---\n\nJust a rule.", "a.md")


def test_empty_front_matter_is_no_data() -> None:
    """Two fences with nothing between them are an empty front matter."""
    assert FrontMatter({}, "Body", 3) == split_front_matter("---\n---\nBody", "a.md")


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ("---\ntags: [x]\ntitle: Refunds: how\n---\n", "a.md:3", "not valid YAML: mapping values"),
        ("---\ndate: 2024-13-45\n---\n", "a.md:2", "not valid YAML: '2024-13-45' is no date (month must be"),
        ("---\na: \x00\n---\n", "a.md:2", "not valid YAML: the character U+0000"),
        ("---\n- one\n- two\n---\n", "a.md:2", "`key: value`"),
        ("---\ntitle: Refunds\n\nBody", "a.md:1", "not closed; end it with a line ---"),
        ('+++\ntitle = "Refunds\n+++\n', "a.md:2", "not valid TOML"),
        ("+++\ntitle\n+++\n", "a.md:2", "not valid TOML"),
        ("---\na: " + "[" * 50_000 + "\n---\n", "a.md:2", "not valid YAML"),
    ],
)
def test_broken_front_matter_names_file_and_line(text: str, place: str, problem: str) -> None:
    """A broken front matter is a record error that names the file, the line and what is wrong."""
    with pytest.raises(RecordError) as caught:
        split_front_matter(text, "a.md")
    assert place == caught.value.place
    assert problem in caught.value.problem


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ('!!! note "Mind"\n    wet paint', '<p class="admonition-title">Mind</p>'),
        ("??? tip\n    more", "<summary>Tip</summary>"),
        ("- [x] done", '<input type="checkbox" disabled checked/>'),
        ("```python\nx = 1\n```", '<div class="language-python highlight"><pre>'),
        ("`#!python x`", '<code class="language-python highlight">'),
        ('=== "Hub"\n    plug in', '<label for="__tabbed_1_1">Hub</label>'),
        ("see[^1]\n\n[^1]: below", '<a class="footnote-ref" href="#fn:1">1</a>'),
        ("term\n:   meaning", "<dd>meaning</dd>"),
        ("a | b\n--|--\n1 | 2", "<th>a</th>"),
        ("para\n{: .wide }", '<p class="wide">para</p>'),
        ("<div markdown>\n*x*\n</div>", "<em>x</em>"),
        ("## Größe ändern", '<h2 id="größe-ändern">Größe ändern</h2>'),
    ],
)
def test_the_engines_extensions_are_there(text: str, html: str) -> None:
    """Every extension the site engine renders with also works here."""
    assert html in render(text)


def test_code_carries_no_line_numbers() -> None:
    """Highlighted code has Pygments' classes and no line numbers."""
    assert "linenos" not in render("```python\nx = 1\n```")


def test_one_text_leaves_nothing_for_the_next() -> None:
    """Rendering twice gives the same, footnotes and heading ids included."""
    text = "# Same\n\nnote[^1]\n\n[^1]: here"
    assert render(text) == render(text)


def test_threads_do_not_share_a_converter() -> None:
    """Texts rendered at the same time in two threads come out as they do alone."""
    texts = [f"# Page {number}\n\nnote[^1]\n\n[^1]: text {number}" for number in range(20)]
    alone = [render(text) for text in texts]
    found: dict[int, list[str]] = {}
    workers = [
        threading.Thread(target=lambda key=key: found.update({key: [render(text) for text in texts]})) for key in (0, 1)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert {0: alone, 1: alone} == found


def test_an_id_needs_no_space_before_it() -> None:
    """``## Title{#id}`` of other dialects names the heading; in a code block it is code."""
    html = render("## Reset it{#reset}\n\n```\n## Not a title{#here}\n```\n")

    assert '<h2 id="reset">Reset it</h2>' in html
    assert "{#here}" in html
