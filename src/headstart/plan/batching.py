"""Which training steps are trained together, and on what device that pays."""

from headstart.core.hashing import digest
from headstart.plan.payload_types import PhasePayload
from headstart.plan.trial_data import TrialData
from headstart.study.frozen import trains_only_head
from headstart.study.phases import Phase
from headstart.study.training import TrainingSpec


def batch_group(
    payload: PhasePayload, phase: Phase, training: TrainingSpec, trial_data: TrialData
) -> dict[str, str]:
    """By device, a digest of all that the trainings of one group have in common.

    That is everything but seed, role, first weights, learning rate and images; the number of images
    is the same. Heads alone go together anywhere, whole networks where one of them leaves most of
    the device idle. What is not trained by updates is in no group.
    """
    if phase.solver != "updates" or training.augment:
        return {}
    shared = {name: v for name, v in payload.items() if name not in ("role", "optimiser")}
    settings = {name: value for name, value in payload["optimiser"].items() if name != "lr"}
    shape = [*trial_data.image, trial_data.num_classes, trial_data.num_images]
    group = digest({**shared, "optimiser": settings, "shape": shape})
    if trains_only_head(trial_data.network_facts, phase, training.optimiser):
        return {"cpu": group, "cuda": group}
    return {"cuda": group}
