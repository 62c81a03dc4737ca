"""The search for near copies against every correlation computed one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_sets import full_sets, unlabelled

from headstart.data.datasets import open_part
from headstart.data.leaks.bounds import DEFAULT_BLOCKING, Blocking
from headstart.data.leaks.greys import grey
from headstart.data.leaks.near_duplicates import Matches, best_matches, prepare
from headstart.study.tasks import DataRef


def brute_force(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """All correlations (n, m); 0 for images of one value only."""
    centred = [images.reshape(len(images), -1).astype(float) for images in (one, other)]
    centred = [flat - flat.mean(1, keepdims=True) for flat in centred]
    norms = [np.linalg.norm(flat, axis=1) for flat in centred]
    scale = np.outer(*norms)
    return np.asarray(centred[0] @ centred[1].T / np.where(scale == 0, np.inf, scale))


def search(
    queries: np.ndarray,
    keys: np.ndarray,
    threshold: float,
    blocking: Blocking = DEFAULT_BLOCKING,
) -> Matches:
    ours, theirs = prepare(queries, keys, blocking=blocking)
    return best_matches(ours, theirs, threshold, blocking)


def check(queries: np.ndarray, keys: np.ndarray, threshold: float) -> None:
    found = search(queries, keys, threshold)
    expected = brute_force(queries, keys)
    best = expected.max(1)
    np.testing.assert_array_equal(found.index >= 0, best >= threshold - 1e-9)
    at = np.flatnonzero(found.index >= 0)
    np.testing.assert_allclose(found.similarity[at], best[at], atol=1e-9)
    # Of equals the first.
    first = (expected >= best[:, None] - 1e-9).argmax(1)
    np.testing.assert_array_equal(found.index[at], first[at])


def alike(seed: int, num: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Images of a few families with noise, some constant, some equal; another set of the same."""
    draw = np.random.default_rng(seed)
    kinds = draw.integers(0, 256, (3, 6, 7))
    sets = []
    for size in (num, 2 * num):
        images = kinds[draw.integers(0, 3, size)] + draw.normal(0, noise, (size, 6, 7))
        images[draw.random(size) < 0.1] = draw.integers(0, 256)
        images[size // 2] = images[0]
        sets.append(np.clip(images, 0, 255).astype(np.uint8))
    return sets[0], sets[1]


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    num=st.integers(2, 40),
    noise=st.sampled_from([0.4, 3.0, 10.0, 30.0]),
    threshold=st.sampled_from([0.9, 0.97, 0.99, 1.0]),
)
def test_what_is_found_is_what_brute_force_finds(
    seed: int, num: int, noise: float, threshold: float
) -> None:
    check(*alike(seed, num, noise), threshold)


@pytest.mark.parametrize("blocks", [(7, 11, 11), (3, 50, 8)])
@pytest.mark.parametrize(
    ("sparse", "crowded", "chunk"),
    [(0.0, 0.0, 5), (0.0, 1.0, 10**9), (1.0, 1.0, 10**9)],
    ids=["whole product", "narrow bound", "wide bound, then narrow"],
)
@pytest.mark.parametrize("few", [1, 3, 16])
def test_neither_blocks_nor_the_way_of_a_block_change_what_is_found(
    blocks: tuple[int, int, int],
    sparse: float,
    crowded: float,
    chunk: int,
    few: int,
) -> None:
    queries, keys = alike(5, 40, 6.0)
    whole = search(queries, keys, 0.98)
    blocking = Blocking(
        wide_directions=few,
        queries=blocks[0],
        keys=blocks[1],
        keys_per_product=blocks[2],
        sparse=sparse,
        crowded=crowded,
        pairs=chunk,
    )
    again = search(queries, keys, 0.98, blocking)
    np.testing.assert_array_equal(again.index, whole.index)
    np.testing.assert_array_equal(again.similarity, whole.similarity)
    assert 0 < (whole.index >= 0).sum() < len(queries)


