"""Steps as tests of the store put them, and processes that do."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from headstart.store.blobs import pack
from headstart.store.store import Store

KEY, OTHER = "ab" * 32, "cd" * 32
ARRAYS: dict[str, np.ndarray] = {
    "last/dense.0.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "labels": np.array([3, 1, 4], dtype=np.int64),
    "empty": np.zeros((0, 4), dtype=np.uint8),
}


def put(store: Store, key: str = KEY, **changes: Any) -> None:
    step: dict[str, Any] = {
        "key": key,
        "kind": "train",
        "version": 1,
        "payload": {"phase": {"updates": 12}},
        "inputs": (OTHER,),
        "result": {"flops": 1000, "curve": [[4, 0.5, None, 0.75]]},
        "arrays": ARRAYS,
        "seconds": 1.5,
        "environment": {"device": "cpu"},
    }
    step |= changes
    store.put(**step | {"arrays": pack(step["arrays"])})


def blob(folder: Path, key: str = KEY) -> Path:
    return folder / "blobs" / key[:2] / f"{key}.safetensors"


def child(code: str, *arguments: object) -> subprocess.Popen[str]:
    """A process of its own, with the store's names at hand."""
    names = "import os, signal, sys, time\nfrom pathlib import Path\nimport numpy as np\n"
    names += "from headstart.store.blobs import pack\n"
    names += "from headstart.store.store import Store\nfolder = Path(sys.argv[1])\n"
    return subprocess.Popen(
        [sys.executable, "-c", names + code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors
