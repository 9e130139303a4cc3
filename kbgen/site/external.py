"""``kbgen check --external``: do the links to other sites still lead somewhere? Asked only when a person asks for it.

Results are kept in the store with their day, so that the next run asks what is due and no more. Not here: how a host
is asked (``external_ask``), and what is suggested of a page with dead links (``curate.staleness``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lxml import html as lxml_html
from msgspec import Struct

from kbgen.model import ArticleEntry, Entry, Ref
from kbgen.progress import Progress
from kbgen.sources.http import host_of, in_turns
from kbgen.store import Store
from kbgen.store.links import LinkingRow, LinkRow, link_key

if TYPE_CHECKING:
    from kbgen.site.external_ask import Answer
    from kbgen.sources.http_client import Network

# As ``curate.sanitise`` writes it.
_HREF = re.compile(r'href="(https?://[^"]+)"')
# Days after which an answer is asked for again.
_AGES = {"ok": 30, "refused": 30, "gone": 7, "unreachable": 1}
_BATCH = 200
_KEPT_AT_ONCE = 20
_SHOWN, _PLACES = 20, 3


@dataclass(frozen=True)
class ExternalJob:
    """What to ask, and how.

    Attributes:
        network: makes the network of one host.
        own_hosts: names that may lead into a private network.
        site_url: links to the site itself are no links to others.
        site_dir: the built site, for articles the site engine rendered.
        today: the day of the run.
        limit: most addresses to ask.
    """

    network: Callable[[], Network]
    own_hosts: frozenset[str]
    site_url: str
    site_dir: Path
    today: date
    limit: int


class DeadLink(Struct, frozen=True):
    """A link that leads nowhere, and the pages it stands on.

    Attributes:
        said: the status or the reason.
        since: the day that was seen first.
        pages: refs of entries and articles.
    """

    address: str
    said: str
    since: str
    pages: tuple[Ref, ...]


class ExternalReport(Struct, frozen=True):
    """What was found.

    Attributes:
        links: different addresses on the site.
        asked: in this run.
        waiting: due, and left for the next run.
        states: addresses by the state they are in, ``unknown`` where none is known yet.
    """

    links: int
    asked: int
    waiting: int
    states: Mapping[str, int]
    dead: tuple[DeadLink, ...]


def check_external(job: ExternalJob, store: Store, progress: Progress) -> ExternalReport:
    """Ask what is due, keep the answers, and note which pages have dead links.

    Args:
        job: what to ask.
        store: the open store; nothing is open in it.
        progress: where to report.
    """
    pages = external_links(job, store)
    addresses = {link_key(address): address for page in pages.values() for address in page}
    known = store.links.all()
    due = in_turns([addresses[key] for key in addresses if _is_due(known.get(key), job.today)])
    todo = due[: job.limit]
    asked = _ask(job, store, todo, progress) if todo else 0
    with store.transaction():
        store.links.delete(key for key in known if key not in addresses)
    rows = store.links.all()
    dead = {key for key, row in rows.items() if row.is_dead}
    with store.transaction():
        store.links.set_linking(_linking(pages, dead, store))
    states = Counter(rows[key].state if key in rows else "unknown" for key in addresses)
    return ExternalReport(
        links=len(addresses),
        asked=asked,
        waiting=len(due) - len(todo),
        states=dict(sorted(states.items())),
        dead=tuple(_dead(pages, {addresses[key]: rows[key] for key in dead})),
    )


def external_links(job: ExternalJob, store: Store) -> dict[Ref, tuple[str, ...]]:
    """The links to other sites in the answers of each entry and in each article, without fragments."""
    own = host_of(job.site_url)
    refs = [ref for ref, _ in store.entries.digests()]
    found: dict[Ref, tuple[str, ...]] = {}
    for body in store.entries.bodies(refs):
        links = _links(_answer_html(body)) if not _is_engines(body) else _page_links(body, job.site_dir)
        kept = dict.fromkeys(link for link in links if _is_address(link) and host_of(link) != own)
        if kept:
            found[body.ref] = tuple(kept)
    return found


def _answer_html(body: Entry | ArticleEntry) -> str:
    return body.html if isinstance(body, ArticleEntry) else "".join(post.html for post in (body.best, *body.others))


def _is_engines(body: Entry | ArticleEntry) -> bool:
    return isinstance(body, ArticleEntry) and body.path is not None


def _links(html: str) -> Iterator[str]:
    return (unescape(link).partition("#")[0] for link in _HREF.findall(html))


def _page_links(body: Entry | ArticleEntry, site_dir: Path) -> Iterator[str]:
    """Links in the text of a page of the site engine's; none while the site is not built."""
    path = (body.path or "") if isinstance(body, ArticleEntry) else ""
    file = site_dir / path.strip("/") / "index.html"
    if not file.is_file():
        return
    for main in lxml_html.fromstring(file.read_bytes()).iter("article"):
        for link in main.iter("a"):
            # What stands beside the text, such as listings, is kbgen's own.
            if next(link.iterancestors("p", "li", "td"), None) is not None:
                yield str(link.get("href") or "").partition("#")[0]


