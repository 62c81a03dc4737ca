"""Tensors of a file made by torch.save, read with weights_only: no code in it is ever run."""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import numpy as np

from headstart.core.errors import CheckpointError
from headstart.networks.checkpoints.errors import fault, listed
from headstart.networks.checkpoints.file_kind import damaged
from headstart.networks.weights import Weights

if TYPE_CHECKING:
    from torch import Tensor

CONVERT = (
    'python -c "import sys, torch; from safetensors.torch import save_file; '
    "d = torch.load(sys.argv[1], map_location='cpu', weights_only=False); "
    "d = next((d[k] for k in ('state_dict', 'model') if isinstance(d, dict) and k in d), d); "
    "d = d.state_dict() if hasattr(d, 'state_dict') else d; "
    'save_file({k: v.clone().contiguous() for k, v in d.items()}, sys.argv[2])" '
)
"""The command that makes safetensors of a file that needs its code to be read."""


def read_torch(path: Path) -> Any:
    """Whatever `torch.save` was given: tensors in containers and plain values.

    Raises:
        CheckpointError: the file would run code, or is torn.
    """
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    # The reader of a damaged pickle can raise anything.
    except Exception as error:
        code = _code_in(path, str(error))
        if code:
            raise _refused(path, code) from error
        raise damaged(path, str(error).partition("\n")[0] or "it ends too early.") from error


def to_arrays(path: Path, tensors: Mapping[str, "Tensor"]) -> tuple[Weights, Counter[str]]:
    """Arrays by name, floating ones as float32; how many were converted from which type.

    Raises:
        CheckpointError: a tensor is sparse, quantised, complex or without data.
    """
    import torch

    arrays: Weights = {}
    converted: Counter[str] = Counter()
    for name, tensor in tensors.items():
        _check_plain(path, name, tensor)
        if tensor.is_floating_point() and tensor.dtype != torch.float32:
            converted[str(tensor.dtype).removeprefix("torch.")] += 1
            tensor = tensor.float()
        # A copy, since tensors of a file may share their numbers.
        arrays[name] = np.array(tensor.detach().numpy(), order="C")
    return arrays, converted


def _check_plain(path: Path, name: str, tensor: "Tensor") -> None:
    import torch

    odd = {
        "sparse": tensor.layout != torch.strided,
        "quantised": tensor.is_quantized,
        "complex": tensor.is_complex(),
        "without data (device meta)": tensor.is_meta,
    }
    for what, is_so in odd.items():
        if is_so:
            raise fault(
                path,
                f"tensor {name} is {what}.",
                "Allowed: dense tensors of real numbers, integers or booleans.",
                "Save the weights as ordinary float32 tensors.",
            )


def _code_in(path: Path, message: str) -> list[str]:
    """Names of the functions and classes that reading the file would call."""
    from torch.serialization import get_unsafe_globals_in_checkpoint

    try:
        return sorted(get_unsafe_globals_in_checkpoint(path))
    except Exception:  # the old format, which torch cannot list: its message names the first
        return re.findall(r"GLOBAL ([\w.]+)", message)[:1]


def _refused(path: Path, code: list[str]) -> CheckpointError:
    target = path.with_suffix(".safetensors")
    return fault(
        path,
        f"reading it would run code of {listed(code)}, so it was not read.",
        "Allowed: files that hold tensors and plain values only.",
        "If you trust whoever made it, convert it once, which runs that code:\n"
        f"     {CONVERT}{quote(str(path))} {quote(str(target))}",
    )
