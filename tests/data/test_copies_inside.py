"""Images that lie in one set twice are found, whatever their positions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_sets import unlabelled

from headstart.data.leaks.copies_inside import copies_inside
from headstart.data.leaks.exact_duplicates import KINDS

SIDE = 16


def noise(num: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (num, SIDE, SIDE, 1), np.uint8)


def named(pixels: np.ndarray, near: float | None = 0.99) -> dict[int, tuple[str, int]]:
    """(kind, other image) of every image that is a copy."""
    found = copies_inside(unlabelled(pixels), near)
    assert (found.found == (found.index >= 0)).all()
    return {
        int(at): (KINDS[found.kind[at]], int(found.index[at])) for at in np.flatnonzero(found.found)
    }


def test_equal_and_mirrored_images_name_the_first() -> None:
    pixels = noise(9)
    pixels[4] = pixels[8] = pixels[1]
    pixels[6] = pixels[2, :, ::-1]
    wanted = {4: ("exact", 1), 8: ("exact", 1), 6: ("mirrored", 2)}
    assert named(pixels, near=None) == named(pixels) == wanted


@given(st.integers(2, 40).flatmap(lambda num: st.permutations(range(num)).map(lambda p: (num, p))))
@settings(deadline=None, max_examples=20)
def test_a_near_copy_is_found_between_any_two_positions(drawn: tuple[int, list[int]]) -> None:
    num, order = drawn
    pixels, (one, other) = noise(num), order[:2]
    pixels[other] = np.clip(pixels[one].astype(int) + 1, 0, 255)
    found = named(pixels)
    assert found
    for at, (kind, index) in found.items():
        assert ({at, index}, kind) == ({one, other}, "near")


def test_a_near_copy_may_be_mirrored() -> None:
    pixels = noise(5)
    pixels[3] = np.clip(pixels[0, :, ::-1].astype(int) + 1, 0, 255)
    assert set(named(pixels).values()) <= {("near, mirrored", 0), ("near, mirrored", 3)}
    assert named(pixels)
    assert not named(pixels, near=None)


@pytest.mark.parametrize("num", [0, 1])
def test_too_few_images_to_be_copies(num: int) -> None:
    assert not named(noise(num))
