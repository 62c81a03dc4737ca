"""Functions of NumPy, TensorFlow, PyTorch and scikit-learn on samples."""

from dataclasses import replace

from headstart.audit.program.arguments import Arguments
from headstart.audit.program.machine import Machine
from headstart.audit.program.names import last_name
from headstart.audit.program.samples import Data, joined
from headstart.audit.program.story import Split
from headstart.audit.program.values import (
    Constant,
    Items,
    Unknown,
    Value,
    key_of,
    number_in,
)
from headstart.audit.program.what_data import data_of

_SAME = {
    "array", "asarray", "ascontiguousarray", "expand_dims", "squeeze", "reshape", "stack", "cast",
    "convert_to_tensor", "constant", "tensor", "as_tensor", "from_numpy", "FloatTensor",
    "LongTensor", "Tensor", "to_categorical", "one_hot", "resize", "pad", "repeat", "ravel",
    "transpose", "moveaxis", "swapaxes", "flip", "grayscale_to_rgb", "float32", "float64", "uint8",
    "int32", "int64", "atleast_3d", "where", "DataFrame", "Series", "get_dummies", "rot90",
    "to_tensor", "DataLoader", "TensorDataset", "from_tensor_slices", "shuffle", "astype",
    "deviceput", "device_put", "dstack", "DeviceDataLoader", "DataLoaders", "from_tensors",
    "MpDeviceLoader", "list", "tuple", "identity", "float", "array_split_first", "full_like",
    "random_flip_left_right", "random_crop", "resize_with_pad", "setup_dataloaders",
}  # fmt: skip
_STATISTICS = {"mean", "std", "var", "max", "min", "amax", "amin", "median", "average"}
_FACTS = {
    "unique", "bincount", "argmax", "argsort", "sum", "count_nonzero", "isin", "in1d", "nonzero",
    "flatnonzero", "logical_and", "logical_or", "arange", "shape", "prod", "any", "all", "nanmax",
    "logical_not", "Counter", "compute_class_weight", "isnan", "equal", "less", "greater", "len",
    "WeightedRandomSampler", "class_weight", "argwhere", "linspace",
}  # fmt: skip
_SCALED = {"preprocess_input": "divided", "normalize": "standardised", "convert_image_dtype":
           "divided", "scale": "standardised", "per_image_standardization": "standardised",
           "to_tensor": "divided", "minmax_scale": "divided"}  # fmt: skip


def call(machine: Machine, path: str, arguments: Arguments) -> Value | None:
    """Samples that come out of a known function; None for any other."""
    last = last_name(path)
    if last == "train_test_split":
        return _split(machine, arguments)
    found = [data_of(value) for value in arguments.positional]
    first = found[0] if found else None
    if first is None or not arguments.data():
        return _of_named(last, arguments)
    if last == "random_split":
        site = machine.site(arguments.node)
        machine.story.splits.append(Split(site=site, seeded=None))
        return first.updated(splits=("split", site.time))
    if last == "Subset":
        index = arguments.get("indices", 1)
        return first.selected(("mask", key_of(index) if index else machine.fresh().key))
    if last in ("concatenate", "vstack", "hstack", "concat", "ConcatDataset", "append"):
        inside = [data for data in arguments.data() if data.holds == first.holds]
        return joined(inside or [first])
    if last in _STATISTICS and not path.startswith("builtins."):
        return Unknown(("statistic", last, first.paths))
    if last in _FACTS:
        return Unknown(("fact", last, *map(key_of, arguments.positional)))
    if last in _SCALED:
        return first.scaled(_SCALED[last])
    if last in _SAME:
        return _same(last, first, arguments)
    return None


def _of_named(last: str, arguments: Arguments) -> Value | None:
    """Loaders that are given their samples by name."""
    given = data_of(arguments.first_of("dataset", "data", "tensors", "x"))
    return _same(last, given, arguments) if given is not None and last in _SAME else None


def _same(last: str, data: Data, arguments: Arguments) -> Value:
    if last == "TensorDataset":
        data = data_of(Items(list(arguments.positional))) or data
    if last in ("where", "one_hot", "to_categorical"):
        labels = [value for value in arguments.data() if value.holds == "labels"]
        data = labels[0] if labels else data
    size = number_in(arguments.get("batch_size", 1)) if last == "DataLoader" else None
    same = replace(data, buffer=0)
    for name in ("sampler", "batch_sampler") if last == "DataLoader" else ():
        if name in arguments.named and arguments.named[name] != Constant(None):
            same = same.selected(("mask", key_of(arguments.named[name])))
    return same if size is None else same.updated(batch_size=int(size))


def _split(machine: Machine, arguments: Arguments) -> Value:
    """`train_test_split`: two sides for each array; known sides of what is not known too."""
    site = machine.site(arguments.node)
    given = arguments.named.get("random_state")
    if given is None or given == Constant(None):
        seeded: bool | None = False
    else:
        seeded = True if isinstance(given, Constant) else None
    machine.story.splits.append(Split(site=site, seeded=seeded))
    if isinstance(given, Unknown):
        machine.draws_by(given.key)
    sides: list[Value] = []
    for position, value in enumerate(arguments.positional):
        data = data_of(value)
        if data is None:
            sides += [machine.fresh(), machine.fresh()]
            continue
        if not isinstance(value, Data) and _is_second(position, arguments):
            data = replace(data, holds="labels")
        sides += [data.selected(("split", site.time, side)) for side in (0, 1)]
    return Items(sides)


def _is_second(position: int, arguments: Arguments) -> bool:
    return position == 1 and len(arguments.positional) == 2
