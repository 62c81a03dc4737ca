"""How much of the machine's own rate of matrix products does dense training reach?"""

from benchmarks.measure import Bench, Side
from benchmarks.recipes import DATA, SHARES
from benchmarks.results import Figure, ratio

TARGET = 0.5
DENSE = ("mnist-parity", "fashion-two-classes")


def ask(bench: Bench) -> list[Figure]:
    """Useful operations a second of a worker over the best rate for the same products."""
    figures = []
    for recipe in DENSE:
        if not bench.wants(recipe, DATA[recipe]):
            continue
        share = bench.share_of(SHARES[recipe])
        given = (recipe, str(share), str(bench.folder / "data"))
        sides = [
            Side(name="products alone", module="limit_side", arguments=(recipe,)),
            Side(name="headstart", module="headstart_side", arguments=given),
        ]
        found = bench.compare("limits", recipe, sides, bench.rounds(2))
        ours, limit = found["headstart", "rate"], found["products alone", "rate"]
        figures.append(ratio(f"{recipe}: share of the matrix-product rate", ours, limit, TARGET))
    return figures
