"""Keras' own fit of a .keras file (MobileNetV2) on a folder of photos, which it decodes once."""

import argparse
from pathlib import Path
from time import perf_counter

import numpy as np
from PIL import Image

from benchmarks.sides.clock import hand_over

SIDE, EPOCHS, BATCH = 96, 6, 32  # 42 updates with 219 photos
TRAIN = 219


def decoded(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Photos from -1 to 1, in a random order, and their classes."""
    classes = sorted(path.name for path in folder.iterdir())
    files = [(path, at) for at, name in enumerate(classes) for path in (folder / name).iterdir()]
    photos = [
        np.asarray(Image.open(path).convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR))
        for path, _ in files
    ]
    order = np.random.default_rng(0).permutation(len(files))
    labels = np.array([at for _, at in files])
    return np.stack(photos)[order].astype(np.float32) / 127.5 - 1, labels[order]


def main() -> None:
    """Make the file where there is none, fit, and hand over the seconds."""
    import keras

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("file", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    if not given.file.exists():
        made = keras.applications.MobileNetV2((SIDE, SIDE, 3), weights=None, classes=1000)
        made.save(given.file)
    x, y = decoded(given.folder / "train")
    test = decoded(given.folder / "val")
    model = keras.models.load_model(given.file, compile=False)
    outputs = keras.layers.Dense(2, activation="softmax")(model.layers[-2].output)
    model = keras.Model(model.input, outputs)
    model.compile(
        keras.optimizers.SGD(0.02, momentum=0.9),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    started = perf_counter()
    held_out = (x[TRAIN:], y[TRAIN:])
    model.fit(x[:TRAIN], y[:TRAIN], BATCH, EPOCHS, validation_data=held_out, verbose=0)
    update = (perf_counter() - started) / (EPOCHS * -(-TRAIN // BATCH))
    _, accuracy = model.evaluate(*test, verbose=0)
    hand_over(given.out, {"update": update, "accuracy": accuracy})


if __name__ == "__main__":
    main()
