"""A torch module in memory, or the function that makes it, as a `module:` file that workers read.

The file holds what cloudpickle makes of it, so classes of a notebook or a script come along, and
classes of an installed package by their name. Of a module its structure is kept, all weights zero:
each seed draws its own by the `reset_parameters` of every layer. What a constructor does besides is
known to the constructor alone, so a function that makes the module says more than the module.
"""

import copy
import hashlib
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from headstart.core.errors import NetworkError
from headstart.core.files import write_whole
from headstart.networks.libraries.cuts import last_layer
from headstart.networks.libraries.pickled_code import as_text, from_text
from headstart.networks.libraries.recording import BATCH, recorded
from headstart.networks.reproducible import own_random_numbers
from headstart.study.network_facts import Shape

FUNCTION = "network"
"""What the function in a file is called."""

_OF_MODULE = '''"""A torch module from memory, kept by headstart; its weights are drawn anew."""

from headstart.networks.libraries.kept_module import rebuilt

HEAD = {head!r}
PICKLED = """
{pickled}
"""


def network(num_classes):
    """The module with that many outputs."""
    return rebuilt(PICKLED, HEAD, num_classes)
'''
_OF_MAKER = '''"""A function that makes a torch module, kept by headstart as it was in memory."""

from headstart.networks.libraries.pickled_code import from_text

PICKLED = """
{pickled}
"""


def network({parameters}):
    """What the function makes."""
    return from_text(PICKLED)({arguments})
'''


def kept_module(module: nn.Module, image: Shape, folder: Path) -> str:
    """A module as `FILE.py:network`.

    Args:
        module: that gives logits for images (batch, channels, height, width).
        image: (height, width, channels) of the images that it is for.
        folder: that holds such files.

    Raises:
        NetworkError: it does not run on these images, its head is not one layer that can be made
            for another number of classes, its weights cannot be drawn anew, or it cannot be kept.
    """
    _check_fresh(module)
    head = _head(module, image)
    bare = copy.deepcopy(module).cpu().train()
    with own_random_numbers():
        _reset(bare)  # running statistics begin anew, too
    with torch.no_grad():
        for parameter in bare.parameters():
            parameter.zero_()
            parameter.requires_grad_(True)
            parameter.grad = None
    return _written(_OF_MODULE, folder, bare, head=head)


def kept_maker(make: Callable[..., Any], folder: Path) -> str:
    """A function or class that gives a module for a number of classes, as `FILE.py:network`.

    Raises:
        NetworkError: it takes no number of classes, or cannot be kept.
    """
    try:
        given = signature(make)
        named = [name for name in ("num_classes", "image") if name in given.parameters]
        by_place = [] if "num_classes" in named else ["num_classes"]
        given.bind(*by_place, **dict.fromkeys(named))
    except (TypeError, ValueError) as error:
        raise NetworkError(
            f"{getattr(make, '__name__', make)} cannot be called with a number of classes: {error}."
            " Expected make_net(num_classes), or make_net(num_classes, image) with the (height, "
            "width, channels) of the images."
        ) from None
    arguments = [*by_place, *(f"{name}={name}" for name in named)]
    parameters, called_with = ", ".join([*by_place, *named]), ", ".join(arguments)
    return _written(_OF_MAKER, folder, make, parameters=parameters, arguments=called_with)


def kept_weights(module: nn.Module, folder: Path) -> Path:
    """The weights of a module as a safetensors file."""
    from safetensors.torch import save

    # Tensors of several names are stored under each: safetensors takes no shared memory.
    tensors = {
        name: tensor.detach().cpu().contiguous().clone()
        for name, tensor in module.state_dict().items()
        if isinstance(tensor, Tensor)
    }
    content = save(tensors)
    path = folder / f"{hashlib.sha256(content).hexdigest()}.safetensors"
    if not path.exists():
        write_whole(path, content)
    return path


def rebuilt(text: str, head: str, num_classes: int) -> nn.Module:
    """A module that was kept, with fresh weights and another number of outputs.

    Args:
        text: the module as it was kept.
        head: name of the layer that gives the logits.
        num_classes: outputs of the head.
    """
    module: nn.Module = from_text(text)
    old = module.get_submodule(head)
    parent, _, name = head.rpartition(".")
    setattr(module.get_submodule(parent), name, _with_outputs(old, num_classes))
    _reset(module)
    return module


def _reset(module: nn.Module) -> None:
    """First weights as the layers draw them: those inside before those around them."""
    for part in reversed(list(module.modules())):
        if draw := _draw_of(part):
            draw()


def _draw_of(part: nn.Module) -> Callable[[], None] | None:
    """What draws the parameters of a layer; None where only its constructor does."""
    named = (getattr(part, name, None) for name in ("reset_parameters", "_reset_parameters"))
    return next((draw for draw in named if callable(draw)), None)


def _with_outputs(head: nn.Module, num_classes: int) -> nn.Module:
    if isinstance(head, nn.Linear):
        return nn.Linear(head.in_features, num_classes, bias=head.bias is not None)
    assert isinstance(head, nn.Conv2d)
    return nn.Conv2d(head.in_channels, num_classes, 1, bias=head.bias is not None)


def _check_fresh(module: nn.Module) -> None:
    """Refuse parameters that no `reset_parameters` draws.

    Raises:
        NetworkError: there are some.
    """
    lazy = [
        name
        for name, one in module.named_parameters()
        if isinstance(one, nn.UninitializedParameter)
    ]
    if lazy:
        raise NetworkError(
            f"the module has lazy layers whose shape is not known yet ({lazy[0]}). Run it once on "
            "an image, module(torch.zeros(1, channels, height, width)), or give the function that "
            "makes it."
        )
    stuck = [
        f"{name}.{key}".lstrip(".")
        for name, part in module.named_modules()
        for key, _ in part.named_parameters(recurse=False)
        if _draw_of(part) is None and not _drawn_above(module, name)
    ]
    if stuck:
        raise NetworkError(
            f"the module holds parameters that only its constructor can draw anew: "
            f"{', '.join(stuck[:4])}. Every seed begins with other weights, so give the "
            "function that makes it in place of the module: network=make_net, where "
            "make_net(num_classes) returns it (a class will do)."
        )


def _drawn_above(module: nn.Module, name: str) -> bool:
    """Whether a module around this one draws its parameters, as MultiheadAttention does."""
    above = name
    while above:
        above = above.rpartition(".")[0]
        if _draw_of(module.get_submodule(above)) is not None:
            return True
    return False


def _head(module: nn.Module, image: Shape) -> str:
    height, width, channels = image
    name = last_layer(recorded("the module", module, (BATCH, channels, height, width)))
    head = module.get_submodule(name) if name is not None else None
    plain = isinstance(head, nn.Linear) or (
        isinstance(head, nn.Conv2d)
        and {*head.kernel_size, *head.stride} == {1}
        and head.groups == 1
    )
    if name is None or not plain:
        raise NetworkError(
            f"the module's last layer is {type(head).__name__}, which cannot be made anew for "
            "another number of classes. Give the function that makes the module, "
            "network=make_net, where make_net(num_classes) returns it."
        )
    return name


def _written(template: str, folder: Path, kept: Any, **parts: str) -> str:
    content = template.format(pickled=as_text(kept), **parts).encode()
    path = folder / f"{hashlib.sha256(content).hexdigest()}.py"
    if not path.exists():
        write_whole(path, content)
    return f"{path}:{FUNCTION}"
