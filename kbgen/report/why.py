"""Every decision about one thread or page: ``kbgen why``.

Reads only what stages stored and compile computed; it decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from kbgen.addresses import path_of_url
from kbgen.errors import UsageError
from kbgen.model import Curated, Library, Overlay, Page, Ref, split_ref
from kbgen.store import Store
from kbgen.store.vectors import PairRow


class Explanation(Struct, frozen=True):
    """All that was decided about one item.

    Attributes:
        record: ``stored``, ``withdrawn`` (its source no longer has it) or ``unknown``.
        cluster: threads merged with it, each with the evidence.
        pairs: texts that ask the same or seem to: ref, band, similarity, local score, rule, words both have.
        canonical: the URL and the rule that chose it.
        redirect: where its old address leads, when it has no page of its own.
    """

    ref: Ref
    record: str
    outcome: str = ""
    reasons: tuple[str, ...] = ()
    decided_by: str = ""
    title: str = ""
    url: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    topics: tuple[str, ...] = ()
    unmapped: tuple[str, ...] = ()
    redacted: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    overlay: str | None = None
    cluster: tuple[tuple[Ref, str], ...] = ()
    pairs: tuple[tuple[Ref, str, float, float, str, str], ...] = ()
    page: str | None = None
    permalink: str | None = None
    redirect: str | None = None
    canonical: str | None = None
    canonical_rule: str = ""
    in_sitemap: bool = False


def find_ref(what: str, store: Store, library: Library, site_url: str) -> Ref:
    """The thread or article a person means.

    Args:
        what: a ref, a page's address or path, or a live thread's URL.
        store: the open store.
        library: the compiled site.
        site_url: for page addresses.

    Raises:
        UsageError: nothing stored is meant by it.
    """
    if "://" not in what and not what.startswith("/"):
        try:
            split_ref(what)
        except ValueError as error:
            raise UsageError(str(error)) from error
        return Ref(what)
    path = path_of_url(site_url, what)
    found = _of_thread(what, store) if path is None else _of_page(path, store, library)
    if found is None:
        raise UsageError(f"{unquote(urlsplit(what).path) or what}: no page and no stored thread has this address")
    return found


def _of_thread(url: str, store: Store) -> Ref | None:
    plain = url.split("#", 1)[0].split("?", 1)[0].rstrip("/")
    return store.records.find(url=plain) or store.records.find(url=f"{plain}/")


def _of_page(path: str, store: Store, library: Library) -> Ref | None:
    path = path if path in library.pages or path.endswith("/") else f"{path}/"
    page = library.pages.get(path)
    if page is not None and page.refs:
        return page.refs[0]
    if page is not None:
        raise UsageError(f"{path}: a page made of others ({page.kind}); ask about one of the pages it shows")
    found = next((ref for ref, known in store.permalinks.all().items() if known == path), None)
    if found is None and path in library.redirects:
        raise UsageError(f"{path}: no thread's address; it redirects to {library.redirects[path] or 'nothing: gone'}")
    return found


def explain(ref: Ref, store: Store, library: Library, overlays: dict[Ref, Overlay]) -> Explanation:
    """Gather every decision about an item.

    Raises:
        UsageError: the store has never seen it.
    """
    state = store.records.state(ref)
    if state is None:
        raise UsageError(f"{ref}: the store has no such item; `kbgen status` lists the sources and what they hold")
    items = store.curated.get([ref])
    item: Curated | None = items[0] if items else None
    cluster = store.entries.cluster_of(ref)
    lead = cluster[0][0] if cluster else ref
    page = next((page for page in _pages_of(lead, library)), None)
    permalink = store.permalinks.all().get(ref) or library.permalinks.get(ref)
    overlay = overlays.get(ref)
    return Explanation(
        ref=ref,
        record="withdrawn" if state.gone else "stored",
        outcome=item.verdict.outcome if item else "",
        reasons=item.verdict.reasons if item else (),
        decided_by=item.verdict.by if item else "",
        title=item.title if item else "",
        url=item.url if item else None,
        tags=(*(tuple((mark.tag, mark.why) for mark in item.tags) if item else ()), *_learnt(ref, store)),
        topics=item.topics if item else (),
        unmapped=item.unmapped if item else (),
        redacted=item.redacted if item else (),
        warnings=item.warnings if item else (),
        overlay=overlay.file if overlay else None,
        cluster=cluster,
        pairs=tuple(_pair(ref, row) for row in store.vectors.pairs_of(ref)),
        page=page.path if page else None,
        permalink=permalink,
        redirect=library.redirects.get(permalink) if permalink else None,
        canonical=page.canonical if page else None,
        canonical_rule=page.canonical_rule if page else "",
        in_sitemap=page.in_sitemap if page else False,
    )


def _pair(ref: Ref, row: PairRow) -> tuple[Ref, str, float, float, str, str]:
    other = row.right if row.left == ref else row.left
    return other, row.band, row.similarity, row.local, row.rule, row.words


def _learnt(ref: Ref, store: Store) -> tuple[tuple[str, str], ...]:
    """Tags a model gave a thread nobody tagged; those it was not sure of are suggestions."""
    lines = [line.rsplit(" ", 2) for line in filter(None, store.suggestions.tags().get(ref, "").split("\n"))]
    return tuple(
        (tag, f"learnt:{float(confidence):.2f}{'' if state == 'applied' else ', not applied'}")
        for tag, confidence, state in lines
    )


def _pages_of(ref: Ref, library: Library) -> Sequence[Page]:
    path = library.permalinks.get(ref)
    if path is not None and path in library.pages:
        return (library.pages[path],)
    return tuple(page for page in library.pages.values() if ref in page.refs)


def words(found: Explanation) -> str:
    """The explanation as a person reads it."""
    lines = [f"{found.ref}  {found.title}".rstrip(), f"  record     {found.record}  {found.url or ''}".rstrip()]
    if found.outcome:
        reasons = ", ".join(found.reasons)
        lines.append(f"  verdict    {found.outcome}: {reasons} (by {found.decided_by})")
    lines += [f"  tag        {tag} ({why})" for tag, why in found.tags]
    if found.topics:
        lines.append(f"  topics     {', '.join(found.topics)}")
    if found.unmapped:
        lines.append(f"  unmapped   {', '.join(found.unmapped)}")
    if found.redacted:
        lines.append(f"  redacted   {', '.join(found.redacted)}")
    if found.overlay:
        lines.append(f"  overlay    {found.overlay}")
    if len(found.cluster) > 1:
        lines += [f"  merged     {ref} ({why})" for ref, why in found.cluster]
    lines += [
        f"  alike      {ref} ({band}: similarity {similarity:.2f}, local {local:.2f}, {rule}; both say: {shared})"
        for ref, band, similarity, local, rule, shared in found.pairs
    ]
    if found.page:
        sitemap = "in the sitemap" if found.in_sitemap else "not in the sitemap"
        lines += [
            f"  page       {found.page}",
            f"  canonical  {found.canonical} (rule: {found.canonical_rule}; {sitemap})",
        ]
    if found.permalink and found.permalink != found.page:
        lines.append(f"  permalink  {found.permalink} -> {found.redirect or 'gone'}")
    lines += [f"  warning    {warning}" for warning in found.warnings]
    return "\n".join(lines)
