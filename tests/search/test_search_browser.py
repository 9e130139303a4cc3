"""The search as a visitor meets it, in headless Chromium, on a site served below a prefix."""

from __future__ import annotations

import functools
import os
import re
import shutil
import threading
import unicodedata
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import jinja2
import pytest

from kbgen.search.analysis import analyser, browser_rules
from kbgen.search.documents import SearchDoc
from kbgen.search.index import build_index
from kbgen.search.query import StaticIndex

material = pytest.importorskip("material")
sync_api = pytest.importorskip("playwright.sync_api")

THEME = Path(__file__).parents[2] / "kbgen" / "theme" / "search"
TEMPLATE = THEME.parent / "templates" / "search.html"
CHROMIUM = os.environ.get("CHROME_PATH") or shutil.which("chromium") or shutil.which("google-chrome") or ""
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"]
pytestmark = [pytest.mark.browser, pytest.mark.skipif(not CHROMIUM, reason="no Chromium; set CHROME_PATH")]

QUERIES = [
    "reset hub",
    "how do i reset the hub?",
    "what is it",
    "refnud",
    "ref",
    "connecti",
    "xylophone",
    "getDeviceList v2.1.0",
    "wiped base station refund offline invoices settings",
    "payment history",
    "h",
    "",
    "c++ node.js",
    "unplugging routers",
    "instaling histroy",
    "setings offlne",
    "getDeviceList device_list getDeviceLists HL-304 wi-fi",
    "rfund lmap lpam lmp",
]


class Quiet(SimpleHTTPRequestHandler):
    """A plain static host: no compression, no special types, every request remembered."""

    requested: list[str]

    def log_message(self, *_: object) -> None:
        """Say nothing, remember the path."""
        self.requested.append(self.path)


def document(depth: int, body: str, lang: str = "en") -> str:
    """A page of the site with the header's search box, at a depth below the site's root."""
    up = "../" * depth
    icons = Path(material.__file__).parent / "templates"
    loader = jinja2.FileSystemLoader([THEME, icons])
    env = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.ChainableUndefined)
    env.filters["url"] = lambda path: up + path
    words = {"frame_search": "Search", "frame_search_hint": "Search the help center"}
    config = {"extra": {"kbgen": {"words": words}}, "theme": {"icon": {}}}
    header = env.get_template("partials/search.html").render(config=config)
    head = f'<script type="module" src="{up}assets/kbgen/search/search.js?v=1"></script>'
    style = f'<link rel="stylesheet" href="{up}assets/kbgen/search/search.css">'
    policy = '<meta http-equiv="Content-Security-Policy" content="default-src \'self\'">'
    direction = "rtl" if lang == "he" else "ltr"
    return (
        f'<!doctype html><html lang="{lang}" dir="{direction}"><head><meta charset="utf-8">{policy}<title>Help</title>{style}'
        f"{head}</head><body>{header}<main>{body}</main></body></html>"
    )


