"""Images that lie in one set twice are found, whatever their positions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_sets import unlabelled

from headstart.data.images import Images
from headstart.data.leaks.copies import KINDS
from headstart.data.leaks.copies_inside import copies_inside

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


def test_turned_inverted_and_shifted_images_name_an_earlier_one_of_their_class() -> None:
    pixels = noise(12)
    pixels[5], pixels[6] = np.rot90(pixels[1]), 255 - pixels[2]
    pixels[7] = np.roll(pixels[3], 1, axis=1)
    pixels[8] = 255 - pixels[4][::-1]
    pixels[9] = np.clip(np.rot90(pixels[0], 2).astype(int) + 1, 0, 255)
    wanted = {
        5: ("turned by a quarter", 1),
        6: ("inverted", 2),
        7: ("shifted", 3),
        8: ("mirrored, turned by a half, inverted", 4),
    }
    assert named(pixels, near=None) == wanted
    found = named(pixels)
    assert {at: found.pop(at) for at in wanted} == wanted
    assert set(found.values()) <= {("near, turned by a half", at) for at in (0, 9)}
    assert len(found) == 1
    others = copies_inside(Images(pixels, np.arange(12)), 0.99)
    assert not others.found.any()


@pytest.mark.parametrize("num", [0, 1])
def test_too_few_images_to_be_copies(num: int) -> None:
    assert not named(noise(num))
