"""The config.json of a folder of weights that timm opens (`local-dir:FOLDER`), and transformers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from headstart.core.hashing import Json
from headstart.networks.checkpoints.errors import fault
from headstart.networks.weights import Weights
from headstart.study.network_facts import InputFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderConfig:
    """What config.json says of a timm network.

    Attributes:
        architecture: timm's name, without a tag.
        num_classes: outputs of the head.
        input: how its images are to be prepared.
        head: names of the modules of the head, which timm drops for another number of classes.
        first_conv: name of the first convolution, which timm adapts to other channels; empty where
            the network has none.
        labels: names of the classes in order; none where they are not known.
        crop_mode: timm's word for images of other proportions: `center` cuts, `border` pads,
            `squash` stretches.
    """

    architecture: str
    num_classes: int
    input: InputFacts
    head: tuple[str, ...]
    first_conv: str = ""
    labels: tuple[str, ...] = ()
    crop_mode: Literal["center", "border", "squash"] = "center"


def config_json(config: FolderConfig, weights: Weights, folder: Path) -> bytes:
    """Content of the `config.json` that lies in a folder beside the weights.

    Raises:
        CheckpointError: the head's tensors are not among the weights, or of another size.
    """
    _check(folder, weights, config)
    return (json.dumps(_json(config), indent=2) + "\n").encode()


def _check(folder: Path, weights: Mapping[str, np.ndarray], config: FolderConfig) -> None:
    for module in config.head:
        name = f"{module}.weight"
        outputs = weights[name].shape[0] if name in weights else None
        if outputs != config.num_classes:
            found = f"has {outputs} outputs" if outputs else "is not among the weights"
            raise fault(
                folder,
                f"{name} {found}.",
                f"Expected: a head of {config.num_classes} outputs, as the config says.",
            )
    if config.labels and len(config.labels) != config.num_classes:
        raise fault(
            folder, f"{len(config.labels)} labels were given for {config.num_classes} classes."
        )


def _json(config: FolderConfig) -> Json:
    prepared = config.input
    size = [prepared.channels, *prepared.size]
    pretrained: Json = {
        "num_classes": config.num_classes,
        "input_size": size,
        "interpolation": prepared.interpolation,
        "crop_pct": prepared.crop,
        "crop_mode": config.crop_mode,
        "mean": list(prepared.mean),
        "std": list(prepared.deviation),
        "classifier": config.head[0] if len(config.head) == 1 else list(config.head),
    }
    if config.first_conv:
        pretrained["first_conv"] = config.first_conv
    labels = {"label_names": list(config.labels)} if config.labels else {}
    return {
        "architecture": config.architecture,
        "num_classes": config.num_classes,
        **labels,
        "pretrained_cfg": pretrained,
    }
