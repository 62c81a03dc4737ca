"""Operation counts (FLOPs) of phases."""

from dataclasses import dataclass
from functools import lru_cache
from math import prod

from headstart.study.frozen import FEW, frozen_prefix, is_trained
from headstart.study.network_facts import NetworkFacts
from headstart.study.phases import Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """Operations of a phase for one image: `once`, before the first update, and `each` update."""

    once: int
    each: int


@lru_cache(maxsize=FEW)
def flops_per_image(facts: NetworkFacts, phase: Phase, *, augmented: bool = False) -> Operations:
    """Operations of a phase for one image, as really executed.

    The frozen prefix is run forward once. Of an update: forward through the rest; for each trained
    block the gradient of its weights; for every block above the lowest trained one the gradient of
    its input. Products and sums count one each; only convolutions and matrix products are counted.
    Where images are `augmented`, nothing is run once.
    """
    prefix = 0 if augmented else frozen_prefix(facts, phase)
    once = sum(block.flops for block in facts.blocks[:prefix])
    return Operations(once=once, each=sum(flops_of_update(facts, phase, prefix)))


def flops_of_update(facts: NetworkFacts, phase: Phase, prefix: int) -> list[int]:
    """Operations of each block for one image of an update; none for a prefix that is run once."""
    found, trained_below = [0] * prefix, False
    for block in facts.blocks[prefix:]:
        trained = is_trained(block, facts.stage_names, phase)
        found.append(block.flops * (1 + trained + trained_below))
        trained_below |= trained
    return found


@lru_cache(maxsize=FEW)
def flops_of_forward(facts: NetworkFacts, prefix: int) -> int:
    """Operations of one image through the blocks after the first `prefix`."""
    return sum(block.flops for block in facts.blocks[prefix:])


SMALL_BYTES = 32_000_000


def features_are_small(facts: NetworkFacts, prefix: int, num_images: int) -> bool:
    """Whether outputs of the first `prefix` blocks (at least 1) take little memory.

    Copies of them do no harm then, and all trainings that left these blocks as they were share
    those of the images that are predicted.
    """
    return 4 * num_images * prod(facts.blocks[prefix - 1].shape_out) <= SMALL_BYTES


PLANNED_GRADIENTS = 250  # of a converged head's whole path, as its real number is not known before


def flops_of_solving(facts: NetworkFacts, num_images: int, gradients: int) -> int:
    """Operations of solving the head: the trunk once, the head forward and back each gradient."""
    trunk = sum(block.flops for block in facts.blocks[:-1])
    return num_images * (trunk + 2 * gradients * facts.blocks[-1].flops)
