"""Thresholds measured on what a community says of its threads."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from projects import Kbgen, SmallForum, build_here, copy_project, forum_post, forum_topic

from kbgen.config import CONFIG_FILE, DuplicatesConfig, with_values
from kbgen.curate.calibrate import Scored, measure, needed, precision
from kbgen.curate.clusters import head
from kbgen.curate.evidence import gather, pair_of, presumed_different
from kbgen.errors import ConfigError
from kbgen.model import Curated, CuratedPost, Head, Overlay, Person, PlainText, Ref, SafeHtml, Verdict
from kbgen.store import open_store
from kbgen.store.items import CuratedRow, pack


def top(number: int, *duplicate_of: int) -> Head:
    """A published thread and what it was closed as a duplicate of."""
    others = tuple(Ref(f"forum:{other}") for other in duplicate_of)
    return Head(Ref(f"forum:{number}"), PlainText(f"Question {number}"), "en", f"print {number}", others, 0.0)


def pair(left: int, right: int) -> tuple[Ref, Ref]:
    """Two threads."""
    return pair_of(Ref(f"forum:{left}"), Ref(f"forum:{right}"))


def test_the_interval_is_wilsons() -> None:
    """Nine of ten is anything from 60 to 98 %; of nothing, nothing is known."""
    found = precision(9, 1)
    assert (0.9, 0.596, 0.982) == (found.share, round(found.low, 3), round(found.high, 3))
    assert (0.0, 0.0, 1.0) == (precision(0, 0).share, precision(0, 0).low, precision(0, 0).high)


@pytest.mark.parametrize(("target", "pairs"), [(0.97, 125), (0.9, 35), (0.5, 4)])
def test_so_many_right_pairs_prove_a_target(target: float, pairs: int) -> None:
    """With that many, all right, the interval's lower end reaches it; with one less it does not."""
    assert pairs == needed(target)
    assert precision(pairs, 0).low >= target > precision(pairs - 1, 0).low


def test_what_people_said_counts_for_more_than_what_was_declared() -> None:
    """A split undoes a declared pair; merges add pairs; what is not published is counted and no more."""
    merged = Overlay(Ref("forum:3"), "c.md", merge=(Ref("forum:4"),), split=(Ref("forum:2"),))
    found = gather([top(1), top(2, 1, 3), top(3), top(4), top(5, 77)], {merged.ref: merged})
    assert {pair(1, 2), pair(3, 4)} == found.together
    assert (frozenset({pair(2, 3)}), 1) == (found.refused, found.unseen)


def test_threads_are_together_by_way_of_others() -> None:
    """Two that were closed in favour of a third ask the same, unless somebody keeps them apart."""
    heads = [top(1), top(2, 1), top(3, 1), top(4)]
    apart = {Ref("forum:2"): Overlay(Ref("forum:2"), "c.md", split=(Ref("forum:3"),))}
    assert (True, False) == (gather(heads, {}).is_right(pair(2, 3)), gather(heads, {}).is_right(pair(2, 4)))
    assert not gather(heads, apart).is_right(pair(2, 3))


def solved(number: int, answer: str, asker: str = "", *, why: str = "accepted", html: str = "") -> Curated:
    """A thread with its best answer."""
    url = f"https://f.example/t/{number}"
    asked = CuratedPost("q", url, SafeHtml(html), PlainText("Why?"), Person(asker or f"u{number}", "A"))
    best = CuratedPost("a", url, SafeHtml(""), PlainText(answer), Person("9", "B"), why=why)  # type: ignore[arg-type]
    published = Verdict("publish", ("accepted",))
    return Curated(
        Ref(f"forum:{number}"), "thread", published, PlainText("T"), url, question=asked, answers=(best,)
    )  # fmt: skip


SOLUTIONS = (
    solved(1, "Replace the door seal and let it dry for one night."),
    solved(2, "Hold the start button until the lamp blinks twice."),
    solved(3, "Turn the water on before you choose a programme.", "u1"),
    solved(4, "Choose a lower temperature for wool.", html='<a href="kb:forum:1">see here</a>'),
    solved(5, "Replace the door seal, and let it dry for a night."),
    solved(6, "Clean the filter below the drum.", why="helpful"),
)