def _is_address(link: str) -> bool:
    try:
        return urlsplit(link).scheme in {"http", "https"} and bool(host_of(link))
    except ValueError:
        return False


def _is_due(row: LinkRow | None, today: date) -> bool:
    return row is None or (today - date.fromisoformat(row.day)).days >= _AGES[row.state]


def _ask(job: ExternalJob, store: Store, todo: Sequence[str], progress: Progress) -> int:
    # Only who asks over the network pays for an HTTP library.
    from kbgen.site.external_ask import ask_all  # noqa: PLC0415

    advance = progress.start("Asking for links", len(todo))
    known = store.links.all()
    rows: list[LinkRow] = []
    asked = 0
    for address, answer in ask_all(todo, job.network, job.own_hosts):
        advance(1)
        if answer is None:
            continue
        asked += 1
        rows.append(_row(address, answer, known.get(link_key(address)), job.today.isoformat()))
        # A run that is stopped goes on where it was.
        if len(rows) >= _KEPT_AT_ONCE:
            with store.transaction():
                store.links.put(rows)
            rows = []
    with store.transaction():
        store.links.put(rows)
    return asked


def _row(address: str, answer: Answer, old: LinkRow | None, today: str) -> LinkRow:
    same = old is not None and old.state == answer.state
    since = old.since if old is not None and same else today
    before = old.strikes if old is not None and same else 0
    strikes = before + (old is None or old.day != today or not same) if answer.state == "unreachable" else 0
    return LinkRow(link_key(address), answer.state, answer.said, today, since, strikes)


def _linking(pages: Mapping[Ref, Sequence[str]], dead: set[str], store: Store) -> Iterator[LinkingRow]:
    for ref, addresses in sorted(pages.items()):
        found = [address for address in addresses if link_key(address) in dead]
        if found:
            (body,) = store.entries.bodies([ref])
            record = store.records.state(ref) if _is_engines(body) else None
            yield LinkingRow(ref, record.digest, "\n".join(found)) if record else LinkingRow(ref)


def _dead(pages: Mapping[Ref, Sequence[str]], rows: Mapping[str, LinkRow]) -> Iterator[DeadLink]:
    where: dict[str, list[Ref]] = {}
    for ref, addresses in sorted(pages.items()):
        for address in addresses:
            if address in rows:
                where.setdefault(address, []).append(ref)
    for address, refs in sorted(where.items(), key=lambda one: (-len(one[1]), one[0])):
        yield DeadLink(address, rows[address].said, rows[address].since, tuple(refs))


def words(found: ExternalReport, *, verbose: bool = False) -> str:
    """What was found, as a person reads it.

    Args:
        found: the report.
        verbose: every dead link, not the first few.
    """
    shown = found.dead if verbose else found.dead[:_SHOWN]
    lines = [f"dead link: {one.address} ({one.said}, since {one.since}) in {_places(one.pages)}" for one in shown]
    if len(found.dead) > len(shown):
        lines.append(f"and {len(found.dead) - len(shown):,} more dead links; -v shows them")
    counts = ", ".join(f"{count:,} {state}" for state, count in found.states.items()) or "none"
    lines.append(
        f"{found.links:,} links to other sites ({counts}), {found.asked:,} asked now, {len(found.dead):,} dead"
    )
    if found.waiting:
        lines.append(f"{found.waiting:,} are due as well; run again, or raise --limit")
    return "\n".join(lines)


def _places(pages: Sequence[Ref]) -> str:
    more = f" and {len(pages) - _PLACES} more" if len(pages) > _PLACES else ""
    return ", ".join(pages[:_PLACES]) + more
