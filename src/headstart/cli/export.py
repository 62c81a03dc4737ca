"""`headstart export`: a trained model of a study as a file for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from headstart.cli import arguments

File = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="Its ending says the form: .onnx .safetensors .pt2 .keras"),
]
Int8 = Annotated[
    bool,
    typer.Option("--int8", help="ONNX in 8 bits; refused where it costs too much accuracy."),
]


@arguments.with_groups
def export(
    study: arguments.StoredStudy,
    file: File,
    *,
    choice: arguments.ModelChoice,
    store: arguments.StoreFolder = arguments.DEFAULT_STORE,
    int8: Int8 = False,
) -> None:
    """Export a trained model with its model card, checked on images of the study."""
    from headstart import flow
    from headstart.model import sentences
    from headstart.model.export.export import export_model
    from headstart.model.licence import checkpoint_sentences

    opened = flow.open_model(store, study, choice.wanted)
    done = export_model(opened, file, int8=int8)
    print("\n".join(sentences.introduction(opened.model.origin, opened.why)))
    print("\n".join((*checkpoint_sentences(opened), *done.notes)))
    first, *others = done.files
    print(f"Written: {first} ({first.stat().st_size / 1e6:.2g} MB)")
    for path in others:
        print(f"Written: {path}")
