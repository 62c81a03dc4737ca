"""Published figures: which of this study's numbers is set beside each."""

from typing import Any

import pytest

from headstart.analyse.analysis import ArmResult, Curve, PublishedFigure
from headstart.analyse.published import published_figures
from headstart.study.study import StudySpec
from studies import tiny_table

PAIRS = [{"source": "source", "target": "target"}, {"source": "target", "target": "source"}]


def curve(seed: int, first: float, measured: int = 3) -> Curve:
    """A curve whose columns rise by a tenth from `first` on, each its own way."""
    steps = [first + at / 10 for at in range(measured)]
    return Curve(
        seed=seed,
        updates=tuple(4 * (at + 1) for at in range(measured)),
        train_loss=tuple(2 - step for step in steps),
        validation_loss=tuple(3 - step for step in steps),
        validation_accuracy=tuple(steps),
        train_accuracy=tuple(step / 2 for step in steps),
        checkpoint=4,
    )


def result(arm: str, source: str, target: str, mean: float, **more: Any) -> ArmResult:
    usual: dict[str, Any] = {
        "size": "all",
        "num_images": 40,
        "seeds": (0, 1),
        "test_accuracy": (mean - 0.01, mean + 0.01),
        "sd": 0.014,
        "lowest": mean - 0.01,
        "highest": mean + 0.01,
        "validation_mean": 0.6,
        "trainable_parameters": 45,
        "total_parameters": 700,
        "updates": 12,
        "seconds": 1.5,
        "flops": 1,
        "curves": (curve(0, 0.2), curve(1, 0.4)),
        "missing": (),
    }
    own = {"mean": mean, "accuracy": mean}
    return ArmResult(arm=arm, source=source, target=target, **{**own, **usual, **more})


ARMS = (
    result("scratch", "source", "target", 0.70),
    result("full", "source", "target", 0.80),
    result("full", "target", "source", 0.90, trainable_parameters=46, seconds=9.0),
)
SOURCES = (
    result("source run", "source", "target", 0.60, total_parameters=701),
    result("source run", "target", "source", 0.65),
)


def own(
    arms: tuple[ArmResult, ...] = ARMS, sources: tuple[ArmResult, ...] = SOURCES, **figure: Any
) -> float | None:
    """What headstart sets beside a figure."""
    return beside(arms, sources, **figure).headstart


def beside(
    arms: tuple[ArmResult, ...] = ARMS, sources: tuple[ArmResult, ...] = SOURCES, **figure: Any
) -> PublishedFigure:
    table = tiny_table(pairs=PAIRS, published=[{"figure": "it", **figure}])
    (found,) = published_figures(StudySpec(**table), arms, sources)
    assert found.figure == "it"
    return found


@pytest.mark.parametrize(
    ("figure", "expected"),
    [
        ({"arm": "full"}, 0.80),
        ({"arm": "scratch"}, 0.70),
        ({"arm": "full", "pair": 1}, 0.90),
        ({"arm": "source"}, 0.60),
        ({"arm": "source", "pair": 1}, 0.65),
        # The last measurement, unless one is picked: means of 0.4 and 0.6, 0.2 and 0.4.
        ({"arm": "full", "metric": "validation_accuracy"}, 0.5),
        ({"arm": "full", "metric": "validation_accuracy", "measurement": 1}, 0.3),
        ({"arm": "full", "metric": "validation_accuracy", "measurement": 3}, 0.5),
        ({"arm": "full", "metric": "running_train_accuracy"}, 0.25),
        ({"arm": "full", "metric": "running_train_accuracy", "measurement": 2}, 0.2),
        ({"arm": "source", "metric": "running_train_accuracy", "measurement": 1}, 0.15),
        ({"arm": "full", "metric": "trainable_parameters"}, 45),
        ({"arm": "full", "metric": "trainable_parameters", "pair": 1}, 46),
        ({"arm": "source", "metric": "total_parameters"}, 701),
        ({"arm": "full", "metric": "seconds", "pair": 1}, 9.0),
    ],
)
def test_the_number_beside_a_figure(figure: dict[str, Any], expected: float) -> None:
    assert own(**figure) == pytest.approx(expected)


def test_what_was_published_is_passed_on() -> None:
    assert beside(arm="full", published=0.81, keras=0.79) == PublishedFigure(
        figure="it", published=0.81, keras=0.79, headstart=0.80, is_count=False, is_time=False
    )
    counted = beside(arm="full", metric="trainable_parameters", published=45)
    assert (counted.is_count, counted.is_time) == (True, False)
    timed = beside(arm="full", metric="seconds", published=3)
    assert (timed.is_count, timed.is_time, timed.keras) == (False, True, None)


@pytest.mark.parametrize(
    "figure",
    [
        {},  # the study has no counterpart
        {"arm": "probe"},  # not run yet
        {"arm": "scratch", "pair": 1},
        {"arm": "probe", "metric": "trainable_parameters"},
        {"arm": "probe", "metric": "seconds"},
    ],
)
def test_nothing_is_set_beside_a_figure_without_a_counterpart(figure: dict[str, Any]) -> None:
    assert own(**figure) is None
    assert own(arms=(), sources=(), **figure) is None


def test_a_source_run_that_is_not_there() -> None:
    assert own(sources=(), arm="source") is None
    assert own(sources=SOURCES[1:], arm="source") is None


def test_a_measurement_that_was_not_made() -> None:
    """A shorter budget measures less often than the published one."""
    assert own(arm="full", metric="validation_accuracy", measurement=4) is None
    assert own(arm="full", metric="running_train_accuracy", measurement=99) is None
    short = (result("full", "source", "target", 0.8, curves=(curve(0, 0.2), curve(1, 0.4, 1))),)
    # The mean over the seeds that have it.
    second = own(arms=short, arm="full", metric="validation_accuracy", measurement=2)
    assert second == pytest.approx(0.3)
    none = (result("full", "source", "target", 0.8, curves=(curve(0, 0.2, 0),)),)
    assert own(arms=none, arm="full", metric="validation_accuracy") is None


def test_without_validation_images_there_is_no_validation_accuracy() -> None:
    blind = Curve(
        seed=0,
        updates=(4,),
        train_loss=(1.0,),
        validation_loss=(None,),
        validation_accuracy=(None,),
        train_accuracy=(0.5,),
        checkpoint=4,
    )
    arms = (result("full", "source", "target", 0.8, curves=(blind,)),)
    assert own(arms=arms, arm="full", metric="validation_accuracy") is None
    assert own(arms=arms, arm="full", metric="running_train_accuracy") == 0.5
