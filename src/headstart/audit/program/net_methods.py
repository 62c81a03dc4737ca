"""Methods of networks and layers: building, freezing, training, testing."""

from collections.abc import Callable

from headstart.audit.program import freezing, functions
from headstart.audit.program.arguments import Arguments
from headstart.audit.program.attributes import layers_of, part_of
from headstart.audit.program.machine import Machine
from headstart.audit.program.names import last_name
from headstart.audit.program.nets import Change, Net
from headstart.audit.program.samples import Data
from headstart.audit.program.settings import settings_of
from headstart.audit.program.story import Testing, Training
from headstart.audit.program.torch_loops import pass_through
from headstart.audit.program.values import (
    Constant,
    Each,
    Instance,
    Items,
    Parameters,
    Prediction,
    Tensor,
    Value,
    Weights,
    key_of,
    number_in,
    truth_in,
)
from headstart.audit.program.what_data import data_of

_SELF = {
    "to", "cuda", "cpu", "half", "float", "double", "type", "apply", "summary", "build",
    "init_weights", "gradient_checkpointing_enable", "register_forward_hook",
}  # fmt: skip


def call_method(machine: Machine, net: Net, name: str, arguments: Arguments) -> Value:
    """`net.name(...)`."""
    if net.of_file is not None and name in net.of_file.methods:
        return functions.call_method(machine, net.of_file, name, net, arguments)
    method = _METHODS.get(name)
    if method is not None:
        return method(machine, net, arguments)
    if name in _SELF:
        return net
    layers = arguments.layers()
    if layers is not None:
        return Tensor(tuple(dict.fromkeys((*layers, net))))
    if any(isinstance(value, Data) for value in arguments.positional):
        return forward(machine, net, arguments)
    return machine.fresh()


def forward(machine: Machine, net: Net, arguments: Arguments) -> Value:
    """Samples, or something unknown, go through a network."""
    given = arguments.positional[:1] or list(arguments.named.values())[:1]
    if given and isinstance(given[0], Prediction):
        earlier = given[0].forwards
        for number in sorted(earlier):
            passed = pass_through(machine, net, machine.forwards[number].data, arguments.node)
            earlier |= passed.forwards
        return Prediction(earlier)
    data = data_of(given[0]) if given else None
    if data is None or not data.is_batch:
        return machine.fresh()
    return pass_through(machine, net, data, arguments.node)


def _fit(machine: Machine, net: Net, arguments: Arguments) -> Value:
    """Training by Keras; the last dictionary of curves is not followed."""
    data = data_of(arguments.first_of("x", "generator", "dataset", position=0))
    if data is None:
        return machine.fresh()
    data, validation = _validation(machine, data, arguments)
    callbacks = [v for v in arguments.deep() if isinstance(v, Instance)]
    kinds = [last_name(instance.kind) for instance in callbacks]
    picks = any(
        kind == "EarlyStopping" or (kind == "ModelCheckpoint" and _saves_best(instance))
        for kind, instance in zip(kinds, callbacks, strict=True)
    )
    machine.story.trainings.append(
        Training(
            net=net,
            data=data,
            site=machine.site(arguments.node),
            targets=data_of(arguments.get("y", 1)),
            validation=validation,
            epochs=_epochs(machine, net, arguments),
            settings=settings_of(net, arguments.get("batch_size", 2), data),
            picks=machine.place(arguments.node) if picks else None,
            stops="EarlyStopping" in kinds,
        )
    )
    _restore(machine, callbacks, net)
    return machine.fresh()


def _epochs(machine: Machine, net: Net, arguments: Arguments) -> float | None:
    """Epochs of a call of `fit`, in all rounds of the loops around it."""
    given = arguments.first_of("epochs", "nb_epoch", "num_epochs", position=3)
    last = 1.0 if given is None else number_in(given)
    first = number_in(arguments.named.get("initial_epoch", Constant(0)))
    loops = machine.epochs_of(net)
    return None if last is None or first is None or loops is None else (last - first) * loops


def _saves_best(instance: Instance) -> bool:
    return truth_in(instance.arguments.get("save_best_only")) is True


def _restore(machine: Machine, callbacks: list[Instance], net: Net) -> None:
    """Files that a callback writes hold weights of this network."""
    for instance in callbacks:
        if instance.kind.endswith("ModelCheckpoint"):
            path = instance.named("filepath", "file_path")
            if path is not None:
                machine.saved[key_of(path)] = net


def _validation(machine: Machine, data: Data, arguments: Arguments) -> tuple[Data, Data | None]:
    """Samples that are trained on, and those that validate."""
    share = arguments.first_of("validation_split", position=6)
    if share is not None and number_in(share) != 0:
        site = ("validation", machine.tick())
        return data.selected(("split", site, 0)), data.selected(("split", site, 1))
    return data, data_of(arguments.first_of("validation_data", position=7))


def _train_on_batch(machine: Machine, net: Net, arguments: Arguments) -> Value:
    data = data_of(arguments.get("x", 0))
    if data is not None:
        machine.story.trainings.append(
            Training(
                net=net,
                data=data,
                site=machine.site(arguments.node),
                settings=settings_of(net, None, data),
            )
        )
    return machine.fresh()


def _evaluate(machine: Machine, net: Net, arguments: Arguments) -> Value:
    data = data_of(arguments.first_of("x", "generator", "dataset", position=0))
    if data is None:
        return machine.fresh()
    machine.story.testings.append(
        Testing(net=net, data=data, site=machine.site(arguments.node), framework=net.framework)
    )
    return machine.fresh()


