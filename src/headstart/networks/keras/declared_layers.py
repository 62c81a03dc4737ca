"""Single Keras layers as layers of a declared network, or why one cannot be such."""

from collections.abc import Callable, Mapping
from typing import Any

from headstart.networks.keras.graph import Layer
from headstart.study.declared import (
    AnyLayer,
    AveragePool,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    Gelu,
    GlobalAveragePool,
    Initialiser,
    LeakyRelu,
    MaxPool,
    Relu,
    Tanh,
)

_INITIALISERS: Mapping[str, Initialiser] = {
    "henormal": "he_normal",
    "heuniform": "he_uniform",
    "glorotnormal": "glorot_normal",
    "glorotuniform": "glorot_uniform",
    "lecunnormal": "lecun_normal",
}
"""By what Keras calls them, in small letters and without underscores."""
_SCALED: Mapping[tuple[Any, ...], Initialiser] = {
    (2.0, "fan_in", "truncated_normal"): "he_normal",
    (2.0, "fan_in", "uniform"): "he_uniform",
    (1.0, "fan_avg", "truncated_normal"): "glorot_normal",
    (1.0, "fan_avg", "uniform"): "glorot_uniform",
    (1.0, "fan_in", "truncated_normal"): "lecun_normal",
}
"""By scale, mode and distribution of a VarianceScaling, which Keras 2 writes in their place."""


class CannotSay(Exception):
    """A layer or a setting that no declared network has; the text says which."""


def translated(layer: Layer, flat: bool) -> list[AnyLayer]:
    """The layers of a declared network that do what a Keras layer does, its activation among them.

    Args:
        layer: of a kind that networks are made of, not the head.
        flat: whether it is given rows, not images.

    Raises:
        CannotSay: no declared network has its kind, or a setting of it.
    """
    translator = _TRANSLATORS.get(layer.kind)
    if translator is None:
        raise CannotSay(f"{layer} is of a kind that it does not have")
    return translator(layer, flat)


def _square(layer: Layer, *names: str) -> int:
    """A setting that is the same in height and width."""
    given = layer.setting(*names, default=1)
    sides = set(given) if isinstance(given, list | tuple) else {given}
    if len(sides) != 1:
        raise CannotSay(f"{layer} has {names[0]} {tuple(given)}, not a square")
    return int(sides.pop())


def initialiser_of(layer: Layer) -> Initialiser:
    """How a layer draws its first weights.

    Raises:
        CannotSay: no declared network draws them so, or its biases do not begin at 0.
    """
    how = layer.setting("kernel_initializer", default="GlorotUniform")
    name, of_bias = map(_class_name, (how, layer.setting("bias_initializer", default="Zeros")))
    found = _INITIALISERS.get(name.replace("_", "").lower())
    if name == "VarianceScaling":
        config = how.get("config") or {}
        found = _SCALED.get(tuple(config.get(key) for key in ("scale", "mode", "distribution")))
    if found is None or of_bias.lower() != "zeros":
        raise CannotSay(f"{layer} draws its first weights by {name}, its biases by {of_bias}")
    return found


def _class_name(written: Any) -> str:
    return str(written.get("class_name") if isinstance(written, Mapping) else written)


def _conv(layer: Layer, flat: bool) -> list[AnyLayer]:
    plain = _square(layer, "dilation_rate") == 1 and layer.setting("groups", default=1) == 1
    if not plain or layer.setting("data_format", default="channels_last") != "channels_last":
        raise CannotSay(f"{layer} has groups, dilation, or channels first")
    padding = layer.setting("padding", default="valid")
    conv = Conv(
        channels=layer.config["filters"],
        kernel=_square(layer, "kernel_size"),
        stride=_square(layer, "strides"),
        padding="same" if padding == "same" else "valid",
        bias=bool(layer.setting("use_bias", default=True)),
        initialiser=initialiser_of(layer),
    )
    return [conv, *_activation(layer)]


