"""The digest of kbgen's own code."""

from __future__ import annotations

from kbgen.codebase import code_digest


def test_packages_have_digests_of_their_own() -> None:
    """The digest is of the packages named, in the order named, and is the same every time."""
    assert code_digest("compile") == code_digest.__wrapped__("compile")
    assert code_digest("compile") != code_digest("site")
    assert code_digest("compile", "site") != code_digest("compile")
