"""Where data sets are found, in which order, and what is said when they are not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_images import pictures, write_folder
from tiny_sets import alone as alone
from tiny_sets import write_set

from headstart.core.errors import DataError
from headstart.data import find
from headstart.data.datasets import facts_of
from headstart.data.find import in_folder, is_path, where
from headstart.study.tasks import DataRef

pytestmark = pytest.mark.usefixtures("alone")

LABELS = [0, 1, 0, 1]


def test_each_place_in_its_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert where("mnist-mini").path == find.PACKAGE_FOLDER / "mnist-mini"
    monkeypatch.setenv("HEADSTART_DATA", str(tmp_path / "given"))
    for place in ("system", "cache/data", "given"):  # from the last to the first
        folder = write_set(tmp_path / place / "mnist-mini", LABELS, LABELS)
        assert where("mnist-mini").path == folder


def test_every_place_looked_at_is_listed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HEADSTART_DATA", str(tmp_path))
    found = where("fashion-mini")
    assert [place.what for place in found.record_look] == [
        "$HEADSTART_DATA",
        "the cache",
        "the system's data sets",
        "headstart itself",
    ]
    assert [place.seen for place in found.record_look] == ["no such folder"] * 3 + ["found"]


def test_an_incomplete_folder_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_set(tmp_path / "given" / "mnist-mini", LABELS, LABELS)
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    monkeypatch.setenv("HEADSTART_DATA", str(tmp_path / "given"))
    found = where("mnist-mini")
    assert found.path == find.PACKAGE_FOLDER / "mnist-mini"
    assert found.record_look[0].seen == "has no t10k-labels-idx1-ubyte"


def test_missing_data_lists_places_and_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADSTART_DATA", str(tmp_path / "given"))
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "fashion-mnist").write_text("a file")
    with pytest.raises(DataError) as caught:
        where("fashion-mnist")
    lines = str(caught.value).splitlines()
    assert lines[0] == "data set 'fashion-mnist' was not found. Looked in:"
    assert lines[1] == f"  - $HEADSTART_DATA ({tmp_path}/given/fashion-mnist): is not a folder"
    assert lines[2] == f"  - the cache ({tmp_path}/cache/data/fashion-mnist): no such folder"
    assert lines[3].startswith("  - the system's data sets (")
    assert lines[4].startswith("  - headstart itself (")
    assert lines[5] == "To get it, do one of:"
    assert lines[6].startswith("  - headstart data fetch fashion-mnist ")
    assert lines[7].startswith("  - export HEADSTART_DATA=FOLDER ")
    assert lines[8] == "  - apt install dataset-fashion-mnist"
    assert lines[9] == "  - use 'fashion-mini' instead, which ships with headstart"


def test_missing_data_without_a_data_folder() -> None:
    with pytest.raises(DataError, match=r"\$HEADSTART_DATA: is not set") as caught:
        where("mnist")
    assert "headstart data fetch mnist" in str(caught.value)
    assert "apt" not in str(caught.value)


def test_a_torn_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find, "PACKAGE_FOLDER", tmp_path)
    with pytest.raises(DataError, match="install headstart again"):
        where("mnist-mini")


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(DataError) as caught:
        where("fashion_mnist")
    text = str(caught.value)
    assert text.startswith("data set 'fashion_mnist' is not known.")
    assert (
        "Known: cifar10, fashion-mini, fashion-mnist, hymenoptera, mnist, mnist-mini, signs-mini."
        in text
    )
    assert "'./fashion_mnist'" in text
    assert "Did you mean 'fashion-mnist'?" in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("./mine", True),
        ("~/mine", True),
        ("a/b", True),
        (".", True),
        ("mine", False),
        ("a.npz", True),
    ],
)
def test_what_is_a_path(text: str, expected: bool) -> None:
    assert is_path(text) is expected


def test_a_folder_that_exists_is_a_path_but_a_known_name_stays_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("mine", "mnist"):
        (tmp_path / name).mkdir()
    assert is_path("mine")
    assert not is_path("mnist")


@pytest.mark.parametrize("suffix", ["", ".gz", ".xz"])
def test_a_path_is_taken_as_it_is(tmp_path: Path, suffix: str) -> None:
    folder = write_set(tmp_path / "mine", LABELS, LABELS, suffix=suffix)
    found = where(str(folder))
    assert found.path == folder
    assert found.known is None
    assert found.files["test"][1] == folder / f"t10k-labels-idx1-ubyte{suffix}"


def test_the_dotted_spelling_of_file_names(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "mine", LABELS, LABELS, suffix="")
    for path in folder.iterdir():
        path.rename(folder / path.name.replace("-idx", ".idx"))
    assert where(str(folder)).files["train"][0].name == "train-images.idx3-ubyte"


def test_a_path_with_nothing_behind_it(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        where(str(tmp_path / "nowhere"))
    text = str(caught.value)
    assert f"{tmp_path}/nowhere: no such folder." in text
    assert "A relative path is from the folder of the study file" in text
    assert "Check the path" in text
    (tmp_path / "no-where").mkdir()
    with pytest.raises(DataError, match="Did you mean 'no-where'"):
        where(str(tmp_path / "nowhere"))


def test_a_folder_of_something_else_is_described(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(DataError, match="holds none of the files looked for, but nothing"):
        where(str(tmp_path / "mine"))
    for name in ("meta", "test", "train", "x10.npy", "x9.npy", ".hidden"):
        (tmp_path / "mine" / name).write_bytes(b"")
    with pytest.raises(DataError, match="looked for, but meta, test, train and 2 more") as caught:
        where(str(tmp_path / "mine"))
    assert "Arrays of another kind go into an .npz: np.savez(" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("emnist-letters-test-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte.gz"),
        ("emnist-letters-train-labels-idx1-ubyte", "train-labels-idx1-ubyte"),
    ],
)
def test_idx_files_under_other_names_are_to_be_renamed(
    tmp_path: Path, name: str, right: str
) -> None:
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(DataError, match=f"{name}; rename {name} to {right}, and so on"):
        where(str(tmp_path))


def test_a_path_with_one_part_only(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "mine", LABELS, LABELS)
    for path in folder.glob("t10k-*"):
        path.unlink()
    expected = "has no t10k-images-idx3-ubyte, no t10k-labels-idx1-ubyte"
    with pytest.raises(DataError, match=expected):
        in_folder("mine", folder)


def test_a_set_that_can_be_neither_shipped_nor_fetched_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HEADSTART_CACHE", str(tmp_path))
    monkeypatch.delenv("HEADSTART_DATA", raising=False)
    with pytest.raises(DataError) as caught:
        where("hymenoptera")
    last = str(caught.value).splitlines()[-1]
    assert last.startswith("  - put the zip of PyTorch's tutorial")
    assert last.endswith(str(tmp_path / "data" / "hymenoptera"))


@pytest.mark.skipif(os.name == "nt", reason="backslashes separate folders there")
def test_a_path_that_was_written_on_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(("mine/photos", "mine\\photos")):  # the latter is one name
        write_folder(tmp_path / name, pictures("cat", "dog", first=100 * number))
        assert where("mine\\photos").path == tmp_path / name
        assert where(".\\mine\\photos").path == tmp_path / "mine" / "photos"
    with pytest.raises(DataError, match="is a path on a drive of Windows, which this system"):
        where("C:\\Users\\me\\photos")
    with pytest.raises(DataError, match=r"data set 'D:\\x0aew\\x09est' has characters") as caught:
        where("D:\new\test")
    assert "a backslash in double quotes begins an escape" in str(caught.value)


def test_a_path_is_utf_8_whatever_the_locale_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_folder(tmp_path / "größer", pictures("kočka", "犬"))
    found = subprocess.run(
        [sys.executable, "-c", IN_ASCII, str(folder)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
        | {"PYTHONPATH": ":".join(filter(None, sys.path))},
        check=True,
    )
    assert found.stdout.split() == [facts_of(DataRef(dataset=str(folder))).content, "ko\\u010dka"]


IN_ASCII = """
import os, sys
from headstart.data.datasets import facts_of
from headstart.study.tasks import DataRef
path = os.fsencode(sys.argv[1]).decode("utf-8")
facts = facts_of(DataRef(dataset=path))
print(facts.content, ascii(facts.classes[0])[1:-1])
"""
