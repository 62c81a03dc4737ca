"""What an experiment tracker gets of a study: each finished trial, and the study's report."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from headstart.analyse.analysis import Analysis, ArmResult, Comparison, Curve
from headstart.analyse.cells import cell_of
from headstart.core.hashing import digest
from headstart.plan.steps import Plan, Trial
from headstart.report.html.page import page
from headstart.report.rows import pairs_of
from headstart.report.run_summary import RunSummary

Value = str | int | float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedTrial:
    """A finished trial.

    Attributes:
        key: hash of all that its result depends on; the same trial has the same key anywhere.
        name: of its run, readable; with source and target where the study has several pairs.
        parameters: what it was given.
        results: what it came to; accuracies are fractions.
        curve: points (update, values by name) of its training.
    """

    key: str
    name: str
    parameters: dict[str, Value]
    results: dict[str, float]
    curve: tuple[tuple[int, dict[str, float]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedStudy:
    """A study as its report has it by now.

    Attributes:
        key: of the study; a later report of it takes the place of this one.
        content: hash of what the report says.
        name: of the study.
        headline: the answer.
        page: the report, one HTML file.
        results: gain of each comparison in percentage points, by size and arm; of several pairs
            by source and target, too.
    """

    key: str
    content: str
    name: str
    headline: str
    page: str
    results: dict[str, float]


class TrackerWriter(Protocol):
    """One place that trials and studies are written to; opened for one study."""

    def known(self) -> set[str]:
        """Keys of the trials, and contents of the reports, that are there."""

    def write_trial(self, trial: TrackedTrial) -> None:
        """Add a trial that is not there."""

    def write_study(self, study: TrackedStudy) -> None:
        """Add the study, or put it in the place of what was written of it before."""


def tracked_trials(analysis: Analysis, plan: Plan) -> Iterator[TrackedTrial]:
    """Every finished trial of an analysis."""
    results = {cell_of(result): result for result in analysis.arms}
    several = len(pairs_of(analysis)) > 1
    for trial in plan.trials:
        result = results.get(cell_of(trial))
        if result is not None and trial.seed in result.seeds:
            of = f"{trial.source} to {trial.target} " if several else ""
            name = f"{of}{trial.arm} {trial.size} seed {trial.seed}"
            yield _tracked(analysis.study, trial, plan, result, name)


def tracked_study(analysis: Analysis, summary: RunSummary) -> TrackedStudy:
    """The report of a study."""
    several = len(pairs_of(analysis)) > 1
    gains = {_name_of(one, several): one.gain_pp for one in analysis.comparisons}
    return TrackedStudy(
        key=digest(["study", analysis.study]),
        content=digest(repr(analysis)),
        name=analysis.study,
        headline=analysis.headline,
        page=page(analysis, summary),
        results=gains,
    )


def _name_of(gain: Comparison, several: bool) -> str:
    pair = f"{gain.source}/{gain.target}/" if several else ""
    return f"gain_pp/{pair}{gain.size}/{gain.arm}"


def _tracked(study: str, trial: Trial, plan: Plan, result: ArmResult, name: str) -> TrackedTrial:
    curve = next((one for one in result.curves if one.seed == trial.seed), None)
    accuracy = result.by_seed.get(trial.seed)
    results = {} if accuracy is None else {"test_accuracy": accuracy}
    points = tuple(_points(curve)) if curve else ()
    at = dict(points).get(curve.checkpoint, {}) if curve else {}
    if "validation_accuracy" in at:
        results["validation_accuracy_at_checkpoint"] = at["validation_accuracy"]
    return TrackedTrial(
        key=trial.score_key,
        name=name,
        parameters={
            "study": study,
            "source": trial.source,
            "target": trial.target,
            "arm": trial.arm,
            "size": trial.size,
            "num_images": trial.num_images,
            "seed": trial.seed,
            "updates": trial.updates,
            "trainable_parameters": trial.trainable_parameters,
            "total_parameters": trial.total_parameters,
            **_training(trial, plan),
        },
        results=results,
        curve=points,
    )


def _training(trial: Trial, plan: Plan) -> dict[str, Value]:
    """Settings of the last training of a trial; nothing of one that trains nothing by updates."""
    payload = plan.steps[trial.train_keys[-1]].payload if trial.train_keys else {}
    optimiser = payload.get("optimiser") or {}
    found = {
        "optimiser": optimiser.get("kind"),
        "learning_rate": optimiser.get("lr"),
        "weight_decay": optimiser.get("weight_decay"),
        "batch_size": payload.get("batch_size"),
    }
    return {name: value for name, value in found.items() if value is not None}


def _points(curve: Curve) -> Iterator[tuple[int, dict[str, float]]]:
    names = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy")
    for at, update in enumerate(curve.updates):
        runs = {name: getattr(curve, name) for name in names}
        values = {name: run[at] for name, run in runs.items() if at < len(run)}
        yield update, {name: value for name, value in values.items() if value is not None}
