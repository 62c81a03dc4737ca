"""Weight files of every format give the same arrays, and say what was converted."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from weight_files import saved, small

from headstart.networks.checkpoints.file_hash import file_hash
from headstart.networks.checkpoints.read import State, read_state

FORMATS = ("a.safetensors", "a.pth", "a.pt", "a.bin", "a.ckpt", "a.pth.tar")


def assert_same(state: State, tensors: dict[str, torch.Tensor]) -> None:
    assert set(state.tensors) == set(tensors)
    for name, tensor in tensors.items():
        array = state.tensors[name]
        assert array.flags.c_contiguous
        assert array.shape == tensor.shape
        assert torch.equal(torch.from_numpy(array), tensor)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_tensors(tmp_path: Path, name: str) -> None:
    tensors = small().state_dict()
    path = tmp_path / name
    (save_file if name.endswith(".safetensors") else torch.save)(tensors, path)
    state = read_state(path)
    assert_same(state, tensors)
    assert (state.container, state.notes) == ("", ())
    assert state.sha256 == file_hash(path)


def test_torch_files_keep_their_order(tmp_path: Path) -> None:
    tensors = small().state_dict()
    assert list(saved(tmp_path / "a.pth", tensors).tensors) == list(tensors)


def test_the_old_format_of_torch_is_read(tmp_path: Path) -> None:
    tensors = small().state_dict()
    state = saved(tmp_path / "a.pth", tensors, _use_new_zipfile_serialization=False)
    assert_same(state, tensors)


def test_the_first_bytes_count_and_not_the_name(tmp_path: Path) -> None:
    tensors = small().state_dict()
    save_file(tensors, tmp_path / "pytorch_model.bin")
    assert_same(read_state(tmp_path / "pytorch_model.bin"), tensors)


@pytest.mark.parametrize("name", ["a.safetensors", "a.pth"])
@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_become_float32(tmp_path: Path, name: str, kind: torch.dtype) -> None:
    values = torch.tensor([1.5, -0.3333, 1e-3, 300.0]).to(kind)
    path = tmp_path / name
    save = save_file if name == "a.safetensors" else torch.save
    save({"a": values, "b": values.clone(), "steps": torch.tensor(7)}, path)
    state = read_state(path)
    assert state.tensors["a"].dtype == np.float32
    assert torch.equal(torch.from_numpy(state.tensors["a"]), values.float())
    assert state.tensors["steps"].dtype == np.int64
    assert state.notes == (f"2 tensors converted from {str(kind)[6:]} to float32",)


def test_views_and_shared_tensors_become_arrays_of_their_own(tmp_path: Path) -> None:
    values = torch.arange(6.0).reshape(2, 3)
    state = saved(tmp_path / "a.pth", {"a": values.T, "b": values, "c": values[:, ::2]})
    assert_same(state, {"a": values.T, "b": values, "c": values[:, ::2]})
    assert not np.shares_memory(state.tensors["a"], state.tensors["b"])


def test_numbers_that_are_not_finite_are_noted(tmp_path: Path) -> None:
    state = saved(tmp_path / "a.pth", {"a": torch.tensor([1.0, torch.inf]), "b": torch.ones(1)})
    assert state.notes == ("numbers that are not finite in: a",)


@pytest.mark.parametrize(
    ("wrap", "container", "notes"),
    [
        (lambda t: {"state_dict": t, "epoch": 3}, "state_dict", ()),
        (lambda t: {"model_state_dict": t}, "model_state_dict", ()),
        (lambda t: {"net": {"module": t}}, "net.module", ()),
        (lambda t: {"backbone_of_mine": t, "epoch": 3}, "backbone_of_mine", ()),
        (
            lambda t: {"model": t, "optimizer": {"state": {0: {"exp_avg": torch.ones(2)}}}},
            "model",
            (),
        ),
        (
            lambda t: {"model": {"a": torch.ones(2)}, "state_dict_ema": t},
            "state_dict_ema",
            (
                "the weights are those under 'state_dict_ema', a running average of the weights; "
                "not used: 'model'",
            ),
        ),
        (lambda t: {"state_dict": t, "state_dict_ema": None}, "state_dict", ()),
        (
            lambda t: {"state_dict": t, "teacher": t},
            "state_dict",
            ("the weights are those under 'state_dict'; not used: 'teacher'",),
        ),
        (
            lambda t: {**t, "epoch": 3},
            "",
            ("left out, since not tensors: epoch",),
        ),
    ],
)
def test_nested_checkpoints(tmp_path: Path, wrap: Any, container: str, notes: Any) -> None:
    tensors = small().state_dict()
    state = saved(tmp_path / "a.pth", wrap(tensors))
    assert_same(state, tensors)
    assert (state.container, state.notes) == (container, notes)


def test_safetensors_are_read_without_torch(tmp_path: Path) -> None:
    save_file({"a": torch.ones(2, dtype=torch.bfloat16)}, tmp_path / "a.safetensors")
    code = (
        "import sys; from pathlib import Path\n"
        "from headstart.networks.checkpoints.read import read_state\n"
        "from headstart.networks.checkpoints.match import match\n"
        "import headstart.networks.checkpoints.find\n"
        "state = read_state(Path(sys.argv[1]))\n"
        "assert match(state, {'a': (2,)}, ()).complete\n"
        "assert 'torch' not in sys.modules\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a.safetensors")]
    subprocess.run(command, check=True)


def test_hashes_are_cached_until_a_file_changes(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    path.write_bytes(b"one")
    os.utime(path, ns=(10**18, 10**18))
    first = file_hash(path)
    assert first == "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
    path.write_bytes(b"two")
    os.utime(path, ns=(10**18, 10**18))  # same size, same time: the cached hash is given
    assert file_hash(path) == first
    os.utime(path, ns=(10**18, 10**18 + 1))
    assert file_hash(path) == "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3"
