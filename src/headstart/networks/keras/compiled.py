"""What a Keras model was compiled with, in the words of a study: it is said, not taken over."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from headstart.study.training import DEFAULTS, OptimiserSpec

_OPTIMISERS: Mapping[str, str] = {
    "SGD": "sgd",
    "Adam": "adam",
    "AdamW": "adamw",
    "RMSprop": "rmsprop",
    "Adadelta": "adadelta",
}
_SETTINGS = {
    "learning_rate": "lr",
    "momentum": "momentum",
    "nesterov": "nesterov",
    "beta_1": "beta1",
    "beta_2": "beta2",
    "rho": "decay",
    "epsilon": "epsilon",
    "weight_decay": "weight_decay",
}
_WITHOUT_LIKE = (
    "amsgrad",
    "centered",
    "clipnorm",
    "clipvalue",
    "global_clipnorm",
    "gradient_accumulation_steps",
    "use_ema",
)
"""Settings that, where they are used, make an optimiser that no study has."""


def compiled_note(model: Any) -> str:
    """A sentence on the optimiser and the loss of a model; empty where it has none.

    It names the table that would train as the model was compiled, where a study can.
    """
    optimiser = getattr(model, "optimizer", None)
    if optimiser is None:
        return ""
    name = type(optimiser).__name__
    loss = getattr(model, "loss", None)
    loss = loss if isinstance(loss, str) else getattr(loss, "name", type(loss).__name__)
    said = f"compiled with {name} and {loss}, which are not used"
    table = _table(name, optimiser.get_config())
    return (
        f"{said}; to use that optimiser: training={{'optimiser': {table}, ...}}" if table else said
    )


def is_trained(model: Any) -> bool:
    """Whether a compiled model has taken a step; of others nothing is known."""
    steps = getattr(getattr(model, "optimizer", None), "iterations", None)
    return steps is not None and int(steps) > 0


def _table(name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """The optimiser as a study file has it; empty where it has none like it."""
    kind = _OPTIMISERS.get(name)
    given = {
        ours: value
        for theirs, ours in _SETTINGS.items()
        if (value := config.get(theirs)) is not None
    }
    if kind is None or any(config.get(setting) for setting in _WITHOUT_LIKE):
        return {}
    if not all(isinstance(value, int | float) for value in given.values()):  # a schedule of rates
        return {}
    if given.get("weight_decay") and kind != "adamw":  # Keras takes it apart from the gradient
        return {}
    usual = DEFAULTS["keras"][kind]
    settings = {
        setting: number
        for setting, value in given.items()
        if (number := _rounded(value)) != usual.get(setting, 0) or setting == "lr"
    }
    table: dict[str, Any] = {"kind": kind, "defaults": "keras", **settings}
    with suppress(ValueError):  # settings that a study does not take together
        OptimiserSpec(**table)
        return table
    return {}


def _rounded(value: float) -> float | bool:
    """A number that float32 has made 0.0010000000474974513 of, as it was written."""
    return value if isinstance(value, bool) else float(f"{value:.7g}")
