"""How good a model is and how far to trust it, in words."""

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from headstart.analyse.model_quality import ModelQuality
from headstart.model.sentences import (
    accuracy_sentence,
    calibration_sentence,
    decoding_sentence,
)
from headstart.model.trained import TrainedModel
from headstart.study.decoding import Decoding


def quality(confidence: float | None, ece: float | None) -> ModelQuality:
    return ModelQuality(
        num_images=153,
        accuracy=0.863,
        balanced=0.86,
        low=0.799,
        high=0.908,
        confidence=confidence,
        ece=ece,
    )


def test_a_model_that_neglects_a_class_says_so() -> None:
    known = quality(0.87, 0.012)
    assert "all classes" not in accuracy_sentence(replace(known, balanced=known.accuracy))
    assert accuracy_sentence(replace(known, balanced=0.5)).endswith(
        " Where all classes count alike it is 50.0 %."
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


@pytest.mark.parametrize(
    ("decoding", "said"),
    [
        (Decoding(fit="stretch"), "stretched to 40 x 60 (bilinear, antialiased)."),
        (
            Decoding(fit="crop", crop=0.9, interpolation="bicubic"),
            "resized until it covers 40 x 60 divided by 0.9, and the centre of 40 x 60 cut out",
        ),
        (
            Decoding(fit="crop"),
            "resized until it covers 40 x 60, and the centre of 40 x 60 cut out (bilinear,",
        ),
        (
            Decoding(fit="pad"),
            "resized until it just fits into 40 x 60, and the rest filled with grey of 128, half",
        ),
        (
            Decoding(bits=12),
            "transparent, of 16-bit images the upper 8 of 12 bits), stretched to 40 x 60",
        ),
    ],
)
def test_decoding_in_words(decoding: Decoding, said: str) -> None:
    model = SimpleNamespace(pixels=(40, 60, 1), decoding=decoding)
    assert said in decoding_sentence(cast(TrainedModel, model))


def test_accuracy_in_words() -> None:
    assert accuracy_sentence(quality(0.9, 0.01)) == (
        "Accuracy on 153 test images: 86.3 % [79.9, 90.8] (95 % interval over test images)."
    )
    assert accuracy_sentence(None) == (
        "It was not tested: nothing is known of its accuracy on new images."
    )
