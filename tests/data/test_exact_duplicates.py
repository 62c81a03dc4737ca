"""Copies planted between the parts of two tasks are found, classified and counted."""

import numpy as np
import pytest

from headstart.data.datasets import Images
from headstart.data.leaks.copies import KINDS
from headstart.data.leaks.examples import MOST_EXAMPLES
from headstart.data.leaks.overlap import Overlap, SharedPair, find_overlap
from headstart.data.tasks import TrainingPart, training_part
from headstart.data.tasks import test_part as images_to_test
from headstart.study.tasks import DataRef, SplitSpec

NUM, SIDE = 40, 10


def noise(seed: int, num: int = NUM, shape: tuple[int, ...] = (SIDE, SIDE, 1)) -> np.ndarray:
    return np.random.default_rng(seed).integers(30, 200, (num, *shape), np.uint8)


def images(pixels: np.ndarray, num_classes: int = 4) -> Images:
    return Images(pixels, np.arange(len(pixels)) % num_classes)


def part(train: np.ndarray, validation: np.ndarray) -> TrainingPart:
    return TrainingPart(train=images(train), validation=images(validation))


def pair(found: Overlap, part: str, other: str) -> SharedPair:
    return next(p for p in found.pairs if (p.part, p.other) == (part, other))


def kinds(found: Overlap) -> list[tuple[int, str, int, str]]:
    """(test image, part, training image, kind) of each leak."""
    parts = ("target training", "source training", "target validation")
    return [
        (int(at), parts[where], int(index), KINDS[kind])
        for at, where, index, kind in zip(
            found.leaked, found.leaked_part, found.leaked_index, found.leaked_kind, strict=True
        )
    ]


def test_planted_copies_are_told_apart() -> None:
    source, target, test = noise(1), noise(2), noise(3)
    test[5] = source[7]
    test[6] = target[8, :, ::-1]
    test[9] = source[10] + 40
    test[12] = target[13, :, ::-1] + 30
    test[20] = source[3]
    test[21] = target[4]
    target[30] = source[3]  # so that 20 is in both, and 30 shared for training
    found = find_overlap(part(source, noise(4, 8)), part(target, noise(5, 8)), images(test), 0.99)
    assert kinds(found) == [
        (5, "source training", 7, "exact"),
        (6, "target training", 8, "mirrored"),
        (9, "source training", 10, "near"),
        (12, "target training", 13, "near, mirrored"),
        (20, "target training", 30, "exact"),
        (21, "target training", 4, "exact"),
    ]
    assert (found.leaked_from_source, found.leaked_from_target) == (3, 4)
    assert found.leaked_near == 2
    assert pair(found, "target test", "source training") == SharedPair(
        part="target test",
        other="source training",
        num_part=NUM,
        num_other=NUM,
        exact=2,
        mirrored=0,
        changed=0,
        near=1,
        alike=0,
    )
    assert pair(found, "target test", "target training").near == 1
    assert (found.shared_train, found.shared_validation, found.own_validation) == (1, 0, 0)


def test_only_equal_and_mirrored_images_count_without_a_threshold() -> None:
    source, target, test = noise(1), noise(2), noise(3)
    test[5], test[9], test[11] = source[7], source[10] + 40, source[12, :, ::-1]
    found = find_overlap(part(source, noise(4, 8)), part(target, noise(5, 8)), images(test))
    assert found.leaked.tolist() == [5, 11]
    assert found.closeness is None


def test_validation_images_are_looked_for_in_both_training_parts() -> None:
    source, target, validation, test = noise(1), noise(2), noise(5, 8), noise(3)
    validation[1], validation[2], validation[3] = source[7], target[8] + 20, target[9, :, ::-1]
    held = noise(4, 8)
    test[3] = held[2]
    found = find_overlap(part(source, held), part(target, validation), images(test), 0.99)
    assert (found.shared_validation, found.own_validation) == (1, 2)
    assert pair(found, "target test", "source validation").exact == 1
    assert found.leaked.tolist() == []  # what the source only validates on is not trained on


def test_test_images_that_the_target_validates_on_are_left_out() -> None:
    """What chooses rates and checkpoints by a test image has seen it."""
    source, target, validation, test = noise(1), noise(2), noise(5, 8), noise(3)
    test[3], test[4], test[7] = validation[2], validation[6][:, ::-1], validation[5] + 30
    test[9], target[11] = target[0], validation[2]  # test image 3 is also trained on
    found = find_overlap(part(source, source[:0]), part(target, validation), images(test), 0.99)
    assert kinds(found) == [
        (3, "target training", 11, "exact"),
        (4, "target validation", 6, "mirrored"),
        (7, "target validation", 5, "near"),
        (9, "target training", 0, "exact"),
    ]
    assert (found.leaked_from_target, found.leaked_from_validation) == (2, 3)
    assert pair(found, "target test", "target validation").total == 3
    assert [e.other for e in found.examples].count("target validation") == 3


