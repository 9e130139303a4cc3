"""Rules of ``kbgen.compile.translations``."""

from __future__ import annotations

from compile_samples import SITE, article, inputs, summary

from kbgen.compile.library import compile_library
from kbgen.model import Library, Summary


def compiled(*summaries: Summary) -> Library:
    """A library of these alone."""
    return compile_library(inputs(*summaries))


def alternates(library: Library, ref: str) -> tuple[tuple[str, str], ...]:
    """What the page of a ref names as its language versions."""
    (page,) = (page for page in library.pages.values() if page.refs[:1] == (ref,))
    return page.alternates


def version(native: str, lang: str, **changes: object) -> Summary:
    """A staff article that is a version of ``content:setup``."""
    return article(f"content:{native}", f"Setup in {lang}", lang=lang, family="content:setup", **changes)


def test_versions_name_one_another_and_themselves() -> None:
    """Every version lists all, itself included; what is no version of anything lists nothing."""
    library = compiled(version("setup", "en"), version("he/setup", "he"), summary("forum:1", family=""))
    expected = (
        ("en", SITE + library.permalinks["content:setup"][1:]),  # type: ignore[index]
        ("he", SITE + library.permalinks["content:he/setup"][1:]),  # type: ignore[index]
    )

    assert alternates(library, "content:setup") == alternates(library, "content:he/setup") == expected
    assert alternates(library, "forum:1") == ()


def test_versions_are_pages_of_their_own() -> None:
    """A translation is never merged into another."""
    library = compiled(version("setup", "en"), version("he/setup", "he"))

    assert len({library.permalinks[ref] for ref in ("content:setup", "content:he/setup")}) == 2  # type: ignore[index]


def test_what_is_not_translated_yet_is_no_version() -> None:
    """Of two files in one language the first stands for it; the other names nothing, as it is not named."""
    library = compiled(version("a/setup", "en"), version("b/setup", "en"), version("he/setup", "he"))

    assert [lang for lang, _ in alternates(library, "content:a/setup")] == ["en", "he"]
    assert alternates(library, "content:b/setup") == ()


def test_one_language_alone_needs_no_mark() -> None:
    """Two texts of one family in one language are not language versions."""
    assert alternates(compiled(version("setup", "en"), version("it/setup", "en")), "content:setup") == ()
