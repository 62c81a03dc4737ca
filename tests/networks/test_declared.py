"""Modules hold exactly the tensors that the spec counts, and first weights are what they claim."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch.nn import functional

from headstart.networks.declared import build as building
from headstart.networks.declared.build import build
from headstart.networks.declared.initial import fresh_weights
from headstart.networks.declared.layers import Dropout, MaxPool
from headstart.study.declared import NAMED_NETWORKS, DeclaredNetwork
from headstart.study.declared_facts import layers_of

EVERYTHING = DeclaredNetwork.model_validate(
    {
        "stages": [
            {
                "name": "a",
                "layers": [
                    {"kind": "conv", "channels": 4, "padding": "same", "bias": False},
                    "batch_norm",
                    {"kind": "leaky_relu", "slope": 0.3},
                    "max_pool",
                ],
            },
            {
                "name": "b",
                "layers": [
                    {"kind": "conv", "channels": 6, "kernel": 4, "stride": 2, "padding": "same"},
                    "gelu",
                    {"kind": "average_pool", "size": 2},
                    {"kind": "conv", "channels": 5, "kernel": 2, "stride": 2},
                    "tanh",
                ],
            },
            {"name": "c", "layers": ["flatten", {"kind": "dropout", "rate": 0.5}]},
            {"name": "d", "layers": [{"kind": "dense", "units": 7}, "batch_norm", "relu"]},
        ]
    }
)
POOLED = DeclaredNetwork.model_validate(
    {"stages": [{"name": "a", "layers": [{"kind": "conv", "channels": 3}, "global_average_pool"]}]}
)
NETWORKS = {**NAMED_NETWORKS, "everything": EVERYTHING, "pooled": POOLED}


@pytest.mark.parametrize("name", NETWORKS)
def test_module_has_the_parameters_and_shapes_that_the_spec_counts(name: str) -> None:
    network, image = NETWORKS[name], (28, 28, 1)
    weights = fresh_weights(network, image, 5, seed=0, role="target")
    module = build(network, image, 5, weights)
    counted = {p.name: p.shape for layer in layers_of(network, image, 5) for p in layer.parameters}
    assert {n: tuple(p.shape) for n, p in module.named_parameters()} == counted
    # Each stage gives the shape that the spec says, in train mode and in eval mode.
    shapes = {layer.stage: layer.shape_out for layer in layers_of(network, image, 5)}
    x = torch.zeros(3, 1, 28, 28)
    for stage in module.stage_names:
        x = module.stage(stage)(x)
        expected = shapes[stage]
        seen = tuple(x.shape[1:]) if x.ndim == 2 else (*x.shape[2:], x.shape[1])
        assert seen == expected, stage


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_come_back_as_they_went_in(name: str) -> None:
    weights = fresh_weights(NETWORKS[name], (28, 28, 1), 5, seed=1, role="target")
    back = build(NETWORKS[name], (28, 28, 1), 5, weights).weights()
    assert back.keys() == weights.keys()
    for key, array in weights.items():
        np.testing.assert_array_equal(back[key], array)
        assert back[key].flags.c_contiguous


def test_module_does_not_share_memory_with_the_weights_it_was_built_from() -> None:
    network = NAMED_NETWORKS["mlp-small"]
    weights = fresh_weights(network, (4, 4, 1), 3, seed=0, role="target")
    before = weights["dense1.1.weight"].copy()
    module = build(network, (4, 4, 1), 3, weights)
    with torch.no_grad():
        next(module.parameters()).fill_(7)
    np.testing.assert_array_equal(weights["dense1.1.weight"], before)


def test_a_missing_or_surplus_tensor_is_refused() -> None:
    network = NAMED_NETWORKS["mlp-small"]
    weights = fresh_weights(network, (4, 4, 1), 3, seed=0, role="target")
    with pytest.raises(RuntimeError, match=r"Unexpected key.*surplus"):
        build(network, (4, 4, 1), 3, {**weights, "surplus": np.zeros(1, np.float32)})
    del weights["head.0.bias"]
    with pytest.raises(RuntimeError, match=r"Missing key.*head\.0\.bias"):
        build(network, (4, 4, 1), 3, weights)


def test_same_padding_pads_like_tensorflow() -> None:
    """A 3x3 sum filter with stride 2 on a 4x4 image of ones: the odd row goes to the bottom."""
    network = DeclaredNetwork.model_validate(
        {
            "stages": [
                {
                    "name": "a",
                    "layers": [
                        {"kind": "conv", "channels": 1, "stride": 2, "padding": "same"},
                        "flatten",
                    ],
                }
            ]
        }
    )
    weights = fresh_weights(network, (4, 4, 1), 2, seed=0, role="target")
    weights["a.0.weight"] = np.ones((1, 1, 3, 3), np.float32)
    out = build(network, (4, 4, 1), 2, weights).stage("a")(torch.ones(1, 1, 4, 4))
    assert out.tolist() == [[9.0, 6.0, 6.0, 4.0]]


def test_sigmoid_head_is_the_binary_cross_entropy() -> None:
    network = DeclaredNetwork.model_validate(
        {"stages": [{"name": "a", "layers": ["flatten"]}], "head": {"output": "sigmoid"}}
    )
    weights = fresh_weights(network, (2, 2, 1), 2, seed=0, role="target")
    assert weights["head.0.weight"].shape == (1, 4)
    module = build(network, (2, 2, 1), 2, weights)
    x = torch.randn(6, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    y = torch.tensor([0, 1, 1, 0, 1, 0])
    z = x.flatten(1) @ torch.from_numpy(weights["head.0.weight"]).T
    expected = functional.binary_cross_entropy_with_logits(z[:, 0], y.float())
    assert torch.allclose(functional.cross_entropy(module(x), y), expected)
    assert fresh_weights(network, (2, 2, 1), 8, 0, "source")["head.0.weight"].shape == (8, 4)


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("he_normal", np.sqrt(2 / 400)),
        ("glorot_normal", np.sqrt(2 / 700)),
        ("lecun_normal", np.sqrt(1 / 400)),
        ("he_uniform", np.sqrt(2 / 400)),
        ("glorot_uniform", np.sqrt(2 / 700)),
        ("torch", np.sqrt(1 / 400 / 3)),
    ],
)
def test_first_weights_have_the_deviation_of_their_formula(how: str, expected: float) -> None:
    network = DeclaredNetwork.model_validate(
        {
            "stages": [{"name": "a", "layers": ["flatten", {"kind": "dense", "units": 300}]}],
            "initialiser": how,
        }
    )
    weights = fresh_weights(network, (20, 20, 1), 5, seed=0, role="target")
    drawn = weights["a.1.weight"]
    assert drawn.std() == pytest.approx(expected, rel=0.01)
    assert abs(drawn.mean()) < 4 * expected / np.sqrt(drawn.size)
    if how.endswith("normal"):  # cut off at two deviations of the uncut normal
        assert np.abs(drawn).max() <= 2 * expected / 0.8796 + 1e-6
    else:
        assert (
            stats.kstest(drawn.ravel() / (expected * np.sqrt(3)), "uniform", (-1, 2)).pvalue > 1e-3
        )
    assert (weights["a.1.bias"] == 0).all() == (how != "torch")


def test_a_head_is_the_same_on_every_trunk_of_its_seed_and_differs_between_seeds_and_roles() -> (
    None
):
    def head(network: DeclaredNetwork, seed: int, role: str) -> np.ndarray:
        return fresh_weights(network, (28, 28, 1), 5, seed, role)["head.0.weight"]

    small = NAMED_NETWORKS["mlp-small"]
    wider = DeclaredNetwork(stages=(*small.stages[:1], small.stages[1]))
    np.testing.assert_array_equal(head(small, 0, "target"), head(wider, 0, "target"))
    assert not np.array_equal(head(small, 0, "target"), head(small, 1, "target"))
    assert not np.array_equal(head(small, 0, "target"), head(small, 0, "source"))


def _layers(*layers: object) -> DeclaredNetwork:
    stages = [{"name": "a", "layers": list(layers)}, {"name": "b", "layers": ["flatten"]}]
    return DeclaredNetwork.model_validate({"stages": stages})


def test_relu_moves_behind_max_pool_with_the_same_numbers_and_gradients() -> None:
    network = _layers({"kind": "conv", "channels": 3}, "relu", "max_pool")
    weights = fresh_weights(network, (8, 8, 1), 2, 0, "target")
    module = build(network, (8, 8, 1), 2, weights)
    inputs = torch.from_numpy(np.random.default_rng(0).normal(size=(6, 1, 8, 8))).float()
    conv = module.stage("a")[0]
    assert isinstance(conv, torch.nn.Conv2d)
    expected = functional.max_pool2d(functional.relu(conv(inputs)), 2)
    (wanted,) = torch.autograd.grad(expected.square().sum(), conv.weight)

    pooled = module.stage("a")(inputs)
    (found,) = torch.autograd.grad(pooled.square().sum(), conv.weight)

    assert [type(layer).__name__ for _, layer in module.layers()][1:3] == ["MaxPool", "Relu"]
    assert torch.equal(pooled, expected)
    assert torch.equal(found, wanted)


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_max_pool_has_the_numbers_of_pytorch_and_keeps_places_only(
    size: int, layout: torch.memory_format
) -> None:
    kept: list[torch.Size] = []

    def note(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(tensor.shape)
        return tensor

    drawn = np.random.default_rng(0).integers(0, 5, (4, 3, 8, 8))  # with many that are equal
    inputs = torch.from_numpy(drawn).float().to(memory_format=layout).requires_grad_()
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        pooled = MaxPool(size)(inputs)
    expected = functional.max_pool2d(inputs, size)
    (found,) = torch.autograd.grad(pooled.square().sum(), inputs)
    (wanted,) = torch.autograd.grad(expected.square().sum(), inputs)

    assert kept == [(4, 3, 8 // size, 8 // size)]
    assert torch.equal(pooled, expected)
    assert torch.equal(found, wanted)
    assert found.is_contiguous(memory_format=layout)


@pytest.mark.parametrize("rate", [0.2, 0.25, 0.5, 1e-7, 1 - 1e-7])
def test_dropout_keeps_the_mean_and_scales_by_the_rate_that_holds(rate: float) -> None:
    torch.manual_seed(0)
    dropout = Dropout(rate)
    out = dropout(torch.ones(400_003))
    kept = out > 0

    values = out[kept].unique()
    assert len(values) <= 1
    assert float(kept.double().mean()) == pytest.approx(1 - rate, abs=4e-3)
    if 0.01 < rate < 0.99:
        assert float(values) == pytest.approx(1 / (1 - rate), rel=1 / 2**15)
        # Every one of the four or eight draws that share 64 random bits is as good as the others.
        shares = kept[:400_000].reshape(-1, 8).double().mean(0)
        assert shares.tolist() == pytest.approx([1 - rate] * 8, abs=8e-3)


def test_dropout_is_fixed_by_the_seed_and_is_nothing_in_eval_mode() -> None:
    dropout, inputs = Dropout(0.3), torch.randn(5, 3, 4, 4, requires_grad=True)
    outs = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        outs.append(dropout(inputs))

    assert torch.equal(outs[0], outs[1])
    assert not torch.equal(outs[0], outs[2])
    (gradient,) = torch.autograd.grad(outs[0].sum(), inputs)
    assert torch.allclose(gradient * inputs, outs[0])
    assert dropout.eval()(inputs) is inputs


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_dropout_keeps_the_layout_and_takes_inputs_that_are_not_dense(
    layout: torch.memory_format,
) -> None:
    whole = torch.ones(4, 6, 5, 5).contiguous(memory_format=layout)
    dropout = Dropout(0.5)

    assert dropout(whole).is_contiguous(memory_format=layout)
    assert set(dropout(whole[:, ::2, 1:]).unique().tolist()) == {0.0, 2.0}


@pytest.mark.parametrize("normalised", [False, True])
def test_rows_behind_wide_convolutions_and_of_colours_mean_what_pytorch_says(
    normalised: bool,
) -> None:
    """Modules hold their weights in another order there; given and told ones are PyTorch's."""
    last = ["flatten", *(["batch_norm"] if normalised else []), "relu"]
    wide = {"kind": "conv", "channels": 20}
    for layers in ([wide, "max_pool", *last, {"kind": "dense", "units": 6}], [wide, *last], last):
        network = DeclaredNetwork.model_validate({"stages": [{"name": "a", "layers": layers}]})
        weights = fresh_weights(network, (8, 6, 3), 4, 0, "target")
        drawn = np.random.default_rng(0)
        for name in weights:  # each number its own
            weights[name] = drawn.uniform(0.5, 1.5, weights[name].shape).astype(np.float32)
        inputs = torch.from_numpy(drawn.normal(size=(5, 3, 8, 6))).float()
        module = build(network, (8, 6, 3), 4, weights).eval()
        x = inputs
        given = {name: torch.from_numpy(array) for name, array in weights.items()}
        if wide in layers:
            x = functional.conv2d(x, given["a.0.weight"], given["a.0.bias"])
        if "max_pool" in layers:
            x = functional.max_pool2d(x, 2)
        x = x.flatten(1)
        if normalised:
            at = f"a.{layers.index('batch_norm')}"
            mean, var, weight, bias = (
                given[f"{at}.{name}"] for name in ("running_mean", "running_var", "weight", "bias")
            )
            x = functional.batch_norm(x, mean, var, weight, bias, eps=1e-5)
        x = x.relu()
        if "max_pool" in layers:
            at = f"a.{len(layers) - 1}"
            x = functional.linear(x, given[f"{at}.weight"], given[f"{at}.bias"])
        expected = functional.linear(x, given["head.0.weight"], given["head.0.bias"])
        torch.testing.assert_close(
            module(inputs.contiguous(memory_format=torch.channels_last)), expected
        )
        for name, array in module.weights().items():
            np.testing.assert_array_equal(array, weights[name])


