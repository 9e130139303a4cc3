"""The commands that run no stage: each gathers, then says. Stages are run by ``pipeline``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from kbgen.config import CONFIG_FILE, Config
from kbgen.console import Voice
from kbgen.errors import ConfigError, UsageError
from kbgen.executor import Workers
from kbgen.initialise import initialise
from kbgen.pipeline import Options, Run
from kbgen.progress import Silent, shown
from kbgen.project import Project
from kbgen.report import export as export_report
from kbgen.report import why as why_report
from kbgen.serve import serve as serve_site
from kbgen.site.check import check_site
from kbgen.site.documents import search_documents
from kbgen.sources import source_kinds


def init(folder: Path, voice: Voice) -> int:
    """Write the skeleton of a new project into an empty folder."""
    files = initialise(folder)
    words = f"Wrote {len(files)} files to {folder}.\nNext: edit {folder / CONFIG_FILE}, then kbgen -C {folder} build"
    voice.result({"folder": str(folder), "files": files}, words)
    return 0


def serve(project: Project, site_dir: Path | None, port: int, voice: Voice) -> int:
    """Preview the site until stopped."""
    return serve_site(project, site_dir or project.cache / "preview", port, voice)


def _look(project: Project, site_dir: Path | None = None) -> Run:
    """A run that changes nothing: for looking at what the last one left."""
    return Run(project, Options(site_dir=site_dir or project.folder / "site", jobs=1), Silent())


def search(
    project: Project, query: str, voice: Voice, *, limit: int, lang: str | None = None, topic: str | None = None
) -> int:
    """Rank entries for a query with the terminal's own index, brought up to date first."""
    # Only this command needs Whoosh, and importing it takes as long as a build in which nothing changed.
    from kbgen.search.terminal import TerminalIndex  # noqa: PLC0415

    with _look(project) as run:
        topics = {one.slug: one for one in project.taxonomy.topics}
        index = TerminalIndex(project.cache / "whoosh")
        digests = {page.path: page.body for page in run.library.pages.values()}
        documents = search_documents(run.library, run.store, topics)
        index.update((document.path, digests[document.path], document) for document in documents)
        hits = index.search(query, limit=limit, lang=lang, topic=topic)
        meant = index.did_you_mean(query)
    url = project.config.site.url.rstrip("/")
    lines = [f"{hit.score:7.2f}  {hit.title}\n         {url}{hit.path}" for hit in hits]
    if not lines:
        lines.append(f"Nothing matches {query!r}.")
    if meant:
        lines.append(f"Did you mean: {meant}")
    voice.result({"query": query, "hits": hits, "did_you_mean": meant}, "\n".join(lines))
    return 0


def why(project: Project, what: str, voice: Voice) -> int:
    """Tell every decision about one thread or page."""
    with _look(project) as run:
        ref = why_report.find_ref(what, run.store, run.library, project.config.site.url)
        found = why_report.explain(ref, run.store, run.library, dict(project.overlays))
    voice.result(found, why_report.words(found))
    return 0


def status(project: Project, voice: Voice) -> int:
    """Tell what the store holds and what is published."""
    with _look(project) as run:
        counts: dict[str, dict[str, int]] = {options.name: {} for options in project.options}
        for row in run.store.curated.verdicts():
            source = counts.setdefault(row.source, {})
            source[row.outcome] = source.get(row.outcome, 0) + row.items
        held = run.store.records.counts()
        failures = run.store.records.failures()
        live = run.before
        unmapped = run.store.curated.unmapped()
    sources = {
        name: {"records": held.get(name, (0, 0))[0], "withdrawn": held.get(name, (0, 0))[1], **outcomes}
        for name, outcomes in counts.items()
    }
    pages = len(live.pages) if live else 0
    waiting = [failure._asdict() for failure in failures]
    data = {"sources": sources, "failures": waiting, "pages": pages, "unmapped_tags": unmapped}
    lines = [
        f"{name:<16} " + ", ".join(f"{value:,} {key}" for key, value in row.items()) for name, row in sources.items()
    ]
    lines.append(f"published        {pages:,} pages")
    lines += [f"! {failure.place}: {failure.problem}" for failure in failures]
    voice.result(data, "\n".join(lines))
    return 0


def check(project: Project, site_dir: Path | None, voice: Voice, *, jobs: int = 0) -> int:
    """Judge the live site; exit 3 when it has faults."""
    folder = site_dir or project.folder / "site"
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no site; run `kbgen build` first")
    with _look(project, folder) as run, Workers(jobs) as workers, shown(voice.err, quiet=voice.quiet) as progress:
        report = check_site(folder, run.library, project.config, mapper=workers.map, progress=progress)
    errors, warnings = report.errors, report.warnings
    lines = [f"error: {one.page}: {one.message} [{one.check}]" for one in errors]
    lines += [
        f"warning: {one.page}: {one.message} [{one.check}]" for one in (warnings if voice.verbose else warnings[:20])
    ]
    lines.append(f"{report.counts['pages']:,} pages, {len(errors)} errors, {len(warnings)} warnings")
    voice.result({"pages": report.counts["pages"], "errors": errors, "warnings": warnings}, "\n".join(lines))
    return 3 if errors else 0


def export(project: Project, file: Path, voice: Voice) -> int:
    """Write every published entry and article as JSON lines."""
    with _look(project) as run:
        found = export_report.lines(run.store, run.library.permalinks, project.config.site.url)
        if str(file) == "-":
            sys.stdout.buffer.writelines(found)
            return 0
        count = 0
        try:
            with file.open("wb") as out:
                for line in found:
                    out.write(line)
                    count += 1
        except OSError as error:
            raise UsageError(f"{file}: {error.strerror}; name a file that can be written") from error
    voice.result({"file": str(file), "entries": count}, f"Wrote {count:,} entries to {file}")
    return 0


def schema(voice: Voice) -> int:
    """Print the JSON Schema of the configuration, every source kind included."""
    schema_of = Config.model_json_schema()
    kinds = source_kinds()
    schema_of["properties"]["sources"] = {
        "type": "array",
        "items": {"oneOf": [_kind_schema(kind, kinds[kind].model_json_schema()) for kind in sorted(kinds)]},
    }
    Voice(as_json=True).result(schema_of, "")
    del voice
    return 0


def _kind_schema(kind: str, model: dict[str, object]) -> dict[str, object]:
    properties = model["properties"]
    assert isinstance(properties, dict)  # noqa: S101  # pydantic's own shape
    return {**model, "properties": {**properties, "kind": {"const": kind}}}


def config_check(project: Project, voice: Voice) -> int:
    """Read every file people edit: configuration (done by now), taxonomy, topics, overlays, redirects."""
    faults: list[str] = []
    for part in ("taxonomy", "redirects"):
        try:
            getattr(project, part)
        except ConfigError as error:
            faults += error.faults
    faults += project.overlay_faults
    if faults:
        raise ConfigError(faults)
    names = [options.name for options in project.options]
    counted = _counted(names, project)
    voice.result({"sources": names, "faults": []}, counted)
    return 0


def _counted(names: Sequence[str], project: Project) -> str:
    taxonomy = project.taxonomy
    return (
        f"No faults: {len(names)} sources ({', '.join(names)}), {len(taxonomy.topics)} topics, "
        f"{len(taxonomy.tags)} tags, {len(project.overlays)} overlays, {len(project.redirects)} redirects"
    )
