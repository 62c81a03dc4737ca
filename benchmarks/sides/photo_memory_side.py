"""headstart on a folder of photos, made up for this: scratch, full and probe with two seeds.

2,000 photos for training and 400 for testing, JPEGs of 640 x 480, half of them source and half
target. Decoding is timed by itself, into a separate cache; the study finds them decoded.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

from benchmarks.data import make_photos
from benchmarks.sides.clock import hand_over
from benchmarks.sides.headstart_side import seconds_of
from benchmarks.sides.memory import WorkerMemory
from headstart.flow import Loaded, with_facts
from headstart.study.study import StudySpec

CLASSES = {"source": ("cat", "dog"), "target": ("hen", "owl")}
NUM = {"train": 500, "test": 100}  # photos of a class


def study(folder: Path, side: int) -> Loaded:
    """The study with its facts, for which the photos are decoded."""
    image = {"size": [side, side], "colour": "rgb"}
    tasks = {
        task: {"dataset": str(folder), "classes": list(classes), "image": image}
        for task, classes in CLASSES.items()
    }
    training = {"updates": 40, "batch_size": 32, "validations": 2, "optimiser": {"lr": 0.05}}
    given = {"name": "photos", "network": "cnn-tiny", "tasks": tasks, "training": training}
    arms = ["scratch", "full", "probe"]
    return with_facts(StudySpec.model_validate(given | {"arms": arms, "seeds": 2}))


def main() -> None:
    """Decode, run, and hand over seconds and bytes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("side", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    if not given.folder.is_dir():
        make_photos(given.folder, [name for pair in CLASSES.values() for name in pair], NUM)
    with tempfile.TemporaryDirectory(prefix="headstart-bench-") as own:
        os.environ["HEADSTART_CACHE"] = str(Path(own) / "cache")
        started = time.perf_counter()
        loaded = study(given.folder, given.side)
        decoding = time.perf_counter() - started
        with WorkerMemory() as memory:
            times = seconds_of(loaded, Path(own) / "store")
    measured = {"decoding": decoding, "study": times.wall, "cpu": times.cpu}
    hand_over(given.out, measured | {"worker_bytes": memory.peak()})


if __name__ == "__main__":
    main()
