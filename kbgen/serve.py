"""The preview server: builds, serves on this machine only, builds again when a file changes, reloads open pages.

It works on a copy of the store and a site folder of its own, so that nothing anyone looks at here gives a page an
address, or leaves a trace, on the published site. What a request is answered with is ``preview``'s business.
"""

from __future__ import annotations

import secrets
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from kbgen.console import Voice
from kbgen.errors import KbgenError, LockHeld, UsageError
from kbgen.pipeline import Options, run_stages
from kbgen.preview import EVENTS, Answer, Preview, read_preview
from kbgen.progress import shown
from kbgen.project import Project, open_project
from kbgen.store import copy_store

WATCHED = ("content", "site_config", "mkdocs.yml")
_ADDRESS = "127.0.0.1"
_CHANGES = frozenset({"created", "modified", "moved", "deleted"})
# Editors write a file in several steps; a build starts when they have been quiet for so long, in seconds.
_QUIET = 0.2
# How long to wait before asking again for the lock of a run that is at work, in seconds.
_LOCKED = 2.0
# Proxies and browsers drop a stream that says nothing; also how a closed tab is noticed.
_HEARTBEAT = 15.0

Build = Callable[[], str]
"""Builds the site and returns ``site.url``; raises ``KbgenError`` when it cannot, and the last site stays."""


@dataclass
class Shown:
    """The build that is shown, and those who wait for the next one; shared by all threads."""

    preview: Preview
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _closed: bool = False

    def replace(self, preview: Preview) -> None:
        """Show another build and tell every open page."""
        with self._changed:
            self.preview = preview
            self._changed.notify_all()

    def close(self) -> None:
        """End all waiting."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def wait(self, built: str) -> bool | None:
        """Wait until another build than ``built`` is shown.

        Returns:
            True when there is one, False when nothing happened for a while, None when the server ends.
        """
        with self._changed:
            done = self._changed.wait_for(lambda: self._closed or self.preview.built != built, _HEARTBEAT)
            return None if self._closed else done


class _Handler(BaseHTTPRequestHandler):
    """One request.

    Args:
        shown: what to answer with.
        say: called with a line about the request; None for silence.
        request: the connection and what else ``BaseHTTPRequestHandler`` takes.
    """

    server_version = "kbgen"
    sys_version = ""

    def __init__(self, shown_build: Shown, say: Callable[[str], None] | None, *request: Any) -> None:
        self._shown = shown_build
        self._say = say
        super().__init__(*request)

    def do_GET(self) -> None:
        """Answer with the body, or with the stream of events."""
        if urlsplit(self.path).path == EVENTS:
            self._events()
        else:
            answer = self._shown.preview.answer(self.path)
            self._head(answer)
            self.wfile.write(answer.body)

    def do_HEAD(self) -> None:
        """Answer without the body."""
        self._head(self._shown.preview.answer(self.path))

    def _head(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        if answer.location:
            self.send_header("Location", answer.location)
        self.send_header("Cache-Control", "no-store")
        self.end_headers()

    def _events(self) -> None:
        """Server-sent events (HTML Standard, section 9.2): ``reload`` as soon as the page's build is an old one."""
        built = parse_qs(urlsplit(self.path).query).get("built", [self._shown.preview.built])[0]
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(b"retry: 1000\n\n")
        while (changed := self._shown.wait(built)) is not None:
            self.wfile.write(b"event: reload\ndata: built\n\n" if changed else b": waiting\n\n")
            if changed:
                return

    def handle(self) -> None:
        """Answer; a browser that has gone away is nobody's fault."""
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name in the base class
        """Say what was asked for, when somebody wants to know."""
        if self._say is not None:
            self._say(format % args)


@contextmanager
def listening(shown_build: Shown, port: int, say: Callable[[str], None] | None = None) -> Iterator[int]:
    """Serve on this machine while the block runs.

    Args:
        shown_build: what to serve; it may be replaced at any time.
        port: 0 for any free one.
        say: called with a line for each request.

    Yields:
        The port.

    Raises:
        UsageError: the port is taken.
    """
    try:
        server = ThreadingHTTPServer((_ADDRESS, port), partial(_Handler, shown_build, say))
    except OSError as error:
        raise UsageError(f"--port {port}: {error.strerror}; choose another, or 0 for any free one") from error
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        shown_build.close()
        server.shutdown()
        server.server_close()
        thread.join()


