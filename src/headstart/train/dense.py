"""Dense layers under SGD with the backward pass written out: autograd's numbers, sooner.

At the batch sizes of the notebooks the bookkeeping of autograd and of the optimiser takes as long
as the arithmetic. Here the gradient of a weight is never formed: the product that makes it is
added to the weight, or to its momentum, as it is computed. Values stand in columns, (units, batch):
weights times columns is a fifth to a quarter faster than rows times weights turned round.
"""

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from headstart.networks.layers import Dropout, Flatten, Relu
from headstart.spec import network as spec
from headstart.spec.still import is_trained
from headstart.spec.training import OptimiserSpec
from headstart.train.learners import Factor, Member
from headstart.train.module import ModuleLearner
from headstart.train.work import PhaseWork

_FITTING = (
    spec.Dense,
    spec.Relu,
    spec.LeakyRelu,
    spec.Tanh,
    spec.Gelu,
    spec.Dropout,
    spec.Flatten,
)


def fits(work: PhaseWork) -> bool:
    """Whether all from the first trained layer on is dense or number by number, in float32 SGD.

    What lies below may be anything: nothing flows back to it.
    """
    above = work.layers[_first_trained(work) :]
    fitting = bool(above) and all(isinstance(facts.layer, _FITTING) for facts in above)
    return fitting and work.optimiser.kind == "sgd" and work.precision == "float32"


def _first_trained(work: PhaseWork) -> int:
    stages = work.network.stage_names
    trained = (is_trained(facts, stages, work.phase) for facts in work.layers)
    return next((at for at, found in enumerate(trained) if found), len(work.layers))


class DenseNetwork(ModuleLearner):
    """The learner of phases that fit: the same update as the plain one, within rounding."""

    def __init__(self, member: Member) -> None:
        super().__init__(member)
        first, layers = _first_trained(member.work), self.module.layers()
        self._below = [layer for _, layer in layers[member.done : first]]
        names = {id(layer): name for name, layer in self.module.named_modules()}
        links = (self._link(layer, names[id(layer)]) for _, layer in layers[first:])
        self._links = [link for link in links if link is not None]
        self._minus_one: dict[int, Tensor] = {}

    @torch.inference_mode()
    def update(self, batches: Tensor, factor: Factor) -> tuple[Tensor, Tensor]:
        """One update of the only member."""
        factor = float(factor)
        values, truth = self.member.train.batch(batches[0])
        size = len(truth)
        if size not in self._minus_one:
            self._minus_one[size] = values.new_full((size, 1), -1)
        for layer in self._below:
            values = layer(values)
        seen = [values.t()]
        for link in self._links:
            seen.append(link.forward(seen[-1]))
        logits = self.module.logits(seen[-1].t())
        # The slope of the mean cross-entropy at the logits: (softmax - truth) / batch.
        slopes = logits.softmax(1).scatter_add_(1, truth[:, None], self._minus_one[size]).div_(size)
        slopes = slopes[:, -len(seen[-1]) :].t()
        for at in range(len(self._links) - 1, -1, -1):
            link, above = self._links[at], slopes
            if at:  # before the weights that it goes through move
                slopes = link.back(above, seen[at], seen[at + 1])
            if isinstance(link, _Dense):
                link.learn(above, seen[at], factor)
        return logits[None], truth[None]

    def _link(self, layer: nn.Module, name: str) -> "_Link | None":
        """What a layer does to numbers in a row, None if nothing."""
        match layer:
            case nn.Linear():
                rules, optimiser = self.rules, self.member.work.optimiser
                moving = {
                    kind: _Moving(parameter, rules[f"{name}.{kind}"].lr_scale, optimiser)
                    for kind, parameter in layer.named_parameters()
                    if not rules[f"{name}.{kind}"].frozen
                }
                return _Dense(layer, moving.get("weight"), moving.get("bias"))
            case Dropout():
                return _Dropping(layer) if layer.training else None
            case Flatten():
                return None
        return _Activation(layer)


class _Link(Protocol):
    """One layer, forward; and slopes at its inputs from those at its outputs. All are columns."""

    def forward(self, inputs: Tensor) -> Tensor: ...

    def back(self, slopes: Tensor, inputs: Tensor, outputs: Tensor) -> Tensor: ...


