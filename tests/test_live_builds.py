"""Builds of a project with a source that is asked over the network, as the nightly run and a person do them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from board import Board, BoardOptions, BoardSource
from projects import ROOT, Done, Kbgen, SmallForum

import kbgen.sources
from kbgen.config import HttpConfig, SiteConfig
from kbgen.harvest.asking import manners
from kbgen.testing import Canned, FakeServer, Replay, Request, stored

KEY = "key-of-the-house"


@dataclass
class Night:
    """A project with a board on a fake server beside its recorded forum."""

    forum: SmallForum
    board: Board
    server: FakeServer
    inside: Kbgen
    packages: Path

    def run(self, *arguments: str | Path) -> Done:
        """Run a command over the project; what was asked before is forgotten."""
        self.server.requests.clear()
        return self.inside("-C", self.forum.folder, "--json", *arguments)

    def build(self, *arguments: str) -> Done:
        """Build."""
        return self.run("build", "--jobs", "1", *arguments)

    def published(self) -> list[str]:
        """Refs of the board's notes that are on the site, on pages of their own or merged."""
        entries = [line for line in self.forum.manifest() if line["kind"] == "entry"]
        return sorted(ref for line in entries for ref in line["refs"] if ref.startswith("board:"))


@pytest.fixture
def night(tmp_path: Path, forum: SmallForum, inside: Kbgen, monkeypatch: pytest.MonkeyPatch) -> Iterator[Night]:
    """A board of five notes that nobody asked yet; its source is another package's."""
    packages = tmp_path / "packages"
    (packages / "board-1.dist-info").mkdir(parents=True)
    (packages / "board-1.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: board\nVersion: 1\n")
    (packages / "board-1.dist-info/entry_points.txt").write_text("[kbgen.sources]\nboard = board:BoardSource\n")
    monkeypatch.syspath_prepend(packages)
    monkeypatch.setenv("BOARD_KEY", KEY)
    kbgen.sources._others.cache_clear()
    with FakeServer() as server:
        block = {"name": "board", "kind": "board", "url": server.url, "licence": "CC0", "api_key": "${BOARD_KEY}"}
        forum.configure(sources=[*forum.settings["sources"], block], http={"requests_per_second": 100})
        yield Night(forum, Board(server), server, inside, packages)
    kbgen.sources._others.cache_clear()


def stages(done: Done) -> list[str]:
    """Names of the stages that ran."""
    return [stage["stage"] for stage in done.data["stages"]]


def test_a_live_source_is_asked_every_night(night: Night) -> None:
    """Also when no file has changed; what changed there is on the site after the next build."""
    assert (0, [f"board:{number}" for number in range(1, 6)]) == (night.build().code, night.published())
    night.board.write("6")
    night.board.remove("1")
    done = night.build()
    assert "harvest board" in stages(done)
    assert (0, [f"board:{number}" for number in range(2, 7)]) == (done.code, night.published())
    assert 0 == night.build().code
    assert ["/list.json"] == night.server.paths()


def test_a_source_is_asked_with_name_and_contact(night: Night) -> None:
    """The site's address when no other contact is configured."""
    night.run("harvest", "board")
    agent = night.server.requests[0].headers["user-agent"]
    assert agent == f"kbgen/{kbgen.__version__} (+https://help.example.com/)"
    config = type(
        "", (), {"http": HttpConfig(contact="ops@example.com"), "site": SiteConfig(name="a", url="https://a/")}
    )
    assert manners(config).user_agent.endswith("(+ops@example.com)")  # type: ignore[arg-type]


def test_without_a_network_what_was_published_stays(night: Night) -> None:
    """The source is named, the run ends with 1, and no page goes."""
    night.build()
    night.forum.configure(
        sources=[{**night.forum.settings["sources"][-1], "url": "http://127.0.0.1:9"}], http={"patience": 1}
    )
    done = night.build()
    assert (1, 5) == (done.code, len(night.published()))
    (failed,) = done.data["failed"]
    assert failed.startswith("board: http://127.0.0.1:")
    assert "the host cannot be reached" in failed
    assert failed.endswith("what was published from it stays")


def test_offline_nobody_is_asked(night: Night) -> None:
    """What the store holds is used; a second build has nothing to do, until a harvest learnt something."""
    night.run("harvest")
    done = night.build("--offline")
    assert (0, [], 5) == (done.code, night.server.requests, len(night.published()))
    assert ["build"] == stages(night.build("--offline"))
    night.board.write("6")
    night.run("harvest", "board")
    assert "curate" in stages(night.build("--offline"))
    assert 6 == len(night.published())


