"""Networks of torchvision: the contract on small ones, names and inputs."""

from typing import ClassVar

import pytest
from adapter_contract import AdapterContract

from headstart.core.errors import NetworkError
from headstart.networks.inspect import inspect
from headstart.networks.libraries.facts import facts_for


class TestMobileNetV3(AdapterContract):
    kind, name = "torchvision", "mobilenet_v3_small"


class TestSqueezeNet(AdapterContract):
    """The head is a convolution, behind which pixels are averaged."""

    kind, name = "torchvision", "squeezenet1_1"


class TestShuffleNet(AdapterContract):
    kind, name = "torchvision", "shufflenet_v2_x0_5"


class TestResNet(AdapterContract):
    kind, name = "torchvision", "resnet18"


class TestGoogLeNet(AdapterContract):
    """Branches that run side by side; additional heads of its training are left out."""

    kind, name = "torchvision", "googlenet"
    image: ClassVar = (64, 64, 3)


def test_the_input_is_that_of_the_newest_weights() -> None:
    facts = facts_for("torchvision", "efficientnet_b0", (32, 32, 3), 5)
    assert facts.input is not None
    assert facts.input.size == (224, 224)
    assert facts.input.crop == 224 / 256
    assert facts.input.interpolation == "bicubic"
    assert facts.input.mean == (0.485, 0.456, 0.406)
    assert not any(block.dropout for block in facts.blocks)


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(NetworkError) as error:
        inspect("torchvision", "resnet81", (32, 32, 3), 5)
    assert "`torchvision.models.list_models()` lists. Did you mean 'resnet18'?" in str(error.value)


def test_images_that_are_not_square_are_refused_where_they_must_be() -> None:
    with pytest.raises(NetworkError, match="'vit_b_32' takes square images"):
        inspect("torchvision", "vit_b_32", (32, 64, 3), 5)
