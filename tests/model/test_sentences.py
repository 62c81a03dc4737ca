"""How good a model is and how far to trust it, in words."""

import pytest

from headstart.analyse.model_quality import ModelQuality
from headstart.model.sentences import accuracy_sentence, calibration_sentence


def quality(confidence: float | None, ece: float | None) -> ModelQuality:
    return ModelQuality(
        num_images=153, accuracy=0.863, low=0.799, high=0.908, confidence=confidence, ece=ece
    )


@pytest.mark.parametrize(
    ("confidence", "ece", "begins"),
    [
        (0.87, 0.012, "Its probabilities can be taken as they are: expected calibration error 1.2"),
        (
            0.57,
            0.289,
            "Its probabilities are too cautious: on the mean it gives its answer 57 % and is right "
            "on 86 % (expected calibration error 28.9 points on the test images). Use their order;",
        ),
        (0.99, 0.13, "Its probabilities are too sure: on the mean it gives its answer 99 % and is"),
        (0.87, 0.09, "Its probabilities are too high for some images and too low for others (exp"),
        (None, None, "Calibration is not known: take the probabilities as scores."),
    ],
)
def test_calibration_in_words(confidence: float | None, ece: float | None, begins: str) -> None:
    assert calibration_sentence(quality(confidence, ece)).startswith(begins)


def test_accuracy_in_words() -> None:
    assert accuracy_sentence(quality(0.9, 0.01)) == (
        "Accuracy on 153 test images: 86.3 % [79.9, 90.8] (95 % interval over test images)."
    )
    assert accuracy_sentence(None) == (
        "It was not tested: nothing is known of its accuracy on new images."
    )
