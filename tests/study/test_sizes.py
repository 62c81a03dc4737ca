"""Sizes: what a user may write, what it means in images, and what is refused."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.study.sizes import ALLOWED, SizeSpec, parse_size

COUNTS = st.integers(min_value=1, max_value=10**9)
SIZES = st.one_of(
    st.just(SizeSpec(kind="all")),
    COUNTS.map(lambda count: SizeSpec(kind="count", value=count)),
    COUNTS.map(lambda count: SizeSpec(kind="per_class", value=count)),
    # As many digits as a label shows.
    st.integers(1, 10**6).map(lambda n: SizeSpec(kind="fraction", value=n / 10**6)),
)


@settings(max_examples=100)
@given(SIZES)
def test_a_label_reads_as_the_size_it_names(size: SizeSpec) -> None:
    again = parse_size(size.label)
    assert (again.kind, again.label) == (size.kind, size.label)
    assert again.value == pytest.approx(size.value, rel=1e-12)


@pytest.mark.parametrize(
    ("given", "kind", "value", "label"),
    [
        (50, "count", 50, "50"),
        ("50", "count", 50, "50"),
        (" 50 ", "count", 50, "50"),
        ("5 per class", "per_class", 5, "5 per class"),
        ("5/class", "per_class", 5, "5 per class"),
        ("5 PER-CLASS", "per_class", 5, "5 per class"),
        (0.1, "fraction", 0.1, "10%"),
        ("0.1", "fraction", 0.1, "10%"),
        (".25", "fraction", 0.25, "25%"),
        ("10%", "fraction", 0.1, "10%"),
        ("7 %", "fraction", 0.07, "7%"),
        ("2.5%", "fraction", 0.025, "2.5%"),
        (1.0, "fraction", 1.0, "100%"),
        ("all", "all", 1.0, "all"),
        ("All", "all", 1.0, "all"),
    ],
)
def test_forms_of_a_size(given: object, kind: str, value: float, label: str) -> None:
    size = parse_size(given)
    assert (size.kind, size.label) == (kind, label)
    assert size.value == pytest.approx(value)


@pytest.mark.parametrize(
    "given",
    [0, "0", -5, "-5", 1.5, 0.0, "0%", "101%", "", " ", "many", "5 per", "per class", "0 per class",
     "1e3", "1,000", "5 class", "50 images", "all of it", True, None, [50], float("nan")],
)  # fmt: skip
def test_anything_else_is_refused_with_what_is_allowed(given: object) -> None:
    with pytest.raises(ValueError, match=re.escape(f"{given!r} is not a size; allowed: {ALLOWED}")):
        parse_size(given)


@settings(max_examples=100)
@given(st.text(max_size=9) | st.text("0159.% perclas/l", max_size=9))
def test_no_text_breaks_the_parser(text: str) -> None:
    size, refusal = None, ""
    try:
        size = parse_size(text)
    except ValueError as error:
        refusal = str(error)
    if size is None:
        assert refusal == f"{text!r} is not a size; allowed: {ALLOWED}"
    else:
        assert size.value > 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"kind": "count", "value": -3}, "-3 is not a value for count"),
        ({"kind": "count", "value": 2.5}, "2.5 is not a value for count"),
        ({"kind": "per_class", "value": 0}, "0 is not a value for per_class"),
        ({"kind": "fraction", "value": 2}, "2 is not a value for fraction"),
        ({"kind": "fraction", "value": 0}, "0 is not a value for fraction"),
    ],
)
def test_a_table_is_held_to_the_same_limits(given: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_size(given)


def test_a_size_as_it_was_stored_reads_as_itself() -> None:
    for text in ("all", "50", "5 per class", "10%"):
        size = parse_size(text)
        assert parse_size(size.model_dump()) == size
        assert parse_size(size) is size


@pytest.mark.parametrize(
    ("text", "images"),
    [("50", 50), ("5 per class", 15), ("10%", 100), ("0.0004", 0), ("0.0005", 1), ("all", 1001)],
)
def test_images_of_a_size(text: str, images: int) -> None:
    assert parse_size(text).num_images(num_classes=3, available=1001) == images
