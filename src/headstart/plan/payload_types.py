"""Types of the payloads of steps: what planning writes and execution reads, field by field.

They are dictionaries, because a key is a hash of their JSON; a field that is left out has the value
that it had before it came to be.
"""

from typing import Literal, NotRequired, TypedDict

from headstart.core.hashing import Json
from headstart.study.tasks import Alteration
from headstart.study.training import ClassWeights, Keep, MetricName


class ImagesPayload(TypedDict):
    """The images of a data set, and how image files are decoded."""

    content: str
    decoding: NotRequired[Json]


class SubsetPayload(TypedDict):
    """A drawn subset: so many `images`, or so many `per_class`."""

    seed: int
    role: str
    images: NotRequired[int]
    per_class: NotRequired[int]


class TestCutPayload(TypedDict, total=False):
    """What is cut off for testing, and the part of the images that a task takes.

    In a repeated split `test_seed` is the seed whose test part it is, and `split_seed` the one that
    all are dealt by; without the former, test images are all images of the task.
    """

    take: list[float]
    test: float | Literal["repeated"]
    drop_last: int
    split_seed: int
    test_seed: int


class DataPayload(ImagesPayload, TestCutPayload):
    """Training images (with a split) or test images (with a cut) of a task."""

    groups: list[list[int]]
    split: NotRequired[Json]
    alter: NotRequired[list[Alteration]]
    subset: NotRequired[SubsetPayload]


class StartRulePayload(TypedDict):
    """Weights of some stages: drawn for a `role`, or those that count of the steps at `inputs`."""

    stages: list[str]
    role: NotRequired[str]
    inputs: NotRequired[list[int]]
    keep: NotRequired[Keep]
    transform: NotRequired[str]


class PhasePayload(TypedDict):
    """One phase of a training as all of its seeds have it."""

    network: Json
    phase: Json
    optimiser: Json
    schedule: Json
    batch_size: int
    first_update: int
    measure_at: list[int]
    role: str
    threads: int
    precision: NotRequired[Literal["bfloat16"]]
    augment: NotRequired[list[Json]]
    class_weights: NotRequired[ClassWeights]
    metric: NotRequired[MetricName]


class TrainPayload(PhasePayload):
    """One phase of one training."""

    data: DataPayload
    preprocessing: Json
    start: list[StartRulePayload] | Literal["continue"]
    seed: int


class PredictPayload(TypedDict):
    """Test images for the weights that count of the inputs, or for those put together by rules."""

    data: DataPayload
    preprocessing: Json
    network: Json
    threads: int
    keep: NotRequired[Keep]
    train: NotRequired[DataPayload]
    label_map: NotRequired[DataPayload]
    source_classes: NotRequired[int]
    metric: NotRequired[MetricName]
    weights: NotRequired[list[StartRulePayload]]


class MergePayload(TypedDict):
    """The trunk of a checkpoint."""

    network: Json
    image: list[int]
    checkpoint: str
    allow_partial: NotRequired[bool]


class OverlapPayload(TypedDict):
    """Images to be searched for copies; without a source where its images are not known."""

    target: DataPayload
    test: DataPayload
    near: float | None
    source: NotRequired[DataPayload]


class MistakesPayload(TypedDict):
    """Test images, and the inputs with predictions for them: a list for each arm, by seed.

    `arms` are the transfer arms; `overlap` is the input that says which test images leaked, or one
    for each seed where each has a test part to itself.
    """

    test: DataPayload
    arms: list[list[int]]
    control: list[int]
    overlap: int | list[int]


class CandidatePayload(TypedDict):
    """One arm at one learning rate, and the steps of its training."""

    arm: str
    rate: float
    inputs: list[int]
    keep: Keep


class SelectPayload(TypedDict):
    """Candidates to choose from on validation."""

    candidates: list[CandidatePayload]
    control: str | None
