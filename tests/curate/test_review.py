"""Decisions of people in site_config/review.yml."""

from pathlib import Path

import pytest

from kbgen.curate.review import FILE, Decision, add_decisions, answered, load_review, verdicts, with_decisions
from kbgen.errors import ConfigError
from kbgen.model import Overlay, Ref, Verdict

ONE, TWO, THREE = Ref("forum:1"), Ref("forum:2"), Ref("stack:3")


def written(project: Path, text: str) -> Path:
    """A project whose review file says ``text``."""
    (project / "site_config").mkdir()
    (project / FILE).write_text(text, encoding="utf-8")
    return project


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    """A decision survives the file, whatever characters its reason holds."""
    made = Decision("merge", (ONE, TWO), by="Dana", when="2026-11-22", why="same: #1 'ü'", suggestion="00ff00ff")
    add_decisions(tmp_path, [made])
    add_decisions(tmp_path, [Decision("reject", (THREE,), by="0123")])
    assert (made, Decision("reject", (THREE,), by="0123")) == load_review(tmp_path)


def test_what_people_wrote_stays_as_it_is(tmp_path: Path) -> None:
    """Comments and spacing of the file are kept."""
    before = "# ours\n\n- {decision: approve, refs: forum:1}   # see the meeting\n"
    add_decisions(written(tmp_path, before), [Decision("done", (), suggestion="abcdef00")])
    assert (tmp_path / FILE).read_text(encoding="utf-8").startswith(before)
    assert ["approve", "done"] == [one.decision for one in load_review(tmp_path)]


def test_every_fault_is_named_with_its_line(tmp_path: Path) -> None:
    """Unknown keys and words, refs that are none, and pairs of one."""
    text = "- {decision: aprove, refs: [nonsense]}\n- {decision: merge, refs: [forum:1], who: Dana}\n- five\n"
    with pytest.raises(ConfigError) as raised:
        load_review(written(tmp_path, text))
    assert [1, 1, 2, 2, 3] == [int(fault.split(":")[1]) for fault in raised.value.faults]
    assert "'aprove' is unknown; one of: approve" in raised.value.faults[0]


def test_no_file_is_no_decision(tmp_path: Path) -> None:
    """An empty list, and a file with comments only, hold no decisions either."""
    assert () == load_review(tmp_path)
    assert () == load_review(written(tmp_path, "# none yet\n"))
    (tmp_path / FILE).write_text("[]\n", encoding="utf-8")
    add_decisions(tmp_path, [Decision("approve", (ONE,))])
    assert 1 == len(load_review(tmp_path))


def test_the_last_verdict_counts() -> None:
    """Somebody may change their mind; merges are no verdicts."""
    made = [Decision("approve", (ONE, TWO)), Decision("reject", (ONE,)), Decision("merge", (ONE, THREE))]
    assert {ONE: Verdict("drop", ("rejected",), FILE), TWO: Verdict("publish", ("approved",), FILE)} == verdicts(made)


def test_merges_and_splits_act_like_overlays() -> None:
    """A writer's overlay keeps what it says, and gets what reviewers decided besides."""
    written_one = Overlay(ONE, "content/curated/one.md", pin=True, merge=(TWO,))
    found = with_decisions({ONE: written_one}, [Decision("merge", (ONE, THREE)), Decision("split", (TWO, THREE))])
    assert (TWO, THREE) == found[ONE].merge
    assert (found[ONE].pin, found[ONE].file) == (True, "content/curated/one.md")
    assert (FILE, (THREE,)) == (found[TWO].file, found[TWO].split)


def test_a_later_decision_about_two_threads_wins() -> None:
    """Merged and then split is split, in whatever order the two are named."""
    found = with_decisions({}, [Decision("merge", (ONE, TWO)), Decision("split", (TWO, ONE))])
    assert {TWO: ((), (ONE,))} == {ref: (one.merge, one.split) for ref, one in found.items()}


def test_answered_suggestions_are_known_by_id() -> None:
    """Whatever the answer was."""
    made = [Decision("done", (), suggestion="aa"), Decision("split", (ONE, TWO), suggestion="bb"), Decision("done", ())]
    assert frozenset({"aa", "bb"}) == answered(made)
