"""Tasks spoilt on purpose, for controls: a source that nothing can be learnt from."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from headstart.core.seeds import generator
from headstart.data.datasets import Images
from headstart.study.tasks import Alteration


def altered(images: Images, alter: Collection[Alteration]) -> Images:
    """The altered images; the same object where nothing is to be altered.

    Shuffled labels are dealt out among the images, so that every class keeps its number.
    """
    if "inverted_images" in alter:
        inverted = np.iinfo(np.uint8).max - images.pixels
        images = replace(images, stored=inverted, at=None)
    if "shuffled_labels" in alter:
        labels = generator(len(images), "alter", "labels").permutation(images.labels)
        images = replace(images, labels=labels)
    return images
