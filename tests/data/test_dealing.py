"""Images dealt by their hashes: every image keeps its side, groups stay together, classes share."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.data.dealing import dealt_groups, dealt_test, units_of


def hashes(*names: object) -> list[str]:
    return [hashlib.sha256(str(name).encode()).hexdigest() for name in names]


IMAGES = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 9), st.integers(0, 3)), min_size=1, max_size=80
)
"""Bytes, group and class of each image."""


def split_of(found: np.ndarray, by: np.ndarray) -> set[int]:
    """Which of `by` lie on both sides."""
    return set(by[found].tolist()) & set(by[~found].tolist())


@pytest.mark.parametrize("grouped", [False, True])
@given(images=IMAGES)
@settings(deadline=None)
def test_no_unit_is_on_both_sides_and_every_class_that_can_be_is(
    grouped: bool, images: list[tuple[int, int, int]]
) -> None:
    content, groups, labels = (np.array(column) for column in zip(*images, strict=True))
    units = units_of(hashes(*content), [f"g{one}" for one in groups] if grouped else None)
    for found in (dealt_test(units, labels), dealt_groups(units, labels, 0.3, 0)):
        assert not split_of(found, content)
        assert not grouped or not split_of(found, groups)
        for label in set(labels.tolist()):
            own = labels == label
            assert not found[own].all()
            if len(set(units[own].tolist())) == 1:
                assert not found[own].any()


def test_every_class_of_two_images_has_one_to_test_with() -> None:
    for trial in range(30):
        labels = np.arange(20) // 2
        found = dealt_test(units_of(hashes(*((trial, at) for at in range(20)))), labels)
        assert np.bincount(labels[found], minlength=10).tolist() == [1] * 10


def test_images_keep_their_part_when_others_join() -> None:
    changed = 0
    for trial in range(50):
        units = units_of(hashes(*((trial, at) for at in range(120))))
        labels = np.arange(120) % 2
        before, after = dealt_test(units[:100], labels[:100]), dealt_test(units, labels)
        changed += int((before != after[:100]).sum())
    assert changed <= 1  # of 5,000


def test_the_share_is_a_fifth_on_the_mean_and_of_large_sets() -> None:
    labels = np.arange(20_000) % 4
    found = dealt_test(units_of(hashes(*range(20_000))), labels)
    assert np.bincount(labels[found]) / 5_000 == pytest.approx([0.2] * 4, abs=0.02)


def test_the_deal_is_the_same_for_ever_and_in_any_order() -> None:
    units, labels = units_of(hashes(*range(30))), np.arange(30) % 3
    found = dealt_test(units, labels)
    assert np.flatnonzero(found).tolist() == [7, 11, 12, 17, 23, 25]
    assert (dealt_test(units[::-1], labels[::-1]) == found[::-1]).all()


def test_groups_are_dealt_near_the_share_of_every_class() -> None:
    groups = np.arange(400) % 40
    labels = groups % 2
    units = units_of(hashes(*range(400)), [f"patient {one}" for one in groups])
    found = dealt_groups(units, labels, 0.1, 0)
    assert np.bincount(labels[found]).tolist() == [20, 20]
    assert (dealt_groups(units, labels, 0.1, 1) != found).any()


def test_groups_that_share_an_image_are_one() -> None:
    units = units_of(hashes("a", "b", "b", "c", "d"), ["1", "1", "2", "2", "3"])
    assert len(set(units[:4].tolist())) == 1
    assert units[4] != units[0]
