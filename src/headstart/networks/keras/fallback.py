"""Keras files run by Keras itself on PyTorch, for layers that are not translated.

Its interface is that of `adapter`. The trunk is one stage: Keras has one mode for all its layers.
"""

import os
import random
import warnings
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from headstart.core.errors import NetworkError
from headstart.networks.checkpoints.file_hash import file_hash
from headstart.networks.keras.architecture import read
from headstart.networks.keras.file_adapter import KerasFileAdapter
from headstart.networks.keras.load import load_model
from headstart.study.network_facts import InputFacts, Shape

_PROBABILITIES = ("softmax", "sigmoid")


class KerasTrunk(nn.Module):
    """A Keras model on images with channels first; its variables are parameters and buffers here.

    In train mode Keras runs with `training=True`. Layers that are not trainable in the file are.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        # A tuple, so that PyTorch does not register Keras' own names beside these.
        self._model = (model,)
        self.names: list[str] = []
        model.trainable = True
        trained = {id(variable) for variable in model.trainable_variables}
        for number, variable in enumerate(model.weights):
            # Its layer and itself; what is around the layer differs between copies of a model.
            own = "_".join(variable.path.split("/")[-2:]).replace(".", "_")
            name = f"{number:03d}_{own}"
            if id(variable) in trained:
                self.register_parameter(name, variable._value)
            else:  # in Keras running statistics are parameters
                variable._value = variable._value.detach()
                self.register_buffer(name, variable._value)
            self.names.append(name)

    def forward(self, inputs: Tensor) -> Tensor:
        """Features (batch, width)."""
        (model,) = self._model
        # PyTorch may have moved or replaced the tensors, and a copy of the model has its own.
        for variable, name in zip(model.weights, self.names, strict=True):
            variable._value = getattr(self, name)
        return cast(Tensor, model(inputs.permute(0, 2, 3, 1), training=self.training))


class KerasOnTorch(nn.Module):
    """The trunk of a Keras file and a dense head that gives logits."""

    def __init__(self, trunk: Any, width: int, num_classes: int) -> None:
        super().__init__()
        self.trunk = KerasTrunk(trunk)
        self.head = nn.Linear(width, num_classes)
        nn.init.xavier_uniform_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (batch, classes) of images (batch, channels, height, width)."""
        return cast(Tensor, self.head(self.trunk(inputs)))


class KerasOnTorchAdapter(KerasFileAdapter):
    """Keras files run by Keras itself on PyTorch."""

    def build(self, name: str, image: Shape, num_classes: int) -> nn.Module:
        """The network of a file with fresh weights and a new head.

        Args:
            name: path of the file.
            image: (height, width, channels) of the images.
            num_classes: outputs of the head.

        Raises:
            NetworkError: Keras is not installed or refuses the file, or the images do not fit.
        """
        keras = import_keras(name)
        model = opened(name)
        wanted = tuple(model.input_shape[1:])
        if len(wanted) != 3 or any(w not in (None, g) for w, g in zip(wanted, image, strict=True)):
            raise NetworkError(
                f"{name} is for inputs of {wanted}; given: images of {image}. Resize the images."
            )
        head, trunk = head_and_trunk(name, _drawn_anew(keras, model))
        return KerasOnTorch(trunk, _width(head), num_classes)

    def load(self, name: str) -> dict[str, np.ndarray]:
        """The weights in a file by the names of tensors in `build(name, ...)`, head included."""
        head, trunk = head_and_trunk(name, opened(name))
        module = KerasOnTorch(trunk, _width(head), head.units)
        with torch.no_grad():
            module.head.weight.copy_(head.kernel.value.T)
            if head.use_bias:
                module.head.bias.copy_(head.bias.value)
        return {key: value.cpu().numpy().copy() for key, value in module.state_dict().items()}

    def head_modules(self, module: nn.Module) -> tuple[str, ...]:
        """Name of the head."""
        del module
        return ("head",)

    def cut_modules(self, module: nn.Module) -> tuple[str, ...]:
        """Name of the trunk: there is no cut inside it."""
        del module
        return ("trunk",)

    def input_facts(self, name: str) -> InputFacts | None:
        """Images on the scale that scaling layers in the file expect; None without any.

        They are run in the network, and so is a change of size.
        """
        fed = read(name).fed
        if fed is None:
            return None
        height, width = opened(name).input_shape[1:3]
        return replace(fed, size=(height or fed.size[0], width or fed.size[1]))

    def notes(self, name: str) -> tuple[str, ...]:
        """How the file is run."""
        head, _ = head_and_trunk(name, opened(name))
        return (
            f"run by Keras {self.version()} on PyTorch; a new head takes the place of {head.name}",
            "the trunk is one stage; its scaling and augmentation layers are run",
        )

    def classes(self, name: str) -> int:
        """Outputs of the head in the file."""
        return int(head_and_trunk(name, opened(name))[0].units)

    def version(self) -> str:
        """Version of Keras."""
        try:
            return metadata.version("keras")
        except metadata.PackageNotFoundError:
            raise _missing("a network") from None

    def content(self, name: str) -> str:
        """SHA-256 of the file."""
        return file_hash(Path(name).expanduser())


def import_keras(name: str) -> Any:
    """Keras on PyTorch.

    Raises:
        NetworkError: it is not installed, or runs on something else in this process.
    """
    os.environ.setdefault("KERAS_BACKEND", "torch")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import keras
    except ImportError:
        raise _missing(name) from None
    if keras.backend.backend() != "torch":
        raise NetworkError(
            f"{name}: Keras runs on {keras.backend.backend()} in this process; allowed: torch. "
            "Set KERAS_BACKEND=torch before anything imports Keras."
        )
    return keras


def _missing(name: str) -> NetworkError:
    return NetworkError(
        f"{name} is to be run by Keras, which is not installed. Install it: pip install keras"
    )


def opened(name: str) -> Any:
    """The model in a file, in Keras.

    Raises:
        NetworkError: the file is not there, or Keras refuses it.
    """
    return load_model(import_keras(name), Path(name).expanduser())


def _drawn_anew(keras: Any, model: Any) -> Any:
    """A copy with fresh weights, which follow from the state of torch's random numbers.

    Keras draws the seed of each initialiser from Python's own.
    """
    state = random.getstate()
    random.seed(int(torch.randint(2**31, ())))
    try:
        return keras.models.clone_model(model)
    finally:
        random.setstate(state)


def head_and_trunk(name: str, model: Any) -> tuple[Any, Any]:
    """The dense layer at the end of a model, and the model up to it."""
    head = model.layers[-1] if getattr(model, "layers", None) else model
    units, ending = getattr(head, "units", None), getattr(head, "activation", None)
    linear = getattr(ending, "__name__", "") in ("linear", *_PROBABILITIES)
    if units is None or not linear or len(model.inputs) != 1:
        raise NetworkError(
            f"{name}: the model ends in {head.name} ({type(head).__name__}); allowed: one input, "
            "and a Dense layer at the end that is linear or gives probabilities."
        )
    return head, import_keras(name).Model(model.inputs[0], head.input)


def _width(head: Any) -> int:
    return int(head.kernel.shape[0])


ADAPTER = KerasOnTorchAdapter()
