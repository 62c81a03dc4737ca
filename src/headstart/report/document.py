"""The JSON document of a study: the contract for scripts. Its schema is `study.schema.json`.

Accuracies are fractions, whatever ends in `_pp` is in percentage points, null means "cannot be
told" (the spread of one seed, the mean of none).
"""

import json
import math
from typing import Any

from pydantic import BaseModel, ConfigDict

from headstart.analyse.analysis import (
    Analysis,
    ArmResult,
    Attribution,
    Benefit,
    ClassGain,
    Comparison,
    Forgetting,
    Gate,
    More,
    Pick,
    PublishedFigure,
    Qualifier,
    Role,
    Severity,
    Word,
)
from headstart.report.run_summary import RunSummary


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ArmPart(_Part):
    """One arm at one size; `test_accuracy` runs over the seeds of the study without `missing`.

    `size` is written in one way, however the study says it: `50`, `5 per class`, `10%` (of `0.1`
    too), `all`. So it is in every part; `num_images` is the number it means here.
    """

    arm: str
    size: str
    num_images: int
    source: str
    target: str
    test_accuracy: tuple[float, ...]
    mean: float | None
    sd: float | None
    validation_mean: float | None
    train_mean: float | None
    balanced_accuracy: float | None
    nll: float | None
    brier: float | None
    ece: float | None
    trainable_parameters: int
    total_parameters: int
    updates: int
    flops: int
    seconds: float | None
    missing: tuple[int, ...]


class SourcePart(_Part):
    """The source runs of one source task, tested on its own test images."""

    source: str
    seeds: tuple[int, ...]
    test_accuracy: tuple[float, ...]
    mean: float | None
    sd: float | None
    updates: int
    seconds: float | None


class PublishedPart(_Part):
    """A published figure, what Keras gave here, and headstart's mean over seeds."""

    figure: str
    published: float | None
    keras: float | None
    headstart: float | None


class ComparisonPart(_Part):
    """One arm against a control at one size.

    The verdict is read from `low_pp` to `high_pp`, an interval at `confidence` that agrees with
    Holm's decision for members of the family of transfer arms; `low95_pp` to `high95_pp` is the
    plain one, adjusted for nothing. `error_reduction` is the share of the control's errors gone.
    """

    arm: str
    control: str
    size: str
    source: str
    target: str
    gain_pp: float | None
    low_pp: float | None
    high_pp: float | None
    error_reduction: float | None
    verdict: Word
    why: str
    qualifier: Qualifier
    margin_pp: float
    confidence: float
    low95_pp: float | None
    high95_pp: float | None
    in_family: bool
    p_value: float | None
    p_adjusted: float | None
    p_equivalence: float | None
    favourable: float | None
    order_violation: float | None
    p_paired_t: float | None
    p_sign_flip: float | None
    p_mcnemar: float | None
    detectable_pp: float | None
    seeds_needed: int | None
    images_needed: int | None
    more: More | None


class AttributionPart(_Part):
    """A transfer arm against a control that may explain its gain away."""

    arm: str
    control: str
    role: Role
    size: str
    source: str
    target: str
    gain_pp: float
    low_pp: float | None
    high_pp: float | None
    confidence: float
    verdict: Word
    alike: bool


class GatePart(_Part):
    """One check of the protocol."""

    id: str
    passed: bool
    severity: Severity
    message: str


class StepsPart(_Part):
    """Steps of the present command."""

    run: int
    reused: int


class StudyDocument(_Part):
    """A whole study for scripts."""

    study: str
    headline: str
    seeds: tuple[int, ...]
    arms: tuple[ArmPart, ...]
    sources: tuple[SourcePart, ...]
    comparisons: tuple[ComparisonPart, ...]
    attributions: tuple[AttributionPart, ...]
    attribution_notes: tuple[str, ...]
    looks: int
    family_size: int
    worth: tuple[Benefit, ...]
    class_gains: tuple[ClassGain, ...]
    picks: tuple[Pick, ...]
    forgetting: tuple[Forgetting, ...]
    published: tuple[PublishedPart, ...]
    gates: tuple[GatePart, ...]
    failures: tuple[str, ...]
    steps: StepsPart
    seconds: float


