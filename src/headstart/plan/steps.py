"""The step: one unit of work with a key. Same key, same artifact."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from headstart.core.hashing import Json, digest
from headstart.plan.allocation import Allocation
from headstart.study.tasks import DataRef

StepKind = Literal["train", "select", "predict", "score", "overlap", "merge", "mistakes"]

# Bumped by hand when the meaning of a kind changes, so that nothing stored under the old meaning is
# taken for the new one.
VERSIONS: dict[StepKind, int] = {
    "train": 1,
    "select": 2,
    "predict": 3,
    "score": 1,
    "overlap": 4,
    "merge": 1,
    "mistakes": 1,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What to compute (kind, payload, inputs), and what only helps to do it.

    `datasets` (name of the images -> how to find them), `files` (content hash -> path), `label`,
    `updates`, `flops` (of training), `once` (the part of `flops` before the first update),
    `evaluation_flops` (of measuring on validation images, or of predicting), `memory` (bytes that a
    training is estimated to take; 0 of other steps) and `batch_groups` do not enter the key: no
    result depends on where data lies, on the cost of a step or on what runs beside it. Steps of one
    batch group (`batch_groups`: device -> group) run together.
    """

    kind: StepKind
    payload: Json
    inputs: tuple[str, ...]
    datasets: dict[str, DataRef]
    label: str
    updates: int
    flops: int
    once: int = 0
    evaluation_flops: int = 0
    memory: int = 0
    batch_groups: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
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
    that trains nothing has no training steps. `forgetting_key` is the score of the source's own
    head on the trained trunk, on the source's test images; None where that was not asked for.
    """

    arm: str
    size: str
    num_images: int
    source: str
    target: str
    seed: int
    train_keys: tuple[str, ...]
    predict_key: str
    score_key: str
    updates: int
    flops: int
    trainable_parameters: int
    total_parameters: int
    forgetting_key: str | None = None

    @property
    def keys(self) -> set[str]:
        """Keys of the steps that train it, predict with it and score it."""
        return {*self.train_keys, self.predict_key, self.score_key}


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One learning rate of one arm on one seed: what validation says of it.

    `finite` is whether all weights and losses of the training stayed finite.
    """

    rate: float
    accuracy: float
    loss: float
    finite: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Choice of the pilot for a pair at a size.

    `scores` are all rates tried, by arm; `edges` are the sides of the grid (`low`, `high`) at which
    an arm's best rate lies. `control_error` is the control's error on validation images. `seed` is
    the seed that it was made on, None for the pilot seed.
    """

    rates: dict[str, float]
    scores: dict[str, tuple[Score, ...]]
    edges: dict[str, str]
    control_error: float | None
    seed: int | None = None


Place = tuple[str, str, str]
"""(source, target, size)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All trials of a study that can be planned, and their steps, every step after its inputs.

    `overlaps` are the steps that look for shared images, by (source, target): one for all seeds, or
    one for each where each has a test part to itself. `num_waiting` trials wait for the choices of
    the `undecided` steps, which settle what `settling` says. `checkpoints` are the steps
    that load pretrained sources, by source; `mistakes` those that list mistakes on test images, by
    place: the largest size of each pair. `choices` and `margins` (in percentage points) are what
    the pilot has settled, by place: choices of one seed for all, or of each for itself.
    `allocation` says how many of the seeds each cell has; None where all have every one.
    """

    trials: tuple[Trial, ...]
    sources: tuple[Trial, ...]
    overlaps: dict[tuple[str, str], tuple[str, ...]]
    steps: dict[str, Step]
    num_waiting: int = 0
    undecided: tuple[str, ...] = ()
    settling: tuple[str, ...] = ()
    checkpoints: dict[str, str] = field(default_factory=dict)
    mistakes: dict[Place, str] = field(default_factory=dict)
    choices: dict[Place, tuple[Choice, ...]] = field(default_factory=dict)
    margins: dict[Place, float] = field(default_factory=dict)
    allocation: Allocation | None = None

    def behind(self, trials: Iterable[Trial]) -> frozenset[str]:
        """Keys of all steps that some trials need."""
        found: set[str] = set()
        left = [
            key
            for trial in trials
            for key in (*trial.train_keys, trial.score_key, trial.forgetting_key)
            if key is not None
        ]
        while left:
            key = left.pop()
            if key not in found:
                found.add(key)
                left += self.steps[key].inputs
        return frozenset(found)

    @property
    def num_trials(self) -> int:
        """Trials planned and waiting."""
        return len(self.trials) + self.num_waiting
