"""Data sets as the libraries load them: which samples come out."""

from headstart.audit.program.arguments import Arguments
from headstart.audit.program.machine import Machine
from headstart.audit.program.names import last_name
from headstart.audit.program.samples import Data, Path, paired
from headstart.audit.program.values import (
    Constant,
    Instance,
    Items,
    Key,
    Value,
    key_of,
    number_in,
    text_in,
    truth_in,
)

_FOLDERS = {
    "ImageFolder", "DatasetFolder", "image_dataset_from_directory", "flow_from_directory",
    "flow_from_dataframe", "from_folder", "audio_dataset_from_directory",
    "text_dataset_from_directory", "from_name_func", "from_path_func",
}  # fmt: skip
_FILES = {"read_csv", "read_parquet", "read_pickle", "loadtxt", "genfromtxt", "fetch_openml",
          "load_digits", "load_iris", "load_wine", "load_breast_cancer"}  # fmt: skip
_SUBSETS = {"training": "train", "validation": "validation", "both": "both"}


def load(machine: Machine, path: str, arguments: Arguments) -> Value | None:
    """Samples of a data set; None if the function loads none."""
    last = last_name(path)
    if last == "load_data" and "datasets" in path:
        return _of_keras(machine, path, arguments)
    if path.startswith("torchvision.datasets.") and last not in _FOLDERS:
        return _of_torchvision(machine, path, arguments)
    if path.startswith(("tensorflow_datasets", "tfds")) and last == "load":
        return _of_splits(machine, path, arguments)
    if last == "load_dataset":
        return _of_splits(machine, path, arguments)
    if last in _FOLDERS:
        return _folder(machine, arguments, frozenset(), opaque=False)
    if last in _FILES or path in ("numpy.load", "pandas.read_csv"):
        return _file(path, arguments)
    return None


def _of_keras(machine: Machine, path: str, arguments: Arguments) -> Value:
    name = path.rsplit(".", 2)[-2]
    parts: list[Value] = []
    for part in ("train", "test"):
        where: frozenset[Path] = frozenset({(("origin", name), ("part", part))})
        images = Data(paths=where, holds="images")
        parts.append(Items([images, Data(paths=where, holds="labels")]))
        machine.story.loaded.append((images, machine.place(arguments.node)))
    return Items(parts)


def _of_torchvision(machine: Machine, path: str, arguments: Arguments) -> Value:
    given = arguments.as_named("root", "train", "transform")
    name = last_name(path).lower()
    part: Key = None
    if "split" in given:
        part = text_in(given["split"]) or key_of(given["split"])
    elif "image_set" in given:
        part = text_in(given["image_set"]) or key_of(given["image_set"])
    else:
        truth = truth_in(given["train"]) if "train" in given else True
        part = key_of(given["train"]) if truth is None else "train" if truth else "test"
    scale, opaque = _scale_of(given.get("transform"))
    where: frozenset[Path] = frozenset({(("origin", name), ("part", part))})
    data = Data(paths=where, scale=scale, opaque=opaque)
    if part == "test":
        machine.story.loaded.append((data, machine.place(arguments.node)))
    return data


def _scale_of(transform: Value | None) -> tuple[frozenset[str], bool]:
    """Scalings in a list of transforms of torchvision, and whether any part is unknown."""
    if transform is None or transform == Constant(None):
        return frozenset(), False
    if not isinstance(transform, Instance):
        return frozenset(), True
    last = last_name(transform.kind)
    if last in ("Compose", "Sequential"):
        inside = next(iter(transform.arguments.values()), None)
        if not isinstance(inside, Items):
            return frozenset(), True
        found = [_scale_of(item) for item in inside.items]
        scale = frozenset[str]().union(*(names for names, _ in found))
        return scale, any(opaque for _, opaque in found)
    known = {"ToTensor": "divided", "ToDtype": "divided", "Normalize": "standardised"}
    return (
        frozenset({known[last]}) if last in known else frozenset()
    ), transform.of_file is not None


def _of_splits(machine: Machine, path: str, arguments: Arguments) -> Value:
    """Sets by name and split, of TensorFlow Datasets and Hugging Face."""
    given = arguments.as_named("name", "config" if "load_dataset" in path else "split")
    name = given.get("name") or given.get("path")
    origin = ("origin", text_in(name) or (key_of(name) if name else machine.fresh().key))
    split = given.get("split")
    result: Value
    if isinstance(split, Items):
        result = Items([_part(origin, item) for item in split.items])
    elif split is not None:
        result = _part(origin, split)
    else:
        result = Data(paths=frozenset({(origin,)}))
    if truth_in(given.get("with_info")):
        return Items([result, machine.fresh()])
    return result


def _part(origin: tuple[str, Key], split: Value) -> Data:
    text = text_in(split)
    if text is None:
        return Data(paths=frozenset({(origin, ("part", key_of(split)))}))
    name, _, bounds = text.partition("[")
    path: Path = (origin, ("part", name))
    return Data(paths=frozenset({(*path, ("slice", bounds)) if bounds else path}))


def _folder(machine: Machine, arguments: Arguments, scale: frozenset[str], *, opaque: bool) -> Data:
    """Images of a folder; some functions take a part of it."""
    given = arguments.as_named("directory", "transform")
    names = ("directory", "root", "path", "dataframe")
    where = next((given[name] for name in names if name in given), None)
    origin = key_of(where) if where is not None else machine.fresh().key
    path: Path = (("origin", ("folder", origin)),)
    for name in ("subset", "train", "valid", "folder"):
        if name in given and given[name] != Constant(None):
            text = text_in(given[name]) or ""
            path = (*path, ("part", _SUBSETS.get(text, text) or key_of(given[name])))
    found, unknown = _scale_of(given.get("transform"))
    size = number_in(given.get("batch_size"))
    subset = text_in(given.get("subset"))
    return Data(
        paths=frozenset({path}),
        scale=scale | found,
        opaque=opaque or unknown,
        batch_size=None if size is None else int(size),
        splits=("both", origin) if subset == "both" else None,
    )


def flow(machine: Machine, generator: Instance, name: str, arguments: Arguments) -> Value:
    """Batches of an `ImageDataGenerator`, which may scale them."""
    scale: set[str] = set()
    if "rescale" in generator.arguments:
        scale.add("divided")
    for option in ("featurewise_center", "samplewise_center", "featurewise_std_normalization"):
        if truth_in(generator.arguments.get(option)):
            scale.add("standardised")
    opaque = "preprocessing_function" in generator.arguments
    if name != "flow":
        return _folder(machine, arguments, frozenset(scale), opaque=opaque)
    given = arguments.as_named("x", "y", "batch_size")
    images, labels = given.get("x"), given.get("y")
    if not isinstance(images, Data):
        return machine.fresh()
    if isinstance(given.get("subset"), Constant):
        images = images.selected(("part", key_of(given["subset"])))
    for one in sorted(scale):
        images = images.scaled(one)
    size = number_in(given.get("batch_size"))
    pair = paired(images, labels if isinstance(labels, Data) else None)
    return pair.updated(
        batch_size=32 if size is None else int(size), opaque=images.opaque or opaque
    )


def _file(path: str, arguments: Arguments) -> Value:
    keys = [key_of(value) for value in (*arguments.positional, *arguments.named.values())]
    last = last_name(path)
    data = Data(paths=frozenset({(("origin", (last, *keys)),)}))
    if truth_in(arguments.get("return_X_y")):
        return Items([data.half("images"), data.half("labels")])
    return data
