"""Several networks trained concurrently on one device, each on its own CUDA stream.

Nothing is shared but the device, so a member's numbers are those it has alone. On a GPU each has a
separate stream, and the kernels of several run at once.
"""

from collections.abc import Collection, Sequence

import torch
from torch import Tensor

from headstart.networks.weights import Weights
from headstart.train.trainer import Factor, Trainer


class StreamedTrainers:
    """Trainer of several trainings, made of one trainer for each."""

    def __init__(self, trainers: Sequence[Trainer], device: torch.device) -> None:
        self._trainers = tuple(trainers)
        on_gpu = device.type == "cuda"
        streams = trainers if on_gpu else ()
        self._streams = [torch.cuda.Stream(device) for _ in streams]  # type: ignore[no-untyped-call]

    @property
    def generators(self) -> tuple[torch.Generator, ...]:
        """The generators of all trainings."""
        return tuple(found for trainer in self._trainers for found in trainer.generators)

    def update(self, batches: Tensor, factor: Factor) -> tuple[Tensor, Tensor]:
        """One update of every training."""
        own = torch.split(batches, 1)
        if self._streams:
            outputs = self._in_streams(own, factor)
        else:
            outputs = [
                trainer.update(batch, factor)
                for trainer, batch in zip(self._trainers, own, strict=True)
            ]
        logits, truth = zip(*outputs, strict=True)
        return torch.cat(logits), torch.cat(truth)

    def _in_streams(self, own: Sequence[Tensor], factor: Factor) -> list[tuple[Tensor, Tensor]]:
        here = torch.cuda.current_stream()
        outputs = []
        for trainer, batch, stream in zip(self._trainers, own, self._streams, strict=True):
            stream.wait_stream(here)
            with torch.cuda.stream(stream):
                outputs.append(trainer.update(batch, factor))
        for stream in self._streams:
            here.wait_stream(stream)
        return outputs

    def validation_logits(self, member: int) -> Tensor:
        """Validation logits of one training."""
        return self._trainers[member].validation_logits(0)

    def weights(self, member: int, names: Collection[str]) -> Weights:
        """A copy of tensors of one training, by name."""
        return self._trainers[member].weights(0, names)
