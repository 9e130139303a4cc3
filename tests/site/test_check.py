"""The checks of a built site: a sound site passes, and each check catches the fault it is for."""

import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import pytest
from msgspec.structs import replace

from kbgen.addresses import absolute, file_of
from kbgen.config import Config, SeoConfig, SiteConfig
from kbgen.model import Library, Link, Page, PlainText, Ref, Slug, Topic
from kbgen.site.check import CHECKS, WARNINGS, CheckReport, check_files, check_site, check_whole
from kbgen.site.crawlers import robots_txt
from kbgen.site.feeds import feeds
from kbgen.site.manifest import MANIFEST, make_manifest
from kbgen.site.publish import write_file
from kbgen.site.redirects import gone_html, stub_html
from kbgen.site.sitemap import sitemaps

URL = "https://help.example.com/kb/"
CONFIG = Config(site=SiteConfig(name="Help", url=URL))
THREAD = "https://forum.example.com/t/7"
HUBS = {Slug("hubs"): Topic(Slug("hubs"), PlainText("Hubs"))}
FRAME_SCRIPT = '<script>__md_scope=new URL("%s",location)</script>'


def make_page(path: str, kind: str, **values: object) -> Page:
    """A page that is its own canonical."""
    page = Page(
        path=path,
        kind="entry",
        title=f"Title of {path}",
        description=f"About {path}",
        canonical=absolute(URL, path),
        shell="entry",
        lang="en",
        updated=datetime(2026, 5, 1, tzinfo=UTC),
    )
    return replace(page, kind=kind, **values)


def make_library() -> Library:
    """A home page, a not-found page, a topic, two entries (one defers to its thread), an article, two redirects."""
    hubs = (Slug("hubs"),)
    pages = (
        make_page("/", "home", feeds=(Link("Help", "/feed.xml"),)),
        make_page("/404.html", "other", noindex=True, in_sitemap=False),
        make_page("/topics/hubs/", "topic", topics=hubs, feeds=(Link("Hubs", "/topics/hubs/feed.xml"),)),
        make_page("/q/ü-7/", "entry", refs=(Ref("forum:7"),), topics=hubs),
        make_page(
            "/q/b-8/", "entry", refs=(Ref("forum:8"),), canonical=THREAD, in_sitemap=False, canonical_rule="one-thread"
        ),
        make_page("/articles/c/", "article", refs=(Ref("articles:c"),), shell="engine"),
    )
    return Library({page.path: page for page in pages}, {"/old/": "/q/b-8/", "/gone": None}, {})


def page_html(page: Page) -> str:
    """What the renderer would make of the page, as far as the checks look."""
    up = "/kb/" if page.path == "/404.html" else "../" * (page.path.count("/") - 1) or "./"
    nodes: list[dict[str, object]] = [
        {"@type": "BreadcrumbList", "itemListElement": [{"name": "Home"}, {"name": "Here"}]}
    ]
    attribution = ""
    if page.kind == "entry":
        posting = {"@type": "DiscussionForumPosting", "url": THREAD}
        licence = "https://licences.example.com/by"
        nodes.append({"author": {"name": "Ada  Li"}, "isBasedOn": posting, "license": licence})
        attribution = (
            f'<a class="kb-thread" href="{THREAD}">The thread</a> <a href="{licence}">By</a>'
            '<a class="kb-person" href="https://forum.example.com/u/ada"><bdi>Ada Li</bdi></a>'
        )
    graph = json.dumps({"@context": "https://schema.org", "@graph": nodes})
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{page.title}</title>'
        f'<meta name="description" content="{page.description}"><link rel="canonical" href="{page.canonical}">'
        f'<meta name="robots" content="{"noindex, follow" if page.noindex else "max-image-preview:large"}">'
        f'<link rel="stylesheet" href="{up}assets/kb.css?v=1"><script src="{up}assets/kb.js" defer></script>'
        f'{FRAME_SCRIPT % up}<script type="application/ld+json">{graph}</script></head>'
        f'<body><a href="#main">Skip</a><svg><title>Icon</title></svg><main id="main"><h1>{page.title}</h1>'
        f'<p id="body">Text.</p><a href="{up}">Home</a> <a href="{up}q/%C3%BC-7/#body">There</a> {attribution}'
        f'<img src="{up}assets/a.png" srcset="{up}assets/a.png 1x, {up}assets/b.png 2x"><a href="{URL}topics/hubs/">Hubs</a>'
        '<a href="https://elsewhere.example.com/" rel="ugc nofollow">Away</a></main></body></html>'
    )


