"""The commands that run no stage: each gathers, then says. Stages are run by ``pipeline``."""

from __future__ import annotations

import getpass
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from kbgen.config import CONFIG_FILE, Config, set_values
from kbgen.console import Voice
from kbgen.curate import erasure, review, staleness
from kbgen.curate.taxonomy import FILE as TAXONOMY_FILE
from kbgen.curate.text import slugify
from kbgen.errors import ConfigError, RecordError, UsageError
from kbgen.executor import Workers
from kbgen.initialise import add_ci, initialise, refuse_used
from kbgen.model import Entry, Ref, Thread
from kbgen.pipeline import Options, Run, run_stages
from kbgen.progress import Progress, Silent, shown
from kbgen.project import Project, open_project
from kbgen.report import calibration as calibration_report
from kbgen.report import digest as digest_report
from kbgen.report import digest_html, promotion, taxonomy_file, untagged
from kbgen.report import export as export_report
from kbgen.report import review as review_report
from kbgen.report import taxonomy as taxonomy_report
from kbgen.report import why as why_report
from kbgen.serve import serve as serve_site
from kbgen.site import external as external_links
from kbgen.site.check import check_site
from kbgen.site.documents import search_documents
from kbgen.sources import open_source, source_kinds
from kbgen.store import readable

if TYPE_CHECKING:
    from kbgen.recognise import Recognised


def init(folder: Path, voice: Voice, ci: Sequence[str] = (), url: str = "") -> int:
    """Write the skeleton of a new project into an empty folder, and its nightly run; or that alone."""
    if ci and (folder / CONFIG_FILE).is_file():
        files = add_ci(folder, ci)
        voice.result({"folder": str(folder), "files": files}, f"Wrote {', '.join(files)} to {folder}.")
        return 0
    found = _recognised(folder, url) if url else None
    files = initialise(folder, ci)
    said: dict[str, object] = {"folder": str(folder), "files": files}
    words = f"Wrote {len(files)} files to {folder}.\n"
    if found is not None:
        found.write(folder)
        said |= {"kind": found.kind, "ready": found.ready, "unknown": found.unknown}
        todo = "".join(f"\n  {note}" for note in found.unknown)
        words += f"{url} is {found.platform}; its source is in {folder / CONFIG_FILE}. Not found out:{todo}\n"
    voice.result(said, f"{words}Next: edit {folder / CONFIG_FILE}, then kbgen -C {folder} build")
    return 0


def _recognised(folder: Path, url: str) -> Recognised:
    """What the community at an address runs on; a folder that cannot be used is refused before anybody is asked."""
    # Only who asks over the network pays for an HTTP library.
    from kbgen.recognise import recognise_at  # noqa: PLC0415

    refuse_used(folder)
    return recognise_at(url)


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


def review_list(project: Project, voice: Voice, *, kinds: Sequence[str] = (), limit: int = 20) -> int:
    """Show what waits for a person."""
    with _look(project) as run:
        waiting = _waiting(run, kinds)
    voice.result({"waiting": waiting}, review_report.words(waiting, limit))
    return 0


def _waiting(run: Run, kinds: Sequence[str] = ()) -> tuple[review_report.Waiting, ...]:
    project = run.project
    apart = [(ref, other) for ref, overlay in project.overlays.items() for other in overlay.split]
    return review_report.queue(run.store, review.answered(project.decisions), apart, kinds)


def review_answer(
    project: Project, verb: Literal["approve", "reject"], what: Sequence[str], voice: Voice, by: str, why: str
) -> int:
    """Approve or reject held threads (by ref) and suggestions (by id)."""
    made: list[review.Decision] = []
    with _look(project) as run:
        for word in what:
            if ":" in word:
                made.append(_about_thread(run, verb, Ref(word)))
                continue
            (one,) = review_report.chosen(_waiting(run), [word])
            pair: review.Verb = "merge" if verb == "approve" else "split"
            articles = [ref for ref in (one.ref, Ref(one.other)) if _is_article(run, ref)]
            if articles and verb == "approve" and one.kind == "merge":
                raise UsageError(
                    f"{word}: {articles[0]} is an article: write the other's ref into `answers` of its front matter, "
                    "and it takes the page"
                )
            refs = (one.ref, Ref(one.other)) if one.other else (one.ref,)
            made.append(review.Decision(pair if one.kind == "merge" else "done", refs, suggestion=one.id))
    return _decide(project, made, voice, by, why)


def _is_article(run: Run, ref: Ref) -> bool:
    return any(item.kind == "article" for item in run.store.curated.get([ref]))


def _about_thread(run: Run, verb: Literal["approve", "reject"], ref: Ref) -> review.Decision:
    if run.store.records.state(ref) is None:
        raise UsageError(f"{ref}: the store has no such thread; `kbgen review list` shows what waits")
    return review.Decision(verb, (ref,))


