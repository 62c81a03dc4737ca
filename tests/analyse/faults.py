"""A study that passes every check, and ways to break it in one place, for the tests of gates."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from headstart.analyse.cells import Cell
from headstart.analyse.gates.gate import Evidence
from headstart.analyse.records import Record, Records
from headstart.flow import Loaded
from headstart.plan.steps import Choice, Score
from headstart.study.dataset_facts import GroupFacts
from studies import tiny, tiny_table

LONG = {"name": "long", "start": "fresh", "strategy": "full", "compute_of": "probe"}
TRAINING = {
    "updates": 120,
    "batch_size": 16,
    "validations": 5,
    "optimiser": {"kind": "sgd", "lr": 0.3},
    "schedule": "cosine",
}
RATES = [0.1, 0.3]
SOUND: dict[str, Any] = {
    "arms": ["scratch", "random_trunk", "probe", LONG],
    "sizes": [60],
    "seeds": 5,
    "training": TRAINING,
}
PLACE = ("source", "target", "60")
PROBE: Cell = (*PLACE, "probe")


def tuned(**changes: Any) -> Loaded:
    """The sound study as it would be with a search for its learning rates."""
    return tiny(**{**SOUND, "training": {**TRAINING, "rates": RATES}, **changes})


def each_record(records: Records, change: Callable[[Record], Record]) -> Records:
    return {c: {s: change(r) for s, r in by_seed.items()} for c, by_seed in records.items()}


def levelled(record: Record) -> Record:
    """The last validation loss is that of the measurement before."""
    curve = [list(point) for point in record.train_rows[0].result["curve"]]
    curve[-1][2] = curve[-2][2] = min(point[2] for point in curve)
    return with_result(record, curve=curve)


def with_result(record: Record, **changes: Any) -> Record:
    first, *rest = record.train_rows
    return replace(record, train_rows=(replace(first, result={**first.result, **changes}), *rest))


def with_payload(record: Record, **changes: Any) -> Record:
    first, *rest = record.steps
    return replace(record, steps=(replace(first, payload={**first.payload, **changes}), *rest))


Break = Callable[[Evidence], Evidence]


def of_probe(change: Callable[[Record], Record], *seeds: int) -> Break:
    """Changes the probe's records of some seeds, or of all."""

    def broken(evidence: Evidence) -> Evidence:
        probe = {
            seed: change(record) if not seeds or seed in seeds else record
            for seed, record in evidence.records[PROBE].items()
        }
        return replace(evidence, records={**evidence.records, PROBE: probe})

    return broken


def result(**changes: Any) -> Break:
    return of_probe(lambda record: with_result(record, **changes), 1)


def of_sources(change: Callable[[Record], Record]) -> Break:
    return lambda evidence: replace(evidence, sources=each_record(evidence.sources, change))


def spec(**changes: Any) -> Break:
    """The same records under another study."""
    return lambda evidence: replace(evidence, study=tuned(**changes).study)


def grouped(*groups: GroupFacts) -> Break:
    """The same records of data sets whose table of labels has columns of groups."""

    def broken(evidence: Evidence) -> Evidence:
        datasets = {
            name: known.model_copy(update={"groups": groups})
            for name, known in evidence.facts.datasets.items()
        }
        return replace(evidence, facts=replace(evidence.facts, datasets=datasets))

    return broken


def arms(*more: Any) -> dict[str, Any]:
    return {"arms": [*SOUND["arms"], *more]}


def pair_counts(**counts: Any) -> Break:
    """Other findings on the images that source and target share."""

    def broken(evidence: Evidence) -> Evidence:
        ((pair, overlap),) = evidence.overlaps.items()
        changed = replace(overlap, result={**overlap.result, **counts})
        return replace(evidence, overlaps={pair: changed})

    return broken


def most_leaked(evidence: Evidence) -> Evidence:
    ((pair, overlap),) = evidence.overlaps.items()
    return replace(evidence, overlaps={pair: replace(overlap, leaked=np.arange(900))})


def mostly_one_class(evidence: Evidence) -> Evidence:
    """Four in five test images of every trial, and more, are of the first class."""

    def relabelled(record: Record) -> Record:
        common = np.arange(len(record.labels)) % 5 < 4
        return replace(record, labels=np.where(common, 0, record.labels))

    return replace(evidence, records=each_record(evidence.records, relabelled))


