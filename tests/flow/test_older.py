"""Stores of an older version: photos identified by their pixels."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from headstart.core.errors import StoreError
from headstart.flow import Loaded, older_results, reopen, save_study, with_facts
from headstart.store.store import Store
from headstart.study.facts import facts_json
from headstart.study.study import StudySpec


@pytest.fixture
def loaded(tmp_path: Path) -> Loaded:
    """A study on a folder of twelve photos."""
    draw = np.random.default_rng(0)
    for label in "ab":
        folder = tmp_path / "photos" / label
        folder.mkdir(parents=True)
        for number in range(6):
            pixels = draw.integers(0, 256, (9, 9, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{number}.png")
    photos = {
        "dataset": str(tmp_path / "photos"),
        "image": {"size": [8, 8]},
        "split": {"validation": 4},
    }
    tasks = {"source": photos, "target": photos}
    training = {"updates": 4, "batch_size": 2, "validations": 1}
    given = {"name": "photos", "network": "mlp-small", "tasks": tasks, "training": training}
    return with_facts(StudySpec.model_validate(given | {"arms": ["scratch", "full"], "seeds": 1}))


def older(loaded: Loaded, folder: Path) -> None:
    """Save a study as older versions did: by the decoded size, without sizes of files."""
    ((origin, facts),) = facts_json(loaded.facts).items()
    name = f"{origin} at 8x8"
    kept = {key: value for key, value in facts.items() if key not in ("sizes", "modes")}
    with Store(folder) as store:
        spec = loaded.study.model_dump(mode="json")
        store.save_study("photos", spec, {name: kept | {"shape": [8, 8, 3], "name": name}}, "again")


def test_older_results_are_named_before_a_run_and_not_after(loaded: Loaded, tmp_path: Path) -> None:
    folder = tmp_path / "store"
    assert older_results(loaded, folder) == ()
    older(loaded, folder)
    (sentence,) = older_results(loaded, folder)
    assert "older version" in sentence
    assert str(tmp_path / "photos") in sentence
    with Store(folder) as store:
        save_study(store, loaded, "")
    assert older_results(loaded, folder) == ()


def test_an_older_study_is_not_reported_as_if_it_were_of_now(
    loaded: Loaded, tmp_path: Path
) -> None:
    older(loaded, tmp_path / "store")
    with Store(tmp_path / "store") as store:
        with pytest.raises(StoreError, match=r"run by an older version.*Run it again: again"):
            reopen(store, "photos")
        save_study(store, loaded, "")
        assert reopen(store, "photos").loaded == loaded


def test_photos_that_were_stretched_by_default_are_named(loaded: Loaded, tmp_path: Path) -> None:
    wide = Image.fromarray(np.zeros((9, 12, 3), np.uint8))
    wide.save(tmp_path / "photos" / "a" / "wide.png")
    mixed, folder = with_facts(loaded.study), tmp_path / "store"
    with Store(folder) as store:
        save_study(store, mixed, "")
        facts = facts_json(mixed.facts)
        ((origin, known),) = facts.items()
        kept = {key: value for key, value in known.items() if key not in ("proportions", "deep")}
        store.save_study("photos", mixed.study.model_dump(mode="json"), {origin: kept}, "")
    (sentence,) = older_results(mixed, folder)
    assert "stretched photos of other proportions; they are cropped now" in sentence
    assert 'image = { fit = "stretch" }' in sentence
    task = mixed.study.tasks["target"]
    image = task.image.model_copy(update={"fit": "stretch"})
    tasks = dict.fromkeys(("source", "target"), task.model_copy(update={"image": image}))
    said = with_facts(mixed.study.model_copy(update={"tasks": tasks}))
    assert older_results(said, folder) == ()
    with Store(folder) as store:
        save_study(store, mixed, "")
    assert older_results(mixed, folder) == ()
