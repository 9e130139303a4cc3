"""What every source is: one class that yields records in a stable order and parses them purely.

A connector author writes ``records`` (reads, does I/O) and ``parse`` (pure, no I/O, no clock). Upserts, cursors,
digests, failures and withdrawals are the framework's: see ``pipeline`` and ``store``.
"""

from __future__ import annotations

import hashlib
import re
import traceback
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal, NamedTuple

import msgspec
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator

from kbgen.errors import RecordError
from kbgen.model import Article, RawRecord, RecordKind, Ref, Thread, make_ref
from kbgen.model.yaml_text import switch

_LOGIN = re.compile(r"(?i)https?://[^/?#]*@")

MathMarks = Literal["none", "marked", "dollar", "escaped-dollar"]
r"""How a community marks formulas in its posts.

``marked``: its own renderer marked them in the HTML (``class="math"``), which few do. ``dollar``: TeX between ``$``,
``$$``, ``\(``, ``\[`` or in ``\begin{...}``, as MathJax reads it. ``escaped-dollar``: the same, but ``\$`` for ``$``,
which is money there. ``none``: no formulas.
"""

Harvested = RawRecord | RecordError
"""What a source yields: a record, or the error that stands for a record it could not read."""

Signatures = Mapping[Ref, str]
"""What ``RawRecord.signature`` of each record was that the store knows of a source."""


MALFORMED = (AttributeError, LookupError, OverflowError, TypeError, ValueError)
"""What reading an answer raises that is built otherwise than the platform's documentation says."""


def unforeseen(error: Exception) -> str:
    """What a person is told of an answer that no connector foresaw: where it was found out, for the report."""
    at = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(at.filename).name}:{at.lineno}"
    return f"its connector failed ({where}: {type(error).__name__}: {error}); report it, with a --record of it"


class Unchanged(NamedTuple):
    """A record of which the store has all there is: its signature is that of the last pass."""

    ref: Ref


class SourceOptions(BaseModel):
    """The keys every source in ``site_config/kbgen.yml`` may have; a connector adds its own by subclassing.

    Attributes:
        name: unique, used in every ``Ref`` for ever: renaming a source is a new source.
        title: what readers see ("Example community"); default: the host of ``url``, else the name.
        licence: shown where a post itself states none.
        staff: user ids or names whose answers count as staff answers.
        lang: language of the source when it is not to be guessed per item.
        canonical: ``auto``, ``source`` or ``self`` for this source; None for the site's policy.
        crawlable: whether anyone, search engines included, can open the source's pages.
        math: whether posts hold formulas; ``auto`` for those of which it is known, see ``math_marks``.
        full_every: days between two passes over everything a live source has; nightly passes look at changes.
    """

    # A faulty block may hold a key beside the fault.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    kind: str
    title: str | None = None
    url: str | None = None
    licence: str | None = None
    licence_url: str | None = None
    staff: tuple[str, ...] = ()
    lang: str | None = None
    canonical: str | None = Field(default=None, pattern=r"^(auto|source|self)$")
    crawlable: bool = True
    math: Annotated[Literal["auto", "on", "off"], BeforeValidator(switch)] = "auto"
    full_every: int = Field(default=7, ge=0)

    @field_validator("*")
    @classmethod
    def _sendable(cls, value: object) -> object:
        """A secret without the line break that a file or a CI variable adds; keys are ASCII on every platform."""
        if not isinstance(value, SecretStr):
            return value
        secret = value.get_secret_value().strip()
        if not secret:
            raise ValueError("is empty; a variable of CI that is not set is, too")
        if not (secret.isascii() and secret.isprintable()):
            raise ValueError("holds signs that no key has, such as a line break or an accent; copy the key again")
        return SecretStr(secret)

    @field_validator("*")
    @classmethod
    def _without_login(cls, value: object) -> object:
        """Addresses are told in messages and stored with records, so no password stands in one."""
        given = value if isinstance(value, tuple) else (value,)
        if any(isinstance(one, str) and _LOGIN.match(one) for one in given):
            raise ValueError("must be without a name and a password; sources that can log in have a key for it")
        return value

    @property
    def math_marks(self) -> MathMarks:
        """How the posts mark formulas. A dollar sign is money where nobody says otherwise."""
        known: dict[str, MathMarks] = {"auto": "marked", "on": "dollar", "off": "none"}
        return known[self.math]


class Source(ABC):
    """One configured source.

    Args:
        options: the validated block of ``site_config/kbgen.yml``.
        project: the project folder; relative paths in ``options`` are relative to it.

    Attributes:
        kind: the word for ``kind:`` in the configuration.
        Options: the pydantic model of the block; a subclass of ``SourceOptions``.
        version: raise it when ``parse`` changes its result: stored records are then parsed again.
    """

    kind: ClassVar[str]
    Options: ClassVar[type[SourceOptions]] = SourceOptions
    version: ClassVar[int] = 1

    def __init__(self, options: SourceOptions, project: Path) -> None:
        self.options = options
        self.project = project

    @property
    def name(self) -> str:
        """The source's name, the first half of its refs."""
        return self.options.name

    @abstractmethod
    def fingerprint(self) -> str | None:
        """A cheap signature of the input, or None when there is none and it has to be read.

        When it equals the one stored after the last complete harvest, nothing is read.

        Raises:
            SourceError: the input does not exist.
        """

    @abstractmethod
    def records(self) -> Iterator[Harvested]:
        """Yield every record in a stable order; a bad one is yielded as its ``RecordError``, not raised.

        Raises:
            SourceError: nothing can be read.
            SourceTruncated: the input ended in the middle; what was yielded before is good, and nothing is
                withdrawn.
        """

    def changes(self, signatures: Signatures) -> Iterator[Harvested | Unchanged]:  # noqa: ARG002 - others ask it
        """What ``records`` yields; a record whose signature is the known one may be yielded as ``Unchanged`` instead.

        For inputs of which it is quicker to tell that a record is the same than to read it. By default nothing is.

        Args:
            signatures: as they were stored with the records of this source.

        Raises:
            SourceError, SourceTruncated: as ``records``.
        """
        return self.records()

    @abstractmethod
    def parse(self, record: RawRecord) -> Thread | Article:
        """What the record means. Pure: no I/O, no clock, the same record gives the same result.

        Raises:
            RecordError: the payload cannot be understood (no title, no question ...).
        """

    def record(
        self, native_id: str | int, kind: RecordKind, url: str, payload: object, place: str, signature: str = ""
    ) -> RawRecord:
        """Build a ``RawRecord`` with its ref and digest from a JSON-able payload."""
        data = msgspec.json.encode(payload, order="deterministic")
        digest = hashlib.blake2b(data, digest_size=16).hexdigest()
        return RawRecord(make_ref(self.name, native_id), kind, url, data, digest, place, signature=signature)


def stat_signature(paths: Iterable[Path]) -> str:
    """Signature of files by path, size and modification time; cheap enough for a folder of 100,000.

    Raises:
        OSError: a path does not exist.
    """
    hasher = hashlib.blake2b(digest_size=16)
    for path in paths:
        stat = path.stat()
        hasher.update(f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return hasher.hexdigest()
