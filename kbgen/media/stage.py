"""The stage: images of published texts that are not there yet are fetched, those nobody names any more are removed.

Each image is committed by itself, so a run that is stopped goes on where it was. What could not be had stays a link,
as all images are without mirroring.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from kbgen.config import MediaConfig
from kbgen.media.encode import VERSION, Encoded, Unusable, encode
from kbgen.media.fetch import Fetcher, Unfetched
from kbgen.model import Ref, StageReport
from kbgen.progress import Progress
from kbgen.sources.http import Manners, in_turns
from kbgen.sources.http_client import Network
from kbgen.sources.pictures import signed
from kbgen.store import Store
from kbgen.store.media import MediaRow

# May be otherwise tomorrow; a host that is down for a week is given up.
_PASSING = frozenset({"unreachable", "refused"})
_MOST_TRIES = 5
# Seconds: a page without one picture is better than a night without a page.
_PATIENCE, _TIMEOUT = 60.0, 20.0


@dataclass(frozen=True)
class MediaJob:
    """What to mirror, and where to.

    Attributes:
        settings: ``media:`` of the configuration.
        folder: where the files are kept.
        own_hosts: hosts of the configured sources, with their port.
        network: None asks nobody; what is there is shown.
    """

    settings: MediaConfig
    folder: Path
    own_hosts: frozenset[str] = frozenset()
    network: Network | None = None

    @property
    def rules(self) -> str:
        """Digest of what decides what becomes of the same bytes."""
        parts = (VERSION, self.settings.max_megabytes, self.settings.max_width)
        return hashlib.blake2b(repr(parts).encode(), digest_size=8).hexdigest()


def media_network(manners: Manners, settings: MediaConfig) -> Network:
    """The network images are fetched over: less patient than one a pass depends on.

    Args:
        manners: towards hosts in general.
        settings: ``media:`` of the configuration.
    """
    limited = replace(
        manners,
        max_bytes=settings.max_megabytes * 1_000_000,
        patience=min(manners.patience, _PATIENCE),
        timeout=min(manners.timeout, _TIMEOUT),
    )
    return Network(limited)


def mirror(job: MediaJob, store: Store, progress: Progress) -> tuple[StageReport, bool]:
    """Bring the mirrored images up to date.

    Args:
        job: what to mirror.
        store: the open store.
        progress: where to report.

    Returns:
        What was done, and whether another run may get more.
    """
    started = time.monotonic()
    wanted, undescribed = _wanted(store)
    known = store.media.all()
    gone = [address for address in known if address not in wanted]
    with store.transaction():
        store.media.delete(gone)
    job.folder.mkdir(parents=True, exist_ok=True)
    there = {file.name for file in job.folder.iterdir()}
    todo = in_turns(address for address in wanted if _is_due(known.get(address), job.rules, there))
    written = _fetch_all(job, store, todo, wanted, progress) if job.network is not None and todo else 0
    rows = store.media.all()
    _sweep(job.folder, rows)
    rejected = Counter(row.reason for row in rows.values() if row.reason)
    waiting = sum(address not in rows for address in wanted)
    report = StageReport(
        stage="media",
        read=len(wanted),
        written=written,
        unchanged=sum(not row.reason for row in rows.values()) - written,
        removed=len(gone),
        rejected=dict(sorted(rejected.items())),
        notes=tuple(_notes(job, waiting, undescribed)),
        seconds=time.monotonic() - started,
    )
    again = waiting > 0 or any(row.reason in _PASSING and row.tries < _MOST_TRIES for row in rows.values())
    return report, again


def forget_all(store: Store, folder: Path) -> None:
    """Remove every mirrored image: mirroring was turned off.

    Args:
        store: the open store.
        folder: where the files are kept.
    """
    rows = store.media.all()
    if rows:
        with store.transaction():
            store.media.delete(rows)
    _sweep(folder, {})


def _notes(job: MediaJob, waiting: int, undescribed: int) -> Iterable[str]:
    if waiting:
        why = "--offline" if job.network is None else f"media.total_megabytes is {job.settings.total_megabytes}"
        yield f"{waiting:,} images are links for now ({why})"
    if undescribed:
        yield f"{undescribed:,} images have no description in their posts"


def _wanted(store: Store) -> tuple[dict[str, tuple[Ref, ...]], int]:
    """Every image of a published text with the records that may name it, and how many of them nothing is said of."""
    wanted: dict[str, tuple[Ref, ...]] = {}
    undescribed = 0
    for summary in store.entries.summaries():
        undescribed += summary.undescribed
        for address in summary.images:
            wanted[address] = (*wanted.get(address, ()), *summary.refs)
    return wanted, undescribed


def _is_due(row: MediaRow | None, rules: str, there: set[str]) -> bool:
    if row is None or row.rules != rules:
        return True
    if row.reason:
        return row.reason in _PASSING and row.tries < _MOST_TRIES
    return not {row.file, row.full or row.file} <= there


def _fetch_all(
    job: MediaJob, store: Store, todo: list[str], wanted: Mapping[str, tuple[Ref, ...]], progress: Progress
) -> int:
    assert job.network is not None  # noqa: S101 - told by the caller, for the type checker
    most = job.settings.total_megabytes * 1_000_000
    known = store.media.all()
    size = sum(row.bytes for row in known.values())
    advance = progress.start("Fetching images", len(todo))
    written = 0
    with Fetcher(job.network, job.own_hosts) as fetcher:
        for address in todo:
            if size >= most:
                break
            old = known.get(address)
            row = _one(job, fetcher, address, _with_signature(store, address, wanted[address]), old)
            if row is not None:
                with store.transaction():
                    store.media.put(row)
                size += row.bytes - (old.bytes if old else 0)
                written += not row.reason
            advance(1)
    return written


def _with_signature(store: Store, address: str, refs: tuple[Ref, ...]) -> str:
    for record in store.records.get(refs):
        found = signed(record.payload, address)
        if found != address:
            return found
    return address


def _one(job: MediaJob, fetcher: Fetcher, address: str, url: str, old: MediaRow | None) -> MediaRow | None:
    """Fetch an image and write its files; None when nothing was learnt."""
    try:
        made = encode(fetcher.fetch(url), job.settings.max_width)
    except Unusable as error:
        return MediaRow(address, job.rules, error.reason)
    except Unfetched as error:
        if not error.asked:
            return None
        if old is not None and not old.reason and error.reason != "private" and (job.folder / old.file).is_file():
            # It was shown until now, and only the settings changed: better as it was than not at all.
            return old._replace(rules=job.rules)
        tries = old.tries if old is not None and old.rules == job.rules else 0
        return MediaRow(address, job.rules, error.reason, tries + 1)
    return _kept(job, address, made)


def _kept(job: MediaJob, address: str, made: Encoded) -> MediaRow:
    size = 0
    for file in (made.shown, made.full):
        if file is not None:
            fresh = job.folder / f"{file.name}.new"
            fresh.write_bytes(file.data)
            fresh.replace(job.folder / file.name)
            size += len(file.data)
    shown, full = made.shown, made.full.name if made.full else ""
    return MediaRow(address, job.rules, "", 0, shown.name, shown.width, shown.height, full, size)


def _sweep(folder: Path, rows: Mapping[str, MediaRow]) -> None:
    """Remove files no row names."""
    if not folder.is_dir():
        return
    named = {name for row in rows.values() for name in (row.file, row.full) if name}
    for file in list(folder.iterdir()):
        if file.name not in named:
            file.unlink(missing_ok=True)
