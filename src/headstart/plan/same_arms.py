"""Arms that are one and the same training under several names."""

from headstart.plan.expand import make_plan
from headstart.strategies import ENOUGH_UPDATES, phases_of
from headstart.study.facts import Facts
from headstart.study.study import StudySpec

SEED = 0  # stands for every seed


def same_arms(study: StudySpec, facts: Facts) -> tuple[tuple[str, ...], ...]:
    """Names of arms with the same steps at a size of a pair, in the study's order.

    However they are written: a probe is also a freeze behind the last stage. Strategies that are
    the same only because a budget is too small for all of their phases are not. The control is left
    out, for what equals it is no comparison; so are the points of a cut sweep, which end where
    named arms are.
    """
    stages = facts.of_pair(study, study.pairs[0]).stage_names
    once = study.untuned().model_copy(update={"seeds": (SEED,)})
    names: dict[tuple[object, ...], list[str]] = {}
    for trial in make_plan(once, facts).trials:
        arm = study.arm(trial.arm)
        if arm.family or arm.name == study.control:
            continue
        # The rate stands for several where it is yet to be chosen.
        rates = study.training_of(arm).rates if arm.has_rate else ()
        phases = phases_of(arm.strategy, stages, ENOUGH_UPDATES, arm.frozen)
        same = (trial.source, trial.target, trial.size, trial.predict_key, rates, phases)
        names.setdefault(same, []).append(arm.name)
    return tuple(dict.fromkeys(tuple(several) for several in names.values() if len(several) > 1))


def same_arms_sentence(names: tuple[str, ...], study: StudySpec) -> str:
    """Which arms are the same, and what that does to the verdicts."""
    *others, last = names
    counted = (
        ", counted more than once among the comparisons that share the error level"
        if any(study.arm(name).transfers for name in names)
        else ""
    )
    return (
        f"{', '.join(others)} and {last} are the same training under several names: one "
        f"comparison{counted}. Keep one of them."
    )
