"""Rules about modes: dropout and batch statistics where they do not belong."""

from collections.abc import Iterable

from headstart.audit.program.nets import DROPPING, NORMALISING, Net
from headstart.audit.program.story import Story, Testing
from headstart.audit.rules.comparisons import has_weights, is_experiment, transfers
from headstart.audit.rules.examples import MNIST
from headstart.audit.rules.rule import Found, rule

_TORCH = """
import torch
from torch import nn
from torchvision import datasets, transforms
scale = transforms.ToTensor()
old = torch.utils.data.DataLoader(datasets.MNIST(".", train=True, transform=scale), batch_size=64)
new = torch.utils.data.DataLoader(datasets.MNIST(".", train=False, transform=scale), batch_size=64)
net = nn.Sequential(nn.Flatten(), nn.Linear(784, 99), nn.Dropout(0.5), nn.Linear(99, 10))
mover = torch.optim.SGD(net.parameters(), lr=0.1)
for epoch in range(3):
    for x, y in old:
        mover.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        mover.step()
"""
_TESTED = f"""{_TORCH}
right = 0
net.eval()
with torch.no_grad():
    for x, y in new:
        right += (net(x).argmax(1) == y).sum().item()
"""


@rule(
    "no-eval-mode",
    "scored without `.eval()`",
    settles="`net.eval()` before the test, `net.train()` before training goes on. headstart scores "
    "in eval mode, training images too (CHK-14, CHK-23).",
    example=_TESTED.replace("net.eval()", ""),
    twin=_TESTED,
)
def no_eval_mode(story: Story) -> Iterable[Found]:
    """Dropout goes on leaving out outputs, and batch normalisation uses the batch instead of what
    it has learnt, and learns from test images: the score is too low and depends on the batch."""
    for testing in _of_loops(story):
        if testing.mode == "train" and testing.net.may_have((*DROPPING, *NORMALISING)):
            yield Found(
                place=testing.site.place,
                says=f"{testing.net.called()} is in training mode here",
            )


def _of_loops(story: Story) -> Iterable[Testing]:
    """Tests in loops that are written out, one for each line."""
    seen: set[object] = set()
    for testing in story.testings:
        if testing.framework == "torch" and testing.site.place not in seen:
            seen.add(testing.site.place)
            yield testing


@rule(
    "no-no-grad",
    "scored with gradients on",
    level="note",
    settles="`with torch.no_grad():` around the test.",
    example=_TESTED.replace("with torch.no_grad()", "if True"),
    twin=_TESTED,
)
def no_no_grad(story: Story) -> Iterable[Found]:
    """It costs memory and time and changes no score."""
    for testing in _of_loops(story):
        if testing.gradients:
            yield Found(
                place=testing.site.place,
                says=f"gradients of {testing.net.called()} are recorded during a test",
            )


_FROZEN = f"""{MNIST}
net = keras.Sequential([keras.layers.Dense(9), keras.layers.Dropout(0.5), keras.layers.Dense(10)])
net.load_weights("net.h5")
for layer in net.layers[:-1]:
    layer.trainable = False
net.compile("adam", "mse")
net.fit(x, y)
"""


@rule(
    "dropout-in-frozen",
    "dropout goes on inside frozen layers",
    level="note",
    settles="Call the frozen part with `training=False`. In headstart frozen stages are in eval "
    "mode (CHK-23).",
    example=_FROZEN,
    twin=_FROZEN.replace("keras.layers.Dropout(0.5), ", ""),
)
def dropout_in_frozen(story: Story) -> Iterable[Found]:
    """`trainable = False` does not turn dropout off: the head learns from features that are
    disturbed at random, and the frozen part gives other features in training than in the test."""
    seen: set[int] = set()
    for training in story.trainings:
        frozen = training.frozen_layers()
        dropping = [layer for layer in frozen if layer.has(DROPPING) and not _is_quiet(layer)]
        if not dropping or training.framework not in ("keras", "torch"):
            continue
        if not any(has_weights(layer) for layer in frozen) or training.net.number in seen:
            continue
        seen.add(training.net.number)
        change = [c for c in dropping[0].freezing if c.time < training.site.time][-1]
        yield Found(
            place=change.place,
            says=f"{training.net.called()}: frozen layers hold dropout, which stays live in "
            "training",
            also=(training.site.place,),
        )


