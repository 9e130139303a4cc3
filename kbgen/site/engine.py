"""The only place that runs the site engine (MkDocs with Material, or Zensical), as a child process.

The engine sees a small folder: what writers wrote, and the shells. Thousands of harvested pages are poured
through its result by ``render`` and never come near it. What it is given (documents, theme, configuration)
is laid out by ``frame_input``; when none of that changed, the engine does not run at all.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

from kbgen.config import Config
from kbgen.errors import EngineError
from kbgen.site.frame_input import DEPTHS, FrameInput, LastRead, lay_out, shell_file
from kbgen.site.images import image_size
from kbgen.site.shells import FRAME_SLOTS, Mending, Shell
from kbgen.site.words import words_for

# 2020-01-01, so that nothing the engine stamps with "now" differs between two runs.
_EPOCH = "1577836800"
# Written by the engine or the theme, but kbgen makes its own or pages do not use it.
_NOT_SHIPPED = (
    "sitemap.xml",
    "sitemap.xml.gz",
    "objects.inv",
    "search/search_index.json",
    "search.json",
    "assets/javascripts/lunr/",
    "assets/javascripts/workers/",
)
_TIMEOUT = 600


@dataclass(frozen=True)
class Frames:
    """What the engine built.

    Attributes:
        folders: for each site language, the main one first, the folder of built HTML.
        digest: of everything the engine saw; equal digests give equal pages.
        reused: the engine did not have to run.
        site_root: path of the site's root on its host (``/help/``), for pages at unknown depth.
        logo: site path of the logo.
        written: path to language of the writers' pages that state one.
    """

    folders: dict[str, Path]
    digest: str
    reused: bool
    site_root: str = "/"
    logo: str | None = None
    written: Mapping[str, str] = field(default_factory=dict)
    _shells: dict[tuple[str, str, int], Shell] = field(default_factory=dict, repr=False, compare=False)

    @property
    def main(self) -> str:
        """The site's main language."""
        return next(iter(self.folders))

    def shell(self, name: str, lang: str, depth: int) -> Shell:
        """The shell for pages of one language and depth.

        Args:
            name: of ``content/_shells/<name>.md``.
            lang: the page's language; the main language's frame serves those the site has none for.
            depth: folders between the site's root and the page, from 1.

        Raises:
            EngineError: there is no such shell, or it lacks a slot.
        """
        lang = lang if lang in self.folders else self.main
        key = (name, lang, depth)
        if key not in self._shells:
            file = self.folders[lang] / shell_file(name, depth)
            if not file.is_file():
                raise EngineError(
                    f"content/_shells/{name}.md: no shell of depth {depth} was built; shells serve pages"
                    f" {DEPTHS[0]} to {DEPTHS[-1]} folders deep, and the file must not be a draft"
                )
            self._shells[key] = Shell.from_html(file.read_text(encoding="utf-8"), f"content/_shells/{name}.md")
        return self._shells[key]

    def shells(self) -> Iterator[Shell]:
        """Each shell of each language once, at the depth nearest to the site's root.

        Raises:
            EngineError: one lacks a slot.
        """
        for lang, folder in self.folders.items():
            for file in sorted(folder.glob(shell_file("*", DEPTHS[1]))):
                yield self.shell(file.parent.name, lang, DEPTHS[0])

    @cached_property
    def _pages(self) -> dict[str, Shell]:
        folder = self.folders[self.main]
        found = {}
        for main_file in sorted(folder.rglob("*.html")):
            relative = main_file.relative_to(folder).as_posix()
            if _is_shell(folder, relative) or relative.startswith(_NOT_SHIPPED):
                continue
            path = "/" + relative.removesuffix("index.html")
            lang = self.written.get(path, self.main)
            file = self.folders.get(lang, folder) / relative
            html = file.read_text(encoding="utf-8")
            if "@@kb_head@@" in html:  # a writer's own HTML file is an asset
                mending = Mending(
                    _Sizes(self.folders.get(lang, folder), file.parent, self.site_root), words_for(lang)["frame_task"]
                )
                found[path] = Shell.from_html(html, relative, known=FRAME_SLOTS, mending=mending)
        return found

    def pages(self) -> dict[str, Shell]:
        """The pages the engine rendered whole (home, articles, 404), by site path, to be completed by kbgen.

        Raises:
            EngineError: a page lacks a slot.
        """
        return self._pages

    def static_files(self, lang: str | None = None) -> Iterator[tuple[str, Path]]:
        """Everything that is copied to the site as it is: style sheets, scripts, images, downloads.

        Args:
            lang: of the frame; the main language holds all but what its own theme may add.
        """
        folder = self.folders[lang or self.main]
        main = self.folders[self.main]
        for file in sorted(folder.rglob("*")):
            relative = file.relative_to(folder).as_posix()
            if not file.is_file() or relative.endswith(".map") or relative.startswith(_NOT_SHIPPED):
                continue
            if relative.endswith(".html") and (_is_shell(folder, relative) or "@@kb_head@@" in _text(file)):
                continue
            if folder == main or not (main / relative).exists():
                yield relative, file


