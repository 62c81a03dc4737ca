"""Library network as a module in blocks: run to a cut, resumed from a cut, names left as they are.

A forward pass ends at a cut by an exception that carries what the cut module gave. It is resumed by
the network's own forward pass, in which every module that had run before the cut gives a dummy of
the right shape at once and the cut module gives the features. State is kept by thread.
"""

import threading
from collections.abc import Callable, Collection, Iterator, Set
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from headstart.core.errors import NetworkError
from headstart.networks.declared.layers import Dropout
from headstart.networks.libraries.blocks import logits_of
from headstart.networks.libraries.depthwise import fast_depthwise
from headstart.networks.libraries.recording import state_of
from headstart.networks.libraries.resume import Dummy, ResumePlan
from headstart.networks.stage_map import StageMap
from headstart.networks.weights import Weights
from headstart.study.network_facts import NetworkFacts

_here = threading.local()
_global_generator = threading.Lock()  # torch's own generator is one for all threads


class LibraryModule(nn.Module):
    """A network of a library whose parameters and buffers bear the library's own names.

    It shares the tables of children, parameters and buffers with the library's module, so every
    method of `nn.Module` sees the names that the library gives.
    """

    def __init__(
        self,
        network: nn.Module,
        stages: StageMap,
        plans: tuple[ResumePlan | None, ...],
        modes: tuple[tuple[str, frozenset[str]], ...],
    ) -> None:
        super().__init__()
        self._modules, self._parameters = network._modules, network._parameters
        self._buffers = network._buffers
        self._non_persistent_buffers_set = network._non_persistent_buffers_set
        # Past the registration of children: these are no parts besides those of the library's own.
        self.__dict__.update(network=network, stages=stages, _plans=plans, _modes=modes)
        self.facts: NetworkFacts = stages.facts
        self._last = len(self.facts.blocks)
        self._generator: torch.Generator | None = None
        height, width, channels = self.facts.blocks[0].shape_in
        self._image = (channels, height, width)
        self._put_gates()

    network: nn.Module
    stages: StageMap
    _plans: tuple[ResumePlan | None, ...]
    _modes: tuple[tuple[str, frozenset[str]], ...]

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (batch, classes) of images (batch, channels, height, width)."""
        return self.run(inputs, 0, self._last)

    def run(self, inputs: Tensor, first: int, end: int) -> Tensor:
        """What blocks `first` to `end` - 1 make of what the blocks before gave.

        Raises:
            NetworkError: the network cannot be resumed at one of these places.
        """
        if first >= end:
            return inputs
        for place in (first, end):
            if 0 < place < self._last and not self.facts.blocks[place - 1].resumes:
                raise NetworkError(self._no_cut(self.facts.blocks[place - 1].stage))
        if first == self._last - 1 and self.stages.direct_head:
            return cast(Tensor, self._module(self.stages.heads[0])(inputs))
        course = _Course(self._plans[first - 1] if first else None, inputs, self._end(end))
        if first:
            if self.stages.overwrites[first]:
                course.given = inputs.clone()
            inputs = inputs.new_zeros(1).expand(len(inputs), *self._image)
        outputs = self._output(course, inputs)
        # What a network does with its features may depend on the mode that it is in.
        if first and not course.entered:
            raise NetworkError(self._no_cut(self.facts.blocks[first - 1].stage))
        return outputs

    def _output(self, course: "_Course", images: Tensor) -> Tensor:
        with self._draws(), _running(course), fast_depthwise():
            try:
                return cast(Tensor, logits_of(self.network(images)))
            except _Reached as reached:
                return reached.output

    def weights(self, names: Collection[str] | None = None) -> Weights:
        """A copy of all or some parameters and stored buffers."""
        return {
            name: tensor.detach().cpu().contiguous().numpy().copy()
            for name, tensor in self.state_dict().items()
            if names is None or name in names
        }

    def _no_cut(self, stage: str) -> str:
        able = [block.stage for block in self.facts.blocks[:-1] if block.resumes]
        return (
            f"the network cannot be resumed behind stage '{stage}'. "
            f"Allowed: {', '.join(able) or 'none'}."
        )

    def set_modes(self, train: Set[str]) -> None:
        """Train mode for modules all of whose stages are named, eval mode for all others."""
        for name, stages in self._modes:
            self._module(name).training = stages <= train
        self.training = self.network.training

    def train(self, mode: bool = True) -> "LibraryModule":
        """Train or eval mode for everything."""
        self.network.train(mode)
        self.training = mode
        return self

    def draw_from(self, generator: torch.Generator) -> None:
        """Let dropout draw its random numbers from a generator."""
        self._generator = generator
        for part in self.modules():
            if isinstance(part, Dropout):
                part.generator = generator

    def _module(self, name: str) -> nn.Module:
        return self.network.get_submodule(name)

    def _end(self, end: int) -> tuple[str, bool] | None:
        """The module at which to stop, and whether at what it is given; None for the end."""
        if end == self._last:
            return None
        if end == self._last - 1:
            return self.stages.heads[0], True
        return self.stages.cuts[end - 1], False

    @contextmanager
    def _draws(self) -> Iterator[None]:
        """Torch's own generator follows the one given, for layers that take no generator."""
        if not self.stages.seeded or self._generator is None or not self.training:
            with nullcontext():
                yield
            return
        device = self._generator.device
        seed = int(torch.randint(2**62, (), generator=self._generator, device=device))
        with _global_generator, torch.random.fork_rng([device] if device.type == "cuda" else []):
            torch.manual_seed(seed)
            yield

    def _put_gates(self) -> None:
        """Gates in the modules at which a pass may end, begin or be shortened."""
        names = {*self.stages.cuts, *self.stages.heads[:1]}
        for plan in self._plans:
            names |= {name for name, _ in plan.skipped} if plan else set()
        for name in names:
            part = self._module(name)
            part.forward = _Gate(name, part.forward)


