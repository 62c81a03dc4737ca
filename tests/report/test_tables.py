"""Every table of an analysis as CSV: all of it, at full precision, and nothing made up."""

import csv
from dataclasses import fields, replace
from pathlib import Path

import pytest
from analyses import FAMILIES, FIGURES, analysis
from benefits import with_benefits

from headstart.analyse.analysis import Analysis, Benefit
from headstart.report.csv_tables import tables, write_tables

TABLES = {
    "ambiguous_images", "arm_notes",
    "arms", "attribution_notes", "attributions", "class_gains", "comparisons", "copies",
    "confusion_rows", "confusions", "copy_examples", "curves", "forgetting", "gates",
    "given_copies", "image_mistakes", "leaks", "left_out", "mistakes", "picks", "published",
    "sources", "tasks", "tuning", "worth",
}  # fmt: skip
FULL = with_benefits(analysis(swept=FAMILIES, published=FIGURES))


def read(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_table_is_a_file_also_where_it_is_empty(tmp_path: Path) -> None:
    for given in (FULL, analysis(arms=[], pairs=[])):
        write_tables(given, tmp_path)
        assert {path.stem for path in tmp_path.iterdir()} == TABLES
        assert len(read(tmp_path, "worth")) == len(given.worth)
    header = (tmp_path / "worth.csv").read_text(encoding="utf-8").splitlines()
    assert len(header) == 1
    assert header[0].startswith("arm,control,size,num_images,source,target,seeds,labels,labels_low")


def test_numbers_come_back_as_they_were(tmp_path: Path) -> None:
    write_tables(FULL, tmp_path)
    for row, comparison in zip(read(tmp_path, "comparisons"), FULL.comparisons, strict=True):
        assert float(row["gain_pp"]) == comparison.gain_pp
        assert tuple(float(x) for x in row["gains_pp"].split(";")) == comparison.gains_pp
        assert (row["arm"], row["verdict"], row["why"]) == (
            comparison.arm,
            comparison.verdict,
            comparison.why,
        )
    for line, worth in zip(read(tmp_path, "worth"), FULL.worth, strict=True):
        low = None if line["labels_low"] == "" else float(line["labels_low"])
        assert low == worth.labels.low
        assert line["labels_why"] == worth.labels.why
    assert [row["passed"] for row in read(tmp_path, "gates")] == [
        str(gate.passed).lower() for gate in FULL.gates
    ]


def test_curves_are_a_row_a_measurement() -> None:
    columns, rows = tables(FULL)["curves"]
    assert columns[:6] == ["arm", "size", "num_images", "source", "target", "seed"]
    curves = [(r, c) for r in (*FULL.arms, *FULL.sources) for c in r.curves]
    assert len(rows) == sum(len(curve.updates) for _, curve in curves)
    first, curve = curves[0]
    assert rows[1] == {
        "arm": first.arm, "size": first.size, "num_images": str(first.num_images),
        "source": first.source, "target": first.target, "seed": str(curve.seed),
        "updates": str(curve.updates[1]), "train_loss": repr(curve.train_loss[1]),
        "validation_loss": repr(curve.validation_loss[1]),
        "validation_accuracy": repr(curve.validation_accuracy[1]),
        "train_accuracy": repr(curve.train_accuracy[1]), "checkpoint": str(curve.checkpoint),
    }  # fmt: skip


@pytest.mark.parametrize("given", [FULL, analysis(num_seeds=1), analysis(validated=False)])
def test_rows_have_exactly_the_columns_and_nothing_is_not_a_number(given: Analysis) -> None:
    for columns, rows in tables(given).values():
        assert len(set(columns)) == len(columns)
        for row in rows:
            assert list(row) == columns
            assert not {"nan", "None", "inf"} & set(row.values())


def test_no_field_of_a_record_is_left_out() -> None:
    columns, _ = tables(FULL)["worth"]
    for field in fields(Benefit):
        assert field.name in columns


def test_names_with_commas_and_quotes_come_back(tmp_path: Path) -> None:
    odd = replace(FULL.gates[0], message='one, "two"\nthree')
    write_tables(replace(FULL, gates=(odd,)), tmp_path)
    assert read(tmp_path, "gates")[0]["message"] == odd.message
