"""A torch module in memory, or the function that makes it, as a `module:` file that workers read.

The file holds what cloudpickle makes of it, so classes of a notebook or a script come along, and
classes of an installed package by their name. Of a module its structure is kept, all weights zero:
each seed draws its own by the `reset_parameters` of every layer. What a constructor does besides is
known to the constructor alone, so a function that makes the module says more than the module.
"""

import base64
import copy
import hashlib
import io
import pickle
import re
import zlib
from collections import ChainMap
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any, ClassVar

import cloudpickle
import numpy as np
import torch
from torch import Tensor, nn

from headstart.core.errors import NetworkError
from headstart.core.files import write_whole
from headstart.networks.libraries.cuts import last_layer
from headstart.networks.libraries.recording import BATCH, recorded
from headstart.study.network_facts import Shape

FUNCTION = "network"
"""What the function in a file is called."""
_TRACKER = re.compile(rb"[0-9a-f]{32}")
"""What cloudpickle draws at random for each class that it takes along."""
_LINE = 88

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

from headstart.networks.libraries.kept_module import unpickled

PICKLED = """
{pickled}
"""


def network({parameters}):
    """What the function makes."""
    return unpickled(PICKLED)({parameters})
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
        NetworkError: it cannot be kept.
    """
    from inspect import signature

    takes_image = "image" in signature(make).parameters
    parameters = "num_classes, image" if takes_image else "num_classes"
    return _written(_OF_MAKER, folder, make, parameters=parameters)


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


def unpickled(text: str) -> Any:
    """What was kept."""
    return pickle.loads(zlib.decompress(base64.b85decode("".join(text.split()))))


def rebuilt(text: str, head: str, num_classes: int) -> nn.Module:
    """A module that was kept, with fresh weights and another number of outputs.

    Args:
        text: the module as it was kept.
        head: name of the layer that gives the logits.
        num_classes: outputs of the head.
    """
    module: nn.Module = unpickled(text)
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
            f"{', '.join(stuck[:4])}. Every seed begins with weights of its own, so give the "
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
    text = base64.b85encode(zlib.compress(_pickled(kept), 9)).decode()
    lines = "\n".join(text[at : at + _LINE] for at in range(0, len(text), _LINE))
    content = template.format(pickled=lines.replace("\\", "\\\\"), **parts).encode()
    path = folder / f"{hashlib.sha256(content).hexdigest()}.py"
    if not path.exists():
        write_whole(path, content)
    return f"{path}:{FUNCTION}"


def _pickled(kept: Any) -> bytes:
    """Bytes that are the same for the same code, whenever and wherever it is run.

    Raises:
        NetworkError: something in it cannot be pickled.
    """
    stream = io.BytesIO()
    try:
        _Pickler(stream).dump(kept)
    except Exception as error:  # whatever a part of it raises
        raise NetworkError(
            f"{type(kept).__name__} cannot be kept for worker processes: {error}. Write it to a "
            "file and name that: network='module:net.py:make'."
        ) from error
    drawn = stream.getvalue()
    own = hashlib.sha256(_TRACKER.sub(b"", drawn)).hexdigest()
    known: dict[bytes, bytes] = {}

    def counted(found: re.Match[bytes]) -> bytes:
        order = known.setdefault(found.group(), str(len(known)).encode())
        return hashlib.sha256(own.encode() + order).hexdigest()[:32].encode()

    return _TRACKER.sub(counted, drawn)


def _code(code: CodeType) -> Any:
    """Code without the file and the line that it came from: a cell has others each time."""
    plain = code.replace(co_filename="<kept by headstart>", co_firstlineno=1)
    return cloudpickle.Pickler.dispatch_table[CodeType](plain)


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(array.copy())


def _parameter(array: np.ndarray) -> nn.Parameter:
    return nn.Parameter(_tensor(array))


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """cloudpickle without what differs from run to run: places of code, addresses of tensors."""

    dispatch_table: ClassVar = ChainMap({CodeType: _code}, cloudpickle.Pickler.dispatch_table)

    def reducer_override(self, obj: Any) -> Any:
        """Tensors by their numbers; all else as cloudpickle has it."""
        if isinstance(obj, nn.Parameter):
            return _parameter, (obj.detach().cpu().numpy(),)
        if type(obj) is Tensor:
            return _tensor, (obj.detach().cpu().numpy(),)
        return super().reducer_override(obj)

    def _function_getnewargs(self, func: Any) -> Any:
        # What cloudpickle would take along besides is the path of the file.
        self.globals_ref.setdefault(id(func.__globals__), {"__name__": func.__module__})
        return super()._function_getnewargs(func)
