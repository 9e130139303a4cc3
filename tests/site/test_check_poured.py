"""Pages judged in memory as they are poured: the same faults are found as on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from test_check import CONFIG, ENTRY, FAULTS, FRAME_SCRIPT, URL, build, found, make_library, page_html

from kbgen.addresses import file_of
from kbgen.model import Page, Ref
from kbgen.site.check import check_site
from kbgen.site.check_bodies import check_bodies
from kbgen.site.check_poured import PouredChecks, answer
from kbgen.site.check_report import Finding
from kbgen.site.check_view import PageFacts, Resolver, View
from kbgen.site.engine import Frames
from kbgen.site.publish import write_file
from kbgen.site.shells import HOLE, Poured, Shell

FRAMES = Frames({}, "digest", reused=True)
SLOTS = ("kb_lang", "kb_head", "content")


def shell(before: str = "", after: str = "") -> Shell:
    """A shell whose frame is some HTML before and after the content."""
    parts = ('<!doctype html><html lang="', '"><head>', f"</head><body>{before}", f"{after}</body></html>")
    return Shell("entry.md", tuple(part.encode() for part in parts), SLOTS)


def poured(html: str, around: Shell | None = None) -> Poured:
    """A page of some HTML: all of its head and body are its own, but the script of the frame."""
    head = html.partition("<head>")[2].partition("</head>")[0]
    body = html.partition("<body>")[2].partition("</body>")[0]
    lang = "en" if ' lang="en"' in html else ""
    own = {"kb_lang": lang, "kb_head": head.replace(FRAME_SCRIPT % "../../", ""), "content": body}
    return Poured(around or shell(), own)


def judged(html: str, page: Page, folder: Path, around: Shell | None = None) -> set[tuple[str, str]]:
    """Check and page of what is found in a page when it is poured, the answers of its site included."""
    checks = PouredChecks(CONFIG, FRAMES)
    own = poured(html, around)
    findings = checks.check(page, own, own.data())
    findings += answer(checks.questions(), make_library().pages, folder, CONFIG)
    return {(finding.check, finding.page) for finding in findings}


def test_a_sound_page_has_no_findings(tmp_path: Path) -> None:
    """An entry of a sound site, poured."""
    library = build(tmp_path)
    assert judged(page_html(library.pages[ENTRY]), library.pages[ENTRY], tmp_path) == set()


@pytest.mark.parametrize(("check", "old", "new"), FAULTS)
def test_a_fault_is_found_as_on_disk(tmp_path: Path, check: str, old: str, new: str) -> None:
    """Whatever is wrong with a file is wrong with the page in memory."""
    library = build(tmp_path)
    page = library.pages[ENTRY]
    html = page_html(page).replace(old, new)
    write_file(tmp_path, file_of(ENTRY), html.encode())
    on_disk = {item for item in found(check_site(tmp_path, library, CONFIG, changed={ENTRY})) if item[1] == ENTRY}
    assert (check, ENTRY) in on_disk
    assert on_disk <= judged(html, page, tmp_path)


def test_a_fault_of_the_frame_is_found_once_a_folder(tmp_path: Path) -> None:
    """A shell that leads nowhere is said of the first page of each folder, not of a hundred thousand."""
    library = build(tmp_path)
    broken = shell('<a href="../../none/">None</a>')
    checks = PouredChecks(CONFIG, FRAMES)
    for path in (ENTRY, "/q/b-8/"):
        own = poured(page_html(library.pages[path]), broken)
        assert checks.check(library.pages[path], own, own.data()) == []
    findings = answer(checks.questions(), library.pages, tmp_path, CONFIG)
    assert [(finding.check, finding.page) for finding in findings] == [("link", ENTRY)]


def test_a_link_of_a_person_is_named_page_by_page(tmp_path: Path) -> None:
    """A writer of the site can mend each of them."""
    library = build(tmp_path)
    checks = PouredChecks(CONFIG, FRAMES)
    for path in (ENTRY, "/q/b-8/"):
        html = page_html(library.pages[path]).replace("https://elsewhere.example.com/", f"{URL}q/none/")
        own = poured(html)
        checks.check(library.pages[path], own, own.data())
    findings = answer(checks.questions(), library.pages, tmp_path, CONFIG)
    assert [(finding.check, finding.page) for finding in findings] == [("user-link", ENTRY), ("user-link", "/q/b-8/")]


def judge_body(body: str) -> list[Finding]:
    """What is wrong with a harvested text on the entry's page."""
    facts = PageFacts.of(replace(make_library().pages[ENTRY], refs=(Ref("forum:7"),)))
    view = View(b"<p id=kb-answer>x</p>")
    return list(check_bodies([body], view, facts, Resolver(Path("/nowhere"), URL), URL))


