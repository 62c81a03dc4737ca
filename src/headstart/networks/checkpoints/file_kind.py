"""What a file is by its first bytes, whatever its name says."""

import re
import zipfile
from pathlib import Path
from typing import Literal

from headstart.core.errors import CheckpointError
from headstart.networks.checkpoints.errors import fault

Kind = Literal["safetensors", "torch"]

ALLOWED = "Allowed: safetensors files (.safetensors) and torch.save files (.pth, .pt, .bin, .ckpt)."
GET_AGAIN = "Delete it and get it again from where it came."
HEAD = 4096  # bytes looked at
LARGEST_HEADER = 100_000_000  # bytes, by the definition of safetensors

OTHERS = {
    b"\x89HDF": "a HDF5 file; a Keras network is given as `keras:FILE`",
    b"\x1f\x8b": "a gzip archive; unpack it first",
    b"\x93NUMPY": "a NumPy array",
    b"version https://git-lfs": "a Git LFS pointer; get the file itself with `git lfs pull`",
}
"""First bytes of what people give by mistake."""


def file_kind(path: Path) -> Kind:
    """The format of a weight file.

    Raises:
        CheckpointError: there is no such file, or it is not one of weights.
    """
    head = _first_bytes(path)
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < LARGEST_HEADER:
        return "safetensors"
    if head.startswith(b"PK\x03\x04"):
        _check_archive(path)
        return "torch"
    if head.startswith(b"\x80") and head[1:2] in b"\x02\x03\x04\x05":
        return "torch"
    raise _not_weights(path, head)


def damaged(path: Path, why: str) -> CheckpointError:
    """The error for a file that begins like weights and cannot be read to its end."""
    found = f"the file is torn or damaged ({path.stat().st_size:,} bytes): {why}"
    return fault(path, found, fix=GET_AGAIN)


def _first_bytes(path: Path) -> bytes:
    if path.is_dir():
        inside = sorted(file.name for file in path.iterdir() if file.is_file())
        raise fault(
            path,
            f"is a folder that holds {', '.join(inside[:5]) or 'no file'}.",
            ALLOWED,
            "Give the path of the weight file in it.",
        )
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        raise fault(
            path, f"the file cannot be read: {error.strerror or error}.", fix="Check the path."
        ) from error
    if not head:
        raise fault(path, "the file is empty.", fix=GET_AGAIN)
    return head


def _check_archive(path: Path) -> None:
    """Refuse zip archives that torch.save did not write."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile as error:
        raise damaged(path, "the end of the archive is missing.") from error
    inner = {name.partition("/")[2] for name in names}
    if "constants.pkl" in inner:
        raise fault(
            path,
            "is a TorchScript program, not weights.",
            ALLOWED,
            "Save its weights by themselves: torch.save(torch.jit.load(FILE).state_dict(), OTHER).",
        )
    if "data.pkl" not in inner:
        raise fault(path, f"is a zip archive of {', '.join(names[:3])}, not weights.", ALLOWED)


def _not_weights(path: Path, head: bytes) -> CheckpointError:
    text = head.decode("utf-8", "replace").strip()
    if text.startswith(("<", "{")):
        title = re.search(r"<title>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
        said = title.group(1).strip() if title else " ".join(text.split())[:60]
        found = f"is a web page or a message ('{said}'), not weights: the download failed."
        return fault(path, found, ALLOWED, GET_AGAIN)
    for start, what in OTHERS.items():
        if head.startswith(start):
            return fault(path, f"is {what}.", ALLOWED)
    return fault(path, f"is not a weight file; it begins with {head[:8]!r}.", ALLOWED)
