"""A worker divides a grouped task as it was planned: whole groups, and as many images."""

from pathlib import Path

import numpy as np
import pytest
from tiny_images import picture, write_folder

from headstart.execute.steps.inputs import test_images as images_tested
from headstart.execute.steps.inputs import training_images
from headstart.flow.check import checked
from headstart.plan.expand import make_plan
from studies import tiny_table


@pytest.mark.parametrize("key", range(4))
def test_groups_are_divided_as_planned(tmp_path: Path, key: int) -> None:
    drawn = np.random.default_rng(key)
    rows = [(f"{at}.png", "ab"[at % 2], str(drawn.integers(14))) for at in range(40)]
    write_folder(tmp_path / "photos", {name: picture(at) for at, (name, *_) in enumerate(rows)})
    lines = ["file,kind,patient", *map(",".join, rows)]
    (tmp_path / "photos" / "labels.csv").write_text("\n".join(lines), encoding="utf-8")
    target = {
        "dataset": str(tmp_path / "photos"),
        "split": {"validation": 0.2, "group": "patient"},
        "image": {"size": [28, 28], "colour": "grey"},
    }
    tasks = {"source": tiny_table()["tasks"]["source"], "target": target}
    loaded = checked(tiny_table(tasks=tasks, sizes=["all"], arms=["scratch"]), "a test")
    facts = loaded.facts.of(loaded.study.tasks["target"])
    steps = make_plan(loaded.study, loaded.facts).steps.values()
    training = next(s for s in steps if s.kind == "train" and "on target" in s.label)
    predict = next(s for s in steps if s.kind == "predict" and "on target" in s.label)
    part = training_images(training.payload["data"], training.datasets)
    tested = images_tested(predict.payload["data"], predict.datasets)
    assert facts.validation_counts is not None
    assert np.bincount(part.validation.labels, minlength=2).tolist() == [*facts.validation_counts]
    patient = {name: group for name, _, group in rows}
    sides = [{patient[str(name)] for name in _names(of)} for of in (part.train, part.validation)]
    sides.append({patient[str(name)] for name in _names(tested)})
    assert sum(map(len, sides)) == len(set.union(*sides))


def _names(images: object) -> list[str]:
    names = getattr(images, "names", None)
    assert names is not None
    return [str(name) for name in names]
