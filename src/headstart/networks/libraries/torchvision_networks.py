"""Networks of torchvision that classify images, by name (`resnet18`)."""

from functools import cache
from typing import TYPE_CHECKING, Any

from headstart.core.errors import NetworkError
from headstart.networks.libraries.adapter import (
    Adapter,
    import_library,
    unknown_network,
    version_of,
)
from headstart.networks.libraries.torchvision_shim import prepare_torchvision
from headstart.study.network_facts import InputFacts, Shape

if TYPE_CHECKING:
    from torch import nn

_WITHOUT_HELPERS = ("googlenet", "inception_v3")  # their additional heads run in training only


class TorchvisionAdapter(Adapter):
    """Networks of torchvision: cut where names change, the head is the last layer that runs."""

    def build(self, name: str, image: Shape, num_classes: int) -> "nn.Module":
        """The network with three input channels and no dropout."""
        from headstart.networks.libraries.dropout import without_dropout

        models = _known(name)
        settings: dict[str, Any] = {}
        if name in _WITHOUT_HELPERS:
            settings = {"aux_logits": False, "init_weights": True}
        if name.startswith("vit_"):
            settings["image_size"] = _side(name, image)
        try:
            module: nn.Module = models.get_model(
                name, weights=None, num_classes=num_classes, **settings
            )
        except ValueError as error:
            raise NetworkError(
                f"torchvision network '{name}' cannot be built for images of {image[0]} by "
                f"{image[1]}: {error}. Choose another size of image for the task."
            ) from error
        without_dropout(module)
        return module

    def head_modules(self, module: "nn.Module") -> tuple[str, ...] | None:
        """The last layer that runs; torchvision gives it no common name."""
        return None

    def cut_modules(self, module: "nn.Module") -> tuple[str, ...]:
        """None: torchvision names no feature maps."""
        return ()

    def input_facts(self, name: str) -> InputFacts | None:
        """The preprocessing of the network's newest weights."""
        weights = _known(name).get_model_weights(name)
        preset = weights.DEFAULT.transforms()
        side, resized = preset.crop_size[0], preset.resize_size[0]
        return InputFacts(
            size=(side, side),
            crop=side / resized,
            interpolation=preset.interpolation.value,
            mean=tuple(preset.mean),
            deviation=tuple(preset.std),
        )

    def version(self) -> str:
        """Version of torchvision."""
        return version_of("torchvision", "torchvision")

    def content(self, name: str) -> str:
        """Empty: name and version define the network."""
        return ""


def _side(name: str, image: Shape) -> int:
    height, width = image[:2]
    if height != width:
        raise NetworkError(
            f"torchvision network '{name}' takes square images. The task's are {height} by "
            f"{width}: choose one size for both, or another network."
        )
    return height


def _known(name: str) -> Any:
    """The library's models, of which `name` is one.

    Raises:
        NetworkError: it is not.
    """
    models = _models()
    known = models.list_models(module=models)
    if name not in known:
        raise unknown_network("torchvision", name, known, "torchvision.models.list_models()")
    return models


@cache
def _models() -> Any:
    prepare_torchvision()
    return import_library("torchvision.models", "torchvision")


ADAPTER = TorchvisionAdapter()
