"""Where the weights of a layer lie in a file."""

from collections import defaultdict
from collections.abc import Sequence

from headstart.networks.keras.files import KerasFile
from headstart.networks.keras.graph import Layer


class Places:
    """Index of a file's arrays by layer and name of the weight.

    `.keras` files number the weights of a layer; `.h5` files name them, below a group for each
    outermost layer and, in nested models, under names that depend on the version of Keras.
    """

    def __init__(self, file: KerasFile) -> None:
        self._file = file
        # By the outermost group and the last one.
        self._in_group: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._by_name: dict[tuple[str, str], list[str]] = defaultdict(list)
        for place in () if file.zipped else file.arrays:
            groups = place.split("/")[:-1]
            self._in_group[groups[0], groups[-1]].append(place)
            self._by_name[groups[0], _weight(place)].append(place)

    def find(self, layer: Layer, number: int, names: Sequence[str]) -> str | None:
        """Place of weight `number` of a layer, known by any of `names`; None if it is not there."""
        if self._file.zipped:
            place = f"{layer.store}/vars/{number}"
            return place if place in self._file.arrays else None
        top = layer.path[0].split("/", 1)[0]
        near = self._in_group[top, layer.name.rsplit("/", 1)[-1]]
        for depth in range(len(layer.path)):
            tail = f"/{'/'.join(layer.path[depth:])}"
            within = [place for place in near if f"/{_group(place)}".endswith(tail)]
            named = [place for place in within if _weight(place) in names]
            if not named and len(within) == 1 and number == 0:
                named = within  # a layer's only variable need not be named
            if len(named) == 1:
                return named[0]
            if named:
                raise layer.refuse(f"has weights in several places: {', '.join(named)}")
        # TensorFlow may have numbered the names of variables where a layer's own name was taken.
        found = [place for name in names for place in self._by_name[top, name]]
        inside = [place for place in found if place.startswith(f"{layer.path[0]}/")]
        return inside[0] if len(layer.path) == 1 and len(inside) == 1 else None


def _group(place: str) -> str:
    return place.rsplit("/", 1)[0]


def _weight(place: str) -> str:
    # Keras 2 names the first tensor of a variable, kernel:0.
    return place.rsplit("/", 1)[-1].split(":", 1)[0]
