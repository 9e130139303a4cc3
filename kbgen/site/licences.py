"""Addresses of licences by the names posts carry; a name nobody knows is shown without a link."""

from __future__ import annotations

import re

from kbgen.model import SourceInfo

# "CC BY-SA 4.0", "cc-by-nc-sa-4.0", "Attribution ... 4.0" is not abbreviated: only codes are read.
_CC = re.compile(r"^cc[\s-]+(by(?:-nc)?(?:-(?:sa|nd))?)[\s-]+(\d\.\d)$", re.IGNORECASE)
_KNOWN = {
    "cc0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "cc0 1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "mit": "https://opensource.org/license/mit",
    "apache-2.0": "https://www.apache.org/licenses/LICENSE-2.0",
}


def licence_of(stated: str | None, source: SourceInfo | None) -> tuple[str, str | None] | None:
    """Name and address of the licence a post is under: its own, else its source's; None when neither says.

    Args:
        stated: what the post itself says.
        source: the source it comes from.
    """
    name = stated or (source.licence if source else None)
    if not name:
        return None
    if source and source.licence_url and name == source.licence:
        return name, source.licence_url
    return name, _address(name)


def _address(name: str) -> str | None:
    match = _CC.match(name.strip())
    if match:
        return f"https://creativecommons.org/licenses/{match.group(1).lower()}/{match.group(2)}/"
    return _KNOWN.get(name.strip().lower())
