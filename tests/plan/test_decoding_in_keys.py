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


def plan_with(source: dict[str, Any], target: dict[str, Any]) -> Plan:
    """The plan of the study on image files, decoded in these ways."""
    tasks = copy.deepcopy(STUDY["tasks"])
    tasks["source"]["image"], tasks["target"]["image"] = source, target
    study = StudySpec(**{**STUDY, "tasks": tasks})
    facts = digits(sizes=SIZES, modes=("L",))
    datasets = {task.data.origin: facts for task in study.tasks.values()}
    return make_plan(study, Facts(datasets=datasets))


@pytest.mark.parametrize(
    "image",
    [
        {"size": (10, 10)},
        {"size": (12, 12), "fit": "crop"},
        {"size": (12, 12), "interpolation": "bicubic"},
        {"colour": "rgb"},
    ],
)
def test_another_decoding_is_another_key(image: dict[str, Any]) -> None:
    usual, other = plan_with({}, {}), plan_with(image, image)
    assert usual.steps.keys().isdisjoint(other.steps.keys())
    again = plan_with({"fit": "stretch"}, {"interpolation": "bilinear"})
    assert again.steps.keys() == usual.steps.keys()


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
