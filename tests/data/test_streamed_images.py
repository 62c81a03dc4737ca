"""Images that are streamed from their files are those that are decoded once and mapped."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_images import picture, published, write_folder, write_zip
from tiny_sets import alone as alone
from tiny_sets import ref

from headstart.core.errors import DataError
from headstart.data import datasets
from headstart.data.corrupt import altered
from headstart.data.datasets import open_part
from headstart.data.formats import stream
from headstart.data.formats.decode import decode
from headstart.data.images import Images
from headstart.data.leaks.exact_duplicates import hashes
from headstart.data.leaks.greys import grey
from headstart.data.preprocess import statistics
from headstart.data.tasks import split_indices
from headstart.study.decoding import Decoding
from headstart.study.tasks import DataRef, PreprocessingSpec, SplitSpec

pytestmark = pytest.mark.usefixtures("alone")

DECODING = {"size": (6, 7), "fit": "crop"}


@pytest.fixture(params=["folder", "zip"])
def photos(request: pytest.FixtureRequest, tmp_path: Path) -> DataRef:
    """Forty-two of them for training."""
    files = published(num=21, size=(12, 9))
    write = write_folder if request.param == "folder" else write_zip
    return ref(write(tmp_path / "photos.zip", files), **DECODING)


@pytest.fixture(params=["one thread", "four threads"])
def threads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many threads decode."""
    if request.param == "four threads":
        monkeypatch.setattr(stream, "SMALL", 0)
        monkeypatch.setattr(stream, "num_threads", lambda: 4)


def both(photos: DataRef) -> tuple[Images, Images]:
    """The training part streamed, and mapped."""
    streamed = open_part(photos, "train", limit=0)
    assert streamed.streamed
    mapped = open_part(photos, "train")
    assert isinstance(mapped.stored, np.memmap)
    return streamed, mapped


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("size", [1, 5, 42, 100])
def test_batches_are_the_same_wherever_images_lie(photos: DataRef, size: int) -> None:
    streamed, mapped = both(photos)
    order = np.random.default_rng(0).permutation(42)[:30]
    for positions in (None, order, np.arange(0)):
        found, wanted = (list(images.batches(size, positions)) for images in (streamed, mapped))
        assert [len(batch) for batch in found] == [len(batch) for batch in wanted]
        for one, other in zip(found, wanted, strict=True):
            assert one.dtype == np.uint8
            assert (one == other).all()
    some = streamed.taken(order).taken(np.array([3, 1, 2]))
    assert (next(some.batches(3)) == mapped.pixels[order[[3, 1, 2]]]).all()
    assert (next(some.batches(2, np.array([2, 0]))) == mapped.pixels[order[[2, 3]]]).all()
    assert (some.image(1) == mapped.image(int(order[1]))).all()


def test_a_loop_that_does_not_care_where_images_lie(photos: DataRef) -> None:
    """As a trainer would: batches in an order of its own, as tensors with channels first."""
    sums = []
    for images in both(photos):
        order = np.random.default_rng(1).permutation(len(images))
        total = torch.zeros(3)
        for at, pixels in enumerate(images.batches(8, order)):
            labels = torch.from_numpy(images.labels[order[8 * at : 8 * at + 8]])
            inputs = torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div_(255)
            total += (inputs.mean((2, 3)) * labels[:, None]).sum(0)
        sums.append(total)
    assert torch.equal(sums[0], sums[1])


def test_all_that_looks_at_images_sees_streamed_ones(photos: DataRef) -> None:
    streamed, mapped = both(photos)
    first, _ = split_indices(mapped.labels, 2, SplitSpec(validation=10))
    some, alike = streamed.taken(first), mapped.taken(first)
    assert hashes(some).plain == hashes(alike).plain
    assert (grey(some, 3, 3) == grey(alike, 3, 3)).all()
    spec = PreprocessingSpec(standardise="channel")
    one, other = statistics(some, spec), statistics(alike, spec)
    assert one is not None
    assert other is not None
    assert (one.mean == other.mean).all()
    spoilt, spoilt_alike = (altered(images, ["shuffled_labels"]) for images in (some, alike))
    assert (spoilt.labels == spoilt_alike.labels).all()
    assert spoilt.streamed


def test_what_is_streamed_is_no_array(photos: DataRef, tmp_path: Path) -> None:
    streamed = open_part(photos, "train", limit=42 * 6 * 7 * 3 - 1)
    assert streamed.streamed
    assert not open_part(photos, "train", limit=42 * 6 * 7 * 3).streamed
    with pytest.raises(DataError) as caught:
        streamed.pixels  # noqa: B018
    text = str(caught.value)
    assert "42 images of 6x7x3 are 0 GiB once decoded, and streamed." in text
    assert "Make them smaller: `image = { size = [64, 64] }` in the task." in text
    assert len(list((tmp_path / "cache" / "decoded").glob("*.npy"))) == 1


