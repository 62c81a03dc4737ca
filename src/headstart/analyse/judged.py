"""Analysis of results from elsewhere: comparisons, verdicts and sentences as those of a study."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from headstart.analyse.analysis import Analysis, ArmResult, ClassGain, Comparison
from headstart.analyse.benefit.class_gains import class_gains
from headstart.analyse.cells import Cell, beside, cell_of
from headstart.analyse.compare import Comparable, compare_all
from headstart.analyse.contrast import Contrast
from headstart.analyse.gates.gate import CheckSpec
from headstart.analyse.gates.given_copies import IMAGE_GATES
from headstart.analyse.gates.given_gates import GIVEN_GATES
from headstart.analyse.gates.outcome import answered_by, gates_of, withheld_by
from headstart.analyse.gates.registry import GATES, carried_out, run_audits
from headstart.analyse.given import GivenDesign, GivenEvidence, Pairing
from headstart.analyse.given_evidence import Asked, evidence_of
from headstart.analyse.given_images import GivenImages
from headstart.analyse.given_mistakes import given_mistakes
from headstart.analyse.grouped import paired_by_group
from headstart.analyse.headline import Answers, Wording, headline
from headstart.analyse.judged_text import judged_details, judged_protocol
from headstart.analyse.mistakes import PairAnswers, confusions_of
from headstart.analyse.paired import Answers as ArmAnswers
from headstart.analyse.paired import answers_of, paired
from headstart.analyse.preferred import with_preferred
from headstart.analyse.results import mean_of_all, metric_means, spread_of
from headstart.analyse.strictness import strictness_of
from headstart.analyse.unpaired import Scores, common_seeds, of_scores, unpaired
from headstart.core.errors import DataError
from headstart.data.results.roles import Role
from headstart.data.results.runs import Results

MOST_NAMED = 5  # comparisons in the headline, beside the first
_BY_ID: dict[str, CheckSpec[Any]] = {
    **{gate.id: gate for gate in GATES},
    **{gate.id: gate for gate in (*IMAGE_GATES, *GIVEN_GATES)},
}
_GATES = tuple(_BY_ID.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenResults(Comparable):
    """Input of the comparisons of results from elsewhere."""

    answers: Mapping[Cell, ArmAnswers]
    evidence: GivenEvidence

    def contrast(self, cell: Cell) -> Contrast | None:
        """A cell against its control, paired as far as seeds and images are."""
        control = beside(cell, self.study.control)
        scores = self.evidence.scores
        if cell not in scores or control not in scores:
            return None
        pairing = self.evidence.pairings.get(cell[2])
        if pairing is None or self.evidence.num_folds:
            return of_scores(scores[cell], scores[control], self.evidence.num_folds)
        arm, other = self.answers[cell], self.answers[control]
        if pairing == "other images":
            return unpaired(arm, other, same_images=False)
        common = common_seeds(arm.seeds, other.seeds)
        if common and cell[2] in self.evidence.groups:
            return paired_by_group(arm, other, self.evidence.groups[cell[2]])
        if common or pairing == "a part each":
            return paired(arm, other)
        return unpaired(arm, other, same_images=True)


def judge_results(results: Results, asked: Asked, images: GivenImages | None = None) -> Analysis:
    """Analysis of results from elsewhere.

    Args:
        results: without the test images that are left out as copies.
        asked: what is asked of them.
        images: the files of their test images, and what was found among them, where they are known.

    Raises:
        DataError: arms or seeds were tested on images that have nothing to do with each other, or
            no arm at a size of the control.
    """
    evidence = evidence_of(results, asked, images)
    checked = carried_out(_GATES, evidence, evidence)
    withheld = withheld_by(checked, evidence.seeds)
    analysis = _without_gates(results, evidence, asked, withheld)
    if not analysis.comparisons:
        raise DataError(
            f"no arm has results at a size at which the control '{asked.control}' has some, so "
            "there is nothing to compare. Test both at the same size, or leave the sizes out: "
            "--column size="
        )
    audited = run_audits(analysis, evidence)
    doubted = withheld_by(audited, evidence.seeds)
    if doubted:
        analysis = _without_gates(results, evidence, asked, {**doubted, **withheld})
    gates = gates_of((*checked, *audited), answered_by(analysis))
    analysis = replace(analysis, gates=gates)
    return replace(analysis, detail=judged_details(analysis))


def _without_gates(
    results: Results, evidence: GivenEvidence, asked: Asked, withheld: dict[Cell, str]
) -> Analysis:
    """Analysis without the outcome of gates, but with the verdicts of some cells withheld."""
    design = evidence.study
    finished = GivenResults(
        study=design,
        planned=tuple(evidence.scores),
        withheld=withheld,
        margins={cell[:3]: asked.margin_pp for cell in evidence.scores},
        answers=answers_of(evidence.records, design.seeds),
        evidence=evidence,
    )
    arms = tuple(_arm_result(evidence, cell) for cell in evidence.scores)
    comparisons = _preferred(design, compare_all(finished), arms)
    answers = Answers(
        study=design,
        wording=Wording(from_control=design.control, most_named=MOST_NAMED),
        comparisons=comparisons,
        results=arms,
        benefits=(),
        attributions=(),
        unlearnt=frozenset(),
    )
    strictness = strictness_of(finished)
    pairs = _answers_to_look_at(evidence, comparisons)
    return Analysis(
        study=asked.name,
        question="",
        headline=headline(answers),
        detail=(),
        seeds=design.seeds,
        sizes=tuple(dict.fromkeys(cell[2] for cell in evidence.scores)),
        arm_names=results.arms,
        control=design.control,
        tasks=(),
        arms=arms,
        sources=(),
        cuts=(),
        published=(),
        comparisons=comparisons,
        tuning=(),
        gates=(),
        protocol=judged_protocol(results, evidence, asked.margin_pp, strictness),
        environment=(),
        num_trials=len(results.runs),
        num_done=len(results.runs),
        failures=(),
        strictness=strictness,
        class_gains=_class_gains(evidence, withheld),
        confusions=confusions_of(pairs),
        mistakes=tuple(given_mistakes(evidence, pair) for pair in pairs),
        leaks=() if evidence.images is None else (evidence.images.report,),
        given_copies=() if evidence.images is None else evidence.images.copies,
        metric=asked.metric,
        from_elsewhere=True,
    )


_PAIRED: tuple[Pairing, ...] = ("same images", "a part each")


def _answers_to_look_at(
    evidence: GivenEvidence, comparisons: tuple[Comparison, ...]
) -> tuple[PairAnswers, ...]:
    """Answers of one arm at the largest size: that of validation, or with the largest gain."""
    largest = [cell[2] for cell in evidence.records][-1:]
    able = [
        c
        for c in comparisons
        if c.preferred
        and c.verdict != "invalid"
        and c.size in largest
        and not c.control_seeds
        and evidence.pairings[c.size] in _PAIRED
    ]
    if not able:
        return ()
    chosen = max(able, key=lambda c: c.gain_pp)
    arm, control = (
        tuple(evidence.records[cell][seed] for seed in chosen.seeds)
        for cell in (cell_of(chosen), beside(cell_of(chosen), chosen.control))
    )
    return (PairAnswers(comparison=chosen, classes=evidence.classes, arm=arm, control=control),)


def _class_gains(evidence: GivenEvidence, withheld: dict[Cell, str]) -> tuple[ClassGain, ...]:
    """Gains by class where answers of arm and control are paired."""
    apart = {
        cell: "not paired" for cell in evidence.records if evidence.pairings[cell[2]] not in _PAIRED
    }
    return class_gains(evidence, withheld | apart)


def _preferred(
    design: GivenDesign, comparisons: tuple[Comparison, ...], arms: tuple[ArmResult, ...]
) -> tuple[Comparison, ...]:
    """Comparisons that the headline names: the arm that validation prefers, or without it all."""
    if any(result.validation_mean is None for result in arms):
        return tuple(replace(c, preferred=True) for c in comparisons)
    return with_preferred(design, comparisons, arms)


def _arm_result(evidence: GivenEvidence, cell: Cell) -> ArmResult:
    scores, numbers = evidence.scores[cell], evidence.numbers[cell]
    control = evidence.scores.get(beside(cell, evidence.study.control), scores)
    expected = control.seeds if common_seeds(scores.seeds, control.seeds) else scores.seeds

    def mean(role: Role) -> float | None:
        return mean_of_all([one.get(role) for one in numbers])

    def rounded(role: Role) -> int | None:
        value = mean(role)
        return None if value is None else round(value)

    tested = list(evidence.records[cell].values()) if cell in evidence.records else []
    return ArmResult(
        arm=cell[3],
        size=cell[2],
        num_images=scores.num_images,
        source=cell[0],
        target=cell[1],
        seeds=scores.seeds,
        **spread_of(scores.scores.tolist()),
        validation_mean=mean("validation_accuracy"),
        trainable_parameters=rounded("trainable_parameters"),
        total_parameters=None,
        updates=rounded("updates"),
        seconds=mean("seconds"),
        flops=None,
        curves=(),
        missing=tuple(seed for seed in expected if seed not in scores.seeds),
        **(metric_means(tested) if tested else {"accuracy": _plain_mean(evidence, scores)}),
    )


def _plain_mean(evidence: GivenEvidence, scores: Scores) -> float | None:
    """Share of right answers of results without answers, where scores are such shares."""
    return float(scores.scores.mean()) if evidence.study.metric == "accuracy" else None
