"""``kbgen build --summary FILE.md``: what a night came to, as Markdown for a job's page, a chat or a mail."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from kbgen.addresses import absolute
from kbgen.errors import KbgenError, UsageError
from kbgen.model import StageReport, visible
from kbgen.runs import Change, RunReport, What

_SHOWN = 20
# Titles are other people's words: no mark-up, no mention of anybody, no HTML.
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|@~&$])")
_WORDS: dict[What, str] = {
    "new": "New",
    "changed": "Changed",
    "restored": "Back again",
    "redirected": "Redirected",
    "gone": "Withdrawn",
    "other": "Pages that list",
}


def begin_summary(file: Path) -> None:
    """Make sure that a summary can be written; what the file holds stays until then.

    Raises:
        UsageError: it cannot.
    """
    try:
        file.open("a", encoding="utf-8").close()
    except OSError as error:
        raise _unwritable(file, error) from error


def write_summary(file: Path, text: str) -> None:
    """Write a summary.

    Raises:
        UsageError: the file cannot be written.
    """
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise _unwritable(file, error) from error


def _unwritable(file: Path, error: OSError) -> UsageError:
    return UsageError(f"{file}: {error.strerror}; --summary needs a file that can be written")


def of_run(report: RunReport, site_url: str) -> str:
    """What a run of stages came to.

    Args:
        report: of the run.
        site_url: where the site is served from, for links to its pages.
    """
    return "\n".join(
        [*_result(report), *_changes(report, site_url), *_failed(report.failed), *_waiting(report), *_work(report)]
    )


def of_error(error: KbgenError) -> str:
    """A run that stopped; the live site stands."""
    said = f"# Not published\n\nThe last good site stands. Exit code {error.exit_code}.\n\n{_quoted(str(error))}\n"
    return "\n".join((said, *_failed(error.failed)))


def _result(report: RunReport) -> Iterator[str]:
    if report.published:
        yield f"# Published {report.pages:,} pages"
    elif any("nothing changed" in note for stage in report.stages for note in stage.notes):
        yield "# Nothing changed"
    else:
        yield "# Done"
    yield ""
    for note in report.notes:
        yield f"{_safe(note)}."
        yield ""


def _changes(report: RunReport, site_url: str) -> Iterator[str]:
    if report.changes is None:
        return
    yield "## What changed"
    yield ""
    counts = [f"{_WORDS[what]}: {count:,}" for what, count in report.changes.counts.items()]
    yield f"{', '.join(counts) or 'Nothing that readers see'}."
    yield ""
    for what, heading in _WORDS.items():
        some = [one for one in report.changes.pages if one.what == what]
        if some:
            yield f"### {heading}"
            yield ""
            yield from (_line(one, site_url) for one in some[:_SHOWN])
            left = report.changes.counts[what] - min(len(some), _SHOWN)
            if left > 0:
                yield f"- and {left:,} more"
            yield ""


def _line(one: Change, site_url: str) -> str:
    link = f"[{_safe(one.title or one.path)}]({absolute(site_url, one.path)})"
    to = one.to and (absolute(site_url, one.to) if one.to.startswith("/") else one.to)
    return f"- {link} ({_code(one.ref)})" + (f" now leads to <{to}>" if to else "")


def _failed(failed: Sequence[str]) -> Iterator[str]:
    if failed:
        yield f"## Failed: {len(failed):,}"
        yield ""
        yield from (f"- {_safe(message)}" for message in failed[:_SHOWN])
        if len(failed) > _SHOWN:
            yield f"- and {len(failed) - _SHOWN:,} more"
        yield ""


def _waiting(report: RunReport) -> Iterator[str]:
    if report.waiting:
        yield "## Waits for a person"
        yield ""
        yield ", ".join(f"{kind}: {count:,}" for kind, count in report.waiting.items()) + " (`kbgen review list`)."
        yield ""


def _work(report: RunReport) -> Iterator[str]:
    yield "| Stage | Read | Written | Unchanged | Removed | Rejected | Seconds |"
    yield "|---|---:|---:|---:|---:|---|---:|"
    yield from map(_row, report.stages)
    yield ""


def _row(stage: StageReport) -> str:
    rejected = ", ".join(f"{reason} {count:,}" for reason, count in stage.rejected.items())
    counts = [f"{count:,}" for count in (stage.read, stage.written, stage.unchanged, stage.removed)]
    return f"| {' | '.join([_safe(stage.stage), *counts, _safe(rejected), f'{stage.seconds:.1f}'])} |"


def _safe(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", visible(" ".join(text.split())))


def _code(text: str) -> str:
    return "`" + visible(text.replace("`", "'")) + "`"


def _quoted(text: str) -> str:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    shown = visible(text, keep="\n")
    return f"{fence}text\n{shown}\n{fence}"
