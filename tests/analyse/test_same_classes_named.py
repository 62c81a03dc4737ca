"""A source with the target's classes on other images is said to be more data, not another task."""

from pathlib import Path
from typing import Any

import pytest

from headstart.analyse.analysis import Analysis
from headstart.execute.options import RunOptions
from headstart.flow import run
from studies import tiny

FIRST = {"dataset": "mnist-mini", "split": {"take": [0, 0.5], "validation": 100}}
SECOND = {"dataset": "mnist-mini", "split": {"take": [0.5, 1], "validation": 100}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("classes") / "store"


def analysed(folder: Path, target: dict[str, Any], **source: Any) -> Analysis:
    loaded = tiny(
        tasks={"source": {**FIRST, **source}, "target": {**SECOND, **target}},
        arms=["scratch", "full"],
        sizes=[20],
        seeds=1,
    )
    options = RunOptions(store=folder, workers=1, device="cpu")
    return run(loaded, options, listen=lambda *_: None).analysis


def failed(analysis: Analysis) -> dict[str, str]:
    return {gate.id: gate.message for gate in analysis.gates if not gate.passed}


MORE_DATA = (
    "The source 'source' has images of all classes of 'target': this is the worth of more data of "
    "the same classes, not of another task."
)


def test_all_classes_in_common_are_named_in_a_caveat_and_in_the_headline(folder: Path) -> None:
    analysis = analysed(folder, {"classes": [0, 1, 2]})
    said = failed(analysis)
    assert said["CHK-01-classes"] == (
        "source 'source' has images of all 3 classes of target 'target' (0, 1, 2): what is "
        "measured is the worth of more data of the same classes, not of another task."
    )
    assert analysis.headline.endswith(MORE_DATA)
    # What passes no longer says that these are different tasks.
    titles = {gate.id: gate.title for gate in analysis.gates if gate.passed}
    assert titles["CHK-01"] == "Source and target are not the same data"


def test_a_relabelling_of_other_images_is_named_too(folder: Path) -> None:
    parity = {"odd": [1, 3, 5, 7, 9], "even": [0, 2, 4, 6, 8]}
    analysis = analysed(folder, {"classes": parity})
    assert (
        "all 2 classes of target 'target' (odd, even), under other labels"
        in (failed(analysis)["CHK-01-classes"])
    )
    assert analysis.headline.endswith(MORE_DATA)


def test_some_classes_in_common_are_a_caveat_alone(folder: Path) -> None:
    analysis = analysed(folder, {"classes": [3, 4, 5]}, classes=[5, 6, 7])
    assert failed(analysis)["CHK-01-classes"].startswith(
        "source 'source' has images of 1 of the 3 classes of target 'target' (5): for these what"
    )
    assert "same classes" not in analysis.headline


def test_what_is_withheld_for_its_images_is_not_said_twice(folder: Path) -> None:
    same = {"classes": [0, 1, 2], "split": SECOND["split"]}
    analysis = analysed(folder, same, **same)
    said = failed(analysis)
    assert "CHK-01" in said
    assert "CHK-01-classes" not in said
    (passed,) = (gate.message for gate in analysis.gates if gate.id == "CHK-01-classes")
    assert passed.endswith("but for pairs that CHK-01 or CHK-02 names.")
    assert "same classes" not in analysis.headline
