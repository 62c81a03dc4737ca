"""Declared networks: named stages of layers from stem to head, as a study file writes them."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from headstart.study.base import HEAD, Spec

Initialiser = Literal[
    "he_normal", "he_uniform", "glorot_normal", "glorot_uniform", "lecun_normal", "torch"
]
Count = Annotated[int, Field(ge=1)]


class Conv(Spec):
    """Two-dimensional convolution. `padding = "same"` pads with zeros (stride 1 keeps the size)."""

    kind: Literal["conv"] = "conv"
    channels: Count
    kernel: Count = 3
    stride: Count = 1
    padding: Literal["valid", "same"] = "valid"
    bias: bool = True
    initialiser: Initialiser | None = None


class Dense(Spec):
    """Fully connected layer. Needs a flat input."""

    kind: Literal["dense"] = "dense"
    units: Count
    bias: bool = True
    initialiser: Initialiser | None = None


class MaxPool(Spec):
    """The largest value of each window; windows do not overlap, a rest at the border is dropped."""

    kind: Literal["max_pool"] = "max_pool"
    size: Count = 2


class AveragePool(Spec):
    """The mean of each window; windows do not overlap, a rest at the border is dropped."""

    kind: Literal["average_pool"] = "average_pool"
    size: Count = 2


class GlobalAveragePool(Spec):
    """The mean of each channel over the whole image; gives a flat output."""

    kind: Literal["global_average_pool"] = "global_average_pool"


class Flatten(Spec):
    """Flatten an image to a vector."""

    kind: Literal["flatten"] = "flatten"


class Relu(Spec):
    """max(x, 0)."""

    kind: Literal["relu"] = "relu"


class LeakyRelu(Spec):
    """x where positive, slope times x elsewhere. Keras 2's default slope is 0.3, PyTorch's 0.01."""

    kind: Literal["leaky_relu"] = "leaky_relu"
    slope: Annotated[float, Field(ge=0, lt=1)]


class Gelu(Spec):
    """Gaussian error linear unit: x times the normal distribution function of x."""

    kind: Literal["gelu"] = "gelu"


class Tanh(Spec):
    """Hyperbolic tangent."""

    kind: Literal["tanh"] = "tanh"


class Dropout(Spec):
    """Each value is dropped with probability `rate` while its stage is in train mode."""

    kind: Literal["dropout"] = "dropout"
    rate: Annotated[float, Field(gt=0, lt=1)]


class BatchNorm(Spec):
    """Batch normalisation. `momentum` is the weight of the new batch in the running statistics."""

    kind: Literal["batch_norm"] = "batch_norm"
    momentum: Annotated[float, Field(gt=0, le=1)] = 0.1
    epsilon: Annotated[float, Field(gt=0)] = 1e-5


AnyLayer = (
    Conv
    | Dense
    | MaxPool
    | AveragePool
    | GlobalAveragePool
    | Flatten
    | Relu
    | LeakyRelu
    | Gelu
    | Tanh
    | Dropout
    | BatchNorm
)


def _layer(given: Any) -> Any:
    """A layer that needs no settings may be written as its bare name: "relu"."""
    return {"kind": given} if isinstance(given, str) else given


Layer = Annotated[
    Annotated[AnyLayer, Field(discriminator="kind")],
    BeforeValidator(_layer),
]


class StageSpec(Spec):
    """A named run of layers. Cuts lie between stages."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
    layers: Annotated[tuple[Layer, ...], Field(min_length=1)]


class HeadSpec(Spec):
    """The last stage: a dense layer to the classes of the task at hand.

    `softmax` has one output per class. `sigmoid` has a single output for a task of two classes, and
    is `softmax` for a task of more.
    """

    output: Literal["softmax", "sigmoid"] = "softmax"
    initialiser: Initialiser = "glorot_uniform"


class DeclaredNetwork(Spec):
    """Stages from stem to the last before the head, and the head.

    `initialiser` holds for every layer that names none of its own. Biases start at zero, except
    with `torch`, which is PyTorch's own default for weights and biases.
    """

    stages: Annotated[tuple[StageSpec, ...], Field(min_length=1)]
    head: HeadSpec = HeadSpec()
    initialiser: Initialiser = "he_normal"

    @field_validator("stages")
    @classmethod
    def _names(cls, stages: tuple[StageSpec, ...]) -> tuple[StageSpec, ...]:
        names = [stage.name for stage in stages]
        if HEAD in names:
            raise ValueError(f"a stage is named '{HEAD}'; that name is kept for the last stage")
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two stages are named '{twice[0]}'; every stage needs its own name")
        return stages

    @property
    def stage_names(self) -> tuple[str, ...]:
        """Names of all stages, the head last."""
        return (*(stage.name for stage in self.stages), HEAD)

    @property
    def cuts(self) -> tuple[str, ...]:
        """Stages of the trunk that hold weights, so that cuts after them differ."""
        return tuple(
            stage.name
            for stage in self.stages
            if any(isinstance(layer, Conv | Dense | BatchNorm) for layer in stage.layers)
        )


def _cnn(first: int, second: int, dense: int) -> DeclaredNetwork:
    return DeclaredNetwork(
        stages=(
            StageSpec(
                name="conv1",
                layers=(Conv(channels=first), MaxPool(), Relu()),
            ),
            StageSpec(
                name="conv2",
                layers=(Conv(channels=second), MaxPool(), Relu()),
            ),
            StageSpec(name="dense", layers=(Flatten(), Dense(units=dense), Relu())),
        )
    )


def _mlp(*units: int) -> DeclaredNetwork:
    stages = [
        StageSpec(
            name=f"dense{number}",
            layers=(*((Flatten(),) if number == 1 else ()), Dense(units=size), Relu()),
        )
        for number, size in enumerate(units, 1)
    ]
    return DeclaredNetwork(stages=tuple(stages))


NAMED_NETWORKS: dict[str, DeclaredNetwork] = {
    "cnn-tiny": _cnn(8, 16, 64),
    "cnn-small": _cnn(32, 64, 128),
    "mlp-small": _mlp(100, 100),
    "mlp-300-100": _mlp(300, 100),
}
"""Networks that a study may name instead of writing them out (`network = "cnn-tiny"`)."""
