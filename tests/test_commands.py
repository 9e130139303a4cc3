"""The commands that run no stage: what they tell of a project, and what they exit with."""

from __future__ import annotations

from pathlib import Path

import pytest
from projects import SITE, Kbgen, SmallForum, build_here, forum_topic

from kbgen.sources import KINDS


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, frames: Path) -> Path:
    """A published project with a withdrawn, an unanswered and an unreadable thread; look, do not change."""
    forum = SmallForum(tmp_path_factory.mktemp("commands") / "small", topics=6, frames=frames)
    build_here(forum.folder)
    (forum.recordings / "6.json").unlink()
    (forum.recordings / "9.json").write_text("", encoding="utf-8")
    forum.write(forum_topic(5, "How do I mute the siren?", accepted=False))
    build_here(forum.folder)
    return forum.folder


def test_init_writes_a_project_that_checks(inside: Kbgen, tmp_path: Path) -> None:
    """The skeleton is listed, and its configuration has no faults; a second time nothing is overwritten."""
    folder = tmp_path / "new"
    done = inside("--json", "init", folder)
    assert (0, True) == (done.code, "site_config/kbgen.yml" in done.data["files"])
    assert 0 == inside("-C", folder, "config", "check").code
    again = inside("init", folder)
    assert (2, True) == (again.code, "name a new or empty folder" in again.err)


def test_status_counts_by_source(inside: Kbgen, built: Path) -> None:
    """Records, withdrawn ones, verdicts, failures and pages: what is there, not what is hoped for."""
    done = inside("-C", built, "--json", "status")
    forum = done.data["sources"]["forum"]
    assert (0, {"records": 6, "withdrawn": 1, "publish": 4, "drop": 1}) == (done.code, forum)
    (failure,) = done.data["failures"]
    assert ("forum", True, True) == (failure["source"], "9.json" in failure["place"], bool(failure["problem"]))
    assert done.data["pages"] == len((built / "site" / "kb-manifest.jsonl").read_text().splitlines()) - 2


def test_status_in_words(inside: Kbgen, built: Path) -> None:
    """One line a source, one for the site, one for each failure."""
    lines = inside("-C", built, "status").out.splitlines()
    assert "forum            6 records, 1 withdrawn, 1 drop, 4 publish" == lines[0]
    assert ["content", "published", "!"] == [line.split()[0] for line in lines[1:]]


def test_status_names_a_source_whose_files_are_gone(inside: Kbgen, forum: SmallForum) -> None:
    """What it published stays, so that nobody else would tell."""
    build_here(forum.folder)
    assert {} == inside("-C", forum.folder, "--json", "status").data["unreadable"]
    forum.recordings.rename(forum.folder / "elsewhere")
    said = inside("-C", forum.folder, "--json", "status").data["unreadable"]
    assert ["forum"] == list(said)
    assert f"! forum: {said['forum']}" in inside("-C", forum.folder, "status").out


def test_status_of_a_new_project(inside: Kbgen, forum: SmallForum) -> None:
    """Nothing harvested, nothing published: zeros, not an error."""
    done = inside("-C", forum.folder, "--json", "status")
    assert (0, {"records": 0, "withdrawn": 0}, 0) == (done.code, done.data["sources"]["forum"], done.data["pages"])


def test_a_source_taken_from_the_configuration_is_still_told_of(inside: Kbgen, forum: SmallForum) -> None:
    """Its records are in the store until they are moved away; its pages are gone with the next build."""
    build_here(forum.folder)
    forum.configure(sources=[], guard={"max_vanish": 1})
    assert 4 == inside("-C", forum.folder, "--json", "status").data["sources"]["forum"]["records"]
    build_here(forum.folder)
    assert {} == forum.paths()


def test_a_sound_site_passes_its_check(inside: Kbgen, built: Path) -> None:
    """Exit 0, with the count of pages."""
    done = inside("-C", built, "--json", "check", "--jobs", "1")
    assert (0, []) == (done.code, done.data["errors"])
    assert f"{done.data['pages']} pages, 0 errors" in inside("-C", built, "check", "--jobs", "1").out


def test_a_faulty_site_fails_its_check(inside: Kbgen, forum: SmallForum) -> None:
    """Exit 3, each fault with its page and the name of the check."""
    build_here(forum.folder)
    page = forum.site / "q" / "how-do-i-dim-a-lamp-2" / "index.html"
    text = page.read_text(encoding="utf-8").replace('rel="canonical"', 'rel="nothing"')
    page.unlink()
    page.write_text(text, encoding="utf-8")
    done = inside("-C", forum.folder, "--json", "check", "--jobs", "1")
    found = {one["page"] for one in done.data["errors"] if one["check"] != "altered"}
    assert (3, {"/q/how-do-i-dim-a-lamp-2/"}) == (done.code, found)
    words = inside("-C", forum.folder, "check", "--jobs", "1").out
    assert "error: /q/how-do-i-dim-a-lamp-2/: " in words
    assert "[canonical]" in words


def test_a_file_that_was_altered_is_told(inside: Kbgen, forum: SmallForum) -> None:
    """A copy that broke off and a hand that slipped are seen in any file, and what to do is said; a clean build does it."""
    build_here(forum.folder)
    assert 0 == inside("-C", forum.folder, "check", "--jobs", "1").code
    style = next(forum.site.rglob("*.css"))
    for file in (forum.site / "q" / "how-do-i-dim-a-lamp-2" / "index.html", style):
        data = file.read_bytes()
        file.unlink()
        file.write_bytes(data[:-20] + b"\n" * 20)
    done = inside("-C", forum.folder, "--json", "check", "--jobs", "1")
    altered = {one["page"] for one in done.data["errors"] if one["check"] == "altered"}
    assert (3, {"q/how-do-i-dim-a-lamp-2/index.html", style.relative_to(forum.site).as_posix()}) == (done.code, altered)
    assert "is not as it was published; run `kbgen build --clean`" in inside("-C", forum.folder, "check").out
    assert 0 == inside("-C", forum.folder, "build", "--clean", "--jobs", "1").code
    assert 0 == inside("-C", forum.folder, "check", "--jobs", "1").code