def _predict(machine: Machine, net: Net, arguments: Arguments) -> Value:
    data = data_of(arguments.first_of("x", "generator", position=0))
    if data is None:
        return machine.fresh()
    passed = pass_through(machine, net, data, arguments.node)
    machine.predicted.update(passed.forwards)
    return passed


def _compile(machine: Machine, net: Net, arguments: Arguments) -> Value:
    given = arguments.get("optimizer", 0)
    net.settings["optimizer"] = given if given is not None else Constant("rmsprop")
    net.compiled.append(Change(machine.tick(), machine.place(arguments.node)))
    return Constant(None)


def _add(machine: Machine, net: Net, arguments: Arguments) -> Value:
    """`Sequential.add`, `ModuleList.append`."""
    for value in arguments.positional:
        if isinstance(value, Net):
            net.head_new = net.head_new or bool(machine.story.learned(net, machine.clock))
            net.add(value)
    return Constant(None)


def _pop(machine: Machine, net: Net, arguments: Arguments) -> Value:
    net.head_new = True
    if net.parts:
        net.parts = net.parts[:-1]
    return machine.fresh()


def _get_layer(machine: Machine, net: Net, arguments: Arguments) -> Value:
    index = number_in(arguments.get("index", 1))
    if index is not None and net.listed and -len(net.parts) <= index < len(net.parts):
        return net.parts[int(index)]
    return part_of(machine, net, f"layer {key_of(arguments.get('name', 0) or net)}", arguments.node)


def _eval(machine: Machine, net: Net, arguments: Arguments) -> Value:
    return _set_mode(machine, net, "eval")


def _train(machine: Machine, net: Net, arguments: Arguments) -> Value:
    if arguments.data():
        return _fit(machine, net, arguments)
    given = arguments.get("mode", 0)
    truth = True if given is None else truth_in(given)
    return _set_mode(machine, net, "either" if truth is None else "train" if truth else "eval")


def _set_mode(machine: Machine, net: Net, mode: str) -> Net:
    for part in net.everything():
        part.mode = mode if machine.is_certain else "either"  # type: ignore[assignment]
    return net


def _parameters(machine: Machine, net: Net, arguments: Arguments) -> Value:
    return Each(Parameters((net,)))


def _named_parameters(machine: Machine, net: Net, arguments: Arguments) -> Value:
    return Each(Items([machine.fresh(), Parameters((net,))]))


def _children(machine: Machine, net: Net, arguments: Arguments) -> Value:
    return layers_of(machine, net, arguments.node)


def _named_children(machine: Machine, net: Net, arguments: Arguments) -> Value:
    layers = layers_of(machine, net, arguments.node)
    inside = layers.item if isinstance(layers, Each) else net
    return Each(Items([machine.fresh(), inside]))


def _requires_grad(machine: Machine, net: Net, arguments: Arguments) -> Value:
    given = arguments.get("requires_grad", 0)
    truth = True if given is None else truth_in(given)
    freezing.freeze(machine, net, None if truth is None else not truth, arguments.node)
    return net


def _state(machine: Machine, net: Net, arguments: Arguments) -> Value:
    return Weights((net,))


def _load_weights(machine: Machine, net: Net, arguments: Arguments) -> Value:
    """Weights of other networks, of a file that the program wrote, or of another."""
    given = arguments.first_of("state_dict", "weights", "filepath", position=0)
    nets: tuple[Net, ...] = given.nets if isinstance(given, Weights) else ()
    if not nets and given is not None and key_of(given) in machine.saved:
        nets = (machine.saved[key_of(given)],)
    if nets and all(source is not net for source in nets):
        freezing.copy(machine, net, nets, arguments.node)
    elif not nets:
        freezing.load(machine, net, arguments.node)
    return machine.fresh()


def _save(machine: Machine, net: Net, arguments: Arguments) -> Value:
    given = arguments.first_of("filepath", "file", position=0)
    if given is not None:
        machine.saved[key_of(given)] = net
    return Constant(None)


def _fine_tune(machine: Machine, net: Net, arguments: Arguments) -> Value:
    """Training by a learner of fastai, which holds its own data."""
    held = net.attributes.get("dls")
    data = held if isinstance(held, Data) else None
    if data is not None:
        machine.story.trainings.append(
            Training(
                net=net,
                data=data.selected(("part", "train")),
                validation=data.selected(("part", "validation")),
                site=machine.site(arguments.node),
                epochs=number_in(arguments.first_of("epochs", "n_epoch", position=0)),
                framework="fastai",
            )
        )
    return machine.fresh()


def _reset_head(machine: Machine, net: Net, arguments: Arguments) -> Value:
    net.head_new = True
    return Constant(None)


_METHODS: dict[str, Callable[[Machine, Net, Arguments], Value]] = {
    "fit": _fit, "fit_generator": _fit, "train_on_batch": _train_on_batch,
    "evaluate": _evaluate, "evaluate_generator": _evaluate, "test_on_batch": _evaluate,
    "predict": _predict, "predict_generator": _predict, "predict_on_batch": _predict,
    "predict_classes": _predict, "compile": _compile, "add": _add, "append": _add, "pop": _pop,
    "get_layer": _get_layer, "eval": _eval, "train": _train, "parameters": _parameters,
    "named_parameters": _named_parameters, "children": _children, "modules": _children,
    "named_children": _named_children, "named_modules": _named_children,
    "requires_grad_": _requires_grad, "state_dict": _state, "get_weights": _state,
    "load_state_dict": _load_weights, "set_weights": _load_weights, "load_weights": _load_weights,
    "save": _save, "save_weights": _save, "save_pretrained": _save, "fine_tune": _fine_tune,
    "fit_one_cycle": _fine_tune, "reset_classifier": _reset_head,
}  # fmt: skip
