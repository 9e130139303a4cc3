"""``kbgen adopt``: the manifest of the published site, put in place before a build, so that no address dies.

A machine that builds at night may have lost its cache, or have an older one. What the build does with the manifest is
``site.adopt``'s.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from kbgen.addresses import file_of
from kbgen.config import Config
from kbgen.console import Voice
from kbgen.errors import NotPublished, SourceError, UsageError
from kbgen.lock import run_lock
from kbgen.project import Project
from kbgen.site.files import saying_what_to_do, write_file
from kbgen.site.manifest import MANIFEST, Manifest, read_manifest
from kbgen.site.publish import claim, recover

# A hundred thousand pages have a manifest of 46 MB.
_MOST_BYTES = 1_000_000_000
_NEW = "when nothing is published yet, build once without `kbgen adopt`"


def adopt(project: Project, where: str, site_dir: Path | None, voice: Voice) -> int:
    """Put the manifest of the published site into the site folder.

    Args:
        project: the opened project.
        where: the site's address, or a manifest or a folder with one; "" for ``site.url``.
        site_dir: where the site is built; None for ``site/`` of the project.
        voice: where to say what was found.

    Raises:
        NotPublished: the manifest cannot be read, or is none; nothing was changed.
        UsageError: there is no such file.
    """
    where = where or project.config.site.url
    data = _fetched(where, project.config) if _is_address(where) else _read(Path(where))
    if data is None:
        words = f"{where}: nothing is published there yet; the site folder stays as it is."
        voice.result({"from": where, "pages": 0, "redirects": 0, "changed": False}, words)
        return 0
    found = _checked(data, where)
    with run_lock(project.folder):
        changed = _put(data, found, site_dir or project.folder / "site")
    state = "its manifest is in place" if changed else "the site folder has this very manifest"
    words = f"{where}: {len(found.pages):,} pages and {len(found.redirects):,} redirects; {state}."
    counts = {"pages": len(found.pages), "redirects": len(found.redirects)}
    voice.result({"from": where, **counts, "changed": changed}, words)
    return 0


def _is_address(where: str) -> bool:
    return where.startswith(("https://", "http://"))


def _read(file: Path) -> bytes:
    file = file / MANIFEST if file.is_dir() else file
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}; name the published site's address, or its {MANIFEST}") from error


def _fetched(site_url: str, config: Config) -> bytes | None:
    """The file of the live site; None when there is none."""
    # Only who asks over the network pays for an HTTP library.
    from kbgen.harvest.asking import manners  # noqa: PLC0415
    from kbgen.sources.http import Moved, host_of  # noqa: PLC0415
    from kbgen.sources.http_client import HttpClient, Network  # noqa: PLC0415

    url = site_url if site_url.endswith(MANIFEST) else urljoin(f"{site_url.rstrip('/')}/", MANIFEST)
    polite = manners(config)
    # Nobody but its owner named the address: it may be one of a private network.
    own = polite.private_hosts | {urlsplit(url).hostname or ""}
    network = Network(replace(polite, max_bytes=_MOST_BYTES, private_hosts=own))
    try:
        with HttpClient((host_of(url),), network) as client:
            reply = client.get(url, accept="*/*", handled=(404, 410))
    except Moved as error:
        target = f"{urlsplit(error.target).scheme}://{urlsplit(error.target).netloc}"
        msg = f"{url} has moved to {target}; mend site.url, or run `kbgen adopt` with the site's address there"
        raise NotPublished(msg) from error
    except SourceError as error:
        raise NotPublished(f"{error}; without it addresses could change, so run again later ({_NEW})") from error
    return reply.body if reply.status == 200 else None


def _checked(data: bytes, where: str) -> Manifest:
    if data.lstrip()[:1] == b"<":
        raise NotPublished(f"{where}: a web page stands in place of {MANIFEST}; {_NEW}")
    try:
        found = read_manifest(data)
        for path in found.pages:
            file_of(path)
    except (NotPublished, ValueError) as error:
        raise NotPublished(f"{where} cannot be adopted: {error}") from error
    if not found.pages or not data.endswith(b"\n"):
        raise NotPublished(f"{where}: {MANIFEST} was cut off; every site has a page, and its last line an end")
    return found


def _put(data: bytes, found: Manifest, site_dir: Path) -> bool:
    """Write the manifest when it is another one; say whether it was."""
    recover(site_dir)
    file = site_dir / MANIFEST
    if not _is_site_of(found, site_dir):
        claim(site_dir)
    if file.is_file() and file.read_bytes() == data:
        return False
    with saying_what_to_do(site_dir, "making it"):
        site_dir.mkdir(parents=True, exist_ok=True)
    write_file(site_dir, MANIFEST, data)
    return True


def _is_site_of(found: Manifest, site_dir: Path) -> bool:
    """Whether a folder is a site that has lost nothing but its manifest: most of the pages are there."""
    isfile = os.path.isfile  # not Path: a hundred thousand times
    there = sum(isfile(f"{site_dir}/{file_of(path)}") for path in found.pages)
    return there * 2 > len(found.pages)
