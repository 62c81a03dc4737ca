"""Two models start with equal weights, or it is said where they differ."""

import copy

import pytest
import torch
from small_models import Small
from torch import nn

import headstart as hs
from headstart.core.errors import CheckFailed, NetworkError


def test_equal_models_start_alike() -> None:
    model = Small()
    found = hs.same_start(model, copy.deepcopy(model))
    assert found.check() is found
    assert str(found) == "Both models start alike: 9 tensors equal."
    assert hs.same_start(model, nn.DataParallel(copy.deepcopy(model))).ok


def test_other_weights_are_named() -> None:
    found = hs.same_start(Small(seed=0), Small(seed=1))
    assert found.differs == ("trunk.0.weight", "trunk.0.bias", "head.weight", "head.bias")
    assert str(found) == (
        "The models start differently: 5 of 9 tensors are equal; not equal: trunk.0.weight, "
        "trunk.0.bias, head.weight and 1 more."
    )
    with pytest.raises(CheckFailed):
        found.check()


def test_other_heads_and_other_networks_are_named() -> None:
    found = hs.same_start(Small(classes=3), Small(classes=4))
    assert found.differs == ("head.weight", "head.bias")
    other = nn.Sequential(Small().trunk)
    found = hs.same_start(Small(), other)
    assert found.only_first == ("head.weight", "head.bias")
    assert "in the first only: head.weight, head.bias" in str(found)


def test_networks_without_a_common_name_are_paired_in_order() -> None:
    one = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2))
    other = nn.ModuleDict({"a": nn.Linear(2, 3), "b": nn.Linear(3, 2)})
    assert not hs.same_start(one, other).ok
    other["a"].load_state_dict(one[0].state_dict())
    other["b"].load_state_dict(one[1].state_dict())
    assert hs.same_start(one, other).ok


def test_devices_and_types() -> None:
    one = Small()
    assert hs.same_start(one, copy.deepcopy(one).double()).ok
    assert hs.same_start(one, copy.deepcopy(one).bfloat16()).ok
    with pytest.raises(NetworkError, match="has no data"):
        hs.same_start(one, copy.deepcopy(one).to("meta"))


def test_numbers_that_are_not_finite_are_equal_and_named() -> None:
    one = Small()
    with torch.no_grad():
        one.head.bias[0] = torch.inf
        one.head.bias[1] = torch.nan
    found = hs.same_start(one, copy.deepcopy(one))
    assert found.ok
    assert found.not_finite == ("head.bias",)
