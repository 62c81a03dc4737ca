"""The step that lists mistakes on a pair's test images, planned from its trials at one size."""

from collections.abc import Iterable, Sequence

from headstart.plan.payload_types import MistakesPayload
from headstart.plan.steps import Step, Trial
from headstart.plan.trial_data import TrialData


def mistakes_step(
    trials: Iterable[Trial], target: TrialData, overlaps: Sequence[str]
) -> Step | None:
    """The step, from all trials of a pair at one size; None without a transfer arm and a control.

    `overlaps` are the searches for copies, one for each seed of the control: the same where all
    seeds have the same test images. An arm may have fewer seeds than the control: the first ones.
    Which transfer arm validation prefers is not known yet, so all their predictions are inputs.
    """
    study, pair = target.study, target.pair
    predictions: dict[str, list[str]] = {}
    for trial in trials:
        predictions.setdefault(trial.arm, []).append(trial.predict_key)
    control = predictions.pop(study.control, [])
    transfer = {arm.name for arm in study.all_arms if arm.transfers}
    arms = [keys for arm, keys in predictions.items() if arm in transfer]
    if not control or not arms:
        return None
    # A prediction that two arms share is one input.
    of_arms = (key for keys in arms for key in keys)
    inputs = tuple(dict.fromkeys([*control, *of_arms, *overlaps]))
    place = {key: number for number, key in enumerate(inputs)}
    searches = [place[key] for key in overlaps]
    payload: MistakesPayload = {
        "test": target.all_test_data(),
        "arms": [[place[key] for key in keys] for keys in arms],
        "control": [place[key] for key in control],
        "overlap": searches if target.task.split.repeats else searches[0],
    }
    return Step(
        kind="mistakes",
        payload=dict(payload),
        inputs=inputs,
        datasets=target.datasets,
        label=f"mistakes on test images, {pair.source} to {pair.target}",
        updates=0,
        flops=0,
    )
