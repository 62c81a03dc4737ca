"""Rules about weights: where they come from, and whether frozen layers are as meant."""

from collections.abc import Iterable

from headstart.audit.program.names import last_name
from headstart.audit.program.nets import NORMALISING, Net
from headstart.audit.program.samples import other_classes
from headstart.audit.program.story import Story, Training
from headstart.audit.rules.comparisons import has_weights, is_deliberate, transfers
from headstart.audit.rules.examples import MNIST
from headstart.audit.rules.rule import Found, rule

_NORMALISED = ("ResNet", "MobileNet", "EfficientNet", "DenseNet", "Inception", "Xception", "NASNet",
               "RegNet")  # fmt: skip
_START = f"""{MNIST}
low, high = x[y < 5], x[y >= 5]
low_labels, high_labels = y[y < 5], y[y >= 5] - 5
net = keras.Sequential([keras.layers.Dense(9), keras.layers.Dense(5)])
net.compile("adam", "mse")
net.fit(low, low_labels, epochs=3)
"""
_CLONED = f"""{_START}
copy = keras.models.clone_model(net)
"""
_COPIED = f"""{_CLONED}
copy.set_weights(net.get_weights())
"""
_END = """
copy.pop()
copy.add(keras.layers.Dense(5))
copy.compile("adam", "mse")
copy.fit(high, high_labels, epochs=3)
"""
_WITH_STATISTICS = _START.replace("keras.layers.Dense(9),", "keras.layers.BatchNormalization(),")

_BODY = """
import torch
from torch import nn
from torchvision import datasets, transforms
data = datasets.MNIST(".", train=True, transform=transforms.ToTensor())
loader = torch.utils.data.DataLoader(data, batch_size=64)
body = nn.Sequential(nn.Flatten(), nn.Linear(784, 9))
"""
_FREEZE = """
for weights in body.parameters():
    weights.requires_grad = False
net = nn.Sequential(body, nn.Linear(9, 10))
mover = torch.optim.SGD(net.parameters(), lr=0.1)
for x, y in loader:
    nn.functional.cross_entropy(net(x), y).backward()
    mover.step()
"""


@rule(
    "frozen-after-compile",
    "layers are frozen or thawed after `compile`",
    settles="Compile once more after the change, and print the trainable weights. headstart hashes "
    "frozen weights before and after every training (CHK-04).",
    example=_START + "net.layers[0].trainable = False\nnet.fit(high, high_labels)\n",
    twin=_START + "net.layers[0].trainable = False\nnet.compile('adam', 'mse')\n"
    "net.fit(high, high_labels)\n",
)
def frozen_after_compile(story: Story) -> Iterable[Found]:
    """Keras reads `trainable` when a network is compiled; what is changed later has no effect on
    training until it is compiled again."""
    seen: set[int] = set()
    for training in story.trainings:
        compiled = [c.time for c in training.net.compiled if c.time < training.site.time]
        if not compiled or training.framework != "keras":
            continue
        for part in training.net.everything():
            for change in part.freezing:
                if not compiled[-1] < change.time < training.site.time or change.time in seen:
                    continue
                if not _meant_for_other(story, part, training, change.time):
                    seen.add(change.time)
                    yield Found(
                        place=change.place,
                        says=f"`trainable` is changed between `compile` and `fit` of "
                        f"{training.net.called()}",
                        also=(training.site.place,),
                    )


def _meant_for_other(story: Story, part: Net, training: Training, time: int) -> bool:
    """Whether another network with this part is compiled after the change, as in a GAN."""
    others = [net for net in story.nets if net is not training.net and net.shares_with(part)]
    return any(change.time > time for net in others for change in net.compiled)


@rule(
    "clone-without-weights",
    "a clone that never got the weights",
    settles="`copy.set_weights(net.get_weights())` after `clone_model`. headstart hashes the trunk "
    "before the first update (CHK-03), and the arm `random_trunk` shows what a fresh one gives.",
    example=_CLONED + _END,
    twin=_COPIED + _END,
)
def clone_without_weights(story: Story) -> Iterable[Found]:
    """`clone_model` copies the architecture and draws fresh weights: without `set_weights` nothing
    is transferred, and the result is that of a random network."""
    for net in story.nets:
        original = net.clone_of
        if original is None or (net.owner is not None and net.owner.clone_of is not None):
            continue
        has_learnt = bool(story.learned(original, net.built.time))
        has_learnt = has_learnt or any(p.origin == "pretrained" for p in original.everything())
        if not has_learnt or is_deliberate(net) or _got_weights(net):
            continue
        users = [t for t in story.trainings if t.net.shares_with(net)]
        others = [n for n in story.nets if n.clone_of is original and n is not net]
        if users and not any(_got_weights(other) for other in others):
            yield Found(
                place=net.built.place,
                says=f"{net.called()} has the architecture of {original.called()} and fresh "
                "weights",
                also=(users[0].site.place,),
            )


