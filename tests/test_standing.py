"""A build that has nothing to do says so quickly, and never wrongly."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from projects import Kbgen, SmallForum, forum_topic


def nothing_to_do(forum: SmallForum, kbgen: Kbgen) -> bool:
    """Whether a build ended before it opened a stage."""
    done = kbgen("-C", forum.folder, "--json", "build")
    return ["build"] == [stage["stage"] for stage in done.data["stages"]]


CHANGES: dict[str, Callable[[SmallForum], object]] = {
    "a recording": lambda forum: forum.write(forum_topic(2, "How do I dim two lamps?")),
    "an article": lambda forum: (forum.folder / "content/articles/new.md").write_text("# New\n\nWords of ours.\n"),
    "the configuration": lambda forum: forum.configure(pages={"per_page": 7}),
    "the theme": lambda forum: (forum.folder / "mkdocs.yml").write_text(
        (forum.folder / "mkdocs.yml").read_text() + "\n# changed\n"
    ),
    "a template": lambda forum: (forum.folder / "overrides/note.html").write_text("Words of ours.\n"),
    "a hook": lambda forum: (forum.folder / "hook.py").write_text("X = 2\n"),
    "a lost page": lambda forum: next(forum.site.glob("q/*/index.html")).unlink(),
}


def test_a_second_build_has_nothing_to_do(forum: SmallForum, kbgen: Kbgen) -> None:
    """After a sound build, the next one ends at once, with exit 0 and the number of pages."""
    kbgen("-C", forum.folder, "build")
    done = kbgen("-C", forum.folder, "--json", "build")

    assert (0, False) == (done.code, done.data["published"])
    assert done.data["pages"] >= 4
    assert nothing_to_do(forum, kbgen)


@pytest.mark.parametrize("what", sorted(CHANGES))
def test_any_change_is_seen(what: str, forum: SmallForum, kbgen: Kbgen) -> None:
    """Whatever the site depends on, or a file of it, moved: the stages run."""
    (forum.folder / "overrides").mkdir()
    (forum.folder / "hook.py").write_text("X = 1\n")
    settings = forum.folder / "mkdocs.yml"
    text = settings.read_text(encoding="utf-8").replace("custom_dir: site_config/overrides", "custom_dir: overrides")
    settings.write_text(f"{text}\nhooks: [hook.py]\n", encoding="utf-8")
    kbgen("-C", forum.folder, "build")
    CHANGES[what](forum)

    assert not nothing_to_do(forum, kbgen)


def test_a_build_with_a_fault_is_never_skipped(forum: SmallForum, kbgen: Kbgen) -> None:
    """What could not be read is named again every night, until it can be."""
    (forum.recordings / "9.json").write_text("<html>Log in</html>")
    first = kbgen("-C", forum.folder, "--json", "build")
    second = kbgen("-C", forum.folder, "--json", "build")

    assert (1, 1) == (first.code, second.code)
    assert first.data["failed"] == second.data["failed"]
