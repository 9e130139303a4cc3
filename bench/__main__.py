"""``python -m bench``: kbgen and its peers in one run on one machine."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from bench.corpus import Seed, Topic, data_folder, multiply, read_seeds, vocabulary
from bench.errors import BenchError, DataMissing
from bench.peers import PEERS, Peer, PeerRun, built, ready, sound
from bench.project import write_project
from bench.report import Machine, Results, markdown
from bench.scale import measure_scale
from bench.subject import BuildRun, SubjectRun, measure, memory
from kbgen import __version__

_QUICK_PAGES, _QUICK_THREADS = 300, 1000


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    known = {peer.name: peer for peer in PEERS}
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure kbgen beside other site generators.")
    parser.add_argument("--pages", type=int, default=3000, help="threads for every generator (default: 3000)")
    parser.add_argument("--threads", type=int, default=20_000, help="threads for the memory build (default: 20000)")
    parser.add_argument("--scale", type=int, default=100_000, help="threads of the large builds, 0 for none (100000)")
    parser.add_argument("--peers", default="mkdocs,zensical,hugo", help=f"which: {', '.join(known)} or none")
    parser.add_argument("--runs", type=int, default=1, help="rounds; medians are reported")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="work in this new folder and leave it there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure as JSON, too")
    parser.add_argument("--skip", action="append", default=[], choices=["memory"], help="leave a part out")
    parser.add_argument(
        "--quick", action="store_true", help=f"{_QUICK_PAGES} pages, {_QUICK_THREADS} threads, no large builds"
    )
    chosen = parser.parse_args(given)
    if chosen.quick:
        chosen.pages, chosen.threads, chosen.scale = _QUICK_PAGES, _QUICK_THREADS, 0
    names = [name for name in chosen.peers.split(",") if name not in ("", "none")]
    unknown = [name for name in names if name not in known]
    if unknown:
        parser.error(f"--peers: {', '.join(unknown)} is unknown; one or more of {', '.join(known)}, or none")
    if min(chosen.pages, chosen.threads, chosen.runs) < 1:
        parser.error("--pages, --threads and --runs must be 1 or more")
    chosen.peers = [known[name] for name in names]
    return chosen


@contextmanager
def _work_folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="kbgen-bench-") as folder:
            yield Path(folder)
        return
    if keep.exists() and any(keep.iterdir()):
        raise BenchError(f"--keep {keep}: the folder is not empty; name a new one")
    keep.mkdir(parents=True, exist_ok=True)
    yield keep.resolve()


def _say(message: str) -> None:
    print(f"bench: {message}", file=sys.stderr, flush=True)


def _installed(kind: type[Peer], folder: Path, topics: Sequence[Topic]) -> Peer | PeerRun:
    _say(f"installing {kind.label}")
    return ready(kind, folder / kind.name, topics)


def _rounds(
    folder: Path, seeds: Sequence[Seed], chosen: argparse.Namespace
) -> tuple[list[SubjectRun], list[tuple[PeerRun, ...]]]:
    topics = list(multiply(seeds, chosen.pages))
    project = folder / "kbgen"
    write_project(project, topics, vocabulary(seeds))
    peers = [_installed(kind, folder, topics) for kind in chosen.peers]
    ours: list[SubjectRun] = []
    theirs: list[list[PeerRun]] = [[] for _ in peers]
    # Round by round, so that a busy minute of the machine does not fall on one generator alone.
    for number in range(chosen.runs):
        _say(f"round {number + 1} of {chosen.runs}: kbgen, cold, again and three nights, of {chosen.pages:,} threads")
        ours.append(measure(project, lambda: topics, chosen.pages))
        for runs, peer in zip(theirs, peers, strict=True):
            if isinstance(peer, Peer):
                _say(f"building with {peer.label}")
            runs.append(built(peer))
    return ours, [sound(runs) for runs in theirs]


def _memory(folder: Path, seeds: Sequence[Seed], threads: int) -> BuildRun:
    _say(f"kbgen, cold build of {threads:,} threads, memory sampled")
    project = folder / "memory"
    write_project(project, multiply(seeds, threads), vocabulary(seeds))
    return memory(project)


def _bench(chosen: argparse.Namespace) -> Results:
    load = os.getloadavg()[0]
    seeds = read_seeds(data_folder())
    _say(f"{len(seeds):,} real threads with an accepted answer")
    with _work_folder(chosen.keep) as folder:
        ours, theirs = _rounds(folder, seeds, chosen)
        weighed = None if "memory" in chosen.skip else _memory(folder, seeds, chosen.threads)
        scale = measure_scale(folder, seeds, chosen.scale, _say) if chosen.scale else None
    machine = Machine(os.cpu_count() or 1, platform.python_version(), (load, os.getloadavg()[0]))
    return Results(__version__, machine, chosen.pages, tuple(ours), tuple(theirs), chosen.threads, weighed, scale)


def main(given: Sequence[str] | None = None) -> int:
    """Run the benchmark; 0 done, 2 when it cannot be made."""
    chosen = _arguments(given)
    try:
        results = _bench(chosen)
    except DataMissing as error:
        _say(str(error))
        return 2
    except BenchError as error:
        _say(str(error))
        return 2
    if chosen.json:
        chosen.json.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n")
    print(markdown(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
