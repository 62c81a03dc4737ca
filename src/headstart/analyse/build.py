"""Study, plan and store -> Analysis."""

import numpy as np

from headstart.analyse.analysis import Analysis, ArmResult, Comparison, Curve, TaskFacts
from headstart.analyse.gates.kinds import Records, Seen
from headstart.analyse.gates.registry import run_gates
from headstart.analyse.headline import details, headline
from headstart.analyse.protocol import protocol_lines
from headstart.analyse.published import published_figures
from headstart.analyse.records import (
    Cell,
    Record,
    cell_of,
    gather,
    gather_sources,
    overlaps_of,
)
from headstart.analyse.statistics import crossed, relative_error_reduction
from headstart.analyse.verdict import CONFIDENCE, Judged, judge, too_few
from headstart.plan.steps import Plan, Trial
from headstart.spec.arms import ArmSpec
from headstart.spec.data_checks import task_counts
from headstart.spec.facts import Facts
from headstart.spec.study import StudySpec
from headstart.store.store import Store


def analyse(study: StudySpec, facts: Facts, plan: Plan, store: Store) -> Analysis:
    """Everything a report shows, from what the store holds of the plan."""
    records, source_records = gather(plan, store), gather_sources(plan, store)
    seen = Seen(study=study, facts=facts, records=records, overlaps=overlaps_of(plan, store))
    gates, withheld = run_gates(seen)
    planned = _by_cell(plan.trials)
    arms = _results(study, planned, records)
    sources = _results(study, _by_cell(plan.sources), source_records)
    comparisons = tuple(
        _compare(study, cell, records, withheld)
        for cell in planned
        if cell[3] != study.control and _common_seeds(study, cell, records)
    )
    num_done = sum(len(by_seed) for by_seed in records.values())
    failures = store.failures(plan.steps)
    return Analysis(
        study=study.name,
        question=study.question,
        headline=headline(comparisons, arms, study.all_arms, len(study.pairs) > 1),
        detail=details(gates, study.control, len(plan.trials) - num_done),
        seeds=study.seeds,
        sizes=tuple(size.label for size in study.sizes),
        arm_names=tuple(arm.name for arm in study.all_arms),
        control=study.control,
        tasks=tuple(_task_facts(study, facts)),
        arms=arms,
        sources=sources,
        cuts=study.network.cuts if study.cuts else (),
        published=published_figures(study, arms, sources),
        comparisons=comparisons,
        gates=gates,
        protocol=protocol_lines(study),
        environment=_environment(records),
        num_trials=len(plan.trials),
        num_done=num_done,
        failures=tuple(
            f"{row.label}: {row.error.strip().splitlines()[-1]}" for row in failures.values()
        ),
    )


def _by_cell(trials: tuple[Trial, ...]) -> dict[Cell, list[Trial]]:
    planned: dict[Cell, list[Trial]] = {}
    for trial in trials:
        planned.setdefault(cell_of(trial), []).append(trial)
    return planned


def _results(
    study: StudySpec, planned: dict[Cell, list[Trial]], records: Records
) -> tuple[ArmResult, ...]:
    swept = {arm.name: arm for arm in study.all_arms}
    return tuple(
        _arm_result(trials, records[cell], swept.get(cell[3]))
        for cell, trials in planned.items()
        if records[cell]
    )


def _arm_result(trials: list[Trial], by_seed: dict[int, Record], arm: ArmSpec | None) -> ArmResult:
    found = [by_seed[trial.seed] for trial in trials if trial.seed in by_seed]
    first = found[0].trial
    scores = [float(record.correct.mean()) for record in found]
    validation = [record.checkpoint.get("validation_accuracy") for record in found]
    measured = [accuracy for accuracy in validation if accuracy is not None]
    return ArmResult(
        arm=first.arm,
        size=first.size,
        num_images=first.num_images,
        source=first.source,
        target=first.target,
        seeds=tuple(record.trial.seed for record in found),
        test_accuracy=tuple(scores),
        mean=float(np.mean(scores)),
        sd=float(np.std(scores, ddof=1)) if len(scores) > 1 else None,
        lowest=min(scores),
        highest=max(scores),
        validation_mean=float(np.mean(measured)) if measured else None,
        trainable_parameters=first.trainable_parameters,
        total_parameters=first.total_parameters,
        updates=first.updates,
        seconds=float(np.mean([record.seconds for record in found])),
        flops=round(np.mean([record.flops for record in found])),
        curves=tuple(_curve(record) for record in found),
        missing=tuple(trial.seed for trial in trials if trial.seed not in by_seed),
        family=arm.family if arm else "",
        cut=arm.cut if arm else "",
    )


