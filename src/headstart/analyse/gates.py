"""The checks of the protocol (SCIENCE.md 12), read off what was planned and what was stored.

A gate looks at records and names the cells it finds fault with. `invalid` withholds the verdicts of
those cells; `caveat` is printed with them.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from headstart.analyse.analysis import Gate, Severity
from headstart.analyse.records import Cell, Record
from headstart.spec.facts import Facts
from headstart.spec.network import HEAD
from headstart.spec.study import StudySpec

Records = dict[Cell, dict[int, Record]]
CONVERGED_SHARE, CONVERGED_CHANGE = 0.2, 0.01
ENOUGH_SEEDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a gate found wrong: which cells, and in words. No cells means the whole study."""

    message: str
    cells: frozenset[Cell] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a gate may look at."""

    study: StudySpec
    facts: Facts
    records: Records

    def each(self) -> Iterator[tuple[Cell, Record]]:
        """Every finished trial with its cell."""
        for cell, by_seed in self.records.items():
            for record in by_seed.values():
                yield cell, record


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSpec:
    """A gate: its id in SCIENCE.md, what it says when all is well, and how it looks."""

    id: str
    title: str
    severity: Severity
    good: str
    look: Callable[[Seen], Iterable[Finding]]


def run_gates(seen: Seen) -> tuple[tuple[Gate, ...], dict[Cell, str]]:
    """Every gate's outcome, and for each cell whose verdict is withheld the reason."""
    outcomes: list[Gate] = []
    withheld: dict[Cell, str] = {}
    for gate in GATES:
        findings = list(gate.look(seen))
        outcomes.append(
            Gate(
                id=gate.id,
                title=gate.title,
                passed=not findings,
                severity=gate.severity,
                message=" ".join(f.message for f in findings) or gate.good,
            )
        )
        if gate.severity == "invalid":
            for finding in findings:
                for cell in finding.cells or seen.records:
                    withheld.setdefault(cell, f"{gate.id}: {finding.message}")
    return tuple(outcomes), withheld


def _named(cells: Iterable[Cell]) -> str:
    names = sorted({f"{arm} at {size}" for _, _, size, arm in cells})
    shown = ", ".join(names[:4])
    return shown + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _cells_where(seen: Seen, wrong: Callable[[Record], bool]) -> frozenset[Cell]:
    return frozenset(cell for cell, record in seen.each() if wrong(record))


def _same_task(seen: Seen) -> Iterator[Finding]:
    for pair in seen.study.pairs:
        source, target = (seen.study.tasks[name] for name in (pair.source, pair.target))
        facts = [seen.facts[task.dataset] for task in (source, target)]
        if facts[0].content != facts[1].content:
            continue
        used = [
            {index for group in task.groups(f.classes).values() for index in group}
            for task, f in zip((source, target), facts, strict=True)
        ]
        shared = used[0] & used[1]
        if shared:
            names = ", ".join(facts[0].classes[index] for index in sorted(shared))
            yield Finding(
                message=f"source '{pair.source}' and target '{pair.target}' are trained on the "
                f"same images of {facts[0].name} ({names}).",
                cells=frozenset(c for c in seen.records if c[:2] == (pair.source, pair.target)),
            )


def _transferred(seen: Seen) -> Iterator[Finding]:
    def wrong(record: Record) -> bool:
        start = record.train_rows[0].result["start"]
        planned = record.steps[0].payload["start"]
        taken = {stage for rule in planned for stage in rule["stages"]}
        return bool(taken & set(start["fresh"])) or bool(set(start["taken"]) - taken)

    if cells := _cells_where(seen, wrong):
        yield Finding(
            message=f"the first weights of {_named(cells)} are not those of the start named: "
            "what was to be transferred is fresh, or the other way round.",
            cells=cells,
        )


def _fresh_head(seen: Seen) -> Iterator[Finding]:
    def wrong(record: Record) -> bool:
        planned = record.steps[0].payload["start"]
        meant = any(HEAD in rule["stages"] for rule in planned)
        return not meant and HEAD not in record.train_rows[0].result["start"]["fresh"]

    if cells := _cells_where(seen, wrong):
        yield Finding(message=f"the head of {_named(cells)} was not fresh.", cells=cells)


def _frozen(seen: Seen) -> Iterator[Finding]:
    def moved(record: Record) -> bool:
        return any(r.result["frozen_before"] != r.result["frozen_after"] for r in record.train_rows)

    def still(record: Record) -> bool:
        return not all(r.result["trained_moved"] for r in record.train_rows)

    if cells := _cells_where(seen, moved):
        yield Finding(message=f"frozen weights or buffers of {_named(cells)} moved.", cells=cells)
    if cells := _cells_where(seen, still):
        yield Finding(message=f"what {_named(cells)} were to train did not move.", cells=cells)


def _budgets(seen: Seen) -> Iterator[Finding]:
    budgets: dict[tuple[str, str, str], dict[int, set[Cell]]] = {}
    for cell, record in seen.each():
        updates = sum(step.payload["phase"]["updates"] for step in record.steps)
        budgets.setdefault(cell[:3], {}).setdefault(updates, set()).add(cell)
    for (_, _, size), by_updates in budgets.items():
        if len(by_updates) > 1:
            told = "; ".join(
                f"{updates} updates: {', '.join(sorted(c[3] for c in cells))}"
                for updates, cells in sorted(by_updates.items())
            )
            yield Finding(
                message=f"unequal budgets at {size} ({told}).",
                cells=frozenset(cell for cells in by_updates.values() for cell in cells),
            )


def _splits(seen: Seen) -> Iterator[Finding]:
    def wrong(record: Record) -> bool:
        return any(r.result["num_images"] != record.trial.num_images for r in record.train_rows)

    if cells := _cells_where(seen, wrong):
        yield Finding(
            message=f"{_named(cells)} were not trained on the number of images planned.",
            cells=cells,
        )