def test_the_order_of_images_changes_only_where_they_are_found() -> None:
    queries, keys = alike(8, 60, 4.0)
    keys = np.unique(keys, axis=0)  # of equal images the first would be found
    draw = np.random.default_rng(1)
    ours, theirs = draw.permutation(len(queries)), draw.permutation(len(keys))
    plain = search(queries, keys, 0.95)
    turned = search(queries[ours], keys[theirs], 0.95)
    np.testing.assert_array_equal(turned.similarity, plain.similarity[ours])
    matched = turned.index >= 0
    np.testing.assert_array_equal(theirs[turned.index[matched]], plain.index[ours][matched])


def test_brightness_contrast_and_a_little_noise_make_no_difference() -> None:
    draw = np.random.default_rng(2)
    keys = draw.integers(40, 160, (30, 12, 12), np.uint8)
    brighter = keys[3] + 50
    flatter = (keys[4] * 0.5 + 20).astype(np.uint8)
    noisy = np.clip(keys[5] + draw.normal(0, 3, (12, 12)), 0, 255).astype(np.uint8)
    other = draw.integers(0, 256, (12, 12), np.uint8)
    found = search(np.stack([brighter, flatter, noisy, other]), keys, 0.99)
    assert found.index.tolist() == [3, 4, 5, -1]
    assert found.similarity[0] == 1
    assert all(0.99 < value < 1 for value in found.similarity[1:3])


def test_images_of_one_value_are_like_nothing() -> None:
    flat = np.stack([np.full((5, 5), value, np.uint8) for value in (0, 7, 255)])
    keys = np.concatenate([flat, np.eye(5, dtype=np.uint8)[None]])
    found = search(flat, keys, 0.9)
    assert found.index.tolist() == [-1, -1, -1]
    assert found.similarity.tolist() == [0, 0, 0]
    # One pixel that differs is enough of a picture.
    assert search(keys[3:], keys, 0.9).index.tolist() == [3]


def test_no_images_match_nothing() -> None:
    none, some = np.zeros((0, 4, 4), np.uint8), np.eye(4, dtype=np.uint8)[None]
    assert len(search(none, some, 0.99).index) == 0
    assert search(some, none, 0.99).index.tolist() == [-1]


def test_grey_is_pillows_and_larger_images_are_averaged() -> None:
    from PIL import Image

    draw = np.random.default_rng(3)
    colour = draw.integers(0, 256, (4, 6, 9, 3), np.uint8)
    expected = [np.asarray(Image.fromarray(image).convert("L")) for image in colour]
    np.testing.assert_array_equal(grey(unlabelled(colour), 6, 9), expected)
    blocks = np.kron(draw.integers(0, 256, (3, 4, 4)), np.ones((8, 8))).astype(np.uint8)
    np.testing.assert_array_equal(grey(unlabelled(blocks[..., None]), 4, 4), blocks[:, ::8, ::8])
    constant = np.full((1, 40, 30, 3), [3, 250, 90], np.uint8)
    assert len(np.unique(grey(unlabelled(constant), 32, 28))) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "expected"),
    [("mnist", {0.98: 105, 0.99: 1}), ("fashion-mnist", {0.99: 89, 0.995: 20})],
)
def test_full_sets(name: str, expected: dict[float, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers as a product of all 60,000 by all 10,000 unit vectors gives them."""
    monkeypatch.setenv("HEADSTART_DATA", str(full_sets()))
    parts = [open_part(DataRef(dataset=name), part).pixels[..., 0] for part in ("test", "train")]
    test, train = prepare(*parts)
    for threshold, number in expected.items():
        assert (best_matches(test, train, threshold).index >= 0).sum() == number


def test_images_of_floats_are_compared_as_bytes_are() -> None:
    pixels = np.random.default_rng(5).integers(0, 256, (6, 9, 8, 3), dtype=np.uint8)
    pixels[:, 0, 0], pixels[:, 0, 1] = 0, 255  # every image has the range of bytes
    floats = pixels.astype(np.float32) / np.float32(255)
    assert (grey(unlabelled(floats), 9, 8) == grey(unlabelled(pixels), 9, 8)).all()
    assert (grey(unlabelled(floats * 40 - 7), 9, 8) == grey(unlabelled(pixels), 9, 8)).all()
