"""Names in the order of a person, and as many as are of use."""

from hypothesis import given, settings
from hypothesis import strategies as st

from headstart.core.names import natural_order


def test_numbers_in_names_count_as_numbers() -> None:
    assert natural_order(["10", "2", "1", "b10", "b9", "a", "02"]) == [
        "1", "02", "2", "10", "a", "b9", "b10",
    ]  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.text()))
def test_any_names_are_ordered_in_one_way(names: list[str]) -> None:
    ordered = natural_order(names)
    assert sorted(ordered) == sorted(names)
    assert natural_order(reversed(names)) == ordered
