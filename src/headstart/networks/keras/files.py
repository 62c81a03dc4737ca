"""Keras files opened without Keras: the JSON that describes the network, and the HDF5 arrays.

A `.keras` file is a zip of config.json, metadata.json and model.weights.h5; a `.h5` file holds the
same JSON in an attribute. Nothing in either is executed.
"""

import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headstart.core.errors import NetworkError

Shape = tuple[int, ...]

_ZIP, _HDF5 = b"PK", b"\x89HDF"
_WEIGHTS = "model.weights.h5"


@dataclass(frozen=True, slots=True, kw_only=True)
class KerasFile:
    """The description of a network and the arrays stored with it.

    Attributes:
        path: where it lies.
        zipped: whether it is a `.keras` file.
        config: description of the network, as Keras serialises it.
        version: of the Keras that wrote it, empty where it does not say.
        arrays: shape of every stored array by its place in the HDF5 file.
    """

    path: Path
    zipped: bool
    config: Mapping[str, Any]
    version: str
    arrays: Mapping[str, Shape]

    @property
    def major(self) -> int:
        """Major version of Keras; files that do not say are of Keras 2 or older."""
        first = self.version.split(".", 1)[0]
        return int(first) if first.isdecimal() else 2


def open_file(path: Path) -> KerasFile:
    """The network that a file describes and the shapes of its arrays.

    Raises:
        NetworkError: the file is missing, torn, holds no network, or h5py is not installed.
    """
    zipped = _is_zip(path)
    with _hdf5(path, zipped) as root:
        text, version = _described(path, zipped, root)
        arrays = dict(_array_shapes(root if zipped else root.get("model_weights", {})))
    config = _parsed(path, text)
    return KerasFile(path=path, zipped=zipped, config=config, version=version, arrays=arrays)


def read_arrays(file: KerasFile, places: Iterable[str]) -> dict[str, np.ndarray]:
    """Stored arrays by place, float32."""
    with _hdf5(file.path, file.zipped) as root:
        group = root if file.zipped else root["model_weights"]
        return {place: np.asarray(group[place][()], np.float32) for place in places}


def _is_zip(path: Path) -> bool:
    if not path.exists():
        raise NetworkError(f"{path} is not there. Name a .keras or .h5 file that Keras saved.")
    if path.is_dir():
        raise NetworkError(
            f"{path} is a folder, as TensorFlow's SavedModel is. Allowed: a .keras or .h5 file. "
            "Open it with Keras and write it with model.save('model.keras')."
        )
    with path.open("rb") as stream:
        start = stream.read(4)
    if start[:2] == _ZIP:
        return True
    if start == _HDF5:
        return False
    raise NetworkError(
        f"{path} is neither a .keras file (a zip) nor a .h5 file (HDF5): it begins with {start!r}. "
        "Was it downloaded whole?"
    )


@contextmanager
def _hdf5(path: Path, zipped: bool) -> Iterator[Any]:
    try:
        import h5py
    except ImportError:
        raise NetworkError(
            f"{path} is a Keras file, which needs h5py. Install it: pip install 'headstart[keras]'"
        ) from None
    source = io.BytesIO(_member(path, _WEIGHTS)) if zipped else path
    try:
        opened = h5py.File(source, "r")
    except OSError as error:
        raise NetworkError(f"{path} is torn: its HDF5 part cannot be read ({error}).") from None
    try:
        with opened as root:
            yield root
    except NetworkError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError) as error:  # as h5py says it
        raise NetworkError(f"{path} is torn: {error}. Copy or save it again.") from None


def _described(path: Path, zipped: bool, root: Any) -> tuple[str, str]:
    if zipped:
        metadata = _parsed(path, _member(path, "metadata.json"))
        return _text(_member(path, "config.json")), str(metadata.get("keras_version", ""))
    text = root.attrs.get("model_config")
    if text is None:
        raise NetworkError(
            f"{path} holds no description of a network (no attribute model_config), as files of "
            "save_weights do. Write the whole model: model.save('model.keras')."
        )
    return _text(text), _text(root.attrs.get("keras_version", ""))


def _member(path: Path, name: str) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.read(name)
    except KeyError:
        raise NetworkError(
            f"{path} is a zip without {name}, so no whole Keras model. "
            "Write it again with model.save('model.keras')."
        ) from None
    except Exception as error:  # zipfile raises a dozen kinds for damaged archives
        raise NetworkError(f"{path} is torn: {error}. Copy or save it again.") from None


def _parsed(path: Path, text: str | bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise NetworkError(f"{path}: a description in it is no JSON: {error}.") from None
    if not isinstance(found, Mapping):
        raise NetworkError(f"{path}: a description in it is {found!r}, not a JSON object.")
    return found


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _array_shapes(group: Any) -> list[tuple[str, Shape]]:
    found: list[tuple[str, Shape]] = []

    def note(place: str, entry: Any) -> None:
        if hasattr(entry, "shape"):
            found.append((place, tuple(entry.shape)))

    if group:
        group.visititems(note)
    return found
