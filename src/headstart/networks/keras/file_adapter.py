"""What the two adapters of Keras files share: the file that names a network holds its weights."""

from pathlib import Path
from typing import Protocol

from headstart.networks.checkpoints.file_hash import file_hash
from headstart.networks.checkpoints.read import State
from headstart.networks.libraries.adapter import Adapter
from headstart.networks.weights import Weights


class KerasFileAdapter(Adapter, Protocol):
    """An adapter whose networks are named by the path of a `.keras` or `.h5` file."""

    def load(self, name: str) -> Weights:
        """The weights in a file by the names of tensors in `build(name, ...)`, head included."""

    def notes(self, name: str) -> tuple[str, ...]:
        """What was translated, changed and left out, or how the file is run, a sentence each."""

    def weights_file(self, name: str) -> Path | None:
        """The file itself."""
        return Path(name).expanduser().absolute()

    def state(self, file: Path) -> State:
        """Tensors of the file under the names of `build`."""
        return State(
            path=file,
            sha256=file_hash(file),
            tensors=self.load(str(file)),
            notes=self.notes(str(file)),
        )
