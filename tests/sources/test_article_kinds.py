"""Rules of articles that are HTML pages, Word documents or an exported Confluence space."""

import io
import zipfile
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

import pytest
from source_builders import articles, parsed_articles, read, write_article

from kbgen.errors import RecordError, SourceError
from kbgen.model import Article
from kbgen.sources import article_docx, article_files
from kbgen.sources.article_html import decode_html

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Reset a hub | Help</title>
<meta name="description" content="How to begin again."><meta name="keywords" content="hub, reset,hub">
<meta name="author" content="Ada"><meta property="article:published_time" content="2024-01-02T10:00:00Z">
<meta property="article:modified_time" content="2024-05-06"><link rel="canonical" href="https://help.example.com/reset">
</head><body><nav><a href="/">Home</a></nav><main><h1>Reset a hub</h1><p>Press <b>it</b>.</p>
<script>track()</script><form><button>Vote</button></form></main><footer>(c)</footer></body></html>"""


def only(project: Path, text: str, name: str = "a.html", **options: Any) -> Article:
    """The one article of a folder whose only file has this text."""
    write_article(project / "docs", name, text)
    (article,) = parsed_articles(articles(project, **options))
    return article


def test_a_page_arrives_whole(tmp_path: Path) -> None:
    """The head says what the article is, the main element is the article, and the rest of the page stays away."""
    assert only(tmp_path, PAGE, "hubs/reset.html") == Article(
        ref="docs:hubs/reset",  # type: ignore[arg-type]
        title="Reset a hub",
        html="<p>Press <b>it</b>.</p>",
        text="Press it.",
        url="https://help.example.com/reset",
        description="How to begin again.",
        tags=("hub", "reset"),
        category=("hubs",),
        owner="Ada",
        created=datetime(2024, 1, 2, 10, tzinfo=UTC),
        updated=datetime(2024, 5, 6, tzinfo=UTC),
        lang="en",
    )


@pytest.mark.parametrize(
    ("text", "title", "html"),
    [
        ("<title>T</title><p>x</p>", "T", "<p>x</p>"),
        ("<title>T</title><h1>A</h1><h1>B</h1>", "T", "<h1>A</h1><h1>B</h1>"),
        ("<header>no</header><h1>A</h1>x<footer>no</footer><aside>no</aside>", "A", "x"),
        ("<article>x</article><p>y</p>", "A", "x"),
        ("<article>x</article><article>y</article>", "A", "<article>x</article><article>y</article>"),
        ('<div role="main"><header><h1>A</h1></header>x</div>y', "A", "<header></header>x"),
        ('<div id="content">a &amp; b<p hidden>no</p><svg></svg></div>', "A", "a &amp; b"),
        ("", "A", ""),
        ('<div id="content">a &lt;b&gt; c</div>', "A", "a &lt;b&gt; c"),
        ("<p>x\x07</p><!-- no -->", "A", "<p>x</p>"),
    ],
)
def test_the_main_element_is_the_article(text: str, title: str, html: str, tmp_path: Path) -> None:
    """It is found by its name or role, else it is the body without what frames it; a single h1 is the title."""
    article = only(tmp_path, text)
    assert (article.title, article.html) == (title, html)


@pytest.mark.parametrize("address", ["/reset", "javascript:x", "https:///x", "https://a.example/a b"])
def test_an_address_that_is_none_is_not_the_pages(address: str, tmp_path: Path) -> None:
    """A canonical link that leads nowhere else leaves the page at home here."""
    assert only(tmp_path, f'<link rel="canonical" href="{address}"><p>x</p>').url is None


def test_a_list_of_pages_is_known_by_more_than_its_name(tmp_path: Path) -> None:
    """A page called index.html is an article, in an export and outside of one."""
    write_article(tmp_path / "docs", "a/index.html", confluence("Start", "x"))
    write_article(tmp_path / "docs", "b/index.html", "<title>Home</title><p>y</p>")
    write_article(tmp_path / "docs", "c/index.html", INDEX)

    assert [article.title for article in parsed_articles(articles(tmp_path))] == ["Start", "Home"]


def test_days_written_for_people_are_not_known(tmp_path: Path) -> None:
    """What a page says of itself may be no date, and a title has no control characters."""
    head = (
        '<title>T\x07</title><meta name="date" content="last Monday"><meta name="last-modified" content="2024-05-06">'
    )
    article = only(tmp_path, f"<html><head>{head}</head><body><p>x</p></body></html>")

    assert (article.title, article.created, article.updated) == ("T", None, datetime(2024, 5, 6, tzinfo=UTC))


def test_a_file_no_article_is_as_large_as_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of a folder is not read when it is over the cap, and the others are."""
    monkeypatch.setattr(article_files, "MEMBER_CAP", 100)
    write_article(tmp_path / "docs", "a.md", "x")
    write_article(tmp_path / "docs", "b.md", "x" * 101)
    records, (error,) = read(articles(tmp_path))

    assert [record.ref for record in records] == ["docs:a"]
    assert error.problem == "is over 100 bytes; no article is so large, exclude it"


