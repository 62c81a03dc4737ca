"""Copies that were turned, inverted or shifted are found, and nothing else is taken for one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.data.images import Images
from headstart.data.leaks.bounds import DEFAULT_BLOCKING, Blocking
from headstart.data.leaks.changed_matches import changed_matches
from headstart.data.leaks.changes import (
    AS_IT_IS,
    CHANGES,
    MIRRORED,
    TURNS,
    Change,
    most_shifted,
    windows,
)
from headstart.data.leaks.codes import codes_of
from headstart.data.leaks.copies import KINDS, kind_of
from headstart.data.leaks.exact_duplicates import exact_copies, hashes
from headstart.data.leaks.greys import grey
from headstart.data.leaks.near_duplicates import prepare
from headstart.data.leaks.overlap import Overlap, find_overlap
from headstart.data.tasks import TrainingPart

NUM, SIDE = 40, 12
SHIFTS = [(y, x) for y in range(-2, 3) for x in range(-2, 3) if (y, x) != (0, 0)]


def noise(seed: int, num: int = NUM, shape: tuple[int, ...] = (SIDE, SIDE, 1)) -> np.ndarray:
    return np.random.default_rng(seed).integers(30, 200, (num, *shape), np.uint8)


def images(pixels: np.ndarray, num_classes: int = 4) -> Images:
    return Images(pixels, np.arange(len(pixels)) % num_classes)


def shifted(image: np.ndarray, step: tuple[int, int], fill: str) -> np.ndarray:
    """Moved down and right by so many pixels."""
    if fill == "wrap":
        return np.roll(image, step, (0, 1))
    padded = np.pad(image, ((2, 2), (2, 2), (0, 0)), fill)  # type: ignore[call-overload]
    rows, columns = (
        slice(2 - by, 2 - by + side) for by, side in zip(step, image.shape, strict=False)
    )
    return np.asarray(padded[rows, columns])


def found_in(
    source: np.ndarray, target: np.ndarray, test: Images, near: float | None = 0.99
) -> Overlap:
    of_source, of_target = (
        TrainingPart(train=images(train), validation=images(noise(seed, 8, train.shape[1:])))
        for train, seed in ((source, 4), (target, 5))
    )
    return find_overlap(of_source, of_target, test, near)


def leaks(found: Overlap) -> list[tuple[int, str, int]]:
    """(test image, kind, training image) of each leak."""
    return [
        (int(at), KINDS[kind], int(index))
        for at, kind, index in zip(found.leaked, found.leaked_kind, found.leaked_index, strict=True)
    ]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
@pytest.mark.parametrize("near", [0.99, None])
def test_every_turn_and_its_negative_is_found_in_the_source(
    change: Change, near: float | None
) -> None:
    source, test = noise(1), noise(3)
    test[5] = change.of(source[7:8])[0]
    found = found_in(source, noise(2), images(test), near)
    assert leaks(found) == [(5, change.name, 7)]
    assert found.leaked_similarity.tolist() == [1]
    assert (found.leaked_near, found.leaked_changed) == (0, int(change != MIRRORED))
    (pair,) = (
        one for one in found.pairs if (one.part, one.other) == ("target test", "source training")
    )
    assert (pair.mirrored, pair.changed) == ((1, 0) if change == MIRRORED else (0, 1))
    assert (pair.total, len(found.examples), found.examples[0].kind) == (1, 1, change.name)
    np.testing.assert_array_equal(found.thumbnails[0, 1], source[7])


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_what_is_nearly_turned_or_inverted_is_found_too(change: Change) -> None:
    source, test = noise(1), noise(3)
    test[5] = change.of(source[7:8])[0] + 2  # so that no byte is equal
    found = found_in(source, noise(2), images(test))
    assert leaks(found) == [(5, f"near, {change.name}", 7)]
    assert found.leaked_near == 1


@pytest.mark.parametrize("fill", ["edge", "constant", "wrap"])
@pytest.mark.parametrize("channels", [1, 3])
def test_shifts_by_a_pixel_or_two_are_found_however_the_edge_is_filled(
    fill: str, channels: int
) -> None:
    source, test = noise(1, shape=(16, 20, channels)), noise(3, shape=(16, 20, channels))
    for at, step in enumerate(SHIFTS):
        test[at] = shifted(source[at], step, fill)
    found = found_in(source, noise(2, shape=(16, 20, channels)), images(test))
    assert leaks(found) == [(at, "shifted", at) for at in range(len(SHIFTS))]
    assert not len(found_in(source, noise(2, shape=(16, 20, channels)), images(noise(3))).leaked)


def test_shifts_by_more_are_not_sought() -> None:
    source, test = noise(1, shape=(16, 16, 1)), noise(3, shape=(16, 16, 1))
    test[5] = np.roll(source[7], 3, axis=0)
    assert leaks(found_in(source, noise(2, shape=(16, 16, 1)), images(test))) == []


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((28, 28), 2),
        ((14, 14), 2),
        ((8, 28), 1),
        ((8, 8), 1),
        ((6, 6), 0),
        ((2, 90), 0),
        ((1, 1), 0),
    ],
)
def test_tiny_images_are_shifted_by_less(size: tuple[int, int], expected: int) -> None:
    assert most_shifted(size) == expected
    assert len(windows(size)) == ((2 * expected + 1) ** 2 if expected else 0)


def test_in_one_task_a_turned_image_of_another_class_is_no_copy() -> None:
    """A turned 6 may well be a 9, and an arrow up is no arrow down."""
    target, test = noise(2), noise(3)
    changed = [np.rot90(target[1]), target[2, ::-1, ::-1] + 3, 255 - target[3]]
    changed.append(np.roll(target[4], 1, axis=0))
    changed.append(target[5, :, ::-1])  # a mirrored image is one whatever its class
    for at, image in enumerate(changed):
        test[at] = image
    own = np.arange(NUM) % 4
    own[:5] = [1, 2, 3, 0, 0]
    other = (own + 1) % 4
    assert leaks(found_in(noise(1), target, Images(test, own))) == [
        (0, "turned by a quarter", 1),
        (1, "near, turned by a half", 2),
        (2, "inverted", 3),
        (3, "shifted", 4),
        (4, "mirrored", 5),
    ]
    assert leaks(found_in(noise(1), target, Images(test, other))) == [(4, "mirrored", 5)]
    # What classes of another task mean is not known.
    assert len(found_in(target, noise(1), Images(test, other)).leaked) == 5


def test_training_images_of_two_tasks_are_not_compared_turned() -> None:
    """A target of turned images is another task."""
    source = noise(1)
    target = np.rot90(source, axes=(1, 2)).copy()
    found = found_in(source, target, images(noise(3)))
    assert (found.shared_train, len(found.leaked)) == (0, 0)


def test_a_turned_photo_that_is_not_square_is_found_where_shapes_fit() -> None:
    source, test = noise(1, shape=(10, 14, 3)), noise(3, shape=(14, 10, 3))
    test[5], test[6] = np.rot90(source[7]), source[8].swapaxes(0, 1)
    target = noise(2, shape=(14, 10, 3))
    kinds = ["turned by a quarter", "mirrored, turned by a quarter"]
    assert [kind for _, kind, _ in leaks(found_in(source, target, images(test)))] == kinds


def test_images_of_one_value_and_windows_of_one_value_are_no_copies() -> None:
    source, test = noise(1, shape=(16, 16, 1)), noise(3, shape=(16, 16, 1))
    source[0], source[1] = 0, 255
    source[1, 0, 0] = 7
    test[0], test[1] = 255, 255
    test[1, 0, 1] = 9
    assert leaks(found_in(source, noise(2, shape=(16, 16, 1)), images(test))) == []


def test_images_of_floats_are_inverted_as_bytes() -> None:
    pixels = noise(1)
    pixels[:, 0, 0], pixels[:, 0, 1] = 0, 255
    floats = images(pixels.astype(np.float32) / np.float32(255))
    turned = images(
        np.float32(1) - np.rot90(pixels, axes=(1, 2)).astype(np.float32) / np.float32(255)
    )
    found = exact_copies(hashes(turned, CHANGES, shifts=True), hashes(floats))
    assert set(found.kind.tolist()) == {KINDS.index("turned by a quarter, inverted")}
    assert found.index.tolist() == list(range(NUM))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([(5, 5, 1), (6, 6, 3), (7, 9, 1), (1, 4, 1)]))
def test_a_code_is_that_of_the_changed_image(seed: int, shape: tuple[int, int, int]) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (6, *shape), np.uint8)
    codes = codes_of(pixels, CHANGES, shifts=True)
    for column, change in enumerate(CHANGES):
        changed = codes_of(np.ascontiguousarray(change.of(pixels)), (), shifts=False)
        assert (codes.changed[:, column] == changed.whole).all()
    assert codes.shifted.shape[1] == max(len(windows(shape[:2])) - 1, 0)


def brute_force(queries: np.ndarray, keys: np.ndarray, change: Change) -> np.ndarray:
    """All correlations of changed queries with keys; 0 for images of one value."""
    flat = [x.reshape(len(x), -1).astype(float) for x in (change.of(queries), keys)]
    centred = [x - x.mean(1, keepdims=True) for x in flat]
    scale = np.outer(*(np.linalg.norm(x, axis=1) for x in centred))
    return np.asarray(centred[0] @ centred[1].T / np.where(scale == 0, np.inf, scale))


def families(seed: int, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Images of a few families in all orientations, with noise, some of one value."""
    draw = np.random.default_rng(seed)
    kinds = draw.integers(0, 256, (3, *size), np.uint8)
    fitting = [change for change in (AS_IT_IS, *CHANGES) if change.shape(size) == size]
    sets = []
    for num in (20, 30):
        chosen = [
            fitting[draw.integers(len(fitting))].of(kinds[draw.integers(3)][None])[0]
            + draw.normal(0, draw.choice([1, 6]), size)
            for _ in range(num)
        ]
        some = np.clip(chosen, 0, 255).astype(np.uint8)
        some[draw.random(num) < 0.1] = 9
        sets.append(some)
    return sets[0], sets[1]


