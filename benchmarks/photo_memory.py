"""What does a folder of photos cost: decoding it once, a small study, and the workers' memory?"""

from benchmarks.measure import Bench, Side
from benchmarks.recipes import memory
from benchmarks.results import Figure

SIDES = (128, 224)  # rows and columns that the photos are decoded to


def ask(bench: Bench) -> list[Figure]:
    """Seconds and gigabytes of headstart alone; no notebook is at hand to be set beside it."""
    figures = []
    for side in SIDES:
        given = (str(side), str(bench.folder / "made-up-photos"))
        ours = Side(name="headstart", module="photo_memory_side", arguments=given)
        found = bench.compare("photo-memory", f"{side} x {side}", [ours], bench.rounds(2))
        name = f"photos of {side} x {side}"
        for quantity in ("decoding", "study"):
            values = found["headstart", quantity].values
            figures.append(Figure(name=f"{name}: {quantity}", values=values, unit="s"))
        figures.append(memory(name, found["headstart", "worker_bytes"], 1.0))
    return figures
