"""headstart on a folder of photos as a user runs it: `headstart run` into an empty store.

Nothing is cached before: photos are decoded, the network is inspected. `process` is the time from
start to end, with the report; `again` that of the same command on the finished study.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.sides.clock import hand_over
from benchmarks.sides.photos_torch_side import (
    EPOCHS,
    FULL_UPDATES,
    TUTORIAL_BATCH,
    TUTORIAL_UPDATES,
)

LITE0 = "timm:tf_efficientnet_lite0"
ARM = """
name = "photos"
control = "{arm}"
arms = {arms}
sizes = {sizes}
seeds = {seeds}
margin = 1.0
[sources.imagenet]
pretrained = "{network}"
[tasks.target]
dataset = "{folder}"
image = {{ size = [{side}, {side}] }}
[training]
updates = {updates}
batch_size = {batch}
validations = {validations}
"""
DEFAULT = """
name = "photos"
arms = ["scratch", "random_trunk", "probe", "converged_probe", "full", "probe_then_full"]
sizes = [20, 60, "all"]
seeds = 5
[sources.imagenet]
pretrained = "timm:tf_efficientnet_lite0"
[tasks.target]
dataset = "{folder}"
image = {{ size = [128, 128] }}
[training]
updates = 40
"""


def study(what: str, folder: Path, more: str) -> str:
    """The study file of a figure; `more` is the number of seeds, or a Keras file."""
    if what == "default study":
        return DEFAULT.format(folder=folder)
    probe = what.startswith("probe")
    whole = what == "probe study"
    return ARM.format(
        arm="probe" if probe else "full",
        arms=["probe", "converged_probe"] if whole else ["probe"] if probe else ["full"],
        sizes=[20, 60, "all"] if whole else ["all"],
        seeds=5 if whole else 1 if probe or what == "keras arm" else int(more),
        network=f"keras:{more}" if what == "keras arm" else LITE0,
        folder=folder,
        side=224 if probe else 96,
        updates=TUTORIAL_UPDATES if probe else FULL_UPDATES,
        batch=TUTORIAL_BATCH if probe else 32,
        validations=EPOCHS if probe else 6,
    ).replace("'", '"')


def main() -> None:
    """Run a study twice and hand over the seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what")
    parser.add_argument("folder", type=Path)
    parser.add_argument("more", nargs="?", default="1")
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headstart-bench-") as own:
        os.environ["HEADSTART_CACHE"] = str(Path(own) / "cache")
        file = Path(own) / "study.toml"
        file.write_text(study(given.what, given.folder, given.more), encoding="utf-8")
        store = Path(own) / "store"
        found = {"process": run(file, store), "again": run(file, store)}
        found |= trainings(file, store)
    hand_over(given.out, found)


def run(file: Path, store: Path) -> float:
    """Seconds of the command."""
    started = time.perf_counter()
    command = ["run", str(file), "--store", str(store), "--json"]
    subprocess.run(
        [sys.executable, "-m", "headstart", *command], check=True, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - started


def trainings(file: Path, store: Path) -> dict[str, float]:
    """Mean seconds of an update, validation not included."""
    from headstart.flow import load
    from headstart.flow.engine import plan_of
    from headstart.store.store import Store

    with Store(store) as opened:
        plan = plan_of(load(str(file)), opened)
        steps = [step for step in plan.steps.values() if step.kind == "train"]
        rows = opened.rows([step.key for step in steps])
    seconds = sum(row.result["seconds"] for row in rows.values())
    return {"update": seconds / sum(step.updates for step in steps)}


if __name__ == "__main__":
    main()