def test_a_selector_names_the_element(tmp_path: Path) -> None:
    """With `main` the element is the one the selector finds; a page without it is an error of that page."""
    write_article(tmp_path / "docs", "b.html", "<p>y</p>")
    write_article(tmp_path / "docs", "a.html", '<h1>T</h1><div class="body text">x &lt;</div>')
    source = articles(tmp_path, main="div.body")
    first, second = read(source)[0]
    parsed = source.parse(first)
    assert isinstance(parsed, Article)
    assert parsed.html == "x &lt;"
    with pytest.raises(RecordError, match=r"nothing in the page matches `main: div\.body`"):
        source.parse(second)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("caf\u00e9".encode(), "caf\u00e9"),
        ("caf\u00e9".encode("cp1252"), "caf\u00e9"),
        (b'<meta charset="koi8-r">\xcc', '<meta charset="koi8-r">\u043b'),
        (b'<META http-equiv=x content="text/html; charset=iso-8859-2">\xb1', '<META http-equiv=x content="text/html; charset=iso-8859-2">\u0105'),
        (b'<meta charset="klingon">\xc3\xa9', '<meta charset="klingon">\u00e9'),
        (b'<meta charset="utf-8">\xe9', '<meta charset="utf-8">\u00e9'),
        (b"\xef\xbb\xbfx", "x"),
        ("\ufeffx".encode("utf-16-le"), "x"),
        (b"\x81", "\x81"),
        (b" " * 1024 + b'<meta charset="koi8-r">\xc3\xa9', " " * 1024 + '<meta charset="koi8-r">\u00e9'),
    ],
)  # fmt: skip
def test_a_page_is_decoded_as_browsers_do(data: bytes, text: str) -> None:
    """Byte order mark, then what the page declares, then UTF-8, then Windows-1252."""
    assert decode_html(data) == text


def test_links_between_all_kinds_hold(tmp_path: Path) -> None:
    """Pages, Markdown and Word documents of one folder may link to each other."""
    write_article(tmp_path / "docs", "b.md", "[a](sub/a.html) and [c](c%20d.docx)")
    (tmp_path / "docs/c d.docx").write_bytes(docx(paragraph("See ") + link("b.md", "b")))
    page = '<a href="../b.md#x">b</a> <a href="../c%20d.docx?v=1">c</a> <a href="gone.html">d</a> <a href="/e">e</a>'
    write_article(tmp_path / "docs", "sub/a.html", f"<main>{page}<img src='i.png' alt='pic'></main>")
    found = {article.ref: article for article in parsed_articles(articles(tmp_path))}
    assert found["docs:b"].html == (  # type: ignore[index]
        '<p><a href="kb:docs:sub/a">a</a> and <a href="kb:docs:c-d">c</a></p>'
    )
    assert found["docs:sub/a"].html == '<a href="kb:docs:b#x">b</a> <a href="kb:docs:c-d">c</a> d epic'  # type: ignore[index]
    assert found["docs:c-d"].html == '<p>See </p><p><a href="kb:docs:b">b</a></p>'  # type: ignore[index]


