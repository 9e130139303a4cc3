"""The digest of kbgen's own code."""

from __future__ import annotations

from pathlib import Path

import pytest

from kbgen import codebase
from kbgen.codebase import code_digest


def test_packages_have_digests_of_their_own() -> None:
    """The digest is of the packages named, in the order named, and is the same every time."""
    assert code_digest("compile") == code_digest.__wrapped__("compile")
    assert code_digest("compile") != code_digest("site")
    assert code_digest("compile", "site") != code_digest("compile")


def test_tables_count_as_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another list of words makes another digest; what Python leaves beside its files makes none."""
    monkeypatch.setattr(codebase, "_PACKAGE", tmp_path)
    (tmp_path / "one").mkdir()
    digests = []
    for name, text in (("rules.py", ""), ("words.tsv", "on\toff"), ("words.tsv", "in\tout"), ("rules.pyc", "x")):
        (tmp_path / "one" / name).write_text(text)
        digests.append(code_digest.__wrapped__("one"))

    assert len(set(digests)) == 3
    assert digests[2] == digests[3]
