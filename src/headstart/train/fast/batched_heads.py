"""Linear heads on frozen features, trained as one batched matmul.

An update of one such head is next to no arithmetic and all dispatch, so many take it together. A
member's numbers are the same whatever its neighbours are, and alone:

- products are taken `TILE` members at a time, the last tile filled up with nothing, so that they
  always have the same shape and the library always chooses the same way to compute them;
- everything else is done number by number, or row by row. A member's weights fill whole vector
  registers (`LANES`), so that no number changes between a vector loop and what is left over of it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

from headstart.networks.build import to_canonical, to_module_layout
from headstart.networks.staged import class_logits
from headstart.networks.weights import Weights
from headstart.study.frozen import trains_only_head
from headstart.train.device_data import DeviceData
from headstart.train.optimisers import make_optimiser, set_rates
from headstart.train.phase_config import PhaseConfig
from headstart.train.trainer import Factor, PreparedPhase, rules_of

TILE = 4  # wide enough to save most calls, narrow enough to cost a lone head little
LANES = 32  # float32 in two of the widest registers there are, what a vector loop takes in one go


def supports(work: PhaseConfig, device: torch.device) -> bool:
    """Whether a phase trains a linear head alone."""
    return not work.augment and trains_only_head(work.facts, work.phase, work.optimiser)


def as_rows(features: Tensor) -> Tensor:
    """Features (n, d) with a column of ones for the bias, filled up with zeros to whole lanes."""
    num, width = features.shape
    rows = features.new_zeros(num, -(-(width + 1) // LANES) * LANES)
    rows[:, :width] = features
    rows[:, width] = 1
    return rows


class BatchedLinearHeads:
    """Trainer of the head alone; a head's result is bit-identical alone or in a batch.

    Weights are (members, outputs, row), the bias at the place of the column of ones. Members are
    held in the order of their learning rates: those of one rate are one tensor to the optimiser.
    """

    def __init__(self, members: Sequence[PreparedPhase]) -> None:
        order = sorted(range(len(members)), key=lambda at: members[at].work.optimiser.lr)
        first = members[0]
        device = first.device
        self._members = [members[at] for at in order]
        # None where members come in the order of their rates, as one alone does.
        self._order = torch.tensor(order, device=device) if order != sorted(order) else None
        self._slots = {member: slot for slot, member in enumerate(order)}
        self._places = None if self._order is None else self._order.argsort()
        head = first.work.facts.linear_head
        assert head is not None
        assert head.bias is not None
        self._weight_name, self._bias_name = head.weight, head.bias
        outputs, self._width = first.weights[head.weight].shape
        num, row = -(-len(members) // TILE) * TILE, first.train.resident.shape[1]
        self._stack = torch.zeros(num, outputs, row, device=device)
        self._gradient = torch.zeros_like(self._stack)
        for head, member in zip(self._stack, self._members, strict=False):
            own = {name: member.weights[name] for name in (self._weight_name, self._bias_name)}
            weight, bias = to_module_layout(*member.work.architecture, own).values()
            head[:, : self._width] = torch.from_numpy(np.array(weight))
            head[:, self._width] = torch.from_numpy(np.array(bias))
        self._rows, self._labels, self._firsts = _joined([member.train for member in self._members])
        self._loss_weights = self._weights_of_classes(num)
        self._workspaces: dict[int, _Workspace] = {}
        self._optimiser = make_optimiser(first.work.optimiser, self._groups())

    @property
    def generators(self) -> tuple[torch.Generator, ...]:
        """None: the frozen layers below a head are deterministic."""
        return ()

    def update(self, batches: Tensor, factor: Factor) -> tuple[Tensor, Tensor]:
        """One update of every head."""
        set_rates(self._optimiser, factor)
        size = batches.shape[1]
        workspace = self._workspace(size)
        if self._order is not None:
            batches = batches[self._order]
        live = (batches + self._firsts).flatten()
        torch.index_select(self._rows, 0, live, out=workspace.rows[: len(live)])
        torch.index_select(self._labels, 0, live, out=workspace.labels[: len(live)])
        for rows, weights, outputs, _ in workspace.tiles:
            torch.bmm(rows, weights, out=outputs)
        logits, truth = class_logits(workspace.outputs), workspace.labels.view(-1, size)
        # The slope of the mean cross-entropy at the logits: (softmax - truth) / batch.
        grads = logits.softmax(2).scatter_add_(2, truth[:, :, None], workspace.minus_one).div_(size)
        if self._loss_weights is not None:
            grads.mul_(self._loss_weights.gather(1, truth)[:, :, None])
        grads = grads[:, :, -workspace.outputs.shape[2] :].mT
        for (rows, _, _, gradient), grad in zip(
            workspace.tiles, grads.chunk(len(workspace.tiles)), strict=True
        ):
            torch.bmm(grad, rows, out=gradient)
        self._optimiser.step()
        if self._places is not None:
            return logits[self._places], truth[self._places]
        return logits[: len(self._members)], truth[: len(self._members)]

    def validation_logits(self, member: int) -> Tensor:
        """Validation logits of one training."""
        slot = self._slots[member]
        rows = self._members[slot].validation.resident
        return class_logits(rows @ self._stack[slot].T)

    def weights(self, member: int, names: Collection[str]) -> Weights:
        """Tensors of one training by name: its first weights, with the present head."""
        slot = self._slots[member]
        given, head = self._members[slot], self._stack[slot].cpu().numpy()
        held = {
            self._weight_name: head[:, : self._width].copy(),
            self._bias_name: head[:, self._width].copy(),
        }
        now = {**given.weights, **to_canonical(*given.work.architecture, held)}
        return {name: now[name] for name in names}

    def _weights_of_classes(self, num: int) -> Tensor | None:
        """Weight of each class in the loss (heads, classes); None where all images count alike."""
        first = self._members[0].loss_weights
        if first is None:
            return None
        weights = first.new_zeros(num, len(first))
        for own, member in zip(weights, self._members, strict=False):
            assert member.loss_weights is not None, "heads trained together have one setting"
            own.copy_(member.loss_weights)
        return weights

    def _workspace(self, size: int) -> "_Workspace":
        if size not in self._workspaces:
            num, outputs, row = self._stack.shape
            new = self._stack.new_zeros
            rows, found = new(num * size, row), new(num, size, outputs)
            whole = (rows.view(num, size, row), self._stack.mT, found, self._gradient)
            self._workspaces[size] = _Workspace(
                rows=rows,
                labels=new(num * size, dtype=torch.int64),
                outputs=found,
                minus_one=new(num, size, 1) - 1,
                tiles=list(zip(*(part.chunk(num // TILE) for part in whole), strict=True)),
            )
        return self._workspaces[size]

    def _groups(self) -> list[tuple[float, list[torch.nn.Parameter]]]:
        """One tensor per learning rate: a slice of the stacked heads and of their gradient."""
        found = []
        scale = rules_of(self._members[0].work)[self._weight_name].lr_scale
        rates = [member.work.optimiser.lr * scale for member in self._members]
        first = 0
        for rate, same in groupby(rates):
            end = first + len(list(same))
            weights = torch.nn.Parameter(self._stack[first:end])
            weights.grad = self._gradient[first:end]
            found.append((rate, [weights]))
            first = end
        return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Workspace:
    """Buffers for batches of one size: rows, labels and outputs of all heads, and -1 per image.

    `tiles` are views of rows, weights (turned round), outputs and gradients, `TILE` members each.
    """

    rows: Tensor
    labels: Tensor
    outputs: Tensor
    minus_one: Tensor
    tiles: list[tuple[Tensor, ...]]


def _joined(parts: Sequence[DeviceData]) -> tuple[Tensor, Tensor, Tensor]:
    """Rows and labels of all parts one after the other, and where each begins, (parts, 1).

    A part that several members share is there once.
    """
    distinct = list({id(part): part for part in parts}.values())
    places = {id(part): place for place, part in enumerate(distinct)}
    firsts = [[places[id(part)] * len(part.labels)] for part in parts]
    rows, labels = distinct[0].resident, distinct[0].labels
    if len(distinct) > 1:
        rows = torch.cat([part.resident for part in distinct])
        labels = torch.cat([part.labels for part in distinct])
    return rows, labels, torch.tensor(firsts, device=rows.device)
