"""Other site generators on the same pages: one Markdown file a thread, its question and answers as blocks of HTML."""

from __future__ import annotations

import json
import shutil
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import yaml
from msgspec import Struct

from bench.corpus import CATEGORIES, Topic
from bench.errors import BenchError
from bench.measure import Timing, run, set_aside
from bench.project import topic_slug, topic_title

_FOLDERS = tuple(topic_slug(number) for number in range(1, CATEGORIES + 1))


class PeerRun(Struct, frozen=True):
    """One peer's figures.

    Attributes:
        pages: thread pages it really wrote.
        html: all its pages.
        missing: why there are no figures; "" when there are.
    """

    name: str
    version: str = ""
    wall: float = 0.0
    cpu: float = 0.0
    pages: int = 0
    html: int = 0
    missing: str = ""


class Peer(ABC):
    """A site generator.

    Args:
        folder: its own; it is installed there when it is no dependency of kbgen.
    """

    name: str
    label: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.version = ""

    @property
    def site(self) -> Path:
        """What it writes."""
        return self.folder / "site"

    @abstractmethod
    def install(self) -> None:
        """Make it ready to run and set its version.

        Raises:
            BenchError: it is not to be had.
        """

    @abstractmethod
    def lay_out(self, topics: Sequence[Topic]) -> None:
        """Write its input."""

    @abstractmethod
    def command(self) -> list[str]:
        """What builds the site."""

    def build(self) -> PeerRun:
        """Build from nothing.

        Raises:
            BenchError: it fails.
        """
        set_aside(self.folder, "site", ".cache", "resources")
        timing = run(self.command(), folder=self.folder, environment={"NO_MKDOCS_2_WARNING": "1"})
        if timing.code:
            raise BenchError(_failure(timing))
        html = [file.relative_to(self.site).as_posix() for file in self.site.rglob("*.html")]
        # Two folders deep: the folders' own lists are not thread pages.
        pages = sum(name.startswith(_FOLDERS) and name.count("/") == 2 for name in html)
        return PeerRun(self.label, self.version, timing.wall, timing.cpu, pages, len(html))


def ready(kind: type[Peer], folder: Path, topics: Sequence[Topic]) -> Peer | PeerRun:
    """Install a peer and lay out its input; what is not to be had stands as the reason why.

    Args:
        kind: which peer.
        folder: its own, new.
        topics: the threads.
    """
    folder.mkdir()
    peer = kind(folder)
    try:
        peer.install()
    except BenchError as error:
        return PeerRun(peer.label, missing=str(error))
    peer.lay_out(topics)
    return peer


def built(peer: Peer | PeerRun) -> PeerRun:
    """One build of a peer, or why there is none."""
    if isinstance(peer, PeerRun):
        return peer
    try:
        return peer.build()
    except BenchError as error:
        return PeerRun(peer.label, peer.version, missing=str(error))


def sound(runs: Sequence[PeerRun]) -> tuple[PeerRun, ...]:
    """A peer that failed once has no median: the failure is reported."""
    failed = tuple(run for run in runs if run.missing)
    return failed or tuple(runs)


def _failure(timing: Timing) -> str:
    lines = (timing.err or timing.out).strip().splitlines()
    return f"ended with {timing.code}: {' '.join(lines[-3:])[:300]}"


class Material(Peer):
    """MkDocs with Material, as its documentation advises for large sites: the navigation pruned, search on."""

    name = "mkdocs"
    label = "MkDocs + Material"
    features: tuple[str, ...] = ("navigation.prune", "navigation.indexes", "navigation.tabs")

    def install(self) -> None:
        """It is there: kbgen depends on it."""
        self.version = f"{version('mkdocs')} + {version('mkdocs-material')}"

    def lay_out(self, topics: Sequence[Topic]) -> None:
        """Pages in a folder for each topic, which the navigation follows."""
        write_pages(self.folder / "docs", topics, index="index.md")
        settings = {
            "site_name": "Benchmark help",
            "site_url": "https://help.example.com/",
            "theme": {"name": "material", "font": False, "features": list(self.features)},
        }
        (self.folder / "mkdocs.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")

    def command(self) -> list[str]:
        """`mkdocs build`."""
        return [sys.executable, "-m", "mkdocs", "build", "-q", "-d", str(self.site)]


class MaterialWhole(Material):
    """MkDocs with Material as it comes: every page carries the navigation of the whole site."""

    name = "mkdocs-whole"
    label = "MkDocs + Material, whole navigation"
    features = ()


