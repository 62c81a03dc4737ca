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
        self._ending: dict[tuple[str, str], list[str]] = defaultdict(list)
        for place in () if file.zipped else file.arrays:
            *groups, weight = place.split("/")
            # Keras 2 names the first tensor of a variable, kernel:0.
            self._ending[groups[0], weight.split(":", 1)[0]].append(place)

    def find(self, layer: Layer, number: int, names: Sequence[str]) -> str | None:
        """Place of weight `number` of a layer, known by any of `names`; None if it is not there."""
        if self._file.zipped:
            place = f"{layer.store}/vars/{number}"
            return place if place in self._file.arrays else None
        top = layer.path[0].split("/", 1)[0]
        found = [
            place
            for name in names
            for place in self._ending[top, name]
            if place.startswith(f"{layer.path[0]}/")
        ]
        for depth in range(len(layer.path)):
            tail = f"/{'/'.join(layer.path[depth:])}/"
            named = [place for place in found if f"/{place.rsplit('/', 1)[0]}/".endswith(tail)]
            if len(named) == 1:
                return named[0]
            if named:
                raise layer.refuse(f"has weights in several places: {', '.join(named)}")
        # TensorFlow may have numbered the names of variables where a layer's own name was taken.
        return found[0] if len(layer.path) == 1 and len(found) == 1 else None
