"""Text of numbers: signs, missing values and units as a reader expects them."""

from math import inf, nan

import pytest

from headstart.analyse.text import (
    DASH,
    bracketed,
    count,
    duration,
    operations,
    p_value,
    percent,
    plural,
    points,
    rough_duration,
    shorten,
)


@pytest.mark.parametrize("value", [None, nan, inf])
def test_missing_values_are_a_dash(value: float | None) -> None:
    assert {percent(value), points(value), p_value(value)} == {DASH}
    assert bracketed(None, 1.0) == bracketed(1.0, None) == count(None) == operations(None) == DASH


def test_points_keep_their_sign_where_they_round_to_0() -> None:
    assert [points(value) for value in (0.04, -0.04, 0, 1.25)] == ["+0.0", "-0.0", "0.0", "+1.2"]
    assert bracketed(-1, 2.345, 2) == "[-1.00, +2.35]"


def test_small_p_values_are_a_bound() -> None:
    assert [p_value(p) for p in (0.0004, 0.0005, 0.0431)] == ["< 0.001", "0.001", "0.043"]


def test_operations_and_counts_have_units_and_separators() -> None:
    values = (12, 5_160, 2.5e12)
    assert [operations(value) for value in values] == ["12", "5.16 k", "2.5 T"]
    assert (count(12_500.4), plural(1, "seed"), plural(1_000, "seed")) == (
        "12,500", "1 seed", "1,000 seeds",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "measured", "estimated"),
    [
        (0.42, "0.42 s", "0 s"),
        (8.12, "8.1 s", "8 s"),
        (42.4, "42 s", "42 s"),
        (200, "3 min 20 s", "3 min"),
        (7_500, "2 h 5 min", "2.1 h"),
    ],
)
def test_durations_are_exact_where_measured_and_rough_where_estimated(
    seconds: float, measured: str, estimated: str
) -> None:
    assert (duration(seconds), rough_duration(seconds)) == (measured, estimated)


def test_long_names_lose_their_middle() -> None:
    assert shorten("full", 4) == "full"
    assert shorten("full_at_cut_1", 7) == "ful…t_1"
