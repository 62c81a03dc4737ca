"""Steps on one folder of photos decoded in two ways get the images that they are keyed by."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from headstart.data.datasets import forget, open_part
from headstart.data.formats import image_files
from headstart.data.progress import listening
from headstart.execute.options import RunOptions
from headstart.execute.outcomes import StepOutcome
from headstart.execute.steps.inputs import training_images
from headstart.flow import Loaded, run, with_facts
from headstart.plan.expand import make_plan
from headstart.plan.steps import Step
from headstart.study.decoding import Fit
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


@pytest.fixture
def loaded(photos: Path) -> Loaded:
    """A study of two tasks on these photos, decoded in two ways."""
    ways = {
        "source": {"size": [12, 12], "fit": "stretch"},
        "target": {"size": [12, 12], "fit": "crop"},
    }
    classes = {"source": ["a", "b"], "target": ["c", "d"]}
    split = {"validation": 4}
    tasks = {
        task: {"dataset": str(photos), "classes": classes[task], "image": way, "split": split}
        for task, way in ways.items()
    }
    training = {"updates": 9, "batch_size": 4, "validations": 1, "optimiser": {"lr": 0.05}}
    given = {"name": "photos", "network": "mlp-small", "tasks": tasks, "training": training}
    return with_facts(StudySpec.model_validate(given | {"arms": ["scratch", "full"], "seeds": 1}))


def test_photos_are_decoded_before_the_first_step_and_never_again(
    loaded: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_files, "CHUNK", 1)
    happened: list[str] = []

    def started(step: Step, outcome: StepOutcome | None) -> None:
        happened.append(step.kind)

    for _ in range(2):
        forget()
        with listening(lambda work: happened.append(work.what)):
            run(loaded, RunOptions(store=tmp_path / "store", workers=1), listen=started)
    decodings = [at for at, what in enumerate(happened) if what == "decoding images"]
    assert len(decodings) >= 2
    assert max(decodings) < min(at for at, what in enumerate(happened) if what == "train")


def test_each_task_has_its_own_decoding(photos: Path, loaded: Loaded) -> None:
    plan = make_plan(loaded.study, loaded.facts)
    fits: dict[Fit, set[bytes]] = {"stretch": set(), "crop": set()}
    for fit, seen in fits.items():
        way = DataRef(dataset=str(photos), size=(12, 12), fit=fit)
        seen |= {image.tobytes() for image in open_part(way, "train").pixels}
    assert fits["stretch"].isdisjoint(fits["crop"])
    used = set()
    for step in plan.steps.values():
        if step.kind != "train":
            continue
        part = training_images(step.payload["data"], step.datasets)
        decoded = step.payload["data"]["decoding"].get("fit", "stretch")
        assert {image.tobytes() for image in part.train.pixels} <= fits[decoded]
        used.add((step.payload["role"], decoded))
    assert used == {("source", "stretch"), ("target", "crop")}
