"""Which tensors of a model are the source's: by name, by numbers, and not by fresh constants."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from small_models import Small, train
from torch import nn

import headstart as hs
from headstart.core.errors import CheckFailed, CheckpointError, NetworkError


def source() -> Small:
    """A trained network: its statistics are not those of fresh ones."""
    model = Small(classes=5, seed=1)
    train(model, updates=3)
    return model


def from_source(of: Small) -> Small:
    """A network with another's trunk and a new head."""
    model = Small(seed=2)
    model.trunk.load_state_dict(of.trunk.state_dict())
    return model


def test_a_whole_trunk_and_a_new_head() -> None:
    given = source()
    found = hs.transferred(from_source(given), given)
    assert found.ok
    assert found.share == 1
    assert found.constant == ("trunk.1.num_batches_tracked",)
    assert found.fresh == ("head.weight", "head.bias")
    assert str(found) == (
        "The trunk is the source's (Small): 6 of 6 tensors; 1 more is of a single value, equal "
        "in fresh networks too; the head is new: head.weight, head.bias."
    )


def test_a_trunk_that_was_never_copied_is_named_though_fresh_constants_are_equal() -> None:
    """`clone_model` copies the architecture and not the weights."""
    found = hs.transferred(Small(seed=3), Small(seed=4))
    assert not found.ok
    assert found.equal == ()
    assert found.constant == (
        "trunk.1.weight", "trunk.1.bias", "trunk.1.running_mean", "trunk.1.running_var",
        "trunk.1.num_batches_tracked",
    )  # fmt: skip
    assert found.differs == ("trunk.0.weight", "trunk.0.bias")
    assert str(found).startswith("Nothing was transferred: 0 of 2 tensors of the trunk")
    with pytest.raises(CheckFailed, match="Nothing was transferred"):
        found.check()


def test_what_differs_and_what_has_no_partner_is_named() -> None:
    given = source()
    model = from_source(given)
    with torch.no_grad():
        model.get_parameter("trunk.0.bias").add_(1)
    state = given.state_dict()
    del state["trunk.1.weight"]
    state["trunk.1.bias"] = torch.ones(7)
    state["other"] = torch.ones(1)
    found = hs.transferred(model, state)
    assert found.differs == ("trunk.0.bias",)
    assert found.missing == ("trunk.1.weight",)
    assert found.other_shape == ("trunk.1.bias",)
    assert found.unused == ("other",)
    assert found.share == 0.5
    assert str(found).startswith("The trunk is only in part the source's (the state dict): 3 of 6")
    assert "with other numbers: trunk.0.bias; in another shape: trunk.1.bias" in str(found)


def test_a_head_that_is_the_sources_too_is_said() -> None:
    given = source()
    found = hs.transferred(from_source(given), from_source(given))
    assert found.fresh_equal == ("head.weight", "head.bias")
    assert "the head is the source's too: head.weight, head.bias" in str(found)


def test_the_head_of_another_model_on_a_fresh_trunk_is_no_transfer() -> None:
    given, model = source(), Small(classes=5, seed=2)
    model.head.load_state_dict(given.head.state_dict())
    found = hs.transferred(model, given)
    assert not found.ok
    assert found.fresh_equal == ("head.weight", "head.bias")


def test_what_is_new_may_be_said() -> None:
    given = source()
    model = from_source(given)
    with torch.no_grad():
        model.get_parameter("trunk.0.bias").add_(1)
    assert not hs.transferred(model, given).ok
    assert hs.transferred(model, given, fresh=["trunk.0.bias", model.head]).ok
    with pytest.raises(NetworkError, match=r"fresh: 'hed' names no tensor[^?]*Did you mean 'head'"):
        hs.transferred(model, given, fresh="hed")


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "backbone.", "model.net."])
def test_prefixes_of_either_side_do_not_matter(prefix: str) -> None:
    given = source()
    model = from_source(given)
    state = {f"{prefix}{name}": tensor for name, tensor in given.state_dict().items()}
    assert hs.transferred(model, state).ok
    assert hs.transferred(given, state).ok
    turned = {f"{prefix}{name}": tensor for name, tensor in model.state_dict().items()}
    assert hs.transferred(turned, given).ok


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch's own modules
def test_compiled_parts_do_not_matter() -> None:
    given = source()
    model = from_source(given)
    model.trunk = torch.compile(model.trunk)  # type: ignore[assignment]
    found = hs.transferred(torch.compile(model), given)
    assert found.ok
    assert found.equal[0] == "_orig_mod.trunk._orig_mod.0.weight"


