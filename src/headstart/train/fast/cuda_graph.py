"""Updates captured as CUDA graphs: an update of a small network is mostly kernel launches.

An update of a network of the notebooks' size is twenty to sixty kernels of a few microseconds each,
and launching one from Python takes longer than running it. A CUDA graph launches all at once, those
of several members side by side where they were captured on separate streams.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from headstart.networks.weights import Weights
from headstart.train.trainer import Factor, Trainer

Update = Callable[[], tuple[Tensor, Tensor]]


class Recorder(Protocol):
    """Interface of a device that captures an update and replays it."""

    def take(self, update: Update) -> tuple[Tensor, Tensor]:
        """Warm-up: run an update eagerly before one is captured."""

    def record(self, update: Update, generators: Sequence[torch.Generator]) -> "Record":
        """Capture an update without running it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Record:
    """A captured update and its static output tensors."""

    play: Callable[[], None]
    logits: Tensor
    truth: Tensor


class GraphedTrainer:
    """Trainer whose updates are captured once per batch size, then replayed.

    The first update with a batch size is taken as it comes: libraries set themselves up, and the
    optimiser makes its state. The second is recorded. What is played back are the same kernels on
    the same numbers, so no number depends on whether it was.
    """

    def __init__(self, trainer: Trainer, recorder: Recorder, device: torch.device) -> None:
        self._trainer = trainer
        self._recorder = recorder
        self._batches: dict[int, Tensor] = {}
        self._records: dict[int, Record] = {}
        self._factor = torch.ones((), device=device)

    @property
    def generators(self) -> tuple[torch.Generator, ...]:
        """The generators of the trainer."""
        return self._trainer.generators

    def update(self, batches: Tensor, factor: Factor) -> tuple[Tensor, Tensor]:
        """One update of every training."""
        self._factor.fill_(factor)
        size = batches.shape[1]
        first = size not in self._batches
        if first:
            self._batches[size] = batches.clone(memory_format=torch.contiguous_format)
        own = self._batches[size].copy_(batches)  # where a record reads from

        def update() -> tuple[Tensor, Tensor]:
            return self._trainer.update(own, self._factor)

        if first:
            return self._recorder.take(update)
        if size not in self._records:
            self._records[size] = self._recorder.record(update, self.generators)
        record = self._records[size]
        record.play()
        return record.logits, record.truth

    def validation_logits(self, member: int) -> Tensor:
        """Validation logits of one training."""
        return self._trainer.validation_logits(member)

    def weights(self, member: int, names: Collection[str]) -> Weights:
        """A copy of tensors of one training, by name."""
        return self._trainer.weights(member, names)


class CudaGraphs:
    """CUDA graph capture on an NVIDIA or AMD GPU."""

    def __init__(self, device: torch.device) -> None:
        self._side = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def take(self, update: Update) -> tuple[Tensor, Tensor]:
        """Warm-up on a side stream, as PyTorch requires before capture."""
        here = torch.cuda.current_stream()
        self._side.wait_stream(here)
        with torch.cuda.stream(self._side):
            outputs = update()
        here.wait_stream(self._side)
        return outputs

    def record(self, update: Update, generators: Sequence[torch.Generator]) -> Record:
        """Capture an update without running it."""
        graph = torch.cuda.CUDAGraph()
        for generator in generators:
            graph.register_generator_state(generator)
        with torch.cuda.graph(graph, stream=self._side, capture_error_mode="thread_local"):
            logits, truth = update()
        return Record(play=graph.replay, logits=logits, truth=truth)