def test_validation_images_that_are_the_test_images_are_no_copies_of_them() -> None:
    test = noise(3)
    test[9] = noise(2)[0]
    own = part(noise(2), test)
    found = find_overlap(None, own, images(test), 0.99, validates_on_test=True)
    assert (found.leaked.tolist(), found.leaked_from_validation) == ([9], 0)
    assert find_overlap(None, own, images(test), 0.99).leaked_from_validation == NUM


def test_an_image_under_two_labels_is_named_once_with_both() -> None:
    target, validation, test = noise(2), noise(5, 8), noise(3)
    target[5] = target[2]  # classes 1 and 2
    test[8] = test[12] = target[2]  # class 0, twice
    validation[3] = target[7]  # class 3, both
    test[6] = validation[1]  # classes 2 and 1
    files = np.array([f"train/{at % 4}/{at}.png" for at in range(NUM)], object)
    named = Images(target, np.arange(NUM) % 4, names=files)
    found = find_overlap(
        part(noise(1), noise(4, 8)),
        TrainingPart(train=named, validation=images(validation)),
        images(test),
    )
    assert (found.source_two_labels, found.target_two_labels) == (0, 2)
    first, second = found.two_labels
    assert (first.name, first.label, first.other_name, first.other_label) == (
        "train/2/2.png",
        2,
        "train/1/5.png",
        1,
    )
    places = (second.part, second.index, second.label, second.name)
    assert places == ("target validation", 1, 1, "")
    assert (second.other, second.other_index, second.other_label) == ("target test", 6, 2)
    np.testing.assert_array_equal(found.two_label_pictures, [target[2], validation[1]])
    # Whatever their labels, they are not both trained on and tested on.
    assert found.leaked.tolist() == [6, 8, 12]


def test_images_of_one_value_are_copies_only_of_themselves() -> None:
    source, target, test = noise(1), noise(2), noise(3)
    source[0], target[0], target[1] = 50, 51, 90
    test[0], test[1] = 50, 200
    found = find_overlap(part(source, noise(4, 8)), part(target, noise(5, 8)), images(test), 0.99)
    assert kinds(found) == [(0, "source training", 0, "exact")]


def test_sets_of_another_size_and_colour_are_compared_in_grey_at_the_least_size() -> None:
    blocks = noise(2)
    source = np.repeat(np.kron(noise(1), np.ones((2, 2, 1), np.uint8)), 3, axis=3)
    test = noise(3)
    test[4] = source[6, ::2, ::2, :1]
    test[5] = source[7, ::2, ::2, :1] + 5
    found = find_overlap(part(source, source[:0]), part(blocks, noise(5, 8)), images(test), 0.99)
    assert kinds(found) == [
        (4, "source training", 6, "near"),
        (5, "source training", 7, "near"),
    ]
    assert found.thumbnails.shape == (2, 2, SIDE, SIDE, 3)
    np.testing.assert_array_equal(found.thumbnails[0, 1], np.repeat(test[4], 3, axis=2))


def test_a_source_of_small_images_does_not_make_the_target_coarse() -> None:
    """At 2x2 nearly all images of the target would be alike."""
    target, test = noise(2), noise(3)
    source = noise(1, NUM, (2, 2, 1))
    alone = find_overlap(part(target, noise(4, 8)), part(target, noise(5, 8)), images(test), 0.99)
    found = find_overlap(part(source, source[:0]), part(target, noise(5, 8)), images(test), 0.99)
    rows = [pair(o, "target test", "target training") for o in (alone, found)]
    assert rows[0] == rows[1]
    assert rows[0].total == 0


def test_labels_that_follow_on_near_copies_are_a_relabelling() -> None:
    source = noise(1)
    target = source + 25
    found = find_overlap(
        part(source, noise(4, 8)), part(target, noise(5, 8)), images(noise(3)), 0.99
    )
    assert (found.shared_train, found.odd_labels) == (NUM, 0)
    assert (found.label_function, found.same_labels) == (True, True)
    merged = TrainingPart(train=Images(target, np.arange(NUM) % 2), validation=images(noise(5, 8)))
    found = find_overlap(part(source, noise(4, 8)), merged, images(noise(3)), 0.99)
    assert (found.label_function, found.same_labels) == (True, False)


