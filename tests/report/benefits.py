"""Benefits of transfer, added to a made-up Analysis for the tests of the report."""

from dataclasses import replace

from headstart.analyse.analysis import (
    Analysis,
    Benefit,
    ClassGain,
    Comparison,
    Estimate,
    Forgetting,
    ModelSelection,
    known,
)


def with_benefits(given: Analysis) -> Analysis:
    """The analysis with benefits: plain numbers, bounds, open ends and gaps."""
    transfer = [c for c in given.comparisons if c.arm in ("probe", "full", "probe_then_full")]
    return replace(
        given,
        worth=tuple(_benefit(c, number) for number, c in enumerate(transfer)),
        class_gains=tuple(
            ClassGain(
                arm=c.arm,
                control=c.control,
                size=c.size,
                source=c.source,
                target=c.target,
                class_name="7, with a tail",
                num_images=200,
                recall=0.9,
                control_recall=0.8,
                gain_pp=10.0,
                low_pp=1.0,
                high_pp=19.0,
                p_value=0.01,
                p_adjusted=0.1,
                why="",
            )
            for c in transfer
        ),
        picks=tuple(
            ModelSelection(
                size=c.size,
                num_images=known(c.num_images),
                source=c.source,
                target=c.target,
                arm=c.arm,
                validation_mean=0.9,
                test_mean=0.89,
                test_sd=0.01,
                flops=10**9,
                source_flops=10**12,
                seconds=1.0,
                why="",
            )
            for c in transfer
            if c.arm == "full"
        ),
        forgetting=tuple(
            Forgetting(
                arm=c.arm,
                size=c.size,
                num_images=known(c.num_images),
                source=c.source,
                target=c.target,
                seeds=c.seeds,
                before=0.95,
                after=0.95 if c.arm == "probe" else 0.4,
                forgotten_pp=Estimate(value=0.0, why="no answer differs")
                if c.arm == "probe"
                else Estimate(value=55.0, low=50.0, high=60.0),
            )
            for c in transfer
        ),
    )


def _benefit(c: Comparison, number: int) -> Benefit:
    labels = (
        Estimate(value=430.2, low=300.1, high=610.9),
        Estimate(value=None, low=4600, high=None, at_least=4600, why="beyond the sizes"),
        Estimate(value=None, low=0.0, high=50.0, at_most=50, why="beyond the sizes"),
        Estimate(value=60.0, low=0.0, high=None, why="open"),
        Estimate(value=60.0, why="no interval: fewer than 3 seeds"),
        Estimate(value=None, why="one size only"),
    )[number % 6]
    number_of = Estimate(value=120.5, why="reached in 5 of 5 seeds")
    censored = Estimate(value=None, at_least=300, why="more than the budget")
    plain = Estimate(value=0.5, low=0.25, high=0.75)
    return Benefit(
        arm=c.arm,
        control=c.control,
        size=c.size,
        num_images=known(c.num_images),
        source=c.source,
        target=c.target,
        seeds=c.seeds,
        labels=labels,
        multiplier=labels,
        threshold=0.9,
        updates_to=censored if number % 2 else number_of,
        control_updates_to=number_of,
        flops_to=replace(number_of, value=5.16e6),
        control_flops_to=replace(number_of, value=2.5e12),
        seconds_to=plain,
        control_seconds_to=plain,
        reached=1.0,
        control_reached=1.0,
        source_flops=10**12,
        break_even=Estimate(value=None, why="never: the arm saves no operations"),
        jumpstart_pp=plain,
        asymptotic_pp=Estimate(value=None, why="not converged at this budget"),
        area_ratio=plain,
        error_reduction=plain,
        fresh_arm="scratch",
        negative_transfer_pp=plain,
        balanced_gain_pp=plain,
        nll_gain=plain,
        brier_gain=plain,
        ece_gain=plain,
        gap_pp=plain,
        control_gap_pp=plain,
    )
