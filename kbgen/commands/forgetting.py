"""``kbgen forget``: out of the store, the caches and what is published next."""

from __future__ import annotations

import getpass
import shutil
from datetime import UTC, datetime

from kbgen.commands.look import look
from kbgen.console import Voice
from kbgen.curate import erasure
from kbgen.errors import RecordError
from kbgen.model import Ref, Thread
from kbgen.pipeline import Options, Run, run_stages
from kbgen.progress import Silent
from kbgen.project import Project, open_project
from kbgen.report import why as why_report
from kbgen.sources import open_source
from kbgen.store import readable


def forget(project: Project, what: str, voice: Voice, *, by: str = "") -> int:
    """Erase a thread (``community:12``) or a person (``community:@name``) from all kbgen keeps."""
    source, at, name = what.partition(":@")
    with look(project) as run, readable(run.store.path):
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
    with look(fresh) as run:
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
