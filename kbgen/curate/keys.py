"""Keys of derived rows: digests of what a row was made from."""

from __future__ import annotations

import hashlib

import msgspec


def key_of(*parts: str) -> str:
    """Give one key for several parts, none of which contains NUL."""
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


def value_key(value: object) -> str:
    """Give the key of a value msgspec can encode; equal values have the same."""
    return hashlib.blake2b(msgspec.msgpack.encode(value, order="deterministic"), digest_size=16).hexdigest()