def _is_quiet(layer: Net) -> bool:
    if layer.framework == "torch":
        return layer.mode != "train"
    above: Net | None = layer
    while above is not None:
        if above.inference:
            return True
        above = above.owner
    return False


_STANDARDISED = """
from tensorflow import keras
(x, y), _ = keras.datasets.mnist.load_data()
low, high = x[y < 5], x[y >= 5]
mean, deviation = low.mean(), low.std()
low = (low - mean) / deviation
high = (high - mean) / deviation
net = keras.Sequential([keras.layers.Dense(9), keras.layers.Dense(5)])
net.compile("adam", "mse")
net.fit(low, y[y < 5])
net.layers[0].trainable = False
net.compile("adam", "mse")
net.fit(high, y[y >= 5])
"""


@rule(
    "other-statistics",
    "the target is standardised by other statistics than the source",
    level="note",
    settles="Standardise the target by the source's mean and deviation. headstart does so unless "
    "asked otherwise (CHK-11; `preprocessing.statistics`).",
    example=_STANDARDISED.replace("(high - mean) / deviation", "(high - high.mean()) / high.std()"),
    twin=_STANDARDISED,
)
def other_statistics(story: Story) -> Iterable[Found]:
    """Frozen layers have learnt from inputs on one scale and get them on another; part of what the
    target loses is then a fault of the input."""
    for transfer in transfers(story):
        one = transfer.source.data.half("images").statistics
        other = transfer.target.data.half("images").statistics
        if one is not None and other is not None and one != other:
            yield Found(
                place=transfer.target.site.place,
                says=f"{transfer.target.net.called()} gets images standardised by other statistics "
                "than its weights have learnt with",
                also=(transfer.source.site.place,),
            )
            return


_SPLIT = f"""{MNIST}
from sklearn.model_selection import train_test_split
some, _, labels, _ = train_test_split(x, y, train_size=0.7)
net = keras.models.load_model("net.keras")
net.fit(some, labels)
plain = keras.Sequential([keras.layers.Dense(10)])
plain.compile("adam", "mse")
plain.fit(some, labels)
net.evaluate(x_new, y_new)
plain.evaluate(x_new, y_new)
"""


@rule(
    "split-unseeded",
    "a random split without a seed",
    level="note",
    settles="`random_state=` in the split. In headstart every draw follows from the study's seeds "
    "(CHK-17-paired).",
    example=_SPLIT,
    twin=_SPLIT.replace("train_size=0.7", "train_size=0.7, random_state=1"),
)
def split_unseeded(story: Story) -> Iterable[Found]:
    """The next run draws other images, and a difference between two runs may be that of the
    draw."""
    if story.numpy_seeded or not is_experiment(story):
        return
    for split in story.splits:
        if split.seeded is False:
            yield Found(place=split.site.place, says="the split is another one in every run")


@rule(
    "cells-out-of-order",
    "cells were not run in the order in which they stand",
    level="note",
    settles="Restart and run all. headstart's reports are made from stored results alone (CHK-18).",
    example="",
    twin="",
)
def cells_out_of_order(story: Story) -> Iterable[Found]:
    """The outputs may be those of other code than the cells show."""
    latest = 0
    for cell in story.cells:
        if cell.run_as is None:
            continue
        if cell.run_as < latest:
            yield Found(
                place=cell.place(1),
                says=f"this cell ran as number {cell.run_as}, after a cell below it or before one "
                f"above it (number {latest})",
            )
            return
        latest = cell.run_as


RULES = (
    no_eval_mode,
    no_no_grad,
    dropout_in_frozen,
    other_statistics,
    split_unseeded,
    cells_out_of_order,
)
