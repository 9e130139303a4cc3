"""What the site engine is given: a folder of documents, a merged theme and a configuration, and their digest.

The project's own files are only read. Documents kbgen renders itself (``curated/``, topic introductions) and
drafts are left out; every shell is laid at each depth it may be poured at, because its links to style sheets are
relative. Running the engine is ``engine``'s business.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from kbgen.config import Config
from kbgen.errors import EngineError, RecordError
from kbgen.model import yaml_text
from kbgen.site import mkdocs_yaml
from kbgen.site.icons import masks
from kbgen.site.words import words_for
from kbgen.sources.article_fields import read_fields
from kbgen.sources.articles import ENGINE_INDEXES
from kbgen.sources.markdown import split_front_matter

LastRead = Callable[[str], "str | None"]
"""The text of an article as it was last read, by its path below ``content/articles/``; None when it never was."""
DEPTHS = (1, 2, 3, 4)
"""Folders between the site's root and a poured page."""
THEME = Path(__file__).parent.parent / "theme"
# What the engine's output depends on besides its input.
_PACKAGES = ("mkdocs", "mkdocs-material", "pymdown-extensions", "markdown", "pygments", "jinja2", "zensical")
_SEARCH = "assets/kbgen/search/"
_STYLE = "assets/kbgen/kb.css"
_FRONT_MATTER = re.compile(r"\A---\s*\n(.*?)\n---\s*(?:\n|\Z)", re.DOTALL)
_HOME = "---\ntitle: Home\nlean: true\nhide: [navigation, toc, title]\n---\n"
_ARTICLES = "articles"
# Raise it when this module or the engine's runs change what they make of the same files.
_VERSION = 3


@dataclass(frozen=True)
class FrameInput:
    """Files laid out for one engine run a language.

    Attributes:
        configs: language to generated configuration file.
        outputs: language to the folder the engine writes.
        shells: names of the shells.
        digest: of all of it, independent of where the folders are.
        site_root: path of the site's root on its host.
        logo: site path of the logo, None when there is none.
        written: path to language of the writers' pages that state one.
    """

    configs: dict[str, Path]
    outputs: dict[str, Path]
    shells: tuple[str, ...]
    digest: str
    site_root: str
    logo: str | None
    written: dict[str, str]


def shell_file(name: str, depth: int) -> str:
    """Where the engine writes a shell of one depth, relative to its output folder."""
    folders = "d1-" if depth == 1 else f"d{depth}-shells/" + "s/" * (depth - 2)
    return f"{folders}{name}/index.html"


def lay_out(project: Path, config: Config, cache: Path, engine: str, last: LastRead | None = None) -> FrameInput:
    """Prepare everything the engine reads.

    Args:
        project: the project folder.
        config: the validated configuration.
        cache: a folder of kbgen's own.
        engine: which engine is to run; part of the digest.
        last: gives the text of an article that cannot be read now; None leaves it out.

    Raises:
        EngineError: ``mkdocs.yml`` or the shells are missing, ``mkdocs.yml`` is not YAML, or a page is not UTF-8.
    """
    content = project / "content"
    shells = tuple(sorted(file.stem for file in (content / "_shells").glob("*.md")))
    if not shells:
        raise EngineError("content/_shells/: no shell pages; `kbgen init DIR` writes them, copy them from there")
    source = mkdocs_yaml.read(project / "mkdocs.yml")
    for old in cache.glob("work*"):
        shutil.rmtree(old, ignore_errors=True)
    # An engine whose run was killed may still be writing where that run had laid out its files.
    work = cache / f"work-{os.getpid()}"
    _merge_theme(work / "theme", project, mkdocs_yaml.theme_folder(source))
    configs, outputs = {}, {}
    documents = _read_documents(content, last or _nothing)
    written = _languages(documents)
    for lang in config.site.languages:
        # A frame in another language renders the writers' pages too when one of them is in that language.
        whole = lang == config.site.languages[0] or lang in written.values()
        docs = work / lang / "docs"
        if whole:
            _copy_documents(content, docs, documents)
        if not (docs / "index.md").is_file():
            # Only the home page lies in the site's root, where no shell can be laid.
            docs.mkdir(parents=True, exist_ok=True)
            (docs / "index.md").write_text(_HOME, encoding="utf-8")
        _copy_assets(project, docs)
        _copy_shells(content / "_shells", docs)
        run = mkdocs_yaml.Run(project.resolve(), "docs", "out", "../theme", lang=lang, whole=whole)
        extra = _extra(config, lang, source, docs, work / "theme")
        # A folder a language: two runs at a time, and Zensical keeps its cache beside the configuration.
        configs[lang] = work / lang / "mkdocs.yml"
        outputs[lang] = work / lang / run.site
        text = mkdocs_yaml.generate(source, config.site, run, extra)
        configs[lang].write_text(text, encoding="utf-8")
    root = urlsplit(config.site.url).path or "/"
    return FrameInput(
        configs, outputs, shells, _digest(work, project, config, engine), root, mkdocs_yaml.logo(source), written
    )