def test_a_site_that_waits_for_a_build_is_told_apart(inside: Kbgen, forum: SmallForum) -> None:
    """What was harvested since, and a guard that stopped the build, are no faults of the site's files."""
    build_here(forum.folder)
    assert inside("-C", forum.folder, "--json", "check", "--jobs", "1").data["build_due"] is False
    for number in (2, 3, 4):
        (forum.recordings / f"{number}.json").unlink()
    forum.configure(guard={"min_pages": 1, "max_withdrawn": 1})
    assert 3 == inside("-C", forum.folder, "build", "--jobs", "1").code
    done = inside("-C", forum.folder, "--json", "check", "--jobs", "1")
    assert (3, True) == (done.code, done.data["build_due"])
    assert "A build is due" in inside("-C", forum.folder, "check", "--jobs", "1").out


def test_nothing_to_check_is_a_wrong_command(inside: Kbgen, forum: SmallForum) -> None:
    """Exit 2: build first."""
    done = inside("-C", forum.folder, "check")
    assert (2, True) == (done.code, "there is no site; run `kbgen build` first" in done.err)


def test_search_ranks_titles_first(inside: Kbgen, built: Path) -> None:
    """The entry asked for leads, with its address; the limit is kept."""
    done = inside("-C", built, "--json", "search", "dim", "lamp")
    assert (0, "dim lamp", "/q/how-do-i-dim-a-lamp-2/") == (done.code, done.data["query"], done.data["hits"][0]["path"])
    scores = [hit["score"] for hit in done.data["hits"]]
    assert scores == sorted(scores, reverse=True)
    one = inside("-C", built, "search", "--limit", "1", "lamp").out.splitlines()
    assert ("How do I dim a lamp?", f"{SITE}q/how-do-i-dim-a-lamp-2/") == (one[0].split("  ")[-1], one[1].strip())


def test_search_knows_what_was_published_since(inside: Kbgen, forum: SmallForum) -> None:
    """Its index is brought up to date first; what was withdrawn is not found."""
    build_here(forum.folder)
    assert "pair a sensor" in inside("-C", forum.folder, "search", "sensor").out
    (forum.recordings / "3.json").unlink()
    forum.write(forum_topic(8, "How do I descale the kettle?"))
    build_here(forum.folder)
    assert "descale the kettle" in inside("-C", forum.folder, "search", "kettle").out
    assert "pair a sensor" not in inside("-C", forum.folder, "search", "sensor").out


def test_search_that_finds_nothing_says_so(inside: Kbgen, built: Path) -> None:
    """Exit 0: to find nothing is an answer."""
    done = inside("-C", built, "search", "xylophone")
    assert (0, True) == (done.code, done.out.startswith("Nothing matches 'xylophone'."))
    assert [] == inside("-C", built, "--json", "search", "--topic", "none", "lamp").data["hits"]


def test_config_check_names_every_fault_of_every_file(inside: Kbgen, forum: SmallForum) -> None:
    """Taxonomy, redirects and overlays at once, exit 2; a sound project is counted."""
    done = inside("-C", forum.folder, "--json", "config", "check")
    assert (0, ["forum", "content"], []) == (done.code, done.data["sources"], done.data["faults"])
    config = forum.folder / "site_config"
    (config / "taxonomy.yml").write_text("topics: [{slug: a, parent: zzz}]\n", encoding="utf-8")
    (config / "redirects.yml").write_text("no-slash: /search/\n", encoding="utf-8")
    overlays = forum.folder / "content" / "curated"
    overlays.mkdir()
    (overlays / "a.md").write_text("---\ntitle: No thread named\n---\n", encoding="utf-8")
    (forum.folder / "content" / "imprint.md").write_text("---\ntitle: [open\n---\n", encoding="utf-8")
    (forum.folder / "content" / "articles" / "b.md").write_text("---\ntitle: [open\n---\n", encoding="utf-8")
    done = inside("-C", forum.folder, "config", "check")
    assert 2 == done.code
    files = ["taxonomy.yml", "redirects.yml", "curated/a.md", "imprint.md:2", "articles/b.md:2"]
    assert files == [file for file in files if file in done.err]


def test_the_schema_needs_no_project(inside: Kbgen, tmp_path: Path) -> None:
    """An editor asks for it before there is one; it is JSON without ``--json``."""
    done = inside("-C", tmp_path, "config", "schema")
    assert (0, set(KINDS)) == (
        done.code,
        {kind["properties"]["kind"]["const"] for kind in done.data["properties"]["sources"]["items"]["oneOf"]},
    )


def test_a_folder_that_is_not_kbgens_is_refused_before_anything_is_done(inside: Kbgen, forum: SmallForum) -> None:
    """Not after an hour of harvesting, and nothing is left beside it."""
    other = forum.folder / "photos" / "2026"
    other.mkdir(parents=True)
    (other / "lamp.jpg").write_bytes(b"")
    for command in ("build", "render", "publish"):
        done = inside("-C", forum.folder, command, "--site-dir", other, "--jobs", "1")
        assert (3, True) == (done.code, "holds files kbgen did not make (lamp.jpg)" in done.err)
    assert [other] == list(other.parent.iterdir())
    assert not (forum.folder / ".kbgen" / "store.sqlite").exists()
