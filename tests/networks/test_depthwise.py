"""Depthwise convolutions: gradients and outputs are PyTorch's, however wide the kernel."""

import pytest
import torch
from torch import Tensor, nn

from headstart.networks.libraries import depthwise
from headstart.networks.libraries.depthwise import conv2d, fast_depthwise

CHANNELS = 8


@pytest.fixture(autouse=True)
def _without_avx512(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(depthwise, "_without_avx512", lambda: True)


def _gradients(outputs: Tensor, tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    slopes = torch.randn(outputs.shape, generator=torch.Generator().manual_seed(1))
    return torch.autograd.grad(outputs, tensors, slopes)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("padding", [0, 2, (3, 1)])
@pytest.mark.parametrize("kernel", [(3, 3), (5, 4), (5, 5), (7, 7), (1, 9)])
def test_gradients_are_those_of_pytorch(
    kernel: tuple[int, int], padding: int | tuple[int, int], stride: int
) -> None:
    draw = torch.Generator().manual_seed(0)
    images = torch.randn(3, CHANNELS, 9, 10, generator=draw).requires_grad_()
    weight = torch.randn(CHANNELS, 1, *kernel, generator=draw).requires_grad_()
    bias = torch.randn(CHANNELS, generator=draw).requires_grad_()
    given = images, weight, bias
    expected = torch.conv2d(*given, stride, padding, 1, CHANNELS)
    found = conv2d(*given, stride, padding, 1, CHANNELS)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
    for ours, theirs in zip(_gradients(found, given), _gradients(expected, given), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-4)


def test_a_layer_of_a_library_gets_them_within_the_block() -> None:
    layer = nn.Conv2d(CHANNELS, CHANNELS, 5, padding=2, groups=CHANNELS)
    images = torch.randn(2, CHANNELS, 6, 6)
    with fast_depthwise():
        inside = layer(images)
    assert type(inside.grad_fn).__name__ == "_WideDepthwiseBackward"
    assert type(layer(images).grad_fn).__name__ == "ConvolutionBackward0"


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(CHANNELS, CHANNELS, 3, groups=CHANNELS),
        nn.Conv2d(CHANNELS, CHANNELS, 5, groups=2),
        nn.Conv2d(CHANNELS, 2 * CHANNELS, 5, groups=CHANNELS),
        nn.Conv2d(CHANNELS, CHANNELS, 5, groups=CHANNELS, dilation=2),
        nn.Conv2d(CHANNELS, CHANNELS, 5, groups=CHANNELS, padding="same"),
        nn.Conv2d(CHANNELS, CHANNELS, 5, groups=CHANNELS).double(),
    ],
)
def test_other_convolutions_are_pytorchs(layer: nn.Conv2d) -> None:
    images = torch.randn(2, CHANNELS, 12, 12, dtype=layer.weight.dtype)
    with fast_depthwise():
        outputs = layer(images)
    assert type(outputs.grad_fn).__name__ == "ConvolutionBackward0"


def test_nothing_is_watched_without_gradients() -> None:
    with torch.no_grad():
        assert not isinstance(fast_depthwise(), torch.overrides.TorchFunctionMode)
