"""Studies on the arrays of an .npz: floats reach the network as they are, and what needs bytes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headstart.core.errors import ExportError, SpecError
from headstart.execute.options import RunOptions
from headstart.flow import Wanted, load_model, open_model, run, with_facts
from headstart.model.export.export import export_model
from headstart.model.predictor import Predictor
from headstart.plan.expand import make_plan
from headstart.store.store import Store
from headstart.study.study import StudySpec

DRAW = np.random.default_rng(11)
LABELS = np.arange(40) % 2
FLOATS = (DRAW.normal(size=(40, 6, 6)) + 3 * LABELS[:, np.newaxis, np.newaxis]).astype(np.float32)


def arrays_in(folder: Path, pixels: np.ndarray, num_test: int = 10) -> str:
    """A set of two classes, the last images of which are the test part."""
    path = folder / f"{pixels.dtype}-{num_test}.npz"
    first = len(pixels) - num_test
    test: dict[str, Any] = {"x_test": pixels[first:], "y_test": LABELS[first:]} if num_test else {}
    np.savez(path, x_train=pixels[:first], y_train=LABELS[:first], **test)
    return str(path)


def study(dataset: str, source: str | None = None, **given: Any) -> StudySpec:
    """Transfer between two tasks on arrays."""
    training = {"updates": 12, "batch_size": 8, "validations": 2, **given.pop("training", {})}
    return StudySpec(
        name="arrays",
        tasks={
            "source": {"dataset": source or dataset, "split": {"validation": 6}},
            "target": {"dataset": dataset, "split": {"validation": 6}} | given,
        },
        network="mlp-small",
        training=training,
        arms=["scratch", "full"],
        seeds=2,
        margin=1,
    )


def test_floats_are_what_the_network_is_given(tmp_path: Path) -> None:
    loaded = with_facts(study(arrays_in(tmp_path, FLOATS)))
    done = run(loaded, RunOptions(store=tmp_path / "store", workers=1), listen=lambda *_: None)
    assert done.tally.failed == ()
    train = [
        key
        for key, step in make_plan(loaded.study, loaded.facts).steps.items()
        if step.kind == "train"
    ]
    with Store(tmp_path / "store") as store:
        seen = [row.result["inputs"] for row in store.rows(train).values()]
    assert len(seen) == len(train) == 6
    for inputs in seen:
        assert FLOATS.min() <= inputs["min"] < -1
        assert 4 < inputs["max"] <= FLOATS.max()


def test_a_model_of_floats_predicts_floats_and_is_exported_whole(tmp_path: Path) -> None:
    loaded = with_facts(study(arrays_in(tmp_path, FLOATS)))
    run(loaded, RunOptions(store=tmp_path / "store", workers=1), listen=lambda *_: None)
    opened = open_model(tmp_path / "store", "arrays", Wanted(arm="full"))
    with pytest.raises(ExportError, match="trained on images of float32"):
        export_model(opened, tmp_path / "model.onnx")
    export_model(opened, tmp_path / "model.safetensors")
    answers = load_model(str(tmp_path / "model.safetensors")).probabilities(FLOATS[30:, ..., None])
    expected = Predictor(opened.model).probabilities(opened.images.test().pixels)
    np.testing.assert_array_equal(answers, expected)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"alter": ["inverted_images"]}, r"tasks\.target\.alter: 'inverted_images' inverts bytes"),
        ({"training": {"augment": ["flip"]}}, r"training\.augment: changes bytes, but the images"),
    ],
)
def test_what_needs_bytes_is_refused_of_floats(
    tmp_path: Path, given: dict[str, Any], text: str
) -> None:
    with pytest.raises(SpecError, match=text):
        with_facts(study(arrays_in(tmp_path, FLOATS), **given))


def test_bytes_and_floats_do_not_make_a_pair(tmp_path: Path) -> None:
    source = arrays_in(tmp_path, (FLOATS * 9).clip(0, 255).astype(np.uint8))
    with pytest.raises(SpecError, match=r"pairs\[0\]: the images of one task are bytes"):
        with_facts(study(arrays_in(tmp_path, FLOATS), source))


def test_a_set_without_test_images_needs_a_share_cut_off(tmp_path: Path) -> None:
    dataset = arrays_in(tmp_path, FLOATS, num_test=0)
    with pytest.raises(SpecError) as caught:
        with_facts(study(dataset))
    text = f"tasks.target.split.test: '{dataset}' has no test images.\n"
    assert text in str(caught.value)
    assert "Cut a share off the training images: `split = { test = 0.2 }`" in str(caught.value)
    cut = {"validation": 6, "test": 0.2}
    with_facts(study(dataset, arrays_in(tmp_path, FLOATS), split=cut))
