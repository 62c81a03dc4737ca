"""Equal numbers in one type or another, and names under every kind of wrapper."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.checks.pairing import are_equal, is_constant
from headstart.checks.tensors import Tensor, places_of, tensors_of

ROUNDED = (torch.float16, torch.bfloat16, torch.float32, torch.float8_e4m3fn, torch.float8_e5m2)
numbers = st.lists(
    st.floats(-60_000, 60_000, allow_nan=False, allow_subnormal=True), min_size=1, max_size=6
)


def tensor(values: torch.Tensor) -> Tensor:
    return tensors_of({"x": values}).tensors[0]


@settings(deadline=None)
@given(numbers, st.sampled_from(ROUNDED[:3]))
def test_rounding_to_another_type_is_no_change(values: list[float], dtype: torch.dtype) -> None:
    exact = torch.tensor(values, dtype=torch.float64)
    assert are_equal(tensor(exact), tensor(exact.to(dtype)))
    assert are_equal(tensor(exact.to(dtype)), tensor(exact))


@settings(deadline=None)
@given(st.floats(0.1, 100), st.sampled_from(ROUNDED))
def test_more_than_rounding_is_a_change(value: float, dtype: torch.dtype) -> None:
    exact = torch.tensor([value], dtype=torch.float64)
    other = exact * (1 + 4 * torch.finfo(dtype).eps)
    assert not are_equal(tensor(other), tensor(exact.to(dtype)))


def test_whole_numbers_are_compared_as_they_are() -> None:
    assert are_equal(tensor(torch.tensor([1, 2])), tensor(torch.tensor([1, 2], dtype=torch.int32)))
    assert not are_equal(tensor(torch.tensor([1])), tensor(torch.tensor([2], dtype=torch.int32)))


@pytest.mark.parametrize(
    ("values", "constant"),
    [([0.0, 0.0], True), ([], True), ([3.0], True), ([0.0, 1.0], False), ([np.nan] * 2, False)],
)
def test_tensors_of_a_single_value(values: list[float], constant: bool) -> None:
    assert is_constant(tensor(torch.tensor(values))) == constant


def test_what_wrappers_add_to_names_is_no_part_of_the_place() -> None:
    given = ["module._orig_mod.a._checkpoint_wrapped_module.b", "module._orig_mod.module.c"]
    assert list(places_of(given).values()) == ["a.b", "module.c"]
    assert list(places_of(["module.x", "y"]).values()) == ["module.x", "y"]