def test_a_recording_is_whole_and_tells_no_key(night: Night, tmp_path: Path) -> None:
    """What ``harvest --record`` writes replays the harvest."""
    night.run("harvest", "board")
    night.run("harvest", "board", "--full", "--record", tmp_path / "talk.zst")
    assert KEY in night.server.requests[0].query.values()
    replay = Replay(tmp_path / "talk.zst")
    params: dict[str, str | int] = {"page": 0, "since": 0, "key": "***"}
    answer: Any = replay.get(f"{night.server.url}/list.json", params=params).json()
    assert [["1", "1"], ["2", "2"]] == answer["notes"]


def test_a_key_is_in_no_file_and_no_message(night: Night) -> None:
    """Not in the store, the cache, the site or a report, whatever goes wrong."""
    night.build()
    night.server.drop("/list.json")
    done = night.build()
    assert (1, False, False) == (done.code, KEY in done.out, KEY in done.err)
    files = [file for file in night.forum.folder.rglob("*") if file.is_file()]
    assert [] == [file for file in files if KEY.encode() in file.read_bytes()]


def test_answers_that_hold_what_was_withdrawn_are_forgotten(night: Night) -> None:
    """A note that the list calls gone is asked for no more, so nothing else would make its kept answer go."""
    note = json.dumps(night.board.notes["3"]).encode()
    night.server.route("/notes/3.json", Canned(200, {"Content-Type": "application/json", "ETag": '"3"'}, note))
    answers = night.forum.folder / ".kbgen" / "http" / "answers.sqlite"
    night.run("harvest")
    assert b"/notes/3.json" in answers.read_bytes()
    night.board.remove("3")
    assert 0 == night.run("harvest").code
    assert b"/notes/3.json" not in answers.read_bytes()


def test_too_much_that_is_gone_needs_a_word(night: Night) -> None:
    """``kbgen harvest NAME --full --allow-vanish`` is what the message says, and it works."""
    night.forum.configure(guard={"min_pages": 2})
    night.run("harvest")
    for number in "1234":
        night.board.remove(number, told=False)
    done = night.run("harvest", "board", "--full")
    assert (1, 5) == (done.code, len(stored(night.forum.folder / ".kbgen/store.sqlite", "board")))
    done = night.run("harvest", "board", "--full", "--allow-vanish")
    assert (0, 1) == (done.code, len(stored(night.forum.folder / ".kbgen/store.sqlite", "board")))


def test_an_interrupted_harvest_says_that_it_can_go_on(night: Night) -> None:
    """Ctrl-C between two answers: exit code 130, a sentence, and the next run takes up where it stopped."""
    asked, go_on = threading.Event(), threading.Event()

    def hang(_: Request) -> object:
        asked.set()
        go_on.wait(20)
        return night.board.notes["3"]

    night.server.route("/notes/3.json", hang)
    path = os.pathsep.join([str(night.packages), str(ROOT), str(Path(__file__).parent)])
    child = subprocess.Popen(
        [sys.executable, "-m", "kbgen", "-C", str(night.forum.folder), "harvest", "board"],
        env={**os.environ, "PYTHONPATH": path},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert asked.wait(60)
    child.send_signal(signal.SIGINT)
    _, told = child.communicate(timeout=60)
    go_on.set()
    assert 130 == child.returncode
    assert "stopped; what was committed is kept, and the next run goes on from there" in told
    assert 2 == len(stored(night.forum.folder / ".kbgen/store.sqlite", "board"))
    night.board.write("3")
    done = night.run("harvest", "board")
    (stage,) = done.data["stages"]
    assert (0, 3, "went on where the last run was interrupted") == (done.code, stage["written"], stage["notes"][0])


def test_who_asks_nobody_loads_no_http_library() -> None:
    """``kbgen status`` and builds from files start as fast as before."""
    commands = "kbgen.commands.reading, kbgen.commands.review, kbgen.commands.setup, kbgen.commands.checking"
    code = f"import sys, {commands}, kbgen.pipeline; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    connectors = {module.partition(":")[0] for module in kbgen.sources.KINDS.values()} - {"kbgen.sources.articles"}
    assert set() == set(done.stdout.split()) & {"httpx2", "httpcore2", "stamina", "board", *connectors}


def test_a_source_may_ask_the_hosts_of_its_options() -> None:
    """Those of all its addresses, without what is said of the licence, and in the spelling the client knows."""

    class TwoHosts(BoardOptions):
        api: str = "https://api.example.com/2.3"
        feeds: tuple[str, ...] = ("http://feeds.example.com:80/a", "http://[::1]:8080/b")

    options = TwoHosts(name="b", kind="board", url="https://B.example.com:81/x", licence_url="https://cc.example.com/")
    hosts = ("b.example.com:81", "api.example.com", "feeds.example.com", "[::1]:8080")
    assert hosts == BoardSource(options, Path()).hosts
