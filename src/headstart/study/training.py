"""How long and with which optimiser: budgets in updates, optimisers with explicit defaults."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from headstart.study.augment import Augmentation
from headstart.study.base import Spec

Rate = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, lt=1)]
Precision = Literal["float32", "bfloat16"]
Keep = Literal["best", "last"]
MetricName = Literal["accuracy", "balanced_accuracy"]
ClassWeights = Literal["equal", "balanced"]

# The published defaults of the two libraries people come from. `defaults` says which of them fills
# what a study leaves open, and the filled values are what is hashed. A name that is absent here is
# not a setting of that optimiser.
DEFAULTS: dict[str, dict[str, dict[str, float]]] = {
    "torch": {
        "sgd": {"lr": 1e-3, "momentum": 0.0},
        "adam": {"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
        "adamw": {"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 1e-2},
        "rmsprop": {"lr": 1e-2, "decay": 0.99, "epsilon": 1e-8, "momentum": 0.0},
        "adadelta": {"lr": 1.0, "decay": 0.9, "epsilon": 1e-6},
    },
    "keras": {
        "sgd": {"lr": 1e-2, "momentum": 0.0},
        "adam": {"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-7},
        "adamw": {"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-7, "weight_decay": 4e-3},
        "rmsprop": {
            "lr": 1e-3,
            "decay": 0.9,
            "epsilon": 1e-7,
            "momentum": 0.0,
            "epsilon_inside": True,
        },
        "adadelta": {"lr": 1e-3, "decay": 0.95, "epsilon": 1e-7},
    },
}


class OptimiserSpec(Spec):
    """An optimiser with every setting explicit once the spec is built.

    What is left open is filled from the defaults of PyTorch or of Keras 3, whichever `defaults`
    names. `decay` is the weight of the past in RMSprop's and Adadelta's running squares. RMSprop
    divides by sqrt(v) + epsilon in PyTorch and by sqrt(v + epsilon) in Keras (`epsilon_inside`),
    which damps small gradients: raw pixels show the difference.
    """

    kind: Literal["sgd", "adam", "adamw", "rmsprop", "adadelta"] = "sgd"
    defaults: Literal["torch", "keras"] = "torch"
    lr: Rate
    momentum: Share = 0.0
    nesterov: bool = False
    beta1: Share = 0.0
    beta2: Share = 0.0
    decay: Share = 0.0
    epsilon: Annotated[float, Field(ge=0)] = 0.0
    epsilon_inside: bool = False
    weight_decay: Annotated[float, Field(ge=0)] = 0.0

    @model_validator(mode="before")
    @classmethod
    def _filled(cls, given: Any) -> Any:
        if isinstance(given, str):
            given = {"kind": given}
        if not isinstance(given, dict):
            return given
        library = DEFAULTS.get(str(given.get("defaults", "torch")), DEFAULTS["torch"])
        return {**library.get(str(given.get("kind", "sgd")), {"lr": 1e-3}), **given}

    @model_validator(mode="after")
    def _settings_fit(self) -> "OptimiserSpec":
        # Weight decay is a setting of every optimiser here.
        takes = {*DEFAULTS["torch"][self.kind], "weight_decay", "kind", "defaults"}
        if self.kind == "sgd":
            takes.add("nesterov")
        if self.kind == "rmsprop":
            takes.add("epsilon_inside")
        for name, field in type(self).model_fields.items():
            if name not in takes and getattr(self, name) != field.default:
                raise ValueError(
                    f"'{name}' is not a setting of {self.kind}; "
                    f"it takes: {', '.join(sorted(takes - {'kind', 'defaults'}))}"
                )
        if self.epsilon_inside and self.momentum > 0:
            raise ValueError("'epsilon_inside' goes without momentum")
        if self.nesterov and self.momentum == 0:
            raise ValueError("'nesterov' needs a momentum above 0")
        return self


class ScheduleSpec(Spec):
    """The learning rate over a phase: constant, or a cosine to zero after a linear warm-up.

    `warmup` is a share of the phase's updates.
    """

    kind: Literal["constant", "cosine"] = "constant"
    warmup: Share = 0.0

    @model_validator(mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:
        return {"kind": given} if isinstance(given, str) else given


class TrainingSpec(Spec):
    """The budget and the optimiser of a training, the same for all arms of a comparison.

    Either `updates`, or `epochs` with a floor of `min_updates`, which keeps small sizes fed.
    Validation is measured `validations` times, evenly spaced; `keep` says which weights count.
    `rates` are learning rates to choose from: every arm tries each of them at each size on the
    pilot seed, and the best on validation takes the place of the optimiser's own. `precision` is
    that of what flows through a network in an update, and through frozen layers before the first;
    weights and all else are float32. `augment` changes the training images at every update, so no
    layer's output stays the same and none is computed once. With `class_weights = "balanced"` the
    loss of an image is weighted by n / (K n_c), with its class's n_c of the n training images in K
    classes.
    """

    epochs: Annotated[float, Field(gt=0)] | None = None
    min_updates: Annotated[int, Field(ge=0)] = 0
    updates: Annotated[int, Field(ge=1)] | None = None
    batch_size: Annotated[int, Field(ge=1)] = 32
    optimiser: OptimiserSpec = OptimiserSpec(lr=0.02, momentum=0.9)
    schedule: ScheduleSpec = ScheduleSpec(kind="cosine", warmup=0.05)
    validations: Annotated[int, Field(ge=1)] = 10
    keep: Keep = "best"
    rates: tuple[Rate, ...] = ()
    precision: Precision = "float32"
    augment: tuple[Augmentation, ...] = ()
    class_weights: ClassWeights = "equal"

    @field_validator("rates")
    @classmethod
    def _ascending(cls, rates: tuple[float, ...]) -> tuple[float, ...]:
        if len(rates) == 1:
            raise ValueError("is one learning rate only; give it as the optimiser's 'lr'")
        if list(rates) != sorted(set(rates)):
            raise ValueError("must be in ascending order, each rate once")
        return rates

    @model_validator(mode="after")
    def _one_budget(self) -> "TrainingSpec":
        if (self.epochs is None) == (self.updates is None):
            raise ValueError("give either 'epochs' (with 'min_updates') or 'updates', one of them")
        if self.updates is not None and self.min_updates:
            raise ValueError("'min_updates' goes with 'epochs'; 'updates' is already a number")
        return self

    def at(self, rate: float | None) -> "TrainingSpec":
        """The training with the learning rate that was chosen; the same where none is to choose."""
        if not self.rates:
            return self
        assert rate is not None, "a learning rate must have been chosen"
        optimiser = self.optimiser.model_copy(update={"lr": rate})
        return self.model_copy(update={"optimiser": optimiser, "rates": ()})

    def untuned(self) -> "TrainingSpec":
        """The training at the middle one of its learning rates."""
        return self.at(self.rates[len(self.rates) // 2]) if self.rates else self

    def batch_of(self, num_images: int) -> int:
        """The batch size for `num_images` training images: never more than there are."""
        return min(self.batch_size, num_images)

    def updates_for(self, num_images: int) -> int:
        """The budget in updates for `num_images` training images."""
        if self.updates is not None:
            return self.updates
        assert self.epochs is not None
        per_epoch = -(-num_images // self.batch_of(num_images))
        return max(1, self.min_updates, round(self.epochs * per_epoch))

    def measured_at(self, total: int, first: int, updates: int) -> tuple[int, ...]:
        """Updates of a trial at which a phase of it measures validation.

        The measurements are spaced evenly over the trial's `total` updates, the last at its end; a
        phase that covers the updates `first` + 1 to `first` + `updates` gets those that fall in it.
        """
        count = min(self.validations, total)
        points = (total * number // count for number in range(1, count + 1))
        return tuple(point for point in points if first < point <= first + updates)
