"""Executor that runs steps in worker processes of this machine."""

import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Protocol

from filelock import FileLock, Timeout

from headstart.core.file_systems import native_lock
from headstart.core.thread_budget import ONE_THREAD, ThreadBudget, attach
from headstart.execute.environment import usable_cores
from headstart.execute.executors.executor import KilledForMemory, WorkerDied
from headstart.execute.job import Job, Results
from headstart.execute.worker import do_job


class ReusablePool(Protocol):
    """The part of loky's pool that is used; loky has no types."""

    _processes: dict[int, object]  # by the system's number

    def submit(self, do: Callable[..., Results], *given: object) -> Future[Results]:
        """Start a call in a worker."""

    def shutdown(self, *, wait: bool, kill_workers: bool) -> None:
        """End the workers, with `kill_workers` in the middle of a call."""


class ProcessExecutor:
    """Steps in worker processes of this machine: one thread each, and those that are idle.

    Args:
        workers: how many.
        places: the GPU that each of them sees, by the driver's id; none where they use none.
    """

    shared = True
    handover = 0.002

    def __init__(self, workers: int, places: tuple[str, ...] = ()) -> None:
        self.slots = workers
        self._places = places
        self._pool: ReusablePool | None = None

    def submit(self, job: Job) -> Future[Results]:
        """Hand the job to a free worker; workers start when first needed and after a death."""
        from loky import get_reusable_executor

        try:
            with _ctrl_c_later():
                self._pool = get_reusable_executor(
                    max_workers=self.slots,
                    timeout=60,
                    initializer=_start_worker,
                    initargs=(os.getpid(), _thread_budget().name, self._places),
                    env=_worker_environment(),
                )
                return _translated(self._pool.submit(do_job, job))
        except KeyboardInterrupt:  # the caller knows nothing of this submission
            self.abandon()
            raise

    def set_threads(self, threads: int) -> None:
        """Write it where all workers look, at every update and every batch."""
        _thread_budget().set_threads(min(threads, usable_cores()))

    def abandon(self) -> None:
        """End the workers now."""
        # Asked for by itself loky would make a pool of its own, once this one has done its work.
        if self._pool is not None:
            # First of all: one that is still starting would miss what the pool takes away.
            for number in list(self._pool._processes):
                with suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)
            self._pool.shutdown(wait=True, kill_workers=True)

    def close(self) -> None:
        """Idle workers end by themselves; until then a next run finds them ready."""


@contextmanager
def _ctrl_c_later() -> Iterator[None]:
    """Ctrl-C waits until the block is left; processes started in it never see one.

    A worker is hit by the Ctrl-C of its terminal like its parent, and would otherwise tell of it
    with a traceback for as long as it is still starting.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    from loky.backend import resource_tracker as loky_tracker

    for tracker in (resource_tracker, loky_tracker):
        tracker.ensure_running()  # started in the block it would let Ctrl-C through again
    caught: list[FrameType | None] = []
    usual = signal.getsignal(signal.SIGINT)
    held = threading.current_thread() is threading.main_thread() and callable(usual)
    if held:  # the mask is this thread's alone, and another, of a library, would take the signal
        signal.signal(signal.SIGINT, lambda _, frame: caught.append(frame))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if held:
            signal.signal(signal.SIGINT, usual)
    if caught and callable(usual):
        usual(signal.SIGINT, caught[0])


def _worker_environment() -> dict[str, str]:
    """One thread each; memory of a batch's size is kept for the next batch, in huge pages.

    Data and features that stay for the next step are no leak, for which loky, where psutil is
    installed, would end a worker that has grown by 300 MB, and start another with nothing.

    An update frees all that it took, and glibc by default gives that back to the system, which
    then clears every page of it anew: a tenth to a quarter of the time of a convolutional network.
    What the user has set stays. Other C libraries do not look at these.
    """
    wanted = {
        "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),  # data sets stay above it, batches below
        "MALLOC_TRIM_THRESHOLD_": str(2**30),  # more than the activations of a batch of photos
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
        "LOKY_MAX_MEMORY_LEAK_SIZE": "1e18",
    }
    free = {name: value for name, value in wanted.items() if name not in os.environ}
    return {**ONE_THREAD, **free}


@cache
def _thread_budget() -> ThreadBudget:
    """One for all executors of this process, whose workers are the same too."""
    return ThreadBudget()


def _start_worker(parent: int, budget: str, places: tuple[str, ...]) -> None:
    """Ctrl-C is the parent's business; a worker whose parent is gone ends itself."""
    import time

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    attach(budget)
    _take_place(budget, places)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _take_place(executor: str, places: tuple[str, ...]) -> None:
    """Let this worker see one GPU: that of the first place that no other worker has.

    The lock on a place is the worker's until it ends, however that is.

    Args:
        executor: a name that no other process that has workers uses.
        places: the GPU of each worker.
    """
    for number, gpu in enumerate(places):
        lock = native_lock(Path(tempfile.gettempdir()) / f"headstart-{executor}-gpu{number}.lock")
        with suppress(Timeout):
            lock.acquire(timeout=0)
            _held.append(lock)
            os.environ["CUDA_VISIBLE_DEVICES"] = gpu  # before CUDA is first asked
            return


_held: list[FileLock] = []


def _death(said: str) -> WorkerDied:
    """loky's sentence on dead workers; SIGKILL is what the system sends where memory runs out."""
    first = said.splitlines()[0]
    if "SIGKILL(-9)" in said:
        return KilledForMemory(f"{first} Killed by signal 9")
    return WorkerDied(first)


def _translated(inner: "Future[Results]") -> Future[Results]:
    """The same future, with loky's errors of a dead worker as `WorkerDied`."""
    from concurrent.futures.process import BrokenProcessPool

    outer: Future[Results] = Future()

    def settle(done: "Future[Results]") -> None:
        if outer.cancelled() or done.cancelled():
            return
        error = done.exception()
        if error is None:
            outer.set_result(done.result())
        elif isinstance(error, BrokenProcessPool):
            outer.set_exception(_death(str(error)))
        else:
            outer.set_exception(error)

    inner.add_done_callback(settle)
    return outer
