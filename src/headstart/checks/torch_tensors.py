"""Tensors of a torch module or of a state dict."""

from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from headstart.checks.tensors import Snapshot, Tensor, kind_of, places_of
from headstart.core.errors import NetworkError
from headstart.networks.checkpoints.containers import find_tensors


def of_module(module: Any) -> Snapshot:
    """Parameters and buffers of a module, as its state dict has them.

    Raises:
        NetworkError: it has lazy layers that have seen no batch, or tensors without data.
    """
    if isinstance(module, type) or not isinstance(module, nn.Module):
        raise NetworkError(
            f"got {module!r}, which is no torch module. Expected the model itself, as an instance."
        )
    named = {
        name: tensor
        for name, tensor in module.state_dict(keep_vars=True).items()
        if isinstance(tensor, torch.Tensor)
    }
    _refuse_lazy(type(module).__name__, named)
    buffers = {id(buffer) for buffer in module.buffers()}
    return Snapshot(of=type(module).__name__, tensors=_tensors(named, buffers))


def of_state(state: Mapping[Any, Any]) -> Snapshot:
    """Tensors and arrays in a state dict, or in the checkpoint that holds one.

    Raises:
        CheckpointError: it holds no tensors, or several sets of them.
    """
    if any(isinstance(value, np.ndarray) for value in state.values()):
        state = {
            name: torch.from_numpy(np.array(value)) if isinstance(value, np.ndarray) else value
            for name, value in state.items()
        }
    if not state:
        return Snapshot(of="the state dict", tensors=())
    named = find_tensors(Path("the state dict"), state).tensors
    return Snapshot(of="the state dict", tensors=_tensors(named, ()))


def array_of(name: str, tensor: torch.Tensor) -> np.ndarray:
    """Numbers of a tensor, on the CPU and exactly; it may share its memory.

    Raises:
        NetworkError: it has no data.
    """
    if tensor.is_meta:
        raise NetworkError(
            f"tensor {name} has no data (device meta). Load or initialise the model first."
        )
    tensor = tensor.detach()
    if tensor.is_quantized:
        tensor = tensor.dequantize()
    if tensor.layout != torch.strided:
        tensor = tensor.to_dense()
    tensor = tensor.cpu().resolve_conj().resolve_neg()
    try:
        return tensor.numpy()
    except TypeError:  # bfloat16 and float8, which float32 holds exactly
        return tensor.float().numpy()


def _tensors(named: Mapping[str, torch.Tensor], buffers: Collection[int]) -> tuple[Tensor, ...]:
    places = places_of(named)
    return tuple(
        Tensor(
            name=name,
            place=places[name],
            kind=kind_of(name, buffer=id(tensor) in buffers),
            trainable=tensor.requires_grad,
            dtype=str(tensor.dtype).removeprefix("torch."),
            shape=tuple(tensor.shape),
            read=partial(array_of, name, tensor),
            held=tensor,
        )
        for name, tensor in named.items()
    )


def _refuse_lazy(of: str, named: Mapping[str, torch.Tensor]) -> None:
    lazy = [name for name, tensor in named.items() if nn.parameter.is_lazy(tensor)]
    if lazy:
        raise NetworkError(
            f"{of} has lazy layers that have not seen a batch: {', '.join(lazy[:3])}. "
            "Run one batch through the model first, so that they take their shape."
        )