def _same_test(seen: Seen) -> Iterator[Finding]:
    first: dict[str, np.ndarray] = {}
    wrong = set()
    for cell, record in seen.each():
        labels = first.setdefault(cell[1], record.labels)
        if not np.array_equal(labels, record.labels):
            wrong.add(cell)
    if wrong:
        yield Finding(
            message=f"{_named(wrong)} were scored on other test images.", cells=frozenset(wrong)
        )


def _finite(seen: Seen) -> Iterator[Finding]:
    def wrong(record: Record) -> bool:
        return not all(row.result["finite"] for row in record.train_rows)

    if cells := _cells_where(seen, wrong):
        yield Finding(
            message=f"{_named(cells)} met numbers that are not finite; lower the learning rate.",
            cells=cells,
        )


def _converged(seen: Seen) -> Iterator[Finding]:
    if cells := _cells_where(seen, _still_improving):
        yield Finding(
            message=f"validation loss still fell by more than {CONVERGED_CHANGE:.0%} over the last "
            f"{CONVERGED_SHARE:.0%} of the updates in {_named(cells)}: a longer budget may change "
            "the picture.",
            cells=cells,
        )


def _still_improving(record: Record) -> bool:
    losses = [(point[0], point[2]) for row in record.train_rows for point in row.result["curve"]]
    if len(losses) < 2 or any(loss is None for _, loss in losses):
        return False
    before = [loss for at, loss in losses if at <= (1 - CONVERGED_SHARE) * record.trial.updates]
    best = min(loss for _, loss in losses)
    return bool(before) and best < (1 - CONVERGED_CHANGE) * min(before)


def _tuned(seen: Seen) -> Iterator[Finding]:
    lr = seen.study.training.optimiser.lr
    yield Finding(
        message=f"not tuned: one fixed learning rate ({lr:g}) for all arms and sizes; an arm that "
        "needs another one is at a disadvantage."
    )


def _enough_seeds(seen: Seen) -> Iterator[Finding]:
    few = [by_seed for by_seed in seen.records.values() if len(by_seed) < ENOUGH_SEEDS]
    if few:
        fewest = min(len(by_seed) for by_seed in few)
        yield Finding(
            message=f"{fewest} finished seed{'s' if fewest != 1 else ''} where {ENOUGH_SEEDS} are "
            "the least for a verdict to lean on."
        )


def _controls(seen: Seen) -> Iterator[Finding]:
    fresh_and_frozen = any(
        not arm.origins and arm.strategy.kind == "probe" for arm in seen.study.arms
    )
    if not fresh_and_frozen:
        yield Finding(
            message="no random-trunk control: a gain cannot be put down to what the source learnt."
        )


def _one_environment(seen: Seen) -> Iterator[Finding]:
    found = {
        tuple(sorted(row.environment.items()))
        for _, record in seen.each()
        for row in record.train_rows
    }
    if len(found) > 1:
        names = sorted(
            {
                name
                for one in found
                for other in found
                for name, value in one
                if dict(other)[name] != value
            }
        )
        yield Finding(message=f"results were computed with different {', '.join(names)}.")


GATES: tuple[GateSpec, ...] = (
    GateSpec(
        id="CHK-01",
        title="Source and target are different tasks",
        severity="invalid",
        good="No training image is shared by source and target.",
        look=_same_task,
    ),
    GateSpec(
        id="CHK-03",
        title="The trunk was really transferred",
        severity="invalid",
        good="Every transferred stage started with the weights of its origin, every other fresh.",
        look=_transferred,
    ),
    GateSpec(
        id="CHK-04",
        title="Frozen is frozen, trained has moved",
        severity="invalid",
        good="Frozen parameters and buffers were bit-identical afterwards; the rest had moved.",
        look=_frozen,
    ),
    GateSpec(
        id="CHK-05",
        title="The head was fresh",
        severity="invalid",
        good="Every arm began with a freshly drawn head, the same for all arms of a seed.",
        look=_fresh_head,
    ),
    GateSpec(
        id="CHK-07",
        title="Equal budgets",
        severity="invalid",
        good="All arms had the same number of updates at each size.",
        look=_budgets,
    ),
    GateSpec(
        id="CHK-08",
        title="Converged at this budget",
        severity="caveat",
        good="No arm's validation loss was still falling.",
        look=_converged,
    ),
    GateSpec(
        id="CHK-09",
        title="Learning rates tuned alike",
        severity="caveat",
        good="Every arm's learning rate was chosen from the same grid.",
        look=_tuned,
    ),
    GateSpec(
        id="CHK-12",
        title="Splits conserve images",
        severity="invalid",
        good="Every trial trained on exactly the images planned.",
        look=_splits,
    ),
    GateSpec(
        id="CHK-16",
        title="Same test images for all arms",
        severity="invalid",
        good="All arms of a target were scored on the same test images, once per trial.",
        look=_same_test,
    ),
    GateSpec(
        id="CHK-17",
        title="Enough seeds",
        severity="caveat",
        good="Five seeds or more, the same for every arm.",
        look=_enough_seeds,
    ),
    GateSpec(
        id="CHK-21",
        title="Controls present",
        severity="caveat",
        good="A random-trunk control is part of the study.",
        look=_controls,
    ),
    GateSpec(
        id="CHK-22",
        title="Finite numbers",
        severity="invalid",
        good="All weights and losses were finite.",
        look=_finite,
    ),
    GateSpec(
        id="ENV",
        title="One environment",
        severity="caveat",
        good="All results were computed with the same versions on the same kind of device.",
        look=_one_environment,
    ),
)
