"""Pages a writer added to ``content/`` besides articles, topics and shells: what they are called."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from kbgen.errors import NotPublished, RecordError
from kbgen.sources.markdown import split_front_matter

# Pages kbgen itself fills, whatever their files say.
_KNOWN = ("/articles/", "/topics/", "/q/", "/tags/", "/people/")


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


def _file(project: Path, path: str) -> Path | None:
    stem = path.strip("/")
    candidates = (project / "content" / f"{stem}.md", project / "content" / stem / "index.md")
    return next((file for file in candidates if file.is_file()), None)


def _read(file: Path, name: str) -> tuple[str, str]:
    try:
        matter = split_front_matter(file.read_text(encoding="utf-8"), name)
    except RecordError as error:
        raise NotPublished(str(error)) from error
    heading = next((line[2:].strip() for line in matter.body.splitlines() if line.startswith("# ")), "")
    title = str(matter.data.get("title") or heading or file.stem.replace("-", " ").capitalize())
    return title, str(matter.data.get("description") or "")
