"""Ray's errors as headstart's: a lost worker, a full object store, a node that has ended."""

from collections.abc import Iterator
from contextlib import contextmanager

from headstart.core.errors import ClusterError, HeadstartError
from headstart.execute.executors.executor import KilledForMemory, WorkerDied


def translated(error: BaseException) -> BaseException:
    """Ray's error as the scheduler knows it: a lost worker, or what the job itself raised."""
    from ray.exceptions import (
        LocalRayletDiedError,
        ObjectStoreFullError,
        OutOfDiskError,
        OutOfMemoryError,
        RayError,
        RayTaskError,
    )

    if isinstance(error, LocalRayletDiedError):
        return ClusterError(
            "the Ray node of this machine has ended, and with it the way to all others. What was "
            "finished is kept: run the same command again once Ray runs here."
        )
    cause = error.cause if isinstance(error, RayTaskError) else error
    if isinstance(cause, ObjectStoreFullError | OutOfDiskError):
        return ClusterError(
            f"Ray's object store is full: {first_line(cause)}. What was finished is kept. Give Ray "
            "more memory (ray start --object-store-memory BYTES) and a temporary folder on a disk "
            "with space (--temp-dir), or put store, data and weights on a folder that all nodes "
            "see; then run the same command again."
        )
    if isinstance(cause, HeadstartError):
        return cause
    if isinstance(error, OutOfMemoryError):
        return KilledForMemory(first_line(error))
    if isinstance(error, RayError) and not isinstance(error, RayTaskError):
        return WorkerDied(f"{type(error).__name__}: {first_line(error)}")
    return error


@contextmanager
def in_the_object_store() -> Iterator[None]:
    """What is put there by the block fits, or the error says that it does not."""
    from ray.exceptions import RayError

    try:
        yield
    except RayError as error:
        raise translated(error) from error


def first_line(error: BaseException) -> str:
    """The first line of an error's text, without the full stop."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].removesuffix(".")
