"""Bursts: neighbours by name on both sides of the test are found where they look alike."""

import numpy as np
import pytest

from headstart.data.images import Images
from headstart.data.leaks.bursts import Bursts, find_bursts

NUM = 120


def found_in(
    names: list[str], *, burst: int, noise: int = 20, posed: bool = False
) -> Bursts | None:
    """What is found where every third image tests and `burst` images in a row are of one moment."""
    draw = np.random.default_rng(0)
    pose = draw.integers(0, 200, (12, 12, 1)) if posed else 0
    moments = draw.integers(0, 60 if posed else 200, (NUM, 12, 12, 1))
    pixels = pose + moments[np.arange(NUM) // burst] / (4 if posed else 1)
    pixels = (pixels + draw.integers(0, noise, (NUM, 12, 12, 1))).clip(0, 255).astype(np.uint8)
    images = Images(pixels, np.zeros(NUM, np.int64), names=np.array(names, object))
    tested = np.arange(NUM) % 3 == 0
    return find_bursts(images.taken(np.flatnonzero(~tested)), images.taken(np.flatnonzero(tested)))


IN_ORDER = [f"cat/IMG_{at:04}.jpg" for at in range(NUM)]


@pytest.mark.parametrize("posed", [False, True])
def test_bursts_are_found_and_single_images_are_not(posed: bool) -> None:
    bursts = found_in(IN_ORDER, burst=10, posed=posed)
    single = found_in(IN_ORDER, burst=1, posed=posed)
    assert bursts is not None
    assert single is not None
    assert bursts.num_next == single.num_next == NUM // 3
    assert bursts.num_alike > 0.8 * bursts.num_next
    assert single.num_alike < 0.2 * single.num_next


@pytest.mark.parametrize(
    "names",
    [
        [f"cat/{at * 10}.jpg" for at in range(NUM)],  # no numbers are next to each other
        [f"{at}/cat.jpg" for at in range(NUM)],  # numbers of folders
        [f"{'ab'[at % 2]}{at}x.jpg" for at in range(0, 3 * NUM, 3)],
        ["cat.jpg"] * NUM,
    ],
)
def test_names_that_are_no_run_of_numbers(names: list[str]) -> None:
    assert found_in(names, burst=10) is None


def test_images_without_names() -> None:
    images = Images(np.zeros((4, 2, 2, 1), np.uint8), np.zeros(4, np.int64))
    assert find_bursts(images, images) is None
