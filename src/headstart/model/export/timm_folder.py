"""config.json beside exported weights of a timm network, so that timm opens their folder."""

from pathlib import Path
from typing import Literal

import numpy as np

from headstart.data.preprocess import Scaling
from headstart.model.trained import TrainedModel
from headstart.networks.checkpoints.folder import FolderConfig, config_json
from headstart.study.decoding import Fit
from headstart.study.network import LibraryNetwork
from headstart.study.network_facts import InputFacts

_CROP_MODES: dict[Fit, Literal["center", "border", "squash"]] = {
    "stretch": "squash",
    "crop": "center",
    "pad": "border",
}


def timm_config(model: TrainedModel, folder: Path) -> bytes | None:
    """The file's content; None for other networks, and for scaling that timm has no words for."""
    network = model.network
    if not isinstance(network, LibraryNetwork) or network.kind != "timm":
        return None
    moments = _moments(model.scaling, model.image[2])
    if moments is None:
        return None
    from headstart.networks.libraries.timm_networks import pretrained_config

    known = pretrained_config(network.name)
    head = known["classifier"]
    config = FolderConfig(
        architecture=known["architecture"],
        num_classes=len(model.classes),
        input=InputFacts(
            size=(model.image[0], model.image[1]),
            crop=model.decoding.crop,
            interpolation=model.decoding.interpolation,
            mean=moments[0],
            deviation=moments[1],
            channels=model.image[2],
        ),
        head=(head,) if isinstance(head, str) else tuple(head),
        first_conv=known.get("first_conv") or "",
        labels=model.classes,
        crop_mode=_CROP_MODES[model.decoding.fit],
    )
    return config_json(config, model.weights, folder)


def _moments(scaling: Scaling, channels: int) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Mean and deviation of each channel for images on a scale of 0 to 1."""
    mean, deviation = np.zeros(channels), np.ones(channels)
    if scaling.flipped:
        return None
    if scaling.standardiser is not None:
        if scaling.standardiser.mean.shape != (1, 1, 1, channels):
            return None
        mean = scaling.standardiser.mean.reshape(-1).astype(np.float64)
        deviation = scaling.standardiser.deviation.reshape(-1).astype(np.float64)
    unit = scaling.unit / 255
    return tuple((mean * unit).tolist()), tuple((deviation * unit).tolist())
