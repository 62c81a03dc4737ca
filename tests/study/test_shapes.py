"""Shapes, parameters and operations, against the published notebooks and against counts by hand."""

from typing import Any

import pytest

from headstart.study.declared import NAMED_NETWORKS, DeclaredNetwork
from headstart.study.declared_facts import (
    ShapeError,
    declared_facts,
    layers_of,
    num_outputs,
    shape_problem,
)
from headstart.study.frozen import frozen_prefix, num_trainable, train_mode_stages
from headstart.study.operations import flops_per_image
from headstart.study.phases import Phase, Rule


def network(*layers: Any, **rest: Any) -> DeclaredNetwork:
    return DeclaredNetwork.model_validate({"stages": [{"name": "all", "layers": layers}], **rest})


def conv(channels: int, kernel: int = 3, **rest: Any) -> dict[str, Any]:
    return {"kind": "conv", "channels": channels, "kernel": kernel, **rest}


def dense(units: int, **rest: Any) -> dict[str, Any]:
    return {"kind": "dense", "units": units, **rest}


LEAKY = {"kind": "leaky_relu", "slope": 0.3}
DROPOUT = {"kind": "dropout", "rate": 0.5}
MLP = network("flatten", dense(300), LEAKY, dense(100), LEAKY)
TWO_CONVS = network(
    conv(32), "relu", conv(32), "relu", "max_pool", DROPOUT, "flatten", dense(128), "relu", DROPOUT
)
COLOUR = network(
    conv(32), "relu", conv(64), "relu", "max_pool", DROPOUT, "flatten", dense(128), "relu",
    dense(64), "relu",
)  # fmt: skip
SMALL = network(conv(10), "max_pool", "flatten", dense(15), "relu", DROPOUT)


# What Keras and PyTorch print for these networks in the notebooks they come from.
@pytest.mark.parametrize(
    ("built", "image", "classes", "parameters"),
    [
        (MLP, (28, 28, 1), 10, 266_610),
        (MLP, (28, 28, 1), 2, 265_802),
        (TWO_CONVS, (28, 28, 1), 5, 600_165),
        (COLOUR, (32, 32, 3), 5, 1_633_733),
        (SMALL, (28, 28, 1), 7, 25_577),
        (SMALL, (28, 28, 1), 10, 25_625),
    ],
)
def test_parameters_of_the_notebooks_networks(
    built: DeclaredNetwork, image: tuple[int, ...], classes: int, parameters: int
) -> None:
    assert declared_facts(built, image, classes).num_parameters == parameters


def test_a_sigmoid_head_has_one_output_for_two_classes_only() -> None:
    sigmoid = network("flatten", head={"output": "sigmoid"})
    assert [num_outputs(sigmoid, classes) for classes in (2, 3)] == [1, 3]
    assert num_outputs(network("flatten"), 2) == 2


# 6x6x1 -> conv 2 (3x3) -> 4x4x2 -> pool -> 2x2x2 -> flatten -> 8 -> dense 3 -> head 2
TINY = DeclaredNetwork.model_validate(
    {
        "stages": [
            {"name": "stem", "layers": [conv(2), "relu", "max_pool"]},
            {"name": "body", "layers": ["flatten", dense(3), "tanh"]},
        ]
    }
)
NAMES = TINY.stage_names
LAYERS = layers_of(TINY, (6, 6, 1), 2)
FACTS = declared_facts(TINY, (6, 6, 1), 2)
CONV, BODY, HEAD = 2 * 18 * 16, 2 * 24, 2 * 6  # two operations for each weight and place


def phase(*scales: float) -> Phase:
    rules = tuple(
        Rule(first=name, last=name, lr_scale=scale, mode="train" if scale else "eval")
        for name, scale in zip(NAMES, scales, strict=True)
    )
    return Phase(rules=rules, updates=1)


def test_layers_of_a_tiny_network_by_hand() -> None:
    assert [(fact.stage, fact.index, fact.shape_out) for fact in LAYERS] == [
        ("stem", 0, (4, 4, 2)),
        ("stem", 1, (4, 4, 2)),
        ("stem", 2, (2, 2, 2)),
        ("body", 0, (8,)),
        ("body", 1, (3,)),
        ("body", 2, (3,)),
        ("head", 0, (2,)),
    ]
    assert [p.name for fact in LAYERS for p in fact.parameters] == [
        "stem.0.weight", "stem.0.bias", "body.1.weight", "body.1.bias", "head.0.weight",
        "head.0.bias",
    ]  # fmt: skip
    assert FACTS.num_parameters == (18 + 2) + (24 + 3) + (6 + 2)
    assert [fact.flops for fact in LAYERS if fact.flops] == [CONV, BODY, HEAD]


