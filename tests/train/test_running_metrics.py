"""Training loss and accuracy: the same however many updates wait, and for whatever batch sizes."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from headstart.train import running_metrics
from headstart.train.running_metrics import RunningMetrics

Update = tuple[Tensor, Tensor]


def updates(sizes: list[int], members: int = 2, classes: int = 3) -> list[Update]:
    """Logits and labels of an update for each batch size."""
    draw = torch.Generator().manual_seed(0)
    return [
        (
            torch.randn(members, size, classes, generator=draw),
            torch.randint(classes, (members, size), generator=draw),
        )
        for size in sizes
    ]


def check(told: list[running_metrics.LossAccuracy], seen: list[Update]) -> None:
    """Each member's loss is the mean over updates, its accuracy that over images."""
    for at, found in enumerate(told):
        losses = [functional.cross_entropy(logits[at], truth[at]) for logits, truth in seen]
        right = torch.cat([logits[at].argmax(1) == truth[at] for logits, truth in seen])
        assert found.loss == pytest.approx(float(torch.stack(losses).mean()), rel=1e-5)
        assert found.accuracy == pytest.approx(float(right.double().mean()))


@pytest.mark.parametrize("room", [1, 100, 250_000])
def test_told_is_what_each_update_says_by_itself(
    room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running_metrics, "WAITING_BYTES", room)
    found, first, second = RunningMetrics(2), updates([4, 4, 4, 2, 4, 4, 2]), updates([2, 4, 4])
    for part in (first, second):  # what was told is not told again
        for update in part:
            found.add(*update)
        check(found.since_last(), part)


def test_an_update_may_overwrite_what_the_one_before_gave() -> None:
    """As one that is played back does, and heads side by side."""
    found, seen = RunningMetrics(2), updates([4, 4, 4])
    logits, truth = (torch.empty_like(tensor) for tensor in seen[0])
    for update in seen:
        logits.copy_(update[0])
        truth.copy_(update[1])
        found.add(logits, truth)
    check(found.since_last(), seen)
