"""Manual backpropagation for small networks: autograd's numbers within rounding, faster.

At the batch sizes of the notebooks the bookkeeping of autograd and of the optimiser takes as long
as the arithmetic. Here values stand in columns, (units, batch): weights times columns is a fifth to
a quarter faster than rows times weights turned round, and what pooling does to a pixel it does to
a whole batch at once.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from headstart.networks.declared.build import Network, pooled_first
from headstart.networks.declared.layers import Dropout, Flatten, MaxPool
from headstart.networks.declared.memory_layout import FEW_CHANNELS, channels_last
from headstart.networks.staged import class_logits
from headstart.study import declared as spec
from headstart.study.declared_facts import LayerFacts, layers_of
from headstart.study.network_facts import Shape
from headstart.study.phases import rule_for
from headstart.train.autograd import num_micro_batches
from headstart.train.fast.fused_sgd import FusedSGD, ParameterUpdate, StepScale, StoreGradient
from headstart.train.fast.manual_layers import (
    ManualActivation,
    ManualConvPool,
    ManualDropout,
    ManualLayer,
    ManualLinear,
)
from headstart.train.module_trainer import ModuleTrainer
from headstart.train.optimisers import make_optimiser, set_rates
from headstart.train.phase_config import PhaseConfig
from headstart.train.trainer import Factor, PreparedPhase

_FITTING = (
    spec.Dense,
    spec.Relu,
    spec.LeakyRelu,
    spec.Tanh,
    spec.Gelu,
    spec.Dropout,
    spec.Flatten,
)


def supports(work: PhaseConfig, device: torch.device) -> bool:
    """Whether manual backpropagation is faster for a phase; only on a processor.

    All from the first trained layer on is dense or number by number, or a small convolution with a
    max-pool behind it, in float32. What lies below may be anything: nothing flows back to it. What
    is split for two threads is left alone, but where all is dense: there a second thread gains
    little, and another training mostly has use for it.
    """
    if device.type != "cpu" or not isinstance(work.network, spec.DeclaredNetwork):
        return False
    if work.augment:
        return False
    above = _from_first_trained(work)
    pooled = [at for at, pair in enumerate(pairwise(above)) if _is_pooled(*pair)]
    others = set(range(len(above))) - {*pooled, *(at + 1 for at in pooled)}
    return (
        bool(above)
        and all(isinstance(above[at].layer, _FITTING) for at in others)
        and work.precision == "float32"
        and (not pooled or num_micro_batches(work) == 1)
    )


def _from_first_trained(work: PhaseConfig) -> tuple[LayerFacts, ...]:
    """The layers as they are built, from the first that is trained."""
    assert isinstance(work.network, spec.DeclaredNetwork)
    layers = pooled_first(layers_of(work.network, work.image, work.num_classes))
    facts, phase = work.facts, work.phase
    trained = (
        at
        for at, layer in enumerate(layers)
        if any(
            not rule_for(phase.rules, facts.stage_names, layer.stage, p.kind).frozen
            for p in layer.parameters
        )
    )
    return layers[next(trained, len(layers)) :]


def _is_pooled(first: LayerFacts, second: LayerFacts) -> bool:
    """Whether two layers are a small convolution and a max-pool by two."""
    conv, pool = first.layer, second.layer
    return (
        isinstance(conv, spec.Conv)
        and conv.channels <= FEW_CHANNELS
        and conv.stride == 1
        and (conv.padding == "valid" or conv.kernel % 2 == 1)
        and isinstance(pool, spec.MaxPool)
        and pool.size == 2
    )


class ManualBackpropTrainer(ModuleTrainer):
    """Trainer of supported phases: autograd's update within rounding."""

    def __init__(self, member: PreparedPhase) -> None:
        super().__init__(member)
        work = member.work
        assert isinstance(self.module, Network)
        above, modules = _from_first_trained(work), self.module.layers()
        first = len(modules) - len(above)
        self._below = [layer for _, layer in modules[member.done : first]]
        self._by_pixel = any(
            isinstance(facts.layer, spec.Flatten) and channels_last(self.module.layer_facts, at)
            for at, facts in enumerate(self.module.layer_facts[first:], first)
        )
        self._flatten = Flatten(channels_last=self._by_pixel)
        self._given: dict[float, list[nn.Parameter]] = {}
        self._names = {id(layer): name for name, layer in self.module.named_modules()}
        layers = [
            self._manual_layer(layer, facts.shape_in)
            for (_, layer), facts in zip(modules[first:], above, strict=True)
        ]
        self._manual_layers = tuple(layer for layer in layers if layer is not None)
        self._optimiser = make_optimiser(work.optimiser, self._given.items())
        outputs = above[-1].shape_out[0]
        self._single = outputs == 1
        # For each class a column of right outputs; a single output is right about the second.
        self._right = torch.eye(work.num_classes)[-outputs:]

    @torch.inference_mode()
    def update(self, batches: Tensor, factor: Factor) -> tuple[Tensor, Tensor]:
        """One update of the training."""
        factor, layers = float(factor), self._manual_layers
        values, truth = self.member.train.batch(batches[0])
        for module in self._below:
            values = module(values)
        seen = [self._flatten(values).t()]
        for layer in layers:
            seen.append(layer.forward(seen[-1]))
        # The slope of the cross-entropy at the logits: softmax - truth.
        found = seen[-1].sigmoid() if self._single else seen[-1].softmax(0)
        grads = found.sub_(self._right.index_select(1, truth))
        weights = self.member.weights_of(truth)
        if weights is not None:
            grads.mul_(weights)
        pace = StepScale(factor, 1 / len(truth))
        for at in range(len(layers) - 1, -1, -1):
            layer, above = layers[at], grads
            if at:  # before the weights that it goes through move
                grads = layer.backward(above, seen[at], seen[at + 1])
            layer.apply_gradient(above, seen[at], pace)
        if self._given:
            set_rates(self._optimiser, factor)
            self._optimiser.step()
        return class_logits(seen[-1].t())[None], truth[None]

    def _manual_layer(self, layer: nn.Module, shape: Shape) -> ManualLayer | None:
        """The manual version of a layer; None for one that changes nothing."""
        match layer:
            case nn.Linear():
                return ManualLinear(
                    layer, self._moving(layer, "weight"), self._moving(layer, "bias")
                )
            case nn.Conv2d():
                layer.weight.data = layer.weight.data.contiguous()
                weight, bias = self._moving(layer, "weight"), self._moving(layer, "bias")
                return ManualConvPool(layer, shape, weight, bias)
            case Dropout():
                return ManualDropout(layer, shape, self._by_pixel) if layer.training else None
            case Flatten() | MaxPool():  # the latter goes with its convolution
                return None
        return ManualActivation(layer)

    def _moving(self, layer: nn.Module, kind: str) -> ParameterUpdate | None:
        """The update of a layer's parameter; None if it is frozen, or there is none."""
        parameter = getattr(layer, kind)
        rule = self.rules.get(f"{self._names[id(layer)]}.{kind}")
        if parameter is None or rule is None or rule.frozen:
            return None
        optimiser = self.member.work.optimiser
        if optimiser.kind == "sgd":
            return FusedSGD(parameter, rule.lr_scale, optimiser)
        self._given.setdefault(optimiser.lr * rule.lr_scale, []).append(parameter)
        return StoreGradient(parameter)