def review_pair(
    project: Project, verb: Literal["merge", "split"], refs: Sequence[str], voice: Voice, **said: str
) -> int:
    """Join threads to the first of them, or keep them apart, whatever else says they should not be."""
    if len(set(refs)) < 2:
        raise UsageError(f"kbgen review {verb} needs two refs or more, such as community:12 community:34")
    with _look(project) as run:
        unknown = [ref for ref in refs if ":" not in ref or run.store.records.state(ref) is None]
    if unknown:
        raise UsageError(f"{', '.join(unknown)}: the store has no such thread; a ref is SOURCE:ID")
    return _decide(project, [review.Decision(verb, tuple(map(Ref, refs)))], voice, said["by"], said["why"])


def _decide(project: Project, made: Sequence[review.Decision], voice: Voice, by: str, why: str) -> int:
    who, day = by or getpass.getuser(), datetime.now(UTC).date().isoformat()
    signed = [msgspec.structs.replace(one, by=who, when=day, why=why) for one in made]
    review.add_decisions(project.folder, signed)
    lines = [f"{one.decision} {' '.join(one.refs)}" for one in signed]
    lines.append(f"Written to {review.FILE}; the next build acts on it.")
    voice.result({"file": review.FILE, "decisions": signed}, "\n".join(lines))
    return 0


def promote(project: Project, what: str, voice: Voice, *, as_article: bool = False) -> int:
    """Write an overlay or an article from a published thread; a file that exists is never overwritten."""
    with _look(project) as run:
        ref = why_report.find_ref(what, run.store, run.library, project.config.site.url)
        lead = run.store.entries.leads().get(ref, ref)
        entry = next((one for one in run.store.entries.bodies([lead]) if isinstance(one, Entry)), None)
        if entry is None:
            raise UsageError(f"{ref}: has no page of its own, so there is nothing to promote; see `kbgen why {ref}`")
        known = project.overlays.get(lead)
    today = datetime.now(UTC).date()
    if as_article:
        name, text = promotion.article(entry, slugify(entry.title), today)
        file = project.folder / "content" / "articles" / name
    else:
        if known is not None and known.file != review.FILE:
            raise UsageError(f"{lead} has an overlay already: edit {known.file}")
        name, text = promotion.overlay(entry, today)
        file = project.folder / "content" / "curated" / name
    if file.exists():
        raise UsageError(f"{file}: exists already; edit it, or move it away")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    voice.result({"ref": lead, "file": str(file)}, f"Wrote {file}; it is yours now.")
    return 0


def calibrate(project: Project, voice: Voice, *, jobs: int, precision: float, write: bool = False) -> int:
    """Bring curated items up to date, measure the bands of duplicates, and write what is proposed when asked to."""
    if not project.config.duplicates.enabled:
        raise UsageError(f"{CONFIG_FILE}: duplicates.enabled is false, so there is nothing to measure")
    # Loads numpy and the models.
    from kbgen.curate import calibrate as measuring  # noqa: PLC0415

    options = Options(site_dir=project.folder / "site", jobs=jobs)
    with shown(voice.err, quiet=voice.quiet) as progress:
        run_stages(project, options, progress, ["curate"])
    with _look(project) as run:
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
    with _look(project) as run:
        proposal = taxonomy_report.propose(taxonomy_report.used_tags(run.store))
        names = untagged.names_of(project.config.site.name, project.infos.values())
        grown = untagged.grow(run.store, proposal, project.taxonomy, names)
    if not proposal.counts and not grown.tags:
        raise UsageError(
            f"no tag is on three published threads or more, and fewer than {untagged.LEAST} threads are there to learn "
            "from; run `kbgen curate` first, or write topics by hand"
        )
    text = taxonomy_file.yaml_of(proposal, grown)
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
    with _look(project) as run:
        found = taxonomy_report.unmapped(run.store, project.taxonomy)
    lines = [f"{count:7,}  {word}{f'  (like {near}?)' if near else ''}" for word, count, near in found]
    rows = [{"tag": word, "threads": count, "like": near} for word, count, near in found]
    voice.result({"unmapped": rows}, "\n".join(lines) or "The taxonomy knows every tag.")
    return 0


def forget(project: Project, what: str, voice: Voice, *, by: str = "") -> int:
    """Erase a thread (``community:12``) or a person (``community:@name``) from all kbgen keeps."""
    source, at, name = what.partition(":@")
    with _look(project) as run, readable(run.store.path):
        block: dict[str, object]
        if at:
            project.sources((source,))  # an unknown source is said now
            keys, posts = _known_by(run, source, name)
            block = {"source": source, "person": keys}
            words = f"{len(posts)} threads have posts of theirs."
        else:
            ref = why_report.find_ref(what, run.store, run.library, project.config.site.url)
            block = {"thread": str(ref)}
            words = f"{ref} is forgotten."
        signed = {**block, "by": by or getpass.getuser(), "when": datetime.now(UTC).date().isoformat()}
        erasure.add_erasure(project.folder, signed)
        _clean_up(run, erasure.load_erasure(project.folder))
    fresh = open_project(project.folder)
    run_stages(fresh, Options(site_dir=project.folder / "site", jobs=1), Silent(), ["curate"])
    with _look(fresh) as run:
        run.store.compact()
    words += (
        f"\nWritten to {erasure.FILE}; the store is clean. Publish with kbgen build, and delete backups of .kbgen/."
    )
    voice.result({"file": erasure.FILE, **block}, words)
    return 0