class _Sizes:
    """Pixel sizes of the images beside a page; see ``shells.Mending``."""

    def __init__(self, root: Path, folder: Path, site_root: str) -> None:
        self.root = root
        self.folder = folder
        self.site_root = site_root

    def __call__(self, src: str) -> tuple[int, int] | None:
        name = src.split("?", 1)[0].split("#", 1)[0]
        if "://" in name or name.startswith(("//", "data:")):
            return None
        file = self.root / name.removeprefix(self.site_root) if name.startswith("/") else self.folder / name
        resolved = file.resolve()
        return image_size(resolved) if resolved.is_relative_to(self.root.resolve()) else None


def build_frames(
    project: Path, config: Config, cache: Path, engine: str = "mkdocs", last: LastRead | None = None
) -> Frames:
    """Build the frames, or take the last ones when nothing the engine sees has changed.

    Args:
        project: the project folder with ``mkdocs.yml`` and ``content/``.
        config: the validated configuration.
        cache: a folder of kbgen's own; safe to delete.
        engine: ``mkdocs`` or ``zensical``.
        last: gives the text of an article that cannot be read now; None leaves it out.

    Raises:
        EngineError: the engine is not installed or failed; its last lines are in the message.
    """
    if engine not in ("mkdocs", "zensical"):
        raise EngineError(f"--engine {engine}: no such site engine; use mkdocs or zensical")
    cache.mkdir(parents=True, exist_ok=True)
    given = lay_out(project, config, cache, engine, last)
    folders = {lang: cache / "built" / lang for lang in config.site.languages}
    stamp = cache / "digest"
    # Of what was built, too: a file that was cut or lost is built again, not served for ever.
    reused = stamp.is_file() and stamp.read_bytes() == _stamp(given, folders)
    if not reused:
        stamp.unlink(missing_ok=True)
        shutil.rmtree(cache / "built", ignore_errors=True)
        with ThreadPoolExecutor(max_workers=2) as pool:
            list(pool.map(lambda lang: _run(engine, given, lang, project), config.site.languages))
        _complete(folders, given)
        stamp.write_bytes(_stamp(given, folders))
    return Frames(folders, given.digest, reused, given.site_root, given.logo, given.written)


def _stamp(given: FrameInput, folders: Mapping[str, Path]) -> bytes:
    hasher = hashlib.blake2b(given.digest.encode(), digest_size=16)
    for lang, folder in folders.items():
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            hasher.update(f"{lang}\0{file.relative_to(folder).as_posix()}\0".encode())
            hasher.update(hashlib.blake2b(file.read_bytes()).digest())
    return hasher.hexdigest().encode()


def _run(engine: str, given: FrameInput, lang: str, project: Path) -> None:
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "SOURCE_DATE_EPOCH": _EPOCH, "PYTHONHASHSEED": "0"}
    command = [sys.executable, "-m", engine, "build", "-f", str(given.configs[lang])]
    if engine == "zensical":
        if find_spec("zensical") is None:
            raise EngineError("--engine zensical: Zensical is not installed; pip install 'kbgen[zensical]'")
        command.append("--clean")
    else:
        command.append("-q")
    try:
        done = subprocess.run(
            command, cwd=project, env=env, capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise EngineError(f"the site engine did not finish in {_TIMEOUT} seconds; run it by hand: {command}") from error
    if done.returncode or not given.outputs[lang].is_dir():
        lines = (done.stdout + done.stderr).strip().splitlines()[-15:]
        told = "\n  ".join(lines) or f"it said nothing (exit {done.returncode})"
        raise EngineError(
            f"{engine} could not build content/ ({lang}):\n  {told}\n"
            "mend the file it names, or mkdocs.yml; nothing was published"
        )


def _complete(folders: dict[str, Path], given: FrameInput) -> None:
    """Move the results into place and see that the shells are there, before they count as built."""
    for lang, folder in folders.items():
        folder.parent.mkdir(parents=True, exist_ok=True)
        given.outputs[lang].replace(folder)
        for name in given.shells:
            if not (folder / shell_file(name, DEPTHS[0])).is_file():
                raise EngineError(
                    f"content/_shells/{name}.md: the site engine did not build it; look for an exclude_docs rule"
                    " or a plugin in mkdocs.yml that removes pages"
                )


def _is_shell(folder: Path, relative: str) -> bool:
    """Whether a built page is a shell; a writer's folder may begin as those of the shells do."""
    first, *deeper = DEPTHS
    if relative.startswith(tuple(f"d{depth}-shells/" for depth in deeper)):
        return True
    name = relative.removeprefix("d1-").removesuffix("/index.html")
    return relative == shell_file(name, first) and (folder / shell_file(name, deeper[0])).is_file()


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")
