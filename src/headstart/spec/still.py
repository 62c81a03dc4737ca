"""What a phase leaves as it is: layers that give the same output at every update."""

from headstart.spec.network import BatchNorm, Dropout
from headstart.spec.phases import Phase, rule_for
from headstart.spec.shapes import LayerFacts
from headstart.spec.training import OptimiserSpec


def num_still(layers: tuple[LayerFacts, ...], stage_names: tuple[str, ...], phase: Phase) -> int:
    """How many layers from the stem on give the same output at every update.

    They are frozen and, where their stage is live, hold no dropout and no batch statistics.
    """
    live = live_stages(layers, stage_names, phase)
    for number, facts in enumerate(layers):
        trained = any(
            not rule_for(phase.rules, stage_names, facts.stage, p.kind).frozen
            for p in facts.parameters
        )
        moving = facts.stage in live and isinstance(facts.layer, Dropout | BatchNorm)
        if trained or moving:
            return number
    return len(layers)


def live_stages(
    layers: tuple[LayerFacts, ...], stage_names: tuple[str, ...], phase: Phase
) -> set[str]:
    """Stages with a rule in train mode for a parameter of theirs."""
    return {
        facts.stage
        for facts in layers
        for p in facts.parameters
        if rule_for(phase.rules, stage_names, facts.stage, p.kind).mode == "train"
    }


def head_alone(
    layers: tuple[LayerFacts, ...],
    stage_names: tuple[str, ...],
    phase: Phase,
    optimiser: OptimiserSpec,
) -> bool:
    """Whether the phase trains the head and nothing else, on features that stay.

    Such heads are trained side by side. Weights and bias have one learning rate, and the optimiser
    leaves alone what has no gradient: with an epsilon of 0 it would divide 0 by 0.
    """
    head = layers[-1]
    scales = {
        rule_for(phase.rules, stage_names, head.stage, p.kind).lr_scale for p in head.parameters
    }
    return (
        num_still(layers, stage_names, phase) == len(layers) - 1
        and len(scales) == 1
        and (optimiser.kind == "sgd" or optimiser.epsilon > 0)
    )
