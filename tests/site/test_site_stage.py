"""Render and publish: only what moved is written, nothing goes live unjudged, and the store knows what is live."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from projects import SmallForum, build_here, forum_topic, inodes

from kbgen.errors import ChecksFailed, NotPublished
from kbgen.model import StageReport
from kbgen.pipeline import Options, Run
from kbgen.progress import Silent
from kbgen.project import open_project
from kbgen.site.beside import prepare
from kbgen.site.live import live_rows
from kbgen.site.manifest import MANIFEST
from kbgen.site.publish import Moved, staging_of
from kbgen.site.search_index import IndexJob, count_words, read_counted, write_cards, write_index
from kbgen.site.stage import publish, published, render, staged
from kbgen.store.items import AnalysedRow, Entries


@pytest.fixture(scope="module")
def engine_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the engine makes of the small project, made once."""
    small = SmallForum(tmp_path_factory.mktemp("engine") / "small", topics=1)
    build_here(small.folder, ["compile"])
    return small.folder / ".kbgen" / "engine"


@pytest.fixture
def small(tmp_path: Path, engine_cache: Path) -> SmallForum:
    """Four topics, curated, not yet rendered."""
    forum = SmallForum(tmp_path / "small", frames=engine_cache)
    build_here(forum.folder, ["harvest", "curate"])
    return forum


@contextmanager
def looking(forum: SmallForum) -> Iterator[Run]:
    """A run of the test's own."""
    with Run(open_project(forum.folder), Options(forum.site, jobs=1), Silent()) as run:
        yield run


def rendered(forum: SmallForum, *, clean: bool = False) -> StageReport:
    """Render the staging site."""
    with looking(forum) as run:
        return render(run.job(), run.workers, Silent(), clean=clean).report


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        file.relative_to(folder).as_posix(): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()
    }


def test_a_staging_site_is_whole_and_not_live(small: SmallForum) -> None:
    """Pages, feeds, sitemap, search, manifest, assets: beside the site folder, which is not made."""
    report = rendered(small)
    files = tree(staging_of(small.site))
    assert not small.site.exists()
    assert {"index.html", "404.html", "robots.txt", "llms.txt", "feed.xml", "kb-manifest.jsonl"} <= set(files)
    assert [name for name in files if name.startswith("sitemap")]
    assert [name for name in files if name.startswith("search/") and not name.endswith(".html")]
    assert (report.read, len(files)) == (len([name for name in files if name.endswith(".html")]), report.written)


def test_nothing_moved_is_nothing_written(small: SmallForum) -> None:
    """Over a live site a second rendering pours no page, and the copy has its bytes."""
    build_here(small.folder)
    report = rendered(small)
    assert (0, 0, (f"0 of {report.read} pages poured",)) == (report.written, report.removed, report.notes)
    assert small.tree() == tree(staging_of(small.site))


def test_clean_makes_every_file_anew_with_the_same_bytes(small: SmallForum) -> None:
    """No cache changes what a site is made of."""
    build_here(small.folder)
    report = rendered(small, clean=True)
    assert (0, (f"{report.read} of {report.read} pages poured",)) == (report.unchanged, report.notes)
    assert small.tree() == tree(staging_of(small.site))


def test_files_of_a_vanished_page_are_removed(small: SmallForum) -> None:
    """What is not on the new site is not in its folder."""
    small.write(forum_topic(5, "How do I mute the siren?", tags=["siren"]))
    build_here(small.folder)
    (small.recordings / "5.json").unlink()
    build_here(small.folder, ["harvest", "curate"])
    rendered(small)
    staging = staging_of(small.site)
    assert "tags/siren/index.html" in small.tree()
    assert b"siren" not in b"".join(data for name, data in tree(staging).items() if name.startswith("tags/siren/2"))
    assert b"noindex" in tree(staging)["q/how-do-i-mute-the-siren-5/index.html"]


def test_what_moved_is_what_the_staging_site_does_not_share_with_the_live_one(small: SmallForum) -> None:
    """The spare copy is brought level by it; a file that is missing in the live site counts as moved."""
    small.write(forum_topic(5, "How do I mute the siren?", tags=["siren"]))
    build_here(small.folder)
    (small.recordings / "5.json").unlink()
    small.write(forum_topic(6, "How do I wake the siren?"))
    (small.site / "robots.txt").unlink()
    build_here(small.folder, ["harvest", "curate"])
    rendered(small)
    with looking(small) as run:
        moved = staged(run.job()).moved
    live, here = inodes(small.site), inodes(staging_of(small.site))
    assert moved is not None
    assert {name for name, inode in here.items() if live.get(name) != inode} == set(moved.fresh)
    assert live.keys() - here.keys() == set(moved.gone)
    assert {"robots.txt", "q/how-do-i-wake-the-siren-6/index.html"} <= set(moved.fresh)


