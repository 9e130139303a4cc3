"""Stages in their order: what is skipped, what is carried on, and what a run remembers of the last one."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import time
from pathlib import Path
from typing import Any, cast

import pytest
from bs4 import BeautifulSoup
from projects import SITE, SmallForum, build_here, forum_topic, inodes

from kbgen.compile.inputs import Inputs
from kbgen.compile.library import faults as find_faults
from kbgen.curate.stage import curate
from kbgen.errors import ConfigError, GuardTripped, LockHeld, NotPublished, UsageError
from kbgen.lock import run_lock
from kbgen.model import Library, StageReport
from kbgen.pipeline import STAGES, Options, Run, RunReport
from kbgen.progress import Silent
from kbgen.project import open_project
from kbgen.site.beside import Beside


def names(report: RunReport) -> list[str]:
    """The stages of a run."""
    return [stage.stage for stage in report.stages]


def is_current(forum: SmallForum, *, clean: bool = False) -> bool:
    """Whether a run would find nothing to do."""
    with Run(open_project(forum.folder), Options(forum.site, jobs=1, clean=clean), Silent()) as run:
        return run.is_current()


def test_the_order_of_stages_is_data() -> None:
    """A build is these, one after the other."""
    assert ["harvest", "curate", "media", "compile", "render", "publish"] == [name for name, _ in STAGES]


def test_a_build_runs_every_stage_and_says_how_pages_are_split(forum: SmallForum) -> None:
    """Every source is harvested; the canonical split is told once."""
    report = build_here(forum.folder)
    assert ["harvest forum", "harvest content", "curate", "compile", "render", "publish"] == names(report)
    assert (0, True) == (report.exit_code, report.published)
    (note,) = report.notes
    found = re.fullmatch(r"4 pages defer to forum\.example\.com, (\d+) are indexable; seo\.canonical: self .*", note)
    assert found is not None
    forum.configure(seo={"canonical": "self"})
    assert (f"{int(found[1]) + 4} pages are indexable",) == build_here(forum.folder).notes


def killed(site_dir: Path, moved: object, *, first: bool) -> None:
    """Be killed where the spare copy would be made, in a process of its own."""
    assert site_dir.is_dir()
    assert (None, False) == (moved, first), "the first site has nothing it differs from, and is a small one"
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_spare_copy_that_was_not_finished_is_no_fault_of_the_run(
    forum: SmallForum, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The site is live, and the run says so; the next one makes what is missing."""
    with monkeypatch.context() as patched:
        patched.setattr("kbgen.pipeline.retire", killed)
        report = build_here(forum.folder, jobs=2)
    assert (0, True, True) == (report.exit_code, report.published, forum.site.is_dir())
    forum.write(forum_topic(2, "How do I dim a bright lamp?"))
    assert build_here(forum.folder, jobs=2).published
    assert [".site.spare"] == [path.name for path in forum.folder.iterdir() if path.name.startswith(".site")]


