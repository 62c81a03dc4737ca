"""Library networks as modules: threads, copies, modes, precision, gradients and refusals."""

import copy
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from test_module_file import SKIP, written
from torch import Tensor

from headstart.core.errors import NetworkError
from headstart.networks.libraries.build import build_module, fresh_weights
from headstart.networks.libraries.module import LibraryModule

IMAGE = (32, 32, 3)


def network(name: str, kind: str = "timm") -> LibraryModule:
    weights = fresh_weights(kind, name, IMAGE, 5, 1, "target")
    return build_module(kind, name, IMAGE, 5, weights)


def images(number: int = 4) -> Tensor:
    return torch.randn(number, 3, 32, 32, generator=torch.Generator().manual_seed(2))


def test_threads_run_one_module_from_different_places() -> None:
    module = network("test_vit").eval()
    last = len(module.facts.blocks)
    batches = [images(4) + at for at in range(6)]
    with torch.no_grad():
        expected = [module(batch) for batch in batches]

    def whole(at: int) -> list[Tensor]:
        found = []
        with torch.no_grad():
            for turn in range(20):
                cut = 1 + (at + turn) % (last - 1)
                features = module.run(batches[at], 0, cut)
                found.append(module.run(features, cut, last))
        return found

    with ThreadPoolExecutor(6) as pool:
        for at, found in enumerate(pool.map(whole, range(6))):
            for logits in found:
                torch.testing.assert_close(logits, expected[at])


def test_gradients_are_those_of_the_whole() -> None:
    module = network("test_resnet")
    module.set_modes({*module.facts.stage_names})
    parameters = list(module.parameters())
    whole = torch.autograd.grad(module(images()).square().sum(), parameters)
    features = module.run(images(), 0, 3)
    halves = torch.autograd.grad(module.run(features, 3, 6).square().sum(), parameters)
    for one, other in zip(whole, halves, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_a_copy_has_weights_of_its_own() -> None:
    module = network("test_resnet").eval()
    copied = copy.deepcopy(module)
    expected = module.run(images(), 0, 2)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()
        assert torch.equal(copied.run(images(), 0, 2), expected)
        assert not torch.equal(module.run(images(), 0, 2), expected)


def test_modes_follow_the_stages() -> None:
    module = network("test_resnet")
    module.set_modes({"stage4", "head"})
    modes = {name: part.training for name, part in module.network.named_modules()}
    assert not modes["conv1.1"]
    assert not modes["layer3.0.bn1"]
    assert not modes["layer3"]
    assert modes["layer4.0.bn1"]
    assert modes["layer4"]
    assert modes["fc"]
    assert not modes[""]
    module.set_modes({*module.facts.stage_names})
    assert all(part.training for part in module.modules())


def test_half_precision_resumes_like_the_whole() -> None:
    module = network("test_vit").eval()
    last = len(module.facts.blocks)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        whole = module(images())
        for cut in range(1, last):
            logits = module.run(module.run(images(), 0, cut), cut, last)
            torch.testing.assert_close(logits, whole)


def test_features_are_left_as_they_are(tmp_path: Path) -> None:
    """What follows a cut may write into its input; a cache of features must not notice."""
    source = """
def net(num_classes):
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)),
        nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(4, 4, 3)),
        nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(4, 4, 3)),
        nn.Sequential(nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        nn.Linear(4, num_classes),
    )
"""
    module = network(written(tmp_path, source), "module").eval()
    assert module.stages.overwrites == (False, True, True, False)
    features = module.run(images(), 0, 1).detach()
    kept = features.clone()
    # As leaves they would refuse to be overwritten.
    module.run(features.requires_grad_(), 1, 4).sum().backward()  # type: ignore[no-untyped-call]
    assert torch.equal(features, kept)


def test_places_that_cannot_be_resumed_are_refused(tmp_path: Path) -> None:
    module = network(written(tmp_path, SKIP), "module")
    for first, end in ((0, 2), (2, 5)):
        with pytest.raises(NetworkError) as error:
            module.run(images(), first, end)
        assert str(error.value) == (
            "the network cannot be resumed behind stage 'stage1'. Allowed: stem, stage3."
        )


def test_biases_of_attention_are_those_of_now() -> None:
    """The library keeps them in eval mode; after an update they must be read anew."""
    module = network("levit_128s").eval()
    draws = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for parameter in module.parameters():  # first weights leave attention out
            parameter.add_(torch.randn(parameter.shape, generator=draws), alpha=0.1)
        before = module(images())
        for name, parameter in module.named_parameters():
            if name.endswith("attention_biases"):
                parameter.add_(torch.randn(parameter.shape, generator=draws), alpha=9)
        after = module(images())
        assert not torch.allclose(after, before, rtol=0.01)
        assert torch.equal(copy.deepcopy(module)(images()), after)
