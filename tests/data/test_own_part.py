"""Images under a fixed camera are not each other's copies; copies among them are found."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from tiny_sets import unlabelled

from headstart.data.leaks.changes import CHANGES
from headstart.data.leaks.copies import ALIKE, KINDS, NEAR, NEAR_MIRRORED, Copies
from headstart.data.leaks.near_copies import near_copies, prepared
from headstart.data.leaks.near_duplicates import best_matches
from headstart.data.leaks.own_part import CROWD, DIRECTIONS, common_directions

SIDE = 32  # at which images are compared
LARGE = 96
HALF_INVERTED = KINDS.index("near, turned by a half, inverted")


def under_a_camera(seed: int, num: int) -> np.ndarray:
    """One part, moved by up to a pixel, in changing light, with a scratch on each specimen."""
    draw = np.random.default_rng(seed)
    y, x = np.mgrid[:LARGE, :LARGE] - LARGE / 2
    radius = np.hypot(x, y)
    part = np.where((radius < 42) & (radius > 18), 180.0, 40.0)
    images = []
    for _ in range(num):
        moved = np.roll(part, tuple(draw.integers(-1, 2, 2)), (0, 1)) * draw.uniform(0.85, 1.1)
        row, column = draw.integers(18, 78, 2)
        moved[row : row + 3, column : column + 9] += 60
        images.append(moved + draw.normal(0, 5, moved.shape))
    return np.clip(images, 0, 255).astype(np.uint8)[..., None]


def saved(image: np.ndarray) -> np.ndarray:
    """As JPEG of quality 85, and read again."""
    file = io.BytesIO()
    Image.fromarray(image[..., 0]).save(file, "JPEG", quality=85)
    return np.asarray(Image.open(file))[..., None]


def enlarged(image: np.ndarray) -> np.ndarray:
    large = Image.fromarray(image[..., 0]).resize((2 * LARGE, 2 * LARGE), Image.Resampling.BICUBIC)
    return np.asarray(large.resize((LARGE, LARGE), Image.Resampling.BILINEAR))[..., None]


def found_among(keys: np.ndarray, queries: np.ndarray) -> Copies:
    parts = {"keys": unlabelled(keys), "queries": unlabelled(queries)}
    ready = prepared(parts, (SIDE, SIDE))
    nothing = Copies.none(len(queries))
    return near_copies(nothing, ready["queries"], ready["keys"], 0.99, CHANGES)


def test_what_all_images_share_is_no_likeness() -> None:
    keys, queries = under_a_camera(0, 120), under_a_camera(1, 60)
    parts = {"keys": unlabelled(keys), "queries": unlabelled(queries)}
    ready = prepared(parts, (SIDE, SIDE))
    correlated = best_matches(ready["queries"], ready["keys"], 0.99).index >= 0
    assert correlated.sum() > 50
    found = found_among(keys, queries)
    assert not found.found.any()
    assert set(np.flatnonzero(correlated)) <= set(np.flatnonzero(found.kind == ALIKE))
    alike = found.kind == ALIKE
    assert (found.index[alike] >= 0).all()
    assert (found.similarity[alike] >= 0.99).all()


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (saved, NEAR),
        (enlarged, NEAR),
        (lambda image: (image * 0.8 + 20).astype(np.uint8), NEAR),
        (lambda image: saved(image[:, ::-1]), NEAR_MIRRORED),
        (lambda image: saved(np.rot90(image)), KINDS.index("near, turned by a quarter")),
        (lambda image: saved(255 - image[::-1, ::-1]), HALF_INVERTED),
    ],
    ids=["JPEG", "enlarged", "flatter", "mirrored", "turned", "inverted upside down"],
)
def test_copies_under_a_camera_are_found(
    change: Callable[[np.ndarray], np.ndarray], kind: int
) -> None:
    keys, queries = under_a_camera(0, 120), under_a_camera(1, 60)
    planted = [7, 31, 55, 100]
    for at, key in enumerate(planted):
        queries[at] = change(keys[key])
    found = found_among(keys, queries)
    assert np.flatnonzero(found.found).tolist() == [0, 1, 2, 3]
    assert found.kind[:4].tolist() == [kind] * 4
    assert found.index[:4].tolist() == planted


@pytest.mark.parametrize("num", [CROWD, CROWD + 1])
def test_an_image_that_has_dozens_of_copies_is_of_a_series(num: int) -> None:
    """Frames of one film among pictures of all kinds."""
    draw = np.random.default_rng(2)
    others = draw.integers(0, 256, (30 * num, SIDE, SIDE, 1), np.uint8)
    scene = draw.integers(20, 230, (SIDE, SIDE, 1))
    frames = (scene + draw.integers(-4, 5, (num + 1, SIDE, SIDE, 1))).astype(np.uint8)
    found = found_among(np.concatenate([others, frames[1:]]), frames[:1])
    assert found.kind.tolist() == [NEAR if num == CROWD else ALIKE]
    assert found.index[0] >= len(others)


@pytest.mark.parametrize(
    ("num", "side", "expected"),
    [(3, SIDE, 0), (40, SIDE, 10), (400, SIDE, DIRECTIONS), (400, 3, 1)],
)
def test_few_images_or_pixels_have_less_in_common(num: int, side: int, expected: int) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (num, side, side, 1), np.uint8)
    parts = {"one": unlabelled(pixels), "other": unlabelled(pixels)}
    ready = prepared(parts, (side, side))
    directions = common_directions(ready["one"], ready["other"])
    assert directions.shape == (side * side, expected)
    np.testing.assert_allclose(directions.T @ directions, np.eye(expected), atol=1e-5)
