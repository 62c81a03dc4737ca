"""Model card of an exported model, in Markdown: data, protocol, accuracy, limits, licences."""

from collections.abc import Iterable, Iterator, Sequence

from headstart.analyse.analysis import Analysis, ArmResult
from headstart.analyse.cells import cell_of
from headstart.analyse.model_quality import ModelQuality
from headstart.analyse.text import bracketed, percent, points, printable
from headstart.core.version import __version__
from headstart.model.licence import checkpoint_sentences, rested_on
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
    opened: OpenedModel,
    file: str,
    quality: ModelQuality | None,
    *,
    use: Sequence[str],
    notes: Sequence[str],
) -> str:
    """The card of an exported model.

    Args:
        opened: the model.
        file: name of the file that holds it.
        quality: of what the file computes, on the test images.
        use: how the file is used, a sentence each.
        notes: what was checked of the file, a sentence each.
    """
    model, analysis = opened.model, opened.analysis
    sections = {
        "Use": [*use, f"Decoding and resizing are not inside: {decoding_sentence(model)}"],
        "Data": _data(opened),
        "Training": _training(opened),
        "Accuracy": [accuracy_sentence(quality), *_compared(analysis, model.origin)],
        "Calibration": [calibration_sentence(quality)],
        "Limits": _limits(opened),
        "Licences": _licences(opened),
        "This file": [*notes, f"Written by headstart {__version__}."],
    }
    title = f"# {file}\n\nModel: {identity(model.origin)}.\n\n{analysis.headline}"
    body = [f"## {name}\n\n{_items(lines)}" for name, lines in sections.items()]
    rules = "\n".join(f"| {_cell(rule)} | {_cell(text)} |" for rule, text in analysis.protocol)
    protocol = f"## Protocol\n\n| rule | setting |\n| --- | --- |\n{rules}"
    return printable("\n\n".join([title, *body, protocol])) + "\n"


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
    yield f"Network: {opened.model.network_name}."
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
    measured, seeds = analysis.accuracy_on("test").capitalize(), len(result.seeds)
    yield f"{measured}, mean over {seeds} seeds of this arm: {percent(result.mean)} %{sd}."
    for comparison in analysis.comparisons:
        if cell_of(comparison) == cell_of(origin):
            interval = bracketed(comparison.low_pp, comparison.high_pp)
            yield (
                f"Against {comparison.control}{_what(analysis)}: "
                f"{points(comparison.gain_pp)} points {interval}, verdict: {comparison.verdict} "
                f"({comparison.why})."
            )


def _what(analysis: Analysis) -> str:
    """What the control is, in brackets."""
    whats = [note.what for note in analysis.arm_notes if note.arm == analysis.control]
    return "".join(f" ({what})" for what in whats)


def _limits(opened: OpenedModel) -> Iterator[str]:
    yield (
        "It answers with one of its classes for any image, also for one that shows none of them. "
        "Accuracy holds for images like the test images."
    )
    failed = (*opened.analysis.failed_gates("invalid"), *opened.analysis.failed_gates("caveat"))
    yield from (f"{gate.title}: {gate.message}" for gate in failed)


def _licences(opened: OpenedModel) -> Iterator[str]:
    for task in opened.analysis.tasks:
        if task.name in _tasks_of(opened):
            licence = task.licence or "not known to headstart; ask who gave them"
            yield f"Licence of the data of {task.name}: {licence}."
    sentences = checkpoint_sentences(opened)
    yield from sentences or ("No checkpoint is in this model: all weights were drawn and trained.",)


def _tasks_of(opened: OpenedModel) -> tuple[str | None, ...]:
    """The tasks whose images the model has learnt from."""
    origin = opened.model.origin
    source = rested_on(opened)
    return (origin.target, source.task if source else None)


def _result(analysis: Analysis, origin: Origin) -> ArmResult:
    return next(result for result in analysis.arms if cell_of(result) == cell_of(origin))


def _items(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
