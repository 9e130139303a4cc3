"""Real communities, whole: three Stack Exchange dumps, a Discourse archive and a help centre in one project."""

from __future__ import annotations

import json
import tarfile
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import pytest
import zstandard
from lxml import etree, html
from projects import Done, Kbgen, copy_project

from kbgen.curate.mathml_words import words_of
from kbgen.model import Curated, Entry
from kbgen.store import Store, open_store

pytestmark = [pytest.mark.realdata, pytest.mark.xdist_group("real")]

SITE = "https://help.example.com/help/"
DUMPS = {
    "cardano": ("cardano-2021", "https://cardano.stackexchange.com"),
    "bicycles": ("bicycles-meta-2023", "https://bicycles.meta.stackexchange.com"),
    "quantum": ("quantumcomputing-2018", "https://quantumcomputing.stackexchange.com"),
}
FORUM = "https://discourse.urho3d.io"


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, data_folder: Path, kbgen: Kbgen) -> tuple[Path, Done]:
    """The project, built."""
    folder = copy_project(tmp_path_factory.mktemp("real") / "project", content=False)
    sources = [
        {"name": name, "kind": "stackexchange", "url": url, "dump": str(data_folder / "stackexchange" / dump)}
        for name, (dump, url) in DUMPS.items()
    ]
    archive = data_folder / "discourse" / "urho3d-slice" / "topics.tar.zst"
    sources.append(
        {"name": "urho", "kind": "discourse", "url": FORUM, "archive": str(archive), "licence": "CC BY-NC-SA 4.0"}
    )
    articles = data_folder / "staff" / "arduino" / "content"
    sources.append({"name": "arduino", "kind": "articles", "path": str(articles), "licence": "CC BY-SA 4.0"})
    config = {"site": {"name": "Real help", "url": SITE, "languages": ["en"]}, "sources": sources}
    # The same with and without the optional models.
    config["duplicates"] = {"semantic": "off"}
    (folder / "site_config" / "kbgen.yml").write_text(json.dumps(config), encoding="utf-8")
    return folder, kbgen("-C", folder, "--json", "build")


