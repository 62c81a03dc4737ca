"""From a network spec to a torch module whose tensors bear the names of `initial.fresh_weights`."""

from itertools import pairwise
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from headstart.networks.initial import Weights
from headstart.spec import network as spec
from headstart.spec.shapes import LayerFacts, Shape, layers_of, num_outputs


class Network(nn.Module):
    """Named stages in order, the head last. Gives logits, one column per class."""

    def __init__(self, network: spec.NetworkSpec, image: Shape, num_classes: int) -> None:
        super().__init__()
        self.stage_names = network.stage_names
        self._single = num_outputs(network, num_classes) == 1
        built: dict[str, list[nn.Module]] = {name: [] for name in self.stage_names}
        for layer in _pooled_first(layers_of(network, image, num_classes)):
            built[layer.stage].append(_module(layer))
        for name, modules in built.items():
            self.add_module(name, nn.Sequential(*modules))
        # Asked for at every update; a tuple of pairs is no child of the module.
        self._layers = tuple((name, layer) for name, found in built.items() for layer in found)

    def stage(self, name: str) -> nn.Sequential:
        """One stage by its name."""
        return cast(nn.Sequential, self.get_submodule(name))

    def layers(self) -> tuple[tuple[str, nn.Module], ...]:
        """Every layer with the name of its stage, in order."""
        return self._layers

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (batch, classes) of inputs (batch, channels, height, width)."""
        return self.resume(inputs, 0)

    def resume(self, features: Tensor, done: int) -> Tensor:
        """Logits from what the first `done` layers gave."""
        for _, layer in self._layers[done:]:
            features = layer(features)
        return self.logits(features)

    def logits(self, outputs: Tensor) -> Tensor:
        """Logits, one per class, of the head's outputs."""
        # A sigmoid head is the softmax of (0, z): binary and categorical cross-entropy agree.
        return functional.pad(outputs, (1, 0)) if self._single else outputs


def build(network: spec.NetworkSpec, image: Shape, num_classes: int, weights: Weights) -> Network:
    """A network holding a copy of `weights`, every tensor accounted for.

    Raises:
        RuntimeError: a tensor is missing, left over or of another shape.
    """
    with torch.device("meta"):
        module = Network(network, image, num_classes)
    tensors = {name: torch.from_numpy(np.array(array)) for name, array in weights.items()}
    module.load_state_dict(tensors, strict=True, assign=True)
    # Pooling and convolution of small images are about twice as fast with channels last.
    return module.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def weights_of(module: nn.Module) -> Weights:
    """A copy of all parameters and buffers."""
    return {
        name: tensor.detach().cpu().contiguous().numpy().copy()
        for name, tensor in module.state_dict().items()
    }


