"""Steps on one folder of photos decoded in two ways get the images that they are keyed by."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from headstart.data.datasets import open_part
from headstart.execute.steps.inputs import training_images
from headstart.flow import with_facts
from headstart.plan.expand import make_plan
from headstart.study.study import StudySpec
from headstart.study.tasks import DataRef


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Ten photos of each of four classes."""
    draw = np.random.default_rng(0)
    for label in "abcd":
        folder = tmp_path / "photos" / label
        folder.mkdir(parents=True)
        for number in range(10):
            pixels = draw.integers(0, 256, (20, 12 + number, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{number}.png")
    return tmp_path / "photos"


def test_each_task_has_its_own_decoding(photos: Path) -> None:
    ways = {"source": {"size": [12, 12]}, "target": {"size": [12, 12], "fit": "crop"}}
    classes = {"source": ["a", "b"], "target": ["c", "d"]}
    split = {"validation": 4}
    tasks = {
        task: {"dataset": str(photos), "classes": classes[task], "image": way, "split": split}
        for task, way in ways.items()
    }
    training = {"updates": 9, "batch_size": 4, "validations": 1, "optimiser": {"lr": 0.05}}
    given = {"name": "photos", "network": "mlp-small", "tasks": tasks, "training": training}
    study = StudySpec.model_validate(given | {"arms": ["scratch", "full"], "seeds": 1})
    loaded = with_facts(study)
    plan = make_plan(loaded.study, loaded.facts)
    fits: dict[str, set[bytes]] = {"stretch": set(), "crop": set()}
    for fit, seen in fits.items():
        way = DataRef(dataset=str(photos), size=(12, 12), fit="crop" if fit == "crop" else None)
        seen |= {image.tobytes() for image in open_part(way, "train").pixels}
    assert fits["stretch"].isdisjoint(fits["crop"])
    used = set()
    for step in plan.steps.values():
        if step.kind != "train":
            continue
        part = training_images(step.payload["data"], step.datasets)
        fit = step.payload["data"]["decoding"].get("fit", "stretch")
        assert {image.tobytes() for image in part.train.pixels} <= fits[fit]
        used.add((step.payload["role"], fit))
    assert used == {("source", "stretch"), ("target", "crop")}
