"""Whose id may stand in files, addresses and on a terminal. What an id is, a source knows."""

from __future__ import annotations

from kbgen.errors import RecordError
from kbgen.model import RawRecord, visible


def identified(record: RawRecord) -> RawRecord | RecordError:
    """The record, or the error that stands for it: an id with characters nobody sees is no name of anything."""
    shown = visible(record.ref)
    if shown == record.ref:
        return record
    return RecordError(record.place or shown, f"the id {shown} holds control characters; give it another")
