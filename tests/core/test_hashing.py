"""Keys are forever: golden values pin the format of canonical JSON, digests and array hashes."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.core.hashing import canonical_json, digest, hash_arrays

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


def arrays() -> dict[str, np.ndarray]:
    return {
        "labels": np.array([3, 1, 4], dtype=np.int64),
        "pixels": np.arange(6, dtype=np.uint8).reshape(2, 3),
    }


def test_canonical_json_is_pinned() -> None:
    value = {"b": [1, 2.5, None, True], "a": "\u00e9"}
    assert canonical_json(value) == '{"a":"\\u00e9","b":[1,2.5,null,true]}'


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({}, "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"),
        ([], "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"),
        (
            {"b": [1, 2.5, None, True], "a": "\u00e9"},
            "0b8cc543e984d4d7398f5f603a4b91d358a2565f1d6b6a058565d662854e37cf",
        ),
    ],
)
def test_digest_is_pinned(value: object, expected: str) -> None:
    assert digest(value) == expected


@settings(max_examples=30)
@given(st.dictionaries(st.text(max_size=4), VALUES, max_size=4))
def test_order_of_keys_does_not_count(value: dict[str, Any]) -> None:
    assert digest(dict(reversed(value.items()))) == digest(value)


def test_a_number_and_its_float_are_two_values() -> None:
    assert digest({"lr": 1}) != digest({"lr": 1.0})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_json_cannot_say_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="Out of range float values are not JSON compliant"):
        canonical_json({"x": value})


def test_hash_of_arrays_is_pinned() -> None:
    assert hash_arrays(arrays()) == (
        "cf1784e1627e16221dc499a68773668785268c3af285b0c6639b266628c5cdbd"
    )


def test_hash_of_arrays_sees_name_type_shape_and_content() -> None:
    pixels = arrays()["pixels"]
    changed = [
        {**arrays(), "more": pixels},
        {"labels": pixels, "pixels": arrays()["labels"]},
        {**arrays(), "pixels": pixels.astype(np.int8)},
        {**arrays(), "pixels": pixels.reshape(3, 2)},
        {**arrays(), "pixels": pixels.reshape(6)},
        {**arrays(), "pixels": pixels + np.uint8(1)},
        {**arrays(), "labels": arrays()["labels"].astype(">i8")},
        {"labels": arrays()["labels"]},
    ]
    hashes = [hash_arrays(found) for found in [arrays(), *changed]]
    assert len(set(hashes)) == len(hashes)


def test_hash_of_arrays_sees_where_one_array_ends() -> None:
    one = {"a": np.array([1, 2], dtype=np.uint8), "b": np.array([3], dtype=np.uint8)}
    other = {"a": np.array([1], dtype=np.uint8), "b": np.array([2, 3], dtype=np.uint8)}
    assert hash_arrays(one) != hash_arrays(other)


def test_hash_of_arrays_ignores_memory_layout_and_order() -> None:
    pixels, labels = arrays()["pixels"], arrays()["labels"]
    wide = np.zeros((2, 6), dtype=np.uint8)
    wide[:, ::2] = pixels
    for laid_out in (np.asfortranarray(pixels), wide[:, ::2], pixels.copy()):
        assert hash_arrays({"pixels": laid_out, "labels": labels}) == hash_arrays(arrays())


def test_hash_of_arrays_takes_empty_arrays() -> None:
    empty = np.zeros((0, 3), dtype=np.float32)
    assert hash_arrays({"a": empty}) != hash_arrays({"a": empty.reshape(3, 0)})
