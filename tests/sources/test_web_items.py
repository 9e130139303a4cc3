"""Structured data: JSON-LD as content systems really write it, and microdata."""

import json

import pytest
from lxml.html import HtmlElement

from kbgen.sources.web_body import parse_page
from kbgen.sources.web_items import Graph, Html, Item, read_jsonld, read_microdata


def page(*blocks: str, body: str = "") -> HtmlElement:
    """A page with blocks of JSON-LD."""
    scripts = "".join(f'<script type="application/ld+json">{block}</script>' for block in blocks)
    root = parse_page(f"<html><head>{scripts}</head><body>{body}</body></html>")
    assert root is not None
    return root


def names(*blocks: str) -> list[str]:
    """The names of the items of all blocks."""
    return [str(item.props["name"][0]) for item in read_jsonld(page(*blocks))[0]]


GOOD = '{"@type": "Thing", "name": "good"}'


@pytest.mark.parametrize(
    "block",
    [
        '\ufeff{"@type": "Thing", "name": "x"}',
        '<!-- made by a machine -->\n{"@type": "Thing", "name": "x"}',
        '<!--\n{"@type": "Thing", "name": "x"}\n-->',
        '//<![CDATA[\n{"@type": "Thing", "name": "x"}\n//]]>',
        '/* <![CDATA[ */{"@type": "Thing", "name": "x"}/* ]]> */',
        '<![CDATA[[{"@type": "Thing", "name": "x"}]]]>',
        '{"@type": "Thing", "name": "x",}',
        '{"@type": "Thing", "keywords": ["a", "b",], "name": "x"};',
        "{&quot;@type&quot;: &quot;Thing&quot;, &quot;name&quot;: &quot;x&quot;}",
        '{"@graph": [{"@type": "http://schema.org/Thing", "http://schema.org/name": {"@value": "x"}}]}',
    ],
)
def test_a_block_is_read_however_it_is_wrapped(block: str) -> None:
    """Byte order marks, comments, CDATA, commas too many and escaped quotes do not hide what a block says."""
    assert names(block, GOOD) == ["x", "good"]


def test_a_comma_in_a_text_stays() -> None:
    """Mending commas too many leaves the texts alone."""
    assert names('{"name": "a,] \\",}", "x": 1,}') == ['a,] ",}']


def test_raw_line_ends_in_strings_are_read() -> None:
    """A line end inside a string is not JSON, yet often written."""
    items, broken = read_jsonld(page('{"name": "n", "text": "one\ntwo"}'))
    assert ([item.props["text"] for item in items], broken) == ([["one\ntwo"]], 0)


@pytest.mark.parametrize("bad", ["{", "nothing", "", '{"a" "b"}', "[" * 100_000, "<!--" * 50_000])
def test_a_broken_block_costs_no_other(bad: str) -> None:
    """What cannot be read is counted, and the blocks around it are read."""
    items, broken = read_jsonld(page(GOOD, bad, GOOD))
    assert ([item.props["name"] for item in items], broken) == ([["good"], ["good"]], 1)


def test_media_types_are_matched_as_media_types() -> None:
    """Case and parameters do not matter; other scripts are not read."""
    html = f'<script type="Application/LD+JSON; charset=utf-8">{GOOD}</script><script type="text/json">{GOOD}</script>'
    root = parse_page(html)
    assert root is not None
    assert len(read_jsonld(root)[0]) == 1


def test_references_are_resolved_through_the_whole_page() -> None:
    """An object with an id alone stands for the one that is described elsewhere, in arrays too."""
    data = {
        "@graph": [
            {"@type": ["WebPage", "QAPage"], "mainEntity": {"@id": "#q"}},
            {"@type": "Question", "@id": "#q", "name": "Why?", "acceptedAnswer": [{"@id": "#a"}]},
        ]
    }
    graph = Graph(read_jsonld(page(json.dumps(data), '{"@type": "Answer", "@id": "#a", "text": "So."}'))[0])
    question = graph.inner(graph.items[0], "mainEntity")[0]
    assert graph.items[0].types == ("WebPage", "QAPage")
    assert graph.text(question, "headline", "name") == "Why?"
    assert [graph.text(answer, "text") for answer in graph.inner(question, "acceptedAnswer")] == ["So."]


def test_a_circle_of_references_ends() -> None:
    """Items that contain each other are each met once."""
    block = '{"@id": "#a", "name": "a", "b": {"@id": "#b", "name": "b", "a": {"@id": "#a"}}}'
    graph = Graph(read_jsonld(page(block))[0])
    assert [graph.text(item, "name") for item in graph.walk()] == ["a", "b"]


def microdata(html: str) -> Graph:
    """The microdata of a page's body."""
    return Graph(read_microdata(page(body=html)))


def test_a_scope_owns_its_own_properties_only() -> None:
    """A comment's text and author are the comment's, not the answer's around it."""
    graph = microdata(
        '<div itemscope itemtype="https://schema.org/Answer"><div itemprop="text"><p>Do.</p></div>'
        '<div itemprop="comment" itemscope itemtype="https://schema.org/Comment"><i itemprop="text">No</i></div></div>'
    )
    answer = graph.items[0]
    assert (answer.types, answer.props["text"]) == (("Answer",), ["<p>Do.</p>"])
    assert isinstance(answer.props["text"][0], Html)
    assert [graph.text(comment, "text") for comment in graph.inner(answer, "comment")] == ["No"]


def test_values_are_read_by_the_element_they_are_in() -> None:
    """Links, times, numbers and hidden values each have their attribute; else the words count."""
    graph = microdata(
        '<div itemscope itemtype="x"><meta itemprop="a" content="1"><a itemprop="b" href="/2">two</a>'
        '<link itemprop="c" href="/3"><time itemprop="d" datetime="2026-01-01">today</time>'
        '<data itemprop="e" value="5">five</data><span itemprop="f" data-value="6">six</span><img itemprop="g" src="/7">'
        '<span itemprop="h i"> two  <b>words</b></span></div>'
    )
    assert {name: values[0] for name, values in graph.items[0].props.items()} == {
        "a": "1",
        "b": "/2",
        "c": "/3",
        "d": "2026-01-01",
        "e": "5",
        "f": "6",
        "g": "/7",
        "h": "two words",
        "i": "two words",
    }


def test_itemref_brings_what_stands_elsewhere() -> None:
    """Properties outside an item are its own when it refers to them."""
    graph = microdata('<div itemscope itemtype="x" itemref="n"></div><p id="n" itemprop="name">Far</p>')
    assert graph.text(graph.items[0], "name") == "Far"


def test_items_that_refer_to_each_other_are_read_in_time() -> None:
    """A page made to keep a reader busy for ever does not."""
    ids = " ".join(f"i{number}" for number in range(12))
    html = "".join(
        f'<div id="i{n}" itemscope itemprop="p" itemref="{ids}"><b itemprop="q">x</b></div>' for n in range(12)
    )
    assert len(microdata(html).items) > 0


def test_the_fullest_description_of_an_id_counts() -> None:
    """A thing named in one place and described in another is the described one."""
    thin, full = Item(id="#p", props={"name": ["x"]}), Item(id="#p", props={"name": ["x"], "url": ["/u"]})
    assert Graph([thin, full]).resolve(Item(id="#p")) is full
