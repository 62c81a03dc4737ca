"""A job: steps that are done together with all that they read, and what came of each.

A job is a pure function of its content: the process that does it opens no database and leaves
nothing but what it returns, so that an engine may lose it, move it or do it twice.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from headstart.core.array_cache import MemmapCache
from headstart.core.hashing import Json
from headstart.execute.options import Device
from headstart.plan.steps import Step, StepKind
from headstart.store.blobs import Packed
from headstart.store.reading import StepInputs
from headstart.store.store import Store

# Kinds of step that read weights, and so what the steps before their inputs have stored too.
READ_WEIGHTS: frozenset[StepKind] = frozenset({"train", "predict"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Steps, in the order in which they are done: some need what others of the same job give.

    Where workers share the folder of the store (`inputs.folder`), they leave large arrays there as
    files that wait to be moved, and cached features for each other. `threads` are for cores that
    nobody else needed when it was made; they change no number.
    """

    steps: tuple[Step, ...]
    inputs: StepInputs
    device: Device
    shared: bool
    threads: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """What came of a step: its result and arrays and where it ran, or an error text."""

    key: str
    seconds: float = 0.0
    result: Json = field(default_factory=dict)
    arrays: Packed | None = None
    environment: Json = field(default_factory=dict)
    error: str = ""


Results = tuple[Computed, ...]
"""What came of each step of a job, in order; of those that need a step that failed, nothing."""


def make_job(
    steps: Sequence[Step], store: Store, device: Device, *, shared: bool, threads: int = 1
) -> Job:
    """A job with all that its steps read of the store; they come after their inputs."""
    inputs = store.inputs_of(
        {key for step in steps for key in step.inputs} - {step.key for step in steps},
        ancestors=any(step.kind in READ_WEIGHTS for step in steps),
    )
    return Job(steps=tuple(steps), inputs=inputs, device=device, shared=shared, threads=threads)


def feature_cache(folder: Path, *, shared: bool = True) -> MemmapCache:
    """Features of frozen trunks beside a store: none outlives the run that needs it.

    A machine that does not share the folder has others among its temporary files, where the longest
    unused make room for new ones.
    """
    place = folder if shared else Path(tempfile.gettempdir()) / "headstart"
    return MemmapCache(place / "features")