def _dense(layer: Layer, flat: bool) -> list[AnyLayer]:
    if not flat:
        raise CannotSay(f"{layer} is given images, not rows")
    dense = Dense(
        units=layer.config["units"],
        bias=bool(layer.setting("use_bias", default=True)),
        initialiser=initialiser_of(layer),
    )
    return [dense, *_activation(layer)]


def _window(layer: Layer) -> int:
    """Side of a pooling window whose neighbours do not overlap and that is not padded."""
    size = _square(layer, "pool_size")
    steps = _square(layer, "strides") if layer.config.get("strides") is not None else size
    if steps != size or layer.setting("padding", default="valid") != "valid":
        raise CannotSay(f"{layer} has windows that overlap or are padded")
    return size


def _max_pool(layer: Layer, flat: bool) -> list[AnyLayer]:
    return [MaxPool(size=_window(layer))]


def _average_pool(layer: Layer, flat: bool) -> list[AnyLayer]:
    return [AveragePool(size=_window(layer))]


def _global_average(layer: Layer, flat: bool) -> list[AnyLayer]:
    if layer.setting("keepdims", default=False):
        raise CannotSay(f"{layer} leaves the axes of its images")
    return [GlobalAveragePool()]


def _flatten(layer: Layer, flat: bool) -> list[AnyLayer]:
    return [] if flat else [Flatten()]


def _dropout(layer: Layer, flat: bool) -> list[AnyLayer]:
    rate = float(layer.setting("rate", default=0.0))
    if layer.config.get("noise_shape") is not None:
        raise CannotSay(f"{layer} has a noise_shape")
    return [Dropout(rate=rate)] if rate else []


def _relu(layer: Layer, flat: bool) -> list[AnyLayer]:
    if layer.config.get("max_value") is not None or layer.setting("threshold", default=0.0):
        raise CannotSay(f"{layer} has a max_value or a threshold")
    slope = float(layer.setting("negative_slope", default=0.0))
    return [LeakyRelu(slope=slope) if slope else Relu()]


def _leaky_relu(layer: Layer, flat: bool) -> list[AnyLayer]:
    return [LeakyRelu(slope=layer.leaky_slope)]


def _activation(layer: Layer, flat: bool = False) -> list[AnyLayer]:
    """The activation inside a layer, or of an Activation layer."""
    named = layer.config.get("activation")
    known: dict[Any, list[AnyLayer]] = {
        None: [],
        "linear": [],
        "relu": [Relu()],
        "tanh": [Tanh()],
        "gelu": [Gelu()],
        "leaky_relu": [LeakyRelu(slope=0.2)],  # the layer of that name has another slope
    }
    if isinstance(named, Mapping) and named.get("class_name") in ("LeakyReLU", "ReLU"):
        inner = Layer(
            path=layer.path,
            kind=named["class_name"],
            config=named["config"],
            store=layer.store,
            keras=layer.keras,
            where=layer.where,
        )
        return _TRANSLATORS[inner.kind](inner, flat)
    if not isinstance(named, str | None) or named not in known:
        raise CannotSay(f"{layer} has the activation {named}")
    return known[named]


def _batch_norm(layer: Layer, flat: bool) -> list[AnyLayer]:
    axis = layer.setting("axis", default=-1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    whole = layer.setting("center", default=True) and layer.setting("scale", default=True)
    if axis not in (-1, 1 if flat else 3) or not whole:
        raise CannotSay(f"{layer} works on another axis, or leaves out scale or centre")
    momentum = round(1 - float(layer.setting("momentum", default=0.99)), 12)
    return [BatchNorm(momentum=momentum, epsilon=float(layer.setting("epsilon", default=1e-3)))]


_TRANSLATORS: Mapping[str, Callable[[Layer, bool], list[AnyLayer]]] = {
    "Conv2D": _conv,
    "Dense": _dense,
    "MaxPooling2D": _max_pool,
    "AveragePooling2D": _average_pool,
    "GlobalAveragePooling2D": _global_average,
    "Flatten": _flatten,
    "Dropout": _dropout,
    "ReLU": _relu,
    "LeakyReLU": _leaky_relu,
    "Activation": _activation,
    "BatchNormalization": _batch_norm,
}