class SamePad(nn.Module):
    """Zero padding as TensorFlow's "same": the odd column goes to the right and the bottom."""

    def __init__(self, kernel: int, stride: int, height: int, width: int) -> None:
        super().__init__()
        across, down = (
            max((-(-size // stride) - 1) * stride + kernel - size, 0) for size in (width, height)
        )
        self.padding = (across // 2, across - across // 2, down // 2, down - down // 2)

    def forward(self, inputs: Tensor) -> Tensor:
        """Padded inputs."""
        return functional.pad(inputs, self.padding)


class PaddedConv(nn.Conv2d):
    """A convolution after zero padding that its own symmetric padding cannot express."""

    def __init__(self, pad: SamePad, channels_in: int, layer: spec.Conv) -> None:
        super().__init__(
            channels_in, layer.channels, layer.kernel, stride=layer.stride, bias=layer.bias
        )
        self.pad = pad

    def forward(self, inputs: Tensor) -> Tensor:
        """Convolved inputs."""
        return super().forward(self.pad(inputs))


class Dropout(nn.Dropout):
    """Dropout with a draw of 16 random bits a value, four times as fast as PyTorch's on a CPU.

    The rate is that of the nearest of 65,536 thresholds, so it is off by 1/131,072 at most; what is
    kept is scaled by the rate that really holds. Draws come from torch's generator, as before.
    """

    def __init__(self, rate: float) -> None:
        super().__init__(rate)
        self._dropped = min(max(round(rate * _DRAWS), 1), _DRAWS - 1)

    def forward(self, inputs: Tensor) -> Tensor:
        """Inputs with some values dropped in train mode; inputs as they are in eval mode."""
        return inputs * self.mask(inputs) if self.training else inputs

    def mask(self, inputs: Tensor) -> Tensor:
        """What the inputs are multiplied by in train mode, drawn anew; in their memory order."""
        mask = torch.empty_like(inputs)  # dense, in the memory order of the inputs
        number = mask.numel()
        # All 64 bits: without bounds only 63 are drawn, and every fourth value would be kept.
        bits = torch.empty(-(-number // 4), dtype=torch.int64, device=inputs.device)
        draws = bits.random_(-(2**63), None).view(torch.int16)[:number]
        flat = mask.as_strided((number,), (1,))
        torch.ge(draws, self._dropped - _DRAWS // 2, out=flat)
        flat.mul_(_DRAWS / (_DRAWS - self._dropped))
        return mask


_DRAWS = 2**16


class BatchNorm(nn.Module):
    """Batch normalisation over all but the channel axis, for images and flat inputs alike.

    PyTorch's own layers differ for the two, and count batches in a buffer that nothing needs.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, momentum: float, epsilon: float) -> None:
        super().__init__()
        self.momentum, self.epsilon = momentum, epsilon
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, inputs: Tensor) -> Tensor:
        """Normalised inputs; running statistics move in train mode only."""
        return functional.batch_norm(
            inputs,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            training=self.training,
            momentum=self.momentum,
            eps=self.epsilon,
        )


def _pooled_first(layers: tuple[LayerFacts, ...]) -> tuple[LayerFacts, ...]:
    """The layers with each relu right before a max-pool of its stage put right after it.

    The greatest of the rectified values is the rectified greatest, bit for bit, and gradients go
    the same way; relu then has a quarter of the work. Neither holds a tensor, so no name changes.
    """
    ordered = list(layers)
    for at, (first, second) in enumerate(pairwise(layers)):
        kinds = isinstance(first.layer, spec.Relu) and isinstance(second.layer, spec.MaxPool)
        if kinds and first.stage == second.stage:
            ordered[at], ordered[at + 1] = second, first
    return tuple(ordered)


def _module(facts: LayerFacts) -> nn.Module:
    layer = facts.layer
    match layer:
        case spec.Conv():
            return _conv(layer, facts.shape_in)
        case spec.Dense():
            return nn.Linear(facts.shape_in[0], layer.units, bias=layer.bias)
        case spec.MaxPool():
            return nn.MaxPool2d(layer.size)
        case spec.AveragePool():
            return nn.AvgPool2d(layer.size)
        case spec.GlobalAveragePool():
            return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        case spec.Flatten():
            return nn.Flatten()
        case spec.Relu():
            return nn.ReLU()
        case spec.LeakyRelu():
            return nn.LeakyReLU(layer.slope)
        case spec.Gelu():
            return nn.GELU()
        case spec.Tanh():
            return nn.Tanh()
        case spec.Dropout():
            return Dropout(layer.rate)
        case spec.BatchNorm():
            return BatchNorm(facts.shape_in[-1], layer.momentum, layer.epsilon)


def _conv(layer: spec.Conv, shape_in: Shape) -> nn.Module:
    height, width, channels = shape_in
    if layer.padding == "valid" or layer.kernel == 1:
        return nn.Conv2d(
            channels, layer.channels, layer.kernel, stride=layer.stride, bias=layer.bias
        )
    if layer.stride == 1 and layer.kernel % 2 == 1:
        half = layer.kernel // 2
        return nn.Conv2d(channels, layer.channels, layer.kernel, padding=half, bias=layer.bias)
    pad = SamePad(layer.kernel, layer.stride, height, width)
    return PaddedConv(pad, channels, layer)