def build(folder: Path, library: Library | None = None, config: Config = CONFIG) -> Library:
    """Write a sound site of the library."""
    library = library or make_library()
    for page in library.pages.values():
        write_file(folder, file_of(page.path), page_html(page).encode())
    for name in ("kb.css", "kb.js", "a.png", "b.png"):
        write_file(folder, f"assets/{name}", b"")
    others = {**sitemaps(library.pages.values(), config), **feeds(library, config, HUBS)}
    for name, data in others.items():
        write_file(folder, name, data)
    write_file(folder, "robots.txt", robots_txt(config).encode())
    write_file(folder, "old/index.html", stub_html(f"{URL}q/b-8/", "B", "en"))
    write_file(folder, "gone/index.html", gone_html(config, "en"))
    write_file(folder, MANIFEST, make_manifest(library, config, {}).data())
    return library


def found(report: CheckReport) -> list[tuple[str, str]]:
    """Check and page of every finding."""
    return [(finding.check, finding.page) for finding in (*report.errors, *report.warnings)]


def test_a_sound_site_has_no_findings(tmp_path: Path) -> None:
    """Nothing is wrong with it, and all its pages were read."""
    assert check_site(tmp_path, build(tmp_path), CONFIG) == CheckReport(counts={"pages": 6})


ENTRY = "/q/ü-7/"
# Check id, what is replaced on the entry's page, and by what.
FAULTS = [
    ("link", 'href="../../"', 'href="../../q/none/"'),
    ("link", "assets/a.png", "assets/none.png"),
    ("link", "assets/kb.css", "assets/none.css"),
    ("link", f'href="{URL}topics/hubs/"', f'href="{URL}topics/none/"'),
    ("link", 'href="../../"', 'href="/kb/none.html"'),
    ("link", 'href="../../"', 'href="../../topics/"'),
    ("fragment", "#main", "#nowhere"),
    ("fragment", "#body", "#nowhere"),
    ("fragment", f'href="{URL}topics/hubs/"', f'href="{URL}topics/hubs/#nowhere"'),
    ("user-link", "https://elsewhere.example.com/", f"{URL}q/none/"),
    ("user-link", "https://elsewhere.example.com/", f"{URL}topics/hubs/#nowhere"),
    ("link-scheme", "https://elsewhere.example.com/", "javascript:alert(1)"),
    ("link-scheme", "https://elsewhere.example.com/", " jAva&#10;script&colon;alert(1)"),
    ("link-scheme", "https://elsewhere.example.com/", "javascript://[&#10;alert(1)"),
    ("link-scheme", "https://elsewhere.example.com/", "data:text/html,x"),
    ("link-scheme", "https://elsewhere.example.com/", "kb:forum:9"),
    ("link-scheme", "<main", '<iframe src="javascript:alert(1)"></iframe><main'),
    ("link-scheme", "<main", '<iframe src="data:text/html,x"></iframe><main'),
    ("foreign-request", "../../assets/kb.js", "https://cdn.example.net/kb.js"),
    ("foreign-request", "../../assets/kb.css?v=1", "//cdn.example.net/kb.css"),
    ("foreign-request", 'rel="canonical"', 'rel="preconnect" href="https://fonts.example.net"><link rel="canonical"'),
    ("foreign-request", "<main", '<iframe src="https://video.example.net/1"></iframe><main'),
    ("foreign-request", "<main", '<object data="https://video.example.net/1"></object><main'),
    ("foreign-image", "../../assets/a.png", "https://pixel.example.net/a.png"),
    ("foreign-image", "../../assets/b.png 2x", "https://pixel.example.net/b.png 2x"),
    ("foreign-image", "<main", '<p style="background: url(https://pixel.example.net/a.png)">x</p><main'),
    ("foreign-image", "</head>", "<style>@import 'https://fonts.example.net/x.css'</style></head>"),
    ("canonical", f'<link rel="canonical" href="{URL}q/%C3%BC-7/">', ""),
    ("canonical", '<link rel="canonical"', f'<link rel="canonical" href="{THREAD}"><link rel="canonical"'),
    ("canonical", f'rel="canonical" href="{URL}q', 'rel="canonical" href="/kb/q'),
    ("robots-meta", "max-image-preview:large", "noindex"),
    ("title", "<title>Title of /q/ü-7/</title>", ""),
    ("title", "<title>Title of /q/ü-7/</title>", "<title> </title>"),
    ("title", "</title>", "</title><title>Two</title>"),
    ("description", '<meta name="description" content="About /q/ü-7/">', ""),
    ("description", "About /q/ü-7/", ""),
    ("h1", "</h1>", "</h1><h1>Two</h1>"),
    ("h1", "h1>", "h2>"),
    ("lang", ' lang="en"', ""),
    ("json-ld", '"@context"', '"context"'),
    ("json-ld", '"@graph"', '"graph"'),
    ("json-ld", '{"@context"', '["@context"'),
    ("json-ld", "Home", "<!-- <script>"),
    ("json-ld", "Home", "x</script><script>alert(1)"),
    ("json-ld", 'type="application/ld+json"', 'type="text/plain"'),
    ("breadcrumbs", "BreadcrumbList", "ItemList"),
    ("breadcrumbs", ', {"name": "Here"}', ""),
    ("attribution", ' class="kb-thread"', ""),
    ("attribution", f'"url": "{THREAD}"', '"url": "https://forum.example.com/t/8"'),
    ("attribution", "<bdi>Ada Li</bdi>", "<bdi>A</bdi>"),
    ("attribution", 'href="https://licences.example.com/by"', 'href="https://licences.example.com/none"'),
    ("attribution-rel", 'class="kb-thread"', 'class="kb-thread" rel="noopener nofollow"'),
    ("script", "<main", "<script>alert(1)</script><main"),
    ("script", "<main", '<script type="module">alert(1)</script><main'),
    ("script", ",location)", ",location);alert(1)"),
    ("handler", "<p id", '<p onClick="alert(1)" id'),
    ("handler", "<p id", "<p/oncopy=alert(1) id"),
    ("size", "Text.", "Text. " * 12_000),
]


