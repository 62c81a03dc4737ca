"""Data sets as arrays: the images of the files, writable, and an error where there are none."""

from pathlib import Path

import numpy as np
import pytest

import headstart as hs


def test_a_known_set_is_two_parts_and_the_names_of_its_classes() -> None:
    (x, y), (x_test, y_test), classes = hs.load_data("fashion-mini")
    assert x.shape == (10000, 28, 28)
    assert x_test.shape == (2000, 28, 28)
    assert x.dtype == np.uint8
    assert (len(y), len(y_test)) == (10000, 2000)
    assert classes[0] == "T-shirt/top"
    assert set(np.unique(y)) == set(range(10))


def test_arrays_are_the_users_and_no_later_reader_sees_what_he_does_to_them() -> None:
    (x, y), *_ = hs.load_data("mnist-mini")
    first, label = x.copy(), y.copy()
    x[:], y[:] = 0, 0
    (again, labels), *_ = hs.load_data("mnist-mini")
    np.testing.assert_array_equal(again, first)
    np.testing.assert_array_equal(labels, label)


def test_photos_are_decoded_at_the_size_asked_for() -> None:
    (x, _), _, classes = hs.load_data("signs-mini", size=(16, 16))
    assert x.shape[1:] == (16, 16, 3)
    assert len(classes) == 10


def test_what_is_not_there_is_named_with_what_is(tmp_path: Path) -> None:
    with pytest.raises(hs.DataError, match="mnist-mini"):
        hs.load_data("mnist-mimi")
    with pytest.raises(hs.DataError, match="nowhere"):
        hs.load_data(str(tmp_path / "nowhere"))