@pytest.mark.parametrize(
    ("scales", "once", "each", "trainable"),
    [
        # forward, gradient of weights, gradient of inputs above the lowest trained layer
        ((1, 1, 1), 0, 2 * CONV + 3 * BODY + 3 * HEAD, 55),
        # what lies below the lowest trained layer is run forward once
        ((0, 1, 1), CONV, 2 * BODY + 3 * HEAD, 35),
        ((0, 0, 1), CONV + BODY, 2 * HEAD, 8),
        ((1, 0, 0), 0, 2 * CONV + 2 * BODY + 2 * HEAD, 20),
        ((0, 1, 0), CONV, 2 * BODY + 2 * HEAD, 27),
        ((0, 0, 0), CONV + BODY + HEAD, 0, 0),
        ((0.1, 0.5, 1), 0, 2 * CONV + 3 * BODY + 3 * HEAD, 55),
    ],
)
def test_operations_and_trained_parameters_of_a_phase(
    scales: tuple[float, ...], once: int, each: int, trainable: int
) -> None:
    found = flops_per_image(FACTS, phase(*scales))
    assert (found.once, found.each) == (once, each)
    assert num_trainable(FACTS, (phase(*scales),)) == trainable


def test_a_frozen_stage_that_stays_live_moves_from_its_dropout_on() -> None:
    built = network(conv(4), DROPOUT, "batch_norm", "flatten")
    facts = declared_facts(built, (5, 5, 1), 2)
    found = {}
    for mode in ("eval", "train"):
        rules = (
            Rule(first="all", last="all", lr_scale=0, mode=mode),
            Rule(first="head", last="head", lr_scale=1, mode="train"),
        )
        found[mode] = frozen_prefix(facts, Phase(rules=rules, updates=1))
    assert found == {"eval": 4, "train": 1}


def test_a_stage_of_dropout_alone_is_live_where_its_rule_says_so() -> None:
    stages = [
        {"name": "conv", "layers": [conv(4), "flatten"]},
        {"name": "drop", "layers": [DROPOUT]},
    ]
    built = DeclaredNetwork.model_validate({"stages": stages})
    facts = declared_facts(built, (5, 5, 1), 2)
    rule = Rule(first="conv", last="head", lr_scale=1, mode="train")
    live = train_mode_stages(facts, Phase(rules=(rule,), updates=1))
    assert live == {"conv", "drop", "head"}


def test_what_any_phase_trains_is_trainable() -> None:
    assert num_trainable(FACTS, (phase(0, 0, 1), phase(1, 0, 0))) == 28


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (conv(4, 3), (5, 5, 4)),
        (conv(4, 3, padding="same"), (7, 7, 4)),
        (conv(4, 3, stride=2), (3, 3, 4)),
        (conv(4, 2, stride=2, padding="same"), (4, 4, 4)),
        ({"kind": "max_pool", "size": 2}, (3, 3, 2)),
        ({"kind": "average_pool", "size": 7}, (1, 1, 2)),
        ("global_average_pool", (2,)),
        ("flatten", (98,)),
        ("batch_norm", (7, 7, 2)),
        ("gelu", (7, 7, 2)),
    ],
)
def test_shape_after_a_layer(layer: Any, shape: tuple[int, ...]) -> None:
    built = network(layer, "global_average_pool") if len(shape) == 3 else network(layer)
    assert layers_of(built, (7, 7, 2), 3)[0].shape_out == shape


def test_parameters_without_bias_and_of_batch_norm() -> None:
    built = network(conv(4, 3, bias=False), "batch_norm", "flatten", dense(5, bias=False))
    layers = layers_of(built, (4, 4, 2), 3)
    kinds = [(p.kind, p.size) for fact in layers[:-1] for p in fact.parameters]
    assert kinds == [("weight", 72), ("norm", 4), ("norm", 4), ("weight", 80)]


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (
            [dense(3)],
            "stage 'all', layer 0 (dense): needs a flat input, but gets 7x7x2; put 'flatten' or "
            "'global_average_pool' before it",
        ),
        (["relu"], "stage 'head', layer 0 (dense): needs a flat input, but gets 7x7x2"),
        (
            [conv(3, 8), "flatten"],
            "stage 'all', layer 0 (conv): a kernel of 8 does not fit into a side of 7",
        ),
        (
            [{"kind": "max_pool", "size": 8}, "flatten"],
            "stage 'all', layer 0 (max_pool): a window of 8 does not fit into 7x7",
        ),
        (
            ["flatten", conv(3)],
            "stage 'all', layer 1 (conv): needs an image (height, width, channels), but gets 98",
        ),
        (["flatten", "global_average_pool"], "needs an image (height, width, channels)"),
    ],
)
def test_what_does_not_fit_names_stage_and_layer(layers: list[Any], message: str) -> None:
    with pytest.raises(ShapeError) as caught:
        layers_of(network(*layers), (7, 7, 2), 3)
    assert message in str(caught.value)
    problem = shape_problem(network(*layers), (7, 7, 2), 3)
    assert problem is not None
    assert str(problem).startswith("network.stages: images of 7x7x2: stage '")


@pytest.mark.parametrize("name", NAMED_NETWORKS)
def test_named_networks_fit_the_shipped_images(name: str) -> None:
    assert shape_problem(NAMED_NETWORKS[name], (28, 28, 1), 10) is None
