"""What a publication changed for readers: the manifest of the last site beside that of the new one.

Not here: how it is told (``summary``, ``console``), and which pages had to be poured (``site.stage``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from kbgen.model import Library, Page
from kbgen.runs import Change, Changes, What
from kbgen.site.manifest import Manifest, ManifestPage, digest_of

# Of answers and articles this many of each kind are named; counts are always whole.
_NAMED = 200


def changes(was: Manifest, now: Mapping[str, bytes], library: Library) -> Changes:
    """Compare two publications.

    Args:
        was: what only the manifest of the site that was live says.
        now: path to line of the pages whose lines only that of the site that is live has.
        library: the site that is live now.
    """
    counts: Counter[What] = Counter()
    named: dict[What, list[Change]] = {}
    for one in _all(was, now, library):
        if one.kind not in {"entry", "article"}:
            counts["other"] += 1
            continue
        counts[one.what] += 1
        if len(named.setdefault(one.what, [])) < _NAMED:
            named[one.what].append(one)
    return Changes(dict(sorted(counts.items())), tuple(one for what in sorted(named) for one in named[what]))


def _all(was: Manifest, now: Mapping[str, bytes], library: Library) -> Iterator[Change]:
    old = was.pages
    for path in sorted(now):
        if path not in old:
            yield _of(library.pages[path], "restored" if path in was.redirects else "new")
        elif old[path].digest != digest_of(now[path]):
            yield _of(library.pages[path], "changed")
    for path in sorted(old.keys() - now.keys()):
        to = library.redirects.get(path)
        # The title of a page that is gone is not repeated: it may be what had to go.
        yield Change("redirected" if to else "gone", old[path].kind, path, _ref(old[path]), to=to)


def _of(page: Page, what: What) -> Change:
    return Change(what, page.kind, page.path, _ref(page), page.title)


def _ref(page: Page | ManifestPage) -> str:
    return page.refs[0] if page.refs else ""
