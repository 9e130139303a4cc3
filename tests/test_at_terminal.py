"""A harvest at a real terminal: what moves on it, what Ctrl-C says, and that the next run goes on."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from projects import ROOT, SmallForum

from kbgen.testing import FakeServer, Request, stored

_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COUNT = 24
QUESTIONS = [
    {
        "id": number,
        "title": f"Why does pump {number} hum?",
        "content": "<p>It hums all night, and nobody here knows why.</p>",
        "creator": {"username": "ada", "display_name": "Ada"},
        "created": "2026-01-01T10:00:00Z",
        "updated": "2026-01-02T10:00:00Z",
        "is_spam": False,
        "solution": 1000 + number,
        "locale": "en-US",
        "tags": [],
        "num_votes": 0,
    }
    for number in range(1, COUNT + 1)
]


class Terminal:
    """A terminal of 110 columns, and what a child wrote on it."""

    def __init__(self, command: list[str]) -> None:
        self._master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (30, 110))
        env = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "110"}
        env.pop("NO_COLOR", None)
        self.child = subprocess.Popen(
            command, env=env, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, close_fds=True
        )
        os.close(slave)
        self._raw = b""

    @property
    def text(self) -> str:
        """All that was ever on it, without colours."""
        return _COLOURS.sub("", self._raw.decode("utf-8", "replace"))

    def until(self, pattern: str, seconds: float = 60) -> bool:
        """Read until something stands there; False when the child ended without it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if re.search(pattern, self.text):
                return True
            ready, _, _ = select.select([self._master], [], [], 0.1)
            try:
                data = os.read(self._master, 65536) if ready else b""
            except OSError:  # the child closed its end
                return re.search(pattern, self.text) is not None
            self._raw += data
        return False

    def rest(self) -> int:
        """Read to the end and give the exit code."""
        self.until(r"(?!)")
        return self.child.wait(60)

    def close(self) -> None:
        """Let go of it; a child that still runs is ended."""
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait(60)
        os.close(self._master)


@contextmanager
def at_terminal(folder: Path) -> Iterator[Terminal]:
    """A harvest at a terminal."""
    terminal = Terminal([sys.executable, "-m", "kbgen", "-C", str(folder), "harvest", "pumps"])
    try:
        yield terminal
    finally:
        terminal.close()


@pytest.fixture
def pumps(forum: SmallForum) -> Iterator[tuple[SmallForum, FakeServer]]:
    """A project whose one source is a support site of some questions, which answers slowly."""
    with FakeServer() as server:
        server.route("/api/2/question/", {"count": COUNT, "next": None, "results": QUESTIONS})
        for question in QUESTIONS:
            server.route(f"/api/2/question/{question['id']}/", question)

        def answers(request: Request) -> object:
            time.sleep(0.05)
            number = int(request.query["question"])
            said = {"content": "<p>Oil the bearing of the pump twice a year.</p>", "creator": {"username": "ben"}}
            row = {"id": 1000 + number, "question": number, "created": "2026-01-01T11:00:00Z", **said}
            return {"count": 1, "next": None, "results": [{**row, "updated": row["created"], "is_spam": False}]}

        server.route("/api/2/answer/", answers)
        block = {"name": "pumps", "kind": "kitsune", "url": server.url, "licence": "CC0"}
        forum.configure(sources=[block], http={"requests_per_second": 100})
        yield forum, server


def test_a_terminal_shows_how_far_and_how_long(pumps: tuple[SmallForum, FakeServer]) -> None:
    """Count of how many, the rate, and the time left."""
    forum, _ = pumps
    with at_terminal(forum.folder) as terminal:
        shown = rf"Harvesting pumps\s+\S+\s+\d+/{COUNT} [\d.,]+/s 0:00:\d\d"
        assert terminal.until(shown), terminal.text
        assert 0 == terminal.rest()
    assert COUNT == len(stored(forum.folder / ".kbgen/store.sqlite", "pumps"))


def test_ctrl_c_says_that_the_next_run_goes_on_and_it_does(pumps: tuple[SmallForum, FakeServer]) -> None:
    """What was stored is not asked for again, and the bar counts what is left."""
    forum, server = pumps
    with at_terminal(forum.folder) as terminal:
        assert terminal.until(rf"Harvesting pumps\s+\S+\s+[1-9]\d*/{COUNT}"), terminal.text
        terminal.child.send_signal(signal.SIGINT)
        assert 130 == terminal.rest()
    told = " ".join(terminal.text.split())
    assert "stopped; what was committed is kept, and the next run goes on from there" in told
    assert "Traceback" not in told
    kept = len(stored(forum.folder / ".kbgen/store.sqlite", "pumps"))
    assert 0 < kept < COUNT
    server.requests.clear()
    with at_terminal(forum.folder) as terminal:
        assert 0 == terminal.rest()
    assert f"/{COUNT - kept}" in terminal.text
    assert "went on where the last run was interrupted" in " ".join(terminal.text.split())
    assert COUNT == len(stored(forum.folder / ".kbgen/store.sqlite", "pumps"))
    asked = [request.query["question"] for request in server.requests if request.path == "/api/2/answer/"]
    assert COUNT - kept == len(asked)


def test_a_log_gets_plain_lines(pumps: tuple[SmallForum, FakeServer]) -> None:
    """Where nobody watches: what begins and how much it is, and no control characters."""
    forum, _ = pumps
    command = [sys.executable, "-m", "kbgen", "-C", str(forum.folder), "harvest", "pumps"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert f"Asking pumps\nHarvesting pumps ({COUNT})\n" in done.stderr
    assert "\x1b" not in done.stderr + done.stdout
