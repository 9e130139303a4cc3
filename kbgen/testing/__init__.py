"""For the tests of whoever writes a connector: the rules every source keeps, a fake platform, and recordings of one."""

from __future__ import annotations

from kbgen.testing.conformance import CHECKS, check_fingerprint_moves, check_restricted, check_source
from kbgen.testing.live import harvest_live, stored
from kbgen.testing.live_checks import LIVE_CHECKS, LiveChange, LiveSample
from kbgen.testing.replay import Replay
from kbgen.testing.server import Canned, FakeServer, InstantClock, Request, testing_client, testing_network

__all__ = [
    "CHECKS",
    "LIVE_CHECKS",
    "Canned",
    "FakeServer",
    "InstantClock",
    "LiveChange",
    "LiveSample",
    "Replay",
    "Request",
    "check_fingerprint_moves",
    "check_restricted",
    "check_source",
    "harvest_live",
    "stored",
    "testing_client",
    "testing_network",
]
