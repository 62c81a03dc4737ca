"""Modules and functions as text that is the same whenever and wherever it is made.

cloudpickle takes along the classes of a notebook or a script. What differs from run to run is put
in order: the file and line of code, the addresses of tensors, the order of sets, and the ids that
cloudpickle draws for classes.
"""

import base64
import hashlib
import io
import pickle
import re
import zlib
from collections import ChainMap
from types import CodeType
from typing import Any, ClassVar

import cloudpickle
import numpy as np
import torch
from torch import Tensor, nn

from headstart.core.errors import NetworkError

_LINE = 88
_ID = re.compile(rb"[0-9a-f]{32}")
"""How an id of a class is written; other texts are written so, too."""
_SETS = {"set": set, "frozenset": frozenset}


def as_text(kept: Any) -> str:
    """Something in memory as lines of ASCII, without quotes.

    Raises:
        NetworkError: something in it cannot be pickled.
    """
    text = base64.b85encode(zlib.compress(_pickled(kept), 9)).decode()
    return "\n".join(text[at : at + _LINE] for at in range(0, len(text), _LINE))


def from_text(text: str) -> Any:
    """What `as_text` was given. This runs code that is in the text."""
    content = zlib.decompress(base64.b85decode("".join(text.split())))
    return _Unpickler(io.BytesIO(content)).load()


def _pickled(kept: Any) -> bytes:
    stream = io.BytesIO()
    try:
        _Pickler(stream).dump(kept)
    except Exception as error:  # whatever a part of it raises
        raise NetworkError(
            f"{type(kept).__name__} cannot be kept for worker processes: {error}. Write it to a "
            "file and name that: network='module:net.py:make'."
        ) from error
    return _with_own_ids(stream.getvalue())


def _with_own_ids(content: bytes) -> bytes:
    """A pickle with ids of classes that follow from all else in it.

    They tell classes of one name apart, so two pickles have the same ids only if they are the same.
    """
    drawn = cloudpickle.cloudpickle._DYNAMIC_CLASS_TRACKER_BY_ID

    def is_drawn(text: bytes) -> bool:
        return text.decode() in drawn

    rest = _ID.sub(lambda one: b"" if is_drawn(one.group()) else one.group(), content)
    own = hashlib.sha256(rest).hexdigest()
    known: dict[bytes, bytes] = {}

    def counted(one: re.Match[bytes]) -> bytes:
        if not is_drawn(one.group()):
            return one.group()
        order = known.setdefault(one.group(), str(len(known)).encode())
        return hashlib.sha256(own.encode() + order).hexdigest()[:32].encode()

    return _ID.sub(counted, content)


def _code(code: CodeType) -> Any:
    """Code without the file and the line that it came from: a cell has others each time."""
    plain = code.replace(co_filename="<kept by headstart>", co_firstlineno=1)
    return cloudpickle.Pickler.dispatch_table[CodeType](plain)


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(array.copy())


def _parameter(array: np.ndarray) -> nn.Parameter:
    return nn.Parameter(_tensor(array))


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    dispatch_table: ClassVar = ChainMap({CodeType: _code}, cloudpickle.Pickler.dispatch_table)

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self._sets: dict[int, tuple[int, Any]] = {}

    def persistent_id(self, obj: Any) -> Any:
        """Sets by number and with their members in order; all else is pickled."""
        if type(obj) not in _SETS.values():
            return None
        number, _ = self._sets.setdefault(id(obj), (len(self._sets), obj))
        members = sorted(obj, key=lambda one: (type(one).__name__, repr(one)))
        return type(obj).__name__, number, members

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


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self._sets: dict[int, Any] = {}

    def persistent_load(self, pid: Any) -> Any:
        """The set of a number, made once."""
        kind, number, members = pid
        return self._sets.setdefault(number, _SETS[kind](members))
