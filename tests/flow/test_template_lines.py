"""Lines that `headstart judge --template` prints run as they are, on small objects of the tools."""

import csv
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch

import headstart as hs
from headstart.flow.templates import Tool, template

LABELS = np.arange(12) % 3
FEATURES = np.random.default_rng(5).normal(size=(12, 4)).astype(np.float32)
LOGITS = torch.tensor(FEATURES[:, :3])
CLASSES = ("ant", "bee", "cat")
Case = tuple[Mapping[str, Any], list[Any], list[Any]]
"""Names that the lines use, and the labels and answers that they are to save."""


def sklearn() -> Case:
    linear_model = pytest.importorskip("sklearn.linear_model")
    estimator = linear_model.LogisticRegression().fit(FEATURES, LABELS)
    names = {"estimator": estimator, "x_test": FEATURES, "y_test": LABELS}
    return names, LABELS.tolist(), estimator.predict(FEATURES).tolist()


def keras() -> Case:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    library = pytest.importorskip("keras")
    model = library.Sequential(
        [library.layers.Input((4,)), library.layers.Dense(3, activation="softmax")]
    )
    names = {"model": model, "x_test": FEATURES, "y_test": LABELS[:, None]}
    return names, LABELS.tolist(), model.predict(FEATURES, verbose=0).argmax(1).tolist()


def hf() -> Case:
    """The output that a Trainer's `predict` returns; a Trainer itself needs accelerate."""
    outputs = pytest.importorskip("transformers.trainer_utils")

    class Trainer:
        def predict(self, dataset: torch.Tensor) -> Any:
            return outputs.PredictionOutput(
                predictions=dataset.numpy(), label_ids=LABELS, metrics={}
            )

    names = {"trainer": Trainer(), "test_dataset": LOGITS}
    return names, LABELS.tolist(), LOGITS.argmax(1).tolist()


def lightning() -> Case:
    """As documented: `predict` returns a list of what `predict_step` returns for each batch."""

    class Trainer:
        def predict(self, model: Any, loader: Any) -> list[torch.Tensor]:
            return [model(batch) for batch in loader]

    loader = (LOGITS[:5], LOGITS[5:])
    names = {
        "trainer": Trainer(), "model": torch.nn.Identity(), "test_loader": loader, "y_test": LABELS
    }  # fmt: skip
    return names, LABELS.tolist(), LOGITS.argmax(1).tolist()


def fastai() -> Case:
    """As documented: `get_preds` returns probabilities and labels as tensors."""

    class Learner:
        def get_preds(self, dl: Any) -> tuple[torch.Tensor, torch.Tensor]:
            return LOGITS.softmax(1), torch.tensor(LABELS)

    return {"learn": Learner(), "test_dl": None}, LABELS.tolist(), LOGITS.argmax(1).tolist()


def timm() -> Case:
    """The table that inference.py writes, beside the folders of the test images."""
    pytest.importorskip("pandas")
    for name in CLASSES:
        Path("test", name).mkdir(parents=True)
    answers = LOGITS.argmax(1).tolist()
    with Path("NAME-224.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["filename", "index", "prob"])
        for number, (label, answer) in enumerate(zip(LABELS, answers, strict=True)):
            writer.writerow([f"test/{CLASSES[label]}/{number}.jpg", answer, 0.5])
    return {}, [CLASSES[label] for label in LABELS], [CLASSES[answer] for answer in answers]


CASES: dict[Tool, Callable[[], Case]] = {
    "keras": keras, "lightning": lightning, "hf": hf, "sklearn": sklearn, "fastai": fastai,
    "timm": timm,
}  # fmt: skip


def test_every_template_has_a_case() -> None:
    assert set(CASES) == set(get_args(Tool))


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("tool", CASES)
def test_the_lines_save_what_the_tool_answers_and_judge_it(
    tool: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names, labels, answers = CASES[tool]()
    images = [f"test/{CLASSES[label]}/{number}.jpg" for number, label in enumerate(LABELS)]
    hs.Results("results.jsonl").add(
        arm="scratch", seed=0, labels=labels, answers=labels[::-1],
        images=images if tool == "timm" else None,
    )  # fmt: skip
    exec(template(tool), {**names, "seed": 0})
    first, run = hs.Results("results.jsonl").runs
    assert (run["arm"], run["seed"]) == ("frozen", 0)
    assert (run["labels"], run["answers"]) == (labels, answers)
    assert run.get("images") == first.get("images")
    assert "In these results" in capsys.readouterr().out
