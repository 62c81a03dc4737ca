"""Gates of the trainings: starts, freezing, budgets, learning rates, seeds, numbers."""

from collections import Counter
from collections.abc import Iterator

from headstart.analyse.cells import Cell
from headstart.analyse.gates.gate import Evidence, Finding, GateSpec, in_words, named
from headstart.analyse.records import Record
from headstart.core.hashing import Json
from headstart.study.arms import SELF, SOURCE, UNTRAINED, ArmSpec, LabelMap
from headstart.study.base import HEAD

ENOUGH_SEEDS = 5
LARGEST_INPUT = 50


def _transferred(seen: Evidence) -> Iterator[Finding]:
    def wrong(record: Record) -> bool:
        start = record.train_rows[0].result["start"]
        planned = record.steps[0].payload["start"]
        taken = {stage for rule in planned for stage in rule["stages"]}
        return bool(taken & set(start["fresh"])) or bool(set(start["taken"]) - taken)

    if cells := seen.cells_where(wrong):
        yield Finding(
            message=f"the first weights of {named(cells)} are not those of the start named: "
            "what was to be transferred is fresh, or the other way round.",
            cells=cells,
        )
    untouched = [
        arm.name
        for arm in seen.study.all_arms
        if arm.origins and not isinstance(arm.strategy, LabelMap) and not _trunk_taken(arm, seen)
    ]
    if untouched:
        yield Finding(
            message=f"the trunk of {', '.join(untouched)} is fresh: nothing of the source's trunk "
            "was transferred.",
            cells=seen.cells_of(untouched),
        )


def _trunk_taken(arm: ArmSpec, seen: Evidence) -> bool:
    """Whether a stage of the trunk comes from the source (or the target itself), in turn or not."""
    names = seen.network_facts.stage_names
    for rule in arm.start:
        if set(rule.covered(names)) <= {HEAD}:
            continue
        if rule.origin in (SOURCE, SELF, UNTRAINED):
            return True
        if rule.origin in {other.name for other in seen.study.all_arms}:
            return _trunk_taken(seen.arm(rule.origin), seen)
    return False


def _fresh_head(seen: Evidence) -> Iterator[Finding]:
    def wrong(record: Record) -> bool:
        return HEAD not in record.train_rows[0].result["start"]["fresh"]

    if cells := seen.cells_where(wrong):
        yield Finding(
            message=f"the head of {named(cells)} was not fresh: it had been trained before.",
            cells=cells,
        )


def _apart(seen: Evidence) -> Iterator[Finding]:
    own = {arm.name for arm in seen.study.all_arms}
    chained = {
        arm.name: [origin for origin in arm.origins if origin in own]
        for arm in seen.study.all_arms
        if own & set(arm.origins)
    }
    for name, origins in chained.items():
        yield Finding(
            message=f"{name} goes on from {', '.join(origins)}, which had been trained on the "
            "target already: what it shows is not the source's doing alone.",
            cells=seen.cells_of([name]),
        )


def _frozen(seen: Evidence) -> Iterator[Finding]:
    def moved(record: Record) -> bool:
        return any(r.result["frozen_before"] != r.result["frozen_after"] for r in record.train_rows)

    def still(record: Record) -> bool:
        return not all(r.result["trained_moved"] for r in record.train_rows)

    if cells := seen.cells_where(moved):
        yield Finding(message=f"frozen weights or buffers of {named(cells)} moved.", cells=cells)
    if cells := seen.cells_where(still):
        yield Finding(message=f"what {named(cells)} were to train did not move.", cells=cells)


def _budgets(seen: Evidence) -> Iterator[Finding]:
    """Updates on the target, those of arms that an arm goes on from included, and images."""
    alike: dict[tuple[str, str, str], dict[Cell, tuple[int, int]]] = {}
    for cell, record in seen.each():
        arm = seen.arm(cell[3])
        if record.train_rows and arm.compute_of is None and SELF not in arm.origins:
            spent = (_target_updates(arm, cell, seen), record.trial.num_images)
            alike.setdefault(cell[:3], {})[cell] = spent
    for place, spent_by in alike.items():
        control = spent_by.get((*place, seen.study.control))
        usual = control or Counter(spent_by.values()).most_common(1)[0][0]
        unequal = {cell: spent for cell, spent in spent_by.items() if spent != usual}
        if unequal:
            told = "; ".join(
                f"{cell[3]} has {updates:,} updates on {images:,} images"
                for cell, (updates, images) in sorted(unequal.items())
            )
            yield Finding(
                message=f"unequal budgets at {in_words(place[2])}: {told}, where {usual[0]:,} "
                f"updates on {usual[1]:,} images are the control's.",
                cells=frozenset(unequal),
            )


