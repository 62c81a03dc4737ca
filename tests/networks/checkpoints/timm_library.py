"""Libraries of networks for the tests, where they are installed."""

import importlib
from typing import Any

import pytest

from headstart.networks.libraries.torchvision_shim import prepare_torchvision


def timm() -> Any:
    """The module timm; the test is skipped where it is not installed."""
    prepare_torchvision()
    return pytest.importorskip("timm")


def torchvision_models() -> Any:
    """The module torchvision.models."""
    pytest.importorskip("timm")  # torchvision comes with it
    prepare_torchvision()
    return importlib.import_module("torchvision.models")