@pytest.mark.parametrize("instead", [None, Path.mkdir])
def test_a_file_taken_out_of_the_live_site_by_hand_is_not_put_back_from_the_spare_copy(
    small: SmallForum, instead: Callable[[Path], None] | None
) -> None:
    """Nobody touched the folder that it still has there; what it should be is for this run to say, not for the copy."""
    for title in ("How do I wake the siren?", "How do I wake the bell?"):
        build_here(small.folder)
        small.write(forum_topic(6, title))
    build_here(small.folder)
    spare = small.folder / ".site.spare"
    (gone,) = (small.site / "q").glob("*-3/index.html")
    name = gone.relative_to(small.site)
    assert (spare / name).exists()
    gone.unlink()
    if instead:
        instead(gone)
    copied = prepare(small.folder / ".kbgen" / "store.sqlite", small.site, clean=False)
    assert copied is not None
    assert copied.keys() == inodes(small.site).keys()
    assert inodes(small.site) == inodes(staging_of(small.site))


def test_where_nothing_moved_the_manifest_is_still_another_file(small: SmallForum) -> None:
    """It is written last, whether it says the same or not."""
    build_here(small.folder)
    rendered(small)
    with looking(small) as run:
        assert staged(run.job()).moved == Moved((MANIFEST,), ())
    assert inodes(small.site).items() ^ inodes(staging_of(small.site)).items() == {
        (MANIFEST, (folder / MANIFEST).stat().st_ino) for folder in (small.site, staging_of(small.site))
    }


def test_a_changed_live_site_is_not_built_upon(small: SmallForum) -> None:
    """Restored from a backup or made elsewhere: the store does not know it, so every file is made anew."""
    build_here(small.folder)
    manifest = small.site / "kb-manifest.jsonl"
    text = manifest.read_bytes()
    manifest.unlink()
    manifest.write_bytes(text + b"\n")
    with looking(small) as run:
        assert {} == live_rows(run.store, small.site)
    report = rendered(small)
    assert (0, report.read) == (report.unchanged, int(report.notes[0].split()[0]))


def test_a_missing_live_file_is_made_again(small: SmallForum) -> None:
    """Deleted by hand: the next build puts it back."""
    build_here(small.folder)
    before = small.tree()
    (small.site / "q" / "how-do-i-dim-a-lamp-2" / "index.html").unlink()
    build_here(small.folder)
    assert before == small.tree()


def test_publishing_switches_and_remembers(small: SmallForum) -> None:
    """The live site is what was staged; the store knows each file; the note of the staging site is gone."""
    rendered(small)
    expected = tree(staging_of(small.site))
    with looking(small) as run:
        report = publish(run.job()).report
        assert set(expected) == set(live_rows(run.store, small.site))
        assert run.library.permalinks == run.store.permalinks.all()
    assert expected == small.tree()
    assert not (small.folder / ".kbgen" / "staged.msgpack").exists()
    assert len([name for name in expected if name.endswith(".html")]) == report.written


def test_nothing_staged_is_nothing_published(small: SmallForum) -> None:
    """Render first; a staging site for another folder does not count."""
    with looking(small) as run, pytest.raises(NotPublished, match="no staging site; run `kbgen render` first"):
        staged(run.job())
    rendered(small)
    elsewhere = Options(small.folder / "elsewhere", jobs=1)
    with (
        Run(open_project(small.folder), elsewhere, Silent()) as run,
        pytest.raises(NotPublished, match="the staging site is not one for .*elsewhere"),  # noqa: RUF043
    ):
        publish(run.job())


def test_a_staging_site_that_was_touched_is_not_published(small: SmallForum) -> None:
    """Its manifest is not the one that was written."""
    rendered(small)
    (staging_of(small.site) / "kb-manifest.jsonl").write_text("", encoding="utf-8")
    with looking(small) as run, pytest.raises(NotPublished, match="run `kbgen render` first"):
        publish(run.job())