def is_draft(text: str) -> bool:
    """Whether a document's front matter says ``draft: true``."""
    return _front_matter(text).get("draft") is True


def _nothing(_name: str) -> str | None:
    return None


def _read_documents(content: Path, last: LastRead) -> dict[str, str]:
    """The writers' texts by their paths below ``content/``; an article that cannot be read is as it was last read."""
    found: dict[str, str] = {}
    for file, parts in _given(content):
        if file.suffix != ".md":
            continue
        name = "/".join(parts)
        text = _article(file, name, last) if _is_article(parts) else _text(file, f"content/{name}")
        if text is not None:
            found[name] = text
    return found


def _is_article(parts: tuple[str, ...]) -> bool:
    return parts[0] == _ARTICLES and parts[-1].lower() not in ENGINE_INDEXES


def _article(file: Path, name: str, last: LastRead) -> str | None:
    try:
        text = _text(file, name)
        read_fields(split_front_matter(text, name), text, name)
    except (EngineError, RecordError):  # its harvest names it
        return last(name.removeprefix(f"{_ARTICLES}/"))
    return text


def _text(file: Path, name: str) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise EngineError(f"{name}: is not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from error


def _languages(documents: Mapping[str, str]) -> dict[str, str]:
    """Path of every document whose front matter names a language, and that language."""
    named = ((name, _front_matter(text).get("lang")) for name, text in documents.items())
    return {"/" + mkdocs_yaml.site_path(name): lang for name, lang in named if isinstance(lang, str)}


def _front_matter(text: str) -> dict[str, object]:
    match = _FRONT_MATTER.match(text)
    if match is None:
        return {}
    try:
        data = yaml_text.load(match.group(1))
    except yaml_text.YamlFault:  # named where the document is read
        return {}
    return data if isinstance(data, dict) else {}


def _given(content: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """The files the engine is given, with the parts of their paths."""
    for file in sorted(content.rglob("*")):
        parts = file.relative_to(content).parts
        if not file.is_file() or parts[0] in ("curated", "_shells") or any(part.startswith(".") for part in parts):
            continue
        if parts[0] != "topics" or file.suffix != ".md" or parts[1:] == ("index.md",):
            yield file, parts


def _copy_documents(content: Path, docs: Path, documents: Mapping[str, str]) -> None:
    for file, parts in _given(content):
        target = docs.joinpath(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix != ".md":
            shutil.copyfile(file, target)
            continue
        text = documents.get("/".join(parts))
        if text is not None and not is_draft(text):
            target.write_text(text, encoding="utf-8", newline="")


def _copy_assets(project: Path, docs: Path) -> None:
    """The project's and kbgen's style sheets, scripts and images; later ones win."""
    folders = ((THEME / "assets", "kbgen"), (THEME / "search" / "assets", "kbgen/search"))
    for source, target in (*folders, (project / "site_config" / "assets", "")):
        if source.is_dir():
            shutil.copytree(source, docs / "assets" / target, dirs_exist_ok=True)
        if target == "kbgen":
            with (docs / _STYLE).open("a", encoding="utf-8") as style:
                style.write(masks())


def _copy_shells(shells: Path, docs: Path) -> None:
    for shell in sorted(shells.glob("*.md")):
        text = _text(shell, f"content/_shells/{shell.name}")
        for depth in DEPTHS:
            target = docs / shell_file(shell.stem, depth).replace("/index.html", ".md")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")


def _merge_theme(target: Path, project: Path, custom: str | None) -> None:
    """Lay the project's own templates over those of kbgen."""
    shutil.copytree(THEME / "material", target)
    partials = THEME / "search" / "partials"
    if partials.is_dir():
        shutil.copytree(partials, target / "partials", dirs_exist_ok=True)
    own = project / (custom or "site_config/overrides")
    if own.is_dir():
        shutil.copytree(own, target, dirs_exist_ok=True)
    elif custom:
        raise EngineError(f"mkdocs.yml: theme.custom_dir {custom!r} is not a folder; create it or remove the line")


def _extra(config: Config, lang: str, source: yaml.MappingNode, docs: Path, theme: Path) -> dict[str, object]:
    """What kbgen's theme templates read as ``config.extra.kbgen``."""
    words = words_for(lang)
    site = config.site
    return {
        "words": words.starting_with("frame_"),
        "nav": [{"title": words.translate(title), "path": path} for title, path in mkdocs_yaml.navigation(source)],
        "ask": {"url": site.ask_url, "label": words.translate(site.ask_label)} if site.ask_url else {},
        "publisher": {"name": site.publisher or site.name, "url": site.publisher_url},
        "versions": _versions(docs),
        "search": (theme / "partials" / "search.html").is_file(),
        "languages": list(site.languages),
    }


def _versions(docs: Path) -> dict[str, str]:
    """Eight hex digits a file for ``?v=``, so that browsers may keep it for long and still get a new one.

    Search's files load each other with the digits of the first, so they share those of all of them.
    """
    files = {file.relative_to(docs).as_posix(): file for file in sorted((docs / "assets").rglob("*")) if file.is_file()}
    search = b"".join(
        path.encode() + b"\0" + file.read_bytes() for path, file in files.items() if path.startswith(_SEARCH)
    )
    return {
        path: hashlib.blake2b(search if path.startswith(_SEARCH) else file.read_bytes(), digest_size=4).hexdigest()
        for path, file in files.items()
        if path.endswith((".css", ".js", ".mjs"))
    }


def _digest(work: Path, project: Path, config: Config, engine: str) -> str:
    hasher = hashlib.blake2b(f"{_VERSION}\0{engine}\0".encode(), digest_size=16)
    for name in _PACKAGES:
        try:
            hasher.update(f"{name}={version(name)}\0".encode())
        except PackageNotFoundError:
            hasher.update(f"{name}=none\0".encode())
    hasher.update(config.site.model_dump_json().encode())
    hasher.update((project / "mkdocs.yml").read_bytes())
    # A hook or an inherited file is named in mkdocs.yml and read by the engine from where it is.
    for path in mkdocs_yaml.further_files(mkdocs_yaml.read(project / "mkdocs.yml"), project):
        hasher.update(path.read_bytes() if path.is_file() else b"")
    for file in sorted(work.rglob("*")):
        if file.is_file() and file.name != "mkdocs.yml":  # the generated configurations hold absolute paths
            data = file.read_bytes()
            hasher.update(f"{file.relative_to(work).as_posix()}\0{len(data)}\0".encode() + data)
    return hasher.hexdigest()
