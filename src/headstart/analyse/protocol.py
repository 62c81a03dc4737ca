"""Protocol of a study: one line for each rule."""

from collections.abc import Iterator

from headstart.analyse.analysis import Strictness
from headstart.analyse.headline import adjustment
from headstart.analyse.text import comma_list, minutes_text
from headstart.metrics import ACCURACY, METRICS
from headstart.plan.steps import Plan
from headstart.study.arm_text import described
from headstart.study.study import AUTO, StudySpec
from headstart.study.training import TrainingSpec


def protocol_lines(
    study: StudySpec, plan: Plan, strictness: Strictness
) -> tuple[tuple[str, str], ...]:
    """(rule, its setting) for each rule of the study, and for each arm with another training."""
    training = study.training
    keep = (
        f"best {METRICS[study.metric].on('validation')} of those measured, ties to the earlier"
        if training.keep == "best"
        else "the last"
    )
    return (
        ("Control", f"{study.control}: {described(study.arm(study.control))}"),
        ("Seeds", f"{_seeds(study)}; {_seeds_mean(study)}"),
        ("Size", "number of labelled training images; validation images are extra, see tasks"),
        ("Subsets", "stratified and nested: a smaller size is part of the larger one"),
        ("Budget", f"{_budget(training)}, batches of {training.batch_size} or all images if fewer"),
        *_sources(study),
        ("Optimiser", _optimiser(training)),
        *_other_trainings(study),
        ("Pilot", _pilot(study)),
        ("Weights that count", f"{keep}; measured {training.validations} times, evenly spaced"),
        ("Preprocessing", _preprocessing(study)),
        *_metric(study),
        ("Test images", _test_images(study)),
        (
            "Interval",
            "crossed seeds x test images, t with Satterthwaite's df, "
            f"{adjustment(strictness)}; other arms are held to the level of the look alone",
        ),
        ("Margin", _margin(study, plan)),
        (
            "Plan",
            f"SHA-256 {study.fingerprint[:16]}... of the study file as it was read, kept in the "
            "store before anything was trained",
        ),
    )


def _metric(study: StudySpec) -> Iterator[tuple[str, str]]:
    """What is measured, where it is not the share of right answers."""
    metric = METRICS[study.metric]
    if metric is not ACCURACY:
        yield (
            "Metric",
            f"{metric.noun}: right answers {metric.share}; verdicts, margin and intervals are by "
            "it, and so are learning rates, checkpoints and penalties on validation images",
        )


def _test_images(study: StudySpec) -> str:
    opened = "opened once per trial, by its last step, after all training"
    repeated = study.repeated_targets
    if not repeated:
        return opened
    return (
        f"{opened}; of {', '.join(repeated)} each seed has another fifth of all images as its test "
        "part and trains on others, so that five seeds in a row test every image once"
    )


def _seeds(study: StudySpec) -> str:
    seeds = comma_list(study.seeds)
    if not study.looks:
        return seeds
    budget = f", as far as {minutes_text(study.minutes)} allow" if study.minutes else ""
    return (
        f"{seeds}; each comparison has the first {study.looks[0]} of them, and without a verdict "
        f"those of the next look ({comma_list(study.looks)} seeds){budget}"
    )


def _seeds_mean(study: StudySpec) -> str:
    pretrained = [name for name, source in study.sources.items() if source.pretrained]
    if not pretrained:
        return "seed s uses source run s, and fixes subset, batch order and head"
    return (
        f"a seed fixes subset, batch order and head; the checkpoint of {', '.join(pretrained)} is "
        "one and the same for all, so a verdict is about this checkpoint"
    )


def _sources(study: StudySpec) -> Iterator[tuple[str, str]]:
    """How sources came about: runs of this study, or checkpoints."""
    sources = {pair.source: study.source_of(pair) for pair in study.pairs}
    if any(source.task is not None for source in sources.values()):
        yield ("Source runs", f"{_budget(study.pretraining)}, from scratch on all source images")
    for name, source in sources.items():
        if source.pretrained is not None:
            file = f", weights of {source.weights}" if source.weights else ""
            yield f"Source {name}", f"{source.checkpoint}, pretrained{file}: its trunk, a new head"