@pytest.mark.parametrize(
    "body",
    [
        "<script>alert(1)</script>",
        "<p onclick='x'>a</p>",
        '<p onclick="x">a</p>',
        '<a href="https://a.example" style="x">a</a>',
        "<img src=x>",
        '<iframe src="https://a.example"></iframe>',
        "<p>a < b</p>",
        "<p>a > b</p>",
        '<p title="<">a</p>',
        "<p>unclosed <b",
        "<!-- a -->",
        "<P>a</P>",
        "<p/onclick=alert(1)>",
        "<svg><p>a</p></svg>",
        '<a href="x"onclick="y">a</a>',
        '<h2 id="__config">{}</h2>',
        '<h2 id="kb-main">a</h2>',
        '<h2 id="a b">a</h2>',
        '<math href="https://a.example"><mi>a</mi></math>',
        '<math><maction actiontype="toggle"><mi>a</mi></maction></math>',
        '<math><mtext><img src="https://a.example/a.png"></mtext></math>',
        '<math><annotation-xml encoding="text/html">a</annotation-xml></math>',
        '<mi style="color:red">a</mi>',
        f"a{HOLE}b",
    ],
)
def test_what_the_sanitiser_never_writes_stops_the_site(body: str) -> None:
    """The second lock on the same door: it knows nothing of how texts were made."""
    assert [finding.check for finding in judge_body(body) if finding.check == "body"] == ["body"]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "Words &lt;b&gt; &amp; \"quotes\" 'too' ü 你好",
        '<p>a <a href="https://a.example/?x=1&amp;y=2" rel="ugc nofollow">b</a></p>',
        '<div class="highlight"><pre tabindex="0"><code class="language-c++">a<span class="o">&lt;</span></code></pre></div>',
        '<ol start="3" reversed><li>a<br>b</li></ol>',
        '<div class="kb-table" tabindex="0" role="group" aria-label="Table">a</div>',
        '<table><tbody><tr><td colspan="2">a</td></tr></tbody></table>',
        '<span class="kb-math" tabindex="0"><math display="block" alttext="x &lt; 1"><msup><mi>x</mi><mn>2</mn></msup></math></span>',
        '<details class="note"><summary>a</summary><p>b</p></details>',
        '<h2 id="שלום"><span id="_Toc1.a-b:c"></span>a</h2>',
    ],
)
def test_what_the_sanitiser_writes_passes(body: str) -> None:
    """Every element and attribute there is."""
    assert judge_body(body) == []


@pytest.mark.parametrize(
    ("href", "check"),
    [
        ("javascript:alert(1)", "link-scheme"),
        ("kb:forum:9", "link-scheme"),
        ("../../none/", "link"),
        (f"{URL}none/", "link"),
        ("#nowhere", "fragment"),
    ],
)
def test_a_link_in_a_text_leads_somewhere(href: str, check: str) -> None:
    """Also when the text itself is plain."""
    assert [finding.check for finding in judge_body(f'<p><a href="{href}">a</a></p>')] == [check]
    marked = f'<p><a href="{href}" rel="ugc nofollow">a</a></p>'
    assert [finding.check for finding in judge_body(marked)] == [check if check == "link-scheme" else "user-link"]


ARTICLE = "/articles/c/"


@pytest.mark.parametrize(
    ("href", "checks"),
    [
        ("#there", []),
        ("../../articles/c/#there", []),
        ("#nowhere", ["user-link"]),
        (f"{URL}topics/hubs/#nowhere", ["user-link"]),
        (f"{URL}none/", ["user-link"]),
        ("javascript:alert(1)", ["link-scheme"]),
    ],
)
@pytest.mark.parametrize("in_memory", [True, False])
def test_an_article_from_elsewhere_cannot_stop_the_site(
    tmp_path: Path,
    href: str,
    checks: list[str],
    in_memory: bool,  # noqa: FBT001
) -> None:
    """Its links to places hold or are named; those who could mend them do not run this build."""
    library = build(tmp_path)
    page = replace(library.pages[ARTICLE], shell="article")
    body = f'<h2 id="there">A</h2><p><a href="{href}">B</a></p>'
    html = page_html(page)
    write_file(tmp_path, file_of(ARTICLE), html.replace("<p id=", f'<div class="kb-body">{body}</div><p id=').encode())
    if in_memory:
        checks_of = PouredChecks(CONFIG, FRAMES)
        own = replace_bodies(poured(html.replace("<p id=", f"{HOLE}<p id=")), body)
        findings = checks_of.check(page, own, own.data())
        findings += answer(checks_of.questions(), library.pages, tmp_path, CONFIG)
    else:
        pages = {**library.pages, ARTICLE: page}
        report = check_site(tmp_path, replace(library, pages=pages), CONFIG, changed={ARTICLE})
        findings = [one for one in (*report.errors, *report.warnings) if one.page == ARTICLE]
    assert [finding.check for finding in findings] == checks


def test_a_list_of_sections_leads_into_a_text(tmp_path: Path) -> None:
    """The text itself is not parsed again; its places are known, and one that is missing stops the site."""
    library = build(tmp_path)
    page = replace(library.pages[ARTICLE], shell="article")
    for name, expected in (("there", []), ("nowhere", ["fragment"])):
        html = page_html(page).replace("<p id=", f'<nav><a href="#{name}">A</a></nav>{HOLE}<p id=')
        own = replace_bodies(poured(html), '<h2 id="there">A</h2>')
        findings = PouredChecks(CONFIG, FRAMES).check(page, own, own.data())
        assert [finding.check for finding in findings] == expected


def replace_bodies(page: Poured, *bodies: str) -> Poured:
    """The same page with other harvested texts in its holes."""
    return Poured(page.shell, page.values, bodies)


def test_a_text_that_is_long_and_hostile_is_judged_in_linear_time() -> None:
    """A megabyte that almost fits the language is not tried in every way it could."""
    assert [finding.check for finding in judge_body('<p class="a">x</p>' * 60_000 + "<")] == ["body"]