def two_labels(evidence: Evidence) -> Evidence:
    """Three images of the target lie under two labels, of which one is listed."""
    ((pair, overlap),) = evidence.overlaps.items()
    listed = {
        "part": "target training", "other": "target validation", "index": 1, "other_index": 2,
        "label": 0, "other_label": 1, "name": "", "other_name": "",
    }  # fmt: skip
    result = {**overlap.result, "target_two_labels": 3, "two_labels": [listed]}
    picture = np.zeros((1, 2, 2, 1), np.uint8)
    changed = replace(overlap, result=result, two_labels=picture)
    return replace(evidence, overlaps={pair: changed})


def choice(**changes: Any) -> Break:
    tried = tuple(Score(rate=rate, accuracy=0.5, loss=1.0) for rate in RATES)
    names = ("scratch", "random_trunk", "probe", "long")
    given: dict[str, Any] = {
        "rates": dict.fromkeys(names, 0.3),
        "scores": dict.fromkeys(names, tried),
        "edges": {},
        "control_error": None,
    }
    return lambda evidence: replace(evidence, choices={PLACE: (Choice(**{**given, **changes}),)})


def falling(record: Record) -> Record:
    """Validation loss falls by a tenth at the end."""
    curve = [list(point) for point in record.train_rows[0].result["curve"]]
    curve[-1][2] = 0.9 * curve[-2][2]
    return with_result(record, curve=curve)


def hardly_moving(record: Record) -> Record:
    """A little below the loss of a guess, by the same little at each measurement."""
    curve = [list(point) for point in record.train_rows[0].result["curve"]]
    for number, point in enumerate(curve, 1):
        point[2] = float(np.log(5)) - 0.001 * number
    return with_result(record, curve=curve)


def at_chance(record: Record) -> Record:
    curve = record.train_rows[0].result["curve"]
    return with_result(record, curve=[[*p[:3], 0.2, p[4]] for p in curve])


def with_environment(record: Record, **changes: str) -> Record:
    first, *rest = record.train_rows
    environment = {**first.environment, **changes}
    return replace(record, train_rows=(replace(first, environment=environment), *rest))


def other_test(record: Record) -> Record:
    return replace(record, tested_on={**record.tested_on, "data": {"content": "other"}})


def cut_test(record: Record) -> Record:
    """One test image fewer in every trial."""
    return replace(record, tested_on={**record.tested_on, "left_out": -1})


def without_threes(record: Record) -> Record:
    """No test image of the class 3."""
    return replace(record, labels=np.where(record.labels == 3, 2, record.labels))


def wide_head(record: Record) -> Record:
    assert record.metrics
    return replace(record, metrics={**record.metrics, "counts": [*record.metrics["counts"], 0]})


def longer(record: Record) -> Record:
    phase = {**record.steps[0].payload["phase"], "updates": 999}
    return with_payload(record, phase=phase)


def first_four(evidence: Evidence) -> Evidence:
    four = {seed: record for seed, record in evidence.records[PROBE].items() if seed < 4}
    return replace(evidence, records={**evidence.records, PROBE: four})


def made(which: Callable[[Evidence], frozenset[str]], **changes: Any) -> Break:
    """Other facts on how the rows of some keys came to be; none at all without changes."""

    def broken(evidence: Evidence) -> Evidence:
        keys, lineage = which(evidence), evidence.lineage
        rows = {
            key: replace(row, **changes) if key in keys else row
            for key, row in lineage.made.items()
            if changes or key not in keys
        }
        return replace(evidence, lineage=replace(lineage, made=rows))

    return broken


def own_rows(evidence: Evidence) -> frozenset[str]:
    """The rows behind the probe that are not of source runs."""
    return evidence.lineage.behind[PROBE][1] - evidence.lineage.source_runs


def source_rows(evidence: Evidence) -> frozenset[str]:
    return evidence.lineage.behind[PROBE][1] & evidence.lineage.source_runs


SOURCE, TARGET = tiny_table()["tasks"]["source"], tiny_table()["tasks"]["target"]
SPLIT_BY_TEST = {
    "source": SOURCE,
    "target": {**TARGET, "split": {"by": "test"}},
}
KEPT = {"fresh": ["head"], "taken": ["pool", "dense1", "dense2"]}
