"""A Keras model in memory as a file that depends on nothing but its layers and weights.

Keras' own files hold the time at which they were saved, addresses in memory, and names counted up
since Python was started (`conv2d_7`): a cell that is run again would give another file, and so
another study. Here names are counted from the first layer, and the rest is left out.
"""

import io
import json
import re
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from headstart.core.errors import NetworkError
from headstart.core.files import write_whole
from headstart.core.hashing import digest, hash_arrays
from headstart.networks.keras.files import open_file, read_arrays
from headstart.networks.keras.parse import snake_case

_STATISTICS = re.compile(r"/normalization(_\d+)?/vars/\d+$")
"""Arrays that are data and no weights: means and variances of Normalization layers."""
_LEFT_OUT = ("compile_config", "shared_object_id")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first that a zip can name


def is_keras_model(given: object) -> bool:
    """Whether something is a model of Keras 2 or 3, whatever it runs on; Keras is not imported."""
    homes = {kind.__module__.partition(".")[0] for kind in type(given).__mro__}
    known = {"keras", "tf_keras", "tensorflow"}
    return bool(homes & known) and hasattr(given, "save") and hasattr(given, "layers")


def kept_model(model: Any, folder: Path, *, weights: bool) -> Path:
    """The `.keras` file of a model in a folder; equal models have one file.

    Args:
        model: of Keras, built.
        folder: that holds such files.
        weights: whether its weights are kept; else they are zeros, for its layers are all that is
            asked for.

    Raises:
        NetworkError: it has no input shape yet, or Keras cannot save it.
    """
    if not getattr(model, "built", True):
        raise NetworkError(
            "the Keras model has no input shape yet. Begin it with keras.Input((28, 28, 1)), or "
            "call model.build((None, 28, 28, 1))."
        )
    with tempfile.TemporaryDirectory(prefix="headstart-") as temporary:
        path = Path(temporary) / "model.keras"
        try:
            model.save(path)
        except Exception as error:  # Keras raises whatever a layer raises
            raise NetworkError(f"Keras cannot save the model: {error}") from error
        file = open_file(path)
        arrays = read_arrays(file, [place for place in file.arrays if _is_kept(place)])
    if not weights:
        arrays = {
            place: array if _STATISTICS.search(place) else np.zeros_like(array)
            for place, array in arrays.items()
        }
    config = _without_chance(file.config)
    kept = folder / f"{digest([config, file.version, hash_arrays(arrays)])}.keras"
    if not kept.exists():
        write_whole(kept, _zipped(config, file.version, arrays))
    return kept


def _is_kept(place: str) -> bool:
    return not place.startswith(("optimizer/", "_"))


def _zipped(config: Any, version: str, arrays: Mapping[str, np.ndarray]) -> bytes:
    """The bytes of a `.keras` file."""
    import h5py

    held, packed = io.BytesIO(), io.BytesIO()
    with h5py.File(held, "w") as root:
        for place in sorted(arrays):
            root.create_dataset(place, data=arrays[place])
    members = {
        "metadata.json": json.dumps({"keras_version": version}).encode(),
        "config.json": json.dumps(config, sort_keys=True).encode(),
        "model.weights.h5": held.getvalue(),
    }
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            member = zipfile.ZipInfo(name, _EPOCH)
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, content)
    return packed.getvalue()


def _without_chance(config: Mapping[str, Any]) -> Any:
    """A description without addresses, and with names counted from the first layer."""
    names: dict[str, str] = {}
    count: Counter[str] = Counter()
    given = list(_named(config))
    own = {name for kind, name in given if not is_automatic(kind, name)}
    for kind, name in given:
        if name in names or name in own:
            continue
        stem = snake_case(kind)
        while True:
            number = count[stem]
            count[stem] += 1
            made = f"{stem}_{number}" if number else stem
            if made not in own:
                break
        names[name] = made
    return _renamed(config, names)


def is_automatic(kind: str, name: str) -> bool:
    """Whether Keras has named a layer, after its kind and counting."""
    stem = r"input(_layer)?|\w+_input" if kind == "InputLayer" else snake_case(kind)
    return re.fullmatch(rf"({stem})(_\d+)?", name) is not None


def _named(part: Any) -> Iterator[tuple[str, str]]:
    """Kind and name of every layer in a description, in order."""
    if isinstance(part, Mapping):
        config = part.get("config")
        # A type of numbers (DTypePolicy) has a name too, and is no layer.
        is_layer = isinstance(config, Mapping) and ("trainable" in config or "layers" in config)
        if part.get("class_name") == "InputLayer" or is_layer:
            yield str(part["class_name"]), str(part["config"]["name"])
        for value in part.values():
            yield from _named(value)
    elif isinstance(part, list):
        for value in part:
            yield from _named(value)


def _renamed(part: Any, names: Mapping[str, str], key: str = "") -> Any:
    """A description with other names of layers: they are called `name`, or stand in a list."""
    if isinstance(part, Mapping):
        return {
            word: _renamed(value, names, word)
            for word, value in part.items()
            if word not in _LEFT_OUT
        }
    if isinstance(part, list):
        return [_renamed(value, names, "name") for value in part]
    return names.get(part, part) if key == "name" and isinstance(part, str) else part
