"""Mailing lists from files: mbox archives as Mailman, HyperKitty, public-inbox and mail programs write them.

A thread is a record, its messages verbatim but for the content of large attachments. What is NOT here: finding the
messages (``mbox_index``), reading one (``mail``) and what a thread means (``mail_thread``).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import cast

from msgspec.structs import replace
from pydantic import Field

from kbgen.errors import RecordError
from kbgen.model import RawRecord, Thread
from kbgen.sources.base import Harvested, Source, stat_signature
from kbgen.sources.mail import message_hash, read_mail
from kbgen.sources.mail_thread import Letters, MailOptions, parse_letters, permalink, slim_message
from kbgen.sources.mbox_index import Archive, Found, archive_files, opened_archive, read_message


class MboxOptions(MailOptions):
    """Keys of a ``kind: mbox`` source, beside those of every mail source.

    Attributes:
        archive: an mbox file, plain or gzip, or a folder of ``.mbox``, ``.mbx``, ``.txt``, ``.gz`` and ``.eml`` files.
        subject_days: for how long an answer without references is still part of a thread with its subject.
        message_megabytes: a larger message is reported instead of read.
    """

    archive: str
    subject_days: int = Field(default=30, ge=0)
    message_megabytes: int = Field(default=32, ge=1)


class MboxSource(Source):
    """A mailing list."""

    kind = "mbox"
    Options = MboxOptions

    @property
    def _options(self) -> MboxOptions:
        return cast("MboxOptions", self.options)

    def _archive(self) -> Path:
        return self.project / self._options.archive

    def fingerprint(self) -> str | None:
        """Signature of the archive's files."""
        return stat_signature(archive_files(self._archive()))

    def records(self) -> Iterator[Harvested]:
        """Yield messages that cannot be read first, then the threads in the order of the archive."""
        cap = self._options.message_megabytes * 2**20
        window = timedelta(days=self._options.subject_days)
        with opened_archive(self._archive(), self._options, cap=cap, window=window) as archive:
            yield from archive.faults
            for first, found in archive.threads.items():
                yield self._record(first, found, archive)
            if archive.truncated:
                raise archive.truncated

    def _record(self, first: str, found: list[Found], archive: Archive) -> Harvested:
        place = found[0].label
        try:
            raw = [slim_message(read_message(one.place)) for one in found]
            native = message_hash(first)
            lead = next((data for data, one in zip(raw, found, strict=True) if one.head.message_id == first), raw[0])
            url = permalink(read_mail(lead), self._options)
        except ValueError as error:
            return RecordError(place, str(error))
        record = self.record(native, "thread", url, Letters.of(raw), place)
        return replace(record, partial=archive.truncated is not None)

    def parse(self, record: RawRecord) -> Thread:
        """What a thread's messages mean."""
        return parse_letters(record, self._options, "mend the archive, or remove the message from it")
