"""What does computing frozen features once save, on the frozen arm alone?"""

from benchmarks.measure import Bench
from benchmarks.recipes import DATA, sides
from benchmarks.results import Figure, ratio

SHARES = {"mnist-parity": 1.0, "cifar-halves": 0.1}
"""With `--short`. The features cost the same however short the training, so parity runs in full."""
TARGET = 10.0


def ask(bench: Bench) -> list[Figure]:
    """Ratios of the time of the frozen arm, headstart's with its features."""
    figures = []
    for recipe, share in SHARES.items():
        if not bench.wants(recipe, DATA[recipe]):
            continue
        given = sides(bench, f"{recipe}:frozen", bench.share_of(share))
        found = bench.compare("frozen", recipe, given[:2], bench.rounds(2))
        if ("Keras, TensorFlow", "frozen") in found:
            theirs, ours = found["Keras, TensorFlow", "frozen"], found["headstart", "frozen"]
            name = f"{recipe}: frozen arm, Keras, TensorFlow / headstart"
            figures.append(ratio(name, theirs, ours, TARGET))
    return figures
