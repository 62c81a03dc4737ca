"""Tasks spoilt on purpose, for controls: a source that nothing can be learnt from."""

from collections.abc import Collection

import numpy as np

from headstart.core.seeds import generator
from headstart.data.images import Images
from headstart.spec.tasks import Alteration


def altered(images: Images, alter: Collection[Alteration]) -> Images:
    """The images with what is asked for done to them; the same object where nothing is.

    Shuffled labels are dealt out among the images, so that every class keeps its number.
    """
    pixels, labels = images.pixels, images.labels
    if "inverted_images" in alter:
        pixels = np.iinfo(np.uint8).max - pixels
    if "shuffled_labels" in alter:
        labels = generator(len(labels), "alter", "labels").permutation(labels)
    return Images(pixels=pixels, labels=labels) if alter else images
