"""What can stop a benchmark; each message says what to do."""

from __future__ import annotations


class BenchError(Exception):
    """A measurement cannot be made."""


class DataMissing(BenchError):
    """The folder of real threads is not there."""
