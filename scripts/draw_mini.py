"""Draw the mini sets that ship with headstart from the full sets.

    python scripts/draw_mini.py SOURCE OUTPUT

SOURCE holds `mnist/` and `fashion-mnist/` with the published files and `sign-digits/` with a zip of
the photos; OUTPUT gets `mnist-mini/`, `fashion-mini/` and `signs-mini/`. The same source gives the
same files, up to the compression.
"""

import argparse
import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from headstart.core.seeds import generator
from headstart.data.catalogue import (
    FASHION_MINI,
    FASHION_MNIST,
    MNIST,
    MNIST_MINI,
    PARTS,
    SIGNS_MINI,
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
PHOTO_SIZE = (96, 96)
PHOTO_QUALITY = 90  # of JPEG


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "source", type=Path, help="folder with mnist/, fashion-mnist/ and sign-digits/"
    )
    parser.add_argument("output", type=Path, help="folder for the mini sets")
    arguments = parser.parse_args()
    for full, mini in PAIRS:
        for stem, array in draw(arguments.source / full.name, full, mini).items():
            path = arguments.output / mini.name / f"{stem}.xz"
            write_idx(path, array)
            print(path, array.shape, sha256(encode_idx(array)))
    (photos,) = (arguments.source / "sign-digits").glob("*.zip")
    path = arguments.output / SIGNS_MINI.name / f"{SIGNS_MINI.name}.zip"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(drawn_photos(photos, SIGNS_MINI))
    print(path, path.stat().st_size)


def drawn_photos(photos: Path, mini: KnownSet) -> bytes:
    """A zip with some photos of every class, resized, in train/CLASS/ and test/CLASS/."""
    file = io.BytesIO()
    with zipfile.ZipFile(photos) as full, zipfile.ZipFile(file, "w") as drawn:
        for name, part in sorted(_parts_of(full.namelist(), mini)):
            # A fixed date, so that the same photos give the same bytes.
            target = zipfile.ZipInfo(
                f"{part}/{name.replace('.JPG', '.jpg')}", (1980, 1, 1, 0, 0, 0)
            )
            drawn.writestr(target, _resized(full.read(name)))
    return file.getvalue()


def _parts_of(names: list[str], mini: KnownSet) -> Iterator[tuple[str, Part]]:
    """The photos that are drawn, each with its part; equally many of every class."""
    num_classes = len(mini.classes)
    num_train, num_test = mini.num_train // num_classes, mini.num_test // num_classes
    for label in mini.classes:
        of_class = sorted(name for name in names if name.startswith(f"{label}/"))
        order = generator(SEED, "mini", mini.name, label).permutation(len(of_class))
        for rank, at in enumerate(order[: num_train + num_test]):
            yield of_class[at], "train" if rank < num_train else "test"


def _resized(photo: bytes) -> bytes:
    """A photo as JPEG at the size of the mini set."""
    file = io.BytesIO()
    with Image.open(io.BytesIO(photo)) as image:
        small = image.convert("RGB").resize(PHOTO_SIZE, Image.Resampling.LANCZOS)
    small.save(file, "JPEG", quality=PHOTO_QUALITY)
    return file.getvalue()


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
