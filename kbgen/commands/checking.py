"""``kbgen check``: the live site judged, and links to other sites asked."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from kbgen.commands.look import look
from kbgen.console import Voice
from kbgen.curate import staleness
from kbgen.errors import UsageError
from kbgen.executor import Workers
from kbgen.pipeline import Run
from kbgen.progress import Progress, shown
from kbgen.project import Project
from kbgen.site import external as external_links
from kbgen.site.check import check_site
from kbgen.site.check_live import check_live
from kbgen.site.written import worded
from kbgen.store import readable


def check(project: Project, site_dir: Path | None, voice: Voice, *, jobs: int = 0, external: int = 0) -> int:
    """Judge the live site, and ask so many links to other sites; exit 3 when the site has faults of its own."""
    folder = site_dir or project.folder / "site"
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no site; run `kbgen build` first")
    with look(project, folder) as run, Workers(jobs) as workers, shown(voice.err, quiet=voice.quiet) as progress:
        report = check_site(folder, run.library, project.config, mapper=workers.map, progress=progress)
        report = report.with_more(check_live(run.store, folder))
        due = not run.is_current()
        asked = _check_external(run, external, progress) if external else None
    errors, warnings = report.errors, report.warnings
    lines = [f"error: {worded(one, project.folder)}" for one in errors]
    lines += [f"warning: {worded(one, project.folder)}" for one in (warnings if voice.verbose else warnings[:20])]
    lines.append(f"{report.counts['pages']:,} pages, {len(errors)} errors, {len(warnings)} warnings")
    if due:
        lines.append(
            "A build is due: the site is not what would be made now, which can be what is found here; "
            "run `kbgen build`, then check again"
        )
    data = {"pages": report.counts["pages"], "errors": errors, "warnings": warnings, "build_due": due}
    if asked is not None:
        lines.append(external_links.words(asked, verbose=voice.verbose))
    voice.result(data if asked is None else {**data, "external": asked}, "\n".join(lines))
    return 3 if errors else 0


def _check_external(run: Run, limit: int, progress: Progress) -> external_links.ExternalReport:
    # Only who asks over the network pays for an HTTP library.
    from kbgen.harvest.asking import manners  # noqa: PLC0415
    from kbgen.site.external_ask import link_network  # noqa: PLC0415

    config = run.project.config
    polite = manners(config)
    job = external_links.ExternalJob(
        network=partial(link_network, polite),
        own_hosts=polite.private_hosts,
        site_url=config.site.url,
        site_dir=run.options.site_dir,
        today=datetime.now(UTC).date(),
        limit=limit,
    )
    with readable(run.store.path):
        found = external_links.check_external(job, run.store, progress)
        with run.store.transaction():
            run.store.suggestions.replace(staleness.LINKS, staleness.dead_links(run.store))
    return found
