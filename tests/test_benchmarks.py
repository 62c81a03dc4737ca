"""The parts of benchmarks/ that need no other library: figures, their table, the CSV file."""

import csv
from pathlib import Path

import numpy as np
import pytest
from benchmarks.results import COLUMNS, Figure, Sample, Setting, ratio, table, write_csv
from benchmarks.sides.amount import Amount
from benchmarks.sides.clock import Clock
from benchmarks.sides.memory import WorkerMemory, field


def sample(side: str, *values: float) -> Sample:
    return Sample(
        question="recipes",
        subject="digits",
        side=side,
        quantity="training",
        unit="s",
        values=values,
    )


def test_a_ratio_pairs_the_sides_of_each_repeat() -> None:
    figure = ratio("speed", sample("theirs", 8.0, 9.0, 4.0), sample("ours", 2.0, 3.0, 4.0), 2.5)

    assert figure.values == (4.0, 3.0, 1.0)
    assert figure.met is True


def test_sides_repeated_unequally_have_no_ratio() -> None:
    with pytest.raises(ValueError, match="zip"):
        ratio("speed", sample("theirs", 8.0, 9.0), sample("ours", 2.0))


@pytest.mark.parametrize(
    ("target", "at_most", "met"),
    [
        (2.0, False, True),
        (4.0, False, False),
        (2.0, True, False),
        (4.0, True, True),
        (None, False, None),
    ],
)
def test_a_figure_meets_its_target_or_not(
    target: float | None, at_most: bool, met: bool | None
) -> None:
    assert Figure(name="x", values=(3.0,), target=target, at_most=at_most).met is met


def test_the_table_says_value_spread_target_and_whether_it_is_met() -> None:
    lines = table([Figure(name="speed", values=(3.0, 1.0, 2.0), target=4.0)]).splitlines()

    assert lines[-1] == "| speed | 2.00 x | 1.00 - 3.00 | 3 | at least 4 | no |"


def test_the_csv_file_holds_n_median_and_spread_with_the_machine(tmp_path: Path) -> None:
    setting = Setting(
        mode="short", data="mini", threads="2", machine="laptop", versions="python 3", date="today"
    )
    write_csv(tmp_path / "new" / "a.csv", [sample("ours", 2.0, 1.0, 6.0)], setting)

    with (tmp_path / "new" / "a.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert tuple(row) == COLUMNS
    assert (row["n"], row["median"], row["least"], row["most"]) == ("3", "2", "1", "6")
    assert row["machine"] == "laptop"


@pytest.mark.parametrize(
    ("share", "epochs", "rows"), [(1.0, 10, 60), (0.1, 1, 60), (0.05, 1, 30), (0.5, 5, 60)]
)
def test_a_share_is_whole_epochs_or_part_of_one(share: float, epochs: int, rows: int) -> None:
    amount = Amount(share)

    assert (amount.epochs(10), amount.rows(10, np.zeros(60))) == (epochs, rows)


def test_a_clock_adds_up_what_has_one_name() -> None:
    clock = Clock()
    with clock("a"):
        pass
    once = clock.seconds["a"]
    with clock("a"):
        pass

    assert clock.seconds["a"] > once > 0


def test_a_process_without_workers_has_no_workers_memory() -> None:
    with WorkerMemory() as memory:
        pass

    assert memory.peak() == 0
    assert field(Path("/proc/0/status"), "RssAnon") == 0
