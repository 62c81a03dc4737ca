"""Content keys: canonical JSON and SHA-256. Golden tests pin the format, which never changes."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

Json = dict[str, Any]


def canonical_json(value: object) -> str:
    """JSON with sorted keys, no spaces and no NaN: one text for one value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: object) -> str:
    """SHA-256 of the canonical JSON of `value`, in hexadecimal (64 characters)."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def hash_arrays(arrays: Mapping[str, np.ndarray]) -> str:
    """SHA-256 over names, types, shapes and bytes of `arrays`, in the order of their names."""
    state = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        state.update(canonical_json([name, array.dtype.str, list(array.shape)]).encode())
        state.update(array.data)
    return state.hexdigest()