def test_a_site_that_was_touched_since_it_was_rendered_does_not_go_live(small: SmallForum) -> None:
    """Also when the run that rendered it publishes it, and reads nothing of it again."""
    with looking(small) as run:
        made = render(run.job(), run.workers, Silent())
        manifest = staging_of(small.site) / "kb-manifest.jsonl"
        manifest.write_bytes(manifest.read_bytes() + b"\n")
        with pytest.raises(ChecksFailed, match=r"kb-manifest\.jsonl: is not as it was written; run again"):
            publish(run.job(), made)
    assert not small.site.exists()


def test_a_site_with_faults_does_not_go_live(small: SmallForum) -> None:
    """Every fault is named with its page and check; the last good site stands."""
    build_here(small.folder)
    before = small.tree()
    small.write(forum_topic(2, "How do I dim a bright lamp?"))
    build_here(small.folder, ["harvest", "curate"])
    rendered(small)
    for sitemap in staging_of(small.site).glob("sitemap*"):
        sitemap.unlink()
    with looking(small) as run, pytest.raises(ChecksFailed, match=r"faults? and was not published:\n  .*sitemap"):
        publish(run.job())
    assert before == small.tree()


def test_a_page_with_faults_does_not_go_live(small: SmallForum) -> None:
    """It is judged as it was poured: the page, its file and the check are named, and nothing is live."""
    imprint = "---\ntitle: Imprint\n---\n# Imprint\n\nSee [nowhere](https://help.example.com/no/such/page/).\n"
    (small.folder / "content" / "imprint.md").write_text(imprint, encoding="utf-8")
    rendered(small)
    with (
        looking(small) as run,
        pytest.raises(ChecksFailed, match=r"/imprint/ \(content/imprint\.md:6\): .*/no/such/page/.* \[[a-z-]+\]"),
    ):
        publish(run.job())
    assert not small.site.exists()


def test_only_the_words_of_changed_pages_are_counted(small: SmallForum, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest was kept, until a build ignores caches; the index is that of a clean build."""
    asked: list[list[str] | None] = []
    analysed = Entries.analysed

    def watched(self: Entries, refs: list[str] | None = None) -> Iterator[AnalysedRow]:
        asked.append(refs)
        return analysed(self, refs)

    monkeypatch.setattr(Entries, "analysed", watched)
    build_here(small.folder)
    small.write(forum_topic(2, "How do I dim a very bright lamp?"))
    build_here(small.folder)
    assert [None, ["forum:2"]] == asked, "all at first"
    live = small.tree()
    build_here(small.folder, clean=True)
    assert (None, live) == (asked[-1], small.tree())


def test_a_store_put_back_after_rendering_learns_all_that_is_published(small: SmallForum) -> None:
    """Between the two commands it may have been exchanged for an older copy: what rendering saw move is not enough."""
    build_here(small.folder)
    small.write(forum_topic(6, "How do I wake the siren?"))
    build_here(small.folder, ["harvest", "curate"])
    rendered(small)
    with looking(small) as run:
        wanted = staged(run.job()).rows
        with run.store.transaction():
            run.store.pages.replace(run.store.pages.all() | {"robots.txt": ("an older key", "an older digest")})
        publish(run.job())
        assert wanted == run.store.pages.all()


def test_there_is_no_manifest_without_a_site(tmp_path: Path) -> None:
    """None, and no error."""
    assert published(tmp_path / "site") is None


def test_words_counted_beforehand_make_the_same_index(small: SmallForum) -> None:
    """As those read when the pages are known; words of other pages than those told of are not used."""
    rendered(small)
    expected = tree(staging_of(small.site) / "search")
    with looking(small) as run:
        job = run.job()
        again_in = small.folder / "again"
        tags, topics = job.library.tags, dict(job.topics)
        told = IndexJob(small.folder / "told.jsonl", job.store.path, again_in, ("en",), tags, topics)

        def again() -> dict[str, bytes]:
            write_cards(told.cards, job.library.cards.values())
            write_index(told)
            return tree(told.staging / "search")

        count_words(job.store.path, small.folder / "words")
        assert again() == {name: data for name, data in expected.items() if not name.endswith(".html")}
        with run.store.transaction():
            run.store.entries.delete([page.refs[0] for page in job.library.pages.values() if page.body][:1])
        read_counted(small.folder / "words")
        (small.folder / "words").unlink()
        count_words(job.store.path, small.folder / "words")
        with pytest.raises(KeyError):
            again()
