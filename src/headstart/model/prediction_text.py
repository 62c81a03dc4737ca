"""Predictions as lines of a table, as CSV, and as a JSON document."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict

from headstart.analyse.text import percent, printable, shorten
from headstart.core.hashing import Json
from headstart.model.predictor import ImagePrediction
from headstart.model.trained import TrainedModel

FILE_WIDTH = 60
CLASS_WIDTH = 24


def table_lines(
    predictions: Iterable[ImagePrediction], files: Sequence[str], classes: Sequence[str]
) -> Iterator[str]:
    """One line for each image as it comes: file, class, probability, runner-up.

    Args:
        predictions: of the files, in order.
        files: all of them, for the width of the first column.
        classes: of the model, for the width of the second.
    """
    wide = min(max(len(file) for file in ("image", *files)), FILE_WIDTH)
    across = min(max(len(name) for name in ("class", *classes)), CLASS_WIDTH)
    yield f"{'image':{wide}}  {'class':{across}}       %  runner-up, %"
    for prediction in predictions:
        file = shorten(printable(prediction.file), wide)
        if prediction.broken:
            yield f"{file:{wide}}  cannot be read: {printable(prediction.broken)}"
            continue
        (first, highest), *others = prediction.probabilities.items()
        name = shorten(printable(first), across)
        second = f"{printable(others[0][0])} {percent(others[0][1])}" if others else ""
        yield f"{file:{wide}}  {name:{across}}  {percent(highest):>6}  {second}"


def csv_lines(predictions: Iterable[ImagePrediction], classes: Sequence[str]) -> Iterator[str]:
    """CSV with the probabilities of all classes; of a broken image only why it is."""
    yield _csv_line(["file", "class", "probability", *(f"p({name})" for name in classes), "broken"])
    for prediction in predictions:
        found = prediction.probabilities
        highest = next(iter(found.values()), "")
        every = [found.get(name, "") for name in classes]
        yield _csv_line(
            [prediction.file, prediction.class_name, highest, *every, prediction.broken]
        )


def document(model: TrainedModel, why: str, predictions: Iterable[ImagePrediction]) -> Json:
    """Predictions with the model that made them, for JSON."""
    return {
        "model": {**asdict(model.origin), "why": why},
        "classes": list(model.classes),
        "predictions": [
            {"file": found.file, "broken": found.broken}
            if found.broken
            else {
                "file": found.file,
                "class": found.class_name,
                "probabilities": found.probabilities,
            }
            for found in predictions
        ],
    }


def _csv_line(cells: Sequence[object]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()