def _known_by(run: Run, source: str, name: str) -> tuple[list[str], set[Ref]]:
    """All names and ids of the person called ``name``, as digests, and the threads with posts of theirs."""
    opened = open_source(next(one for one in run.project.options if one.name == source), run.project.folder)
    refs = [state.ref for state in run.store.records.states() if state.source == source]
    keys, before = frozenset([erasure.key_of(source, name)]), frozenset[str]()
    threads: set[Ref] = set()
    while keys != before:  # a name leads to an id, and that to another name
        before = keys
        for record in run.store.records.get(refs):
            keys = erasure.aliases(record.payload, source, keys)
            try:
                thread = opened.parse(record)
            except RecordError:
                continue
            posts = (thread.question, *thread.answers) if isinstance(thread, Thread) else ()
            for own in (erasure.keys_of(source, post.author) for post in posts):
                if not keys.isdisjoint(own):
                    keys |= frozenset(own)
                    threads.add(record.ref)
    return sorted(keys), threads


def _clean_up(run: Run, forgotten: erasure.Erasure) -> None:
    """Take it out of the stored records and of every cache beside the store."""
    store = run.store
    refs = [state.ref for state in store.records.states() if forgotten.concerns(state.source)]
    with store.transaction():
        cleaned = ((one.ref, erasure.scrub(one, forgotten), one.payload) for one in store.records.get(refs))
        store.records.rewrite((ref, payload) for ref, payload, before in list(cleaned) if payload != before)
        store.records.repack()
    kept = {store.path.name, "engine", "lock"}
    for file in run.project.cache.iterdir():
        if file.name in kept or file.name.startswith(f"{store.path.name}-"):
            continue
        shutil.rmtree(file) if file.is_dir() else file.unlink()


def report(project: Project, voice: Voice, html: Path | None = None) -> int:
    """Tell the state of the knowledge base and what needs a person."""
    with _look(project) as run:
        found = digest_report.digest(run.store, run.library, _waiting(run))
    if html is not None:
        try:
            html.write_text(digest_html.page(found, project.config.site.name), encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{html}: {error.strerror}; name a file that can be written") from error
    voice.result(found, digest_report.words(found))
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


def check(project: Project, site_dir: Path | None, voice: Voice, *, jobs: int = 0, external: int = 0) -> int:
    """Judge the live site, and ask so many links to other sites; exit 3 when the site has faults of its own."""
    folder = site_dir or project.folder / "site"
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no site; run `kbgen build` first")
    with _look(project, folder) as run, Workers(jobs) as workers, shown(voice.err, quiet=voice.quiet) as progress:
        report = check_site(folder, run.library, project.config, mapper=workers.map, progress=progress)
        asked = _check_external(run, external, progress) if external else None
    errors, warnings = report.errors, report.warnings
    lines = [f"error: {one.page}: {one.message} [{one.check}]" for one in errors]
    lines += [
        f"warning: {one.page}: {one.message} [{one.check}]" for one in (warnings if voice.verbose else warnings[:20])
    ]
    lines.append(f"{report.counts['pages']:,} pages, {len(errors)} errors, {len(warnings)} warnings")
    data = {"pages": report.counts["pages"], "errors": errors, "warnings": warnings}
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
    made: list[dict[str, object]] = []
    for kind, options in sorted(source_kinds().items()):
        # Two kinds may have parts of the same name; references are looked up from the top.
        model = options.model_json_schema(ref_template=f"#/$defs/{kind}.{{model}}")
        parts = model.pop("$defs", {})
        schema_of["$defs"] |= {f"{kind}.{name}": part for name, part in parts.items()}
        made.append({**model, "properties": {**model["properties"], "kind": {"const": kind}}})
    schema_of["properties"]["sources"] = {"type": "array", "items": {"oneOf": made}}
    Voice(as_json=True).result(schema_of, "")
    del voice
    return 0


def config_check(project: Project, voice: Voice) -> int:
    """Read every file people edit: configuration (done by now), taxonomy, topics, overlays, redirects."""
    faults: list[str] = []
    for part in ("taxonomy", "redirects", "decisions", "erasure"):
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
        f"No faults. Sources: {len(names)} ({', '.join(names)}); topics: {len(taxonomy.topics)}; "
        f"tags: {len(taxonomy.tags)}; overlays: {len(project.overlays)}; redirects: {len(project.redirects)}"
    )
