"""Which training steps may be trained together."""

from headstart.core.hashing import Json, digest
from headstart.plan.material import Material
from headstart.spec.phases import Phase
from headstart.spec.still import head_alone
from headstart.spec.training import OptimiserSpec


def stack_of(
    payload: Json, phase: Phase, optimiser: OptimiserSpec, material: Material
) -> str | None:
    """A digest of all that the heads of one stack have in common, or None for other trainings.

    That is everything but seed, role, first weights, learning rate and images; the number of images
    is the same.
    """
    stages = material.study.network.stage_names
    if phase.solver != "updates" or not head_alone(material.layers, stages, phase, optimiser):
        return None
    own = {"data", "preprocessing", "start", "seed", "role", "optimiser"}
    shared = {name: value for name, value in payload.items() if name not in own}
    settings = {name: value for name, value in payload["optimiser"].items() if name != "lr"}
    shape = [*material.known.shape, material.num_classes, material.num_images]
    return digest({**shared, "optimiser": settings, "shape": shape})
