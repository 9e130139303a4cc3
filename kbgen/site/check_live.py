"""Whether the files of the live site are still what was published: a copy that broke off, a hand that slipped.

A build does not look into files that it has no reason to change; this does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from kbgen.site.check_report import Finding
from kbgen.site.live import known_rows
from kbgen.store import Store

_MEND = "run `kbgen build --clean`, and look for what else writes there"


def check_live(store: Store, site_dir: Path) -> Iterator[Finding]:
    """Compare every file of the live site with what was published.

    Args:
        store: that published it; nothing is known of a site that another one did.
        site_dir: the folder.
    """
    for file, (_, digest) in sorted(known_rows(store, site_dir).items()):
        try:
            found = hashlib.blake2b((site_dir / file).read_bytes(), digest_size=16).hexdigest()
        except OSError as error:
            yield Finding("altered", file, f"cannot be read ({error.strerror}); {_MEND}")
            continue
        if found != digest:
            yield Finding("altered", file, f"is not as it was published; {_MEND}")
