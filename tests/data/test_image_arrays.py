"""Images where they are stored: which are copied, and that it makes no difference."""

from pathlib import Path

import numpy as np
import pytest

from headstart.data import images as arrays
from headstart.data.corrupt import altered
from headstart.data.images import Images
from headstart.data.leaks.exact_duplicates import hashes
from headstart.data.leaks.greys import grey
from headstart.data.preprocess import statistics
from headstart.study.tasks import PreprocessingSpec

PIXELS = np.random.default_rng(1).integers(0, 256, (20, 6, 5, 3), dtype=np.uint8)
LABELS = np.arange(20) % 4
APART, TOGETHER = np.array([7, 2, 11, 3]), np.arange(4, 9)


@pytest.fixture(params=["in memory", "mapped"])
def images(request: pytest.FixtureRequest, tmp_path: Path) -> Images:
    """Twenty of them."""
    if request.param == "in memory":
        return Images(PIXELS.copy(), LABELS.copy())
    np.save(tmp_path / "pixels.npy", PIXELS)
    return Images(np.load(tmp_path / "pixels.npy", mmap_mode="r"), LABELS.copy())


def is_copy(some: Images, images: Images) -> bool:
    return not np.shares_memory(some.stored, images.stored)


@pytest.mark.parametrize("positions", [APART, TOGETHER, np.arange(0)])
def test_what_is_taken_is_the_same_wherever_it_lies(images: Images, positions: np.ndarray) -> None:
    some = images.taken(positions)
    assert len(some) == len(positions)
    assert some.shape == (6, 5, 3)
    assert (some.pixels == PIXELS[positions]).all()
    assert (some.labels == LABELS[positions]).all()
    again = some.taken(np.arange(len(some))[::-1])
    assert (again.pixels == PIXELS[positions[::-1]]).all()


def test_mapped_images_are_not_copied_nor_are_neighbours(images: Images) -> None:
    mapped = isinstance(images.stored, np.memmap)
    assert is_copy(images.taken(APART), images) == (not mapped)
    assert is_copy(images.taken(APART).taken(np.array([2, 0])), images) == (not mapped)
    assert not is_copy(images.taken(TOGETHER), images)


@pytest.mark.parametrize("positions", [APART, TOGETHER])
def test_all_that_looks_at_images_sees_those_that_were_taken(
    images: Images, positions: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    some, alone = images.taken(positions), Images(PIXELS[positions], LABELS[positions])
    monkeypatch.setattr(arrays, "BLOCK_BYTES", 3 * PIXELS[0].nbytes)
    assert [len(block) for block in some.blocks()] == [3, len(some) - 3]
    assert (some.image(3) == alone.image(3)).all()
    found, expected = hashes(some), hashes(alone)
    assert found.plain == expected.plain
    for name in ("whole", "centre", "changed", "shifted"):
        assert (getattr(found.codes, name) == getattr(expected.codes, name)).all()
    for size in ((4, 4), (6, 5)):
        assert (grey(some, *size) == grey(alone, *size)).all()
    spec = PreprocessingSpec(standardise="pixel")
    one, other = statistics(some, spec), statistics(alone, spec)
    assert one
    assert other
    assert (one.mean == other.mean).all()
    assert (one.deviation == other.deviation).all()
    spoilt = altered(some, ("inverted_images", "shuffled_labels"))
    assert (spoilt.pixels == 255 - PIXELS[positions]).all()
    assert sorted(spoilt.labels) == sorted(LABELS[positions])
