"""Tensors in a file of weights, as the readers of checkpoints and of Keras files give them."""

import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from headstart.checks.tensors import Snapshot, Tensor, is_keras, keras_package, kind_of, places_of
from headstart.networks.checkpoints.read import State, read_state

_KERAS = (".keras", ".h5", ".hdf5")


def of_file(path: Path, beside: Any = None) -> Snapshot:
    """Tensors of a .safetensors, torch.save, .keras or .h5 file.

    Args:
        path: of the file.
        beside: what they are compared with. Beside a Keras model, the Keras that it is of opens a
            Keras file; beside any other, its tensors are those of the network in torch.

    Raises:
        CheckpointError: it cannot be read. NetworkError: a Keras file cannot be opened.
    """
    path = path.expanduser()
    if not path.name.lower().endswith(_KERAS):
        return _of_state(read_state(path))
    if is_keras(beside):
        from headstart.checks.keras_tensors import of_keras
        from headstart.networks.keras.load import load_model

        opened = of_keras(load_model(sys.modules[keras_package(beside)], path))
        return Snapshot(of=path.name, tensors=opened.tensors)
    from headstart.networks.keras.adapter import ADAPTER

    return _of_state(ADAPTER.state(path))


def _of_state(state: State) -> Snapshot:
    tensors = (
        Tensor(
            name=name,
            place=place,
            kind=kind_of(name, buffer=False),
            trainable=True,
            dtype=state.tensors[name].dtype.name,
            shape=state.tensors[name].shape,
            read=partial(np.asarray, state.tensors[name]),
        )
        for name, place in places_of(state.tensors).items()
    )
    return Snapshot(of=state.path.name, tensors=tuple(tensors))