@pytest.mark.parametrize(("check", "old", "new"), FAULTS)
def test_a_fault_of_a_page_is_found(tmp_path: Path, check: str, old: str, new: str) -> None:
    """Each rule about a page catches a page that breaks it, and names the page."""
    library = build(tmp_path)
    html = page_html(library.pages[ENTRY])
    assert old in html
    write_file(tmp_path, file_of(ENTRY), html.replace(old, new).encode())
    assert (check, ENTRY) in found(check_site(tmp_path, library, CONFIG))


def test_hostile_text_cannot_stop_the_site(tmp_path: Path) -> None:
    """A broken link or a picture in a harvested text is a warning."""
    assert {"user-link", "foreign-image", "size", "title-shared"} <= WARNINGS
    library = build(tmp_path)
    html = page_html(library.pages[ENTRY]).replace("https://elsewhere.example.com/", f"{URL}none/#x")
    write_file(
        tmp_path, file_of(ENTRY), html.replace('src="../../assets/a.png"', 'src="https://x.example.net/"').encode()
    )
    report = check_site(tmp_path, library, CONFIG)
    assert (report.errors, len(report.warnings)) == ((), 2)


@pytest.mark.parametrize(
    "harmless",
    [
        ("https://elsewhere.example.com/", "http://[broken/"),
        ("https://elsewhere.example.com/", "mailto:a@example.com"),
        ("https://elsewhere.example.com/", "https://help.example.com/not-ours/"),
        ("#main", "#top"),
        ("#main", "#:~:text=Text"),
        ("#main", "?q=x"),
        ('href="../../"', 'href="../../q/b-8"'),
        ('href="../../"', 'href="../../old/"'),
        ('href="../../"', 'href="../../feed.xml#entry"'),
        ("<main", '<img src="data:image/png;base64,AA=="><main'),
        ("<main", '<script type="application/json">{"a": 1}</script><main'),
        ("<main", '<p style="fill: url(#a)">x</p><main'),
        ("<bdi>Ada Li</bdi>", "Ada\n<b>Li</b>"),
    ],
)
def test_what_is_fine_is_not_found(tmp_path: Path, harmless: tuple[str, str]) -> None:
    """Checks do not cry wolf."""
    library = build(tmp_path)
    html = page_html(library.pages[ENTRY])
    assert harmless[0] in html
    write_file(tmp_path, file_of(ENTRY), html.replace(*harmless).encode())
    assert found(check_site(tmp_path, library, CONFIG)) == []