@pytest.fixture(scope="module")
def store(real: tuple[Path, Done]) -> Iterator[Store]:
    """What the build left in the store."""
    opened = open_store(real[0] / ".kbgen" / "store.sqlite", read_only=True)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def manifest(real: tuple[Path, Done]) -> list[dict[str, Any]]:
    """The published manifest's lines."""
    text = (real[0] / "site" / "kb-manifest.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def pages(real: tuple[Path, Done]) -> dict[str, html.HtmlElement]:
    """Every HTML file of the site, parsed, by its path."""
    site = real[0] / "site"
    return {
        "/" + file.relative_to(site).as_posix().removesuffix("index.html"): html.fromstring(file.read_bytes())
        for file in sorted(site.rglob("*.html"))
    }


def accepted_in_dump(dump: Path) -> dict[str, str]:
    """Question id to accepted answer id, read straight from the XML."""
    rows = (row for _, row in etree.iterparse(str(dump / "Posts.xml"), tag="row"))
    return {row.get("Id", ""): row.get("AcceptedAnswerId", "") for row in rows if row.get("AcceptedAnswerId")}


def accepted_in_archive(archive: Path) -> set[str]:
    """Ids of the topics with an accepted answer, read straight from the archive."""
    data = zstandard.ZstdDecompressor().stream_reader(BytesIO(archive.read_bytes())).read()
    with tarfile.open(fileobj=BytesIO(data)) as tar:
        topics = [json.load(tar.extractfile(member) or BytesIO()) for member in tar if member.name.endswith(".json")]
    return {str(topic["id"]) for topic in topics if topic.get("accepted_answer")}


def accepted_refs(data_folder: Path) -> set[str]:
    """Every thread with an accepted answer."""
    found = {
        f"{name}:{question}"
        for name, (dump, _) in DUMPS.items()
        for question in accepted_in_dump(data_folder / "stackexchange" / dump)
    }
    archive = data_folder / "discourse" / "urho3d-slice" / "topics.tar.zst"
    return found | {f"urho:{topic}" for topic in accepted_in_archive(archive)}


def entries(store: Store) -> list[Entry]:
    """Every published entry."""
    refs = [ref for ref, _ in store.entries.digests()]
    return [body for body in store.entries.bodies(refs) if isinstance(body, Entry)]


def test_the_site_is_published(real: tuple[Path, Done]) -> None:
    """Four communities and a help centre become one site without a fault."""
    done = real[1]

    assert (0, True, []) == (done.code, done.data["published"], done.data["failed"]), done.err


def test_every_accepted_thread_has_one_verdict(store: Store, data_folder: Path) -> None:
    """A thread with an accepted answer is decided on once, with a reason."""
    wanted = accepted_refs(data_folder)
    items: tuple[Curated, ...] = store.curated.get(sorted(wanted))

    assert wanted == {item.ref for item in items}
    assert [] == [item.ref for item in items if not item.verdict.reasons]
    assert [] == [ref for ref, count in Counter(item.ref for item in items).items() if count != 1]


def test_nearly_every_accepted_thread_is_published(store: Store, data_folder: Path) -> None:
    """What is held or dropped among accepted threads has a reason the rules name."""
    items = store.curated.get(sorted(accepted_refs(data_folder)))
    reasons = Counter(item.verdict.reasons[0] for item in items if item.verdict.outcome != "publish")

    assert set(reasons) <= {"thin", "off-topic", "hidden", "no-author"}
    assert sum(reasons.values()) < len(items) / 20


def words(text: str) -> str:
    """Text without white space, to compare what is shown with what was harvested."""
    return "".join(text.split())


def read_aloud(page: html.HtmlElement) -> str:
    """The text of a page, formulas as search reads them."""
    copied = deepcopy(page)
    for formula in list(copied.iter("math")):
        said = words_of(etree.tostring(formula, encoding="unicode", with_tail=False))
        formula.tail = f"{said}{formula.tail or ''}"
        formula.drop_tree()
    return str(copied.text_content())


def test_every_page_shows_and_credits(
    store: Store, pages: dict[str, html.HtmlElement], manifest: list[dict[str, Any]]
) -> None:
    """Question, best answer, authors, profiles, sources and licences stand on every harvested page."""
    paths = {line["refs"][0]: line["path"] for line in manifest if line["kind"] == "entry"}
    wrong: list[str] = []
    for entry in entries(store):
        page = pages[paths[entry.ref]]
        shown = words(read_aloud(page))
        links = {link.get("href") for link in page.iter("a")}
        people = [entry.question.author, entry.best.author, *(other.author for other in entry.others)]
        missing = [
            *(text for text in (entry.question.text, entry.best.text) if words(text)[:200] not in shown),
            *(who.name for who in people if words(who.name) not in shown),
            *(who.url for who in people if who.url and who.url not in links),
            *(thread.url for thread in entry.threads if thread.url not in links),
            *(thread.licence for thread in entry.threads if not thread.licence or words(thread.licence) not in shown),
        ]
        if missing:
            wrong.append(f"{paths[entry.ref]}: {missing[0]!r}")

    assert [] == wrong[:10]


def test_no_internal_link_is_broken(real: tuple[Path, Done], pages: dict[str, html.HtmlElement]) -> None:
    """Every link and asset of every page leads to a file of the site, and every fragment to an element."""
    site = real[0] / "site"
    files = {"/" + file.relative_to(site).as_posix() for file in site.rglob("*") if file.is_file()}
    ids = {path: {node.get("id") for node in page.iter() if node.get("id")} for path, page in pages.items()}
    broken: list[str] = []
    for path, page in pages.items():
        for node in page.iter("a", "link", "script", "img"):
            raw = node.get("href") or node.get("src")
            target = urljoin(SITE + path[1:], raw) if raw else ""
            if not target.startswith(SITE):
                continue
            there = unquote(urlsplit(target).path).removeprefix("/help")
            file = there + "index.html" if there.endswith("/") else there
            fragment = unquote(urlsplit(target).fragment)
            if file not in files or (fragment and fragment not in ids.get(there, set())):
                broken.append(f"{path} -> {raw}")

    assert [] == broken[:10]


def test_nothing_harvested_runs(pages: dict[str, html.HtmlElement], manifest: list[dict[str, Any]]) -> None:
    """Poured pages carry the frame's scripts and structured data, no other script and no event handler."""
    poured = [line["path"] for line in manifest if line["kind"] in {"entry", "article"}]
    scripts = Counter(
        script.text_content()
        for path in poured
        for script in pages[path].iter("script")
        if not script.get("src") and script.get("type") not in {"application/ld+json", "application/json"}
    )
    handlers = [
        f"{path}: {name}"
        for path in poured
        for node in pages[path].iter()
        for name in node.attrib
        if str(name).lower().startswith("on")
    ]

    assert [] == [text for text, count in scripts.items() if count % len(poured) != 0]
    assert [] == handlers


def duplicates(dump: Path) -> list[tuple[str, str]]:
    """Declared duplicates, read straight from the XML."""
    rows = (row for _, row in etree.iterparse(str(dump / "PostLinks.xml"), tag="row"))
    return [(row.get("PostId", ""), row.get("RelatedPostId", "")) for row in rows if row.get("LinkTypeId") == "3"]


@pytest.mark.parametrize("name", sorted(DUMPS))
def test_known_duplicates_share_a_page(
    name: str, data_folder: Path, store: Store, manifest: list[dict[str, Any]]
) -> None:
    """Two published questions the community calls duplicates are on one page."""
    page_of = {ref: line["path"] for line in manifest if line["kind"] == "entry" for ref in line["refs"]}
    published = set(store.curated.refs("thread", "publish"))
    pairs = [(f"{name}:{a}", f"{name}:{b}") for a, b in duplicates(data_folder / "stackexchange" / DUMPS[name][0])]
    apart = [(a, b) for a, b in pairs if a in published and b in published and page_of[a] != page_of[b]]

    assert [] == apart


def test_a_second_build_writes_nothing(real: tuple[Path, Done], kbgen: Kbgen) -> None:
    """Nothing changed, nothing written: no file of the site is touched."""
    site = real[0] / "site"
    before = {file: file.stat().st_mtime_ns for file in site.rglob("*")}
    done = kbgen("-C", real[0], "--json", "build")

    assert (0, False) == (done.code, done.data["published"])
    assert before == {file: file.stat().st_mtime_ns for file in site.rglob("*")}