def test_extensions_say_what_a_file_is(tmp_path: Path) -> None:
    """Other files, Word's lock files and hidden ones are no articles; a pattern narrows the choice."""
    for name in ("a.md", "b.HTML", "c.htm", "d.txt", "e.markdown", ".f.html", "~$g.docx", "h.css"):
        write_article(tmp_path / "docs", name, "x")
    assert [record.ref for record in read(articles(tmp_path))[0]] == ["docs:a", "docs:b", "docs:c", "docs:e"]
    assert [record.ref for record in read(articles(tmp_path, pattern="**/*.md"))[0]] == ["docs:a"]


def test_a_page_nested_too_deeply_is_told(tmp_path: Path) -> None:
    """A page made to overrun the parser is an error of its own."""
    write_article(tmp_path / "docs", "a.html", "<div>" * 3000)
    _, (error,) = read(articles(tmp_path))
    assert error.problem == "is nested too deeply to be read; make the page flatter"


# --- Word documents -----------------------------------------------------------------------------------------

WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def paragraph(text: str, style: str = "") -> str:
    """A paragraph of a document."""
    styled = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f'<w:p>{styled}<w:r><w:t xml:space="preserve">{escape(text)}</w:t></w:r></w:p>'


def link(target: str, text: str) -> str:
    """A paragraph that is a link."""
    return f'<w:p><w:hyperlink r:id="{target}"><w:r><w:t>{text}</w:t></w:r></w:hyperlink></w:p>'


def docx(body: str, core: str = "") -> bytes:
    """A Word document; links have their targets as ids."""
    targets = [part.split('"')[0] for part in body.split('r:id="')[1:]]
    links = "".join(
        f'<Relationship Id="{to}" Type="{RELATIONS}/hyperlink" Target="{to}" TargetMode="External"/>' for to in targets
    )
    styles = "".join(
        f'<w:style w:type="paragraph" w:styleId="{name}"><w:name w:val="{name}"/></w:style>'
        for name in ("Title", "Heading1")
    )
    members = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r" Type="{RELATIONS}/officeDocument" Target="word/document.xml"/></Relationships>',
        "word/document.xml": f'<w:document {WORD} xmlns:r="{RELATIONS}"><w:body>{body}</w:body></w:document>',
        "word/_rels/document.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{links}<Relationship Id="s" Type="{RELATIONS}/styles" Target="styles.xml"/></Relationships>',
        "word/styles.xml": f"<w:styles {WORD}>{styles}</w:styles>",
    }
    if core:
        spaces = f'xmlns:cp="{PACKAGE}/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/"'
        members["docProps/core.xml"] = f"<cp:coreProperties {spaces}>{core}</cp:coreProperties>"
    return zipped({name: text.encode() for name, text in members.items()})


