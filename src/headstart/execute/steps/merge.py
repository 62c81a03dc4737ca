"""Merge steps: weights put together from other weights, here from a pretrained checkpoint."""

from dataclasses import asdict
from pathlib import Path
from typing import cast

from headstart.execute.steps.context import StepContext
from headstart.execute.steps.outcome import Outcome
from headstart.execute.steps.weights import StoredWeights, fresh
from headstart.networks.facts import facts_of
from headstart.networks.pretrained import load_trunk
from headstart.plan.payload_types import MergePayload
from headstart.plan.steps import Step
from headstart.study.network import LibraryNetwork

_LONG = ("trunk", "head")  # pairs of names, one for every tensor
ANY_CLASSES = 2  # the trunk is the same for any number of classes


def merge_step(step: Step, context: StepContext) -> Outcome:
    """The trunk of a checkpoint under the names of its network, and an account of what was loaded.

    What the checkpoint lacks is not among the weights: it starts fresh.
    """
    payload, stored = cast(MergePayload, step.payload), StoredWeights(context.finished, step.files)
    network = stored.network(payload["network"])
    assert isinstance(network, LibraryNetwork)
    height, width, channels = payload["image"]
    image = (height, width, channels)
    of = (network, image, ANY_CLASSES)
    trunk, account = load_trunk(
        network,
        Path(step.files[payload["checkpoint"]]),
        image,
        fresh(of, 0, "source"),
        facts_of(*of),
        allow_partial=payload.get("allow_partial", False),
    )
    named = {name: value for name, value in asdict(account).items() if name not in _LONG}
    return Outcome(
        result={"account": {**named, "share": account.share}, "summary": str(account)},
        arrays={f"last/{name}": array for name, array in trunk.items()},
    )
