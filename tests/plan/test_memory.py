"""The estimate of a training's memory against what PyTorch stores for its backward pass."""

from importlib.util import find_spec
from typing import cast

import pytest
import torch
from torch.nn import functional

from headstart.networks.build import build, fresh_weights
from headstart.networks.facts import facts_of
from headstart.plan.memory import training_bytes
from headstart.strategies import phases_of
from headstart.study.arms import Full, Probe
from headstart.study.network import AnyNetwork, LibraryNetwork

IMAGE, CLASSES, BATCH = (32, 32, 3), 5, 8


def stored_bytes(network: AnyNetwork) -> int:
    """Bytes of activations that an update of all layers stores."""
    weights = fresh_weights(network, IMAGE, CLASSES, 0, "target")
    module = cast(torch.nn.Module, build(network, IMAGE, CLASSES, weights)).train()
    own = {parameter.data_ptr() for parameter in module.parameters()}
    found = dict[int, int]()

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.data_ptr() not in own:
            found[tensor.data_ptr()] = tensor.nbytes
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = functional.cross_entropy(
            module(torch.rand(BATCH, 3, 32, 32)), torch.zeros(BATCH).long()
        )
    loss.backward()  # type: ignore[no-untyped-call]
    return sum(found.values())


def estimated(
    network: AnyNetwork, *, batch: int = BATCH, num_images: int = 0, probe: bool = False
) -> int:
    facts = facts_of(network, IMAGE, CLASSES)
    (phase,) = phases_of(Probe() if probe else Full(), facts.stage_names, 10)
    return training_bytes(facts, phase, batch, num_images, IMAGE)


@pytest.mark.skipif(find_spec("timm") is None, reason="timm is not installed")
def test_activations_are_not_underestimated_nor_wildly_overestimated() -> None:
    network = LibraryNetwork(kind="timm", name="test_resnet")
    activations = estimated(network) - estimated(network, batch=0)
    stored = stored_bytes(network)
    assert stored <= activations <= 8 * stored


@pytest.mark.skipif(find_spec("timm") is None, reason="timm is not installed")
def test_a_probe_takes_less_and_images_count() -> None:
    network = LibraryNetwork(kind="timm", name="test_resnet")
    assert estimated(network, probe=True) < estimated(network) / 2
    more = estimated(network, num_images=100) - estimated(network)
    assert more == 100 * 32 * 32 * 3 * 4