@pytest.fixture
def site(tmp_path: Path, pages: list[SearchDoc]) -> Iterator[tuple[str, Path]]:
    """The address and folder of a small site below ``/help/``."""
    folder = tmp_path / "help"
    many = [SearchDoc(f"/q/lamp-{n}/", f"Lamp {n} flickers", text="lamp", topic="lamps", score=-n) for n in range(45)]
    bill = SearchDoc("/q/router-11/", "Dove trovo la fattura del router?", lang="it")
    build_index([*pages, *many, bill], folder / "search", ["en", "he", "zh", "it"])
    shutil.copytree(THEME / "assets", folder / "assets" / "kbgen" / "search")
    hero = '<form action="search/" class="kb-hero-search" role="search" aria-label="Ask"><input name="q" aria-label="Ask"></form>'
    found = '<div id="kb-search-page" data-ask="https://forum.example.org/" data-ask-label="Ask us" data-empty="Type"></div>'
    found += next(line for line in TEMPLATE.read_text(encoding="utf-8").splitlines() if "kb-search-keys" in line)
    places = {
        "index.html": document(0, hero),
        "q/reset-the-hub-1/index.html": document(2, "<h1>Reset</h1>"),
        "q/refund-3/index.html": document(2, "<h1>Refund</h1>"),
        "q/hostile-4/index.html": document(2, "<h1>Hostile</h1>"),
        "he/deep/er/index.html": document(3, "<h1>ע</h1>", "he"),
        "it/deep/er/index.html": document(3, "<h1>E</h1>", "it"),
        "q/חיבור-7/index.html": document(2, "<h1>ע</h1>", "he"),
        "search/index.html": document(1, found),
    }
    for name, text in places.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    Quiet.requested = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/help/", folder
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One browser for all tests of this file."""
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    """A fresh page; an error in a script or a breach of the content policy fails the test."""
    context = chromium.new_context(viewport={"width": 1200, "height": 800})
    made = context.new_page()
    problems: list[str] = []
    made.on("pageerror", lambda error: problems.append(str(error)))
    made.on("console", lambda message: problems.extend([message.text] * (message.type == "error")))
    made.set_default_timeout(15_000)
    yield made
    context.close()
    assert [p for p in problems if "favicon" not in p and "404" not in p] == []


def ask(page: Any, query: str, box: str = "#kb-search-input") -> list[str]:
    """Type a question; the titles of the results, once they are there."""
    page.locator(box).fill(query)
    everything = page.locator(".kb-hits:not([hidden]) > :last-child")
    sync_api.expect(everything).to_have_attribute(
        "href", re.compile("q=" + re.escape(quote_plus(query)) + r"(&lang=\w+)?$")
    )
    return [str(t) for t in page.locator(".kb-hits:not([hidden]) .kb-hit__title").all_text_contents()]


def test_nothing_is_loaded_before_it_is_needed(site: tuple[str, Path], page: Any) -> None:
    """A visit without a search fetches neither the engine nor the index."""
    page.goto(site[0] + "q/refund-3/")
    page.wait_for_timeout(300)
    assert [p for p in Quiet.requested if "/help/search/" in p or "engine" in p or "words" in p] == []
    page.locator("#kb-search-input").focus()
    page.wait_for_timeout(500)
    assert any(p.endswith("/help/search/en/meta.json") for p in Quiet.requested)


def test_results_are_links_from_any_depth(site: tuple[str, Path], page: Any) -> None:
    """From a page two folders deep, below a prefix, a result leads to its page; matched words are marked."""
    page.goto(site[0] + "q/refund-3/")
    titles = ask(page, "resetting hubs")
    assert titles[0] == "How do I reset the hub to factory settings?"
    first = page.locator(".kb-hits a").first
    assert first.locator(".kb-hit__title mark").all_text_contents() == ["reset", "hub"]
    assert first.locator(".kb-hit__topic").text_content() == "The hub"
    assert first.locator(".kb-hit__badge").text_content() == "Accepted answer"
    first.click()
    page.wait_for_url(site[0] + "q/reset-the-hub-1/")


def test_the_keyboard_is_enough(site: tuple[str, Path], page: Any) -> None:
    """Slash opens, arrows choose, Escape closes, Enter goes; the roles tell a screen reader the same."""
    page.goto(site[0] + "q/reset-the-hub-1/")
    page.keyboard.press("/")
    box = page.locator("#kb-search-input")
    assert box.evaluate("e => e === document.activeElement")
    assert ask(page, "refund")[0] == "Where is my refund?"
    assert (box.get_attribute("role"), box.get_attribute("aria-expanded")) == ("combobox", "true")
    assert page.locator("form.kb-search [role=status]").text_content() == "1 result"
    page.keyboard.press("ArrowDown")
    chosen = page.locator("[role=option][aria-selected=true]")
    assert chosen.get_attribute("id") == box.get_attribute("aria-activedescendant")
    page.keyboard.press("Escape")
    assert box.get_attribute("aria-expanded") == "false"
    assert page.locator(".kb-hits:not([hidden])").count() == 0
    page.keyboard.press("ArrowDown")
    page.wait_for_selector(".kb-hits:not([hidden])")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(site[0] + "q/refund-3/")


def test_the_keys_can_be_switched_off(site: tuple[str, Path], page: Any) -> None:
    """Who speaks to the browser types letters by accident (WCAG 2.1.4): the search page has a switch, remembered."""
    page.goto(site[0] + "search/")
    switch, box = page.locator("#kb-search-keys"), page.locator("#kb-search-input")
    assert (switch.is_visible(), switch.is_checked()) == (True, True)
    found = []
    for _ in range(2):
        page.goto(site[0] + "q/refund-3/")
        page.keyboard.press("s")
        found.append(box.evaluate("e => e === document.activeElement"))
        page.goto(site[0] + "search/")
        switch.set_checked(False)
    assert found == [True, False]
    page.goto(site[0] + "search/")
    assert not switch.is_checked()


def test_hostile_titles_are_text(site: tuple[str, Path], page: Any) -> None:
    """Markup in a title or a summary is shown, never made."""
    page.goto(site[0] + "search/?q=hostile")
    page.wait_for_selector(".kb-results__list .kb-hit__title")
    title = page.locator(".kb-results__list .kb-hit__title").first
    assert str(title.text_content()).startswith("<img src=x onerror=")
    assert page.locator("#kb-search-page img, #kb-search-page script").count() == 0
    assert ask(page, "hostile router")[0].startswith("<img src=x")
    assert page.locator(".kb-hits img, .kb-hits script").count() == 0
    assert page.evaluate("window.hacked") is None


def test_nothing_found_says_so_and_helps_on(site: tuple[str, Path], page: Any) -> None:
    """No result: said aloud, topics to look through, and where to ask."""
    page.goto(site[0] + "search/?q=xylophone")
    page.wait_for_selector(".kb-results__browse a")
    assert page.locator(".kb-results__count").text_content() == "Nothing found"
    assert page.locator(".kb-results__browse a").first.get_attribute("href") == site[0] + "topics/lamps/"
    assert page.get_by_role("link", name="Ask us").get_attribute("href") == "https://forum.example.org/"
    assert ask(page, "xylophone") == []
    assert page.locator(".kb-hits:not([hidden]) .kb-hit__all").text_content() == "Nothing found"


def test_the_search_page_lives_in_its_address(site: tuple[str, Path], page: Any) -> None:
    """Query and topic are in the address; chips count; back goes back; more shows more."""
    page.goto(site[0] + "search/?q=lamp%20refund%20hub")
    page.wait_for_selector(".kb-results__list li")
    assert page.locator("#kb-search-input").input_value() == "lamp refund hub"
    chips = [str(t) for t in page.locator(".kb-chip").all_text_contents()]
    assert chips[0].startswith("All topics")
    assert "lamps 45" in chips
    assert page.locator(".kb-results__list li").count() == 20
    page.get_by_role("button", name="Billing 1").click()
    sync_api.expect(page.locator(".kb-results__list li")).to_have_count(1)
    assert page.url.endswith("&topic=billing")
    page.go_back()
    sync_api.expect(page.locator(".kb-results__list li")).to_have_count(20)
    page.get_by_role("button", name="Show more").click()
    sync_api.expect(page.locator(".kb-results__list li")).to_have_count(40)
    page.locator("#kb-search-input").fill("refund")
    page.locator("#kb-search-input").press("Enter")
    sync_api.expect(page.locator(".kb-results__list li")).to_have_count(1)
    assert page.url == site[0] + "search/?q=refund"


def test_a_search_that_is_sent_closes_what_was_shown_while_typing(site: tuple[str, Path], page: Any) -> None:
    """The results are not covered by the box's own, also when Enter comes before these."""
    page.goto(site[0] + "search/")
    for pause in (True, False):
        if pause:
            ask(page, "refund")
        else:
            page.locator("#kb-search-input").fill("lamp")
        page.locator("#kb-search-input").press("Enter")
        page.wait_for_selector(".kb-results__list li")
        page.wait_for_timeout(300)
        assert page.locator(".kb-hits:not([hidden])").count() == 0


