"""Where the work of a stage runs: in this process when there is little, else in a pool of processes.

A stage hands over a plain function and a sequence of parts; it gets the results in the order of the parts, however
many workers there are, so the bytes of a site do not depend on ``--jobs``.
"""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing import forkserver
from multiprocessing.context import BaseContext
from types import TracebackType
from typing import Any, Self, TypeVar

from kbgen.errors import NotPublished

Part = TypeVar("Part")
Result = TypeVar("Result")

# Parts in flight for each worker: enough to keep it busy, few enough to keep results out of memory.
_AHEAD = 3
Begin = Callable[..., Callable[[], Any]]
"""Begins a call in another process: of a function and its arguments, makes one that waits for the result."""
_KILLED = "a worker process was killed (out of memory?); run again, with a smaller --jobs if it repeats"


class Workers:
    """A pool that is started when it is first worth it.

    Args:
        jobs: processes; 0 for one a core.
        preload: modules that are imported once and shared by all workers, instead of once in each.
    """

    def __init__(self, jobs: int = 0, preload: Sequence[str] = ()) -> None:
        self.jobs = jobs or os.cpu_count() or 1
        self._preload = list(preload)
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=error is None, cancel_futures=True)

    def warm(self) -> None:
        """Begin to import what workers need, in the process they are forked from, beside what this one does."""
        if self.jobs > 1 and os.name == "posix":
            self._context()
            forkserver.ensure_running()

    def start(self, function: Callable[[Part], Result], parts: Sequence[Part]) -> Iterator[Result]:
        """Like ``map``, but all parts are handed out now: the caller may do something else before it takes results.

        Raises:
            NotPublished: a worker was killed; raised when results are taken.
        """
        if self.jobs == 1 or (len(parts) <= 1 and self._pool is None):
            return map(function, parts)
        pool = self._start()
        return self._results(iter([pool.submit(function, part) for part in parts]), len(parts))

    def _results(self, futures: Iterator[Future[Result]], ahead: int) -> Iterator[Result]:
        """Results in the order of the parts; at most ``ahead`` parts wait or are at work."""
        waiting: deque[Future[Result]] = deque()
        try:
            for future in futures:
                waiting.append(future)
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            self._pool = None
            raise NotPublished(_KILLED) from error

    def rest(self) -> None:
        """End the processes and give back their memory; they are started again when there is work for them."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    @contextmanager
    def beside(self) -> Iterator[Begin]:
        """A process of its own for some calls, one after the other; it ends with the block and gives its memory back.

        Gives a function that begins a call of a picklable function and gives one that waits for its result; meanwhile
        this process may do something else. With one job the call is made when its result is taken, in this process.

        Raises:
            NotPublished: the process was killed; raised when a result is taken.
        """
        if self.jobs == 1:
            yield partial
            return
        pool = self._processes(1)
        whole = False

        def begin(function: Callable[..., Result], *arguments: object) -> Callable[[], Result]:
            return partial(_result, pool.submit(function, *arguments))

        try:
            yield begin
            whole = True
        finally:
            # What nobody waited for still has to be over when the next thing begins.
            pool.shutdown(wait=whole, cancel_futures=not whole)

    def map(self, function: Callable[[Part], Result], parts: Sequence[Part]) -> Iterator[Result]:
        """Apply a picklable function to every part; results come in the order of the parts.

        Raises:
            NotPublished: a worker was killed (out of memory, by hand); nothing it did was kept.
        """
        if self.jobs == 1 or len(parts) <= 1:
            yield from map(function, parts)
            return
        pool = self._start()
        yield from self._results((pool.submit(function, part) for part in parts), self.jobs * _AHEAD)

    def _start(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = self._processes(self.jobs)
        return self._pool

    def _processes(self, count: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(count, mp_context=self._context(), initializer=_begin_work)

    def _context(self) -> BaseContext:
        # Not fork: progress bars run threads, and a fork of a threaded process can hang.
        context = multiprocessing.get_context("forkserver" if os.name == "posix" else "spawn")
        if self._preload:
            context.set_forkserver_preload(self._preload)
        return context


def _result(future: Future[Result]) -> Result:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise NotPublished(_KILLED) from error


def _begin_work() -> None:
    # A worker that outlives a killed run would go on writing where the next run is at work.
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    # What was imported stays: the collector need not look at it again and again.
    gc.collect()
    gc.freeze()


@contextmanager
def uncollected() -> Iterator[None]:
    """Look for no cycles meanwhile: among a million new objects that lie in none, the search is a fifth of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def give_back() -> None:
    """Hand memory that is no longer used to the system, where the C library can (malloc_trim(3), glibc)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim is not None:
        trim(0)


def chunks(items: Sequence[Part], size: int) -> list[Sequence[Part]]:
    """Cut a sequence into parts of at most ``size``."""
    return [items[start : start + size] for start in range(0, len(items), size)]
