"""Sites that an older kbgen published: its store and its manifest, as they were recorded, keep every address."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from projects import SmallForum, build_here, forum_topic

from kbgen.store import SCHEMA_VERSION

RECORDED = Path(__file__).parent / "recorded"
MANIFEST = "kb-manifest.jsonl"


def recorded_lines() -> list[dict[str, object]]:
    """What the older kbgen had published: four answers after a retitle and a withdrawal, which redirects."""
    text = (RECORDED / "kb-manifest-schema-1.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def published(forum: SmallForum, *, store: bool, site: bool) -> SmallForum:
    """Put the project where the older kbgen left it: its threads, its store, its site."""
    (forum.recordings / "4.json").unlink()
    forum.write(forum_topic(1, "Where can I give a room another name?"))
    forum.write(forum_topic(9, "How do I find the manual?"))
    if site:
        forum.site.mkdir()
        text = (RECORDED / "kb-manifest-schema-1.jsonl").read_text(encoding="utf-8")
        (forum.site / MANIFEST).write_text(text, encoding="utf-8")
    if store:
        script = (RECORDED / "store-schema-1.sql").read_text(encoding="utf-8")
        with closing(sqlite3.connect(forum.folder / ".kbgen" / "store.sqlite")) as database:
            here = {"@SITE@": str(forum.site.resolve()), "@PROJECT@": str(forum.folder)}
            for word, place in here.items():
                script = script.replace(word, place)
            database.executescript(script)
            assert (1,) == database.execute("PRAGMA user_version").fetchone()
    return forum


@pytest.mark.parametrize(
    ("store", "site"), [(True, True), (True, False), (False, True)], ids=["both", "store alone", "manifest alone"]
)
def test_a_site_of_the_first_schema_keeps_every_address(store: bool, site: bool, forum: SmallForum) -> None:  # noqa: FBT001
    """Whatever survived of it: each page is a page, or leads to one; what was gone is gone; nothing is new."""
    published(forum, store=store, site=site)
    report = build_here(forum.folder)
    assert (0, True) == (report.exit_code, report.published)
    before = {str(line["url"]): line for line in recorded_lines()}
    after = {line["url"]: line for line in forum.manifest()}
    assert [url for url in before if url not in after] == []
    kept = {url: line["refs"] for url, line in before.items() if line["kind"] in {"entry", "article"}}
    assert kept == {url: after[url].get("refs") for url in kept}
    assert kept.keys() == {url for url, line in after.items() if line["kind"] in {"entry", "article"}}
    gone = {url for url, line in before.items() if line["kind"] == "redirect"}
    assert dict.fromkeys(gone) == {url: after[url]["to"] for url in gone}


def test_the_older_store_is_brought_up_to_date_once(forum: SmallForum) -> None:
    """Nothing is harvested again, nothing is lost, and the second run has nothing to do."""
    published(forum, store=True, site=True)
    report = build_here(forum.folder)
    assert {"forum:1", "forum:2", "forum:3", "forum:9"} == set(forum.paths())
    assert (0, 0) == (report.stages[0].written, report.stages[0].removed)
    with closing(sqlite3.connect(forum.folder / ".kbgen" / "store.sqlite")) as database:
        assert (SCHEMA_VERSION,) == database.execute("PRAGMA user_version").fetchone()
    assert not build_here(forum.folder).published


def test_the_site_is_the_one_a_new_project_would_have(forum: SmallForum, tmp_path: Path, frames: Path) -> None:
    """But for the addresses it keeps, nothing tells that an older kbgen was there."""
    published(forum, store=True, site=True)
    build_here(forum.folder)
    fresh = published(SmallForum(tmp_path / "fresh", frames=frames), store=False, site=True)
    build_here(fresh.folder)
    assert fresh.tree() == forum.tree()
