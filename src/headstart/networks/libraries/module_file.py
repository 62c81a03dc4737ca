"""Networks of the user's own: `FILE.py:FUNCTION`, a function from a number of classes to a module.

The function may take `image`, (height, width, channels), as a keyword. The module may have
`stages`, a mapping (or a method that gives one) from names of stages to names of modules.
"""

import hashlib
import inspect
import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from headstart.core.errors import NetworkError, known_names, nearest
from headstart.networks.libraries.adapter import Adapter, version_of
from headstart.study.network_facts import InputFacts, Shape

if TYPE_CHECKING:
    from torch import nn


class ModuleFileAdapter(Adapter):
    """The user's modules: cut at `stages`, else at children; the last layer that runs is the head.

    Dropout stays as it is. Images come with their own number of channels.
    """

    def build(self, name: str, image: Shape, num_classes: int) -> "nn.Module":
        """What the function gives."""
        from torch import nn

        function = _function(name)
        settings: dict[str, Any] = {}
        if "image" in inspect.signature(function).parameters:
            settings["image"] = tuple(image)
        try:
            module = function(num_classes, **settings)
        except Exception as error:
            raise NetworkError(
                f"network '{name}' cannot be built: {type(error).__name__}: {error}. "
                f"The function was called with {num_classes} classes"
                f"{' and image ' + str(tuple(image)) if settings else ''}."
            ) from error
        if not isinstance(module, nn.Module):
            raise NetworkError(
                f"the function of network '{name}' gives {type(module).__name__}. "
                "Expected a torch.nn.Module."
            )
        return module

    def head_modules(self, module: "nn.Module") -> tuple[str, ...] | None:
        """The last layer that runs."""
        return None

    def cut_modules(self, module: "nn.Module") -> tuple[str, ...]:
        """Its children, where it has several; else names of modules are looked at."""
        return tuple(name for name, _ in module.named_children())

    def stages(self, module: "nn.Module") -> Mapping[str, tuple[str, ...]]:
        """The stages that the module names, each with its modules; empty where it names none.

        Raises:
            NetworkError: a name is no module's.
        """
        given = getattr(module, "stages", None)
        named = given() if callable(given) else given
        if not isinstance(named, Mapping):
            return {}
        known = {name for name, _ in module.named_modules()}
        found = {
            stage: (parts,) if isinstance(parts, str) else tuple(parts)
            for stage, parts in named.items()
        }
        for stage, parts in found.items():
            for part in parts:
                if part not in known:
                    raise NetworkError(
                        f"stage '{stage}' names module '{part}', which is not known. "
                        f"{known_names(known - {''})} {nearest(part, known)}".rstrip()
                    )
        return found

    def input_facts(self, name: str) -> InputFacts | None:
        """None: a module says nothing of its images."""
        return None

    def version(self) -> str:
        """Version of torch."""
        return version_of("torch", "module")

    def content(self, name: str) -> str:
        """Hash of the file; of files that it imports nothing is known."""
        return hashlib.sha256(_place(name)[0]).hexdigest()


def _place(name: str) -> tuple[bytes, Path, str]:
    """Content and path of the file, and the function's name.

    Raises:
        NetworkError: the file is missing, or no function is named.
    """
    file, colon, function = name.rpartition(":")
    if not colon or not function.isidentifier():
        raise NetworkError(
            f"network '{name}' names no function. Expected FILE.py:FUNCTION, "
            "where FUNCTION gives a torch.nn.Module for a number of classes."
        )
    path = Path(file).expanduser()
    try:
        return path.read_bytes(), path, function
    except OSError as error:
        raise NetworkError(
            f"{path} cannot be read: {error.strerror}. Expected FILE.py:FUNCTION."
        ) from None


def _function(name: str) -> Callable[..., Any]:
    content, path, function = _place(name)
    module = _imported(path.resolve(), content)
    found = getattr(module, function, None)
    if not callable(found):
        known = [key for key, value in vars(module).items() if inspect.isfunction(value)]
        raise NetworkError(
            f"{path} has no function '{function}'. {known_names(known)} "
            f"{nearest(function, known)}".rstrip()
        )
    return found  # type: ignore[no-any-return]


@lru_cache(maxsize=16)
def _imported(path: Path, content: bytes) -> ModuleType:
    """The file as a module, once for each content; files beside it can be imported.

    The bytes that were hashed are run, and not what Python has cached of a file of the same size
    and second.
    """
    name = f"headstart_network_{path.stem}_{hashlib.sha256(content).hexdigest()[:12]}"
    spec = spec_from_file_location(name, path)
    assert spec is not None
    module = module_from_spec(spec)
    sys.modules[name] = module  # classes of it are found by name when they are copied
    sys.path.insert(0, str(path.parent))
    try:
        exec(compile(content, str(path), "exec"), vars(module))
    except Exception as error:
        raise NetworkError(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(str(path.parent))
    return module


ADAPTER = ModuleFileAdapter()
