"""Augmentation of batches by torchvision's transforms, drawn from a stream by seed and update."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from headstart.core.seeds import stream
from headstart.networks.libraries.adapter import import_library
from headstart.networks.libraries.torchvision_shim import prepare_torchvision
from headstart.study.augment import (
    AnyAugmentation,
    Colour,
    Crop,
    Flip,
    RandAugment,
    ResizedCrop,
)


class Augmenter:
    """Changes the images of one batch after the other, each image by itself.

    What it draws depends on seed, role and the number of the update alone, so that all arms of a
    seed see the same images at the same update.
    """

    def __init__(
        self,
        augmentations: Sequence[AnyAugmentation],
        image: tuple[int, ...],
        *,
        seed: int,
        role: str,
        first_update: int,
    ) -> None:
        prepare_torchvision()
        transforms = import_library("torchvision.transforms.v2", "torchvision")
        height, width = image[:2]
        self._change: Callable[[Tensor], Tensor] = transforms.Compose(
            [_transform(transforms, one, (height, width)) for one in augmentations]
        )
        self._seed, self._role, self._update = seed, role, first_update

    def __call__(self, images: Tensor) -> Tensor:
        """Images (batch, channels, height, width) of bytes, changed as the next update has it."""
        seed = stream(self._seed, self._role, "augment", self._update)
        self._update += 1
        devices = [images.device] if images.is_cuda else []
        with torch.random.fork_rng(devices):
            torch.manual_seed(seed)
            return torch.stack([self._change(image) for image in images])


def _transform(transforms: object, given: AnyAugmentation, size: tuple[int, int]) -> object:
    """torchvision's transform of an augmentation."""
    make = vars(transforms)
    match given:
        case Flip(vertical=True):
            return make["RandomVerticalFlip"](given.p)
        case Flip():
            return make["RandomHorizontalFlip"](given.p)
        case Crop():
            return make["RandomCrop"](size, padding=given.padding)
        case ResizedCrop():
            return make["RandomResizedCrop"](size, scale=(given.smallest, 1.0), antialias=True)
        case Colour():
            return make["ColorJitter"](
                given.brightness, given.contrast, given.saturation, given.hue
            )
        case RandAugment():
            return make["RandAugment"](given.operations, given.magnitude)
