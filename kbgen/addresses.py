"""Paths, URLs and file names of pages, and the way between them.

A *path* is what ``Page.path`` is: site-relative, decoded, starting with a slash. A *URL* is absolute and
percent-encoded. A *file* is relative to the site folder, with forward slashes. Assigning a path to a page is
compile's business, not this module's.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote, unquote, urlsplit

from kbgen.errors import NotPublished

# RFC 3986, section 3.3: what may stand in a path segment as it is; the rest is percent-encoded as UTF-8.
_PCHAR = "/!$&'()*+,;=:@-._~"
# The longest file name of ext4, XFS, APFS and NTFS (there in UTF-16 units, so bytes are the stricter measure).
_LONGEST_SEGMENT = 255
# Nearly every path: nothing in it is encoded, and every file system takes it.
_PLAIN = re.compile(f"/(?:[a-z0-9-]{{1,{_LONGEST_SEGMENT}}}/)*", re.ASCII).fullmatch
_DEFAULT_PORTS = {"http": 80, "https": 443}


def encode(path: str) -> str:
    """A decoded path as it stands in a URL (RFC 3986, section 3.3; non-ASCII as UTF-8)."""
    return path if _PLAIN(path) else quote(path, safe=_PCHAR)


def absolute(site_url: str, path: str) -> str:
    """The absolute URL of a page.

    Args:
        site_url: ``site.url`` of the configuration; it ends with a slash and may have a sub-path.
        path: a decoded site path, such as ``/q/reset-a-hub-42/``.
    """
    return site_url + encode(path).removeprefix("/")


def relative(from_path: str, to_path: str) -> str:
    """The percent-encoded link from one page to another, valid under any sub-path of the host.

    ``relative("/q/a-1/", "/topics/x/")`` is ``../../topics/x/``; a page's link to itself is ``./``.
    """
    here = from_path.split("/")[1:-1]
    *there, name = to_path.split("/")[1:]
    common = 0
    while common < min(len(here), len(there)) and here[common] == there[common]:
        common += 1
    link = "../" * (len(here) - common) + "".join(f"{encode(part)}/" for part in there[common:]) + encode(name)
    # A colon in the first segment would make it a scheme (RFC 3986, section 4.2).
    return link if link and ":" not in link.split("/", 1)[0] else f"./{link}"


def file_of(path: str) -> str:
    """The file of a page: ``/q/x-1/`` is ``q/x-1/index.html``, ``/404.html`` is ``404.html``.

    Raises:
        NotPublished: the path does not start with a slash, or leaves the site, or no file system takes it.
    """
    problem = None if _PLAIN(path) else _problem(path)
    if problem:
        raise NotPublished(f"the page {path!r} cannot be written: its path {problem}; give it another slug")
    return f"{path[1:]}index.html" if path.endswith("/") else path[1:]


def _problem(path: str) -> str | None:
    if not path.startswith("/"):
        return "does not start with a slash"
    if "\\" in path or not path.isprintable():
        return "has a backslash or a control character"
    segments = path[1:].removesuffix("/").split("/") if path != "/" else []
    for segment in segments:
        if segment in {"", ".", ".."}:
            return "has an empty, . or .. segment"
        if len(segment.encode("utf-8", "surrogatepass")) > _LONGEST_SEGMENT:
            return f"has a segment longer than {_LONGEST_SEGMENT} bytes"
    return None


def path_of_url(site_url: str, url: str) -> str | None:
    """The decoded path a URL of this site stands for, None for any other URL.

    Args:
        site_url: ``site.url`` of the configuration.
        url: an absolute URL (http and https are the same site), or a site path, which starts with one slash
            and is taken as relative to the site, not to the host. Query and fragment are ignored, and so is
            ``index.html`` at the end.
    """
    try:
        parts = urlsplit(url)
        if parts.scheme or parts.netloc:
            host, base = _origin(site_url)
            if parts.scheme not in _DEFAULT_PORTS or _host(parts.hostname, parts.port, parts.scheme) != host:
                return None
            if not (parts.path or "/").startswith(base):
                return "/" if parts.path == base[:-1] else None
            path = (parts.path or "/")[len(base) - 1 :]
        else:
            path = parts.path
    except ValueError:
        return None
    decoded = unquote(path)
    if not decoded.startswith("/") or ".." in decoded.split("/"):
        return None
    return decoded.removesuffix("index.html") if decoded.endswith("/index.html") else decoded


def _host(name: str | None, port: int | None, scheme: str) -> tuple[str, int | None]:
    return (name or "").lower(), None if port == _DEFAULT_PORTS[scheme] else port


@lru_cache(maxsize=8)
def _origin(site_url: str) -> tuple[tuple[str, int | None], str]:
    parts = urlsplit(site_url)
    return _host(parts.hostname, parts.port, parts.scheme), parts.path or "/"
