"""Keras models with random weights, saved in both formats, and what Keras itself makes of images.

Keras runs on PyTorch here; it is the reference, never part of what is tested.
"""

import copy
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from headstart.networks.keras.adapter import ADAPTER

os.environ.setdefault("KERAS_BACKEND", "torch")
keras: Any = pytest.importorskip("keras")
FORMATS = ("keras", "h5")
KERAS_WARNS = "ignore:__array__ implementation:DeprecationWarning"
"""Keras' own variables are not ready for NumPy 2."""


def randomised(model: Any, seed: int = 0) -> Any:
    """The model with every weight drawn, running statistics too."""
    stream = np.random.default_rng(seed)
    for weight in model.weights:
        if np.issubdtype(np.dtype(weight.dtype), np.floating):
            drawn = stream.normal(size=weight.shape) * 0.5
            weight.assign(np.abs(drawn) + 0.3 if "variance" in weight.path else drawn)
    return model


def saved(model: Any, folder: Path, kind: str) -> str:
    """Path of a file that Keras has written."""
    path = folder / f"model.{kind}"
    model.save(path)
    return str(path)


def images(shape: tuple[int, ...], num: int = 4, seed: int = 1) -> np.ndarray:
    """Random images (num, *shape) around zero."""
    drawn = np.random.default_rng(seed).normal(size=(num, *shape))
    return np.asarray(drawn, np.float32)


def loaded(name: str, image: tuple[int, int, int]) -> nn.Module:
    """The network of a file with the file's weights and head, in eval mode."""
    module = ADAPTER.build(name, image, ADAPTER.classes(name))
    module.load_state_dict({k: torch.from_numpy(v) for k, v in ADAPTER.load(name).items()})
    return module.eval()


def in_other_memory(module: nn.Module) -> nn.Module:
    """A copy whose images lie with the channels last."""
    other: nn.Module = copy.deepcopy(module).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return other


def given(module: Callable[[Tensor], Tensor], inputs: np.ndarray) -> np.ndarray:
    """What a module gives for images (num, height, width, channels)."""
    with torch.no_grad():
        return module(torch.from_numpy(inputs).movedim(-1, 1)).numpy()


def reference(model: Any, inputs: np.ndarray) -> np.ndarray:
    """What Keras gives for images (num, height, width, channels), in inference."""
    with torch.no_grad():
        return np.asarray(keras.ops.convert_to_numpy(model(inputs, training=False)))
