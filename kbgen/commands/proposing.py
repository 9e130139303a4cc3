"""Commands that measure a community and propose what people may write down: thresholds, topics, tags."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from kbgen.commands.look import look
from kbgen.config import CONFIG_FILE, set_values
from kbgen.console import Voice
from kbgen.curate.taxonomy import FILE as TAXONOMY_FILE
from kbgen.errors import UsageError
from kbgen.pipeline import Options, run_stages
from kbgen.progress import shown
from kbgen.project import Project
from kbgen.report import calibration as calibration_report
from kbgen.report import spelling, taxonomy_file, untagged
from kbgen.report import taxonomy as taxonomy_report


def calibrate(project: Project, voice: Voice, *, jobs: int, precision: float, write: bool = False) -> int:
    """Bring curated items up to date, measure the bands of duplicates, and write what is proposed when asked to."""
    if not project.config.duplicates.enabled:
        raise UsageError(f"{CONFIG_FILE}: duplicates.enabled is false, so there is nothing to measure")
    # Loads numpy and the models.
    from kbgen.curate import calibrate as measuring  # noqa: PLC0415

    options = Options(site_dir=project.folder / "site", jobs=jobs)
    with shown(voice.err, quiet=voice.quiet) as progress:
        run_stages(project, options, progress, ["curate"])
    with look(project) as run:
        config, day = project.config.duplicates, datetime.now(UTC).date().isoformat()
        found = measuring.calibrate(run.store, config, project.overlays, target=precision, day=day)
        with run.store.transaction():
            calibration_report.keep(run.store, found)
    text = calibration_report.words(found, merge=config.merge, suggest=config.suggest)
    proposed = {key: value for key, value in (("merge", found.merge), ("suggest", found.suggest)) if value is not None}
    written = write and bool(proposed) and set_values(project.folder, "duplicates", proposed)
    if write:
        text += f"\nWritten to {CONFIG_FILE}; the next build acts on it." if written else "\nNothing was written."
    voice.result({"file": CONFIG_FILE if written else None, **msgspec.to_builtins(found)}, text)
    return 0


def taxonomy_suggest(project: Project, voice: Voice, *, write: bool = False) -> int:
    """Propose a taxonomy.yml from tags in use and words of untagged threads; written only where there is none."""
    file = project.folder / TAXONOMY_FILE
    if write and file.exists():
        raise UsageError(f"{file}: exists already; leave out --write and take from the proposal what you like")
    with look(project) as run:
        proposal = taxonomy_report.propose(taxonomy_report.used_tags(run.store))
        names = untagged.names_of(project.config.site.name, project.infos.values())
        grown = untagged.grow(run.store, proposal, project.taxonomy, names)
        spelled = spelling.written_as(run.store, proposal.counts)
    if not proposal.counts and not grown.tags:
        raise UsageError(
            f"no tag is on three published threads or more, and fewer than {untagged.LEAST} threads are there to learn "
            "from; run `kbgen curate` first, or write topics by hand"
        )
    text = taxonomy_file.yaml_of(proposal, grown, spelled)
    if write:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    topics, tags = len(proposal.topics) + len(grown.topics), len(proposal.counts) + len(grown.tags)
    words = f"Wrote {file}: {topics} topics, {tags} tags." if write else text
    data = {"file": str(file) if write else None, "taxonomy": text, "proposal": proposal, "untagged": grown}
    voice.result(data, words.rstrip("\n"))
    return 0


def taxonomy_unmapped(project: Project, voice: Voice) -> int:
    """Show the communities' tags that the taxonomy does not know."""
    with look(project) as run:
        found = taxonomy_report.unmapped(run.store, project.taxonomy)
    lines = [f"{count:7,}  {word}{f'  (like {near}?)' if near else ''}" for word, count, near in found]
    rows = [{"tag": word, "threads": count, "like": near} for word, count, near in found]
    voice.result({"unmapped": rows}, "\n".join(lines) or "The taxonomy knows every tag.")
    return 0
