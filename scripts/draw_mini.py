"""Draw the mini sets that ship with headstart from the full MNIST and Fashion-MNIST.

    python scripts/draw_mini.py SOURCE OUTPUT

SOURCE holds `mnist/` and `fashion-mnist/` with the published files; OUTPUT gets `mnist-mini/` and
`fashion-mini/`. The same source gives the same files, up to the compression.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from headstart.core.seeds import generator
from headstart.data.catalogue import (
    FASHION_MINI,
    FASHION_MNIST,
    MNIST,
    MNIST_MINI,
    PARTS,
    STEMS,
    KnownSet,
    Part,
)
from headstart.data.datasets import Images, read_part
from headstart.data.find import in_folder
from headstart.data.formats.idx import encode_idx, sha256, write_idx
from headstart.data.tasks import stratified

SEED = 2024
PAIRS = ((MNIST, MNIST_MINI), (FASHION_MNIST, FASHION_MINI))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", type=Path, help="folder with mnist/ and fashion-mnist/")
    parser.add_argument("output", type=Path, help="folder for mnist-mini/ and fashion-mini/")
    arguments = parser.parse_args()
    for full, mini in PAIRS:
        for stem, array in draw(arguments.source / full.name, full, mini).items():
            path = arguments.output / mini.name / f"{stem}.xz"
            write_idx(path, array)
            print(path, array.shape, sha256(encode_idx(array)))


def draw(folder: Path, full: KnownSet, mini: KnownSet) -> Mapping[str, np.ndarray]:
    """The arrays of a mini set, by file name, from the checked files of the full set."""
    found = in_folder(full.name, folder, full)
    arrays: dict[str, np.ndarray] = {}
    for part in PARTS:
        images = read_part(found, part)
        indices = drawn_indices(images, part, mini)
        for stem, array in zip(STEMS[part], (images.pixels[..., 0], images.labels), strict=True):
            arrays[stem] = array[indices].astype(np.uint8)
    return arrays


def drawn_indices(images: Images, part: Part, mini: KnownSet) -> np.ndarray:
    """Which images of a published part are in the mini set, in the order of the published file."""
    total = mini.num_train if part == "train" else mini.num_test
    bits = generator(SEED, "mini", mini.name, part).bit_generator
    return np.sort(stratified(images.labels, len(mini.classes), total, bits))


if __name__ == "__main__":
    main()
