"""Repeated splits: the test part of each seed, dealt from all images of a task."""

from functools import lru_cache

import numpy as np

from headstart.core.seeds import generator
from headstart.data.images import Images
from headstart.data.sampling import permuted
from headstart.study.tasks import FOLDS


# A source has none, and of targets one is at work. Parts that were read again are others.
@lru_cache(maxsize=1)
def pooled(train: Images, test: Images) -> Images:
    """Both published parts as one, the training images first.

    Raises:
        DataError: images are streamed, which sets that are split again and again are too small for.
    """
    if not len(test):
        return train
    return Images(
        np.concatenate([train.pixels, test.pixels]),
        np.concatenate([train.labels, test.labels]),
        names=_joined(train.names, test.names),
        units=_joined(train.units, test.units),
    )


def _joined(one: np.ndarray | None, other: np.ndarray | None) -> np.ndarray | None:
    return None if one is None or other is None else np.concatenate([one, other])


def dealt(labels: np.ndarray, num_classes: int, split_seed: int, seed: int) -> np.ndarray:
    """Positions of a seed's test images, ascending.

    Seeds 0 to 4, 5 to 9 and so on share one order of the images: class by class, each class and the
    images of each shuffled. Every fifth image of it, from another one for each seed, is a test
    part. So test parts of such seeds have no image in common and the proportions of the classes,
    and all parts are of one size; up to four images are in none of them.
    """
    order = _order(labels, num_classes, split_seed, seed // FOLDS)
    return np.sort(order[seed % FOLDS :: FOLDS][: len(labels) // FOLDS])


def _order(labels: np.ndarray, num_classes: int, split_seed: int, deal: int) -> np.ndarray:
    bits = generator(split_seed, "repeated", deal).bit_generator
    members = [np.flatnonzero(labels == index) for index in range(num_classes)]
    # The last images of the order are in no test part where there are a few too many: classes
    # take turns at that.
    return np.concatenate(
        [
            members[index][permuted(len(members[index]), bits)]
            for index in permuted(num_classes, bits)
        ]
    )