class Installed(Peer):
    """A peer installed from PyPI into an environment of its own."""

    requirement: str

    @property
    def bin(self) -> Path:
        """Programs of its environment."""
        return self.folder / "venv" / "bin"

    def install(self) -> None:
        """Make the environment; with uv when there is one, else with venv and pip."""
        venv = self.folder / "venv"
        python = str(self.bin / "python")
        if shutil.which("uv"):
            steps = [["uv", "venv", "-q", "--python", sys.executable, str(venv)]]
            steps += [["uv", "pip", "install", "-q", "--python", python, self.requirement]]
        else:
            steps = [[sys.executable, "-m", "venv", str(venv)]]
            steps += [[python, "-m", "pip", "install", "-q", "--disable-pip-version-check", self.requirement]]
        for step in steps:
            done = run(step, folder=self.folder)
            if done.code:
                raise BenchError(f"{self.requirement} cannot be installed: {_failure(done)}")
        package = self.requirement.partition("==")[0]
        asked = [python, "-c", f"from importlib.metadata import version; print(version('{package}'))"]
        self.version = run(asked, folder=self.folder).out.strip()


class Zensical(Installed):
    """Zensical, from the same files and settings as MkDocs."""

    name = "zensical"
    label = "Zensical"
    # 0.1 needs a package that PyPI does not have.
    requirement = "zensical==0.0.73"

    def lay_out(self, topics: Sequence[Topic]) -> None:
        """As for MkDocs."""
        Material(self.folder).lay_out(topics)

    def command(self) -> list[str]:
        """`zensical build`."""
        return [str(self.bin / "zensical"), "build", "-f", "mkdocs.yml"]


class Hugo(Installed):
    """Hugo with a bare theme: three templates of a few lines, no search, no navigation but the topics."""

    name = "hugo"
    label = "Hugo, bare theme"
    requirement = "hugo"

    def lay_out(self, topics: Sequence[Topic]) -> None:
        """Pages, settings and templates."""
        write_pages(self.folder / "content", topics, index="_index.md")
        settings = {
            "baseURL": "https://help.example.com/",
            "title": "Benchmark help",
            "publishDir": "site",
            "disableKinds": ["taxonomy", "term", "RSS"],
            "markup": {"goldmark": {"renderer": {"unsafe": True}}},
        }
        (self.folder / "hugo.json").write_text(json.dumps(settings), encoding="utf-8")
        layouts = self.folder / "layouts" / "_default"
        layouts.mkdir(parents=True)
        for name, text in _TEMPLATES.items():
            (layouts / name).write_text(text, encoding="utf-8")

    def command(self) -> list[str]:
        """`hugo`."""
        return [str(self.bin / "hugo"), "--quiet"]


_TEMPLATES = {
    "baseof.html": """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>{{ .Title }} - {{ site.Title }}</title>
<meta name="description" content="{{ .Description }}">
<link rel="canonical" href="{{ .Permalink }}">
</head>
<body>
<nav>{{ range site.Sections }}<a href="{{ .RelPermalink }}">{{ .Title }}</a> {{ end }}</nav>
<main>{{ block "main" . }}{{ end }}</main>
</body>
</html>
""",
    "single.html": """{{ define "main" }}<h1>{{ .Title }}</h1>
{{ .Content }}
<p>{{ range .Params.tags }}<span>{{ . }}</span> {{ end }}</p>{{ end }}
""",
    "list.html": """{{ define "main" }}<h1>{{ .Title }}</h1>
<ul>{{ range .Pages }}<li><a href="{{ .RelPermalink }}">{{ .Title }}</a></li>
{{ end }}</ul>{{ end }}
""",
}

PEERS: tuple[type[Peer], ...] = (Material, MaterialWhole, Zensical, Hugo)
"""Every peer there is."""


def write_pages(folder: Path, topics: Sequence[Topic], *, index: str) -> None:
    """Write the pages: ``<topic>/<number>-<slug>.md``, and an index for the site and each topic.

    Args:
        folder: new.
        topics: the threads.
        index: what the engine calls an index file.
    """
    folder.mkdir(parents=True)
    (folder / index).write_text(_front_matter({"title": "Benchmark help"}), encoding="utf-8")
    for number in range(1, CATEGORIES + 1):
        section = folder / topic_slug(number)
        section.mkdir()
        (section / index).write_text(_front_matter({"title": topic_title(number)}), encoding="utf-8")
    for topic in topics:
        file = folder / topic_slug(topic.category) / f"{topic.number}-{topic.slug}.md"
        file.write_text(page(topic), encoding="utf-8")


def page(topic: Topic) -> str:
    """A thread as a Markdown page."""
    head: dict[str, object] = {"title": topic.title, "description": topic.summary, "tags": list(topic.tags)}
    blocks = [f"<div>{topic.posts[0]}</div>"]
    others = [html for number, html in enumerate(topic.posts) if number not in (0, topic.accepted)]
    for html in (topic.posts[topic.accepted], *others):
        blocks += ["## Answer", f"<div>{html}</div>"]
    return _front_matter(head) + "\n" + "\n\n".join(blocks) + "\n"


def _front_matter(values: dict[str, object]) -> str:
    return f"---\n{yaml.dump(values, Dumper=_DUMPER, sort_keys=False, allow_unicode=True, width=10_000)}---\n"


# Written in C where PyYAML has it; thousands of pages take seconds otherwise.
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
