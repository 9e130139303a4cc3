"""What every source read over a network is: a walk in steps, each stored with its cursor in one transaction.

A connector author writes ``steps`` (asks the platform through the client) and ``parse`` (pure). Which pass is due,
resuming after a kill, storing, withdrawing and politeness are the framework's: see ``harvest`` and ``http``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, Self

from pydantic import SecretStr, model_validator

from kbgen.sources.base import Harvested, Source, SourceOptions
from kbgen.sources.http import Client, host_of


class MemberOptions(SourceOptions):
    """Keys of sources that can be asked in the name of a member.

    Attributes:
        token: of a member who sees no more than every reader of the site may.
        members_only: read a forum that only its members can read: it is then public on the site.
    """

    token: SecretStr | None = None
    members_only: bool = False

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        # No platform here says of a topic whether guests may read it, so that a token is never without consequence.
        if (self.token is not None) != self.members_only:
            raise ValueError(
                "`token` and `members_only: true` belong together: what the token's owner can read is then public"
            )
        return self

    def headers(self, scheme: str) -> dict[str, str]:
        """What to send with every request; nothing for a guest."""
        return {} if self.token is None else {"Authorization": f"{scheme} {self.token.get_secret_value()}"}


class Known(Protocol):
    """What the store holds of this source; items that were withdrawn are not known."""

    def signature(self, native_id: str) -> str | None:
        """What the platform's list said of the item when it was last fetched; None when it is not known."""
        ...

    def ids(self) -> Sequence[str]:
        """Native ids, in a stable order."""
        ...


@dataclass(frozen=True)
class Walk:
    """What one pass has to do.

    Attributes:
        full: go over everything there is, so that edits of old posts, un-accepts and deletions are seen; else only what
            is new or active since ``mark``.
        cursor: where this very pass was interrupted; None at its beginning.
        mark: what the last complete pass left with its steps; None when there was none (then ``full`` is set).
        now: when the pass began, in UTC; the same again when it goes on after an interruption.
    """

    full: bool
    now: datetime
    cursor: str | None = None
    mark: str | None = None


@dataclass(frozen=True)
class Step:
    """A piece of a pass; all of it is stored in one transaction.

    Attributes:
        items: fetched records (with the list's ``signature``, where there is one) and errors for unreadable ones.
        seen: native ids that are there and need not be fetched, their signature being the known one.
        gone: native ids that no visitor can read any more (404, 410, 403, restricted): withdrawn when the pass ends,
            also where it is interrupted, unless they are more than the guard believes.
        cursor: given back as ``Walk.cursor`` when the pass is interrupted after this step; None leaves the one before.
        mark: where the next pass over changes begins; the last one given counts, once the pass is complete.
        total: items the whole pass will have, when the platform says so: for the progress bar.
        notes: sentences for the report.
        broken: native ids that could not be fetched, to what was said: they stay as they are, and are asked for again.
    """

    items: Sequence[Harvested] = ()
    seen: Sequence[str] = ()
    gone: Sequence[str] = ()
    cursor: str | None = None
    mark: str | None = None
    total: int | None = None
    notes: Sequence[str] = field(default=())
    broken: Mapping[str, str] = field(default_factory=dict)


class LiveSource(Source):
    """One configured source that is asked over the network, unless its options name files."""

    @property
    def live(self) -> bool:
        """Whether this block is asked over the network; a connector that also reads files overrides it."""
        return True

    @property
    def hosts(self) -> Collection[str]:
        """Hosts the client may ask, with their port when it is not the usual one.

        Those of every address among the options (``url``, ``api`` ...), the licence's excepted.
        """
        values = [value for name, value in self.options if name != "licence_url"]
        parts = [part for value in values for part in (value if isinstance(value, tuple) else (value,))]
        addresses = [part for part in parts if isinstance(part, str) and part.startswith(("https://", "http://"))]
        return tuple(dict.fromkeys(host_of(address) for address in addresses))

    @abstractmethod
    def steps(self, client: Client, known: Known, walk: Walk) -> Iterator[Step]:
        """Do one pass.

        A full pass yields every item there is, as ``items`` or ``seen``; what it did not yield is withdrawn when it is
        complete. A pass over changes yields what is new or was active, and never withdraws but what it calls ``gone``.

        Args:
            client: the only way to the network.
            known: what is stored already.
            walk: which pass, and where it goes on.

        Raises:
            SourceError: the platform cannot be read; the pass goes on from the last step's cursor next time.
        """

    def fingerprint(self) -> str | None:
        """Nothing tells cheaply whether a community has changed."""
        return None

    def records(self) -> Iterator[Harvested]:
        """A live source has no files to read."""
        return iter(())
