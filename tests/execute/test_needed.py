"""What steps read besides finished steps: seen by its content, received whole or not at all."""

import hashlib
import re
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import headstart
from headstart.core.errors import ClusterError, DataError
from headstart.data.datasets import facts_of, forget, open_part
from headstart.execute.needed import (
    Item,
    Needed,
    NeededData,
    NeededFile,
    NeededLibrary,
    NeededNetwork,
    needed_by,
    receive,
)
from headstart.plan.steps import Step
from headstart.study.tasks import DataRef

Here = Callable[[str], Path]
"""Makes this process the machine of that name, by its cache; gives the cache's folder."""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Here:
    def move(name: str) -> Path:
        monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / name))
        forget()
        return tmp_path / name

    move("first")
    return move


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    draw = np.random.default_rng(0)
    for label in "ab":
        (tmp_path / "photos" / label).mkdir(parents=True)
        for number in range(10):
            pixels = draw.integers(0, 256, (14, 12, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / label / f"{number}é.png")
    return tmp_path / "photos"


def data_at(path: Path) -> NeededData:
    data = DataRef(dataset=str(path), size=(8, 8))
    return NeededData(name="the photos", data=data, hash=facts_of(data).content)


def step(**changes: object) -> Step:
    values: dict[str, object] = {"payload": {}, "datasets": {}, "files": {}, **changes}
    return Step(kind="train", inputs=(), label="", updates=0, flops=0, **values)  # type: ignore[arg-type]


def send(item: Item, change: Callable[[bytes], bytes] = bytes) -> None:
    """Receive an item on this machine, whose content is read here too."""
    content = item.content()
    pieces = list(content.pieces)
    assert content.size == sum(map(len, pieces))
    sha256 = hashlib.sha256(b"".join(pieces)).hexdigest()
    receive(item, content.size, sha256, [change(piece) for piece in pieces])


def test_a_data_set_that_was_received_is_read_as_the_photos_are(
    photos: Path, machine: Here
) -> None:
    item = data_at(photos)
    there = {part: open_part(item.data, part) for part in ("train", "test")}
    assert Needed(items=(item,)).lacking() == ()
    machine("second")
    send(item)
    photos.rename(photos.with_name("elsewhere"))
    machine("second")
    given = Needed(items=(data_at_gone(item, photos),))
    assert given.lacking() == ()
    (placed,) = given.placed([step(datasets={"the photos": item.data})])
    assert placed.key == step().key
    for part, expected in there.items():
        images = open_part(placed.datasets["the photos"], part)  # type: ignore[arg-type]
        assert isinstance(images.stored, np.memmap)
        assert np.array_equal(images.pixels, expected.pixels)
        assert np.array_equal(images.labels, expected.labels)
        assert images.names is not None
        assert expected.names is not None
        assert images.names.tolist() == expected.names.tolist()
        assert np.array_equal(images.units, expected.units)  # type: ignore[arg-type]


def data_at_gone(item: NeededData, path: Path) -> NeededData:
    """The same item where nothing was looked at before."""
    return NeededData(name=item.name, data=DataRef(dataset=f"{path}/", size=(8, 8)), hash=item.hash)


def test_data_are_seen_by_content_and_not_by_name(photos: Path, machine: Here) -> None:
    item = data_at(photos)
    assert item.is_seen()
    Image.fromarray(np.zeros((14, 12, 3), np.uint8)).save(photos / "a" / "0é.png")
    machine("second")
    assert not item.is_seen()
    with pytest.raises(DataError):
        facts_of(DataRef(dataset=str(photos / "gone")))
    assert not data_at_gone(item, photos / "gone").is_seen()


def test_a_file_of_weights_is_sent_with_its_suffix(tmp_path: Path, machine: Here) -> None:
    weights = tmp_path / "w.safetensors"
    weights.write_bytes(b"weights")
    content = hashlib.sha256(b"weights").hexdigest()
    item = NeededFile(path=str(weights), hash=content)
    assert item.is_seen()
    assert not NeededFile(path=str(tmp_path / "gone"), hash=content).is_seen()
    assert not NeededFile(path=str(weights), hash="0" * 64).is_seen()
    cache = machine("second")
    send(item)
    weights.unlink()
    (placed,) = Needed(items=(item,)).placed([step(files={content: str(weights)})])
    received = cache / "received" / f"{content}.safetensors"
    assert placed.files == {content: str(received)}
    assert received.read_bytes() == b"weights"
    (other,) = Needed(items=(item,)).placed([step(files={"another": "x"})])
    assert other.files == {"another": "x"}


def test_what_arrives_damaged_is_not_kept(photos: Path, machine: Here) -> None:
    item = data_at(photos)
    with pytest.raises(ClusterError, match=r"has received data set '.*photos' damaged"):
        send(item, lambda piece: piece[:-1] + b"?")
    assert not item.received.exists()
    assert not list(item.received.parent.glob(".*.part"))
    send(item)
    before = item.received.stat()
    send(item, lambda piece: piece[:-1])  # it is there, and nothing is read
    assert item.received.stat() == before


def test_a_node_without_space_says_what_it_has(tmp_path: Path, machine: Here) -> None:
    item = NeededFile(path="w.pt", hash="0" * 64)
    folder = re.escape(str(machine("second") / "received"))
    sentence = rf"has no space for file w\.pt: 1 PB are needed, and \S+ .B are free in {folder}"
    with pytest.raises(ClusterError, match=sentence):
        receive(item, 10**15, "", [])
    (tmp_path / "file").write_text("in the way")
    machine("file")
    with pytest.raises(ClusterError, match=r"cannot keep file w\.pt: .*Not a directory"):
        receive(item, 1, "", [])


def test_networks_are_apart_from_what_can_be_sent(
    photos: Path, tmp_path: Path, machine: Here
) -> None:
    network = tmp_path / "net.py"
    network.write_text("def make(classes): ...")
    made_of = hashlib.sha256(network.read_bytes()).hexdigest()
    data = data_at(photos)
    needed = needed_by(
        [
            step(
                payload={"network": {"kind": "module", "content": made_of}},
                files={made_of: f"{network}:make", "1" * 64: "w.pt"},
                datasets={"the photos": data.data},
            ),
            step(payload={"network": {"kind": "timm"}}, files={"1" * 64: "w.pt"}),
        ]
    )
    assert needed.items == (data, NeededFile(path="w.pt", hash="1" * 64))
    assert needed.libraries == (NeededLibrary(kind="module"), NeededLibrary(kind="timm"))
    (found,) = needed.networks
    assert found == NeededNetwork(kind="module", name=f"{network}:make", hash=made_of)
    assert found.is_seen()
    network.write_text("def make(classes): 1")
    assert not found.is_seen()
    missing = Needed(networks=(NeededNetwork(kind="module", name="gone.py:make", hash=""),))
    assert missing.missing() == ("no network module:gone.py:make",)
    assert [item.hash for item in Needed(items=needed.items).lacking()] == ["1" * 64]


def machine_without(package: str, folder: Path) -> list[str]:
    """Python of an installation like this one, but for a package; it takes code to run."""
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith((f"{package}-", package)):
            (folder / entry.name).symlink_to(entry)
    source = Path(headstart.__file__).parents[1]
    code = f"import sys; sys.path += [{str(source)!r}, {str(folder)!r}]; exec(sys.argv[1])"
    return [sys.executable, "-S", "-c", code]


LOOK = """
from pathlib import Path
from headstart.execute.needed import Needed, NeededLibrary
from headstart.execute.nodes import Token, look
kinds = ("module", "timm")
needed = Needed(libraries=tuple(NeededLibrary(kind=kind) for kind in kinds))
report = look(Token(Path("gone"), ""), needed)
print(report.missing, "timm" in report.versions, "torch" in report.versions)
"""


@pytest.mark.skipif(find_spec("timm") is None, reason="timm is not installed")
def test_a_node_without_the_library_of_a_network_lacks_it(tmp_path: Path) -> None:
    """Another version may be allowed; none is missing wherever one is needed."""
    needed = needed_by([step(payload={"network": {"kind": "timm", "name": "resnet18"}})])
    assert needed.libraries == (NeededLibrary(kind="timm"),)
    assert needed.missing() == ()
    assert needed_by([step(payload={"network": {"stages": []}})]).libraries == ()
    bare = machine_without("timm", tmp_path)
    found = subprocess.run([*bare, LOOK], capture_output=True, text=True, check=True).stdout
    assert found == "(\"no library for networks of kind 'timm'\",) False True\n"
