"""Which training steps are trained together, and on what device that pays."""

from headstart.core.hashing import Json, digest
from headstart.plan.trial_data import TrialData
from headstart.study.frozen import trains_only_head
from headstart.study.phases import Phase
from headstart.study.training import TrainingSpec


def batch_group(
    payload: Json, phase: Phase, training: TrainingSpec, material: TrialData
) -> dict[str, str]:
    """By device, a digest of all that the trainings of one stack have in common.

    That is everything but seed, role, first weights, learning rate and images; the number of images
    is the same. Heads alone go together anywhere, whole networks where one of them leaves most of
    the device idle. What is not trained by updates is in no stack.
    """
    if phase.solver != "updates" or training.augment:
        return {}
    own = {"data", "preprocessing", "start", "seed", "role", "optimiser"}
    shared = {name: value for name, value in payload.items() if name not in own}
    settings = {name: value for name, value in payload["optimiser"].items() if name != "lr"}
    shape = [*material.image, material.num_classes, material.num_images]
    stack = digest({**shared, "optimiser": settings, "shape": shape})
    if trains_only_head(material.network_facts, phase, training.optimiser):
        return {"cpu": stack, "cuda": stack}
    return {"cuda": stack}
