"""Import of torchvision where its compiled part cannot be loaded beside a CPU build of torch.

The registry's torchvision is built for CUDA. Two operators that it describes without looking are
then missing, and the import fails; declared beforehand they are enough for models and transforms.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

_declared: list[Any] = []  # a library of operators ends with the object that declared them


def prepare_torchvision() -> None:
    """Declare the operators that torchvision lacks; nothing where it is whole or missing."""
    import torch
    from torch import library as operators

    loaded: Any = torch.ops

    spec = find_spec("torchvision")
    if spec is None or not spec.submodule_search_locations:
        return
    if _declared or hasattr(torch.ops.torchvision, "nms"):
        return
    for compiled in Path(spec.submodule_search_locations[0]).glob("_C*.so"):
        try:
            loaded.load_library(compiled)
        except OSError:
            break
        return
    declare: Any = operators.Library
    library = declare("torchvision", "FRAGMENT")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _declared.append(library)