def test_a_page_that_names_nobody_is_found(tmp_path: Path) -> None:
    """Also when the structured data names nobody either."""
    library = build(tmp_path)
    html = page_html(library.pages[ENTRY]).replace('"author": {"name": "Ada  Li"}', '"author": []')
    write_file(tmp_path, file_of(ENTRY), html.encode())
    assert found(check_site(tmp_path, library, CONFIG)) == []
    write_file(tmp_path, file_of(ENTRY), html.replace("kb-person", "x").encode())
    assert found(check_site(tmp_path, library, CONFIG)) == [("attribution", ENTRY)]


def test_every_thread_of_a_merged_page_is_linked(tmp_path: Path) -> None:
    """Two threads, one link."""
    library = build(tmp_path)
    library.pages[ENTRY] = replace(library.pages[ENTRY], refs=(Ref("forum:7"), Ref("forum:9")))
    assert ("attribution", ENTRY) in found(check_site(tmp_path, library, CONFIG))


def test_a_page_that_defers_links_to_what_it_defers_to(tmp_path: Path) -> None:
    """The canonical thread is one click away."""
    library = build(tmp_path)
    html = page_html(library.pages["/q/b-8/"]).replace(f'href="{THREAD}">The', 'href="https://forum.example.com/">The')
    write_file(tmp_path, "q/b-8/index.html", html.replace(f'"url": "{THREAD}"', '"url": ""').encode())
    report = check_site(tmp_path, library, CONFIG)
    assert [finding.check for finding in report.errors] == ["attribution", "attribution"]


def test_a_deferring_page_is_never_noindex(tmp_path: Path) -> None:
    """Unless the whole site is a preview that search engines are kept out of."""
    library = make_library()
    library.pages["/q/b-8/"] = replace(library.pages["/q/b-8/"], noindex=True)
    build(tmp_path / "one", library)
    assert found(check_site(tmp_path / "one", library, CONFIG)) == [("noindex-canonical", "/q/b-8/")]
    preview = Config(site=SiteConfig(name="Help", url=URL, noindex=True))
    hidden = Library({path: replace(page, noindex=True) for path, page in library.pages.items()}, library.redirects, {})
    build(tmp_path / "two", hidden, preview)
    assert found(check_site(tmp_path / "two", hidden, preview)) == []


def test_scripts_of_writers_are_told_apart(tmp_path: Path) -> None:
    """A page of the docs team may run a script; a person should know."""
    library = build(tmp_path)
    html = page_html(library.pages["/articles/c/"]).replace("<main", "<script>chart()</script><main onload=x()")
    write_file(tmp_path, "articles/c/index.html", html.encode())
    report = check_site(tmp_path, library, CONFIG)
    assert ([f.check for f in report.warnings], report.errors) == (["written-script", "written-script"], ())