def _target_updates(arm: ArmSpec, cell: Cell, seen: Evidence) -> int:
    """Updates on the target that stand behind an arm's weights."""
    own = {other.name for other in seen.study.all_arms}
    records = seen.records.get((*cell[:3], arm.name), {}).values()
    updates = max(
        (sum(s.payload["phase"]["updates"] for s in record.steps) for record in records), default=0
    )
    before = [_target_updates(seen.arm(o), cell, seen) for o in arm.origins if o in own]
    return updates + max(before, default=0)


def _solved(seen: Evidence) -> Iterator[Finding]:
    """Heads solved to convergence: on the same images, but by no number of updates."""
    solved = [arm.name for arm in seen.study.all_arms if arm.converges]
    counts = [
        row.result["solver"]["iterations_of_path"]
        for cell, record in seen.each()
        if cell[3] in solved
        for row in record.train_rows
    ]
    if counts:
        yield Finding(
            message=f"the head of {', '.join(solved)} was solved to convergence (in "
            f"{sum(counts) / len(counts):,.0f} full-batch iterations on average, its penalty "
            "picked on validation), not trained for the others' number of updates: compare it by "
            "accuracy and cost, not by budget.",
            cells=seen.cells_of(solved),
        )


def _finite(seen: Evidence) -> Iterator[Finding]:
    def wrong(record: Record) -> bool:
        return not all(row.result["finite"] for row in record.train_rows)

    if cells := seen.cells_where(wrong):
        yield Finding(
            message=f"{named(cells)} met numbers that are not finite; lower the learning rate.",
            cells=cells,
        )


def _range(seen: Evidence) -> Iterator[Finding]:
    def wide(record: Record) -> bool:
        facts = [row.result["inputs"] for row in record.train_rows] + [record.test_inputs]
        # What is not a number is within no bounds.
        return not all(-LARGEST_INPUT <= f["min"] <= f["max"] <= LARGEST_INPUT for f in facts)

    cells = frozenset(cell for cell, record in seen.each() if wide(record))
    if cells:
        yield Finding(
            message=f"inputs of {named(cells)} reach beyond {LARGEST_INPUT} in size: scale them, "
            "or raise the floor of the deviation they are divided by.",
            cells=cells,
        )


def _eval_mode(seen: Evidence) -> Iterator[Finding]:
    live = [
        arm.name
        for arm in seen.study.all_arms
        if arm.frozen == "train"
        and any(block.dropout or block.batch_statistics for block in seen.network_facts.blocks)
    ]
    if live:
        yield Finding(
            message=f"dropout or batch statistics stay live in frozen stages of {', '.join(live)}.",
            cells=seen.cells_of(live),
        )


def _tuned(seen: Evidence) -> Iterator[Finding]:
    fixed = seen.study.training
    if not fixed.rates:
        yield Finding(
            message=f"not tuned: one fixed learning rate ({fixed.optimiser.lr:g}) for all arms and "
            "sizes; an arm that needs another one is at a disadvantage."
        )
    yield from _unequal_tries(seen)
    at_edge = {
        (*place, arm): f"{choice.rates[arm]:g}, the {_END[side]} tried"
        for place, choice in seen.choices.items()
        for arm, side in choice.edges.items()
    }
    for told in sorted(set(at_edge.values())):
        cells = frozenset(cell for cell, said in at_edge.items() if said == told)
        yield Finding(
            message=f"the best learning rate of {named(cells)} is {told}, even after the grid was "
            "extended for all arms: a better one may lie beyond.",
            cells=cells,
        )


