"""What a step reads besides its payload: finished steps, cached features; and its device."""

from dataclasses import dataclass

import torch

from headstart.core.array_cache import MemmapCache
from headstart.store.reading import StepReader


@dataclass(frozen=True, slots=True, kw_only=True)
class StepContext:
    """Everything around a step. `features` are those of frozen trunks, shared by workers."""

    finished: StepReader
    features: MemmapCache
    device: torch.device
