"""Networks and layers that frameworks and collections of models build."""

import ast

from headstart.audit.program.arguments import Arguments
from headstart.audit.program.freezing import copy, freeze
from headstart.audit.program.machine import Machine
from headstart.audit.program.names import last_name
from headstart.audit.program.nets import Framework, Net, Origin
from headstart.audit.program.values import (
    Constant,
    Instance,
    Items,
    Table,
    Tensor,
    Value,
    Weights,
    key_of,
    text_in,
    truth_in,
)

_CONTAINERS = {"Sequential", "ModuleList", "ModuleDict"}
_NOT_LAYERS = {
    "Parameter", "CrossEntropyLoss", "BCELoss", "MSELoss", "NLLLoss", "BCEWithLogitsLoss", "Module",
    "L1Loss", "KLDivLoss", "SmoothL1Loss", "Variable",
}  # fmt: skip
_NOT_NETS = ("Tokenizer", "Processor", "FeatureExtractor", "Config", "Dataset", "Pipeline")


def build(machine: Machine, path: str, arguments: Arguments) -> Value | None:
    """A network, a layer or a symbolic input; None if the name is of none."""
    last = last_name(path)
    if last == "Input" and not path.startswith("builtins."):
        return Tensor(())
    if last in _CONTAINERS:
        return _container(machine, path, arguments)
    if path in ("keras.Model", "keras.models.Model", "keras.engine.training.Model") or (
        last == "Model" and arguments.layers() is not None
    ):
        return _functional(machine, path, arguments)
    if last == "clone_model":
        return _clone(machine, arguments)
    if last in ("load_model", "load_learner", "load_from_checkpoint", "from_pretrained_keras"):
        return _loaded(machine, path, arguments)
    if last == "from_pretrained" and not path.split(".")[-2].endswith(_NOT_NETS):
        return _of_collection(machine, path, arguments, "pretrained")
    if path in ("torch.save", "torch.load"):
        return _torch_file(machine, last, arguments)
    return _by_family(machine, path, last, arguments)


def _by_family(machine: Machine, path: str, last: str, arguments: Arguments) -> Value | None:
    """Layers, and networks of collections."""
    if path.startswith(("keras.layers.", "torch.nn.")) or ".layers." in path:
        if last[:1].isupper() and last not in _NOT_LAYERS and not last.endswith("Loss"):
            return _layer(machine, path, arguments)
        return None
    if path.startswith(("keras.applications.", "keras_cv.models.", "keras_hub.")):
        return _application(machine, path, arguments) if last[:1].isupper() else None
    if path.startswith("torchvision.models.") and not last.endswith("_Weights"):
        return _torchvision(machine, path, arguments) if "Weights" not in path else None
    if last == "create_model" and "timm" in path:
        return _of_collection(machine, path, arguments, _by_flag(arguments, "pretrained", 1))
    if path == "torch.hub.load":
        return _of_collection(machine, path, arguments, _by_flag(arguments, "pretrained", 9, True))
    if last == "KerasLayer":
        return _of_collection(machine, path, arguments, "pretrained")
    if last in ("vision_learner", "cnn_learner", "Learner", "unet_learner"):
        return _learner(machine, path, last, arguments)
    return None


def _framework(path: str) -> Framework:
    is_keras = path.startswith(("keras", "tensorflow")) or "eras" in path
    return "keras" if is_keras else "torch"


def _container(machine: Machine, path: str, arguments: Arguments) -> Value:
    """`Sequential`: of Keras given a list, of PyTorch given its layers."""
    is_list = isinstance(arguments.get("layers", 0), Items) or not arguments.positional
    is_keras = not path.startswith("torch") and (path.startswith("keras") or is_list)
    net = machine.new_net(path, "keras" if is_keras else "torch", arguments.node)
    net.listed = net.whole_known = True
    for value in arguments.deep():
        if isinstance(value, Net):
            net.add(value)
    return net


def _functional(machine: Machine, path: str, arguments: Arguments) -> Value:
    net = machine.new_net(path, "keras", arguments.node)
    outputs = arguments.first_of("outputs", "output", position=1)
    net.listed = net.whole_known = True
    layers = Arguments([outputs] if outputs is not None else [], {}, arguments.node).layers()
    for layer in layers or ():
        net.add(layer)
    return net


def _layer(machine: Machine, path: str, arguments: Arguments) -> Value:
    net = machine.new_net(path, "torch" if path.startswith("torch") else "keras", arguments.node)
    net.whole_known = True
    if _brings_weights(arguments):
        net.origin = "unknown"
    if truth_in(arguments.named.get("trainable")) is False:
        freeze(machine, net, True, arguments.node)
    for value in arguments.deep():  # a wrapper around another layer
        if isinstance(value, Net):
            net.add(value)
    layers = arguments.layers()
    return net if layers is None else Tensor((*layers, net))