def zipped(members: dict[str, bytes]) -> bytes:
    """A zip of these members."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def flagged(data: bytes, *, encrypted: bool) -> bytes:
    """A zip whose members say that they are encrypted, or compressed in a way nobody knows."""
    changed = bytearray(data)
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = changed.find(mark)
        while start >= 0:
            changed[start + flags + (0 if encrypted else 2)] |= 1 if encrypted else 0x40
            start = changed.find(mark, start + 4)
    return bytes(changed)


def document(project: Path, data: bytes) -> Article:
    """The one article of a folder that holds this document."""
    write_article(project / "docs", "my guide.docx", "").write_bytes(data)
    (article,) = parsed_articles(articles(project))
    return article


def test_a_word_document_arrives_whole(tmp_path: Path) -> None:
    """Its title style is the title, its properties are the article's, and its text is HTML."""
    core = (
        "<dc:title>Another</dc:title><dc:subject>Short.</dc:subject><cp:keywords>hub; led</cp:keywords>"
        "<dcterms:created>2024-01-02T10:00:00Z</dcterms:created><dcterms:modified>2024-05-06T10:00:00Z</dcterms:modified>"
        "<dc:creator>Ada Lovelace</dc:creator>"
    )
    body = paragraph("Reset a hub", "Title") + paragraph("Press <it>.") + paragraph("Then", "Heading1")
    article = document(tmp_path, docx(body, core))
    assert (article.ref, article.title, article.description) == ("docs:my-guide", "Reset a hub", "Short.")
    assert (article.tags, article.created) == (("hub", "led"), datetime(2024, 1, 2, 10, tzinfo=UTC))
    assert article.updated == datetime(2024, 5, 6, 10, tzinfo=UTC)
    assert article.html == "<p>Press &lt;it&gt;.</p><h1>Then</h1>"


@pytest.mark.parametrize(
    ("core", "title"),
    [
        ("<dc:title>Reset</dc:title>", "Reset"),
        ("<dc:title>Microsoft Word - a.doc</dc:title>", "My guide"),
        ("<dc:title></dc:title>", "My guide"),
        ("", "My guide"),
    ],
)
def test_a_document_without_heading_is_called_as_it_says(core: str, title: str, tmp_path: Path) -> None:
    """Its property is the title unless no person wrote it; then the file's name is."""
    article = document(tmp_path, docx(paragraph("Words."), core))
    assert (article.title, article.html) == (title, "<p>Words.</p>")


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"\xd0\xcf\x11\xe0 old", "an encrypted or old one (.doc) is saved again as .docx"),
        (zipped({"a.txt": b"x"}), "is not a Word document; save it again as .docx"),
        (zipped({"word/document.xml": b"<w:"}), "cannot be read as a Word document"),
        (docx(paragraph("x"))[:-30], "is not a Word document"),
        (
            flagged(docx(paragraph("x")), encrypted=True),
            "is encrypted, password required",
        ),
        (
            flagged(docx(paragraph("x")), encrypted=False),
            "is not a Word document (That compression method is not supported",
        ),
    ],
)
def test_what_is_no_word_document_is_told(data: bytes, problem: str, tmp_path: Path) -> None:
    """A file that only has the extension is an error with what to do, and the others are read."""
    write_article(tmp_path / "docs", "a.md", "x")
    write_article(tmp_path / "docs", "b.docx", "").write_bytes(data)
    records, (error,) = read(articles(tmp_path))
    assert [record.ref for record in records] == ["docs:a"]
    assert problem in error.problem


def test_a_document_that_unpacks_to_too_much_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A zip bomb is not unpacked."""
    monkeypatch.setattr(article_docx, "MEMBER_CAP", 1000)
    write_article(tmp_path / "docs", "b.docx", "").write_bytes(docx(paragraph("x" * 9000)))
    _, (error,) = read(articles(tmp_path))
    assert error.problem == "unpacks to over 4,000 bytes; exclude it"


def test_a_document_nested_too_deeply_is_told(tmp_path: Path) -> None:
    """Tables in tables without end are an error of that file, and the others are read."""
    write_article(tmp_path / "docs", "a.md", "x")
    deep = "<w:tbl><w:tr><w:tc>" * 400 + paragraph("x") + "</w:tc></w:tr></w:tbl>" * 400
    write_article(tmp_path / "docs", "b.docx", "").write_bytes(docx(deep))
    records, (error,) = read(articles(tmp_path))

    assert [record.ref for record in records] == ["docs:a"]
    assert error.problem == "is nested too deeply to be read; make its tables or lists flatter"


@pytest.mark.parametrize("coding", ["utf-8", "utf-16"])
def test_a_document_that_declares_entities_is_told(coding: str, tmp_path: Path) -> None:
    """A part with a document type is a bomb or a way to other files, and never from Word."""
    bomb = '<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/hostname">]>'
    part = f'<?xml version="1.0" encoding="{coding}"?>{bomb}<w:document {WORD}><w:body>{paragraph("x")}</w:body></w:document>'
    write_article(tmp_path / "docs", "b.docx", "").write_bytes(zipped({"word/document.xml": part.encode(coding)}))
    _, (error,) = read(articles(tmp_path))

    assert error.problem == "declares entities, as no Word document does; save it again as .docx"


def test_properties_that_are_no_xml_are_none(tmp_path: Path) -> None:
    """What a document says of itself may be broken or huge, and its text is read all the same."""
    article = document(tmp_path, docx(paragraph("Words."), "<dc:title>A & B"))

    assert (article.title, article.html) == ("My guide", "<p>Words.</p>")


def test_huge_properties_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a document says of itself is a few lines."""
    monkeypatch.setattr(article_docx, "MEMBER_CAP", 1000)
    article = document(tmp_path, docx(paragraph("Words."), f"<dc:title>{'A' * 1000}</dc:title>"))

    assert article.title == "My guide"


