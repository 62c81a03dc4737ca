"""Model card of an exported model, in Markdown: data, protocol, accuracy, limits, licences."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from headstart.analyse.analysis import Analysis, ArmResult
from headstart.analyse.cells import cell_of
from headstart.analyse.model_quality import ModelQuality
from headstart.analyse.text import bracketed, percent, points, printable
from headstart.core.version import __version__
from headstart.model.licence import checkpoint_sentences
from headstart.model.opened import OpenedModel
from headstart.model.sentences import (
    accuracy_sentence,
    calibration_sentence,
    decoding_sentence,
    identity,
)
from headstart.model.trained import Origin

CLASSES_SHOWN = 100


def model_card(
    opened: OpenedModel, path: Path, quality: ModelQuality | None, notes: Sequence[str]
) -> str:
    """The card of an exported model.

    Args:
        opened: the model.
        path: the file that holds it.
        quality: of what the file computes, on the test images.
        notes: what was checked of the file.
    """
    model, analysis = opened.model, opened.analysis
    sections = {
        "Use": _use(opened, path),
        "Data": _data(opened),
        "Training": _training(opened),
        "Accuracy": [accuracy_sentence(quality), *_compared(analysis, model.origin)],
        "Calibration": [calibration_sentence(quality)],
        "Limits": _limits(opened),
        "Licences": _licences(opened),
        "This file": [*notes, f"Written by headstart {__version__}."],
    }
    title = f"# {path.name}\n\nModel: {identity(model.origin)}.\n\n{analysis.headline}"
    body = [f"## {name}\n\n{_items(lines)}" for name, lines in sections.items()]
    rules = "\n".join(f"| {_cell(rule)} | {_cell(text)} |" for rule, text in analysis.protocol)
    protocol = f"## Protocol\n\n| rule | setting |\n| --- | --- |\n{rules}"
    return printable("\n\n".join([title, *body, protocol])) + "\n"


def _use(opened: OpenedModel, path: Path) -> Iterator[str]:
    height, width, channels = opened.model.pixels
    colour = "RGB" if channels == 3 else "grey"
    if path.suffix.lower() == ".safetensors":
        yield (
            "Weights by name. The metadata hold classes, scaling and origin as JSON; "
            "`headstart.load_model(FILE)` opens the file."
        )
    else:
        yield (
            f"Input `pixels`: uint8 (batch, {height}, {width}, {channels}), {colour}, values 0 to "
            "255. Scaling and normalisation are inside."
        )
        yield "Output `probabilities`: float32 (batch, classes), in the order of the classes below."
    yield f"Resizing is not inside, do it before: {decoding_sentence(opened.model)}"


def _data(opened: OpenedModel) -> Iterator[str]:
    origin = opened.model.origin
    (task,) = (task for task in opened.analysis.tasks if task.name == origin.target)
    yield f"Data set: {task.dataset}{f' ({task.note})' if task.note else ''}."
    yield (
        f"Images: {origin.num_images:,} of {task.num_train:,} for training, "
        f"{task.num_validation:,} for validation, {task.num_test:,} for testing."
    )
    classes = opened.model.classes
    more = f" and {len(classes) - CLASSES_SHOWN:,} more" if len(classes) > CLASSES_SHOWN else ""
    yield f"Classes ({len(classes):,}): {', '.join(classes[:CLASSES_SHOWN])}{more}."


def _training(opened: OpenedModel) -> Iterator[str]:
    origin = opened.model.origin
    yield f"Study '{origin.study}': {opened.analysis.question or 'no question was written down'}"
    network = opened.study.network_of(
        next(
            p for p in opened.study.pairs if (p.source, p.target) == (origin.source, origin.target)
        )
    )
    yield f"Network: {network if hasattr(network, 'kind') else 'declared in the study'}."
    result = _result(opened.analysis, origin)
    yield (
        f"Arm {origin.arm}: {result.trainable_parameters:,} of {result.total_parameters:,} "
        f"parameters trained, {result.updates:,} updates, seed {origin.seed}."
    )
    yield f"Chosen: {opened.why}."
    yield f"Training steps: {', '.join(key[:12] for key in origin.steps)}."
    versions = "; ".join(f"{name} {value}" for name, value in opened.analysis.environment)
    yield f"Environment: {versions}."


def _compared(analysis: Analysis, origin: Origin) -> Iterator[str]:
    """The arm over its seeds, and against the control."""
    result = _result(analysis, origin)
    sd = "" if result.sd is None else f" ± {percent(result.sd)}"
    yield f"Mean over {len(result.seeds)} seeds of this arm: {percent(result.mean)} %{sd}."
    for comparison in analysis.comparisons:
        if cell_of(comparison) == cell_of(origin):
            interval = bracketed(comparison.low_pp, comparison.high_pp)
            yield (
                f"Against {comparison.control}, which learns the same images without the source: "
                f"{points(comparison.gain_pp)} points {interval}, verdict: {comparison.verdict} "
                f"({comparison.why})."
            )


def _limits(opened: OpenedModel) -> Iterator[str]:
    yield (
        "It answers with one of its classes for any image, also for one that shows none of them. "
        "Accuracy holds for images like the test images."
    )
    failed = (*opened.analysis.failed_gates("invalid"), *opened.analysis.failed_gates("caveat"))
    yield from (f"{gate.title}: {gate.message}" for gate in failed)


def _licences(opened: OpenedModel) -> Iterator[str]:
    origin = opened.model.origin
    (task,) = (task for task in opened.analysis.tasks if task.name == origin.target)
    yield f"Licence of the data: {task.licence or 'not known to headstart; ask who gave them'}."
    sentences = checkpoint_sentences(opened)
    yield from sentences or ("No checkpoint is in this model: all weights were drawn and trained.",)


def _result(analysis: Analysis, origin: Origin) -> ArmResult:
    return next(result for result in analysis.arms if cell_of(result) == cell_of(origin))


def _items(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
