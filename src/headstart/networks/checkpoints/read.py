"""Pretrained weight files read into arrays by name."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from headstart.networks.checkpoints.containers import find_tensors
from headstart.networks.checkpoints.errors import fault, listed
from headstart.networks.checkpoints.file_hash import file_hash
from headstart.networks.checkpoints.file_kind import file_kind
from headstart.networks.checkpoints.safetensors_file import read_safetensors
from headstart.networks.checkpoints.torch_file import read_torch, to_arrays
from headstart.networks.weights import Weights


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Tensors of a weight file, under the names and in the order that the file gives them.

    Attributes:
        path: of the file.
        sha256: of the file's bytes.
        tensors: floating ones as float32, others as they are.
        container: names of the nested dictionaries they lay in, joined by dots; empty for none.
        notes: what was converted or left out, a sentence each.
    """

    path: Path
    sha256: str
    tensors: Weights
    container: str = ""
    notes: tuple[str, ...] = ()


def read_state(path: Path) -> State:
    """Read a .safetensors file or a torch.save file (.pth, .pt, .bin, .ckpt, .pth.tar).

    The format is known by the file's first bytes. No code in the file is run. torch is imported
    for torch.save files only.

    Raises:
        CheckpointError: there is no such file, it is torn, holds something else, or would run code.
    """
    container = ""
    notes: tuple[str, ...] = ()
    if file_kind(path) == "safetensors":
        arrays, converted = read_safetensors(path)
    else:
        found = find_tensors(path, read_torch(path))
        container, notes = found.container, found.notes
        arrays, converted = to_arrays(path, found.tensors)
    if not arrays:
        raise fault(path, "holds no tensor.", fix="Save the weights again.")
    return State(
        path=path,
        sha256=file_hash(path),
        tensors=arrays,
        container=container,
        notes=(*notes, *_conversions(converted), *_not_finite(arrays)),
    )


def _conversions(converted: Counter[str]) -> list[str]:
    return [
        f"{count} tensor{'s' if count != 1 else ''} converted from {given} to float32"
        for given, count in sorted(converted.items())
    ]


def _not_finite(arrays: Weights) -> list[str]:
    odd = [name for name, array in arrays.items() if not np.isfinite(array).all()]
    return [f"numbers that are not finite in: {listed(odd)}"] if odd else []
