"""The ready nightly runs: they can be read, they say what kbgen understands, and ``init --ci`` writes them."""

from __future__ import annotations

import errno
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer.main
import yaml
from projects import ROOT, Kbgen, SmallForum, build_here, forum_topic

from kbgen.cli import GLOBAL_OPTIONS, app, globals_first
from kbgen.errors import KbgenError, UsageError
from kbgen.initialise import NIGHTLY, add_ci, initialise, kinds_of_ci
from kbgen.model import StageReport
from kbgen.runs import Change, Changes, RunReport
from kbgen.summary import of_error, of_run

GITHUB = NIGHTLY / "github/github/workflows/knowledge-base.yml"
GITLAB = NIGHTLY / "gitlab/gitlab-ci.yml"
FILES = [*sorted(file for file in NIGHTLY.rglob("*") if file.is_file()), ROOT / "Containerfile"]
DOCS = ROOT / "docs" / "operations.md"


def command_lines(text: str) -> Iterator[list[str]]:
    """Every place where kbgen is run, as words, the program left out; other words after its name are no command."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for found in re.finditer(r"(?<![\w.@-])(?:/usr/local/bin/)?kbgen +([-a-z][^|>&;`\n]*)", text):
        words = shlex.split(found[1].split(" #")[0])
        if words[0].split("=")[0] in GLOBAL_OPTIONS or words[0] in commands:
            yield words


def unknown(words: list[str]) -> list[str]:
    """Options of a command line that its command does not have."""
    given = globals_first(words)
    while given and given[0].split("=")[0] in GLOBAL_OPTIONS:
        given = given[2 if GLOBAL_OPTIONS[given[0].split("=")[0]] and "=" not in given[0] else 1 :]
    command: Any = typer.main.get_command(app).commands[given[0]]  # type: ignore[attr-defined]
    known = {option for parameter in command.params for option in parameter.opts}
    return [word for word in given[1:] if word.startswith("-") and word.split("=")[0] not in known]


@pytest.mark.parametrize("file", [*FILES, DOCS], ids=lambda file: file.name)
def test_every_command_line_is_one_kbgen_knows(file: Path) -> None:
    """Its command and each of its options exist."""
    lines = list(command_lines(file.read_text(encoding="utf-8")))
    assert lines or file.suffix == ".timer"
    assert [(words, unknown(words)) for words in lines if unknown(words)] == []


def scripts(node: Any) -> Iterator[str]:
    """Every script of a pipeline's file."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in {"run", "script", "before_script"}:
                yield "\n".join(value) if isinstance(value, list) else value
            else:
                yield from scripts(value)
    elif isinstance(node, list):
        for one in node:
            yield from scripts(one)


@pytest.mark.parametrize("file", [GITHUB, GITLAB], ids=["github", "gitlab"])
def test_every_script_is_one_a_shell_understands(file: Path) -> None:
    """Read by the shell that will run it, without running it."""
    found = list(scripts(yaml.safe_load(file.read_text(encoding="utf-8"))))
    assert [text for text in found if "kbgen --json build" in text and "--summary" in text]
    for text in found:
        done = subprocess.run(["sh", "-n"], input=text, capture_output=True, text=True, check=False)
        assert (0, "") == (done.returncode, done.stderr)


def test_github_keeps_what_has_to_be_kept() -> None:
    """Store and site are restored before the build and saved after it, also after one that failed."""
    steps = yaml.safe_load(GITHUB.read_text(encoding="utf-8"))["jobs"]["build"]["steps"]
    uses = [step.get("uses", "").partition("@")[0] for step in steps]
    build = next(number for number, step in enumerate(steps) if step.get("id") == "build")
    restore, save = uses.index("actions/cache/restore"), uses.index("actions/cache/save")
    assert restore < build < save
    assert {".kbgen\nsite\n"} == {steps[restore]["with"]["path"], steps[save]["with"]["path"]}
    assert "always()" == steps[save]["if"]
    assert steps[restore]["with"]["key"].startswith(steps[restore]["with"]["restore-keys"])


def test_gitlab_keeps_what_has_to_be_kept() -> None:
    """The site is built where Pages takes it from, and cached with the store."""
    job = yaml.safe_load(GITLAB.read_text(encoding="utf-8"))["pages"]
    assert {".kbgen/", "public/"} <= set(job["cache"]["paths"])
    assert ("always", "knowledge-base") == (job["cache"]["when"], job["resource_group"])
    assert "--site-dir public" in "\n".join(job["script"])
    assert "public" in job["artifacts"]["paths"]


