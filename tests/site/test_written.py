"""Pages a writer added besides articles: found by their files, called what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from kbgen.errors import NotPublished
from kbgen.site.check_report import Finding
from kbgen.site.written import unreadable_pages, worded, written_pages


def project(folder: Path, **files: str) -> Path:
    """A project with some files in ``content/``; double underscores are slashes."""
    for name, text in files.items():
        file = folder / "content" / f"{name.replace('__', '/')}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("---\ntitle: Imprint\ndescription: Who we are.\n---\n# Other\n", ("Imprint", "Who we are.")),
        ("Words.\n\n# Legal notice\n\n# Second\n", ("Legal notice", "")),
        ("No heading at all.\n", ("Legal notes", "")),
        ("---\ntitle: 2026\n---\n", ("2026", "")),
    ],
)
def test_a_page_is_called_by_front_matter_heading_or_file(tmp_path: Path, text: str, expected: tuple[str, str]) -> None:
    """In this order; the description is the writer's or none."""
    folder = project(tmp_path, **{"legal-notes": text})
    assert {"/legal-notes/": expected} == written_pages(folder, ["/legal-notes/"])


def test_an_index_file_is_its_folders_page(tmp_path: Path) -> None:
    """``legal/index.md`` is ``/legal/``, and other scripts are as good as Latin."""
    folder = project(tmp_path, legal__index="# Legal\n", אודות="# אודות\n")
    assert {"/legal/": ("Legal", ""), "/אודות/": ("אודות", "")} == written_pages(folder, ["/legal/", "/אודות/"])


def test_pages_kbgen_fills_are_not_the_writers(tmp_path: Path) -> None:
    """Home, articles, topics and everything that is poured; nor pages that have no file."""
    folder = project(tmp_path, index="# Home\n", articles__a="# A\n", topics__index="# T\n", q__x="# X\n")
    paths = ["/", "/articles/a/", "/topics/", "/q/x/", "/404.html", "/elsewhere/"]
    assert {} == written_pages(folder, paths)


def test_broken_front_matter_is_named(tmp_path: Path) -> None:
    """With the file as the writer knows it; nothing is published."""
    folder = project(tmp_path, imprint="---\ntitle: [open\n---\n")
    with pytest.raises(NotPublished, match=r"content/imprint\.md:"):
        written_pages(folder, ["/imprint/"])


ARTICLE = """---
title: Refunds
---

See [how](../setup/nowhere.md), [where](../setup/install.md#nope) and [it](../setup/gr%C3%B6%C3%9Fe.md).

![A bill](bill.png)
"""


@pytest.mark.parametrize(
    ("page", "target", "place"),
    [
        ("/articles/refunds/", "../setup/nowhere.md", " (content/articles/refunds.md:5)"),
        ("/articles/refunds/", "../setup/install/#nope", " (content/articles/refunds.md:5)"),
        ("/articles/refunds/", "../setup/größe/", " (content/articles/refunds.md)"),
        ("/articles/refunds/", "bill.png", " (content/articles/refunds.md:7)"),
        ("/articles/refunds/", "/from/the/theme.css", " (content/articles/refunds.md)"),
        ("/articles/refunds/", "", " (content/articles/refunds.md)"),
        ("/q/forum/1/", "../setup/nowhere.md", ""),
    ],
)
def test_a_finding_names_the_file_and_the_line(tmp_path: Path, page: str, target: str, place: str) -> None:
    """Of what a writer can mend: as the address was written, or as the engine rewrote it; else the file alone."""
    folder = project(tmp_path, articles__refunds=ARTICLE)
    assert f"{page}{place}: leads nowhere [link]" == worded(Finding("link", page, "leads nowhere", target), folder)


def test_pages_that_cannot_be_read_are_all_named(tmp_path: Path) -> None:
    """Broken front matter and other encodings; articles, topics and overlays are read by others."""
    folder = project(tmp_path, imprint="---\ntitle: x\ndate: 2026-13-01\n---\n", terms="# Terms\n")
    (folder / "content" / "about.md").write_bytes("# About".encode("utf-16"))
    (folder / "content" / "articles").mkdir()
    (folder / "content" / "articles" / "a.md").write_bytes(b"\xff")
    (folder / "content" / "articles" / "index.md").write_bytes(b"\xff")
    about, index, imprint = unreadable_pages(folder)
    assert index.startswith("content/articles/index.md: is not UTF-8")
    assert "content/about.md: is not UTF-8 (invalid start byte at byte 0); save it as UTF-8" == about
    assert imprint.startswith("content/imprint.md:3: the front matter is not valid YAML: '2026-13-01' is no date")