def _brings_weights(arguments: Arguments) -> bool:
    """Whether a layer is given its weights, such as those of known words."""
    return any(
        name == "weights" or (isinstance(value, Instance) and value.kind.endswith("Constant"))
        for name, value in arguments.named.items()
    )


def _of_collection(machine: Machine, path: str, arguments: Arguments, origin: Origin) -> Net:
    name = text_in(arguments.get("model_name", 0)) if "create_model" in path else None
    net = machine.new_net(name or path, _framework(path), arguments.node, origin=origin)
    net.head_new = "num_classes" in arguments.named or "num_labels" in arguments.named
    if truth_in(arguments.named.get("trainable")) is False:
        freeze(machine, net, True, arguments.node)
    return net


def _by_flag(arguments: Arguments, name: str, position: int, default: bool = False) -> Origin:
    given = arguments.get(name, position)
    truth = default if given is None else truth_in(given)
    return "unknown" if truth is None else "pretrained" if truth else "fresh"


def _application(machine: Machine, path: str, arguments: Arguments) -> Value:
    """A network of `keras.applications`: pretrained unless `weights=None`."""
    given = arguments.get("weights", 1)
    origin: Origin = "pretrained"
    if isinstance(given, Constant):
        origin = "fresh" if given.value is None else "pretrained"
    elif given is not None:
        origin = "unknown"
    net = _of_collection(machine, path, arguments, origin)
    head = truth_in(arguments.get("include_top", 0))
    net.head_new = head is False
    tensor = arguments.named.get("input_tensor")
    if isinstance(tensor, Tensor):
        for layer in tensor.layers:
            net.add(layer)
    return net


def _torchvision(machine: Machine, path: str, arguments: Arguments) -> Value | None:
    """A network of `torchvision.models`: fresh unless weights are named."""
    last = last_name(path)
    given = arguments.first_of("weights", "pretrained")
    if last == "get_model":
        given = arguments.first_of("weights", position=1)
    elif given is None and arguments.positional:
        given = arguments.positional[0]
    origin: Origin = "fresh"
    if isinstance(given, Constant):
        origin = "pretrained" if given.value else "fresh"
    elif given is not None:
        origin = "pretrained"
    return _of_collection(machine, path, arguments, origin)


def _learner(machine: Machine, path: str, last: str, arguments: Arguments) -> Value:
    """A learner of fastai: its network, and the data that it holds."""
    given = arguments.get("pretrained")
    truth = last != "Learner" if given is None else truth_in(given)
    net = _of_collection(machine, path, arguments, "pretrained" if truth else "fresh")
    held = arguments.get("dls", 0)
    if held is not None:
        net.attributes["dls"] = held
    inner = arguments.get("model", 1)
    if isinstance(inner, Net):
        net.add(inner)
    return net


def _clone(machine: Machine, arguments: Arguments) -> Value:
    model = arguments.get("model", 0)
    if isinstance(model, Net):
        return copied(machine, model, arguments.node, with_weights=False)
    return machine.new_net("keras.models.clone_model", "keras", arguments.node)


def copied(machine: Machine, net: Net, node: ast.AST, *, with_weights: bool) -> Net:
    """A network of the same architecture, with the same weights or with fresh ones."""
    origin = net.origin if with_weights else "fresh"
    twin = machine.new_net(net.kind, net.framework, node, origin=origin)
    twin.listed, twin.whole_known, twin.of_file = net.listed, net.whole_known, net.of_file
    twin.freezing, twin.mode = list(net.freezing), net.mode
    if with_weights:
        twin.copies, twin.loads = list(net.copies), list(net.loads)
        copy(machine, twin, (net,), node)
    else:
        twin.clone_of = net
    for part in net.parts:
        other = copied(machine, part, node, with_weights=with_weights)
        twin.add(other)
        for name, value in net.attributes.items():
            if value is part:
                twin.attributes[name] = other
    return twin


def _loaded(machine: Machine, path: str, arguments: Arguments) -> Value:
    """A network read from a file: one that the program wrote, or another."""
    given = arguments.first_of("filepath", "checkpoint_path", position=0)
    if given is not None and key_of(given) in machine.saved:
        net = machine.saved[key_of(given)]
        return copied(machine, net, arguments.node, with_weights=True)
    return machine.new_net(path, _framework(path), arguments.node, origin="pretrained")


def _torch_file(machine: Machine, last: str, arguments: Arguments) -> Value:
    given = arguments.get("f", 0 if last == "load" else 1)
    key = None if given is None else key_of(given)
    if last == "load":
        if key in machine.saved:
            return Weights((machine.saved[key],))
        return machine.fresh()
    saved = arguments.get("obj", 0)
    inside = list(saved.items.values()) if isinstance(saved, Table) else [saved]
    for value in inside:
        if isinstance(value, Weights) and key is not None:
            machine.saved[key] = value.nets[0]
        elif isinstance(value, Net) and key is not None:
            machine.saved[key] = value
    return Constant(None)
