"""Networks of timm, by name (`resnet18`) or from a folder that timm saved (`local-dir:FOLDER`)."""

import json
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.core.errors import NetworkError
from headstart.core.hashing import digest
from headstart.networks.libraries.adapter import (
    Adapter,
    import_library,
    unknown_network,
    version_of,
)
from headstart.networks.libraries.torchvision_shim import prepare_torchvision
from headstart.networks.weights import Weights
from headstart.study.network_facts import InputFacts, Shape

if TYPE_CHECKING:
    from torch import nn

LOCAL = "local-dir:"
_SCALING = ("crossvit",)  # architectures that scale any image to the size that they are made for


class TimmAdapter(Adapter):
    """Networks of timm: cut at `feature_info`, the head is what `get_classifier` gives."""

    def build(self, name: str, image: Shape, num_classes: int) -> "nn.Module":
        """The network with its own number of input channels and no dropout."""
        from headstart.networks.libraries.dropout import without_dropout

        timm, config = _timm(), pretrained_config(name)
        settings: dict[str, Any] = {"drop_rate": 0.0, "drop_path_rate": 0.0}
        size = tuple(image[:2])
        scales = config.get("architecture", name).startswith(_SCALING)
        if (
            not scales
            and config.get("fixed_input_size")
            and tuple(config["input_size"][1:]) != size
        ):
            settings["img_size"] = size
        try:
            module = _created(timm, name, num_classes, settings)
        except (AssertionError, RuntimeError, TypeError, ValueError) as error:
            raise NetworkError(
                f"timm network '{name}' cannot be built for images of {size[0]} by {size[1]}: "
                f"{error}. Choose another size of image for the task, or another network."
            ) from error
        without_dropout(module)
        return module

    def head_modules(self, module: "nn.Module") -> tuple[str, ...] | None:
        """The classifier, or classifiers; () where they hold no parameters."""
        from torch import nn

        get = getattr(module, "get_classifier", None)
        found = get() if get else ()
        heads = found if isinstance(found, (tuple, list)) else (found,)
        names = {id(part): name for name, part in module.named_modules(remove_duplicate=False)}
        # Several classifiers may be a list of modules, which is not called itself.
        each = [list(head) if isinstance(head, nn.ModuleList) else [head] for head in heads]
        held = [head for row in each for head in row if any(True for _ in head.parameters())]
        return tuple(names[id(head)] for head in held)

    def cut_modules(self, module: "nn.Module") -> tuple[str, ...]:
        """The modules of `feature_info`, in order."""
        info = getattr(module, "feature_info", ())
        entries = getattr(info, "info", info)
        return tuple(dict.fromkeys(entry["module"] for entry in entries if "module" in entry))

    def input_facts(self, name: str) -> InputFacts | None:
        """The input that the pretrained configuration names."""
        return input_of(pretrained_config(name))

    def translated(self, name: str, image: Shape, weights: Weights) -> Weights:
        """What timm's `checkpoint_filter_fn`, if the network's family has one, makes of weights."""
        import torch

        module = self.build(name, image, 2)
        translate = getattr(sys.modules[type(module).__module__], "checkpoint_filter_fn", None)
        if translate is None:
            return weights
        state = {key: torch.from_numpy(array.copy()) for key, array in weights.items()}
        return {key: tensor.numpy() for key, tensor in translate(state, module).items()}

    def licence(self, name: str) -> str:
        """The licence that the pretrained configuration names."""
        return str(pretrained_config(name).get("license") or "")

    def version(self) -> str:
        """Version of timm."""
        return version_of("timm", "timm")

    def content(self, name: str) -> str:
        """Hash of a folder's `config.json`."""
        return digest(_saved(name)) if name.startswith(LOCAL) else ""


def _created(timm: Any, name: str, num_classes: int, settings: dict[str, Any]) -> "nn.Module":
    """The network with the settings that it knows; few know no rate for dropped paths."""
    left = dict(settings)
    while True:
        try:
            model: nn.Module = timm.create_model(name, num_classes=num_classes, **left)
        except TypeError as error:
            unknown = [key for key in ("drop_path_rate", "drop_rate") if f"'{key}'" in str(error)]
            if not any(key in left for key in unknown):
                raise
            left = {key: value for key, value in left.items() if key not in unknown}
        else:
            return model


@cache
def _timm() -> Any:
    prepare_torchvision()
    return import_library("timm", "timm")


def pretrained_config(name: str) -> dict[str, Any]:
    """The pretrained configuration of a network.

    Raises:
        NetworkError: the name is not known.
    """
    timm = _timm()
    if name.startswith(LOCAL):
        saved = _saved(name)
        return {"architecture": saved["architecture"], **saved.get("pretrained_cfg", {})}
    if not timm.is_model(name):
        raise unknown_network("timm", name, timm.list_models(), "timm.list_models()")
    found = timm.get_pretrained_cfg(name)
    return dict(found.to_dict()) if found else {}


def input_of(config: dict[str, Any]) -> InputFacts:
    """How images are prepared, by a pretrained configuration."""
    found = _timm().data.resolve_data_config({}, pretrained_cfg=config)
    channels, height, width = found["input_size"]
    return InputFacts(
        size=(height, width),
        crop=found["crop_pct"],
        interpolation=found["interpolation"],
        mean=tuple(found["mean"]),
        deviation=tuple(found["std"]),
        channels=channels,
    )


def _saved(name: str) -> dict[str, Any]:
    """What a folder's `config.json` says.

    Raises:
        NetworkError: the folder holds no such file, or it names no architecture.
    """
    path = Path(name.removeprefix(LOCAL)).expanduser() / "config.json"
    try:
        saved: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise NetworkError(
            f"{path} cannot be read: {error}. Expected a folder that timm saved, "
            "with `config.json` and `model.safetensors`."
        ) from None
    if "architecture" not in saved:
        raise NetworkError(
            f"{path} names no `architecture`. Expected a folder that timm saved, "
            "with `config.json` and `model.safetensors`."
        )
    return saved


ADAPTER = TimmAdapter()