class _Moving:
    """A parameter, and how SGD moves it.

    As PyTorch has it: with g the gradient and the decay's share, v = momentum v + g from v = 0, and
    w -= rate v, or rate (g + momentum v) with Nesterov's momentum.
    """

    def __init__(self, parameter: nn.Parameter, scale: float, optimiser: OptimiserSpec) -> None:
        self._values = parameter.detach()
        self._velocity = torch.zeros_like(self._values) if optimiser.momentum else None
        self._rate = optimiser.lr * scale
        self._momentum, self._nesterov = optimiser.momentum, optimiser.nesterov
        self._decay = optimiser.weight_decay

    def by_product(self, slopes: Tensor, rows: Tensor, factor: float) -> None:
        """Move a matrix by its gradient, slopes (outputs, batch) times rows (batch, inputs)."""
        rate, velocity = self._rate * factor, self._velocity
        if velocity is not None:
            velocity.addmm_(slopes, rows, beta=self._momentum)
            self._decay_into(velocity)
        if velocity is None or self._nesterov:
            self._values.addmm_(slopes, rows, beta=1 - rate * self._decay, alpha=-rate)
        self._follow(rate)

    def by(self, gradient: Tensor, factor: float) -> None:
        """Move a row by its gradient."""
        rate, velocity = self._rate * factor, self._velocity
        if velocity is not None:
            velocity.mul_(self._momentum).add_(gradient)
            self._decay_into(velocity)
        if velocity is None or self._nesterov:
            if self._decay:
                self._values.mul_(1 - rate * self._decay)
            self._values.add_(gradient, alpha=-rate)
        self._follow(rate)

    def _decay_into(self, velocity: Tensor) -> None:
        if self._decay:
            velocity.add_(self._values, alpha=self._decay)

    def _follow(self, rate: float) -> None:
        """Move by the velocity, if there is one."""
        if self._velocity is not None:
            by = self._momentum if self._nesterov else 1.0
            self._values.add_(self._velocity, alpha=-rate * by)


class _Dense:
    def __init__(self, layer: nn.Linear, weight: _Moving | None, bias: _Moving | None) -> None:
        self._weight = layer.weight.detach()
        self._turned = self._weight.t()
        self._bias = None if layer.bias is None else layer.bias.detach()[:, None]
        self._moving_weight, self._moving_bias = weight, bias

    def forward(self, inputs: Tensor) -> Tensor:
        outputs = self._weight.mm(inputs)
        return outputs if self._bias is None else outputs.add_(self._bias)

    def back(self, slopes: Tensor, inputs: Tensor, outputs: Tensor) -> Tensor:
        return self._turned.mm(slopes)

    def learn(self, slopes: Tensor, inputs: Tensor, factor: float) -> None:
        """Move what is trained of it."""
        if self._moving_weight is not None:
            self._moving_weight.by_product(slopes, inputs.t(), factor)
        if self._moving_bias is not None:
            self._moving_bias.by(slopes.sum(1), factor)


class _Dropping:
    def __init__(self, layer: Dropout) -> None:
        self._layer = layer
        self._mask = torch.empty(0)

    def forward(self, inputs: Tensor) -> Tensor:
        # Drawn image by image, as for rows.
        self._mask = self._layer.mask(inputs.new_empty(inputs.shape[::-1])).t()
        return inputs * self._mask

    def back(self, slopes: Tensor, inputs: Tensor, outputs: Tensor) -> Tensor:
        return slopes * self._mask


_Forward = Callable[[Any, Tensor], Tensor]
_Back = Callable[[Any, Tensor, Tensor, Tensor], Tensor]
_aten = torch.ops.aten
# What a layer does, in place where nobody asks for its input again; and what autograd itself calls
# on the way back, with what it keeps: inputs or outputs.
_ACTIVATIONS: dict[type[nn.Module], tuple[_Forward, _Back]] = {
    Relu: (
        lambda _, inputs: inputs.relu_(),
        lambda _, slopes, __, out: _aten.threshold_backward(slopes, out, 0),
    ),
    nn.LeakyReLU: (
        lambda layer, inputs: functional.leaky_relu(inputs, layer.negative_slope),
        lambda layer, slopes, inputs, _: _aten.leaky_relu_backward(
            slopes, inputs, layer.negative_slope, False
        ),
    ),
    nn.Tanh: (
        lambda _, inputs: inputs.tanh_(),
        lambda _, slopes, __, out: _aten.tanh_backward(slopes, out),
    ),
    nn.GELU: (
        lambda _, inputs: functional.gelu(inputs),
        lambda _, slopes, inputs, __: _aten.gelu_backward(slopes, inputs),
    ),
}


class _Activation:
    def __init__(self, layer: nn.Module) -> None:
        self._layer = layer
        self._forward, self._back = _ACTIVATIONS[type(layer)]

    def forward(self, inputs: Tensor) -> Tensor:
        return self._forward(self._layer, inputs)

    def back(self, slopes: Tensor, inputs: Tensor, outputs: Tensor) -> Tensor:
        return self._back(self._layer, slopes, inputs, outputs)