def test_the_units_agree() -> None:
    """Exit code 1 is a publication; the timer is for every night."""
    units = {file.suffix: ConfigParser(strict=False) for file in (NIGHTLY / "systemd/deploy").iterdir()}
    for suffix, parser in units.items():
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        parser.read(NIGHTLY / f"systemd/deploy/kbgen{suffix}")
    assert "1" == units[".service"]["Service"]["SuccessExitStatus"]
    assert units[".timer"]["Timer"]["OnCalendar"]


KBGEN = """#!/bin/sh
echo "$@" >> calls
case "$1" in
adopt) exit {adopt} ;;
--json) mkdir -p site public; touch {there}; : > digest.md; printf '%s' '{report}'; exit {code} ;;
esac
"""


class Night(NamedTuple):
    """How kbgen ends, and what it leaves."""

    report: str = '{"exit_code": 0}'
    code: int = 0
    adopt: int = 0
    there: str = "site/index.html public/index.html"


@pytest.mark.parametrize("file", [GITHUB, GITLAB], ids=["github", "gitlab"])
@pytest.mark.parametrize(
    ("night", "deployed"),
    [
        (Night(), "yes"),
        (Night('{"exit_code": 1}', 1), "yes"),
        (Night('{"exit_code": 3, "error": "no"}', 3), "no"),
        (Night('{"exit_code": 3}', 1), "no"),
        (Night("", 1), "no"),
        (Night("Traceback", 1), "no"),
        (Night(there="other"), "no"),
        (Night(adopt=3), "no"),
    ],
    ids=["well", "partly", "stopped", "report says no", "no report", "a traceback", "no site", "addresses unknown"],
)
def test_only_what_was_published_is_deployed(file: Path, night: Night, deployed: str, tmp_path: Path) -> None:
    """The addresses of the live site come first; what leaves no report deploys nothing, whatever its exit code."""
    (tmp_path / "kbgen").write_text(KBGEN.format(**night._asdict()), encoding="utf-8")
    (tmp_path / "kbgen").chmod(0o755)
    (tmp_path / "python").symlink_to(sys.executable)
    steps = scripts(yaml.safe_load(file.read_text(encoding="utf-8")))
    script = next(text for text in steps if "kbgen --json build" in text)
    output = tmp_path / "output"
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "GITHUB_STEP_SUMMARY": "digest.md", "GITHUB_OUTPUT": str(output)}
    done = subprocess.run(["sh", "-ec", script], cwd=tmp_path, env=env, capture_output=True, check=False)
    calls = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()
    assert (deployed == "yes") == (done.returncode == 0)
    assert file != GITHUB or (deployed == "yes") == output.exists()
    assert calls[0].split()[0] == "adopt"
    assert (night.adopt == 0) == (len(calls) == 2)


@pytest.mark.parametrize("kind", kinds_of_ci())
def test_init_writes_it_into_a_new_project(kind: str, tmp_path: Path) -> None:
    """Beside the skeleton, at the place the machine looks for it."""
    files = initialise(tmp_path / "help", [kind])
    places = {"github": ".github/workflows/knowledge-base.yml", "gitlab": ".gitlab-ci.yml"}
    places |= {"systemd": "deploy/kbgen.timer", "container": "Containerfile"}
    assert {places[kind], "mkdocs.yml"} <= set(files)
    assert [] == [name for name in files if not (tmp_path / "help" / name).is_file()]


def test_init_adds_it_to_a_project_that_is_there(tmp_path: Path, inside: Kbgen) -> None:
    """Only its files are written, and never over one that is there."""
    initialise(tmp_path)
    done = inside("--json", "init", tmp_path, "--ci", "gitlab", "--ci", "github")
    assert (0, [".gitlab-ci.yml", ".github/workflows/knowledge-base.yml"]) == (done.code, done.data["files"])
    (tmp_path / ".gitlab-ci.yml").write_text("ours: {}\n", encoding="utf-8")
    again = inside("init", tmp_path, "--ci", "gitlab")
    assert (2, "ours: {}\n") == (again.code, (tmp_path / ".gitlab-ci.yml").read_text(encoding="utf-8"))
    with pytest.raises(UsageError, match="--ci jenkins: no such kind; one or more of: container, github"):
        add_ci(tmp_path, ["jenkins"])


def test_the_documentation_names_every_kind() -> None:
    """Each has its row, with the files it writes."""
    text = DOCS.read_text(encoding="utf-8")
    assert [kind for kind in kinds_of_ci() if f"| `{kind}` | `" not in text] == []


# --- the digest ------------------------------------------------------------------------------------------------


def summary(forum: SmallForum, inside: Kbgen, code: int = 0) -> str:
    """Build; give the digest."""
    file = forum.folder / "digest.md"
    assert code == inside("-C", forum.folder, "build", "--jobs", "1", "--summary", file).code
    return file.read_text(encoding="utf-8")


