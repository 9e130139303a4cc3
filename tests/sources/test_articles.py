"""Rules of ``kbgen.sources.articles`` and the modules beside it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from source_builders import articles, parsed_articles, read, write_article

from kbgen.errors import RecordError, SourceError
from kbgen.model import Article, family_of


def only(project: Path, text: str, name: str = "a.md", **options: Any) -> Article:
    """The one article of a folder whose only file has this text."""
    write_article(project / "docs", name, text)
    (article,) = parsed_articles(articles(project, **options))
    return article


def test_front_matter_arrives_in_its_place(tmp_path: Path) -> None:
    """Every key of kbgen's own dialect is read."""
    text = """---
title: Reset a hub
description: How to begin again.
topics: [hubs]
tags: [reset, hub]
answers: ["forum:42", "stack:7"]
date: 2024-01-02
updated: 2024-05-06T10:00:00+02:00
reviewed: 2026-05-01
owner: Ada
lang: en
licence: CC BY 4.0
---
# Reset a hub

Press **it**.
"""
    assert only(tmp_path, text, "hubs/reset.md") == Article(
        ref="docs:hubs/reset",  # type: ignore[arg-type]
        title="Reset a hub",
        html="<p>Press <strong>it</strong>.</p>",
        text="Press it.",
        description="How to begin again.",
        topics=("hubs",),
        tags=("reset", "hub"),
        category=("hubs",),
        answers=("forum:42", "stack:7"),  # type: ignore[arg-type]
        created=datetime(2024, 1, 2, tzinfo=UTC),
        updated=datetime(2024, 5, 6, 8, tzinfo=UTC),
        reviewed=datetime(2026, 5, 1, tzinfo=UTC),
        owner="Ada",
        lang="en",
        licence="CC BY 4.0",
    )


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ('---\ntitle: "Reset"\nid: 900123\n---\n', "ref", "docs:900123"),
        ("---\nid: reset-hub\n---\n", "ref", "docs:reset-hub"),
        ("---\ntitle: 2024\n---\n", "title", "2024"),
        ("---\nlabels: [a, b]\ntags: a, c\n---\n", "tags", ("a", "c", "b")),
        ("---\nsection: Hubs\n---\n", "category", ("Hubs",)),
        ("---\ndraft: true\n---\n", "draft", True),
        ("---\ndraft: false\n---\n", "draft", False),
        ('+++\ntitle = "T"\ndraft = true\n+++\n', "draft", True),
        ('+++\ncategories = ["Hubs", "Old"]\n+++\n', "category", ("Hubs", "Old")),
        ("+++\ndate = 2024-01-02T03:04:05Z\n+++\n", "created", datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("+++\nlastmod = 2024-01-02\n+++\n", "updated", datetime(2024, 1, 2, tzinfo=UTC)),
        (
            "---\ndate:\n  created: 2024-01-02\n  updated: 2024-02-03\n---\n",
            "updated",
            datetime(2024, 2, 3, tzinfo=UTC),
        ),
        ("---\ndate:\n  created: 2024-01-02\n---\n", "created", datetime(2024, 1, 2, tzinfo=UTC)),
        ("---\nsummary: Short.\n---\n", "description", "Short."),
        ("---\nlicense: MIT\n---\n", "licence", "MIT"),
        ("---\ntags:\n---\n", "tags", ()),
        ("---\nhide: [navigation]\nweight: 3\nlayout: page\n---\n", "title", "A"),
    ],
)
def test_every_dialect_is_understood(text: str, field: str, value: object, tmp_path: Path) -> None:
    """Keys of MkDocs, Zendesk exports and Hugo are read, and keys nobody knows are left alone."""
    assert getattr(only(tmp_path, text), field) == value


