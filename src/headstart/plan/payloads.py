"""Payloads of steps, from which keys are hashed: every field is written out by hand.

A field that comes to a spec later is absent from its payload until it is used, so that what is
stored stays valid. Never build a payload by dumping a spec.
"""

from collections.abc import Sequence
from typing import Literal, cast

from headstart.core.hashing import Json, digest
from headstart.plan.payload_types import (
    DataPayload,
    ImagesPayload,
    SubsetPayload,
    TestCutPayload,
)
from headstart.study import augment
from headstart.study import declared as nets
from headstart.study.augment import AnyAugmentation
from headstart.study.dataset_facts import DatasetFacts
from headstart.study.declared import AnyLayer
from headstart.study.network import AnyNetwork, LibraryNetwork
from headstart.study.network_facts import InputFacts
from headstart.study.network_files import FileNetwork
from headstart.study.phases import Phase
from headstart.study.tasks import DataRef, PreprocessingSpec, SplitSpec, TaskSpec
from headstart.study.training import DEFAULTS, OptimiserSpec, ScheduleSpec


def images_payload(facts: DatasetFacts, data: DataRef) -> ImagesPayload:
    """The images of a data set: its content, and of image files how they are decoded."""
    if not facts.from_files:
        return {"content": facts.content}
    return {"content": facts.content, "decoding": data.decoding.payload}


def images_name(payload: ImagesPayload) -> str:
    """A name for the images of a payload: their content, and what it is decoded to if it is."""
    if "decoding" not in payload:
        return payload["content"]
    return digest({"content": payload["content"], "decoding": payload["decoding"]})


def data_payload(
    images: ImagesPayload,
    groups: tuple[tuple[int, ...], ...],
    task: TaskSpec,
    subset: SubsetPayload | None,
    seed: int | None = None,
) -> DataPayload:
    """Training images of a task: data set, classes, validation split and subset (None: all).

    `seed` is that of the trial; it enters only where the split is repeated for every seed.
    """
    payload = _grouped(images, groups)
    payload["split"] = split_payload(task.split, seed)
    if task.alter:
        payload["alter"] = sorted(task.alter)
    if subset is not None:
        payload["subset"] = subset
    return payload


def test_payload(
    images: ImagesPayload,
    groups: tuple[tuple[int, ...], ...],
    task: TaskSpec,
    seed: int | None,
) -> DataPayload:
    """Test images of a task. Their labels are what they are, however the task is altered.

    In a repeated split they are those of a seed, or of all seeds without one.
    """
    payload = _grouped(images, groups)
    if task.split.test != "published":
        payload = cast(DataPayload, {**payload, **_test_cut(task.split, seed)})
    if "inverted_images" in task.alter:
        payload["alter"] = ["inverted_images"]
    return payload


def _grouped(images: ImagesPayload, groups: tuple[tuple[int, ...], ...]) -> DataPayload:
    payload: DataPayload = {
        "content": images["content"],
        "groups": [list(group) for group in groups],
    }
    if "decoding" in images:
        payload["decoding"] = images["decoding"]
    return payload


def split_payload(split: SplitSpec, seed: int | None = None) -> Json:
    """The split's seed enters only where something is drawn, and a trial's where it is repeated."""
    if split.by == "test":
        return {"by": "test", **_test_cut(split, seed)}
    payload: Json = {"by": split.by, "validation": split.validation}
    if split.by not in ("head", "tail"):
        payload["seed"] = split.seed
    if split.group is not None:
        payload["group"] = (
            split.group if isinstance(split.group, str) else {"pattern": split.group.pattern}
        )
    return payload | _test_cut(split, seed)


def _test_cut(split: SplitSpec, seed: int | None) -> TestCutPayload:
    """What is cut off for testing, and the part the task takes; nothing where all is usual."""
    payload: TestCutPayload = {}
    if split.take != (0, 1):
        payload["take"] = list(split.take)
    if split.test == "repeated":
        payload["test"], payload["split_seed"] = split.test, split.seed
        if seed is not None:
            payload["test_seed"] = seed
    elif split.test != "published":
        payload["test"], payload["drop_last"] = split.test, split.drop_last
    return payload


def preprocessing_payload(
    spec: PreprocessingSpec, measured_on: DataPayload | None, wanted: InputFacts | None
) -> Json:
    """`measured_on` is the data whose statistics standardise the inputs, if any do.

    `wanted` is how a library's network wants its inputs: only its number of channels counts here.
    """
    standardise = "none" if measured_on is None else spec.standardise
    payload: Json = {"scale": spec.scale, "standardise": standardise}
    if measured_on is not None:
        payload |= {"floor": spec.floor, "measured_on": measured_on}
    if wanted is not None:
        payload["channels"] = wanted.channels
    return payload