def _unequal_tries(seen: Evidence) -> Iterator[Finding]:
    """Arms of one place that had more rates to choose from than others, or fewer."""
    told = set()
    for choice in seen.choices.values():
        rated = {n: len(t) for n, t in choice.scores.items() if seen.arm(n).has_rate}
        usual = max(rated.values(), default=0)
        told |= {f"{name} {number} of {usual}" for name, number in rated.items() if number < usual}
    if told:
        yield Finding(
            message=f"learning rates were not searched alike: {', '.join(sorted(told))} tried."
        )


_END = {"low": "smallest", "high": "largest"}


def _enough_seeds(seen: Evidence) -> Iterator[Finding]:
    """Seeds that an arm shares with its control: only those are paired."""

    def num_paired(cell: Cell) -> int:
        control = seen.records.get((*cell[:3], seen.study.control))
        own = seen.records[cell].keys()
        return len(own & control.keys()) if control is not None else len(own)

    few = [paired for cell in seen.records if (paired := num_paired(cell)) < ENOUGH_SEEDS]
    if few:
        yield Finding(
            message=f"{min(few)} finished seed{'s' if min(few) != 1 else ''} where {ENOUGH_SEEDS} "
            "are the least for a verdict to lean on."
        )


def _paired(seen: Evidence) -> Iterator[Finding]:
    """An arm with a size of its own is not paired on purpose, which CHK-07 tells."""
    resized = {arm.name for arm in seen.study.all_arms if arm.size is not None}
    wrong = frozenset(
        cell
        for cell, record in seen.each()
        if record.steps
        and cell[3] not in resized
        and _streams(record) != _control_streams(seen, cell, record.trial.seed)
    )
    if wrong:
        yield Finding(
            message=f"{named(wrong)} had other training or validation images, or other random "
            "streams, than the control of the same seed: the seeds are not paired.",
            cells=wrong,
        )


def _streams(record: Record) -> list[Json]:
    """What a trial's draws follow from: its images, and the seed and role of its streams."""
    return [
        {name: step.payload[name] for name in ("data", "seed", "role")} for step in record.steps[:1]
    ]


def _control_streams(seen: Evidence, cell: Cell, seed: int) -> list[Json]:
    """Those of the control of the same seed; where it is not there, any arm's will do."""
    control = (*cell[:3], seen.study.control)
    beside = [control, *(other for other in seen.records if other[:3] == cell[:3])]
    for other in beside:
        record = seen.records.get(other, {}).get(seed)
        if record is not None and record.steps:
            return _streams(record)
    return []


TRAINING_GATES: tuple[GateSpec, ...] = (
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
        id="CHK-06",
        title="Arms share nothing",
        severity="invalid",
        good="No arm goes on from another arm's training on the target.",
        look=_apart,
    ),
    GateSpec(
        id="CHK-07",
        title="Equal budgets and data",
        severity="invalid",
        good="All arms had the same number of updates on the same number of images at each size.",
        look=_budgets,
    ),
    GateSpec(
        id="CHK-07-solver",
        title="One solver",
        severity="caveat",
        good="Every arm was trained by updates of one kind.",
        look=_solved,
    ),
    GateSpec(
        id="CHK-09",
        title="Learning rates tuned alike",
        severity="caveat",
        good="Every arm chose its learning rate from one grid, by validation on the pilot seed.",
        look=_tuned,
    ),
    GateSpec(
        id="CHK-17",
        title="Enough seeds",
        severity="caveat",
        good="Every arm shares five seeds or more with the control.",
        look=_enough_seeds,
    ),
    GateSpec(
        id="CHK-17-paired",
        title="Seeds are paired",
        severity="invalid",
        good="With the same seed all arms of a size drew the same images from the same streams.",
        look=_paired,
    ),
    GateSpec(
        id="CHK-22",
        title="Finite numbers",
        severity="invalid",
        good="All weights and losses were finite.",
        look=_finite,
    ),
    GateSpec(
        id="CHK-22-range",
        title="Inputs in a sane range",
        severity="caveat",
        good=f"No input was larger than {LARGEST_INPUT} in size.",
        look=_range,
    ),
    GateSpec(
        id="CHK-23",
        title="Frozen stages in eval mode",
        severity="caveat",
        good="Dropout and batch statistics rested in frozen stages.",
        look=_eval_mode,
    ),
)
