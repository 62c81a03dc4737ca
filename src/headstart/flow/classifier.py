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
from pydantic import ValidationError

from headstart.core.errors import DataError, HeadstartError, Problem, SpecError, unknown

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
from headstart.flow.fit import ESTIMATOR, ArmSettings, train_arm
from headstart.model.predictor import Predictor
from headstart.model.serialise import from_bytes, to_bytes
from headstart.study.decoding import Decoding
from headstart.study.problems import problems_from
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
            `[sources.NAME]` of a study file.
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
        device: `auto`, `cpu` or `cuda`.
        store: folder of a store, in which nothing that was done before is done again; left out,
            nothing outlives `fit`.

    Attributes:
        classes_: labels in the order of the probabilities.
        n_features_in_: numbers in an image or row.
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

        Raises:
            ValueError: X, y or a setting is wrong; of the settings all problems at once.
        """
        source = self._source()
        self._check_device()
        decoding = None if paths_in(X) is None else self._decoding(source)
        labels = labels_of(self, X, y)
        pixels = pixels_of(self, X, decoding, reset=True)
        self._check_range(pixels, source)
        self.classes_, indices = np.unique(labels, return_inverse=True)
        self._check_classes()
        images, names = Images(pixels, indices.astype(np.int64)), tuple(map(str, self.classes_))
        with self._store_folder() as folder:
            options = RunOptions(store=folder, workers=1, device=self.device)
            model = train_arm(self._settings(source), images, names, options)
        self.model_ = model if decoding is None else replace(model, decoding=decoding)
        self._predictor = Predictor(self.model_, self.device)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each image (n,)."""
        probabilities = self.predict_proba(X)
        return np.asarray(self.classes_[probabilities.argmax(1)])

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probability of every class for each image (n, classes), in the order of `classes_`."""
        check_is_fitted(self)
        pixels = pixels_of(self, X, self.model_.decoding, reset=False)
        self._check_range(pixels, self._source())
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

    def _source(self) -> SourceSpec | None:
        """The checkpoint to start from; None where a network is to start from nothing.

        Raises:
            SpecError: neither is given, or both.
        """
        if self.network is not None and self.source is None:
            return None
        if self.network is not None:
            raise _problem("network", "goes without a source, which brings its own.", "Give one.")
        if self.source is None:
            raise _problem("source", "is missing.", "Give source='timm:NAME', or a network.")
        table = {"pretrained": self.source} if isinstance(self.source, str) else self.source
        try:
            return SourceSpec.model_validate(table)
        except ValidationError as error:
            problems = problems_from(error, SourceSpec, where="source")
            raise SpecError(problems, ESTIMATOR) from None

    def _settings(self, source: SourceSpec | None) -> ArmSettings:
        return ArmSettings(
            source=source,
            network=self.network,
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

    def _decoding(self, source: SourceSpec | None) -> Decoding:
        return decoding_for(self.image, None if source is None else source.pretrained)

    def _check_range(self, pixels: np.ndarray, source: SourceSpec | None) -> None:
        """Floats for a pretrained network lie on the scale that it was trained on."""
        if source is None or pixels.dtype == np.uint8 or not pixels.size:
            return
        least, most = float(pixels.min()), float(pixels.max())
        if pixels.shape[1] == 1 and pixels.shape[3] == 1:
            raise DataError(
                f"X is a table of {pixels.shape[2]} columns, and {self.source} reads images. For "
                'tables: network="mlp-small", strategy="scratch".'
            )
        if least < 0 or most > 1:
            raise DataError(
                f"X has floats from {least:g} to {most:g}, and a pretrained network expects them "
                "from 0 to 1. Divide X, or give bytes (uint8)."
            )

    def _check_device(self) -> None:
        if self.device not in (known := get_args(Device)):
            raise SpecError([unknown("device", str(self.device), known, "device")], ESTIMATOR)

    def _check_classes(self) -> None:
        if len(self.classes_) < 2:
            raise DataError(
                f"y has 1 class only, {self.classes_[0]!r}. Expected images of at least 2 classes."
            )

    @contextmanager
    def _store_folder(self) -> Iterator[Path]:
        """The folder of the store, which goes where none was asked for."""
        if self.store is not None:
            yield Path(self.store)
            return
        with tempfile.TemporaryDirectory(prefix="headstart-") as folder:
            yield Path(folder)


def _problem(where: str, message: str, fix: str) -> SpecError:
    problem = Problem(where=where, message=message, fix=fix)
    return SpecError([problem], ESTIMATOR)
