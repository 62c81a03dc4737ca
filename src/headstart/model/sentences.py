"""Sentences about a trained model: which it is, how good it is, how far to trust it."""

from headstart.analyse.model_quality import ModelQuality
from headstart.analyse.text import percent, plural
from headstart.model.trained import Origin, TrainedModel
from headstart.study.decoding import BITS, PADDING, Fit

UNEQUAL = 0.01  # between accuracy and balanced accuracy, from which on both are said
SOUND = 0.05  # expected calibration error up to which probabilities are as good as frequencies


def introduction(origin: Origin, why: str) -> tuple[str, ...]:
    """What to know of a model before its predictions are read, a line each."""
    return (
        f"Model: {identity(origin)}.",
        f"Chosen: {why}.",
        accuracy_sentence(origin.test),
        calibration_sentence(origin.test),
    )


def identity(origin: Origin) -> str:
    """Which model it is: study, arm, data, seed."""
    return (
        f"{origin.arm} of study '{origin.study}' ({origin.source} to {origin.target}), "
        f"{plural(origin.num_images, 'training image')}, seed {origin.seed}"
    )


def accuracy_sentence(quality: ModelQuality | None) -> str:
    """Accuracy on the test images with its interval."""
    if quality is None:
        return "It was not tested: nothing is known of its accuracy on new images."
    sentence = (
        f"Accuracy on {quality.num_images:,} test images: {percent(quality.accuracy)} % "
        f"[{percent(quality.low)}, {percent(quality.high)}] (95 % interval over test images)."
    )
    if abs(quality.balanced - quality.accuracy) < UNEQUAL:
        return sentence
    return f"{sentence} Where all classes count alike it is {percent(quality.balanced)} %."


def calibration_sentence(quality: ModelQuality | None) -> str:
    """How far the probabilities can be trusted, by the test images."""
    if quality is None or quality.ece is None or quality.confidence is None:
        return "Calibration is not known: take the probabilities as scores."
    error = f"expected calibration error {percent(quality.ece)} points on the test images"
    if quality.ece <= SOUND:
        return f"Its probabilities can be taken as they are: {error}."
    says, right = percent(quality.confidence, 0), percent(quality.accuracy, 0)
    if abs(quality.confidence - quality.accuracy) < quality.ece / 2:
        found = "are too high for some images and too low for others"
    else:
        way = "cautious" if quality.confidence < quality.accuracy else "sure"
        found = f"are too {way}: on the mean it gives its answer {says} % and is right on {right} %"
    return f"Its probabilities {found} ({error}). Use their order; do not read them as frequencies."


def decoding_sentence(model: TrainedModel) -> str:
    """How an image file becomes the pixels that a model takes."""
    height, width, channels = model.pixels
    colour = "RGB" if channels == 3 else "grey"
    decoding = model.decoding
    target = f"{height} x {width}"
    fits: dict[Fit, str] = {
        "stretch": f"stretched to {target}",
        "crop": f"resized until it covers {target}{_divided(decoding.crop)}, and the centre of "
        f"{target} cut out",
        "pad": f"resized until it just fits into {target}, and the rest filled with grey of "
        f"{PADDING}, half of it on either side",
    }
    bits = (
        "" if decoding.bits == BITS else f", of 16-bit images the upper 8 of {decoding.bits} bits"
    )
    return (
        f"the image turned upright by its EXIF orientation, made {colour} of 8 bits (over white "
        f"where it is transparent{bits}), {fits[decoding.fit]} ({decoding.interpolation}, "
        "antialiased)."
    )


def _divided(crop: float) -> str:
    return "" if crop == 1 else f" divided by {crop:g}"
