"""Trained models of a study that a store holds: chosen by name or on validation."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from headstart.analyse.cells import cell_of
from headstart.analyse.text import percent
from headstart.core.errors import Problem, SpecError, StoreError, known_names, unknown
from headstart.flow.engine import analyse_look
from headstart.flow.reopen import Reopened, need_store, reopen_finished, reopen_number
from headstart.metrics import METRICS
from headstart.plan.steps import Trial
from headstart.store.store import Store

if TYPE_CHECKING:
    from headstart.analyse.analysis import Analysis, ArmResult
    from headstart.model.opened import OpenedModel
    from headstart.model.predictor import Predictor
    from headstart.model.trained import TrainedModel

BEST = "best"
"""The arm that validation prefers, instead of an arm's name."""

EXPORTED = ".safetensors"
"""Ending of exported files that hold a whole model."""

OTHER_PROGRAMS = {".onnx": "onnxruntime", ".pt2": "PyTorch", ".keras": "Keras"}
"""Endings of exported files that other programs open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which model of a study: `best` or the name of an arm; None is left to validation."""

    arm: str = BEST
    size: str | None = None
    seed: int | None = None
    source: str | None = None
    target: str | None = None


def open_model(folder: Path, study: str | int, wanted: Wanted = Wanted()) -> "OpenedModel":
    """The model of a study that is asked for, from a store.

    Args:
        folder: of the store.
        study: its name or its file; or its number in the store.
        wanted: which model of the study.

    Raises:
        StoreError: the store does not hold the study, or no trained model as it is asked for.
        SpecError: names are not those of the study.
    """
    from headstart.model.from_store import trained_model
    from headstart.model.opened import OpenedModel
    from headstart.model.study_images import study_images

    need_store(folder)
    with Store(folder, reading=True) as store:
        reopened = (
            reopen_finished(store, study) if isinstance(study, str) else reopen_number(store, study)
        )
        loaded, plan = reopened.loaded, reopened.plan
        analysis = analyse_look(loaded, plan, store)
        result, why = _choose_result(analysis, reopened, wanted)
        trial, because = _choose_trial(result, reopened, store, wanted.seed)
        if analysis.num_done < analysis.num_trials:
            because += f"; only {analysis.num_done} of {analysis.num_trials} trials are done"
        return OpenedModel(
            model=trained_model(loaded.study, loaded.facts, plan, trial, store),
            why=f"{why}; {because}",
            study=loaded.study,
            facts=loaded.facts,
            analysis=analysis,
            images=study_images(plan, trial, store),
        )


def find_model(folder: Path, study: str, wanted: Wanted = Wanted()) -> "tuple[TrainedModel, str]":
    """The model of a study in a store, or the one in an exported file; and why it was chosen.

    Args:
        folder: of the store.
        study: its name, its file, or a `.safetensors` file that headstart has exported.
        wanted: which model of the study; nothing is left to choose in a file.

    Raises:
        StoreError, SpecError: as `open_model` raises them. CheckpointError: the file cannot be
            read, or headstart has not written it.
    """
    suffix = Path(study).suffix
    if suffix in OTHER_PROGRAMS:
        raise SpecError(
            [
                Problem(
                    where="",
                    message=f"is a model for another program ({OTHER_PROGRAMS[suffix]}).",
                    allowed=f"Allowed: the name of a study, or a {EXPORTED} file.",
                    fix="docs/deploy.md says how to open it.",
                )
            ],
            study,
        )
    if suffix == EXPORTED:
        from headstart.model.serialised import read_file

        if wanted != Wanted():
            raise SpecError(
                [Problem(where="", message="one model is in it: leave out arm, size and seed.")],
                study,
            )
        return read_file(Path(study)), f"it is the one in {study}"
    opened = open_model(folder, study, wanted)
    return opened.model, opened.why


def load_model(
    study: str,
    *,
    store: Path | str = Path("headstart-store"),
    arm: str = BEST,
    size: str | None = None,
    seed: int | None = None,
    source: str | None = None,
    target: str | None = None,
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto",
) -> "Predictor":
    """The trained model of a study, ready to predict.

    Args:
        study: name of a study in the store, its file, or an exported `.safetensors` file.
        store: folder of the store.
        arm: name of an arm; `best` is the one that validation prefers at the largest size.
        size: label of a size of the study; left out, the largest.
        seed: of the trial; left out, the one with the best validation accuracy.
        source: of several; left out, the one that validation prefers.
        target: task of several; must be named then.
        device: where to compute.

    Raises:
        StoreError: the store does not hold the study, or no trained model as it is asked for.
        SpecError: names are not those of the study.
        CheckpointError: the file cannot be read.
    """
    from headstart.model.predictor import Predictor

    wanted = Wanted(arm=arm, size=size, seed=seed, source=source, target=target)
    model, _ = find_model(Path(store), study, wanted)
    return Predictor(model, device)


