"""Functions and classes of other modules, known by their names."""

import ast
from dataclasses import replace

from headstart.audit.program import array_functions, builders, datasets
from headstart.audit.program.arguments import Arguments
from headstart.audit.program.iteration import batch_of, items_of, loop_items
from headstart.audit.program.machine import Machine
from headstart.audit.program.names import last_name
from headstart.audit.program.nets import Net
from headstart.audit.program.samples import Data
from headstart.audit.program.settings import OPTIMISERS
from headstart.audit.program.values import (
    Constant,
    Each,
    Instance,
    Items,
    Prediction,
    Tensor,
    Unknown,
    Value,
    key_of,
    number_in,
)
from headstart.audit.program.what_data import unknown_data

_SEEDS = {
    "set_seed", "manual_seed", "manual_seed_all", "set_random_seed", "seed_everything", "PRNGKey",
    "fix_seed", "set_determinism",
}  # fmt: skip
_SAME_NET = {"compile", "DataParallel", "DistributedDataParallel", "jit.script", "convert_model"}
_HARMLESS = {
    "print", "len", "isinstance", "id", "type", "repr", "str", "summary", "plot_model", "display",
    "hasattr", "getattr", "info", "log", "watch", "trace", "export", "save", "dump", "next",
    "clip_grad_norm_", "count_params", "list", "tuple", "count_parameters", "model_summary",
}  # fmt: skip
_LIBRARIES = {
    "torch", "torchvision", "torchinfo", "torchsummary", "timm", "keras", "tensorflow", "numpy",
    "transformers", "accelerate", "sklearn", "builtins", "copy", "os", "peft", "lightning",
    "pytorch_lightning", "fastai", "onnx", "ema_pytorch", "wandb",
}  # fmt: skip
_PLOTS = ("plt.", "pyplot", "imshow", "plot", "matplotlib", "seaborn")
_SCORES = (
    "accuracy_score", "classification_report", "confusion_matrix", "f1_score", "balanced_accuracy",
    "precision_score", "recall_score", "roc_auc_score", "accuracy", "top_k_accuracy",
)  # fmt: skip
_REPEATING = {
    "KFold", "StratifiedKFold", "GroupKFold", "ShuffleSplit", "StratifiedShuffleSplit",
    "RepeatedStratifiedKFold", "RepeatedKFold", "LeaveOneOut", "LeaveOneGroupOut",
}  # fmt: skip


def call_external(machine: Machine, path: str, arguments: Arguments) -> Value:
    """A function or class of another module, by its dotted name."""
    last = last_name(path)
    if path.startswith("headstart."):  # it reads networks and arrays, and leaves them as they are
        return machine.fresh()
    if last in _SEEDS or path.endswith("random.seed"):
        return _seed(machine, path, arguments)
    for reader in (_of_python, datasets.load, builders.build, array_functions.call):
        found = reader(machine, path, arguments)
        if found is not None:
            return found
    if last.lower() in OPTIMISERS and last[:1].isupper():
        return _optimiser(machine, path, arguments)
    if last in _REPEATING:
        return Instance(kind=path, arguments=arguments.as_named(), key=machine.fresh().key)
    if last in _SAME_NET or path.endswith(("jit.script", "torch.compile")):
        net = next(iter(arguments.nets()), None)
        if net is not None:
            return net
    if last[:1].isupper():
        return _made(path, arguments)
    return unknown_call(machine, path, arguments)


def _seed(machine: Machine, path: str, arguments: Arguments) -> Value:
    if not path.startswith(("torch", "tensorflow", "random.", "jax")):
        machine.story.numpy_seeded = True
    given = next(arguments.deep(), None)
    known = machine.seed_with(None if given is None else key_of(given), arguments.node)
    if given is not None and not known and not isinstance(given, Constant):
        machine.story.seed_given = True
    return Constant(None)


def _optimiser(machine: Machine, path: str, arguments: Arguments) -> Value:
    """An optimiser; one of PyTorch knows whose parameters it moves."""
    is_torch = bool(arguments.nets())
    names = ("params", "lr") if is_torch else ("learning_rate", "momentum")
    kind = path if path.startswith(("torch", "keras")) else ("torch." if is_torch else "") + path
    made = Instance(kind=kind, arguments=arguments.as_named(*names), key=machine.fresh().key)
    for net in arguments.nets():
        net.settings["optimizer"] = made
    return made


def _made(path: str, arguments: Arguments) -> Value:
    """An object of a class of another module."""
    passes = arguments.predictions()
    if passes:
        return Prediction(passes)
    layers = arguments.layers()
    if layers is not None:
        return Tensor(layers)
    return Instance(
        kind=path,
        arguments=arguments.as_named(),
        key=("instance", path, *[key_of(value) for value in arguments.deep()]),
    )


