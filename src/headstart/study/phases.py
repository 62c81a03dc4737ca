"""The phase: the only thing the trainer understands.

Freezing, a frozen trunk under a new head, learning rates that fall towards the stem and gradual
thawing are all the same thing: an ordered list of rules that covers every parameter exactly once
(the idea is big_vision's). Scale 0 is the only way to say frozen.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from headstart.study.base import HEAD, Spec

ParameterKind = Literal["weight", "bias", "norm"]
PARAMETER_KINDS: tuple[ParameterKind, ...] = ("weight", "bias", "norm")


class Rule(Spec):
    """What happens to one kind of parameter in a run of stages.

    `first` and `last` are names of stages, both included. `mode` says whether dropout and batch
    statistics of those stages are live (`train`) or not (`eval`).
    """

    first: str
    last: str
    kind: Literal["all", "weight", "bias", "norm"] = "all"
    lr_scale: Annotated[float, Field(ge=0)]
    mode: Literal["train", "eval"]

    @property
    def frozen(self) -> bool:
        """Whether the parameters under this rule stay as they are."""
        return self.lr_scale == 0


class Phase(Spec):
    """Rules for every parameter and a number of updates, with a fresh optimiser and schedule.

    With `solver = "converged"` what is trained is solved to convergence instead, in place of that
    many updates. Only the head, a dense layer, makes a problem that has one solution.
    """

    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]
    updates: Annotated[int, Field(ge=1)]
    solver: Literal["updates", "converged"] = "updates"

    @model_validator(mode="after")
    def _convex(self) -> "Phase":
        trained = [rule for rule in self.rules if not rule.frozen]
        alone = trained and all(r.first == r.last == HEAD and r.kind == "all" for r in trained)
        live = [rule for rule in self.rules if rule.frozen and rule.mode == "train"]
        if self.solver == "converged" and (live or not alone):
            stages = ", ".join(f"{rule.first} to {rule.last}" for rule in trained) or "nothing"
            raise ValueError(
                f"the solver 'converged' was given {stages} to train; allowed: the whole head "
                "alone, on stages that are frozen in eval mode. Use 'updates' for anything else"
            )
        return self


def rule_for(
    rules: tuple[Rule, ...], stage_names: tuple[str, ...], stage: str, kind: ParameterKind
) -> Rule:
    """The one rule that covers a kind of parameter in a stage.

    Raises:
        ValueError: no rule covers it, or more than one does.
    """
    at = stage_names.index(stage)
    covering = [
        rule
        for rule in rules
        if stage_names.index(rule.first) <= at <= stage_names.index(rule.last)
        and rule.kind in ("all", kind)
    ]
    if len(covering) != 1:
        count = "no rule covers" if not covering else f"{len(covering)} rules cover"
        raise ValueError(f"{count} {kind} of stage '{stage}'; exactly one must")
    return covering[0]
