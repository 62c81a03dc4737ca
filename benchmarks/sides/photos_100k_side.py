"""One stage of headstart on a folder of many photos: its seconds, and the process's peak memory."""

import argparse
import resource
import shutil
import time
from pathlib import Path

from benchmarks.sides.clock import hand_over
from headstart.data.datasets import facts_of, open_part
from headstart.study.tasks import DataRef

BATCH = 128


def run(stage: str, folder: Path) -> None:
    """Do what the stage says."""
    data = DataRef(dataset=str(folder), size=(224, 224), colour="rgb", fit="crop")
    if stage == "facts, one added":
        first = next((folder / "class 00").iterdir())
        shutil.copyfile(first, folder / "class 00" / "added.jpg")
    if stage.startswith("facts"):
        facts_of(data)
        return
    parts = [open_part(data, part, limit=0) for part in ("train", "test")]
    if stage == "pass":
        total = sum(int(pixels[0, 0, 0, 0]) for part in parts for pixels in part.batches(BATCH))
        assert total > 0


def main() -> None:
    """Run a stage and hand over what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage")
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    started, cpu = time.perf_counter(), time.process_time()
    run(given.stage, given.folder)
    seconds, spent = time.perf_counter() - started, time.process_time() - cpu
    peak = sum(
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    hand_over(given.out, {"seconds": seconds, "cpu": spent, "bytes": peak * 1024.0})


if __name__ == "__main__":
    main()
