"""Image files of 16 bits that use fewer are refused before training, with what to write."""

import copy
from typing import Any

import pytest

from headstart.study.dataset_facts import DatasetFacts
from headstart.study.depth_checks import depth_problems
from headstart.study.facts import Facts
from headstart.study.photo_study import BUDGETS, PhotoStudy
from headstart.study.tasks import TaskSpec


def scans(deep: dict[str, int]) -> DatasetFacts:
    return DatasetFacts(
        name="scans", content="c0ffee", shape=None, classes=("disc", "ring"), train_counts=(9, 9),
        test_counts=(2, 2), sizes=((48, 48), (48, 48)), modes=tuple(deep), deep=deep,
    )  # fmt: skip


def found(deep: dict[str, int], **image: Any) -> list[str]:
    task = TaskSpec.model_validate({"dataset": "scans", "image": copy.deepcopy(image)})
    facts = Facts(datasets={task.data.origin: scans(deep)})
    return [str(problem) for problem in depth_problems({"target": task}, facts)]


@pytest.mark.parametrize(("greatest", "bits"), [(4095, 12), (1023, 10), (16383, 14), (200, 8)])
def test_few_levels_are_refused_until_bits_are_said(greatest: int, bits: int) -> None:
    (text,) = found({"I;16": greatest})
    assert text.startswith("tasks.target.image: 'scans' has 16-bit images in grey with values up")
    assert f"up to {greatest:,} of 65,535: in 8 bits {greatest // 256 + 1} of 256 levels" in text
    assert f"Write image = {{ bits = {bits} }} to use all of them, or bits = 16 to take" in text
    assert found({"I;16": greatest}, bits=bits) == found({"I;16": greatest}, bits=16) == []


def test_images_that_use_sixteen_bits_are_right_as_they_are() -> None:
    assert found({}) == found({"I;16": 65535}) == found({"I;16": 16384, "RGB": 65535}) == []


def test_bits_that_do_not_hold_every_value() -> None:
    (text,) = found({"I;16": 5000}, bits=12)
    assert "tasks.target.image.bits: is 12, but 'scans' has values up to 5,000." in text
    assert "Write image = { bits = 13 }." in text


def test_of_colours_the_lower_bits_cannot_be_had() -> None:
    (text,) = found({"RGB": 4095})
    assert "16-bit images in colour with values up to 4,095" in text
    assert "Make them files of 8 bits that use all values, or write image = { bits = 16 }" in text
    (text,) = found({"RGB": 4095}, bits=12)
    assert "of which the upper 8 are read" in text
    assert found({"RGB": 4095}, bits=16) == []


def test_a_study_of_photos_writes_the_bits_itself() -> None:
    photos = PhotoStudy(
        dataset="scans", facts=scans({"I;16": 4000}), sources={"one": "timm:one"},
        budget=BUDGETS[-1], size=(48, 48),
    )  # fmt: skip
    assert "image = { size = [48, 48], bits = 12 }" in photos.text()
