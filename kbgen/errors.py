"""Every error kbgen raises on purpose, grouped by what the caller should do.

::

    KbgenError
    ├── ConfigError          mend the configuration, run again            exit 2
    ├── UsageError           mend the command line                        exit 2
    ├── SourceError          keep the source's last good content, go on   exit 1
    │   └── SourceTruncated  as above; what was read before is kept
    ├── RecordError          skip this record, keep it for a retry        exit 1
    ├── EngineError          the site engine failed; nothing published    exit 3
    ├── StoreError           the store is damaged or too new              exit 3
    ├── NotPublished         the last good site stands                    exit 3
    │   ├── ChecksFailed     a check of the staging site said no
    │   └── GuardTripped     too much would vanish
    └── LockHeld             another run is at work                       exit 4

A message says what is wrong, where (file, line, key or ref) and what to do. The command line prints it as
it is; nothing above ``pipeline`` formats errors.
"""

from __future__ import annotations

from typing import ClassVar


class KbgenError(Exception):
    """The root of the tree. Raise one of its children.

    Attributes:
        exit_code: what the command line exits with when nobody handles the error.
        failed: of a run that it stopped: what had failed before, each a complete message.
    """

    exit_code: ClassVar[int] = 3
    failed: tuple[str, ...] = ()


class ConfigError(KbgenError):
    """The configuration has faults; all of them are listed, one a line.

    Args:
        faults: complete messages, each naming file, line and key.
    """

    exit_code: ClassVar[int] = 2

    def __init__(self, faults: list[str] | tuple[str, ...] | str) -> None:
        self.faults: tuple[str, ...] = (faults,) if isinstance(faults, str) else tuple(faults)
        super().__init__("\n".join(self.faults))

    def __reduce__(self) -> tuple[type[ConfigError], tuple[tuple[str, ...]]]:
        return type(self), (self.faults,)


class UsageError(KbgenError):
    """The command line asks for something that does not exist."""

    exit_code: ClassVar[int] = 2


class SourceError(KbgenError):
    """A whole source cannot be read (missing file, not an archive, no connection)."""

    exit_code: ClassVar[int] = 1


class SourceTruncated(SourceError):
    """A source ended in the middle; the records before the break are good."""


class RecordError(KbgenError):
    """One record cannot be understood.

    Args:
        place: file and line, or ref: where a person finds the record.
        problem: what is wrong with it and what to do.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, place: str, problem: str) -> None:
        self.place = place
        self.problem = problem
        super().__init__(f"{place}: {problem}")

    def __reduce__(self) -> tuple[type[RecordError], tuple[str, str]]:
        # Errors come back from worker processes, and are made again there from their arguments.
        return type(self), (self.place, self.problem)


class EngineError(KbgenError):
    """The site engine did not build the shells."""


class StoreError(KbgenError):
    """The store file is damaged, or was written by a newer kbgen."""


class NotPublished(KbgenError):
    """The new site was not published; the last good one stands."""


class ChecksFailed(NotPublished):
    """The staging site has faults that must not go live."""


class GuardTripped(NotPublished):
    """More pages would vanish than the guard allows."""


class LockHeld(KbgenError):
    """Another run holds the project's lock."""

    exit_code: ClassVar[int] = 4
