"""Rules about the values of samples: pixels, labels, slices."""

from collections.abc import Iterable

from headstart.audit.program.nets import SCALING
from headstart.audit.program.samples import RAW_SETS
from headstart.audit.program.story import Story
from headstart.audit.rules.examples import MNIST_KERAS
from headstart.audit.rules.rule import Found, rule


@rule(
    "scaled-on-one-side",
    "pixels are scaled for training or for testing, not for both",
    settles="Scale both with the same function. headstart keeps the scaling in the model and "
    "checks the range of all inputs (CHK-22-range, CHK-26).",
    example=MNIST_KERAS.replace("x, x_new = x / 255.0, x_new / 255.0", "x = x / 255.0")
    + "net.fit(x, y, epochs=3)\nnet.evaluate(x_new, y_new)\n",
    twin=MNIST_KERAS + "net.fit(x, y, epochs=3)\nnet.evaluate(x_new, y_new)\n",
)
def scaled_on_one_side(story: Story) -> Iterable[Found]:
    """A network that has learnt from values between 0 and 1 is lost among values up to 255; its
    score is then a fault of the input and says nothing about the weights."""
    for testing in story.testings:
        for training in story.trainings_of(testing.net):
            if training.site.time > testing.site.time:
                continue
            one, other = training.data.half("images"), testing.data.half("images")
            differing = (one.scale ^ other.scale) - {"centred"}
            if one.opaque or other.opaque or not differing:
                continue
            side = "training" if differing <= one.scale else "test"
            yield Found(
                place=testing.site.place,
                says=f"{testing.net.called()}: the {side} images are scaled "
                f"({' and '.join(sorted(differing))}) and the others are not",
                also=(training.site.place,),
            )
            break


@rule(
    "not-scaled",
    "raw pixels from 0 to 255 go into the network",
    settles="Divide by 255, or begin the network with a layer that scales. headstart checks the "
    'range of inputs (CHK-22-range; `scale = "unit"` in a study file).',
    example=MNIST_KERAS.replace("x, x_new = x / 255.0, x_new / 255.0", "")
    + "net.fit(x, y, epochs=3)\nnet.evaluate(x_new, y_new)\n",
    twin=MNIST_KERAS.replace("x, x_new = x / 255.0, x_new / 255.0", "").replace(
        "[keras", "[keras.layers.Rescaling(1 / 255), keras", 1
    )
    + "net.fit(x, y, epochs=3)\nnet.evaluate(x_new, y_new)\n",
)
def not_scaled(story: Story) -> Iterable[Found]:
    """Usual learning rates and weights are made for inputs near 1; raw pixels make the first
    updates much larger, and how far that harms an arm depends on its weights."""
    for training in story.trainings:
        images = training.data.half("images")
        raw = all(isinstance(path[0], tuple) and path[0][1] in RAW_SETS for path in images.paths)
        if not raw or images.opaque or images.scale or training.framework != "keras":
            continue
        if training.net.may_have((*SCALING, "Lambda")) or training.net.number in story.escaped:
            continue
        yield Found(
            place=training.site.place,
            says=f"{training.net.called()} is trained on pixels from 0 to 255",
        )
        return


@rule(
    "labels-overwritten",
    "labels are changed in their own array",
    settles="Change a copy (`labels = labels.copy()`), or compute new labels. headstart never "
    "changes labels; a task takes its classes by name.",
    example=MNIST_KERAS
    + "even = y\neven[y % 2 == 0] = 1\nnet.fit(x, y)\nnet.evaluate(x_new, y_new)\n",
    twin=MNIST_KERAS + "even = y.copy()\neven[y % 2 == 0] = 1\nnet.fit(x, y)\n"
    "net.evaluate(x_new, y_new)\n",
)
def labels_overwritten(story: Story) -> Iterable[Found]:
    """Two names of one array change together: the labels of the other task are lost, and a cell
    that is run twice changes them once more."""
    for found in story.overwritten:
        if found.name == found.other:
            says = f"`{found.name}` is changed in place after a network was trained on it"
        else:
            says = f"`{found.other}` is the same array as `{found.name}`, which is changed in place"
        yield Found(place=found.place, says=says, also=(found.used,))


@rule(
    "last-dropped",
    "a slice leaves out the last image",
    settles="End the slice with nothing (`[n:]`). headstart counts the images of every part "
    "(CHK-12).",
    example=MNIST_KERAS + "n = 50000\nnet.fit(x[:n], y[:n])\nnet.evaluate(x[n:-1], y[n:-1])\n",
    twin=MNIST_KERAS + "n = 50000\nnet.fit(x[:n], y[:n])\nnet.evaluate(x[n:], y[n:])\n",
)
def last_dropped(story: Story) -> Iterable[Found]:
    """One image of thousands changes little, but a slice that loses it was not meant so, and where
    images and labels are cut differently they no longer belong together."""
    for place in dict.fromkeys(story.cuts):
        yield Found(place=place, says="`[...:-1]` ends before the last image")


RULES = (
    scaled_on_one_side,
    not_scaled,
    labels_overwritten,
    last_dropped,
)
