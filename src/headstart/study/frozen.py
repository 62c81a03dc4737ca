"""What a phase leaves as it is: layers that give the same output at every update."""

from headstart.study.network import BatchNorm, Dropout
from headstart.study.phases import PARAMETER_KINDS, ParameterKind, Phase, rule_for
from headstart.study.shapes import LayerFacts
from headstart.study.training import OptimiserSpec


def frozen_prefix(
    layers: tuple[LayerFacts, ...], stage_names: tuple[str, ...], phase: Phase
) -> int:
    """How many layers from the stem on give the same output at every update.

    They are frozen and, where their stage is live, hold no dropout and no batch statistics.
    """
    live = train_mode_stages(layers, stage_names, phase)
    for number, facts in enumerate(layers):
        moving = facts.stage in live and isinstance(facts.layer, Dropout | BatchNorm)
        if moving or is_trained(facts, stage_names, phase):
            return number
    return len(layers)


def is_trained(facts: LayerFacts, stage_names: tuple[str, ...], phase: Phase) -> bool:
    """Whether a parameter of a layer is trained."""
    return any(
        not rule_for(phase.rules, stage_names, facts.stage, p.kind).frozen for p in facts.parameters
    )


def train_mode_stages(
    layers: tuple[LayerFacts, ...], stage_names: tuple[str, ...], phase: Phase
) -> set[str]:
    """Stages in train mode: by the rules of their parameters, or by any rule if they have none."""
    kinds: dict[str, set[ParameterKind]] = {facts.stage: set() for facts in layers}
    for facts in layers:
        kinds[facts.stage] |= {p.kind for p in facts.parameters}
    return {
        stage
        for stage, own in kinds.items()
        for kind in own or PARAMETER_KINDS
        if rule_for(phase.rules, stage_names, stage, kind).mode == "train"
    }


def trains_only_head(
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
        frozen_prefix(layers, stage_names, phase) == len(layers) - 1
        and len(scales) == 1
        and (optimiser.kind == "sgd" or optimiser.epsilon > 0)
    )