def check(queries: np.ndarray, keys: np.ndarray, blocking: Blocking) -> None:
    ours, theirs = prepare(queries, keys, blocking=blocking)
    changes = [change for change in (AS_IT_IS, *CHANGES) if change.shape(ours.size) == ours.size]
    found = changed_matches(ours, theirs, changes, 0.98, blocking=blocking)
    for change, matches in found.items():
        best = brute_force(queries, keys, change).max(1)
        np.testing.assert_array_equal(matches.index >= 0, best >= 0.98 - 1e-9)
        at = np.flatnonzero(matches.index >= 0)
        np.testing.assert_allclose(matches.similarity[at], best[at], atol=1e-9)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([(8, 8), (7, 7), (6, 9), (5, 4)]))
def test_the_search_finds_what_brute_force_finds(seed: int, size: tuple[int, int]) -> None:
    check(*families(seed, size), DEFAULT_BLOCKING)


@pytest.mark.parametrize(
    ("sparse", "crowded", "chunk"),
    [(0.0, 0.0, 5), (0.0, 1.0, 10**9), (1.0, 1.0, 10**9)],
    ids=["crowds alone", "narrow bound", "wide bound, then narrow"],
)
def test_the_way_of_a_block_does_not_change_what_is_found(
    sparse: float, crowded: float, chunk: int
) -> None:
    blocking = Blocking(
        wide_directions=3,
        queries=7,
        keys=11,
        keys_per_product=5,
        sparse=sparse,
        crowded=crowded,
        pairs=chunk,
    )
    check(*families(3, (8, 8)), blocking)