def _curve(record: Record) -> Curve:
    points = [point for row in record.train_rows for point in row.result["curve"]]
    # What was not finite is stored as null.
    columns = [[np.nan if x is None else x for x in column] for column in zip(*points, strict=True)]
    updates, train_loss, loss, accuracy, train_accuracy = columns or ([], [], [], [], [])
    return Curve(
        seed=record.trial.seed,
        updates=tuple(int(update) for update in updates),
        train_loss=tuple(train_loss),
        validation_loss=tuple(loss),
        validation_accuracy=tuple(accuracy),
        train_accuracy=tuple(train_accuracy),
        checkpoint=record.checkpoint.get("update", record.trial.updates),
    )


def _control_of(study: StudySpec, cell: Cell) -> Cell:
    return (*cell[:3], study.control)


def _common_seeds(study: StudySpec, cell: Cell, records: Records) -> list[int]:
    """Seeds in which both the arm and its control are finished."""
    control = records.get(_control_of(study, cell), {})
    return [seed for seed in study.seeds if seed in records[cell] and seed in control]


def _compare(
    study: StudySpec, cell: Cell, records: Records, withheld: dict[Cell, str]
) -> Comparison:
    seeds = _common_seeds(study, cell, records)
    arm, control = ([records[c][s] for s in seeds] for c in (cell, _control_of(study, cell)))
    differences = np.stack(
        [
            a.correct.astype(np.int8) - c.correct.astype(np.int8)
            for a, c in zip(arm, control, strict=True)
        ]
    )
    gains = 100 * differences.mean(1)
    low = high = None
    if len(seeds) > 1 and differences.any():
        found = crossed(differences)
        low, high = (100 * end for end in found.interval(CONFIDENCE))
        judged = judge(found, study.margin)
    elif len(seeds) > 1:
        judged = _all_alike(arm, control)
    else:
        judged = too_few(len(seeds), float(gains.mean()))
    reason = withheld.get(cell) or withheld.get(_control_of(study, cell))
    if reason:
        judged = Judged(word="invalid", why=reason)
    first = arm[0].trial
    return Comparison(
        arm=cell[3],
        control=study.control,
        size=cell[2],
        num_images=first.num_images,
        source=cell[0],
        target=cell[1],
        seeds=tuple(seeds),
        gains_pp=tuple(float(gain) for gain in gains),
        gain_pp=float(gains.mean()),
        low_pp=low,
        high_pp=high,
        confidence=CONFIDENCE,
        margin_pp=study.margin,
        verdict=judged.word,
        why=judged.why,
        detectable_pp=judged.detectable_pp,
        seeds_needed=judged.seeds_needed,
        error_reduction=relative_error_reduction(
            float(np.mean([r.correct.mean() for r in arm])),
            float(np.mean([r.correct.mean() for r in control])),
        ),
    )


def _all_alike(arm: list[Record], control: list[Record]) -> Judged:
    """No image was told right by one arm and wrong by the other."""
    same = all(np.array_equal(a.classes, c.classes) for a, c in zip(arm, control, strict=True))
    if same:
        return Judged(
            word="invalid",
            why="arms identical: both gave the same answer to every test image in every seed",
        )
    return Judged(
        word="not enough evidence",
        why="both arms were right on the same test images in every seed; there is no variance to "
        "judge by. More or harder test images are needed",
    )


def _task_facts(study: StudySpec, facts: Facts) -> list[TaskFacts]:
    used = dict.fromkeys(name for pair in study.pairs for name in (pair.source, pair.target))
    found = []
    for name in used:
        task = study.tasks[name]
        known = facts[str(task.data)]
        groups = task.groups(known.classes)
        images = sum(task_counts(task, known))
        taken = task.split.num_taken(images)
        cut = task.split.num_test_cut(taken)
        published = sum(known.test_counts[i] for group in groups.values() for i in group)
        num_test = cut - task.split.drop_last if cut else published
        left = task.split.num_left(images)
        found.append(
            TaskFacts(
                name=name,
                dataset=str(task.data),
                licence=known.licence,
                note=known.note,
                classes=tuple(groups),
                num_train=left,
                num_validation=num_test if task.split.by == "test" else taken - cut - left,
                num_test=num_test,
            )
        )
    return found


def _environment(records: Records) -> tuple[tuple[str, str], ...]:
    """The environment of the results, each value once where they differ."""
    found: dict[str, dict[str, None]] = {}
    for by_seed in records.values():
        for record in by_seed.values():
            for row in record.train_rows:
                for name, value in row.environment.items():
                    found.setdefault(name, {})[str(value)] = None
    return tuple((name, ", ".join(values)) for name, values in found.items())
