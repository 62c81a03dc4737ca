"""Are the recipes faster than what a user would write, and how big are the workers?"""

from benchmarks.measure import Bench, Side
from benchmarks.results import Figure, Sample, ratio

DATA = {
    "mnist-parity": ("mnist",),
    "fashion-two-classes": ("fashion-mnist",),
    "mnist-fashion": ("mnist", "fashion-mnist"),
    "mnist-halves": ("mnist",),
    "cifar-halves": ("cifar10",),
}
TARGETS = {
    "mnist-parity": 4.0,
    "fashion-two-classes": 4.0,
    "mnist-fashion": 3.0,
    "mnist-halves": 2.0,
    "cifar-halves": 2.0,
}
SHARES = {
    "mnist-parity": 0.1,
    "fashion-two-classes": 0.1,
    "mnist-fashion": 0.05,
    "mnist-halves": 0.1,
    "cifar-halves": 0.05,
}
"""Shares of the notebooks' epochs with `--short`: a few seconds to a side."""
GIGABYTE = 1e9


def ask(bench: Bench) -> list[Figure]:
    """Ratios of the time that other sides take to headstart's, and the memory of its workers."""
    figures = []
    for recipe, target in TARGETS.items():
        if not bench.wants(recipe, DATA[recipe]):
            continue
        share = bench.share_of(SHARES[recipe])
        found = bench.compare("recipes", recipe, sides(bench, recipe, share), bench.rounds(2))
        ours = found["headstart", "process" if bench.full else "training"]
        for side in ("Keras, TensorFlow", "Keras, JAX", "PyTorch, DataLoader"):
            if (side, "process") in found:
                theirs = found[side, "process"] if bench.full else _training(found, side)
                goal = target if side == "Keras, TensorFlow" else None
                figures.append(ratio(f"{recipe}: {side} / headstart", theirs, ours, goal))
                name = f"{recipe}: {side} / headstart, processor time"
                figures.append(ratio(name, found[side, "cpu"], found["headstart", "cpu"]))
        most = None if recipe == "cifar-halves" else 1.0
        figures.append(memory(recipe, found["headstart", "worker_bytes"], most))
    return figures


def sides(bench: Bench, what: str, share: float) -> list[Side]:
    """headstart, the notebook's own code on two backends, and a tutorial's PyTorch."""
    given = (what, str(share), str(bench.folder / "data"))
    return [
        Side(name="headstart", module="headstart_side", arguments=given),
        _keras("Keras, TensorFlow", "tensorflow", "tensorflow_cpu", given),
        _keras("Keras, JAX", "jax", "jax", given),
        Side(name="PyTorch, DataLoader", module="torch_side", arguments=given),
    ]


def _keras(name: str, backend: str, needs: str, given: tuple[str, ...]) -> Side:
    return Side(
        name=name,
        module="keras_side",
        arguments=given,
        environment={"KERAS_BACKEND": backend},
        needs=needs,
    )


def _training(found: dict[tuple[str, str], Sample], side: str) -> Sample:
    """The sum over a side's trainings, repeat by repeat."""
    parts = [
        s
        for (name, what), s in found.items()
        if name == side and s.unit == "s" and what not in ("process", "cpu")
    ]
    first = parts[0]
    return Sample(
        question=first.question,
        subject=first.subject,
        side=side,
        quantity="training",
        unit="s",
        values=tuple(sum(values) for values in zip(*(part.values for part in parts), strict=True)),
    )


def memory(subject: str, sample: Sample, most: float | None) -> Figure:
    """Gigabytes of the largest worker, and how many are allowed (None: only reported)."""
    return Figure(
        name=f"{subject}: anonymous memory of the largest worker",
        values=tuple(value / GIGABYTE for value in sample.values),
        target=most,
        at_most=True,
        unit="GB",
    )
