"""Gates of controls: the arm that gains are over, and arms that would explain a gain."""

from collections.abc import Iterator

from headstart.analyse.analysis import Role
from headstart.analyse.attribution import expected_of, is_from_nothing, role_of
from headstart.analyse.gates.gate import Evidence, Finding, GateSpec, check
from headstart.analyse.gates.leaks import shared_share
from headstart.analyse.sentences import remedy
from headstart.analyse.text import listed
from headstart.study.arm_text import described
from headstart.study.arms import UNTRAINED
from headstart.study.leak_preview import LEAST_SHARED


@check("CHK-21", "caveat", "Controls present")
def _controls(evidence: Evidence) -> Iterator[Finding]:
    """The control trains everything from nothing; the study has a random trunk, and a label map
    where labels follow from the source's on shared images."""
    if message := _not_from_nothing(evidence):
        yield Finding(message=message)
    roles = {role_of(arm, evidence.study) for arm in evidence.study.all_arms}
    if "random trunk" not in roles:
        yield Finding(
            message="no random-trunk control: what the architecture alone would give, with nothing "
            "learnt, is not shown."
        )
    relabelled = any(
        shared_share(overlap.result) >= LEAST_SHARED and overlap.result["label_function"]
        for overlap in evidence.overlaps.values()
    )
    if relabelled and "label map" not in roles:
        yield Finding(
            message="no label-map control, though the target's labels follow from the source's."
        )


def _not_from_nothing(evidence: Evidence) -> str:
    """What gains are over instead, where the control is no training from nothing."""
    study, stages = evidence.study, evidence.network_facts.stage_names
    control = study.arm(study.control)
    if is_from_nothing(control, study, stages):
        return ""
    if any(rule.origin != UNTRAINED for rule, _ in control.starts(stages)):
        what = "does not start from scratch"
    else:
        what = f"is not trained whole from scratch ({described(control)})"
    beside = [arm.name for arm in study.arms if is_from_nothing(arm, study, stages)]
    if beside:
        return (
            f"the control, {control.name}, {what}: gains are not over training from nothing (the "
            f"arm {listed(beside, 'or')})."
        )
    return (
        f"the control, {control.name}, {what}: nothing shows what the target reaches without the "
        "source."
    )


@check("CHK-21-thorough", "caveat", "Further controls present")
def _attributable(evidence: Evidence) -> Iterator[Finding]:
    """Every control that would explain a transfer arm's gain away is part of the study, a random
    trunk aside."""
    # Missing controls beyond a random trunk, by the transfer arms that need them.
    study = evidence.study
    roles = {role_of(arm, study) for arm in study.all_arms} | {"random trunk"}
    lacking: dict[tuple[Role, ...], list[str]] = {}
    for arm in study.all_arms:
        missing = tuple(role for role in expected_of(arm, study) if role not in roles)
        if arm.transfers and missing:
            lacking.setdefault(missing, []).append(arm.name)
    for missing, arms in lacking.items():
        yield Finding(
            message=f"no {listed(missing, 'or')} beside {listed(arms, 'and')}: a gain may be due "
            f"to what {'it' if len(missing) == 1 else 'they'} would show; {remedy(missing)}.",
            cells=evidence.cells_of(arms),
        )


GATES: tuple[GateSpec, ...] = (_controls, _attributable)
