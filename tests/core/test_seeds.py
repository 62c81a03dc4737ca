"""Random streams: one for each purpose, the same on every machine and in every release."""

from itertools import product

import numpy as np
import pytest

from headstart.core.seeds import generator, stream


@pytest.mark.parametrize(
    ("seed", "purpose", "expected"),
    [
        (0, (), 7_520_536_977_032_167_579),
        (1, ("subset",), 4_912_519_886_182_669_086),
        (3, ("source", "order", 7), 2_424_797_004_061_422_236),
    ],
)
def test_streams_are_pinned(seed: int, purpose: tuple[str | int, ...], expected: int) -> None:
    assert stream(seed, *purpose) == expected


def test_draws_are_pinned() -> None:
    assert generator(3, "source", "order").integers(0, 1000, 5).tolist() == [
        641,
        283,
        264,
        837,
        786,
    ]


def test_streams_differ_by_seed_and_purpose() -> None:
    purposes: list[tuple[str | int, ...]] = [
        (),
        ("order",),
        ("order", 1),
        ("order", "1"),
        ("source", "order"),
        ("order", "source"),
        ("sourceorder",),
    ]
    streams = [stream(seed, *purpose) for seed, purpose in product(range(20), purposes)]
    assert len(set(streams)) == len(streams)


def test_streams_are_seeds_that_every_library_takes() -> None:
    for seed in range(50):
        assert 0 <= stream(seed, "head") < 2**63


def test_a_purpose_draws_the_same_whatever_another_has_drawn() -> None:
    generator(5, "dropout").standard_normal(100)
    first = generator(5, "order").permutation(50)
    generator(5, "dropout").standard_normal(7)
    assert np.array_equal(first, generator(5, "order").permutation(50))
