"""Methods of objects of other modules: trainers, generators, scalers, folds."""

from headstart.audit.program import datasets, other_modules
from headstart.audit.program.arguments import Arguments
from headstart.audit.program.machine import Machine
from headstart.audit.program.names import last_name
from headstart.audit.program.nets import Net
from headstart.audit.program.samples import Data
from headstart.audit.program.story import Testing, Training
from headstart.audit.program.torch_loops import trained_on
from headstart.audit.program.values import (
    Constant,
    Each,
    Instance,
    Items,
    Unknown,
    Value,
    key_of,
    number_in,
    truth_in,
)
from headstart.audit.program.what_data import data_of

_OF_TRAINERS = {"fit", "train", "test", "evaluate", "validate", "predict"}


def call_method(machine: Machine, owner: Instance, name: str, arguments: Arguments) -> Value:
    """`owner.name(...)` of an object that another module made."""
    last = last_name(owner.kind)
    if last == "ImageDataGenerator" and name.startswith("flow"):
        return datasets.flow(machine, owner, name, arguments)
    if last in ("Trainer", "Seq2SeqTrainer") and name in _OF_TRAINERS:
        return _trainer(machine, owner, name, arguments)
    if name in ("gradient", "compute_gradients"):
        trained_on(machine, arguments.predictions(), arguments.node)
        return machine.fresh()
    if name == "split":
        return _folds(machine)
    if name in ("fit_transform", "transform", "fit"):
        return _scaled(machine, owner, name, arguments)
    if name in ("dataloaders", "load") and ("Data" in last):
        return Data(paths=frozenset({(("origin", owner.key),)}), opaque=True)
    if name in ("prepare", "setup", "setup_module", "setup_dataloaders"):
        values = arguments.positional
        return values[0] if len(values) == 1 else Items(list(values))
    if name in ("set_seed", "manual_seed"):
        return other_modules.call_external(machine, name, arguments)
    if "Metric" in last or last in ("Accuracy", "SparseCategoricalAccuracy", "Mean"):
        machine.scored.update(arguments.predictions())
    return other_modules.unknown_call(machine, f"{owner.kind}.{name}", arguments)


def _folds(machine: Machine) -> Value:
    """Folds: training indices and test indices for each."""
    fold = ("fold", machine.tick())
    pair: list[Value] = [Unknown((*fold, "train")), Unknown((*fold, "test"))]
    return Each(Items(pair), folds=True)


def _scaled(machine: Machine, owner: Instance, name: str, arguments: Arguments) -> Value:
    given = arguments.positional[0] if arguments.positional else None
    data = data_of(given)
    last = last_name(owner.kind)
    if data is None:
        return machine.fresh()
    if name.startswith("fit"):
        owner.attributes.setdefault("fitted on", data)
    if name == "fit":
        return owner
    if data.holds == "labels" or "Encoder" in last or "Binarizer" in last:
        return data
    fitted = owner.attributes.get("fitted on")
    scaled = data.scaled("standardised")
    if isinstance(fitted, Data) and "Scaler" in last:
        return scaled.updated(statistics=fitted.paths)
    return scaled


def _trainer(machine: Machine, owner: Instance, name: str, arguments: Arguments) -> Value:
    """A trainer of Lightning, which is given its network, or of Transformers, which holds it."""
    held = owner.named("model", "0")
    if isinstance(held, Net) and not isinstance(arguments.get("model", 0), Net):
        return _of_transformers(machine, owner, held, name, arguments)
    net = arguments.get("model", 0)
    if not isinstance(net, Net):
        return machine.fresh()
    loaders = arguments.first_of(
        "train_dataloaders", "dataloaders", "train_dataloader", "datamodule", position=1
    )
    data = data_of(loaders)
    if data is None:
        return machine.fresh()
    machine.story.used.append(data)
    site = machine.site(arguments.node)
    if name == "fit":
        validation = data_of(arguments.first_of("val_dataloaders", "val_dataloader", position=2))
        kinds = _kinds(owner)
        machine.story.trainings.append(
            Training(
                net=net,
                data=data if "datamodule" not in arguments.named else data.selected("fit"),
                validation=validation,
                site=site,
                epochs=number_in(owner.named("max_epochs")),
                picks=machine.place(arguments.node) if kinds & _PICKING else None,
                stops="EarlyStopping" in kinds,
                framework="lightning",
            )
        )
    elif name in ("test", "predict"):
        tested = data if "datamodule" not in arguments.named else data.selected("test")
        machine.story.testings.append(
            Testing(net=net, data=tested, site=site, framework="lightning")
        )
    return machine.fresh()


_PICKING = {"ModelCheckpoint", "EarlyStopping"}


def _kinds(owner: Instance) -> set[str]:
    given = owner.named("callbacks")
    inside = given.items if isinstance(given, Items) else [given]
    return {last_name(one.kind) for one in inside if isinstance(one, Instance)}


def _of_transformers(
    machine: Machine, owner: Instance, net: Net, name: str, arguments: Arguments
) -> Value:
    settings = owner.named("args", "1")
    site = machine.site(arguments.node)
    validation = data_of(owner.named("eval_dataset"))
    if name == "train":
        data = data_of(owner.named("train_dataset"))
        given = settings.arguments if isinstance(settings, Instance) else {}
        if data is not None:
            machine.story.trainings.append(
                Training(
                    net=net,
                    data=data,
                    validation=validation,
                    site=site,
                    epochs=number_in(given.get("num_train_epochs")),
                    picks=machine.place(arguments.node)
                    if truth_in(given.get("load_best_model_at_end"))
                    else None,
                    framework="transformers",
                )
            )
        _seed_of(machine, given, arguments)
        return machine.fresh()
    data = data_of(arguments.first_of("eval_dataset", "test_dataset", position=0)) or validation
    if data is not None:
        machine.story.testings.append(
            Testing(net=net, data=data, site=site, framework="transformers")
        )
    return machine.fresh()


def _seed_of(machine: Machine, given: dict[str, Value], arguments: Arguments) -> None:
    """`TrainingArguments` have a seed by default."""
    seed = given.get("seed", Constant(42))
    machine.seed_with(key_of(seed), arguments.node)
