"""The step: one unit of work with a key. Same key, same artifact."""

from dataclasses import dataclass, field
from typing import Literal

from headstart.core.hashing import Json, digest
from headstart.spec.tasks import DataRef

StepKind = Literal["train", "predict", "overlap"]

# Bumped by hand when the meaning of a kind changes, so that nothing stored under the old meaning is
# taken for the new one.
VERSIONS: dict[StepKind, int] = {"train": 1, "predict": 1, "overlap": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What to compute (kind, payload, inputs), and what only helps to do it.

    `datasets` (content hash -> how to find the data), `label`, `updates`, `flops` and `stack` do
    not enter the key: where data lies and what a step costs does not change what comes out. Steps
    of one `stack` may be done together, which changes nothing either.
    """

    kind: StepKind
    payload: Json
    inputs: tuple[str, ...]
    datasets: dict[str, DataRef]
    label: str
    updates: int
    flops: int
    stack: str | None = None
    key: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "key", step_key(self.kind, VERSIONS[self.kind], self.payload, self.inputs)
        )


def step_key(kind: StepKind, version: int, payload: Json, inputs: tuple[str, ...]) -> str:
    """SHA-256 of the canonical JSON of kind, version, payload and input keys."""
    return digest({"kind": kind, "version": version, "payload": payload, "inputs": list(inputs)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One arm at one target size with one seed: the steps that make it, and its size in numbers.

    A source run is a trial too, on the source task, tested on the source's test images. A trial
    that trains nothing has no training steps.
    """

    arm: str
    size: str
    num_images: int
    source: str
    target: str
    seed: int
    train_keys: tuple[str, ...]
    predict_key: str
    updates: int
    flops: int
    trainable_parameters: int
    total_parameters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All trials of a study and the steps they need, every step after its inputs.

    `overlaps` are the steps that look for shared images, by (source, target).
    """

    trials: tuple[Trial, ...]
    sources: tuple[Trial, ...]
    overlaps: dict[tuple[str, str], str]
    steps: dict[str, Step]
