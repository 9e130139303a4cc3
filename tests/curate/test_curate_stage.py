"""The curate stage: work is proportional to change, and nothing that is withheld stays behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from projects import SmallForum, build_here, forum_topic

from kbgen.curate import stage
from kbgen.curate.stage import CurateJob, curate
from kbgen.executor import Workers
from kbgen.model import StageReport
from kbgen.progress import Silent
from kbgen.project import open_project
from kbgen.store import open_store


class State(NamedTuple):
    """What a curation left: its report, verdicts, entries with their digests, and every stored byte of text."""

    report: StageReport
    verdicts: dict[str, tuple[str, str]]
    entries: dict[str, str]
    merged: dict[str, str]
    text: bytes


@pytest.fixture
def small(tmp_path: Path) -> SmallForum:
    """A project of four topics; the site engine is not needed."""
    return SmallForum(tmp_path / "small")


def curated(
    forum: SmallForum, *, jobs: int = 1, clean: bool = False, changing: Callable[[], object] | None = None
) -> State:
    """Harvest and curate what is there now."""
    build_here(forum.folder, ["harvest"])
    project = open_project(forum.folder)
    job = CurateJob(
        project.config, project.folder, project.store_file, project.taxonomy, project.options, project.overlays
    )
    store = open_store(project.store_file)
    try:
        with Workers(jobs) as workers:
            report = curate(job, store, workers, Silent(), clean=clean, changing=changing)
        items = store.curated.get(sorted(store.curated.digests()))
        bodies = list(store.entries.bodies(sorted(store.entries.inputs())))
        return State(
            report,
            {item.ref: (item.verdict.outcome, item.verdict.reasons[0]) for item in items},
            dict(store.entries.digests()),
            {str(ref): str(lead) for ref, lead in store.entries.leads().items()},
            repr((items, bodies, list(store.entries.summaries()))).encode(),
        )
    finally:
        store.close()


def overlay(forum: SmallForum, name: str, text: str) -> None:
    """Write a writer's decision."""
    folder = forum.folder / "content" / "curated"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"---\n{text}\n---\n", encoding="utf-8")


def changed(before: State, after: State) -> set[str]:
    """Entries that were made, unmade or made again."""
    return {ref for ref, _ in before.entries.items() ^ after.entries.items()}


def test_every_item_gets_one_verdict_and_every_problem_one_entry(small: SmallForum) -> None:
    """What is not published is counted by reason."""
    small.write(forum_topic(9, "Is anybody here?", accepted=False))
    state = curated(small)
    assert {f"forum:{number}": ("publish", "accepted") for number in range(1, 5)} | {
        "forum:9": ("drop", "answered")
    } == state.verdicts
    assert {"forum:1", "forum:2", "forum:3", "forum:4"} == set(state.entries)
    assert (5, 5, 0, {"answered": 1}) == (
        state.report.read,
        state.report.written,
        state.report.unchanged,
        state.report.rejected,
    )


def test_a_community_that_marks_no_solutions_learns_of_the_rule(small: SmallForum) -> None:
    """When more of its threads have unmarked answers than are published; a few of them are nothing to speak of."""
    for number in range(9, 13):
        small.write(forum_topic(number, f"Which lamp is number {number}?", accepted=False))
    assert not any("rules.answered" in note for note in curated(small).report.notes)
    small.write(forum_topic(13, "Which lamp is brightest?", accepted=False))
    hint = "5 threads have answers of which none is marked as the solution; `rules.answered: publish` shows them"
    assert [note for note in curated(small).report.notes if note.startswith(hint)]


def test_nothing_changed_is_nothing_done(small: SmallForum) -> None:
    """A second run makes no item and no entry again; ``--clean`` makes all, and they are equal."""
    first, second = curated(small), curated(small)
    assert (0, 4, ()) == (second.report.written, second.report.unchanged, second.report.notes)
    clean = curated(small, clean=True)
    assert (4, first.entries, first.text) == (clean.report.written, clean.entries, clean.text)


def test_it_is_told_early_that_something_has_changed(small: SmallForum) -> None:
    """Once, when an item is new, other or gone; never when all are as they were."""
    told: list[str] = []
    curated(small, changing=lambda: told.append("new"))
    curated(small, changing=lambda: told.append("nothing"))
    (small.recordings / "2.json").unlink()
    curated(small, changing=lambda: told.append("gone"))
    assert ["new", "gone"] == told


