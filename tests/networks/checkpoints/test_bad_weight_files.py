"""Files that are torn, are something else or would run code are refused, each with its reason."""

import argparse
import os
import re
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from weight_files import saved, small

from headstart.core.errors import CheckpointError
from headstart.networks.checkpoints.read import read_state

PAGE = b"<!DOCTYPE html><html><head><title>404 Not Found</title></head></html>"
ALLOWED = "Allowed: safetensors files (.safetensors) and torch.save files (.pth, .pt, .bin, .ckpt)."


def refusal(path: Path) -> str:
    """The message without the path of the file."""
    with pytest.raises(CheckpointError) as raised:
        read_state(path)
    return str(raised.value).replace(str(path), "FILE")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "FILE: the file is empty.\n     Delete it and get it again from where it came."),
        (
            PAGE,
            "FILE: is a web page or a message ('404 Not Found'), not weights: the download failed."
            f"\n     {ALLOWED}\n     Delete it and get it again from where it came.",
        ),
        (
            b'{"error": "Repository not found"}',
            'FILE: is a web page or a message (\'{"error": "Repository not found"}\'), '
            f"not weights: the download failed.\n     {ALLOWED}"
            "\n     Delete it and get it again from where it came.",
        ),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n",
            f"FILE: is a Git LFS pointer; get the file itself with `git lfs pull`.\n     {ALLOWED}",
        ),
        (
            b"\x89HDF\r\n\x1a\n123",
            f"FILE: is a HDF5 file; a Keras network is given as `keras:FILE`.\n     {ALLOWED}",
        ),
        (
            b"just text",
            f"FILE: is not a weight file; it begins with b'just tex'.\n     {ALLOWED}",
        ),
    ],
)
def test_what_is_not_a_weight_file(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.pth"
    path.write_bytes(content)
    assert refusal(path) == message


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert refusal(tmp_path / "a.pth") == (
        "FILE: the file cannot be read: No such file or directory.\n     Check the path."
    )


def test_a_folder(tmp_path: Path) -> None:
    save_file(small().state_dict(), tmp_path / "model.safetensors")
    assert refusal(tmp_path) == (
        f"FILE: is a folder that holds model.safetensors.\n     {ALLOWED}"
        "\n     Give the path of the weight file in it."
    )


def test_archives_of_other_programs(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", weights=np.ones(2))
    assert refusal(tmp_path / "a.npz") == (
        f"FILE: is a zip archive of weights.npy, not weights.\n     {ALLOWED}"
    )
    with zipfile.ZipFile(tmp_path / "a.pt", "w") as archive:
        archive.writestr("a/data.pkl", b"")
        archive.writestr("a/constants.pkl", b"")
    assert refusal(tmp_path / "a.pt") == (
        f"FILE: is a TorchScript program, not weights.\n     {ALLOWED}\n     Save its weights by "
        "themselves: torch.save(torch.jit.load(FILE).state_dict(), OTHER)."
    )


@pytest.mark.parametrize(
    ("name", "old", "why"),
    [
        ("a.safetensors", False, "Error while deserializing: "),
        ("a.pth", False, "the end of the archive is missing."),
        ("a.pth", True, "unexpected EOF"),
    ],
)
def test_torn_files(tmp_path: Path, name: str, old: bool, why: str) -> None:
    path = tmp_path / name
    tensors = small().state_dict()
    if name == "a.pth":
        torch.save(tensors, path, _use_new_zipfile_serialization=not old)
    else:
        save_file(tensors, path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    message = refusal(path)
    assert message.startswith(
        f"FILE: the file is torn or damaged ({len(whole) - 9:,} bytes): {why}"
    )
    assert message.endswith("\n     Delete it and get it again from where it came.")


@pytest.fixture(scope="module")
def whole_files(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder = tmp_path_factory.mktemp("whole")
    tensors = {"a": torch.ones(3), "b.c": torch.zeros(2, 2)}
    save_file(tensors, folder / "0")
    torch.save(tensors, folder / "1")
    torch.save(tensors, folder / "2", _use_new_zipfile_serialization=False)
    return [(folder / str(number)).read_bytes() for number in range(3)]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_damage_of_any_kind_is_refused_or_harmless(
    tmp_path: Path, whole_files: list[bytes], data: st.DataObject
) -> None:
    content = bytearray(data.draw(st.sampled_from(whole_files)))
    end = data.draw(st.integers(0, len(content)))
    for _ in range(data.draw(st.integers(0, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "a.pth"
    path.write_bytes(content[:end])
    try:
        state = read_state(path)
    except CheckpointError as error:
        assert str(error).startswith(str(path))  # noqa: PT017 (most damage is refused, not all)
    else:
        assert state.tensors


class Harmful:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("new", [True, False])
def test_code_in_a_file_is_not_run(tmp_path: Path, new: bool) -> None:
    path, sign = tmp_path / "a.pth", tmp_path / "sign"
    content = {"model": small().state_dict(), "extra": Harmful(sign)}
    torch.save(content, path, _use_new_zipfile_serialization=new)
    message = refusal(path)
    assert not sign.exists()
    assert message.startswith(
        f"FILE: reading it would run code of {os.mkdir.__module__}.mkdir, so it was not read.\n"
        "     Allowed: files that hold tensors and plain values only.\n"
        "     If you trust whoever made it, convert it once, which runs that code:\n"
        '     python -c "import sys, torch; '
    )


@pytest.mark.parametrize(
    "content",
    [
        lambda network: {"model": network.state_dict(), "args": argparse.Namespace(lr=0.1)},
        lambda network: {"model": network},
        lambda network: network,
    ],
)
def test_the_command_of_the_refusal_converts_the_file(tmp_path: Path, content: Any) -> None:
    layer = torch.nn.Linear(2, 3)
    network = torch.nn.Sequential(layer)
    path = tmp_path / "a.pth"
    torch.save(content(network), path)
    with pytest.raises(CheckpointError) as raised:
        read_state(path)
    command = shlex.split(str(raised.value).splitlines()[-1])
    assert command[0] == "python"
    subprocess.run([sys.executable, *command[1:]], check=True)
    converted = read_state(tmp_path / "a.safetensors")
    assert set(converted.tensors) == {"0.weight", "0.bias"}
    assert np.array_equal(converted.tensors["0.bias"], layer.bias.detach().numpy())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([torch.ones(1)], "holds a list, and no tensors by name."),
        ({"epoch": 3, "lr": 0.1}, "holds epoch, lr, and no tensors by name."),
        (
            {"generator": {"a": torch.ones(1)}, "critic": {"a": torch.ones(1)}},
            "holds several sets of tensors: generator, critic.",
        ),
        ({"a": torch.ones(2).to_sparse()}, "tensor a is sparse."),
        ({"a": torch.ones(2, dtype=torch.complex64)}, "tensor a is complex."),
        ({"a": torch.ones(2, device="meta")}, "tensor a is without data (device meta)."),
    ],
)
def test_files_without_usable_tensors(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(CheckpointError, match=re.escape(message)):
        saved(tmp_path / "a.pth", content)


def test_a_type_that_safetensors_have_and_we_do_not(tmp_path: Path) -> None:
    save_file({"a": torch.ones(2).to(torch.float8_e4m3fn)}, tmp_path / "a.safetensors")
    assert refusal(tmp_path / "a.safetensors") == (
        "FILE: tensor a is of type F8_E4M3.\n"
        "     Allowed: F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL.\n"
        "     Convert the tensors to float32 where the file was made."
    )