@pytest.mark.parametrize(
    ("left", "right", "seen"),
    [(1, 2, True), (1, 3, False), (1, 4, False), (1, 5, False), (1, 6, False), (2, 3, True)],
)
def test_different_solutions_are_presumed_different_questions(
    tmp_path: Path,
    left: int,
    right: int,
    seen: bool,  # noqa: FBT001
) -> None:
    """Not where one person asked both, one links to the other, the answers say the same, or nothing is accepted."""
    store = open_store(tmp_path / "store.sqlite")
    rows = [
        CuratedRow(
            one.ref, "thread", "", "", "publish", "accepted", "", "", msgspec.msgpack.encode(head(one)), pack(one)
        )
        for one in SOLUTIONS
    ]
    with store.transaction():
        store.curated.put(rows)
    assert (frozenset([pair(left, right)]) if seen else frozenset()) == presumed_different(store, [pair(left, right)])
    store.close()


def near(count: int, score: float, first: int) -> list[Scored]:
    """Pairs of one score."""
    return [Scored(pair(number, number + 5000), score, score) for number in range(first, first + count)]


def test_the_lowest_threshold_that_is_surely_right_is_proposed() -> None:
    """A hundred right pairs from 0.7 on prove 90 %; the wrong ones at 0.6 keep the threshold above them."""
    right, wrong = near(100, 0.7, 1), near(50, 0.6, 1001)
    declared = gather(
        [top(number, number + 5000) for number in range(1, 101)] + [top(n) for n in range(5001, 5101)], {}
    )
    found = measure([*right, *wrong], declared, frozenset(one.pair for one in wrong), DuplicatesConfig(), target=0.9)
    assert (0.65, "", 100, 50) == (found.merge, found.why, found.declared, found.presumed)
    (step,) = [step for step in found.steps if step.threshold == 0.6]
    assert (100, 50, 1.0) == (step.precision.right, step.precision.wrong, step.recall)


def test_too_little_evidence_proposes_nothing() -> None:
    """It says how many pairs it takes and how many there are; so it does when too many are wrong."""
    declared = gather([top(1, 2), top(2)], {})
    few = measure([Scored(pair(1, 2), 0.9, 0.9)], declared, frozenset(), DuplicatesConfig(), target=0.97)
    assert (None, None, 125) == (few.merge, few.suggest, few.needed)
    assert "it takes 125 pairs" in few.why
    assert "so far 1 are known" in few.why
    wrong = near(200, 0.6, 1001)
    many = measure(wrong, declared, frozenset(one.pair for one in wrong), DuplicatesConfig(), target=0.97)
    assert (None, "the best is surely 0.0% right") == (many.merge, many.why.rpartition(": ")[2])


def test_the_queue_begins_where_one_in_three_is_right() -> None:
    """Of pairs below the band of merges, from there on."""
    right, wrong = near(20, 0.55, 1), [*near(20, 0.5, 1001), *near(200, 0.3, 2001)]
    heads = [top(number, number + 5000) for number in range(1, 21)] + [top(n) for n in range(5001, 5021)]
    found = measure(
        [*right, *wrong], gather(heads, {}), frozenset(one.pair for one in wrong), DuplicatesConfig(), target=0.97
    )
    assert 0.5 == found.suggest
    assert ["merge", "suggest", "related"] == [band.name for band in found.bands]
    assert [(0, 0), (20, 20), (0, 200)] == [(one.precision.right, one.precision.wrong) for one in found.bands]


LAYOUTS = (
    ("duplicates:\n  merge: 0.85  # as measured\n  largest: 9\n", "duplicates:\n  suggest: 0.5\n  merge: 0.7  # as measured\n  largest: 9\n"),
    ("duplicates: {largest: 9}  # few\n", "duplicates: {merge: 0.7, suggest: 0.5, largest: 9}  # few\n"),
    ("seo: {canonical: self}\n", "seo: {canonical: self}\n\nduplicates:\n  merge: 0.7\n  suggest: 0.5\n"),
    ("{seo: {canonical: self}}\n", "{duplicates: {merge: 0.7, suggest: 0.5}, seo: {canonical: self}}\n"),
)  # fmt: skip


@pytest.mark.parametrize(("before", "after"), LAYOUTS)
def test_thresholds_are_written_where_they_stand(before: str, after: str) -> None:
    """Comments, order and layout stay, and references to the environment are no YAML to stumble over."""
    above = "# ours\nsources: [{name: a, kind: x, api_key: ${KEY}}]\n" if not before.startswith("{") else ""
    assert above + after == with_values(above + before, "duplicates", {"merge": 0.7, "suggest": 0.5})