def _of_python(machine: Machine, path: str, arguments: Arguments) -> Value | None:
    """Builtins and the like that keep what they are given."""
    last = last_name(path)
    first = arguments.positional[0] if arguments.positional else None
    if last in ("range", "trange"):
        return _range(machine, arguments)
    if first is None:
        return None
    if last in ("enumerate", "tqdm", "track", "progress_bar", "iter", "reversed"):
        return _iterated(machine, last, first)
    if path == "builtins.map" and isinstance(inside := arguments.get("", 1), Items):
        return Items([machine.call(first, [item], {}, arguments.node) for item in inside.items])
    if last == "zip":
        return _zipped(machine, arguments)
    if last in ("list", "tuple", "sorted", "set") and path.startswith("builtins."):
        return Items(list(first.items)) if isinstance(first, Items) else first
    if last == "next":
        return first.item if isinstance(first, Each) else _first_batch(first)
    if path == "copy.deepcopy" or last == "deepcopy":
        return _deep_copy(machine, first, arguments.node)
    if last in ("getattr", "setattr") and isinstance(first, Net):
        return machine.fresh()
    pure = path.startswith(("builtins.", "os.", "pathlib.", "math."))
    if pure and not any(isinstance(v, Data | Net | Prediction | Tensor) for v in arguments.deep()):
        return _pure(path, arguments)
    if path in ("builtins.int", "builtins.float", "builtins.round", "builtins.len"):
        return Unknown(("call", path, *map(key_of, arguments.positional)))
    return None


def _pure(path: str, arguments: Arguments) -> Value:
    values = list(arguments.positional)
    if path in ("builtins.int", "builtins.float") and len(values) == 1:
        number = number_in(values[0])
        if number is not None:
            return Constant(int(number) if path.endswith("int") and abs(number) < 1e15 else number)
    keys = [key_of(value) for value in (*values, *arguments.named.values())]
    return Unknown(("call", path, *keys))


def _first_batch(value: Value) -> Value | None:
    if isinstance(value, Data):
        return batch_of(value)
    return None


def _range(machine: Machine, arguments: Arguments) -> Value:
    bounds = [number_in(value) for value in arguments.positional]
    if not bounds or any(bound is None for bound in bounds):
        return Each(machine.fresh())
    known = [int(bound) for bound in bounds if bound is not None]
    try:
        count = len(range(*known)) if all(abs(bound) < 10**9 for bound in known) else None
    except (TypeError, ValueError):
        count = None
    return Each(machine.fresh(), count=count)


def _iterated(machine: Machine, name: str, first: Value) -> Value:
    """`enumerate` and progress bars."""
    if name != "enumerate":
        return first
    if isinstance(first, Items):
        return Items([Items([Constant(i), item]) for i, item in enumerate(first.items)])
    item, count, is_data, folds = loop_items(first, ("item", key_of(first)))
    data = first if isinstance(first, Data) else first.data if isinstance(first, Each) else None
    if data is None and is_data:
        data = unknown_data(("item", key_of(first)))
    return Each(Items([machine.fresh(), item]), count=count, data=data, folds=folds)


def _zipped(machine: Machine, arguments: Arguments) -> Value:
    known = [items_of(value) for value in arguments.positional]
    if all(items is not None for items in known):
        rows = zip(*[items or [] for items in known], strict=False)
        return Items([Items(list(row)) for row in rows])
    data = next((value for value in arguments.positional if isinstance(value, Data)), None)
    items = [loop_items(value, ("zip",))[0] for value in arguments.positional]
    return Each(Items(items), data=data)


def _deep_copy(machine: Machine, value: Value, node: ast.AST) -> Value:
    if isinstance(value, Net):
        return builders.copied(machine, value, node, with_weights=True)
    if isinstance(value, Items):
        return Items(list(value.items))
    return value


def data_of_class(made: Instance, arguments: Arguments) -> Value:
    """Samples behind a data set class of the file: those it is given, or those of its arguments."""
    given = [data for data in arguments.data() if data.holds != "labels"] or arguments.data()
    if given:
        return replace(given[0], holds="both", opaque=True, images_of=None, labels_of=None)
    return Data(paths=frozenset({(("origin", made.key),)}), opaque=True)


def unknown_call(machine: Machine, path: str, arguments: Arguments) -> Value:
    """A function that the text does not show."""
    last = last_name(path)
    passes = arguments.predictions()
    if passes:
        if last in _SCORES or path.startswith("sklearn.metrics"):
            machine.scored.update(passes)
        return Prediction(passes)
    layers = arguments.layers()
    if layers is not None:
        return Tensor(layers)
    data, nets = arguments.data(), arguments.nets()
    if nets and last not in _HARMLESS:
        machine.story.used += data
        _escaped(machine, path, nets, arguments)
        return nets[0] if _is_wrapper(last) else machine.fresh()
    if data:
        return _unknown_data(machine, path, data, arguments)
    return machine.fresh()


def _is_wrapper(last: str) -> bool:
    return last in ("setup", "prepare", "to_device", "wrap", "get_peft_model", "replicate")


def _escaped(machine: Machine, path: str, nets: list[Net], arguments: Arguments) -> None:
    """Networks are given to code of other files, which may do anything with them."""
    for net in nets:
        for part in net.everything():
            machine.story.escaped.add(part.number)
    if path and path.split(".")[0] not in _LIBRARIES:
        machine.cannot_see(f"what `{path}` does with {nets[0].called()}", arguments.node)


def _unknown_data(machine: Machine, path: str, data: list[Data], arguments: Arguments) -> Value:
    if last_name(path) in _HARMLESS or any(word in path for word in _PLOTS):
        return machine.fresh()
    machine.story.used += data
    if path.startswith("builtins."):
        return machine.fresh()
    site = ("call", getattr(arguments.node, "lineno", 0), machine.cell.number, path)
    return replace(data[0].selected(site), opaque=True, splits=None)