def test_an_edit_makes_one_item_again(small: SmallForum) -> None:
    """Its entry changes, its neighbours do not."""
    before = curated(small)
    small.write(forum_topic(2, "How do I dim a bright lamp?"))
    after = curated(small)
    assert (1, {"forum:2"}) == (after.report.written, changed(before, after))


def test_a_rule_that_changes_is_applied_to_all(small: SmallForum) -> None:
    """Settings are an input like any other, and going back gives what there was."""
    before = curated(small)
    small.configure(rules={"accepted": "hold"})
    held = curated(small)
    assert ({("hold", "accepted")}, {}) == (set(held.verdicts.values()), held.entries)
    small.configure(rules={})
    assert before.entries == curated(small).entries


def test_workers_do_not_change_the_result(small: SmallForum) -> None:
    """One process or two: equal rows."""
    for number in range(10, 120):
        small.write(forum_topic(number, f"What does lamp number {number} show?"))
    one = curated(small, clean=True)
    two = curated(small, jobs=2, clean=True)
    assert (one.entries, one.text) == (two.entries, two.text)


def test_a_withdrawn_thread_leaves_nothing_behind(small: SmallForum) -> None:
    """Deleted, un-accepted or made private: no row that is derived from it has its words."""
    small.write(forum_topic(3, "How do I pair a xylophone?"))
    assert b"xylophone" in curated(small).text
    (small.recordings / "3.json").unlink()
    state = curated(small)
    assert (1, ("0 pages changed, 1 withdrawn",)) == (state.report.removed, state.report.notes)
    assert b"xylophone" not in state.text


def test_a_hidden_thread_is_dropped_with_its_words(small: SmallForum) -> None:
    """A writer's ``hide`` names its file; answer and description are no longer stored."""
    assert b"press apply; that settles number 2" in curated(small).text
    overlay(small, "hide.md", "thread: forum:2\nhide: true")
    state = curated(small)
    assert (("drop", "hidden-by-writer"), False) == (
        state.verdicts["forum:2"],
        b"press apply; that settles number 2" in state.text,
    )
    (small.folder / "content" / "curated" / "hide.md").unlink()
    assert ("publish", "accepted") == curated(small).verdicts["forum:2"]


def test_an_overlay_makes_its_own_entry_again(small: SmallForum) -> None:
    """And no other; the item itself is not parsed again."""
    before = curated(small)
    overlay(small, "one.md", "thread: forum:1\ntitle: Give a room another name")
    after = curated(small)
    assert (0, {"forum:1"}) == (after.report.written, changed(before, after))
    assert b"Give a room another name" in after.text


def test_threads_a_writer_merges_are_one_entry(small: SmallForum) -> None:
    """Both are in it; splitting them again gives back two."""
    before = curated(small)
    overlay(small, "one.md", "thread: forum:1\nmerge: ['forum:2']")
    merged = curated(small)
    assert 3 == len(merged.entries)
    assert 1 == len({merged.merged["forum:1"], merged.merged["forum:2"]})
    (small.folder / "content" / "curated" / "one.md").unlink()
    assert before.entries == curated(small).entries


def test_an_article_settles_threads(small: SmallForum) -> None:
    """They have no entry of their own while it answers them."""
    (small.folder / "docs").mkdir()
    guide = "---\ntitle: Rooms\nanswers: ['forum:1', 'forum:404']\n---\n# Rooms\n\nOpen the settings.\n"
    (small.folder / "docs" / "rooms.md").write_text(guide, encoding="utf-8")
    small.configure(sources=[*small.settings["sources"], {"name": "docs", "kind": "articles", "path": "docs"}])
    assert {"docs:rooms", "forum:2", "forum:3", "forum:4"} == {
        ref.removesuffix(".md") for ref in curated(small).entries
    }


def test_tags_nobody_planned_for_are_told(small: SmallForum) -> None:
    """With a closed vocabulary, unknown tags are counted, not shown."""
    (small.folder / "site_config" / "taxonomy.yml").write_text("tags: [{slug: bulbs}]\n", encoding="utf-8")
    assert [note for note in curated(small).report.notes if note == "tags the taxonomy does not have (1): rooms (4)"]


