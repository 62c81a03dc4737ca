"""Downloads from a real server: good, torn, wrong, dead."""

import gzip
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from tiny_cifar import NUM, archive_of, batch_files, known_batches
from tiny_sets import alone as alone

from headstart.core.errors import DataError
from headstart.data.catalogue import BATCHES_ARCHIVE, MNIST, PARTS, STEMS, KnownSet
from headstart.data.datasets import read_part
from headstart.data.fetch import fetch, fetch_set
from headstart.data.find import PACKAGE_FOLDER, in_folder
from headstart.data.formats.idx import encode_idx, sha256

pytestmark = pytest.mark.usefixtures("alone")

NAMES = [stem for part in PARTS for stem in STEMS[part]]
CONTENTS = {
    name: encode_idx(np.random.default_rng(index).integers(0, 9, 5_000, dtype=np.uint8))
    for index, name in enumerate(NAMES)
}
# A port that nothing listens on refuses at once.
DEAD = "http://127.0.0.1:9/"


class Mirror:
    """A server whose first folder names say how it serves: good, torn, wrong, page, absent."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[str] = []
        self.archives: dict[str, bytes] = {}


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(self.path)
            _, how, name = self.path.split("/")
            body = served.archives.get(name) or gzip.compress(
                CONTENTS[name.removesuffix(".gz")], mtime=0
            )
            if how == "absent":
                self.send_error(404)
                return
            if how == "wrong":
                body = gzip.compress(b"other content")
            if how == "page":
                body = b"<html>log in first</html>"
            self.send_response(200)
            if how != "cut":  # without a length, only the content shows that the end is missing
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if how in ("torn", "cut") else body)

        def log_message(self, *_: object) -> None:
            """Keep the output of the tests clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served = Mirror(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield served
        server.shutdown()
        thread.join()


def known(*mirrors: str) -> KnownSet:
    checksums = {name: sha256(content) for name, content in CONTENTS.items()}
    return replace(MNIST, mirrors=mirrors, checksums=checksums)


def assert_whole(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{n}.gz" for n in NAMES)
    for name in NAMES:
        assert gzip.decompress((folder / f"{name}.gz").read_bytes()) == CONTENTS[name]


def test_a_good_mirror(mirror: Mirror, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    folder = fetch_set(
        known(f"{mirror.url}/good/"), tmp_path / "a" / "b", lambda *said: told.append(said)
    )
    assert folder == tmp_path / "a" / "b"
    assert_whole(folder)
    assert [name for name, done, total in told if done == total][-1] == f"{NAMES[-1]}.gz"
    assert all(0 < done <= total for _, done, total in told)


@pytest.mark.parametrize("how", ["torn", "cut", "wrong", "page", "absent", "dead"])
def test_a_bad_first_mirror_leads_to_the_second(mirror: Mirror, tmp_path: Path, how: str) -> None:
    bad = DEAD if how == "dead" else f"{mirror.url}/{how}/"
    assert_whole(fetch_set(known(bad, f"{mirror.url}/good"), tmp_path / "data"))


def test_only_what_is_missing_or_wrong_is_fetched(mirror: Mirror, tmp_path: Path) -> None:
    wanted = known(f"{mirror.url}/good/")
    fetch_set(wanted, tmp_path)
    mirror.asked.clear()
    fetch_set(wanted, tmp_path)
    assert mirror.asked == []
    (tmp_path / f"{NAMES[1]}.gz").write_bytes(b"\x1f\x8btorn")
    (tmp_path / f"{NAMES[2]}.gz").unlink()
    fetch_set(wanted, tmp_path)
    assert mirror.asked == [f"/good/{NAMES[1]}.gz", f"/good/{NAMES[2]}.gz"]
    assert_whole(tmp_path)


def test_when_every_mirror_fails_each_is_named(mirror: Mirror, tmp_path: Path) -> None:
    ways = ("torn", "cut", "wrong", "page", "absent")
    urls = [DEAD, *(f"{mirror.url}/{how}/" for how in ways)]
    with pytest.raises(DataError) as caught:
        fetch_set(known(*urls), tmp_path)
    lines = str(caught.value).splitlines()
    assert lines[0] == f"{NAMES[0]}.gz of data set 'mnist' could not be fetched. Tried:"
    for line, url in zip(lines[1:], urls, strict=False):
        assert line.startswith(f"  - {url}{NAMES[0]}.gz: ")
    assert "Connection refused" in lines[1]
    assert "torn or damaged" in lines[3]
    assert "have SHA-256" in lines[4]
    assert "404" in lines[6]
    assert "run the same command again" in lines[7]
    assert "$HEADSTART_DATA/mnist/" in lines[7]
    assert list(tmp_path.iterdir()) == []


def test_what_came_whole_is_kept_when_a_later_file_fails(mirror: Mirror, tmp_path: Path) -> None:
    fetch_set(known(f"{mirror.url}/good/"), tmp_path)
    (tmp_path / f"{NAMES[3]}.gz").write_bytes(b"torn before")
    with pytest.raises(DataError, match=NAMES[3]):
        fetch_set(known(DEAD), tmp_path)
    assert (tmp_path / f"{NAMES[0]}.gz").is_file()


def test_what_ships_with_headstart_is_not_fetched() -> None:
    assert fetch("mnist-mini") == PACKAGE_FOLDER / "mnist-mini"


def test_an_archive_is_known_by_its_own_checksum(mirror: Mirror, tmp_path: Path) -> None:
    files = batch_files()
    packed = archive_of(files)
    mirror.archives[BATCHES_ARCHIVE] = packed
    urls = tuple(f"{mirror.url}/{how}/" for how in ("absent", "torn", "wrong", "good"))
    wanted = replace(known_batches(files, packed), mirrors=urls)
    folder = fetch_set(wanted, tmp_path / "data")
    assert [path.name for path in folder.iterdir()] == [BATCHES_ARCHIVE]
    assert len(mirror.asked) == 4
    fetch_set(wanted, folder)
    assert len(mirror.asked) == 4
    assert len(read_part(in_folder("cifar10", folder, wanted), "test")) == NUM
    (folder / BATCHES_ARCHIVE).write_bytes(packed[:-1])
    with pytest.raises(DataError, match="the file has MD5"):
        fetch_set(replace(wanted, mirrors=(f"{mirror.url}/wrong/",)), folder)


def test_an_unknown_name() -> None:
    with pytest.raises(DataError, match="Did you mean 'mnist'"):
        fetch("mnits")


def test_a_cache_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match="cannot be made") as caught:
        fetch("mnist")
    assert "Set HEADSTART_CACHE" in str(caught.value)
