"""Settings of a training: optimiser, learning rate, batch size."""

from headstart.audit.program.names import last_name
from headstart.audit.program.nets import Net
from headstart.audit.program.samples import Data
from headstart.audit.program.story import Settings
from headstart.audit.program.values import Constant, External, Instance, Value, number_in, text_in

OPTIMISERS = {
    "sgd", "adam", "adamw", "adamax", "nadam", "radam", "rmsprop", "adagrad", "adadelta", "lion",
    "lbfgs", "ftrl", "adafactor", "asgd", "rprop", "momentum",
}  # fmt: skip
_KERAS_RATES = {
    "sgd": 0.01, "adam": 0.001, "rmsprop": 0.001, "adadelta": 0.001, "adagrad": 0.001,
    "adamax": 0.001, "nadam": 0.001, "ftrl": 0.001, "adamw": 0.001,
}  # fmt: skip
_TORCH_RATES = {"adam": 0.001, "adamw": 0.001, "rmsprop": 0.01, "adadelta": 1.0, "sgd": 0.001}


def settings_of(net: Net, batch: Value | None, data: Data) -> Settings:
    """Settings of a training of a network on samples."""
    given = next(
        (n.settings["optimizer"] for n in net.everything() if "optimizer" in n.settings), None
    )
    size = number_in(batch)
    if size is None and batch is None:
        size = data.batch_size
    name, rate = _optimiser_of(given)
    return Settings(optimiser=name, rate=rate, batch=None if size is None else int(size))


def _optimiser_of(value: Value | None) -> tuple[str | None, float | None]:
    """Name and learning rate of an optimiser, each where the text shows it."""
    text = text_in(value)
    if text is not None:
        return text.lower(), _KERAS_RATES.get(text.lower())
    if isinstance(value, External):
        return last_name(value.path).lower(), None
    if not isinstance(value, Instance):
        return None, None
    name = last_name(value.kind).lower()
    given = value.named("learning_rate", "lr")
    torch = value.kind.startswith("torch")
    if given is None:
        return name, (_TORCH_RATES if torch else _KERAS_RATES).get(name)
    return name, number_in(given) if isinstance(given, Constant) else None
