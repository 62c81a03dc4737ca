"""What will be refused for its shared images is foreseen, and nothing else is."""

from typing import Any

import pytest

from headstart.study.leak_preview import predicted_leaks
from studies import tiny

EVEN_ODD = {"even": [0, 2, 4, 6, 8], "odd": [1, 3, 5, 7, 9]}


def warned(source: dict[str, Any], target: dict[str, Any]) -> tuple[str, ...]:
    tasks = {
        name: {"dataset": "mnist-mini", **task}
        for name, task in (("source", source), ("target", target))
    }
    loaded = tiny(tasks=tasks)
    return predicted_leaks(loaded.study, loaded.facts)


@pytest.mark.parametrize(
    ("source", "target", "gate"),
    [
        ({}, {}, "CHK-01"),
        ({"classes": [0, 1]}, {"classes": [1, 0]}, "CHK-01"),
        ({"classes": [0, 1, 2, 3]}, {"classes": [3, 4, 5, 6]}, "CHK-01"),
        ({"classes": EVEN_ODD}, {"classes": EVEN_ODD}, "CHK-01"),
        ({"split": {"take": [0, 0.5]}}, {"split": {"take": [0.4, 1]}}, "CHK-01"),
        ({}, {"classes": EVEN_ODD}, "CHK-02"),
    ],
)
def test_shared_images_whose_labels_follow(
    source: dict[str, Any], target: dict[str, Any], gate: str
) -> None:
    (line,) = warned(source, target)
    assert line.startswith("source 'source' and target 'target' share about ")
    assert f"gate {gate} will withhold the verdict. Give them other images" in line


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ({"classes": [0, 1]}, {"classes": [2, 3]}),
        ({"split": {"take": [0, 0.5]}}, {"split": {"take": [0.5, 1]}}),
        ({"split": {"take": [0, 0.5]}}, {"split": {"take": [0.46, 1]}}),
        ({"classes": EVEN_ODD}, {}),
        ({}, {"alter": ["shuffled_labels"]}),
    ],
)
def test_what_shares_nothing_or_says_something_else_is_no_matter(
    source: dict[str, Any], target: dict[str, Any]
) -> None:
    assert warned(source, target) == ()


def test_the_share_is_told() -> None:
    (line,) = warned({"split": {"take": [0, 0.5]}}, {"split": {"take": [0.25, 0.75]}})
    assert "share about 50 % of the target's training images, and the target's classes are" in line
