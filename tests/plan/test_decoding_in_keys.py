"""Image files enter keys by their content and by how they are decoded; arrays by content alone."""

import copy
from typing import Any, cast

import pytest
from plans import CONTENT, STUDY, digits, plan_of

from headstart.plan.expand import make_plan
from headstart.plan.payload_types import ImagesPayload
from headstart.plan.payloads import images_name, images_payload
from headstart.plan.steps import Plan
from headstart.study.facts import Facts
from headstart.study.study import StudySpec
from headstart.study.tasks import DataRef

SIZES = ((12, 12), (12, 12))


def plan_with(source: dict[str, Any], target: dict[str, Any], **known: Any) -> Plan:
    """The plan of the study on image files, decoded in these ways."""
    tasks = copy.deepcopy(STUDY["tasks"])
    tasks["source"]["image"], tasks["target"]["image"] = source, target
    study = StudySpec(**{**STUDY, "tasks": tasks})
    facts = digits(sizes=SIZES, modes=("L",), **known)
    datasets = {task.data.origin: facts for task in study.tasks.values()}
    return make_plan(study, Facts(datasets=datasets))


@pytest.mark.parametrize(
    "image",
    [
        {"size": (10, 10)},
        {"size": (12, 12), "fit": "crop"},
        {"size": (12, 12), "interpolation": "bicubic"},
        {"colour": "rgb"},
        {"size": (12, 12), "fit": "pad"},
        {"bits": 12},
    ],
)
def test_another_decoding_is_another_key(image: dict[str, Any]) -> None:
    usual, other = plan_with({}, {}), plan_with(image, image)
    assert usual.steps.keys().isdisjoint(other.steps.keys())
    again = plan_with({"fit": "stretch"}, {"interpolation": "bilinear"})
    assert again.steps.keys() == usual.steps.keys()


@pytest.mark.parametrize("proportions", [((1, 1), (1, 1)), ()])
def test_photos_of_the_wished_proportions_have_the_keys_of_stretched_ones(
    proportions: tuple[tuple[int, int], ...],
) -> None:
    image = {"size": (10, 10)}
    usual = plan_with(image, image, proportions=proportions)
    stretched = plan_with({**image, "fit": "stretch"}, {**image, "fit": "stretch"})
    assert usual.steps.keys() == stretched.steps.keys()


def test_photos_of_other_proportions_are_cropped_in_their_keys() -> None:
    image, mixed = {"size": (10, 10)}, ((1, 2), (1, 1))
    usual = plan_with(image, image, proportions=mixed)
    least = {**image, "fit": "crop", "crop": 1.0}
    assert usual.steps.keys() == plan_with(least, least).steps.keys()
    stretched = {**image, "fit": "stretch"}
    old = plan_with(image, image, proportions=())
    assert plan_with(stretched, stretched, proportions=mixed).steps.keys() == old.steps.keys()
    assert usual.steps.keys().isdisjoint(old.steps.keys())


def test_arrays_have_the_keys_they_always_had() -> None:
    assert images_payload(digits(), DataRef(dataset="digits")) == {"content": CONTENT}
    assert plan_of().steps.keys().isdisjoint(plan_with({}, {}).steps.keys())
    for step in plan_of().steps.values():
        assert "decoding" not in str(step.payload)


def test_one_content_decoded_in_two_ways_is_found_in_both() -> None:
    image = {"size": (12, 12), "fit": "crop"}
    plan = plan_with({}, image)
    for step in plan.steps.values():
        assert len(step.datasets) == 2
        for name in ("data", "test", "source", "target", "train"):
            data = step.payload.get(name)
            if isinstance(data, dict) and "content" in data:
                found = step.datasets[images_name(cast(ImagesPayload, data))]
                assert found.decoding.payload == data["decoding"]
