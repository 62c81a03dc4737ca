"""How many operations a phase takes."""

from dataclasses import dataclass

from headstart.study.frozen import frozen_prefix, is_trained
from headstart.study.phases import Phase
from headstart.study.shapes import LayerFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """Operations of a phase for one image: `once`, before the first update, and `each` update."""

    once: int
    each: int


def flops_per_image(
    layers: tuple[LayerFacts, ...], stage_names: tuple[str, ...], phase: Phase
) -> Operations:
    """Operations of a phase for one image, as really executed.

    What gives the same output at every update is run forward once. Of an update: forward through
    the rest; for each trained layer the gradient of its weights; for every layer above the lowest
    trained one the gradient of its input. Products and sums count one each; only convolutions and
    dense layers are counted, and measurements of validation are not.
    """
    still = frozen_prefix(layers, stage_names, phase)
    once = sum(layer.flops for layer in layers[:still])
    return Operations(once=once, each=sum(flops_of_update(layers, stage_names, phase)))


def flops_of_update(
    layers: tuple[LayerFacts, ...], stage_names: tuple[str, ...], phase: Phase
) -> list[int]:
    """Operations of each layer for one image of an update; none for what stays as it is."""
    still = frozen_prefix(layers, stage_names, phase)
    found, trained_below = [0] * still, False
    for layer in layers[still:]:
        trained = is_trained(layer, stage_names, phase)
        found.append(layer.flops * (1 + trained + trained_below))
        trained_below |= trained
    return found


PLANNED_GRADIENTS = 250  # of a converged head's whole path, as its real number is not known before


def flops_of_solving(layers: tuple[LayerFacts, ...], num_images: int, gradients: int) -> int:
    """Operations of solving the head: the trunk once, the head forward and back each gradient."""
    trunk = sum(layer.flops for layer in layers[:-1])
    return num_images * (trunk + 2 * gradients * layers[-1].flops)
