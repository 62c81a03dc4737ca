"""Settings in which an arm was trained otherwise than the control, field by field."""

from headstart.analyse.cells import Cell
from headstart.analyse.records import Records
from headstart.core.hashing import Json
from headstart.plan.payloads import augment_payload, optimiser_payload, schedule_payload
from headstart.study.arms import ArmSpec
from headstart.study.study import StudySpec
from headstart.study.training import TrainingSpec

_WORDS = {"kind": "optimiser", "lr": "learning rate", "nesterov": "Nesterov momentum"}


def other_settings(study: StudySpec, arm: ArmSpec, num_images: int | None = None) -> str:
    """Settings of an arm's training that are not the control's, each with that in brackets.

    Empty where there are none: an arm that trains nothing has no settings, and a head solved to
    convergence none of those. Budgets are compared by updates and images, elsewhere.

    Args:
        study: The study.
        arm: An arm of it.
        num_images: Training images that the settings are compiled for: no batch is larger.
    """
    control = study.arm(study.control)
    if not (arm.has_rate and control.has_rate):
        return ""
    own, others = (_settings(study.training_of(one), num_images) for one in (arm, control))
    # Settings that only one of two kinds of optimiser has are said by its name.
    return ", ".join(
        f"{name} {own[name]} ({control.name}: {others[name]})"
        for name in own
        if name in others and own[name] != others[name]
    )


def same_settings(study: StudySpec, arm: ArmSpec, other: ArmSpec) -> bool:
    """Whether two arms are trained with the same settings; so is an arm that has none with all."""
    if not (arm.has_rate and other.has_rate):
        return True
    return _settings(study.training_of(arm)) == _settings(study.training_of(other))


def settings_of_cells(study: StudySpec, records: Records) -> dict[Cell, str]:
    """Settings that are not the control's, of every cell with trials that has any."""
    numbers = {
        cell: next(iter(by_seed.values())).trial.num_images
        for cell, by_seed in records.items()
        if by_seed
    }
    settings = {
        cell: other_settings(study, study.arm(cell[3]), number) for cell, number in numbers.items()
    }
    return {cell: own for cell, own in settings.items() if own}


def _settings(training: TrainingSpec, num_images: int | None = None) -> dict[str, str]:
    """Every setting of a training but its budget, as text."""
    optimiser = {**optimiser_payload(training.optimiser)}
    optimiser["epsilon_inside"] = training.optimiser.epsilon_inside
    if training.rates:
        optimiser["lr"] = f"the best of {', '.join(f'{rate:g}' for rate in training.rates)}"
    schedule = schedule_payload(training.schedule)
    batch = training.batch_size if num_images is None else training.batch_of(num_images)
    return {
        **{_WORDS.get(name, name.replace("_", " ")): _text(optimiser[name]) for name in optimiser},
        "batch size": str(batch),
        "schedule": schedule["kind"],
        "warm-up": _text(schedule["warmup"]),
        "augmentation": ", ".join(map(_augmentation, augment_payload(training.augment))) or "none",
        "class weights": training.class_weights,
        "precision": training.precision,
        "weights that count": f"best of {training.validations} measurements"
        if training.keep == "best"
        else "last",
    }


def _augmentation(payload: Json) -> str:
    settings = ", ".join(f"{name} {_text(payload[name])}" for name in payload if name != "kind")
    return f"{payload['kind']} ({settings})"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.12g}" if isinstance(value, int | float) else str(value)
