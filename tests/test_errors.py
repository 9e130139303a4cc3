"""The error tree: exit codes, messages, and that an error arrives whole from a worker process."""

from __future__ import annotations

import pickle

import pytest

from kbgen import errors
from kbgen.errors import ConfigError, KbgenError, RecordError

CODES = {
    "KbgenError": 3,
    "ConfigError": 2,
    "UsageError": 2,
    "SourceError": 1,
    "SourceTruncated": 1,
    "RecordError": 1,
    "EngineError": 3,
    "StoreError": 3,
    "NotPublished": 3,
    "ChecksFailed": 3,
    "GuardTripped": 3,
    "LockHeld": 4,
}


def classes() -> dict[str, type[KbgenError]]:
    """Every error there is."""
    return {
        name: value for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, KbgenError)
    }


def test_exit_codes_are_a_contract() -> None:
    """Scripts outside look at them; the tree in the docstring names every class."""
    assert CODES == {name: kind.exit_code for name, kind in classes().items()}
    assert [] == [name for name in CODES if name not in (errors.__doc__ or "")]


@pytest.mark.parametrize("name", sorted(CODES))
def test_errors_arrive_whole_from_a_worker(name: str) -> None:
    """Pickled and read back: the same type, message and parts."""
    kind = classes()[name]
    error = kind("a.md:3", "has no title") if issubclass(kind, RecordError) else kind("a.md:3: has no title")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own bytes
    assert (kind, str(error), vars(error)) == (type(copy), str(copy), vars(copy))


def test_all_faults_of_a_configuration_are_one_message() -> None:
    """One a line; one fault alone may be given as it is."""
    assert "a\nb" == str(ConfigError(["a", "b"]))
    assert ("a",) == ConfigError("a").faults
    copy = pickle.loads(pickle.dumps(ConfigError(("a", "b"))))  # noqa: S301
    assert ("a", "b") == copy.faults


def test_a_record_error_names_place_and_problem() -> None:
    """The place first, as compilers do."""
    error = RecordError("a.md:3", "has no title; add one")
    assert ("a.md:3: has no title; add one", "a.md:3") == (str(error), error.place)
