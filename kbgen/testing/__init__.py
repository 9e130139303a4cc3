"""Checks that a connector keeps the rules of ``kbgen.sources.base``, for the tests of whoever writes one."""

from __future__ import annotations

from kbgen.testing.conformance import CHECKS, check_fingerprint_moves, check_restricted, check_source

__all__ = ["CHECKS", "check_fingerprint_moves", "check_restricted", "check_source"]
