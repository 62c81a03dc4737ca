"""Libraries of networks for the tests, where they are installed."""

import importlib
from typing import Any

import pytest
import torch

_KEPT: list[Any] = []  # schemas last as long as their library


def timm() -> Any:
    """The module timm; the test is skipped where it is not installed."""
    _declare_schemas()
    return pytest.importorskip("timm")


def torchvision_models() -> Any:
    """The module torchvision.models."""
    pytest.importorskip("timm")  # torchvision comes with it
    _declare_schemas()
    return importlib.import_module("torchvision.models")


def _declare_schemas() -> None:
    """Let torchvision be imported whose compiled part does not load beside a CPU build of torch."""
    if hasattr(torch.ops.torchvision, "nms"):
        return
    library: Any = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _KEPT.append(library)
