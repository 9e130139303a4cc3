"""What a command says, to people and to machines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kbgen.console import Voice, run_data, run_words
from kbgen.model import StageReport
from kbgen.pipeline import RunReport

REPORT = RunReport(
    stages=(
        StageReport("harvest forum", read=1200, written=3, unchanged=1196, removed=1, rejected={"unreadable": 1},
                    failed=tuple(f"{number}.json: is empty" for number in range(12)), seconds=0.25),
        StageReport("curate", notes=tuple(f"note {number}" for number in range(8))),
    ),
    site_dir=Path("site"),
    pages=1234,
    published=True,
    notes=("1,000 pages are indexable",),
    seconds=12.3456,
)  # fmt: skip


def test_words_and_json_are_the_same_result(capsys: pytest.CaptureFixture[str]) -> None:
    """People get words, scripts one object, ``--quiet`` nothing."""
    for voice in (Voice(), Voice(as_json=True), Voice(quiet=True)):
        voice.result({"b": Path("x"), "a": "é"}, "Two words")
    words, _, data = capsys.readouterr().out.partition("\n")
    assert ("Two words", {"a": "é", "b": "x"}) == (words, json.loads(data))


def test_json_wins_over_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever asked for it gets it."""
    Voice(as_json=True, quiet=True).result({"a": 1}, "")
    assert {"a": 1} == json.loads(capsys.readouterr().out)


def test_quiet_is_not_silent_about_failures(capsys: pytest.CaptureFixture[str]) -> None:
    """Cron mails what is printed: a run that failed in part prints that, and nothing else."""
    Voice(quiet=True).run(REPORT)
    out, err = capsys.readouterr()
    assert ("", "! 0.json: is empty", 11) == (out, err.splitlines()[0], len(err.splitlines()))


def test_errors_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """Brackets are no markup, long lines are not broken, and nothing is on standard output."""
    message = "site_config/kbgen.yml:3: sources[0].kind is [bold]unknown[/bold]; " + "x" * 300
    Voice().failure(message, 2)
    out, err = capsys.readouterr()
    assert ("", f"error: {message}\n") == (out, err)


def test_a_failure_is_json_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    """On both channels, for both readers."""
    Voice(as_json=True).failure("no such thing", 2)
    out, err = capsys.readouterr()
    assert ({"exit_code": 2, "error": "no such thing"}, "error: no such thing\n") == (json.loads(out), err)


def test_what_failed_before_is_told_first(capsys: pytest.CaptureFixture[str]) -> None:
    """It may be the reason: ten of them, all for those who ask for JSON."""
    failed = [f"file {number}" for number in range(12)]
    Voice(as_json=True).failure("stopped", 3, failed)
    out, err = capsys.readouterr()
    assert failed == json.loads(out)["failed"]
    assert [*(f"! file {n}" for n in range(10)), "! and 2 more; -v shows all, --json too", "error: stopped"] == (
        err.splitlines()
    )


def test_a_run_is_told_in_lines() -> None:
    """Counts that are not zero, the first notes and failures, and how many more there are."""
    lines = run_words(REPORT).splitlines()
    assert "harvest forum        1,200 read, 3 written, 1,196 unchanged, 1 removed, unreadable 1 (0.2 s)" == lines[0]
    assert ["    ! 0.json: is empty", "    ! 9.json: is empty", "    ! and 2 more; -v shows all, --json too"] == [
        lines[1], lines[10], lines[11],
    ]  # fmt: skip
    assert "curate               nothing to do (0.0 s)" == lines[12]
    assert ["    note 5", "  1,000 pages are indexable", "Published 1,234 pages to site in 12.3 s"] == lines[-3:]


def test_verbose_shows_all() -> None:
    """Every failure and every note."""
    text = run_words(REPORT, verbose=True)
    assert ("    ! 11.json: is empty" in text, "    note 7" in text, "more; -v" in text) == (True, True, False)


def test_a_run_is_told_to_machines() -> None:
    """The keys are a contract; the exit code is 1 as soon as anything failed."""
    data = run_data(REPORT)
    told = {"exit_code", "published", "site_dir", "pages", "seconds", "stages", "failed", "notes", "changes"}
    assert told == set(data)
    assert (1, True, "site", 1234, 12.346) == tuple(
        data[key] for key in ("exit_code", "published", "site_dir", "pages", "seconds")
    )
    assert 12 == len(REPORT.failed)
    assert 0 == RunReport((), Path("site"), 0, published=False).exit_code


def test_an_unpublished_run_does_not_claim_to_have_published() -> None:
    """A stage alone, or a night without change."""
    assert "" == run_words(RunReport((), Path("site"), 12, published=False))


def test_what_others_wrote_commands_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters are written out in words and in JSON, which stays JSON; layout stays."""
    said = "a\x1b[2Jb\x9b1m\u202ec\x00"
    Voice().result({}, f"one\n\t{said}")
    Voice(as_json=True).result({"a": said}, "")
    words, _, rest = capsys.readouterr().out.partition("{")
    assert "one\n\ta\\u001b[2Jb\\u009b1m\\u202ec\\u0000\n" == words
    assert (said, True) == (json.loads("{" + rest)["a"], rest.replace("\n", "").isprintable())


def test_an_error_commands_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Messages quote what was found, so they are written as words are."""
    Voice().error("a\x1b[2J")
    assert "a\\u001b[2J" in capsys.readouterr().err
