"""What a command says: with ``--json`` one JSON object on standard output, else words; the rest on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from rich.console import Console
from rich.markup import escape

from kbgen.model import StageReport, visible
from kbgen.runs import RunReport

# Of what is said to people; all other control characters come from texts that others wrote.
_LAYOUT = "\n\t"


@dataclass(frozen=True)
class Voice:
    """How a command speaks; control characters in texts of others are written as escapes.

    Attributes:
        as_json: one JSON object on standard output, nothing else there.
        quiet: errors only.
        verbose: every message, not the first few.
    """

    as_json: bool = False
    quiet: bool = False
    verbose: bool = False

    @property
    def err(self) -> Console:
        """Standard error, for progress and messages."""
        return Console(stderr=True, highlight=False, soft_wrap=True)

    def result(self, data: object, words: str) -> None:
        """Give a command's result.

        Args:
            data: for ``--json``: anything msgspec can encode.
            words: for people.
        """
        if self.as_json:
            text = msgspec.json.format(msgspec.json.encode(data, enc_hook=str, order="deterministic"), indent=2)
            sys.stdout.write(visible(text.decode(), keep="\n") + "\n")
        elif not self.quiet:
            sys.stdout.write(visible(words, keep=_LAYOUT) + "\n")

    def error(self, message: str) -> None:
        """Say what is wrong, as it was worded where it was found."""
        self.err.print(f"[bold red]error:[/] {escape(visible(message, keep=_LAYOUT))}")

    def failure(self, message: str, exit_code: int, failed: Sequence[str] = ()) -> None:
        """Say that a command failed; scripts that asked for JSON get the message there as well.

        Args:
            message: why.
            exit_code: what the command exits with.
            failed: what had failed before it.
        """
        for line in _marked(failed, verbose=self.verbose):
            self.err.print(escape(visible(line, keep=_LAYOUT)))
        self.error(message)
        if self.as_json:
            self.result({"exit_code": exit_code, "error": message, **({"failed": failed} if failed else {})}, "")

    def run(self, report: RunReport) -> None:
        """Give what a run of stages came to."""
        self.result(run_data(report), run_words(report, verbose=self.verbose))
        if self.quiet:
            for line in _marked(report.failed, verbose=self.verbose):
                self.err.print(escape(visible(line, keep=_LAYOUT)))


def run_data(report: RunReport) -> Mapping[str, object]:
    """A run as ``--json`` prints it."""
    return {
        "exit_code": report.exit_code,
        "published": report.published,
        "site_dir": str(report.site_dir),
        "pages": report.pages,
        "seconds": round(report.seconds, 3),
        "stages": report.stages,
        "failed": report.failed,
        "notes": report.notes,
        "changes": report.changes,
    }


def run_words(report: RunReport, *, verbose: bool = False) -> str:
    """A run as a person reads it."""
    lines: list[str] = []
    for stage in report.stages:
        lines.append(_stage_line(stage))
        lines += [f"    {note}" for note in (stage.notes if verbose else stage.notes[:6])]
        lines += [f"    {line}" for line in _marked(stage.failed, verbose=verbose)]
    lines += [f"  {note}" for note in report.notes]
    if report.changes is not None:
        counts = ", ".join(f"{count:,} {what}" for what, count in report.changes.counts.items())
        lines.append(f"  changes: {counts or 'none that readers see'}")
    if report.published:
        lines.append(f"Published {report.pages:,} pages to {report.site_dir} in {report.seconds:.1f} s")
    return "\n".join(lines)


def _marked(failed: Sequence[str], *, verbose: bool) -> Iterator[str]:
    shown = failed if verbose else failed[:10]
    yield from (f"! {message}" for message in shown)
    if len(shown) < len(failed):
        yield f"! and {len(failed) - len(shown)} more; -v shows all, --json too"


def _stage_line(stage: StageReport) -> str:
    parts = [f"{stage.read:,} read"] if stage.read else []
    parts += [f"{stage.written:,} written"] if stage.written else []
    parts += [f"{stage.unchanged:,} unchanged"] if stage.unchanged else []
    parts += [f"{stage.removed:,} removed"] if stage.removed else []
    parts += [f"{reason} {count:,}" for reason, count in stage.rejected.items()]
    return f"{stage.stage:<20} {', '.join(parts) or 'nothing to do'} ({stage.seconds:.1f} s)"