@pytest.mark.parametrize(("shift", "rule"), [(25, True), (0, False)], ids=["near", "exact"])
def test_one_odd_label_breaks_the_rule_on_equal_images_only(shift: int, rule: bool) -> None:
    source = noise(1)
    labels = np.arange(NUM) % 4
    labels[7] = 0
    target = TrainingPart(train=Images(source + shift, labels), validation=images(noise(5, 8)))
    found = find_overlap(part(source, noise(4, 8)), target, images(noise(3)), 0.99)
    assert (found.odd_labels, found.label_function) == (1, rule)


def test_the_order_of_images_does_not_matter() -> None:
    source, target, test = noise(1), noise(2), noise(3)
    test[5], test[9], test[12] = source[7], source[10] + 40, target[13, :, ::-1]
    target[2] = source[4]
    order = np.random.default_rng(0).permutation(NUM)
    plain = find_overlap(part(source, source[:0]), part(target, noise(5, 8)), images(test), 0.99)
    found = find_overlap(
        part(source[order], source[:0]),
        TrainingPart(
            train=Images(target[order], (np.arange(NUM) % 4)[order]), validation=images(noise(5, 8))
        ),
        Images(test[order], (np.arange(NUM) % 4)[order]),
        0.99,
    )
    assert found.pairs == plain.pairs
    assert sorted(order[found.leaked].tolist()) == plain.leaked.tolist()
    assert sorted(found.leaked_similarity) == sorted(plain.leaked_similarity)


def test_examples_run_from_the_most_alike_to_the_least_and_are_not_too_many() -> None:
    target, test = noise(2), noise(3)
    test[:10] = target[:10]
    fuzz = np.random.default_rng(6).normal(0, 3, test[10:].shape)
    test[10:] = np.clip(target[10:] + fuzz, 0, 255).astype(np.uint8)
    found = find_overlap(part(noise(1), noise(4, 8)), part(target, noise(5, 8)), images(test), 0.99)
    assert len(found.leaked) == NUM
    assert len(found.examples) == len(found.thumbnails) == MOST_EXAMPLES
    shown = [e.similarity for e in found.examples]
    assert shown == sorted(shown, reverse=True)
    assert min(shown) == found.leaked_similarity.min()
    for example, (one, other) in zip(found.examples, found.thumbnails, strict=True):
        np.testing.assert_array_equal(one, test[example.index])
        np.testing.assert_array_equal(other, target[example.other_index])
        assert example.label == example.index % 4


def test_a_test_part_that_hugs_the_training_part_is_noticed() -> None:
    """Test images a little off training images, below the threshold, are closer than chance."""
    target, fuzz = noise(2, 2_000), np.random.default_rng(6).normal(0, 25, (1_000, SIDE, SIDE, 1))
    hugging = np.clip(target[:1_000] + fuzz, 0, 255).astype(np.uint8)
    held = part(target, noise(5, 8))
    for test, least, most in ((hugging, 0.4, 0.6), (noise(3, 1_000), 0, 0.005)):
        found = find_overlap(part(noise(1), noise(4, 8)), held, images(test), 0.99)
        assert found.leaked.tolist() == []
        assert found.closeness is not None
        assert least <= found.closeness.above <= most


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mnist-mini", [(625, 4562, "near")]),
        (
            "fashion-mini",
            [
                (206, 3771, "near, mirrored"),
                (392, 4793, "near"),
                (426, 8267, "near"),
                (964, 6775, "near"),
                (1112, 8009, "near"),
            ],
        ),
    ],
)
def test_near_copies_inside_the_mini_sets(name: str, expected: list[tuple[int, int, str]]) -> None:
    """None is exact, some are near; found once, and checked here pair by pair and all together."""
    data, groups = DataRef(dataset=name), tuple((index,) for index in range(10))
    split = SplitSpec.model_validate({"by": "head", "validation": 0})
    own, test = training_part(data, groups, split), images_to_test(data, groups, split)
    found = find_overlap(part(noise(1), noise(4, 8)), own, test, 0.99)
    assert [(at, index, kind) for at, _, index, kind in kinds(found)] == expected
    assert found.leaked_near == len(found.leaked)
    for (at, index, kind), similarity in zip(expected, found.leaked_similarity, strict=True):
        one, other = test.pixels[at], own.train.pixels[index]
        turned = one[:, ::-1] if kind.endswith("mirrored") else one
        by_hand = np.corrcoef(turned.ravel(), other.ravel())[0, 1]
        assert similarity == pytest.approx(by_hand) != 1
    flat = [images.pixels.reshape(len(images), -1) for images in (test, own.train)]
    units = [x - x.mean(1, keepdims=True, dtype=np.float32) for x in flat]
    units = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in units]
    best = (units[0] @ units[1].T).max(1)
    assert np.flatnonzero(best >= 0.99).tolist() == [at for at, _, k in expected if k == "near"]
    assert found.closeness is not None
    assert found.closeness.above <= 0.005
