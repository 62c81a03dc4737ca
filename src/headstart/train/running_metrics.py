"""Training loss and accuracy, from the logits of the updates."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

WAITING_BYTES = 250_000  # of a member's logits whose loss is still to be worked out


@dataclass(frozen=True, slots=True)
class LossAccuracy:
    """A member's loss, the mean over updates of each batch's, and its accuracy over the images."""

    loss: float
    accuracy: float


class RunningMetrics:
    """Training loss and accuracy since the last report, computed for many updates at a time.

    What waits is copied to separate buffers. If the tensors of an update were kept, they would lie
    where it frees its memory, and the next one's large blocks would not fit between them.
    """

    def __init__(self, members: int) -> None:
        self._buffers: dict[torch.Size, _Buffers] = {}
        self._buffer: _Buffers | None = None
        self._members = members
        self._start()

    def _start(self) -> None:
        self._updates = self._images = 0
        self._loss, self._right = [0.0] * self._members, [0] * self._members

    def add(self, logits: Tensor, truth: Tensor) -> None:
        """Count one update of every member: (members, batch, classes) and (members, batch)."""
        buffer = self._buffers.get(logits.shape)
        if buffer is None:
            buffer = self._buffers[logits.shape] = _Buffers(logits, truth)
        if buffer is not self._buffer or buffer.is_full:
            self._count()
            self._buffer = buffer
        buffer.put(logits, truth)

    def since_last(self) -> list[LossAccuracy]:
        """Mean loss and accuracy since the last call, by training."""
        self._count()
        means = [
            LossAccuracy(loss=loss / self._updates, accuracy=right / self._images)
            for loss, right in zip(self._loss, self._right, strict=True)
        ]
        self._start()
        return means

    def _count(self) -> None:
        """Compute the metrics of buffered batches of one size, for each training by itself."""
        if self._buffer is None:
            return
        found = self._buffer.emptied()
        for at in range(self._members):
            logits, truth = (tensor[:, at] for tensor in found)
            each = functional.cross_entropy(logits.flatten(0, 1), truth.flatten(), reduction="none")
            self._loss[at] += float(each.view(truth.shape).mean(1).sum())
            self._right[at] += int((logits.argmax(2) == truth).sum())
        self._updates += len(found[1])
        self._images += found[1][:, 0].numel()
        self._buffer = None


class _Buffers:
    """Buffers for logits and labels of several updates with batches of one size."""

    def __init__(self, logits: Tensor, truth: Tensor) -> None:
        num = max(WAITING_BYTES // logits[0].nbytes, 1)
        self._logits = logits.new_empty(num, *logits.shape)
        self._truth = truth.new_empty(num, *truth.shape)
        self._places = list(zip(self._logits, self._truth, strict=True))
        self._used = 0

    @property
    def is_full(self) -> bool:
        """Whether the buffer is full."""
        return self._used == len(self._places)

    def put(self, logits: Tensor, truth: Tensor) -> None:
        """Copy the logits and labels of one update."""
        logits_place, truth_place = self._places[self._used]
        logits_place.copy_(logits)
        truth_place.copy_(truth)
        self._used += 1

    def emptied(self) -> tuple[Tensor, Tensor]:
        """Buffered values (updates, trainings, ...); the next update overwrites them."""
        used, self._used = self._used, 0
        return self._logits[:used], self._truth[:used]