def test_a_record_that_cannot_be_understood_is_told_every_time(small: SmallForum) -> None:
    """Held, named in the report, also when nothing changed since."""
    small.write(forum_topic(7, "How do I find a title?", title=None))
    first, second = curated(small), curated(small)
    assert ("hold", "malformed") == first.verdicts["forum:7"]
    assert 1 == len(first.report.failed)
    assert first.report.failed == second.report.failed


def test_items_of_a_source_that_was_removed_go(small: SmallForum) -> None:
    """A source taken from the configuration has no items and no entries."""
    curated(small)
    small.configure(sources=[])
    state = curated(small)
    assert ({}, {}, 4) == (state.verdicts, state.entries, state.report.removed)


VOCABULARY = """\
topics:
  - {slug: home, title: Home, description: All about homes., tags: [rooms]}
  - {slug: light, title: Light, description: All about lamps., tags: [lamps]}
tags:
  - {slug: rooms}
  - {slug: lamps, synonyms: [bulbs]}
"""


def vocabulary(forum: SmallForum, text: str) -> None:
    """Write the taxonomy."""
    (forum.folder / "site_config" / "taxonomy.yml").write_text(text, encoding="utf-8")


def as_made_anew(forum: SmallForum) -> State:
    """What a clean build makes of it all, and the proof that what there was is the same."""
    now = curated(forum)
    anew = curated(forum, clean=True)
    assert (anew.entries, anew.text) == (now.entries, now.text)
    return now


def test_an_edited_vocabulary_places_items_and_curates_none(small: SmallForum, monkeypatch: pytest.MonkeyPatch) -> None:
    """A synonym more: the one thread that says it moves, no text is read again, and a clean build says the same."""
    vocabulary(small, VOCABULARY)
    small.write(forum_topic(2, "How do I dim a lamp?", tags=["glow"]))
    before = curated(small)
    vocabulary(small, VOCABULARY.replace("[bulbs]", "[bulbs, glow]"))
    with monkeypatch.context() as patched:
        patched.setattr(stage, "curate_record", None)
        after = curated(small)
    assert (1, 3, {"forum:2"}) == (after.report.written, after.report.unchanged, changed(before, after))
    assert b"synonym:glow" in as_made_anew(small).text


def test_a_topic_that_only_reads_differently_concerns_no_item(small: SmallForum) -> None:
    """Its description stands on its own page."""
    vocabulary(small, VOCABULARY)
    before = curated(small)
    vocabulary(small, VOCABULARY.replace("All about lamps.", "Lamps of all kinds."))
    after = as_made_anew(small)
    assert (0, set()) == (after.report.written, changed(before, after))


def test_a_writers_words_find_their_place_in_the_new_vocabulary(small: SmallForum) -> None:
    """An overlay's tags are looked up when the entry is made: it is made again, the others are not."""
    vocabulary(small, VOCABULARY)
    overlay(small, "one.md", "thread: forum:1\ntags: [bulbs]")
    before = curated(small)
    moved = VOCABULARY.replace(", synonyms: [bulbs]", "").replace("{slug: rooms}", "{slug: rooms, synonyms: [bulbs]}")
    vocabulary(small, moved)
    assert {"forum:1"} == changed(before, as_made_anew(small))


def test_an_article_is_placed_again(small: SmallForum) -> None:
    """Its topics are named by title or slug: a topic that gets another name is not found any more."""
    (small.folder / "docs").mkdir()
    guide = "---\ntitle: Rooms\ntags: [rooms]\ntopics: [Light]\n---\n# Rooms\n\nOpen the settings.\n"
    (small.folder / "docs" / "rooms.md").write_text(guide, encoding="utf-8")
    small.configure(sources=[*small.settings["sources"], {"name": "docs", "kind": "articles", "path": "docs"}])
    vocabulary(small, VOCABULARY)
    before = curated(small)
    vocabulary(small, VOCABULARY.replace("slug: light, title: Light", "slug: lighting, title: Lighting"))
    after = as_made_anew(small)
    assert [ref.removesuffix(".md") for ref in changed(before, after)] == ["docs:rooms"]
    assert b"topic:Light" in after.text
