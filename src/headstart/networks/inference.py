"""Any network as one torch module from prepared images to logits, to be traced or exported."""

from typing import cast

from torch import Tensor, nn

from headstart.networks.build import build
from headstart.networks.declared.build import Network
from headstart.networks.libraries.blocks import logits_of
from headstart.networks.libraries.module import LibraryModule
from headstart.networks.staged import class_logits
from headstart.networks.weights import Weights
from headstart.study.network import AnyNetwork
from headstart.study.network_facts import Shape


class InferenceModule(nn.Module):
    """A network in eval mode. Of a library's it holds the library's own module, not the blocks.

    Children of a library's module may bear names that the module in blocks uses itself.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network.eval()

    def forward(self, images: Tensor) -> Tensor:
        """Logits (batch, classes) of prepared images (batch, channels, height, width)."""
        return class_logits(cast(Tensor, logits_of(self.network(images))))


def inference_module(
    network: AnyNetwork, image: Shape, num_classes: int, weights: Weights
) -> InferenceModule:
    """A network that holds a copy of `weights`.

    Raises:
        RuntimeError, NetworkError: as `build` raises them.
    """
    module = build(network, image, num_classes, weights)
    if isinstance(module, LibraryModule):
        return InferenceModule(module.network)
    assert isinstance(module, Network)
    return InferenceModule(module)
