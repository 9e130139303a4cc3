"""Commands that tell what is there: search, the reasons of a page, the digest, the counts, all of it as lines."""

from __future__ import annotations

import sys
from pathlib import Path

from kbgen.commands.look import look
from kbgen.commands.review import waiting
from kbgen.console import Voice
from kbgen.errors import SourceError, UsageError
from kbgen.project import Project
from kbgen.report import digest as digest_report
from kbgen.report import digest_html
from kbgen.report import export as export_report
from kbgen.report import why as why_report
from kbgen.site.documents import search_documents
from kbgen.sources import open_source


def search(
    project: Project, query: str, voice: Voice, *, limit: int, lang: str | None = None, topic: str | None = None
) -> int:
    """Rank entries for a query with the terminal's own index, brought up to date first."""
    # Only this command needs Whoosh, and importing it takes as long as a build in which nothing changed.
    from kbgen.search.terminal import TerminalIndex  # noqa: PLC0415

    with look(project) as run:
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
    with look(project) as run:
        ref = why_report.find_ref(what, run.store, run.library, project.config.site.url)
        found = why_report.explain(ref, run.store, run.library, dict(project.overlays))
    voice.result(found, why_report.words(found))
    return 0


def report(project: Project, voice: Voice, html: Path | None = None) -> int:
    """Tell the state of the knowledge base and what needs a person."""
    with look(project) as run:
        found = digest_report.digest(run.store, run.library, waiting(run))
    if html is not None:
        try:
            html.write_text(digest_html.page(found, project.config.site.name), encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{html}: {error.strerror}; name a file that can be written") from error
    voice.result(found, digest_report.words(found))
    return 0


def status(project: Project, voice: Voice) -> int:
    """Tell what the store holds and what is published."""
    with look(project) as run:
        counts: dict[str, dict[str, int]] = {options.name: {} for options in project.options}
        for row in run.store.curated.verdicts():
            source = counts.setdefault(row.source, {})
            source[row.outcome] = source.get(row.outcome, 0) + row.items
        held = run.store.records.counts()
        failures = run.store.records.failures()
        pages = len(run.before.kinds)
        unmapped = run.store.curated.unmapped()
    sources = {
        name: {"records": held.get(name, (0, 0))[0], "withdrawn": held.get(name, (0, 0))[1], **outcomes}
        for name, outcomes in counts.items()
    }
    waiting = [failure._asdict() for failure in failures]
    unreadable = _unreadable(project)
    data = {
        "sources": sources,
        "failures": waiting,
        "unreadable": unreadable,
        "pages": pages,
        "unmapped_tags": unmapped,
    }
    lines = [
        f"{name:<16} " + ", ".join(f"{value:,} {key}" for key, value in row.items()) for name, row in sources.items()
    ]
    lines.append(f"published        {pages:,} pages")
    lines += [f"! {name}: {said}" for name, said in unreadable.items()]
    lines += [f"! {failure.place}: {failure.problem}" for failure in failures]
    voice.result(data, "\n".join(lines))
    return 0


def _unreadable(project: Project) -> dict[str, str]:
    """Sources whose files are not there, by name: what was published from them stays, and gets old."""
    said: dict[str, str] = {}
    for options in project.options:
        try:
            open_source(options, project.folder).fingerprint()
        except SourceError as error:
            said[options.name] = str(error)
    return said


def export(project: Project, file: Path, voice: Voice) -> int:
    """Write every published entry and article as JSON lines."""
    with look(project) as run:
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