def _choose_result(
    analysis: "Analysis", reopened: Reopened, wanted: Wanted
) -> tuple["ArmResult", str]:
    """The arm at a size, and why; without an arm's name the one that validation prefers."""
    _check_names(analysis, reopened, wanted)
    found = [result for result in analysis.arms if _fits(result, wanted)]
    if wanted.arm == BEST:
        picked = {cell_of(selection) for selection in analysis.picks}
        found = [result for result in found if cell_of(result) in picked]
    if not found:
        raise StoreError(_why_none(analysis, reopened, wanted))
    most = max(result.num_images or 0 for result in found)
    largest = [result for result in found if result.num_images == most]
    chosen = max(largest, key=lambda result: result.validation_mean or 0.0)
    if wanted.arm == BEST:
        noun = METRICS[analysis.metric].noun
        why = (
            f"validation prefers {chosen.arm} with {most:,} images "
            f"({noun} {percent(chosen.validation_mean)} % on the mean over its seeds)"
        )
        return chosen, why
    return chosen, f"{chosen.arm} with {most:,} images was asked for"


def _fits(result: "ArmResult", wanted: Wanted) -> bool:
    asked = (
        (wanted.arm, BEST, result.arm),
        (wanted.size, None, result.size),
        (wanted.source, None, result.source),
        (wanted.target, None, result.target),
    )
    return all(given in (anything, own) for given, anything, own in asked)


def _choose_trial(
    result: "ArmResult", reopened: Reopened, store: Store, seed: int | None
) -> tuple[Trial, str]:
    """The seed that was asked for, or the one with the best validation accuracy (ties: lowest)."""
    trials = [
        trial
        for trial in reopened.plan.trials
        if cell_of(trial) == cell_of(result) and trial.seed in result.seeds
    ]
    if seed is not None:
        for trial in trials:
            if trial.seed == seed:
                return trial, f"seed {seed} was asked for"
        finished = ", ".join(str(number) for number in result.seeds)
        raise StoreError(
            f"arm '{result.arm}' at size {result.size} has no finished trial with seed {seed}. "
            f"Finished: {finished}."
        )
    rows = store.rows(trial.score_key for trial in trials)
    accuracies = {
        trial.seed: rows[trial.score_key].result["checkpoint"].get("validation_accuracy")
        for trial in trials
    }
    metric = reopened.loaded.study.metric
    measured = {number: found for number, found in accuracies.items() if found is not None}
    if not measured:
        return trials[0], f"seed {trials[0].seed} is the first, as nothing was validated"
    best = max(measured.values())
    chosen = next(trial for trial in trials if measured.get(trial.seed) == best)
    tied = sum(found == best for found in measured.values())
    shared = f", the first of {tied} that share it" if tied > 1 else ""
    return (
        chosen,
        f"of its seeds {chosen.seed} has the best {METRICS[metric].on('validation')}, "
        f"{percent(best)} %{shared}",
    )


def _check_names(analysis: "Analysis", reopened: Reopened, wanted: Wanted) -> None:
    """Refuse names that the study does not have, all of them at once."""
    pairs = reopened.loaded.study.pairs
    known: list[tuple[str, str | None, Iterable[str]]] = [
        ("arm", wanted.arm, (BEST, *analysis.arm_names)),
        ("size", wanted.size, analysis.sizes),
        ("source", wanted.source, dict.fromkeys(pair.source for pair in pairs)),
        ("target", wanted.target, dict.fromkeys(pair.target for pair in pairs)),
    ]
    problems = []
    for what, given, names in known:
        there = list(names)
        if given is not None and given not in there:
            problems.append(unknown(what, given, there))
    targets = list(dict.fromkeys(pair.target for pair in pairs))
    if wanted.target is None and len(targets) > 1:
        problems.append(
            Problem(
                where="",
                message=f"the study has {len(targets)} targets, and their classes differ.",
                allowed=known_names(targets),
                fix="Choose one of them as the target.",
            )
        )
    if problems:
        raise SpecError(problems, f"the model of study '{analysis.study}'")


def _why_none(analysis: "Analysis", reopened: Reopened, wanted: Wanted) -> str:
    """Why there is no model as it is asked for, and what to do."""
    again = f"Run the study again: {reopened.command or 'headstart run ...'}"
    what = f"arm '{wanted.arm}'" if wanted.arm != BEST else f"study '{analysis.study}'"
    finished = [result for result in analysis.arms if wanted.arm in (BEST, result.arm)]
    if wanted.arm == BEST and finished and not analysis.picks:
        return (
            f"study '{analysis.study}' has no validation images, so no arm is preferred. "
            f"Choose one: --arm {finished[0].arm}"
        )
    if finished:
        sizes = ", ".join(dict.fromkeys(result.size for result in finished))
        return f"{what} has no finished trial as it is asked for. Finished sizes: {sizes}. {again}"
    failed = [text for text in analysis.failures if wanted.arm == BEST or wanted.arm in text]
    reason = f" Failed: {failed[0]}." if failed else ""
    return f"{what} has no finished trial.{reason} {again}"
