"""Adapters, one a library: what headstart asks of a library to use its networks.

No adapter imports its library before it is asked for a network, and what it says is cached
(`facts.py`), so planning again imports none. Only `keras-on-torch` imports torch at once.
"""

import warnings
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from headstart.core.errors import NetworkError, known_names, nearest
from headstart.networks.checkpoints.read import State, read_state
from headstart.networks.weights import Weights
from headstart.study.network_facts import InputFacts, Shape

if TYPE_CHECKING:
    from torch import nn


class Adapter(Protocol):
    """How networks of one library are built and where they may be cut.

    `build` draws the library's own first weights from torch's global generator.
    """

    def build(self, name: str, image: Shape, num_classes: int) -> "nn.Module":
        """The network with `num_classes` outputs for images (height, width, channels).

        Raises:
            NetworkError: the name is not known, or the network does not accept such images.
        """

    def head_modules(self, module: "nn.Module") -> tuple[str, ...] | None:
        """Modules that give the logits; () for no head, None for the last layer with parameters."""

    def cut_modules(self, module: "nn.Module") -> tuple[str, ...]:
        """Modules that end the stages of the trunk, the last included; () where unknown."""

    def input_facts(self, name: str) -> InputFacts | None:
        """How images are prepared for the network; None where the library does not say."""

    def translated(self, name: str, image: Shape, weights: Weights) -> Weights:
        """Weights of a file as the library itself would load them into the network.

        Under the names of its present version, and with position tables resized to the image; as
        they are unless the library has such a translation.
        """
        return weights

    def weights_file(self, name: str) -> Path | None:
        """The file that the name itself says holds pretrained weights; None where it says none.

        Raises:
            CheckpointError: the name is that of a folder without such a file.
        """
        return None

    def licence(self, name: str) -> str:
        """Licence of the library's own pretrained weights; empty where it does not say."""
        return ""

    def state(self, file: Path) -> State:
        """Tensors of a weight file, under the names that the library gives them."""
        return read_state(file)

    def version(self) -> str:
        """Version of the library."""

    def content(self, name: str) -> str:
        """Hash of the files that define the network; empty where name and version define it."""


_ADAPTERS = {
    "timm": "headstart.networks.libraries.timm_networks",
    "torchvision": "headstart.networks.libraries.torchvision_networks",
    "hf": "headstart.networks.libraries.huggingface",
    "module": "headstart.networks.libraries.module_file",
    "keras": "headstart.networks.keras.adapter",
    "keras-on-torch": "headstart.networks.keras.fallback",
}
"""Modules that hold an `ADAPTER` for each kind of network."""


def adapter_for(kind: str) -> Adapter:
    """The adapter of a kind of network (`timm`, `torchvision`, `hf`, `keras`, ...).

    Raises:
        NetworkError: there is no such kind.
    """
    if kind not in _ADAPTERS:
        raise NetworkError(
            f"network kind '{kind}' is not known. {known_names(_ADAPTERS)} "
            f"{nearest(kind, _ADAPTERS)}".rstrip()
        )
    return cast(Adapter, import_module(_ADAPTERS[kind]).ADAPTER)


def import_library(library: str, extra: str) -> Any:
    """A library that an extra of headstart installs.

    Raises:
        NetworkError: it is not installed.
    """
    try:
        with warnings.catch_warnings():
            # Of tqdm in a notebook without ipywidgets: of bars for downloads, which are not made.
            warnings.filterwarnings("ignore", "IProgress not found")
            return import_module(library)
    except ModuleNotFoundError as error:
        if error.name != library.partition(".")[0]:
            raise
        raise not_installed(library, extra) from None


def not_installed(library: str, extra: str) -> NetworkError:
    """The error of a library that is missing."""
    return NetworkError(
        f"{library} is not installed. Networks of kind '{extra}' need it: "
        f"pip install 'headstart[{extra}]'."
    )


def version_of(library: str, extra: str) -> str:
    """Version of an installed library, which is not imported.

    Raises:
        NetworkError: it is not installed.
    """
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        raise not_installed(library, extra) from None


def unknown_network(library: str, name: str, known: list[str], listing: str) -> NetworkError:
    """The error of a name that a library does not know, with the nearest that it knows."""
    hint = nearest(name, known)
    return NetworkError(
        f"{library} network '{name}' is not known. "
        f"Allowed: the {len(known)} names that `{listing}` lists.{' ' + hint if hint else ''}"
    )
