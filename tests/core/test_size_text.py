"""Numbers of bytes in words: three digits and a unit, never an exponent."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.core.sizes import size_text


@pytest.mark.parametrize(
    ("num_bytes", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1 kB"),
        (12_345_678, "12.3 MB"),
        (999_499_999, "999 MB"),
        (999_500_000, "1 GB"),
        (5.25e15, "5.25 PB"),
    ],
)
def test_sizes_have_three_digits(num_bytes: float, text: str) -> None:
    assert size_text(num_bytes) == text


@settings(deadline=None)
@given(st.integers(0, 10**17))
def test_a_size_is_right_to_half_a_percent_and_has_no_exponent(num_bytes: int) -> None:
    number, unit = size_text(num_bytes).split()
    assert "e" not in number
    scale = 1000.0 ** ["bytes", "kB", "MB", "GB", "TB", "PB"].index(unit)
    assert float(number) * scale == pytest.approx(num_bytes, rel=0.005)