@pytest.mark.usefixtures("threads")
def test_who_stops_early_leaves_no_threads(photos: DataRef) -> None:
    import threading

    images = open_part(photos, "train", limit=0)
    before = threading.active_count()
    batches = images.batches(2)
    next(batches)
    assert isinstance(batches, Iterator)
    batches.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


@pytest.mark.usefixtures("threads")
def test_a_file_that_breaks_meanwhile_is_named(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "photos", published(num=21))
    images = open_part(ref(folder), "train", limit=0)
    (folder / "train/cat/3.png").write_bytes(b"torn")
    with pytest.raises(DataError, match=r"1 of 42 image files .*/3\.png: not an image\)"):
        list(images.batches(8))
    (folder / "train/cat/3.png").write_bytes(picture(3, size=(9, 9)))
    with pytest.raises(DataError, match=r"3\.png: is \(9, 9, 3\) once decoded") as caught:
        list(images.batches(8))
    assert "Was it changed meanwhile?" in str(caught.value)


def means(pixels: np.ndarray) -> np.ndarray:
    """Something to compute of images: two numbers each, which depend on the batch's size."""
    own: np.ndarray = pixels.astype(np.float32).mean((1, 2))[:, :2]
    return own + np.float32(len(pixels))


KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from headstart.core.array_cache import MemmapCache
from headstart.data.datasets import open_part
from headstart.study.tasks import DataRef

photos, cache, deadly = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
calls = 0

def compute(pixels):
    global calls
    calls += 1
    if calls == deadly:
        os.kill(os.getpid(), signal.SIGKILL)
    own = pixels.astype(np.float32).mean((1, 2))[:, :2]
    return own + np.float32(len(pixels))

images = open_part(DataRef(dataset=photos, size=(6, 7), fit="crop"), "train", limit=0)

def blocks(first):
    for pixels in images.batches(8, np.arange(first, len(images))):
        yield compute(pixels)

rows = MemmapCache(cache, part=2 * 2 * 4 * 8).filled("a", (len(images), 2), np.float32, blocks)
print(calls, rows.tobytes().hex())
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="processes cannot be killed like this")
def test_a_pass_that_is_killed_goes_on(photos: DataRef, tmp_path: Path) -> None:
    wanted = np.concatenate([means(b) for b in open_part(photos, "train").batches(8)])

    def run(deadly: int) -> subprocess.CompletedProcess[str]:
        given = [photos.dataset, str(tmp_path / "rows"), str(deadly)]
        command = [sys.executable, "-c", KILLED, *given]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert run(4).returncode == -signal.SIGKILL  # after three batches, two of them recorded
    assert run(2).returncode == -signal.SIGKILL  # after a third, which was computed again
    ended = run(0)
    assert ended.returncode == 0, ended.stderr
    calls, rows = ended.stdout.split()
    assert int(calls) == 4  # of six batches, two were kept
    assert rows == wanted.tobytes().hex()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="processes cannot be killed like this")
def test_decoding_that_is_killed_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_folder(tmp_path / "photos", published(num=40, size=(9, 9)))
    script = (
        "import os, signal, sys\n"
        "from headstart.core import array_cache\n"
        "from headstart.data.datasets import open_part\n"
        "from headstart.data.formats import image_files\n"
        "from headstart.data.progress import listening\n"
        "from headstart.study.tasks import DataRef\n"
        "array_cache.PART_SECONDS, image_files.CHUNK = 0, 1\n"
        "def kill(progress):\n"
        "    if progress.what == 'decoding images' and progress.done >= 48:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "with listening(kill):\n"
        "    open_part(DataRef(dataset=sys.argv[1]), 'train')\n"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(folder)], check=False)
    assert ended.returncode == -signal.SIGKILL
    (partial,) = (tmp_path / "cache" / "decoded").glob("*.partial")
    assert partial.with_suffix(".rows").read_text() == "32"
    decoded: list[str] = []

    def counted(content: bytes, decoding: Decoding) -> np.ndarray:
        decoded.append("one")
        return decode(content, decoding)

    with monkeypatch.context() as patched:
        patched.setattr(stream, "decode", counted)
        pixels = np.array(open_part(ref(folder), "train").pixels)
    assert len(decoded) == 80 - 32
    assert not partial.exists()
    datasets.forget()
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "another"))
    assert (open_part(ref(folder), "train").pixels == pixels).all()
