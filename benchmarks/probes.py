"""Is headstart's converged probe faster than scikit-learn's LogisticRegression?"""

from importlib.util import find_spec

from benchmarks.measure import Bench, Side
from benchmarks.results import Figure, ratio

TARGET = 5.0


def ask(bench: Bench) -> list[Figure]:
    """Ratio of the times of a path of 20 penalties on 10,000 x 512 features, 10 classes."""
    if not bench.wants("probes", ("mnist",)):
        return []
    folder = str(bench.folder / "data")
    names = ["scikit-learn"]
    if find_spec("headstart.train.logistic_path") is None:
        print("probes: headstart has no converged probe yet; scikit-learn alone")
    else:
        names.append("headstart")
    sides = [
        Side(name=name, module="probe_side", arguments=(name, folder), needs=name) for name in names
    ]
    found = bench.compare("probes", "path of 20 penalties", sides, bench.rounds(2))
    if ("headstart", "path") not in found or ("scikit-learn", "path") not in found:
        return []
    theirs, ours = found["scikit-learn", "path"], found["headstart", "path"]
    return [ratio("converged probe: LogisticRegression / headstart", theirs, ours, TARGET)]
