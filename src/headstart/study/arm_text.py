"""Arms in words: what is trained, and from which first weights."""

from headstart.study.arms import (
    DESCRIPTIONS,
    FRESH,
    NAMED_ARMS,
    SELF,
    SOURCE,
    UNTRAINED,
    AnyStrategy,
    ArmSpec,
    Discriminative,
    Freeze,
    Full,
    Gradual,
    LabelMap,
    Probe,
    ProbeThenFull,
    StartRule,
    Surgical,
)

_ORIGINS = {
    FRESH: "nothing",
    SOURCE: "the pretrained weights",
    SELF: "a run on the target itself",
    UNTRAINED: "the weights that the source run starts from",
}


def described(arm: ArmSpec) -> str:
    """What an arm is, read from its start and its strategy and not from its name.

    Example:
        >>> described(NAMED_ARMS["random_trunk"].model_copy(update={"name": "scratch"}))
        'a new head on frozen random layers'
    """
    for name, named in NAMED_ARMS.items():
        if _made_of(named) == _made_of(arm):
            return DESCRIPTIONS[name]
    origins = " and ".join(map(_origin, arm.start)) or "nothing"
    longer = f", for as long as {arm.compute_of} took with its source" if arm.compute_of else ""
    return f"{_trained(arm.strategy)}, from {origins}{longer}"


def _made_of(arm: ArmSpec) -> tuple[object, ...]:
    return arm.start, arm.strategy, arm.compute_of


def _origin(rule: StartRule) -> str:
    """Where a rule takes first weights from, and for which stages if not for all."""
    words = _ORIGINS.get(rule.origin, f"what {rule.origin} has learnt")
    order = " in a random order" if rule.transform == "shuffled" else ""
    first = f"from {rule.first} on" if rule.first else ""
    last = f"up to {rule.last}" if rule.last else ""
    ends = ", ".join(filter(None, (first, last)))
    return f"{words}{order}{f' ({ends})' if ends else ''}"


def _trained(strategy: AnyStrategy) -> str:
    """What a strategy trains."""
    match strategy:
        case Full():
            return "everything is trained"
        case LabelMap():
            return "nothing is trained"
        case Probe():
            solved = ", solved to convergence" if strategy.solver == "converged" else ""
            return f"a new head on frozen layers{solved}"
        case Freeze():
            return f"the stages behind {strategy.cut} are trained"
        case ProbeThenFull():
            return "the head is trained first, then everything"
        case Gradual():
            return "trained from the head down, one more stage at a time"
        case Discriminative():
            return "everything is trained, the layers near the images more slowly"
        case Surgical():
            return f"the stages from {strategy.first} to {strategy.last} are trained"
