"""What writers wrote in ``content/``: what pages besides articles, topics and shells are called, where faults stand."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote

from kbgen.errors import NotPublished, RecordError
from kbgen.site.check_report import Finding
from kbgen.sources.articles import ENGINE_INDEXES
from kbgen.sources.markdown import split_front_matter

# Pages kbgen itself fills, whatever their files say.
_KNOWN = ("/articles/", "/topics/", "/q/", "/tags/", "/people/")
_READ_ELSEWHERE = ("articles", "curated", "topics", "_shells")


def written_pages(project: Path, paths: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Title and description of each page the engine rendered that is the writer's alone.

    Args:
        project: the project folder.
        paths: the engine's pages.

    Raises:
        NotPublished: a file's front matter cannot be read.
    """
    found: dict[str, tuple[str, str]] = {}
    for path in paths:
        file = _file(project, path)
        if file is not None and path != "/" and not path.startswith(_KNOWN):
            found[path] = _read(file, file.relative_to(project).as_posix())
    return found


def unreadable_pages(project: Path) -> list[str]:
    """What is wrong with pages that nothing else reads, and would stop the site; each names file and line."""
    content = project / "content"
    faults = []
    for file in sorted(content.rglob("*.md")):
        folder = file.relative_to(content).parts[0]
        if folder not in _READ_ELSEWHERE or (folder == "articles" and file.name.lower() in ENGINE_INDEXES):
            try:
                _read(file, file.relative_to(project).as_posix())
            except NotPublished as error:
                faults.append(str(error))
    return faults


def worded(finding: Finding, project: Path) -> str:
    """A finding for people, with the file and the line a writer mends when its page is written in ``content/``."""
    place = _place(project, finding.page, finding.target)
    return f"{finding.page}{f' ({place})' if place else ''}: {finding.message} [{finding.check}]"


def _place(project: Path, page: str, target: str) -> str:
    file = _file(project, page)
    if file is None:
        return ""
    name = file.relative_to(project).as_posix()
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    for form in _forms(target):
        for number, line in enumerate(lines, 1):
            if form in line:
                return f"{name}:{number}"
    return name


def _forms(address: str) -> Iterator[str]:
    """How an address may stand in a text: engines rewrite those of other documents, and keep file and fragment."""
    whole = html.unescape(address)
    path, _, fragment = whole.partition("#")
    last = path.rstrip("/").rpartition("/")[2]
    place = f"#{fragment}" if fragment else ""
    for form in (whole, f"{last}.md{place}" if last else "", place, last):
        if form:
            yield form
            yield unquote(form)


def _file(project: Path, path: str) -> Path | None:
    stem = path.strip("/")
    candidates = (project / "content" / f"{stem}.md", project / "content" / stem / "index.md")
    return next((file for file in candidates if file.is_file()), None)


def _read(file: Path, name: str) -> tuple[str, str]:
    try:
        matter = split_front_matter(file.read_text(encoding="utf-8"), name)
    except RecordError as error:
        raise NotPublished(str(error)) from error
    except UnicodeDecodeError as error:
        raise NotPublished(f"{name}: is not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from error
    heading = next((line[2:].strip() for line in matter.body.splitlines() if line.startswith("# ")), "")
    title = str(matter.data.get("title") or heading or file.stem.replace("-", " ").capitalize())
    return title, str(matter.data.get("description") or "")
