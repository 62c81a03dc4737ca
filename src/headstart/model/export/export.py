"""Export of a trained model by the suffix of the file, with a model card beside it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from headstart.analyse.model_quality import ModelQuality, model_quality
from headstart.analyse.text import listed, percent
from headstart.core.errors import ExportError, OutputError, nearest
from headstart.core.files import obstacle, write_whole
from headstart.model.export.agreement import NUM_IMAGES, Answer, require_agreement
from headstart.model.export.card import model_card
from headstart.model.export.names import INPUT, OUTPUT
from headstart.model.opened import OpenedModel
from headstart.model.predictor import Predictor
from headstart.study.network_files import FileNetwork

PREDICTED_AT_ONCE = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written, and what is to be said of it, a sentence each."""

    files: tuple[Path, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A model in one form, checked.

    Attributes:
        files: content by path.
        use: how it is used, a sentence each.
        notes: what was found when it was checked, a sentence each.
        quality: of the form itself on the test images; None where it is the network's.
    """

    files: dict[Path, bytes]
    use: tuple[str, ...]
    notes: tuple[str, ...]
    quality: ModelQuality | None = None


Writer = Callable[[OpenedModel, Path], Form]


def export_model(opened: OpenedModel, path: Path, *, int8: bool = False) -> Exported:
    """Write a trained model to `path`, and its card to the same name with `.md`.

    Nothing is written before all of it has been checked; each file is written whole or not at all.

    Raises:
        ExportError: there is no such form, or the model cannot be written in it.
        OutputError: the file cannot be written.
        DataError: images to check it on are not there any more.
    """
    write = _writer(path, int8)
    if opened.model.dtype != "uint8" and path.suffix.lower() != ".safetensors":
        raise ExportError(
            f"the model was trained on images of {opened.model.dtype}, and a {path.suffix} takes "
            "bytes. Export it as .safetensors, or train it on images of bytes (uint8)."
        )
    card = path.with_name(f"{path.name}.md")
    for target in (path, card):
        if why := obstacle(target, folder=False):
            raise OutputError(f"{target} cannot be written: {why}. Give another FILE.")
    form = write(opened, path)
    quality = form.quality or opened.model.origin.test
    text = model_card(opened, path.name, quality, use=form.use, notes=form.notes)
    files = {**form.files, card: text.encode()}
    for target, content in files.items():
        try:
            write_whole(target, content)
        except OSError as error:
            raise OutputError(f"{target} cannot be written: {error.strerror or error}.") from error
    return Exported(files=tuple(files), notes=form.notes)


def _writer(path: Path, int8: bool) -> Writer:
    suffix = path.suffix.lower()
    if suffix not in WRITERS:
        raise ExportError(
            f"{path}: there is no export to '{suffix or path.name}'. A FILE ends in "
            f"{listed(tuple(WRITERS), 'or')}. {nearest(suffix, WRITERS)}".rstrip()
        )
    if int8 and suffix != ".onnx":
        raise ExportError(f"--int8 is for ONNX: give a FILE that ends in .onnx, not in {suffix}.")
    return _int8 if int8 else WRITERS[suffix]


def _onnx(opened: OpenedModel, path: Path) -> Form:
    from headstart.model.export.onnx_file import in_onnxruntime, onnx_model

    content = onnx_model(opened.model, metadata_of(opened)).SerializeToString()
    agreed = _agreement(opened, "ONNX in onnxruntime", in_onnxruntime(content))
    return Form(files={path: content}, use=_graph_use(opened), notes=(agreed,))


def _int8(opened: OpenedModel, path: Path) -> Form:
    from headstart.model.export.int8 import CALIBRATION_IMAGES, quantised
    from headstart.model.export.onnx_file import in_onnxruntime, onnx_model

    proto = onnx_model(opened.model, metadata_of(opened))
    exact = proto.SerializeToString()
    agreed = _agreement(
        opened, "ONNX in onnxruntime, before it was quantised,", in_onnxruntime(exact)
    )
    content = quantised(proto, opened.images.training(CALIBRATION_IMAGES))
    before, after = (_tested(opened, in_onnxruntime(bytes_)) for bytes_ in (exact, content))
    if after.accuracy < before.low:
        raise ExportError(
            f"int8 is right on {percent(after.accuracy)} % of {after.num_images:,} test images; "
            f"float32 is on {percent(before.accuracy)} % [{percent(before.low)}, "
            f"{percent(before.high)}]. Below that interval nothing is written: export it without "
            "--int8."
        )
    notes = (
        agreed,
        f"int8: {_megabytes(exact)} and {percent(before.accuracy)} % right on "
        f"{before.num_images:,} test images became {_megabytes(content)} and "
        f"{percent(after.accuracy)} % (at least {percent(before.low)} % was asked for).",
    )
    return Form(files={path: content}, use=_graph_use(opened), notes=notes, quality=after)


def _pt2(opened: OpenedModel, path: Path) -> Form:
    from headstart.model.export.torch_file import in_torch, pt2_bytes

    content = pt2_bytes(opened.model, metadata_of(opened))
    agreed = _agreement(opened, "The program in PyTorch", in_torch(content))
    return Form(files={path: content}, use=_graph_use(opened), notes=(agreed,))


def _safetensors(opened: OpenedModel, path: Path) -> Form:
    from headstart.model.export.timm_folder import timm_config
    from headstart.model.serialised import from_bytes, to_bytes

    content = to_bytes(opened.model)
    agreed = _agreement(
        opened, "The file, read back,", Predictor(from_bytes(content)).probabilities
    )
    files, use = {path: content}, [SAFETENSORS_USE]
    if isinstance(opened.model.network, FileNetwork):
        use.append(f"To open it, {opened.model.network.name} must be there as in the study.")
    config = timm_config(opened.model, path.parent)
    if config is not None:
        beside, folder = path.with_name("config.json"), f"'local-dir:{path.parent}'"
        _check_config(beside)
        files[beside] = config
        use.append(f"timm opens the folder: timm.create_model({folder}, pretrained=True).")
    return Form(files=files, use=tuple(use), notes=(agreed,))


def _keras(opened: OpenedModel, path: Path) -> Form:
    from headstart.model.export.keras_file import in_keras, keras_bytes

    content = keras_bytes(opened.model, metadata_of(opened))
    agreed = _agreement(opened, "The file in Keras", in_keras(content))
    use = f"keras.models.load_model(FILE) opens it. It takes pixels as floats, {_pixels(opened)}."
    return Form(files={path: content}, use=(use,), notes=(agreed,))


WRITERS: Mapping[str, Writer] = {
    ".onnx": _onnx,
    ".safetensors": _safetensors,
    ".pt2": _pt2,
    ".keras": _keras,
}


def metadata_of(opened: OpenedModel) -> dict[str, str]:
    """Classes, input, decoding of files and origin, each as JSON, for formats that hold texts."""
    height, width, channels = opened.model.pixels
    known = {
        "classes": opened.model.classes,
        "input": {
            "type": "uint8",
            "shape": ["batch", height, width, channels],
            "colour": opened.model.decoding.colour,
            "range": [0, 255],
        },
        "decoding": asdict(opened.model.decoding),
        "origin": asdict(opened.model.origin),
    }
    return {name: json.dumps(value) for name, value in known.items()}


SAFETENSORS_USE = (
    "Weights by name; the metadata hold classes, scaling and origin as JSON. "
    "`headstart.load_model(FILE)` and `headstart predict FILE IMAGE...` open it."
)


def _graph_use(opened: OpenedModel) -> tuple[str, ...]:
    return (
        f"Input `{INPUT}`: uint8, {_pixels(opened)}. Scaling and normalisation are inside.",
        f"Output `{OUTPUT}`: float32 (batch, classes), in the order of the classes below.",
    )


def _pixels(opened: OpenedModel) -> str:
    height, width, channels = opened.model.pixels
    colour = "RGB" if channels == 3 else "grey"
    return f"(batch, {height}, {width}, {channels}), {colour}, values 0 to 255"


def _check_config(path: Path) -> None:
    """Refuse to write over a config.json that is of something else than a network."""
    if path.exists() and b'"architecture"' not in path.read_bytes():
        raise OutputError(
            f"{path} would be written for timm, but is there and is no network's. Export into "
            "another folder."
        )


def _agreement(opened: OpenedModel, what: str, exported: Answer) -> str:
    network = Predictor(opened.model, "cpu").probabilities
    pixels = opened.images.training(NUM_IMAGES)
    largest = require_agreement(what, exported, network, pixels)
    return (
        f"{what} agrees with the network on {len(pixels)} training images, one by one and "
        f"together: probabilities differ by {largest:.1g} at most."
    )


def _tested(opened: OpenedModel, answer: Answer) -> ModelQuality:
    """Quality on the test images of the study, those that leaked left out."""
    test = opened.images.test()
    probabilities = np.concatenate([answer(part) for part in test.batches(PREDICTED_AT_ONCE)])
    return model_quality(test.labels, probabilities.argmax(1), probabilities)


def _megabytes(content: bytes) -> str:
    return f"{len(content) / 1e6:.2g} MB"
