"""Builds realistic Analysis objects for the tests of the report: plausible numbers, every gap."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from headstart.analyse.analysis import (
    Analysis,
    ArmNote,
    ArmResult,
    Comparison,
    Curve,
    Gate,
    PublishedFigure,
    TaskFacts,
    Word,
)
from headstart.report.run_summary import RunSummary
from headstart.study.arms import DESCRIPTIONS

ARMS = ("scratch", "random_trunk", "probe", "full", "probe_then_full")
SIZES = (("50", 50), ("100", 100), ("10%", 600), ("all", 6000))
PAIR = (("letters", "digits"),)
SUMMARY = RunSummary(
    steps_run=131, steps_reused=24, seconds=97.4, command="headstart run study.toml"
)
MARGIN = 1.0
CUTS = ("stem", "block_1", "block_2", "block_3", "neck")
FAMILIES = ("AnB", "AnB+", "BnB", "BnB+", "random")
FIGURES = (
    PublishedFigure(
        figure="test accuracy of the source task",
        published=0.9963,
        keras=0.9971,
        headstart=0.99655,
        is_count=False,
        is_time=False,
    ),
    PublishedFigure(
        figure="parameters trained",
        published=600_165,
        keras=None,
        headstart=600_165,
        is_count=True,
        is_time=False,
    ),
    PublishedFigure(
        figure="training time",
        published=None,
        keras=12.34,
        headstart=None,
        is_count=False,
        is_time=True,
    ),
)
_T = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}  # two-sided 95 %, n - 1 degrees of freedom


def analysis(
    *,
    arms: Sequence[str] = ARMS,
    sizes: Sequence[tuple[str, int]] = SIZES,
    num_seeds: int = 5,
    pairs: Sequence[tuple[str, str]] = PAIR,
    control: str = "scratch",
    compared: bool = True,
    invalid: bool = False,
    missing: Sequence[tuple[str, str, int]] = (),
    absent: Sequence[tuple[str, str]] = (),
    question: str = "Do features learnt on letters give a head start on digits?",
    failures: Sequence[str] = (),
    study: str = "letters-to-digits",
    swept: Sequence[str] = (),
    swept_at: Sequence[str] = ("50",),
    cuts: Sequence[str] = CUTS,
    published: Sequence[PublishedFigure] = (),
    validated: bool = True,
    note: str = "",
) -> Analysis:
    """A study; `missing` are (arm, size, seed), `absent` are (arm, size) without any result.

    `swept` are the families of a cut sweep, at each of the sizes `swept_at`. Arms named label_map
    train nothing.
    """
    sweep = {f"{family}@{cut}": (family, cut) for family in swept for cut in cuts}
    names = (*arms, *sweep)
    left_out = {(arm, size) for arm in sweep for size, _ in sizes if size not in swept_at}
    results: list[ArmResult] = []
    comparisons: list[Comparison] = []
    for pair_index, (source, target) in enumerate(pairs):
        for size, num_images in sizes:
            images = num_images if size.isdigit() else num_images * (1 + pair_index)
            group = {}
            for index, arm in enumerate(names):
                if (arm, size) in absent or (arm, size) in left_out:
                    continue
                gone = tuple(s for a, n, s in missing if (a, n) == (arm, size))
                group[arm] = _result(arm, index, size, images, source, target, num_seeds, gone)
                if arm in sweep:
                    group[arm] = _swept(group[arm], *sweep[arm], cuts)
                elif arm == "label_map":
                    group[arm] = _untrained(group[arm])
                if not validated:
                    group[arm] = _unvalidated(group[arm])
            results += group.values()
            if compared and control in group:
                comparisons += [
                    _comparison(result, group[control], invalid)
                    for arm, result in group.items()
                    if arm != control and {*result.seeds} & {*group[control].seeds}
                ]
    total = len(pairs) * (len(sizes) * len(names) - len(left_out)) * num_seeds
    return Analysis(
        study=study,
        question=question,
        headline=_headline(comparisons),
        detail=(
            "Learning rates were not tuned: every arm used 0.05.",
            "The largest gain is that of full at 50 images; it shrinks as target data grows.",
        ),
        seeds=tuple(range(num_seeds)),
        sizes=tuple(size for size, _ in sizes),
        arm_names=names,
        control=control,
        arm_notes=tuple(
            ArmNote(arm=arm, what=DESCRIPTIONS[arm], from_nothing=arm == "scratch")
            for arm in arms
            if arm in DESCRIPTIONS
        ),
        tasks=_tasks(pairs, note),
        arms=tuple(results),
        sources=tuple(_source(source, num_seeds) for source in dict.fromkeys(s for s, _ in pairs)),
        cuts=tuple(cuts) if swept else (),
        published=tuple(published),
        comparisons=_with_preferred(comparisons),
        tuning=(),
        gates=_gates(invalid),
        protocol=_PROTOCOL,
        environment=_ENVIRONMENT,
        num_trials=total,
        num_done=sum(len(result.seeds) for result in results),
        failures=tuple(failures),
    )


def _result(
    arm: str,
    index: int,
    size: str,
    num_images: int,
    source: str,
    target: str,
    num_seeds: int,
    missing: tuple[int, ...],
) -> ArmResult:
    draw = np.random.default_rng([index, num_images, num_seeds])
    shared = np.random.default_rng([num_images, num_seeds]).normal(0, 0.012, num_seeds)
    level = 0.985 - 0.9 / np.sqrt(num_images)
    shift = (0.0, -0.22, 0.05, 0.075, 0.06, -0.02, 0.01, 0.03)[index % 8] * (50 / num_images) ** 0.4
    noise = (shared + draw.normal(0, 0.008, num_seeds)) * (50 / num_images) ** 0.3
    values = np.clip(level + shift + noise, 0.05, 0.999).round(4)
    seeds = tuple(seed for seed in range(num_seeds) if seed not in missing)
    there = values[list(seeds)]
    updates = max(300, num_images // 8)
    frozen = arm in ("probe", "random_trunk")
    return ArmResult(
        arm=arm,
        size=size,
        num_images=num_images,
        source=source,
        target=target,
        seeds=seeds,
        test_accuracy=tuple(float(value) for value in there),
        mean=float(there.mean()) if seeds else None,
        sd=float(there.std(ddof=1)) if len(seeds) > 1 else None,
        lowest=float(there.min()) if seeds else None,
        highest=float(there.max()) if seeds else None,
        validation_mean=float(there.mean()) + 0.004 if seeds else None,
        trainable_parameters=1_290 if frozen else 61_706,
        total_parameters=61_706,
        updates=updates,
        seconds=updates * (0.0009 if frozen else 0.0071),
        flops=updates * 10**8,
        curves=tuple(_curve(seed, float(values[seed]), updates, index, draw) for seed in seeds),
        missing=missing,
    )


def _source(source: str, num_seeds: int) -> ArmResult:
    """Source runs, with plenty of images."""
    ran = _result("source run", 0, "all", 60_000, source, source, num_seeds, ())
    return replace(ran, updates=3000, seconds=21.3)


def _swept(result: ArmResult, family: str, cut: str, cuts: Sequence[str]) -> ArmResult:
    """A family of a cut sweep: what it takes over costs more the later the cut."""
    depth = (cuts.index(cut) + 1) / len(cuts)
    loss = {"AnB": 0.12 * depth**2, "AnB+": -0.03 * depth, "random": 0.55 * depth**0.6}
    loss |= {"BnB": 0.08 * depth * (1 - depth), "BnB+": 0.0}
    draw = np.random.default_rng([len(family), cuts.index(cut)])
    level = 0.86 - loss[family]
    values = (level + draw.normal(0, 0.008, len(result.seeds))).round(4)
    return replace(
        result,
        test_accuracy=tuple(float(value) for value in values),
        mean=float(values.mean()) if len(values) else None,
        sd=float(values.std(ddof=1)) if len(values) > 1 else None,
        lowest=float(values.min()) if len(values) else None,
        highest=float(values.max()) if len(values) else None,
        family=family,
        cut=cut,
    )


def _untrained(result: ArmResult) -> ArmResult:
    return replace(
        result,
        updates=0,
        seconds=0.0,
        flops=0,
        trainable_parameters=0,
        curves=tuple(_empty(curve.seed) for curve in result.curves),
    )


def _empty(seed: int) -> Curve:
    return Curve(
        seed=seed,
        updates=(),
        train_loss=(),
        validation_loss=(),
        validation_accuracy=(),
        train_accuracy=(),
        checkpoint=0,
    )


def _unvalidated(result: ArmResult) -> ArmResult:
    nothing = tuple(
        replace(c, validation_accuracy=_none(c), validation_loss=_none(c)) for c in result.curves
    )
    return replace(result, validation_mean=None, curves=nothing)


def _none(curve: Curve) -> tuple[None, ...]:
    return (None,) * len(curve.updates)


def _curve(seed: int, end: float, updates: int, index: int, draw: np.random.Generator) -> Curve:
    at = np.linspace(updates / 20, updates, 20).astype(int)
    speed = (0.25, 0.1, 0.08, 0.12, 0.15)[index % 5] * updates
    accuracy = end - (end - 0.1) * np.exp(-at / speed) + draw.normal(0, 0.004, len(at))
    accuracy = np.clip(accuracy, 0, 1).round(4)
    return Curve(
        seed=seed,
        updates=tuple(int(update) for update in at),
        train_loss=tuple(float(value) for value in 2 * (1 - accuracy)),
        validation_loss=tuple(float(value) for value in 2.1 * (1 - accuracy)),
        validation_accuracy=tuple(float(value) for value in accuracy),
        train_accuracy=tuple(float(value) for value in accuracy),
        checkpoint=int(at[int(accuracy.argmax())]),
    )


def _comparison(result: ArmResult, control: ArmResult, invalid: bool) -> Comparison:
    accuracy, base = result.by_seed, control.by_seed
    seeds = tuple(seed for seed in accuracy if seed in base)
    gains = np.array([100 * (accuracy[seed] - base[seed]) for seed in seeds])
    gain = float(gains.mean())
    low = high = None
    if len(seeds) > 1:
        half = _T.get(len(seeds), 2.0) * float(gains.std(ddof=1)) / len(seeds) ** 0.5 + 0.3
        low, high = gain - half, gain + half
    verdict, why = _verdict(low, high, invalid)
    unsure = verdict == "not enough evidence"
    return Comparison(
        arm=result.arm,
        control=control.arm,
        size=result.size,
        num_images=result.num_images,
        source=result.source,
        target=result.target,
        seeds=seeds,
        gains_pp=tuple(float(value) for value in gains),
        gain_pp=gain,
        low_pp=low,
        high_pp=high,
        confidence=0.95,
        margin_pp=MARGIN,
        verdict=verdict,
        why=why,
        detectable_pp=2.4 if unsure and low is not None else None,
        seeds_needed=12 if unsure and low is not None else None,
        error_reduction=(result.mean_percent - control.mean_percent) / (100 - control.mean_percent),
    )


def _verdict(low: float | None, high: float | None, invalid: bool) -> tuple[Word, str]:
    if invalid:
        return "invalid", "8 test images are in the target's training data."
    if low is None or high is None:
        return "not enough evidence", "One seed gives no interval."
    if low > 0:
        return "helps", "The whole interval lies above 0."
    if high < 0:
        return "hurts", "The whole interval lies below 0."
    if low > -MARGIN and high < MARGIN:
        return "no measurable difference", "The whole interval lies within the margin."
    return (
        "not enough evidence",
        "5 seeds could have shown a gain of 2.4 pp; about 12 would do for the gain seen.",
    )


def _with_preferred(comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """A mark on the arm that gains most at each size of each pair."""
    rivals: dict[tuple[str, str, str], list[Comparison]] = {}
    for c in comparisons:
        rivals.setdefault((c.source, c.target, c.size), []).append(c)
    best = [max(some, key=lambda c: c.gain_pp) for some in rivals.values()]
    return tuple(replace(c, preferred=c in best) for c in comparisons)


def _headline(comparisons: Sequence[Comparison]) -> str:
    if not comparisons:
        return "There is no verdict: nothing was compared with a control."
    best = max(comparisons, key=lambda c: c.gain_pp)
    if best.verdict == "invalid":
        return "The verdict is withheld: test images are in the target's training data."
    if best.low_pp is None or best.high_pp is None:
        return (
            f"Not enough evidence: {best.arm} gains {best.gain_pp:+.1f} pp at "
            f"{best.num_images:,} images, on one seed."
        )
    return (
        f"Transfer helps at {best.num_images:,} images: {best.arm} gains {best.gain_pp:+.1f} pp "
        f"over {best.control} (95 % interval {best.low_pp:+.1f} to {best.high_pp:+.1f})."
    )


def _tasks(pairs: Sequence[tuple[str, str]], note: str) -> tuple[TaskFacts, ...]:
    names = dict.fromkeys(name for pair in pairs for name in pair)
    return tuple(
        TaskFacts(
            name=name,
            dataset="mnist-mini",
            place="/data/mnist-mini",
            licence="CC BY-SA 3.0",
            note=note,
            classes=tuple(str(number) for number in range(10)),
            num_train=6000,
            num_validation=1000,
            num_test=2000,
            train_counts=(700,) * 10,
            test_counts=(200,) * 10,
            test_from="t10k-images-idx3-ubyte.xz",
            smallest=(28, 28),
            largest=(28, 28),
            colours=("grey",),
            values=(0.0, 255.0),
            left_out=(),
        )
        for name in names
    )


def _gates(invalid: bool) -> tuple[Gate, ...]:
    return (
        Gate(
            id="budgets",
            title="Equal budgets",
            passed=True,
            severity="invalid",
            message="All arms of a comparison made the same number of updates.",
        ),
        Gate(
            id="leaks",
            title="No test image in the training data",
            passed=not invalid,
            severity="invalid",
            message="8 test images are in the target's training data."
            if invalid
            else "Exact and near duplicates were looked for; none found.",
        ),
        Gate(
            id="tuned",
            title="Learning rates tuned",
            passed=False,
            severity="caveat",
            message="One learning rate for all arms; a tuned control may be better.",
            could_turn=True,
        ),
        Gate(
            id="converged",
            title="Converged at this budget",
            passed=True,
            severity="caveat",
            message="No arm had its best checkpoint at its last measurement.",
        ),
    )


_PROTOCOL = (
    ("Seeds", "0 to 4, shared by all arms: same images, batches and head initialisation"),
    ("Budget", "at least 300 updates, 20 evenly spaced measurements of validation accuracy"),
    ("Checkpoint", "the best validation accuracy, the earlier of two that are equal"),
    ("Interval", "crossed seeds x images t interval, two-sided 95 %"),
)
_ENVIRONMENT = (
    ("headstart", "0.1.0"),
    ("python", "3.11.7"),
    ("torch", "2.12.0"),
    ("device", "CPU, one thread a trial"),
)