def _got_weights(net: Net) -> bool:
    return any(part.copies or part.loads for part in net.everything())


@rule(
    "frozen-untrained",
    "layers are frozen that were never trained",
    settles="Copy or load the weights before freezing, and compare one tensor with its origin. "
    "headstart does so before the first update (CHK-03); the control is `random_trunk`.",
    example=_BODY + _FREEZE,
    twin=_BODY + "body.load_state_dict(torch.load('body.pt'))\n" + _FREEZE,
)
def frozen_untrained(story: Story) -> Iterable[Found]:
    """A frozen layer that was neither trained nor loaded stays as it was drawn: the head learns on
    random features, and nothing is transferred."""
    seen: set[int] = set()
    for training in story.trainings:
        for layer in training.frozen_layers():
            if not _stays_random(story, layer, training) or is_deliberate(layer):
                continue
            change = [c for c in layer.freezing if c.time < training.site.time][-1]
            if change.time in seen or is_deliberate(training.net):
                continue
            seen.add(change.time)
            yield Found(
                place=change.place,
                says=f"{layer.called()} is frozen with the weights that it was drawn with",
                also=(training.site.place,),
            )


def _stays_random(story: Story, layer: Net, training: Training) -> bool:
    before = training.site.time
    if not has_weights(layer) or layer.clone_of is not None or layer.origin != "fresh":
        return False
    if layer.copies or layer.loads or layer.number in story.escaped:
        return False
    return not any(t.net.shares_with(layer) for t in story.trainings if t.site.time < before)


@rule(
    "loaded-after-freezing",
    "weights are loaded after batch normalisation was frozen",
    settles="Load first, freeze afterwards, and compare the statistics with their origin. "
    "headstart accounts for every tensor that it loads (CHK-25-loaded).",
    example=_WITH_STATISTICS + "net.trainable = False\nnet.load_weights('other.h5')\n",
    twin=_WITH_STATISTICS + "net.load_weights('other.h5')\nnet.trainable = False\n",
)
def loaded_after_freezing(story: Story) -> Iterable[Found]:
    """Keras 2 lists the weights of a nested network with those that train first, and .h5 files are
    read by that list: a file that was written before freezing is then read into other tensors, or
    refused."""
    for net in story.nets:
        if net.framework != "keras" or (net.owner is not None and net.owner.loads):
            continue
        normalised = net.has(NORMALISING) or any(
            last_name(part.kind).startswith(_NORMALISED) for part in net.everything()
        )
        for load in net.loads if normalised else ():
            frozen = [c for p in net.frozen_layers(load.time) for c in p.freezing if c.value]
            since = [c for c in frozen if c.time < load.time]
            if since and not _trained_between(story, net, since[-1].time, load.time):
                yield Found(
                    place=load.place,
                    says=f"weights are loaded into {net.called()} while layers of it are frozen",
                    also=(since[-1].place,),
                )
                break


def _trained_between(story: Story, net: Net, start: int, end: int) -> bool:
    return any(start < t.site.time < end and t.net.shares_with(net) for t in story.trainings)


@rule(
    "head-kept",
    "the head of the source is kept for other classes",
    settles="Give the target a fresh head. headstart draws a fresh head in every arm (CHK-05).",
    example=_COPIED + "copy.compile('adam', 'mse')\ncopy.fit(high, high_labels, epochs=3)\n",
    twin=_COPIED + _END,
)
def head_kept(story: Story) -> Iterable[Found]:
    """The outputs begin as detectors of the source's classes, so that one class of the target is
    helped and another hindered by an accident of numbering."""
    seen: set[int] = set()
    for transfer in transfers(story):
        source, target = transfer.source, transfer.target
        net = target.net
        if net.number in seen or not other_classes(source.data, target.data):
            continue
        if _has_new_head(net, source.net) or not _came_whole(net, source.net):
            continue
        seen.add(net.number)
        yield Found(
            place=target.site.called,
            says=f"{net.called()} goes on to other classes with the head that it had",
            also=(source.site.called,),
        )


def _has_new_head(net: Net, source: Net) -> bool:
    return any(part.head_new for part in net.everything()) or source.head_new


def _came_whole(net: Net, source: Net) -> bool:
    """Whether all layers come from the source, its last one included."""
    if net is source:
        return True
    return any(source in copy.nets for copy in net.copies) and len(net.leaves()) == len(
        source.leaves()
    )


RULES = (
    frozen_after_compile,
    clone_without_weights,
    frozen_untrained,
    loaded_after_freezing,
    head_kept,
)
