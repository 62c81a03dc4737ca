"""Training and evaluation loops that are written out, as in PyTorch."""

import ast

from headstart.audit.program.machine import Forward, Machine
from headstart.audit.program.nets import Net
from headstart.audit.program.samples import Data
from headstart.audit.program.settings import settings_of
from headstart.audit.program.story import Testing, Training
from headstart.audit.program.values import Prediction

_SAVES = ("save", "deepcopy", "state_dict", "best_")


def pass_through(machine: Machine, net: Net, data: Data, node: ast.AST) -> Prediction:
    """Samples go through a network."""
    forward = Forward(
        number=len(machine.forwards),
        net=net,
        data=data,
        site=machine.site(node),
        mode=net.mode,
        gradients=machine.without_gradients == 0,
    )
    machine.forwards.append(forward)
    machine.story.used.append(data)
    return Prediction(frozenset({forward.number}))


def trained_on(machine: Machine, forwards: frozenset[int], node: ast.AST) -> None:
    """A loss of these passes is propagated back: they were training."""
    for number in sorted(forwards - machine.trained):
        machine.trained.add(number)
        forward = machine.forwards[number]
        if not forward.gradients:
            continue  # a teacher, say
        key = (forward.net.number, forward.data.paths, tuple(loop.number for loop in machine.loops))
        if key in machine.trained_keys:
            continue
        machine.trained_keys.add(key)
        machine.story.trainings.append(
            Training(
                net=forward.net,
                data=forward.data,
                site=machine.site(node),
                epochs=machine.epochs_of(forward.net),
                settings=settings_of(forward.net, None, forward.data),
                framework=forward.net.framework,
            )
        )


def finish_forwards(machine: Machine) -> None:
    """Passes that were never trained on, in a loop or compared with labels, were tests."""
    for forward in machine.forwards:
        if forward.number in machine.trained:
            continue
        in_loop = bool(forward.site.loops) and forward.number not in machine.predicted
        if not in_loop and forward.number not in machine.scored:
            continue
        machine.story.testings.append(
            Testing(
                net=forward.net,
                data=forward.data,
                site=forward.site,
                mode=forward.mode,
                gradients=forward.gradients,
                framework=forward.net.framework,
                during=_during_training(machine, forward),
            )
        )
    machine.story.testings.sort(key=lambda testing: testing.site.time)


def _during_training(machine: Machine, forward: Forward) -> bool:
    """Whether the network, once built, is trained and tested in turns in one loop."""
    loops = {number for number in forward.site.loops if number > forward.net.built.time}
    return any(
        training.net.shares_with(forward.net) and loops & set(training.site.loops)
        for training in machine.story.trainings
    )


def turns_gradients_off(node: ast.expr) -> bool:
    """Whether a context or a decorator leaves gradients out, such as `torch.no_grad()`."""
    text = ast.unparse(node)
    return "no_grad" in text or "inference_mode" in text


def note_pick(machine: Machine, node: ast.If) -> None:
    """A condition that keeps the best weights picks an epoch of the loop around it."""
    epochs = [loop for loop in machine.loops if not loop.over_data and loop.count != 1]
    if not epochs or not isinstance(node.test, ast.Compare | ast.BoolOp):
        return
    test = ast.unparse(node.test)
    body = "\n".join(ast.unparse(part) for part in node.body)
    compares = any(sign in test for sign in ("<", ">")) and ("best" in test or "best" in body)
    if compares and any(word in body for word in _SAVES):
        machine.story.picking.setdefault(epochs[-1].number, machine.place(node))
