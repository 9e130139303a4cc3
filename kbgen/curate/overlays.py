"""``content/curated/**.md``: what a writer decided about one thread. One bad file does not spoil the others.

How an overlay changes an entry is decided in ``merge``.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from kbgen.curate.files import Fields, nearest, read_fields
from kbgen.curate.formulas import Formulas
from kbgen.curate.sanitise import safe_html
from kbgen.curate.tagging import tag
from kbgen.curate.taxonomy import FILE
from kbgen.curate.text import Words, html_text, plain_text
from kbgen.curate.written_links import link_documents
from kbgen.errors import RecordError
from kbgen.model import Overlay, PlainText, Ref, Taxonomy, split_ref
from kbgen.sources.base import SourceOptions
from kbgen.sources.markdown import render

FOLDER = "content/curated"
KEYS = ("thread", "title", "summary", "tags", "topics", "pin", "hide", "merge", "split", "canonical", "reviewed")


def load_overlays(project: Path, taxonomy: Taxonomy | None = None) -> tuple[dict[Ref, Overlay], list[RecordError]]:
    """Read every overlay, in the order of their paths.

    Args:
        project: the project folder.
        taxonomy: the vocabulary tags and topics must be of; without one they are not looked at.

    Returns:
        The overlays by thread, and an error for each file that does not count, for each word the vocabulary does not
        know, and for each link to a document that is none, naming file and line. A file with such a word or link
        counts without it.
    """
    overlays: dict[Ref, Overlay] = {}
    errors: list[RecordError] = []
    folder = project / FOLDER
    for path in sorted(folder.rglob("*.md"), key=lambda found: found.relative_to(folder).as_posix()):
        try:
            fields = read_fields(path, project, KEYS)
            overlay, broken = _overlay(fields, overlays, project)
        except RecordError as error:
            errors.append(error)
        else:
            overlays[overlay.ref] = overlay
            errors += broken
            errors += _unknown_words(overlay, fields, taxonomy) if taxonomy else []
    return overlays, errors


def _overlay(fields: Fields, others: dict[Ref, Overlay], project: Path) -> tuple[Overlay, list[RecordError]]:
    """An overlay, and what is wrong with its links."""
    threads = fields.refs("thread")
    if len(threads) != 1:
        raise RecordError(fields.place("thread"), "thread must name the one thread this is about: `thread: SOURCE:ID`")
    ref = threads[0]
    if ref in others:
        problem = f"already has {others[ref].file}; keep one file for {ref}"
        raise fields.fault("thread", problem)
    both = set(fields.refs("merge")) & set(fields.refs("split"))
    if both:
        raise fields.fault("split", f"and merge both name {', '.join(sorted(both))}; keep it in one of them")
    html, broken = link_documents(render(fields.body), fields, project) if fields.body.strip() else ("", [])
    body = safe_html(html, trusted=True)
    overlay = Overlay(
        ref=ref,
        file=fields.file,
        title=_plain(fields.text("title")),
        summary=_plain(fields.text("summary")),
        tags=fields.words("tags"),
        topics=fields.words("topics"),
        pin=fields.flag("pin"),
        hide=fields.flag("hide"),
        merge=fields.refs("merge"),
        split=fields.refs("split"),
        canonical=_canonical(fields),
        body=body or None,
        text=html_text(body),
        reviewed=fields.day("reviewed"),
    )
    return overlay, broken


def with_formulas(overlay: Overlay, options: SourceOptions) -> Overlay:
    """Give a writer's text formulas where its community has them.

    Args:
        overlay: as read.
        options: of the thread's source.
    """
    if overlay.body is None:
        return overlay
    body = Formulas(options.math_marks).html(overlay.body)
    return overlay if body is overlay.body else msgspec.structs.replace(overlay, body=body, text=Words(body).text())


def _unknown_words(overlay: Overlay, fields: Fields, taxonomy: Taxonomy) -> list[RecordError]:
    source = split_ref(overlay.ref)[0]
    tags = [word for word in overlay.tags or () if tag((word,), (), source, taxonomy)[2]]
    topics = [word for word in overlay.topics or () if tag((), (), source, taxonomy, topics=(word,))[2]]
    known = (
        ("tags", tags, [one.slug for one in taxonomy.tags]),
        ("topics", topics, [one.slug for one in taxonomy.topics]),
    )
    return [
        fields.fault(key, f"names {word!r}, which {FILE} does not have; it is left out. {nearest(word, slugs)}")
        for key, words, slugs in known
        for word in words
    ]


def _plain(text: str | None) -> PlainText | None:
    return plain_text(text) or None if text is not None else None


def _canonical(fields: Fields) -> str | None:
    value = fields.text("canonical")
    if value is None or value in ("self", "source") or value.startswith(("https://", "http://")):
        return value
    raise fields.fault("canonical", f"must be self, source or an absolute address, not {value!r}")
