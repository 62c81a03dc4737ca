"""Memory that a training takes, estimated from facts of its network before anything is run."""

from math import prod

from headstart.study.frozen import frozen_prefix, is_trained
from headstart.study.network_facts import BlockFacts, NetworkFacts, Shape
from headstart.study.phases import Phase

VALUE = 4  # bytes of a float32
COPIES = 5  # of a trained tensor: itself, its gradient, two of the optimiser's, the best so far


def training_bytes(
    facts: NetworkFacts, phase: Phase, batch: int, num_images: int, image: Shape
) -> int:
    """Bytes that the updates of a phase take: weights, activations, and the images.

    An upper estimate: every layer that has weights is taken to store the largest output of its
    block. Images and features are taken to be in memory all at once.

    Args:
        facts: of the network.
        phase: what is trained.
        batch: images of an update.
        num_images: that are trained on.
        image: shape of one.
    """
    first = frozen_prefix(facts, phase)
    values = sum(p.size for block in facts.blocks for p in block.parameters)
    trained = sum(
        p.size
        for block in facts.blocks
        if is_trained(block, facts.stage_names, phase)
        for p in block.parameters
    )
    stored = sum(_stored_values(block) for block in facts.blocks[first:])
    features = prod(facts.blocks[first].shape_in) if 0 < first < len(facts.blocks) else 0
    return VALUE * (
        values + (COPIES - 1) * trained + batch * stored + num_images * (prod(image) + features)
    )


def _stored_values(block: BlockFacts) -> int:
    """Values for one image that the backward pass needs of a block."""
    layers = sum(len(p.shape) > 1 or p.kind == "norm" for p in block.parameters)
    return block.peak_values * max(layers, 1)
