"""Which weights count: the best on validation, the earlier of equals, or the last."""

import pytest

from headstart.train.checkpoints import Best, Checkpoint, choose


def best(update: int, accuracy: float) -> Best:
    return Best(update=update, accuracy=accuracy)


@pytest.mark.parametrize(
    ("bests", "keep", "phase", "which"),
    [
        ([best(5, 0.7)], "best", 0, "best"),
        ([best(5, 0.7), best(9, 0.8)], "best", 1, "best"),
        ([best(5, 0.8), best(9, 0.8)], "best", 0, "best"),
        ([None, best(9, 0.1)], "best", 1, "best"),
        ([None, None], "best", 1, "last"),
        ([best(5, 0.9), best(9, 0.1)], "last", 1, "last"),
    ],
)
def test_choice(bests: list[Best | None], keep: str, phase: int, which: str) -> None:
    chosen = choose(bests, keep)  # type: ignore[arg-type]
    assert chosen == Checkpoint(phase=phase, which=which)  # type: ignore[arg-type]
