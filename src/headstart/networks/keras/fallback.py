"""Keras files run by Keras itself on PyTorch, for layers that are not translated.

The functions are those of `adapter`. The trunk is one stage: Keras has one mode for all its layers.
"""

import os
import warnings
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from headstart.core.errors import HeadstartError
from headstart.study.network_facts import InputFacts

_PROBABILITIES = ("softmax", "sigmoid")


class KerasTrunk(nn.Module):
    """A Keras model on images with channels first; its variables are parameters and buffers here.

    In train mode Keras runs with `training=True`. Layers that are not trainable in the file are.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        # A tuple, so that PyTorch does not register Keras' own names beside these.
        self._model = (model,)
        self._links: list[tuple[Any, str]] = []
        model.trainable = True
        trained = {id(variable) for variable in model.trainable_variables}
        for number, variable in enumerate(model.weights):
            name = f"{number:03d}_{variable.path.replace('/', '_').replace('.', '_')}"
            if id(variable) in trained:
                self.register_parameter(name, variable._value)
            else:  # in Keras running statistics are parameters
                variable._value = variable._value.detach()
                self.register_buffer(name, variable._value)
            self._links.append((variable, name))

    def forward(self, inputs: Tensor) -> Tensor:
        """Features (batch, width)."""
        (model,) = self._model
        return cast(Tensor, model(inputs.permute(0, 2, 3, 1), training=self.training))

    def _apply(self, *args: Any, **kwargs: Any) -> "KerasTrunk":
        super()._apply(*args, **kwargs)  # type: ignore[no-untyped-call]
        for variable, name in self._links:  # PyTorch moves buffers to another tensor
            variable._value = getattr(self, name)
        return self


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


def build(name: str, image: tuple[int, int, int], num_classes: int) -> nn.Module:
    """The network of a file with fresh weights and a new head, run by Keras.

    Args:
        name: path of the file.
        image: (height, width, channels) of the images.
        num_classes: outputs of the head.

    Raises:
        HeadstartError: Keras is not installed or refuses the file, or the images do not fit.
    """
    keras = _keras(name)
    model = _opened(name)
    wanted = tuple(model.input_shape[1:])
    if len(wanted) != 3 or any(w not in (None, g) for w, g in zip(wanted, image, strict=True)):
        raise HeadstartError(
            f"{name} is for inputs of {wanted}; given: images of {image}. Resize the images."
        )
    head, trunk = _parts(name, keras.models.clone_model(model))
    return KerasOnTorch(trunk, _width(head), num_classes)


def load(name: str) -> dict[str, np.ndarray]:
    """The weights in a file by the names that tensors have in `build(name, ...)`, head included."""
    head, trunk = _parts(name, _opened(name))
    module = KerasOnTorch(trunk, _width(head), head.units)
    with torch.no_grad():
        module.head.weight.copy_(head.kernel.value.T)
        if head.use_bias:
            module.head.bias.copy_(head.bias.value)
    return {key: value.cpu().numpy().copy() for key, value in module.state_dict().items()}


def head_modules(module: nn.Module) -> tuple[str, ...]:
    """Name of the head."""
    del module
    return ("head",)


def cut_modules(module: nn.Module) -> tuple[str, ...]:
    """Name of the trunk: there is no cut inside it."""
    del module
    return ("trunk",)


def input_facts(name: str, module: nn.Module | None = None) -> InputFacts | None:
    """None: scaling layers are run in the network, on pixels as the file expects them."""
    del name, module
    return None


def notes(name: str) -> tuple[str, ...]:
    """How the file is run."""
    head, _ = _parts(name, _opened(name))
    return (
        f"run by Keras {version()} on PyTorch; {head.name} is replaced by a new head",
        "the trunk is one stage; scaling and augmentation layers in it are run, in train mode too",
    )


def version() -> str:
    """Version of Keras."""
    return str(_keras("").__version__)


def _keras(name: str) -> Any:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import keras
    except ImportError:
        raise HeadstartError(
            f"{name} is to be run by Keras, which is not installed. Install it: pip install keras"
        ) from None
    if keras.backend.backend() != "torch":
        raise HeadstartError(
            f"{name}: Keras runs on {keras.backend.backend()} in this process; allowed: torch. "
            "Set KERAS_BACKEND=torch before anything imports Keras."
        )
    return keras


def _opened(name: str) -> Any:
    keras = _keras(name)
    path = Path(name).expanduser()
    if not path.exists():
        raise HeadstartError(f"{path} is not there. Name a .keras or .h5 file that Keras saved.")
    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises whatever a layer raises
        reason = str(error).strip().split("\n", 1)[0]
        raise HeadstartError(f"{path}: Keras cannot open it: {reason}") from error


def _parts(name: str, model: Any) -> tuple[Any, Any]:
    """The dense layer at the end of a model, and the model up to it."""
    head = model.layers[-1] if getattr(model, "layers", None) else model
    units, ending = getattr(head, "units", None), getattr(head, "activation", None)
    linear = getattr(ending, "__name__", "") in ("linear", *_PROBABILITIES)
    if units is None or not linear or len(model.inputs) != 1:
        raise HeadstartError(
            f"{name}: the model ends in {head.name} ({type(head).__name__}); allowed: one input, "
            "and a Dense layer at the end that is linear or gives probabilities."
        )
    return head, _keras(name).Model(model.inputs, head.input)


def _width(head: Any) -> int:
    return int(head.kernel.shape[0])
