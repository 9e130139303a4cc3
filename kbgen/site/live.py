"""Whether the store still knows what the live site was made from."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from kbgen.site.manifest import MANIFEST
from kbgen.store import Store

LIVE = "live"
"""Where the store keeps the identity of the site it knows."""


def live_rows(store: Store, site_dir: Path) -> dict[str, tuple[str, str]]:
    """File to (key, digest) of the live site; empty when the store does not know it any more."""
    rows = known_rows(store, site_dir)
    # Not Path: a hundred thousand times.
    isfile, folder = os.path.isfile, f"{site_dir}/"
    return {file: row for file, row in rows.items() if isfile(folder + file)}


def known_rows(store: Store, site_dir: Path) -> dict[str, tuple[str, str]]:
    """The same with files that somebody took out of the live site."""
    return store.pages.all() if store.get(LIVE) == identity(site_dir) else {}


def identity(site_dir: Path) -> str | None:
    """Folder and manifest of a site, None when there is no manifest."""
    digest = manifest_digest(site_dir)
    return identity_with(site_dir, digest) if digest else None


def identity_with(site_dir: Path, digest: str) -> str:
    """Folder and manifest of a site whose manifest's digest is known."""
    return f"{site_dir.resolve()} {digest}"


def manifest_digest(folder: Path) -> str | None:
    """Digest of a site folder's manifest, None when there is none."""
    try:
        return hashlib.blake2b((folder / MANIFEST).read_bytes(), digest_size=16).hexdigest()
    except OSError:
        return None
