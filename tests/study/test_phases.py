"""Rules cover every parameter exactly once, or say which one they do not."""

import pytest

from headstart.study.phases import Phase, Rule, rule_for

STAGES = ("conv", "dense", "head")
TRUNK = Rule(first="conv", last="dense", lr_scale=0, mode="eval")
HEAD = Rule(first="head", last="head", lr_scale=1, mode="train")
BIASES = Rule(first="conv", last="head", kind="bias", lr_scale=1, mode="train")


def test_the_rule_of_a_stage() -> None:
    assert rule_for((TRUNK, HEAD), STAGES, "dense", "weight") is TRUNK
    assert rule_for((TRUNK, HEAD), STAGES, "head", "norm") is HEAD
    assert (TRUNK.frozen, HEAD.frozen) == (True, False)


def test_a_kind_of_parameter_has_rules_of_its_own() -> None:
    rules = (BIASES, Rule(first="conv", last="head", kind="weight", lr_scale=0, mode="eval"))
    assert rule_for(rules, STAGES, "conv", "bias") is BIASES
    assert rule_for(rules, STAGES, "conv", "weight").frozen


def test_what_no_rule_covers_is_an_error() -> None:
    with pytest.raises(ValueError, match="no rule covers weight of stage 'head'; exactly one must"):
        rule_for((TRUNK,), STAGES, "head", "weight")


def test_what_two_rules_cover_is_an_error() -> None:
    with pytest.raises(ValueError, match="2 rules cover bias of stage 'dense'; exactly one must"):
        rule_for((BIASES, TRUNK), STAGES, "dense", "bias")


def test_a_head_alone_may_be_solved_to_convergence() -> None:
    assert Phase(rules=(TRUNK, HEAD), updates=9).solver == "updates"
    assert Phase(rules=(TRUNK, HEAD), updates=9, solver="converged").solver == "converged"


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ((Rule(first="conv", last="head", lr_scale=1, mode="train"),), "conv to head"),
        ((TRUNK.model_copy(update={"mode": "train"}), HEAD), "head to head"),
        ((Rule(first="conv", last="head", lr_scale=0, mode="eval"),), "nothing"),
        ((TRUNK, HEAD.model_copy(update={"kind": "bias"})), "head to head"),
    ],
)
def test_nothing_but_a_head_on_a_still_trunk_is_solved(rules: tuple[Rule, ...], told: str) -> None:
    with pytest.raises(ValueError, match=f"was given {told} to train; allowed: the whole head"):
        Phase(rules=rules, updates=9, solver="converged")
