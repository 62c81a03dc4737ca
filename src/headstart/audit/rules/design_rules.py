"""Rules about what a comparison needs: a control, a test of every arm, several seeds."""

from collections.abc import Iterable

from headstart.audit.program.nets import Net
from headstart.audit.program.samples import overlap
from headstart.audit.program.story import Story
from headstart.audit.rules.comparisons import (
    comparisons,
    is_experiment,
    of_transfer,
    scored_on,
    transfers,
)
from headstart.audit.rules.examples import SCRATCH, SOURCE, TRANSFER
from headstart.audit.rules.rule import Found, rule


@rule(
    "no-scratch",
    "no run from scratch on the target",
    settles="Train the same network from fresh weights on the target's images, with the same "
    "budget. It is the control of every headstart study (CHK-21).",
    example=SOURCE + TRANSFER,
    twin=SOURCE + TRANSFER + SCRATCH,
)
def no_scratch(story: Story) -> Iterable[Found]:
    """Whether the source helps is the difference from the same training without it; a score on the
    source's own task says nothing about that."""
    targets = {transfer.target.net.number: transfer.target for transfer in transfers(story)}
    for comparison in comparisons(story):
        mine = [arm for arm in comparison.arms if arm.net.number in targets]
        if mine and all(arm.transferred or arm in mine for arm in comparison.arms):
            training = targets[mine[-1].net.number]
            yield Found(
                place=training.site.called,
                says=f"{training.net.called()} is compared with no network that was trained from "
                "scratch on the same task",
            )
            return


@rule(
    "arm-untested",
    "an arm is trained and never tested",
    settles="Score it on the same test images as the others. In headstart every trial ends with "
    "its test, and a training accuracy stands for none (CHK-14-gap).",
    example=SOURCE
    + SCRATCH
    + TRANSFER.replace("moved.evaluate(new, new_labels)", "")
    + TRANSFER.replace("moved", "other"),
    twin=SOURCE + SCRATCH + TRANSFER,
)
def arm_untested(story: Story) -> Iterable[Found]:
    """Its accuracy during training, with dropout live and on images that it has seen, can be set
    against no test score."""
    trained_on = {
        arm.last.data.paths
        for comparison in of_transfer(story)
        for arm in comparison.arms
        if story.testings_of(arm.net)
    }
    sources = {
        t.source.net.number for t in transfers(story) if not overlap(t.source.data, t.target.data)
    }
    for training in story.trainings:
        net = training.net
        if training is not story.trainings_of(net)[-1] or net.number in story.escaped:
            continue
        if training.data.paths not in trained_on or training.validation is not None:
            continue
        scored = any(_holds_all_of(t.net, net) for t in story.testings)
        if not scored and net.number not in sources:
            yield Found(
                place=training.site.place,
                says=f"{net.called()} is trained like the other arms and never scored",
            )


def _holds_all_of(whole: Net, part: Net) -> bool:
    """Whether all layers of one network are in another."""
    mine = {net.number for net in whole.everything()}
    return part.number in mine or all(layer.number in mine for layer in part.leaves())


@rule(
    "one-seed",
    "every arm is trained once",
    settles="Train each arm with at least five seeds, the same ones for all arms. headstart pairs "
    "seeds and gives an interval (CHK-17; `headstart run --seeds 10`).",
    example=SOURCE + TRANSFER + SCRATCH,
    twin=SOURCE.split("def build")[0]
    + "for seed in range(5):\n    keras.utils.set_random_seed(seed)\n"
    + "".join(
        f"    {line}\n"
        for line in ("def build" + SOURCE.split("def build")[1] + TRANSFER + SCRATCH).split("\n")
    ),
)
def one_seed(story: Story) -> Iterable[Found]:
    """From seed to seed the accuracy of one network varies by as much as arms often differ; one run
    of each does not separate the two."""
    trainings = [training for training in story.trainings if scored_on(story, training.net)]
    if not is_experiment(story) or not trainings or story.seed_given:
        return
    if any(training.site.repeats for training in trainings):
        return
    if story.seeds:
        says = "each arm is trained with one seed"
    else:
        says = "each arm is trained once, and no seed is set"
    yield Found(place=trainings[-1].site.called, says=says)


RULES = (
    no_scratch,
    arm_untested,
    one_seed,
)
