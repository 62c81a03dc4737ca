"""Rules about which images are trained on, validated on and tested on."""

from collections.abc import Iterable

from headstart.audit.program.nets import Net
from headstart.audit.program.samples import (
    Data,
    is_test_part,
    overlap,
    smaller,
    within,
)
from headstart.audit.program.story import Story, Testing, Training
from headstart.audit.rules.comparisons import is_experiment, transfers
from headstart.audit.rules.examples import MNIST_KERAS
from headstart.audit.rules.rule import Found, rule


def _held_out(story: Story, net: Net, trained: Data) -> bool:
    """Whether the network is scored on other samples, here or in code that is not shown."""
    if net.number in story.escaped:
        return True
    scored = [t.data for t in story.testings if t.net.shares_with(net)]
    scored += [t.validation for t in story.trainings_of(net) if t.validation is not None]
    return any(not overlap(data, trained) for data in scored)


@rule(
    "trained-on-test",
    "scored on the images that it was trained on",
    settles="Score on images that no training has seen. In a headstart study the test part is kept "
    "apart and copies of training images are left out of it (CHK-01-leaks, CHK-10).",
    example=MNIST_KERAS + "net.fit(x, y, epochs=3)\nnet.evaluate(x, y)\n",
    twin=MNIST_KERAS + "net.fit(x, y, epochs=3)\nnet.evaluate(x_new, y_new)\n",
)
def trained_on_test(story: Story) -> Iterable[Found]:
    """Accuracy on images that a network was trained on says what it remembers, not what it has
    learnt; it flatters the larger network and the longer training."""
    for net in story.nets:
        tested = [*story.testings_of(net), *_validated_on_training(story, net)]
        for testing in tested:
            training = _training_behind(story, testing)
            if training is not None:
                yield Found(
                    place=testing.site.place,
                    says=f"{net.called()} is scored on images that it was trained on",
                    also=(training.site.place,),
                )
                break


def _validated_on_training(story: Story, net: Net) -> list[Testing]:
    if story.testings_of(net):
        return []
    return [
        Testing(net=net, data=t.validation, site=t.site)
        for t in story.trainings_of(net)
        if t.validation is not None
    ]


def _training_behind(story: Story, testing: Testing) -> Training | None:
    """Training of the network on the samples of a test, if nothing else scores it."""
    for training in story.trainings_of(testing.net):
        if training.site.time > testing.site.time or testing.during:
            continue
        if not within(testing.data, training.data) and not within(training.data, testing.data):
            continue
        chosen = smaller(testing.data, training.data) and _is_test_side(testing.data)
        if chosen or not _held_out(story, testing.net, training.data):
            return training
    return None


def _is_test_side(data: Data) -> bool:
    """Whether the samples are the second side of a random split."""
    return all(
        isinstance(path[-1], tuple) and path[-1][0] == "split" and path[-1][-1] != 0
        for path in data.paths
    )


_STOP = "stop = keras.callbacks.EarlyStopping(restore_best_weights=True)\n"


@rule(
    "test-as-validation",
    "test images used as validation images",
    settles="Validate on a part of the training images and open the test images once, at the end. "
    "headstart does so in every study (CHK-10; `split.validation` in a study file).",
    example=MNIST_KERAS + _STOP + "net.fit(x, y, epochs=9, validation_data=(x_new, y_new), "
    "callbacks=[stop])\nnet.evaluate(x_new, y_new)\n",
    twin=MNIST_KERAS + _STOP + "net.fit(x, y, epochs=9, validation_split=0.1, callbacks=[stop])\n"
    "net.evaluate(x_new, y_new)\n",
)
def test_as_validation(story: Story) -> Iterable[Found]:
    """What is chosen by the test images, an epoch or a setting, is chosen to look good on them: the
    figure is then the best of several, and higher than on new images."""
    for training in story.trainings:
        validation = training.validation
        if validation is None or not _is_reported(story, training, validation):
            continue
        if training.picks:
            says = "the images that pick the epoch are the images of the reported score"
        else:
            says = "the test images are watched during training, as validation images"
        yield Found(place=training.site.place, says=f"{says} ({training.net.called()})")
    yield from _picked_in_loops(story)


