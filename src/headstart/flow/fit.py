"""One arm of a study, trained on images in memory: what `TransferClassifier.fit` runs."""

from dataclasses import replace
from typing import Any

import numpy as np

from headstart.core.errors import (
    DataError,
    HeadstartError,
    SpecError,
)
from headstart.data.datasets import measure
from headstart.data.find import where
from headstart.data.formats.npz_set import saved_npz
from headstart.data.images import Images
from headstart.execute.environment import usable_cores
from headstart.execute.executors import InlineExecutor
from headstart.execute.options import RunOptions
from headstart.execute.scheduler import execute
from headstart.flow.check import Loaded, checked
from headstart.flow.classifier_settings import ESTIMATOR, ArmSettings, in_words_of_the_classifier
from headstart.flow.engine import plan_of
from headstart.model.from_store import trained_model
from headstart.model.trained import TrainedModel
from headstart.plan.steps import Plan, Trial
from headstart.store.store import Store
from headstart.study.tasks import DataRef


def train_arm(
    settings: ArmSettings, images: Images, classes: tuple[str, ...], options: RunOptions
) -> TrainedModel:
    """The model of an arm that is trained on all of these images.

    The steps are those that a study would run: what the store holds is not run again.

    Raises:
        SpecError: with all problems of the settings and the images at once.
        HeadstartError: a step failed, with what it raised.
    """
    # Beside the store, where every later step finds them by content.
    dataset = saved_npz(options.store.absolute() / "arrays", images, classes)
    loaded = _checked(settings.study(str(dataset)), DataRef(dataset=str(dataset)))
    (pair,) = loaded.study.pairs
    if loaded.facts.wanted(loaded.study.network_of(pair)) is not None:
        check_scale(images.pixels)
    with Store(options.store) as store:
        plan, trial = _trained(loaded, store, options)
        return trained_model(loaded.study, loaded.facts, plan, trial, store)


def check_scale(pixels: np.ndarray) -> None:
    """Check images for a network that says which inputs it was trained on.

    Raises:
        DataError: they are floats outside the range from 0 to 1.
    """
    if pixels.dtype == np.uint8 or not pixels.size:
        return
    least, most = float(pixels.min()), float(pixels.max())
    if least < 0 or most > 1:
        raise DataError(
            f"X has floats from {least:g} to {most:g}, and a pretrained network expects them from "
            "0 to 1. Divide X, or give bytes (uint8)."
        )


def _checked(given: dict[str, Any], data: DataRef) -> Loaded:
    """The study with its facts, its problems at the parameters that they come from."""
    try:
        return checked(given, ESTIMATOR, untested={data: measure(where(data.dataset), data)})
    except SpecError as error:
        problems = [in_words_of_the_classifier(problem) for problem in error.problems]
        raise SpecError(problems, ESTIMATOR) from None


def _trained(loaded: Loaded, store: Store, options: RunOptions) -> tuple[Plan, Trial]:
    """The plan with its only trial, whose training steps are done."""
    while True:
        plan = plan_of(loaded, store)
        wanted = plan.trials[0].train_keys if plan.trials else plan.undecided
        needed = replace(plan, steps=_needed(plan, wanted))
        execute(needed, store, options, InlineExecutor(usable_cores()), lambda *_: None)
        missing = needed.steps.keys() - store.finished(needed.steps)
        if missing:
            (failure, *_) = store.failures(missing).values()
            reason = failure.error.strip().rpartition("\n")[2]
            raise HeadstartError(f"{failure.label} failed: {reason}\n\n{failure.error}")
        if plan.trials:
            return plan, plan.trials[0]


def _needed(plan: Plan, keys: tuple[str, ...]) -> dict[str, Any]:
    """The steps that give these steps, and themselves, in the order of the plan."""
    wanted, ahead = set(keys), list(keys)
    while ahead:
        more = set(plan.steps[ahead.pop()].inputs) - wanted
        wanted |= more
        ahead += more
    return {key: step for key, step in plan.steps.items() if key in wanted}
