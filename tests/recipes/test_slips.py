"""Slips of `docs/slips.md` are named by their checks, and their clean twins are not."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from slips import SLIPS, plain

from headstart.analyse.analysis import Analysis
from headstart.analyse.gates.registry import GATES
from headstart.data.catalogue import PARTS, STEMS
from headstart.data.datasets import open_part
from headstart.data.formats.idx import write_idx
from headstart.execute.options import RunOptions
from headstart.flow import Done, load, run
from headstart.plan.expand import make_plan
from headstart.store.store import Store
from headstart.study.tasks import DataRef
from study_files import write_study

PAGE = (Path(__file__).parents[2] / "docs" / "slips.md").read_text(encoding="utf-8")
INVISIBLE = "not visible to a program: "
ALWAYS = "CHK-09"  # the studies here have one learning rate each, clean twins included
INVALID = {gate.id for gate in GATES if gate.severity == "invalid"}


def told() -> dict[str, str]:
    """What the page says of each slip, by its number."""
    rows = re.findall(r"^\| (\d\.\d+) \| [^|]+ \| ([^|]+) \|$", PAGE, flags=re.MULTILINE)
    assert len(dict(rows)) == len(rows), "a slip stands in two rows"
    return dict(rows)


def named() -> list[tuple[str, str]]:
    """Every (slip, check) of the page."""
    return [
        (slip, check)
        for slip, cell in told().items()
        if not cell.startswith(INVISIBLE)
        for check in cell.split(", ")
    ]


def test_the_page_lists_every_slip_with_a_check_or_a_reason() -> None:
    numbers = {0: 13, 1: 12, 2: 12, 3: 10, 4: 14}
    assert list(told()) == [
        f"{book}.{n}" for book, last in numbers.items() for n in range(1, last + 1)
    ]
    for cell in told().values():
        assert re.fullmatch(rf"{INVISIBLE}.{{10,}}|CHK-\d\d[-a-z]*(, CHK-\d\d[-a-z]*)*", cell)
    assert {check for _, check in named()} <= {gate.id for gate in GATES}


def test_every_slip_with_a_check_is_planted_and_none_other() -> None:
    planted = {(slip, check) for case in SLIPS.values() for slip in case.ids for check in case.says}
    assert set(named()) <= planted
    assert {slip for slip, _ in planted} == {slip for slip, _ in named()}


Analyses = Callable[[str, str], Analysis]


@pytest.fixture(scope="module")
def analyses(tmp_path_factory: pytest.TempPathFactory) -> Analyses:
    """Runs a slip or its clean twin from a study file; all share one store."""
    folder = tmp_path_factory.mktemp("slips")
    known: dict[tuple[str, str], Analysis] = {}

    def analysed(name: str, twin: str) -> Analysis:
        if (name, twin) not in known:
            slip = SLIPS[name]
            table = plain(**(slip.slipped if twin == "slipped" else slip.clean))
            known[name, twin] = run_file(write_study(folder / "study.toml", table), folder).analysis
        return known[name, twin]

    return analysed


def run_file(path: Path, folder: Path) -> Done:
    options = RunOptions(store=folder / "store", workers=1, device="cpu")
    done = run(load(str(path)), options, listen=lambda *_: None)
    assert done.tally.failed == ()
    return done


@pytest.mark.parametrize(("slip", "check"), named())
def test_a_slip_is_named_by_its_check(slip: str, check: str, analyses: Analyses) -> None:
    (name,) = (n for n, case in SLIPS.items() if slip in case.ids and check in case.says)
    gates = {gate.id: gate for gate in analyses(name, "slipped").gates}
    assert not gates[check].passed
    assert says(gates[check].message, SLIPS[name].says[check])
    if check != ALWAYS:
        clean = {gate.id: gate for gate in analyses(name, "clean").gates}
        assert clean[check].passed, clean[check].message


def says(message: str, expected: str) -> bool:
    """Whether a message is the one expected; "..." at its end leaves the rest open."""
    if expected.endswith("..."):
        return message.startswith(expected.removesuffix("..."))
    return message == expected


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_withholds_the_verdicts_of_its_arms_and_no_others(
    name: str, analyses: Analyses
) -> None:
    slip, slipped, clean = SLIPS[name], analyses(name, "slipped"), analyses(name, "clean")
    fired = [gate.id for gate in slipped.gates if not gate.passed and gate.severity == "invalid"]
    assert fired == [check for check in slip.says if check in INVALID]
    for comparison in slipped.comparisons:
        withheld = comparison.arm in slip.arms
        assert (comparison.verdict == "invalid") == withheld
        if withheld:
            assert comparison.why.startswith(f"{fired[0]}: ")
    assert {c.arm for c in slipped.comparisons if c.verdict == "invalid"} == set(slip.arms)
    assert all(gate.passed for gate in clean.gates if gate.severity == "invalid")
    assert all(comparison.verdict != "invalid" for comparison in clean.comparisons)
    for check in fired:
        gate = next(gate for gate in slipped.gates if gate.id == check)
        assert f"Invalid: {gate.message}" in slipped.detail


def test_reading_the_digit_is_control_enough_for_parity_on_the_same_images(
    tmp_path: Path,
) -> None:
    """With the label map beside it, the relabelling is still told, the control no longer missed."""
    table = plain(**SLIPS["relabelling"].slipped)
    path = write_study(tmp_path / "study.toml", {**table, "arms": [*table["arms"], "label_map"]})
    gates = {gate.id: gate for gate in run_file(path, tmp_path).analysis.gates}
    assert not gates["CHK-02"].passed
    assert gates["CHK-21"].passed


NUM_LEAKED = 5


def test_leaked_test_images_are_told_and_left_out(tmp_path: Path) -> None:
    parts = {part: open_part(DataRef(dataset="mnist-mini"), part) for part in PARTS}
    folder = tmp_path / "leaking"
    of_target = np.flatnonzero(parts["train"].labels[:600] < 5)
    # The first 30 of the target's images validate; what comes after them trains.
    again = of_target[30 : 30 + NUM_LEAKED]
    for part in PARTS:
        pixels, labels = parts[part].pixels[:600, ..., 0], parts[part].labels[:600]
        if part == "test":
            pixels = np.concatenate([pixels, parts["train"].pixels[again, ..., 0]])
            labels = np.concatenate([labels, parts["train"].labels[again]])
        images, classes = STEMS[part]
        write_idx(folder / images, np.ascontiguousarray(pixels))
        write_idx(folder / classes, labels.astype(np.uint8))
    split = {"by": "head", "validation": 30}
    table = plain(
        tasks={
            "source": {"dataset": str(folder), "classes": [5, 6, 7, 8, 9], "split": split},
            "target": {"dataset": str(folder), "classes": [0, 1, 2, 3, 4], "split": split},
        }
    )
    path = write_study(tmp_path / "study.toml", table)
    analysis = run_file(path, tmp_path).analysis
    clean = int((parts["test"].labels[:600] < 5).sum())
    gate = next(gate for gate in analysis.gates if gate.id == "CHK-01-leaks")
    assert (gate.passed, gate.severity) == (False, "caveat")
    assert gate.message == (
        f"{NUM_LEAKED} of {clean + NUM_LEAKED} test images of 'target' are also training images "
        f"(0 of the source's, {NUM_LEAKED} of the target's): left out of all scores."
    )
    assert "invalid" not in {comparison.verdict for comparison in analysis.comparisons}
    # The images added come last among the test images: what is scored are those before them.
    loaded = load(str(path))
    plan = make_plan(loaded.study, loaded.facts)
    with Store(tmp_path / "store") as store:
        for trial, result in zip(plan.trials, analysis.arms, strict=True):
            arrays = store.arrays(trial.predict_key)
            right = arrays["labels"] == arrays["classes"]
            assert len(right) == clean + NUM_LEAKED
            assert result.mean == pytest.approx(right[:clean].mean())
