"""Whether there is anything to do at all, told without loading what does it.

Most nights little changes, and on many nothing: such a build must not cost what it takes to import a Markdown
renderer. A build that ended without a fault leaves the key of all its inputs; while the key is the same and the
site is as it was left, the next build has nothing to do. Any doubt means the whole run.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from kbgen.codebase import package_digest
from kbgen.config import Config, load_config
from kbgen.errors import EngineError, SourceError
from kbgen.lock import run_lock
from kbgen.model import StageReport
from kbgen.runs import Options, RunReport
from kbgen.site import mkdocs_yaml
from kbgen.site.live import live_rows
from kbgen.sources import open_source, source_kinds
from kbgen.sources.base import stat_signature
from kbgen.sources.live import LiveSource
from kbgen.store import Store, open_store, readable

STORE = ".kbgen/store.sqlite"
_KEY = "standing"
_FOLDERS = ("content", "site_config")
# What the site engine's result and the Markdown of articles depend on besides kbgen's own code.
_PACKAGES = ("mkdocs", "mkdocs-material", "pymdown-extensions", "markdown", "pygments", "jinja2", "zensical", "nh3")


def unchanged(folder: Path, options: Options) -> RunReport | None:
    """The report of a build that has nothing to do, None when there may be something.

    Args:
        folder: the project folder.
        options: what the run was asked for.

    Raises:
        ConfigError: the configuration has faults.
        LockHeld: another run is at work.
        StoreError: the store is damaged.
    """
    started = time.monotonic()
    file = folder / STORE
    if options.clean or options.full or not file.is_file():
        return None
    key = standing_key(folder, load_config(folder, source_kinds()), options)
    if key is None:
        return None
    with run_lock(folder), readable(file):
        store = open_store(file)
        try:
            known = store.pages.all() if store.get(_KEY) == key else {}
            stands = bool(known) and len(live_rows(store, options.site_dir)) == len(known)
        finally:
            store.close()
    if not stands:
        return None
    report = StageReport("build", notes=("nothing changed; the site stands as it is",))
    pages = sum(file.endswith(".html") for file in known)
    return RunReport((report,), options.site_dir, pages, published=False, seconds=time.monotonic() - started)


def remember(store: Store, key: str | None) -> None:
    """Keep the key of a build that ended without a fault; None forgets it."""
    store.put(_KEY, key or "")


def standing_key(folder: Path, config: Config, options: Options) -> str | None:
    """Digest of all a build depends on; None when that cannot be told without reading a source.

    Args:
        folder: the project folder.
        config: its configuration.
        options: what the run was asked for.
    """
    parts = [package_digest(), options.engine, str(options.site_dir.resolve()), config.model_dump_json()]
    parts += [f"{name} {_version(name)}" for name in _PACKAGES]
    try:
        parts.append(stat_signature(_files(folder)))
        for one in config.sources:
            source = open_source(one, folder)
            live = isinstance(source, LiveSource) and source.live
            # Offline, all there is of a live source is in the store, and a harvest that wrote there forgot the key.
            fingerprint = "offline" if live and options.offline else source.fingerprint()
            if fingerprint is None:
                return None
            parts += [one.model_dump_json(), fingerprint]
    except (OSError, SourceError, EngineError):
        return None
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    folders = [folder / name for name in _FOLDERS]
    if (folder / "mkdocs.yml").is_file():
        yield folder / "mkdocs.yml"
        source = mkdocs_yaml.read(folder / "mkdocs.yml")
        yield from (path for path in mkdocs_yaml.further_files(source, folder) if path.is_file())
        custom = mkdocs_yaml.theme_folder(source)
        folders += [folder / custom] if custom else []
    for one in folders:
        yield from sorted(path for path in one.rglob("*") if path.is_file())


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
