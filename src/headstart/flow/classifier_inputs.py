"""What a classifier is given as X: images, rows of a table, or paths of image files."""

from dataclasses import replace
from math import prod
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import assert_all_finite, check_array, check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from headstart.core.errors import DataError
from headstart.data.given.pixels import beyond_bytes
from headstart.flow.classifier_settings import parsed, refused
from headstart.model.image_files import decode_images
from headstart.networks.facts import input_facts_of
from headstart.study.decoding import Decoding
from headstart.study.network import AnyNetwork, LibraryNetwork
from headstart.study.tasks import DataRef, ImageSpec

WHOLE = [np.dtype(f"{sign}int{bits}") for sign in ("u", "") for bits in (8, 16, 32, 64)]
TAKEN = [np.dtype(np.float32), *WHOLE]
"""Types that are taken as they are; any other becomes the first."""


def pixels_of(estimator: Any, X: Any, decoding: Decoding | None, *, reset: bool) -> np.ndarray:
    """X as images (n, height, width, channels), bytes or float32; a row of a table is 1 high.

    Args:
        estimator: learns its number of features from X, or holds X to it.
        X: numbers (n, features), (n, height, width) or (n, height, width, channels), or paths.
        decoding: how files are decoded, if X holds paths.
        reset: whether the number of features is learnt.

    Raises:
        ValueError: it is none of these; DataError: image files are missing or broken.
    """
    paths = paths_in(X)
    if paths is None and (X.ndim if hasattr(X, "ndim") else np.asarray(X).ndim) < 3:
        table = validate_data(estimator, X, dtype=np.float32, reset=reset)
        return np.asarray(table).reshape(len(table), 1, -1, 1)
    if paths is None:
        name = type(estimator).__name__
        images = _images(check_array(X, dtype=TAKEN, allow_nd=True, estimator=name, input_name="X"))
    else:
        assert decoding is not None
        images = decode_images(paths, decoding)
    if reset:
        estimator.n_features_in_ = prod(images.shape[1:])
    return images


def labels_of(estimator: Any, X: Any, y: Any) -> np.ndarray:
    """Labels (n,), one for each row of X.

    Raises:
        ValueError: they are missing, not finite, no classes, or not as many as X has rows.
    """
    if y is None:
        name = type(estimator).__name__
        raise ValueError(
            f"This {name} estimator requires y to be passed, but the target y is None."
        )
    labels = np.asarray(column_or_1d(y, warn=True))
    assert_all_finite(labels, input_name="y", estimator_name=type(estimator).__name__)
    check_consistent_length(X, labels)
    check_classification_targets(labels)
    return labels


def paths_in(X: Any) -> list[Path] | None:
    """The paths that X lists, in one dimension or one column; None where it holds other things.

    Raises:
        ValueError: X is one path.
    """
    if isinstance(X, str | PathLike):
        raise ValueError(f"X is one path, {fspath(X)}. Expected a list of paths of images.")
    given = X if isinstance(X, list | tuple) else np.asarray(X)
    if isinstance(given, np.ndarray):
        if given.dtype.kind not in "UTO" or given.ndim not in (1, 2) or prod(given.shape[1:]) != 1:
            return None
        given = given.reshape(-1).tolist()
    if not given or not all(isinstance(one, str | PathLike) for one in given):
        return None
    return [Path(one) for one in given]


def decoding_for(image: Any, network: AnyNetwork) -> Decoding:
    """How image files are decoded: as a table `image` of a task says, else as a network wants it.

    Raises:
        SpecError: the table is wrong, or does not give a size and no network does.
    """
    spec: ImageSpec = parsed("image", ImageSpec, image or {})
    if spec.skip_broken:
        raise refused("image.skip_broken", "leaves out files, but y has a label for each of them.")
    data = DataRef(dataset="X", **spec.model_dump(exclude={"skip_broken", "follow_links"}))
    wanted = input_facts_of(network) if isinstance(network, LibraryNetwork) else None
    if wanted is not None:
        return data.preferring(wanted).decoding
    if data.size is None or data.colour is None:
        raise refused(
            "image",
            f"is {image}, and X holds paths of image files.",
            "Expected size and colour, for no pretrained network says them.",
            "For example: image={'size': [64, 64], 'colour': 'rgb'}",
        )
    # The least crop, which an image of the same proportions is not changed by.
    cropped = replace(data, fit="crop", crop=1.0) if not (data.fit or data.crop) else data
    return cropped.decoding


def _images(array: np.ndarray) -> np.ndarray:
    """An array of numbers as images, bytes or float32.

    Raises:
        DataError: it has another shape, or whole numbers that are no bytes.
    """
    if array.ndim > 4 or array.shape[3:] not in ((), (1,), (3,)):
        raise DataError(
            f"X has the shape {array.shape}. Expected images (n, height, width), or that with 1 or "
            "3 channels at the end; or rows of a table (n, features)."
        )
    if array.dtype.kind != "f" and array.dtype != np.uint8:
        if wrong := beyond_bytes(array):
            raise DataError(f"X {wrong}")
        array = array.astype(np.uint8)
    return np.ascontiguousarray(array.reshape(*array.shape[:3], -1))