def _other_trainings(study: StudySpec) -> Iterator[tuple[str, str]]:
    """Arms whose training is not the study's: budget, batch size and optimiser."""
    for arm in study.all_arms:
        own = arm.training
        if own is not None and own != study.training and arm.trains:
            yield (
                f"Training of {arm.name}",
                f"{_budget(own)}, batches of {own.batch_size}; {_optimiser(own)}",
            )


def _pilot(study: StudySpec) -> str:
    chosen = [
        *(["learning rates"] if study.training.rates or study.pretraining.rates else []),
        *(["the margin"] if study.margin == AUTO else []),
    ]
    repeated = study.repeated_targets
    if repeated and len(repeated) == len({pair.target for pair in study.pairs}):
        rates = "each seed settles its learning rates on its own validation images"
        return (
            f"none, for the seeds test the images of any pilot: "
            f"{rates if study.training.rates else 'learning rate and margin are given'}"
        )
    if not chosen:
        return "none: learning rate and margin are given"
    return (
        f"seed {study.pilot_seed}, never tested and no part of the evidence, settles "
        f"{' and '.join(chosen)} by validation; a grid whose best rate lies at its edge grows "
        "there, for all arms"
    )


def _margin(study: StudySpec, plan: Plan) -> str:
    if study.margin != AUTO:
        return f"{study.margin:g} percentage points, fixed beforehand"
    margins = " / ".join(dict.fromkeys(f"{margin:g}" for margin in plan.margins.values()))
    if len(study.repeated_targets) == len({pair.target for pair in study.pairs}):
        return (
            f"{margins or 'not settled yet'} percentage points: it is not measured where each seed "
            "has a test part to itself"
        )
    return (
        f"{margins or 'not settled yet'} percentage points: a tenth of {study.control}'s "
        f"validation error on the pilot seed ({study.pilot_seed}), from 0.2 to 1, fixed before any "
        "test image was opened"
    )


def _budget(training: TrainingSpec) -> str:
    if training.updates is not None:
        return f"{training.updates:,} updates"
    floor = f", at least {training.min_updates:,} updates" if training.min_updates else ""
    return f"{training.epochs:g} epochs{floor}"


def _optimiser(training: TrainingSpec) -> str:
    spec = training.optimiser
    rates = ", ".join(f"{rate:g}" for rate in training.rates)
    rate = f"learning rate of each arm and size from {rates}" if rates else f"rate {spec.lr:g}"
    parts = [f"{spec.kind}, {rate}"]
    if spec.momentum:
        parts.append(f"momentum {spec.momentum:g}" + (" (Nesterov)" if spec.nesterov else ""))
    if spec.weight_decay:
        parts.append(f"weight decay {spec.weight_decay:g}")
    schedule = training.schedule
    warmup = f" after {schedule.warmup:.0%} warm-up" if schedule.warmup else ""
    if training.class_weights == "balanced":
        parts.append("the loss of an image weighted by n / (K n_c) of its class")
    if training.precision != "float32":
        parts.append(f"updates and frozen features in {training.precision}")
    return f"{', '.join(parts)}, {schedule.kind} schedule{warmup}; fresh for every phase"


def _preprocessing(study: StudySpec) -> str:
    spec = study.preprocessing
    scaled = "divided by 255" if spec.scale == "unit" else "as they are"
    pretrained = any(source.pretrained is not None for source in study.sources.values())
    if spec.standardise == "network" or (spec.standardise == "auto" and pretrained):
        return "size, crop, mean and deviation as each source's network was trained with"
    if spec.standardise not in ("channel", "pixel"):
        return f"pixels {scaled}"
    whose = "the source task's" if spec.statistics == "source" else "each arm's own"
    return f"pixels {scaled}, standardised per {spec.standardise} with {whose} training images"
