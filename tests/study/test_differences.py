"""What two studies ask differently, in words."""

from headstart.study.differences import Difference, differences
from headstart.study.study import StudySpec
from studies import tiny_table


def between(**changes: object) -> list[tuple[str, str, str]]:
    first, second = StudySpec(**tiny_table()), StudySpec(**tiny_table(**changes))
    return [(d.field, d.first, d.second) for d in differences(first, second)]


def test_a_study_differs_from_itself_in_nothing_and_its_name_is_no_difference() -> None:
    assert between() == []
    assert between(name="other") == []


def test_fields_are_named_by_their_sections() -> None:
    training = {"updates": 24, "batch_size": 16, "validations": 3}
    assert between(training=training) == [("training, updates", "12", "24")]
    assert between(sizes=[20, "all"], margin="auto", question="") == [
        ("question", "Is a tiny head start seen?", "empty"),
        ("sizes", "20, 60", "20, all"),
        ("margin", "1", "auto"),
    ]


def test_seeds_in_a_row_are_shortened() -> None:
    assert between(seeds=[0, 1, 4]) == [("seeds", "0 to 2", "0, 1, 4")]


def test_arms_are_compared_by_their_names() -> None:
    found = between(arms=["scratch", "full", "probe"])
    assert found == [
        ("arms, random_trunk", "there", "not there"),
        ("arms, probe_then_full", "there", "not there"),
    ]


def test_first_and_second_change_places() -> None:
    first, second = StudySpec(**tiny_table()), StudySpec(**tiny_table(seeds=5))
    (one,), (other,) = differences(first, second), differences(second, first)
    assert other == Difference(field=one.field, first=one.second, second=one.first)