LAYERS: list[tuple[object, ...]] = [
    ({"kind": "conv", "channels": 3}, "relu", {"kind": "conv", "channels": 4}, "relu", "max_pool"),
    ({"kind": "conv", "channels": 3}, "batch_norm", "relu", "max_pool", "relu"),
    ("relu", {"kind": "conv", "channels": 3}, "tanh", "relu", "flatten", "relu"),
    ({"kind": "conv", "channels": 3}, "relu", "global_average_pool"),
    ({"kind": "conv", "channels": 3}, "relu", {"kind": "dropout", "rate": 0.4}, "relu"),
]


@pytest.mark.parametrize("layers", LAYERS)
def test_layers_that_work_in_place_give_the_numbers_of_those_that_do_not(
    layers: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what they were given stays as it was, with and without gradients."""
    stages = [{"name": "a", "layers": list(layers)}]
    if not {"flatten", "global_average_pool"} & set(map(str, layers)):
        stages.append({"name": "b", "layers": ["flatten"]})
    network = DeclaredNetwork.model_validate({"stages": stages})
    weights = fresh_weights(network, (8, 8, 2), 3, 0, "target")
    inputs = torch.from_numpy(np.random.default_rng(0).normal(size=(5, 2, 8, 8))).float()
    inputs = inputs.to(memory_format=torch.channels_last)
    kept = inputs.clone()

    def told() -> list[torch.Tensor]:
        module = build(network, (8, 8, 2), 3, weights)
        torch.manual_seed(1)
        with torch.inference_mode():
            measured = module.eval()(inputs)
        loss = functional.cross_entropy(module.train()(inputs), torch.tensor([0, 1, 2, 0, 1]))
        return [measured, loss, *torch.autograd.grad(loss, list(module.parameters()))]

    found = told()
    monkeypatch.setattr(building, "Relu", lambda _: torch.nn.ReLU())
    monkeypatch.setattr(building, "Flatten", lambda channels_last: torch.nn.Flatten())
    for ours, plain in zip(found, told(), strict=True):
        assert torch.equal(ours, plain)
    assert torch.equal(inputs, kept)
