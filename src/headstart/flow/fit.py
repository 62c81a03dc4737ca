"""One arm of a study, trained on images in memory: what `TransferClassifier.fit` runs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from headstart.core.errors import (
    DataError,
    HeadstartError,
    Problem,
    SpecError,
    known_names,
    nearest,
)
from headstart.core.files import written_whole
from headstart.core.hashing import digest, hash_arrays
from headstart.core.thread_budget import allowing_threads
from headstart.data.datasets import measure
from headstart.data.find import where
from headstart.data.formats.npz_set import write_npz
from headstart.data.images import Images
from headstart.execute.environment import usable_cores
from headstart.execute.executors import InlineExecutor
from headstart.execute.options import RunOptions
from headstart.execute.scheduler import execute
from headstart.flow.engine import plan_of
from headstart.flow.facts import gather_facts
from headstart.flow.load import Loaded
from headstart.model.from_store import trained_model
from headstart.model.trained import TrainedModel
from headstart.plan.steps import Plan, Trial
from headstart.store.store import Store
from headstart.study.arms import NAMED_ARMS, SOURCE
from headstart.study.checks import check
from headstart.study.data_checks import check_facts
from headstart.study.network import AnyNetwork
from headstart.study.sources import SourceSpec
from headstart.study.study import StudySpec, parse, spelt_out
from headstart.study.tasks import DataRef
from headstart.study.training import TrainingSpec
from headstart.train.threads import one_thread_an_operation

ESTIMATOR = "TransferClassifier"
"""What has problems, in errors."""
TARGET = "target"
STRATEGIES = tuple(
    name
    for name, arm in NAMED_ARMS.items()
    if arm.trains and arm.compute_of is None and set(arm.origins) <= {SOURCE}
)
"""Built-in arms that need nothing but a source and the target's images."""
_OPTIMISER = TrainingSpec.model_fields["optimiser"].default.model_dump(exclude_unset=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmSettings:
    """What defines one arm, in the words of a study file.

    Attributes:
        source: a checkpoint; None for a network that nothing is transferred to.
        network: of the arm; a source brings its own.
        strategy: one of `STRATEGIES`, or the table of a strategy.
        training: the table `[training]`.
        learning_rate: takes the place of the optimiser's; None leaves it.
        validation: share or number of the images that validate.
        seed: of the trial.
    """

    source: SourceSpec | None
    network: AnyNetwork
    strategy: str | Mapping[str, Any]
    training: Mapping[str, Any]
    learning_rate: float | None
    validation: float
    seed: int

    def study(self, dataset: str) -> dict[str, Any]:
        """The study of this arm alone, as a file would say it."""
        arm = self._arm()
        if self.source is None:
            origin: dict[str, Any] = {
                "network": self.network,
                "pairs": [{"source": TARGET, "target": TARGET}],
            }
        else:
            origin = {"sources": {SOURCE: self.source}}
        return {
            "name": "classifier",
            "tasks": {TARGET: {"dataset": dataset, "split": {"validation": self.validation}}},
            "training": self._training(),
            "arms": [arm],
            "control": arm["name"] if isinstance(arm, dict) else arm,
            "seeds": [self.seed],
            "pilot_seed": max(self.seed, 0) + 1,
            "margin": 1.0,
            **origin,
        }

    def _arm(self) -> Any:
        if isinstance(self.strategy, Mapping):
            start = "fresh" if self.source is None else SOURCE
            return {"name": "strategy", "start": start, "strategy": dict(self.strategy)}
        if self.strategy not in STRATEGIES:
            raise _problem(
                "strategy",
                f"{self.strategy!r} is not known.",
                f"{known_names(STRATEGIES)} Or a table, such as "
                "{'kind': 'freeze', 'cut': 'stage2'}.",
                nearest(str(self.strategy), STRATEGIES),
            )
        if self.source is None and SOURCE in NAMED_ARMS[self.strategy].origins:
            raise _problem(
                "strategy",
                f"'{self.strategy}' starts from a source, and there is none.",
                "Without a source: random_trunk, scratch.",
                "Give a source ('timm:NAME') instead of a network.",
            )
        return self.strategy

    def _training(self) -> dict[str, Any]:
        training = dict(self.training)
        if self.learning_rate is None:
            return training
        optimiser = training.get("optimiser", _OPTIMISER)
        optimiser = {"kind": optimiser} if isinstance(optimiser, str) else dict(optimiser)
        return training | {"optimiser": optimiser | {"lr": self.learning_rate}}


def train_arm(
    settings: ArmSettings, images: Images, classes: tuple[str, ...], options: RunOptions
) -> TrainedModel:
    """The model of an arm that is trained on all of these images.

    The steps are those that a study would run: what the store holds is not run again.

    Raises:
        SpecError: with all problems of the settings and the images at once.
        HeadstartError: a step failed, with what it raised.
    """
    dataset = _saved(images, classes, options.store)
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


def _saved(images: Images, classes: tuple[str, ...], store: Path) -> Path:
    """The file of the images beside a store, where every later step finds them by content."""
    content = hash_arrays({"pixels": images.pixels, "labels": images.labels})
    path = store.absolute() / "arrays" / f"{digest([content, list(classes)])}.npz"
    if not path.exists():
        with written_whole(path) as temporary:
            write_npz(temporary, images, classes)
    return path


def _checked(given: dict[str, Any], data: DataRef) -> Loaded:
    """The study with its facts; its data set, which has no test part, is measured here."""
    given = spelt_out(given)
    parts, problems = parse(given)
    measured = measure(where(data.dataset), data)
    facts, more = gather_facts(parts, {data: measured})
    problems += [*more, *check(parts), *check_facts(parts, facts)]
    if problems:
        raise SpecError([_in_words_of_the_classifier(one) for one in problems], ESTIMATOR)
    return Loaded(study=StudySpec(**given), facts=facts)


def _trained(loaded: Loaded, store: Store, options: RunOptions) -> tuple[Plan, Trial]:
    """The plan with its only trial, whose training steps are done."""
    while True:
        plan = plan_of(loaded, store)
        wanted = plan.trials[0].train_keys if plan.trials else plan.undecided
        needed = replace(plan, steps=_needed(plan, wanted))
        with one_thread_an_operation(), allowing_threads(usable_cores()):
            execute(needed, store, options, InlineExecutor(), lambda *_: None)
        missing = needed.steps.keys() - store.finished(needed.steps)
        if missing:
            failed = store.failures(missing).values()
            raise HeadstartError("\n".join(failure.error for failure in failed))
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


_WORDS = {
    "sources.source.pretrained": "source",
    "sources.source": "source",
    "arms[0].strategy": "strategy",
    "arms[0]": "strategy",
    "tasks.target.split.validation": "validation",
    "tasks.target.split": "validation",
    "tasks.target": "X",
    "training.optimiser.lr": "learning_rate",
    "seeds[0]": "random_state",
}
"""Places of the study -> the parameters that they come from."""


def _in_words_of_the_classifier(problem: Problem) -> Problem:
    for place, name in _WORDS.items():
        if problem.where.startswith(place):
            return replace(problem, where=name + problem.where.removeprefix(place))
    return problem


def _problem(where: str, message: str, allowed: str, fix: str) -> SpecError:
    problem = Problem(where=where, message=message, allowed=allowed, fix=fix)
    return SpecError([problem], ESTIMATOR)