def test_a_picture_of_a_document_is_not_copied(tmp_path: Path) -> None:
    """Nothing outside of the document is opened, and a picture in it is its description."""
    picture = (
        '<w:p><w:r><w:drawing><wp:inline xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing">'
        '<wp:docPr descr="The hub"/><a:graphic xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><a:graphicData>'
        '<pic:pic xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:blipFill><a:blip r:link="file:///etc/hostname"/>'
        "</pic:blipFill></pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>"
    )
    data = docx(picture + paragraph("Words."))
    linked = f'<Relationship Id="file:///etc/hostname" Type="{RELATIONS}/image" Target="file:///etc/hostname" TargetMode="External"/>'
    members = {
        info: zipfile.ZipFile(io.BytesIO(data)).read(info) for info in zipfile.ZipFile(io.BytesIO(data)).namelist()
    }
    rels = "word/_rels/document.xml.rels"
    members[rels] = members[rels].replace(b"</Relationships>", linked.encode() + b"</Relationships>")
    article = document(tmp_path, zipped(members))

    assert article.html == "<p>The hub</p><p>Words.</p>"


def test_a_document_has_no_say_in_its_elements(tmp_path: Path) -> None:
    """A map of styles inside a document would make of its paragraphs what it likes."""
    with zipfile.ZipFile(io.BytesIO(docx(paragraph("Words.")))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["mammoth/style-map"] = b"p => form > textarea:fresh"

    assert document(tmp_path, zipped(members)).html == "<p>Words.</p>"


def test_what_a_document_says_of_itself_is_text(tmp_path: Path) -> None:
    """A title that is markup stays a title, and keywords are parted by semicolons or commas."""
    core = '<dc:title>A "&lt;b&gt;</dc:title><cp:keywords>hub; led, lamp</cp:keywords>'
    article = document(tmp_path, docx(paragraph("Words."), core))

    assert (article.title, article.tags) == ('A "<b>', ("hub", "led", "lamp"))


# --- Confluence ---------------------------------------------------------------------------------------------


def confluence(title: str, body: str, above: str = "", meta: str = "") -> str:
    """A page of an exported space called Help."""
    crumbs = "".join(f'<li><span><a href="{name}_1.html">{name}</a></span></li>' for name in above.split())
    return f"""<!DOCTYPE html><html><head><title>Help : {title}</title></head><body class="theme-default"><div id="page">
<div id="main"><div id="main-header"><div id="breadcrumb-section"><ol id="breadcrumbs">
<li class="first"><span><a href="index.html">Help</a></span></li>{crumbs}</ol></div>
<h1 id="title-heading"><span id="title-text"> Help : {title} </span></h1></div>
<div id="content" class="view"><div class="page-metadata">{meta}</div>
<div id="main-content" class="wiki-content group">{body}</div>
<div class="pageSection group"><h2 id="attachments">Attachments:</h2><a href="attachments/1/2.png">2.png</a></div></div></div>
<div id="footer">made by a program</div></div></body></html>"""


INDEX = '<html><head><title>Help</title></head><body><div id="main-content" class="pageSection">Available Pages</div></body></html>'


def test_an_exported_space_arrives_whole(tmp_path: Path) -> None:
    """A page keeps its number, its place below other pages and its last day; the list of pages is no article."""
    write_article(tmp_path / "docs", "HELP/index.html", INDEX)
    meta = (
        "Created by <span class='author'> Ada</span>, last modified by <span class='editor'> Ben</span> on May 01, 2024"
    )
    text = confluence("Reset a hub", '<p>See <a href="Hubs_4711.html">hubs</a>.</p>', "Help Guides", meta)
    write_article(tmp_path / "docs", "HELP/Reset-a-hub_98311.html", text)
    write_article(tmp_path / "docs", "HELP/Hubs_4711.html", confluence("Hubs", "<h1>One</h1>x"))
    write_article(tmp_path / "docs", "HELP/98400.html", confluence("\u05e8\u05db\u05d6\u05ea", "x"))
    found = {article.ref: article for article in parsed_articles(articles(tmp_path))}
    assert sorted(found) == ["docs:4711", "docs:98311", "docs:98400"]
    assert found["docs:98311"] == Article(  # type: ignore[index]
        ref="docs:98311",  # type: ignore[arg-type]
        title="Reset a hub",
        html='<p>See <a href="kb:docs:4711">hubs</a>.</p>',
        text="See hubs.",
        category=("Help", "Guides"),
        updated=datetime(2024, 5, 1, tzinfo=UTC),
    )
    assert (found["docs:4711"].html, found["docs:4711"].category) == ("<h1>One</h1>x", ("Help",))  # type: ignore[index]


@pytest.mark.parametrize(
    ("body", "html"),
    [
        ('<div class="confluence-information-macro confluence-information-macro-note"><p class="title">Care</p><span class="aui-icon"></span><div class="confluence-information-macro-body"><p>x</p></div></div>', '<div class="admonition warning"><p class="admonition-title">Care</p><div class="confluence-information-macro-body"><p>x</p></div></div>'),
        ('<div class="confluence-information-macro confluence-information-macro-tip"><div class="confluence-information-macro-body">x</div></div>', '<div class="admonition tip"><p class="admonition-title">Tip</p><div class="confluence-information-macro-body">x</div></div>'),
        ('<div class="code panel"><pre class="syntaxhighlighter-pre" data-syntaxhighlighter-params="brush: bash; gutter: false">a &lt; <b>b</b>\nc</pre></div>', '<div class="code panel"><pre><code class="language-bash">a &lt; b\nc</code></pre></div>'),
        ('<pre data-syntaxhighlighter-params="brush: none">a</pre>z', "<pre><code>a</code></pre>z"),
        ('<div id="e" class="expand-container"><div class="expand-control"><span class="expand-control-icon"></span><span class="expand-control-text">Open</span></div><div class="expand-content">x</div></div>', '<details><summary>Open</summary><div class="expand-content">x</div></details>'),
        ('<div class="toc-macro rbtoc1"><ul><li>x</li></ul></div>y', "y"),
        ('<img class="emoticon" src="images/x.png" alt="(smile)">', "(smile)"),
        ('<img class="emoticon" src="images/x.png" alt="(smile)" data-emoji-fallback="\U0001f642">', "\U0001f642"),
        ('<div class="confluence-information-macro confluence-information-macro-tip" onclick="x" data-hasbody="true">x</div>', '<div class="admonition tip"><p class="admonition-title">Tip</p>x</div>'),
        ('<div class="expand-container" onclick="x"><div class="expand-content">x</div></div>', '<details><summary>More</summary><div class="expand-content">x</div></details>'),
        ("<script>x</script><style>x</style><form>x</form>y", "y"),
        ('<a class="confluence-userlink user-mention" href="https://x.example.com/~ada">Ada</a>', "Ada"),
    ],
)  # fmt: skip
def test_macros_become_plain_html(body: str, html: str, tmp_path: Path) -> None:
    """Notes are admonitions, code says its language, folds are details, and what only a wiki needs is gone."""
    assert only(tmp_path, confluence("T", body), "T_123.html").html == html


def test_a_page_that_only_resembles_an_export_is_a_page(tmp_path: Path) -> None:
    """Other programs call their elements so, too; then the page is read like any."""
    text = confluence("T", '<p class="toc-macro">x</p>').replace("wiki-content", "content")
    article = only(tmp_path, text, "T_123.html")

    assert (article.ref, article.title, article.html) == ("docs:T_123", "Help : T", '<p class="toc-macro">x</p>')


@pytest.mark.parametrize("meta", ["", "modified on 01.05.2024", "on Foo 01, 2024", "on Feb 31, 2024"])
def test_a_day_that_cannot_be_read_is_not_guessed(meta: str, tmp_path: Path) -> None:
    """Exports in other languages write the day in other ways."""
    assert only(tmp_path, confluence("T", "x", meta=meta), "T_123.html").updated is None


# --- zips ---------------------------------------------------------------------------------------------------


def test_a_zip_is_read_as_the_folder_it_holds(tmp_path: Path) -> None:
    """An export is read as it was downloaded; what is hidden or a link stays out."""
    linked = zipfile.ZipInfo("HELP/link.md")
    linked.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "space.zip", "w") as archive:
        archive.writestr("HELP/index.html", INDEX)
        archive.writestr("HELP/Hubs_4711.html", confluence("Hubs", '<a href="../b.md">b</a>'))
        archive.writestr("b.md", "x")
        archive.writestr(".git/c.md", "x")
        archive.writestr("__MACOSX/d.md", "x")
        archive.writestr(linked, "/etc/passwd")
    source = articles(tmp_path, "space.zip")
    assert [(article.ref, article.html) for article in parsed_articles(source)] == [
        ("docs:4711", '<a href="kb:docs:b">b</a>'),
        ("docs:b", "<p>x</p>"),
    ]
    before = source.fingerprint()
    (tmp_path / "space.zip").write_bytes(zipped({"b.md": b"y"}))
    assert source.fingerprint() != before


