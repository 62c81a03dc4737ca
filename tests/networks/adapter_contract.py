"""Contract of every adapter: checks that a test class inherits, with a network of its own."""

from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from headstart.networks.libraries.adapter import adapter_for
from headstart.networks.libraries.build import build_module, fresh_weights
from headstart.networks.libraries.facts import facts_for
from headstart.networks.libraries.module import LibraryModule
from headstart.networks.libraries.prepare import built
from headstart.study.base import HEAD
from headstart.study.network_facts import NetworkFacts

ROUNDING = 1e-6  # a gradient below may be zero but for rounding


class AdapterContract:
    """Checks of one network of one library.

    Attributes:
        kind: of the adapter.
        name: of the network.
        image: (height, width, channels).
        classes: number of classes.
        unmoved: parameters on which the logits do not depend, by the reason why.
        entire: stages behind which the network cannot be resumed, by the reason why.
        flops_error: share of the FLOPs by which they may be off.
    """

    kind: ClassVar[str]
    name: ClassVar[str]
    image: ClassVar[tuple[int, int, int]] = (32, 32, 3)
    classes: ClassVar[int] = 5
    unmoved: ClassVar[dict[str, str]] = {}
    entire: ClassVar[dict[str, str]] = {}
    flops_error: ClassVar[float] = 0.0

    @pytest.fixture
    def facts(self) -> NetworkFacts:
        return facts_for(self.kind, self.name, self.image, self.classes)

    @pytest.fixture
    def module(self, facts: NetworkFacts) -> LibraryModule:
        return self.built(facts)

    def built(self, facts: NetworkFacts) -> LibraryModule:
        """The network with weights a little off its first ones, which leave some layers out."""
        weights = fresh_weights(self.kind, self.name, self.image, self.classes, 1, "target")
        draws = np.random.default_rng(1)
        for block in facts.blocks:
            for parameter in block.parameters:
                noise = draws.normal(0, 0.02, parameter.shape).astype(np.float32)
                weights[parameter.name] = weights[parameter.name] + noise
        return build_module(self.kind, self.name, self.image, self.classes, weights)

    def images(self, number: int = 4) -> Tensor:
        draws = torch.Generator().manual_seed(3)
        needs = adapter_for(self.kind).input_facts(self.name)
        channels = needs.channels if needs else self.image[2]
        return torch.randn(number, channels, *self.image[:2], generator=draws)

    def test_every_tensor_has_one_stage(self, facts: NetworkFacts, module: LibraryModule) -> None:
        listed = [name for block in facts.blocks for name in block.tensors]
        assert len(listed) == len(set(listed))
        assert set(listed) == set(module.state_dict())
        trained = [p.name for block in facts.blocks for p in block.parameters]
        assert set(trained) == {name for name, _ in module.named_parameters()}

    def test_stages_are_in_order_and_end_with_the_head(self, facts: NetworkFacts) -> None:
        assert facts.stage_names[-1] == HEAD
        assert 2 <= len(facts.stage_names) <= 7
        assert len(facts.stage_names) == len(facts.blocks)
        for before, after in zip(facts.blocks[:-1], facts.blocks[1:], strict=True):
            assert before.shape_out == after.shape_in

    def test_the_whole_is_the_library_s_network(self, module: LibraryModule) -> None:
        plain = built(self.kind, self.name, self.image, self.classes)
        plain.load_state_dict(module.state_dict())
        plain.eval()
        module.eval()
        with torch.no_grad():
            expected = plain(self.images())
            assert_close(module.run(self.images(), 0, len(module.facts.blocks)), expected)
        assert getattr(expected, "logits", expected).shape == (4, self.classes)

    def test_a_pass_resumes_at_every_cut(self, facts: NetworkFacts, module: LibraryModule) -> None:
        module.eval()
        last = len(facts.blocks)
        with torch.no_grad():
            whole = module(self.images())
            for at, block in enumerate(facts.blocks[:-1], 1):
                assert block.resumes == (block.stage not in self.entire)
                if not block.resumes:
                    continue
                features = module.run(self.images(), 0, at)
                assert len(features) == 4
                assert features[0].numel() == np.prod(block.shape_out)
                kept = features.clone()
                assert_close(module.run(features, at, last), whole)
                assert torch.equal(features, kept)

    def test_a_pass_runs_from_cut_to_cut(self, facts: NetworkFacts, module: LibraryModule) -> None:
        module.eval()
        places = [at for at, block in enumerate(facts.blocks[:-1], 1) if block.resumes]
        state, done = self.images(3), 0
        with torch.no_grad():
            whole = module(state)
            for at in [*places, len(facts.blocks)]:
                state, done = module.run(state, done, at), at
        assert_close(state, whole)

    def test_flops_are_those_of_pytorch_s_counter(self, facts: NetworkFacts) -> None:
        plain = built(self.kind, self.name, self.image, self.classes).eval().to("meta")
        with FlopCounterMode(display=False) as counter:
            plain(self.images(1).to("meta"))
        found, counted = sum(block.flops for block in facts.blocks), counter.get_total_flops()
        assert abs(found - counted) <= self.flops_error * counted

    def test_frozen_stages_stay(self, facts: NetworkFacts, module: LibraryModule) -> None:
        for frozen in range(1, len(facts.blocks)):
            self.check_frozen(module, frozen)

    def check_frozen(self, module: LibraryModule, frozen: int) -> None:
        """An update of all but the first stages leaves these bit for bit as they are."""
        before = module.weights()
        self._update(module, {*module.facts.stage_names[frozen:]}, lr=0.01)
        after = module.weights()
        for block in module.facts.blocks[:frozen]:
            for name in block.tensors:
                assert np.array_equal(before[name], after[name]), name

    def test_an_update_moves_what_is_trained(
        self, facts: NetworkFacts, module: LibraryModule
    ) -> None:
        before = module.weights()
        self._update(module, {*facts.stage_names}, lr=1.0)
        after = module.weights()
        own = dict(module.named_parameters())
        unused = {name for name, parameter in own.items() if parameter.grad is None}
        assert unused == set(self.unmoved)
        for name in own.keys() - unused:
            # In exact numbers some gradients are zero: what is added before a normalisation.
            grad = own[name].grad
            assert grad is not None
            if grad.abs().max() > ROUNDING:
                assert not np.array_equal(before[name], after[name]), name

    def test_a_cut_depends_on_the_stages_before_it_alone(
        self, facts: NetworkFacts, module: LibraryModule
    ) -> None:
        module.eval()
        own = dict(module.named_parameters())
        for at, block in enumerate(facts.blocks[:-1], 1):
            if not block.resumes:
                continue
            features = module.run(self.images(2), 0, at)
            grads = torch.autograd.grad(features.sum(), list(own.values()), allow_unused=True)
            used = {name for name, grad in zip(own, grads, strict=True) if grad is not None}
            assert {facts.stage_of[name] for name in used} <= set(facts.stage_names[:at])

    def test_the_head_is_drawn_from_the_seed(self, facts: NetworkFacts) -> None:
        first, again, other = (
            fresh_weights(self.kind, self.name, self.image, self.classes, seed, "target")
            for seed in (1, 1, 2)
        )
        assert all(np.array_equal(first[name], again[name]) for name in first)
        if facts.linear_head:
            weight = first[facts.linear_head.weight]
            assert weight.shape == (self.classes, facts.blocks[-1].shape_in[-1])
            assert not np.array_equal(weight, other[facts.linear_head.weight])

    def _update(self, module: LibraryModule, stages: set[str], lr: float) -> None:
        """One step of SGD on the parameters of some stages, these in train mode."""
        module.set_modes(stages)
        module.draw_from(torch.Generator().manual_seed(1))
        for name, parameter in module.named_parameters():
            parameter.requires_grad_(module.facts.stage_of[name] in stages)
            parameter.grad = None
        labels = torch.arange(4) % self.classes
        logits = module.run(self.images(), 0, len(module.facts.blocks))
        trained = [p for p in module.parameters() if p.requires_grad]
        loss = functional.cross_entropy(logits, labels)
        grads = torch.autograd.grad(loss, trained, allow_unused=True)
        for parameter, grad in zip(trained, grads, strict=True):
            parameter.grad = grad
        torch.optim.SGD(trained, lr=lr).step()


def assert_close(found: Tensor | nn.Module, expected: object) -> None:
    """Equal logits but for rounding."""
    wanted = getattr(expected, "logits", expected)
    assert isinstance(found, Tensor)
    assert isinstance(wanted, Tensor)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5 * float(wanted.abs().max()))
