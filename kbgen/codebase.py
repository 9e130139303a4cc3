"""Digest of kbgen's own code, so that what it made is made again after an update, without a number to remember."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).parent
# Lists of words decide as code does.
_READ = frozenset({".py", ".tsv"})


@cache
def code_digest(*packages: str) -> str:
    """Digest of the Python files and tables of some packages of kbgen.

    Args:
        packages: names below ``kbgen``, such as ``compile``; sub-folders included.
    """
    hasher = hashlib.blake2b(digest_size=16)
    for package in packages:
        for file in sorted(one for one in (_PACKAGE / package).rglob("*") if one.suffix in _READ):
            hasher.update(file.relative_to(_PACKAGE).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return hasher.hexdigest()


@cache
def package_digest() -> str:
    """Digest of every file of kbgen, templates and style sheets included."""
    hasher = hashlib.blake2b(digest_size=16)
    for file in sorted(_PACKAGE.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            hasher.update(file.relative_to(_PACKAGE).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return hasher.hexdigest()
