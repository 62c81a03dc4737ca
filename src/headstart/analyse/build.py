"""Analysis of a study from its plan and store."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product

from headstart.analyse.analysis import Analysis, Tuning
from headstart.analyse.arm_notes import arm_notes_of
from headstart.analyse.attribution import attribute
from headstart.analyse.benefit.build import benefits_of
from headstart.analyse.benefit.class_gains import class_gains
from headstart.analyse.benefit.forgetting import forgetting_of
from headstart.analyse.benefit.model_selection import select_models
from headstart.analyse.cells import Cell
from headstart.analyse.compare import Finished, compare_all
from headstart.analyse.details import details
from headstart.analyse.gates.convergence import unlearnt_cells
from headstart.analyse.gates.gate import Evidence
from headstart.analyse.gates.outcome import answered_by, gates_of, withheld_by
from headstart.analyse.gates.registry import run_audits, run_gates
from headstart.analyse.headline import Answers, headline, wording_of
from headstart.analyse.leaks import leak_reports
from headstart.analyse.lineage import lineage_of
from headstart.analyse.looks import NOTHING_SHOWN, Shown
from headstart.analyse.mistakes import confusions_of, mistakes_of, pair_answers
from headstart.analyse.paired import answers_of
from headstart.analyse.preferred import with_preferred
from headstart.analyse.protocol import protocol_lines
from headstart.analyse.published import published_figures
from headstart.analyse.records import (
    Records,
    accounts_of,
    gather,
    gather_sources,
    overlaps_of,
)
from headstart.analyse.results import by_cell, results_of
from headstart.analyse.stopping import with_stopping
from headstart.analyse.strictness import strictness_of
from headstart.analyse.tasks import task_facts
from headstart.analyse.trainings import settings_of_cells
from headstart.metrics import METRICS
from headstart.plan.steps import Plan, Trial
from headstart.store.store import Store
from headstart.study.facts import Facts
from headstart.study.shared_classes import all_shared_classes
from headstart.study.study import StudySpec


def analyse(
    study: StudySpec, facts: Facts, plan: Plan, store: Store, shown: Shown = NOTHING_SHOWN
) -> Analysis:
    """Analysis of the stored part of a plan.

    `shown` is what was shown before of these comparisons and of others on the same test images:
    verdicts are held to stricter levels for it.
    """
    return analysis_of(evidence_of(study, facts, plan, store), plan, store, shown)


def evidence_of(study: StudySpec, facts: Facts, plan: Plan, store: Store) -> Evidence:
    """Evidence of a study: everything that the store holds of its plan."""
    metric = METRICS[study.metric]
    records = gather(plan, store, metric)
    if plan.allocation is not None:  # those of the seeds planned that any comparison has so far
        study = study.model_copy(update={"seeds": study.seeds[: plan.allocation.most]})
    return Evidence(
        study=study,
        facts=facts,
        records=records,
        overlaps=overlaps_of(plan, store),
        choices=plan.choices,
        sources=gather_sources(plan, store, metric),
        accounts=accounts_of(plan, store),
        lineage=lineage_of(plan, store, ((c, seed) for c, by in records.items() for seed in by)),
        margins=plan.margins,
    )


def analysis_of(
    evidence: Evidence, plan: Plan, store: Store, shown: Shown = NOTHING_SHOWN
) -> Analysis:
    """Analysis of the evidence, with every gate and audit.

    A number that fails its audit withholds the verdict, as any other fault does.
    """
    checked = run_gates(evidence)
    withheld = withheld_by(checked, evidence.records)
    analysis = _without_gates(evidence, plan, store, shown, withheld)
    audited = run_audits(analysis, evidence)
    doubted = withheld_by(audited, evidence.records)
    if doubted:
        analysis = _without_gates(evidence, plan, store, shown, {**doubted, **withheld})
    gates = gates_of((*checked, *audited), answered_by(analysis))
    missing = analysis.num_trials - analysis.num_done
    held, rows = analysis.strictness, analysis.comparisons
    return replace(
        analysis,
        gates=gates,
        detail=details(evidence.study, evidence.facts, gates, missing, held, rows),
    )


def _without_gates(
    evidence: Evidence, plan: Plan, store: Store, shown: Shown, withheld: dict[Cell, str]
) -> Analysis:
    """Analysis without the outcome of gates, but with the verdicts of some cells withheld."""
    study, facts, records = evidence.study, evidence.facts, evidence.records
    planned, failures = by_cell(plan.trials), store.failures(plan.steps)
    arms = results_of(study, planned, records)
    sources = results_of(study, by_cell(plan.sources), evidence.sources)
    finished = Finished(
        study=study,
        planned=tuple(planned),
        answers=answers_of(records, study.seeds),
        withheld=withheld,
        margins=plan.margins,
        shown=shown,
        unfinished=_unfinished(study, plan, records, failures),
    )
    comparisons = with_stopping(study, plan.allocation, compare_all(finished))
    comparisons = with_preferred(study, comparisons, arms)
    attributions, notes = attribute(finished, comparisons)
    pairs = pair_answers(evidence, plan, comparisons, withheld)
    strictness = strictness_of(finished)
    withheld = withheld | {cell: "not finished" for cell in planned if finished.is_unfinished(cell)}
    source_flops = {trial.source: trial.flops for trial in plan.sources}
    benefits = benefits_of(study, facts, records, source_flops, withheld)
    arm_notes = arm_notes_of(study, facts)
    answers = Answers(
        study=study,
        wording=wording_of(study, facts, arm_notes),
        comparisons=comparisons,
        results=arms,
        benefits=benefits,
        attributions=attributions,
        unlearnt=unlearnt_cells(records),
        settings=settings_of_cells(study, records),
        shared_classes=all_shared_classes(study, facts),
    )
    return Analysis(
        study=study.name,
        question=study.question,
        headline=headline(answers),
        detail=(),
        seeds=study.seeds,
        sizes=tuple(size.label for size in study.sizes),
        arm_names=tuple(arm.name for arm in study.all_arms),
        control=study.control,
        arm_notes=arm_notes,
        tasks=task_facts(study, facts),
        arms=arms,
        sources=sources,
        cuts=study.sweep_cuts,
        published=published_figures(study, arms, sources),
        comparisons=comparisons,
        tuning=tuple(_tunings(study, plan)),
        gates=(),
        protocol=protocol_lines(study, plan, strictness),
        environment=_environment(records),
        num_trials=plan.num_trials,
        num_done=sum(len(by_seed) for by_seed in records.values()),
        failures=tuple(f"{row.label}: {_last_error(row.error)}" for row in failures.values()),
        leaks=leak_reports(evidence),
        attributions=attributions,
        attribution_notes=notes,
        strictness=strictness,
        worth=benefits,
        class_gains=class_gains(evidence, withheld),
        picks=select_models(study, arms, source_flops),
        forgetting=forgetting_of(plan, evidence.sources, store, METRICS[study.metric]),
        confusions=confusions_of(pairs),
        mistakes=mistakes_of(pairs, plan, store),
        minutes=study.minutes,
        metric=study.metric,
    )


def _unfinished(
    study: StudySpec, plan: Plan, records: Records, failures: Mapping[str, object]
) -> frozenset[Cell]:
    """Cells with trials that are neither done nor failed; those that failed stay missing.

    Trials that wait for a choice of their seed are not planned yet, and not done.
    """

    def missing(cell: Cell, trials: Sequence[Trial]) -> bool:
        if len(trials) < (plan.allocation.number(cell) if plan.allocation else len(study.seeds)):
            return True
        return any(
            trial.seed not in records.get(cell, {}) and not trial.keys & failures.keys()
            for trial in trials
        )

    return frozenset(cell for cell, trials in by_cell(plan.trials).items() if missing(cell, trials))


def _last_error(error: str) -> str:
    """First line of the error that a traceback ends with; further lines only say what to do."""
    lines = error.strip().splitlines()
    frames = [number for number, line in enumerate(lines) if line.startswith("  File ")]
    after = lines[frames[-1] :] if frames else lines
    return next((line for line in after if not line.startswith(" ")), lines[-1])


def _tunings(study: StudySpec, plan: Plan) -> Iterator[Tuning]:
    """Learning rates of every arm, in the order of the study."""
    for (source, target, size), choices in plan.choices.items():
        for arm, choice in product((arm.name for arm in study.all_arms), choices):
            if arm not in choice.scores:
                continue
            scores = choice.scores[arm]
            yield Tuning(
                source=source,
                target=target,
                size=size,
                arm=arm,
                seed=choice.seed,
                rates=tuple(score.rate for score in scores),
                validation_accuracy=tuple(score.accuracy for score in scores),
                finite=tuple(score.finite for score in scores),
                chosen=choice.rates[arm],
                edge=choice.edges.get(arm, ""),
            )


def _environment(records: Records) -> tuple[tuple[str, str], ...]:
    """Environment of the results, all values where they differ; hosts concern no reader."""
    values_by_name: dict[str, dict[str, None]] = {}
    for by_seed in records.values():
        for record in by_seed.values():
            for row in record.train_rows:
                for name, value in row.environment.items():
                    if name == "host":
                        continue
                    values_by_name.setdefault(name, {})[str(value)] = None
    return tuple((name, ", ".join(values)) for name, values in values_by_name.items())