@pytest.mark.parametrize("text", ["a: &x {merge: 1}\nduplicates: *x\n", "duplicates:\nseo: {}\n", "duplicates: {}\n"])
def test_what_cannot_be_changed_in_place_is_said(text: str) -> None:
    """An alias would change two places; nothing is guessed."""
    with pytest.raises(ConfigError, match=r"write merge: 0\.7 into it"):
        with_values(text, "duplicates", {"merge": 0.7})


def forum_of_repeats(forum: SmallForum, times: int) -> None:
    """Questions asked twice in nearly the same words, of which reviewers merged the two."""
    subjects = [f"{verb} the {noun}" for verb in ("paint", "oil", "lift", "fold", "wash", "fix") for noun in NOUNS]
    lines = []
    for number, subject in enumerate(subjects[:times], start=100):
        for shift, title in ((0, f"How do I {subject}?"), (1000, f"How can I {subject} best?")):
            topic = forum_topic(number + shift, title)
            body = f"I want to {subject} at home this week and do not know which {subject.split()[-1]} tools it takes."
            topic["post_stream"]["posts"][0] = forum_post(number + shift, 1, body)
            forum.write(topic)
        lines.append(f"- {{decision: merge, refs: ['forum:{number}', 'forum:{number + 1000}']}}\n")
    (forum.folder / "site_config" / "review.yml").write_text("".join(lines), encoding="utf-8")


NOUNS = ("gate", "fence", "ladder", "bench", "barrow", "trellis", "shed")


def test_measured_as_it_is_typed(forum: SmallForum, inside: Kbgen) -> None:
    """``curate --calibrate --write`` runs the stage, tells, writes what is proven, and the report repeats it."""
    forum_of_repeats(forum, 40)
    forum.configure(duplicates={"merge": 1.1, "semantic": "off"})
    build_here(forum.folder, ["harvest"])
    done = inside("-C", forum.folder, "curate", "--calibrate", "--precision", "0.9", "--write")
    assert (0, True) == (done.code, "40 pairs are known to ask the same" in done.out)
    settings = (forum.folder / CONFIG_FILE).read_text(encoding="utf-8")
    assert ("1.1" in settings, '"semantic": "off"' in settings) == (False, True)
    assert 0 == inside("-C", forum.folder, "config", "check").code
    build_here(forum.folder)
    assert "Duplicates, measured 20" in inside("-C", forum.folder, "report").out
    page = forum.folder / "report.html"
    found = inside("-C", forum.folder, "--json", "report", "--html", page).data["measured"]
    assert (40, []) == (found["declared"], found["doubts"])
    assert "Duplicates, measured" in page.read_text(encoding="utf-8")


def test_write_alone_is_a_slip(forum: SmallForum, inside: Kbgen) -> None:
    """Nothing is proposed without ``--calibrate``, so there is nothing to write."""
    assert 2 == inside("-C", forum.folder, "curate", "--write").code


def test_with_too_little_evidence_nothing_is_changed(forum: SmallForum, inside: Kbgen) -> None:
    """The file stays as it is, and the exit code says that nothing went wrong."""
    build_here(forum.folder, ["harvest"])
    before = (forum.folder / CONFIG_FILE).read_bytes()
    done = inside("-C", forum.folder, "curate", "--calibrate", "--write")
    assert (0, before) == (done.code, (forum.folder / CONFIG_FILE).read_bytes())
    assert "too little evidence" in done.out
    assert "Nothing was written." in done.out


@pytest.mark.realdata
def test_real_sites_are_measured(data_folder: Path, tmp_path: Path, inside: Kbgen) -> None:
    """Their declared duplicates are few: it says so, names the pairs a person should judge, and changes nothing."""
    project = copy_project(tmp_path / "site", content=False)
    sources = [
        {
            "name": name[:2],
            "kind": "stackexchange",
            "url": f"https://{name[:2]}.example.com",
            "dump": str(data_folder / "stackexchange" / name),
        }
        for name in ("cardano-2021", "quantumcomputing-2018")
    ]
    settings = {"site": {"name": "S", "url": "https://help.example.com/"}, "sources": sources}
    text = json.dumps({**settings, "duplicates": {"semantic": "off"}})
    (project / CONFIG_FILE).write_text(text, encoding="utf-8")
    build_here(project, ["harvest"])
    found = inside("-C", project, "--json", "curate", "--calibrate", "--write").data
    assert (3, 1, None, None) == (found["declared"], found["found"], found["merge"], found["file"])
    assert found["presumed"] > 50
    assert found["doubts"][0]["score"] > 0.5
    assert text == (project / CONFIG_FILE).read_text(encoding="utf-8")
