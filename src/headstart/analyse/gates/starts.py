"""Gates of starts and freezing: transferred stages, fresh heads, frozen weights, chained arms."""

from collections.abc import Iterator

from headstart.analyse.gates.gate import Evidence, Finding, GateSpec, check, on_cells
from headstart.analyse.records import Record
from headstart.plan.same_arms import same_arms, same_arms_sentence
from headstart.study.arms import SELF, SOURCE, UNTRAINED, ArmSpec, LabelMap
from headstart.study.base import HEAD


@check("CHK-03", "invalid", "The trunk was really transferred")
def _transferred(evidence: Evidence) -> Iterator[Finding]:
    """In finished trials every stage to be transferred started with the weights of its origin,
    every other fresh."""

    def wrong(record: Record) -> bool:
        start = record.train_rows[0].result["start"]
        planned = record.steps[0].payload["start"]
        stages = {stage for rule in planned for stage in rule["stages"]}
        return bool(stages & set(start["fresh"])) or bool(set(start["taken"]) - stages)

    yield from on_cells(
        evidence.cells_where(wrong),
        "the first weights of {cells} are not those of the start named: what was to be "
        "transferred is fresh, or the other way round.",
    )
    untouched = [
        arm.name
        for arm in evidence.study.all_arms
        if arm.origins
        and not isinstance(arm.strategy, LabelMap)
        and not _takes_trunk(arm, evidence)
    ]
    if untouched:
        yield Finding(
            message=f"the trunk of {', '.join(untouched)} is fresh: nothing of the source's trunk "
            "was transferred.",
            cells=evidence.cells_of(untouched),
        )


def _takes_trunk(arm: ArmSpec, evidence: Evidence) -> bool:
    """Whether a stage of the trunk comes from a source or self run, also through another arm."""
    names = evidence.network_facts.stage_names
    for rule in arm.start:
        if set(rule.covered(names)) <= {HEAD}:
            continue
        if rule.origin in (SOURCE, SELF, UNTRAINED):
            return True
        if rule.origin in {other.name for other in evidence.study.all_arms}:
            return _takes_trunk(evidence.arm(rule.origin), evidence)
    return False


@check("CHK-04", "invalid", "Frozen is frozen, trained has moved")
def _frozen(evidence: Evidence) -> Iterator[Finding]:
    """Frozen parameters and buffers of finished trials were bit-identical afterwards; the rest had
    moved."""

    def moved(record: Record) -> bool:
        return any(r.result["frozen_before"] != r.result["frozen_after"] for r in record.train_rows)

    def unmoved(record: Record) -> bool:
        return not all(r.result["trained_moved"] for r in record.train_rows)

    yield from on_cells(evidence.cells_where(moved), "frozen weights or buffers of {cells} moved.")
    yield from on_cells(evidence.cells_where(unmoved), "what {cells} were to train did not move.")


@check("CHK-05", "invalid", "The head was fresh")
def _fresh_head(evidence: Evidence) -> Iterator[Finding]:
    """Every finished trial that trains began with a freshly drawn head."""
    yield from on_cells(
        evidence.cells_where(
            lambda record: HEAD not in record.train_rows[0].result["start"]["fresh"]
        ),
        "the head of {cells} was not fresh: it had been trained before.",
    )


@check("CHK-06", "invalid", "Arms share nothing")
def _independent(evidence: Evidence) -> Iterator[Finding]:
    """No arm goes on from another arm's training on the target."""
    names = {arm.name for arm in evidence.study.all_arms}
    for arm in evidence.study.all_arms:
        origins = [origin for origin in arm.origins if origin in names]
        if origins:
            yield Finding(
                message=f"{arm.name} goes on from {', '.join(origins)}, which had been trained on "
                "the target already: what it shows is not the source's doing alone.",
                cells=evidence.cells_of([arm.name]),
            )


@check("CHK-06-same", "caveat", "No arm is there twice")
def _twice(evidence: Evidence) -> Iterator[Finding]:
    """No two arms are the same training under two names, the control and the points of a cut sweep
    aside."""
    for names in same_arms(evidence.study, evidence.facts):
        yield Finding(
            message=same_arms_sentence(names, evidence.study), cells=evidence.cells_of(names)
        )


@check("CHK-23", "caveat", "Frozen stages in eval mode")
def _eval_mode(evidence: Evidence) -> Iterator[Finding]:
    """No arm leaves dropout or batch statistics live in frozen stages."""
    in_train_mode = [
        arm.name
        for arm in evidence.study.all_arms
        if arm.frozen == "train"
        and any(block.dropout or block.batch_statistics for block in evidence.network_facts.blocks)
    ]
    if in_train_mode:
        yield Finding(
            message="dropout or batch statistics stay live in frozen stages of "
            f"{', '.join(in_train_mode)}.",
            cells=evidence.cells_of(in_train_mode),
        )


GATES: tuple[GateSpec, ...] = (
    _transferred, _frozen, _fresh_head, _independent, _twice, _eval_mode,
)  # fmt: skip