def test_the_digest_tells_what_changed(forum: SmallForum, inside: Kbgen) -> None:
    """New, changed, withdrawn and back again, each with a link; and that nothing changed, when nothing did."""
    assert "New: 4" in summary(forum, inside)
    assert "# Nothing changed" in summary(forum, inside)
    forum.write(forum_topic(1, "Where can I *rename* a [room](http://evil.example.com)?"))
    (forum.recordings / "2.json").rename(forum.folder / "2.json")
    forum.write(forum_topic(9, "How do I find the manual?"))
    told = summary(forum, inside)
    assert "- [How do I find the manual?](https://help.example.com/q/how-do-i-find-the-manual-9/) (`forum:9`)" in told
    assert r"[Where can I \*rename\* a \[room\]\(http://evil.example.com\)?](" in told
    assert "### Withdrawn\n\n- [/q/how-do-i-dim-a-lamp-2/](" in told
    assert "dim a lamp" not in told
    (forum.folder / "2.json").rename(forum.recordings / "2.json")
    assert "### Back again\n\n- [How do I dim a lamp?](" in summary(forum, inside)


def test_the_digest_names_what_failed_and_what_waits(forum: SmallForum, inside: Kbgen) -> None:
    """Both need a person."""
    forum.configure(rules={"answered": "hold"})
    (forum.recordings / "9.json").write_text("<html>Log in</html>", encoding="utf-8")
    forum.write(forum_topic(2, "How do I dim a lamp?", accepted=False))
    told = summary(forum, inside, code=1)
    assert "## Failed: 1" in told
    assert "9.json" in told
    assert "## Waits for a person\n\nheld: 1" in told


def test_the_digest_holds_no_control_characters() -> None:
    """A job's log obeys them as a terminal does; lines stay lines."""
    change = Change("new", "entry", "/q/a/", "forum:\u202e1", "a\x1b[2J")
    stage = StageReport("curate", failed=("a\x9b1m",))
    report = RunReport((stage,), Path("site"), 1, published=True, changes=Changes({"new": 1}, (change,)))
    told = of_run(report, "https://help.example.com/") + of_error(KbgenError("one\ntwo\x1b"))

    assert told.replace("\n", "").isprintable()
    assert "\none\ntwo\\u001b\n" in told
    assert "`forum:\\u202e1`" in told


def test_the_digest_of_a_run_that_stopped(forum: SmallForum, inside: Kbgen) -> None:
    """It is written, too, with the message."""
    build_here(forum.folder)
    (forum.folder / "site_config/redirects.yml").write_text("/old/: /nowhere/\n", encoding="utf-8")
    told = summary(forum, inside, code=3)
    assert told.startswith("# Not published\n\nThe last good site stands. Exit code 3.\n\n```text\n")
    assert "/old/: redirects to /nowhere/" in told


def test_a_digest_that_cannot_be_written(forum: SmallForum, inside: Kbgen) -> None:
    """The command line was wrong."""
    done = inside("-C", forum.folder, "build", "--jobs", "1", "--summary", forum.folder / "no/such/digest.md")
    assert (2, True, False) == (
        done.code,
        "--summary needs a file that can be written" in done.err,
        forum.site.exists(),
    )


def test_a_digest_that_could_be_written_until_the_run_ended(
    forum: SmallForum, inside: Kbgen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The site is published, its report is told, and the digest is one thing that failed."""
    real = Path.write_text

    def full(self: Path, text: str, *args: Any, **options: Any) -> int:
        if self.name == "digest.md":
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(self, text, *args, **options)

    monkeypatch.setattr(Path, "write_text", full)
    done = inside("-C", forum.folder, "--json", "build", "--jobs", "1", "--summary", forum.folder / "digest.md")
    assert (1, True, True) == (done.code, done.data["published"], forum.site.is_dir())
    assert "No space left on device" in str(done.data)


def test_changes_are_in_the_json(forum: SmallForum, inside: Kbgen) -> None:
    """Counts of all, and each answer with its ref, address and what became of it."""
    first = inside("-C", forum.folder, "--json", "build", "--jobs", "1").data["changes"]
    assert (4, 4) == (first["counts"]["new"], len(first["pages"]))
    (forum.recordings / "2.json").unlink()
    pages = inside("-C", forum.folder, "--json", "build", "--jobs", "1").data["changes"]["pages"]
    # The page that linked to it as related has changed.
    (gone,) = [page for page in pages if page["what"] != "changed"]
    assert ("gone", "forum:2", "/q/how-do-i-dim-a-lamp-2/", "", None) == tuple(
        gone[key] for key in ("what", "ref", "path", "title", "to")
    )