@dataclass(slots=True)
class _Course:
    """What the pass of this thread is to do: where it begins, what it is given, where it ends."""

    plan: ResumePlan | None
    given: Tensor
    stop: tuple[str, bool] | None
    done: int = 0
    entered: bool = False

    def shortened(self, name: str) -> Dummy | None:
        """The dummy of a module that had run before the cut, in the order in which they ran."""
        plan = self.plan
        if plan is None or self.entered or self.done >= len(plan.skipped):
            return None
        expected, dummy = plan.skipped[self.done]
        if expected != name:
            return None
        self.done += 1
        return dummy

    def begins(self, name: str) -> bool:
        """Whether the features come in here."""
        if self.plan is None or self.entered or name != self.plan.entry:
            return False
        self.entered = True
        return True


class _Reached(Exception):
    """The cut at which the pass ends, with what the network has there."""

    def __init__(self, output: Tensor) -> None:
        super().__init__()
        self.output = output


class _Gate:
    """A module's forward pass, and what it does instead in a pass that begins or ends at a cut."""

    def __init__(self, name: str, forward: Callable[..., Any]) -> None:
        self.name, self.forward = name, forward

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        course: _Course | None = getattr(_here, "course", None)
        if course is None:
            return self.forward(*args, **kwargs)
        dummy = course.shortened(self.name)
        if dummy is not None:
            return dummy.like(course.given)
        stops_here = course.stop is not None and course.stop[0] == self.name
        if course.begins(self.name):
            assert course.plan is not None
            if not course.plan.before:
                return course.plan.gives.like(course.given)
            args = (course.given, *args[1:])
        elif stops_here and course.stop == (self.name, True):
            raise _Reached(cast(Tensor, state_of((args, kwargs))))
        output = self.forward(*args, **kwargs)
        if stops_here:
            raise _Reached(cast(Tensor, state_of(output)))
        return output


@contextmanager
def _running(course: _Course) -> Iterator[None]:
    outer = getattr(_here, "course", None)
    plain = course.plan is None and course.stop is None
    _here.course = None if plain else course
    try:
        yield
    finally:
        _here.course = outer
