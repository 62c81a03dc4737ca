"""Is a pretrained network on photos faster than what a user would write, and near the limit?

The photos are those of PyTorch's transfer-learning tutorial (ants and bees) where HEADSTART_DATA
holds them, else made-up ones of the same number. Every side gets the same photos, weights, updates
and float32, in a fresh process that decodes the photos itself. Times are those of processes from
start to end.
"""

import os
from pathlib import Path
from zipfile import ZipFile

from benchmarks.data import make_photos
from benchmarks.measure import Bench, Side
from benchmarks.results import Figure, ratio

ZIP = Path("hymenoptera") / "hymenoptera.zip"
TUTORIAL, PLAIN = "PyTorch's tutorial", "PyTorch, plain loop"
LIMIT = "forward pass alone"
SIZES = (128, 224)  # rows and columns of photos in extraction of features


def ask(bench: Bench) -> list[Figure]:
    """Ratios of times, the share of the forward rate, and seconds of a second run."""
    folder = photos(bench.folder / "photos")
    return [
        *_probes(bench, folder),
        *_fine_tuning(bench, folder),
        *_keras(bench, folder),
        *_features(bench),
        *(_default(bench, folder) if bench.full else ()),
    ]


def photos(folder: Path) -> Path:
    """A folder with the parts `train` and `val`, each with one folder a class."""
    found = Path(os.environ.get("HEADSTART_DATA", "")) / ZIP
    if folder.is_dir():
        return folder
    if found.is_file():
        ZipFile(found).extractall(folder)
    else:
        make_photos(folder, ("ants", "bees"), {"train": 122, "val": 76})
    return folder


def _probes(bench: Bench, folder: Path) -> list[Figure]:
    """The tutorial's fixed feature extractor against one probe, and against a study of probes."""
    sides = [
        Side(name=TUTORIAL, module="photos_torch_side", arguments=("tutorial", str(folder))),
        _headstart("probe arm", folder),
        _headstart("probe study", folder),
    ]
    found = bench.compare("photos", "probes, 224 x 224", sides, bench.rounds(1))
    if (TUTORIAL, "process") not in found:
        return []
    theirs = found[TUTORIAL, "process"]
    again = found["headstart, probe study", "again"]
    return [
        ratio(f"{TUTORIAL} / {name}", theirs, found[name, "process"], target)
        for name, target in (("headstart, probe arm", 15.0), ("headstart, probe study", 5.0))
    ] + [Figure(name="second run", values=again.values, unit="s", target=2.0, at_most=True)]


def _fine_tuning(bench: Bench, folder: Path) -> list[Figure]:
    """A plain loop against the full arm, for one training and for one on each of two workers."""
    figures = []
    for seeds, target in (("1", None), ("2", 1.5)):
        sides = [
            Side(name=PLAIN, module="photos_torch_side", arguments=("full", str(folder), seeds)),
            _headstart("full arm", folder, seeds),
        ]
        subject = f"fine-tuning, 96 x 96, trainings: {seeds}"
        found = bench.compare("photos", subject, sides, bench.rounds(2))
        if (PLAIN, "process") in found:
            ours = found["headstart, full arm", "process"]
            figures.append(ratio(f"{subject}: {PLAIN}", found[PLAIN, "process"], ours, target))
            each = found[PLAIN, "update"], found["headstart, full arm", "update"]
            figures.append(ratio(f"{subject}: {PLAIN}, seconds of an update", *each))
    return figures


def _keras(bench: Bench, folder: Path) -> list[Figure]:
    """Keras' own fit of a .keras file against the full arm."""
    file = bench.folder / "mobilenet.keras"
    names = {
        "Keras, PyTorch": ("torch", "keras"),
        "Keras, TensorFlow": ("tensorflow", "tensorflow_cpu"),
    }
    sides = [
        Side(
            name=name,
            module="photos_keras_side",
            arguments=(str(folder), str(file)),
            environment={"KERAS_BACKEND": backend},
            needs=needs,
        )
        for name, (backend, needs) in names.items()
    ]
    if not bench.present(sides):  # the first of them writes the file
        return []
    sides.append(_headstart("keras arm", folder, str(file)))
    found = bench.compare("photos", "fine-tuning of a .keras file, 96 x 96", sides, bench.rounds(2))
    ours = found["headstart, keras arm", "process"]
    return [
        ratio(f"{name} / headstart", found[name, "process"], ours, 1.5)
        for name in names
        if (name, "process") in found
    ]


def _features(bench: Bench) -> list[Figure]:
    """Images a second through the trunk, as a share of the network's forward rate."""
    figures = []
    for size in SIZES:
        sides = [
            Side(name=name, module="photos_rate_side", arguments=(name.split(",")[0], str(size)))
            for name in (LIMIT, "headstart, features")
        ]
        found = bench.compare("photos", f"features, {size} x {size}", sides, bench.rounds(3))
        if (LIMIT, "images") in found:
            ours, limit = found["headstart, features", "images"], found[LIMIT, "images"]
            name = f"features of {size} x {size}: share of the forward rate"
            figures.append(ratio(name, ours, limit, 0.85))
    return figures


def _default(bench: Bench, folder: Path) -> list[Figure]:
    """A default study of photos, all arms."""
    sides = [_headstart("default study", folder)]
    found = bench.compare("photos", "default study, 128 x 128", sides, bench.rounds(1))
    minutes = tuple(value / 60 for value in found[sides[0].name, "process"].values)
    return [Figure(name="default study", values=minutes, unit="min", target=15.0, at_most=True)]


def _headstart(what: str, folder: Path, *more: str) -> Side:
    arguments = (what, str(folder), *more)
    return Side(name=f"headstart, {what}", module="photos_headstart_side", arguments=arguments)