def test_an_empty_page_is_found(tmp_path: Path) -> None:
    """A torn file is no page."""
    library = build(tmp_path)
    write_file(tmp_path, file_of(ENTRY), b" ")
    assert ("html", ENTRY) in found(check_site(tmp_path, library, CONFIG))


def edit(folder: Path, name: str, old: str, new: str) -> None:
    """Replace some text in a file."""
    text = (folder / name).read_text()
    assert old in text
    write_file(folder, name, text.replace(old, new).encode())


def remove(folder: Path, name: str) -> None:
    """Remove a file."""
    (folder / name).unlink()


SITE_FAULTS: list[tuple[str, str, Callable[[Path], None]]] = [
    ("file", "/q/b-8/", lambda folder: remove(folder, "q/b-8/index.html")),
    ("sitemap", "sitemap.xml", lambda folder: remove(folder, "sitemap.xml")),
    ("sitemap", "sitemap.xml", lambda folder: edit(folder, "sitemap.xml", "</urlset>", "")),
    ("sitemap", "sitemap.xml", lambda folder: edit(folder, "sitemap.xml", f"<url><loc>{URL}</loc>", "<url>")),
    ("sitemap", "sitemap.xml", lambda folder: edit(folder, "sitemap.xml", f"{URL}articles/c/", f"{URL}q/b-8/")),
    (
        "sitemap",
        "sitemap.xml",
        lambda folder: edit(folder, "sitemap.xml", "</urlset>", f"<url><loc>{URL}</loc></url></urlset>"),
    ),
    ("feed", "/feed.xml", lambda folder: remove(folder, "feed.xml")),
    ("feed", "/topics/hubs/feed.xml", lambda folder: remove(folder, "topics/hubs/feed.xml")),
    ("feed", "/feed.xml", lambda folder: edit(folder, "feed.xml", "</feed>", "")),
    ("feed", "/feed.xml", lambda folder: edit(folder, "feed.xml", "<feed xmlns", "<feed xmlns:a")),
    ("feed", "/feed.xml", lambda folder: edit(folder, "feed.xml", "articles/c/", "articles/none/")),
    ("robots", "robots.txt", lambda folder: remove(folder, "robots.txt")),
    ("robots", "robots.txt", lambda folder: edit(folder, "robots.txt", "Sitemap: https", "Sitemap: http")),
    ("redirect", "/old/", lambda folder: remove(folder, "old/index.html")),
    ("redirect", "/gone", lambda folder: remove(folder, "gone/index.html")),
    ("manifest", MANIFEST, lambda folder: remove(folder, MANIFEST)),
    ("manifest", MANIFEST, lambda folder: edit(folder, MANIFEST, '"kind":"home"', '"kind":"house"')),
    ("manifest", "/q/b-8/", lambda folder: edit(folder, MANIFEST, '"path":"/q/b-8/"', '"path":"/q/ü-7/"')),
]


@pytest.mark.parametrize(("check", "page", "spoil"), SITE_FAULTS)
def test_a_fault_between_pages_is_found_though_no_page_changed(
    tmp_path: Path, check: str, page: str, spoil: Callable[[Path], None]
) -> None:
    """What holds between pages is checked in every run."""
    library = build(tmp_path)
    spoil(tmp_path)
    report = check_site(tmp_path, library, CONFIG, changed=())
    assert {(finding.check, finding.page) for finding in report.errors} == {(check, page)}
    assert report.counts["pages"] == 0


