"""Networks from Keras files, with the functions that every library of networks has.

A network is named by the path of its `.keras` or `.h5` file.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from headstart.core.errors import NetworkError
from headstart.networks.checkpoints.file_hash import file_hash
from headstart.networks.keras.architecture import Architecture, read
from headstart.networks.keras.file_adapter import KerasFileAdapter
from headstart.networks.keras.files import read_arrays
from headstart.study.network_facts import InputFacts, Shape

if TYPE_CHECKING:
    from torch import nn

    from headstart.networks.keras.network import Assembled

_ANY_SIZE = 224


class KerasAdapter(KerasFileAdapter):
    """Keras files translated to torch modules; Keras itself is not needed."""

    def build(self, name: str, image: Shape, num_classes: int) -> "nn.Module":
        """The network of a file with fresh weights and a new head.

        Weights are drawn by the initialisers that the file names, from torch's random numbers.

        Args:
            name: path of the file.
            image: (height, width, channels) of the images.
            num_classes: outputs of the head.

        Raises:
            NetworkError: the file or one of its layers cannot be read, or the images do not fit.
        """
        from headstart.networks.keras.network import materialise

        source = read(name)
        assembled = assembled_for(source, image, num_classes)
        _check_shapes(source, assembled, image)
        return materialise(assembled)

    def load(self, name: str) -> dict[str, np.ndarray]:
        """The weights in a file by the names of tensors in `build(name, ...)`, head included.

        The head has as many outputs as the file says; a file without one gives none of its tensors.
        """
        source = read(name)
        assembled = assembled_for(source, _own_image(source), source.headed.classes or 1)
        places = {}
        for tensor, (layer, number, weight) in assembled.weights.items():
            place = source.places.find(layer, number, weight.names)
            if place is not None:
                places[tensor] = place
            elif layer.store:
                raise layer.refuse(f"has no array '{weight.names[0]}' in the file")
        arrays = read_arrays(source.file, places.values())
        weights = {}
        for tensor, place in places.items():
            layer, _, weight = assembled.weights[tensor]
            if arrays[place].shape != weight.shape:
                raise layer.refuse(f"has an array of {arrays[place].shape}, not {weight.shape}")
            weights[tensor] = np.ascontiguousarray(weight.to_torch(arrays[place]))
        return weights

    def head_modules(self, module: "nn.Module") -> tuple[str, ...]:
        """Name of the head in a network that was built."""
        from headstart.networks.keras.network import KerasNetwork

        assert isinstance(module, KerasNetwork)
        return (f"layers.{module.head}",)

    def cut_modules(self, module: "nn.Module") -> tuple[str, ...]:
        """Names of the modules that end a stage of the trunk, in order."""
        from headstart.networks.keras.network import KerasNetwork

        assert isinstance(module, KerasNetwork)
        return tuple(f"layers.{cut}" for cut in module.cuts)

    def input_facts(self, name: str) -> InputFacts | None:
        """How images are to be prepared, by the scaling layers at the input; None without any."""
        return read(name).input

    def notes(self, name: str) -> tuple[str, ...]:
        """What was translated, changed and left out, a sentence each."""
        return read(name).notes

    def classes(self, name: str) -> int:
        """Outputs of the head in the file; 0 if it holds a trunk alone."""
        return read(name).headed.classes

    def version(self) -> str:
        """Version of this reader: what it makes of a file may change with it."""
        return "1"

    def content(self, name: str) -> str:
        """SHA-256 of the file."""
        read(name)
        return file_hash(Path(name).expanduser())


def assembled_for(source: Architecture, image: Shape, num_classes: int) -> "Assembled":
    from headstart.networks.keras.head import with_classes
    from headstart.networks.keras.network import assemble
    from headstart.networks.keras.stages import cuts

    if len(image) != 3:
        raise NetworkError(
            f"{source.file.path}: given images of {image}; allowed: (height, width, channels)."
        )
    graph = with_classes(source.headed, num_classes)
    assembled = assemble(graph, image, source.stored)
    module, names = assembled.module, assembled.names
    head = source.headed.head
    last = next(
        (at for at, call in enumerate(graph.calls) if head and call.gives == head.gives), -1
    )
    module.head = names[last]
    weighted = {tensor.split(".")[1] for tensor in assembled.weights}
    module.cuts = tuple(cuts(graph, names, weighted, module.head))
    return assembled


def _own_image(source: Architecture) -> Shape:
    """Shape of the images that the file is for."""
    shape = tuple(size or 0 for size in source.headed.graph.image)
    if len(shape) == 1:
        return 1, 1, shape[0]
    channels = shape[2] if len(shape) > 2 else 1
    return shape[0] or _ANY_SIZE, shape[1] or _ANY_SIZE, channels or 3


def _check_shapes(source: Architecture, assembled: "Assembled", image: Shape) -> None:
    """Trunk tensors are as large as in the file, or its weights would not fit."""
    for tensor, (layer, number, weight) in assembled.weights.items():
        place = source.places.find(layer, number, weight.names)
        if place is None or tensor.startswith(f"layers.{assembled.module.head}."):
            continue
        stored = source.file.arrays[place]
        if stored != weight.shape:
            raise NetworkError(
                f"{source.file.path}: layer {layer} has weights of {stored} in the file; images of "
                f"{' x '.join(map(str, image))} need {weight.shape}. The file is for images of "
                f"{source.headed.graph.sizes}: resize to that."
            )


ADAPTER = KerasAdapter()