def network_inputs_payload(wanted: InputFacts, scale: Literal["unit", "none"]) -> Json:
    """Inputs as a library's network has been trained on them.

    `scale` is `unit` for bytes, and `none` for floats from 0 to 1.
    """
    payload: Json = {
        "scale": scale,
        "standardise": "network",
        "mean": list(wanted.mean),
        "deviation": list(wanted.deviation),
        "channels": wanted.channels,
    }
    if wanted.order != "rgb":
        payload["order"] = wanted.order
    return payload


def network_payload(spec: AnyNetwork) -> Json:
    """A network: all layers of a declared one, kind and name of a library's."""
    if isinstance(spec, LibraryNetwork):
        if isinstance(spec, FileNetwork):
            return {"kind": spec.kind, "content": spec.content}
        return {"kind": spec.kind, "name": spec.name}
    return {
        "stages": [
            {
                "name": stage.name,
                "layers": [layer_payload(layer, spec.initialiser) for layer in stage.layers],
            }
            for stage in spec.stages
        ],
        "head": {"output": spec.head.output, "initialiser": spec.head.initialiser},
    }


def network_files(spec: AnyNetwork) -> dict[str, str]:
    """Where the files lie that a library's network is made of, by their content."""
    return {spec.content: spec.name} if isinstance(spec, FileNetwork) else {}


def layer_payload(layer: AnyLayer, initialiser: str) -> Json:
    """One layer; one that has weights says how they are first drawn."""
    payload: Json = {"kind": layer.kind}
    match layer:
        case nets.Conv():
            payload |= {
                "channels": layer.channels,
                "kernel": layer.kernel,
                "stride": layer.stride,
                "padding": layer.padding,
                "bias": layer.bias,
                "initialiser": layer.initialiser or initialiser,
            }
        case nets.Dense():
            payload |= {
                "units": layer.units,
                "bias": layer.bias,
                "initialiser": layer.initialiser or initialiser,
            }
        case nets.MaxPool() | nets.AveragePool():
            payload |= {"size": layer.size}
        case nets.LeakyRelu():
            payload |= {"slope": layer.slope}
        case nets.Dropout():
            payload |= {"rate": layer.rate}
        case nets.BatchNorm():
            payload |= {"momentum": layer.momentum, "epsilon": layer.epsilon}
    return payload


def phase_payload(phase: Phase) -> Json:
    """Rules in order and the number of updates; the solver where it is another than updates."""
    payload: Json = {
        "rules": [
            {
                "first": rule.first,
                "last": rule.last,
                "kind": rule.kind,
                "lr_scale": rule.lr_scale,
                "mode": rule.mode,
            }
            for rule in phase.rules
        ],
        "updates": phase.updates,
    }
    if phase.solver != "updates":
        payload["solver"] = phase.solver
    return payload


def optimiser_payload(spec: OptimiserSpec) -> Json:
    """The settings that this kind of optimiser has; whose defaults filled them does not matter."""
    names = {*DEFAULTS["torch"][spec.kind], "weight_decay"}
    if spec.kind == "sgd":
        names.add("nesterov")
    if spec.epsilon_inside:
        names.add("epsilon_inside")
    return {"kind": spec.kind, **{name: getattr(spec, name) for name in sorted(names)}}


def augment_payload(augmentations: Sequence[AnyAugmentation]) -> list[Json]:
    """The settings of each augmentation in order."""
    return [_augmentation_payload(one) for one in augmentations]


def _augmentation_payload(given: AnyAugmentation) -> Json:
    payload: Json = {"kind": given.kind}
    match given:
        case augment.Flip():
            payload |= {"vertical": given.vertical, "p": given.p}
        case augment.Crop():
            payload |= {"padding": given.padding}
        case augment.ResizedCrop():
            payload |= {"smallest": given.smallest}
        case augment.Colour():
            payload |= {
                "brightness": given.brightness,
                "contrast": given.contrast,
                "saturation": given.saturation,
                "hue": given.hue,
            }
        case augment.RandAugment():
            payload |= {"operations": given.operations, "magnitude": given.magnitude}
    return payload


def schedule_payload(spec: ScheduleSpec) -> Json:
    """Kind and warm-up."""
    return {"kind": spec.kind, "warmup": spec.warmup}
