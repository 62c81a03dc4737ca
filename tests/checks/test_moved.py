"""What has moved, by how much, and whether it was more than running statistics."""

import math
from pathlib import Path

import pytest
import torch
from small_models import Small, train
from torch import nn

import headstart as hs
from headstart.core.errors import CheckFailed, NetworkError


def test_what_was_trained_has_moved_and_the_rest_has_not() -> None:
    model = Small().eval()
    before = hs.snapshot(model)
    train(model, only="head")
    found = hs.moved(before, model)
    assert {one.name for one in found.moved} == {"head.weight", "head.bias"}
    assert len(found.unmoved) == 7
    assert found.check() is found
    assert str(found).startswith("2 of 9 tensors moved: head.")
    assert "not moved: trunk.0.weight, trunk.0.bias, trunk.1.weight and 4 more" in str(found)


def test_the_change_is_the_norm_of_it() -> None:
    model = nn.Linear(2, 2)
    with torch.no_grad():
        model.weight.fill_(1)
        model.bias.zero_()
    before = hs.snapshot(model)
    with torch.no_grad():
        model.weight.fill_(1.5)
        model.bias[0] = 2
    bias, weight = hs.moved(before, model).moved
    assert (weight.name, weight.change, weight.relative) == ("weight", 1, 0.5)
    assert (bias.name, bias.change, bias.relative) == ("bias", 2, math.inf)
    assert (
        str(hs.moved(before, model)) == "2 of 2 tensors moved: bias by 2 from 0, weight by 50.0%."
    )


def test_a_training_that_moves_nothing_is_named() -> None:
    model = Small()
    before = hs.snapshot(model)
    found = hs.moved(before, model)
    assert str(found) == "None of 9 tensors moved."
    with pytest.raises(CheckFailed, match="None of 9"):
        found.check()
    with torch.no_grad():
        model(torch.rand(4, 1, 6, 6))
    found = hs.moved(before, model)
    assert not found.ok
    assert {one.kind for one in found.moved} == {"running statistic"}
    assert str(found) == "Only running statistics moved, 3 of 9 tensors."


def test_numbers_that_are_not_finite_are_named() -> None:
    model = Small()
    before = hs.snapshot(model)
    with torch.no_grad():
        model.head.weight.fill_(torch.nan)
    found = hs.moved(before, model)
    assert not found.ok
    assert "not finite: head.weight" in str(found)


def test_other_shapes_and_names_are_named() -> None:
    before = hs.snapshot(Small(classes=3))
    model = Small(classes=4)
    model.extra = nn.Linear(1, 1)
    found = hs.moved(before, model)
    assert found.only_before == ("head.weight", "head.bias")
    assert found.only_after == ("extra.weight", "extra.bias", "head.weight", "head.bias")


def test_a_snapshot_is_a_copy_and_can_be_read() -> None:
    model = Small()
    before = hs.snapshot(model)
    train(model)
    assert hs.moved(before, hs.snapshot(model)).ok
    assert len(before) == 9
    assert str(before) == "Small: 9 tensors with 252 numbers."


def test_files_are_moments_too(tmp_path: Path) -> None:
    model = Small()
    torch.save(model.state_dict(), tmp_path / "first.pt")
    train(model)
    assert hs.moved(tmp_path / "first.pt", model).ok


def test_one_object_at_two_moments_is_refused() -> None:
    model = Small()
    with pytest.raises(NetworkError, match=r"Take headstart\.snapshot\(model\) before"):
        hs.moved(model, model)
