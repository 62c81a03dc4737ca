"""What a Keras model was compiled with, in the words of a study: it is said, not taken over."""

from collections.abc import Mapping
from typing import Any

_OPTIMISERS: Mapping[str, str] = {
    "SGD": "sgd",
    "Adam": "adam",
    "AdamW": "adamw",
    "RMSprop": "rmsprop",
    "Adadelta": "adadelta",
}
_SETTINGS = {"learning_rate": "lr", "momentum": "momentum", "nesterov": "nesterov"}


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
    if name not in _OPTIMISERS:
        return {}
    settings = {
        ours: _rounded(config[theirs])
        for theirs, ours in _SETTINGS.items()
        if isinstance(config.get(theirs), int | float) and config[theirs]
    }
    return {"kind": _OPTIMISERS[name], "defaults": "keras", **settings}


def _rounded(value: float) -> float | bool:
    """A number that float32 has made 0.0010000000474974513 of, as it was written."""
    return value if isinstance(value, bool) else float(f"{value:.7g}")