@pytest.mark.parametrize("crowded", [0.0, 1.0])
def test_classes_bound_turned_matches_in_crowds_too(crowded: float) -> None:
    keys, other = noise(1)[..., 0], noise(2)[..., 0]
    queries = np.concatenate([np.rot90(keys[:4], axes=(1, 2)), keys[4:6], other[:4]])
    blocking = Blocking(sparse=0.0, crowded=crowded, pairs=1 if crowded == 0 else 10**9)
    ours, theirs = prepare(queries, keys, blocking=blocking)
    labels = np.zeros(10, np.int64), np.repeat([1, 0], [2, NUM - 2])
    found = changed_matches(ours, theirs, (AS_IT_IS, *CHANGES), 0.99, labels, blocking)
    quarter = found[Change(quarters=3)]
    assert quarter.index.tolist() == [-1, -1, 2, 3, *[-1] * 6]
    assert found[AS_IT_IS].index.tolist() == [*[-1] * 4, 4, 5, *[-1] * 4]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([(8, 8), (9, 9), (6, 11), (1, 7)]))
def test_the_bound_is_one_for_every_turn_and_negative(seed: int, size: tuple[int, int]) -> None:
    draw = np.random.default_rng(seed)
    queries, keys = (draw.integers(0, 256, (12, *size), np.uint8) for _ in range(2))
    ours, theirs = prepare(queries, keys)
    changes = [change for change in (AS_IT_IS, *CHANGES) if change.shape(size) == size]
    best = np.max([brute_force(queries, keys, change) for change in changes], axis=0)
    for one, other in (
        (ours.turned.wide, theirs.turned.wide),
        (ours.turned.narrow, theirs.turned.narrow),
    ):
        assert (one.all_bounds(other) >= best - 1e-4).all()


@pytest.mark.parametrize("shape", [(45, 45), (48, 33), (33, 61)])
def test_larger_images_are_reduced_alike_however_they_are_turned(shape: tuple[int, int]) -> None:
    pixels = noise(1, 5, (*shape, 1))
    height, width = min(shape[0], 32), min(shape[1], 32)
    plain = grey(images(pixels), height, width)
    for turn in TURNS:
        size = turn.shape((height, width))
        turned = grey(images(np.ascontiguousarray(turn.of(pixels))), size[0], size[1])
        apart = np.abs(turned.astype(int) - turn.of(plain)) > 0
        assert apart.mean() < 0.001  # single precision may round the other way


def test_every_change_has_a_kind_in_words() -> None:
    assert len({*KINDS}) == len(KINDS)
    for change in CHANGES:
        assert KINDS[kind_of(change, near=False)] == change.name
        assert KINDS[kind_of(change, near=True)] == f"near, {change.name}"
    assert KINDS[kind_of(AS_IT_IS, near=True)] == "near"
    assert [change.name for change in CHANGES[:3]] == [
        "mirrored",
        "turned by a half",
        "mirrored, turned by a half",
    ]
