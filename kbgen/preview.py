"""What a preview answers to a request for a path: the built site as a host would serve it, and the reload script.

Pure but for reading the site folder. Not here: sockets, watching and building (``serve``).
"""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from kbgen.addresses import encode, file_of, path_of_url
from kbgen.errors import NotPublished
from kbgen.site.manifest import MANIFEST, Manifest, read_manifest
from kbgen.site.redirects import stub_path

EVENTS = "/_kbgen/events"
SCRIPT = "/_kbgen/reload.js"
# An open stream of events takes one of the six connections a browser gives a host: only the visible tab listens.
_RELOAD_JS = b"""\
(() => {
  const built = new URL(document.currentScript.src).searchParams.get("built");
  let events = null;
  const listen = () => {
    if (document.hidden && events) {
      events.close();
      events = null;
    } else if (!document.hidden && !events) {
      events = new EventSource("/_kbgen/events?built=" + built);
      events.addEventListener("reload", () => location.reload());
    }
  };
  document.addEventListener("visibilitychange", listen);
  listen();
})();
"""
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".gz": "application/gzip",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/vnd.microsoft.icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".map": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".xml": "application/xml",
}
_HTML = _TYPES[".html"]
# Python's own table, without the system's: a file has the same type on every machine.
_COMMON = mimetypes.MimeTypes()


@dataclass(frozen=True)
class Answer:
    """A response.

    Attributes:
        location: where a redirect leads, "" for none.
    """

    status: HTTPStatus
    body: bytes = b""
    content_type: str = _HTML
    location: str = ""


@dataclass(frozen=True)
class Preview:
    """A built site and how it is shown.

    Attributes:
        site_dir: the built site.
        site_url: ``site.url``; its path is where the site is served.
        built: names this build, so that a page knows whether it is of an older one.
    """

    site_dir: Path
    site_url: str
    built: str
    manifest: Manifest = field(default_factory=Manifest)

    @property
    def base(self) -> str:
        """Path of the site on its host; starts and ends with a slash."""
        return urlsplit(self.site_url).path or "/"

    def answer(self, target: str) -> Answer:
        """Answer a request.

        Args:
            target: the request's target as it came: path and query, percent-encoded.
        """
        raw, _, query = target.partition("?")
        if raw == SCRIPT:
            return Answer(HTTPStatus.OK, _RELOAD_JS, _TYPES[".js"])
        path = self._site_path(raw)
        if path is None:
            outside = raw == "/" or f"{raw}/" == self.base
            return Answer(HTTPStatus.FOUND, location=self.base) if outside else self._missing()
        moved = self._moved(path)
        if moved is not None:
            return moved
        found = self._file(path)
        if found is None and not path.endswith("/") and self._file(f"{path}/") is not None:
            return Answer(HTTPStatus.FOUND, location=f"{raw}/{'?' if query else ''}{query}")
        return self._send(found, HTTPStatus.OK) if found is not None else self._missing()

    def _site_path(self, raw: str) -> str | None:
        return path_of_url(self.site_url, raw.replace(self.base, "/", 1)) if raw.startswith(self.base) else None

    def _moved(self, path: str) -> Answer | None:
        """A redirect of the manifest, also when asked for at its stub's folder."""
        redirects = self.manifest.redirects
        old = next((old for old in (path, path.removesuffix("/")) if old in redirects), None)
        if old is None or path in self.manifest.pages:
            return None
        target = redirects[old]
        if target is None:
            stub = self._file(stub_path(old))
            return self._send(stub, HTTPStatus.GONE) if stub is not None else self._missing(HTTPStatus.GONE)
        location = self.base + encode(target[1:]) if target.startswith("/") else target
        return Answer(HTTPStatus.MOVED_PERMANENTLY, location=location)

    def _file(self, path: str) -> Path | None:
        try:
            file = (self.site_dir / file_of(path)).resolve()
        except NotPublished:  # no page can have such a path
            return None
        return file if file.is_file() and file.is_relative_to(self.site_dir.resolve()) else None

    def _missing(self, status: HTTPStatus = HTTPStatus.NOT_FOUND) -> Answer:
        page = self._file("/404.html")
        body = page.read_bytes() if page is not None else b"<!doctype html><title>Not found</title><h1>Not found</h1>"
        return Answer(status, self._with_script(body))

    def _send(self, file: Path, status: HTTPStatus) -> Answer:
        try:
            body = file.read_bytes()
        except FileNotFoundError:  # the site was exchanged between the look and the read
            return self._missing()
        content_type = content_type_of(file.name)
        return Answer(status, self._with_script(body) if content_type == _HTML else body, content_type)

    def _with_script(self, html: bytes) -> bytes:
        script = f'<script src="{SCRIPT}?built={self.built}"></script>'.encode()
        before, end, after = html.rpartition(b"</body>")
        return before + script + end + after if end else html + script


def read_preview(site_dir: Path, site_url: str, built: str) -> Preview:
    """The preview of a built site; without a manifest nothing has moved.

    Raises:
        NotPublished: the manifest cannot be read.
    """
    file = site_dir / MANIFEST
    manifest = read_manifest(file.read_bytes()) if file.is_file() else Manifest()
    return Preview(site_dir, site_url, built, manifest)


def content_type_of(name: str) -> str:
    """The content type of a file; packed files are sent packed, for the page's script to unpack."""
    suffix = f".{name.lower().rpartition('.')[2]}"
    return _TYPES.get(suffix) or _COMMON.guess_type(name)[0] or "application/octet-stream"
