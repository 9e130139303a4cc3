"""What the store takes over from a site that is published already: its addresses. No URL ever dies."""

from __future__ import annotations

from pathlib import Path

from kbgen.site.live import LIVE, identity
from kbgen.site.manifest import permalinks
from kbgen.site.publish import recover
from kbgen.site.stage import published
from kbgen.store import Store


def adopt(store: Store, site_dir: Path) -> bool:
    """Take what the store does not know of the published site: its permalinks and redirects.

    The store is new, or older than the site: put back from a copy, or its run was killed right after the switch.

    Args:
        store: the open store.
        site_dir: the live site, if there is one.

    Returns:
        Whether there was anything to take.
    """
    recover(site_dir)
    if store.get(LIVE) == identity(site_dir):
        return False
    before = published(site_dir)
    if before is None:
        return False
    known = store.permalinks.redirects()
    fresh = {path: to for path, to in before.redirects.items() if path not in known}
    with store.transaction():
        store.permalinks.add(permalinks(before))
        store.permalinks.set_redirects(fresh, live=before.pages)
    return True
