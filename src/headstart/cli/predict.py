"""`headstart predict`: classes of new images by a trained model of a study."""

import json as json_text
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headstart.cli import arguments, completion

if TYPE_CHECKING:
    from headstart.model.predictor import ImagePrediction

Images = Annotated[
    list[Path],
    typer.Argument(metavar="IMAGE...", help="Image files, folders or archives of them."),
]
Model = Annotated[
    str,
    typer.Argument(
        metavar="STUDY",
        autocompletion=completion.stored_studies,
        help="A study in the store, or a model.safetensors that was exported.",
    ),
]
AsCsv = Annotated[
    bool, typer.Option("--csv", help="Print CSV with the probabilities of all classes.")
]


@arguments.with_groups
def predict(
    study: Model,
    images: Images,
    *,
    choice: arguments.ModelChoice,
    store: arguments.StoreFolder = arguments.DEFAULT_STORE,
    device: arguments.Device = "auto",
    json: arguments.AsJson = False,
    csv: AsCsv = False,
) -> None:
    """Predict the classes of images. Exit code 3: some images cannot be decoded."""
    from headstart import flow
    from headstart.cli.streams import print_json
    from headstart.core.errors import OutputError
    from headstart.model import prediction_text, sentences
    from headstart.model.image_files import image_groups
    from headstart.model.predictor import Predictor
    from headstart.report.terminal.messages import say

    if json and csv:
        raise OutputError("--json and --csv are two forms of one output: give one of them.")
    groups = image_groups(images)
    model, why = flow.find_model(store, study, choice.wanted)
    broken: list[str] = []

    def predictions() -> "Iterator[ImagePrediction]":
        for found in Predictor(model, device).predictions(groups):
            if found.broken:
                broken.append(f"{found.file}: {found.broken}")
            yield found

    if json:
        document = prediction_text.document(model, why, predictions())
        print_json(json_text.dumps(document, indent=2) + "\n")
    elif csv:
        for line in prediction_text.csv_lines(predictions(), model.classes):
            print(line)
    else:
        print("\n".join(sentences.introduction(model.origin, why)) + "\n")
        files = [title for group in groups for title in group.titles]
        for line in prediction_text.table_lines(predictions(), files, model.classes):
            print(line)
    say(broken)
    if broken:
        sys.exit(3)