@pytest.mark.parametrize(
    ("text", "name", "title", "html"),
    [
        ("---\ntitle: Reset\n---\n# Reset\n\nx", "a.md", "Reset", "<p>x</p>"),
        ("---\ntitle: Reset\n---\n# RESET {#r}\n\nx", "a.md", "Reset", "<p>x</p>"),
        ("---\ntitle: Reset\n---\n# Other\n\nx", "a.md", "Reset", '<h1 id="other">Other</h1>\n<p>x</p>'),
        ("# Reset *it*\n\nx", "a.md", "Reset it", "<p>x</p>"),
        ("Reset\n=====\n\nx", "a.md", "Reset", "<p>x</p>"),
        ("<style>b {}</style>\n\n# Reset\n\nx", "a.md", "Reset", "<style>b {}</style>\n\n\n<p>x</p>"),
        ("y\n\n# Reset\n", "a.md", "Reset", '<p>y</p>\n<h1 id="reset">Reset</h1>'),
        ("x", "reset-the_hub.md", "Reset the hub", "<p>x</p>"),
    ],
)
def test_the_title_is_said_once(text: str, name: str, title: str, html: str, tmp_path: Path) -> None:
    """The title is the front matter's, else the first heading, else the file's name; a heading repeating it goes."""
    article = only(tmp_path, text, name)
    assert (article.title, article.html) == (title, html)


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ("---\ntitle: [a]\n---\n", ":2", "`title` must be a text, not ['a']"),
        ("---\ntitle: x\n\ndate: soon\n---\n", ":4", "`date` must be a date such as 2026-05-01, not 'soon'"),
        ("---\nreviewed: 7\n---\n", ":2", "`reviewed` must be a date"),
        ("---\ndraft: later\n---\n", ":2", "`draft` must be true or false, not 'later'"),
        ("---\ntags: {a: b}\n---\n", ":2", "`tags` must be a list of words"),
        ("---\nanswers: [42]\n---\n", ":2", "`answers`: '42' is not a reference; write SOURCE:ID"),
        ("+++\nowner = [1]\n+++\n", ":2", "`owner` must be a text"),
        ("---\ntitle: a: b\n---\n", ":2", "the front matter is not valid YAML"),
        ("---\nid: [1]\n---\n", "", "`id: [1]` is not an id"),
        ("---\nid: a b\n---\n", "", "`id: 'a b'` is not an id"),
    ],
)
def test_a_wrong_value_names_file_line_and_key(text: str, place: str, problem: str, tmp_path: Path) -> None:
    """A value of the wrong type is an error with its place, and the other files are read."""
    file = write_article(tmp_path / "docs", "b.md", text)
    write_article(tmp_path / "docs", "a.md", "x")
    records, (error,) = read(articles(tmp_path))
    assert [record.ref for record in records] == ["docs:a"]
    assert error.place == f"{file}{place}"
    assert problem in error.problem


def test_links_between_articles_hold(tmp_path: Path) -> None:
    """Links to other files of the folder become references to those articles, fragments kept."""
    write_article(tmp_path / "docs", "hubs/led.md", "---\nid: 77\n---\nx")
    write_article(tmp_path / "docs", "hubs/two words.md", "x")
    text = (
        "[a](led.md) [b](./led.md#red) [c](../top.md) [d](gone.md) [e](https://x.example.com/led.md) [f](#here) "
        "[g][ref] [h](<two words.md>) [i](two%20words.md)\n\n[ref]: ../hubs/led.md"
    )
    write_article(tmp_path / "docs", "top.md", "x")
    write_article(tmp_path / "docs", "hubs/reset.md", text)
    found = {article.ref: article for article in parsed_articles(articles(tmp_path))}
    article = found["docs:hubs/reset"]  # type: ignore[index]
    assert article.html == (
        '<p><a href="kb:docs:77">a</a> <a href="kb:docs:77#red">b</a> <a href="kb:docs:top">c</a> d '
        '<a href="https://x.example.com/led.md">e</a> <a href="#here">f</a> <a href="kb:docs:77">g</a> '
        '<a href="kb:docs:hubs/two-words">h</a> <a href="kb:docs:hubs/two-words">i</a></p>'
    )
    assert article.warnings == ("1 link to files that are not articles here became plain text.",)


def test_a_changed_id_changes_the_record_that_links_to_it(tmp_path: Path) -> None:
    """A record depends on the ids it links to, so that a changed one is noticed."""
    write_article(tmp_path / "docs", "a.md", "[b](b.md)")
    other = write_article(tmp_path / "docs", "b.md", "---\nid: 1\n---\nx")
    before = read(articles(tmp_path))[0][0]
    other.write_text("---\nid: 2\n---\nx", encoding="utf-8")
    after = read(articles(tmp_path))[0][0]
    assert (before.ref, after.ref) == ("docs:a", "docs:a")
    assert before.digest != after.digest


def test_pictures_of_the_folder_become_their_descriptions(tmp_path: Path) -> None:
    """A relative picture leaves its description and is counted; one from elsewhere stays."""
    article = only(tmp_path, "![The hub](img/hub.png) ![](x.svg) ![far](https://x.example.com/a.png)")
    assert article.html == '<p>The hub  <img alt="far" src="https://x.example.com/a.png"/></p>'
    assert article.warnings == ("2 pictures of the folder became the description, as no files are copied.",)


