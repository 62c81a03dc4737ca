"""Model selection: the arm to use, chosen on validation, with its test accuracy and cost."""

from collections.abc import Iterable

from headstart.analyse.analysis import ArmResult, ModelSelection, known
from headstart.study.arms import SELF, SOURCE, ArmSpec
from headstart.study.study import StudySpec


def select_models(
    study: StudySpec, arms: Iterable[ArmResult], source_flops: dict[str, int]
) -> tuple[ModelSelection, ...]:
    """Selection at each size of each pair; none where no arm has a validation accuracy.

    Arms that only explain a gain (shuffled weights, runs on the target itself, cut sweeps) are no
    candidates.
    """
    usable = {arm.name: arm for arm in study.all_arms if _usable(arm)}
    places: dict[tuple[str, str, str], list[ArmResult]] = {}
    for result in arms:
        if result.arm in usable and result.validation_mean is not None:
            places.setdefault((result.source, result.target, result.size), []).append(result)
    before = {
        name: source_flops if study.rests_on(SOURCE, arm) else {} for name, arm in usable.items()
    }
    return tuple(_select(candidates, before) for candidates in places.values())


def _usable(arm: ArmSpec) -> bool:
    shuffled = any(rule.transform != "none" for rule in arm.start)
    return not arm.family and not shuffled and SELF not in arm.origins


def _select(candidates: list[ArmResult], before: dict[str, dict[str, int]]) -> ModelSelection:
    """Best candidate; `before` are the operations before an arm's own training, by source."""

    def spent_before(result: ArmResult) -> int:
        return before[result.arm].get(result.source, 0)

    best = max(result.validation_mean or 0.0 for result in candidates)
    ties = [result for result in candidates if result.validation_mean == best]
    chosen = min(ties, key=lambda result: known(result.flops) + spent_before(result))
    others = [result.arm for result in ties if result is not chosen]
    return ModelSelection(
        size=chosen.size,
        num_images=known(chosen.num_images),
        source=chosen.source,
        target=chosen.target,
        arm=chosen.arm,
        validation_mean=best,
        test_mean=chosen.mean,
        test_sd=chosen.sd,
        flops=known(chosen.flops),
        source_flops=spent_before(chosen),
        seconds=known(chosen.seconds),
        why=f"as good as {', '.join(others)} there, and cheaper" if others else "",
    )
