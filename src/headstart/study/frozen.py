"""Frozen parts of a network in a phase: blocks that give the same output at every update."""

from functools import lru_cache

from headstart.study.network_facts import BlockFacts, NetworkFacts
from headstart.study.phases import PARAMETER_KINDS, ParameterKind, Phase, rule_for
from headstart.study.training import OptimiserSpec

# Networks, phases and optimisers of a study are few, and asked about for each of its trials.
FEW = 512


@lru_cache(maxsize=FEW)
def frozen_prefix(facts: NetworkFacts, phase: Phase) -> int:
    """Frozen prefix of a network in a phase: how many blocks from the stem give the same output.

    They are frozen and, where their stage is in train mode, have neither dropout nor batch
    statistics. The network can be resumed behind them.
    """
    train_mode = train_mode_stages(facts, phase)
    number = 0
    for block in facts.blocks:
        moving = block.stage in train_mode and (block.dropout or block.batch_statistics)
        if moving or is_trained(block, facts.stage_names, phase):
            break
        number += 1
    while 0 < number < len(facts.blocks) and not facts.blocks[number - 1].resumes:
        number -= 1
    return number


def is_trained(block: BlockFacts, stage_names: tuple[str, ...], phase: Phase) -> bool:
    """Whether a parameter of a block is trained."""
    return any(
        not rule_for(phase.rules, stage_names, block.stage, p.kind).frozen for p in block.parameters
    )


@lru_cache(maxsize=FEW)
def num_trainable(facts: NetworkFacts, phases: tuple[Phase, ...]) -> int:
    """Number of parameters that at least one of the phases trains."""
    return sum(
        p.size
        for block in facts.blocks
        for p in block.parameters
        if any(
            not rule_for(phase.rules, facts.stage_names, block.stage, p.kind).frozen
            for phase in phases
        )
    )


def train_mode_stages(facts: NetworkFacts, phase: Phase) -> set[str]:
    """Stages in train mode: by the rules of their parameters, or by any rule if they have none."""
    kinds: dict[str, set[ParameterKind]] = {name: set() for name in facts.stage_names}
    for block in facts.blocks:
        kinds[block.stage] |= {p.kind for p in block.parameters}
    return {
        stage
        for stage, own in kinds.items()
        for kind in own or PARAMETER_KINDS
        if rule_for(phase.rules, facts.stage_names, stage, kind).mode == "train"
    }


@lru_cache(maxsize=FEW)
def trains_only_head(facts: NetworkFacts, phase: Phase, optimiser: OptimiserSpec) -> bool:
    """Whether the phase trains a linear head alone, on frozen features.

    Such heads are trained side by side. Weights and bias have one learning rate, and the optimiser
    leaves alone what has no gradient: with an epsilon of 0 it would divide 0 by 0.
    """
    if facts.linear_head is None or facts.linear_head.bias is None:
        return False
    head = facts.blocks[-1]
    scales = {
        rule_for(phase.rules, facts.stage_names, head.stage, p.kind).lr_scale
        for p in head.parameters
    }
    return (
        frozen_prefix(facts, phase) == len(facts.blocks) - 1
        and len(head.shape_in) == 1
        and len(scales) == 1
        and (optimiser.kind == "sgd" or optimiser.epsilon > 0)
    )