def test_a_large_first_site_is_copied_at_once(forum: SmallForum, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the first night would wait for it."""
    monkeypatch.setattr("kbgen.pipeline._LARGE", 10)
    build_here(forum.folder)
    site, spare = forum.site, forum.folder / ".site.spare"
    assert inodes(site) == inodes(spare)
    forum.write(forum_topic(2, "How do I dim a bright lamp?"))
    build_here(forum.folder)
    assert inodes(site) == inodes(spare)


def test_an_error_while_the_staging_site_is_begun_is_the_one_that_is_told(
    forum: SmallForum, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not that the process beside was interrupted, too."""

    def interrupted(run: Run) -> Library:
        begin = cast("Any", run)._beside.begin
        with pytest.raises(NotPublished):
            begin(os.kill, begin(os.getpid)(), signal.SIGKILL)()
        raise KeyboardInterrupt

    monkeypatch.setattr(Run, "library", property(interrupted))
    with pytest.raises(KeyboardInterrupt):
        build_here(forum.folder, jobs=2)


def count_late(store: Path, kept: Path, *, clean: bool) -> None:
    """Take longer than what is done beside."""
    assert (False, False) == (clean, kept.exists())
    time.sleep(1)
    store.with_name("counted").touch()


def test_nobody_writes_beside_when_a_run_has_failed(forum: SmallForum, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next run finds the staging folder its own: what was begun beside is over when the lock is free."""

    def faulty(run: Run) -> Library:
        raise NotPublished(f"{run.project.folder} has faults")

    monkeypatch.setattr("kbgen.site.beside.count_words", count_late)
    monkeypatch.setattr(Run, "library", property(faulty))
    with pytest.raises(NotPublished, match="has faults"):
        build_here(forum.folder, jobs=2)
    assert (forum.folder / ".kbgen" / "counted").exists()


@pytest.mark.parametrize(("jobs", "expected"), [(1, ["faults", "index"]), (2, ["index", "faults"])])
def test_the_index_is_begun_before_pages_are_compiled(
    forum: SmallForum, monkeypatch: pytest.MonkeyPatch, jobs: int, expected: list[str]
) -> None:
    """Where another process can write it meanwhile; with one job it is made with the pages."""
    done: list[str] = []
    begin_index = Beside.index

    def index(self: Beside, *known: Any) -> None:
        done.append("index")
        begin_index(self, *known)

    def faults(library: Library, inputs: Inputs) -> tuple[str, ...]:
        done.append("faults")
        return find_faults(library, inputs)

    monkeypatch.setattr(Beside, "index", index)
    monkeypatch.setattr("kbgen.pipeline.faults", faults)
    build_here(forum.folder, jobs=jobs)
    assert expected == done
    assert (forum.folder / "site" / "search" / "en" / "meta.json").exists()


def test_a_build_without_change_ends_after_curate(forum: SmallForum) -> None:
    """It says so, counts what is live, and is no publication."""
    pages = build_here(forum.folder).pages
    report = build_here(forum.folder)
    assert (["harvest forum", "harvest content", "curate", "compile"], False, pages) == (
        names(report),
        report.published,
        report.pages,
    )
    assert ("nothing changed; the site stands as it is",) == report.stages[-1].notes


def test_the_staging_folder_is_begun_with_the_first_change(forum: SmallForum, monkeypatch: pytest.MonkeyPatch) -> None:
    """Harvesting needs one core only; a first site has nothing to build upon, and a night without change no need."""
    done: list[str] = []
    begin, curate_all = Run.begin_staging, curate

    def begun(run: Run) -> Beside:
        done.append("staging")
        return begin(run)

    def curated(*known: Any, **options: Any) -> StageReport:
        done.append("curate")
        return curate_all(*known, **options)

    monkeypatch.setattr(Run, "begin_staging", begun)
    monkeypatch.setattr("kbgen.pipeline.curate", curated)
    for title in ("How do I dim a lamp?", "How do I dim a lamp?", "How do I dim a bright lamp?"):
        forum.write(forum_topic(2, title))
        build_here(forum.folder)
        done.append("|")
    assert [["curate", "staging"], ["curate"], ["staging", "curate", "staging", "staging"]] == [
        part.split() for part in " ".join(done).split("|")[:-1]
    ]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_change_that_is_on_no_page_leaves_no_staging_folder(forum: SmallForum, jobs: int) -> None:
    """An answer is looked for in vain: the site stands, and beside it what was there before."""
    build_here(forum.folder)
    forum.write(forum_topic(2, "How do I dim a bright lamp?"))
    build_here(forum.folder)
    beside = [path.name for path in forum.folder.iterdir() if path.name.startswith(".site")]
    forum.write(forum_topic(7, "Who has seen my lamp?", accepted=False))
    report = build_here(forum.folder, jobs=jobs)
    assert (1, False) == (report.stages[0].written, report.published)
    assert [".site.spare"] == beside == [path.name for path in forum.folder.iterdir() if path.name.startswith(".site")]


def test_what_makes_a_site_old(forum: SmallForum) -> None:
    """Settings, taxonomy, redirects, content, a missing file, another folder, ``--clean``: each of them."""
    assert not is_current(forum)
    build_here(forum.folder)
    assert is_current(forum)
    assert not is_current(forum, clean=True)
    (forum.site / "robots.txt").rename(forum.folder / "robots.txt")
    assert not is_current(forum)
    (forum.folder / "robots.txt").rename(forum.site / "robots.txt")
    assert is_current(forum)
    config = forum.folder / "site_config"
    (config / "redirects.yml").write_text("/old/: /search/\n", encoding="utf-8")
    assert not is_current(forum)
    (config / "redirects.yml").unlink()
    (config / "taxonomy.yml").write_text("tags: [{slug: rooms}]\n", encoding="utf-8")
    assert not is_current(forum)
    (config / "taxonomy.yml").unlink()
    forum.configure(pages={"per_page": 7})
    assert not is_current(forum)


def test_a_fresh_machine_takes_addresses_from_the_published_site(forum: SmallForum) -> None:
    """Before anything is harvested, every permalink and redirect of the manifest is in the store."""
    build_here(forum.folder)
    (forum.recordings / "4.json").unlink()
    build_here(forum.folder)
    paths = forum.paths()
    shutil.rmtree(forum.folder / ".kbgen")
    with Run(open_project(forum.folder), Options(forum.site, jobs=1), Silent()) as run:
        assert paths == {ref: path for ref, path in run.store.permalinks.all().items() if path in paths.values()}
        assert {"/q/how-do-i-read-the-log-4/": None} == run.store.permalinks.redirects()


def test_a_run_that_cannot_begin_frees_the_lock(forum: SmallForum) -> None:
    """A broken manifest stops it; the next run is not told that somebody is at work."""
    forum.site.mkdir()
    (forum.site / "kb-manifest.jsonl").write_text("{broken\n", encoding="utf-8")
    try:
        build_here(forum.folder)
    except NotPublished as error:
        caught = error  # its traceback holds everything the run held
    with run_lock(forum.folder):
        assert "kb-manifest.jsonl" in str(caught)


def test_two_runs_at_a_time_are_refused(forum: SmallForum) -> None:
    """The second one changes nothing."""
    with run_lock(forum.folder), pytest.raises(LockHeld):
        build_here(forum.folder)
    assert not (forum.folder / ".kbgen" / "store.sqlite").exists()


def test_a_site_with_faults_is_not_rendered(forum: SmallForum) -> None:
    """Every fault is named; nothing is written beside the site."""
    (forum.folder / "site_config" / "redirects.yml").write_text("/old/: /nowhere/\n", encoding="utf-8")
    with pytest.raises(NotPublished, match=r"1 faults and was not rendered:\n  /old/: redirects to /nowhere/"):
        build_here(forum.folder)
    assert [] == [file.name for file in forum.folder.iterdir() if file.name.startswith(".site")]


def test_redirects_in_a_circle_are_refused(forum: SmallForum) -> None:
    """They are named in full."""
    (forum.folder / "site_config" / "redirects.yml").write_text("/a/: /b/\n/b/: /a/\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="/a/ -> /b/ -> /a/"):
        build_here(forum.folder)


def test_the_guard_stops_and_may_be_told_to_go_on(forum: SmallForum) -> None:
    """More would vanish than allowed: the live site stands until a person insists."""
    forum.configure(guard={"max_vanish": 0.4, "min_pages": 2})
    build_here(forum.folder)
    before = forum.tree()
    for number in (2, 3, 4):
        (forum.recordings / f"{number}.json").unlink()
    with pytest.raises(GuardTripped, match=r"3 of 4 published pages \(75%\).*forum: 3 of 4"):
        build_here(forum.folder)
    assert before == forum.tree()
    assert build_here(forum.folder, allow_vanish=True).published
    assert ["forum:1"] == list(forum.paths())


def test_a_stopped_run_is_taken_up_by_the_next(forum: SmallForum) -> None:
    """What was harvested and curated is not done again; the site is made as if nothing had happened."""
    build_here(forum.folder, ["harvest", "curate"])
    report = build_here(forum.folder)
    assert [0, 0, 0] == [stage.written for stage in report.stages[:3]]
    assert report.published


def test_a_faulty_overlay_is_named_and_the_rest_is_published(forum: SmallForum) -> None:
    """Exit 1: people are told, readers lose nothing."""
    overlays = forum.folder / "content" / "curated"
    overlays.mkdir()
    (overlays / "a.md").write_text("---\ntitle: No thread named\n---\n", encoding="utf-8")
    report = build_here(forum.folder)
    assert (1, True) == (report.exit_code, report.published)
    assert [message for message in report.failed if "content/curated/a.md" in message]


def test_a_source_that_is_not_configured_is_a_wrong_command(forum: SmallForum) -> None:
    """The configured ones are named."""
    with pytest.raises(UsageError, match="no source is named forvm; configured: forum, content"):
        build_here(forum.folder, ["harvest"], sources=("forvm",))


def test_the_articles_of_the_project_are_a_source_of_their_own(forum: SmallForum) -> None:
    """Its name cannot be given to another; without a folder there is none."""
    project = open_project(forum.folder)
    assert (["forum", "content"], "Small help", "forum.example.com") == (
        [options.name for options in project.options],
        project.infos["content"].title,
        project.infos["forum"].title,
    )
    shutil.rmtree(forum.folder / "content" / "articles")
    assert ["forum"] == [options.name for options in open_project(forum.folder).options]
    forum.configure(sources=[{"name": "content", "kind": "articles", "path": "x"}])
    with pytest.raises(ConfigError, match="the source name 'content' is taken"):
        open_project(forum.folder)


def test_a_withdrawn_article_and_its_settled_thread(forum: SmallForum) -> None:
    """An article takes a thread's address while it answers it, and gives it back when it is gone."""
    build_here(forum.folder)
    path = forum.paths()["forum:2"]
    (forum.folder / "docs").mkdir()
    guide = forum.folder / "docs" / "dim.md"
    guide.write_text("---\ntitle: Dim any lamp\nanswers: ['forum:2']\n---\n# Dim any lamp\n\nHold the switch.\n")
    forum.configure(sources=[*forum.settings["sources"], {"name": "docs", "kind": "articles", "path": "docs"}])
    build_here(forum.folder)
    assert {SITE + path[1:]: f"{SITE}articles/dim-any-lamp/"} == forum.redirects()
    guide.unlink()
    forum.write(forum_topic(6, "How do I share a home?"))
    build_here(forum.folder)
    assert path == forum.paths()["forum:2"]
    assert {f"{SITE}articles/dim-any-lamp/": None} == forum.redirects()


def test_no_post_keeps_the_site_from_being_published(forum: SmallForum) -> None:
    """Who links to a page of ours that there is not, or sends control characters, is a user, not a fault."""
    own = forum.settings["site"]["url"].rstrip("/")
    topic = forum_topic(6, "How do I share a home?")
    topic["post_stream"]["posts"][1]["cooked"] += (
        f'<p>See <a href="{own}/old-manual/">this</a>, <a href="{own}/#nope">that</a>.</p>'
    )
    forum.write(topic)
    report = build_here(forum.folder)
    assert report.published
    assert any("user-link" in note or "/old-manual/" in note for stage in report.stages for note in stage.notes)


def test_articles_of_a_folder_link_to_sections_of_each_other(forum: SmallForum) -> None:
    """A heading is a place; a link to one that is missing leads to the page, and is told every night."""
    docs = forum.folder / "docs"
    docs.mkdir()
    (docs / "lamps.md").write_text("# Lamps\n\n## Dim it\n\nHold it.\n\n## Hue\n\nTap it.\n\n## Reset\n\nUnplug it.\n")
    links = "See [dimming](lamps.md#dim-it), [colours](lamps.md#colour) and [here](#power)."
    (docs / "start.md").write_text(f"# Start\n\n{links}\n\n## Power\n\nPlug it in.\n")
    forum.configure(sources=[*forum.settings["sources"], {"name": "docs", "kind": "articles", "path": "docs"}])
    build_here(forum.folder)
    forum.write(forum_topic(6, "How do I share a home?"))
    report = build_here(forum.folder)
    notes = {stage.stage: stage.notes for stage in report.stages}
    assert notes["compile"] == (
        "links to sections that are not there: 1; they lead to the page",
        "/articles/start/: links to the section 'colour' of /articles/lamps/, which has none of that name",
    )
    start = BeautifulSoup((forum.site / "articles/start/index.html").read_text(encoding="utf-8"), "html.parser")
    links_out = [str(link["href"]) for link in start.select(".kb-body a")]
    assert links_out == ["../../articles/lamps/#dim-it", "../../articles/lamps/", "#power"]
    lamps = BeautifulSoup((forum.site / "articles/lamps/index.html").read_text(encoding="utf-8"), "html.parser")
    assert [str(link["href"]) for link in lamps.select(".kb-sections a")] == ["#dim-it", "#hue", "#reset"]
    assert [heading["id"] for heading in lamps.select(".kb-body h2")] == ["dim-it", "hue", "reset"]
    (docs / "lamps.md").write_text("# Lamps\n\n## Colour\n\nHold it.\n")
    report = build_here(forum.folder)
    start = BeautifulSoup((forum.site / "articles/start/index.html").read_text(encoding="utf-8"), "html.parser")
    links_out = [str(link["href"]) for link in start.select(".kb-body a")]
    assert links_out == ["../../articles/lamps/", "../../articles/lamps/#colour", "#power"]


def test_the_manifest_is_the_machines_view_of_the_run(forum: SmallForum) -> None:
    """Pages told and pages listed are the same number."""
    report = build_here(forum.folder)
    lines = [json.loads(line) for line in (forum.site / "kb-manifest.jsonl").read_text().splitlines()]
    assert report.pages == len([line for line in lines if line["kind"] != "redirect"])
    assert Path(report.site_dir) == forum.site
