"""Overlap steps: the search for images that source and target share."""

from dataclasses import asdict
from typing import cast

import numpy as np

from headstart.data.leaks.bursts import find_bursts
from headstart.data.leaks.overlap import find_overlap
from headstart.execute.steps.context import StepContext
from headstart.execute.steps.inputs import test_images, training_images
from headstart.execute.steps.outcome import Outcome
from headstart.plan.payload_types import OverlapPayload
from headstart.plan.steps import Step


def overlap_step(step: Step, _: StepContext) -> Outcome:
    """Images of the target's test part that are also trained on or selected by."""
    payload = cast(OverlapPayload, step.payload)
    source = payload.get("source")
    target = training_images(payload["target"], step.datasets)
    test = test_images(payload["test"], step.datasets)
    found = find_overlap(
        None if source is None else training_images(source, step.datasets),
        target,
        test,
        payload["near"],
        validates_on_test=payload["target"]["split"]["by"] == "test",
    )
    result = asdict(found)
    bursts = find_bursts(target.train, test)
    if bursts is not None:
        result["bursts"] = asdict(bursts)
    arrays = {n: result.pop(n) for n in list(result) if isinstance(result[n], np.ndarray)}
    return Outcome(result=result, arrays=arrays)
