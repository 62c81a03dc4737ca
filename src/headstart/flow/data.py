"""Known data sets as arrays, for a notebook or a training loop of one's choice."""

from typing import NamedTuple

import numpy as np

from headstart.data.catalogue import PARTS
from headstart.data.catalogue import Part as PartName
from headstart.data.datasets import facts_of, open_part
from headstart.study.tasks import DataRef


class Part(NamedTuple):
    """Images (n, height, width) or (n, height, width, channels) and their labels (n,)."""

    images: np.ndarray
    labels: np.ndarray


class Data(NamedTuple):
    """A data set's two parts, and the names of its classes in the order of the labels."""

    train: Part
    test: Part
    classes: tuple[str, ...]


def load_data(dataset: str, *, size: tuple[int, int] | None = None) -> Data:
    """A data set as arrays, as headstart finds and reads it.

    Args:
        dataset: a known one (`headstart data list`), or the path of a folder, archive or file.
        size: height and width in pixels that image files are brought to.

    Returns:
        Training and test part, each of images (n, height, width), or with channels last where
        there are three, in the range that is stored, and of labels (n,); and the names of classes.

    Raises:
        DataError: it is missing, torn, or not what it claims to be.

    Example:
        >>> (x, y), (x_test, y_test), classes = load_data("mnist-mini")
        >>> x.shape, x.dtype.name, len(x_test), classes[3]
        ((10000, 28, 28), 'uint8', 2000, '3')
    """
    data = DataRef(dataset=dataset, size=size)
    train, test = (_arrays(data, part) for part in PARTS)
    return Data(train=train, test=test, classes=facts_of(data).classes)


def _arrays(data: DataRef, part: PartName) -> Part:
    images = open_part(data, part)
    pixels = images.pixels
    return Part(
        images=(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).copy(),
        labels=images.labels.copy(),
    )
