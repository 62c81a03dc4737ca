"""CIFAR-10's layout with generated pixels, and its catalogue entry with their checksums."""

import hashlib
import io
import pickle
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from headstart.data.catalogue import (
    BATCHES,
    BATCHES_ARCHIVE,
    BATCHES_FOLDER,
    BATCHES_META,
    CIFAR10,
    PARTS,
    KnownSet,
)

NUM = 20  # images of a batch


def batch_files(protocol: int = 2) -> dict[str, bytes]:
    """The files of the layout by name: two images of each class in each batch."""
    generator = np.random.default_rng(10)
    contents: dict[str, object] = {BATCHES_META: {"label_names": list(CIFAR10.classes)}}
    for name in (name for part in PARTS for name in BATCHES[part]):
        contents[name] = {
            "batch_label": name,
            "data": generator.integers(0, 256, (NUM, 3 * 32 * 32), dtype=np.uint8),
            "labels": generator.permutation(np.arange(NUM) % 10).tolist(),
            "filenames": [f"{index}.png" for index in range(NUM)],
        }
    return {name: pickle.dumps(content, protocol) for name, content in contents.items()}


def write_batches(place: Path, files: dict[str, bytes]) -> Path:
    """Write the unpacked files into their folder in `place`; gives that folder."""
    folder = place / BATCHES_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def archive_of(files: dict[str, bytes]) -> bytes:
    """The archive, with a file more than is needed, as the official one has."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in {**files, "readme.html": b"<html>"}.items():
            info = tarfile.TarInfo(f"{BATCHES_FOLDER}/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def write_archive(place: Path, files: dict[str, bytes]) -> Path:
    """Write the archive into `place`."""
    place.mkdir(parents=True, exist_ok=True)
    path = place / BATCHES_ARCHIVE
    path.write_bytes(archive_of(files))
    return path


def known_batches(files: dict[str, bytes], archive: bytes = b"") -> KnownSet:
    """CIFAR-10 as the catalogue would know it, were these its files."""
    contents = {**files, BATCHES_ARCHIVE: archive}
    sums = {name: hashlib.md5(content).hexdigest() for name, content in contents.items()}
    return replace(CIFAR10, checksums=sums)
