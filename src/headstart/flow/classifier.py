"""An estimator of scikit-learn: one way of transferring, fitted to images and their labels."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from numbers import Integral
from os import PathLike
from pathlib import Path
from typing import Any, get_args

import numpy as np

from headstart.core.errors import DataError, HeadstartError, known_names

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.validation import check_is_fitted
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "sklearn":
        raise
    raise HeadstartError(
        "TransferClassifier needs scikit-learn, which is not installed: "
        "pip install 'headstart[sklearn]'."
    ) from None

from headstart.data.images import Images
from headstart.execute.options import Device, RunOptions
from headstart.flow.classifier_inputs import decoding_for, labels_of, paths_in, pixels_of
from headstart.flow.classifier_settings import ArmSettings, parsed, refused
from headstart.flow.fit import check_scale, train_arm
from headstart.model.predictor import Predictor
from headstart.model.serialised import from_bytes, to_bytes
from headstart.networks.checkpoints.at_hand import best_at_hand
from headstart.study.network import AnyNetwork, LibraryNetwork, Network
from headstart.study.sources import SourceSpec

UPDATES = 200


class TransferClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Classifier of images that starts from a pretrained network.

    `fit` trains one arm of a study, by the same steps: with the same images, settings and seed it
    gives the weights of that study's trial, bit for bit.

    X is a list of paths of image files, or an array: images of bytes (n, height, width) or
    (n, height, width, channels), or of floats, which the network is given as they are (a
    pretrained network expects them from 0 to 1). A table (n, features) of numbers is taken too,
    with a dense network that nothing is transferred to: `network="mlp-small",
    strategy="scratch"`; no pretrained network reads tables.

    Args:
        source: the pretrained network, `"timm:tf_efficientnet_lite0"`, or a table as in
            `[sources.NAME]` of a study file; left out, the best one whose weights are on this
            computer.
        strategy: how to transfer: `probe`, `converged_probe`, `full`, `probe_then_full`,
            `gradual`, `discriminative`; the controls `scratch`, `random_trunk` and `shuffled`; or
            a table, such as `{"kind": "freeze", "cut": "stage2"}`.
        network: instead of a source, a network that starts from nothing.
        training: budget and optimiser, a table as `[training]` of a study file; left out, 200
            updates.
        learning_rate: takes the place of the optimiser's own.
        image: how files are decoded, a table as `image` of a task; left out, as the network wants
            them.
        validation: share or number of the images that choose between weights and penalties.
        random_state: seed of the trial; None draws one.
        device: `auto`, `cpu`, `cuda` or `mps`.
        store: folder of a store, in which nothing that was done before is done again; left out,
            nothing outlives `fit`.

    Attributes:
        classes_: labels in the order of the probabilities.
        n_features_in_: numbers in an image or row.
        source_: name of the pretrained network; None without.
        model_: the trained model, with its weights.

    Example:
        >>> TransferClassifier("timm:tf_efficientnet_lite0", strategy="full").strategy
        'full'
    """

    def __init__(
        self,
        source: str | Mapping[str, Any] | None = None,
        strategy: str | Mapping[str, Any] = "probe",
        *,
        network: str | Mapping[str, Any] | None = None,
        training: Mapping[str, Any] | None = None,
        learning_rate: float | None = None,
        image: Mapping[str, Any] | None = None,
        validation: float = 0.1,
        random_state: Any = 0,
        device: Device = "auto",
        store: str | PathLike[str] | None = None,
    ) -> None:
        self.source = source
        self.strategy = strategy
        self.network = network
        self.training = training
        self.learning_rate = learning_rate
        self.image = image
        self.validation = validation
        self.random_state = random_state
        self.device = device
        self.store = store

    def fit(self, X: Any, y: Any) -> "TransferClassifier":
        """Train on images and their labels.

        Args:
            X: paths of image files, or an array of images (n, height, width) or
                (n, height, width, channels), bytes or floats.
            y: a label for each (n,), of any type that can be sorted.

        Raises:
            ValueError: X, y or a setting is wrong; of the settings all problems at once.
        """
        source, network = self._start()
        self._check_device()
        decoding = None if paths_in(X) is None else decoding_for(self.image, network)
        labels = labels_of(self, X, y)
        pixels = pixels_of(self, X, decoding, reset=True)
        _check_table(pixels, network)
        classes, indices = np.unique(labels, return_inverse=True)
        _check_classes(classes)
        images, names = Images(pixels, indices.astype(np.int64)), tuple(map(str, classes))
        with self._store_folder() as folder:
            options = RunOptions(store=folder, workers=1, device=self.device)
            model = train_arm(self._settings(source, network), images, names, options)
        self.classes_ = classes
        self.source_ = None if source is None else str(source.pretrained)
        self.model_ = model if decoding is None else replace(model, decoding=decoding)
        self._predictor = Predictor(self.model_, self.device)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each image (n,).

        Args:
            X: images as in `fit`, of the same shape where they are an array.

        Raises:
            ValueError: X is not like the images of `fit`, or there was no `fit`.
        """
        probabilities = self.predict_proba(X)
        return np.asarray(self.classes_[probabilities.argmax(1)])

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probability of every class for each image (n, classes), in the order of `classes_`.

        Args:
            X: images as in `fit`, of the same shape where they are an array.

        Raises:
            ValueError: X is not like the images of `fit`, or there was no `fit`.
        """
        check_is_fitted(self)
        pixels = pixels_of(self, X, self.model_.decoding, reset=False)
        if self.model_.scaling.standardiser is not None:
            check_scale(pixels)
        return self._predictor.probabilities(pixels)

    def __getstate__(self) -> dict[str, Any]:
        """Parameters and attributes, the trained model as the bytes of a safetensors file."""
        state: dict[str, Any] = {**super().__getstate__()}
        state.pop("_predictor", None)
        if "model_" in state:
            state["model_"] = to_bytes(state["model_"])
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """The classifier as it was, ready to predict."""
        super().__setstate__(state)
        if "model_" in state:
            self.model_ = from_bytes(state["model_"])
            self._predictor = Predictor(self.model_, self.device)

    def __sklearn_tags__(self) -> Any:
        """Images are taken as well as tables."""
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def _start(self) -> tuple[SourceSpec | None, AnyNetwork]:
        """The checkpoint to start from, if any, and the network.

        Raises:
            SpecError: source and network are given, or what is given is not known.
            CheckpointError: neither is given, and no pretrained network is at hand.
        """
        if self.network is None:
            given = self.source
            if given is None:
                given = best_at_hand("source='timm:NAME'").network
            table = {"pretrained": given} if isinstance(given, str) else given
            source: SourceSpec = parsed("source", SourceSpec, table)
            return source, source.checkpoint
        if self.source is not None:
            raise refused(
                "network", "goes without a source, which brings its own.", fix="Give one."
            )
        return None, parsed("network", Network, self.network)

    def _settings(self, source: SourceSpec | None, network: AnyNetwork) -> ArmSettings:
        return ArmSettings(
            source=source,
            network=network,
            strategy=self.strategy,
            training={"updates": UPDATES} if self.training is None else self.training,
            learning_rate=self.learning_rate,
            validation=self.validation,
            seed=self._seed(),
        )

    def _seed(self) -> int:
        """The seed of the trial: `random_state` where it is a number, else one drawn from it."""
        if isinstance(self.random_state, Integral):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))

    def _check_device(self) -> None:
        if self.device not in (known := get_args(Device)):
            raise refused("device", f"{self.device!r} is not known.", known_names(known))

    @contextmanager
    def _store_folder(self) -> Iterator[Path]:
        """The folder of the store, which goes where none was asked for."""
        if self.store is not None:
            yield Path(self.store)
            return
        with tempfile.TemporaryDirectory(prefix="headstart-") as folder:
            yield Path(folder)


def _check_table(pixels: np.ndarray, network: AnyNetwork) -> None:
    _, height, width, channels = pixels.shape
    if isinstance(network, LibraryNetwork) and height == channels == 1:
        raise DataError(
            f"X is a table of {width} columns, and {network} reads images. "
            'For tables: network="mlp-small", strategy="scratch".'
        )


def _check_classes(classes: np.ndarray) -> None:
    if len(classes) < 2:
        raise DataError(
            f"y has 1 class only, {classes[0]!r}. Expected images of at least 2 classes."
        )
