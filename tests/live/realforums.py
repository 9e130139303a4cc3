"""Real servers on loopback: installed, seeded, started and stopped by the recipes ``KBGEN_REALFORUM`` names."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from projects import ROOT

from kbgen.model import RawRecord, Thread
from kbgen.sources.http import Manners, Params, Reply
from kbgen.sources.http_client import HttpClient, Network
from kbgen.sources.live import LiveSource
from kbgen.testing import harvest_live, stored

QUESTIONS = 40
"""How many each server is seeded with."""


@dataclass
class RealForum:
    """A server of one recipe.

    Attributes:
        home: where it is installed.
        port: it listens on.
    """

    recipe: Path
    home: Path
    port: int

    @property
    def host(self) -> str:
        """Name and port."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Of its root, without a slash at the end."""
        return f"http://{self.host}"

    @property
    def manifest(self) -> Path:
        """The file that says what it was seeded with."""
        return self.home / "seed-manifest.json"

    def seeded(self) -> list[dict[str, Any]]:
        """What it was seeded with."""
        rows: list[dict[str, Any]] = json.loads(self.manifest.read_text(encoding="utf-8"))
        return rows

    def do(self, verb: str, **settings: int) -> None:
        """Run a verb of the recipe; output goes to a file, for a server that stays would hold a pipe open."""
        numbers = {
            "PORT": self.port,
            "REDIS_PORT": self.port + 1,
            "QUESTIONS": QUESTIONS,
            "TOPICS": QUESTIONS,
            **settings,
        }
        env = {**os.environ, "FORUM_HOME": str(self.home), **{name: str(value) for name, value in numbers.items()}}
        log = self.home / f"{verb}.log"
        with log.open("wb") as output:
            command = ["bash", str(self.recipe), verb]
            done = subprocess.run(command, env=env, stdout=output, stderr=output, timeout=900, check=False)
        assert done.returncode == 0, f"{self.recipe} {verb}: {log.read_text(errors='replace')[-2000:]}"

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Serve it for a while."""
        self.do("start")
        try:
            yield
        finally:
            self.do("stop")


def prepared(name: str) -> RealForum:
    """The server of a recipe, installed and seeded unless an earlier run did it; the test skips without the recipe."""
    recipes = os.environ.get("KBGEN_REALFORUM")
    if not recipes:
        pytest.skip("real servers are asked when KBGEN_REALFORUM names a folder of recipes (make test-live)")
    recipe = (ROOT / recipes / name / "forum.sh").resolve()
    if not recipe.is_file():
        pytest.skip(f"no recipe {name}/forum.sh in KBGEN_REALFORUM")
    homes = Path(os.environ.get("KBGEN_REALFORUM_HOME") or ROOT / "build" / "realforum")
    forum = RealForum(recipe, homes.resolve() / name, _free_port())
    forum.home.mkdir(parents=True, exist_ok=True)
    forum.do("install")
    if not forum.manifest.exists():
        forum.do("seed")
    return forum


def tell(line: str) -> None:
    """Say a figure; seen with ``pytest -s``."""
    sys.stdout.write(f"\n{line}\n")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class CountingClient(HttpClient):
    """The real client, which counts what it is asked for.

    Attributes:
        asked: requests, without repeated ones and robots.txt.
    """

    asked = 0

    def get(
        self,
        url: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        accept: str = "application/json",
        handled: Collection[int] = (),
    ) -> Reply:
        """See ``Client.get``."""
        self.asked += 1
        return super().get(url, params=params, headers=headers, accept=accept, handled=handled)


@dataclass
class Harvest:
    """Passes over a real server, into a store of their own."""

    forum: RealForum
    source: LiveSource
    store: Path

    def run(self, *, full: bool = False, most: int | None = None) -> int:
        """Do the pass that is due.

        Args:
            full: look at everything.
            most: stop as a broken connection does after so many requests.

        Returns:
            How many requests it took.
        """
        network = Network(Manners(user_agent="kbgen-test", requests_per_second=100.0, patience=600.0))
        kind = CountingClient if most is None else _breaking_after(most)
        with kind((self.forum.host,), network) as client:
            harvest_live(self.source, client, self.store, full=full)
            return client.asked

    def records(self) -> dict[str, RawRecord]:
        """What is stored, by native id."""
        return stored(self.store, self.source.name)

    def threads(self) -> dict[str, Thread]:
        """The same, parsed."""
        parsed = {number: self.source.parse(record) for number, record in self.records().items()}
        return {number: thread for number, thread in parsed.items() if isinstance(thread, Thread)}


def _breaking_after(most: int) -> type[CountingClient]:
    class Breaking(CountingClient):
        def get(
            self,
            url: str,
            *,
            params: Params | None = None,
            headers: Mapping[str, str] | None = None,
            accept: str = "application/json",
            handled: Collection[int] = (),
        ) -> Reply:
            if self.asked >= most:
                raise KeyboardInterrupt
            return super().get(url, params=params, headers=headers, accept=accept, handled=handled)

    return Breaking