def test_the_search_page_goes_on_in_the_reader_s_language(site: tuple[str, Path], page: Any) -> None:
    """What a box of an Italian page offers is what its result page shows; other languages with results can be chosen."""
    page.goto(site[0] + "it/deep/er/")
    found = ask(page, "router fattura")
    assert found[0] == "Dove trovo la fattura del router?"
    page.locator(".kb-hits:not([hidden]) > :last-child").click()
    page.wait_for_url(site[0] + "search/?q=router+fattura&lang=it")
    results = page.locator(".kb-results__list .kb-hit__title")
    sync_api.expect(results).to_have_text(found)
    tongues = page.locator(".kb-results__topics").first.locator("button")
    sync_api.expect(tongues).to_have_text(["English 2", "italiano 2"])
    assert tongues.nth(1).get_attribute("aria-pressed") == "true"
    tongues.nth(0).click()
    sync_api.expect(results.first).to_contain_text("router")
    assert page.url.endswith("&lang=en")
    page.go_back()
    sync_api.expect(results).to_have_text(found)
    page.goto(site[0] + "it/deep/er/")
    page.locator("#kb-search-input").fill("router fattura")
    # Until the box has been told which languages there are, the search page goes on in the site's own.
    page.locator(".kb-search [name=lang]:not([disabled])").wait_for(state="attached")
    page.locator("#kb-search-input").press("Enter")
    page.wait_for_url(site[0] + "search/?q=router+fattura&lang=it")


