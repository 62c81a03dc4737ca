"""Does a whole default study take about as long as one run of the notebook? Not with `--short`."""

from benchmarks.measure import Bench
from benchmarks.recipes import DATA, sides
from benchmarks.results import Figure, ratio

TARGET = 2.0
STUDIES = ("mnist-parity", "fashion-two-classes")


def ask(bench: Bench) -> list[Figure]:
    """Ratios of headstart's time for all arms, sizes and five seeds to Keras' for its few."""
    figures = []
    for recipe in STUDIES:
        if not bench.wants(recipe, DATA[recipe]):
            continue
        ours = sides(bench, f"{recipe}:study", 1.0)[0]
        theirs = sides(bench, recipe, 1.0)[1]
        found = bench.compare("studies", recipe, [ours, theirs], bench.rounds(1))
        if ("Keras, TensorFlow", "process") in found:
            name = f"{recipe}: default study / the notebook's one run in Keras"
            over, under = found["headstart", "process"], found["Keras, TensorFlow", "process"]
            figures.append(ratio(name, over, under, TARGET, at_most=True))
    return figures
