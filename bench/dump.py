"""``python -m bench.dump``: how fast a Stack Exchange dump is read, stored and parsed, beside reading its XML alone.

A real dump is multiplied by shifting its ids. Seconds are of this process's CPU, so that a busy machine does not count;
peak memory is printed for two sizes, for it must not grow with the dump.
"""

from __future__ import annotations

import argparse
import itertools
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from bench.corpus import data_folder
from bench.errors import BenchError, DataMissing
from kbgen.model import RawRecord
from kbgen.sources.stackexchange import StackExchangeOptions, StackExchangeSource
from kbgen.store import open_store

_SHIFT = 1_000_000
_BATCH = 500
_JOINED = re.compile(rb' (Id|ParentId|AcceptedAnswerId|PostId|RelatedPostId)="(\d+)"')


@dataclass(frozen=True)
class DumpRun:
    """What reading one dump came to.

    Attributes:
        posts: rows of Posts.xml.
        size: of all its files, in bytes.
        xml: seconds of CPU for lxml.iterparse over Posts.xml alone.
        read: for records out of the dump.
        store: for putting them into the store.
        parse: for parsing them.
        peak: resident memory at its highest, in kB.
    """

    posts: int
    size: int
    xml: float
    read: float
    store: float
    parse: float
    peak: int

    def lines(self) -> list[str]:
        """The figures as people read them."""
        whole = self.read + self.store + self.parse
        return [
            f"{self.posts:,} posts, {self.size / 2**20:,.0f} MB",
            f"parse and store together: {self.posts / whole:,.0f} posts/s, {self.size / 2**20 / whole:,.1f} MB/s",
            f"read {self.read:.2f} s, store {self.store:.2f} s, parse {self.parse:.2f} s of CPU",
            f"lxml.iterparse over Posts.xml alone: {self.xml:.2f} s; kbgen takes {whole / self.xml:.1f} times that",
            f"peak memory {self.peak / 1024:,.0f} MB",
        ]


def find_dump(data: Path) -> Path:
    """The largest dump among the community data.

    Raises:
        DataMissing: there is none.
    """
    found = list((data / "stackexchange").glob("*/Posts.xml"))
    if not found:
        raise DataMissing(f"{data} holds no dump in stackexchange/*/; set KBGEN_DATA to a folder that does")
    return max(found, key=lambda file: file.stat().st_size).parent


def multiply_dump(dump: Path, folder: Path, times: int) -> None:
    """Write a dump several times over, each copy with ids of its own; users are the same in all."""
    for file in sorted(dump.glob("*.xml")):
        head, *rows, tail = file.read_bytes().rstrip().split(b"\n")
        first = next((number for number, line in enumerate(rows) if b"<row" in line), len(rows))
        copies = 1 if file.name == "Users.xml" else times
        with (folder / file.name).open("wb") as out:
            out.write(b"\n".join([head, *rows[:first]]) + b"\n")
            for copy in range(copies):
                out.writelines(_shifted(row, copy) + b"\n" for row in rows[first:])
            out.write(tail + b"\n")


def _shifted(row: bytes, copy: int) -> bytes:
    return _JOINED.sub(lambda found: b' %s="%d"' % (found[1], int(found[2]) + copy * _SHIFT), row) if copy else row


def measure(dump: Path, work: Path) -> DumpRun:
    """Read a dump into a new store below ``work``, and parse every record."""
    xml, posts = _iterparse(dump / "Posts.xml")
    options = StackExchangeOptions(name="stack", kind="stackexchange", url="https://x.example.com", dump=str(dump))
    source = StackExchangeSource(options, work)
    read = store = parse = 0.0
    with closing(open_store(work / "store.sqlite")) as opened:
        records = iter(source.records())
        while True:
            started = time.process_time()
            batch = [item for item in itertools.islice(records, _BATCH) if isinstance(item, RawRecord)]
            fetched = time.process_time()
            if not batch:
                break
            with opened.transaction():
                opened.records.upsert(batch, 1)
            kept = time.process_time()
            for record in batch:
                source.parse(record)
            read, store, parse = read + fetched - started, store + kept - fetched, parse + time.process_time() - kept
    size = sum(file.stat().st_size for file in dump.glob("*.xml"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return DumpRun(posts, size, xml, read, store, parse, peak)


def _iterparse(file: Path) -> tuple[float, int]:
    started, count = time.process_time(), 0
    for _, row in etree.iterparse(file, tag="row", resolve_entities=False):
        count += 1
        parent = row.getparent()
        if parent is not None:
            del parent[: len(parent) - 1]
    return time.process_time() - started, count


def main(given: Sequence[str] | None = None) -> int:
    """Run the benchmark; 0 done, 2 when it cannot be made."""
    parser = argparse.ArgumentParser(prog="python -m bench.dump", description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, nargs="+", default=[20, 160], help="sizes, as multiples of a real dump")
    parser.add_argument("--one", nargs=2, type=Path, metavar=("DUMP", "WORK"), help=argparse.SUPPRESS)
    chosen = parser.parse_args(given)
    if chosen.one:
        print("\n".join(measure(*chosen.one).lines()))
        return 0
    try:
        dump = find_dump(data_folder())
        for times in chosen.times:
            print(f"{dump.name}, {times} times over")
            _in_child(dump, times)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    return 0


def _in_child(dump: Path, times: int) -> None:
    """Each size in a process of its own: peak memory never falls again."""
    with tempfile.TemporaryDirectory(prefix="kbgen-bench-") as name:
        folder, work = Path(name) / "dump", Path(name) / "work"
        folder.mkdir()
        work.mkdir()
        multiply_dump(dump, folder, times)
        subprocess.run([sys.executable, "-m", "bench.dump", "--one", str(folder), str(work)], check=True)


if __name__ == "__main__":
    sys.exit(main())