def document(analysis: Analysis, summary: RunSummary) -> StudyDocument:
    """The document of a study and of the command that showed it.

    Example:
        >>> text = document(analysis, summary).model_dump_json(indent=2)  # doctest: +SKIP
    """
    return StudyDocument(
        study=analysis.study,
        headline=analysis.headline,
        seeds=analysis.seeds,
        arms=tuple(_arm(result) for result in analysis.arms),
        sources=tuple(_source(result) for result in analysis.sources),
        comparisons=tuple(_comparison(comparison) for comparison in analysis.comparisons),
        attributions=tuple(_attribution(row) for row in analysis.attributions),
        attribution_notes=tuple(note.sentence for note in analysis.attribution_notes),
        looks=analysis.looks,
        family_size=analysis.family_size,
        worth=analysis.worth,
        class_gains=analysis.class_gains,
        picks=analysis.picks,
        forgetting=analysis.forgetting,
        published=tuple(_published(figure) for figure in analysis.published),
        gates=tuple(_gate(gate) for gate in analysis.gates),
        failures=analysis.failures,
        steps=StepsPart(run=summary.steps_run, reused=summary.steps_reused),
        seconds=summary.seconds,
    )


def schema() -> dict[str, Any]:
    """The JSON schema of `StudyDocument`."""
    return StudyDocument.model_json_schema(mode="serialization")


def schema_text() -> str:
    """The text of `study.schema.json`; write it anew whenever the document changes."""
    return json.dumps(schema(), indent=2) + "\n"


def _arm(result: ArmResult) -> ArmPart:
    there = bool(result.seeds)
    return ArmPart(
        arm=result.arm,
        size=result.size,
        num_images=result.num_images,
        source=result.source,
        target=result.target,
        test_accuracy=result.test_accuracy,
        mean=_finite(result.mean) if there else None,
        sd=_finite(result.sd),
        validation_mean=_finite(result.validation_mean) if there else None,
        train_mean=_finite(result.train_mean),
        balanced_accuracy=_finite(result.balanced_accuracy),
        nll=_finite(result.nll),
        brier=_finite(result.brier),
        ece=_finite(result.ece),
        trainable_parameters=result.trainable_parameters,
        total_parameters=result.total_parameters,
        updates=result.updates,
        flops=result.flops,
        seconds=_finite(result.seconds) if there else None,
        missing=result.missing,
    )


def _source(result: ArmResult) -> SourcePart:
    there = bool(result.seeds)
    return SourcePart(
        source=result.source,
        seeds=result.seeds,
        test_accuracy=result.test_accuracy,
        mean=_finite(result.mean) if there else None,
        sd=_finite(result.sd),
        updates=result.updates,
        seconds=_finite(result.seconds) if there else None,
    )


def _published(figure: PublishedFigure) -> PublishedPart:
    return PublishedPart(
        figure=figure.figure,
        published=_finite(figure.published),
        keras=_finite(figure.keras),
        headstart=_finite(figure.headstart),
    )


def _comparison(comparison: Comparison) -> ComparisonPart:
    return ComparisonPart(
        arm=comparison.arm,
        control=comparison.control,
        size=comparison.size,
        source=comparison.source,
        target=comparison.target,
        gain_pp=_finite(comparison.gain_pp),
        low_pp=_finite(comparison.low_pp),
        high_pp=_finite(comparison.high_pp),
        error_reduction=_finite(comparison.error_reduction),
        verdict=comparison.verdict,
        why=comparison.why,
        qualifier=comparison.qualifier,
        margin_pp=comparison.margin_pp,
        confidence=comparison.confidence,
        low95_pp=_finite(comparison.low95_pp),
        high95_pp=_finite(comparison.high95_pp),
        in_family=comparison.in_family,
        p_value=_finite(comparison.p_value),
        p_adjusted=_finite(comparison.p_adjusted),
        p_equivalence=_finite(comparison.p_equivalence),
        favourable=_finite(comparison.favourable),
        order_violation=_finite(comparison.order_violation),
        p_paired_t=_finite(comparison.p_paired_t),
        p_sign_flip=_finite(comparison.p_sign_flip),
        p_mcnemar=_finite(comparison.p_mcnemar),
        detectable_pp=_finite(comparison.detectable_pp),
        seeds_needed=comparison.seeds_needed,
        images_needed=comparison.images_needed,
        more=comparison.more,
    )


def _attribution(row: Attribution) -> AttributionPart:
    return AttributionPart(
        arm=row.arm,
        control=row.control,
        role=row.role,
        size=row.size,
        source=row.source,
        target=row.target,
        gain_pp=row.gain_pp,
        low_pp=_finite(row.low_pp),
        high_pp=_finite(row.high_pp),
        confidence=row.confidence,
        verdict=row.verdict,
        alike=row.alike,
    )


def _gate(gate: Gate) -> GatePart:
    return GatePart(id=gate.id, passed=gate.passed, severity=gate.severity, message=gate.message)


def _finite(value: float | None) -> float | None:
    """JSON has no NaN; what is not a number is null."""
    return value if value is not None and math.isfinite(value) else None