def test_an_article_may_live_elsewhere(tmp_path: Path) -> None:
    """The template gives the address, and other relative links are seen from there."""
    template = "https://help.example.com/{path}/{id}-{slug}"
    text = "---\nid: 7\nslug: reset\n---\n[files](/files/a.pdf)"
    article = only(tmp_path, text, "hubs/old name.md", url_template=template)
    assert article.url == "https://help.example.com/hubs/old%20name/7-reset"
    assert article.html == '<p><a href="https://help.example.com/files/a.pdf">files</a></p>'
    assert read(articles(tmp_path, url_template=template))[0][0].url == article.url


@pytest.mark.parametrize(
    "template", ["/a/{id}", "https://x.example.com/a", "https://x.example.com/{name}", "ftp://x/{id}"]
)
def test_a_template_is_an_absolute_address_with_known_fields(template: str, tmp_path: Path) -> None:
    """A template that could not lead to an article is refused when the configuration is read."""
    with pytest.raises(ValidationError, match="must be an absolute address with the fields"):
        articles(tmp_path, url_template=template)


def test_files_the_engine_renders_are_read_for_search(tmp_path: Path) -> None:
    """The project's own articles get their page's path and text, and their index pages are the engine's alone."""
    write_article(tmp_path / "docs", "index.md", "# All")
    write_article(tmp_path / "docs", "hubs/README.md", "# Hubs")
    article = only(tmp_path, "# Reset\n\n![x](x.png) Press *it*.", "hubs/reset.md", rendered_by_engine=True)
    shown = (article.path, article.html, article.text, article.url, article.warnings)
    assert shown == ("/articles/hubs/reset/", "", "x Press it.", None, ())


def test_alerts_become_admonitions(tmp_path: Path) -> None:
    """The alert blocks of Markdown hosts are admonitions here; other quotes stay quotes."""
    article = only(tmp_path, "> [!IMPORTANT]\n> Unplug it.\n\n---\n\n> Quoted.")
    assert article.html == (
        '<div class="admonition info"><p class="admonition-title">Important</p>\n<p>Unplug it.</p>\n</div>\n'
        "<hr/>\n<blockquote>\n<p>Quoted.</p>\n</blockquote>"
    )


def test_icons_are_not_shown_as_words(tmp_path: Path) -> None:
    """Icon shortcodes vanish from the text, and stay in code."""
    article = only(tmp_path, ":material-home:{ .big } Home `:material-home:`")
    assert article.html == "<p> Home <code>:material-home:</code></p>"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Press :gear: **Set**", "Press ⚙️ <strong>Set</strong>"),
        (":+1::tada:", ":+1::tada:"),
        ("at 10:30:45, a:x:b, :none:", "at 10:30:45, a:x:b, :none:"),
        ("`:gear:`", "<code>:gear:</code>"),
    ],
)
def test_names_of_emoji_become_emoji(text: str, shown: str, tmp_path: Path) -> None:
    """As on the hosts of such files; times, keys and code are none."""
    assert only(tmp_path, text).html == f"<p>{shown}</p>"


@pytest.mark.parametrize("mark", ["¶", "#", "", "\u200b"])
def test_what_generators_put_beside_headings_is_left_out(mark: str, tmp_path: Path) -> None:
    """A heading's link to itself is no word of it; other links to places, and names, stay."""
    html = f'<h2 id="a">A<a class="headerlink" href="#a" title="Link">{mark}</a></h2>'
    rest = '<p><a href="#a">A</a> <a name="b" href="#a"></a></p>'
    assert only(tmp_path, html + rest).html.split("\n") == ['<h2 id="a">A</h2>', rest]


