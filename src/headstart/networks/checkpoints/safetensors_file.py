"""Tensors of a .safetensors file, without torch; bfloat16 included, which NumPy does not have."""

from collections import Counter
from pathlib import Path

import numpy as np

from headstart.networks.checkpoints.errors import fault
from headstart.networks.checkpoints.file_kind import damaged
from headstart.networks.weights import Weights

TYPES: dict[str, type[np.generic]] = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    "BF16": np.uint16,
    "I64": np.int64,
    "I32": np.int32,
    "I16": np.int16,
    "I8": np.int8,
    "U8": np.uint8,
    "BOOL": np.bool_,
}
NAMES = {"F64": "float64", "F16": "float16", "BF16": "bfloat16"}
"""Types that are converted to float32, as PyTorch calls them."""


def read_safetensors(path: Path) -> tuple[Weights, Counter[str]]:
    """Tensors by name, floating ones as float32; how many were converted from which type.

    Raises:
        CheckpointError: the file is torn, or holds tensors of a type that is not supported.
    """
    from safetensors import SafetensorError, deserialize

    try:
        entries = deserialize(path.read_bytes())  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        raise damaged(path, f"{error}.") from error
    tensors: Weights = {}
    converted: Counter[str] = Counter()
    for name, entry in entries:
        given = entry["dtype"]
        if given not in TYPES:
            raise fault(
                path,
                f"tensor {name} is of type {given}.",
                f"Allowed: {', '.join(TYPES)}.",
                "Convert the tensors to float32 where the file was made.",
            )
        array = np.frombuffer(entry["data"], TYPES[given]).reshape(entry["shape"])
        tensors[name] = _float32(array, given)
        if given in NAMES:
            converted[NAMES[given]] += 1
    return tensors, converted


def _float32(array: np.ndarray, given: str) -> np.ndarray:
    if given == "BF16":  # the upper half of a float32
        return (array.astype(np.uint32) << 16).view(np.float32)
    return array.astype(np.float32) if given in NAMES else array
