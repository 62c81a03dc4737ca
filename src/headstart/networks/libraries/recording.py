"""Recording of one forward pass: which module was called when, by which, and what it gave.

All that is known of a library network's course is read from such recordings, made on the meta
device where nothing is computed.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from headstart.core.errors import NetworkError

BATCH = 2  # images of a recording; of a second one, to tell what an image adds, one more

Node = Any
"""A node of the autograd graph."""


@dataclass(slots=True)
class Call:
    """One call of a module. `entered` and `left` are times: numbers of entries and exits before."""

    name: str
    parent: "Call | None"
    entered: int
    flops_before: int
    given: Tensor | None
    nodes_given: tuple[Node, ...] = ()
    left: int = -1
    flops: int = 0
    output: Any = None
    nodes: tuple[Node, ...] = ()
    num_values: int = 0


@dataclass(slots=True)
class Recording:
    """Calls of a forward pass, in the order in which they began.

    `draws` are times at which random numbers were drawn, with the module that was running; `moved`
    are the buffers that were written to.
    """

    module: nn.Module
    calls: list[Call] = field(default_factory=list)
    draws: list[tuple[int, str]] = field(default_factory=list)
    moved: tuple[str, ...] = ()

    @property
    def whole(self) -> Call:
        """The call of the network itself."""
        return self.calls[0]

    def first(self, name: str) -> Call | None:
        """The first call of a module."""
        return next((call for call in self.calls if call.name == name), None)


def record(module: nn.Module, inputs: Tensor, *, train: bool = False) -> Recording:
    """Recording of `module(inputs)`, on a copy of the module where the inputs are.

    Args:
        module: network, left as it is.
        inputs: images (batch, channels, height, width), on the meta device for shapes alone.
        train: whether in train mode.
    """
    copied = copy.deepcopy(module).to(inputs.device).train(train)
    recording = Recording(copied)
    versions = {name: buffer._version for name, buffer in copied.named_buffers()}
    clock, stack = _Clock(), list[Call]()
    with FlopCounterMode(display=False) as counter, _Draws(clock, stack, recording.draws):
        for name, part in copied.named_modules():
            part.forward = _traced(name, part.forward, recording.calls, stack, clock, counter)
        with torch.enable_grad():
            copied(inputs)
    recording.moved = tuple(
        name for name, buffer in copied.named_buffers() if buffer._version != versions.get(name)
    )
    return recording


def recorded(
    title: str, module: nn.Module, images: tuple[int, ...], *, train: bool = False
) -> Recording:
    """A recording by shapes alone, or with numbers where the network cannot run without.

    Raises:
        NetworkError: the network does not run on such images.
    """
    try:
        return record(module, torch.zeros(images, device="meta"), train=train)
    except Exception as shapes_alone:
        if any(parameter.is_meta for parameter in module.parameters()):
            raise _unrunnable(title, images, shapes_alone) from shapes_alone
    try:
        return record(module, torch.zeros(images), train=train)
    except Exception as error:
        raise _unrunnable(title, images, error) from error


def _unrunnable(title: str, images: tuple[int, ...], error: Exception) -> NetworkError:
    _, channels, height, width = images
    return NetworkError(
        f"network '{title}' does not run on images of {height} by {width} with {channels} "
        f"channels: {error}. Choose another size of image for the task, or another network."
    )


@dataclass(slots=True)
class _Clock:
    time: int = 0

    def tick(self) -> int:
        self.time += 1
        return self.time


def _traced(
    name: str,
    forward: Callable[..., Any],
    calls: list[Call],
    stack: list[Call],
    clock: _Clock,
    counter: FlopCounterMode,
) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        given = next((value for value in (*args, *kwargs.values()) if _tensor(value)), None)
        made = Call(
            name=name,
            parent=stack[-1] if stack else None,
            entered=clock.tick(),
            flops_before=counter.get_total_flops(),
            given=given,
            # Taken at once: what is written into a tensor later changes the node of the tensor.
            nodes_given=nodes_of((args, kwargs)),
        )
        calls.append(made)
        stack.append(made)
        try:
            made.output = forward(*args, **kwargs)
        finally:
            stack.pop()
        made.left = clock.tick()
        made.flops = counter.get_total_flops()
        made.nodes = nodes_of(made.output)
        made.num_values = max(
            (leaf.numel() for leaf in tree_leaves(made.output) if isinstance(leaf, Tensor)),
            default=0,
        )
        return made.output

    return call


def _tensor(value: Any) -> bool:
    return isinstance(value, Tensor)


class _Draws(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Watch for operators that draw random numbers."""

    def __init__(self, clock: "_Clock", stack: list[Call], draws: list[tuple[int, str]]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._clock, self._stack, self._draws = clock, stack, draws

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        kwargs = kwargs or {}
        if torch.Tag.nondeterministic_seeded in func.tags and not _without_dropout(
            func, args, kwargs
        ):
            self._draws.append((self._clock.time, self._stack[-1].name))
        return func(*args, **kwargs)


def _without_dropout(func: Any, args: Any, kwargs: Any) -> bool:
    """Whether an operator, attention for instance, has a rate of dropout, and it is zero."""
    for at, argument in enumerate(func._schema.arguments):
        if argument.name in ("dropout_p", "p"):
            rate = args[at] if at < len(args) else kwargs.get(argument.name, argument.default_value)
            return not rate
    return False


def state_of(output: object) -> Tensor | None:
    """The features among what a module gives: a tensor, or the first of several."""
    return next((leaf for leaf in tree_leaves(output) if isinstance(leaf, Tensor)), None)


def nodes_of(output: object) -> tuple[Node, ...]:
    """Nodes of the autograd graph at which tensors were made."""
    return tuple(leaf.grad_fn for leaf in tree_leaves(output) if isinstance(leaf, Tensor))


def first_uses(recording: Recording, ends: list[tuple[Node, ...]]) -> dict[str, int]:
    """For each parameter the first of `ends`, by nodes of the graph, that depends on it."""
    names = {id(parameter): name for name, parameter in recording.module.named_parameters()}
    found: dict[str, int] = {}
    seen: set[Node] = set()
    for at, end in enumerate(ends):
        waiting = list(end)
        while waiting:
            node = waiting.pop()
            if node is None or node in seen:
                continue
            seen.add(node)
            variable = getattr(node, "variable", None)
            if id(variable) in names:
                found.setdefault(names[id(variable)], at)
            waiting += [before for before, _ in node.next_functions]
    return found
