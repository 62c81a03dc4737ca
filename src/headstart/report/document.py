"""JSON document of a study: the contract for scripts. Its schema is `study.schema.json`.

Values and schema follow from the types of the Analysis; `_FIELDS` and `_PARTS` select the fields.
Accuracies are fractions, fields that end in `_pp` are percentage points, null is a missing value
(the spread of one seed, the mean of none).
"""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from types import GenericAlias
from typing import Any, get_type_hints

from headstart.analyse.analysis import (
    Analysis,
    ArmResult,
    Attribution,
    Comparison,
    Gate,
    Mistakes,
    PublishedFigure,
)
from headstart.report.run_summary import RunSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Fields of a record that the document shows; `nullable` ones are null without any seed."""

    name: str
    description: str
    record: type
    fields: tuple[str, ...]
    nullable: frozenset[str] = frozenset()

    def values(self, record: Any) -> dict[str, Any]:
        """The fields of a record as JSON values."""
        empty = self.nullable if self.nullable and not record.seeds else frozenset()
        return _values(record, self.fields) | dict.fromkeys(empty)


_ARM = _Part(
    name="ArmPart",
    description=(
        "One arm at one size; `test_accuracy` runs over `seeds`, which are fewer than the study's "
        "where\nsome are missing or seeds are added as evidence needs them, and is empty where no "
        "test image is\nleft. Accuracies are by the document's `metric`, but "
        "for\n`accuracy` (the share of right answers) and `balanced_accuracy`."
        "\n\n`size` is written in one way, however the study says it: `50`, `5 per class`, `10%` "
        "(of `0.1`\ntoo), `all`. So it is in every part; `num_images` is the number it means here."
    ),
    record=ArmResult,
    fields=(
        "arm", "size", "num_images", "source", "target", "seeds", "test_accuracy", "mean", "sd",
        "validation_mean", "train_mean", "accuracy", "balanced_accuracy", "nll", "brier", "ece",
        "trainable_parameters", "total_parameters", "updates", "flops", "seconds", "missing",
    ),
    nullable=frozenset({"seconds"}),
)  # fmt: skip
_SOURCE = _Part(
    name="SourcePart",
    description="The source runs of one source task, tested on its own test images.",
    record=ArmResult,
    fields=("source", "seeds", "test_accuracy", "mean", "sd", "updates", "seconds"),
    nullable=frozenset({"seconds"}),
)
_COMPARISON = _Part(
    name="ComparisonPart",
    description=(
        "One arm against a control at one size.\n\n"
        "The verdict is read from `low_pp` to `high_pp`, an interval at `confidence` that agrees "
        "with\nHolm's decision for members of the family of transfer arms; `low95_pp` to "
        "`high95_pp` is the\nplain one, adjusted for nothing. `error_reduction` is the share of "
        "the control's errors gone. `ended` and `stopped` say why there are no more `seeds`, where "
        "they\nare added as evidence needs them."
    ),
    record=Comparison,
    fields=(
        "arm", "control", "size", "source", "target", "seeds", "ended", "stopped", "gain_pp",
        "low_pp", "high_pp", "error_reduction", "verdict", "why", "qualifier", "margin_pp",
        "confidence", "low95_pp", "high95_pp", "in_family", "preferred", "p_value", "p_adjusted",
        "p_equivalence", "favourable", "order_violation", "p_paired_t", "p_sign_flip", "p_mcnemar",
        "detectable_pp", "seeds_needed", "images_needed", "more", "basis",
    ),
)  # fmt: skip
_ATTRIBUTION = _Part(
    name="AttributionPart",
    description="A transfer arm against a control that may explain its gain away.",
    record=Attribution,
    fields=(
        "arm", "control", "role", "size", "source", "target", "gain_pp", "low_pp", "high_pp",
        "confidence", "verdict", "alike",
    ),
)  # fmt: skip
_MISTAKES = _Part(
    name="MistakesPart",
    description=(
        "What the transfer arm that validation prefers gets wrong on the test images, at the "
        "largest\nsize of a pair, and what it puts right and breaks."
    ),
    record=Mistakes,
    fields=tuple(field.name for field in fields(Mistakes) if field.name != "pictures"),
)
_PUBLISHED = _Part(
    name="PublishedPart",
    description="A published figure, what Keras gave here, and headstart's mean over seeds.",
    record=PublishedFigure,
    fields=("figure", "published", "keras", "headstart"),
)
_GATE = _Part(
    name="GatePart",
    description=(
        "One check of the protocol. `could_turn` marks a caveat that could turn a verdict of the\n"
        "headline around."
    ),
    record=Gate,
    fields=("id", "passed", "severity", "message", "known", "could_turn"),
)
_PARTS = {
    "arms": _ARM,
    "sources": _SOURCE,
    "comparisons": _COMPARISON,
    "attributions": _ATTRIBUTION,
    "mistakes": _MISTAKES,
    "published": _PUBLISHED,
    "gates": _GATE,
}
_FIELDS = (
    "study", "headline", "metric", "seeds", "minutes", "tasks", "arms", "arm_notes", "sources",
    "comparisons",
    "attributions",
    "attribution_notes", "strictness", "worth", "class_gains", "picks", "forgetting",
    "confusions", "mistakes", "published", "gates", "failures", "from_elsewhere", "given_copies",
)  # fmt: skip
"""Fields of the Analysis in the document; records with a part are reduced to its fields."""


def document(analysis: Analysis, summary: RunSummary) -> dict[str, Any]:
    """Document of a study and of the command that shows it, as JSON values."""
    shown = {
        name: [_PARTS[name].values(record) for record in getattr(analysis, name)]
        if name in _PARTS
        else json_value(getattr(analysis, name))
        for name in _FIELDS
    }
    return {
        **shown,
        "attribution_notes": [note.sentence for note in analysis.attribution_notes],
        "steps": {"run": summary.steps_run, "reused": summary.steps_reused},
        "seconds": summary.seconds,
    }


def document_text(analysis: Analysis, summary: RunSummary) -> str:
    """Text of the document."""
    from pydantic_core import to_json

    return to_json(document(analysis, summary), indent=2).decode() + "\n"


def schema() -> dict[str, Any]:
    """JSON schema of the document."""
    from pydantic import BaseModel, ConfigDict, create_model

    class Strict(BaseModel):
        model_config = ConfigDict(extra="forbid")

    def model(name: str, description: str, hints: dict[str, Any]) -> type[BaseModel]:
        fields: dict[str, Any] = {field: (hint, ...) for field, hint in hints.items()}
        return create_model(name, __base__=Strict, __doc__=description, **fields)

    def records(part: _Part) -> GenericAlias:
        hints = _hints(part.record)
        shown = {f: hints[f] | None if f in part.nullable else hints[f] for f in part.fields}
        return GenericAlias(tuple, (model(part.name, part.description, shown), ...))

    known = _hints(Analysis)
    hints = {name: records(_PARTS[name]) if name in _PARTS else known[name] for name in _FIELDS}
    steps = model("StepsPart", "Steps of the present command.", {"run": int, "reused": int})
    hints |= {"attribution_notes": tuple[str, ...], "steps": steps, "seconds": float}
    study = model("StudyDocument", "A whole study for scripts.", hints)
    return study.model_json_schema(mode="serialization")


def schema_text() -> str:
    """Text of `study.schema.json`; write it anew whenever the document changes."""
    return json.dumps(schema(), indent=2) + "\n"


@cache
def _hints(record: Any) -> dict[str, Any]:
    return get_type_hints(record)


def _values(record: Any, names: Iterable[str]) -> dict[str, Any]:
    """Fields of a record as JSON values; a whole number in a field of floats is a float."""
    kind: Any = type(record)
    hints = _hints(kind)
    return {
        name: float(value)
        if type(value := getattr(record, name)) is int and hints[name] in (float, float | None)
        else json_value(value)
        for name in names
    }


def json_value(value: Any) -> Any:
    """A value as JSON: a record as an object, a number that is not finite as null."""
    if isinstance(value, tuple):
        return [json_value(one) for one in value]
    if is_dataclass(value):
        return _values(value, [field.name for field in fields(value)])
    return None if isinstance(value, float) and not math.isfinite(value) else value
