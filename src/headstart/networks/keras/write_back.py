"""Trained network from a Keras file as a Keras model again, with softmax behind its new head."""

from collections.abc import Callable
from typing import Any

import numpy as np

from headstart.core.errors import NetworkError
from headstart.networks.keras.adapter import assembled_for
from headstart.networks.keras.architecture import read
from headstart.networks.keras.fallback import KerasTrunk, head_and_trunk, import_keras, opened
from headstart.networks.weights import Weights
from headstart.study.network import LibraryNetwork
from headstart.study.network_facts import Shape


def keras_model(network: LibraryNetwork, image: Shape, num_classes: int, weights: Weights) -> Any:
    """A Keras model that gives probabilities: the file's own layers with the trained weights.

    Layers of the file that scale its images are still in it.

    Raises:
        NetworkError: Keras is not installed, the file has changed in a way that does not fit the
            weights, or it does not end in a dense layer.
    """
    keras = import_keras(network.name)
    head, trunk = head_and_trunk(network.name, opened(network.name))
    dense = keras.layers.Dense(num_classes, activation="softmax", name=head.name)
    model = keras.Model(trunk.inputs, dense(trunk.output))
    _ASSIGN[network.kind](network.name, image, trunk, dense, weights)
    return model


def _translated(name: str, image: Shape, trunk: Any, dense: Any, weights: Weights) -> None:
    """Give every layer its weights from the module that was translated from the file."""
    assembled = assembled_for(read(name), image, dense.units)
    for tensor, (layer, number, weight) in assembled.weights.items():
        is_head = tensor.startswith(f"layers.{assembled.module.head}.")
        place = dense if is_head else _layer(trunk, layer.path)
        place.weights[number].assign(
            _in_keras_order(weights[tensor], weight.shape, weight.to_torch)
        )


def _run_by_keras(name: str, image: Shape, trunk: Any, dense: Any, weights: Weights) -> None:
    """Give the trunk's variables the weights of the module that Keras itself ran."""
    for variable, own in zip(trunk.weights, KerasTrunk(trunk).names, strict=True):
        variable.assign(weights[f"trunk.{own}"])
    dense.kernel.assign(weights["head.weight"].T)
    dense.bias.assign(weights["head.bias"])


_ASSIGN: dict[str, Callable[[str, Shape, Any, Any, Weights], None]] = {
    "keras": _translated,
    "keras-on-torch": _run_by_keras,
}


def _layer(model: Any, path: tuple[str, ...]) -> Any:
    """A layer by its name, inside the models that are around it."""
    for name in path:
        try:
            model = model.get_layer(name)
        except ValueError:
            raise NetworkError(f"layer '{'/'.join(path)}' is not in the file any more.") from None
    return model


def _in_keras_order(
    array: np.ndarray, shape: Shape, to_torch: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Values back at the places from which `to_torch` took them."""
    places = to_torch(np.arange(array.size).reshape(shape))
    back = np.empty(array.size, array.dtype)
    back[places.ravel()] = array.ravel()
    return back.reshape(shape)