@pytest.mark.parametrize(
    ("icon", "shown"),
    [
        ("material-check", "✓"),
        ("material-check-circle-outline", "✓"),
        ("fontawesome-solid-check", "✓"),
        ("octicons-check-circle-fill-16", "✓"),
        ("material-close-thick", "✗"),
        ("fontawesome-solid-circle-xmark", "✗"),
        ("octicons-x-16", "✗"),
        ("material-alert-outline", "⚠"),
        ("material-checkbook", ""),
        ("material-file-check", ""),
    ],
)
def test_icons_that_say_yes_or_no_become_signs(icon: str, shown: str, tmp_path: Path) -> None:
    """A table of features says nothing without them."""
    article = only(tmp_path, f"| Free |\n|---|\n| a:{icon}:{{ .green }} |")
    assert f"<td>a{shown}</td>" in article.html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a\x07b", "<p>ab</p>"),
        ("</p>", ""),
        ("<!-- later -->", ""),
        ("x<textarea>y", "<p>x<textarea>y&lt;/p&gt;</textarea></p>"),
        ('<a name="here"></a>x', '<p><a name="here"></a>x</p>'),
        ("![far](https://x.example.com/\u00e9)", '<p><img alt="far" src="https://x.example.com/\u00e9"/></p>'),
    ],
)
def test_odd_markup_is_read_as_far_as_it_goes(text: str, html: str, tmp_path: Path) -> None:
    """Control characters and comments vanish, what is left open is closed, and addresses stay as written."""
    assert only(tmp_path, text).html == html


def test_pattern_and_exclude_choose_files(tmp_path: Path) -> None:
    """Globs choose files: ``**`` any folders, ``*`` within a name."""
    for name in ("a.md", "en/b.md", "en/old/c.md", "he/d.md", "en/e.txt"):
        write_article(tmp_path / "docs", name, "x")
    source = articles(tmp_path, pattern="en/**/*.md", exclude=["**/old/*"])
    assert [record.ref for record in read(source)[0]] == ["docs:en/b"]


def test_two_files_with_one_id_are_told(tmp_path: Path) -> None:
    """The second file with an id is an error that names the first."""
    write_article(tmp_path / "docs", "a.md", "---\nid: 1\n---\n")
    write_article(tmp_path / "docs", "b.md", "---\nid: 1\n---\n")
    records, (error,) = read(articles(tmp_path))
    assert [record.ref for record in records] == ["docs:1"]
    assert str(error) == f"{tmp_path}/docs/b.md: the id 1 is already that of a.md; give one of them another `id:`"


def test_a_file_that_is_not_text_is_told(tmp_path: Path) -> None:
    """A file in another encoding is an error with what to do."""
    write_article(tmp_path / "docs", "a.md", "x").write_bytes(b"caf\xe9")
    _, (error,) = read(articles(tmp_path))
    assert error.problem == "is not UTF-8 at byte 3; save it as UTF-8"


def test_links_of_the_file_system_are_not_followed(tmp_path: Path) -> None:
    """A link among the articles does not publish the file it leads to."""
    secret = write_article(tmp_path, "secret.md", "secret")
    write_article(tmp_path / "docs", "a.md", "x")
    (tmp_path / "docs/b.md").symlink_to(secret)
    assert [record.ref for record in read(articles(tmp_path))[0]] == ["docs:a"]


@pytest.mark.parametrize("call", ["records", "fingerprint"])
def test_a_missing_folder_is_a_source_error(call: str, tmp_path: Path) -> None:
    """A path that leads nowhere is named with what to do."""
    with pytest.raises(SourceError, match="docs: no such folder; check `path:`"):
        list(getattr(articles(tmp_path), call)())


def test_nesting_made_to_overrun_the_reader_is_told(tmp_path: Path) -> None:
    """A text nested too deeply is an error of that article alone."""
    file = write_article(tmp_path / "docs", "a.md", "> " * 600 + "x")
    source = articles(tmp_path)
    (record,), _ = read(source)
    with pytest.raises(RecordError, match="is nested too deeply, or repeats") as caught:
        source.parse(record)
    assert caught.value.place == str(file)


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("ru/hubs/reset.md", "docs:hubs/reset"),
        ("i18n/zh-Hant/hubs/reset.md", "docs:hubs/reset"),
        ("hubs/reset.pt-BR.md", "docs:hubs/reset"),
        ("hubs/reset.md", "docs:hubs/reset"),
        ("v1.2/reset.md", "docs:v1.2/reset"),
        ("hubs/reset.v2.md", "docs:hubs/reset.v2"),
    ],
)
def test_the_same_file_in_another_language_is_a_version(tmp_path: Path, name: str, family: str) -> None:
    """A folder or suffix that is a language is taken off; what is left names the family."""
    found = only(tmp_path, "# Reset", name)

    assert family_of(found.ref, found) == family


def test_front_matter_names_the_original(tmp_path: Path) -> None:
    """``translation_of`` is an id of the same source, or a ref of any."""
    families = []
    for number, original in enumerate(("7", "guides:7")):
        found = only(tmp_path / str(number), f"---\ntranslation_of: {original}\n---\n# Reset")
        families.append(family_of(found.ref, found))

    assert families == ["docs:7", "guides:7"]