def test_a_member_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One damaged, encrypted or huge member is an error of its own."""
    data = bytearray(zipped({"a.md": b"words " * 50, "b.md": b"x", "c.md": b"y" * 999}))
    data[data.index(b"a.md") + 8] ^= 0xFF
    monkeypatch.setattr(article_files, "MEMBER_CAP", 500)
    (tmp_path / "x.zip").write_bytes(data)
    records, errors = read(articles(tmp_path, "x.zip"))
    assert [record.ref for record in records] == ["docs:b"]
    assert ["damaged in the zip" in errors[0].problem, errors[1].problem] == [
        True,
        "is over 500 bytes; no article is so large, exclude it",
    ]


def test_an_encrypted_member_is_told(tmp_path: Path) -> None:
    """A password is never asked for."""
    data = bytearray(zipped({"a.md": b"x"}))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1
    (tmp_path / "x.zip").write_bytes(data)
    _, (error,) = read(articles(tmp_path, "x.zip"))
    assert error.problem == "is encrypted; make the zip without a password"


@pytest.mark.parametrize("call", ["records", "fingerprint"])
def test_a_file_that_is_no_zip_is_a_source_error(call: str, tmp_path: Path) -> None:
    """A path to something else is named with what to do."""
    (tmp_path / "x.zip").write_bytes(b"x")
    with pytest.raises(SourceError, match="is neither a folder nor a zip; check `path:`"):
        list(getattr(articles(tmp_path, "x.zip"), call)())
