"""What is loaded from a file is exactly what the account says, and too little is refused."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter
from timm_library import timm, torchvision_models
from weight_files import HEAD, load, saved, shapes, small

from headstart.core.errors import CheckpointError
from headstart.networks.checkpoints.account import LoadAccount
from headstart.networks.checkpoints.match import match
from headstart.networks.checkpoints.take import take_head, take_trunk

IMAGES = torch.randn(2, 3, 9, 9, generator=torch.Generator().manual_seed(3))


def test_a_whole_file_gives_the_same_network(tmp_path: Path) -> None:
    source, target = small(seed=1), small(seed=2)
    state = saved(tmp_path / "a.pth", {"state_dict": _prefixed(source.state_dict(), "module.")})
    account = match(state, shapes(target), HEAD)
    assert account.complete
    assert (account.share, account.num_loaded_tensors, account.num_tensors) == (1, 7, 7)
    assert account.num_values == 4 * 27 + 4 + 8 * 36 + 4 * 8
    assert (account.missing, account.unexpected, account.other_shape) == ((), (), ())
    assert (account.container, account.prefix, account.head_outputs) == ("state_dict", "module.", 4)
    assert str(account) == (
        "a.pth: all 7 tensors of the trunk loaded, matched by names; prefix 'module.' removed; "
        "its head has 4 outputs."
    )
    load(target, take_trunk(state, account) | take_head(state, account))
    assert torch.equal(target(IMAGES), source(IMAGES))


def test_a_head_of_another_size_is_reported_and_kept_apart(tmp_path: Path) -> None:
    state = saved(tmp_path / "a.pth", small(classes=11).state_dict())
    account = match(state, shapes(small()), HEAD)
    assert account.complete
    assert account.head_outputs == 11
    assert not set(HEAD) & set(take_trunk(state, account))
    assert {name: array.shape for name, array in take_head(state, account).items()} == {
        "head.weight": (11, 8),
        "head.bias": (11,),
    }


def test_a_file_without_a_head(tmp_path: Path) -> None:
    tensors = {n: t for n, t in small().state_dict().items() if n not in HEAD}
    state = saved(tmp_path / "a.pth", tensors)
    account = match(state, shapes(small()), HEAD)
    assert account.complete
    assert (account.head_outputs, account.head, account.missing) == (None, (), ())
    assert str(account).endswith("; no head in the file.")


def test_what_is_missing_unexpected_and_of_another_shape(tmp_path: Path) -> None:
    tensors = small().state_dict()
    del tensors["norm.bias"]
    del tensors["norm.num_batches_tracked"]
    tensors["stem.bias"] = torch.zeros(5)
    tensors["fc.weight"] = torch.zeros(1)
    state = saved(tmp_path / "a.pth", tensors)
    account = match(state, shapes(small()), HEAD)
    assert not account.complete
    assert account.missing == ("norm.bias",)
    assert account.unexpected == ("fc.weight",)
    assert [str(other) for other in account.other_shape] == ["stem.bias (5 in the file, 4 wanted)"]
    assert account.num_loaded_tensors == 5
    assert account.num_loaded_values == account.num_values - 8 - 4
    assert str(account) == (
        "a.pth: 5 of 7 tensors of the trunk loaded (97.2% of its numbers), matched by names; "
        "the rest starts fresh; its head has 4 outputs."
    )
    assert list(take_trunk(state, account)) == [
        "stem.weight",
        "layer.weight",
        "norm.weight",
        "norm.running_mean",
        "norm.running_var",
    ]


def test_an_account_can_be_stored(tmp_path: Path) -> None:
    state = saved(tmp_path / "a.pth", small(channels=1).state_dict())
    account = match(state, shapes(small()), HEAD)
    adapter = TypeAdapter(LoadAccount)
    assert adapter.validate_json(adapter.dump_json(account)) == account


@pytest.mark.parametrize(("given", "wanted"), [(3, 1), (1, 3)])
def test_a_stem_for_grey_or_colour_gives_the_same_on_grey_images(
    tmp_path: Path, given: int, wanted: int
) -> None:
    source, target = small(channels=given, seed=1), small(channels=wanted, seed=2)
    state = saved(tmp_path / "a.pth", source.state_dict())
    account = match(state, shapes(target), HEAD)
    assert account.complete
    assert account.adapted is not None
    how = "summed" if wanted == 1 else "repeated and divided by 3"
    assert str(account.adapted) == (
        f"stem.weight adapted ({given} -> {wanted} input channels: {how})"
    )
    assert str(account.adapted) in str(account)
    load(target, take_trunk(state, account) | take_head(state, account))
    grey = IMAGES[:, :1]
    outputs = [net(grey.expand(-1, n, -1, -1)) for net, n in ((source, given), (target, wanted))]
    torch.testing.assert_close(outputs[1], outputs[0])


@pytest.mark.parametrize("channels", [2, 4])
def test_a_stem_of_other_channels_is_not_adapted(tmp_path: Path, channels: int) -> None:
    state = saved(tmp_path / "a.pth", small(channels=channels).state_dict())
    account = match(state, shapes(small()), HEAD)
    assert account.adapted is None
    assert [other.name for other in account.other_shape] == ["stem.weight"]


def test_only_the_first_convolution_is_adapted(tmp_path: Path) -> None:
    wanted = {"a": (2, 3, 3, 3), "b": (4, 3, 3, 3)}
    tensors = {"a": torch.ones(2, 3, 3, 3), "b": torch.ones(4, 1, 3, 3)}
    state = saved(tmp_path / "a.pth", tensors)
    account = match(state, wanted, (), allow_partial=True)
    assert account.adapted is None
    assert [other.name for other in account.other_shape] == ["b"]


def test_less_than_half_is_refused_with_both_sides(tmp_path: Path) -> None:
    tensors = small().state_dict()
    renamed = {name.replace("layer", "conv2"): tensor for name, tensor in tensors.items()}
    renamed["norm.bias"] = torch.zeros(1)
    state = saved(tmp_path / "a.pth", renamed)
    with pytest.raises(CheckpointError) as raised:
        match(state, shapes(small()), HEAD, network="timm:small")
    assert str(raised.value) == (
        f"{tmp_path / 'a.pth'}: it fits 5 of the 7 tensors of the trunk "
        "(31.5% of its numbers; 50% is the least).\n"
        "     The network wants: layer.weight.\n"
        "     The file holds: conv2.weight.\n"
        "     Of another shape: norm.bias (1 in the file, 8 wanted).\n"
        "     Give the network that the file was made for, or say allow_partial to start the rest "
        "fresh."
    )
    account = match(state, shapes(small()), HEAD, allow_partial=True)
    assert account.num_loaded_tensors == 5


def test_a_file_that_gives_nothing_is_always_refused(tmp_path: Path) -> None:
    tensors = {f"other{number}": torch.ones(1) for number in range(7)}
    state = saved(tmp_path / "a.pth", tensors)
    with pytest.raises(CheckpointError) as raised:
        match(state, shapes(small()), HEAD, allow_partial=True)
    assert str(raised.value).splitlines()[2:] == [
        "     The file holds: other0, other1, other2, other3, other4 and 2 more.",
        "     Give the network that the file was made for.",
    ]


def test_the_prefix_can_be_given(tmp_path: Path) -> None:
    first, second = small(seed=1).state_dict(), small(seed=2).state_dict()
    state = saved(tmp_path / "a.pth", _prefixed(first, "q.") | _prefixed(second, "k."))
    with pytest.raises(CheckpointError, match=re.escape("under the prefixes 'k.', 'q.'.")):
        match(state, shapes(small()), HEAD)
    account = match(state, shapes(small()), HEAD, prefix="q.")
    taken = take_trunk(state, account)
    assert np.array_equal(taken["stem.weight"], first["stem.weight"].numpy())


@pytest.mark.parametrize("name", ["test_resnet", "test_convnext", "test_vit", "test_efficientnet"])
def test_networks_of_timm(tmp_path: Path, name: str) -> None:
    library = timm()
    source = library.create_model(name, num_classes=7).eval()
    target = library.create_model(name, num_classes=3).eval()
    state = saved(tmp_path / "a.pth", {"model": _prefixed(source.state_dict(), "_orig_mod.")})
    head = [n for n in target.state_dict() if n.startswith(_head_of(target))]
    account = match(state, shapes(target), head)
    assert account.complete
    assert account.head_outputs == 7
    fresh = {n: t.numpy() for n, t in target.state_dict().items()}
    load(target, fresh | take_trunk(state, account))
    size = source.pretrained_cfg["input_size"]
    images = torch.randn(1, *size, generator=torch.Generator().manual_seed(1))
    features = [net.forward_features(images) for net in (source, target)]
    assert torch.equal(*features)


def test_a_network_of_torchvision(tmp_path: Path) -> None:
    models = torchvision_models()
    source = models.squeezenet1_1(num_classes=5).eval()
    state = saved(tmp_path / "a.pth", source.state_dict())
    target = models.squeezenet1_1(num_classes=2)
    head = ("classifier.1.weight", "classifier.1.bias")
    account = match(state, shapes(target), head)
    assert account.complete
    assert account.head_outputs == 5


def _head_of(network: Any) -> str:
    return str(network.pretrained_cfg["classifier"])


def _prefixed(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {prefix + name: tensor for name, tensor in tensors.items()}
