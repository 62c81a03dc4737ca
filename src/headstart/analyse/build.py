"""Study, plan and store -> Analysis."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from headstart.analyse.analysis import Analysis, ArmResult, Curve, Tuning
from headstart.analyse.attribution import attribute
from headstart.analyse.benefit.build import worth_of
from headstart.analyse.benefit.classes import class_gains
from headstart.analyse.benefit.forgetting import forgetting_of
from headstart.analyse.benefit.model_selection import picks_of
from headstart.analyse.cells import Cell, cell_of
from headstart.analyse.compare import Finished, compare_all, family_of
from headstart.analyse.gates.gate import Evidence, Records
from headstart.analyse.gates.registry import run_audits, run_gates
from headstart.analyse.headline import details, headline
from headstart.analyse.leaks import leak_reports
from headstart.analyse.lineage import lineage_of
from headstart.analyse.multiplicity import level_of
from headstart.analyse.paired import answers_of
from headstart.analyse.protocol import protocol_lines
from headstart.analyse.published import published_figures
from headstart.analyse.records import Record, gather, gather_sources, overlaps_of
from headstart.analyse.tasks import task_facts
from headstart.plan.steps import Plan, Trial
from headstart.store.store import Store
from headstart.study.arms import ArmSpec
from headstart.study.facts import Facts
from headstart.study.study import StudySpec


def analyse(
    study: StudySpec, facts: Facts, plan: Plan, store: Store, *, looks: int = 1
) -> Analysis:
    """Everything a report shows, from what the store holds of the plan.

    `looks` is how many times the study's evidence is looked at to decide whether to go on, this
    time and all others that have been or will be: each look is held to a stricter level.
    """
    return analysis_of(seen_of(study, facts, plan, store), plan, store, looks=looks)


def seen_of(study: StudySpec, facts: Facts, plan: Plan, store: Store) -> Evidence:
    """What there is to judge: everything that the store holds of the plan."""
    records = gather(plan, store)
    return Evidence(
        study=study,
        facts=facts,
        records=records,
        overlaps=overlaps_of(plan, store),
        choices=plan.choices,
        sources=gather_sources(plan, store),
        lineage=lineage_of(plan, store, ((c, seed) for c, by in records.items() for seed in by)),
    )


def analysis_of(seen: Evidence, plan: Plan, store: Store, *, looks: int = 1) -> Analysis:
    """The analysis of what there is to judge, with every gate and audit.

    A number that does not stand up to its audit withholds the verdict, as any other fault does.
    """
    gates, withheld = run_gates(seen)
    found = _found(seen, plan, store, looks, withheld)
    audits, doubted = run_audits(found, seen)
    if doubted:
        found = _found(seen, plan, store, looks, {**doubted, **withheld})
    every = tuple(sorted((*gates, *audits), key=lambda gate: gate.id))
    missing = found.num_trials - found.num_done
    return replace(
        found,
        gates=every,
        detail=details(every, seen.study.control, missing, looks, found.family_size),
    )


def _found(
    seen: Evidence, plan: Plan, store: Store, looks: int, withheld: dict[Cell, str]
) -> Analysis:
    """The numbers, with the verdicts of some cells withheld; nothing of what the gates say yet."""
    study, facts, records = seen.study, seen.facts, seen.records
    planned = _by_cell(plan.trials)
    arms = _results(study, planned, records)
    sources = _results(study, _by_cell(plan.sources), seen.sources)
    finished = Finished(
        study=study,
        planned=tuple(planned),
        answers=answers_of(records, study.seeds),
        withheld=withheld,
        level=level_of(looks),
        margins=plan.margins,
    )
    comparisons = compare_all(finished)
    attributions, notes = attribute(finished, comparisons)
    family_size = len(family_of(study, finished.planned))
    failures = store.failures(plan.steps)
    source_flops = {trial.source: trial.flops for trial in plan.sources}
    return Analysis(
        study=study.name,
        question=study.question,
        headline=headline(comparisons, arms, study.all_arms, len(study.pairs) > 1, attributions),
        detail=(),
        seeds=study.seeds,
        sizes=tuple(size.label for size in study.sizes),
        arm_names=tuple(arm.name for arm in study.all_arms),
        control=study.control,
        tasks=task_facts(study, facts),
        arms=arms,
        sources=sources,
        cuts=study.sweep_cuts,
        published=published_figures(study, arms, sources),
        comparisons=comparisons,
        tuning=tuple(_tunings(plan)),
        gates=(),
        protocol=protocol_lines(study, plan, looks, family_size),
        environment=_environment(records),
        num_trials=plan.num_trials,
        num_done=sum(len(by_seed) for by_seed in records.values()),
        failures=tuple(f"{row.label}: {_what_happened(row.error)}" for row in failures.values()),
        leaks=leak_reports(seen),
        attributions=attributions,
        attribution_notes=notes,
        looks=looks,
        level=finished.level,
        family_size=family_size,
        worth=worth_of(study, facts, records, source_flops, withheld),
        class_gains=class_gains(study, facts, records, withheld),
        picks=picks_of(study, arms, source_flops),
        forgetting=forgetting_of(plan, seen.sources, store),
    )


def _what_happened(error: str) -> str:
    """The first line of what a traceback ends with: what may follow it says only what to do."""
    lines = error.strip().splitlines()
    frames = [number for number, line in enumerate(lines) if line.startswith("  File ")]
    after = lines[frames[-1] :] if frames else lines
    return next((line for line in after if not line.startswith(" ")), lines[-1])


def _tunings(plan: Plan) -> Iterator[Tuning]:
    for (source, target, size), choice in plan.choices.items():
        for arm, tried in choice.scores.items():
            yield Tuning(
                source=source,
                target=target,
                size=size,
                arm=arm,
                rates=tuple(score.rate for score in tried),
                validation_accuracy=tuple(score.accuracy for score in tried),
                chosen=choice.rates[arm],
                edge=choice.edges.get(arm, ""),
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
        **_metric_means(found),
    )


def _metric_means(found: list[Record]) -> dict[str, float | None]:
    """Means over seeds, None where a seed has none."""
    columns: dict[str, list[float | None]] = {
        name: [record.metrics[name] if record.metrics else None for record in found]
        for name in ("balanced_accuracy", "nll", "brier", "ece")
    }
    columns["train_mean"] = [record.fit["accuracy"] if record.fit else None for record in found]
    means = {}
    for name, column in columns.items():
        there = [value for value in column if value is not None]
        means[name] = float(np.mean(there)) if len(there) == len(column) else None
    return means


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


def _environment(records: Records) -> tuple[tuple[str, str], ...]:
    """The environment of the results, each value once where they differ."""
    found: dict[str, dict[str, None]] = {}
    for by_seed in records.values():
        for record in by_seed.values():
            for row in record.train_rows:
                for name, value in row.environment.items():
                    found.setdefault(name, {})[str(value)] = None
    return tuple((name, ", ".join(values)) for name, values in found.items())