def test_the_home_page_answers_at_once(site: tuple[str, Path], page: Any) -> None:
    """The hero's box has instant results of its own, and leads to all of them."""
    page.goto(site[0])
    assert len(ask(page, "lamp", ".kb-hero-search [name=q]")) == 6
    everything = page.locator(".kb-hits:not([hidden]) > :last-child")
    assert everything.text_content() == "See all 46 results"
    everything.click()
    page.wait_for_url(site[0] + "search/?q=lamp")


def test_right_to_left_pages_search_their_language(site: tuple[str, Path], page: Any) -> None:
    """A Hebrew page uses the Hebrew index and words, three folders deep; Latin words still find English pages."""
    page.goto(site[0] + "he/deep/er/")
    assert ask(page, "בבית הרשת") == ["איך מחברים את הרכזת לרשת הבית?"]
    assert page.locator("form.kb-search [role=status]").text_content() == "תוצאה אחת"
    box, hits = (page.locator(s).bounding_box() for s in ("form.kb-search", ".kb-hits:not([hidden])"))
    assert abs(box["x"] - hits["x"]) < 2
    assert ask(page, "refund") == ["Where is my refund?"]
    # Where a result belongs is said in the page's language, whatever the result's.
    assert page.locator(".kb-hit__where").first.get_attribute("dir") == "rtl"


def test_a_foreign_script_finds_its_index(site: tuple[str, Path], page: Any) -> None:
    """Hebrew and Chinese typed on an English page are looked for in their own languages."""
    page.goto(site[0] + "q/refund-3/")
    assert ask(page, "重置网关") == ["如何重置智能网关"]
    assert ask(page, "הרכזת") == ["איך מחברים את הרכזת לרשת הבית?"]
    page.locator(".kb-hits a").first.click()
    page.wait_for_url(site[0] + "q/%D7%97%D7%99%D7%91%D7%95%D7%A8-7/")


RANKED = """async ([root, lang, queries, typing]) => {
  const {Index} = await import(new URL("../assets/kbgen/search/engine.js?v=1", root));
  const index = await Index.open(new URL(root), lang);
  const all = [];
  for (const query of queries) all.push((await index.search(query, typing)).ranked);
  return all;
}"""


@pytest.mark.parametrize("typing", [False, True])
@pytest.mark.parametrize("lang", ["en", "he", "zh", "it"])
def test_the_browser_ranks_as_python_does(site: tuple[str, Path], page: Any, lang: str, *, typing: bool) -> None:
    """Ids and scores are equal to the last digit, for whole words, unfinished ones and slips."""
    address, folder = site
    page.goto(address)
    reader = StaticIndex(folder / "search", lang)
    queries = [*QUERIES, "重置按钮", "水", "重", "בבית", "הסיס", "fattur", "citta rimborsi"]
    there = page.evaluate(RANKED, [address + "search/", lang, queries, typing])
    here = [[list(pair) for pair in reader.ranked(query, typing=typing)] for query in queries]
    assert dict(zip(queries, there, strict=True)) == dict(zip(queries, here, strict=True))
    assert any(here)


TERMS = """async ([root, rules, stemmer, texts]) => {
  const {Analyser} = await import(new URL("../assets/kbgen/search/engine.js?v=1", root));
  const analyser = new Analyser(rules, stemmer ? (await import(new URL(stemmer, root))).default : null);
  return texts.map(text => analyser.words(text).map(w => [w.terms, w.stop, w.plain]));
}"""


@pytest.mark.parametrize("lang", ["en", "it"])
def test_chromium_gives_the_same_terms(site: tuple[str, Path], page: Any, lang: str) -> None:
    """The browser's own tables of Unicode give the terms Python's give, over every known letter."""
    address, folder = site
    page.goto(address)
    stemmer = StaticIndex(folder / "search", lang).meta["analysis"]["stemmer"]
    signs = [chr(c) for c in range(0x20, 0x2FA1E) if not 0x4E10 <= c <= 0x9FA0]
    # What this Python's Unicode does not know yet may be ordered otherwise by a newer browser.
    signs = [sign for sign in signs if unicodedata.category(sign) not in {"Cn", "Cs"}]
    texts = ["".join(signs[i : i + 7]) + "x" for i in range(0, len(signs), 7)] + QUERIES
    there = page.evaluate(TERMS, [address + "search/", browser_rules(lang), stemmer and f"{lang}/{stemmer}", texts])
    here = [[[list(w.terms), w.stop, w.plain] for w in analyser(lang).words(text)] for text in texts]
    differing = [(t, a, b) for t, a, b in zip(texts, here, there, strict=True) if a != b]
    assert differing[:3] == []