def test_files_are_looked_for_once_here_or_elsewhere(tmp_path: Path) -> None:
    """What another process found of them stands first among what must hold between pages, and nobody looks again."""
    library = build(tmp_path)
    remove(tmp_path, "q/b-8/index.html")
    lost = check_files(tmp_path, tuple(library.pages))
    assert [("file", "/q/b-8/")] == [(one.check, one.page) for one in lost]
    assert lost == check_whole(tmp_path, library, CONFIG, lambda: lost) == check_whole(tmp_path, library, CONFIG)
    assert [] == check_whole(tmp_path, library, CONFIG, list)


def test_a_redirect_to_a_missing_page_is_found(tmp_path: Path) -> None:
    """Also when the stub is there; a target elsewhere is not ours to judge."""
    library = build(tmp_path)
    library.redirects["/old/"] = "/q/none/"
    library.redirects["/gone"] = "https://docs.example.com/"
    assert found(check_site(tmp_path, library, CONFIG, changed=())) == [("redirect", "/old/")]


def test_a_path_no_file_system_takes_is_found(tmp_path: Path) -> None:
    """Of a page and of a redirect."""
    library = build(tmp_path)
    library.pages["/q/../x/"] = make_page("/q/../x/", "other")
    library.redirects["/../y"] = None
    checks = found(check_site(tmp_path, library, CONFIG, changed=()))
    assert ("file", "/q/../x/") in checks
    assert ("redirect", "/../y") in checks


def test_shared_titles_and_descriptions_of_indexable_pages_are_found(tmp_path: Path) -> None:
    """The second page by path is named; a page that defers to its thread may share."""
    library = make_library()
    for path in (ENTRY, "/articles/c/", "/q/b-8/"):
        library.pages[path] = replace(library.pages[path], title="Same", description="Same")
    build(tmp_path, library)
    assert found(check_site(tmp_path, library, CONFIG)) == [("description-shared", ENTRY), ("title-shared", ENTRY)]


def test_a_sitemap_index_is_followed(tmp_path: Path) -> None:
    """Its children together list every page."""
    config = Config(site=CONFIG.site, seo=SeoConfig(sitemap_limit=1))
    library = build(tmp_path, config=config)
    assert found(check_site(tmp_path, library, config)) == []
    child = next(path for path in tmp_path.glob("sitemap-*.xml") if f"{URL}articles/c/" in path.read_text())
    child.unlink()
    assert found(check_site(tmp_path, library, config)) == [("sitemap", "sitemap.xml")]


def test_only_changed_pages_are_read(tmp_path: Path) -> None:
    """A fault in a page that did not change was judged when it did; names of no page do not matter."""
    library = build(tmp_path)
    edit(tmp_path, file_of(ENTRY), "<h1>", "<h2>")
    assert check_site(tmp_path, library, CONFIG, changed={"/", "/none/"}) == CheckReport(counts={"pages": 1})
    assert check_site(tmp_path, library, CONFIG, changed={ENTRY}).counts == {"pages": 1, "h1": 1}


def test_other_processes_find_the_same(tmp_path: Path) -> None:
    """Chunks and findings travel."""
    library = make_library()
    for number in range(450):
        page = make_page(f"/q/p-{number}/", "entry", refs=(Ref(f"forum:p{number}"),))
        library.pages[page.path] = page
    build(tmp_path, library)
    for number in (3, 444):
        edit(tmp_path, f"q/p-{number}/index.html", "<h1>", "<h2>")
    here = check_site(tmp_path, library, CONFIG)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        assert check_site(tmp_path, library, CONFIG, mapper=pool.map) == here
    assert found(here) == [("h1", "/q/p-3/"), ("h1", "/q/p-444/")]


def test_every_check_is_proven() -> None:
    """Each rule has a fault above that breaks it; every rule is a sentence."""
    elsewhere = {"body", "html", "noindex-canonical", "written-script", "title-shared", "description-shared", "altered"}
    proven = {fault[0] for fault in FAULTS} | {fault[0] for fault in SITE_FAULTS} | elsewhere
    assert proven == set(CHECKS)
    assert set(CHECKS) >= WARNINGS
    assert [sentence for sentence in CHECKS.values() if not sentence.endswith(".")] == []
