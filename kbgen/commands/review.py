"""Commands by which people decide: what waits for them, their answers, and what a writer takes over."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

import msgspec

from kbgen.commands.look import look
from kbgen.console import Voice
from kbgen.curate import review
from kbgen.curate.text import slugify
from kbgen.errors import UsageError
from kbgen.model import Entry, Ref
from kbgen.pipeline import Run
from kbgen.project import Project
from kbgen.report import promotion
from kbgen.report import review as review_report
from kbgen.report import why as why_report


def review_list(project: Project, voice: Voice, *, kinds: Sequence[str] = (), limit: int = 20) -> int:
    """Show what waits for a person."""
    with look(project) as run:
        found = waiting(run, kinds)
    voice.result({"waiting": found}, review_report.words(found, limit))
    return 0


def waiting(run: Run, kinds: Sequence[str] = ()) -> tuple[review_report.Waiting, ...]:
    """What waits for a person: of some kinds, or all of it."""
    project = run.project
    apart = [(ref, other) for ref, overlay in project.overlays.items() for other in overlay.split]
    return review_report.queue(run.store, review.answered(project.decisions), apart, kinds)


def review_answer(
    project: Project, verb: Literal["approve", "reject"], what: Sequence[str], voice: Voice, by: str, why: str
) -> int:
    """Approve or reject held threads (by ref) and suggestions (by id)."""
    made: list[review.Decision] = []
    with look(project) as run:
        for word in what:
            if ":" in word:
                made.append(_about_thread(run, verb, Ref(word)))
                continue
            (one,) = review_report.chosen(waiting(run), [word])
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
    with look(project) as run:
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
    with look(project) as run:
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