class _Watch(FileSystemEventHandler):
    def __init__(self, folder: Path, changed: threading.Event) -> None:
        self._folder = folder
        self._changed = changed

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type not in _CHANGES or (event.is_directory and event.event_type == "modified"):
            return
        for name in (event.src_path, event.dest_path):
            if name and self._counts(Path(str(name))):
                self._changed.set()

    def _counts(self, path: Path) -> bool:
        parts = path.relative_to(self._folder).parts if path.is_relative_to(self._folder) else ()
        # Editors keep their own files beside the one that is edited.
        own = any(part.startswith((".", "#")) or part.endswith(("~", ".swp", ".tmp")) for part in parts)
        return bool(parts) and parts[0] in WATCHED and not own


@contextmanager
def watching(folder: Path) -> Iterator[threading.Event]:
    """Watch what people edit while the block runs.

    Args:
        folder: the project folder.

    Yields:
        An event that is set when something changed; clear it before looking.
    """
    root = folder.resolve()
    changed = threading.Event()
    observer = Observer()
    watch = _Watch(root, changed)
    # Not the whole project: a site and a cache of a hundred thousand files lie there, too.
    observer.schedule(watch, str(root), recursive=False)
    for name in WATCHED:
        if (root / name).is_dir():
            observer.schedule(watch, str(root / name), recursive=True)
    observer.start()
    try:
        yield changed
    finally:
        observer.stop()
        observer.join()


def serve(project: Project, site_dir: Path, port: int, voice: Voice, *, build: Build | None = None) -> int:
    """Preview the site until Ctrl-C.

    Args:
        project: the opened project; it is opened anew for each build.
        site_dir: where the preview is built.
        port: 0 for any free one.
        voice: where to say the address, and what went wrong.
        build: how the site is built; the whole pipeline by default.

    Returns:
        The exit code.

    Raises:
        UsageError: the port is taken.
    """
    make = build or partial(_run_build, project.folder, site_dir, voice)
    current = Shown(Preview(site_dir, project.config.site.url, ""))
    say = voice.err.print if voice.verbose else None
    try:
        with watching(project.folder) as changed, listening(current, port, say) as actual:
            _rebuild(make, site_dir, current, changed, voice)
            url = f"http://{_ADDRESS}:{actual}{current.preview.base}"
            voice.result({"url": url}, f"Preview at {url} (Ctrl-C ends it)")
            sys.stdout.flush()
            _follow(make, site_dir, current, changed, voice)
    except KeyboardInterrupt:
        pass
    return 0


def _follow(make: Build, site_dir: Path, current: Shown, changed: threading.Event, voice: Voice) -> None:
    while True:
        changed.wait()
        while changed.is_set():
            changed.clear()
            changed.wait(_QUIET)
        _rebuild(make, site_dir, current, changed, voice)


def _rebuild(make: Build, site_dir: Path, current: Shown, changed: threading.Event, voice: Voice) -> None:
    """Build and show it; what went wrong is said, and the last site stays."""
    try:
        site_url = make()
        current.replace(read_preview(site_dir, site_url, secrets.token_hex(4)))
    except LockHeld as error:
        voice.error(f"{error}; the preview tries again")
        threading.Timer(_LOCKED, changed.set).start()
    except KbgenError as error:
        voice.error(f"{error}\nThe preview shows the last site that could be built.")


@dataclass(frozen=True)
class _PreviewProject(Project):
    """The project with a store and caches of its own for the preview."""

    @property
    def cache(self) -> Path:
        return super().cache / "preview-cache"


def _run_build(folder: Path, site_dir: Path, voice: Voice) -> str:
    """Run every stage on a copy of the store: the preview gives out no permalinks and leaves no redirects."""
    opened = open_project(folder)
    project = _PreviewProject(opened.folder, opened.config, opened.options)
    copy_store(opened.store_file, project.store_file)
    # The guard protects the published site; what a writer looks at may shrink.
    mine = site_dir.resolve().is_relative_to(opened.cache.resolve())
    with shown(voice.err, quiet=voice.quiet) as progress:
        report = run_stages(project, Options(site_dir=site_dir, allow_vanish=mine), progress)
    for message in report.failed:
        voice.error(message)
    if not voice.quiet:
        voice.err.print(f"Built {report.pages:,} pages in {report.seconds:.1f} s", highlight=False)
    return opened.config.site.url
