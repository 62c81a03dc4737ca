"""Settings of a classifier: one arm in the words of a study file, and what is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from headstart.core.errors import Problem, SpecError, known_names, nearest
from headstart.study.arms import NAMED_ARMS, SOURCE
from headstart.study.network import AnyNetwork
from headstart.study.problems import problems_from
from headstart.study.sources import SourceSpec
from headstart.study.training import TrainingSpec

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
            raise refused(
                "strategy",
                f"{self.strategy!r} is not known.",
                f"{known_names(STRATEGIES)} Or a table, such as "
                "{'kind': 'freeze', 'cut': 'stage2'}.",
                nearest(str(self.strategy), STRATEGIES),
            )
        if self.source is None and SOURCE in NAMED_ARMS[self.strategy].origins:
            raise refused(
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


def in_words_of_the_classifier(problem: Problem) -> Problem:
    """A problem of the study, at the parameter that it comes from."""
    for place, name in _WORDS.items():
        if problem.where.startswith(place):
            return replace(problem, where=name + problem.where.removeprefix(place))
    return problem


def refused(where: str, message: str, allowed: str = "", fix: str = "") -> SpecError:
    """The error of one setting."""
    problem = Problem(where=where, message=message, allowed=allowed, fix=fix)
    return SpecError([problem], ESTIMATOR)


def parsed(name: str, annotation: Any, given: Any) -> Any:
    """What a parameter says, as the study's types read it.

    Raises:
        SpecError: with all problems of it.
    """
    adapter: TypeAdapter[Any] = TypeAdapter(annotation)
    try:
        return adapter.validate_python(given)
    except ValidationError as error:
        raise SpecError(problems_from(error, annotation, where=name), ESTIMATOR) from None
