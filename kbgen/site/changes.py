"""What a publication changed for readers: the manifest of the last site beside the library of the new one.

Not here: how it is told (``summary``, ``console``), and which pages had to be poured (``site.stage``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from kbgen.addresses import file_of
from kbgen.model import Library, Page
from kbgen.runs import Change, Changes, What
from kbgen.site.manifest import Manifest, ManifestPage

# Of answers and articles this many of each kind are named; counts are always whole.
_NAMED = 200


def changes(before: Manifest | None, library: Library, rows: Mapping[str, tuple[str, str]]) -> Changes:
    """Compare two publications.

    Args:
        before: the site that was live; None when there was none.
        library: the site that is live now.
        rows: file to (key, digest of its bytes) of the site that is live now.
    """
    counts: Counter[What] = Counter()
    named: dict[What, list[Change]] = {}
    for one in _all(before or Manifest(), library, rows):
        if one.kind not in {"entry", "article"}:
            counts["other"] += 1
            continue
        counts[one.what] += 1
        if len(named.setdefault(one.what, [])) < _NAMED:
            named[one.what].append(one)
    return Changes(dict(sorted(counts.items())), tuple(one for what in sorted(named) for one in named[what]))


def _all(before: Manifest, library: Library, rows: Mapping[str, tuple[str, str]]) -> Iterator[Change]:
    # Most of a hundred thousand pages stay as they were: only what did not is put in order.
    new = library.pages.keys() - before.pages.keys()
    kept = ((path, old) for path, old in before.pages.items() if path in library.pages)
    changed = {path for path, old in kept if old.digest != rows[file_of(path)][1]}
    for path in sorted(new | changed):
        fresh: What = "restored" if path in before.redirects else "new"
        yield _of(library.pages[path], "changed" if path in changed else fresh)
    for path in sorted(before.pages.keys() - library.pages.keys()):
        was, to = before.pages[path], library.redirects.get(path)
        # The title of a page that is gone is not repeated: it may be what had to go.
        yield Change("redirected" if to else "gone", was.kind, path, _ref(was), to=to)


def _of(page: Page, what: What) -> Change:
    return Change(what, page.kind, page.path, _ref(page), page.title)


def _ref(page: Page | ManifestPage) -> str:
    return page.refs[0] if page.refs else ""
