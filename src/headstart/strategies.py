"""Strategies compile to phases, without torch. The trainer never learns their names."""

from collections.abc import Iterator
from typing import Literal

from headstart.study.arms import (
    AnyStrategy,
    Discriminative,
    Freeze,
    Full,
    Gradual,
    LabelMap,
    Probe,
    ProbeThenFull,
    Surgical,
)
from headstart.study.phases import Phase, Rule

ENOUGH_UPDATES = 10_000  # for every phase of a strategy to have some


def phases_of(
    strategy: AnyStrategy,
    stage_names: tuple[str, ...],
    updates: int,
    frozen: Literal["eval", "train"] = "eval",
) -> tuple[Phase, ...]:
    """The phases of a strategy for a network's stages (the head last) and a budget in updates.

    The phases' updates add up to the budget, whatever the strategy. A phase that would get no
    update at all is left out; a strategy that trains nothing has none. `frozen` is the mode of
    frozen stages.

    Example:
        >>> phases = phases_of(Probe(), ("conv1", "head"), updates=300)
        >>> [(rule.first, rule.lr_scale) for rule in phases[0].rules]
        [('conv1', 0.0), ('head', 1.0)]
    """
    phases = tuple(_compile(strategy, stage_names, updates))
    assert isinstance(strategy, LabelMap) or sum(phase.updates for phase in phases) == updates
    if frozen == "eval":
        return phases
    return tuple(phase.model_copy(update={"rules": _live(phase.rules)}) for phase in phases)


def _live(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    return tuple(rule.model_copy(update={"mode": "train"}) for rule in rules)


def _compile(strategy: AnyStrategy, stages: tuple[str, ...], updates: int) -> Iterator[Phase]:
    match strategy:
        case Full():
            yield _thawed_from(0, stages, updates)
        case Probe():
            phase = _thawed_from(len(stages) - 1, stages, updates)
            yield Phase(rules=phase.rules, updates=updates, solver=strategy.solver)
        case Freeze():
            yield _thawed_from(stages.index(strategy.cut) + 1, stages, updates)
        case ProbeThenFull():
            first = round(strategy.probe_share * updates)
            for thawed, share in ((len(stages) - 1, first), (0, updates - first)):
                if share:
                    yield _thawed_from(thawed, stages, share)
        case Gradual():
            for number in range(len(stages)):
                share = updates * (number + 1) // len(stages) - updates * number // len(stages)
                if share:
                    yield _thawed_from(len(stages) - 1 - number, stages, share, strategy.decay)
        case Surgical():
            yield _only(stages.index(strategy.first), stages.index(strategy.last), stages, updates)
        case LabelMap():
            return
        case Discriminative():
            yield _thawed_from(0, stages, updates, strategy.decay)


def _thawed_from(thawed: int, stages: tuple[str, ...], updates: int, decay: float = 1.0) -> Phase:
    """Stages before number `thawed` frozen, the rest trained, `decay` slower per stage down."""
    rules = []
    if thawed > 0:
        rules.append(Rule(first=stages[0], last=stages[thawed - 1], lr_scale=0, mode="eval"))
    if decay == 1:
        rules.append(Rule(first=stages[thawed], last=stages[-1], lr_scale=1, mode="train"))
    else:
        for number in range(thawed, len(stages)):
            scale = decay ** -(len(stages) - 1 - number)
            name = stages[number]
            rules.append(Rule(first=name, last=name, lr_scale=scale, mode="train"))
    return Phase(rules=tuple(rules), updates=updates)


def _only(first: int, last: int, stages: tuple[str, ...], updates: int) -> Phase:
    """Stages number `first` to `last` trained, those before and after frozen."""
    parts = ((0, first, 0), (first, last + 1, 1), (last + 1, len(stages), 0))
    rules = tuple(
        Rule(
            first=stages[start],
            last=stages[end - 1],
            lr_scale=scale,
            mode="train" if scale else "eval",
        )
        for start, end, scale in parts
        if start < end
    )
    return Phase(rules=rules, updates=updates)
