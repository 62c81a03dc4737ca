"""Frozen tensors stay bit for bit, or are named with what they are."""

import logging

import pytest
import torch
from small_models import Small, train
from torch import nn

import headstart as hs
from headstart.core.errors import CheckFailed, NetworkError


def test_a_frozen_trunk_in_eval_mode_stays() -> None:
    model = Small()
    with hs.frozen(model, keep=["trunk"]) as watch:
        model.trunk.eval()
        train(model, only="head")
    assert watch.result.ok
    assert watch.result.check() is watch.result
    assert str(watch.result) == "Nothing frozen moved: 7 tensors, bit for bit."


def test_running_statistics_that_move_under_frozen_weights_are_named_so() -> None:
    model = Small()
    with hs.frozen(model, keep="trunk") as watch:
        train(model, only="head")
    found = watch.result
    assert not found.ok
    assert found.weights == ()
    assert found.statistics == (
        "trunk.1.running_mean", "trunk.1.running_var", "trunk.1.num_batches_tracked",
    )  # fmt: skip
    assert "3 of 7 frozen tensors moved: running statistics of batch normalisation" in str(found)
    assert "eval mode too" in str(found)
    with pytest.raises(CheckFailed, match="3 of 7 frozen tensors moved"):
        found.check()


def test_weights_that_move_are_named() -> None:
    model = Small()
    with hs.frozen(model, keep=["trunk.0.weight", "head.bias"]) as watch:
        train(model)
    assert watch.result.weights == ("trunk.0.weight", "head.bias")
    assert "weights (trunk.0.weight, head.bias)" in str(watch.result)
    assert "eval mode" not in str(watch.result)


def test_a_block_without_a_name_is_not_in_vain(caplog: pytest.LogCaptureFixture) -> None:
    model = Small()
    with caplog.at_level(logging.WARNING), hs.frozen(model, keep="head"):
        train(model)
    assert "2 of 2 frozen tensors moved" in caplog.text


def test_modules_may_be_given_themselves() -> None:
    model = Small()
    with hs.frozen(model, keep=[model.trunk[0], model.head]) as watch:
        pass
    assert watch.result.frozen == ("trunk.0.weight", "trunk.0.bias", "head.weight", "head.bias")


def test_left_out_it_is_what_is_marked_as_frozen() -> None:
    model = Small()
    for parameter in model.trunk.parameters():
        parameter.requires_grad_(False)
    with hs.frozen(model) as watch:
        train(model, only="head")
    assert len(watch.result.frozen) == 7
    assert watch.result.statistics == watch.result.moved


def test_buffers_of_what_is_trained_are_not_marked_as_frozen() -> None:
    model = Small()
    model.trunk[0].requires_grad_(False)
    with hs.frozen(model) as watch:
        train(model, only="head")
    assert watch.result.frozen == ("trunk.0.weight", "trunk.0.bias")


def test_nothing_that_is_marked_is_refused() -> None:
    with pytest.raises(NetworkError, match="nothing of Small is marked as frozen"):
        hs.frozen(Small())


def test_names_that_are_not_there_are_all_named_with_the_nearest() -> None:
    with pytest.raises(NetworkError) as refused:
        hs.frozen(Small(), keep=["trnk", "head.wieght", nn.Linear(2, 2), nn.ReLU(), "head"])
    text = str(refused.value)
    assert "keep: 'trnk' names no tensor, module or layer of Small." in text
    assert "Known: head, trunk." in text
    assert "Did you mean 'trunk'?" in text
    assert "Did you mean 'head.weight'?" in text
    assert "the Linear given holds no tensor of Small" in text
    assert "the ReLU given holds no tensor of Small" in text
    with pytest.raises(NetworkError, match="keep: is empty"):
        hs.frozen(Small(), keep=[])


def test_a_name_is_whole_parts() -> None:
    model = nn.ModuleDict({"conv": nn.Linear(2, 2), "conv1": nn.Linear(2, 2)})
    with hs.frozen(model, keep=["conv"]) as watch:
        pass
    assert watch.result.frozen == ("conv.weight", "conv.bias")


def test_a_change_of_one_bit_or_of_the_type_counts() -> None:
    model = nn.Linear(2, 1)
    with torch.no_grad():
        model.weight[0, 0] = 0.0
    with hs.frozen(model, keep="weight") as watch, torch.no_grad():
        model.weight[0, 0] = -0.0
    assert watch.result.weights == ("weight",)
    with hs.frozen(model, keep=["weight", "bias"]) as watch:
        model.half()
    assert watch.result.weights == ("weight", "bias")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_any_type_is_hashed_exactly(dtype: torch.dtype) -> None:
    model = nn.Linear(2, 1).to(dtype)
    with hs.frozen(model, keep="weight") as watch:
        pass
    assert watch.result.ok
    with hs.frozen(model, keep="weight") as watch, torch.no_grad():
        model.weight.mul_(1 + torch.finfo(dtype).eps)
    assert not watch.result.ok


def test_numbers_that_are_not_finite_may_stay() -> None:
    model = nn.Linear(2, 1)
    with torch.no_grad():
        model.weight.fill_(torch.nan)
    with hs.frozen(model, keep="weight") as watch:
        pass
    assert watch.result.ok


def test_what_is_gone_is_named() -> None:
    model = nn.ModuleDict({"a": nn.Linear(2, 2), "b": nn.Linear(2, 2)})
    with hs.frozen(model, keep="b") as watch:
        del model["b"]
    assert watch.result.gone == ("b.weight", "b.bias")
    assert "not there any more (b.weight, b.bias)" in str(watch.result)


def test_wrapping_and_training_on_do_not_matter() -> None:
    model = nn.DataParallel(Small())
    with hs.frozen(model, keep="trunk.0") as watch:
        pass
    assert watch.result.frozen == ("module.trunk.0.weight", "module.trunk.0.bias")
    with hs.frozen(model, keep="module.trunk.0") as again:
        pass
    assert again.result.frozen == watch.result.frozen


def test_an_error_in_the_block_goes_through() -> None:
    with (
        pytest.raises(ZeroDivisionError),
        hs.frozen(Small(), keep="head") as watch,
    ):
        _ = 1 / 0
    with pytest.raises(NetworkError, match="nothing to say before its block has ended"):
        _ = watch.result


def test_the_model_can_still_be_trained() -> None:
    model = Small()
    with hs.frozen(model, keep=["trunk", "head"]):
        pass
    train(model)
