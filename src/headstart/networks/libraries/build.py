"""Library networks as modules that hold given weights, and their first weights."""

import copy
import warnings
from functools import lru_cache
from math import sqrt
from threading import Lock

import numpy as np
import torch
from torch import Tensor, nn

from headstart.core.errors import NetworkError
from headstart.core.seeds import generator, stream
from headstart.networks.libraries.blocks import Course, blocks_of_modules, stages_of_tensors
from headstart.networks.libraries.facts import content_of, stage_map_for
from headstart.networks.libraries.module import LibraryModule
from headstart.networks.libraries.prepare import built
from headstart.networks.libraries.recording import BATCH, recorded
from headstart.networks.libraries.resume import ResumePlan, plan_for
from headstart.networks.reproducible import own_random_numbers
from headstart.networks.stage_map import StageMap
from headstart.networks.weights import Weights
from headstart.study.network_facts import Shape

TEMPLATES = 4  # networks that a process keeps, to be copied

_first_weights = Lock()  # one at a time: they are drawn from a generator that all threads share


def build_module(
    kind: str, name: str, image: Shape, num_classes: int, weights: Weights
) -> LibraryModule:
    """A network holding a copy of `weights`, channels last, every tensor accounted for.

    Raises:
        NetworkError: a tensor is missing, left over or of another shape.
    """
    template = _template(kind, name, image, num_classes, content_of(kind, name))
    library, stages, plans, modes = template
    _check_fit(library, weights, f"{kind}:{name}")
    # Structure is copied; the template's tensors are not, for others take their place.
    own = {id(tensor): tensor for tensor in (*library.parameters(), *library.buffers())}
    module = LibraryModule(copy.deepcopy(library, dict(own)), stages, plans, modes)
    _hold(module, weights)
    return module


def fresh_weights(
    kind: str, name: str, image: Shape, num_classes: int, seed: int, role: str
) -> Weights:
    """First weights of a network as its library draws them, for one seed; `role` separates tasks.

    The tensors of a linear head are drawn from a separate stream, so that a head has the same
    first weights whatever trunk of that width it is put on.
    """
    facts = stage_map_for(kind, name, image, num_classes).facts
    with _first_weights, own_random_numbers():
        torch.manual_seed(stream(seed, role, "init"))
        drawn = built(kind, name, image, num_classes).state_dict()
    weights = {name: tensor.numpy().copy() for name, tensor in drawn.items()}
    if facts.linear_head:
        fan_out, fan_in = weights[facts.linear_head.weight].shape
        limit = sqrt(6 / (fan_in + fan_out))
        draws = generator(seed, role, "init", "head.weight")
        uniform = draws.uniform(-limit, limit, (fan_out, fan_in))
        weights[facts.linear_head.weight] = uniform.astype(np.float32)
        if facts.linear_head.bias:
            weights[facts.linear_head.bias] = np.zeros(fan_out, np.float32)
    return weights


def library_module(library: nn.Module, stages: StageMap, course: Course) -> LibraryModule:
    """A library's network as a module in blocks; the network becomes part of it."""
    return LibraryModule(library, stages, *_plans_and_modes(library, stages, course))


Plans = tuple[ResumePlan | None, ...]
Modes = tuple[tuple[str, frozenset[str]], ...]


@lru_cache(maxsize=TEMPLATES)
def _template(
    kind: str, name: str, image: Shape, num_classes: int, content: str
) -> tuple[nn.Module, StageMap, Plans, Modes]:
    """A network to be copied. `content` tells files of one name apart."""
    stages = stage_map_for(kind, name, image, num_classes)
    with own_random_numbers():
        library = built(kind, name, image, num_classes)
    course = _course(f"{kind}:{name}", library, stages)
    return library, stages, *_plans_and_modes(library, stages, course)


def _plans_and_modes(library: nn.Module, stages: StageMap, course: Course) -> tuple[Plans, Modes]:
    blocks = stages.facts.blocks
    plans = tuple(
        plan_for(course, at) if block.resumes else None for at, block in enumerate(blocks[:-1])
    )
    of_tensor, of_module = stages_of_tensors(course), blocks_of_modules(course)
    for name, part in library.named_modules():
        own = {
            of_tensor[f"{name}.{key}".lstrip(".")] for key, _ in part.named_parameters("", False)
        }
        if own and not any(True for _ in part.children()):
            of_module[name] = own
    names = [block.stage for block in blocks]
    return plans, tuple(
        (name, frozenset(names[at] for at in found)) for name, found in of_module.items()
    )


def _course(title: str, library: nn.Module, stages: StageMap) -> Course:
    height, width, channels = stages.facts.blocks[0].shape_in
    few, more = (
        recorded(title, library, (batch, channels, height, width)) for batch in (BATCH, BATCH + 1)
    )
    return Course(few, more, stages.cuts, stages.heads)


def _check_fit(library: nn.Module, weights: Weights, title: str) -> None:
    own = library.state_dict()
    missing, left = own.keys() - weights.keys(), weights.keys() - own.keys()
    shapes = [
        f"'{name}' is {weights[name].shape}, not {tuple(tensor.shape)}"
        for name, tensor in own.items()
        if name in weights and weights[name].shape != tuple(tensor.shape)
    ]
    if missing or left or shapes:
        raise NetworkError(
            f"weights do not fit network '{title}': {len(missing)} tensors are missing"
            f"{_some(missing)}, {len(left)} are left over{_some(left)}, {len(shapes)} have "
            f"another shape{_some(shapes)}. Expected the {len(own)} tensors of the network."
        )


def _hold(module: nn.Module, weights: Weights) -> None:
    """Give every tensor of a module its own memory with the values of `weights`.

    A tensor that bears two names stays one tensor.
    """
    made: dict[int, Tensor] = {}
    for prefix, part in module.named_modules():
        stem = f"{prefix}." if prefix else ""
        for table in (part._parameters, part._buffers):
            for key, tensor in table.items():
                if tensor is None:
                    continue
                if id(tensor) not in made:
                    made[id(tensor)] = _like(tensor, weights.get(f"{stem}{key}"))
                table[key] = made[id(tensor)]


def _like(tensor: Tensor, array: np.ndarray | None) -> Tensor:
    """A copy of an array in the place of a tensor, or of the tensor itself if it is not stored."""
    four = tensor.dim() == 4
    layout = torch.channels_last if four else torch.contiguous_format
    copied = torch.empty_like(tensor.detach(), memory_format=layout)
    if array is None:
        copied.copy_(tensor.detach())
    else:
        with warnings.catch_warnings():  # that the array is read-only: nobody writes to it
            warnings.simplefilter("ignore", UserWarning)
            copied.copy_(torch.from_numpy(array))
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(copied, requires_grad=tensor.requires_grad)
    return copied


def _some(names: "set[str] | list[str]") -> str:
    shown = sorted(names)[:2]
    return f" ({', '.join(shown)}{', ...' if len(names) > 2 else ''})" if shown else ""