def test_a_trunk_of_another_name_is_found_by_its_numbers() -> None:
    given = source()
    model = nn.Sequential(nn.Identity(), *from_source(given).trunk, nn.Linear(64, 2))
    found = hs.transferred(model, given)
    assert ("1.weight", "trunk.0.weight") in found.renamed
    assert found.ok
    assert "under other names: 1.weight (trunk.0.weight)" in str(found)


def test_shared_tensors_count_by_their_numbers() -> None:
    model = nn.ModuleDict({"embed": nn.Linear(3, 4), "out": nn.Linear(3, 4)})
    model["out"].weight = model["embed"].weight
    state = {"embed.weight": model["embed"].weight, "embed.bias": model["embed"].bias}
    found = hs.transferred(model, state, fresh="out.bias")
    assert found.ok
    assert found.renamed == (("out.weight", "embed.weight"),)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_model_in_another_precision_is_the_sources(dtype: torch.dtype) -> None:
    given = source()
    assert hs.transferred(from_source(given).to(dtype), given).ok
    assert hs.transferred(from_source(given), given.to(dtype)).ok
    assert not hs.transferred(Small(seed=5).to(dtype), source()).ok


@pytest.mark.parametrize("kind", ["pt", "nested.pth", "safetensors"])
def test_files_are_sources(kind: str, tmp_path: Path) -> None:
    given = source()
    path = tmp_path / f"weights.{kind}"
    if kind == "safetensors":
        save_file(given.state_dict(), path)
    else:
        state = given.state_dict()
        torch.save({"epoch": 3, "state_dict": state} if kind == "nested.pth" else state, path)
    found = hs.transferred(from_source(given), path)
    assert found.ok
    assert found.source == path.name
    assert hs.transferred(from_source(given), str(path)) == found


def test_what_has_no_tensors_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="Sequential has neither weights nor buffers"):
        hs.transferred(nn.Sequential(nn.ReLU()), source())
    with pytest.raises(NetworkError, match="the state dict has neither"):
        hs.transferred(source(), {})
    with pytest.raises(CheckpointError, match="no tensors by name"):
        hs.transferred(source(), {"epoch": 3})
    with pytest.raises(CheckpointError, match="cannot be read"):
        hs.transferred(source(), tmp_path / "gone.pt")
    with pytest.raises(NetworkError, match=r"got a list\. Expected a torch module, a Keras model"):
        hs.transferred(source(), [1])
    with pytest.raises(NetworkError, match="which is no torch module"):
        hs.transferred(Small, source())
    with pytest.raises(NetworkError, match="lazy layers that have not seen a batch: weight"):
        hs.transferred(nn.LazyLinear(2), source())
    with pytest.raises(NetworkError, match=r"0\.weight has no data \(device meta\)"):
        hs.transferred(
            nn.Sequential(nn.Linear(2, 2, device="meta")), nn.Sequential(nn.Linear(2, 2))
        )


def test_numbers_that_are_not_finite_are_named() -> None:
    given = source()
    with torch.no_grad():
        given.get_parameter("trunk.0.weight")[0] = torch.nan
    found = hs.transferred(from_source(given), given)
    assert found.ok
    assert found.not_finite == ("trunk.0.weight",)
    assert "not finite: trunk.0.weight" in str(found)


def test_arrays_are_a_state_dict_too() -> None:
    given = source()
    state = {name: tensor.numpy() for name, tensor in given.state_dict().items()}
    assert hs.transferred(from_source(given), state).ok


def test_constants_under_another_name_do_not_stand_in_the_way() -> None:
    def normed(*names: str) -> nn.ModuleDict:
        layers = (nn.Linear(3, 3), nn.LayerNorm(3), nn.LayerNorm(3))
        return nn.ModuleDict(dict(zip(names, layers, strict=True)))

    given, model = normed("a", "b", "c"), normed("x", "y", "z")
    model["x"].load_state_dict(given["a"].state_dict())
    found = hs.transferred(nn.Sequential(nn.Identity(), model, nn.Linear(3, 2)), given)
    assert found.ok
    assert len(found.constant) == 4
    assert found.unused == ()


def test_constants_alone_show_no_transfer() -> None:
    found = hs.transferred(nn.LayerNorm(3), nn.LayerNorm(3))
    assert not found.ok
    assert str(found).startswith("No tensor of the trunk can show a transfer; 2 are of a")