def _is_reported(story: Story, training: Training, validation: Data) -> bool:
    """Whether validation images are also those of the score, and no others are scored."""
    if within(validation, training.data) or training.net.number in story.escaped:
        return False
    tests = [t.data for t in _scored_after(story, training)]
    others = [data for data in tests if not overlap(data, validation)]
    others = [data for data in others if not overlap(data, training.data)]
    if others:
        return False
    if any(overlap(data, validation) for data in tests):
        return training.picks is not None or is_test_part(validation)
    return training.picks is not None and is_test_part(validation)


def _scored_after(story: Story, training: Training) -> list[Testing]:
    """Tests of a network until it is trained on something else."""
    later = [
        other.site.time
        for other in story.trainings_of(training.net)
        if other.site.time > training.site.time and not overlap(other.data, training.data)
    ]
    return [
        testing
        for testing in story.testings
        if testing.net.shares_with(training.net)
        and (not later or training.site.time < testing.site.time < later[0])
    ]


def _picked_in_loops(story: Story) -> Iterable[Found]:
    """Loops that are written out and keep the best epoch by the test images."""
    for testing in story.testings:
        loops = [number for number in testing.site.loops if number in story.picking]
        if not testing.during or not loops:
            continue
        mine = [t.data for t in story.testings if t.net.shares_with(testing.net)]
        if is_test_part(testing.data) and all(data.paths == testing.data.paths for data in mine):
            yield Found(
                place=story.picking[loops[-1]],
                says=f"the best epoch of {testing.net.called()} is kept by its score on the test "
                "images",
                also=(testing.site.place,),
            )


_UNTESTED = (
    MNIST_KERAS
    + """
net.fit(x[:50000], y[:50000], validation_data=(x[50000:], y[50000:]))
head = keras.Sequential([*net.layers[:-1], keras.layers.Dense(2)])
head.compile("adam", "mse")
head.fit(x[:50000], y[:50000] % 2, validation_data=(x[50000:], y[50000:] % 2))
"""
)


@rule(
    "test-unused",
    "the test images are loaded and never used",
    settles="Score every arm once on the test images. In headstart every trial ends with its test.",
    example=_UNTESTED,
    twin=_UNTESTED + "head.evaluate(x_new, y_new % 2)\n",
)
def test_unused(story: Story) -> Iterable[Found]:
    """Figures on validation images that were watched epoch by epoch are a little too good, and more
    so for the arm that was tried more often."""
    if story.testings or not is_experiment(story):
        return
    used = [*story.used, *(training.data for training in story.trainings)]
    used += [t.validation for t in story.trainings if t.validation is not None]
    for data, place in story.loaded:
        if is_test_part(data) and not any(overlap(data, other) for other in used):
            yield Found(place=place, says="the test images loaded here reach no network")


@rule(
    "same-images",
    "source and target are trained on the same images",
    settles="Give the target other images. headstart compares the images of source and target "
    "before anything is trained (CHK-01, CHK-02); as a relabelling it needs the arm `label_map`.",
    example=MNIST_KERAS + "net.fit(x, y, epochs=3)\nnet.layers[0].trainable = False\n"
    "net.compile('adam', 'mse')\nnet.fit(x, y, epochs=3)\nnet.evaluate(x_new, y_new)\n",
    twin=MNIST_KERAS + "net.fit(x[y < 5], y[y < 5], epochs=3)\nnet.layers[0].trainable = False\n"
    "net.compile('adam', 'mse')\nnet.fit(x[y > 4], y[y > 4], epochs=3)\n"
    "net.evaluate(x_new[y_new > 4], y_new[y_new > 4])\n",
)
def same_images(story: Story) -> Iterable[Found]:
    """A network that has already been trained on the images of the target brings no knowledge from
    elsewhere: what looks like transfer is more training on the same images."""
    seen: set[int] = set()
    for transfer in transfers(story):
        source, target = transfer.source, transfer.target
        if not overlap(source.data, target.data) or id(target) in seen:
            continue
        if source.targets is not None and source.targets.holds == "images":
            continue  # trained without labels, which is a usual way to begin
        if source.net is not target.net and source.net.shares_with(target.net):
            continue  # arms that share layers, which is another rule
        seen.add(id(target))
        yield Found(
            place=target.site.called,
            says=f"{target.net.called()} is trained on images that its weights were already "
            "trained on, from nothing",
            also=(source.site.called,),
        )


RULES = (
    same_images,
    trained_on_test,
    test_as_validation,
    test_unused,
)
